//! Attacks on what sites and the public are shown: each tries to tell a withheld value from all the rest.

use std::{collections::BTreeMap, sync::Arc};

use polars::prelude::{Column, DataFrame, NamedFrom, Series};
use proptest::prelude::*;
use retex::{
    convention::Convention,
    evaluation::{
        disclosure::{Release, links},
        evaluate,
        release::{self, Reader},
        result::{Evaluation, IndicatorResult, SiteResult, Verdict},
    },
    ids::{ConventionId, Siren},
    indicator::DepositTable,
    territory::{self, OrganisationKind},
};
use serde_json::{Value as Json, json};

/// Rows of one site and arm: how many, how many of them are closed, and how many of these are closed in time.
type Arm = (usize, usize, usize);

fn communes(n: usize) -> Vec<Siren> {
    territory::all().iter().filter(|o| o.kind == OrganisationKind::Commune).map(|o| o.siren.clone()).take(n).collect()
}

fn convention(sites: usize, naming: &str, indicators: Json) -> Convention {
    let parties: Vec<Json> = communes(sites).iter().map(|siren| json!({"siren": siren})).collect();
    let properties = json!({
        "bras": {"type": ["string", "null"]}, "clos": {"type": ["boolean", "null"]}, "a_temps": {"type": ["boolean", "null"]},
        "jours": {"type": ["number", "null"]},
    });
    Convention::from_json(json!({
        "retex": 1, "id": "essai", "title": "Essai", "track": "essai", "period": {"start": "2026-01-01", "end": "2026-12-31"},
        "parties": {"metropole": {"siren": "200054781"}, "sites": parties},
        "datasets": {"lignes": {"title": "Lignes", "periodicity": "month",
            "schema": {"type": "object", "additionalProperties": false, "properties": properties}}},
        "uses": {"evaluation": {"datasets": ["lignes"]}, "comparison": {"datasets": ["lignes"], "sites": naming}},
        "retention": {"months": 24},
        "evaluation": {"design": "controlled", "arms": {"column": "bras", "treated": "T", "control": "C"}, "indicators": indicators},
    }))
    .unwrap_or_else(|error| panic!("{error} {:?}", error.faults))
}

fn closed() -> Json {
    json!({"id": "clos", "title": "Part close", "dataset": "lignes", "statistic": "proportion", "value": "clos", "better": "higher",
           "effect": "risk_difference", "role": "primary", "target": {"effect": 0.05}})
}

/// Among the closed ones: its rows are the events of [`closed`].
fn in_time() -> Json {
    json!({"id": "a_temps", "title": "Part close à temps", "dataset": "lignes", "statistic": "proportion", "value": "a_temps",
           "where": "clos", "better": "higher", "effect": "risk_difference"})
}

fn delay() -> Json {
    json!({"id": "delai", "title": "Délai", "dataset": "lignes", "statistic": "mean", "value": "jours", "better": "lower"})
}

/// The `i`th site's rows, for one period; each row's delay depends on its place and on `seed`.
fn deposit(i: usize, period: &str, seed: u64, treated: Arm, control: Arm) -> DepositTable {
    let (mut arm, mut clos, mut a_temps, mut jours) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (name, (rows, closed, in_time)) in [("T", treated), ("C", control)] {
        for row in 0..rows {
            arm.push(Some(name));
            clos.push(Some(row < closed));
            a_temps.push(Some(row < in_time));
            jours.push(Some(3.0 + (row as u64 * 7 + seed * 3 + i as u64) as f64 % 11.0));
        }
    }
    let columns: Vec<Column> = vec![
        Series::new("bras".into(), arm).into(),
        Series::new("clos".into(), clos).into(),
        Series::new("a_temps".into(), a_temps).into(),
        Series::new("jours".into(), jours).into(),
    ];
    let table = DataFrame::new(treated.0 + control.0, columns).unwrap();
    let sha256 = format!("{i:08x}{seed:08x}{}", period.replace('-', "")).chars().chain("0".repeat(64).chars()).take(64).collect();
    DepositTable { site: communes(i + 1).pop().unwrap(), dataset: "lignes".into(), period: Some(period.parse().unwrap()), sha256, table }
}

