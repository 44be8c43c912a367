//! What letters say, each in its two forms.

use chrono::NaiveDate;
use retex::mail::{
    Letter,
    french::{self, Written},
};

const BASE: &str = "https://retex.example";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// One of every kind.
pub fn letters() -> Vec<Letter> {
    let convention = || "Assistant de tri des demandes des usagers".to_owned();
    let path = || "/experimentations/tri-demandes-2026".to_owned();
    let expires_at = "2026-03-15T08:00:00Z".parse().unwrap();
    let all = vec![
        Letter::Invitation { path: "/invitation/0123456789abcdef".into(), expires_at },
        Letter::PasswordReset { path: "/mot-de-passe/0123456789abcdef".into(), expires_at },
        Letter::ReviewRequested { convention: convention(), path: path() },
        Letter::Commented {
            convention: convention(),
            author: "Sofia Lemaire".into(),
            text: "Faut-il vraiment la colonne «\u{a0}agent\u{a0}» ?\n<b>Elle identifie des personnes.</b>".into(),
            path: path(),
        },
        Letter::SignatureRequested { convention: convention(), version: 2, path: path() },
        Letter::InForce { convention: convention(), version: 1, from: day("2026-03-01"), path: path() },
        Letter::ConventionEnding { convention: convention(), on: day("2026-04-11"), reason: None, path: path() },
        Letter::ConventionEnding {
            convention: convention(),
            on: day("2026-03-31"),
            reason: Some("Le prestataire cesse son activité.".into()),
            path: path(),
        },
        Letter::DepositDue {
            convention: convention(),
            dataset: "Demandes reçues pendant le mois, suivies au moins 20 jours".into(),
            period: Some("2026-02".parse().unwrap()),
            due: day("2026-03-19"),
            path: "/depots/nouveau?cible=tri-demandes-2026/demandes/2026-02".into(),
        },
        Letter::DepositLate {
            convention: convention(),
            dataset: "Consommation de l'assistant".into(),
            period: Some("2025-10".parse().unwrap()),
            due: day("2026-03-01"),
            path: "/depots/nouveau?cible=tri-demandes-2026/energie/2025-10".into(),
        },
        Letter::DepositRejected {
            number: "D-2026-000012".into(),
            file: "demandes 2026-02.csv".into(),
            problems: 1284,
            path: "/depots/1".into(),
        },
        Letter::DepositHeld {
            number: "D-2026-000013".into(),
            file: "demandes 2026-02.csv".into(),
            columns: vec!["objet".into(), "suite".into()],
            until: day("2026-04-11"),
            path: "/depots/2".into(),
        },
        Letter::PurgeComing { convention: convention(), site: None, on: day("2026-04-11"), path: path() },
        Letter::Purged { convention: convention(), site: Some("219300480".parse().unwrap()), path: path() },
        Letter::RexDue { convention: convention(), due: day("2026-03-13"), path: path() },
        Letter::RexLate { convention: convention(), due: day("2026-03-01"), path: path() },
        Letter::WithdrawalAnswered { convention: convention(), granted: None, reason: "Erreur de périmètre.".into(), path: path() },
        Letter::WithdrawalAnswered {
            convention: convention(),
            granted: Some(false),
            reason: "L'évaluation en dépend.".into(),
            path: path(),
        },
    ];
    let factor = Letter::SecondFactorReset { at: expires_at, path: "/compte/second-facteur".into() };
    let digest = Letter::Digest { letters: vec![all[2].clone(), all[9].clone()] };
    [all, vec![factor, digest]].concat()
}

fn write(letter: &Letter) -> Written {
    french::write(letter, BASE, day("2026-03-12"))
}

#[test]
fn each_letter_says_what_happens_and_what_to_do() {
    let mut all = String::new();
    for letter in letters() {
        let written = write(&letter);
        all += &format!("=== {}\nSujet : {}\n\n{}\n", letter.kind(), written.subject, written.text("Julie Garnier").unwrap());
    }
    insta::assert_snapshot!("letters", all);
}

#[test]
fn the_html_says_the_same_and_escapes_what_people_wrote() {
    let comment = write(&letters()[3]).html("<i>Julie</i>").unwrap();
    assert!(comment.contains("&#60;b&#62;") && !comment.contains("<b>") && !comment.contains("<i>"), "{comment}");
    insta::assert_snapshot!("letter_html", write(&letters()[4]).html("Julie Garnier").unwrap());
    insta::assert_snapshot!("digest_html", write(letters().last().unwrap()).html("Julie Garnier").unwrap());
    for letter in letters() {
        let (written, kind) = (write(&letter), letter.kind());
        let (text, html) = (written.text("").unwrap(), written.html("").unwrap());
        for (label, href) in written.link.iter().chain(written.items.iter().filter_map(|i| i.link.as_ref())) {
            assert!(href.starts_with(BASE), "{kind}: {href}");
            assert!(text.contains(href) && html.contains(href) && html.contains(label.split('\'').next().unwrap()), "{kind}");
        }
        assert!(!html.contains("<script") && !html.contains("http-equiv"), "{kind}");
    }
}

#[test]
fn a_subject_is_one_short_line_whatever_the_title() {
    let long = "Évaluation\r\nBcc: tous@exemple.fr ".to_owned() + &"é".repeat(300);
    for letter in [
        Letter::SignatureRequested { convention: long.clone(), version: 1, path: "/".into() },
        Letter::ConventionEnding { convention: long.clone(), on: day("2026-09-30"), reason: Some(long.clone()), path: "/".into() },
        Letter::DepositDue { convention: long.clone(), dataset: long.clone(), period: None, due: day("2026-09-30"), path: "/".into() },
        Letter::RexLate { convention: long.clone(), due: day("2026-09-30"), path: "/".into() },
    ] {
        let subject = write(&letter).subject;
        assert!(subject.chars().count() <= 70 && !subject.contains(['\r', '\n']), "{subject:?}");
        assert!(subject.contains('…'), "{subject:?}");
    }
    for letter in letters() {
        assert!(write(&letter).subject.chars().count() <= 70);
    }
}
