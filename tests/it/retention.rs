//! The end of the data's life: nothing goes without the archives, everything goes with them, and what is said of it stays.

use std::io::Read;

use axum::{
    body::Body,
    http::{Request, header},
};
use bytes::Bytes;
use chrono::{Days, NaiveDate, TimeDelta};
use retex::{
    access::{self, Actor},
    app::App,
    audit,
    convention::{perimeter::Role, register::Registered},
    deposit::{self, report::CheckReport},
    error::Kind,
    evaluation,
    http::router::router,
    ids::{HoldId, PurgeId, RemovalId},
    jobs::work,
    lake::{Key, Prefix},
    retention::{self, archives, archives::Answer, destruction, holds, list, removals},
    store::{
        Page,
        accounts::Session,
        audit::AuditFilter,
        deposits::{Deposit, DepositFilter, DepositState},
        mails::Mail,
        retention::{Purge, PurgeState},
    },
    verify,
};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::{
    ground::Ground,
    hub::{CHAUFFAGE, MONTREUIL, code, file, import, settle, someone},
};

macro_rules! on_both_hubs {
    ($($name:ident),* $(,)?) => {
        mod sqlite_and_folder {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let ground = crate::ground::Ground::sqlite().await;
                super::$name(&ground).await;
                ground.close().await;
            })*
        }
        mod postgres_and_s3 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let Some(ground) = crate::ground::Ground::postgres_and_s3().await else { return };
                super::$name(&ground).await;
                ground.close().await;
            })*
        }
    };
}

on_both_hubs!(
    nothing_goes_without_the_archives_and_everything_with_them,
    a_destruction_that_is_cut_short_ends_the_same,
    a_hold_stops_what_is_under_way,
    a_file_sent_under_two_conventions_outlives_the_first,
    the_archives_take_the_data_over,
    a_site_withdraws_its_data_early,
    a_refused_file_goes_after_thirty_days,
    a_destruction_is_announced_once,
    what_comes_back_is_destroyed_again,
    those_who_may_not_are_refused,
);

const ANTONY: &str = "219200631";

/// A hub whose convention keeps data for a month, with deposits of two sites: accepted, superseded, refused.
struct Scene {
    officer: Actor,
    dpo: Actor,
    agent: Actor,
    signatory: Actor,
    other: Actor,
    registered: Registered,
}

async fn scene(ground: &Ground) -> Scene {
    let app = &ground.app;
    let registered = import(app, "chauffage", |json| json["retention"]["months"] = 1.into()).await;
    let officer = real(ground, Role::Officer, None).await;
    let dpo = real(ground, Role::DataProtectionOfficer, None).await;
    let agent = real(ground, Role::Contributor, Some(MONTREUIL)).await;
    let signatory = real(ground, Role::Signatory, Some(MONTREUIL)).await;
    let other = real(ground, Role::Contributor, Some(ANTONY)).await;
    let own = |name: &str| file("chauffage", &format!("93048/releves/{name}"));
    settle(app, &agent, "2026-01", "janvier.csv", &own("releves_2026-01_v1.csv")).await;
    settle(app, &agent, "2026-02", "février.csv", &own("releves_2026-02.csv")).await;
    let corrected = [own("releves_2026-02.csv"), b"\n".to_vec()].concat();
    settle(app, &agent, "2026-02", "février, corrigé.csv", &corrected).await;
    settle(app, &agent, "2026-03", "releves_2026-03.csv", &file("chauffage", "93048/releves/releves_2026-03.csv")).await;
    let theirs = file("chauffage", "92063/releves/Relevés 2026-02.xlsx");
    assert_eq!(settle(app, &other, "2026-02", "Relevés 2026-02.xlsx", &theirs).await.state, DepositState::Accepted);
    Scene { officer, dpo, agent, signatory, other, registered }
}

/// Someone whose account has the role that they act in, so that letters reach them.
async fn real(ground: &Ground, role: Role, site: Option<&str>) -> Actor {
    let actor = someone(ground, role, site).await;
    let mut account = ground.app.store.account(actor.account).await.unwrap().unwrap();
    (account.role, account.organisation) = (role.to_string(), site.map(|s| s.parse().unwrap()));
    let mut tx = ground.app.store.begin().await.unwrap();
    tx.update_account(&account).await.unwrap();
    tx.commit().await.unwrap();
    actor
}

async fn deposits(app: &App, site: Option<&str>) -> Vec<Deposit> {
    let filter = DepositFilter { site: site.map(|s| s.parse().unwrap()), ..Default::default() };
    app.store.deposits(&filter, Page::ALL).await.unwrap().0
}

/// The day, at nine in Paris or so, and the round of that morning.
async fn morning_of(app: &App, day: NaiveDate) {
    let by = day - app.clock.today();
    app.clock.advance(by);
    retention::round(app).await.unwrap();
    work::run_due(app).await.unwrap();
}

async fn end(app: &App) -> NaiveDate {
    retention::term(app, CHAUFFAGE).await.unwrap().due_on()
}

async fn only(app: &App) -> Purge {
    let mut purges = app.store.purges().await.unwrap();
    assert_eq!(purges.len(), 1, "{purges:#?}");
    purges.remove(0)
}

fn answer(app: &App) -> Answer {
    Answer { reference: "AD93-2026-114".into(), name: "Mme Faure".into(), on: app.clock.today(), scan: None }
}