fn fair(i: usize) -> DepositTable {
    deposit(i, "2026-02", 1, (60 + 7 * i, 40 + 3 * i, 20 + i), (58 + 5 * i, 33 + 2 * i, 15 + i))
}

const SECRET: &[u8] = b"the hub's own";

struct Hub {
    convention: Arc<Convention>,
    tables: Vec<DepositTable>,
    before: release::Before,
    full: Evaluation,
}

impl Hub {
    fn new(convention: Convention) -> Self {
        let full = evaluate(&convention, 1, &[], false);
        Self { convention: Arc::new(convention), tables: Vec::new(), before: BTreeMap::new(), full }
    }

    /// Takes a snapshot of these files and releases it.
    fn release(&mut self, on: &str, current: Vec<DepositTable>, is_final: bool) {
        let known: Vec<String> = current.iter().map(|t| t.sha256.clone()).collect();
        let old: Vec<DepositTable> = self.tables.drain(..).filter(|t| !known.contains(&t.sha256)).collect();
        self.full = evaluate(&self.convention, 1, &current, is_final);
        self.tables = current.into_iter().chain(old).collect();
        let convention = self.convention.clone();
        let parties = self.convention.document.parties.sites.iter().map(|p| Some(p.siren.clone()));
        let reader = |site| Reader { site, version: ConventionId(uuid::Uuid::nil()), convention: convention.clone() };
        let readers: Vec<Reader> = parties.chain([None]).map(reader).collect();
        let on = on.parse().unwrap();
        let released = release::all(&convention, &readers, SECRET, on, &self.full, &self.tables, &self.before);
        self.before = released.into_iter().map(|(reader, release)| (reader.key(), release)).collect();
        self.audit();
    }

    fn of(&self, viewer: Option<usize>) -> &Release {
        let key = viewer.map_or(String::new(), |i| communes(i + 1).pop().unwrap().to_string());
        &self.before[&key]
    }

    fn shown(&self, viewer: Option<usize>, indicator: &str) -> &IndicatorResult {
        self.of(viewer).evaluation.indicators.iter().find(|r| r.id == indicator).unwrap()
    }

    fn site(&self, viewer: Option<usize>, indicator: &str, i: usize) -> &SiteResult {
        let siren = communes(i + 1).pop().unwrap();
        self.shown(viewer, indicator).sites.iter().find(|s| s.site.siren == siren).unwrap()
    }

    /// What every reader can tell of the withheld values, by linear programming: nothing to within ±10 %.
    fn audit(&self) {
        let names = self.names();
        for (viewer, release) in &self.before {
            let told = exposed(&self.convention, &self.full, &release.evaluation, &names);
            assert!(told.is_empty(), "{viewer}: {told:?}");
            nothing_of_the_withheld(release, viewer);
        }
    }

    /// Which anonymous name is whose, as only the hub knows: told by what each was shown before names were taken off.
    fn names(&self) -> BTreeMap<String, Siren> {
        let mut names = BTreeMap::new();
        for release in self.before.values() {
            for result in &release.evaluation.indicators {
                for (siren, cell) in release.cells.get(&result.id).into_iter().flat_map(|c| &c.sites) {
                    for site in result.sites.iter().filter(|s| s.groups == cell.shown.groups && s.site.siren.as_str() == "000000000") {
                        names.insert(site.site.name.clone(), siren.clone());
                    }
                }
            }
        }
        names
    }
}

fn exposed(convention: &Convention, full: &Evaluation, shown: &Evaluation, names: &BTreeMap<String, Siren>) -> Vec<links::Place> {
    links::exposed(&convention.document, full, shown, &|result, siren| {
        result.sites.iter().find(|s| s.site.siren == *siren || names.get(&s.site.name) == Some(siren))
    })
}

