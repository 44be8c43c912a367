//! The pages and the API, as a browser and a program see them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use chrono::TimeDelta;
use retex::{
    convention::Convention,
    deposit::{check::check_file, folder},
    evaluation::evaluate,
    http::router::router,
    ids::{AccountId, ConventionId, DepositId, EvaluationId, Period, Siren, TokenId},
    store::{
        accounts::{Account, Session, Token},
        conventions::NewConvention,
        deposits::{Deposit, NewDeposit},
        evaluations::NewEvaluation,
    },
    territory,
};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::ground::{Ground, signed_long_ago};

pub const CSRF: &str = "jeton-de-formulaire";
pub const MONTREUIL: &str = "219300480";
const BONDY: &str = "219300100";

/// The hub with a sample experiment in it, and one account per role.
pub struct Hub {
    pub ground: Ground,
    pub router: Router,
}

pub fn samples(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

pub fn sha(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

impl Hub {
    /// `names` of samples; the accounts' sessions are their roles' names.
    pub async fn with(names: &[&str]) -> Self {
        let ground = Ground::sqlite().await;
        ground.app.clock.advance(TimeDelta::days(257));
        let mut officer = None;
        for (role, name, site) in [
            ("contributor", "Nadia Benali", Some(MONTREUIL)),
            ("signatory", "Luc Martin", Some(MONTREUIL)),
            ("stranger", "Paul Petit", Some(BONDY)),
            ("analyst", "Inès Roux", None),
            ("officer", "Claire Vidal", None),
            ("administrator", "Ada Morel", None),
            ("data_protection_officer", "Hugo Lefèvre", None),
        ] {
            let id = account(&ground, role, name, site).await;
            if role == "officer" {
                officer = Some(id);
            }
        }
        for name in names {
            import(&ground, &samples(name), officer.unwrap()).await;
        }
        let router = router(ground.app.clone());
        Self { ground, router }
    }

    pub async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn get(&self, who: &str, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(header::COOKIE, format!("retex=session-{who}")).body(Body::empty()).unwrap();
        read(self.send(request).await).await
    }

    pub async fn post(&self, who: &str, path: &str, form: &str) -> Response<Body> {
        let request = Request::post(path)
            .header(header::COOKIE, format!("retex=session-{who}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(request).await
    }

    async fn api(&self, who: &str, request: axum::http::request::Builder, body: Body) -> (StatusCode, Json) {
        let request = request.header(header::AUTHORIZATION, format!("Bearer token-{who}")).body(body).unwrap();
        let (status, text) = read(self.send(request).await).await;
        (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")))
    }

    /// The deposits of a site.
    pub async fn deposits(&self, site: &str) -> Vec<Deposit> {
        let filter = retex::store::deposits::DepositFilter { site: Some(site.parse().unwrap()), ..Default::default() };
        self.ground.app.store.deposits(&filter, retex::store::Page::ALL).await.unwrap().0
    }
}

pub async fn read(response: Response<Body>) -> (StatusCode, String) {
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

async fn account(ground: &Ground, role: &str, name: &str, site: Option<&str>) -> AccountId {
    let clock = &ground.app.clock;
    let id = AccountId(clock.id());
    let stored = if role == "stranger" { "contributor" } else { role };
    let mut tx = ground.app.store.begin().await.unwrap();
    tx.insert_account(&Account {
        id,
        email: format!("{role}@retex.example"),
        name: name.to_owned(),
        role: stored.to_owned(),
        organisation: site.map(|s| s.parse().unwrap()),
        password_hash: None,
        created_at: clock.now(),
        disabled_at: None,
    })
    .await
    .unwrap();
    tx.insert_session(&Session {
        token_sha256: sha(&format!("session-{role}")),
        account_id: id,
        csrf: CSRF.to_owned(),
        created_at: clock.now(),
        expires_at: clock.now() + TimeDelta::days(1),
        last_seen_at: clock.now(),
        second_factor: None,
        device: None,
        id_token: None,
    })
    .await
    .unwrap();
    tx.insert_token(&Token {
        id: TokenId(clock.id()),
        account_id: id,
        name: "essai".to_owned(),
        sha256: sha(&format!("token-{role}")),
        created_at: clock.now(),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
        scope: None,
        service: false,
        created_by: None,
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

/// Brings a sample in: its convention, its deposits with their reports, and one snapshot.
async fn import(ground: &Ground, dir: &Path, by: AccountId) {
    import_changed(ground, dir, by, |_| {}).await;
}

/// The same, of a convention that `change` changes.
pub async fn import_changed(ground: &Ground, dir: &Path, by: AccountId, change: impl FnOnce(&mut Json)) {
    let mut json = Convention::load_file(&dir.join("convention.yaml")).unwrap_or_else(|e| panic!("{e} {:?}", e.faults)).json;
    change(&mut json);
    let convention = Convention::from_json(json).unwrap_or_else(|e| panic!("{e} {:?}", e.faults));
    let (app, document) = (&ground.app, &convention.document);
    let id = ConventionId(app.clock.id());
    let mut tx = app.store.begin().await.unwrap();
    tx.insert_convention(&NewConvention {
        id,
        name: document.id.clone(),
        title: document.title.clone(),
        track: document.track.clone(),
        document: convention.json.to_string(),
        sha256: convention.sha256.clone(),
        starts_on: document.period.start,
        ends_on: document.period.end,
        created_at: app.clock.now(),
        created_by: Some(by),
    })
    .await
    .unwrap();
    signed_long_ago(app, &mut tx, id, &convention).await;
    for file in files(&dir.join("deposits")) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let dataset = file.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let code = file.parent().unwrap().parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let Some(organisation) = territory::by_code(&code) else { continue };
        let site: Siren = organisation.siren.clone();
        let checked = check_file(&file, &name, &convention.rules[&dataset], 1000);
        app.clock.advance(TimeDelta::seconds(61));
        let deposit = DepositId(app.clock.id());
        tx.insert_deposit(&NewDeposit {
            id: deposit,
            convention_id: id,
            site,
            dataset,
            period: Period::in_name(&name),
            file_name: name,
            bytes: i64::try_from(checked.report.file.bytes).unwrap(),
            sha256: checked.report.file.sha256.clone(),
            original_key: "x".to_owned(),
            created_at: app.clock.now(),
            created_by: by,
            reading: None,
            correction: None,
        })
        .await
        .unwrap();
        tx.start_check(deposit).await.unwrap();
        let report = serde_json::to_string(&checked.report).unwrap();
        let rows = i64::try_from(checked.report.stats.rows).unwrap();
        if checked.report.valid {
            tx.accept_deposit(deposit, &report, rows, "t", app.clock.now()).await.unwrap();
        } else {
            tx.reject_deposit(deposit, &report, Some(rows), app.clock.now()).await.unwrap();
        }
    }
    let tables = folder::read(&dir.join("deposits"), &convention, |_, _| {}).unwrap();
    let evaluation = evaluate(&convention, 1, &tables.accepted, false);
    tx.insert_evaluation(&NewEvaluation {
        id: EvaluationId(app.clock.id()),
        convention_id: id,
        is_final: false,
        inputs_sha256: sha("x"),
        body: serde_json::to_string(&evaluation).unwrap(),
        created_at: app.clock.now(),
        created_by: None,
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

/// What every page holds to, whatever it shows.
fn assert_page(path: &str, html: &str) {
    assert_eq!(html.matches("<h1>").count(), 1, "{path}: one h1");
    assert!(html.contains("<html lang=\"fr\">"), "{path}");
    assert!(!html.contains(" style="), "{path}: a style attribute that the policy forbids");
    assert!(!html.contains("<style"), "{path}: a style element that the policy forbids");
    assert!(!html.contains(" onclick") && !html.contains("javascript:"), "{path}");
    let ours = html.matches("<script src=\"/assets/").count();
    assert!(ours >= 1 && html.matches("<script").count() == ours, "{path}: scripts are files of ours");
    for opened in ["<div", "<table", "<section", "<ul", "<form"] {
        let closed = opened.replace('<', "</") + ">";
        let count = |t: &str| html.matches(t).count();
        let open = count(&format!("{opened}>")) + count(&format!("{opened} "));
        assert_eq!(open, count(&closed), "{path}: {opened}");
    }
}

/// Keeps a page under `target/pages`, to be looked at.
fn keep(name: &str, html: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    fs::create_dir_all(&dir).unwrap();
    let assets = "\"../../src/http/assets/";
    fs::write(dir.join(format!("{name}.html")), html.replace("\"/assets/", assets)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_drawn_for_those_who_work_with_it() {
    let hub = Hub::with(&["tri-demandes", "depots-sauvages"]).await;
    let x = "/experimentations/tri-demandes-2026";
    let mine = hub.deposits(MONTREUIL).await;
    let accepted = format!("/depots/{}", mine.iter().find(|d| d.state.to_string() == "accepted").expect("an accepted deposit").id);
    let all = hub.ground.app.store.deposits(&Default::default(), retex::store::Page::ALL).await.unwrap().0;
    let refused: Vec<String> = all.iter().filter(|d| d.state.to_string() == "rejected").map(|d| format!("/depots/{}", d.id)).collect();
    let pages: Vec<(&str, &str, String)> = vec![
        ("contributor", "accueil", "/".to_owned()),
        ("contributor", "deposer", "/depots/nouveau".to_owned()),
        ("contributor", "depots", "/depots".to_owned()),
        ("contributor", "accepte", accepted.clone()),
        ("contributor", "retrait", format!("{accepted}/retrait")),
        ("contributor", "experimentation-site", x.to_owned()),
        ("contributor", "rex", format!("{x}/rex/{MONTREUIL}")),
        ("officer", "accueil-officer", "/".to_owned()),
        ("officer", "experimentations", "/experimentations".to_owned()),
        ("officer", "experimentation", x.to_owned()),
        ("officer", "convention", format!("{x}/convention")),
        ("officer", "evaluation", format!("{x}/evaluation")),
        ("officer", "depots-officer", "/depots?etat=rejected".to_owned()),
        ("analyst", "indicateur", format!("{x}/indicateurs/delai")),
        ("analyst", "comparer", format!("{x}/comparer?tri=delai")),
        ("administrator", "comptes", "/administration/comptes".to_owned()),
        ("administrator", "jetons", "/administration/jetons".to_owned()),
        ("data_protection_officer", "journal", "/administration/journal".to_owned()),
        ("nobody", "connexion", "/connexion".to_owned()),
        ("nobody", "reglement", "/reglement".to_owned()),
        ("nobody", "accessibilite", "/accessibilite".to_owned()),
        ("nobody", "donnees", "/donnees-personnelles".to_owned()),
    ];
    for (who, name, path) in &pages {
        let (status, html) = hub.get(who, path).await;
        keep(name, &html);
        assert_eq!(status, StatusCode::OK, "{who} {path}: {html}");
        assert_page(path, &html);
    }
    for (i, path) in refused.iter().enumerate() {
        let (status, html) = hub.get("officer", path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(html.contains("Fichier non retenu\u{a0}: aucune ligne ne compte."), "{html}");
        assert_page(path, &html);
        keep(&format!("refuse-{i}"), &html);
    }
    assert!(!refused.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_knows_nothing_of_others() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let x = "/experimentations/tri-demandes-2026";
    let foreign = hub.deposits(MONTREUIL).await[0].id;
    let absent = "01890000-0000-7000-8000-000000000000";
    for suffix in ["", "/rapport.json", "/retrait", "/evenements"] {
        let there = hub.get("stranger", &format!("/depots/{foreign}{suffix}")).await;
        let not_there = hub.get("stranger", &format!("/depots/{absent}{suffix}")).await;
        assert_eq!(there.0, StatusCode::NOT_FOUND, "{suffix}");
        assert_eq!(there, not_there, "{suffix}: a foreign deposit answers exactly like an absent one");
    }
    assert_eq!(hub.get("stranger", x).await, hub.get("stranger", "/experimentations/autre").await);
    assert_eq!(hub.get("contributor", &format!("{x}/evaluation")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(hub.get("contributor", &format!("{x}/rex/219300084")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(hub.get("contributor", "/administration/comptes").await.0, StatusCode::FORBIDDEN);
    assert_eq!(hub.get("administrator", "/depots").await.0, StatusCode::NOT_FOUND);
    assert_eq!(hub.get("officer", "/depots/nouveau").await.0, StatusCode::FORBIDDEN);
    let (_, list) = hub.get("contributor", "/depots.csv?structure=219300084").await;
    assert!(list.lines().skip(1).all(|l| l.contains(MONTREUIL)), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_need_the_sessions_own_token() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let id = hub.deposits(MONTREUIL).await[0].id;
    let path = format!("/depots/{id}/retrait");
    assert_eq!(hub.post("contributor", &path, "reason=erreur").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(hub.post("contributor", &path, "reason=erreur&csrf=autre").await.status(), StatusCode::FORBIDDEN);
    let foreign = Request::post("/connexion").header("sec-fetch-site", "cross-site").body(Body::empty()).unwrap();
    assert_eq!(hub.send(foreign).await.status(), StatusCode::FORBIDDEN);
    let unsigned = hub.post("nobody", &path, &format!("csrf={CSRF}")).await;
    assert_eq!(unsigned.headers()[header::LOCATION], "/connexion");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_policy() {
    let hub = Hub::with(&[]).await;
    for path in ["/connexion", "/nulle-part", "/api/v1/nulle-part", "/api/v1/openapi.json", "/livez", "/readyz"] {
        let response = hub.send(Request::get(path).body(Body::empty()).unwrap()).await;
        let headers = response.headers();
        assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"), "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert!(headers.contains_key(header::REFERRER_POLICY), "{path}");
    }
    let asset = hub.send(Request::get("/assets/retex.css").body(Body::empty()).unwrap()).await;
    assert_eq!(asset.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_the_api_is_a_problem() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let big = 65 * 1024 * 1024 + 1;
    let deposits = "/api/v1/deposits?convention=tri-demandes-2026&dataset=demandes&period=2026-10&name=a.csv";
    let cases = [
        (Request::get("/api/v1/nulle-part"), 404, "not_found"),
        (Request::delete("/api/v1/deposits"), 405, "method_not_allowed"),
        (Request::get("/api/v1/conventions/autre"), 404, "not_found"),
        (Request::get("/api/v1/deposits?state=perdu"), 422, "deposit_state"),
        (Request::get("/api/v1/deposits?site=12"), 422, "siren"),
        (Request::get("/api/v1/deposits?limit=beaucoup"), 400, "bad_request"),
        (Request::post("/api/v1/deposits"), 400, "bad_request"),
        (Request::post(deposits).header(header::CONTENT_LENGTH, big), 413, "too_large"),
        (Request::post(deposits.replace("2026-10", "octobre").as_str()), 422, "period"),
        (Request::post(deposits.replace("&name=a.csv", "").as_str()), 422, "file_name"),
    ];
    for (request, status, code) in cases {
        let what = format!("{request:?}");
        let request = request.header(header::AUTHORIZATION, "Bearer token-contributor").body(Body::empty()).unwrap();
        let response = hub.send(request).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{what}");
        let (found, text) = read(response).await;
        let problem: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (found.as_u16(), problem["status"].as_u64(), problem["code"].as_str()),
            (status, Some(u64::from(status)), Some(code)),
            "{what}"
        );
        assert!(problem["title"].is_string() && problem["detail"].is_string() && problem["type"] == "about:blank", "{text}");
    }
    let unsigned = hub.send(Request::get("/api/v1/me").body(Body::empty()).unwrap()).await;
    assert_eq!((unsigned.status(), &unsigned.headers()[header::WWW_AUTHENTICATE]), (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_answers_its_own_description() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let (status, document) = hub.api("analyst", Request::get("/api/v1/openapi.json"), Body::empty()).await;
    assert_eq!((status, document["openapi"].as_str()), (StatusCode::OK, Some("3.1.0")));
    let paths: Vec<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    // Which operations there are is the access matrix's to list.
    assert!(["/me", "/deposits", "/conventions/{id}/agreement"].iter().all(|p| paths.contains(p)), "{paths:?}");
    let (_, me) = hub.api("contributor", Request::get("/api/v1/me"), Body::empty()).await;
    assert_eq!((me["role"].as_str(), me["site"]["name"].as_str()), (Some("contributor"), Some("Montreuil")));
    let (_, list) = hub.api("contributor", Request::get("/api/v1/deposits?state=accepted&limit=1"), Body::empty()).await;
    let id = list["deposits"][0]["id"].as_str().unwrap().to_owned();
    let (status, report) = hub.api("contributor", Request::get(format!("/api/v1/deposits/{id}/report")), Body::empty()).await;
    assert_eq!((status, report["valid"].as_bool()), (StatusCode::OK, Some(true)));
    let (status, _) = hub.api("stranger", Request::get(format!("/api/v1/deposits/{id}")), Body::empty()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (_, snapshot) = hub.api("analyst", Request::get("/api/v1/conventions/tri-demandes-2026/evaluations/latest"), Body::empty()).await;
    assert_eq!(snapshot["evaluation"]["convention"]["id"], "tri-demandes-2026");
}

/// A multipart body as a browser writes it.
fn multipart(fields: &[(&str, &str)], file: (&str, &str)) -> (String, String) {
    let boundary = "----retex";
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    let (name, content) = file;
    body += &format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n{content}\r\n--{boundary}--\r\n"
    );
    (format!("multipart/form-data; boundary={boundary}"), body)
}

async fn send_file(hub: &Hub, fields: &[(&str, &str)], file: (&str, &str)) -> Response<Body> {
    let (kind, body) = multipart(fields, file);
    let request = Request::post("/depots")
        .header(header::COOKIE, "retex=session-contributor")
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(body))
        .unwrap();
    hub.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_through_the_form() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let target = ("target", "tri-demandes-2026/demandes/2026-11");
    let response = send_file(&hub, &[("csrf", CSRF), target], ("demandes.csv", "id_demande\n")).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let place = response.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let (status, html) = hub.get("contributor", &place).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("data-events=\"/depots/") && html.contains("http-equiv=\"refresh\""), "{html}");
    keep("encours", &html);

    for (fields, file, status) in [
        (vec![target], ("a.csv", "x"), StatusCode::FORBIDDEN),
        (vec![("csrf", CSRF)], ("a.csv", "x"), StatusCode::UNPROCESSABLE_ENTITY),
        (vec![("csrf", CSRF), target], ("", ""), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let response = send_file(&hub, &fields, file).await;
        assert_eq!(response.status(), status, "{fields:?}");
    }
}
