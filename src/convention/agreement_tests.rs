use indexmap::IndexMap;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::*;

pub const METROPOLE: &str = "200054781";
/// Montreuil, Bagneux, Pantin.
pub const SITES: [&str; 3] = ["219300480", "219200078", "219300555"];

pub fn siren(text: &str) -> Siren {
    text.parse().expect("a SIREN")
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn at(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_000_000 + n, 0).expect("a time")
}

/// A version from `start` to `end`, that names the first `sites` sites, signed by `signed` (0 for the Métropole) at these times.
pub fn version(number: i64, span: [&str; 2], sites: usize, signed: &[(usize, i64)], indicators: Json) -> AgreedVersion {
    let parties: Vec<_> = SITES[..sites].iter().map(|s| json!({"siren": s})).collect();
    let json = json!({
        "retex": 1, "id": "essai", "title": "Essai", "track": "t", "period": {"start": span[0], "end": span[1]},
        "parties": {"metropole": {"siren": METROPOLE}, "sites": parties},
        "datasets": {}, "uses": {}, "retention": {"months": 12},
        "evaluation": {"design": "none", "indicators": indicators},
    });
    let document: super::super::document::Document = serde_json::from_value(json.clone()).expect("a document");
    let head = ConventionHead {
        id: ConventionId(Uuid::from_u128(u128::try_from(number).expect("positive"))),
        name: "essai".to_owned(),
        version: number,
        title: "Essai".to_owned(),
        track: "t".to_owned(),
        sha256: format!("{number:064}"),
        starts_on: document.period.start,
        ends_on: document.period.end,
        created_at: at(0),
        created_by: None,
        state: VersionState::OpenForSignature,
        withdrawn_at: None,
        withdrawn_reason: None,
    };
    let party = |i: usize| siren(if i == 0 { METROPOLE } else { SITES[i - 1] });
    let convention = Convention { document, json, sha256: head.sha256.clone(), rules: IndexMap::new(), indicators: Vec::new() };
    AgreedVersion { head, convention: Arc::new(convention), signed: signed.iter().map(|(i, n)| (party(*i), at(*n))).collect() }
}

pub fn withdrawn(mut version: AgreedVersion) -> AgreedVersion {
    version.head.state = VersionState::Withdrawn;
    version
}

pub fn agreement(versions: Vec<AgreedVersion>, terminated: Option<&str>) -> Agreement {
    let terminated = terminated.map(|on| Termination { on: day(on), reason: "Le prestataire se retire.".to_owned() });
    Agreement::new("essai".to_owned(), versions, terminated).expect("versions")
}

const SPAN: [&str; 2] = ["2026-03-01", "2026-08-31"];

fn none() -> Json {
    json!([])
}

#[test]
fn one_slow_council_blocks_nobody_else() {
    let signed = agreement(vec![version(1, SPAN, 3, &[(0, 1), (1, 2)], none())], None);
    let [a, b, _] = SITES.map(siren);
    assert_eq!(signed.state_for(&a, day("2026-02-28")), Some(State::Signed));
    assert_eq!(signed.state_for(&a, day("2026-03-01")), Some(State::InForce));
    assert_eq!(signed.state_for(&b, day("2026-03-01")), Some(State::OpenForSignature));
    assert_eq!(signed.state(day("2026-03-01")), State::InForce);
    assert_eq!(signed.state_for(&a, day("2026-08-31")), Some(State::InForce), "the last day counts");
    assert_eq!(signed.state_for(&a, day("2026-09-01")), Some(State::Ended));
    assert_eq!(signed.state_for(&b, day("2026-09-01")), Some(State::Ended), "too late to sign");
    assert_eq!(signed.state(day("2026-09-01")), State::Ended);
    assert!(signed.open().is_some());
    assert_eq!(signed.state_for(&siren("217500016"), day("2026-03-01")), None, "no party");
    // A site that has signed waits for the Métropole.
    let alone = agreement(vec![version(1, SPAN, 3, &[(1, 2)], none())], None);
    assert_eq!(alone.state_for(&a, day("2026-04-01")), Some(State::OpenForSignature));
    assert!(alone.in_force_for(&a, day("2026-04-01")).is_none());
}

