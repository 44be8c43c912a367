//! The trail of reads, and what `verify` finds when the hub is tampered with.

use std::{fs, path::PathBuf};

use chrono::TimeDelta;
use retex::{
    app::App,
    audit::{self, Heads},
    convention::perimeter::Role,
    deposit, evaluation,
    jobs::{daily, work},
    store::{
        Page,
        audit::{AuditFilter, AuditRow},
    },
    verify::{self, Findings},
};

use crate::{
    ground::{Ground, on_both_engines},
    hub::{CHAUFFAGE, MONTREUIL, file, import, someone},
    hub_admin::admin,
    mail_pages::{get, post, session},
};

on_both_engines!(
    an_edit_is_found,
    a_deletion_is_found,
    a_swap_is_found,
    a_trail_cut_short_is_found_against_an_exported_end,
    a_trail_written_anew_is_found_against_an_exported_end,
    reads_are_written_in_batches_and_chained,
);

const BONDY: &str = "219300100";

fn body(bytes: &[u8]) -> impl futures::Stream<Item = std::io::Result<bytes::Bytes>> + Send + use<> {
    futures::stream::iter([Ok(bytes::Bytes::copy_from_slice(bytes))])
}

async fn send(app: &App, site: &retex::access::Actor, period: &str, path: &str) -> retex::ids::DepositId {
    app.clock.advance(TimeDelta::seconds(1));
    let slot = deposit::Slot {
        convention: CHAUFFAGE.into(),
        site: None,
        dataset: "releves".into(),
        period: Some(period.parse().unwrap()),
        file_name: "relevés.csv".into(),
    };
    let accepted = deposit::accept(app, site, slot, body(&file("chauffage", path))).await.unwrap();
    work::run_due(app).await.unwrap();
    accepted.deposit.id
}

/// A convention with two accepted deposits.
async fn hub(ground: &Ground) -> [retex::ids::DepositId; 2] {
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let one = send(app, &agent, "2026-02", "93048/releves/releves_2026-02.csv").await;
    [one, send(app, &agent, "2026-03", "93048/releves/releves_2026-03.csv").await]
}

async fn found(app: &App, heads: Vec<Heads>) -> Vec<&'static str> {
    let Findings { problems, .. } = verify::verify(app, heads).await.unwrap();
    assert!(problems.iter().all(|p| !p.message.is_empty() && !p.object.is_empty()), "{problems:?}");
    let mut codes: Vec<_> = problems.into_iter().map(|p| p.code).collect();
    codes.sort_unstable();
    codes
}

async fn trail(app: &App, act: &str) -> Vec<AuditRow> {
    let filter = AuditFilter { act: Some(act.to_owned()), ..AuditFilter::default() };
    app.store.audit(&filter, Page::ALL).await.unwrap().0
}

/// Where an object of the lake lies.
fn object(ground: &Ground, key: &str) -> PathBuf {
    ground.app.config.data.join("lac").join(key)
}

