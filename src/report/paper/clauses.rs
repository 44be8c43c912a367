//! The clauses, of our own wording, after articles 2 and 6 to 9 of the règlement.

use serde_json::Value as Json;

use super::{Article, Block, Edition, article, fact, list, text};
use crate::{
    convention::{
        Convention,
        document::{Document, SiteNaming, days},
    },
    report::{Fact, agreed, describe, french},
};

const MENTION: &str = "Un projet du programme Appropriation de la Métropole du Grand Paris";

/// What comes before the articles.
pub(super) fn preamble(d: &Document) -> Vec<Block> {
    let mut blocks = vec![text(format!(
        "La Métropole du Grand Paris conduit le programme « Appropriation Métropolitaine » : agents publics et collectivités y comprennent, essaient et évaluent ensemble des solutions d'intelligence artificielle. Le parcours « {} » en fait partie. La présente convention d'engagement fixe les modalités de son expérimentation, comme l'article 6 du règlement du programme le prévoit.",
        french::humanise(&d.track)
    ))];
    if let Some(summary) = &d.summary {
        blocks.push(Block::Text { text: summary.clone() });
    }
    if !d.principles.is_empty() {
        blocks.push(text("L'expérimentation est conduite et évaluée au regard des principes suivants du règlement :"));
        let last = d.principles.len() - 1;
        blocks.push(list(d.principles.iter().enumerate().map(|(i, p)| format!("{}{}", principle(p), if i == last { "." } else { " ;" }))));
    }
    blocks
}

fn principle(name: &str) -> String {
    match name {
        "general_interest" => "intérêt général",
        "frugality" => "réduction de l'impact environnemental (AFNOR SPEC 2314, IA frugale)",
        "fairness" => "équité",
        "transparency" => "transparence",
        "explainability" => "explicabilité",
        "reliability" => "fiabilité",
        "security" => "sécurité",
        "compliance" => "conformité aux lois et règlements, dont le règlement européen sur l'IA",
        "free_software" => "recours aux logiciels libres chaque fois que c'est possible et pertinent",
        "data_sovereignty" => "maîtrise souveraine des données",
        other => return french::humanise(other),
    }
    .to_owned()
}

