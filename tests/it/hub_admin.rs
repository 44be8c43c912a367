//! `retex admin` as an administrator runs it.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use crate::{ground::Ground, hub::sample};

/// Runs the program on a hub; gives its exit code, its output, its errors.
pub fn admin(settings: &[(&str, &str)], arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_retex"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RETEX_")) {
        command.env_remove(name);
    }
    command.envs(settings.iter().copied()).arg("admin").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read it may be over already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_is_set_up_and_carried_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("données");
    let here = [("RETEX_DATA", text(&data))];
    let run = |arguments: &[&str], input: &str| admin(&here, arguments, input);
    let refused = |arguments: &[&str], input: &str, code: &str| {
        let (exit, out, err) = run(arguments, input);
        assert_eq!((exit, out.as_str()), (Some(2), ""), "{arguments:?} {err}");
        assert!(err.contains(&format!("[{code}]")), "{arguments:?}: {err}");
    };

    let ada = ["setup", "--email", "Ada@exemple.fr", "--name", "Ada Morel"];
    refused(&[&ada[..], &["--password-stdin"]].concat(), "court\n", "password_short");
    let (exit, out, err) = run(&ada, "");
    assert_eq!(exit, Some(0), "{err}");
    assert!(out.contains("ada@exemple.fr") || out.contains("Ada@exemple.fr"), "{out}");
    assert!(out.contains("affiché cette seule fois : "), "{out}");
    refused(&ada, "", "already_set_up");

    let bea = ["account", "create", "--email", "bea@exemple.fr", "--name", "Béa", "--password-stdin"];
    let contributor = [&bea[..], &["--role", "contributor", "--site", "93048"]].concat();
    assert_eq!(run(&contributor, "un mot de passe\r\n").0, Some(0));
    refused(&contributor, "un mot de passe\n", "email_taken");
    refused(&[&bea[..], &["--role", "contributor", "--site", "75000"]].concat(), "", "unknown_site");
    refused(&[&bea[..], &["--role", "roi"]].concat(), "un mot de passe\n", "role");
    let (_, list, _) = run(&["account", "list"], "");
    assert!(list.lines().any(|l| l == "bea@exemple.fr\tBéa\tdéposant\tMontreuil\touvert"), "{list}");
    let named = |act| ["account", act, "--email", "BEA@exemple.fr"];
    assert_eq!(run(&named("disable"), "").0, Some(0));
    assert!(run(&["account", "list"], "").1.contains("Montreuil\tfermé"));
    assert_eq!(run(&named("enable"), "").0, Some(0));
    refused(&[&named("password")[..], &["--password-stdin"]].concat(), "court\n", "password_short");
    assert_eq!(run(&[&named("password")[..], &["--password-stdin"]].concat(), "un autre mot de passe\n").0, Some(0));
    refused(&["account", "disable", "--email", "inconnue@exemple.fr"], "", "unknown_account");

    let (exit, out, _) = run(&["token", "create", "--name", "nuit", "--email", "bea@exemple.fr", "--days", "30"], "");
    assert_eq!(exit, Some(0));
    let secret = out.trim().rsplit(' ').next().unwrap().to_owned();
    let id = out.split_whitespace().nth(1).unwrap().trim_end_matches(',').to_owned();
    assert!(secret.starts_with("retex_"), "{out}");
    assert_eq!(run(&["token", "create", "--name", "x", "--email", "bea@exemple.fr", "--days", "0"], "").0, Some(2));
    refused(&["token", "revoke", "--id", &id, "--email", "ada@exemple.fr"], "", "not_found");

    let convention = sample("chauffage").join("convention.yaml");
    let import = |file: &Path| run(&["convention", "import", text(file)], "");
    let (exit, first, err) = import(&convention);
    assert_eq!(exit, Some(0), "{err}");
    assert!(first.contains("version 1,"), "{first}");
    assert_eq!(import(&convention).1, first, "the same document is the same version");
    let changed = folder.path().join("convention.yaml");
    let yaml = std::fs::read_to_string(&convention).unwrap().replace("Pilotage du chauffage", "Réglage du chauffage");
    std::fs::write(&changed, yaml).unwrap();
    std::fs::copy(sample("chauffage").join("releves.schema.json"), folder.path().join("releves.schema.json")).unwrap();
    let (exit, _, err) = import(&changed);
    assert!(exit != Some(0) && err.contains("La version 1 attend ses signatures"), "{err}");
    std::fs::write(&changed, "retex: 1\nid: x\n").unwrap();
    let (exit, _, err) = import(&changed);
    assert!(exit == Some(2) && err.contains("\n  /"), "{err}");

    // A copy, put back into another hub, on the other engine where there is one.
    let copy = folder.path().join("copie");
    let (exit, _, err) = run(&["backup", text(&copy)], "");
    assert_eq!(exit, Some(0), "{err}");
    assert_eq!(run(&["backup", text(&copy)], "").0, Some(2), "never over another copy");
    let (ground, on_postgres) = match Ground::postgres().await {
        Some(ground) => (ground, true),
        None => (Ground::sqlite().await, false),
    };
    let database = ground.app.config.database.as_ref().map(|d| d.reveal().to_owned()).unwrap_or_default();
    let mut there = vec![("RETEX_DATA", text(&ground.app.config.data))];
    if on_postgres {
        there.push(("RETEX_DATABASE", &database));
    }
    let (exit, _, err) = admin(&there, &["restore", text(&copy)], "");
    assert_eq!(exit, Some(0), "{err}");
    assert_eq!(admin(&there, &["restore", text(&copy)], "").0, Some(2), "never over another hub");
    assert_eq!(admin(&there, &["account", "list"], "").1, run(&["account", "list"], "").1);
    let actor = retex::access::bearer(&ground.app, &secret).await.unwrap();
    assert_eq!(actor.email, "bea@exemple.fr");
    retex::access::sign_in(&ground.app, "bea@exemple.fr", "un autre mot de passe", "").await.unwrap().opened().unwrap();
    assert_eq!(ground.app.store.convention_versions("chauffage-2026").await.unwrap().len(), 1);
    assert!(retex::audit::verify(&ground.app.store).await.unwrap().is_empty());
    ground.close().await;

    assert_eq!(run(&["token", "revoke", "--id", &id, "--email", "bea@exemple.fr"], "").0, Some(0));
}
