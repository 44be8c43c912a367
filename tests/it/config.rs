//! Every setting is documented, and the container files use settings that exist.

use std::{collections::BTreeSet, fs, path::Path};

use clap::Args;
use regex::Regex;
use retex::config::Config;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Environment variable and flag of each setting.
fn settings() -> Vec<(String, String)> {
    let command = Config::augment_args(clap::Command::new("retex"));
    let settings = command.get_arguments().filter_map(|a| Some((a.get_env()?.to_str()?.to_owned(), format!("--{}", a.get_long()?))));
    settings.collect()
}

fn variables(text: &str) -> BTreeSet<String> {
    let name = Regex::new(r"\bRETEX_[A-Z0-9_]+").expect("a regex");
    name.find_iter(text).map(|m| m.as_str().to_owned()).collect()
}

#[test]
fn every_setting_is_in_the_readme() {
    let readme = read("README.md");
    let missing: Vec<_> = settings().into_iter().filter(|(env, flag)| !readme.contains(&format!("| `{env}` | `{flag}` |"))).collect();
    assert!(missing.is_empty(), "not in the README's table: {missing:?}");
    let known: BTreeSet<_> = settings().into_iter().map(|(env, _)| env).collect();
    let table: String = readme.lines().filter(|line| line.starts_with("| `RETEX_")).collect();
    assert_eq!(variables(&table), known, "the README's table names settings that do not exist");
}

#[test]
fn container_files_use_known_settings() {
    let known: BTreeSet<_> = settings().into_iter().map(|(env, _)| env).collect();
    for file in ["docker-compose.yml", "Dockerfile"] {
        let unknown: Vec<_> = variables(&read(file)).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{file} sets {unknown:?}");
    }
    // What tests/run exercises: both servers, and the keys that the hub signs its S3 requests with.
    let compose = variables(&read("docker-compose.yml"));
    for needed in ["RETEX_DATABASE", "RETEX_LAKE", "RETEX_S3_ENDPOINT", "RETEX_S3_ACCESS_KEY", "RETEX_S3_SECRET_KEY"] {
        assert!(compose.contains(needed), "{needed} is not set");
    }
}

#[test]
fn compose_has_no_secret_of_its_own_and_names_the_ones_it_needs() {
    let (compose, example) = (read("docker-compose.yml"), read(".env.example"));
    let asked: BTreeSet<_> = Regex::new(r"\$\{([A-Z0-9_]+)").expect("a regex").captures_iter(&compose).map(|c| c[1].to_owned()).collect();
    let given: BTreeSet<_> =
        example.lines().filter(|l| !l.starts_with('#')).filter_map(|l| Some(l.split_once('=')?.0.to_owned())).collect();
    assert_eq!(asked, given);
    for line in compose.lines().filter(|l| l.contains("PASSWORD:") || l.contains("SECRET")) {
        assert!(line.contains(":?"), "a secret with a default: {line}");
    }
}

#[test]
fn the_image_holds_what_it_copies_and_runs_without_rights() {
    let file = read("Dockerfile");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignore = read(".dockerignore");
    for line in file.lines().filter(|l| l.starts_with("COPY ") && !l.contains("--from")) {
        let words: Vec<_> = line.split_whitespace().skip(1).collect();
        for source in &words[..words.len() - 1] {
            assert!(root.join(source).exists(), "{source} does not exist");
            assert!(ignore.lines().any(|l| l == format!("!{source}")), "{source} is not sent to the engine");
        }
    }
    let last = file.rsplit("\nFROM ").next().expect("a stage");
    let user = last.lines().find_map(|l| l.strip_prefix("USER ")).expect("a user");
    assert!(user.parse::<u32>().expect("a number, so that orchestrators can check it") > 0);
    assert!(last.contains("/readyz"));
    assert!(file.lines().filter(|l| l.starts_with("FROM ")).all(|l| l.contains(':') && !l.contains(":latest")));
}