/// The articles, in order.
pub(super) fn articles(c: &Convention, edition: Edition) -> Vec<Article> {
    let d = &c.document;
    let mut articles = vec![
        article(
            "Objet",
            vec![text(format!(
                "La convention fixe les engagements de chacun pour l'expérimentation « {} » : sa durée, les données partagées, ce qui peut en être fait, son évaluation et le retour d'expérience de chaque structure.",
                d.title
            ))],
        ),
        article(
            "Parties et entrée en vigueur",
            vec![
                text(
                    "Les parties sont la Métropole du Grand Paris et les structures expérimentatrices nommées en tête. Chaque partie signe par la personne qu'une délibération ou une délégation habilite.",
                ),
                text(
                    "La convention entre en vigueur structure par structure : pour chacune, dès que la Métropole et elle ont signé et que le premier jour de l'expérimentation est venu. Le retard d'une structure n'empêche pas les autres de commencer.",
                ),
            ],
        ),
        article(
            "Durée",
            vec![text(format!(
                "L'expérimentation se déroule {}. Les engagements sur le retour d'expérience, l'évaluation, la conservation et la protection des données valent jusqu'à leur terme propre. La fin de l'expérimentation n'oblige personne à poursuivre ni à déployer la solution.",
                french::span(d.period.start, d.period.end)
            ))],
        ),
        article(
            "Engagements de la Métropole",
            vec![
                text("La Métropole :"),
                list([
                    "définit seule le besoin et choisit seule le prestataire, dans le respect du code de la commande publique ;",
                    "accompagne les structures dans la méthode de l'expérimentation et l'analyse de ses résultats ;",
                    "met à disposition la plateforme de dépôt, contrôle les fichiers reçus et remet un récépissé de chacun ;",
                    "n'emploie les données que pour les usages de la présente convention ;",
                    "calcule les indicateurs du plan d'évaluation, en dit l'incertitude et remet à chaque structure ses résultats ;",
                    "fournit le kit de communication du parcours.",
                ]),
            ],
        ),
        article(
            "Engagements des structures expérimentatrices",
            vec![
                text("Chaque structure :"),
                list([
                    "déploie l'expérimentation sur son territoire et y affecte les moyens et les compétences nécessaires ;",
                    "partage avec la Métropole les résultats et les données du périmètre de l'article 6, dans les délais indiqués ;",
                    "corrige et dépose à nouveau un fichier que le contrôle n'a pas retenu ;",
                    "n'envoie aucune donnée hors du périmètre ;",
                    "signale sans tarder tout incident qui touche les données ou les usagers ;",
                    "remet son retour d'expérience et son évaluation à la fin de l'expérimentation.",
                ]),
            ],
        ),
        article("Périmètre des données", perimeter(d)),
        article("Usages des données", uses(d)),
        article("Protection des données personnelles", protection(d)),
        article("Évaluation et retour d'expérience", evaluation(d)),
        article("Solution expérimentée et règlement européen sur l'IA", solution(d)),
        article(
            "Communication",
            vec![
                text(format!(
                    "Les structures disent qu'elles participent au programme. La mention « {MENTION} » et le logotype de la Métropole figurent de façon visible sur tous les outils d'information, de communication, de promotion et de présentation du projet. Les publications sur les réseaux sociaux citent @Metropole_GrandParis."
                )),
                text(
                    "Une structure peut soumettre ses documents à la direction de la communication et des relations presse de la Métropole avant de les réaliser.",
                ),
            ],
        ),
        article(
            "Conservation et élimination",
            vec![text(format!(
                "Les données déposées sont conservées {} après la fin de l'expérimentation : c'est leur durée d'utilité administrative. Ensuite, rien n'est détruit avant que les archives aient visé le bordereau d'élimination, ou que les données leur soient versées. La destruction est constatée par un certificat. Les indicateurs, qui ne désignent personne, restent. Une structure peut demander le retrait anticipé de ses données ; la Métropole répond par une décision motivée.",
                french::count(u64::from(d.retention.months), "mois", "mois")
            ))],
        ),
        article(
            "Modification",
            vec![text(
                "Toute modification est un avenant : une nouvelle version, signée de nouveau par les parties, avec la liste des différences. Elle ne change rien à ce qui a été accepté avant elle : chaque dépôt, chaque indicateur et chaque rapport garde la version sous laquelle il a été fait. Un indicateur ajouté ou modifié après la première signature est marqué exploratoire partout où il paraît.",
            )],
        ),
        article(
            "Fin anticipée",
            vec![text(
                "Si l'expérimentation ne donne pas satisfaction au regard des objectifs du programme, la Métropole peut y mettre fin avant son terme, par une décision motivée, sans que les parties puissent demander réparation. Il en va de même si la consultation du marché est infructueuse. Les articles sur les données, leur protection et leur conservation restent applicables.",
            )],
        ),
        article(
            "Différends",
            vec![text(
                "Les parties cherchent d'abord un accord amiable. À défaut, le différend relève du tribunal administratif compétent.",
            )],
        ),
    ];
    articles.push(article("Signature", signature(c, edition)));
    articles
}

fn perimeter(d: &Document) -> Vec<Block> {
    let mut blocks = vec![text(
        "Les structures déposent les jeux de données ci-dessous, et rien d'autre. Un fichier qui comporte une colonne hors de ce périmètre est refusé et aussitôt effacé.",
    )];
    for (name, dataset) in &d.datasets {
        blocks.push(Block::Heading { text: dataset.title.clone() });
        if let Some(description) = &dataset.description {
            blocks.push(Block::Text { text: description.clone() });
        }
        blocks.push(text(describe::rhythm(dataset)));
        let rows = describe::columns(dataset).into_iter().map(|c| {
            let personal = if c.personal.is_empty() { "non".to_owned() } else { c.personal };
            let expected = if c.expected == c.kind { "–".to_owned() } else { c.expected };
            vec![c.name, c.title.unwrap_or_else(|| "–".to_owned()), c.kind, expected, c.required, personal]
        });
        blocks.push(Block::Table {
            caption: format!("Colonnes du jeu «\u{a0}{name}\u{a0}»"),
            columns: vec!["Colonne", "Intitulé", "Nature", "Attendu", "Obligatoire", "Donnée personnelle"],
            widths: vec![1.5, 1.4, 1.0, 1.9, 0.9, 1.1],
            rows: rows.collect(),
        });
        if !dataset.rules.is_empty() {
            blocks.push(text("Une ligne est refusée dans ces cas :"));
            blocks.push(Block::List { items: dataset.rules.iter().map(|r| r.message.clone()).collect() });
        }
    }
    blocks
}

