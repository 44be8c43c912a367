//! Builds the view: everything in words, in the order of the report.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{
    DepositLine, Fact, IndicatorView, Paragraph, Party, Provenance, Received, ReceivedCell, ReceivedRow, RexAnswer, RexQuestion,
    RexSection, View, charts,
    french::{self, NBSP, typeset},
    scale::{Display, pooled_value, short},
    sentence,
};
use crate::{
    convention::{
        Convention,
        document::{Assignment, Dataset, Design, Document, Periodicity, Role},
    },
    evaluation::{
        result::{DepositRef, Evaluation, IndicatorResult, Verdict},
        rex::{self, Answers, QuestionKind, Questionnaire},
    },
    ids::{Period, Siren},
    territory::{self, OrganisationKind},
};

/// Builds the view of the evaluation report. `rejected` names files that were left out, with the reason.
pub fn view(convention: &Convention, evaluation: &Evaluation, rex: &[Answers], rejected: &[String]) -> View {
    let document = &convention.document;
    let (rex_sections, rex_summary) = rex_sections(convention, rex);
    View {
        title: document.title.clone(),
        track: french::humanise(&document.track),
        summary: document.summary.clone(),
        period: french::span(document.period.start, document.period.end),
        is_final: evaluation.is_final,
        state: state(evaluation),
        facts: facts(convention),
        sites: document.parties.sites.iter().map(|p| party(convention, &p.siren)).collect(),
        received: received(convention, evaluation, rejected),
        indicators: evaluation.indicators.iter().enumerate().map(|(i, r)| indicator(document, i, r, evaluation.is_final)).collect(),
        rex: rex_sections,
        rex_summary,
        method: method(document, evaluation),
        provenance: provenance(convention, evaluation),
        results: evaluation.indicators.clone(),
    }
}

fn fact(term: &str, text: impl AsRef<str>) -> Fact {
    Fact { term: term.to_owned(), text: typeset(text.as_ref()) }
}

fn state(evaluation: &Evaluation) -> String {
    typeset(if evaluation.is_final {
        "Évaluation finale : les données sont arrêtées, et les conclusions sont celles que le plan d'évaluation avait prévues."
    } else {
        "Évaluation provisoire : les données ne sont pas arrêtées. Les chiffres peuvent changer, et aucune conclusion n'en est tirée."
    })
}

fn facts(convention: &Convention) -> Vec<Fact> {
    let document = &convention.document;
    let sites = document.parties.sites.len() as u64;
    let mut facts = vec![
        fact("Parcours", french::humanise(&document.track)),
        fact("Période", french::span(document.period.start, document.period.end)),
        fact("Structures", french::count(sites, "structure expérimentatrice", "structures expérimentatrices")),
    ];
    // Named outside the signed hash: what is shown of the provider may change while the convention stands.
    if let Some(provider) = &document.provider {
        let mut words = vec![provider.name.clone()];
        words.extend(provider.licence.as_ref().map(|l| format!("licence {l}")));
        words.extend(provider.hosting.as_ref().map(|h| format!("hébergement : {h}")));
        facts.push(fact("Prestataire", words.join(" ; ")));
        facts.extend(provider.solution.as_ref().map(|s| fact("Solution", s)));
    }
    facts
}

/// «219 300 068».
fn siren_in_groups(siren: &Siren) -> String {
    let digits = siren.as_str();
    [&digits[..3], &digits[3..6], &digits[6..]].join("\u{a0}")
}

fn party(convention: &Convention, siren: &Siren) -> Party {
    let organisation = territory::by_siren(siren);
    let kind = match organisation.map(|o| o.kind) {
        Some(OrganisationKind::Commune) => {
            let ept = organisation.and_then(|o| o.ept.as_ref()).and_then(territory::by_siren);
            ept.map_or("Commune".to_owned(), |e| format!("Commune, {}", e.name))
        }
        Some(OrganisationKind::Ept) => "Établissement public territorial".to_owned(),
        Some(OrganisationKind::Metropole) => "Métropole".to_owned(),
        None => "Structure".to_owned(),
    };
    Party { name: convention.site_name(siren), kind, siren: siren_in_groups(siren) }
}

/// The months that a dataset is due for; none where it is not monthly.
fn expected_months(document: &Document, dataset: &Dataset) -> Vec<Period> {
    if dataset.periodicity != Periodicity::Month {
        return Vec::new();
    }
    let last = Period::containing(document.period.end);
    let mut months = vec![Period::containing(document.period.start)];
    // A year at most by the règlement; the bound keeps a mistaken document from filling the memory.
    while let Some(&month) = months.last().filter(|m| **m < last && months.len() < 120) {
        months.push(month.next());
    }
    months
}

