//! How often the intervals of a pooled effect hold the true one, by simulation (`statistics.md`, «Simulation that must hold»). The table is
//! in `benches/README.md`; `RETEX_REWRITE=1` writes it anew.

use std::{f64::consts::TAU, fmt::Write as _, fs, path::Path};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use retex::statistics::pool::{Method, pool};

const RUNS: u32 = 10_000;
const TRUTH: f64 = 0.3;

/// Uniform on ]0, 1].
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (f64::from(random.next_u32()) + 1.0) / (f64::from(u32::MAX) + 1.0)
}

/// A standard normal deviate (Box and Muller 1958).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (radius, angle) = (uniform(random), uniform(random));
    (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
}

/// Shares of runs whose interval holds the truth: normal, HKSJ, adhoc.
#[derive(Debug, Clone, Copy)]
struct Covered {
    normal: f64,
    hksj: f64,
    adhoc: f64,
}

/// `k` sites whose true effects vary by `tau2`; their variances are all one, or spread evenly in logarithm from a quarter to four.
fn covered(k: usize, unequal: bool, tau2: f64) -> Covered {
    let seed = 20_260_312 + k as u64 * 1000 + u64::from(unequal) * 100 + (tau2 * 10.0) as u64;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let spread = |i: usize| if unequal { 4f64.powf(2.0 * i as f64 / (k - 1) as f64 - 1.0) } else { 1.0 };
    let v: Vec<f64> = (0..k).map(spread).collect();
    let mut held = [0u32; 3];
    for _ in 0..RUNS {
        let y: Vec<f64> = v.iter().map(|v| TRUTH + normal(&mut random) * tau2.sqrt() + normal(&mut random) * v.sqrt()).collect();
        let pooled = pool(&y, &v, Method::Reml, 0.95).expect("a pool");
        for (count, mean) in held.iter_mut().zip([pooled.random, pooled.hksj, pooled.adhoc]) {
            *count += u32::from(mean.ci[0] <= TRUTH && TRUTH <= mean.ci[1]);
        }
    }
    let share = |count: u32| 100.0 * f64::from(count) / f64::from(RUNS);
    Covered { normal: share(held[0]), hksj: share(held[1]), adhoc: share(held[2]) }
}

fn percent(value: f64) -> String {
    format!("{value:.1}").replace('.', ",") + "\u{a0}%"
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let cases: Vec<(usize, bool, f64)> =
        [5, 10, 30].into_iter().flat_map(|k| [false, true].map(|u| (k, u))).flat_map(|(k, u)| [0.0, 1.0].map(|t| (k, u, t))).collect();
    let all: Vec<Covered> = std::thread::scope(|scope| {
        let running: Vec<_> = cases.iter().map(|&(k, unequal, tau2)| scope.spawn(move || covered(k, unequal, tau2))).collect();
        running.into_iter().map(|thread| thread.join().expect("simulated")).collect()
    });
    let mut table = "| Sites | Variances | τ² | Normal | HKSJ | HKSJ `adhoc` (décisions) |\n|--:|:--|--:|--:|--:|--:|\n".to_owned();
    for (&(k, unequal, tau2), found) in cases.iter().zip(&all) {
        if !unequal {
            assert!((93.5..=96.5).contains(&found.hksj), "HKSJ, {k} sites, τ² {tau2}: {found:?}");
        }
        assert!(found.adhoc >= 94.0 || unequal, "adhoc, {k} sites, τ² {tau2}: {found:?}");
        assert!(found.adhoc >= found.hksj && found.adhoc >= found.normal, "adhoc is the widest: {found:?}");
        let variances = if unequal { "de 0,25 à 4" } else { "égales" };
        let shares = [found.normal, found.hksj, found.adhoc].map(percent).join(" | ");
        writeln!(table, "| {k} | {variances} | {tau2:.0} | {shares} |").expect("text");
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/README.md");
    let text = fs::read_to_string(&page).expect("the page");
    let (before, rest) = text.split_once("<!-- coverage -->\n").expect("a mark");
    let (written, after) = rest.split_once("<!-- /coverage -->").expect("a mark");
    if written == table {
        return;
    }
    if std::env::var_os("RETEX_REWRITE").is_some() {
        return fs::write(&page, format!("{before}<!-- coverage -->\n{table}<!-- /coverage -->{after}")).expect("written");
    }
    panic!("benches/README.md says otherwise; RETEX_REWRITE=1 writes it anew:\n{table}");
}
