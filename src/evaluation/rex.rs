//! The retour d'expérience: questionnaires and a site's answers.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::{
    convention::Convention,
    error::{Error, Fault, Result},
    ids::Siren,
    territory,
};

/// A questionnaire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Questionnaire {
    /// In order.
    pub sections: Vec<Section>,
}

/// One section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Stable name.
    pub id: String,
    /// What a person reads.
    pub title: String,
    /// In order.
    pub questions: Vec<Question>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Stable name, unique in the questionnaire.
    pub id: String,
    /// The question.
    pub label: String,
    /// `text`, `choice`, `scale` (1 to 5), `number`.
    #[serde(rename = "type")]
    pub kind: QuestionKind,
    /// Of a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Whether the REX is complete without it.
    #[serde(default)]
    pub required: bool,
    /// More words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// Free text.
    Text,
    /// One of `choices`.
    Choice,
    /// A whole number from 1 to 5.
    Scale,
    /// A number.
    Number,
}

/// A site's answers: question id → text or number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answers {
    /// Who answers.
    #[schema(value_type = String)]
    pub site: Siren,
    /// By question.
    #[schema(value_type = Object)]
    pub answers: serde_json::Map<String, Json>,
}

/// Longest text of an answer, in characters.
const LONGEST: usize = 20_000;

/// The questionnaire of a convention: the default one (`"default"` or nothing), or its own.
///
/// Refused (`rex_questionnaire`) with every fault at its place in `rex`.
pub fn questionnaire(rex: &Json) -> Result<Questionnaire> {
    match rex {
        Json::Null => by_default(),
        Json::String(name) if name == "default" => by_default(),
        Json::Object(_) => read(rex),
        _ => Err(refuse(vec![Fault::new(
            "",
            "rex_questionnaire",
            "Écrivez «\u{a0}default\u{a0}», ou un questionnaire avec ses rubriques et ses questions.",
        )])),
    }
}

fn by_default() -> Result<Questionnaire> {
    serde_json::from_str(include_str!("rex.default.json")).map_err(Error::internal)
}

fn refuse(faults: Vec<Fault>) -> Error {
    Error::invalid("rex_questionnaire", "Le questionnaire du retour d’expérience est à corriger.").with_faults(faults)
}

fn read(rex: &Json) -> Result<Questionnaire> {
    let unreadable = |error: serde_json::Error| {
        let message = "Le questionnaire ne se lit pas\u{a0}: il a des rubriques (id, title, questions), et chaque question un id, un label et un type.";
        refuse(vec![Fault::new("", "rex_questionnaire", message)]).with_source(error)
    };
    let questionnaire: Questionnaire = serde_json::from_value(rex.clone()).map_err(unreadable)?;
    let mut faults = Vec::new();
    let (mut sections, mut questions) = (HashSet::new(), HashSet::new());
    if questionnaire.sections.iter().all(|section| section.questions.is_empty()) {
        faults.push(Fault::new("/sections", "no_question", "Posez au moins une question."));
    }
    for (s, section) in questionnaire.sections.iter().enumerate() {
        if !sections.insert(&section.id) {
            faults.push(Fault::new(
                format!("/sections/{s}/id"),
                "repeated_id",
                format!("Deux rubriques s’appellent «\u{a0}{}\u{a0}».", section.id),
            ));
        }
        for (q, question) in section.questions.iter().enumerate() {
            let at = |key: &str| format!("/sections/{s}/questions/{q}/{key}");
            if !questions.insert(&question.id) {
                faults.push(Fault::new(at("id"), "repeated_id", format!("Deux questions s’appellent «\u{a0}{}\u{a0}».", question.id)));
            }
            let is_choice = question.kind == QuestionKind::Choice;
            if is_choice && question.choices.len() < 2 {
                faults.push(Fault::new(at("choices"), "choices", "Proposez au moins deux réponses."));
            } else if !is_choice && !question.choices.is_empty() {
                faults.push(Fault::new(at("choices"), "choices", "Seule une question de type «\u{a0}choice\u{a0}» propose des réponses."));
            }
        }
    }
    if faults.is_empty() { Ok(questionnaire) } else { Err(refuse(faults)) }
}

