//! The API as a program uses it, from its token to the report.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use chrono::TimeDelta;
use retex::{
    access::{self, Actor},
    app::App,
    convention::perimeter::Role,
    http::router::router,
    jobs::work,
};
use serde_json::Value as Json;
use tower::ServiceExt;

use crate::{
    ground::Ground,
    hub::{MONTREUIL, file, import, someone},
};

const FEBRUARY: &str = "convention=chauffage-2026&dataset=releves&period=2026-02&name=relev%C3%A9s.csv";

/// Someone who speaks through a token.
pub async fn token(ground: &Ground, role: Role, site: Option<&str>) -> String {
    let Actor { account, .. } = someone(ground, role, site).await;
    let mut account = ground.app.store.account(account).await.unwrap().unwrap();
    (account.role, account.organisation) = (role.to_string(), site.map(|s| s.parse().unwrap()));
    let mut tx = ground.app.store.begin().await.unwrap();
    tx.update_account(&account).await.unwrap();
    tx.commit().await.unwrap();
    access::create_token(&ground.app, None, &account, access::NewToken { name: "essai".into(), ..Default::default() }).await.unwrap().1
}

async fn send(app: &App, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let service: Router = router(app.clone());
    let response = service.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec())
}

pub async fn call(app: &App, token: &str, method: Method, path: &str, body: Vec<u8>) -> (u16, HeaderMap, Vec<u8>) {
    let request = Request::builder().method(method).uri(format!("/api/v1{path}")).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let (status, headers, bytes) = send(app, request.body(Body::from(body)).unwrap()).await;
    (status.as_u16(), headers, bytes)
}