fn received(convention: &Convention, evaluation: &Evaluation, rejected: &[String]) -> Received {
    let document = &convention.document;
    let deposits = &evaluation.provenance.deposits;
    let rows: Vec<ReceivedRow> = document
        .parties
        .sites
        .iter()
        .map(|p| ReceivedRow {
            site: convention.site_name(&p.siren),
            cells: document
                .datasets
                .iter()
                .map(|(name, dataset)| {
                    let own: Vec<&DepositRef> = deposits.iter().filter(|d| d.site == p.siren && d.dataset == *name).collect();
                    received_cell(&own, &expected_months(document, dataset))
                })
                .collect(),
        })
        .collect();
    let sites = deposits.iter().map(|d| &d.site).collect::<BTreeSet<_>>().len() as u64;
    let lines = deposits.iter().map(|d| d.rows).sum();
    let summary = if deposits.is_empty() {
        "Aucun fichier n'a été retenu : il n'y a rien à évaluer pour l'instant.".to_owned()
    } else {
        format!(
            "{} de {} sur {}, soit {}.",
            french::count(deposits.len() as u64, "fichier retenu", "fichiers retenus"),
            french::count(sites, "structure", "structures"),
            document.parties.sites.len(),
            french::count(lines, "ligne", "lignes"),
        )
    };
    Received {
        summary: typeset(&summary),
        datasets: document.datasets.values().map(|d| d.title.clone()).collect(),
        rows,
        rejected: rejected.to_vec(),
    }
}

fn received_cell(own: &[&DepositRef], expected: &[Period]) -> ReceivedCell {
    if own.is_empty() {
        return ReceivedCell { state: "none", mark: "✗", text: "Rien reçu".to_owned(), detail: String::new() };
    }
    let text = format!(
        "{}, {}",
        french::count(own.len() as u64, "fichier", "fichiers"),
        french::count(own.iter().map(|d| d.rows).sum(), "ligne", "lignes")
    );
    let months: BTreeSet<Period> = own.iter().filter_map(|d| d.period).collect();
    // A file without a month in its name may cover any: then nothing is said to be missing.
    let all_dated = own.iter().all(|d| d.period.is_some());
    let missing: Vec<Period> = expected.iter().copied().filter(|m| all_dated && !months.contains(m)).collect();
    if missing.is_empty() {
        let detail = french::months(&months.into_iter().collect::<Vec<_>>());
        ReceivedCell { state: "whole", mark: "✓", text, detail }
    } else {
        let detail = typeset(&format!("non reçu : {}", french::months(&missing)));
        ReceivedCell { state: "partial", mark: "◔", text, detail }
    }
}

fn indicator(document: &Document, index: usize, result: &IndicatorResult, is_final: bool) -> IndicatorView {
    let plan = &document.evaluation;
    let declared = plan.indicators.iter().find(|i| i.id == result.id);
    let (code, label, mark) = sentence::verdict(result);
    let display = Display::of_pooled(result);
    let pooled = pooled_value(result);
    IndicatorView {
        anchor: format!("indicateur-{}", index + 1),
        label: result.label.clone(),
        description: declared.and_then(|d| d.description.clone()),
        is_primary: result.role == "primary",
        verdict: code,
        verdict_label: label,
        verdict_mark: mark,
        conclusion: sentence::conclusion(result, plan),
        estimate: pooled.map(|(estimate, _)| display.value(estimate)),
        interval: pooled.map(|(_, ci)| display.interval(ci)),
        interval_name: sentence::interval_name(plan),
        target: sentence::target(result),
        concludes: matches!(result.verdict, Verdict::Reached | Verdict::Missed | Verdict::Inconclusive),
        notes: sentence::notes(result, plan, is_final),
        warnings: result.warnings.iter().map(|w| w.message.clone()).collect(),
        chart_description: charts::description(result),
        table: charts::table(result),
    }
}

