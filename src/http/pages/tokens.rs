//! The tokens: one's own, and for administrators everybody's and those of services.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use chrono::TimeDelta;

use super::accounts::{Choice, administrator, tabs};
use crate::{
    access::{self, Actor, NewToken, token},
    app::App,
    convention::{
        perimeter::Role,
        scope::{Scope, Verb},
    },
    error::{Error, Kind, Result},
    http::{
        failure::{PageResult, html},
        load,
        state::{Fields, Posted, Signed, who},
        view::{Markup, Page, State, Tab},
        words,
    },
    ids::TokenId,
};

/// The page.
#[derive(Template)]
#[template(path = "tokens.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Tokens {
    pub page: Page,
    pub tabs: Vec<Tab>,
    /// Whether it is the administrators' page.
    pub services: bool,
    pub action: &'static str,
    pub error: Option<String>,
    pub fresh: Option<String>,
    pub csrf: String,
    pub accounts: Vec<Choice>,
    pub verbs: Vec<Choice>,
    pub name: String,
    pub sites: String,
    pub datasets: String,
    pub tokens: Vec<TokenRow>,
}

/// One token.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct TokenRow {
    pub id: String,
    pub name: String,
    pub account: String,
    pub kind: &'static str,
    pub scope: String,
    pub ends: String,
    pub used: String,
    pub badge: Markup,
    pub live: bool,
}

const OWN: &str = "/compte/jetons";
const ALL: &str = "/administration/jetons";

/// `GET /compte/jetons`.
pub async fn own(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    draw(&app, &actor, false, &Fields::default(), None, None).await
}

/// `GET /administration/jetons`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    administrator(&actor)?;
    draw(&app, &actor, true, &Fields::default(), None, None).await
}

async fn draw(app: &App, actor: &Actor, services: bool, fields: &Fields, error: Option<String>, fresh: Option<String>) -> PageResult {
    let tokens = token::list(app, actor, services).await?.into_iter().map(row).collect();
    let accounts = if services { app.store.accounts().await? } else { Vec::new() };
    let owns = |a: &&crate::store::accounts::Account| {
        a.disabled_at.is_none() && a.role.parse().is_ok_and(|r| matches!(r, Role::Contributor | Role::Analyst))
    };
    let verbs = if services { &[Verb::Read, Verb::Deposit, Verb::Write] } else { token::verbs(actor.role) };
    let taken = |v: &Verb| if fields.0.is_empty() { *v == Verb::Read } else { fields.0.iter().any(|(n, x)| n == "verb" && x == v.name()) };
    let page = if services {
        Page::new("Jetons d'accès", who(actor), "admin")
    } else {
        Page::new("Mes jetons d'accès", who(actor), "account").under("Mon compte", "/compte")
    };
    html(Tokens {
        page,
        tabs: if services { tabs(actor, "jetons") } else { Vec::new() },
        services,
        action: if services { ALL } else { OWN },
        error,
        fresh,
        csrf: actor.csrf.clone(),
        accounts: accounts
            .iter()
            .filter(owns)
            .map(|a| (a.id.to_string(), format!("{} ({})", a.name, a.email), a.id.to_string() == fields.get("account")))
            .collect(),
        verbs: verbs.iter().map(|v| (v.name().to_owned(), words::sentence(v.in_french()), taken(v))).collect(),
        name: fields.get("name").to_owned(),
        sites: fields.get("sites").to_owned(),
        datasets: fields.get("datasets").to_owned(),
        tokens,
    })
}

fn row(l: token::Listed) -> TokenRow {
    let t = l.token;
    let scope = l.scope.map_or_else(
        || "tout ce que le compte peut".to_owned(),
        |s| {
            let sites = s.sites.iter().map(load::organisation).collect::<Vec<_>>().join(", ");
            let parts = [s.verbs_in_french(), sites, s.datasets.join(", ")];
            parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" · ")
        },
    );
    TokenRow {
        id: t.id.to_string(),
        name: t.name,
        account: l.account.name,
        kind: if t.service { "service" } else { "personnel" },
        scope,
        ends: t.expires_at.map_or_else(|| "jamais".to_owned(), |at| words::day(words::today(at))),
        used: t.last_used_at.map_or_else(|| "jamais".to_owned(), words::moment),
        badge: match (l.live, t.revoked_at.is_some()) {
            (true, _) => State::Ok.badge("Actif"),
            (_, true) => State::Open.badge("Révoqué"),
            _ => State::Open.badge("Expiré"),
        },
        live: l.live,
    }
}

/// `POST /compte/jetons`: the token is shown this once.
pub async fn create_own(Extract(app): Extract<App>, Posted(actor, fields): Posted) -> PageResult {
    create(&app, &actor, false, &fields).await
}

/// `POST /administration/jetons`: the token is shown this once.
pub async fn create_service(Extract(app): Extract<App>, Posted(actor, fields): Posted) -> PageResult {
    administrator(&actor)?;
    create(&app, &actor, true, &fields).await
}

async fn create(app: &App, actor: &Actor, service: bool, fields: &Fields) -> PageResult {
    match make(app, actor, service, fields).await {
        Ok(secret) => draw(app, actor, service, &Fields::default(), None, Some(secret)).await,
        Err(error) if error.kind == Kind::Invalid => {
            let page = draw(app, actor, service, fields, Some(error.message), None).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn make(app: &App, actor: &Actor, service: bool, fields: &Fields) -> Result<String> {
    let id = if service { fields.get("account").parse()? } else { actor.account };
    let account = app.store.account(id).await?.ok_or_else(load::absent)?;
    let listed = |name: &str| -> Vec<String> {
        fields.get(name).split([',', ';', '\n']).map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect()
    };
    let sites = listed("sites").iter().map(|code| site(code)).collect::<Result<_>>()?;
    let verbs = fields.0.iter().filter(|(n, _)| n == "verb").map(|(_, v)| v.parse()).collect::<Result<_>>()?;
    let days = || Error::invalid("token_expiry", "Choisissez la durée du jeton\u{a0}: un an au plus.");
    let days: i64 = fields.get("days").parse().ok().filter(|d| (1..=366).contains(d)).ok_or_else(days)?;
    let new = NewToken {
        name: fields.get("name").to_owned(),
        expires_at: Some(app.clock.now() + TimeDelta::days(days)),
        scope: Some(Scope { sites, datasets: listed("datasets"), verbs }),
        service,
    };
    Ok(access::create_token(app, Some(actor), &account, new).await?.1)
}

/// A site by its SIREN, its INSEE code or its name.
fn site(text: &str) -> Result<crate::ids::Siren> {
    let by_name = || crate::territory::all().iter().find(|o| o.name.to_lowercase() == text.to_lowercase());
    let unknown = || Error::invalid("token_sites", format!("Aucune collectivité de la Métropole ne s'appelle «\u{a0}{text}\u{a0}»."));
    crate::territory::by_code(text).or_else(by_name).map(|o| o.siren.clone()).ok_or_else(unknown)
}

/// `POST /compte/jetons/{id}/revocation`.
pub async fn revoke_own(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, _): Posted) -> PageResult {
    revoke(&app, &actor, &id, OWN).await
}

/// `POST /administration/jetons/{id}/revocation`.
pub async fn revoke_any(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, _): Posted) -> PageResult {
    administrator(&actor)?;
    revoke(&app, &actor, &id, ALL).await
}

async fn revoke(app: &App, actor: &Actor, id: &str, back: &str) -> PageResult {
    let id: TokenId = id.parse().map_err(|_| load::absent())?;
    token::revoke(app, actor, id).await?;
    Ok(Redirect::to(back).into_response())
}
