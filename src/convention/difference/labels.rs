//! How the places of a document are called.

use crate::convention::messages::clip;

/// How a place is called in a sentence, its article in front.
pub(super) struct Label {
    /// «la fin».
    pub words: String,
    /// Whether the verb is in the plural.
    pub plural: bool,
}

/// A list of things that have a name.
#[derive(Clone, Copy)]
pub(super) struct Keyed {
    /// The member that names an item.
    pub key: &'static str,
    /// «Structure».
    pub one: &'static str,
    /// «Structure ajoutée».
    pub added: &'static str,
    /// «Structure retirée».
    pub removed: &'static str,
    /// «Les structures».
    pub order: &'static str,
    /// End of the sentence that says that one is added.
    pub then: &'static str,
}

/// The parts of a convention, in the order in which they are read.
pub(super) const SECTIONS: [&str; 10] = [
    "Généralités",
    "Dates",
    "Parties",
    "Prestataire",
    "Jeux de données",
    "Usages et conservation",
    "Plan d'évaluation",
    "Retour d'expérience",
    "Principes et règlement sur l'IA",
    "Données personnelles",
];

/// The part of the convention that a place belongs to.
pub(super) fn section(path: &[String]) -> &'static str {
    match path.first().map(String::as_str) {
        Some("period") => "Dates",
        Some("parties") => "Parties",
        Some("datasets") => "Jeux de données",
        Some("uses" | "retention" | "disclosure") => "Usages et conservation",
        Some("evaluation") => "Plan d'évaluation",
        Some("rex") => "Retour d'expérience",
        Some("principles" | "ai_act") => "Principes et règlement sur l'IA",
        Some("processing") => "Données personnelles",
        Some("provider") => "Prestataire",
        _ => "Généralités",
    }
}

/// The lists whose items have a name.
pub(super) fn keyed(path: &[&str]) -> Option<Keyed> {
    const fn of(key: &'static str, words: [&'static str; 4]) -> Keyed {
        let [one, added, removed, order] = words;
        Keyed { key, one, added, removed, order, then: "." }
    }
    Some(match path {
        ["parties", "sites"] => of("siren", ["Structure", "Structure ajoutée", "Structure retirée", "Les structures viennent"]),
        ["evaluation", "indicators"] => Keyed {
            then: ". Il est exploratoire s'il n'était pas dans le plan d'abord signé.",
            ..of("id", ["Indicateur", "Indicateur ajouté", "Indicateur retiré", "Les indicateurs viennent"])
        },
        ["datasets", _, "rules"] => of("id", ["règle", "règle ajoutée", "règle retirée", "les règles viennent"]),
        ["datasets", _, "schema", "fields"] => of("name", ["colonne", "colonne ajoutée", "colonne retirée", "les colonnes viennent"]),
        ["uses", "sharing"] => of("recipient", ["Partage avec", "Nouveau partage avec", "Partage retiré", "Les partages viennent"]),
        ["uses", "open_data"] => {
            of("dataset", ["Données ouvertes", "Jeu publié en données ouvertes", "Jeu qui n'est plus publié", "Les jeux publiés viennent"])
        }
        ["rex", "questionnaire", "sections"] => of("id", ["Rubrique", "Rubrique ajoutée", "Rubrique retirée", "Les rubriques viennent"]),
        ["rex", "questionnaire", "sections", _, "questions"] => {
            of("id", ["question", "question ajoutée", "question retirée", "les questions viennent"])
        }
        ["ai_act", "obligations"] => {
            of("obligation", ["Obligation", "Obligation ajoutée", "Obligation retirée", "Les obligations viennent"])
        }
        _ => return None,
    })
}

/// The lists told by what joins and leaves them.
pub(super) fn is_set(path: &[&str]) -> bool {
    matches!(
        path,
        ["principles"]
            | ["uses", _, "datasets"]
            | ["uses", _, _, "datasets" | "fields"]
            | ["processing", _]
            | ["datasets", _, "primary_key"]
            | ["datasets", _, "schema", "required"]
    )
}

