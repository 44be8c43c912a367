//! What the lake promises, in a folder and on S3.

use bytes::Bytes;
use chrono::TimeDelta;
use futures::{StreamExt, TryStreamExt, stream};
use retex::{
    error::Kind,
    ids::{DepositId, Siren},
    jobs::sweep,
    lake::{Key, Prefix, Received},
};
use sha2::{Digest, Sha256};

use crate::ground::{Ground, on_both_lakes};

on_both_lakes!(
    a_small_body_is_received_and_kept,
    a_large_body_is_received_in_pieces,
    a_body_that_breaks_off_leaves_nothing,
    a_body_over_the_limit_leaves_nothing,
    a_caller_that_goes_away_leaves_nothing,
    a_file_goes_in_and_comes_out,
    a_missing_object_is_said_to_be_missing,
    a_table_has_a_file_per_deposit,
    what_nothing_names_is_swept_after_its_grace,
);

const PARIS: &str = "217500016";

fn paris() -> Siren {
    PARIS.parse().unwrap()
}

/// Bytes that no compression and no repetition can hide a fault in.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

fn pieces(bytes: &[u8], size: usize) -> Vec<Result<Bytes, std::io::Error>> {
    bytes.chunks(size).map(|c| Ok(Bytes::copy_from_slice(c))).collect()
}

async fn receive(ground: &Ground, body: Vec<Result<Bytes, std::io::Error>>, limit: u64) -> retex::error::Result<Received> {
    ground.app.lake.receive(ground.app.clock.id(), stream::iter(body), limit).await
}

async fn everything(ground: &Ground) -> Vec<String> {
    ground.app.lake.list(&Prefix::All).await.unwrap().into_iter().map(|f| f.key.to_string()).collect()
}

/// What lies in the folder of a local lake, also what its lists hide.
fn on_disk(ground: &Ground) -> Vec<String> {
    fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path().display().to_string()) }
        }
    }
    let mut found = Vec::new();
    walk(&ground.app.config.data.join("lac"), &mut found);
    found
}

async fn a_small_body_is_received_and_kept(ground: &Ground) {
    let lake = &ground.app.lake;
    lake.ping().await.unwrap();
    for text in [&b"a;b\n1;2\n"[..], b""] {
        let received = receive(ground, pieces(text, 3), 8).await.unwrap();
        assert_eq!((received.bytes, received.sha256.as_str()), (text.len() as u64, hex::encode(Sha256::digest(text)).as_str()));
        assert!(matches!(received.key, Key::Upload(_)));
        let kept = lake.keep(&received, &paris()).await.unwrap();
        assert_eq!(kept.to_string(), format!("originals/{PARIS}/{}", received.sha256));
        assert_eq!(lake.keep(&received, &paris()).await.unwrap(), kept, "keeping twice is keeping once");
        assert_eq!(lake.get(&kept).await.unwrap(), text);
        assert!(!lake.exists(&received.key).await.unwrap());
        // The same bytes again, from the same site and from another one.
        let again = receive(ground, pieces(text, 100), 8).await.unwrap();
        assert_eq!(lake.keep(&again, &paris()).await.unwrap(), kept);
        let elsewhere = receive(ground, pieces(text, 100), 8).await.unwrap();
        assert_ne!(lake.keep(&elsewhere, &"219300480".parse().unwrap()).await.unwrap(), kept);
    }
    assert_eq!(everything(ground).await.len(), 4);
    let unwanted = receive(ground, pieces(b"x", 1), 8).await.unwrap();
    lake.discard(&unwanted).await.unwrap();
    lake.discard(&unwanted).await.unwrap();
    assert!(lake.list(&Prefix::Uploads).await.unwrap().is_empty());
    assert_eq!(lake.list(&Prefix::Originals).await.unwrap().len(), 4);
}

async fn a_large_body_is_received_in_pieces(ground: &Ground) {
    let bytes = noise(18 * 1024 * 1024 + 5);
    let received = receive(ground, pieces(&bytes, 100_003), u64::MAX).await.unwrap();
    assert_eq!((received.bytes, received.sha256.clone()), (bytes.len() as u64, hex::encode(Sha256::digest(&bytes))));
    let kept = ground.app.lake.keep(&received, &paris()).await.unwrap();
    let (size, stream) = ground.app.lake.stream(&kept).await.unwrap();
    let back: Vec<Bytes> = stream.try_collect().await.unwrap();
    assert_eq!(size, received.bytes);
    assert!(back.concat() == bytes);
    // Exactly one piece, and one byte more.
    for length in [8 * 1024 * 1024, 8 * 1024 * 1024 + 1] {
        let received = receive(ground, pieces(&bytes[..length], 1024 * 1024), u64::MAX).await.unwrap();
        assert_eq!(ground.app.lake.meta(&received.key).await.unwrap().unwrap().bytes, length as u64);
    }
}