fn json(bytes: &[u8]) -> Json {
    serde_json::from_slice(bytes).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(bytes)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_sends_a_file_and_reads_what_became_of_it() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = token(&ground, Role::Contributor, Some(MONTREUIL)).await;
    let analyst = token(&ground, Role::Analyst, None).await;
    let get = async |token: &str, path: &str| call(app, token, Method::GET, path, Vec::new()).await;

    let (status, _, me) = get(&agent, "/me").await;
    assert_eq!((status, json(&me)["site"]["siren"].as_str()), (200, Some(MONTREUIL)));
    assert_eq!(json(&get(&agent, "/conventions").await.2)[0]["id"], "chauffage-2026");
    assert_eq!(json(&get(&agent, "/conventions/chauffage-2026").await.2)["id"], "chauffage-2026");
    assert_eq!(get(&agent, "/conventions/chauffage-2026/evaluations/latest").await.0, 404, "nothing is computed yet");

    let bad = file("chauffage", "93048/releves/releves_2026-01_v1.csv");
    let (status, _, report) = call(app, &agent, Method::POST, &format!("/checks?{}", FEBRUARY.replace("2026-02", "2026-01")), bad).await;
    assert_eq!(
        (status, json(&report)["valid"].as_bool(), json(&report)["errors"][0]["column"].as_str()),
        (200, Some(false), Some("energie_kwh"))
    );

    let bytes = file("chauffage", "93048/releves/releves_2026-02.csv");
    let (status, headers, sent) = call(app, &agent, Method::POST, &format!("/deposits?{FEBRUARY}"), bytes.clone()).await;
    let sent = json(&sent);
    assert_eq!((status, sent["state"].as_str(), sent["file_name"].as_str()), (202, Some("received"), Some("relevés.csv")));
    let place = headers[header::LOCATION].to_str().unwrap().trim_start_matches("/api/v1").to_owned();
    let (status, _, waiting) = get(&agent, &format!("{place}/report")).await;
    assert_eq!((status, json(&waiting)["code"].as_str()), (404, Some("not_found")), "not decided yet");
    work::run_due(app).await.unwrap();
    assert_eq!(json(&get(&agent, &place).await.2)["state"], "accepted");
    assert_eq!(json(&get(&agent, &format!("{place}/report")).await.2)["valid"], true);
    assert_eq!(get(&analyst, &place).await.0, 200);
    let (status, _, again) = call(app, &agent, Method::POST, &format!("/deposits?{FEBRUARY}"), bytes).await;
    assert_eq!((status, &json(&again)["id"]), (200, &sent["id"]));

    let (status, _, latest) = get(&agent, "/conventions/chauffage-2026/evaluations/latest").await;
    assert_eq!((status, json(&latest)["number"].as_i64(), json(&latest)["is_final"].as_bool()), (200, Some(1), Some(false)));
    let (status, headers, pdf) = get(&analyst, "/conventions/chauffage-2026/report.pdf").await;
    assert_eq!((status, &headers[header::CONTENT_TYPE], &pdf[..5]), (200, &"application/pdf".parse().unwrap(), b"%PDF-".as_slice()));
    assert!(headers[header::CONTENT_DISPOSITION].to_str().unwrap().contains("provisoire-1.pdf"));
    let (status, headers, _) = get(&analyst, "/conventions/chauffage-2026/report.html").await;
    assert_eq!((status, &headers[header::CACHE_CONTROL]), (200, &"no-store".parse().unwrap()));

    // RFC 9110: the scheme in any case.
    let request = Request::get("/api/v1/me").header(header::AUTHORIZATION, format!("bearer {agent}")).body(Body::empty()).unwrap();
    assert_eq!(send(app, request).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_theirs_answers_like_what_is_not_there() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = token(&ground, Role::Contributor, Some(MONTREUIL)).await;
    let bytes = file("chauffage", "93048/releves/releves_2026-02.csv");
    let sent = json(&call(app, &agent, Method::POST, &format!("/deposits?{FEBRUARY}"), bytes).await.2);
    work::run_due(app).await.unwrap();
    let absent = "01890000-0000-7000-8000-000000000000";
    for (role, site) in [
        (Role::Contributor, Some("219200631")),
        (Role::Contributor, Some("219300100")),
        (Role::Administrator, None),
        (Role::DataProtectionOfficer, None),
    ] {
        let other = token(&ground, role, site).await;
        for suffix in ["", "/report"] {
            let there = call(app, &other, Method::GET, &format!("/deposits/{}{suffix}", sent["id"].as_str().unwrap()), Vec::new()).await;
            let not_there = call(app, &other, Method::GET, &format!("/deposits/{absent}{suffix}"), Vec::new()).await;
            let garbage = call(app, &other, Method::GET, &format!("/deposits/%00{suffix}"), Vec::new()).await;
            assert_eq!(there, not_there, "{role} {site:?}");
            assert_eq!((there.0, &there.2), (garbage.0, &garbage.2));
        }
        let list = call(app, &other, Method::GET, "/deposits", Vec::new()).await;
        assert_eq!(json(&list.2)["count"], 0, "{role} {site:?}");
        for report in ["report.pdf", "report.html"] {
            let answer = call(app, &other, Method::GET, &format!("/conventions/chauffage-2026/{report}"), Vec::new()).await;
            assert_eq!(answer.0, 404, "{role} {site:?}");
        }
    }
    // The end of the retention closes them to everybody, step by step.
    app.clock.advance(TimeDelta::days(5 * 366));
    let agent = token(&ground, Role::Contributor, Some(MONTREUIL)).await;
    let gone = call(app, &agent, Method::GET, &format!("/deposits/{}/report", sent["id"].as_str().unwrap()), Vec::new()).await;
    assert_eq!(gone.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_its_code() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = token(&ground, Role::Contributor, Some(MONTREUIL)).await;
    let signatory = token(&ground, Role::Signatory, Some(MONTREUIL)).await;
    let bytes = file("chauffage", "93048/releves/releves_2026-02.csv");
    let deposits = format!("/deposits?{FEBRUARY}");
    let with = |from: &str, to: &str| deposits.replace(from, to);
    let (get, post) = (Method::GET, Method::POST);
    for (token, method, path, expected) in [
        ("", &get, "/me".to_owned(), (401, "token")),
        ("retex_faux", &get, "/me".to_owned(), (401, "token")),
        (&agent, &get, "/nulle-part".to_owned(), (404, "not_found")),
        (&agent, &Method::DELETE, "/me".to_owned(), (405, "method_not_allowed")),
        (&agent, &get, "/conventions/%00".to_owned(), (404, "not_found")),
        (&agent, &post, with("chauffage", "autre"), (404, "not_found")),
        (&agent, &post, with("=releves", "=autre"), (422, "unknown_dataset")),
        (&agent, &post, with("2026-02", "2026-13"), (422, "period")),
        (&agent, &post, with("2026-02", "2026-04"), (422, "period_outside")),
        (&agent, &post, with("&period=2026-02", ""), (422, "period_required")),
        (&agent, &post, deposits.clone() + "&site=219200631", (404, "not_found")),
        (&agent, &post, deposits.clone() + "&site=12", (422, "siren")),
        (&signatory, &post, deposits.clone(), (403, "role_not_allowed")),
        (&agent, &get, "/deposits?dataset=%00".to_owned(), (200, "")),
    ] {
        let (status, headers, body) = call(app, token, method.clone(), &path, bytes.clone()).await;
        assert_eq!(status, expected.0, "{method} {path}: {}", String::from_utf8_lossy(&body));
        if status != 200 {
            assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json", "{path}");
            assert_eq!(json(&body)["code"], expected.1, "{path}");
            assert!(json(&body)["detail"].as_str().is_some_and(|d| d.ends_with('.')), "{path}");
        }
    }
    assert_eq!(json(&call(app, &agent, post.clone(), &deposits, Vec::new()).await.2)["code"], "empty_file");
    // No length is announced: the limit holds all the same.
    let config = retex::config::Config { max_upload: 1000, ..retex::config::Config::clone(&app.config) };
    let small = App { config: config.into(), ..app.clone() };
    for path in [deposits.clone(), deposits.replace("/deposits", "/checks")] {
        let pieces = bytes.chunks(100).map(|c| Ok::<_, std::io::Error>(bytes::Bytes::copy_from_slice(c))).collect::<Vec<_>>();
        let body = Body::from_stream(futures::stream::iter(pieces));
        let request = Request::post(format!("/api/v1{path}")).header(header::AUTHORIZATION, format!("Bearer {agent}")).body(body).unwrap();
        let (status, _, body) = send(&small, request).await;
        assert_eq!((status.as_u16(), json(&body)["code"].as_str()), (413, Some("too_large")), "{path}");
    }
    assert_eq!(json(&call(app, &agent, get, "/deposits", Vec::new()).await.2)["count"], 0);
}

#[tokio::test]
async fn every_operation_tells_its_refusals() {
    let ground = Ground::sqlite().await;
    let (status, _, body) = send(&ground.app, Request::get("/api/v1/openapi.json").body(Body::empty()).unwrap()).await;
    let document = json(&body);
    assert_eq!((status, document["openapi"].as_str()), (StatusCode::OK, Some("3.1.0")));
    let has = |path: &str, method: &str, code: &str| document["paths"][path][method]["responses"][code].is_object();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            // What a server speaks is told to anyone who asks.
            assert!(method == "options" || has(path, method, "401"), "{method} {path}");
            assert!(!path.contains('{') || has(path, method, "404"), "{method} {path}");
            for (code, answer) in operation["responses"].as_object().unwrap().iter().filter(|(code, _)| !code.starts_with('2')) {
                assert!(answer["content"].as_object().is_some_and(|c| !c.is_empty()), "{method} {path} {code}");
            }
        }
    }
    assert!(operations >= 11);
    for code in ["400", "403", "404", "409", "413", "422"] {
        assert!(has("/deposits", "post", code) && has("/checks", "post", code), "{code}");
    }
}

