//! The pages and the API, as a browser and a program see them.

use askama::Template;
use retex::http::{
    pages::{
        convention::ColumnView,
        deposit::{ColumnSummary, DepositPage, FaultCell, FaultGroup},
        deposit_new::{Choice, NewDepositPage},
        experiment::Experiment,
        home::{Home, Task},
        indicator::{GroupRow, IndicatorPage, SiteRow},
        sign_in::SignIn,
    },
    view::*,
};

fn s(t: &str) -> String {
    t.to_owned()
}

fn facts(list: &[(&str, &str)]) -> Vec<Fact> {
    list.iter().map(|(a, b)| (s(a), s(b))).collect()
}

fn who(role: &str) -> Option<Who> {
    Some(Who { name: s("Nadia Benali"), organisation: s("Bagneux"), role: s(role), csrf: s("x") })
}

fn save(name: &str, page: impl Template) {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/target/pages");
    std::fs::create_dir_all(dir).unwrap();
    let html = page.render().unwrap().replace("\"/assets/", "\"../../src/http/assets/");
    std::fs::write(format!("{dir}/{name}.html"), html).unwrap();
}

fn deposits() -> Vec<DepositRow> {
    let row = |file: &str, period: &str, rows: &str, badge| DepositRow {
        href: s("#"),
        file: s(file),
        site: s("Bagneux"),
        dataset: s("Demandes reçues pendant le mois"),
        experiment: s("Assistant de tri des demandes"),
        period: s(period),
        received: s("12 mars 2026, 14 h 05"),
        rows: s(rows),
        badge,
    };
    vec![
        row("demandes_2026-03.csv", "mars 2026", "1 284", State::Ok.badge("Accepté")),
        row("demandes_2026-02_v2_corrigee_par_nadia.xlsx", "février 2026", "–", State::No.badge("Refusé")),
        row("demandes_2026-01.csv", "janvier 2026", "988", State::Open.badge("Remplacé")),
        row("demandes_2026-04.csv", "avril 2026", "–", State::Todo.badge("En contrôle")),
    ]
}

fn task(what: &str, badge: Markup, act: &str) -> Task {
    Task {
        what: s(what),
        context: s("Assistant de tri des demandes des usagers"),
        badge,
        date: s("10 avril 2026"),
        href: s("#"),
        act: s(act),
    }
}

