//! The command line's help and usage errors in French: clap writes both in English.

use clap::{
    Arg, ArgAction, Command,
    error::{ContextKind, ContextValue, ErrorKind},
};

/// `command` with every word of its help in French.
pub fn in_french(command: Command) -> Command {
    let version = command.get_version().is_some();
    let mut command = command
        .help_template("{about-with-newline}\nUsage\u{a0}: {usage}\n\n{all-args}{after-help}")
        .subcommand_help_heading("Commandes")
        .subcommand_value_name("COMMANDE")
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .mut_args(argument)
        .arg(Arg::new("aide").short('h').long("help").action(ArgAction::Help).help("Affiche cette aide").help_heading("Options"));
    if version {
        let flag = Arg::new("version").short('V').long("version").action(ArgAction::Version);
        command = command.arg(flag.help("Affiche la version").help_heading("Options"));
    }
    command.mut_subcommands(in_french)
}

/// An argument whose default, variable and values are told in its own text, where clap would tell them in English.
fn argument(argument: Arg) -> Arg {
    let heading = if argument.is_positional() { "Arguments" } else { "Options" };
    let mut facts = Vec::new();
    let values: Vec<_> = argument.get_possible_values().iter().filter(|v| !v.is_hide_set()).map(|v| v.get_name().to_owned()).collect();
    if !values.is_empty() && argument.get_action().takes_values() {
        facts.push(format!("valeurs\u{a0}: {}", values.join(", ")));
    }
    let default: Vec<_> = argument.get_default_values().iter().map(|v| v.to_string_lossy().into_owned()).collect();
    // A default may come from the settings' file: what hides its variable's value is a secret, and stays one.
    if !default.is_empty() && argument.get_action().takes_values() && !argument.is_hide_env_values_set() {
        facts.push(format!("par défaut\u{a0}: {}", default.join(", ")));
    }
    if let Some(variable) = argument.get_env() {
        facts.push(format!("variable {}", variable.to_string_lossy()));
    }
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let help = if facts.is_empty() { help } else { format!("{help} ({})", facts.join("\u{a0}; ")) };
    let valued = argument.get_action().takes_values();
    let argument = argument.help(help).help_heading(heading).hide_env(true);
    // Flags have none of these, and clap refuses that they be hidden.
    if valued { argument.hide_default_value(true).hide_possible_values(true) } else { argument }
}

/// What is wrong with the arguments, and what to do, in one or two lines.
pub fn sentence(error: &clap::Error) -> String {
    let of = |kind| error.get(kind).map(text).unwrap_or_default();
    let (argument, value, suggestion) = (
        of(ContextKind::InvalidArg),
        of(ContextKind::InvalidValue),
        suggestion(error).map(|s| format!(" Vouliez-vous dire «\u{a0}{s}\u{a0}»\u{a0}?")),
    );
    let suggestion = suggestion.unwrap_or_default();
    match error.kind() {
        ErrorKind::InvalidSubcommand => format!("«\u{a0}{}\u{a0}» n'est pas une commande.{suggestion}", of(ContextKind::InvalidSubcommand)),
        ErrorKind::UnknownArgument => format!("«\u{a0}{argument}\u{a0}» n'est pas une option de cette commande.{suggestion}"),
        ErrorKind::MissingRequiredArgument => format!("Il manque\u{a0}: {argument}."),
        ErrorKind::MissingSubcommand => format!("Précisez une commande parmi\u{a0}: {}.", of(ContextKind::ValidSubcommand)),
        ErrorKind::InvalidValue if value.is_empty() => format!("«\u{a0}{argument}\u{a0}» attend une valeur."),
        ErrorKind::InvalidValue => {
            format!(
                "«\u{a0}{value}\u{a0}» ne convient pas à «\u{a0}{argument}\u{a0}»\u{a0}; valeurs possibles\u{a0}: {}.{suggestion}",
                of(ContextKind::ValidValue)
            )
        }
        ErrorKind::ValueValidation => {
            // The reason is French where the value's type is ours; the standard library's is not shown.
            let reason = std::error::Error::source(error).filter(|e| e.is::<crate::error::Error>()).map(|e| format!(" {e}"));
            format!("«\u{a0}{value}\u{a0}» ne convient pas à «\u{a0}{argument}\u{a0}».{}", reason.unwrap_or_default())
        }
        ErrorKind::ArgumentConflict => {
            format!("«\u{a0}{argument}\u{a0}» ne va pas avec {}\u{a0}: gardez l'un des deux.", of(ContextKind::PriorArg))
        }
        ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues | ErrorKind::NoEquals => {
            format!("«\u{a0}{argument}\u{a0}» n'a pas le bon nombre de valeurs.")
        }
        ErrorKind::InvalidUtf8 => "Un argument n'est pas un texte lisible.".to_owned(),
        _ => "Ces arguments ne conviennent pas.".to_owned(),
    }
}

