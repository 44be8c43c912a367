//! The hub against those who ask too much, lie about where they come from, or listen at the log.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, Response, StatusCode, header},
};
use retex::{app::App, config::Config, convention::Convention, http::router::router};
use serde_json::json;
use tower::ServiceExt;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    access_matrix::routes,
    ground::Ground,
    http::{Hub, MONTREUIL, read},
};

/// A request of a connection from `peer`, with what it says of the road behind it.
fn from(peer: &str, path: &str, forwarded: Option<&str>) -> Request<Body> {
    let mut request = Request::get(path);
    if let Some(forwarded) = forwarded {
        request = request.header("x-forwarded-for", forwarded);
    }
    let mut request = request.body(Body::empty()).unwrap();
    let peer: SocketAddr = if peer.contains(':') { format!("[{peer}]:4000") } else { format!("{peer}:4000") }.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

async fn status(router: &Router, request: Request<Body>) -> StatusCode {
    router.clone().oneshot(request).await.unwrap().status()
}

/// How many requests pass before one is refused.
async fn before_refusal(router: &Router, request: impl Fn() -> Request<Body>) -> (usize, Response<Body>) {
    for n in 0..3000 {
        let response = router.clone().oneshot(request()).await.unwrap();
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            return (n, response);
        }
    }
    panic!("nothing is refused");
}

