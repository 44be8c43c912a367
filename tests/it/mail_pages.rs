//! The pages about letters.

use axum::{
    body::Body,
    http::{HeaderMap, Request, header},
};
use chrono::TimeDelta;
use retex::{
    access::{self, NewAccount, SignedIn},
    app::App,
    config::Config,
    convention::perimeter::Role,
    http::router::router,
    mail::{self, Letter},
};
use tower::ServiceExt;

use crate::{ground::Ground, hub::MONTREUIL, mail_texts::letters};

const PASSWORD: &str = "une phrase de passe";

/// Someone with a session.
pub async fn session(app: &App, email: &str, role: Role, site: Option<&str>) -> SignedIn {
    let site = site.map(|s| s.parse().unwrap());
    let new = NewAccount { email: email.into(), name: "Ada Morel".into(), role, site, password: PASSWORD.into() };
    access::create_account(app, None, new).await.unwrap();
    access::sign_in(app, email, PASSWORD, "::1").await.unwrap().opened().unwrap()
}

pub async fn get(app: &App, who: &SignedIn, path: &str) -> (u16, HeaderMap, String) {
    let request = Request::get(path).header(header::COOKIE, format!("retex={}", who.token)).body(Body::empty()).unwrap();
    answer(app, request).await
}

pub async fn post(app: &App, who: &SignedIn, path: &str, form: &str) -> (u16, HeaderMap, String) {
    let request = Request::post(path)
        .header(header::COOKIE, format!("retex={}", who.token))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap();
    answer(app, request).await
}

async fn answer(app: &App, request: Request<Body>) -> (u16, HeaderMap, String) {
    let response = router(app.clone()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (parts.status.as_u16(), parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_shows_letters_in_the_demo_and_their_state_elsewhere() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    let admin = session(app, "admin@exemple.fr", Role::Administrator, None).await;
    let agent = session(app, "agent@exemple.fr", Role::Contributor, Some(MONTREUIL)).await;
    let to = app.store.account(agent.actor.account).await.unwrap().unwrap();
    for letter in letters() {
        let mut tx = app.store.begin().await.unwrap();
        mail::queue(app, &mut tx, &to, &letter, None).await.unwrap();
        tx.commit().await.unwrap();
        app.clock.advance(TimeDelta::seconds(1));
    }
    let id = app.store.mails(retex::store::Page::ALL).await.unwrap().last().unwrap().id;

    let (status, _, page) = get(app, &admin, "/administration/courriels").await;
    assert_eq!(status, 200);
    assert!(
        page.contains("Aucun serveur d&#39;envoi n&#39;est réglé") && page.contains("agent@exemple.fr") && page.contains("En attente"),
        "{page}"
    );
    assert!(!page.contains("0123456789abcdef") && !page.contains("Assistant de tri"), "no word of a letter");
    let paths = [format!("/administration/courriels/{id}"), format!("/administration/courriels/{id}/lettre.html")];
    for path in &paths {
        assert_eq!(get(app, &admin, path).await.0, 404, "{path}");
    }

    let demo = App { config: Config { demo: true, ..Config::clone(&app.config) }.into(), ..app.clone() };
    let (_, _, page) = get(&demo, &admin, "/administration/courriels").await;
    assert!(page.contains("aucun courriel n&#39;est envoyé") || page.contains("aucun courriel n'est envoyé"), "{page}");
    assert!(page.contains(&paths[0]) && page.contains("Votre accès à Retex"));
    let (status, headers, page) = get(&demo, &admin, &paths[0]).await;
    assert_eq!(status, 200);
    assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("frame-src 'self'"));
    assert!(page.contains("href=\"/invitation/0123456789abcdef\"") && page.contains("sandbox"), "{page}");
    let (status, headers, html) = get(&demo, &admin, &paths[1]).await;
    assert_eq!(status, 200);
    assert!(headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().ends_with("; sandbox"));
    assert!(html.contains("Choisir mon mot de passe"));
    for path in ["/administration/courriels", &paths[0], &paths[1]] {
        assert_eq!(get(&demo, &agent, path).await.0, 403, "{path}");
    }
    assert_eq!(get(&demo, &admin, "/administration/courriels/autre").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_chooses_on_a_page() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    let agent = session(app, "agent@exemple.fr", Role::Contributor, Some(MONTREUIL)).await;
    let (status, _, page) = get(app, &agent, "/compte/courriels").await;
    assert_eq!(status, 200);
    assert!(page.contains("Un dépôt est en retard") && !page.contains("name=\"invitation\""), "{page}");
    let csrf = &agent.actor.csrf;
    assert_eq!(post(app, &agent, "/compte/courriels", "csrf=faux&commented=never").await.0, 403);
    let (status, headers, _) = post(app, &agent, "/compte/courriels", &format!("csrf={csrf}&commented=never&purged=weekly")).await;
    assert_eq!((status, headers[header::LOCATION].to_str().unwrap()), (303, "/compte/courriels?fait=1"));
    let (_, _, page) = get(app, &agent, "/compte/courriels?fait=1").await;
    assert!(page.contains("Vos choix sont enregistrés") && page.contains("<option value=\"never\" selected>"), "{page}");
    for bad in ["commented=demain", "deposit_due=weekly"] {
        assert_eq!(post(app, &agent, "/compte/courriels", &format!("csrf={csrf}&{bad}")).await.0, 422, "{bad}");
    }
    assert_eq!(Letter::Digest { letters: Vec::new() }.kind(), "digest");
}