fn suggestion(error: &clap::Error) -> Option<String> {
    [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
        .into_iter()
        .find_map(|kind| error.get(kind))
        .map(text)
}

fn text(value: &ContextValue) -> String {
    match value {
        ContextValue::Strings(list) => list.join(", "),
        ContextValue::String(s) => s.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    #[command(name = "retex", version, about = "Essai")]
    struct Try {
        /// Le fichier.
        file: String,
        /// Forme du résultat.
        #[arg(long, value_enum, default_value = "texte", env = "RETEX_TRY")]
        format: Format,
        /// Combien.
        #[arg(long, conflicts_with = "format", value_name = "NOMBRE")]
        number: Option<u8>,
        /// Une clé.
        #[arg(long, env = "RETEX_TRY_KEY", hide_env_values = true, default_value = "ne-jamais-montrer")]
        key: String,
        /// Sans valeur.
        #[arg(long)]
        quiet: bool,
    }

    #[derive(Clone, clap::ValueEnum)]
    enum Format {
        Texte,
        Json,
    }

    fn told(arguments: &[&str]) -> String {
        let error = in_french(Try::command()).try_get_matches_from(arguments).expect_err("refused");
        sentence(&error)
    }

    #[test]
    fn every_usage_error_is_a_french_sentence() {
        assert_eq!(told(&["retex"]), "Il manque\u{a0}: <FILE>.");
        assert_eq!(
            told(&["retex", "f", "--frmat", "json"]),
            "«\u{a0}--frmat\u{a0}» n'est pas une option de cette commande. Vouliez-vous dire «\u{a0}--format\u{a0}»\u{a0}?"
        );
        assert_eq!(told(&["retex", "f", "--format"]), "«\u{a0}--format <FORMAT>\u{a0}» attend une valeur.");
        let wrong = told(&["retex", "f", "--format", "jsn"]);
        assert_eq!(
            wrong,
            "«\u{a0}jsn\u{a0}» ne convient pas à «\u{a0}--format <FORMAT>\u{a0}»\u{a0}; valeurs possibles\u{a0}: texte, json. Vouliez-vous dire «\u{a0}json\u{a0}»\u{a0}?"
        );
        assert_eq!(told(&["retex", "f", "--number", "x"]), "«\u{a0}x\u{a0}» ne convient pas à «\u{a0}--number <NOMBRE>\u{a0}».");
        assert!(told(&["retex", "f", "--number", "1", "--format", "json"]).contains("ne va pas avec"));
    }

    #[test]
    fn the_help_is_in_french() {
        let help = in_french(Try::command()).render_long_help().to_string();
        for word in [
            "Usage\u{a0}: ",
            "Arguments:",
            "Options:",
            "Forme du résultat (valeurs\u{a0}: texte, json\u{a0}; par défaut\u{a0}: texte\u{a0}; variable RETEX_TRY)",
            "Affiche cette aide",
        ] {
            assert!(help.contains(word), "{word} in {help}");
        }
        for word in ["Print", "default", "Possible", "[env", "ne-jamais-montrer"] {
            assert!(!help.contains(word), "{word} in {help}");
        }
    }
}