/// The REX by section, and who answered.
fn rex_sections(convention: &Convention, rex: &[Answers]) -> (Vec<RexSection>, String) {
    let document = &convention.document;
    let Some(asked) = &document.rex else {
        return (Vec::new(), typeset("La convention ne demande pas de retour d'expérience."));
    };
    let order: Vec<&Siren> = document.parties.sites.iter().map(|p| &p.siren).collect();
    let rank = |site: &Siren| order.iter().position(|s| *s == site).unwrap_or(usize::MAX);
    let mut rex: Vec<&Answers> = rex.iter().collect();
    rex.sort_by(|a, b| rank(&a.site).cmp(&rank(&b.site)).then_with(|| a.site.cmp(&b.site)));
    let missing: Vec<String> = order.iter().filter(|s| !rex.iter().any(|r| r.site == ***s)).map(|s| convention.site_name(s)).collect();
    let summary = match (rex.len(), missing.len()) {
        (0, _) => "Aucun retour d'expérience n'a été reçu.".to_owned(),
        (n, 0) => format!(
            "{} : toutes les structures ont répondu.",
            french::count(n as u64, "retour d'expérience reçu", "retours d'expérience reçus")
        ),
        (n, m) => format!(
            "{} sur {}. {} : {}.",
            french::count(n as u64, "retour d'expérience reçu", "retours d'expérience reçus"),
            order.len(),
            if m == 1 { "Manque encore" } else { "Manquent encore" },
            french::list(&missing)
        ),
    };
    // The questionnaire was checked when the convention was loaded; answers without one have no question to stand under.
    let questionnaire = rex::questionnaire(&asked.questionnaire).unwrap_or(Questionnaire { sections: Vec::new() });
    if rex.is_empty() {
        return (Vec::new(), typeset(&summary));
    }
    let sections = questionnaire
        .sections
        .iter()
        .map(|section| RexSection {
            title: section.title.clone(),
            questions: section
                .questions
                .iter()
                .map(|q| {
                    let answers: Vec<RexAnswer> = rex
                        .iter()
                        .filter_map(|a| {
                            let paragraphs = answer(a.answers.get(&q.id)?, q.kind);
                            (!paragraphs.is_empty()).then(|| RexAnswer { site: convention.site_name(&a.site), paragraphs })
                        })
                        .collect();
                    let silent: Vec<String> =
                        rex.iter().map(|a| convention.site_name(&a.site)).filter(|name| !answers.iter().any(|a| a.site == *name)).collect();
                    RexQuestion {
                        label: q.label.clone(),
                        short: q.kind != QuestionKind::Text,
                        answers,
                        silent: (!silent.is_empty()).then(|| typeset(&format!("Sans réponse : {}.", french::list(&silent)))),
                    }
                })
                .collect(),
        })
        .collect();
    (sections, typeset(&summary))
}

/// An answer as paragraphs; what people wrote is left as it is, but for control characters.
fn answer(value: &Json, kind: QuestionKind) -> Vec<Paragraph> {
    let text = match value {
        Json::Null => String::new(),
        Json::String(s) => s.clone(),
        Json::Number(n) => {
            let number = n.as_f64().map_or_else(|| n.to_string(), short);
            if kind == QuestionKind::Scale { format!("{number} sur 5") } else { number }
        }
        Json::Bool(b) => if *b { "oui" } else { "non" }.to_owned(),
        other => other.to_string(),
    };
    text.lines()
        .map(|line| line.chars().filter(|c| !c.is_control()).collect::<String>())
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .map(|text| Paragraph { rtl: is_rtl(&text), text })
        .collect()
}