async fn an_edit_is_found(ground: &Ground) {
    let app = &ground.app;
    let [id, _] = hub(ground).await;
    let whole = verify::verify(app, Vec::new()).await.unwrap();
    assert_eq!(whole.problems, []);
    assert!(whole.entries >= 6 && whole.rows > 3 && whole.files == 4, "{whole:?}");
    let deposit = app.store.deposit(id).await.unwrap().unwrap();
    // An entry, a row, a file as sent, a table, a convention: each back in its place before the next.
    for (change, back, code) in [
        (
            "UPDATE audit SET outcome = 'denied' WHERE act = 'deposit.accept'",
            "UPDATE audit SET outcome = 'ok' WHERE act = 'deposit.accept'",
            "chain_broken",
        ),
        (
            "UPDATE conventions SET document = REPLACE(document, '2026', '2027')",
            "UPDATE conventions SET document = REPLACE(document, '2027', '2026')",
            "row_changed",
        ),
    ] {
        ground.raw(change).await;
        assert!(found(app, Vec::new()).await.contains(&code), "{change}");
        ground.raw(back).await;
        assert_eq!(found(app, Vec::new()).await, [""; 0], "{back}");
    }
    // A row that lets go of its files, as a purge would.
    let (original, table) = (deposit.original_key.clone().unwrap(), deposit.table_key.clone().unwrap());
    ground.raw(&format!("UPDATE deposits SET original_key = NULL, table_key = NULL WHERE number = '{}'", deposit.number)).await;
    assert_eq!(found(app, Vec::new()).await, ["row_changed"]);
    ground
        .raw(&format!("UPDATE deposits SET original_key = '{original}', table_key = '{table}' WHERE number = '{}'", deposit.number))
        .await;
    let other = "0".repeat(64);
    ground.raw(&format!("UPDATE deposits SET sha256 = '{other}' WHERE number = '{}'", deposit.number)).await;
    assert_eq!(found(app, Vec::new()).await, ["row_changed"]);
    ground.raw(&format!("UPDATE deposits SET sha256 = '{}' WHERE number = '{}'", deposit.sha256, deposit.number)).await;
    for key in [deposit.original_key.unwrap(), deposit.table_key.unwrap()] {
        let path = object(ground, &key);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, [&bytes[..], b"x"].concat()).unwrap();
        assert_eq!(found(app, Vec::new()).await, ["file_changed"], "{key}");
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!(found(app, Vec::new()).await, [""; 0]);
}

async fn a_deletion_is_found(ground: &Ground) {
    let app = &ground.app;
    let [id, _] = hub(ground).await;
    let deposit = app.store.deposit(id).await.unwrap().unwrap();
    for key in [deposit.original_key.as_deref().unwrap(), deposit.table_key.as_deref().unwrap()] {
        let path = object(ground, key);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(found(app, Vec::new()).await, ["file_missing"], "{key}");
        fs::write(&path, bytes).unwrap();
    }
    ground.raw(&format!("DELETE FROM deposits WHERE number = '{}'", deposit.number)).await;
    assert_eq!(found(app, Vec::new()).await, ["row_missing"]);
    ground.raw("DELETE FROM audit WHERE act = 'deposit.receive'").await;
    assert!(found(app, Vec::new()).await.contains(&"chain_broken"));
}

async fn a_swap_is_found(ground: &Ground) {
    let app = &ground.app;
    let [one, two] = hub(ground).await;
    let [a, b] = [app.store.deposit(one).await.unwrap().unwrap(), app.store.deposit(two).await.unwrap().unwrap()];
    // Two tables that trade places.
    let [x, y] = [&a, &b].map(|d| object(ground, d.table_key.as_ref().unwrap()));
    let [first, second] = [fs::read(&x).unwrap(), fs::read(&y).unwrap()];
    fs::write(&x, &second).unwrap();
    fs::write(&y, &first).unwrap();
    assert_eq!(found(app, Vec::new()).await, ["file_changed", "file_changed"]);
    fs::write(&x, first).unwrap();
    fs::write(&y, second).unwrap();
    // Two rows that trade files.
    let [ka, kb] = [&a, &b].map(|d| d.original_key.clone().unwrap());
    ground.raw(&format!("UPDATE deposits SET original_key = '{kb}' WHERE number = '{}'", a.number)).await;
    ground.raw(&format!("UPDATE deposits SET original_key = '{ka}' WHERE number = '{}'", b.number)).await;
    let codes = found(app, Vec::new()).await;
    assert_eq!(codes.iter().filter(|c| **c == "row_changed").count(), 2, "{codes:?}");
    ground.raw(&format!("UPDATE deposits SET original_key = '{ka}' WHERE number = '{}'", a.number)).await;
    ground.raw(&format!("UPDATE deposits SET original_key = '{kb}' WHERE number = '{}'", b.number)).await;
    assert_eq!(found(app, Vec::new()).await, [""; 0]);
    // Two entries that trade places.
    ground.raw("UPDATE audit SET seq = seq + 1000 WHERE seq IN (1, 2)").await;
    ground.raw("UPDATE audit SET seq = CASE seq WHEN 1001 THEN 2 ELSE 1 END WHERE seq > 1000").await;
    assert!(found(app, Vec::new()).await.contains(&"chain_broken"));
}

