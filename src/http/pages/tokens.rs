//! The tokens.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    response::{IntoResponse, Redirect},
};

use super::accounts::{administrator, tabs};
use crate::{
    access,
    access::{Actor, NewToken},
    app::App,
    error::Error,
    http::{
        failure::{PageResult, html},
        load,
        state::{Posted, Signed, who},
        view::{Markup, Page, State, Tab},
        words,
    },
    ids::{AccountId, TokenId},
};

/// The page.
#[derive(Template)]
#[template(path = "tokens.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Tokens {
    pub page: Page,
    pub tabs: Vec<Tab>,
    pub fresh: Option<String>,
    pub csrf: String,
    pub accounts: Vec<(String, String)>,
    pub tokens: Vec<TokenRow>,
}

/// One token.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct TokenRow {
    pub id: String,
    pub name: String,
    pub account: String,
    pub created: String,
    pub used: String,
    pub badge: Markup,
    pub live: bool,
}

/// `GET /administration/jetons`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    administrator(&actor)?;
    draw(&app, &actor, None).await
}

async fn draw(app: &App, actor: &Actor, fresh: Option<String>) -> PageResult {
    let accounts = app.store.accounts().await?;
    let mut tokens = Vec::new();
    for account in &accounts {
        for t in app.store.tokens(account.id).await? {
            let live = t.revoked_at.is_none() && t.expires_at.is_none_or(|at| at > app.clock.now());
            tokens.push(TokenRow {
                id: t.id.to_string(),
                name: t.name,
                account: account.name.clone(),
                created: words::moment(t.created_at),
                used: t.last_used_at.map_or_else(|| "jamais".to_owned(), words::moment),
                badge: if live { State::Ok.badge("Actif") } else { State::Open.badge("Révoqué") },
                live,
            });
        }
    }
    html(Tokens {
        page: Page::new("Jetons d'accès", who(actor), "admin"),
        tabs: tabs(actor, "jetons"),
        fresh,
        csrf: actor.csrf.clone(),
        accounts: accounts
            .iter()
            .filter(|a| a.disabled_at.is_none())
            .map(|a| (a.id.to_string(), format!("{} ({})", a.name, a.email)))
            .collect(),
        tokens,
    })
}

/// `POST /administration/jetons`: the token is shown this once.
pub async fn create(Extract(app): Extract<App>, Posted(actor, fields): Posted) -> PageResult {
    administrator(&actor)?;
    let account: AccountId = fields.get("account").parse()?;
    let name = fields.get("name").trim();
    if name.is_empty() {
        return Err(Error::invalid("token_name", "Donnez un nom au jeton, pour le reconnaître plus tard.").into());
    }
    let account = app.store.account(account).await?.ok_or_else(load::absent)?;
    let new = NewToken { name: name.to_owned(), ..NewToken::default() };
    let (_, token) = access::create_token(&app, Some(&actor), &account, new).await?;
    draw(&app, &actor, Some(token)).await
}

/// `POST /administration/jetons/{id}/revocation`.
pub async fn revoke(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, _): Posted) -> PageResult {
    administrator(&actor)?;
    let id: TokenId = id.parse().map_err(|_| load::absent())?;
    let account = app.store.token_owner(id).await?.ok_or_else(load::absent)?;
    access::revoke_token(&app, Some(&actor), account, id).await?;
    Ok(Redirect::to("/administration/jetons").into_response())
}
