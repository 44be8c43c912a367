//! Reports: what is written, in HTML and PDF, for an ordinary evaluation and for awkward ones.

use retex::{evaluation::result::Verdict, report};

use crate::fixtures;

/// Where a reader can look at what the tests render, if they ask for it.
fn keep(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("RETEX_KEEP_REPORTS") {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
    }
}

#[test]
fn look() {
    for is_final in [false, true] {
        let (convention, evaluation, rex) = fixtures::whole(is_final);
        let view = report::view(
            &convention,
            &evaluation,
            &rex,
            &["Aubervilliers, demandes_2026-06.csv : 3 erreurs (colonne date_depot).".to_owned()],
        );
        let name = if is_final { "final" } else { "provisional" };
        keep(&format!("{name}.html"), view.html().unwrap().as_bytes());
        let start = std::time::Instant::now();
        let pdf = view.pdf().unwrap();
        eprintln!("first {:?}", start.elapsed());
        keep(&format!("{name}.pdf"), &pdf);
        let start = std::time::Instant::now();
        assert_eq!(view.pdf().unwrap(), pdf);
        eprintln!("second {:?}", start.elapsed());
    }
    let _ = Verdict::None;
}
