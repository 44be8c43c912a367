use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{
    super::{
        Convention,
        agreement::{
            State,
            tests::{METROPOLE, agreement, day, siren, version, withdrawn},
        },
    },
    *,
};

/// The heating sample, changed, as a version signed by the Métropole and its first `signed` sites.
fn heating(number: i64, signed: usize, change: impl FnOnce(&mut Json)) -> AgreedVersion {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/chauffage/convention.yaml");
    let mut json = Convention::load_file(std::path::Path::new(file)).expect("the sample is a convention").json;
    change(&mut json);
    let convention = Convention::from_json(json).unwrap_or_else(|e| panic!("{e} {:?}", e.faults));
    let mut made = version(number, ["2026-01-05", "2026-03-29"], 0, &[], json!([]));
    made.signed = std::iter::once(siren(METROPOLE))
        .chain(convention.document.parties.sites.iter().take(signed).map(|p| p.siren.clone()))
        .map(|party| (party, made.head.created_at))
        .collect();
    made.convention = Arc::new(convention);
    made
}

fn site(agreed: &Agreement, i: usize) -> Siren {
    agreed.versions()[0].convention.document.parties.sites[i].siren.clone()
}

fn code(answer: Result<()>) -> &'static str {
    answer.map_or_else(|e| e.code, |()| "ok")
}