async fn objects(app: &App) -> Vec<String> {
    let all = app.lake.list(&Prefix::All).await.unwrap();
    all.into_iter().map(|f| f.key.to_string()).filter(|k| k.starts_with("originals/") || k.starts_with("tables/")).collect()
}

async fn trail(app: &App, act: &str) -> Vec<Json> {
    let filter = AuditFilter { act: Some(act.to_owned()), ..Default::default() };
    let (rows, _) = app.store.audit(&filter, Page::ALL).await.unwrap();
    rows.iter().map(|r| serde_json::from_str(&r.detail).unwrap()).collect()
}

/// Letters of a kind to the people of the scene: those who signed the convention at the beginning have theirs too.
async fn letters(app: &App, kind: &str) -> usize {
    let signed = app.store.signatures(CHAUFFAGE).await.unwrap();
    let of_a_signatory = |m: &Mail| signed.iter().any(|s| s.account_id.is_some() && s.account_id == m.account_id);
    app.store.mails(Page::ALL).await.unwrap().iter().filter(|m| m.kind == kind && !of_a_signatory(m)).count()
}

async fn nothing_goes_without_the_archives_and_everything_with_them(ground: &Ground) {
    let app = &ground.app;
    let s = scene(ground).await;
    let last = evaluation::latest(app, &s.officer, CHAUFFAGE).await.unwrap().unwrap();
    let due = end(app).await;
    assert_eq!(due, "2026-04-30".parse::<NaiveDate>().unwrap(), "29 March and a month is the last day");
    morning_of(app, due - Days::new(1)).await;
    let late = file("chauffage", "93048/releves/releves_2026-01_v1.csv");
    assert_eq!(settle(app, &s.agent, "2026-01", "janvier.csv", &late).await.state, DepositState::Rejected);
    let kept = objects(app).await;
    assert!(app.store.purges().await.unwrap().is_empty(), "the retention is not over");
    morning_of(app, due).await;
    let purge = only(app).await;
    assert_eq!((purge.state, purge.site.clone(), purge.due_on), (PurgeState::Proposed, None, due));
    assert_eq!(purge.number, "E-2026-0001");
    morning_of(app, due + Days::new(1)).await;
    assert_eq!(only(app).await, purge, "the next morning changes nothing");
    assert_eq!(objects(app).await, kept, "nothing goes without the archives");
    destruction::destroy(app, purge.id).await.unwrap();
    assert_eq!(objects(app).await, kept, "not even when asked");

    let listed = list::find(app, &s.dpo, purge.id).await.unwrap();
    assert_eq!(hex::encode(Sha256::digest(listed.csv())), purge.list_sha256, "what is stamped is what is listed");
    let mut keys: Vec<_> = listed.lines.iter().map(|l| l.key.clone()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys, kept, "every object is listed");
    assert_eq!(listed.lines.iter().filter(|l| l.kind == "rejected").count(), 1);
    for line in &listed.lines {
        let bytes = app.lake.get(&line.key.parse().unwrap()).await.unwrap();
        assert_eq!((hex::encode(Sha256::digest(&bytes)), line.bytes), (line.sha256.clone(), bytes.len() as i64), "{}", line.key);
    }

    let scan = Some(Bytes::from_static(b"%PDF-1.7 un visa"));
    archives::visa(app, &s.dpo, purge.id, &Answer { scan, ..answer(app) }).await.unwrap();
    assert_eq!(code(archives::visa(app, &s.dpo, purge.id, &answer(app)).await), (Kind::Conflict, "purge_state"));
    work::run_due(app).await.unwrap();
    assert_eq!(objects(app).await, Vec::<String>::new());
    let purge = only(app).await;
    assert_eq!(purge.state, PurgeState::Done);
    assert!(archives::scan(app, &s.officer, purge.id).await.unwrap().starts_with(b"%PDF-"));
    for deposit in deposits(app, None).await.into_iter().filter(|d| d.state != DepositState::Rejected) {
        assert_eq!((deposit.state, &deposit.original_key, &deposit.table_key), (DepositState::Purged, &None, &None));
        assert_eq!(deposit.sha256.len(), 64, "the receipt and its hash stay");
        assert_eq!(deposit::find(app, &s.officer, deposit.id).await.unwrap(), deposit, "and can be read");
        let report = app.store.deposit_report(deposit.id).await.unwrap().unwrap();
        let report: CheckReport = serde_json::from_str(&report).unwrap();
        assert!(report.errors.is_empty() && report.warnings.is_empty() && report.columns.is_empty(), "no value stays: {report:?}");
        assert!(report.stats.rows > 0, "counts stay");
    }
    assert_eq!(deposits(app, None).await.iter().filter(|d| d.state == DepositState::Purged).count(), 5);
    // The certificate: in the hub's chain, and in each site's what was its own.
    let certificates = trail(app, "purge.certify").await;
    assert_eq!(certificates.len(), 3);
    let whole = certificates.iter().find(|c| c["sites"].is_array()).unwrap();
    assert_eq!((whole["objects"].as_u64(), whole["reference"].as_str()), (Some(listed.lines.len() as u64), Some("AD93-2026-114")));
    assert_eq!(whole["list_sha256"], purge.list_sha256.as_str());
    assert!(whole["backups_before"].is_string());
    let of_sites: usize = certificates.iter().filter_map(|c| c["objects"].as_array()).map(Vec::len).sum();
    assert_eq!(of_sites, listed.lines.len());
    assert!(audit::verify(&app.store).await.unwrap().is_empty());
    // What was computed stays, and nothing is computed again from nothing.
    evaluation::refresh(app, s.registered.head.id).await.unwrap();
    let row = app.store.latest_evaluation(s.registered.head.id).await.unwrap().unwrap();
    assert_eq!(row.head, last.head);
    assert_eq!(letters(app, "purged").await, 5);
    morning_of(app, due + Days::new(3)).await;
    assert_eq!((app.store.purges().await.unwrap().len(), trail(app, "purge.certify").await.len()), (1, 3), "once is enough");
    assert_eq!(code(archives::package(app, &s.officer, purge.id).await), (Kind::Conflict, "purged"));
}

