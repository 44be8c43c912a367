//! The retour d'expérience: questionnaires and a site's answers.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::{error::Result, ids::Siren};

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

/// The questionnaire of a convention: the default one, or its own.
pub fn questionnaire(_rex: &Json) -> Result<Questionnaire> {
    todo!()
}

impl Questionnaire {
    /// Checks answers against the questionnaire; `strict` also asks for the required ones.
    pub fn check(&self, _answers: &serde_json::Map<String, Json>, _strict: bool) -> Result<()> {
        todo!()
    }
}