fn uses(d: &Document) -> Vec<Block> {
    let mut blocks = vec![
        text("Seuls les usages de ce tableau sont permis. Ce qui n'y figure pas est interdit."),
        Block::Table {
            caption: "Usages permis".to_owned(),
            columns: vec!["Usage", "Jeux de données", "Colonnes", "Par qui, comment"],
            widths: vec![1.0, 1.7, 1.4, 1.7],
            rows: agreed::uses(d).into_iter().map(|u| vec![u.name, u.datasets, u.fields, french::typeset(&u.terms)]).collect(),
        },
    ];
    let least = french::count(u64::from(d.disclosure.minimum_cell), "personne", "personnes");
    blocks.push(text(format!(
        "Aucune structure ne voit les lignes d'une autre. Un résultat n'est montré hors de la Métropole que s'il réunit au moins {least} par groupe et, pour une valeur d'ensemble, au moins trois structures dont aucune ne pèse plus de 85 %."
    )));
    if d.uses.comparison.as_ref().is_some_and(|u| u.sites == SiteNaming::Anonymous) {
        blocks.push(text("Dans les comparaisons, chaque structure paraît sous un pseudonyme stable."));
    }
    blocks
}

fn words(value: &Json, name: impl Fn(&str) -> String) -> Option<String> {
    let words: Vec<String> = match value {
        Json::String(one) => vec![name(one)],
        Json::Array(list) => list.iter().filter_map(Json::as_str).map(name).collect(),
        _ => return None,
    };
    (!words.is_empty()).then(|| french::list(&words))
}

fn who(name: &str) -> String {
    match name {
        "metropole" => "la Métropole du Grand Paris".to_owned(),
        "sites" => "chaque structure expérimentatrice, pour ses données".to_owned(),
        "provider" => "le prestataire".to_owned(),
        other => other.to_owned(),
    }
}

fn protection(d: &Document) -> Vec<Block> {
    let personal: Vec<String> = d
        .datasets
        .iter()
        .flat_map(|(name, s)| {
            s.personal_data.iter().filter(|(_, kind)| *kind != "none").map(move |(column, _)| format!("{column} ({name})"))
        })
        .collect();
    let mut blocks = vec![text(if personal.is_empty() {
        "Le périmètre ne comprend aucune donnée personnelle. Un fichier où le contrôle en trouve est refusé.".to_owned()
    } else {
        format!(
            "Sont des données personnelles : {}. Un pseudonyme sert à regrouper des lignes et n'est jamais montré. Toute autre donnée personnelle que le contrôle trouve fait refuser le fichier.",
            french::list(&personal)
        )
    })];
    let same = str::to_owned;
    if let Some(p) = &d.processing {
        let assessment = |code: &str| {
            match code {
                "not_required" => "non requise",
                "planned" => "prévue",
                "in_progress" => "en cours",
                "done" => "faite",
                other => other,
            }
            .to_owned()
        };
        let facts: Vec<Fact> = [
            ("Responsables du traitement", words(&p["controllers"], who)),
            ("Sous-traitants", words(&p["processors"], who)),
            ("Finalité", words(&p["purpose"], same)),
            ("Base légale", words(&p["legal_basis"], same)),
            ("Personnes concernées", words(&p["subjects"], same)),
            ("Destinataires", words(&p["recipients"], who)),
            ("Analyse d'impact", words(&p["impact_assessment"], assessment)),
            ("Durée de conservation", Some(format!("{}\u{a0}mois après la fin de l'expérimentation", d.retention.months))),
        ]
        .into_iter()
        .filter_map(|(term, text)| Some(fact(term, text?)))
        .collect();
        blocks.push(Block::Facts { facts });
    }
    blocks.push(text("Chaque structure informe les personnes concernées et reçoit leurs demandes (accès, rectification, effacement, limitation, opposition) ; la Métropole y répond avec elle pour les données de la plateforme. Les parties se préviennent de toute violation de données dès qu'elles en ont connaissance, et au plus tard sous 48 heures. Tout accès aux données est inscrit dans un journal que le délégué à la protection des données peut consulter."));
    blocks
}

