//! The person's second factor: activated, its recovery codes, removed.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use fast_qr::qr::QRBuilder;

use crate::{
    access::{
        Actor,
        factor::{self, Enrolment, Standing},
    },
    app::App,
    error::{Error, Kind, Result},
    http::{
        failure::{PageResult, html},
        load,
        state::{Posted, Signed, who},
        view::{Markup, Page, State},
        words,
    },
};

/// The page.
#[derive(Template)]
#[template(path = "second_factor.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct SecondFactor {
    pub page: Page,
    pub csrf: String,
    pub error: Option<String>,
    pub required: bool,
    pub enrolment: Option<Shown>,
    pub active: Option<(String, String)>,
    pub codes: Vec<String>,
}

/// A secret to scan or to type.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Shown {
    pub picture: Markup,
    pub secret: String,
    pub address: String,
}

/// `GET /compte/second-facteur`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    draw(&app, &actor, None, Vec::new()).await
}

async fn draw(app: &App, actor: &Actor, error: Option<String>, codes: Vec<String>) -> PageResult {
    let (mut enrolment, mut active) = (None, None);
    match factor::standing(app, actor).await? {
        Standing::Absent => {}
        Standing::Waiting(begun) => enrolment = Some(show(begun)?),
        Standing::Active { since, codes_left } => {
            active = Some((words::moment(since), words::plural(codes_left, "code de secours", "codes de secours")));
        }
    }
    html(SecondFactor {
        page: Page::new("Second facteur", who(actor), "account").under("Mon compte", "/compte"),
        csrf: actor.csrf.clone(),
        error,
        required: factor::required(actor.role),
        enrolment,
        active,
        codes,
    })
}

/// `POST /compte/second-facteur/{act}`.
pub async fn act(Extract(app): Extract<App>, Path(act): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let code = fields.get("code");
    let codes = match act.as_str() {
        "commencer" => factor::begin(&app, &actor).await.map(|_| Vec::new()),
        "activer" => factor::finish(&app, &actor, code).await,
        "codes" => factor::renew_codes(&app, &actor, code).await,
        "retirer" => factor::remove(&app, &actor, code).await.map(|()| Vec::new()),
        _ => Err(load::absent()),
    };
    match codes {
        Ok(codes) if codes.is_empty() => Ok(Redirect::to("/compte/second-facteur").into_response()),
        // Shown in this very answer, and never again.
        Ok(codes) => draw(&app, &actor, None, codes).await,
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::TooMany) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or_default();
            Ok((status, draw(&app, &actor, Some(error.message), Vec::new()).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn show(enrolment: Enrolment) -> Result<Shown> {
    let picture = picture(&enrolment.address)?;
    // In groups of four, as it is read aloud and typed.
    let secret = enrolment.secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    Ok(Shown { picture, secret, address: enrolment.address })
}

/// A QR code as SVG: dark on light whatever the page's colours, for cameras want it so.
fn picture(text: &str) -> Result<Markup> {
    const QUIET: usize = 4;
    let code = QRBuilder::new(text).build().map_err(|e| Error::internal(e.to_string()))?;
    let mut path = String::new();
    for y in 0..code.size {
        for x in (0..code.size).filter(|x| code[y][*x].value()) {
            path.push_str(&format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET));
        }
    }
    let side = code.size + 2 * QUIET;
    Ok(Markup(format!(
        r##"<svg class="qr" viewBox="0 0 {side} {side}" role="img" aria-label="Code à scanner avec l'application de votre téléphone" shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/><path fill="#000" d="{path}"/></svg>"##
    )))
}