/// Cuts the last entry of a chain off, as somebody would who knows how the end is kept.
async fn cut(ground: &Ground, organisation: &str) {
    ground.raw(&format!("DELETE FROM audit WHERE organisation = '{organisation}' AND seq = (SELECT seq FROM audit_heads WHERE organisation = '{organisation}')")).await;
    ground
        .raw(&format!(
            "UPDATE audit_heads SET seq = seq - 1, hash = (SELECT hash FROM audit a WHERE a.organisation = '{organisation}' AND a.seq = audit_heads.seq - 1)
             WHERE organisation = '{organisation}'"
        ))
        .await;
}

async fn a_trail_cut_short_is_found_against_an_exported_end(ground: &Ground) {
    let app = &ground.app;
    hub(ground).await;
    let kept = Heads::from_json(audit::heads::read(&app.store, app.clock.now()).await.unwrap().to_json().unwrap().as_bytes()).unwrap();
    assert_eq!(found(app, vec![kept.clone()]).await, [""; 0]);
    // An entry that nothing else depends on.
    let [_, withdrawn] = app.store.deposits(&Default::default(), Page::ALL).await.unwrap().0.try_into().unwrap();
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    deposit::withdraw(app, &agent, withdrawn.id, "erreur de fichier").await.unwrap();
    let after = audit::heads::read(&app.store, app.clock.now()).await.unwrap();
    cut(ground, MONTREUIL).await;
    assert_eq!(audit::verify(&app.store).await.unwrap(), [], "nothing of its own shows it");
    assert_eq!(found(app, vec![kept.clone()]).await, [""; 0], "that end is older");
    assert_eq!(found(app, vec![kept, after.clone()]).await, ["chain_broken"]);
    // The whole chain gone.
    ground.raw(&format!("DELETE FROM audit WHERE organisation = '{MONTREUIL}'")).await;
    ground.raw(&format!("DELETE FROM audit_heads WHERE organisation = '{MONTREUIL}'")).await;
    assert!(found(app, vec![after]).await.contains(&"chain_broken"));
    assert!(Heads::from_json(b"{}").is_err());
}

async fn a_trail_written_anew_is_found_against_an_exported_end(ground: &Ground) {
    let app = &ground.app;
    hub(ground).await;
    // The daily round keeps the end in the lake by itself.
    daily::run(app).await.unwrap();
    assert_eq!(audit::heads::kept(&app.lake).await.unwrap().len(), 1);
    daily::run(app).await.unwrap();
    let first = audit::heads::kept(&app.lake).await.unwrap();
    assert_eq!(first.len(), 1, "the first one of a day stays");
    cut(ground, MONTREUIL).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let other = app.store.deposits(&Default::default(), Page::ALL).await.unwrap().0[0].id;
    deposit::withdraw(app, &agent, other, "une autre ligne à la place").await.unwrap();
    assert_eq!(audit::verify(&app.store).await.unwrap(), []);
    assert!(found(app, Vec::new()).await.contains(&"chain_broken"));
    // Files carry the machine's time: far ahead of it all that no row names is old.
    app.clock.advance(TimeDelta::days(40_000));
    retex::jobs::sweep::sweep(app, TimeDelta::zero()).await.unwrap();
    assert_eq!(audit::heads::kept(&app.lake).await.unwrap(), first, "it is never swept");
}