#[test]
fn sample_pages() {
    let page = |t: &str, role: &str, section| Page::new(t, who(role), section);
    save(
        "connexion",
        SignIn {
            page: Page::new("Se connecter", None, ""),
            error: Some(s("Adresse ou mot de passe inconnu.")),
            next: s("/"),
            email: s(""),
        },
    );
    save(
        "accueil",
        Home {
            page: page("À faire", "contributor", "home"),
            lead: s("Bonjour Nadia Benali. 3 dépôts vous attendent."),
            act: Some(s("#")),
            figures: vec![],
            tasks: vec![
                task("Demandes reçues pendant le mois, mars 2026", State::No.badge("en retard de 2 jours"), "Déposer"),
                task("Demandes reçues pendant le mois, février 2026", State::No.badge("à corriger"), "Voir les 3 problèmes"),
                task("Consommation de l'assistant, mars 2026", State::Todo.badge("dans 3 jours"), "Déposer"),
                task("Retour d'expérience", State::Open.badge("dans 4 mois"), "Répondre"),
            ],
            tasks_more: 0,
            nothing: s(""),
            experiments: vec![],
            contributor: true,
            deposits: deposits(),
            show_site: false,
        },
    );
    let group = |title: &str, count: &str, cells: Vec<FaultCell>, more: Option<String>| FaultGroup {
        warning: false,
        title: s(title),
        count: s(count),
        has_expected: true,
        has_suggestion: true,
        cells,
        more,
    };
    let cell = |place: &str, value: &str, message: &str, expected: &str, suggestion: &str| FaultCell {
        place: s(place),
        value: s(value),
        message: s(message),
        expected: s(expected),
        suggestion: s(suggestion),
    };
    let base = |role: &str| DepositPage {
        page: page("demandes_2026-03.csv", role, "deposits").under("Dépôts", "/depots"),
        file: s("demandes_2026-03.csv"),
        dataset: s("Demandes reçues pendant le mois"),
        period: s("mars 2026"),
        site: s("Bagneux"),
        act: None,
        report_href: Some(s("#")),
        withdraw_href: None,
        running: false,
        events_href: s("#"),
        steps: vec![],
        notice: None,
        groups_title: s(""),
        groups: vec![],
        read: vec![],
        columns: vec![],
        warnings: vec![],
        receipt: facts(&[
            ("Numéro", "D-2026-000042"),
            ("Reçu le", "12 mars 2026, 14 h 05"),
            ("Déposé par", "Nadia Benali"),
            ("Taille", "84 Ko"),
            ("Convention", "tri-demandes-2026, version 1"),
        ]),
        sha256: Some(s("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")),
        seen: vec![],
    };
    let read = facts(&[
        ("Format", "CSV, colonnes séparées par « ; »"),
        ("Encodage", "windows-1252"),
        ("Nombres", "virgule décimale"),
        ("Dates", "12/03/2026 lu comme 12 mars 2026"),
    ]);
    let columns = vec![
        ColumnSummary { name: s("id_demande"), kind: s("texte"), nulls: s("0"), min: s(""), max: s("") },
        ColumnSummary { name: s("date_depot"), kind: s("date"), nulls: s("0"), min: s("1er mars 2026"), max: s("31 mars 2026") },
        ColumnSummary { name: s("satisfaction"), kind: s("nombre entier"), nulls: s("412"), min: s("1"), max: s("5") },
    ];
    save(
        "refuse",
        DepositPage {
            act: Some((s("Déposer à nouveau"), s("#"))),
            notice: Some(Notice::new(
                State::No,
                "Fichier non retenu : aucune ligne ne compte. 3 problèmes à corriger.",
                vec![s("Votre fichier reste visible de votre commune 30 jours, jusqu'au 11 avril 2026.")],
            )),
            groups_title: s("3 problèmes à corriger"),
            groups: vec![
                group(
                    "La date n'existe pas : corrigez-la.",
                    "2 cases de la colonne « date_depot »",
                    vec![
                        cell("C8", "31/02/2026", "Le 31 février n'existe pas.", "une date, par exemple 12/03/2026", ""),
                        cell("C19", "2026-13-01", "Il n'y a pas de treizième mois.", "une date, par exemple 12/03/2026", ""),
                    ],
                    None,
                ),
                group(
                    "Le groupe n'est pas l'un des deux attendus.",
                    "14 cases de la colonne « bras »",
                    vec![
                        cell("E4", "Assistant ", "Écrivez « assistant ».", "assistant ou temoin", "assistant"),
                        cell("E5", "témoin", "Écrivez « temoin ».", "assistant ou temoin", "temoin"),
                    ],
                    Some(s("et 12 autres cases : elles sont toutes dans le rapport.")),
                ),
                group(
                    "La date de clôture précède la date de dépôt.",
                    "1 ligne",
                    vec![cell("ligne 77", "", "Vérifiez les deux dates.", "", "")],
                    None,
                ),
            ],
            read: read.clone(),
            columns: columns.clone(),
            ..base("contributor")
        },
    );
    save(
        "accepte",
        DepositPage {
            notice: Some(Notice::new(
                State::Ok,
                "1 284 lignes enregistrées",
                vec![s("Votre dépôt compte dès maintenant dans les indicateurs de l'expérimentation.")],
            )),
            read,
            columns,
            warnings: vec![s("La colonne « agent » est vide sur 12 lignes.")],
            withdraw_href: Some(s("#")),
            seen: vec![
                s("La Métropole voit les lignes, pour l'évaluation."),
                s("Les autres structures voient vos résultats avec votre nom, jamais vos lignes."),
            ],
            ..base("contributor")
        },
    );
    save(
        "encours",
        DepositPage {
            running: true,
            steps: vec![(s("Lecture"), s("done")), (s("Contrôle"), s("now")), (s("Enregistrement"), s(""))],
            ..base("contributor")
        },
    );
    save(
        "deposer",
        NewDepositPage {
            page: page("Déposer un fichier", "contributor", "new"),
            experiment: s("Assistant de tri des demandes des usagers"),
            error: None,
            csrf: s("x"),
            choices: vec![(
                s("Assistant de tri des demandes des usagers"),
                vec![Choice {
                    value: s("a"),
                    label: s("Demandes reçues pendant le mois, mars 2026 (en retard de 2 jours)"),
                    selected: true,
                }],
            )],
            sites: vec![],
            max: s("2,1 Go"),
            expected: s("Un fichier par mois : une ligne par demande reçue, suivie 60 jours. 8 colonnes."),
            columns: ["id_demande", "code_insee", "date_depot", "date_cloture", "bras", "categorie", "satisfaction", "agent"]
                .iter()
                .map(|n| ColumnView {
                    name: s(n),
                    title: None,
                    kind: s("texte"),
                    expected: s("D suivi de six chiffres, par exemple D004217"),
                    required: s("oui"),
                    personal: s(""),
                })
                .collect(),
            template_href: s("#"),
        },
    );
    let verdicts = vec![
        VerdictRow {
            href: s("#"),
            badge: State::Ok.badge("Objectif atteint"),
            label: s("Délai moyen de clôture des demandes closes"),
            sentence: s("Les demandes sont closes 2,6 jours plus tôt avec l'assistant ; l'objectif est d'au moins 2 jours de moins."),
            figures: s("−2,6 jours · intervalle à 95 % : −3,1 à −2,2 · objectif : −2,0 jours"),
        },
        VerdictRow {
            href: s("#"),
            badge: State::Open.badge("Non concluant"),
            label: s("Part des demandes closes en 15 jours au plus"),
            sentence: s("Les données ne permettent pas de conclure."),
            figures: s("+3,1 points · intervalle à 95 % : −1,0 à +7,2 · objectif : +5 points"),
        },
        VerdictRow {
            href: s("#"),
            badge: State::No.badge("Objectif non atteint"),
            label: s("Part des usagers satisfaits (4 ou 5)"),
            sentence: s("L'effet reste au-dessous de l'objectif."),
            figures: s("+0,4 point · intervalle à 95 % : −1,0 à +1,8 · objectif : +5 points"),
        },
    ];
    let sites = ["Bagneux", "Bondy", "Paris Est Marne et Bois (accueil mutualisé)", "Vitry-sur-Seine", "Aubervilliers", "Montreuil"];
    let matrix = Matrix {
        title: s("Demandes reçues pendant le mois"),
        periods: ["janv. 2026", "févr. 2026", "mars 2026", "avr. 2026", "mai 2026", "juin 2026"].map(s).to_vec(),
        rows: sites
            .iter()
            .enumerate()
            .map(|(i, n)| MatrixRow {
                site: s(n),
                cells: (0..6)
                    .map(|j| {
                        let state = if j > 3 {
                            State::Open
                        } else if (i * 7 + j * 5) % 11 == 3 {
                            State::No
                        } else if (i + j) % 7 == 6 {
                            State::Todo
                        } else {
                            State::Ok
                        };
                        Cell { state, label: s("accepté"), href: (j < 4).then(|| s("#")) }
                    })
                    .collect(),
            })
            .collect(),
    };
    let tabs = vec![
        (s("Vue d'ensemble"), s("#"), true),
        (s("Convention"), s("#"), false),
        (s("Comparer"), s("#"), false),
        (s("Évaluation"), s("#"), false),
        (s("Dépôts"), s("#"), false),
    ];
    save(
        "experimentation",
        Experiment {
            page: page("Assistant de tri des demandes des usagers", "officer", "experiments")
                .under("Expérimentations", "/experimentations"),
            summary: Some(s(
                "Un assistant propose à l'agent une catégorie, un service et un brouillon de réponse pour chaque demande reçue.",
            )),
            act: Some((s("Évaluer"), s("#"))),
            tabs: tabs.clone(),
            show_results: true,
            results_title: s("Où en sont les objectifs"),
            results_note: Some(s("Calcul du 12 mars 2026, 14 h 05, sur 18 dépôts.")),
            verdicts,
            facts: facts(&[
                ("Durée", "du 5 janvier au 30 juin 2026"),
                ("Structures", "6"),
                ("Dépôts acceptés", "18 sur 24 attendus à ce jour"),
                ("Convention", "tri-demandes-2026, version 1"),
                ("Prestataire", "À désigner"),
            ]),
            reports: facts(&[("Télécharger le PDF", "#"), ("Lire en HTML", "#")]),
            matrices: vec![matrix],
            deposits: deposits(),
            show_site: true,
            deposits_href: s("#"),
            rex: vec![
                RexRow { href: s("#"), site: s("Bagneux"), badge: State::Ok.badge("Remis"), due: s("30 juillet 2026") },
                RexRow { href: s("#"), site: s("Bondy"), badge: State::Todo.badge("Brouillon"), due: s("30 juillet 2026, dans 4 mois") },
            ],
        },
    );
    save(
        "indicateur",
        IndicatorPage {
            page: page("Délai moyen de clôture des demandes closes", "analyst", "experiments")
                .under("Expérimentations", "#")
                .under("Assistant de tri des demandes des usagers", "#"),
            experiment: s("Assistant de tri des demandes des usagers"),
            role: s("indicateur principal"),
            json_href: s("#"),
            tabs,
            verdict: Notice::new(
                State::Ok,
                "Objectif atteint",
                vec![s(
                    "Les demandes sont closes 2,6 jours plus tôt avec l'assistant (intervalle à 95 % : −3,1 à −2,2) ; l'objectif est d'au moins 2 jours de moins.",
                )],
            ),
            chart: None,
            caption: s(""),
            table_caption: s("Délai moyen en jours, par structure"),
            treated: s("Assistant"),
            control: s("Témoin"),
            interval_label: s("Intervalle à 95 %"),
            rows: sites
                .iter()
                .enumerate()
                .map(|(i, n)| SiteRow {
                    site: s(n),
                    n1: s("512"),
                    n0: s("498"),
                    m1: s("6,1"),
                    m0: s("8,7"),
                    effect: s("−2,6"),
                    interval: s("−3,4 à −1,8"),
                    weight: s("17 %"),
                    reason: (i == 4).then(|| s("Aucune demande du groupe témoin.")),
                })
                .collect(),
            pooled: vec![
                (s("Ensemble, effets aléatoires (REML, HKSJ)"), s("−2,6"), s("−3,1 à −2,2")),
                (s("Prévision pour une nouvelle structure"), s(""), s("−3,5 à −1,8")),
            ],
            heterogeneity: facts(&[("I²", "12 %"), ("τ²", "0,04")]),
            warnings: vec![s("Moins de dix structures : l'intervalle est large.")],
            statistic: s("Moyenne (jours)"),
            groups: vec![GroupRow {
                site: s("Bagneux"),
                arm: s("assistant"),
                period: s("mars 2026"),
                n: s("512"),
                missing: s("0"),
                value: s("6,1"),
                interval: s("5,8 à 6,4"),
                sd: s("3,2"),
            }],
            method: facts(&[
                ("Mesure", "moyenne par structure et par groupe"),
                ("Effet", "différence de moyennes, assistant moins témoin"),
            ]),
            formulas: facts(&[("Valeur d'une ligne", "date_cloture - date_depot"), ("Lignes retenues", "date_cloture IS NOT NULL")]),
            provenance: facts(&[("Convention", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]),
            files_title: s("18 fichiers comptés"),
            files: vec![],
        },
    );
}
