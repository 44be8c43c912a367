//! The comparison to take away, in each of its forms; R's metafor and scipy compute again what it says.

use std::{fs, path::Path, process::Command};

use calamine::{Data, Reader, Xlsx};
use retex::{
    convention::Convention,
    deposit::folder,
    evaluation::{evaluate, result::Evaluation},
    report::comparison::{Form, write},
};

/// A sample's convention and its final evaluation.
fn sample(name: &str) -> (Convention, Evaluation) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name);
    let convention = Convention::load_file(&root.join("convention.yaml")).expect("a convention");
    let read = folder::read(&root.join("deposits"), &convention, |_, _| {}).expect("deposits");
    let evaluation = evaluate(&convention, 1, &read.accepted, true);
    (convention, evaluation)
}

fn samples() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut names: Vec<String> = fs::read_dir(root)
        .expect("samples")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("convention.yaml").exists())
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Writes the files into a folder and runs both scripts there; what they say, and whether they found all the same.
fn computed_again(folder: &Path) -> [(bool, String); 2] {
    [("Rscript", Form::R), ("python", Form::Python)].map(|(program, script)| {
        let done = Command::new(program).arg(script.file_name()).current_dir(folder).output();
        let done = done.unwrap_or_else(|error| panic!("{program}: {error}; tests/run installs it"));
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(said.contains("valeurs comparées"), "{program} did not end: {said} {}", String::from_utf8_lossy(&done.stderr));
        (done.status.success(), said)
    })
}

fn files(evaluation: &Evaluation, confidence: f64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for form in Form::ALL {
        fs::write(folder.path().join(form.file_name()), write(evaluation, confidence, form).expect("written")).expect("a file");
    }
    folder
}

/// Fails unless metafor and scipy find every pooled effect that an evaluation says; how many values each of them compared.
pub fn agree(evaluation: &Evaluation, confidence: f64) -> usize {
    let folder = files(evaluation, confidence);
    let compared = computed_again(folder.path()).map(|(same, said)| {
        assert!(same, "{said}");
        said.matches("identique").count()
    });
    assert_eq!(compared[0], compared[1], "both compare the same values");
    compared[0]
}

#[test]
fn metafor_and_scipy_find_what_the_samples_say() {
    let mut compared = 0;
    for name in samples() {
        let (convention, evaluation) = sample(&name);
        let folder = files(&evaluation, convention.document.evaluation.confidence);
        for (same, said) in computed_again(folder.path()) {
            assert!(same, "{name}: {said}");
            assert!(!said.contains("masquées"), "nothing is withheld on the command line: {said}");
            compared += said.matches("identique").count();
        }
    }
    // Eight values of each pooled effect, twice.
    assert!(compared >= 48, "{compared} values were compared");
}

#[test]
fn a_figure_that_was_changed_is_found_by_both() {
    let (convention, mut evaluation) = samples()
        .iter()
        .map(|name| sample(name))
        .find(|(_, e)| e.indicators.iter().any(|i| i.pooled.random.is_some() && i.pooled.of.as_deref() == Some("effect")))
        .expect("a pooled effect");
    let indicator = evaluation.indicators.iter_mut().find(|i| i.pooled.random.is_some() && i.pooled.of.as_deref() == Some("effect"));
    let random = indicator.and_then(|i| i.pooled.random.as_mut()).expect("a pooled effect");
    random.adhoc.se *= 1.0001;
    let folder = files(&evaluation, convention.document.evaluation.confidence);
    for (same, said) in computed_again(folder.path()) {
        assert!(!same && said.matches("ÉCART").count() == 1, "{said}");
    }
}

#[test]
fn what_is_withheld_is_not_computed_again_nor_taken_for_wrong() {
    let (convention, mut evaluation) = sample(&samples()[0]);
    for indicator in &mut evaluation.indicators {
        if let Some(site) = indicator.sites.first_mut() {
            (site.effect.estimate, site.effect.se, site.effect.ci) = (None, None, None);
        }
        if let Some(random) = &mut indicator.pooled.random {
            (random.se, random.tau2, random.ci) = (None, None, None);
        }
    }
    let folder = files(&evaluation, convention.document.evaluation.confidence);
    for (same, said) in computed_again(folder.path()) {
        assert!(same, "{said}");
        assert!(!said.contains("identique"), "{said}");
    }
}

/// Every form holds the same rows.
#[test]
fn all_forms_say_the_same() {
    let (convention, evaluation) = sample(&samples()[0]);
    let folder = files(&evaluation, convention.document.evaluation.confidence);
    let text = |form: Form| fs::read_to_string(folder.path().join(form.file_name())).expect("text");
    let json: serde_json::Value = serde_json::from_str(&text(Form::Json)).expect("JSON");
    let rows = json["rows"].as_array().expect("rows").clone();
    let expected: usize = evaluation.indicators.iter().map(|i| i.sites.len() + 1).sum();
    assert_eq!(rows.len(), expected);

    let international = text(Form::Csv);
    assert_eq!(international.lines().count(), expected + 1);
    assert!(international.starts_with("indicator,title,unit,"), "no mark, names for programs");
    let french = text(Form::FrenchCsv);
    assert!(french.starts_with("\u{feff}Indicateur (identifiant);"), "{french}");
    assert_eq!(french.matches(";ensemble;").count(), evaluation.indicators.len());
    let first = rows.iter().find_map(|row| row["estimate"].as_f64().filter(|x| x.fract() != 0.0)).expect("an effect");
    assert!(international.contains(&first.to_string()) && french.contains(&first.to_string().replace('.', ",")));

    let parquet = retex::deposit::parquet::read(&folder.path().join(Form::Parquet.file_name()), None).expect("a table");
    assert_eq!(parquet.height(), expected);
    let effects = parquet.column("estimate").expect("the column").f64().expect("numbers").clone();
    for (row, effect) in rows.iter().zip(effects.iter()) {
        assert_eq!(row["estimate"].as_f64().map(f64::to_bits), effect.map(f64::to_bits));
    }

    let book: Xlsx<_> = calamine::open_workbook(folder.path().join(Form::Workbook.file_name())).expect("a workbook");
    let mut book = book;
    let sheet = book.worksheet_range("Comparaison").expect("the sheet");
    assert_eq!(sheet.height(), expected + 1);
    let title = sheet.get_value((0, 17)).expect("a title");
    assert_eq!(title, &Data::String("Effet".to_owned()));
}

/// A site or an indicator whose name begins as a formula is a text for every spreadsheet.
#[test]
fn a_name_runs_nothing() {
    let (convention, mut evaluation) = sample(&samples()[0]);
    evaluation.indicators[0].label = "=cmd|' /C calc'!A0".to_owned();
    evaluation.indicators[0].sites[0].site.name = "@SUM(A1),\"x\"".to_owned();
    let folder = files(&evaluation, convention.document.evaluation.confidence);
    let text = |form: Form| fs::read_to_string(folder.path().join(form.file_name())).expect("text");
    assert!(text(Form::FrenchCsv).contains(";'=cmd|' /C calc'!A0;"));
    assert!(text(Form::Csv).contains(",'=cmd|' /C calc'!A0,"));
    assert!(text(Form::Csv).contains(",\"'@SUM(A1),\"\"x\"\"\","), "{}", text(Form::Csv));
    for (same, said) in computed_again(folder.path()) {
        assert!(same, "{said}");
    }
}