async fn a_destruction_that_is_cut_short_ends_the_same(ground: &Ground) {
    let app = &ground.app;
    let s = scene(ground).await;
    let before: Vec<_> = {
        morning_of(app, end(app).await).await;
        list::find(app, &s.dpo, only(app).await.id).await.unwrap().lines
    };
    let id = only(app).await.id;
    // Stamped, but the job does not get to run.
    app.clock.advance(TimeDelta::hours(1));
    archives::visa(app, &s.officer, id, &answer(app)).await.unwrap();
    destruction::destroy_some(app, id, 3).await.unwrap();
    let items = app.store.purge_items(id).await.unwrap();
    assert_eq!(items.iter().filter(|i| i.destroyed_at.is_some()).count(), 3);
    assert_eq!(only(app).await.state, PurgeState::VisaGiven);
    assert!(trail(app, "purge.certify").await.is_empty(), "no certificate before all is gone");
    // As if the process had died after the rows and before the bytes, and before the note.
    let first: Key = items[0].key.parse().unwrap();
    app.lake.put(&first, Bytes::from_static(b"des donn\xc3\xa9es")).await.unwrap();
    ground.raw("UPDATE purge_items SET destroyed_at = NULL, shared = NULL WHERE position = 1").await;
    destruction::destroy(app, id).await.unwrap();
    assert_eq!(objects(app).await, Vec::<String>::new());
    assert_eq!(only(app).await.state, PurgeState::Done);
    let certificates = trail(app, "purge.certify").await;
    assert_eq!(certificates.len(), 3);
    let whole = certificates.iter().find(|c| c["sites"].is_array()).unwrap();
    assert_eq!(whole["objects"].as_u64(), Some(before.len() as u64));
    // Run again by a worker that did not know.
    destruction::destroy(app, id).await.unwrap();
    work::run_due(app).await.unwrap();
    assert_eq!(trail(app, "purge.certify").await.len(), 3);
}

async fn a_hold_stops_what_is_under_way(ground: &Ground) {
    let app = &ground.app;
    let s = scene(ground).await;
    morning_of(app, end(app).await).await;
    let id = only(app).await.id;
    let held = holds::place(app, &s.dpo, CHAUFFAGE, None, " Un recours est en cours. ").await.unwrap();
    assert_eq!(held.reason, "Un recours est en cours.");
    archives::visa(app, &s.officer, id, &answer(app)).await.unwrap();
    let kept = objects(app).await;
    morning_of(app, app.clock.today() + Days::new(1)).await;
    assert_eq!(objects(app).await, kept, "a hold stands");
    holds::lift(app, &s.officer, held.id, "Le recours est jugé.").await.unwrap();
    assert_eq!(code(holds::lift(app, &s.officer, held.id, "Encore.").await), (Kind::Conflict, "retention_state"));
    destruction::destroy_some(app, id, 1).await.unwrap();
    // On one site of the list: what is under way stops.
    let site = Some(ANTONY.parse().unwrap());
    let held = holds::place(app, &s.officer, CHAUFFAGE, site, "Une enquête.").await.unwrap();
    let left = objects(app).await;
    morning_of(app, app.clock.today() + Days::new(1)).await;
    assert_eq!(objects(app).await, left);
    holds::lift(app, &s.officer, held.id, "Close.").await.unwrap();
    morning_of(app, app.clock.today() + Days::new(1)).await;
    assert_eq!(objects(app).await, Vec::<String>::new());
    assert_eq!((trail(app, "hold.place").await.len(), trail(app, "hold.lift").await.len()), (2, 2));
}

async fn a_file_sent_under_two_conventions_outlives_the_first(ground: &Ground) {
    let app = &ground.app;
    let s = scene(ground).await;
    import(app, "chauffage", |json| {
        json["id"] = "chauffage-2".into();
        json["retention"]["months"] = 12.into();
    })
    .await;
    let bytes = file("chauffage", "93048/releves/releves_2026-02.csv");
    let slot = deposit::Slot {
        convention: "chauffage-2".into(),
        site: None,
        dataset: "releves".into(),
        period: Some("2026-02".parse().unwrap()),
        file_name: "le même.csv".into(),
    };
    let body = futures::stream::iter([std::io::Result::Ok(Bytes::from(bytes))]);
    let twin = deposit::accept(app, &s.agent, slot, body).await.unwrap().deposit;
    work::run_due(app).await.unwrap();
    morning_of(app, end(app).await).await;
    archives::visa(app, &s.officer, only(app).await.id, &answer(app)).await.unwrap();
    work::run_due(app).await.unwrap();
    let twin = app.store.deposit(twin.id).await.unwrap().unwrap();
    assert_eq!(twin.state, DepositState::Accepted);
    let mut left = [twin.original_key.clone().unwrap(), twin.table_key.clone().unwrap()];
    left.sort();
    assert_eq!(objects(app).await, left, "the other convention's file stays, and nothing else");
    let listed = list::find(app, &s.dpo, only(app).await.id).await.unwrap();
    assert_eq!(listed.lines.iter().filter(|l| l.shared).map(|l| &l.key).collect::<Vec<_>>(), [&left[0]]);
    let whole = trail(app, "purge.certify").await.into_iter().find(|c| c["sites"].is_array()).unwrap();
    assert_eq!(whole["kept"], 1, "the certificate says so");
}