impl Questionnaire {
    /// All questions, in order.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.sections.iter().flat_map(|section| &section.questions)
    }

    /// Checks answers against the questionnaire; `strict` also asks for the required ones. An empty answer is none.
    ///
    /// Refused (`rex_answers`) with every fault at `/question`.
    pub fn check(&self, answers: &serde_json::Map<String, Json>, strict: bool) -> Result<()> {
        let mut faults = Vec::new();
        let mut fault = |id: &str, code: &str, message: String| faults.push(Fault::new(format!("/{}", escape(id)), code, message));
        for id in answers.keys().filter(|id| !self.questions().any(|question| question.id == **id)) {
            fault(
                id,
                "unknown_question",
                "Cette question n’est pas dans le questionnaire\u{a0}: retirez-la, ou corrigez son nom.".to_owned(),
            );
        }
        for question in self.questions() {
            match answers.get(&question.id).filter(|answer| !is_empty(answer)) {
                None if strict && question.required => {
                    fault(&question.id, "required", format!("Répondez à la question «\u{a0}{}\u{a0}».", question.label));
                }
                None => {}
                Some(answer) => {
                    if let Err((code, message)) = question.accepts(answer) {
                        fault(&question.id, code, message);
                    }
                }
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::invalid("rex_answers", "Des réponses du retour d’expérience sont à corriger.").with_faults(faults))
    }
}

impl Question {
    fn accepts(&self, answer: &Json) -> Result<(), (&'static str, String)> {
        match (self.kind, answer) {
            (QuestionKind::Text, Json::String(text)) if text.chars().count() > LONGEST => {
                Err(("too_long", format!("Raccourcissez cette réponse\u{a0}: {LONGEST} caractères au plus.")))
            }
            (QuestionKind::Text, Json::String(_)) | (QuestionKind::Number, Json::Number(_)) => Ok(()),
            (QuestionKind::Choice, Json::String(choice)) if self.choices.contains(choice) => Ok(()),
            (QuestionKind::Scale, Json::Number(n)) if n.as_f64().is_some_and(|n| (1.0..=5.0).contains(&n) && n.fract() == 0.0) => Ok(()),
            (QuestionKind::Text, _) => Err(("type", "Écrivez un texte.".to_owned())),
            (QuestionKind::Choice, _) => {
                let choices: Vec<String> = self.choices.iter().map(|choice| format!("«\u{a0}{choice}\u{a0}»")).collect();
                Err(("choice", format!("Choisissez une des réponses proposées\u{a0}: {}.", choices.join(", "))))
            }
            (QuestionKind::Scale, _) => Err(("scale", "Donnez un nombre entier de 1 à 5.".to_owned())),
            (QuestionKind::Number, _) => Err(("number", "Donnez un nombre.".to_owned())),
        }
    }
}

fn is_empty(answer: &Json) -> bool {
    matches!(answer, Json::Null) || answer.as_str().is_some_and(|text| text.trim().is_empty())
}

/// A name as a token of a JSON Pointer (RFC 6901).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Reads the answers of the convention's sites from a folder of `<SIREN or INSEE code>.json|yaml|yml` files, each an object of
/// question → answer, alone or as the API gives it (`{"site": …, "answers": {…}}`); gives them in the convention's order. Required answers may be missing.
///
/// Refused (`rex_answers`) with every fault under the file's name.
pub fn read_answers(dir: &Path, convention: &Convention) -> Result<Vec<Answers>> {
    let rex = convention.document.rex.as_ref().map_or(Json::Null, |rex| rex.questionnaire.clone());
    let questionnaire = questionnaire(&rex)?;
    let unreadable = || Error::invalid("rex_folder", format!("Le dossier «\u{a0}{}\u{a0}» ne se lit pas.", dir.display()));
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(|error| unreadable().with_source(error))?;
    paths.sort();

    let mut faults = Vec::new();
    let mut found: BTreeMap<usize, Answers> = BTreeMap::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let mut fault =
            |pointer: &str, code: &str, message: String| faults.push(Fault::new(format!("/{}{pointer}", escape(&name)), code, message));
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let sites = &convention.document.parties.sites;
        let site = territory::by_code(&stem).map(|o| &o.siren).and_then(|siren| sites.iter().position(|party| party.siren == *siren));
        let Some(index) = site else {
            fault("", "unknown_site", "Donnez au fichier le SIREN ou le code INSEE d’une structure de la convention.".to_owned());
            continue;
        };
        match read_file(&path) {
            Err(error) => fault("", error.code, error.message),
            Ok(answers) => match questionnaire.check(&answers, false) {
                Err(error) => error.faults.into_iter().for_each(|f| fault(&f.pointer, &f.code, f.message)),
                Ok(()) if found.contains_key(&index) => {
                    fault("", "repeated_site", "Cette structure a déjà un fichier\u{a0}: gardez-en un seul.".to_owned())
                }
                Ok(()) => {
                    found.insert(index, Answers { site: sites[index].siren.clone(), answers });
                }
            },
        }
    }
    if faults.is_empty() {
        return Ok(found.into_values().collect());
    }
    Err(Error::invalid("rex_answers", "Des réponses du retour d’expérience sont à corriger.").with_faults(faults))
}