/// A withheld cell shows nothing at all, and neither does what is derived from it.
fn nothing_of_the_withheld(release: &Release, viewer: &str) {
    for result in &release.evaluation.indicators {
        let withheld = |s: &SiteResult| s.groups.iter().any(|g| g.reason.as_ref().is_some_and(|r| r.code == "withheld"));
        for site in result.sites.iter().filter(|s| s.site.siren.as_str() != viewer) {
            assert!(site.groups.iter().all(|g| g.period.is_none() && g.min.is_none() && g.max.is_none()), "no period, no extreme value");
            if withheld(site) {
                let json = serde_json::to_string(&(&site.groups, &site.effect)).unwrap();
                assert!(!json.chars().any(|c| c.is_ascii_digit()), "{json}");
            }
        }
        if result.sites.iter().any(withheld) {
            assert!(result.pooled.random.is_none() && result.pooled.q.is_none() && result.pooled.between.is_none() && result.pooled.k == 0);
            assert!(result.sites.iter().all(|s| s.effect.weight.is_none()));
            assert!(!matches!(result.verdict, Verdict::Reached | Verdict::Missed | Verdict::Inconclusive));
        }
    }
    assert!(release.evaluation.provenance.deposits.iter().all(|d| d.site.as_str() == viewer), "no row count of another site's file");
}

fn is_withheld(site: &SiteResult) -> bool {
    site.groups.iter().all(|g| g.n.is_none() && g.mean.is_none()) && site.effect.estimate.is_none()
}

#[test]
fn a_small_arm_is_withheld_and_so_is_what_it_could_be_subtracted_from() {
    let mut hub = Hub::new(convention(5, "named", json!([closed(), delay()])));
    let small = deposit(1, "2026-02", 1, (10, 5, 2), (60, 30, 10));
    hub.release("2026-03-01", vec![fair(0), small, fair(2), fair(3), fair(4)], true);
    // Another site, and the public.
    for viewer in [Some(0), None] {
        assert!(is_withheld(hub.site(viewer, "clos", 1)) && is_withheld(hub.site(viewer, "delai", 1)));
        assert!(!is_withheld(hub.site(viewer, "clos", 2)));
        let pooled = &hub.shown(viewer, "clos").pooled;
        assert!(pooled.random.is_none() && pooled.reason.as_ref().is_some_and(|r| r.code == "withheld"));
        assert_eq!(hub.shown(viewer, "clos").verdict, Verdict::Withheld, "a verdict is as good as the interval");
    }
    // The small site knows its own cells: nothing is left to hide from it.
    let own = hub.shown(Some(1), "clos");
    assert!(own.pooled.random.is_some() && own.sites.iter().all(|s| s.effect.weight.is_some()));
    assert_eq!(hub.site(Some(1), "clos", 1).groups, hub.full.indicators[0].sites[1].groups, "its own rows are whole");
}

/// Each of eleven people of an arm answers the same: the share says what each did.
#[test]
fn all_or_none_is_not_shown() {
    for events in [0, 40] {
        let mut hub = Hub::new(convention(4, "named", json!([closed(), delay()])));
        let all = deposit(1, "2026-02", 1, (40, events, 0), (60, 30, 10));
        hub.release("2026-03-01", vec![fair(0), all, fair(2), fair(3)], false);
        assert!(is_withheld(hub.site(Some(0), "clos", 1)) && hub.shown(Some(0), "clos").pooled.random.is_none());
        assert!(!is_withheld(hub.site(Some(0), "delai", 1)), "what says nothing of it stays");
    }
}

/// Two snapshots differ by three people: their difference would tell what the three did.
#[test]
fn a_difference_between_two_snapshots_is_about_eleven_people_or_none() {
    let mut hub = Hub::new(convention(4, "named", json!([closed(), delay()])));
    let base = || vec![fair(0), fair(1), fair(2), fair(3)];
    hub.release("2026-03-01", base(), false);
    let first = hub.site(Some(0), "clos", 1).clone();
    let pooled = hub.shown(Some(0), "clos").pooled.clone();
    assert!(pooled.random.is_some());

    let few = || deposit(1, "2026-03", 2, (3, 1, 0), (20, 10, 5));
    hub.release("2026-03-12", base().into_iter().chain([few()]).collect(), false);
    let stands = hub.site(Some(0), "clos", 1);
    assert_eq!((&stands.groups, stands.as_of), (&first.groups, Some("2026-03-01".parse().unwrap())), "as released before, dated");
    let then = hub.shown(Some(0), "clos");
    assert_eq!(then.pooled.random, pooled.random, "and the pooled value with it");
    assert!(then.warnings.iter().any(|w| w.code == "released_before" && w.message.contains("1er mars 2026")));
    assert_ne!(hub.site(Some(1), "clos", 1).groups, first.groups, "the site itself sees its newest");

    // What comes later counts from what was shown, not from the snapshot in between: 3 and 9 are 12.
    let more = deposit(1, "2026-04", 3, (9, 4, 2), (15, 6, 2));
    hub.release("2026-04-12", base().into_iter().chain([few(), more]).collect(), false);
    let fresh = hub.site(Some(0), "clos", 1);
    assert!(fresh.as_of.is_none() && fresh.groups[0].n == first.groups[0].n.map(|n| n + 12), "{fresh:?}");
    assert_ne!(hub.shown(Some(0), "clos").pooled.random, pooled.random);
}