async fn the_archives_take_the_data_over(ground: &Ground) {
    let app = &ground.app;
    let s = scene(ground).await;
    morning_of(app, end(app).await).await;
    let id = only(app).await.id;
    archives::refuse(app, &s.officer, id, "Intérêt historique.").await.unwrap();
    assert_eq!(only(app).await.refusal.as_deref(), Some("Intérêt historique."));
    morning_of(app, app.clock.today() + Days::new(1)).await;
    assert_eq!(only(app).await.state, PurgeState::Refused, "what was refused waits, and is not listed twice");
    assert_eq!(code(archives::refuse(app, &s.officer, id, "Encore.").await), (Kind::Conflict, "retention_state"));
    assert_eq!(code(archives::transfer(app, &s.officer, id, &answer(app)).await), (Kind::Conflict, "no_package"));
    assert_eq!(code(archives::package(app, &s.dpo, id).await), (Kind::Forbidden, "role"), "the data protection officer sees no data");
    let package = archives::package(app, &s.officer, id).await.unwrap();
    let bytes = std::fs::read(&package.file).unwrap();
    assert_eq!(hex::encode(Sha256::digest(&bytes)), package.sha256);
    let again = archives::package(app, &s.officer, id).await.unwrap();
    assert_eq!(again.sha256, package.sha256, "the same list, the same bytes");
    valid_transfer(&bytes, &list::find(app, &s.officer, id).await.unwrap());
    archives::transfer(app, &s.officer, id, &answer(app)).await.unwrap();
    work::run_due(app).await.unwrap();
    assert_eq!((only(app).await.state, objects(app).await.len()), (PurgeState::Done, 0));
    let whole = trail(app, "purge.certify").await.into_iter().find(|c| c["sites"].is_array()).unwrap();
    assert_eq!((whole["state"].as_str(), whole["package_sha256"].as_str()), (Some("exported"), Some(package.sha256.as_str())));
}

/// Children of each element that the package uses, in the order that the schemas of SEDA 2.2 give (`seda-2.2-main.xsd`), a trailing
/// `?` or `*` saying what may be missing or repeated.
const SEDA: [(&str, &[&str]); 14] = [
    (
        "ArchiveTransfer",
        &[
            "Comment*",
            "Date",
            "MessageIdentifier",
            "ArchivalAgreement?",
            "CodeListVersions",
            "DataObjectPackage?",
            "ArchivalAgency",
            "TransferringAgency",
        ],
    ),
    (
        "CodeListVersions",
        &[
            "ReplyCodeListVersion?",
            "MessageDigestAlgorithmCodeListVersion?",
            "MimeTypeCodeListVersion?",
            "EncodingCodeListVersion?",
            "FileFormatCodeListVersion?",
            "CompressionAlgorithmCodeListVersion?",
            "DataObjectVersionCodeListVersion?",
            "StorageRuleCodeListVersion?",
            "AppraisalRuleCodeListVersion?",
            "AccessRuleCodeListVersion?",
            "DisseminationRuleCodeListVersion?",
            "ReuseRuleCodeListVersion?",
            "ClassificationRuleCodeListVersion?",
            "HoldRuleCodeListVersion?",
            "AcquisitionInformationCodeListVersion?",
            "AuthorizationReasonCodeListVersion?",
            "RelationshipCodeListVersion?",
        ],
    ),
    ("DataObjectPackage", &["DataObjectGroup*", "DescriptiveMetadata", "ManagementMetadata"]),
    ("DataObjectGroup", &["BinaryDataObject*"]),
    ("BinaryDataObject", &["DataObjectVersion?", "Uri", "MessageDigest", "Size", "Compressed?", "FormatIdentification?", "FileInfo?"]),
    ("FormatIdentification", &["FormatLitteral?", "MimeType?", "FormatId?", "Encoding?"]),
    ("FileInfo", &["Filename"]),
    ("DescriptiveMetadata", &["ArchiveUnit*"]),
    ("ArchiveUnit", &["Management?", "Content", "ArchiveUnit*", "DataObjectReference*"]),
    (
        "Content",
        &[
            "DescriptionLevel",
            "Title*",
            "OriginatingAgencyArchiveUnitIdentifier*",
            "Description*",
            "ReceivedDate?",
            "StartDate?",
            "EndDate?",
        ],
    ),
    ("DataObjectReference", &["DataObjectGroupReferenceId"]),
    (
        "ManagementMetadata",
        &[
            "ArchivalProfile?",
            "ServiceLevel?",
            "AcquisitionInformation?",
            "LegalStatus?",
            "OriginatingAgencyIdentifier?",
            "SubmissionAgencyIdentifier?",
        ],
    ),
    ("ArchivalAgency", &["Identifier"]),
    ("TransferringAgency", &["Identifier"]),
];