fn read_file(path: &Path) -> Result<serde_json::Map<String, Json>> {
    let bad = || Error::invalid("rex_file", "Ce fichier ne se lit pas\u{a0}: écrivez une réponse par question, en JSON ou en YAML.");
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let text = fs::read_to_string(path).map_err(|error| bad().with_source(error))?;
    let mut answers: serde_json::Map<String, Json> = match extension.as_str() {
        "json" => serde_json::from_str(&text).map_err(|error| bad().with_source(error))?,
        "yaml" | "yml" => serde_saphyr::from_str(&text).map_err(|error| bad().with_source(error))?,
        _ => return Err(Error::invalid("rex_file", "Donnez un fichier .json, .yaml ou .yml.")),
    };
    // No answer is an object: this is the API's form.
    Ok(match answers.get_mut("answers").map(Json::take) {
        Some(Json::Object(inner)) => inner,
        Some(other) => {
            answers.insert("answers".to_owned(), other);
            answers
        }
        None => answers,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn codes(error: Error) -> Vec<(String, String)> {
        error.faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn the_default_questionnaire_passes_its_own_rules() {
        let default = questionnaire(&json!("default")).expect("default");
        let again = read(&serde_json::to_value(&default).expect("json")).expect("own rules");
        assert_eq!(default, again);
        assert_eq!(default.questions().filter(|q| q.id.starts_with("sus_")).count(), 10, "ten items (Brooke 1996)");
    }

    #[test]
    fn every_fault_of_a_questionnaire_is_located() {
        let question = |id: &str, kind: &str, choices: Json| json!({"id": id, "label": "?", "type": kind, "choices": choices});
        let bad = json!({"sections": [
            {"id": "a", "title": "A", "questions": [question("x", "text", json!(["oui"])), question("x", "choice", json!(["oui"]))]},
            {"id": "a", "title": "B", "questions": []},
        ]});
        let found = codes(questionnaire(&bad).expect_err("bad"));
        let expected = [
            ("/sections/0/questions/0/choices", "choices"),
            ("/sections/0/questions/1/id", "repeated_id"),
            ("/sections/0/questions/1/choices", "choices"),
            ("/sections/1/id", "repeated_id"),
        ];
        assert_eq!(found, expected.map(|(p, c)| (p.to_owned(), c.to_owned())));
        for bad in [json!(3), json!("autre"), json!({}), json!({"sections": []}), json!({"sections": 1, "x": 2})] {
            assert_eq!(questionnaire(&bad).expect_err("bad").code, "rex_questionnaire", "{bad}");
        }
    }

    #[test]
    fn every_fault_of_answers_is_located() {
        let default = questionnaire(&Json::Null).expect("default");
        let answers = |value: Json| value.as_object().expect("object").clone();
        default
            .check(&answers(json!({"agents": 12, "sus_1": 4, "objectifs": "En partie", "services": "Accueil", "conseil": " "})), false)
            .expect("good");
        let bad = answers(json!({"agents": "douze", "sus_1": 6, "sus_2": 2.5, "objectifs": "Oui", "services": 3, "a/b": 1}));
        let found = codes(default.check(&bad, false).expect_err("bad"));
        for expected in [
            ("/agents", "number"),
            ("/sus_1", "scale"),
            ("/sus_2", "scale"),
            ("/objectifs", "choice"),
            ("/services", "type"),
            ("/a~1b", "unknown_question"),
        ] {
            assert!(found.contains(&(expected.0.to_owned(), expected.1.to_owned())), "{expected:?} in {found:?}");
        }
        assert_eq!(found.len(), 6);
        let missing = codes(default.check(&answers(json!({})), true).expect_err("required"));
        assert_eq!(missing.len(), default.questions().filter(|q| q.required).count());
        assert!(missing.iter().all(|(_, code)| code == "required"));
    }
}
