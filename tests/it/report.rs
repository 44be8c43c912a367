//! Reports: what is written, in HTML and PDF, for an ordinary evaluation and for awkward ones.

use std::{fmt::Write as _, process::Command};

use proptest::prelude::*;
use retex::{
    convention::document::Document,
    evaluation::result::{BetweenResult, Evaluation, IndicatorResult, Pooled, Reason, Verdict},
    evaluation::rex::Answers,
    report::{self, View, charts, sentence},
};
use serde_json::json;

use crate::fixtures::{self, Shape};

mod command;

/// Where a reader can look at what the tests render, if they ask for it.
fn keep(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("RETEX_KEEP_REPORTS") {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
    }
}

/// The HTML without its style, which has no words.
fn html(name: &str, view: &View) -> String {
    let html = view.html().unwrap();
    keep(&format!("{name}.html"), html.as_bytes());
    let (before, rest) = html.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    format!("{before}{after}")
}

/// The PDF, and its text where `pdftotext` is installed.
fn pdf(name: &str, view: &View) -> (Vec<u8>, Option<String>) {
    let bytes = view.pdf().unwrap();
    keep(&format!("{name}.pdf"), &bytes);
    let file = tempfile::NamedTempFile::with_suffix(".pdf").unwrap();
    std::fs::write(file.path(), &bytes).unwrap();
    let text = Command::new("pdftotext").arg(file.path()).arg("-").output().ok().filter(|o| o.status.success());
    // Lines break, and long words with them; what is compared is the words.
    let text = text.map(|o| String::from_utf8(o.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" "));
    (bytes, text)
}

fn build(document: Document, evaluation: &Evaluation, rex: &[Answers]) -> View {
    report::view(&fixtures::convention(document), evaluation, rex, &[])
}

fn whole(is_final: bool) -> View {
    let (convention, evaluation, rex) = fixtures::whole(is_final);
    report::view(&convention, &evaluation, &rex, &["Aubervilliers, demandes_2026-06.csv\u{a0}: 3 erreurs (colonne date_depot).".to_owned()])
}

#[test]
fn a_final_report_concludes() {
    let html = html("final", &whole(true));
    assert!(
        html.contains("L’expérimentation a réduit cet indicateur de 3,2\u{a0}jours"),
        "a lot was drawn, and the interval is clear of zero"
    );
    assert!(html.contains("Un projet du programme <em>Appropriation</em> de la Métropole du Grand Paris"), "the mention of article 9");
    insta::assert_snapshot!("report_final", html);
}

#[test]
fn a_provisional_report_concludes_nothing() {
    let html = html("provisional", &whole(false));
    for never in ["a réduit", "Objectif atteint", "Non concluant\u{a0}:", "p\u{a0}=", "p =", "(p "] {
        assert!(!html.contains(never), "{never}");
    }
    insta::assert_snapshot!("report_provisional", html);
}

/// An indicator that nobody sent rows for.
fn silent(shape: &Shape) -> IndicatorResult {
    let reason = Reason::new("no_rows", "Aucune structure n’a envoyé de lignes.");
    IndicatorResult {
        pooled: Pooled { of: Some("effect".to_owned()), reason: Some(reason), ..Pooled::default() },
        ..fixtures::indicator(&[], shape)
    }
}

#[test]
fn a_report_without_deposits_says_so() {
    let sites = fixtures::sites(3);
    let evaluation = fixtures::evaluation(
        &[],
        vec![silent(&fixtures::delay(Verdict::Provisional)), silent(&fixtures::share(Verdict::Provisional))],
        false,
    );
    let view = build(fixtures::document(&sites, &json!({})), &evaluation, &[]);
    insta::assert_snapshot!("report_no_deposits", html("no-deposits", &view));
    if let (_, Some(text)) = pdf("no-deposits", &view) {
        assert!(text.contains("Aucun fichier n’a été retenu"), "{text}");
    }
}

#[test]
fn one_site_is_shown_and_not_pooled() {
    let sites = fixtures::sites(1);
    let indicators = vec![
        fixtures::indicator(&sites, &fixtures::delay(Verdict::NotEvaluable)),
        fixtures::indicator(&sites, &fixtures::energy(Verdict::None)),
    ];
    let view = build(fixtures::document(&sites, &json!({})), &fixtures::evaluation(&sites, indicators, true), &[]);
    let html = html("one-site", &view);
    assert!(html.contains("Il faut au moins trois structures"), "the reason is said");
    insta::assert_snapshot!("report_one_site", html);
    pdf("one-site", &view);
}

