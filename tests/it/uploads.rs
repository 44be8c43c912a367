//! Files that come in piece by piece, as a tus client and as the page's script send them.

use std::io;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, header},
};
use bytes::Bytes;
use chrono::TimeDelta;
use futures::stream;
use retex::{
    access::{self, NewToken},
    app::App,
    convention::{
        perimeter::Role,
        scope::{Scope, Verb},
    },
    deposit::upload,
    evaluation,
    http::router::router,
    ids::UploadId,
    jobs::{Job, sweep, work},
    lake::Prefix,
    store::{Page, audit::AuditFilter, deposits::DepositFilter},
};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::{
    ground::{Ground, on_both_engines},
    http::{CSRF, Hub},
    hub::{MONTREUIL, file, import, someone},
    hub_api::token,
};

on_both_engines!(
    a_cut_upload_goes_on_elsewhere_and_is_a_deposit_like_any_other,
    of_two_pieces_for_one_place_one_is_kept,
    what_does_not_fit_is_refused_and_changes_nothing,
    a_piece_is_verified_where_its_sender_asks_for_it,
    an_upload_is_its_senders_alone,
    a_cancelled_upload_leaves_nothing,
    what_is_left_for_a_day_is_forgotten,
    what_may_not_be_deposited_is_refused_at_both_ends,
    an_account_has_so_many_open_at_once,
);

const FEBRUARY: &str = "93048/releves/releves_2026-02.csv";

/// RFC 4648.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |g: &[u8]| {
        let bits = g.iter().chain([&0, &0]).take(3).fold(0_u32, |bits, b| bits << 8 | u32::from(*b));
        let digit = |i: usize| if i <= g.len() { char::from(DIGITS[(bits >> (18 - 6 * i) & 63) as usize]) } else { '=' };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

fn metadata(dataset: &str, period: &str) -> String {
    let pairs = [("convention", "chauffage-2026"), ("dataset", dataset), ("period", period), ("filename", "relevés de février.csv")];
    pairs.map(|(name, value)| format!("{name} {}", base64(value.as_bytes()))).join(",")
}

type Answer = (u16, HeaderMap, Vec<u8>);

/// Whoever speaks the protocol with a token.
struct Client {
    router: Router,
    token: String,
}

impl Client {
    fn of(app: &App, token: &str) -> Self {
        Self { router: router(app.clone()), token: token.to_owned() }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("tus-resumable", "1.0.0");
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        assert_eq!(parts.headers["tus-resumable"], "1.0.0", "in every answer");
        (parts.status.as_u16(), parts.headers, axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec())
    }

    async fn begin(&self, length: usize, metadata: &str) -> Answer {
        let length = length.to_string();
        self.ask(Method::POST, "/api/v1/uploads", &[("upload-length", length.as_str()), ("upload-metadata", metadata)], Body::empty()).await
    }

    /// Begins an upload of the heating readings of February; gives its address.
    async fn begun(&self, length: usize) -> String {
        let (status, headers, body) = self.begin(length, &metadata("releves", "2026-02")).await;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
        assert!(headers["upload-expires"].to_str().unwrap().ends_with(" GMT"));
        headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    async fn patch(&self, url: &str, offset: usize, more: &[(&str, &str)], body: Body) -> Answer {
        let offset = offset.to_string();
        let headers = [&[("upload-offset", offset.as_str()), ("content-type", "application/offset+octet-stream")][..], more].concat();
        self.ask(Method::PATCH, url, &headers, body).await
    }

    async fn head(&self, url: &str) -> Answer {
        self.ask(Method::HEAD, url, &[], Body::empty()).await
    }

    /// Where an upload is.
    async fn offset(&self, url: &str) -> usize {
        let (status, headers, _) = self.head(url).await;
        assert_eq!((status, &headers[header::CACHE_CONTROL]), (200, &"no-store".parse().unwrap()));
        headers["upload-offset"].to_str().unwrap().parse().unwrap()
    }

    async fn delete(&self, url: &str) -> Answer {
        self.ask(Method::DELETE, url, &[], Body::empty()).await
    }
}

fn code(answer: &Answer) -> (u16, String) {
    let problem: Json = serde_json::from_slice(&answer.2).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&answer.2)));
    (answer.0, problem["code"].as_str().unwrap().to_owned())
}