/// A corrected file in which one person's row changed; then fifteen new people who all did the same.
#[test]
fn a_correction_and_a_uniform_addition_tell_nothing() {
    let base = |one: DepositTable| vec![fair(0), one, fair(2), fair(3)];
    let mut hub = Hub::new(convention(4, "named", json!([closed(), delay()])));
    hub.release("2026-03-01", base(fair(1)), false);
    let first = hub.site(Some(0), "clos", 1).clone();
    let (treated, control) = ((67, 43, 21), (63, 35, 16));
    let mut corrected = deposit(1, "2026-02", 1, (treated.0, treated.1 + 1, treated.2), control);
    corrected.sha256 = "c".repeat(64);
    hub.release("2026-03-02", base(corrected), false);
    assert_eq!(hub.site(Some(0), "clos", 1).groups, first.groups);
    assert!(hub.site(Some(0), "clos", 1).as_of.is_some());

    let mut hub = Hub::new(convention(4, "named", json!([closed(), delay()])));
    hub.release("2026-03-01", base(fair(1)), false);
    let uniform = deposit(1, "2026-03", 5, (15, 15, 0), (15, 7, 3));
    hub.release("2026-03-02", base(fair(1)).into_iter().chain([uniform]).collect(), false);
    assert_eq!(hub.site(Some(0), "clos", 1).groups, first.groups, "all fifteen closed");
    assert!(hub.site(Some(0), "delai", 1).as_of.is_none(), "their delays differ");
}

/// The rows of one indicator are the events of another: the one that is withheld must not be read in the other.
#[test]
fn a_count_is_not_read_in_another_indicator() {
    let mut hub = Hub::new(convention(4, "named", json!([closed(), in_time()])));
    // 60 treated rows of which 8 are closed: too few for the second indicator, though not for the first.
    let few = deposit(1, "2026-02", 1, (60, 8, 4), (60, 30, 10));
    hub.release("2026-03-01", vec![fair(0), few, fair(2), fair(3)], false);
    for viewer in [Some(0), None] {
        assert!(is_withheld(hub.site(viewer, "a_temps", 1)));
        assert!(is_withheld(hub.site(viewer, "clos", 1)), "its 8 events are the 8 rows of the other");
        assert!(!is_withheld(hub.site(viewer, "clos", 2)));
    }
    // The audit has teeth: the same cell, shown, is found.
    let mut leaking = hub.of(Some(0)).evaluation.clone();
    leaking.indicators[0].sites[1] = hub.full.indicators[0].sites[1].clone();
    let told = exposed(&hub.convention, &hub.full, &leaking, &BTreeMap::new());
    assert!(told.iter().any(|p| p.indicator == "a_temps" && p.site.as_ref() == communes(2).last()), "{told:?}");
}