#[test]
fn an_amendment_takes_its_place_site_by_site() {
    let first = version(1, SPAN, 2, &[(0, 1), (1, 2), (2, 3)], none());
    let longer = ["2026-03-01", "2026-10-31"];
    let amended = agreement(vec![version(2, longer, 3, &[(0, 4), (1, 5)], none()), first], None);
    let [a, b, c] = SITES.map(siren);
    let today = day("2026-04-01");
    let holds = |site| amended.in_force_for(site, today).map(|v| v.head.version);
    assert_eq!((holds(&a), holds(&b), holds(&c)), (Some(2), Some(1), None));
    assert_eq!(amended.reference(today).head.version, 2);
    assert_eq!(amended.last_day(), day("2026-10-31"));
    assert_eq!(amended.state_for(&b, day("2026-09-15")), Some(State::Ended), "by its own version");
    assert_eq!(amended.state_for(&a, day("2026-09-15")), Some(State::InForce));
    let [one, two] = [1, 2].map(|n| ConventionId(Uuid::from_u128(n)));
    assert_eq!((amended.sites_under(one, today), amended.sites_under(two, today)), (vec![b.clone()], vec![a]));
    // One that starts later leaves the one before in force until then.
    let later = ["2026-06-01", "2026-10-31"];
    let coming = agreement(vec![version(1, SPAN, 2, &[(0, 1), (2, 3)], none()), version(2, later, 2, &[(0, 4), (2, 5)], none())], None);
    let version_on = |d: &str| coming.in_force_for(&b, day(d)).map(|v| v.head.version);
    assert_eq!((version_on("2026-05-31"), version_on("2026-06-01")), (Some(1), Some(2)));
    assert_eq!((coming.reference(day("2026-05-31")).head.version, coming.reference(day("2026-06-01")).head.version), (1, 2));
}

#[test]
fn an_early_end_and_a_version_taken_back() {
    let first = || version(1, SPAN, 2, &[(0, 1), (1, 2)], none());
    let ended = agreement(vec![first()], Some("2026-05-10"));
    let [a, b, _] = SITES.map(siren);
    assert_eq!(ended.state_for(&a, day("2026-05-10")), Some(State::InForce));
    assert_eq!(ended.state_for(&a, day("2026-05-11")), Some(State::Terminated));
    assert_eq!(ended.state_for(&b, day("2026-05-01")), Some(State::Terminated), "nobody signs any more");
    assert_eq!((ended.last_day(), ended.state(day("2026-05-11"))), (day("2026-05-10"), State::Terminated));
    let back = agreement(vec![first(), withdrawn(version(2, SPAN, 2, &[(0, 3)], none()))], None);
    assert_eq!((back.reference(day("2026-04-01")).head.version, back.sites().len()), (1, 2));
    assert_eq!(back.open().map(|v| v.head.version), Some(1));
    let none_left = agreement(vec![withdrawn(version(1, SPAN, 2, &[(0, 1)], none()))], None);
    assert_eq!(none_left.state(day("2026-04-01")), State::Withdrawn);
    assert_eq!(none_left.reference(day("2026-04-01")).head.version, 1);
    assert!(!none_left.names(&a) && none_left.seen_by(Some(&a), day("2026-04-01")).is_none());
}

