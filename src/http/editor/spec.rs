//! What each part of a document is asked with.

/// How a member of an object is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    pub key: &'static str,
    pub label: &'static str,
    pub hint: &'static str,
    pub ask: Ask,
}

/// Value and words of a choice.
pub(super) type Choices = &'static [(&'static str, &'static str)];

/// The kinds of fields.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask {
    /// One line.
    Text,
    /// Several lines.
    Long,
    /// An expression.
    Code,
    Number,
    Date,
    /// A duration of whole days.
    Days,
    Check,
    Choice(Choices),
    /// A dataset of the document; the territory too where `true`.
    Dataset(bool),
    /// A column: of this dataset, else of any.
    Column,
    /// One text per line.
    Lines,
    /// Several lists, one per line, commas between.
    Groups,
    /// Some of these.
    Some(Choices),
    /// Some of the datasets.
    SomeDatasets,
    /// Some of this dataset's columns.
    SomeColumns,
    /// An organisation of the territory.
    Party,
    /// Two days.
    Span,
    /// An objective.
    Target,
    Object(&'static [Spec]),
    /// Objects: their members, «structure», and what their fields are gathered under.
    List(&'static [Spec], &'static str),
    /// An expression of the same line, or an object that names its dataset.
    Either(&'static [Spec]),
    /// The programme's questionnaire, or one of one's own.
    Questionnaire(&'static [Spec]),
    /// The grid of a schema.
    Schema,
    /// Not shown.
    Hidden,
}

pub(super) const fn spec(key: &'static str, label: &'static str, ask: Ask) -> Spec {
    Spec { key, label, hint: "", ask }
}

pub(super) const fn hinted(key: &'static str, label: &'static str, ask: Ask, hint: &'static str) -> Spec {
    Spec { key, label, hint, ask }
}

pub(super) const GENERAL: &[Spec] = &[
    spec("retex", "Version du format", Ask::Hidden),
    spec("title", "Titre de l'expérimentation", Ask::Text),
    hinted(
        "id",
        "Nom court",
        Ask::Text,
        "Des minuscules, des chiffres et des traits d'union. Il figure dans les adresses et ne change plus ensuite.",
    ),
    hinted("track", "Parcours", Ask::Text, "Le nom court du parcours dont relève l'expérimentation."),
    hinted("summary", "Résumé", Ask::Long, "Ce que l'on essaie, en une ou deux phrases."),
    spec("period", "Dates", Ask::Object(&[spec("start", "Premier jour", Ask::Date), spec("end", "Dernier jour", Ask::Date)])),
    hinted(
        "provider",
        "Prestataire",
        Ask::Object(&[
            hinted("name", "Nom", Ask::Text, "« À désigner » tant que le marché n'est pas attribué."),
            spec("solution", "Solution", Ask::Text),
            spec("licence", "Licence", Ask::Text),
            spec("hosting", "Hébergement", Ask::Text),
        ]),
        "Le prestataire est désigné hors de la partie signée : il peut changer sans avenant.",
    ),
];

const PARTY: &[Spec] = &[
    spec("siren", "Organisation", Ask::Party),
    hinted("label", "Nom affiché", Ask::Text, "S'il diffère du nom officiel."),
    hinted("contact", "Contact", Ask::Text, "Service, nom ou courriel."),
];

pub(super) const PARTIES: &[Spec] = &[spec(
    "parties",
    "Parties",
    Ask::Object(&[
        spec("metropole", "Métropole", Ask::Object(PARTY)),
        spec("sites", "Structures expérimentatrices", Ask::List(PARTY, "structure")),
    ]),
)];

pub(super) const DATASET: &[Spec] = &[
    spec("title", "Titre", Ask::Text),
    hinted("description", "Description", Ask::Long, "Ce que sont les lignes, en une phrase."),
    spec(
        "periodicity",
        "Rythme des dépôts",
        Ask::Choice(&[
            ("once", "Un fichier pour toute la durée"),
            ("week", "Un par semaine"),
            ("month", "Un par mois"),
            ("quarter", "Un par trimestre"),
        ]),
    ),
    hinted("due", "Délai de dépôt, en jours", Ask::Days, "Après la fin de chaque période."),
    spec("schema", "Colonnes", Ask::Schema),
    hinted(
        "primary_key",
        "Colonnes qui identifient une ligne",
        Ask::SomeColumns,
        "Ensemble, elles ne se répètent pas entre les fichiers d'une structure.",
    ),
    hinted(
        "unique_keys",
        "Autres valeurs qui ne se répètent pas",
        Ask::Groups,
        "Un groupe de colonnes par ligne, séparées par des virgules.",
    ),
    spec(
        "foreign_keys",
        "Références à une autre liste",
        Ask::List(
            &[
                hinted("fields", "Colonnes de ce jeu", Ask::Lines, "Une par ligne."),
                spec("reference", "Liste", Ask::Dataset(true)),
                hinted("reference_fields", "Colonnes de l'autre jeu", Ask::Lines, "Si leurs noms diffèrent."),
            ],
            "référence",
        ),
    ),
    hinted(
        "rules",
        "Règles entre les colonnes",
        Ask::List(
            &[
                spec("id", "Nom", Ask::Text),
                hinted(
                    "check",
                    "Condition",
                    Ask::Code,
                    "Vraie sur chaque ligne, par exemple date_cloture >= date_depot. Une valeur inconnue passe.",
                ),
                hinted("message", "Phrase affichée", Ask::Text, "Quand la condition n'est pas vraie."),
            ],
            "règle",
        ),
        "Une ligne qui n'en respecte pas une fait refuser le fichier.",
    ),
    hinted(
        "reading",
        "Écriture des fichiers",
        Ask::Object(&[
            spec("decimal", "Signe décimal", Ask::Choice(&[(",", "Virgule"), (".", "Point")])),
            spec(
                "dates",
                "Dates",
                Ask::Some(&[
                    ("iso", "2026-03-12"),
                    ("dd/mm/yyyy", "12/03/2026"),
                    ("dd/mm/yy", "12/03/26"),
                    ("serial-1900", "46093, numéro d'Excel"),
                    ("serial-1904", "44631, numéro d'Excel sur Mac ancien"),
                ]),
            ),
            spec("encoding", "Encodage", Ask::Text),
            spec(
                "delimiter",
                "Séparateur",
                Ask::Choice(&[(";", "Point-virgule"), (",", "Virgule"), ("tab", "Tabulation"), ("|", "Barre verticale")]),
            ),
            spec("sheet", "Feuille du classeur", Ask::Text),
            spec("header_row", "Ligne des titres", Ask::Number),
            spec(
                "quote",
                "Ce qui entoure les textes",
                Ask::Choice(&[("\"", "Guillemets doubles"), ("'", "Apostrophes"), ("none", "Rien")]),
            ),
            spec(
                "thousands",
                "Milliers séparés, outre les espaces, par",
                Ask::Choice(&[(".", "Un point"), (",", "Une virgule"), ("'", "Une apostrophe")]),
            ),
            spec("percent", "« 95 % » vaut", Ask::Choice(&[("share", "0,95"), ("number", "95")])),
            hinted("missing", "Mots d'une case vide", Ask::Lines, "Un par ligne : NA, n.d."),
            hinted("yes", "Mots qui disent oui", Ask::Lines, "Un par ligne, si ce ne sont pas les mots habituels."),
            hinted("no", "Mots qui disent non", Ask::Lines, "Un par ligne."),
        ]),
        "À ne remplir que si elle est convenue : sinon elle est reconnue, et dite.",
    ),
    hinted(
        "coverage",
        "Jours à couvrir",
        Ask::Object(&[
            spec("date", "Colonne qui date les lignes", Ask::Column),
            spec("every", "Au moins une ligne", Ask::Choice(&[("day", "par jour"), ("week", "par semaine")])),
        ]),
        "Un jour sans ligne est signalé ; une ligne datée hors de la période du fichier le fait refuser.",
    ),
];

pub(super) const USES: &[Spec] = &[
    spec(
        "uses",
        "Usages",
        Ask::Object(&[
            hinted(
                "evaluation",
                "Évaluation par la Métropole",
                Ask::Object(&[spec("datasets", "Jeux évalués", Ask::SomeDatasets)]),
                "Les analystes et chargés de mission voient alors toutes les valeurs de ces jeux.",
            ),
            hinted(
                "comparison",
                "Comparaison entre structures",
                Ask::Object(&[
                    spec("datasets", "Jeux comparés", Ask::SomeDatasets),
                    spec("sites", "Les structures se voient", Ask::Choice(&[("named", "avec leur nom"), ("anonymous", "sans leur nom")])),
                ]),
                "Chaque structure voit les résultats des autres, jamais leurs lignes.",
            ),
            spec(
                "sharing",
                "Partage avec un destinataire nommé",
                Ask::List(
                    &[
                        spec("recipient", "Destinataire", Ask::Text),
                        spec("datasets", "Jeux partagés", Ask::SomeDatasets),
                        hinted("fields", "Colonnes partagées", Ask::Lines, "Une par ligne ; toutes si la liste est vide."),
                        spec("until", "Dernier jour", Ask::Date),
                    ],
                    "destinataire",
                ),
            ),
            spec(
                "open_data",
                "Données ouvertes",
                Ask::List(
                    &[
                        spec("dataset", "Jeu publié", Ask::Dataset(false)),
                        hinted("fields", "Colonnes publiées", Ask::Lines, "Une par ligne ; toutes si la liste est vide."),
                    ],
                    "jeu publié",
                ),
            ),
        ]),
    ),
    hinted(
        "retention",
        "Conservation",
        Ask::Object(&[spec("months", "Mois après la fin", Ask::Number)]),
        "La durée d'utilité administrative. Rien n'est détruit ensuite avant le visa des archives.",
    ),
    hinted(
        "disclosure",
        "Seuil de publication",
        Ask::Object(&[spec("minimum_cell", "Personnes, au moins", Ask::Number)]),
        "En dessous, une valeur n'est montrée qu'à la Métropole. 11 par défaut.",
    ),
];

pub(super) const PLAN: &[Spec] = &[
    spec(
        "design",
        "Type d'évaluation",
        Ask::Choice(&[
            ("none", "Sans comparaison : des niveaux seuls"),
            ("before_after", "Avant et pendant, dans les mêmes structures"),
            ("controlled", "Groupe assisté et groupe témoin"),
            ("difference_in_differences", "Groupes assisté et témoin, avant et pendant"),
        ]),
    ),
    spec(
        "arms",
        "Groupes",
        Ask::Object(&[
            spec("column", "Colonne du groupe", Ask::Column),
            spec("treated", "Valeur du groupe assisté", Ask::Text),
            spec("control", "Valeur du groupe témoin", Ask::Text),
        ]),
    ),
    spec("assignment", "Formation des groupes", Ask::Choice(&[("random", "Par tirage au sort"), ("chosen", "Sans tirage au sort")])),
    hinted(
        "phases",
        "Périodes comparées",
        Ask::Object(&[
            spec("column", "Colonne de la date", Ask::Column),
            spec("baseline", "Période de référence", Ask::Span),
            spec("trial", "Période d'essai", Ask::Span),
        ]),
        "Pour une évaluation qui compare avant et pendant.",
    ),
    hinted(
        "cluster",
        "Colonne qui regroupe les lignes",
        Ask::Column,
        "Le pseudonyme d'un agent, un bâtiment : l'unité qui a plusieurs lignes.",
    ),
    hinted("confidence", "Confiance des intervalles", Ask::Number, "0,95 si ce champ est vide."),
    spec(
        "planning",
        "Risques convenus",
        Ask::Object(&[
            hinted("alpha", "Risque d'erreur accepté", Ask::Number, "De conclure à tort à un effet ; 0,05 d'ordinaire."),
            hinted("power", "Puissance voulue", Ask::Number, "Chance de voir l'effet s'il existe ; 0,8 si ce champ est vide."),
        ]),
    ),
];

const STATISTICS: Choices = &[
    ("count", "Nombre de lignes"),
    ("sum", "Somme"),
    ("mean", "Moyenne"),
    ("proportion", "Part des lignes où la condition est vraie"),
    ("ratio", "Rapport de deux totaux"),
];

pub(super) const INDICATORS: &[Spec] = &[spec(
    "indicators",
    "Indicateurs",
    Ask::List(
        &[
            spec("title", "Titre", Ask::Text),
            hinted("id", "Nom court", Ask::Text, "Des minuscules, des chiffres et des soulignés."),
            spec("role", "Rôle", Ask::Choice(&[("primary", "Principal : porte une conclusion"), ("secondary", "Secondaire : informe")])),
            spec("description", "Description", Ask::Long),
            spec("dataset", "Jeu de données", Ask::Dataset(false)),
            spec("statistic", "Statistique", Ask::Choice(STATISTICS)),
            hinted(
                "value",
                "Valeur mesurée sur chaque ligne",
                Ask::Either(&[
                    spec("dataset", "Jeu de données", Ask::Dataset(false)),
                    spec("sql", "Valeur", Ask::Code),
                    hinted(
                        "last_by",
                        "Lignes cumulatives par",
                        Ask::Text,
                        "Une colonne : seule la dernière ligne de chaque valeur compte.",
                    ),
                    hinted("order", "Dans l'ordre de", Ask::Text, "La colonne qui ordonne ces lignes."),
                ]),
                "Un calcul sur les colonnes, par exemple date_cloture - date_depot. Vide pour un nombre de lignes.",
            ),
            hinted(
                "per",
                "Dénominateur",
                Ask::Either(&[
                    spec("dataset", "Jeu de données", Ask::Dataset(false)),
                    spec("statistic", "Statistique", Ask::Choice(&[("count", "Nombre de lignes"), ("sum", "Somme")])),
                    spec("value", "Valeur", Ask::Code),
                    spec("where", "Lignes comptées", Ask::Code),
                ]),
                "Pour un rapport seulement.",
            ),
            hinted("where", "Lignes comptées", Ask::Code, "Une condition ; toutes si ce champ est vide."),
            hinted("unit", "Unité", Ask::Text, "D'une durée : secondes, minutes, heures ou jours."),
            spec("better", "Sens favorable", Ask::Choice(&[("lower", "Vers le bas"), ("higher", "Vers le haut")])),
            spec(
                "effect",
                "Échelle de l'effet",
                Ask::Choice(&[
                    ("mean_difference", "Différence de moyennes"),
                    ("hedges_g", "Différence standardisée"),
                    ("log_ratio_of_means", "Rapport de moyennes"),
                    ("risk_difference", "Différence de parts"),
                    ("log_risk_ratio", "Rapport de parts"),
                    ("log_odds_ratio", "Rapport de cotes"),
                    ("log_ratio_of_ratios", "Rapport de rapports"),
                ]),
            ),
            hinted(
                "target",
                "Objectif",
                Ask::Target,
                "Un nombre, par exemple −2 ; deux bornes séparées par un point-virgule pour un intervalle.",
            ),
        ],
        "indicateur",
    ),
)];

const QUESTIONS: &[Spec] = &[
    spec("label", "Question", Ask::Long),
    spec("id", "Nom court", Ask::Text),
    spec("type", "Réponse", Ask::Choice(&[("text", "Texte"), ("choice", "Choix"), ("scale", "Échelle de 1 à 5"), ("number", "Nombre")])),
    hinted("choices", "Réponses proposées", Ask::Lines, "Une par ligne, pour un choix."),
    spec("required", "Réponse obligatoire", Ask::Check),
    spec("help", "Aide", Ask::Text),
];

pub(super) const REX: &[Spec] = &[spec(
    "rex",
    "Retour d'expérience",
    Ask::Object(&[
        hinted("due", "Délai, en jours", Ask::Days, "Après la fin de l'expérimentation."),
        spec(
            "questionnaire",
            "Questionnaire",
            Ask::Questionnaire(&[spec(
                "sections",
                "Rubriques",
                Ask::List(
                    &[
                        spec("title", "Titre", Ask::Text),
                        spec("id", "Nom court", Ask::Text),
                        spec("questions", "Questions", Ask::List(QUESTIONS, "question")),
                    ],
                    "rubrique",
                ),
            )]),
        ),
    ]),
)];

const ROLES: Choices = &[
    ("deployer", "Déployeur"),
    ("provider", "Fournisseur"),
    ("importer", "Importateur"),
    ("distributor", "Distributeur"),
    ("authorised_representative", "Mandataire"),
    ("product_manufacturer", "Fabricant de produits"),
    ("affected_person", "Personne concernée"),
];

pub(super) const PRINCIPLES: &[Spec] = &[
    spec(
        "principles",
        "Principes à apprécier",
        Ask::Some(&[
            ("general_interest", "Intérêt général"),
            ("frugality", "Réduction de l'impact environnemental (AFNOR SPEC 2314)"),
            ("fairness", "Équité"),
            ("transparency", "Transparence"),
            ("explainability", "Explicabilité"),
            ("reliability", "Fiabilité"),
            ("security", "Sécurité"),
            ("compliance", "Conformité"),
            ("free_software", "Logiciels libres"),
            ("data_sovereignty", "Maîtrise souveraine des données"),
        ]),
    ),
    spec(
        "ai_act",
        "Règlement européen sur l'IA",
        Ask::Object(&[
            spec(
                "risk",
                "Classe de risque",
                Ask::Choice(&[("minimal", "Minimal"), ("limited", "Limité"), ("high", "Élevé"), ("unacceptable", "Inacceptable")]),
            ),
            spec(
                "roles",
                "Rôles",
                Ask::Object(&[
                    spec("metropole", "Métropole", Ask::Choice(ROLES)),
                    spec("sites", "Structures", Ask::Choice(ROLES)),
                    spec("provider", "Prestataire", Ask::Choice(ROLES)),
                ]),
            ),
            spec(
                "obligations",
                "Obligations",
                Ask::List(
                    &[
                        spec("obligation", "Ce qui est dû", Ask::Text),
                        spec("date", "Date", Ask::Date),
                        spec(
                            "party",
                            "Par",
                            Ask::Choice(&[("metropole", "la Métropole"), ("sites", "les structures"), ("provider", "le prestataire")]),
                        ),
                    ],
                    "obligation",
                ),
            ),
        ]),
    ),
];

pub(super) const PROCESSING: &[Spec] = &[spec(
    "processing",
    "Registre des traitements",
    Ask::Object(&[
        hinted("controllers", "Responsables du traitement", Ask::Lines, "Un par ligne : metropole, sites, ou un nom."),
        hinted("processors", "Sous-traitants", Ask::Lines, "Un par ligne."),
        spec("purpose", "Finalité", Ask::Text),
        spec("legal_basis", "Base légale", Ask::Text),
        hinted("subjects", "Personnes concernées", Ask::Lines, "Une catégorie par ligne."),
        hinted("recipients", "Destinataires", Ask::Lines, "Un par ligne."),
        spec(
            "impact_assessment",
            "Analyse d'impact (AIPD)",
            Ask::Choice(&[("not_required", "Non requise"), ("planned", "Prévue"), ("in_progress", "En cours"), ("done", "Faite")]),
        ),
    ]),
)];