/// Two ratios over the same denominator: the one that shows it would give back the other's.
#[test]
fn indicators_that_share_a_denominator_are_protected_together() {
    let ratio = |id: &str, filter: Option<&str>| {
        let mut json = json!({"id": id, "title": id, "statistic": "ratio", "better": "lower", "value": {"dataset": "lignes", "sql": "jours"},
            "per": {"dataset": "lignes", "statistic": "count", "where": "clos"}});
        if let Some(filter) = filter {
            json["where"] = filter.into();
        }
        json
    };
    let mut hub = Hub::new(convention(4, "named", json!([ratio("jours_par_clos", None), in_time(), closed()])));
    let few = deposit(2, "2026-02", 1, (70, 9, 3), (60, 30, 10));
    hub.release("2026-03-01", vec![fair(0), fair(1), few, fair(3)], false);
    for viewer in [Some(0), Some(1), None] {
        assert!(is_withheld(hub.site(viewer, "a_temps", 2)), "9 rows");
        assert!(is_withheld(hub.site(viewer, "clos", 2)) && is_withheld(hub.site(viewer, "jours_par_clos", 2)), "both show the 9");
    }
}

#[test]
fn a_pooled_value_that_is_one_site_is_not_shown() {
    let mut hub = Hub::new(convention(4, "named", json!([delay()])));
    // Ten thousand rows at one site: nearly all of the weight.
    let big = deposit(1, "2026-02", 1, (20_000, 10_000, 5_000), (20_000, 9_000, 4_000));
    let small = |i| deposit(i, "2026-02", 1, (30, 12, 6), (28, 11, 5));
    hub.release("2026-03-01", vec![small(0), big, small(2), small(3)], true);
    assert!(hub.full.indicators[0].sites[1].effect.weight.unwrap() > 85.0);
    for viewer in [Some(0), Some(1), None] {
        assert!(hub.shown(viewer, "delai").pooled.random.is_none());
        let shown = hub.shown(viewer, "delai").sites.iter().filter(|s| s.effect.se.is_some()).count();
        assert_eq!(shown, 3, "nor all that it could be computed from");
    }
}

#[test]
fn two_sites_have_no_pooled_value() {
    let mut hub = Hub::new(convention(2, "named", json!([closed()])));
    hub.release("2026-03-01", vec![fair(0), fair(1)], true);
    assert!(hub.shown(Some(0), "clos").pooled.random.is_none());
    assert_eq!(hub.shown(Some(0), "clos").pooled.reason.as_ref().unwrap().code, "too_few_sites");
}

/// Everybody knows which commune is large: neither n nor anything that n can be computed from may stand beside a pseudonym.
#[test]
fn an_anonymous_site_is_not_known_by_its_size_or_its_place() {
    let mut hub = Hub::new(convention(7, "anonymous", json!([closed(), delay()])));
    hub.release("2026-03-01", (0..7).map(fair).collect(), false);
    for id in ["clos", "delai"] {
        let result = hub.shown(Some(0), id);
        assert_eq!(result.sites[0].site.siren, communes(1)[0], "the site itself first");
        assert!(result.pooled.random.is_none(), "one release only, at the end");
        for site in &result.sites[1..] {
            assert!(site.groups.iter().all(|g| g.n.is_none() && g.events.is_none() && g.ci.is_none() && g.sd.is_none() && g.sum.is_none()));
            assert!(site.groups.iter().all(|g| g.missing.is_none() && g.mean.is_some()));
            let e = &site.effect;
            assert!(e.estimate.is_some() && e.se.is_none() && e.ci.is_none() && e.df.is_none() && e.n.is_none() && e.weight.is_none());
        }
        let order: Vec<usize> =
            (result.sites[1..].iter()).map(|s| (1..7).find(|i| hub.names().get(&s.site.name) == communes(i + 1).last()).unwrap()).collect();
        assert_ne!(order, [1, 2, 3, 4, 5, 6], "not the convention's order");
    }
    // A share with all its digits is a fraction, whose denominator is n.
    let told: Vec<f64> = hub.shown(Some(0), "clos").sites[1..].iter().flat_map(|s| s.groups.iter().filter_map(|g| g.mean)).collect();
    assert!(told.iter().all(|x| ((x * 100.0).round() - x * 100.0).abs() < 1e-9), "{told:?}");
    // The same names in the next snapshot, when a site has joined.
    let names = hub.names();
    let mut later = Hub::new(convention(8, "anonymous", json!([closed(), delay()])));
    later.release("2026-04-01", (0..8).map(fair).collect(), true);
    assert!(names.iter().all(|(name, site)| later.names().get(name) == Some(site)));
    // At the end: the estimate and its interval, and nothing of each site's weight.
    let pooled = &later.shown(Some(0), "clos").pooled;
    let random = pooled.random.as_ref().unwrap();
    assert!(random.se.is_none() && random.tau2.is_none() && random.i2.is_none() && random.hksj.is_none() && pooled.fixed.is_none());
    assert!(pooled.q.is_none() && random.prediction == [None, None]);
}

