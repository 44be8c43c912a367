//! Signing through the pages: by a signatory, on paper, in a parapheur; what is refused, and what is not there for others.

use std::path::Path;

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use chrono::{DateTime, TimeDelta, Utc};
use retex::{
    convention::{Convention, register},
    http::router::router,
    ids::{AccountId, TokenId},
    jobs::sweep,
    store::{
        accounts::{Account, Session, Token},
        conventions::ConventionHead,
    },
};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::ground::Ground;

const CSRF: &str = "jeton-de-formulaire";
const MONTREUIL: &str = "219300480";
const BONDY: &str = "219300100";
const BASE: &str = "/experimentations/parapheur-2026";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/pades").join(name)).unwrap()
}

/// A convention of the Métropole, Montreuil and Bondy that is open for signature, and people.
struct Hub {
    ground: Ground,
    router: Router,
    head: ConventionHead,
}

impl Hub {
    async fn open() -> Self {
        let ground = Ground::sqlite().await;
        // The parapheur's fixtures were signed on 24 November 2026.
        let to: DateTime<Utc> = "2026-12-01T08:00:00Z".parse().unwrap();
        ground.app.clock.advance(to - ground.app.clock.now());
        for (who, role, site, factor) in [
            ("montreuil", "signatory", Some(MONTREUIL), true),
            ("bondy", "signatory", Some(BONDY), true),
            ("plain", "signatory", Some(BONDY), false),
            ("metropole", "signatory", None, true),
            ("stranger", "signatory", Some("217500016"), true),
            ("contributor", "contributor", Some(MONTREUIL), false),
            ("officer", "officer", None, false),
            ("analyst", "analyst", None, false),
        ] {
            person(&ground, who, role, site, factor).await;
        }
        let json: Json = serde_json::from_slice(&fixture("convention.json")).unwrap();
        let head = register::import(&ground.app, json).await.unwrap();
        Self { router: router(ground.app.clone()), ground, head }
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, who: &str, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).header(header::COOKIE, format!("retex={who}")).body(Body::empty()).unwrap();
        read(self.send(request).await).await
    }

    async fn api(&self, who: &str, path: &str) -> (StatusCode, String) {
        let request = Request::get(format!("/api/v1{path}")).header(header::AUTHORIZATION, format!("Bearer {who}"));
        read(self.send(request.body(Body::empty()).unwrap()).await).await
    }

    async fn post(&self, who: &str, path: &str, form: &str) -> (StatusCode, String) {
        let request = Request::post(path)
            .header(header::COOKIE, format!("retex={who}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("csrf={CSRF}&{form}")))
            .unwrap();
        read(self.send(request).await).await
    }

    /// Sends a signed document; gives the status and the address that follows.
    async fn upload(&self, who: &str, means: &str, file: &[u8]) -> (StatusCode, String) {
        let mut body = Vec::new();
        for (name, value) in [("csrf", CSRF), ("means", means)] {
            body.extend(format!("--limite\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes());
        }
        body.extend(b"--limite\r\nContent-Disposition: form-data; name=\"file\"; filename=\"signe.pdf\"\r\n\r\n");
        body.extend(file);
        body.extend(b"\r\n--limite--\r\n");
        let request = Request::post(format!("{BASE}/signature/document"))
            .header(header::COOKIE, format!("retex={who}"))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=limite")
            .body(Body::from(body))
            .unwrap();
        let response = self.send(request).await;
        match response.headers().get(header::LOCATION) {
            Some(to) => (response.status(), to.to_str().unwrap().to_owned()),
            None => read(response).await,
        }
    }

    fn form(&self, sha256: &str) -> String {
        format!("sha256={sha256}&{DEED}&agree=1")
    }

    async fn signed(&self) -> Vec<String> {
        let signatures = self.ground.app.store.signatures("parapheur-2026").await.unwrap();
        signatures.iter().map(|s| format!("{} {} {}", s.party, s.means, s.name)).collect()
    }
}

const DEED: &str = "name=Camille+Martin&quality=Maire&deed_reference=DEL-2026-014&deed_date=2026-11-03";

async fn read(response: Response<Body>) -> (StatusCode, String) {
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

/// An account whose session and token are its name; with a second factor that a provider vouched for, or without any.
async fn person(ground: &Ground, who: &str, role: &str, site: Option<&str>, factor: bool) {
    let clock = &ground.app.clock;
    let account = Account {
        id: AccountId(clock.id()),
        email: format!("{who}@retex.example"),
        name: "Camille Martin".to_owned(),
        role: role.to_owned(),
        organisation: site.map(|s| s.parse().unwrap()),
        password_hash: None,
        created_at: clock.now(),
        disabled_at: None,
    };
    let mut tx = ground.app.store.begin().await.unwrap();
    tx.insert_account(&account).await.unwrap();
    tx.insert_session(&Session {
        token_sha256: hex::encode(Sha256::digest(who)),
        account_id: account.id,
        csrf: CSRF.to_owned(),
        created_at: clock.now(),
        expires_at: clock.now() + TimeDelta::days(1),
        last_seen_at: clock.now(),
        second_factor: factor.then(|| "provider".to_owned()),
        device: None,
        id_token: None,
    })
    .await
    .unwrap();
    tx.insert_token(&Token {
        id: TokenId(clock.id()),
        account_id: account.id,
        name: "essai".to_owned(),
        sha256: hex::encode(Sha256::digest(who)),
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
}

#[test]
fn the_fixtures_are_of_this_convention() {
    let json = serde_json::from_slice(&fixture("convention.json")).unwrap();
    let convention = Convention::from_json(json).unwrap();
    let named = convention.sha256.as_bytes();
    let holds = fixture("hub.pdf").windows(named.len()).any(|w| w == named);
    assert!(holds, "make.py names another hash than {}", convention.sha256);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signatory_signs_what_was_read() {
    let hub = Hub::open().await;
    let (sign, convention) = (format!("{BASE}/signature"), format!("{BASE}/convention"));
    assert!(hub.get("montreuil", "/").await.1.contains("Convention à signer, version 1"));
    assert!(hub.get("officer", "/").await.1.contains("3\u{a0}signatures attendues, version 1"));
    let (status, page) = hub.get("montreuil", &sign).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Signer pour Montreuil") && page.contains(&hub.head.sha256), "{page}");

    // Another hash, no consent, no date: nothing is written, and nothing typed is lost.
    for (form, status, words) in [
        (hub.form(&"0".repeat(64)), StatusCode::CONFLICT, "rechargez la page"),
        (hub.form(&hub.head.sha256).replace("&agree=1", ""), StatusCode::UNPROCESSABLE_ENTITY, "Cochez la case"),
        (hub.form(&hub.head.sha256).replace("2026-11-03", "hier"), StatusCode::UNPROCESSABLE_ENTITY, "Indiquez la date"),
        (hub.form(&hub.head.sha256).replace("2026-11-03", "2027-11-03"), StatusCode::UNPROCESSABLE_ENTITY, "est à venir"),
        (hub.form(&hub.head.sha256).replace("2026-11-03", "0001-01-01"), StatusCode::UNPROCESSABLE_ENTITY, "trop ancienne"),
        (hub.form(&hub.head.sha256).replace("Maire", ""), StatusCode::UNPROCESSABLE_ENTITY, "Indiquez la qualité"),
    ] {
        let (got, page) = hub.post("montreuil", &sign, &form).await;
        assert_eq!(got, status, "{form}: {page}");
        assert!(page.contains(words) && page.contains("DEL-2026-014"), "{words} in {page}");
    }
    // The second factor comes last: a form that has to be mended uses no code up.
    let (status, page) = hub.post("plain", &sign, &hub.form(&hub.head.sha256).replace("2026-11-03", "2027-11-03")).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("est à venir"), "{page}");
    let (status, page) = hub.post("plain", &sign, &hub.form(&hub.head.sha256)).await;
    assert!(status == StatusCode::FORBIDDEN && page.contains("second facteur") && page.contains("DEL-2026-014"), "{page}");
    assert_eq!(hub.post("contributor", &sign, &hub.form(&hub.head.sha256)).await.0, StatusCode::FORBIDDEN);
    assert_eq!(hub.post("officer", &sign, &hub.form(&hub.head.sha256)).await.0, StatusCode::FORBIDDEN);
    assert!(hub.signed().await.is_empty());

    assert_eq!(hub.post("montreuil", &sign, &hub.form(&hub.head.sha256)).await.0, StatusCode::SEE_OTHER);
    let (status, page) = hub.post("montreuil", &sign, &hub.form(&hub.head.sha256)).await;
    assert!(status == StatusCode::CONFLICT && page.contains("déjà signée"), "{page}");
    assert_eq!(hub.signed().await, [format!("{MONTREUIL} hub Camille Martin")]);
    assert!(!hub.get("montreuil", "/").await.1.contains("Convention à signer"));

    let (_, page) = hub.get("bondy", &convention).await;
    for words in ["Camille Martin, Maire", "DEL-2026-014 du 3\u{a0}novembre 2026", "avec un second facteur", "La Métropole n’a pas signé"]
    {
        assert!(page.contains(words), "{words} in {page}");
    }
    assert_eq!(hub.post("metropole", &sign, &hub.form(&hub.head.sha256)).await.0, StatusCode::SEE_OTHER);
    let (_, page) = hub.get("montreuil", &convention).await;
    assert!(page.contains("En vigueur") && page.contains("Bondy n’a pas signé"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_convention_is_like_none() {
    let hub = Hub::open().await;
    for path in ["convention", "convention.pdf", "signature", "versions/1/convention.pdf", "versions/1/signatures/219300480"] {
        let foreign = hub.get("stranger", &format!("{BASE}/{path}")).await;
        let absent = hub.get("stranger", &format!("/experimentations/absente/{path}")).await;
        assert_eq!(foreign.0, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(foreign, absent, "{path}");
    }
    let form = hub.form(&hub.head.sha256);
    for path in ["signature", "convention/retrait", "convention/fin", &format!("signature/document/papier/{}", "0".repeat(64))] {
        let foreign = hub.post("stranger", &format!("{BASE}/{path}"), &form).await;
        assert_eq!(foreign, hub.post("stranger", &format!("/experimentations/absente/{path}"), &form).await, "{path}");
        assert_eq!(foreign.0, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["versions/0/convention.pdf", "versions/2/convention.pdf", "versions/x/convention.pdf", "versions/1/signatures/219300480"] {
        assert_eq!(hub.get("montreuil", &format!("{BASE}/{path}")).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_records_a_signature_on_paper() {
    let hub = Hub::open().await;
    let scan = b"\x89PNG\r\n\x1a\n et le reste";
    let (status, page) = hub.upload("officer", "papier", b"GIF89a").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("numérisez le document signé"), "{page}");
    assert_eq!(hub.upload("analyst", "papier", scan).await.0, StatusCode::FORBIDDEN);
    assert_eq!(hub.upload("montreuil", "papier", scan).await.0, StatusCode::FORBIDDEN);

    let (status, next) = hub.upload("officer", "papier", scan).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{next}");
    let (status, page) = hub.get("officer", &next).await;
    assert!(status == StatusCode::OK && page.contains("Bondy"), "{page}");
    let record = format!("party={BONDY}&{DEED}");
    let (status, page) = hub.post("officer", &next, &record).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("Cochez la case") && page.contains("DEL-2026-014"), "{page}");
    let (status, page) = hub.post("officer", &next, &format!("party=217500016&{DEED}&confirm=1")).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{page}");
    let (status, page) =
        hub.post("officer", &format!("{BASE}/signature/document/papier/{}", "0".repeat(64)), &format!("{record}&confirm=1")).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("choisissez-le de nouveau"), "{page}");
    assert_eq!(hub.post("officer", &next, &format!("{record}&confirm=1")).await.0, StatusCode::SEE_OTHER);
    assert_eq!(hub.signed().await, [format!("{BONDY} paper Camille Martin")]);

    // The scan stays, and is for the Métropole and the party that signed it.
    hub.ground.app.clock.advance(TimeDelta::days(0));
    sweep::sweep(&hub.ground.app, TimeDelta::zero()).await.unwrap();
    let path = format!("{BASE}/versions/1/signatures/{BONDY}");
    let request = Request::get(&path).header(header::COOKIE, "retex=bondy").body(Body::empty()).unwrap();
    let response = hub.send(request).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "image/png");
    assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    let disposition = format!("attachment; filename=\"signature-parapheur-2026-v1-{BONDY}.png\"");
    assert_eq!(response.headers()[header::CONTENT_DISPOSITION], disposition.as_str());
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(&bytes[..], scan);
    assert_eq!(hub.get("officer", &path).await.0, StatusCode::OK);
    for who in ["montreuil", "analyst", "contributor", "stranger"] {
        assert_eq!(hub.get(who, &path).await.0, StatusCode::NOT_FOUND, "{who}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_imports_what_a_parapheur_signed() {
    let hub = Hub::open().await;
    for (file, words) in [("other.pdf", "n&#39;est pas la version"), ("hub-unsigned.pdf", "ne porte aucune signature")] {
        let (_, next) = hub.upload("officer", "parapheur", &fixture(file)).await;
        let (status, page) = hub.get("officer", &next).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{file}");
        assert!(page.contains(words), "{words} in {page}");
        assert_eq!(hub.post("officer", &next, &format!("party={MONTREUIL}&{DEED}&confirm=1")).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (status, next) = hub.upload("officer", "parapheur", &fixture("hub.pdf")).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (status, page) = hub.get("officer", &next).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    for words in ["Camille Martin (Commune d&#39;essai)", "24\u{a0}novembre 2026", "Autorité non vérifiée", "a écrit le fichier de nouveau"]
    {
        assert!(page.contains(words), "{words} in {page}");
    }
    let record = format!("party={MONTREUIL}&{DEED}");
    assert_eq!(hub.post("officer", &next, &record).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(hub.post("officer", &next, &format!("{record}&confirm=1")).await.0, StatusCode::SEE_OTHER);
    assert_eq!(hub.signed().await, [format!("{MONTREUIL} parapheur Camille Martin")]);
    assert_eq!(hub.get("montreuil", &format!("{BASE}/versions/1/signatures/{MONTREUIL}")).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_taken_back_and_a_convention_ended_by_officers_alone() {
    let hub = Hub::open().await;
    let (withdraw, end) = (format!("{BASE}/convention/retrait"), format!("{BASE}/convention/fin"));
    for who in ["montreuil", "analyst", "metropole"] {
        assert_eq!(hub.post(who, &withdraw, "reason=x").await.0, StatusCode::FORBIDDEN, "{who}");
        assert_eq!(hub.post(who, &end, "on=2026-12-24&reason=x").await.0, StatusCode::FORBIDDEN, "{who}");
    }
    let (status, page) = hub.post("officer", &end, "on=2026-12-24&reason=Trop+lent").await;
    assert!(status == StatusCode::CONFLICT && page.contains("Trop lent"), "nothing to end yet: {page}");
    let sign = format!("{BASE}/signature");
    for who in ["metropole", "montreuil"] {
        assert_eq!(hub.post(who, &sign, &hub.form(&hub.head.sha256)).await.0, StatusCode::SEE_OTHER);
    }
    assert_eq!(hub.post("officer", &withdraw, "reason=Erreur").await.0, StatusCode::CONFLICT, "it binds Montreuil");
    let (status, page) = hub.post("officer", &end, "on=2028-01-01&reason=Trop+lent").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("changez la date"), "{page}");
    assert_eq!(hub.post("officer", &end, "on=2026-12-24&reason=Trop+lent").await.0, StatusCode::SEE_OTHER);
    let (_, page) = hub.get("bondy", &format!("{BASE}/convention")).await;
    assert!(page.contains("son dernier jour est le 24\u{a0}décembre 2026") && page.contains("Trop lent"), "{page}");
    assert!(hub.get("bondy", &sign).await.1.contains("Aucune signature ne vous est demandée"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_tells_versions_and_signatures() {
    let hub = Hub::open().await;
    assert_eq!(hub.post("montreuil", &format!("{BASE}/signature"), &hub.form(&hub.head.sha256)).await.0, StatusCode::SEE_OTHER);
    let (status, body) = hub.api("bondy", "/conventions/parapheur-2026/agreement").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let body: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(body["versions"][0]["state"], "open_for_signature");
    insta::assert_json_snapshot!(body);
    let (status, pdf) = hub.api("bondy", "/conventions/parapheur-2026/versions/1/convention.pdf").await;
    assert!(status == StatusCode::OK && pdf.starts_with("%PDF"));
    let absent = hub.api("stranger", "/conventions/absente/agreement").await;
    assert_eq!(absent.0, StatusCode::NOT_FOUND);
    assert_eq!(hub.api("stranger", "/conventions/parapheur-2026/agreement").await, absent);
}
