//! Changed files of every format through the hub, by its API and by its pages: each is answered, none with a 5xx, and each deposit is decided.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use retex::{
    jobs::work,
    store::{Page, deposits::DepositFilter},
};
use serde_json::Value as Json;

use crate::{
    http::{CSRF, Hub, MONTREUIL, read},
    hub::file,
    mutations,
};

const QUERY: &str = "convention=tri-demandes-2026&dataset=demandes&period=2026-11";
/// Changed files of each format of the corpus, and of real deposits of this experiment.
const EACH: u64 = 13;
const REAL: u64 = 40;

fn multipart(name: &str, content: &[u8]) -> Vec<u8> {
    let boundary = "----retex-0f1e2d";
    let part = |name: &str, value: &str| format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let mut body = (part("csrf", CSRF) + &part("target", "tri-demandes-2026/demandes/2026-11")).into_bytes();
    body.extend(
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n")
            .into_bytes(),
    );
    body.extend_from_slice(content);
    body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn no_changed_file_is_answered_with_a_fault_of_the_hub() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let app = &hub.ground.app;
    let before = app.store.deposits(&DepositFilter::default(), Page::ALL).await.expect("a database").1;
    let formats = ["csv", "tsv", "utf16", "jsonl", "json", "parquet", "arrow", "xlsx", "xls", "ods", "gz", "zst", "zip"];
    let mut files: Vec<(String, Vec<u8>)> = formats
        .iter()
        .flat_map(|kind| mutations::files(kind, EACH).into_iter().map(move |bytes| (format!("essai.{kind}"), bytes)))
        .collect();
    let real = file("tri-demandes", "93048/demandes/demandes_2026-09.csv");
    files.extend(mutations::changed_copies(&real, REAL).into_iter().map(|bytes| ("demandes.csv".to_owned(), bytes)));

    let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
    let mut places = Vec::new();
    for (i, (name, bytes)) in files.iter().enumerate() {
        let api = |path: &str| {
            Request::post(format!("/api/v1/{path}?{QUERY}&name={name}&site={MONTREUIL}"))
                .header(header::AUTHORIZATION, "Bearer token-contributor")
                .body(Body::from(bytes.clone()))
                .expect("a request")
        };
        let request = match i % 4 {
            0 => api("checks"),
            1 | 2 => api("deposits"),
            _ => Request::post("/depots")
                .header(header::COOKIE, "retex=session-contributor")
                .header(header::CONTENT_TYPE, "multipart/form-data; boundary=----retex-0f1e2d")
                .body(Body::from(multipart(name, bytes)))
                .expect("a request"),
        };
        let response = hub.send(request).await;
        let place = response.headers().get(header::LOCATION).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let (status, text) = read(response).await;
        assert!(!status.is_server_error(), "{name} {i}: {status} {text}");
        assert_ne!(status, StatusCode::TOO_MANY_REQUESTS, "this test asks for less than one account may");
        *answers.entry(status.as_u16()).or_default() += 1;
        if i % 4 == 0 && status.is_success() {
            let report: Json = serde_json::from_str(&text).expect("a report");
            assert!(report["valid"].is_boolean(), "{text}");
        } else if let Some(place) = place {
            places.push(place.replace("/api/v1/deposits/", "/depots/"));
        }
        // As the runner would, beside what is still being sent.
        if i % 20 == 0 {
            work::run_due(app).await.expect("no job of the hub fails");
        }
    }
    work::run_due(app).await.expect("no job of the hub fails");

    let (deposits, count) = app.store.deposits(&DepositFilter::default(), Page::ALL).await.expect("a database");
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for deposit in &deposits {
        assert!(deposit.state.is_decided(), "{} {} is {}", deposit.number, deposit.file_name, deposit.state);
        *states.entry(deposit.state.to_string()).or_default() += 1;
    }
    println!("{} files, answers {answers:?}, states {states:?}", files.len());
    assert!(files.len() > 200 && count - before > 120, "{answers:?}");
    // What is read of them afterwards: the page, the report, the annotated copy, by another account than the sender's.
    for (i, place) in places.iter().enumerate() {
        let who = ["analyst", "officer"][i % 2];
        let path = format!("{place}{}", ["", "/rapport.csv", "/rapport.json", "/annote.xlsx"][i % 4]);
        let (status, text) = hub.get(who, &path).await;
        assert!(!status.is_server_error(), "{path}: {status} {text}");
        assert!(status == StatusCode::OK || status == StatusCode::CONFLICT && path.ends_with("xlsx"), "{path}: {status} {text}");
    }
}