/// With two other sites, the pooled value and its interval give back the weight of each: it is not shown.
#[test]
fn weights_are_not_solved_from_the_pooled_value() {
    let mut hub = Hub::new(convention(3, "anonymous", json!([closed()])));
    let apart = |i: usize| deposit(i, "2026-02", 1, (60 + 30 * i, (60 + 30 * i) * (3 + 3 * i) / 10, 5), (60, 25, 10));
    hub.release("2026-03-01", (0..3).map(apart).collect(), true);
    let random = hub.full.indicators[0].pooled.random.clone();
    assert!(random.is_some() && hub.shown(Some(0), "clos").pooled.random.is_none());
    assert_eq!(hub.shown(Some(0), "clos").verdict, Verdict::Withheld);
    // The audit has teeth: shown, it is found.
    let mut leaking = hub.of(Some(0)).evaluation.clone();
    leaking.indicators[0].pooled.random = random.map(|mut r| {
        (r.se, r.tau2) = (None, None);
        r
    });
    let told = exposed(&hub.convention, &hub.full, &leaking, &hub.names());
    assert!(told.iter().any(|p| p.weight), "{told:?}");
}

#[test]
fn a_convention_that_compares_nothing_shows_each_its_own() {
    let mut json = convention(4, "named", json!([closed()])).json;
    json["uses"].as_object_mut().unwrap().remove("comparison");
    let mut hub = Hub::new(Convention::from_json(json).unwrap());
    hub.release("2026-03-01", (0..4).map(fair).collect(), true);
    assert_eq!(hub.shown(Some(2), "clos").sites.len(), 1);
    assert!(hub.shown(None, "clos").sites.is_empty() && hub.shown(None, "clos").pooled.reason.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever sites send, one snapshot after the other, nobody tells a withheld value to within ±10 %.
    #[test]
    fn nothing_withheld_can_be_told(
        sites in prop::collection::vec(((0usize..90, 0usize..90, 0usize..90), (0usize..90, 0usize..90, 0usize..90)), 2..7),
        more in prop::collection::vec((0usize..40, 0usize..40, 0usize..40), 1..4),
        anonymous: bool, is_final: bool,
    ) {
        let naming = if anonymous { "anonymous" } else { "named" };
        let nested = |(a, b, c): (usize, usize, usize)| (a, b.min(a), c.min(b).min(a));
        let mut hub = Hub::new(convention(sites.len(), naming, json!([closed(), in_time(), delay()])));
        let first = || -> Vec<DepositTable> {
            sites.iter().enumerate().map(|(i, (t, c))| deposit(i, "2026-02", 1, nested(*t), nested(*c))).collect()
        };
        // `release` audits what every reader sees.
        hub.release("2026-03-01", first(), false);
        let before = hub.before.clone();
        let second = more.iter().enumerate().map(|(i, arm)| deposit(i % sites.len(), "2026-03", 2 + i as u64, nested(*arm), nested(*arm)));
        hub.release("2026-04-01", first().into_iter().chain(second).collect(), is_final);
        // A cell that is shown twice says the same, or differs by eleven rows in every arm that differs.
        for (viewer, now) in &hub.before {
            for (was, is) in before[viewer].evaluation.indicators.iter().zip(&now.evaluation.indicators) {
                for (was, is) in was.sites.iter().flat_map(|w| is.sites.iter().filter(|i| i.site == w.site).map(move |i| (w, i))) {
                    let own = was.site.siren.as_str() == viewer;
                    for (was, is) in was.groups.iter().zip(&is.groups).filter(|_| !own) {
                        if let Some((was, is)) = was.n.zip(is.n) {
                            prop_assert!(was == is || is >= was + 11, "{was} → {is}");
                        }
                    }
                }
            }
        }
    }
}
