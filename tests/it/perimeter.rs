//! Who may do what with which data, and when: the specification's example, from 5 January to 30 June 2026, kept 24 months.
#![expect(clippy::expect_used, reason = "a test stops where its own setting fails")]

use chrono::NaiveDate;
use retex::{
    convention::{
        Convention,
        perimeter::{Person, Role, Use, may},
    },
    error::Kind,
    ids::Siren,
};

const BAGNOLET: &str = "219300068";
const BOBIGNY: &str = "219300084";
const PANTIN: &str = "219300555";

fn example() -> Convention {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/design/convention.example.yaml");
    Convention::load_file(file.as_ref()).unwrap_or_else(|e| panic!("{e}"))
}

fn siren(code: &str) -> Siren {
    code.parse().expect("a SIREN")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// The code of the refusal, or «yes».
fn ask(convention: &Convention, role: Role, site: Option<&str>, usage: Use, dataset: &str, of: &str, today: &str) -> &'static str {
    let person = Person { role, site: site.map(siren) };
    may(convention, &person, usage, dataset, &siren(of), day(today)).map_or_else(|e| e.code, |()| "yes")
}

#[test]
fn each_role_may_do_its_part_and_no_more() {
    use Role::{Administrator, Analyst, Contributor, DataProtectionOfficer, Officer, Signatory};
    use Use::{Comparison, Deposit, Evaluation, ReadOwn, Report};
    let convention = example();
    let own = |role, usage| ask(&convention, role, Some(BAGNOLET), usage, "demandes", BAGNOLET, "2026-03-12");
    let other = |role, usage| ask(&convention, role, Some(BAGNOLET), usage, "demandes", BOBIGNY, "2026-03-12");
    let metropole = |role, usage| ask(&convention, role, None, usage, "demandes", BOBIGNY, "2026-03-12");
    // One row a role: deposit, read own, evaluation, comparison, report.
    let uses = [Deposit, ReadOwn, Evaluation, Comparison, Report];
    for (role, expected) in [
        (Contributor, ["yes", "yes", "role", "yes", "role"]),
        (Signatory, ["role", "yes", "role", "yes", "role"]),
        (Administrator, ["role"; 5]),
        (DataProtectionOfficer, ["role"; 5]),
    ] {
        assert_eq!(uses.map(|u| own(role, u)), expected, "{role:?} of its own site");
    }
    for (role, expected) in
        [(Contributor, ["other_site", "other_site", "role", "yes", "role"]), (Signatory, ["role", "other_site", "role", "yes", "role"])]
    {
        assert_eq!(uses.map(|u| other(role, u)), expected, "{role:?} of another site");
    }
    for (role, expected) in [
        (Analyst, ["role", "role", "yes", "yes", "yes"]),
        (Officer, ["role", "role", "yes", "yes", "yes"]),
        (Contributor, ["other_site", "other_site", "role", "not_a_party", "role"]),
        (Administrator, ["role"; 5]),
        (DataProtectionOfficer, ["role"; 5]),
    ] {
        assert_eq!(uses.map(|u| metropole(role, u)), expected, "{role:?} of no site");
    }
}

#[test]
fn what_is_not_named_is_not_allowed() {
    let convention = example();
    let of = |role, site, usage, dataset, of| ask(&convention, role, site, usage, dataset, of, "2026-03-12");
    // The example compares «demandes» only; a site sees its own results of «energie», not another's.
    assert_eq!(of(Role::Contributor, Some(BAGNOLET), Use::Comparison, "energie", BOBIGNY), "use_not_agreed");
    assert_eq!(of(Role::Contributor, Some(BAGNOLET), Use::Comparison, "energie", BAGNOLET), "yes");
    assert_eq!(of(Role::Contributor, Some(PANTIN), Use::Comparison, "demandes", BAGNOLET), "not_a_party");
    assert_eq!(of(Role::Contributor, Some(PANTIN), Use::Deposit, "demandes", PANTIN), "not_a_party");
    assert_eq!(of(Role::Contributor, Some(BAGNOLET), Use::Deposit, "agents", BAGNOLET), "unknown_dataset");
    let mut json = example().json;
    json["uses"]["evaluation"] = serde_json::json!({"datasets": ["energie"]});
    json["evaluation"]["design"] = "none".into();
    json["evaluation"]["indicators"] = serde_json::json!([{"id": "e", "title": "E", "dataset": "energie", "statistic": "sum", "value": "energy_consumed", "better": "lower"}]);
    for key in ["arms", "phases", "cluster"] {
        json["evaluation"].as_object_mut().expect("an object").shift_remove(key);
    }
    let narrow = Convention::from_json(json).unwrap_or_else(|e| panic!("{e}: {:?}", e.faults));
    for usage in [Use::Evaluation, Use::Report, Use::Comparison] {
        assert_eq!(ask(&narrow, Role::Analyst, None, usage, "demandes", BAGNOLET, "2026-03-12"), "use_not_agreed");
    }
}

#[test]
fn each_use_has_its_days() {
    let convention = example();
    let deposit = |today| ask(&convention, Role::Contributor, Some(BAGNOLET), Use::Deposit, "demandes", BAGNOLET, today);
    // Due 10 days after 30 June, then 30 days to correct: 9 August.
    assert_eq!(["2026-01-04", "2026-01-05", "2026-08-09", "2026-08-10"].map(deposit), ["before_period", "yes", "yes", "deposits_closed"]);
    let read = |today| ask(&convention, Role::Analyst, None, Use::Evaluation, "demandes", BAGNOLET, today);
    assert_eq!(["2026-01-04", "2028-06-30", "2028-07-01"].map(read), ["before_period", "yes", "retention_over"]);
}

#[test]
fn a_refusal_says_why_in_french() {
    let convention = example();
    let person = Person { role: Role::Contributor, site: Some(siren(BAGNOLET)) };
    let error = may(&convention, &person, Use::ReadOwn, "demandes", &siren(BOBIGNY), day("2026-03-12")).expect_err("another site");
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Kind::Forbidden, "Ces données sont celles d'une autre structure\u{a0}: vous n'y avez pas accès.")
    );
    let error = may(&convention, &person, Use::Deposit, "demandes", &siren(PANTIN), day("2026-03-12")).expect_err("no party");
    assert_eq!((error.kind, error.message.as_str()), (Kind::NotFound, "Pantin n'est pas partie à cette convention."));
}
