//! The person's own account: password, second factor, sessions.

use askama::Template;
use axum::{
    extract::State as Extract,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};

use crate::{
    access::{Actor, account, factor, session},
    app::App,
    convention::perimeter::Role,
    error::Kind,
    http::{
        failure::{PageResult, html},
        state::{Posted, Signed, who},
        view::{Page, State},
        words,
    },
    store::accounts::Session,
};

/// The page.
#[derive(Template)]
#[template(path = "me.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Me {
    pub page: Page,
    pub csrf: String,
    pub email: String,
    pub error: Option<String>,
    pub role: Role,
    pub second_factor: bool,
    pub required: bool,
    pub has_password: bool,
    pub sessions: Vec<SessionRow>,
}

/// One session.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct SessionRow {
    pub id: String,
    pub device: String,
    pub opened: String,
    pub used: String,
    pub second_factor: &'static str,
    pub here: bool,
}

impl SessionRow {
    /// As `reader` sees it.
    pub fn new(s: &Session, reader: &Actor) -> Self {
        Self {
            here: reader.session.as_ref() == Some(&s.token_sha256),
            id: s.token_sha256.clone(),
            device: s.device.clone().unwrap_or_else(|| "Appareil inconnu".to_owned()),
            opened: words::moment(s.created_at),
            used: words::moment(s.last_seen_at),
            second_factor: match s.second_factor.as_deref() {
                Some(factor::TOTP) => "code du téléphone",
                Some(factor::RECOVERY) => "code de secours",
                Some(factor::PROVIDER) => "fournisseur d'identité",
                _ => "non",
            },
        }
    }
}

/// `GET /compte`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    draw(&app, &actor, None).await
}

async fn draw(app: &App, actor: &Actor, error: Option<String>) -> PageResult {
    let standing = factor::standing(app, actor).await?;
    let account = app.store.account(actor.account).await?;
    html(Me {
        page: Page::new("Mon compte", who(actor), "account"),
        csrf: actor.csrf.clone(),
        email: actor.email.clone(),
        error,
        role: actor.role,
        second_factor: matches!(standing, factor::Standing::Active { .. }),
        required: factor::required(actor.role),
        has_password: account.is_some_and(|a| a.password_hash.is_some()),
        sessions: session::list(app, actor, actor.account).await?.iter().map(|s| SessionRow::new(s, actor)).collect(),
    })
}

/// `POST /compte/mot-de-passe`.
pub async fn password(Extract(app): Extract<App>, Posted(actor, fields): Posted) -> PageResult {
    match account::change_password(&app, &actor, fields.get("present"), fields.get("password")).await {
        Ok(()) => Ok(Redirect::to("/compte").into_response()),
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::TooMany) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or_default();
            Ok((status, draw(&app, &actor, Some(error.message)).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /compte/sessions`: closes one, or all others.
pub async fn close(Extract(app): Extract<App>, Posted(actor, fields): Posted) -> PageResult {
    let one = fields.get("session");
    session::revoke(&app, Some(&actor), actor.account, (!one.is_empty()).then_some(one)).await?;
    Ok(Redirect::to("/compte").into_response())
}