/// How what is asked of a column is called.
fn keyword(key: &str) -> Option<(&'static str, bool)> {
    Some(match key {
        "type" => ("le type", false),
        "title" => ("le libellé", false),
        "description" => ("la description", false),
        "format" => ("la forme", false),
        "enum" => ("les valeurs possibles", true),
        "minimum" => ("le minimum", false),
        "maximum" => ("le maximum", false),
        "minLength" => ("la longueur minimale", false),
        "maxLength" => ("la longueur maximale", false),
        "pattern" => ("le motif", false),
        "examples" | "example" => ("l'exemple", false),
        "required" => ("l'obligation de remplir", false),
        _ => return None,
    })
}

/// How a place is called.
pub(super) fn label(path: &[String]) -> Label {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let (words, plural) = match path[..] {
        ["title"] => ("le titre", false),
        ["id"] => ("le nom court", false),
        ["retex"] => ("la version du format", false),
        ["track"] => ("le parcours", false),
        ["summary"] => ("le résumé", false),
        ["period"] => ("les dates", true),
        ["period", "start"] => ("le début", false),
        ["period", "end"] => ("la fin", false),
        ["parties", "metropole", "siren"] => ("le SIREN de la Métropole", false),
        ["parties", "metropole", "contact"] => ("le contact de la Métropole", false),
        ["parties", "metropole", "label"] => ("le nom affiché de la Métropole", false),
        ["parties", "sites", _, "label"] => ("le nom affiché", false),
        ["parties", "sites", _, "contact"] => ("le contact", false),
        ["parties", "sites"] => ("les structures", true),
        ["provider"] => ("le prestataire", false),
        ["provider", "name"] => ("le nom du prestataire", false),
        ["provider", "solution"] => ("la solution", false),
        ["provider", "licence"] => ("la licence", false),
        ["provider", "hosting"] => ("l'hébergement", false),
        ["datasets", _, "title"] => ("le titre", false),
        ["datasets", _, "description"] => ("la description", false),
        ["datasets", _, "primary_key"] => ("la clé (colonnes qui identifient une ligne)", false),
        ["datasets", _, "unique_keys"] => ("les valeurs qui ne se répètent pas", true),
        ["datasets", _, "foreign_keys"] => ("les références à d'autres listes", true),
        ["datasets", _, "personal_data"] => ("les données personnelles déclarées", true),
        ["datasets", _, "periodicity"] => ("le rythme des dépôts", false),
        ["datasets", _, "due"] => ("le délai de dépôt", false),
        ["datasets", _, "reading"] | ["datasets", _, "reading", _] => ("l'écriture convenue des fichiers", false),
        ["datasets", _, "coverage"] => ("les jours à couvrir", true),
        ["datasets", _, "coverage", "date"] => ("la colonne qui date les lignes", false),
        ["datasets", _, "coverage", "every"] => ("le rythme attendu des lignes", false),
        ["datasets", _, "rules"] => ("les règles", true),
        ["datasets", _, "rules", _, "check"] => ("la condition", false),
        ["datasets", _, "rules", _, "message"] => ("la phrase affichée", false),
        ["datasets", _, "schema"] => ("le modèle des lignes", false),
        ["datasets", _, "schema", "required"] => ("les colonnes obligatoires", true),
        ["datasets", _, "schema", "additionalProperties"] => ("l'accueil des colonnes en plus", false),
        ["datasets", _, "schema", "missingValues"] => ("les valeurs qui disent «\u{a0}vide\u{a0}»", true),
        ["datasets", _, "schema", "properties" | "fields", _, .., key] if keyword(key).is_some() => keyword(key).unwrap_or_default(),
        ["uses"] => ("les usages", true),
        ["uses", "evaluation"] => ("l'évaluation par la Métropole", false),
        ["uses", "comparison"] => ("la comparaison entre structures", false),
        ["uses", "comparison", "sites"] => ("l'affichage des structures dans la comparaison", false),
        ["uses", "evaluation", "datasets"] => ("les jeux évalués", true),
        ["uses", "comparison", "datasets"] => ("les jeux comparés", true),
        ["uses", "sharing"] => ("le partage", false),
        ["uses", "sharing", _, "datasets"] => ("les jeux partagés", true),
        ["uses", "sharing", _, "fields"] => ("les colonnes partagées", true),
        ["uses", "sharing", _, "until"] => ("la fin du partage", false),
        ["uses", "open_data"] => ("les données ouvertes", true),
        ["uses", "open_data", _, "fields"] => ("les colonnes publiées", true),
        ["retention", "months"] => ("la conservation après la fin", false),
        ["disclosure", "minimum_cell"] => ("le seuil de publication", false),
        ["evaluation", "design"] => ("le type d'évaluation", false),
        ["evaluation", "arms"] => ("les groupes comparés", true),
        ["evaluation", "arms", "column"] => ("la colonne du groupe", false),
        ["evaluation", "arms", "treated"] => ("la valeur du groupe assisté", false),
        ["evaluation", "arms", "control"] => ("la valeur du groupe témoin", false),
        ["evaluation", "phases"] => ("les périodes comparées", true),
        ["evaluation", "phases", "column"] => ("la colonne de la date", false),
        ["evaluation", "phases", "baseline"] => ("la période de référence", false),
        ["evaluation", "phases", "trial"] => ("la période d'essai", false),
        ["evaluation", "assignment"] => ("la formation des groupes", false),
        ["evaluation", "cluster"] => ("la colonne qui regroupe les lignes", false),
        ["evaluation", "confidence"] => ("la confiance des intervalles", false),
        ["evaluation", "planning"] => ("les risques convenus", true),
        ["evaluation", "planning", "alpha"] => ("le risque d'erreur accepté", false),
        ["evaluation", "planning", "power"] => ("la puissance voulue", false),
        ["evaluation", "indicators", _, "title"] => ("le titre", false),
        ["evaluation", "indicators", _, "description"] => ("la description", false),
        ["evaluation", "indicators", _, "dataset"] => ("le jeu de données", false),
        ["evaluation", "indicators", _, "statistic"] => ("la statistique", false),
        ["evaluation", "indicators", _, "value"] => ("la valeur mesurée", false),
        ["evaluation", "indicators", _, "per"] => ("le dénominateur", false),
        ["evaluation", "indicators", _, "where"] => ("la condition sur les lignes", false),
        ["evaluation", "indicators", _, "unit"] => ("l'unité", false),
        ["evaluation", "indicators", _, "better"] => ("le sens favorable", false),
        ["evaluation", "indicators", _, "effect"] => ("l'échelle de l'effet", false),
        ["evaluation", "indicators", _, "role"] => ("le rôle", false),
        ["evaluation", "indicators", _, "target"] => ("l'objectif", false),
        ["evaluation", "indicators", _, "level"] => ("le niveau du quantile", false),
        ["rex"] => ("le retour d'expérience", false),
        ["rex", "due"] => ("le délai du retour d'expérience", false),
        ["rex", "questionnaire"] => ("le questionnaire", false),
        ["rex", "questionnaire", "sections", _, "questions", _, "label"] => ("l'énoncé", false),
        ["rex", "questionnaire", "sections", _, "questions", _, "type"] => ("la forme de la réponse", false),
        ["rex", "questionnaire", "sections", _, "questions", _, "choices"] => ("les réponses proposées", true),
        ["rex", "questionnaire", "sections", _, "questions", _, "required"] => ("l'obligation de répondre", false),
        ["rex", "questionnaire", "sections", _, "questions", _, "help"] => ("l'aide", false),
        ["principles"] => ("les principes appréciés", true),
        ["ai_act"] => ("le règlement européen sur l'IA", false),
        ["ai_act", "risk"] => ("la classe de risque", false),
        ["ai_act", "roles", "metropole"] => ("le rôle de la Métropole", false),
        ["ai_act", "roles", "sites"] => ("le rôle des structures", false),
        ["ai_act", "roles", "provider"] => ("le rôle du prestataire", false),
        ["ai_act", "obligations"] => ("les obligations", true),
        ["ai_act", "obligations", _, "date"] => ("la date", false),
        ["ai_act", "obligations", _, "party"] => ("la partie qui la doit", false),
        ["processing"] => ("les éléments du registre des traitements", true),
        ["processing", "controllers"] => ("les responsables du traitement", true),
        ["processing", "processors"] => ("les sous-traitants", true),
        ["processing", "purpose"] => ("la finalité", false),
        ["processing", "legal_basis"] => ("la base légale", false),
        ["processing", "subjects"] => ("les personnes concernées", true),
        ["processing", "recipients"] => ("les destinataires", true),
        ["processing", "impact_assessment"] => ("l'analyse d'impact", false),
        _ => {
            let last = path.last().copied().unwrap_or("document");
            return Label { words: format!("«\u{a0}{}\u{a0}»", clip(last)), plural: false };
        }
    };
    Label { words: words.to_owned(), plural }
}