async fn reads_are_written_in_batches_and_chained(ground: &Ground) {
    let app = &ground.app;
    hub(ground).await;
    let before = trail(app, "data.read").await.len();
    let entry = |n: usize, site: Option<&str>| audit::Entry {
        at: app.clock.now(),
        actor: audit::Actor::System,
        organisation: site.map(|s| s.parse().unwrap()),
        act: "data.read",
        object: format!("/depots/{n}"),
        outcome: "ok",
        detail: serde_json::Value::Null,
    };
    for n in 0..60 {
        app.reads.note(entry(n, [None, Some(MONTREUIL), Some(BONDY)][n % 3]));
    }
    assert_eq!(trail(app, "data.read").await.len(), before);
    // Two writers at once write each entry once.
    let (one, two) = tokio::join!(app.reads.flush(&app.store), app.reads.flush(&app.store));
    one.and(two).unwrap();
    let mut rows = trail(app, "data.read").await;
    assert_eq!(rows.len(), before + 60);
    rows.retain(|r| r.organisation == BONDY);
    rows.sort_by_key(|r| r.seq);
    let objects: Vec<_> = rows.iter().map(|r| r.object.clone()).collect();
    let expected: Vec<_> = (0..60).filter(|n| n % 3 == 2).map(|n| format!("/depots/{n}")).collect();
    assert_eq!(objects, expected, "in the order in which they came");
    assert_eq!(audit::verify(&app.store).await.unwrap(), []);
    // The keeper writes what is left when it is told to stop.
    app.reads.note(entry(99, None));
    app.reads.clone().keep(app.store.clone(), std::future::ready(())).await;
    assert_eq!(trail(app, "data.read").await.len(), before + 61);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_of_data_leaves_an_entry_and_every_refusal_too() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    let [id, _] = hub(&ground).await;
    let registered = retex::convention::register::find(app, CHAUFFAGE).await.unwrap();
    evaluation::refresh(app, registered.head.id).await.unwrap();
    let agent = session(app, "agent@montreuil.example", Role::Contributor, Some(MONTREUIL)).await;
    let stranger = session(app, "agent@paris.example", Role::Contributor, Some("217500016")).await;
    let analyst = session(app, "analyse@exemple.fr", Role::Analyst, None).await;
    let dpo = session(app, "dpo@exemple.fr", Role::DataProtectionOfficer, None).await;
    let indicator = &registered.convention.document.evaluation.indicators[0].id;
    let base = format!("/experimentations/{CHAUFFAGE}");
    let data = [
        "/".to_owned(),
        base.clone(),
        format!("{base}/indicateurs/{indicator}"),
        format!("{base}/comparer"),
        "/depots".to_owned(),
        "/depots.csv".to_owned(),
        format!("/depots/{id}"),
        format!("/depots/{id}/rapport.json"),
        "/api/v1/deposits".to_owned(),
        format!("/api/v1/deposits/{id}"),
        format!("/api/v1/deposits/{id}/report"),
        format!("/api/v1/conventions/{CHAUFFAGE}/evaluations/latest"),
    ];
    let told = async |path: &str| {
        app.reads.flush(&app.store).await.unwrap();
        let filter = AuditFilter { object: Some(path.to_owned()), ..AuditFilter::default() };
        app.store.audit(&filter, Page::ALL).await.unwrap().0
    };
    for (who, own) in [(&agent, true), (&analyst, false)] {
        for path in &data {
            app.clock.advance(TimeDelta::seconds(1));
            assert_eq!(get(app, who, path).await.0, 200, "{path}");
            let newest = told(path).await.into_iter().next().unwrap_or_else(|| panic!("{path} leaves no entry"));
            assert_eq!((newest.act.as_str(), newest.outcome.as_str()), ("data.read", "ok"), "{path}");
            assert_eq!(newest.actor, who.actor.account.to_string(), "{path}");
            if own {
                assert_eq!(newest.organisation, MONTREUIL, "{path}");
            }
            let said: serde_json::Value = serde_json::from_str(&newest.detail).unwrap();
            assert_eq!(
                (said["reads"][0]["convention"].as_str(), said["reads"][0]["version"].as_i64()),
                (Some(CHAUFFAGE), Some(1)),
                "{path}"
            );
        }
    }
    // What is not theirs, or not for their role.
    for (who, path, status) in [
        (&stranger, format!("/depots/{id}"), 404),
        (&stranger, format!("/api/v1/deposits/{id}"), 404),
        (&stranger, base.clone(), 404),
        (&dpo, format!("/depots/{id}"), 404),
    ] {
        app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(get(app, who, &path).await.0, status, "{path}");
        let newest = told(&path).await.into_iter().next().unwrap();
        assert_eq!((newest.outcome.as_str(), newest.actor), ("denied", who.actor.account.to_string()), "{path}");
        assert!(newest.detail.contains("refused"), "{}", newest.detail);
    }
    // A role that a page refuses is told by the page's pattern.
    assert_eq!(get(app, &agent, "/administration/journal").await.0, 403);
    assert_eq!(told("/administration/journal").await[0].outcome, "denied");
    // What holds no data leaves nothing.
    let before = trail(app, "data.read").await.len();
    for path in ["/reglement", "/livez", "/compte/courriels", "/nulle-part"] {
        get(app, &agent, path).await;
    }
    app.reads.flush(&app.store).await.unwrap();
    assert_eq!(trail(app, "data.read").await.len(), before);
    assert_eq!(audit::verify(&app.store).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_filtered_read_and_exported() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    let [id, _] = hub(&ground).await;
    let dpo = session(app, "dpo@exemple.fr", Role::DataProtectionOfficer, None).await;
    let agent = session(app, "agent@montreuil.example", Role::Contributor, Some(MONTREUIL)).await;
    get(app, &agent, &format!("/depots/{id}")).await;
    app.reads.flush(&app.store).await.unwrap();
    let journal = async |query: &str| get(app, &dpo, &format!("/administration/journal?{query}")).await;
    for (query, there, absent) in [
        ("", "Réception d&#39;un dépôt", "Aucune ligne"),
        ("action=data.read", "lire un dépôt", "Réception d&#39;un dépôt</td>"),
        ("structure=retex", "Convention proposée", "Réception d&#39;un dépôt</td>"),
        ("du=2030-01-01", "Aucune ligne", "Ada Morel</td>"),
        ("au=2020-01-01", "Aucune ligne", "Ada Morel</td>"),
        ("issue=denied", "Aucune ligne", "Ada Morel</td>"),
        ("recherche=D-2026-000001", "dépôt D-2026-000001", "dépôt D-2026-000002"),
        ("recherche=100%25_", "Aucune ligne", "Ada Morel</td>"),
    ] {
        let (status, _, page) = journal(query).await;
        assert_eq!(status, 200, "{query}");
        let body = page.split("list-bar").nth(1).unwrap();
        assert!(body.contains(there), "{query}: {there} is missing in {body}");
        assert!(!body.contains(absent), "{query}: {absent}");
    }
    let person = format!("personne={}", agent.actor.account);
    assert!(journal(&person).await.2.contains("lire un dépôt"));
    for order in ["ancien", "action", "personne", "structure"] {
        assert_eq!(journal(&format!("tri={order}")).await.0, 200);
    }
    for bad in ["du=hier", "personne=moi"] {
        assert!([404, 422].contains(&journal(bad).await.0), "{bad}");
    }
    let (status, _, page) = get(app, &dpo, &format!("/administration/journal/{MONTREUIL}/1")).await;
    assert_eq!(status, 200);
    assert!(page.contains("telle qu&#39;elle a été écrite") && page.contains("Ligne suivante"), "{page}");
    assert_eq!(get(app, &dpo, "/administration/journal/retex/1").await.0, 200);
    for absent in ["/administration/journal/retex/9999", "/administration/journal/219300480/x", "/administration/journal/autre/1"] {
        assert_eq!(get(app, &dpo, absent).await.0, 404, "{absent}");
    }
    let (_, headers, csv) = get(app, &dpo, &format!("/administration/journal.csv?structure={MONTREUIL}")).await;
    assert_eq!(headers["content-disposition"], "attachment; filename=\"journal.csv\"");
    assert!(csv.starts_with('\u{feff}') && csv.contains("Réception d'un dépôt"), "{csv}");
    let (_, _, jsonl) = get(app, &dpo, "/administration/journal.json?action=deposit.receive").await;
    let lines: Vec<serde_json::Value> = jsonl.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((lines.len(), lines[0]["act"].as_str()), (2, Some("deposit.receive")));
    let (_, _, head) = get(app, &dpo, "/administration/journal/tete.json").await;
    assert!(Heads::from_json(head.as_bytes()).unwrap().heads.len() >= 2);
    assert_eq!(trail(app, "audit.export").await.len(), 2, "an export is told too");
    for path in [
        "/administration/journal",
        "/administration/journal.csv",
        "/administration/journal.json",
        "/administration/journal/tete.json",
        "/administration/journal/retex/1",
    ] {
        assert_eq!(get(app, &agent, path).await.0, 403, "{path}");
    }
    let csrf = &agent.actor.csrf;
    assert_eq!(post(app, &agent, "/compte/courriels", &format!("csrf={csrf}")).await.0, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_verifies_on_the_machine() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    hub(&ground).await;
    let data = app.config.data.to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| admin(&[("RETEX_DATA", data.as_str())], arguments, "");
    let (exit, head, err) = run(&["audit-head"]);
    assert_eq!(exit, Some(0), "{err}");
    let kept = ground.folder().join("tete.json");
    fs::write(&kept, &head).unwrap();
    let verify = ["verify", "--head", kept.to_str().unwrap()];
    let (exit, out, _) = run(&verify);
    assert_eq!(exit, Some(0), "{out}");
    assert!(out.contains("Tout concorde."), "{out}");
    cut(&ground, MONTREUIL).await;
    let (exit, out, _) = run(&verify);
    assert_eq!(exit, Some(1), "{out}");
    assert!(out.contains("[chain_broken]"), "{out}");
    fs::write(&kept, "autre chose").unwrap();
    let (exit, _, err) = run(&verify);
    assert_eq!(exit, Some(2));
    assert!(err.contains("[audit_heads]"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_register_is_made_from_what_was_signed() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    for sample in ["chauffage", "tri-demandes", "depots-sauvages"] {
        import(app, sample, |_| {}).await;
    }
    let dpo = session(app, "dpo@exemple.fr", Role::DataProtectionOfficer, None).await;
    let officer = session(app, "mission@exemple.fr", Role::Officer, None).await;
    let (status, _, page) = get(app, &dpo, "/registre-des-traitements").await;
    assert_eq!(status, 200);
    for said in [
        "Évaluer l&#39;assistant de tri",
        "agent (pseudonyme)",
        "mission d&#39;intérêt public",
        "Syctom",
        "24\u{a0}mois après la fin",
        "non requise",
        "Montreuil",
    ] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    let (_, headers, csv) = get(app, &dpo, "/registre-des-traitements.csv").await;
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
    let width = |line: &str| line.split(';').count();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(csv.lines().all(|l| l.contains('"') || width(l) == 18), "{csv}");
    let (_, _, json) = get(app, &dpo, "/api/v1/register").await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let tri = json.as_array().unwrap().iter().find(|r| r["convention"] == "tri-demandes-2026").unwrap();
    assert_eq!(tri["personal_data"][0]["fields"][0]["name"], "agent");
    assert_eq!(tri["perimeter"][0]["uses"][0], "évaluation par la Métropole");
    let (_, _, trail) = get(app, &dpo, "/api/v1/audit?act=register.export&limit=5").await;
    let trail: serde_json::Value = serde_json::from_str(&trail).unwrap();
    assert_eq!((trail["count"].as_i64(), trail["entries"][0]["outcome"].as_str()), (Some(1), Some("ok")));
    let (_, _, heads) = get(app, &dpo, "/api/v1/audit/heads").await;
    assert!(Heads::from_json(heads.as_bytes()).is_ok());
    for path in ["/registre-des-traitements", "/registre-des-traitements.csv", "/api/v1/register", "/api/v1/audit", "/api/v1/audit/heads"] {
        assert_eq!(get(app, &officer, path).await.0, 403, "{path}");
    }
    for bad in ["since=hier", "actor=moi"] {
        assert!([404, 422].contains(&get(app, &dpo, &format!("/api/v1/audit?{bad}")).await.0), "{bad}");
    }
}