fn valid_transfer(bytes: &[u8], list: &list::List) {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    zip.by_name("manifest.xml").unwrap().read_to_string(&mut text).unwrap();
    let xml = roxmltree::Document::parse(&text).unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for node in xml.descendants().filter(roxmltree::Node::is_element) {
        assert_eq!(node.tag_name().namespace(), Some("fr:gouv:culture:archivesdefrance:seda:v2.2"));
        let name = node.tag_name().name();
        let children: Vec<_> = node.children().filter(roxmltree::Node::is_element).map(|c| c.tag_name().name()).collect();
        match SEDA.iter().find(|(n, _)| *n == name) {
            Some((_, order)) => fits(name, &children, order),
            None => assert!(children.is_empty() && !node.text().unwrap_or_default().is_empty(), "{name} holds a text"),
        }
        if let Some(id) = node.attribute("id") {
            assert!(ids.insert(id.to_owned()) && id.starts_with(|c: char| c.is_ascii_alphabetic()), "{id} names one thing");
        }
        if name == "DataObjectGroupReferenceId" {
            assert!(ids.contains(node.text().unwrap()), "a reference leads to its group");
        }
    }
    let mut objects = 0;
    for object in xml.descendants().filter(|n| n.has_tag_name(("fr:gouv:culture:archivesdefrance:seda:v2.2", "BinaryDataObject"))) {
        let text = |name: &str| object.children().find(|c| c.tag_name().name() == name).unwrap().text().unwrap().to_owned();
        let mut content = Vec::new();
        zip.by_name(&text("Uri")).unwrap().read_to_end(&mut content).unwrap();
        assert_eq!(text("MessageDigest"), hex::encode(Sha256::digest(&content)));
        assert_eq!(text("Size"), content.len().to_string());
        objects += 1;
    }
    assert_eq!((objects, zip.len()), (list.lines.len(), list.lines.len() + 1));
}

fn fits(name: &str, children: &[&str], order: &[&str]) {
    let mut left = children;
    for expected in order {
        let (tag, least, most) = match expected.strip_suffix(['?', '*']) {
            Some(tag) if expected.ends_with('?') => (tag, 0, 1),
            Some(tag) => (tag, 0, usize::MAX),
            None => (*expected, 1, 1),
        };
        let count = left.iter().take_while(|c| **c == tag).count().min(most);
        assert!(count >= least, "{name} lacks {tag}: {children:?}");
        left = &left[count..];
    }
    assert!(left.is_empty(), "{name}: {left:?} is not at its place in {children:?}");
}

async fn a_site_withdraws_its_data_early(ground: &Ground) {
    let app = &ground.app;
    let s = scene(ground).await;
    let ask = async |actor: &Actor, why: &str| removals::ask(app, actor, CHAUFFAGE, why).await;
    assert_eq!(code(ask(&s.agent, "Nous arrêtons.").await), (Kind::Forbidden, "signatory_only"));
    assert_eq!(code(ask(&s.officer, "Nous arrêtons.").await), (Kind::NotFound, "not_found"));
    assert_eq!(code(ask(&s.signatory, " ").await), (Kind::Invalid, "reason_required"));
    let stranger = real(ground, Role::Signatory, Some("219300100")).await;
    let foreign = removals::ask(app, &stranger, CHAUFFAGE, "x").await.unwrap_err();
    let nothing = removals::ask(app, &stranger, "rien", "x").await.unwrap_err();
    assert_eq!((foreign.kind, foreign.code, foreign.message), (nothing.kind, nothing.code, nothing.message));
    let asked = ask(&s.signatory, "Nous arrêtons l'expérimentation.").await.unwrap();
    assert_eq!(code(ask(&s.signatory, "Encore.").await), (Kind::Conflict, "already_asked"));
    assert_eq!(removals::all(app, &s.agent).await.unwrap(), std::slice::from_ref(&asked));
    assert!(removals::all(app, &s.other).await.unwrap().is_empty(), "another site knows nothing of it");
    assert_eq!(code(removals::find(app, &s.other, asked.id).await), code(removals::find(app, &s.other, RemovalId(app.clock.id())).await));
    assert_eq!(code(removals::answer(app, &s.dpo, asked.id, true, "Oui.").await), (Kind::Forbidden, "role"));
    removals::answer(app, &s.officer, asked.id, false, "L'engagement court jusqu'au terme.").await.unwrap();
    assert_eq!(code(removals::answer(app, &s.officer, asked.id, true, "Oui.").await), (Kind::Conflict, "retention_state"));
    assert!(deposits(app, Some(MONTREUIL)).await.iter().any(|d| d.state == DepositState::Accepted), "a refusal changes nothing");
    let asked = ask(&s.signatory, "Nous insistons.").await.unwrap();
    let before = evaluation::latest(app, &s.officer, CHAUFFAGE).await.unwrap().unwrap();
    removals::answer(app, &s.officer, asked.id, true, "Le conseil municipal l'a décidé.").await.unwrap();
    work::run_due(app).await.unwrap();
    let after = evaluation::latest(app, &s.officer, CHAUFFAGE).await.unwrap().unwrap();
    assert_eq!(after.head.number, before.head.number + 1, "the evaluation is made again");
    assert!(after.evaluation.provenance.deposits.iter().all(|d| d.site.as_str() != MONTREUIL), "without the site");
    let purge = only(app).await;
    assert_eq!((purge.site.as_ref().map(|s| s.as_str()), purge.removal_id), (Some(MONTREUIL), Some(asked.id)));
    let sending = deposit::Slot {
        convention: CHAUFFAGE.into(),
        site: None,
        dataset: "releves".into(),
        period: Some("2026-02".parse().unwrap()),
        file_name: "x.csv".into(),
    };
    assert_eq!(code(deposit::allow(app, &s.agent, &sending).await), (Kind::Conflict, "removed"));
    morning_of(app, app.clock.today() + Days::new(1)).await;
    assert_eq!(only(app).await.id, purge.id);
    let theirs: Vec<_> = objects(app).await.into_iter().filter(|k| k.contains(ANTONY)).collect();
    archives::visa(app, &s.dpo, purge.id, &answer(app)).await.unwrap();
    work::run_due(app).await.unwrap();
    assert_eq!(objects(app).await, theirs, "the site's files are gone, the others' are there");
    let own = list::of_site(app, CHAUFFAGE, &MONTREUIL.parse().unwrap()).await.unwrap();
    assert_eq!((own.len(), own[0].purge.state), (1, PurgeState::Done));
    assert!(list::of_site(app, CHAUFFAGE, &ANTONY.parse().unwrap()).await.unwrap().is_empty());
    // At the end, the list names what is left.
    morning_of(app, end(app).await).await;
    let rest = app.store.purges().await.unwrap().into_iter().find(|p| p.site.is_none()).unwrap();
    let rest = list::find(app, &s.dpo, rest.id).await.unwrap();
    assert!(!rest.lines.is_empty() && rest.lines.iter().all(|l| l.site.as_str() == ANTONY));
    assert_eq!(letters(app, "withdrawal_answered").await, 16, "two requests, two answers, to the officer, the DPO, and two of the site");
}

