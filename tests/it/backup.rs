//! A copy of a hub comes back whole, from either engine and lake to either.

use std::{fs, path::Path};

use chrono::TimeDelta;
use retex::{
    audit::{self, Actor, Entry},
    backup::{Manifest, backup, restore},
    error::Kind,
    ids::{CommentId, DepositId, DraftId, EvaluationId, HoldId, MailId, PurgeId, RemovalId, SignatureId, TokenId, UploadId},
    jobs::Job,
    lake::Key,
    store::{
        Page,
        access::Pass,
        accounts::{Session, Token},
        backup::TABLES,
        deposits::{DepositFilter, NewDeposit},
        drafts::{Comment, Draft},
        evaluations::{NewEvaluation, SummaryRow},
        mails::{Delivery, Mail},
        released::ReleaseRow,
        retention::{Clearance, Hold, NewPurge, PurgeItem, PurgeState, Removal},
        rex::RexAnswers,
        signatures::{Means, Signature, Termination},
        uploads::{Upload, UploadPart},
    },
};

use crate::ground::Ground;

const PARIS: &str = "217500016";

/// Rows in every table, empty cells and odd characters among them, and the files that they name.
async fn furnish(ground: &Ground) {
    let (app, store, lake) = (&ground.app, &ground.app.store, &ground.app.lake);
    let account = ground.account(PARIS).await;
    let convention = ground.convention("tri-demandes-2026").await;
    let now = app.clock.now();
    app.clock.advance(TimeDelta::microseconds(120));
    let mut deposits = Vec::new();
    for _ in 0..3 {
        let deposit = ground.deposit(convention, account, PARIS, None).await.unwrap();
        deposits.push(deposit);
        app.clock.advance(TimeDelta::milliseconds(1));
    }
    // One that the hub made from another.
    let made = deposits[2].clone();
    let mut tx = store.begin().await.unwrap();
    tx.insert_deposit(&NewDeposit {
        id: DepositId(app.clock.id()),
        convention_id: convention,
        site: made.site,
        dataset: made.dataset,
        period: made.period,
        file_name: "demandes (corrigé).csv".to_owned(),
        bytes: made.bytes,
        sha256: made.sha256,
        original_key: made.original_key.unwrap(),
        created_at: app.clock.now(),
        created_by: account,
        reading: Some("{\"delimiter\":\";\"}".to_owned()),
        correction: Some((made.id, "[{\"before\":\"é \"}]".to_owned())),
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    // The second takes the place of the first: its row refers to one that comes after it.
    for deposit in &deposits[..2] {
        let file = ground.folder().join("table");
        fs::write(&file, deposit.id.to_string()).unwrap();
        let key = lake.table("tri-demandes-2026", "demandes").unwrap().add(&deposit.site, None, deposit.id, &file).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        tx.start_check(deposit.id).await.unwrap();
        tx.accept_deposit(deposit.id, "{\"é\":\"\\n\\u0001\"}", 3, &key.to_string(), app.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }
    store.count_attempt("a@exemple.fr", now).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.insert_session(&Session {
        token_sha256: "s".to_owned(),
        account_id: account,
        csrf: "c".to_owned(),
        created_at: now,
        expires_at: now,
        last_seen_at: now,
        second_factor: None,
        device: None,
        id_token: None,
    })
    .await
    .unwrap();
    tx.insert_token(&Token {
        id: TokenId(app.clock.id()),
        account_id: account,
        name: "l'été « 100 % »\u{a0}\n\t\"'\\".to_owned(),
        sha256: "t".to_owned(),
        created_at: now,
        expires_at: None,
        last_used_at: None,
        revoked_at: Some(now),
        scope: None,
        service: false,
        created_by: None,
    })
    .await
    .unwrap();
    let evaluation = tx
        .insert_evaluation(&NewEvaluation {
            id: EvaluationId(app.clock.id()),
            convention_id: convention,
            is_final: true,
            inputs_sha256: "i".to_owned(),
            body: "{}".to_owned(),
            created_at: now,
            created_by: Some(account),
        })
        .await
        .unwrap();
    tx.put_release(&ReleaseRow {
        convention: "tri-demandes-2026".to_owned(),
        viewer: PARIS.to_owned(),
        convention_id: convention,
        evaluation_id: evaluation.head.id,
        body: "{}".to_owned(),
        created_at: now,
    })
    .await
    .unwrap();
    tx.insert_signature(&Signature {
        id: SignatureId(app.clock.id()),
        convention_id: convention,
        party: PARIS.parse().unwrap(),
        sha256: "s".to_owned(),
        account_id: None,
        name: "Dominique Petit".to_owned(),
        quality: "Maire".to_owned(),
        deed_reference: "2025-041".to_owned(),
        deed_date: "2025-12-10".parse().unwrap(),
        signed_at: now,
        means: Means::Paper,
        second_factor: None,
        document_key: None,
        recorded_by: Some(account),
    })
    .await
    .unwrap();
    tx.begin_factor(account, "JBSWY3DPEHPK3PXP", now).await.unwrap();
    tx.set_recovery_codes(account, &["r".to_owned()]).await.unwrap();
    tx.insert_pass(&Pass {
        sha256: "p".to_owned(),
        purpose: "invitation".to_owned(),
        account_id: Some(account),
        detail: "{}".to_owned(),
        tries: 0,
        created_at: now,
        expires_at: now,
    })
    .await
    .unwrap();
    tx.insert_identity("https://fournisseur.example", "sujet", account, now).await.unwrap();
    let draft = DraftId(app.clock.id());
    tx.insert_draft(&Draft {
        id: draft,
        name: "essai".to_owned(),
        title: "Essai".to_owned(),
        document: "{\"titre\":\"é\"}".to_owned(),
        revision: 1,
        state: "in_review".to_owned(),
        based_on: Some(convention),
        opened_as: None,
        created_at: now,
        created_by: account,
        updated_at: now,
        updated_by: account,
    })
    .await
    .unwrap();
    tx.insert_draft_comment(&Comment {
        id: CommentId(app.clock.id()),
        draft_id: draft,
        at: now,
        author: account,
        organisation: None,
        pointer: Some("/period".to_owned()),
        kind: "comment".to_owned(),
        text: "Une remarque".to_owned(),
        resolved_at: None,
        resolved_by: None,
    })
    .await
    .unwrap();
    tx.set_mail_preference(account, "in_force", Delivery::Never).await.unwrap();
    tx.insert_termination(&Termination {
        convention: "tri-demandes-2026".to_owned(),
        ends_on: "2026-06-01".parse().unwrap(),
        reason: "Le prestataire se retire.".to_owned(),
        created_at: now,
        created_by: None,
    })
    .await
    .unwrap();
    tx.insert_mail(&Mail {
        id: MailId(app.clock.id()),
        account_id: Some(account),
        address: "a@exemple.fr".to_owned(),
        kind: "in_force".to_owned(),
        letter: "{}".to_owned(),
        unique_key: None,
        weekly: false,
        created_at: now,
        sent_at: None,
        failed_at: None,
        error: None,
    })
    .await
    .unwrap();
    let summary = SummaryRow { deposit_sha256: "d".to_owned(), indicator_sha256: "i".to_owned(), body: "1e-300".to_owned() };
    tx.put_summaries(&[summary]).await.unwrap();
    let answers = RexAnswers { answers: "{}".to_owned(), seen: 0, updated_at: now, updated_by: account, submitted_at: Some(now) };
    tx.put_rex(convention, &PARIS.parse().unwrap(), &answers).await.unwrap();
    let (removal, hold, purge) = (RemovalId(app.clock.id()), HoldId(app.clock.id()), PurgeId(app.clock.id()));
    tx.insert_removal(&Removal {
        id: removal,
        convention: "tri-demandes-2026".to_owned(),
        site: PARIS.parse().unwrap(),
        reason: "r".to_owned(),
        asked_at: now,
        asked_by: account,
        granted: None,
        answer: None,
        answered_at: None,
        answered_by: None,
    })
    .await
    .unwrap();
    tx.answer_removal(removal, true, "oui", account, now).await.unwrap();
    tx.insert_hold(&Hold {
        id: hold,
        convention: "tri-demandes-2026".to_owned(),
        site: None,
        reason: "r".to_owned(),
        placed_at: now,
        placed_by: account,
        lifted_reason: None,
        lifted_at: None,
        lifted_by: None,
    })
    .await
    .unwrap();
    let new = NewPurge {
        id: purge,
        convention: "tri-demandes-2026".to_owned(),
        site: Some(PARIS.parse().unwrap()),
        removal_id: Some(removal),
        due_on: "2026-05-01".parse().unwrap(),
        list_sha256: "l".to_owned(),
        made_at: now,
    };
    let item = PurgeItem {
        purge_id: purge,
        position: 1,
        deposit_id: deposits[0].id,
        kind: "original".to_owned(),
        key: deposits[0].original_key.clone().unwrap(),
        bytes: 12,
        sha256: deposits[0].sha256.clone(),
        shared: None,
        destroyed_at: None,
    };
    tx.insert_purge(&new, &[item]).await.unwrap().unwrap();
    // The archives' scan is a file that a row names, too.
    lake.put(&Key::Visa(purge), bytes::Bytes::from_static(b"%PDF-")).await.unwrap();
    let answer = Clearance {
        state: PurgeState::VisaGiven,
        reference: "AD75".to_owned(),
        name: "n".to_owned(),
        on: "2026-05-01".parse().unwrap(),
        key: Some(Key::Visa(purge).to_string()),
    };
    tx.clear_purge(purge, &answer, account, now).await.unwrap();
    // A file on its way in: its first piece is there.
    let (upload, part) = (UploadId(app.clock.id()), Key::Part(app.clock.id()));
    lake.put(&part, bytes::Bytes::from_static(b"id_demande;")).await.unwrap();
    let open = Upload {
        id: upload,
        account_id: account,
        convention: "tri-demandes-2026".to_owned(),
        site: PARIS.parse().unwrap(),
        dataset: "demandes".to_owned(),
        period: "2026-03".parse().ok(),
        file_name: "demandes.csv".to_owned(),
        metadata: "filename ZGVtYW5kZXMuY3N2".to_owned(),
        length: 5000,
        received: 0,
        created_at: now,
        expires_at: now + chrono::TimeDelta::hours(24),
        deposit_id: None,
    };
    assert!(tx.insert_upload(&open, 1).await.unwrap());
    let piece = UploadPart { start: 0, bytes: 11, key: part.to_string() };
    assert!(tx.add_upload_part(upload, &piece, open.expires_at).await.unwrap());
    tx.enqueue(&app.clock, &Job::Evaluate { convention }).await.unwrap();
    for organisation in [None, Some(PARIS.parse().unwrap())] {
        audit::append(
            &mut tx,
            &Entry {
                at: now,
                actor: Actor::Account(account),
                organisation,
                act: "deposit.receive",
                object: "deposit/1".to_owned(),
                outcome: "ok",
                detail: serde_json::json!({"octets": 12}),
            },
        )
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
}

/// From one ground through a folder into another, and back into a folder: both folders hold the same.
async fn there_and_back(from: Ground, to: Ground) {
    furnish(&from).await;
    let (first, second) = (from.folder().join("a"), from.folder().join("b"));
    let copied = backup(&from.app, &first).await.unwrap();
    assert!(copied.tables.iter().all(|t| t.rows > 0), "{:?}", copied.tables);
    assert_eq!(copied.files.len(), 7);
    assert_eq!(restore(&to.app, &first).await.unwrap(), copied);
    assert_eq!(audit::verify(&to.app.store).await.unwrap(), []);
    let list = async |g: &Ground| g.app.store.deposits(&DepositFilter::default(), Page::ALL).await.unwrap();
    assert_eq!(list(&to).await, list(&from).await);
    for file in &copied.files {
        let key = file.key.parse().unwrap();
        assert_eq!(to.app.lake.get(&key).await.unwrap(), from.app.lake.get(&key).await.unwrap());
    }
    let again = backup(&to.app, &second).await.unwrap();
    assert_eq!(Manifest { created_at: copied.created_at, ..again }, copied, "rows, files and every hash");
    // Life goes on: numbers continue, jobs wait, work is done.
    let convention = to.app.store.convention_by_name("tri-demandes-2026").await.unwrap().unwrap().head.id;
    let account = to.app.store.accounts().await.unwrap()[0].id;
    assert_eq!(to.deposit(convention, account, PARIS, None).await.unwrap().number, "D-2026-000005");
    assert_eq!(to.app.store.job_counts().await.unwrap().waiting, 1);

    // A hub with anything in it is not overwritten.
    let refused = restore(&to.app, &first).await.unwrap_err();
    assert_eq!((refused.kind, refused.code), (Kind::Conflict, "hub_not_empty"));
    assert_eq!(backup(&from.app, &first).await.unwrap_err().code, "folder_not_empty");
    from.close().await;
    to.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_sqlite_to_sqlite() {
    there_and_back(Ground::sqlite().await, Ground::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_sqlite_and_a_folder_to_postgres_and_s3() {
    let Some(to) = Ground::postgres_and_s3().await else { return };
    there_and_back(Ground::sqlite().await, to).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_postgres_and_s3_to_sqlite_and_a_folder() {
    let Some(from) = Ground::postgres_and_s3().await else { return };
    there_and_back(from, Ground::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_postgres_to_postgres() {
    let (Some(from), Some(to)) = (Ground::postgres().await, Ground::postgres().await) else { return };
    there_and_back(from, to).await;
}

/// A copy made while people deposit is of one moment: every row that it has, it has with all that belongs to it.
async fn copies_one_moment(ground: Ground, to: Ground) {
    furnish(&ground).await;
    let (account, convention) =
        (ground.account(PARIS).await, ground.app.store.convention_by_name("tri-demandes-2026").await.unwrap().unwrap().head.id);
    let deposits = async {
        for _ in 0..30 {
            let deposit = ground.deposit(convention, account, PARIS, None).await.unwrap();
            let mut tx = ground.app.store.begin().await.unwrap();
            tx.enqueue(&ground.app.clock, &Job::CheckDeposit { deposit: deposit.id }).await.unwrap();
            tx.commit().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let folder = ground.folder().join("copie");
    let copy = async {
        let mut copies = Vec::new();
        for n in 0..3 {
            copies.push(backup(&ground.app, &folder.join(n.to_string())).await.unwrap());
        }
        copies
    };
    let ((), copies) = tokio::join!(deposits, copy);
    for (n, copy) in copies.into_iter().enumerate() {
        let lines = |table: &str| {
            fs::read_to_string(folder.join(n.to_string()).join(format!("database/{table}.jsonl"))).unwrap().lines().count() as u64
        };
        assert!(copy.tables.iter().all(|t| t.rows == lines(&t.name)));
        let counter = fs::read_to_string(folder.join(n.to_string()).join("database/counters.jsonl")).unwrap();
        let deposits = lines("deposits");
        assert!(counter.contains(&format!("{{\"name\":\"deposit/2026\",\"value\":{deposits}}}")), "{counter} {deposits}");
    }
    let last = backup(&ground.app, &folder.join("dernière")).await.unwrap();
    assert_eq!(restore(&to.app, &folder.join("dernière")).await.unwrap(), last);
    ground.close().await;
    to.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_of_one_moment_on_sqlite() {
    copies_one_moment(Ground::sqlite().await, Ground::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_of_one_moment_on_postgres() {
    let (Some(from), Some(to)) = (Ground::postgres().await, Ground::postgres().await) else { return };
    copies_one_moment(from, to).await;
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copy_folder(&entry.path(), &target) } else { fs::copy(entry.path(), target).map(drop).unwrap() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_is_refused_and_changes_nothing() {
    let from = Ground::sqlite().await;
    furnish(&from).await;
    let good = from.folder().join("bonne");
    let manifest = backup(&from.app, &good).await.unwrap();
    let (to, bad) = (Ground::sqlite().await, from.folder().join("mauvaise"));
    let file = format!("lake/{}", manifest.files[0].key);
    let edit_manifest = |from: &str, to: &str| {
        let text = fs::read_to_string(good.join("manifest.json")).unwrap();
        assert!(text.contains(from));
        text.replace(from, to).into_bytes()
    };
    for (name, content, code) in [
        ("manifest.json", None, "backup_unfinished"),
        ("manifest.json", Some(b"{".to_vec()), "backup_damaged"),
        ("manifest.json", Some(edit_manifest("\"format\": 1", "\"format\": 2")), "backup_format"),
        ("manifest.json", Some(edit_manifest("originals/217500016/", "originals/../../")), "lake_key"),
        (file.as_str(), None, "backup_damaged"),
        (file.as_str(), Some(b"autre".to_vec()), "backup_damaged"),
        ("database/deposits.jsonl", Some(b"{}\n".to_vec()), "backup_damaged"),
    ] {
        copy_folder(&good, &bad);
        match content {
            Some(bytes) => fs::write(bad.join(name), bytes).unwrap(),
            None => fs::remove_file(bad.join(name)).unwrap(),
        }
        let error = restore(&to.app, &bad).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Invalid, code), "{name}");
        fs::remove_dir_all(&bad).unwrap();
    }
    // Hashes that fit lines that do not: found while reading them back, and all is undone.
    copy_folder(&good, &bad);
    let table = bad.join("database/audit.jsonl");
    let lines = fs::read_to_string(&table).unwrap().replace("\"seq\":1", "\"seq\":\"un\"");
    fs::write(&table, &lines).unwrap();
    let digest = |bytes: &[u8]| hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bytes));
    let honest = &manifest.tables.iter().find(|t| t.name == "audit").unwrap().sha256;
    fs::write(bad.join("manifest.json"), edit_manifest(honest, &digest(lines.as_bytes()))).unwrap();
    assert_eq!(restore(&to.app, &bad).await.unwrap_err().code, "backup_unreadable");
    assert_eq!(to.app.store.account_count().await.unwrap(), 0);
    restore(&to.app, &good).await.unwrap();
    assert_eq!(to.app.store.account_count().await.unwrap(), 1);
    assert_eq!(manifest.tables.len(), TABLES.len());
}