#[test]
fn sites_without_an_effect_are_listed_with_the_reason() {
    let sites = fixtures::sites(5);
    let mut delay = fixtures::indicator(&sites, &fixtures::delay(Verdict::NotEvaluable));
    for site in &mut delay.sites {
        site.effect = fixtures::effect(
            Some("mean_difference"),
            Err(Reason::new(
                "one_unit",
                "Une seule ligne a une valeur dans le groupe témoin\u{a0}: l’écart ne peut pas se calculer, ni son intervalle.",
            )),
        );
    }
    delay.pooled = fixtures::pool(&mut delay.sites, 0.1);
    let view = build(fixtures::document(&sites, &json!({})), &fixtures::evaluation(&sites, vec![delay], true), &[]);
    let html = html("all-reasons", &view);
    insta::assert_snapshot!("report_all_reasons", html);
    pdf("all-reasons", &view);
}

#[test]
fn forty_sites_fill_several_pages() {
    let sites = fixtures::sites(40);
    let indicators = vec![
        fixtures::indicator(&sites, &fixtures::delay(Verdict::Missed)),
        fixtures::indicator(&sites, &fixtures::share(Verdict::Reached)),
    ];
    let view = build(
        fixtures::document(&sites, &json!({ "assignment": "chosen" })),
        &fixtures::evaluation(&sites, indicators, true),
        &fixtures::answers(&sites),
    );
    let html = html("forty", &view);
    assert!(html.contains("Le groupe d’essai diffère du groupe témoin"), "no lot was drawn");
    assert!(!html.contains("a réduit"), "no lot was drawn");
    insta::assert_snapshot!("report_forty_sites", html);
    let (_, text) = pdf("forty", &view);
    if let Some(text) = text {
        assert!(text.contains("(1 sur 2)") && text.contains("(2 sur 2)"), "the chart is cut into two, one a page");
        for site in &sites {
            assert!(text.contains(site.name.split([' ', '-']).next().unwrap()), "{}", site.name);
        }
    }
}

#[test]
fn names_of_eighty_characters_hold() {
    let sites: Vec<_> = fixtures::sites(6).iter().map(|s| fixtures::long_name(&s.siren, 80)).collect();
    let indicators = vec![
        fixtures::indicator(&sites, &fixtures::delay(Verdict::Inconclusive)),
        fixtures::indicator(&sites, &fixtures::energy(Verdict::None)),
    ];
    let view = build(fixtures::document(&sites, &json!({})), &fixtures::evaluation(&sites, indicators, true), &fixtures::answers(&sites));
    insta::assert_snapshot!("report_long_names", html("long-names", &view));
    pdf("long-names", &view);
}

/// What a person might paste into an answer.
const MARKUP: &str =
    "#panic(\"typst\") $x^2$ *gras* <b>balise</b> <script>alert(1)</script> {{ 7*7 }} [lien](http://exemple.fr) \\ @ref `code` & « fin »";

#[test]
fn markup_other_scripts_and_signs_are_text() {
    let sites = fixtures::sites(3);
    let mut rex = fixtures::answers(&sites);
    rex[0].answers.insert("deroule".to_owned(), json!(MARKUP));
    rex[1]
        .answers
        .insert("deroule".to_owned(), json!("שלום לכולם, זה עובד היטב\nمرحبا بكم\nTrès bien 👍🏽 😀 ✓\u{0}\u{7}\u{200f}fin \u{e000}"));
    let mut delay = fixtures::indicator(&sites, &fixtures::delay(Verdict::Reached));
    delay.sites[0].site.name = "Ville <&> \"😀\" #let x = 1".to_owned();
    let view = build(fixtures::document(&sites, &json!({})), &fixtures::evaluation(&sites, vec![delay], true), &rex);
    let html = html("markup", &view);
    assert!(!html.contains("<script>") && !html.contains("<b>balise"), "answers are escaped");
    assert!(html.contains("👍🏽"), "HTML shows every sign");
    insta::assert_snapshot!("report_markup", html);
    let (_, text) = pdf("markup", &view);
    if let Some(text) = text {
        for words in
            ["#panic(\"typst\")", "$x^2$", "*gras*", "<script>alert(1)</script>", "{{ 7*7 }}", "`code`", "Ville <&> \"▢\" #let x = 1"]
        {
            assert!(text.contains(words), "{words} in {text}");
        }
        assert!(text.contains("la version HTML les montre") || text.contains("La version HTML les montre"), "the replacement is said");
    }
}