async fn a_refused_file_goes_after_thirty_days(ground: &Ground) {
    let app = &ground.app;
    let s = scene(ground).await;
    let refused = deposits(app, Some(MONTREUIL)).await.into_iter().find(|d| d.state == DepositState::Rejected).unwrap();
    let key: Key = refused.original_key.clone().unwrap().parse().unwrap();
    let day = app.clock.today();
    morning_of(app, day + Days::new(29)).await;
    assert!(app.lake.exists(&key).await.unwrap() && app.store.deposit_report(refused.id).await.unwrap().is_some());
    let hold = holds::place(app, &s.dpo, CHAUFFAGE, None, "Un litige.").await.unwrap();
    morning_of(app, day + Days::new(31)).await;
    assert!(app.lake.exists(&key).await.unwrap(), "a hold keeps it");
    holds::lift(app, &s.dpo, hold.id, "Réglé.").await.unwrap();
    morning_of(app, day + Days::new(31)).await;
    assert!(!app.lake.exists(&key).await.unwrap());
    let gone = app.store.deposit(refused.id).await.unwrap().unwrap();
    assert_eq!((gone.state, gone.original_key, gone.sha256), (DepositState::Rejected, None, refused.sha256));
    assert_eq!(app.store.deposit_report(refused.id).await.unwrap(), None, "nor what was said of it");
    assert_eq!(trail(app, "deposit.expire").await.len(), 1);
    assert!(trail(app, "deposit.expire").await[0]["sha256"].is_string());
    // The accepted ones stay.
    assert!(deposits(app, None).await.iter().any(|d| d.state == DepositState::Accepted && d.original_key.is_some()));
}

async fn a_destruction_is_announced_once(ground: &Ground) {
    let app = &ground.app;
    scene(ground).await;
    let due = end(app).await;
    morning_of(app, due - Days::new(31)).await;
    assert_eq!(letters(app, "purge_coming").await, 0);
    morning_of(app, due - Days::new(30)).await;
    assert_eq!(letters(app, "purge_coming").await, 5, "officer, DPO, and the people of the sites");
    morning_of(app, due - Days::new(29)).await;
    assert_eq!(letters(app, "purge_coming").await, 5);
}

async fn what_comes_back_is_destroyed_again(ground: &Ground) {
    let app = &ground.app;
    let s = scene(ground).await;
    morning_of(app, end(app).await).await;
    archives::visa(app, &s.officer, only(app).await.id, &answer(app)).await.unwrap();
    work::run_due(app).await.unwrap();
    let item = app.store.purge_items(only(app).await.id).await.unwrap().remove(0);
    let key: Key = item.key.parse().unwrap();
    assert!(destruction::reappeared(app).await.unwrap().is_empty());
    app.lake.put(&key, Bytes::from_static(b"d'une vieille copie")).await.unwrap();
    assert_eq!(destruction::reappeared(app).await.unwrap().len(), 1);
    let problems = async || verify::verify(app, Vec::new()).await.unwrap().problems;
    assert_eq!(problems().await.iter().map(|p| (p.code, p.object.as_str())).collect::<Vec<_>>(), [("file_back", item.key.as_str())]);
    morning_of(app, app.clock.today() + Days::new(1)).await;
    assert!(!app.lake.exists(&key).await.unwrap());
    assert_eq!(trail(app, "purge.again").await.len(), 1);
    assert_eq!(problems().await, []);
}

