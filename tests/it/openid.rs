//! Sign-in through a real OpenID Connect provider (npm's `oidc-provider`, `tests/oidc/server.mjs`), where `RETEX_TEST_OIDC` names one;
//! `tests/run` does. The test is the browser: it carries the cookies of both, and says to the provider who signs in.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use openidconnect::url::Url;
use retex::{
    access::{self, Profile, factor, invitation},
    app::App,
    clock::Clock,
    config::{Config, OpenId},
    convention::perimeter::Role,
    ids::AccountId,
    openid::Provider,
};
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use crate::ground::{Ground, variable};

const HUB: &str = "http://127.0.0.1:9";
const MONTREUIL: &str = "21930048000013";
const METROPOLE: &str = "20005478100022";

/// What is kept of cookies: name and value.
type Cookies = BTreeMap<String, String>;

fn keep(cookies: &mut Cookies, headers: &HeaderMap) {
    for cookie in headers.get_all(header::SET_COOKIE) {
        let (pair, rest) = cookie.to_str().unwrap().split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        if value.is_empty() || rest.contains("Max-Age=0") {
            cookies.remove(name)
        } else {
            cookies.insert(name.to_owned(), value.to_owned())
        };
    }
}

fn sent(cookies: &Cookies) -> String {
    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

/// A person before a browser.
struct Browser<'a> {
    app: &'a App,
    hub: Cookies,
    provider: Cookies,
    http: reqwest::Client,
    /// As the provider knows them.
    person: Json,
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Page {
    fn location(&self) -> Url {
        Url::parse(HUB).unwrap().join(self.headers[header::LOCATION].to_str().unwrap()).unwrap()
    }
}

impl<'a> Browser<'a> {
    fn new(app: &'a App, person: Json) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { app, hub: Cookies::new(), provider: Cookies::new(), http, person }
    }

    async fn ask(&mut self, request: Request<Body>) -> Page {
        let (mut parts, body) = request.into_parts();
        parts.headers.insert(header::COOKIE, sent(&self.hub).parse().unwrap());
        let response = retex::http::router::router(self.app.clone()).oneshot(Request::from_parts(parts, body)).await.unwrap();
        let (parts, body) = response.into_parts();
        keep(&mut self.hub, &parts.headers);
        let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        Page { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&mut self, path: &str) -> Page {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Follows the button; gives the address at the provider.
    async fn begin(&mut self) -> Url {
        let page = self.get("/connexion/proconnect?suite=/experimentations").await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        page.location()
    }

    /// Signs in at the provider; gives the address that it sends back to.
    async fn at_provider(&mut self, mut url: Url) -> Url {
        let person = self.person.to_string().bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        for _ in 0..10 {
            let request = self.http.get(url.clone()).header("cookie", sent(&self.provider)).header("x-person", &person);
            let response = request.send().await.unwrap();
            keep(&mut self.provider, response.headers());
            assert!(response.status().is_redirection(), "{}: {}", response.status(), response.text().await.unwrap());
            url = url.join(response.headers()["location"].to_str().unwrap()).unwrap();
            if url.as_str().starts_with(HUB) {
                return url;
            }
        }
        panic!("the provider leads nowhere");
    }

    async fn back(&mut self, url: &Url) -> Page {
        self.get(&format!("{}?{}", url.path(), url.query().unwrap_or_default())).await
    }

    async fn sign_in(&mut self) -> Page {
        let url = self.begin().await;
        let back = self.at_provider(url).await;
        self.back(&back).await
    }

    /// Signs in; gives who.
    async fn enter(&mut self) -> access::Actor {
        let page = self.sign_in().await;
        assert_eq!((page.status, page.location().path()), (StatusCode::SEE_OTHER, "/experimentations"), "{}", page.body);
        access::session(self.app, &self.hub["retex"]).await.unwrap().unwrap()
    }
}

fn with(url: &Url, name: &str, value: &str) -> Url {
    let pairs: Vec<(String, String)> =
        url.query_pairs().map(|(n, v)| (n.to_string(), if n == name { value.into() } else { v.into() })).collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned()).unwrap_or_default()
}

/// A hub that knows the provider; none if there is no provider. The clock is the true one, which the provider's tokens are of.
async fn hub(change: impl FnOnce(&mut OpenId)) -> Option<(Ground, App)> {
    let issuer = variable("RETEX_TEST_OIDC")?;
    let ground = Ground::sqlite().await;
    let mut openid = OpenId {
        oidc_issuer: Some(issuer),
        oidc_client_id: Some("retex".into()),
        oidc_client_secret: Some("un secret de test, assez long pour signer".into()),
        oidc_scopes: "openid given_name usual_name email siret uid".into(),
        oidc_acr: "eidas1 eidas2".into(),
        oidc_second_factor_acr: "eidas2 eidas3".into(),
    };
    change(&mut openid);
    let config = Config { openid, public_url: Some(HUB.into()), ..Config::clone(&ground.app.config) };
    let provider = Provider::of(&config).unwrap().map(Arc::new);
    let app = App { config: Arc::new(config), openid: provider, clock: Clock::system(), ..ground.app.clone() };
    Some((ground, app))
}

async fn invited(app: &App, email: &str, role: Role, site: Option<&str>) -> AccountId {
    let profile = Profile { email: email.into(), name: "Ada Morel".into(), role, site: site.map(|s| s.parse().unwrap()) };
    invitation::invite(app, None, profile).await.unwrap()
}

fn ada(acr: &str) -> Json {
    // The tests share the provider, which knows people by their subject: each test's Ada is another.
    let sub = format!("sujet-ada-{}", std::process::id());
    json!({"sub": sub, "acr": acr, "email": "Ada@exemple.fr", "given_name": "Ada", "usual_name": "Morel", "siret": MONTREUIL, "uid": "1"})
}

fn said(page: &Page, sentence: &str) {
    assert!(matches!(page.status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED), "{}: {}", page.status, page.body);
    assert!(page.body.contains(sentence), "{sentence}\n{}", page.body);
    assert!(!page.headers.get_all(header::SET_COOKIE).iter().any(|c| c.to_str().unwrap().starts_with("retex=")), "no session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_enters_by_the_provider_and_leaves_it_too() {
    let Some((_ground, app)) = hub(|_| {}).await else { return };
    let id = invited(&app, "ada@exemple.fr", Role::Contributor, Some("219300480")).await;
    let mut browser = Browser::new(&app, ada("eidas1"));
    assert!(
        browser.get("/connexion").await.body.contains("S&#39;identifier avec ProConnect")
            || browser.get("/connexion").await.body.contains("S'identifier avec ProConnect")
    );
    let url = browser.begin().await;
    for (name, fewest) in [("state", 32), ("nonce", 32), ("code_challenge", 43)] {
        assert!(parameter(&url, name).len() >= fewest, "{name} of {url}");
    }
    assert_eq!(
        ["response_type", "code_challenge_method", "redirect_uri", "acr_values"].map(|n| parameter(&url, n)),
        ["code", "S256", "http://127.0.0.1:9/connexion/proconnect/retour", "eidas1 eidas2"]
    );
    let actor = browser.enter().await;
    assert_eq!((actor.account, actor.role, actor.second_factor), (id, Role::Contributor, None));
    // The next time the subject is enough, and a second factor there is one here.
    let mut renamed = ada("eidas2");
    renamed["email"] = json!("ada.morel@ailleurs.fr");
    let mut again = Browser::new(&app, renamed);
    let actor = again.enter().await;
    assert_eq!((actor.account, actor.second_factor), (id, Some(factor::PROVIDER)));
    assert_eq!(access::confirm(&app, &actor, "").await.unwrap(), factor::PROVIDER, "just now");

    // The logout goes on to the provider, which comes back.
    let form = Request::post("/deconnexion").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let page = again.ask(form.body(Body::from(format!("csrf={}", actor.csrf))).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(app.store.session(actor.session.as_deref().unwrap(), app.clock.now()).await.unwrap().is_none());
    let url = Url::parse(page.headers[header::REFRESH].to_str().unwrap().split_once("url=").unwrap().1).unwrap();
    assert_eq!(parameter(&url, "post_logout_redirect_uri"), "http://127.0.0.1:9/connexion");
    let asked = again.http.get(url.clone()).header("cookie", sent(&again.provider)).send().await.unwrap();
    assert_eq!(asked.status().as_u16(), 200);
    keep(&mut again.provider, asked.headers());
    let body = asked.text().await.unwrap();
    let xsrf = body.split("name=\"xsrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let confirm = again.http.post(url.join("/session/end/confirm").unwrap()).header("cookie", sent(&again.provider));
    let confirm = confirm.header("content-type", "application/x-www-form-urlencoded").body(format!("xsrf={xsrf}&logout=yes"));
    let confirmed = confirm.send().await.unwrap();
    assert!(confirmed.headers()["location"].to_str().unwrap().starts_with("http://127.0.0.1:9/connexion?state="));
    assert!(retex::audit::verify(&app.store).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_verify_opens_nothing() {
    let Some((_ground, app)) = hub(|_| {}).await else { return };
    invited(&app, "ada@exemple.fr", Role::Contributor, Some("219300480")).await;
    let mut browser = Browser::new(&app, ada("eidas1"));

    // Another nonce than the one asked with.
    let url = browser.begin().await;
    let back = browser.at_provider(with(&url, "nonce", "un nonce que personne n'a demandé, mais assez long")).await;
    said(&browser.back(&back).await, "L&#39;identification n&#39;a pas abouti");
    // Another state, or another browser: the code is not even tried.
    let url = browser.begin().await;
    let back = browser.at_provider(url).await;
    said(&browser.back(&with(&back, "state", &"0".repeat(64))).await, "Cette identification a expiré");
    let url = browser.begin().await;
    let back = browser.at_provider(url).await;
    said(&Browser::new(&app, ada("eidas1")).back(&back).await, "Cette identification a expiré");
    // A code that served, again and under the state of another sign-in.
    let url = browser.begin().await;
    let back = browser.at_provider(url).await;
    let kept = browser.hub.clone();
    assert_eq!(browser.back(&back).await.status, StatusCode::SEE_OTHER);
    browser.hub = kept;
    said(&browser.back(&back).await, "Cette identification a expiré");
    let url = browser.begin().await;
    said(&browser.back(&with(&back, "state", &parameter(&url, "state"))).await, "L&#39;identification n&#39;a pas abouti");
    // A fresh code of one sign-in under the state of another: its verifier is not the one.
    let first = browser.begin().await;
    let code = browser.at_provider(first).await;
    let second = browser.begin().await;
    said(&browser.back(&with(&code, "state", &parameter(&second, "state"))).await, "L&#39;identification n&#39;a pas abouti");
    // The person gives up at the provider.
    let url = browser.begin().await;
    let path = format!("/connexion/proconnect/retour?error=access_denied&state={}", parameter(&url, "state"));
    said(&browser.get(&path).await, "L&#39;identification n&#39;a pas abouti");
    // Less than what was asked for.
    browser.person = ada("eidas0");
    browser.provider.clear();
    said(&browser.sign_in().await, "pas assez sûre");
    assert!(app.store.sessions(access_of(&app).await, app.clock.now()).await.unwrap().len() == 1, "the one that was right");
}

async fn access_of(app: &App) -> AccountId {
    app.store.account_by_email("ada@exemple.fr").await.unwrap().unwrap().id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_userinfo_that_is_not_signed_is_not_believed() {
    let Some((_ground, app)) = hub(|o| o.oidc_client_id = Some("retex-unsigned".into())).await else { return };
    invited(&app, "ada@exemple.fr", Role::Contributor, Some("219300480")).await;
    said(&Browser::new(&app, ada("eidas2")).sign_in().await, "L&#39;identification n&#39;a pas abouti");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_opens_no_account_and_gives_no_right() {
    let Some((_ground, app)) = hub(|_| {}).await else { return };
    let person = |change: &[(&str, Json)]| {
        let mut person = ada("eidas1");
        for (name, value) in change {
            person[*name] = value.clone();
        }
        person
    };
    let refused = async |change: &[(&str, Json)], sentence: &str| said(&Browser::new(&app, person(change)).sign_in().await, sentence);
    refused(&[], "Aucun compte n&#39;a votre adresse").await;
    let id = invited(&app, "ada@exemple.fr", Role::Contributor, Some("219300480")).await;
    for siret in [json!("38000000000019"), json!("21930048"), json!(""), json!(null), json!("é".repeat(7))] {
        refused(&[("siret", siret)], "employeur n&#39;est pas une collectivité").await;
    }
    refused(&[("siret", json!(METROPOLE))], "celui d&#39;une autre collectivité").await;
    refused(&[("email_verified", json!(false))], "pas vérifié votre adresse").await;
    access::set_disabled(&app, None, id, true).await.unwrap();
    refused(&[], "Votre compte est fermé").await;
    access::set_disabled(&app, None, id, false).await.unwrap();
    assert_eq!(Browser::new(&app, ada("eidas1")).enter().await.account, id);
    refused(&[("sub", json!(format!("un-autre-{}", std::process::id())))], "celui d&#39;une autre personne").await;
    // Known by the subject, and still only of their own employer, and not when disabled.
    refused(&[("siret", json!(METROPOLE))], "celui d&#39;une autre collectivité").await;
    access::set_disabled(&app, None, id, true).await.unwrap();
    refused(&[], "Votre compte est fermé").await;
    access::set_disabled(&app, None, id, false).await.unwrap();

    // The Métropole's people have no site here. A second factor of the hub is not gone around by the provider.
    let boss = invited(&app, "chef@exemple.fr", Role::Officer, None).await;
    let chief = [("sub", json!("sujet-chef")), ("email", json!("chef@exemple.fr")), ("siret", json!(METROPOLE))];
    let actor = Browser::new(&app, person(&chief)).enter().await;
    assert_eq!((actor.account, actor.role), (boss, Role::Officer));
    let secret = factor::begin(&app, &actor).await.unwrap().secret;
    factor::finish(&app, &actor, &crate::access::device(&secret, app.clock.now())).await.unwrap();
    let page = Browser::new(&app, person(&chief)).sign_in().await;
    assert!(page.status == StatusCode::OK && page.body.contains("action=\"/connexion/code\""), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_answer_is_said_so() {
    let ground = Ground::sqlite().await;
    let mut config = Config::clone(&ground.app.config);
    config.public_url = Some(HUB.into());
    config.openid.oidc_issuer = Some("http://127.0.0.1:1".into());
    assert_eq!(Provider::of(&config).unwrap_err().code, "openid_settings");
    config.openid.oidc_client_id = Some("retex".into());
    config.openid.oidc_client_secret = Some("secret".into());
    let provider = Provider::of(&config).unwrap().map(Arc::new);
    let app = App { config: Arc::new(config.clone()), openid: provider, ..ground.app.clone() };
    let page = Browser::new(&app, json!({})).get("/connexion/proconnect").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.body.contains("ne répond pas") && !page.body.contains("127.0.0.1:1"), "{}", page.body);
    config.openid.oidc_issuer = Some("http://ailleurs.exemple.fr".into());
    assert_eq!(Provider::of(&config).unwrap_err().code, "openid_settings", "in clear");
    // Without a provider there is no such page, and no button.
    let mut browser = Browser::new(&ground.app, json!({}));
    assert_eq!(browser.get("/connexion/proconnect").await.status, StatusCode::NOT_FOUND);
    assert!(!browser.get("/connexion").await.body.contains("ProConnect"));
}