#[test]
fn an_answer_of_thirty_pages_runs_over_thirty_pages() {
    let sites = fixtures::sites(3);
    let mut rex = fixtures::answers(&sites);
    let mut long = String::new();
    for i in 1..=900 {
        let _ = writeln!(
            long,
            "Paragraphe {i}. Le déploiement s'est déroulé en plusieurs étapes, et chacune a demandé un échange avec les agents de l'accueil, puis un essai."
        );
    }
    rex[0].answers.insert("deroule".to_owned(), json!(long));
    let indicators = vec![fixtures::indicator(&sites, &fixtures::delay(Verdict::Reached))];
    let view = build(fixtures::document(&sites, &json!({})), &fixtures::evaluation(&sites, indicators, true), &rex);
    assert!(html("thirty-pages", &view).contains("Paragraphe 900."), "nothing is cut");
    let (_, text) = pdf("thirty-pages", &view);
    if let Some(text) = text {
        assert!((1..=900).all(|i| text.contains(&format!("Paragraphe {i}."))), "nothing is cut");
        assert!(text.contains("/ 3") || text.contains("/ 4"), "thirty pages or more");
    }
}

#[test]
fn the_pdf_is_accessible_and_reproducible() {
    let view = whole(true);
    let (bytes, text) = pdf("final", &view);
    assert!(bytes.starts_with(b"%PDF"), "a PDF");
    assert_eq!(bytes, whole(true).pdf().unwrap(), "the same view gives the same bytes");
    // XMP and the catalogue are not compressed.
    let raw = String::from_utf8_lossy(&bytes);
    assert!(raw.contains("<pdfuaid:part>1</pdfuaid:part>"), "PDF/UA-1");
    for part in ["/Lang(fr-FR)", "/StructTreeRoot", "/Outlines", "/DisplayDocTitle true"] {
        assert!(raw.contains(part), "{part}");
    }
    assert!(!raw.contains("/Lang(en"), "French throughout");
    assert!(!raw.contains("CreateDate") && !raw.contains("/CreationDate"), "no moment of writing");
    if let Some(text) = text {
        for words in [
            "Un projet du programme Appropriation de la Métropole du Grand Paris",
            "Assistant de tri des demandes des usagers",
            "a réduit cet indicateur de 3,2 jours",
            "Non concluant",
            "Aucune ligne dans le groupe témoin.",
            "I² = 32 %",
            "τ² = 0,18",
            "Paray-Vieille-Poste",
            "4 sur 5",
            "Pour recalculer",
        ] {
            assert!(text.contains(words), "{words} in {text}");
        }
    }
}

/// An indicator with this verdict, scale and target, on eight sites.
fn with(scale: &'static str, kind: &str, value: &[f64], verdict: Verdict, effect: f64) -> IndicatorResult {
    let statistic = if scale == "risk_difference" { "proportion" } else { "mean" };
    let target = Some(fixtures::target(kind, value));
    fixtures::indicator(
        &fixtures::sites(8),
        &Shape { scale: Some(scale), statistic, effect, se: 0.05, tau2: 0.0001, target, ..fixtures::delay(verdict) },
    )
}

