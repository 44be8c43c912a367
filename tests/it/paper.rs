//! The convention's paper: what it says, what is on every page, and that the same content gives the same bytes.

use std::{path::Path, process::Command};

use retex::{
    convention::Convention,
    report::paper::{self, Edition, Given},
};

fn sample(name: &str) -> Convention {
    Convention::load_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).join("convention.yaml")).unwrap()
}

/// Where a reader can look at what the tests render, if they ask for it.
fn keep(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("RETEX_KEEP_REPORTS") {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(Path::new(&folder).join(name), bytes).unwrap();
    }
}

/// The text of each page, words apart by one space, where `pdftotext` is installed.
fn pages(bytes: &[u8]) -> Option<Vec<String>> {
    let file = tempfile::NamedTempFile::with_suffix(".pdf").unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let out = Command::new("pdftotext").arg(file.path()).arg("-").output().ok().filter(|o| o.status.success())?;
    let text = String::from_utf8(out.stdout).unwrap();
    let one_space = |page: &str| page.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(text.trim_end_matches('\u{c}').split('\u{c}').map(one_space).collect())
}

fn given(convention: &Convention) -> Given {
    Given {
        party: convention.document.parties.sites[0].siren.clone(),
        name: "Camille Martin".to_owned(),
        quality: "Maire".to_owned(),
        deed_reference: "DEL-2026-014".to_owned(),
        deed_date: "2026-02-03".parse().unwrap(),
        signed_at: "2026-02-10T09:30:00Z".parse().unwrap(),
        means: "dans la plateforme, avec un second facteur".to_owned(),
    }
}

#[test]
fn the_hash_that_is_signed_is_on_every_page() {
    for name in ["tri-demandes", "depots-sauvages", "chauffage"] {
        let convention = sample(name);
        let bytes = paper::pdf(&convention, Edition::Version(1), &[], &[]).unwrap();
        keep(&format!("convention-{name}.pdf"), &bytes);
        let Some(pages) = pages(&bytes) else { return };
        assert!(pages.len() > 5, "{name}");
        for (n, page) in pages.iter().enumerate() {
            assert!(page.contains(&convention.sha256), "{name}, page {}: {page}", n + 1);
            assert!(page.contains(&format!("{} / {}", n + 1, pages.len())), "{name}: {page}");
        }
    }
}

#[test]
fn the_paper_says_what_is_agreed() {
    let convention = sample("tri-demandes");
    let bytes =
        paper::pdf(&convention, Edition::Version(2), &[given(&convention)], &["La durée passe de 9 à 12 mois.".to_owned()]).unwrap();
    keep("convention-signed.pdf", &bytes);
    let Some(pages) = pages(&bytes) else { return };
    let text = pages.join(" ");
    for words in [
        "Version 2, avenant n° 1",
        "Article 1. Objet",
        "Article 6. Périmètre des données",
        "id_demande",
        "oui, pseudonyme",
        "Seuls les usages de ce tableau sont permis.",
        "Un projet du programme Appropriation de la Métropole du Grand Paris",
        "leur durée d’utilité",
        "une décision motivée, sans que les parties puissent demander réparation",
        "Camille Martin, Maire",
        "DEL-2026-014 du 3 février 2026",
        "10 février 2026 à 10 h 30",
        "Délibération ou délégation, référence et date",
        "Annexe 1. Plan d’évaluation",
        "Annexe 2. Questionnaire du retour d’expérience",
        "La durée passe de 9 à 12 mois.",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    for p in &convention.document.parties.sites {
        assert_eq!(text.matches(&convention.site_name(&p.siren)).count(), 2, "once as a party, once where it signs: {}", p.siren);
    }
    for word in ["dataset", "schema", " null", "mean_difference", "primary"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn a_draft_has_nothing_to_sign() {
    let convention = sample("tri-demandes");
    let bytes = paper::pdf(&convention, Edition::Draft, &[], &[]).unwrap();
    keep("convention-draft.pdf", &bytes);
    let raw = String::from_utf8_lossy(&bytes);
    assert!(!raw.contains(&convention.sha256), "not even in the metadata");
    let Some(pages) = pages(&bytes) else { return };
    for page in &pages {
        assert!(page.contains("PROJET"), "{page}");
        assert!(!page.contains(&convention.sha256) && !page.contains("Signature et cachet"), "{page}");
    }
}

#[test]
fn the_same_content_gives_the_same_bytes() {
    let convention = sample("chauffage");
    let write = |given: &[Given]| paper::pdf(&convention, Edition::Version(1), given, &[]).unwrap();
    assert!(write(&[]) == write(&[]));
    assert!(write(&[]) != write(&[given(&convention)]));
}

#[test]
fn the_paper_is_accessible() {
    let convention = sample("tri-demandes");
    let bytes = paper::pdf(&convention, Edition::Version(1), &[], &[]).unwrap();
    let raw = String::from_utf8_lossy(&bytes);
    assert!(raw.contains("<pdfuaid:part>1</pdfuaid:part>"), "PDF/UA-1");
    for part in ["/Lang(fr-FR)", "/StructTreeRoot", "/Outlines", "/DisplayDocTitle true", "/TH", "/Caption", "/LBody"] {
        assert!(raw.contains(part), "{part}");
    }
    assert!(raw.contains(&format!("sha256:{}", convention.sha256)), "a parapheur that writes the file anew keeps its metadata");
}