async fn a_body_that_breaks_off_leaves_nothing(ground: &Ground) {
    for length in [10, 20 * 1024 * 1024] {
        let mut body = pieces(&noise(length), 1024 * 1024);
        body.push(Err(std::io::Error::other("connection reset")));
        let error = receive(ground, body, u64::MAX).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Invalid, "upload_interrupted"));
    }
    assert_eq!(everything(ground).await, [""; 0]);
    assert_eq!(on_disk(ground), [""; 0]);
}

async fn a_body_over_the_limit_leaves_nothing(ground: &Ground) {
    for length in [1024 * 1024 + 1, 12 * 1024 * 1024] {
        let error = receive(ground, pieces(&noise(length), 1000), length as u64 - 1).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::TooLarge, "too_large"));
    }
    let error = receive(ground, pieces(&[0; 9], 1), 8).await.unwrap_err();
    assert_eq!(error.message, "Le fichier dépasse 8\u{a0}octets, la taille maximale. Envoyez-le en plusieurs parties.");
    assert_eq!(everything(ground).await, [""; 0]);
    assert_eq!(on_disk(ground), [""; 0]);
}

async fn a_caller_that_goes_away_leaves_nothing(ground: &Ground) {
    let (lake, id) = (ground.app.lake.clone(), ground.app.clock.id());
    let (sent_all, all_sent) = tokio::sync::oneshot::channel::<()>();
    // A body that sends 20 MB and then stays silent, as a laptop that was shut does.
    let mut sent_all = Some(sent_all);
    let body = stream::iter(pieces(&noise(20 * 1024 * 1024), 1024 * 1024)).chain(stream::poll_fn(move |_| {
        if let Some(sent_all) = sent_all.take() {
            sent_all.send(()).unwrap();
        }
        std::task::Poll::Pending
    }));
    let request = tokio::spawn(async move { lake.receive(id, body, u64::MAX).await });
    all_sent.await.unwrap();
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    assert_eq!(everything(ground).await, [""; 0]);
    // The clean-up of the pieces runs beside us.
    tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while !on_disk(ground).is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

async fn a_file_goes_in_and_comes_out(ground: &Ground) {
    let lake = &ground.app.lake;
    let (source, copy) = (ground.folder().join("source"), ground.folder().join("copie"));
    for length in [0, 1000, 17 * 1024 * 1024] {
        let bytes = noise(length);
        std::fs::write(&source, &bytes).unwrap();
        let key = Key::report("tri-demandes-2026", 1, "pdf").unwrap();
        assert_eq!(lake.put_file(&source, &key).await.unwrap(), length as u64);
        assert_eq!(lake.fetch_to(&key, &copy).await.unwrap(), length as u64);
        assert!(std::fs::read(&copy).unwrap() == bytes);
    }
    lake.put(&Key::report("tri-demandes-2026", 2, "html").unwrap(), Bytes::from_static(b"<p>")).await.unwrap();
    assert_eq!(everything(ground).await, ["reports/tri-demandes-2026/1.pdf", "reports/tri-demandes-2026/2.html"]);
    let missing = lake.put_file(&ground.folder().join("absent"), &Key::report("x", 1, "pdf").unwrap()).await.unwrap_err();
    assert_eq!(missing.code, "io");
}

async fn a_missing_object_is_said_to_be_missing(ground: &Ground) {
    let lake = &ground.app.lake;
    let key = Key::original(&paris(), &"a".repeat(64)).unwrap();
    assert!(!lake.exists(&key).await.unwrap());
    assert_eq!(lake.meta(&key).await.unwrap(), None);
    for error in [
        lake.get(&key).await.unwrap_err(),
        lake.fetch_to(&key, &ground.folder().join("copie")).await.unwrap_err(),
        lake.stream(&key).await.map(drop).unwrap_err(),
    ] {
        assert_eq!((error.kind, error.code), (Kind::NotFound, "file_missing"));
    }
    assert!(!ground.folder().join("copie").exists());
    lake.delete(&key).await.unwrap();
    let lost = Received { key: Key::Upload(ground.app.clock.id()), sha256: "a".repeat(64), bytes: 1 };
    assert_eq!(lake.keep(&lost, &paris()).await.unwrap_err().code, "file_missing");
}

async fn a_table_has_a_file_per_deposit(ground: &Ground) {
    let lake = &ground.app.lake;
    let table = lake.table("tri-demandes-2026", "demandes").unwrap();
    let file = ground.folder().join("table.parquet");
    std::fs::write(&file, b"PAR1").unwrap();
    let (first, second) = (DepositId(ground.app.clock.id()), DepositId(ground.app.clock.id()));
    let a = table.add(&paris(), Some("2026-03".parse().unwrap()), first, &file).await.unwrap();
    let b = table.add(&paris(), None, second, &file).await.unwrap();
    assert_eq!(a, table.add(&paris(), Some("2026-03".parse().unwrap()), first, &file).await.unwrap());
    lake.table("tri-demandes-2026", "satisfaction").unwrap().add(&paris(), None, second, &file).await.unwrap();
    assert_eq!(table.files().await.unwrap().len(), 2);
    table.remove(&a).await.unwrap();
    assert_eq!(table.files().await.unwrap().into_iter().map(|f| f.key).collect::<Vec<_>>(), [b]);
    assert!(lake.table("../ailleurs", "demandes").is_err());
}

async fn what_nothing_names_is_swept_after_its_grace(ground: &Ground) {
    let (app, lake) = (&ground.app, &ground.app.lake);
    let convention = ground.convention("tri-demandes-2026").await;
    let by = ground.account(PARIS).await;
    // One file that a deposit names, one original that none names, one upload, one report.
    let deposit = ground.deposit(convention, by, PARIS, None).await.unwrap();
    let orphan = receive(ground, pieces(b"orphan", 9), 99).await.unwrap();
    lake.keep(&orphan, &paris()).await.unwrap();
    receive(ground, pieces(b"upload", 9), 99).await.unwrap();
    lake.put(&Key::report("tri-demandes-2026", 1, "pdf").unwrap(), Bytes::from_static(b"%PDF")).await.unwrap();
    let all = everything(ground).await;
    assert_eq!(all.len(), 4);

    // The lake's times are the machine's: bring the fixed clock to them.
    let written = lake.meta(&deposit.original_key.as_deref().unwrap().parse().unwrap()).await.unwrap().unwrap().modified;
    app.clock.advance(written - app.clock.now() + sweep::GRACE - TimeDelta::minutes(10));
    assert_eq!(sweep::sweep(app, sweep::GRACE).await.unwrap().files, 0);
    assert_eq!(everything(ground).await, all);
    app.clock.advance(TimeDelta::minutes(20));
    let swept = sweep::sweep(app, sweep::GRACE).await.unwrap();
    assert_eq!((swept.files, swept.bytes), (2, 12));
    assert_eq!(everything(ground).await, [deposit.original_key.unwrap(), "reports/tri-demandes-2026/1.pdf".to_owned()]);
}

#[tokio::test]
async fn pieces_of_a_killed_upload_are_swept() {
    let ground = Ground::sqlite().await;
    let lake = &ground.app.lake;
    let uploads = ground.app.config.data.join("lac/uploads");
    std::fs::create_dir_all(&uploads).unwrap();
    // As object_store names what it has not finished.
    let piece = uploads.join(format!("{}#1", ground.app.clock.id()));
    std::fs::write(&piece, b"half").unwrap();
    assert_eq!(everything(&ground).await, [""; 0]);
    let written = chrono::DateTime::<chrono::Utc>::from(std::fs::metadata(&piece).unwrap().modified().unwrap());
    assert_eq!(lake.sweep_pieces(written).await.unwrap(), 0);
    assert_eq!(lake.sweep_pieces(written + TimeDelta::seconds(1)).await.unwrap(), 1);
    assert!(!piece.exists());
}

#[tokio::test]
async fn a_lake_that_is_not_there_says_so() {
    let ground = Ground::sqlite().await;
    std::fs::remove_dir_all(ground.app.config.data.join("lac")).unwrap();
    assert_eq!(ground.app.lake.ping().await.unwrap_err().kind, Kind::Unavailable);
    for bad in ["s3://", "ftp://x"] {
        let config = retex::config::Config { lake: Some(bad.to_owned()), ..retex::config::Config::clone(&ground.app.config) };
        assert_eq!(retex::lake::Lake::open(&config).map(drop).unwrap_err().code, "lake_url", "{bad}");
    }
}