async fn those_who_may_not_are_refused(ground: &Ground) {
    let app = &ground.app;
    let s = scene(ground).await;
    morning_of(app, end(app).await).await;
    let id = only(app).await.id;
    let analyst = real(ground, Role::Analyst, None).await;
    let administrator = real(ground, Role::Administrator, None).await;
    for actor in [&s.agent, &s.signatory, &analyst, &administrator] {
        let there = list::find(app, actor, id).await.unwrap_err();
        let not_there = list::find(app, actor, PurgeId(app.clock.id())).await.unwrap_err();
        assert_eq!((there.kind, there.code, there.message), (not_there.kind, not_there.code, not_there.message));
        assert_eq!(code(archives::visa(app, actor, id, &answer(app)).await).0, Kind::NotFound);
        assert_eq!(code(archives::transfer(app, actor, id, &answer(app)).await).0, Kind::NotFound);
        assert_eq!(code(archives::refuse(app, actor, id, "Non.").await).0, Kind::NotFound);
        assert_eq!(code(archives::package(app, actor, id).await).0, Kind::NotFound);
        assert_eq!(code(archives::scan(app, actor, id).await).0, Kind::NotFound);
        assert_eq!(code(holds::place(app, actor, CHAUFFAGE, None, "x").await).0, Kind::Forbidden);
        assert_eq!(code(holds::lift(app, actor, HoldId(app.clock.id()), "x").await).0, Kind::NotFound);
        assert_eq!(code(list::all(app, actor).await).0, Kind::Forbidden);
    }
    assert_eq!(code(removals::all(app, &analyst).await).0, Kind::Forbidden);
    let wrong = async |change: fn(&mut Answer)| {
        let mut answer = answer(app);
        change(&mut answer);
        code(archives::visa(app, &s.officer, id, &answer).await).1
    };
    assert_eq!(wrong(|a| a.reference = " ".into()).await, "reference_required");
    assert_eq!(wrong(|a| a.name = "\u{0}".into()).await, "name_required");
    assert_eq!(wrong(|a| a.on = a.on + Days::new(1)).await, "future_date");
    assert_eq!(wrong(|a| a.scan = Some(Bytes::from_static(b"MZ"))).await, "scan");
    assert_eq!(code(holds::place(app, &s.officer, "rien", None, "x").await).0, Kind::NotFound);
    assert_eq!(code(holds::place(app, &s.officer, CHAUFFAGE, Some("219300100".parse().unwrap()), "x").await).0, Kind::NotFound);
    assert_eq!(only(app).await.state, PurgeState::Proposed);
}