/// Whether the first letter is of a script written from right to left (Hebrew, Arabic and their neighbours).
fn is_rtl(text: &str) -> bool {
    text.chars()
        .find(|c| c.is_alphabetic())
        .is_some_and(|c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'))
}

fn method(document: &Document, evaluation: &Evaluation) -> Vec<Fact> {
    let plan = &document.evaluation;
    let design = match (plan.design, plan.assignment) {
        (Design::None, _) => "Aucune comparaison n'est prévue : chaque structure donne une valeur, sans groupe témoin.",
        (Design::BeforeAfter, _) => {
            "Chaque structure est comparée à elle-même, avant et pendant l'essai. Ce qui a changé pour d'autres raisons pendant cette période compte aussi dans l'évolution."
        }
        (Design::Controlled, Assignment::Random) => {
            "Dans chaque structure, un groupe d'essai est comparé à un groupe témoin. Les groupes ont été tirés au sort : un écart établi peut être attribué à l'expérimentation."
        }
        (Design::Controlled, Assignment::Chosen) => {
            "Dans chaque structure, un groupe d'essai est comparé à un groupe témoin. Les groupes n'ont pas été tirés au sort : un écart peut aussi venir de ce qui les distinguait déjà."
        }
        (Design::DifferenceInDifferences, Assignment::Random) => {
            "L'évolution du groupe d'essai est comparée à celle du groupe témoin. Les groupes ont été tirés au sort."
        }
        (Design::DifferenceInDifferences, Assignment::Chosen) => {
            "L'évolution du groupe d'essai est comparée à celle du groupe témoin. Les groupes n'ont pas été tirés au sort : la comparaison suppose qu'ils auraient évolué de même."
        }
    };
    let mut facts = vec![fact("Comparaison", design)];
    if let Some(phases) = &plan.phases {
        let trial = format!("essai {}", french::span(phases.trial[0], phases.trial[1]));
        let words = phases.baseline.map_or_else(|| trial.clone(), |[a, b]| format!("référence {} ; {trial}", french::span(a, b)));
        facts.push(fact("Périodes comparées", format!("{words}.")));
    }
    if plan.cluster.is_some() {
        facts.push(fact(
            "Lignes d'une même personne ou d'un même lieu",
            "Elles se ressemblent : les incertitudes en tiennent compte (erreurs groupées, CR1, loi de Student sur le nombre de groupes moins un).",
        ));
    }
    facts.push(fact(
        "Valeur d'ensemble",
        "Les résultats des structures sont réunis par un modèle à effets aléatoires (maximum de vraisemblance restreint) : chaque structure pèse selon sa précision, et les structures peuvent différer. Il en faut trois au moins.",
    ));
    let level = short(100.0 * plan.confidence);
    facts.push(fact(
        "Intervalles",
        format!(
            "Les intervalles sont à {level} %. Celui de l'ensemble suit Hartung, Knapp, Sidik et Jonkman, jamais plus étroit que l'intervalle usuel. L'intervalle de prédiction dit ce qu'une structure de plus pourrait observer."
        ),
    ));
    let exploratory = |id: &str| evaluation.indicators.iter().any(|r| r.id == id && r.exploratory.is_some());
    let primary = plan.indicators.iter().filter(|i| i.role == Role::Primary && !exploratory(&i.id)).count() as u64;
    facts.push(fact(
        "Conclusions",
        format!(
            "Seuls les indicateurs principaux ({primary}) donnent une conclusion, au risque de {} % pour l'ensemble d'entre eux (correction de Holm). « Non concluant » veut dire que les données ne permettent pas de trancher, et non que la solution n'a rien changé.",
            short(100.0 * plan.planning.alpha)
        ),
    ));
    if evaluation.indicators.iter().any(|r| r.exploratory.is_some()) {
        facts.push(fact(
            "Indicateurs exploratoires",
            "Un indicateur ajouté ou changé après la signature du plan d'évaluation est exploratoire : il est montré, et aucune conclusion n'en est tirée.",
        ));
    }
    if !evaluation.is_final {
        facts.push(fact(
            "Caractère provisoire",
            "Aucun test n'est fait avant que les données soient arrêtées : regarder plusieurs fois des résultats en cours de route ferait croire trop souvent à un effet.",
        ));
    }
    facts
}

fn provenance(convention: &Convention, evaluation: &Evaluation) -> Provenance {
    let document = &convention.document;
    let is_final = if evaluation.is_final { " --final" } else { "" };
    let mut facts = vec![
        fact("Convention", format!("{}, version {}", evaluation.convention.id, evaluation.convention.version)),
        fact("Empreinte de la convention (SHA-256, sans le prestataire)", &evaluation.convention.sha256),
    ];
    if let Some(plan) = &evaluation.convention.signed_plan {
        facts.push(fact("Plan d'évaluation tel que signé", format!("version {}, SHA-256 {}", plan.version, plan.sha256)));
    }
    facts.push(fact("Programme", &evaluation.provenance.program));
    let deposits = evaluation
        .provenance
        .deposits
        .iter()
        .map(|d| DepositLine {
            site: convention.site_name(&d.site),
            dataset: document.datasets.get(&d.dataset).map_or_else(|| d.dataset.clone(), |t| t.title.clone()),
            period: d.period.map_or_else(|| "–".to_owned(), french::month_of),
            rows: french::integer(d.rows),
            sha256: d.sha256.clone(),
        })
        .collect();
    Provenance {
        facts,
        deposits,
        command: format!("retex evaluate --convention {}.yaml --deposits DOSSIER{is_final}", document.id).replace(NBSP, " "),
    }
}