async fn heating(ground: &Ground) -> Client {
    import(&ground.app, "chauffage", |_| {}).await;
    Client::of(&ground.app, &token(ground, Role::Contributor, Some(MONTREUIL)).await)
}

async fn pieces(app: &App) -> usize {
    assert!(app.lake.list(&Prefix::Uploads).await.unwrap().is_empty());
    app.lake.list(&Prefix::Parts).await.unwrap().len()
}

async fn acts(app: &App, act: &str) -> usize {
    let filter = AuditFilter { act: Some(act.to_owned()), ..AuditFilter::default() };
    app.store.audit(&filter, Page::ALL).await.unwrap().0.len()
}

fn id(url: &str) -> UploadId {
    url.rsplit('/').next().unwrap().parse().unwrap()
}

/// A body that breaks off after `bytes`.
fn broken(bytes: &[u8]) -> Body {
    Body::from_stream(stream::iter([Ok(Bytes::copy_from_slice(bytes)), Err(io::Error::from(io::ErrorKind::ConnectionReset))]))
}

async fn a_cut_upload_goes_on_elsewhere_and_is_a_deposit_like_any_other(ground: &Ground) {
    let app = &ground.app;
    let client = heating(ground).await;
    let bytes = file("chauffage", FEBRUARY);
    let (third, half) = (bytes.len() / 3, bytes.len() / 2);
    let url = client.begun(bytes.len()).await;
    assert_eq!(client.offset(&url).await, 0);
    assert_eq!(client.patch(&url, 0, &[], Body::from(bytes[..third].to_vec())).await.0, 204);
    // The connection breaks: what came before stays.
    let cut = client.patch(&url, third, &[], broken(&bytes[third..half])).await;
    assert_eq!(code(&cut), (422, "upload_interrupted".to_owned()));
    assert_eq!((client.offset(&url).await, pieces(app).await), (half, 2));

    // The server is started again, or another process answers.
    let other = App::open(retex::config::Config::clone(&app.config), app.clock.clone()).await.unwrap();
    let client = Client::of(&other, &client.token);
    let (status, headers, _) = client.head(&url).await;
    assert_eq!((status, headers["upload-length"].to_str().unwrap()), (200, bytes.len().to_string().as_str()));
    assert_eq!(headers["upload-metadata"], metadata("releves", "2026-02"), "word for word");
    assert!(!headers.contains_key("retex-deposit"));
    let (status, headers, _) = client.patch(&url, half, &[], Body::from(bytes[half..].to_vec())).await;
    assert_eq!((status, headers["upload-offset"].to_str().unwrap()), (204, bytes.len().to_string().as_str()));
    let id = headers["retex-deposit"].to_str().unwrap().to_owned();
    assert!(!headers.contains_key("retex-already-deposited"));

    let deposit = app.store.deposit(id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(deposit.sha256, hex::encode(Sha256::digest(&bytes)));
    assert_eq!(
        (deposit.bytes as usize, deposit.file_name.as_str(), deposit.state.to_string().as_str()),
        (bytes.len(), "relevés de février.csv", "received")
    );
    assert_eq!(app.lake.get(&deposit.original_key.unwrap().parse().unwrap()).await.unwrap(), bytes);
    assert_eq!(pieces(app).await, 0, "its pieces are gone");
    work::run_due(app).await.unwrap();
    assert_eq!(app.store.deposit(deposit.id).await.unwrap().unwrap().state.to_string(), "accepted");

    // An answer that was lost is asked for again; a deposit is not taken back by way of its upload.
    assert_eq!(client.head(&url).await.1["retex-deposit"], id);
    let again = client.patch(&url, bytes.len(), &[], Body::empty()).await;
    assert_eq!((again.0, &again.1["retex-deposit"]), (204, &id.parse().unwrap()));
    assert_eq!(code(&client.delete(&url).await), (409, "upload_finished".to_owned()));

    // The very same bytes, sent again, are the same deposit.
    let url = client.begun(bytes.len()).await;
    let (status, headers, _) = client.patch(&url, 0, &[], Body::from(bytes)).await;
    assert_eq!(
        (status, &headers["retex-deposit"], &headers["retex-already-deposited"]),
        (204, &id.parse().unwrap(), &"true".parse().unwrap())
    );
    assert_eq!((app.store.deposits(&DepositFilter::default(), Page::ALL).await.unwrap().1, pieces(app).await), (1, 0));
    assert_eq!((acts(app, "upload.open").await, acts(app, "deposit.receive").await), (2, 1));
    other.store.close().await;
}

async fn of_two_pieces_for_one_place_one_is_kept(ground: &Ground) {
    let app = &ground.app;
    let client = heating(ground).await;
    let bytes = file("chauffage", FEBRUARY);
    let url = client.begun(bytes.len()).await;
    let tries = (0..6).map(|n: usize| client.patch(&url, 0, &[], Body::from(bytes[..100 + n].to_vec())));
    let answers = futures::future::join_all(tries).await;
    let kept: Vec<usize> = answers.iter().enumerate().filter(|(_, a)| a.0 == 204).map(|(n, _)| n).collect();
    assert_eq!(kept.len(), 1, "{:?}", answers.iter().map(|a| a.0).collect::<Vec<_>>());
    assert!(answers.iter().filter(|a| a.0 != 204).all(|a| code(a) == (409, "upload_offset".to_owned())));
    assert_eq!((client.offset(&url).await, pieces(app).await), (100 + kept[0], 1));
    let rest = bytes[100 + kept[0]..].to_vec();
    // Two that end it at once are one deposit.
    let (one, two) = tokio::join!(
        client.patch(&url, 100 + kept[0], &[], Body::from(rest.clone())),
        client.patch(&url, 100 + kept[0], &[], Body::from(rest))
    );
    let done = if one.0 == 204 { &one } else { &two };
    assert_eq!(done.0, 204);
    let deposit = app.store.deposit(done.1["retex-deposit"].to_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(deposit.sha256, hex::encode(Sha256::digest(&bytes)));
    assert_eq!((app.store.deposits(&DepositFilter::default(), Page::ALL).await.unwrap().1, pieces(app).await), (1, 0));
}

async fn what_does_not_fit_is_refused_and_changes_nothing(ground: &Ground) {
    let app = &ground.app;
    let client = heating(ground).await;
    // What the server speaks is said to everybody.
    let ask =
        async |request: axum::http::request::Builder| client.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let spoken = ask(Request::builder().method(Method::OPTIONS).uri("/api/v1/uploads")).await;
    assert_eq!((spoken.status().as_u16(), &spoken.headers()["tus-version"]), (204, &"1.0.0".parse().unwrap()));
    assert_eq!(spoken.headers()["tus-extension"], "creation,expiration,checksum,termination");
    assert_eq!(spoken.headers()["tus-max-size"], app.config.max_upload.to_string());
    for version in [None, Some("0.2.2")] {
        let request = Request::post("/api/v1/uploads").header(header::AUTHORIZATION, format!("Bearer {}", client.token));
        let refused = ask(version.into_iter().fold(request, |r, v| r.header("tus-resumable", v))).await;
        assert_eq!((refused.status().as_u16(), &refused.headers()["tus-version"]), (412, &"1.0.0".parse().unwrap()), "{version:?}");
    }
    let nobody = ask(Request::post("/api/v1/uploads").header("tus-resumable", "1.0.0")).await;
    assert_eq!((nobody.status().as_u16(), nobody.headers()["tus-resumable"].to_str().unwrap()), (401, "1.0.0"));

    let good = metadata("releves", "2026-02");
    let good = good.as_str();
    for (headers, wanted) in [
        (vec![("upload-metadata", good)], (400, "bad_request")),
        (vec![("upload-length", "-1"), ("upload-metadata", good)], (400, "bad_request")),
        (vec![("upload-length", "12"), ("upload-metadata", "convention !")], (422, "upload_metadata")),
        (vec![("upload-length", "12")], (422, "upload_metadata")),
        (vec![("upload-length", "0"), ("upload-metadata", good)], (422, "empty_file")),
        (vec![("upload-length", "99999999999"), ("upload-metadata", good)], (413, "too_large")),
    ] {
        let answer = client.ask(Method::POST, "/api/v1/uploads", &headers, Body::empty()).await;
        assert_eq!(code(&answer), (wanted.0, wanted.1.to_owned()), "{headers:?}");
    }

    let url = client.begun(1000).await;
    assert_eq!(client.patch(&url, 0, &[], Body::from(vec![b'a'; 400])).await.0, 204);
    let kind = ("content-type", "application/offset+octet-stream");
    let endless = || Body::from_stream(stream::iter((0..10).map(|_| Ok::<_, io::Error>(Bytes::from(vec![b'b'; 100])))));
    for (headers, body, wanted) in [
        (vec![("upload-offset", "0"), kind], Body::from("x"), (409, "upload_offset")),
        (vec![("upload-offset", "401"), kind], Body::from("x"), (409, "upload_offset")),
        (vec![("upload-offset", "400"), ("content-type", "text/csv")], Body::from("x"), (415, "unsupported_media_type")),
        (vec![("upload-offset", "400")], Body::from("x"), (415, "unsupported_media_type")),
        (vec![kind], Body::from("x"), (400, "bad_request")),
        (vec![("upload-offset", "quatre"), kind], Body::from("x"), (400, "bad_request")),
        (vec![("upload-offset", "400"), ("content-length", "601"), kind], Body::from(vec![b'b'; 601]), (413, "upload_length")),
        (vec![("upload-offset", "400"), kind], endless(), (413, "upload_length")),
    ] {
        let answer = client.ask(Method::PATCH, &url, &headers, body).await;
        assert_eq!(code(&answer), (wanted.0, wanted.1.to_owned()), "{headers:?}");
        assert_eq!((client.offset(&url).await, pieces(app).await), (400, 1), "{headers:?}");
    }
    // For programs that can only POST.
    let patched =
        client.ask(Method::POST, &url, &[("x-http-method-override", "PATCH"), ("upload-offset", "400"), kind], Body::from("x")).await;
    assert_eq!((patched.0, client.offset(&url).await), (204, 401));
    let headed = client.ask(Method::POST, &url, &[("x-http-method-override", "HEAD")], Body::empty()).await;
    assert_eq!((headed.0, &headed.1["upload-offset"]), (200, &"401".parse().unwrap()));
    assert_eq!(client.ask(Method::POST, &url, &[], Body::empty()).await.0, 405);
    assert_eq!(client.ask(Method::POST, &url, &[("x-http-method-override", "DELETE")], Body::empty()).await.0, 204);
    assert_eq!((client.head(&url).await.0, pieces(app).await), (404, 0));
    assert_eq!(app.store.deposits(&DepositFilter::default(), Page::ALL).await.unwrap().1, 0);
}

async fn a_piece_is_verified_where_its_sender_asks_for_it(ground: &Ground) {
    let app = &ground.app;
    let client = heating(ground).await;
    let bytes = file("chauffage", FEBRUARY);
    let url = client.begun(bytes.len()).await;
    let sha1 = |b: &[u8]| format!("sha1 {}", base64(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, b).as_ref()));
    let sha256 = |b: &[u8]| format!("sha256 {}", base64(&Sha256::digest(b)));
    let piece = &bytes[..500];
    for (checksum, wanted) in
        [(sha1(b"autre"), 460), (sha256(b"autre"), 460), ("md5 AAAA".to_owned(), 400), ("sha1".to_owned(), 400), ("sha1 !".to_owned(), 400)]
    {
        let answer = client.patch(&url, 0, &[("upload-checksum", checksum.as_str())], Body::from(piece.to_vec())).await;
        assert_eq!((answer.0, client.offset(&url).await, pieces(app).await), (wanted, 0, 0), "{checksum}");
    }
    // What cannot be verified is not kept.
    let cut = client.patch(&url, 0, &[("upload-checksum", sha1(piece).as_str())], broken(&piece[..200])).await;
    assert_eq!((cut.0, client.offset(&url).await, pieces(app).await), (422, 0, 0));
    assert_eq!(client.patch(&url, 0, &[("upload-checksum", sha1(piece).as_str())], Body::from(piece.to_vec())).await.0, 204);
    let rest = &bytes[500..];
    let done = client.patch(&url, 500, &[("upload-checksum", sha256(rest).as_str())], Body::from(rest.to_vec())).await;
    let deposit = app.store.deposit(done.1["retex-deposit"].to_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(deposit.sha256, hex::encode(Sha256::digest(&bytes)));
}

async fn an_upload_is_its_senders_alone(ground: &Ground) {
    let app = &ground.app;
    let client = heating(ground).await;
    let url = client.begun(1000).await;
    client.patch(&url, 0, &[], Body::from("abc")).await;
    let absent = "/api/v1/uploads/01890000-0000-7000-8000-000000000000";
    // A colleague of the same site, another site, the Métropole: for each it is not there.
    for (role, site) in
        [(Role::Contributor, Some(MONTREUIL)), (Role::Contributor, Some("219200631")), (Role::Officer, None), (Role::Administrator, None)]
    {
        let other = Client::of(app, &token(ground, role, site).await);
        for method in [Method::HEAD, Method::PATCH, Method::DELETE] {
            let headers = [("upload-offset", "3"), ("content-type", "application/offset+octet-stream")];
            let there = other.ask(method.clone(), &url, &headers, Body::from("x")).await;
            let not_there = other.ask(method.clone(), absent, &headers, Body::from("x")).await;
            let garbage = other.ask(method.clone(), "/api/v1/uploads/%00", &headers, Body::from("x")).await;
            assert_eq!((there.0, &there), (404, &not_there), "{role} {site:?} {method}");
            assert_eq!(garbage, not_there);
        }
    }
    // A token of the same account, for reading alone or for another dataset.
    let account = app.store.upload(id(&url)).await.unwrap().unwrap().account_id;
    let account = app.store.account(account).await.unwrap().unwrap();
    for (scope, wanted) in [
        (Scope { verbs: vec![Verb::Read], ..Scope::default() }, 403),
        (Scope { verbs: vec![Verb::Deposit], datasets: vec!["autre".into()], ..Scope::default() }, 404),
        (Scope { verbs: vec![Verb::Deposit], datasets: vec!["releves".into()], ..Scope::default() }, 200),
    ] {
        let new = NewToken { name: "essai".into(), scope: Some(scope), ..Default::default() };
        let scoped = Client::of(app, &access::create_token(app, None, &account, new).await.unwrap().1);
        assert_eq!(scoped.head(&url).await.0, wanted);
        assert_eq!(scoped.patch(&url, 3, &[], Body::empty()).await.0, if wanted == 200 { 204 } else { wanted });
    }
    assert_eq!(client.offset(&url).await, 3);
}

async fn a_cancelled_upload_leaves_nothing(ground: &Ground) {
    let app = &ground.app;
    let client = heating(ground).await;
    let url = client.begun(1000).await;
    client.patch(&url, 0, &[], Body::from("abc")).await;
    client.patch(&url, 3, &[], Body::from("def")).await;
    assert_eq!(pieces(app).await, 2);
    assert_eq!(client.delete(&url).await.0, 204);
    assert_eq!((pieces(app).await, app.store.upload(id(&url)).await.unwrap()), (0, None));
    assert_eq!(
        (client.head(&url).await.0, client.delete(&url).await.0, client.patch(&url, 6, &[], Body::from("g")).await.0),
        (404, 404, 404)
    );
    assert_eq!((acts(app, "upload.open").await, acts(app, "upload.cancel").await), (1, 1));
    assert_eq!(app.store.deposits(&DepositFilter::default(), Page::ALL).await.unwrap().1, 0);
}

async fn what_is_left_for_a_day_is_forgotten(ground: &Ground) {
    let app = &ground.app;
    let client = heating(ground).await;
    let (left, kept) = (client.begun(1000).await, client.begun(1000).await);
    client.patch(&left, 0, &[], Body::from("abc")).await;
    app.clock.advance(TimeDelta::hours(23));
    // A byte more, a day more.
    assert_eq!(client.patch(&kept, 0, &[], Body::from("abc")).await.0, 204);
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(client.head(&left).await.0, 410);
    assert_eq!(code(&client.patch(&left, 3, &[], Body::from("def")).await), (410, "upload_expired".to_owned()));
    assert_eq!(code(&client.delete(&left).await), (410, "upload_expired".to_owned()));
    sweep::sweep(app, TimeDelta::hours(24)).await.unwrap();
    assert_eq!((client.head(&left).await.0, client.offset(&kept).await, pieces(app).await), (404, 3, 1));
    assert_eq!(acts(app, "upload.expire").await, 1);
    sweep::sweep(app, TimeDelta::hours(24)).await.unwrap();
    assert_eq!(acts(app, "upload.expire").await, 1, "once");
    // A piece without a row, as a process that dies leaves it, is swept in time; one with a row is not, however old.
    let stray = retex::lake::Key::Part(app.clock.id());
    app.lake.put(&stray, Bytes::from_static(b"x")).await.unwrap();
    sweep::sweep(app, TimeDelta::days(-36500)).await.unwrap();
    assert!(!app.lake.exists(&stray).await.unwrap());
    assert_eq!(client.offset(&kept).await, 3);
    // What became a deposit is forgotten without a word.
    let bytes = file("chauffage", FEBRUARY);
    let done = client.begun(bytes.len()).await;
    client.patch(&done, 0, &[], Body::from(bytes)).await;
    app.clock.advance(TimeDelta::hours(25));
    assert_eq!(upload::expire(app).await.unwrap(), 2);
    assert_eq!((client.head(&done).await.0, acts(app, "upload.expire").await, pieces(app).await), (404, 2, 0));
}

async fn what_may_not_be_deposited_is_refused_at_both_ends(ground: &Ground) {
    let app = &ground.app;
    let client = heating(ground).await;
    assert_eq!(code(&client.begin(12, &metadata("autre", "2026-02")).await), (422, "unknown_dataset".to_owned()));
    assert_eq!(code(&client.begin(12, &metadata("releves", "2027-02")).await), (422, "period_outside".to_owned()));
    let officer = Client::of(app, &token(ground, Role::Officer, None).await);
    assert_eq!(officer.begin(12, &metadata("releves", "2026-02")).await.0, 404);
    assert_eq!(acts(app, "upload.open").await, 0);

    let bytes = file("chauffage", FEBRUARY);
    let url = client.begun(bytes.len()).await;
    assert_eq!(client.patch(&url, 0, &[], Body::from(bytes[..100].to_vec())).await.0, 204);
    app.clock.advance(TimeDelta::hours(20));
    // Meanwhile the evaluation is locked.
    app.clock.advance(TimeDelta::days(20));
    ground.raw("UPDATE uploads SET expires_at = '2099-01-01 00:00:00+00:00'").await;
    let asked = Job::Evaluate { convention: app.store.convention_by_name("chauffage-2026").await.unwrap().unwrap().head.id };
    let mut tx = app.store.begin().await.unwrap();
    tx.enqueue(&app.clock, &asked).await.unwrap();
    tx.commit().await.unwrap();
    work::run_due(app).await.unwrap();
    evaluation::lock(app, &someone(ground, Role::Officer, None).await, "chauffage-2026").await.unwrap();
    let late = client.patch(&url, 100, &[], Body::from(bytes[100..].to_vec())).await;
    assert_eq!(code(&late), (409, "evaluation_final".to_owned()));
    assert_eq!(app.store.deposits(&DepositFilter::default(), Page::ALL).await.unwrap().1, 0);
    assert_eq!((client.delete(&url).await.0, pieces(app).await), (204, 0), "what may not be deposited can be given up");
}

async fn an_account_has_so_many_open_at_once(ground: &Ground) {
    let client = heating(ground).await;
    let mut urls = Vec::new();
    for _ in 0..upload::OPEN {
        urls.push(client.begun(10).await);
    }
    assert_eq!(code(&client.begin(10, &metadata("releves", "2026-02")).await), (409, "upload_limit".to_owned()));
    let colleague = Client::of(&ground.app, &token(ground, Role::Contributor, Some(MONTREUIL)).await);
    assert_eq!(colleague.begin(10, &metadata("releves", "2026-02")).await.0, 201, "another account");
    client.delete(&urls[0]).await;
    let metadata = metadata("releves", "2026-02");
    let both = tokio::join!(client.begin(10, &metadata), client.begin(10, &metadata));
    assert_eq!([both.0.0, both.1.0].iter().filter(|s| **s == 201).count(), 1, "one place is given once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pieces_may_stand_on_s3() {
    let Some(ground) = Ground::postgres_and_s3().await else { return };
    a_cut_upload_goes_on_elsewhere_and_is_a_deposit_like_any_other(&ground).await;
    ground.close().await;
}

/// The page's script has a session: its writes carry the token that the page drew.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_sends_with_its_pages_token() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let bytes = file("tri-demandes", "200057941/demandes/demandes-2026-09.csv");
    let pairs = [("convention", "tri-demandes-2026"), ("dataset", "demandes"), ("period", "2026-09"), ("filename", "a.csv")];
    let metadata = pairs.map(|(name, value)| format!("{name} {}", base64(value.as_bytes()))).join(",");
    let ask = async |method: Method, path: &str, csrf: Option<&str>, body: &[u8]| {
        let request = Request::builder().method(method).uri(path).header(header::COOKIE, "retex=session-contributor");
        let request = request.header("tus-resumable", "1.0.0").header("upload-length", bytes.len()).header("upload-metadata", &metadata);
        let request = request.header("upload-offset", 0).header(header::CONTENT_TYPE, "application/offset+octet-stream");
        let request = csrf.into_iter().fold(request, |r, csrf| r.header("x-csrf-token", csrf));
        hub.send(request.body(Body::from(body.to_vec())).unwrap()).await
    };
    for wrong in [None, Some(""), Some("faux")] {
        assert_eq!(ask(Method::POST, "/api/v1/uploads", wrong, b"").await.status(), 403, "{wrong:?}");
    }
    let begun = ask(Method::POST, "/api/v1/uploads", Some(CSRF), b"").await;
    assert_eq!(begun.status(), 201);
    let url = begun.headers()[header::LOCATION].to_str().unwrap().to_owned();
    assert_eq!(ask(Method::HEAD, &url, None, b"").await.status(), 200, "reading needs none");
    for method in [Method::PATCH, Method::DELETE] {
        assert_eq!(ask(method, &url, Some("faux"), &bytes).await.status(), 403);
    }
    let done = ask(Method::PATCH, &url, Some(CSRF), &bytes).await;
    assert_eq!(done.status(), 204);
    let (status, page) = hub.get("contributor", &format!("/depots/{}", done.headers()["retex-deposit"].to_str().unwrap())).await;
    assert_eq!(status, 200, "{page}");
}

/// The page says from where on, and how, its script sends in pieces.
#[tokio::test(flavor = "multi_thread")]
async fn the_form_says_when_a_file_goes_in_pieces() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let (_, page) = hub.get("contributor", "/depots/nouveau").await;
    for part in [
        "data-uploads=\"/api/v1/uploads\"",
        "data-resumable-above=\"50000000\"",
        "data-chunk=\"8388608\"",
        "aria-live=\"polite\"",
        "/assets/upload.js?v=",
        "data-cancel",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let (status, script) = hub.get("contributor", "/assets/upload.js").await;
    assert!(status.is_success() && script.contains("Tus-Resumable"));
}