#[test]
fn what_was_not_signed_first_is_exploratory() {
    let indicator = |id: &str, title: &str, filter: &str| json!({"id": id, "title": title, "dataset": "d", "statistic": "count", "where": filter, "better": "higher"});
    let first = |signed: &[(usize, i64)]| version(1, SPAN, 2, signed, json!([indicator("a", "A", "x"), indicator("b", "B", "x")]));
    let second = version(
        2,
        SPAN,
        2,
        &[(0, 3), (1, 4)],
        json!([indicator("a", "A, précisé", "x"), indicator("b", "B", "y"), indicator("c", "C", "x")]),
    );
    let both = agreement(vec![first(&[(0, 1), (1, 2)]), second.clone()], None);
    assert_eq!(both.exploratory(both.reference(day("2026-04-01"))), ["b", "c"], "changed and added");
    assert_eq!(both.exploratory(&both.versions()[0]), [""; 0]);
    // A plan that nobody signed froze nothing, be it signed by the Métropole alone.
    for unsigned in [first(&[]), first(&[(0, 1)]), withdrawn(first(&[(0, 1)]))] {
        let only = agreement(vec![unsigned, second.clone()], None);
        assert_eq!(only.exploratory(&only.versions()[1]), [""; 0]);
    }
    assert_eq!(agreement(vec![first(&[])], None).frozen().map(|v| v.head.version), None);
    // Another design changes them all.
    let mut design = second;
    let mut convention = Convention {
        document: design.convention.document.clone(),
        json: Json::Null,
        sha256: String::new(),
        rules: IndexMap::new(),
        indicators: Vec::new(),
    };
    convention.document.evaluation.confidence = 0.9;
    design.convention = Arc::new(convention);
    let changed = agreement(vec![first(&[(0, 1), (1, 2)]), design], None);
    assert_eq!(changed.exploratory(&changed.versions()[1]), ["a", "b", "c"]);
}

prop_compose! {
    fn any_version(number: i64)(
        start in 0u64..60, length in 30u64..90, sites in 1usize..=3, signed in proptest::collection::btree_map(0usize..=3, 0i64..1000, 0..=4), back: bool,
    ) -> AgreedVersion {
        let first = day("2026-01-01") + chrono::Days::new(start);
        let last = first + chrono::Days::new(length);
        let signed: Vec<_> = signed.into_iter().filter(|(i, _)| *i <= sites).collect();
        let made = version(number, [&first.to_string(), &last.to_string()], sites, &signed, json!([]));
        if back && made.bound().is_none() { withdrawn(made) } else { made }
    }
}

prop_compose! {
    fn any_agreement()(one in any_version(1), two in any_version(2), three in any_version(3), count in 1usize..=3, end in proptest::option::of(0u64..160)) -> Agreement {
        let end = end.map(|n| (day("2026-01-01") + chrono::Days::new(n)).to_string());
        agreement(vec![one, two, three].into_iter().take(count).collect(), end.as_deref())
    }
}

proptest! {
    #[test]
    fn a_version_holds_only_once_both_have_signed_and_its_day_has_come(agreed in any_agreement(), n in 0u64..200) {
        let today = day("2026-01-01") + chrono::Days::new(n);
        for site in SITES.map(siren) {
            let holds = agreed.in_force_for(&site, today);
            if let Some(version) = holds {
                prop_assert!(version.signed.contains_key(&siren(METROPOLE)) && version.signed.contains_key(&site));
                prop_assert!(version.names(&site) && !version.withdrawn() && version.head.starts_on <= today);
                for newer in agreed.versions().iter().filter(|v| v.head.version > version.head.version) {
                    prop_assert!(newer.signed_for(&site).is_none() || newer.head.starts_on > today);
                }
            }
            let state = agreed.state_for(&site, today);
            prop_assert_eq!(state.is_some(), agreed.names(&site));
            prop_assert!(state != Some(State::InForce) || holds.is_some_and(|v| today <= agreed.last_day_under(v)));
            prop_assert!(holds.is_none() || !matches!(state, Some(State::OpenForSignature | State::Signed)));
            // Time never leads back to an earlier state of the same version.
            let later = agreed.state_for(&site, today + chrono::Days::new(1));
            if state == Some(State::Terminated) {
                prop_assert_eq!(later, Some(State::Terminated));
            }
        }
        let reference = agreed.reference(today);
        let held: Vec<_> = agreed.versions().iter().filter(|v| !agreed.sites_under(v.head.id, today).is_empty()).collect();
        prop_assert!(held.is_empty() || held.last().is_some_and(|v| v.head.id == reference.head.id));
        prop_assert!(held.is_empty() != agreed.sites().iter().any(|s| agreed.in_force_for(s, today).is_some()));
    }
}