/// A browser's session, and a program's token, of someone.
async fn signed_in(app: &App, actor: &Actor) -> (String, String) {
    let (cookie, now) = (app.clock.id().to_string(), app.clock.now());
    let mut tx = app.store.begin().await.unwrap();
    tx.insert_session(&Session {
        token_sha256: hex::encode(Sha256::digest(&cookie)),
        account_id: actor.account,
        csrf: "jeton".to_owned(),
        created_at: now,
        expires_at: now + TimeDelta::days(1),
        last_seen_at: now,
        second_factor: None,
        device: None,
        id_token: None,
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let account = app.store.account(actor.account).await.unwrap().unwrap();
    let (_, token) =
        access::create_token(app, None, &account, access::NewToken { name: "essai".into(), ..Default::default() }).await.unwrap();
    (cookie, token)
}

async fn send(app: &App, request: Request<Body>) -> (u16, String, Vec<u8>) {
    let response = router(app.clone()).oneshot(request).await.unwrap();
    let place = response.headers().get(header::LOCATION).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    let status = response.status().as_u16();
    (status, place, axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
}

async fn get(app: &App, who: &(String, String), path: &str) -> (u16, String) {
    let request = Request::get(path).header(header::COOKIE, format!("retex={}", who.0)).body(Body::empty()).unwrap();
    let (status, _, bytes) = send(app, request).await;
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

async fn post(app: &App, who: &(String, String), path: &str, form: &str) -> (u16, String, String) {
    let request = Request::post(path)
        .header(header::COOKIE, format!("retex={}", who.0))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("csrf=jeton&{form}")))
        .unwrap();
    let (status, place, bytes) = send(app, request).await;
    (status, place, String::from_utf8_lossy(&bytes).into_owned())
}

async fn api(app: &App, who: &(String, String), method: &str, path: &str, body: Json) -> (u16, Json) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", who.1))
        .header(header::CONTENT_TYPE, "application/json")
        .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
        .unwrap();
    let (status, _, bytes) = send(app, request).await;
    (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(bytes.len())))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_carry_a_list_from_its_proposal_to_its_certificate() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    let s = scene(&ground).await;
    morning_of(app, end(app).await - Days::new(2)).await;
    let (officer, dpo, agent) = (signed_in(app, &s.officer).await, signed_in(app, &s.dpo).await, signed_in(app, &s.agent).await);
    let signatory = signed_in(app, &s.signatory).await;
    assert_eq!(get(app, &agent, "/conservation").await.0, 403);
    assert_eq!(get(app, &officer, "/mes-donnees").await.0, 404);

    // A site reads its term, and its signatory asks.
    let (status, page) = get(app, &agent, &format!("/mes-donnees/{CHAUFFAGE}")).await;
    assert!(status == 200 && page.contains("29\u{a0}avril 2026") && !page.contains("/retrait\""), "{page}");
    let (_, page) = get(app, &signatory, &format!("/mes-donnees/{CHAUFFAGE}/retrait")).await;
    assert!(page.contains("article\u{a0}7") && page.contains("name=\"reason\""), "{page}");
    let (status, place, _) = post(app, &signatory, &format!("/mes-donnees/{CHAUFFAGE}/retrait"), "reason=Nous+arr%C3%AAtons").await;
    assert_eq!((status, place.as_str()), (303, format!("/mes-donnees/{CHAUFFAGE}").as_str()));
    let asked = api(app, &agent, "GET", "/removals", Json::Null).await.1;
    let request = format!("/conservation/demandes/{}", asked[0]["id"].as_str().unwrap());
    assert!(get(app, &dpo, &request).await.1.contains("Nous arrêtons"));
    assert_eq!(get(app, &agent, &request).await, get(app, &agent, &format!("/conservation/demandes/{}", app.clock.id())).await);
    assert_eq!(post(app, &officer, &request, "answer=refuse&reason=Le+terme+approche").await.0, 303);
    assert!(get(app, &agent, &format!("/mes-donnees/{CHAUFFAGE}")).await.1.contains("Le terme approche"));

    // A hold, placed and lifted.
    let target = format!("target={CHAUFFAGE}/{MONTREUIL}&reason=Recours");
    assert!(get(app, &dpo, "/conservation/suspensions/nouvelle").await.1.contains("<optgroup"));
    assert_eq!(post(app, &dpo, "/conservation/suspensions", &target).await.0, 303);
    let hold = app.store.holds().await.unwrap().remove(0).id;
    assert!(get(app, &dpo, "/conservation").await.1.contains("Recours"));
    assert!(get(app, &dpo, &format!("/conservation/suspensions/{hold}/levee")).await.1.contains("Recours"));
    assert_eq!(post(app, &dpo, &format!("/conservation/suspensions/{hold}/levee"), "reason=Jug%C3%A9").await.0, 303);
    assert_eq!(api(app, &dpo, "GET", "/holds", Json::Null).await.1[0]["lifted_reason"], "Jugé");

    // The list, its papers, its visa.
    morning_of(app, end(app).await).await;
    let (officer, dpo, agent) = (signed_in(app, &s.officer).await, signed_in(app, &s.dpo).await, signed_in(app, &s.agent).await);
    let purge = only(app).await;
    let base = format!("/conservation/{}", purge.id);
    let (status, page) = get(app, &officer, &base).await;
    assert!(status == 200 && page.contains(&purge.list_sha256) && page.contains("versement.zip"), "{page}");
    assert!(!get(app, &dpo, &base).await.1.contains("versement.zip"), "the data protection officer sees no data");
    assert_eq!(get(app, &dpo, &format!("{base}/versement.zip")).await.0, 403);
    for path in ["", "/bordereau.csv", "/bordereau.pdf", "/versement.zip", "/visa", "/versement", "/refus", "/visa.pdf"] {
        let absent = format!("/conservation/{}{path}", app.clock.id());
        assert_eq!(get(app, &agent, &format!("{base}{path}")).await, get(app, &agent, &absent).await, "{path}");
        assert_eq!(get(app, &agent, &absent).await.0, 404, "{path}");
    }
    let (_, csv) = get(app, &dpo, &format!("{base}/bordereau.csv")).await;
    assert_eq!(hex::encode(Sha256::digest(&csv)), purge.list_sha256);
    let (_, pdf) = get(app, &dpo, &format!("{base}/bordereau.pdf")).await;
    assert!(pdf.starts_with("%PDF-") && pdf.contains("pdfuaid"), "an accessible PDF");
    assert_eq!(get(app, &officer, &format!("{base}/bordereau.pdf")).await.1, pdf, "the same list, the same bytes");
    assert_eq!(get(app, &officer, &format!("{base}/versement.zip")).await.0, 200);
    assert!(get(app, &officer, &format!("{base}/visa")).await.1.contains("ne peuvent plus être récupérés"));
    let form = |csrf: &str| {
        let part = |name: &str, value: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        let scan = "--b\r\nContent-Disposition: form-data; name=\"scan\"; filename=\"v.pdf\"\r\n\r\n%PDF-1.4\r\n";
        let on = app.clock.today().to_string();
        [&part("csrf", csrf), &part("reference", "AD93"), &part("name", "Mme Faure"), &part("on", &on), scan, "--b--\r\n"].concat()
    };
    let stamp = |csrf: &str| {
        Request::post(format!("{base}/visa"))
            .header(header::COOKIE, format!("retex={}", dpo.0))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .body(Body::from(form(csrf)))
            .unwrap()
    };
    assert_eq!(send(app, stamp("autre")).await.0, 403);
    let (status, place, body) = send(app, stamp("jeton")).await;
    assert_eq!((status, place), (303, base.clone()), "{}", String::from_utf8_lossy(&body));
    work::run_due(app).await.unwrap();
    let (_, page) = get(app, &dpo, &base).await;
    assert!(page.contains("Certificat d&#39;élimination") || page.contains("Certificat d'élimination"), "{page}");
    assert!(page.contains("l&#39;administrateur doit les détruire") || page.contains("l'administrateur doit les détruire"));
    assert_eq!(get(app, &dpo, &format!("{base}/visa.pdf")).await.1, "%PDF-1.4");
    let (status, list) = api(app, &dpo, "GET", &format!("/purges/{}", purge.id), Json::Null).await;
    assert_eq!((status, list["state"].as_str(), list["reference"].as_str()), (200, Some("done"), Some("AD93")));
    assert!(list["objects"].as_array().unwrap().iter().all(|o| o["destroyed_at"].is_string()));
    let again = json!({"reference": "x", "name": "y", "on": app.clock.today()});
    assert_eq!(api(app, &dpo, "POST", &format!("/purges/{}/visa", purge.id), again).await.0, 409);
    assert!(get(app, &agent, &format!("/mes-donnees/{CHAUFFAGE}")).await.1.contains("détruits"));
    let receipt = deposits(app, Some(MONTREUIL)).await.remove(0);
    let (status, page) = get(app, &agent, &format!("/depots/{}", receipt.id)).await;
    assert!(status == 200 && page.contains(&receipt.sha256) && page.contains("Données détruites"), "the receipt stays: {status}");
}
