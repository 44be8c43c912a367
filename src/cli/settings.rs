//! The settings' file: its keys become the defaults of the flags of the same name, so that one description (`config::Config`)
//! serves flags, environment and file, in that order of precedence.

use std::{ffi::OsString, path::Path};

use clap::{Args, Command};

use crate::{
    config::Config,
    error::{Error, Result},
};

/// The file named by `--config FICHIER`, `--config=FICHIER` or `RETEX_CONFIG`, if any.
pub fn named(arguments: &[OsString], environment: Option<OsString>) -> Option<OsString> {
    let flag = arguments.iter().enumerate().find_map(|(i, a)| match a.to_str()? {
        "--config" => arguments.get(i + 1).cloned(),
        a => a.strip_prefix("--config=").map(Into::into),
    });
    flag.or(environment).filter(|f| !f.is_empty())
}

/// Puts the file's values in `command`'s defaults.
///
/// # Errors
/// A file that cannot be read or is not TOML, a key that is no setting (with the nearest one), a value that is not a text, a
/// number or a boolean.
pub fn apply(command: Command, file: &Path) -> Result<Command> {
    let bad = |message: String| Error::invalid("settings", format!("{} : {message}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|e| bad("ce fichier de réglages ne peut pas être lu.".into()).with_source(e))?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| bad(format!("ce n'est pas du TOML correct ({}).", e.message())))?;
    let known: Vec<String> = Config::augment_args(Command::new("")).get_arguments().map(|a| a.get_id().to_string()).collect();
    let mut values = Vec::new();
    for (key, value) in table {
        let id = key.replace('-', "_");
        if !known.contains(&id) {
            let nearest = known.iter().max_by(|a, b| strsim::jaro_winkler(a, &id).total_cmp(&strsim::jaro_winkler(b, &id)));
            return Err(bad(format!("« {key} » n'est pas un réglage ; vouliez-vous dire « {} » ?", nearest.map_or("", |n| n))));
        }
        let value = match value {
            toml::Value::String(s) => s,
            toml::Value::Integer(n) => n.to_string(),
            toml::Value::Boolean(b) => b.to_string(),
            _ => return Err(bad(format!("« {key} » attend un texte, un nombre ou un booléen."))),
        };
        values.push((id, value));
    }
    Ok(with_defaults(command, &values))
}

fn with_defaults(command: Command, values: &[(String, String)]) -> Command {
    let command = command.mut_args(|a| match values.iter().find(|(id, _)| a.get_id() == id.as_str()) {
        Some((_, value)) => a.default_value(value.clone()),
        None => a,
    });
    command.mut_subcommands(|sub| with_defaults(sub, values))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Hub {
        #[command(subcommand)]
        command: Serve,
    }

    #[derive(clap::Subcommand)]
    enum Serve {
        Serve(Config),
    }

    fn parse(toml: &str, arguments: &[&str]) -> Result<Config> {
        use clap::{CommandFactory, FromArgMatches};
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), toml)?;
        let command = apply(Hub::command(), file.path())?;
        let matches = command.get_matches_from(arguments);
        let Serve::Serve(config) = Hub::from_arg_matches(&matches).map_err(Error::internal)?.command;
        Ok(config)
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let config =
            parse("workers = 5\nlisten = \"127.0.0.1:9000\"\nlog_json = true", &["retex", "serve", "--workers", "7"]).expect("read");
        assert_eq!((config.workers, config.listen.port(), config.log_json), (7, 9000, true));
        assert_eq!(config.data, Path::new("retex-data"));
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_setting() {
        let error = parse("max_uplod = 5", &["retex", "serve"]).expect_err("unknown key");
        assert!(error.message.contains("« max_uplod »") && error.message.contains("« max_upload »"), "{error}");
        assert_eq!(parse("workers = [1]", &["retex", "serve"]).expect_err("list").code, "settings");
    }

    #[test]
    fn the_file_is_named_by_flag_or_environment() {
        let args = |a: &[&str]| a.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(named(&args(&["retex", "serve", "--config", "a.toml"]), Some("b.toml".into())), Some("a.toml".into()));
        assert_eq!(named(&args(&["retex", "serve", "--config=c.toml"]), None), Some("c.toml".into()));
        assert_eq!(named(&args(&["retex"]), Some("b.toml".into())), Some("b.toml".into()));
        assert_eq!(named(&args(&["retex"]), None), None);
    }
}