#[test]
fn words_follow_the_design() {
    let verdicts = [Verdict::Provisional, Verdict::Reached, Verdict::Missed, Verdict::Inconclusive, Verdict::NotEvaluable, Verdict::None];
    let mut all = String::new();
    for design in ["controlled", "before_after", "difference_in_differences"] {
        for assignment in ["random", "chosen"] {
            let document = fixtures::document(&fixtures::sites(8), &json!({ "design": design, "assignment": assignment }));
            for verdict in verdicts {
                for scale in ["mean_difference", "risk_difference", "log_ratio_of_means", "log_odds_ratio", "hedges_g"] {
                    for (kind, value) in [("effect", &[-0.2][..]), ("relative", &[-0.2]), ("within", &[-0.1, 0.1])] {
                        let result = with(scale, kind, value, verdict, -0.4);
                        let words = sentence::conclusion(&result, &document.evaluation);
                        let at = format!("{design} {assignment} {verdict:?} {scale} {kind}: {words}");
                        let lower = words.to_lowercase();
                        assert!(!lower.contains("sans effet") && !lower.contains("aucun effet"), "{at}");
                        let concludes = matches!(verdict, Verdict::Reached | Verdict::Missed);
                        let causal = assignment == "random" && design != "before_after" && concludes && kind != "within";
                        assert_eq!(words.contains("a réduit") || words.contains("a augmenté"), causal, "{at}");
                        assert_eq!(words.contains("quivalent"), verdict == Verdict::Reached && kind == "within", "{at}");
                        assert_eq!(words.contains("a évolué"), design == "before_after" && concludes && kind != "within", "{at}");
                        assert!(!words.contains("p <") && !words.contains("p ="), "{at}");
                        assert!(!words.contains("NaN") && !words.contains(" :") && !words.contains('\''), "{at}");
                        let _ = writeln!(all, "{at}");
                    }
                }
            }
        }
    }
    insta::assert_snapshot!("conclusions", all);
}

#[test]
fn an_interval_that_holds_zero_establishes_no_direction() {
    let document = fixtures::document(&fixtures::sites(8), &json!({}));
    let words = sentence::conclusion(&with("mean_difference", "effect", &[0.5], Verdict::Reached, 0.0), &document.evaluation);
    assert!(words.contains("est estimé à") && !words.contains("a réduit"), "{words}");
}

#[test]
fn targets_are_said_in_words() {
    let say = |scale, kind: &str, value: &[f64], better: &str| {
        let mut result = with(scale, kind, value, Verdict::Reached, -0.4);
        result.better = better.to_owned();
        sentence::target(&result).unwrap().replace('\u{a0}', " ")
    };
    assert_eq!(say("mean_difference", "effect", &[-2.0], "lower"), "au moins 2 jours de moins");
    assert_eq!(say("mean_difference", "effect", &[1.5], "lower"), "au plus 1,5 jour de plus");
    assert_eq!(say("mean_difference", "effect", &[0.0], "lower"), "pas de hausse");
    assert_eq!(say("risk_difference", "effect", &[0.05], "higher"), "au moins 5 points de plus");
    assert_eq!(say("risk_difference", "effect", &[-0.02], "higher"), "au plus 2 points de moins");
    assert_eq!(say("log_ratio_of_means", "relative", &[-0.2], "lower"), "au moins 20 % de moins");
    assert_eq!(say("mean_difference", "level", &[5.0], "lower"), "5 jours au plus");
    assert_eq!(say("risk_difference", "level", &[0.8], "higher"), "80 % au moins");
    assert_eq!(say("mean_difference", "within", &[-1.0, 1.0], "lower"), "écart compris entre −1 et 1 jour");
    assert_eq!(say("risk_difference", "within", &[-0.03, 0.02], "higher"), "écart compris entre −3 et 2 points");
}