fn evaluation(d: &Document) -> Vec<Block> {
    let mut blocks = vec![text(
        "Le plan d'évaluation de l'annexe 1 est arrêté par la signature. Les indicateurs principaux donnent les conclusions ; chaque résultat est publié avec son incertitude, qu'il soit favorable ou non. Chaque structure signe son évaluation de site, et la Métropole approuve l'évaluation d'ensemble.",
    )];
    let due = d.rex.as_ref().and_then(|rex| d.period.end.checked_add_days(days(&rex.due)?));
    blocks.push(text(match due {
        Some(day) => format!("Chaque structure remet le retour d'expérience de l'annexe 2 le {} au plus tard.", french::date(day)),
        None => "Chaque structure remet un retour d'expérience à la fin de l'expérimentation.".to_owned(),
    }));
    blocks
}

fn solution(d: &Document) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(p) = &d.provider {
        let rows = [
            ("Prestataire", Some(&p.name)),
            ("Solution", p.solution.as_ref()),
            ("Licence", p.licence.as_ref()),
            ("Hébergement", p.hosting.as_ref()),
        ];
        blocks.push(Block::Facts { facts: rows.into_iter().filter_map(|(term, text)| Some(fact(term, text?))).collect() });
        blocks.push(text("Le prestataire est nommé pour information : le marché peut l'attribuer après la signature, et son nom n'entre pas dans l'empreinte signée."));
    } else {
        blocks.push(text(
            "Le prestataire sera nommé à l'issue de la procédure de marché public, sans que la convention soit signée de nouveau.",
        ));
    }
    let Some(act) = &d.ai_act else { return blocks };
    let role = |code: &str| {
        match code {
            "provider" => "fournisseur",
            "deployer" => "déployeur",
            "importer" => "importateur",
            "distributor" => "distributeur",
            "authorised_representative" => "mandataire",
            "product_manufacturer" => "fabricant de produits",
            "affected_person" => "personne concernée",
            other => other,
        }
        .to_owned()
    };
    let risk = |code: &str| {
        match code {
            "unacceptable" => "inacceptable",
            "high" => "haut risque",
            "limited" => "risque limité",
            "minimal" => "risque minimal",
            other => other,
        }
        .to_owned()
    };
    let facts: Vec<Fact> = [
        ("Classe de risque", words(&act["risk"], risk)),
        ("Rôle de la Métropole", words(&act["roles"]["metropole"], role)),
        ("Rôle des structures", words(&act["roles"]["sites"], role)),
        ("Rôle du prestataire", words(&act["roles"]["provider"], role)),
    ]
    .into_iter()
    .filter_map(|(term, text)| Some(fact(term, text?)))
    .collect();
    blocks.push(text("Au regard du règlement (UE) 2024/1689 sur l'intelligence artificielle :"));
    blocks.push(Block::Facts { facts });
    let obligations: Vec<String> = act["obligations"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|o| {
            let date = o["date"].as_str().and_then(|d| d.parse().ok()).map(|d| format!(", au plus tard le {}", french::date(d)));
            let party = o["party"].as_str().map(|p| match p {
                "metropole" => "Métropole : ",
                "sites" => "structures : ",
                "provider" => "prestataire : ",
                _ => "",
            });
            Some(format!("{}{}{}", party.unwrap_or_default(), o["obligation"].as_str()?, date.unwrap_or_default()))
        })
        .collect();
    if !obligations.is_empty() {
        blocks.push(list(obligations));
    }
    blocks
}

fn signature(c: &Convention, edition: Edition) -> Vec<Block> {
    if edition == Edition::Draft {
        return vec![text(
            "Ce document est un projet : il ne se signe pas. L'empreinte à signer figurera sur la version ouverte à la signature.",
        )];
    }
    vec![
        text(
            "Les parties signent le document dont l'empreinte SHA-256 suit. Elle figure au bas de chaque page : un document qui en porte une autre n'est pas celui-ci.",
        ),
        Block::Formula { facts: vec![fact("Empreinte SHA-256", &c.sha256)] },
        text(
            "Une signature donnée dans la plateforme, avec un second facteur, est une signature électronique simple au sens du règlement (UE) n° 910/2014. Une signature sur papier, ou apposée dans un parapheur électronique, la remplace.",
        ),
    ]
}
