//! What the perimeter answered, kept for the audit trail. Every read asks [`super::perimeter`], so that noting its answers there, and
//! nowhere else, leaves no read out: whoever handles a request runs it through [`witness`] and gets them all.
//!
//! The answers go through a task-local, and not through the callers' hands, because a caller could forget them. They change no answer.

use std::{cell::RefCell, future::Future};

use serde::{Serialize, Serializer};

use super::perimeter::Use;
use crate::ids::Siren;

tokio::task_local! {
    static SEEN: RefCell<Vec<Answer>>;
}

/// One answer of the perimeter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Name of the convention.
    pub convention: String,
    /// Under which version.
    pub version: i64,
    /// What was asked.
    #[serde(rename = "use", serialize_with = "name_only")]
    pub asked: Asked,
    /// Of which dataset; of those that the use covers, if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Of which fields; of those that the use covers, if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Of which site; of all, if none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<Siren>,
    /// Why not, as a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<&'static str>,
}

/// A use, as the trail names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Stable name.
    pub name: &'static str,
    /// Whether data are read by it. What is done by the others leaves an entry of its own.
    pub reads: bool,
}

fn name_only<S: Serializer>(asked: &Asked, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(asked.name)
}

impl From<Use<'_>> for Asked {
    fn from(asked: Use<'_>) -> Self {
        let (name, reads) = match asked {
            Use::ReadConvention => ("read_convention", false),
            Use::Draft => ("draft", false),
            Use::ReadDraft => ("read_draft", false),
            Use::Sign => ("sign", false),
            Use::Manage => ("manage", false),
            Use::Deposit => ("deposit", false),
            Use::Withdraw => ("withdraw", false),
            Use::WriteRex => ("write_rex", false),
            Use::ReadDeposit => ("read_deposit", true),
            Use::OwnResults => ("own_results", true),
            Use::Compare => ("compare", true),
            Use::Evaluation => ("evaluation", true),
            Use::Share { .. } => ("share", true),
            Use::OpenData => ("open_data", true),
            Use::ReadRex => ("read_rex", true),
        };
        Self { name, reads }
    }
}

/// Runs a request; gives what it gave, and what the perimeter answered meanwhile, each answer once.
pub async fn witness<F: Future>(request: F) -> (F::Output, Vec<Answer>) {
    SEEN.scope(RefCell::default(), async {
        let output = request.await;
        (output, SEEN.with(|seen| seen.take()))
    })
    .await
}

/// Notes an answer, where a request is being witnessed.
pub(super) fn note(answer: impl FnOnce() -> Answer) {
    // Outside of a request (a job, the command line) nobody listens: what they do is in the trail as acts.
    let _ = SEEN.try_with(|seen| {
        let (answer, mut seen) = (answer(), seen.borrow_mut());
        // A list asks the same for each of its rows.
        if !seen.iter().rev().any(|known| *known == answer) {
            seen.push(answer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(site: &str) -> Answer {
        let asked = Use::ReadDeposit.into();
        Answer { convention: "c".into(), version: 1, asked, dataset: None, fields: Vec::new(), site: site.parse().ok(), refused: None }
    }

    #[tokio::test]
    async fn a_request_is_witnessed_alone_and_each_answer_once() {
        note(|| answer("219300480"));
        let one = witness(async {
            note(|| answer("219300480"));
            tokio::task::yield_now().await;
            note(|| answer("219300480"));
            note(|| answer("219300100"));
        });
        let other = witness(async { note(|| answer("219200078")) });
        let ((_, one), (_, other)) = tokio::join!(one, other);
        assert_eq!((one.len(), other.len()), (2, 1));
        assert_eq!(serde_json::to_value(&other[0]).expect("JSON")["use"], "read_deposit");
    }
}