#[test]
fn charts_of_every_kind() {
    let sites = fixtures::sites(6);
    let mut between = fixtures::indicator(&sites, &fixtures::delay(Verdict::Inconclusive));
    for (i, site) in between.sites.iter_mut().enumerate() {
        site.groups.remove(usize::from(i % 2 == 0));
        site.effect = fixtures::effect(Some("mean_difference"), Err(Reason::new("arm_constant", "Toutes les lignes sont du même groupe.")));
    }
    between.pooled = Pooled {
        of: Some("effect".to_owned()),
        k: 6,
        between: Some(BetweenResult { estimate: -2.0, se: 0.8, ci: [Some(-4.1), Some(0.1)], df: Some(3.9), treated: 3, control: 3 }),
        ..Pooled::default()
    };
    let level = Shape { target: Some(fixtures::target("level", &[12.0])), ..fixtures::delay(Verdict::Reached) };
    let mut level = fixtures::indicator(&sites, &level);
    level.pooled.of = Some("level".to_owned());
    if let Some(random) = &mut level.pooled.random {
        random.estimate = 11.2;
        random.adhoc.ci = [Some(10.4), Some(12.0)];
        random.prediction = [Some(9.0), Some(13.4)];
    }
    let mut clipped = with("log_risk_ratio", "relative", &[-0.2], Verdict::Reached, -0.3);
    clipped.target.as_mut().unwrap().on_scale = vec![(0.8f64).ln()];
    clipped.sites[3].effect.ci = Some([Some(-4.0), Some(3.4)]);
    let plots = [
        ("forest", with("mean_difference", "effect", &[-0.2], Verdict::Reached, -0.4)),
        ("margin", with("mean_difference", "within", &[-0.1, 0.1], Verdict::Inconclusive, 0.02)),
        ("ratio", clipped),
        ("level_target", level),
        ("between_sites", between),
        ("levels", fixtures::indicator(&sites, &fixtures::energy(Verdict::None))),
    ];
    for (name, result) in &plots {
        let svg = charts::chart(result, charts::Theme::Print);
        keep(&format!("{name}.svg"), svg.as_bytes());
        assert!(!svg.contains("var("), "plain colours for print");
        assert!(svg.contains("role=\"img\"") && svg.contains("<title") && svg.contains("<desc"), "{name}");
        assert!(charts::chart(result, charts::Theme::Page).contains("var(--chart-ink"), "{name}");
        insta::assert_snapshot!(format!("chart_{name}"), svg.replace('>', ">\n"));
        insta::assert_json_snapshot!(format!("table_{name}"), charts::table(result));
        assert!(charts::table(result).rows.iter().all(|r| r.cells.len() == charts::table(result).columns.len()), "{name}");
    }
    assert!(plots[2].1.sites.iter().all(|s| s.effect.estimate.is_some()));
    assert!(charts::chart(&plots[2].1, charts::Theme::Page).contains("0,8"), "ratios on the axis");
}

#[test]
fn the_whole_territory_fits_a_chart() {
    let sites = fixtures::sites(130);
    let result = fixtures::indicator(&sites, &fixtures::delay(Verdict::Reached));
    let svg = charts::forest(&result, charts::Theme::Page);
    assert!(sites.iter().all(|s| svg.contains(&s.name.split([' ', '-']).next().unwrap().to_owned())), "every site");
    let parts = charts::parts(&result, charts::Theme::Print, 840.0);
    assert!(parts.len() > 3, "cut into pages");
    for part in &parts {
        let height: f64 = part.split("viewBox=\"0 0 660 ").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        assert!(height <= 840.0, "{height}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the numbers, a chart is drawn: no number that SVG cannot hold, nothing outside the drawing.
    #[test]
    fn any_numbers_make_a_chart(
        effects in proptest::collection::vec((proptest::num::f64::ANY, proptest::num::f64::ANY), 1..6),
        target in proptest::num::f64::ANY,
        log in any::<bool>(),
        levels in any::<bool>(),
    ) {
        let sites = fixtures::sites(effects.len());
        let scale = if log { "log_risk_ratio" } else { "mean_difference" };
        let mut result = fixtures::indicator(&sites, &Shape {
            scale: (!levels).then_some(scale),
            target: Some(fixtures::target("effect", &[target])),
            ..fixtures::delay(Verdict::Reached)
        });
        for (site, (y, se)) in result.sites.iter_mut().zip(&effects) {
            site.effect = fixtures::effect(Some(scale), Ok((*y, *se)));
            site.groups[0].mean = Some(*y);
            site.groups[0].ci = Some([Some(y - se), Some(y + se)]);
        }
        result.pooled = fixtures::pool(&mut result.sites, 0.1);
        let svg = charts::chart(&result, charts::Theme::Print);
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
        for attribute in [" x=\"", " y=\"", " cx=\"", " cy=\"", " width=\"", " height=\""] {
            for found in svg.split(attribute).skip(1) {
                let value: f64 = found.split('"').next().unwrap().parse().unwrap();
                prop_assert!((-20.0..=3000.0).contains(&value), "{attribute}{value}");
            }
        }
        let document = fixtures::document(&sites, &json!({}));
        prop_assert!(!sentence::conclusion(&result, &document.evaluation).contains("NaN"));
        charts::table(&result);
    }
}