/// Asserts that a request is counted with those that were refused: it is refused too, but for the few that come back while the clock runs.
async fn refused_soon(router: &Router, request: impl Fn() -> Request<Body>) -> Response<Body> {
    let (passed, refused) = before_refusal(router, request).await;
    assert!(passed < 100, "{passed}");
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_asks_so_much_and_no_more() {
    let ground = Ground::sqlite().await;
    let router = router(ground.app.clone());
    let page = || from("192.0.2.7", "/reglement", None);
    let (passed, refused) = before_refusal(&router, page).await;
    assert!((600..2000).contains(&passed), "{passed}");
    let wait: u64 = refused.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..60).contains(&wait));
    assert!(refused.headers().contains_key(header::CONTENT_SECURITY_POLICY), "like every answer");
    let (_, html) = read(refused).await;
    assert!(html.contains("<h1>Trop de demandes</h1>") && html.contains("Attendez"), "{html}");
    let (code, text) = read(refused_soon(&router, || from("192.0.2.7", "/api/v1/me", None)).await).await;
    assert_eq!((code.as_u16(), text.contains("\"too_many_requests\"")), (429, true), "{text}");
    // Others, and what keeps the service watched, go on.
    assert_eq!(status(&router, from("192.0.2.8", "/reglement", None)).await, 200);
    assert_eq!(status(&router, from("192.0.2.7", "/livez", None)).await, 200);
    // Nobody lies their way out.
    refused_soon(&router, || from("192.0.2.7", "/reglement", Some("198.51.100.1"))).await;
    // A machine has a whole network of IPv6.
    before_refusal(&router, || from("2001:db8:1:2::1", "/reglement", None)).await;
    refused_soon(&router, || from("2001:db8:1:2:ffff::9", "/reglement", None)).await;
    assert_eq!(status(&router, from("2001:db8:1:3::1", "/reglement", None)).await, 200);
    ground.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_account_asks_so_much_and_no_more() {
    let hub = Hub::with(&[]).await;
    let token =
        |who: &str| Request::get("/api/v1/me").header(header::AUTHORIZATION, format!("Bearer token-{who}")).body(Body::empty()).unwrap();
    let (passed, refused) = before_refusal(&hub.router, || token("analyst")).await;
    assert!((300..1500).contains(&passed), "{passed}");
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/problem+json");
    // The same person's session is the same account; a colleague is another.
    let page = || Request::get("/compte").header(header::COOKIE, "retex=session-analyst").body(Body::empty()).unwrap();
    assert!(refused_soon(&hub.router, page).await.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(status(&hub.router, token("officer")).await, 200);
}

/// Behind a proxy, the address is the last that the proxy did not write itself; from anybody else the header is only words.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_proxy_says_where_a_request_comes_from() {
    let ground = Ground::sqlite().await;
    let config =
        Config { trusted_proxy: vec!["10.0.0.0/8".parse().unwrap(), "192.0.2.1/32".parse().unwrap()], ..Config::clone(&ground.app.config) };
    let router = router(App { config: Arc::new(config), ..ground.app.clone() });
    let page = |peer: &str, forwarded: &str| from(peer, "/reglement", Some(forwarded));
    before_refusal(&router, || page("10.0.0.5", "198.51.100.9")).await;
    // Whatever the client writes before, and through two proxies.
    for forwarded in ["198.51.100.9", "203.0.113.1, 198.51.100.9", "198.51.100.9, 192.0.2.1", "x, 198.51.100.9, 10.9.9.9"] {
        refused_soon(&router, || page("10.0.0.5", forwarded)).await;
    }
    assert_eq!(status(&router, page("10.0.0.5", "198.51.100.10")).await, 200);
    assert_eq!(status(&router, page("203.0.113.7", "198.51.100.9")).await, 200, "not a proxy's word");
    ground.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_cookies_and_browsers_stay_there() {
    let ground = Ground::sqlite().await;
    let plain = router(ground.app.clone()).oneshot(from("192.0.2.7", "/connexion", None)).await.unwrap();
    assert!(!plain.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    let config = Config { public_url: Some("https://retex.example".to_owned()), ..Config::clone(&ground.app.config) };
    let secure =
        router(App { config: Arc::new(config), ..ground.app.clone() }).oneshot(from("192.0.2.7", "/connexion", None)).await.unwrap();
    assert!(secure.headers()[header::STRICT_TRANSPORT_SECURITY].to_str().unwrap().contains("max-age=31536000"));
    ground.close().await;
}

/// Every page and file, whoever asks: a strict policy, no inline script or style, no sniffing, nothing kept, and files to keep as attachments.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_keeps_browsers_strict() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let deposit = hub.deposits(MONTREUIL).await[0].id.to_string();
    let mut seen = 0;
    let parameter = regex::Regex::new(r"\{[a-z0-9]+\}").unwrap();
    for route in routes().into_iter().filter(|r| r.starts_with("GET ") && !r.contains("{asset") && !r.contains("/evenements")) {
        let path = route.strip_prefix("GET ").unwrap().replace("/experimentations/{name}", "/experimentations/tri-demandes-2026");
        let path =
            path.replace("/depots/{id}", &format!("/depots/{deposit}")).replace("{site}", MONTREUIL).replace("{dataset}", "demandes");
        let path = path.replace("indicateurs/{id}", "indicateurs/delai").replace("{n}", "1");
        let path = parameter.replace_all(&path, "01890000-0000-7000-8000-000000000000").into_owned();
        for who in ["contributor", "officer", "administrator", "data_protection_officer", "nobody"] {
            let request = Request::get(&path).header(header::COOKIE, format!("retex=session-{who}")).body(Body::empty()).unwrap();
            let response = hub.send(request).await;
            let headers = response.headers().clone();
            let value = |name| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
            assert_eq!(value(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
            let policy = value(header::CONTENT_SECURITY_POLICY);
            assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors"), "{path}: {policy}");
            assert!(
                !policy.contains("unsafe-eval") && !policy.replace("style-src 'unsafe-inline'", "").contains("unsafe-inline"),
                "{path}"
            );
            let kind = value(header::CONTENT_TYPE);
            let (status, text) = read(response).await;
            if !kind.starts_with("text/html") {
                let to_keep =
                    kind.starts_with("text/csv") || kind.starts_with("application/pdf") || kind.contains("zip") || kind.contains("sheet");
                assert!(!status.is_success() || !to_keep || value(header::CONTENT_DISPOSITION).starts_with("attachment"), "{path}: {kind}");
                continue;
            }
            seen += 1;
            let lower = text.to_lowercase();
            for inline in ["<script>", " onclick=", " onload=", " onerror=", " onsubmit=", " onchange=", "javascript:"] {
                assert!(!lower.contains(inline), "{path}: {inline}");
            }
            if !policy.contains("'unsafe-inline'") {
                assert!(!lower.contains("<style") && !lower.contains(" style="), "{path}");
            }
        }
    }
    assert!(seen > 60, "{seen} pages");
}

/// What a log keeps.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// At the most talkative level, no password, token, cookie, invitation or setting's secret reaches the log or an answer.
#[tokio::test]
async fn no_secret_reaches_the_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let ground = Ground::sqlite().await;
    let config = Config {
        s3_secret_key: Some("secret-du-lac".into()),
        smtp_password: Some("secret-du-courriel".into()),
        ..Config::clone(&ground.app.config)
    };
    tracing::info!(?config, "settings");
    let router = router(App { config: Arc::new(config), ..ground.app.clone() });
    let mut told = String::new();
    for (method, path, body) in [
        ("POST", "/connexion", "email=a%40b.fr&password=mot-de-passe-secret"),
        ("GET", "/invitation/secret-d-invitation", ""),
        ("GET", "/mot-de-passe/secret-de-lien", ""),
        ("POST", "/mot-de-passe/secret-de-lien", "password=mot-de-passe-secret"),
        ("GET", "/api/v1/me", ""),
        ("GET", "/experimentations", ""),
    ] {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, "Bearer jeton-tres-secret")
            .header(header::COOKIE, "retex=session-secrete")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>("192.0.2.7:4000".parse().unwrap()));
        told += &read(router.clone().oneshot(request).await.unwrap()).await.1;
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("/experimentations") && log.contains("settings"), "something is logged");
    for secret in [
        "mot-de-passe-secret",
        "secret-d-invitation",
        "secret-de-lien",
        "jeton-tres-secret",
        "session-secrete",
        "secret-du-lac",
        "secret-du-courriel",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
        assert!(secret == "secret-d-invitation" || secret == "secret-de-lien" || !told.contains(secret), "{secret} is in an answer");
    }
    ground.close().await;
}

/// A document that came from outside reads no file and asks no other machine.
#[test]
fn a_reference_to_a_file_or_an_address_is_refused() {
    let json = Convention::load_file(&crate::http::samples("tri-demandes").join("convention.yaml")).unwrap().json;
    for reference in [
        "./convention.yaml",
        "/etc/passwd",
        "file:///etc/passwd",
        "https://example.org/schema.json",
        "http://127.0.0.1:8080/",
        "//example.org/a",
    ] {
        let mut whole = json.clone();
        whole["datasets"]["demandes"]["schema"] = json!({"$ref": reference});
        assert!(Convention::from_json(whole).is_err(), "{reference} in place of a schema");
        let mut inside = json.clone();
        inside["datasets"]["demandes"]["schema"]["properties"]["bras"] = json!({"$ref": reference});
        let error = Convention::from_json(inside).map(|_| ()).unwrap_err();
        assert!(!serde_json::to_string(&error.message).unwrap().contains("root:"), "{reference}");
    }
}