#[tokio::test]
async fn probes_say_what_is_missing() {
    let ground = Ground::sqlite().await;
    let probe = async |path: &str| send(&ground.app, Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(probe("/livez").await.0, StatusCode::OK);
    assert_eq!(probe("/readyz").await.0, StatusCode::OK);
    std::fs::remove_dir_all(ground.app.config.data.join("lac")).unwrap();
    let (status, _, body) = probe("/readyz").await;
    assert_eq!((status, body.as_slice()), (StatusCode::SERVICE_UNAVAILABLE, b"lake\n".as_slice()));
    assert_eq!(probe("/livez").await.0, StatusCode::OK);
    ground.app.store.close().await;
    let (status, _, body) = probe("/readyz").await;
    assert_eq!((status, body.as_slice()), (StatusCode::SERVICE_UNAVAILABLE, b"store\n".as_slice()));
    // A page that needs the database says so, and nothing of the cause.
    let request = Request::get("/api/v1/me").header(header::AUTHORIZATION, "Bearer retex_x").body(Body::empty()).unwrap();
    let (status, _, body) = send(&ground.app, request).await;
    assert_eq!((status.as_u16(), json(&body)["code"].as_str()), (503, Some("database_unavailable")));
}

#[tokio::test]
async fn signing_in_by_the_form_opens_private_pages() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    let new = access::NewAccount {
        email: "ada@exemple.fr".into(),
        name: "Ada".into(),
        role: Role::Officer,
        site: None,
        password: "un mot de passe".into(),
    };
    access::create_account(app, None, new).await.unwrap();
    let sign_in = async |form: &str| {
        let request = Request::post("/connexion").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        send(app, request.body(Body::from(form.to_owned())).unwrap()).await
    };
    assert_eq!(sign_in("email=ada%40exemple.fr&password=faux").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in("email=%00&password=%00").await.0, StatusCode::UNAUTHORIZED);
    let (status, headers, _) = sign_in("email=ada%40exemple.fr&password=un+mot+de+passe&next=%2F%2Fexample.org").await;
    assert_eq!((status, &headers[header::LOCATION]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
    let cookie = headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = send(app, Request::get("/").header(header::COOKIE, &cookie).body(Body::empty()).unwrap()).await;
    assert_eq!(
        (page.0, &page.1[header::CACHE_CONTROL], &page.1[header::X_CONTENT_TYPE_OPTIONS]),
        (StatusCode::OK, &"no-store".parse().unwrap(), &"nosniff".parse().unwrap())
    );
    assert!(!page.1[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("unsafe"));
    // The API takes a session for reading only.
    let me = send(app, Request::get("/api/v1/me").header(header::COOKIE, &cookie).body(Body::empty()).unwrap()).await;
    assert_eq!(me.0, StatusCode::OK);
    let post = Request::post(format!("/api/v1/deposits?{FEBRUARY}")).header(header::COOKIE, &cookie).body(Body::from("a")).unwrap();
    assert_eq!(send(app, post).await.0, StatusCode::UNAUTHORIZED);
    let out = |csrf: &str| {
        let request =
            Request::post("/deconnexion").header(header::COOKIE, &cookie).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(Body::from(format!("csrf={csrf}"))).unwrap()
    };
    assert_eq!(send(app, out("")).await.0, StatusCode::FORBIDDEN);
    let actor = access::session(app, cookie.split_once('=').unwrap().1).await.unwrap().unwrap();
    assert_eq!(send(app, out(&actor.csrf)).await.0, StatusCode::SEE_OTHER);
    assert!(access::session(app, cookie.split_once('=').unwrap().1).await.unwrap().is_none());
}