fn ask(agreed: &Agreement, role: Role, own: Option<&Siren>, ask: Ask<'_>, on: &str) -> &'static str {
    code(may(agreed, &Person { role, site: own.cloned(), scope: None }, &ask, day(on)))
}

const DURING: &str = "2026-02-10";
const OWN: [Use<'static>; 5] = [Use::Deposit, Use::ReadDeposit, Use::OwnResults, Use::ReadRex, Use::WriteRex];

#[test]
fn each_role_has_its_uses_and_no_site_sees_another() {
    let agreed = agreement(vec![heating(1, 99, |_| {})], None);
    let (own, other, stranger) = (site(&agreed, 0), site(&agreed, 1), siren("217500016"));
    let contributor =
        |s: &Siren, asked, of: &Siren| ask(&agreed, Role::Contributor, Some(s), Ask::of(asked).dataset("releves").site(of), DURING);
    for asked in OWN {
        assert_eq!(contributor(&own, asked, &own), "ok", "{asked:?}");
        assert_eq!(contributor(&own, asked, &other), "not_found", "{asked:?}");
        assert_eq!(contributor(&stranger, asked, &stranger), "not_found", "{asked:?} of no party");
        for blind in [Role::DataProtectionOfficer, Role::Administrator] {
            assert_eq!(ask(&agreed, blind, None, Ask::of(asked).site(&own), DURING), "role_not_allowed", "{asked:?} {blind:?}");
        }
    }
    let signatory = |asked| ask(&agreed, Role::Signatory, Some(&own), Ask::of(asked).site(&own), DURING);
    assert_eq!((signatory(Use::Deposit), signatory(Use::Sign), signatory(Use::Manage)), ("role_not_allowed", "ok", "role_not_allowed"));
    assert_eq!(contributor(&own, Use::Evaluation, &own), "role_not_allowed");
    for role in [Role::Analyst, Role::Officer] {
        assert_eq!(ask(&agreed, role, None, Ask::of(Use::Evaluation), DURING), "ok");
        assert_eq!(ask(&agreed, role, None, Ask::of(Use::Deposit).site(&own), DURING), "role_not_allowed");
    }
    assert_eq!(ask(&agreed, Role::Analyst, None, Ask::of(Use::Manage), DURING), "role_not_allowed");
    assert_eq!(contributor(&own, Use::ReadConvention, &own), "ok");
    assert_eq!(ask(&agreed, Role::Contributor, Some(&own), Ask::of(Use::Deposit).dataset("autre"), DURING), "unknown_dataset");
}

#[test]
fn nothing_is_sent_nor_read_before_a_version_is_in_force() {
    let agreed = agreement(vec![heating(1, 1, |_| {})], None);
    let (signed, slow) = (site(&agreed, 0), site(&agreed, 1));
    for asked in OWN {
        let of = |s, on| ask(&agreed, Role::Contributor, Some(s), Ask::of(asked).dataset("releves"), on);
        assert_eq!((of(&signed, DURING), of(&signed, "2026-01-04"), of(&slow, DURING)), ("ok", "not_started", "not_signed"), "{asked:?}");
    }
    assert_eq!(ask(&agreed, Role::Analyst, None, Ask::of(Use::Evaluation).site(&slow), DURING), "not_signed");
    assert_eq!(ask(&agreed, Role::Analyst, None, Ask::of(Use::Evaluation), DURING), "ok", "of those that have signed");
    assert_eq!(ask(&agreed, Role::Contributor, Some(&slow), Ask::of(Use::ReadConvention), DURING), "ok", "what it is asked to sign");
    let open = agreement(vec![heating(1, 0, |_| {})], None);
    assert_eq!(ask(&open, Role::Analyst, None, Ask::of(Use::Evaluation), DURING), "not_signed");
    let back = agreement(vec![withdrawn(heating(1, 0, |_| {}))], None);
    assert_eq!(ask(&back, Role::Contributor, Some(&signed), Ask::of(Use::ReadConvention), DURING), "not_found");
    assert_eq!(back.state(day(DURING)), State::Withdrawn);
}

#[test]
fn what_is_not_named_is_not_allowed() {
    let agreed = agreement(
        vec![heating(1, 99, |json| {
            json["datasets"]["releves"]["personal_data"] = json!({"batiment": "pseudonym"});
            json["uses"] = json!({
                "evaluation": {"datasets": ["releves"]},
                "sharing": [{"recipient": "Agence", "datasets": ["releves"], "fields": ["semaine"], "until": "2026-03-01"}],
                "open_data": [{"dataset": "releves", "fields": ["semaine"]}],
            });
        })],
        None,
    );
    let own = site(&agreed, 0);
    let analyst = |a: Ask<'_>, on: &str| ask(&agreed, Role::Analyst, None, a.dataset("releves").site(&own), on);
    let share = Ask::of(Use::Share { recipient: "Agence" });
    assert_eq!(analyst(share.fields(&["semaine"]), DURING), "ok");
    assert_eq!(analyst(share.fields(&["semaine"]), "2026-03-02"), "sharing_over");
    assert_eq!(analyst(share.fields(&["semaine", "jour"]), DURING), "field_outside_perimeter");
    assert_eq!(analyst(share.fields(&["autre"]), DURING), "field_outside_perimeter");
    assert_eq!(analyst(Ask::of(Use::Share { recipient: "Autre" }), DURING), "use_not_agreed");
    assert_eq!(analyst(Ask::of(Use::OpenData).fields(&["semaine"]), DURING), "ok");
    for asked in [Use::Evaluation, Use::OpenData, Use::Share { recipient: "Agence" }] {
        assert_eq!(analyst(Ask::of(asked).fields(&["batiment"]), DURING), "personal_field", "{asked:?}");
    }
    assert_eq!(analyst(Ask::of(Use::ReadDeposit), DURING), "ok");
    let other = site(&agreed, 1);
    assert_eq!(ask(&agreed, Role::Contributor, Some(&own), Ask::of(Use::Compare).site(&other), DURING), "use_not_agreed");
    let beside = agreement(vec![heating(1, 99, |json| json["datasets"]["autre"] = json["datasets"]["releves"].clone())], None);
    for asked in [Use::Evaluation, Use::ReadDeposit, Use::Compare, Use::OpenData] {
        assert_eq!(ask(&beside, Role::Analyst, None, Ask::of(asked).dataset("autre"), DURING), "use_not_agreed", "{asked:?}");
    }
    assert_eq!(ask(&beside, Role::Contributor, Some(&own), Ask::of(Use::Deposit).dataset("autre"), DURING), "ok", "sent all the same");
}

#[test]
fn a_site_under_an_older_version_is_used_as_that_one_says() {
    let compared = |json: &mut Json| json["uses"]["comparison"] = json!({"datasets": ["releves"], "sites": "named"});
    let kept = |json: &mut Json| drop(json["uses"].as_object_mut().expect("uses").shift_remove("comparison"));
    // The first site signed both, the others the first version only.
    let agreed = agreement(vec![heating(1, 99, kept), heating(2, 1, compared)], None);
    let (own, other) = (site(&agreed, 0), site(&agreed, 1));
    let compare = |reader: &Siren, of: &Siren| {
        ask(&agreed, Role::Contributor, Some(reader), Ask::of(Use::Compare).dataset("releves").site(of), DURING)
    };
    assert_eq!((compare(&own, &other), compare(&other, &own), compare(&own, &own)), ("use_not_agreed", "use_not_agreed", "ok"));
    let both = agreement(vec![heating(1, 99, kept), heating(2, 2, compared)], None);
    assert_eq!(ask(&both, Role::Contributor, Some(&own), Ask::of(Use::Compare).dataset("releves").site(&other), DURING), "ok");
    // What an amendment no longer asks for stays its site's, and nobody else reads it.
    let renamed = |json: &mut Json| {
        let text = json.to_string().replace("releves", "mesures");
        *json = serde_json::from_str(&text).expect("JSON");
    };
    let narrowed = agreement(vec![heating(1, 99, |_| {}), heating(2, 99, renamed)], None);
    let mine = |asked| ask(&narrowed, Role::Contributor, Some(&own), Ask::of(asked).dataset("releves"), DURING);
    assert_eq!((mine(Use::ReadDeposit), mine(Use::Withdraw), mine(Use::Deposit)), ("ok", "ok", "unknown_dataset"));
    assert_eq!(ask(&narrowed, Role::Analyst, None, Ask::of(Use::ReadDeposit).dataset("releves").site(&own), DURING), "unknown_dataset");
}

#[test]
fn deposits_close_after_the_corrections_and_reading_with_the_retention() {
    for (end, terminated) in [("2026-03-29", None), ("2026-02-20", Some("2026-02-20"))] {
        let agreed = agreement(vec![heating(1, 99, |_| {})], terminated);
        let own = site(&agreed, 0);
        let document = &agreed.versions()[0].convention.document;
        let due = document.datasets["releves"].due.as_deref().and_then(days).expect("due");
        let deposit =
            |on: NaiveDate| ask(&agreed, Role::Contributor, Some(&own), Ask::of(Use::Deposit).dataset("releves"), &on.to_string());
        let last = day(end) + due + CORRECTIONS;
        assert_eq!((deposit(last), deposit(last + Days::new(1))), ("ok", "deposits_closed"));
        let read = |on: NaiveDate| ask(&agreed, Role::Analyst, None, Ask::of(Use::Evaluation), &on.to_string());
        let kept = day(end) + Months::new(document.retention.months);
        assert_eq!((read(kept), read(kept + Days::new(1))), ("ok", "retention_over"));
    }
}

#[test]
fn a_draft_is_its_officers_until_it_is_in_review() {
    let (own, other) = (siren("219300480"), siren("219200078"));
    let draft = |role, site: Option<&Siren>, review, asked| {
        code(may_draft(&Person { role, site: site.cloned(), scope: None }, std::slice::from_ref(&own), review, asked))
    };
    assert_eq!(draft(Role::Officer, None, false, Use::Draft), "ok");
    for role in [Role::Contributor, Role::Signatory] {
        assert_eq!(draft(role, Some(&own), false, Use::ReadDraft), "not_found");
        assert_eq!(draft(role, Some(&own), true, Use::ReadDraft), "ok");
        assert_eq!(draft(role, Some(&own), true, Use::Draft), "role_not_allowed");
        assert_eq!(draft(role, Some(&other), true, Use::ReadDraft), "not_found");
    }
    assert_eq!(draft(Role::Analyst, None, false, Use::ReadDraft), "not_found");
    assert_eq!(draft(Role::DataProtectionOfficer, None, true, Use::ReadDraft), "ok");
    assert_eq!(draft(Role::Administrator, None, true, Use::ReadDraft), "role_not_allowed");
}
