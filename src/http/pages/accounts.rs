//! The accounts.

use askama::Template;
use axum::extract::State as Extract;

use crate::{
    access::Actor,
    app::App,
    convention::perimeter::Role,
    error::{Error, Kind, Result},
    http::{
        failure::{PageResult, html},
        load,
        state::{Signed, who},
        view::{Markup, Page, State, Tab, role_name},
        words,
    },
};

/// The page.
#[derive(Template)]
#[template(path = "accounts.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Accounts {
    pub page: Page,
    pub count: String,
    pub tabs: Vec<Tab>,
    pub accounts: Vec<AccountRow>,
}

/// One account.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct AccountRow {
    pub name: String,
    pub email: String,
    pub role: String,
    pub site: String,
    pub badge: Markup,
}

/// The tabs of administration that a role has.
pub fn tabs(actor: &Actor, here: &str) -> Vec<Tab> {
    let all = [("comptes", "Comptes"), ("jetons", "Jetons d'accès"), ("courriels", "Courriels"), ("journal", "Journal")];
    let own = all.into_iter().filter(|(name, _)| actor.role == Role::Administrator || *name == "journal");
    own.map(|(name, label)| (label.to_owned(), format!("/administration/{name}"), name == here)).collect()
}

/// Lets only administrators through.
pub fn administrator(actor: &Actor) -> Result<()> {
    if actor.role == Role::Administrator {
        Ok(())
    } else {
        Err(Error::new(Kind::Forbidden, "role", "Cette page est réservée aux administrateurs."))
    }
}

/// `GET /administration/comptes`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    administrator(&actor)?;
    let stored = app.store.accounts().await?;
    html(Accounts {
        page: Page::new("Comptes", who(&actor), "admin"),
        count: words::plural(stored.len() as u64, "compte", "comptes"),
        tabs: tabs(&actor, "comptes"),
        accounts: stored
            .iter()
            .map(|a| AccountRow {
                name: a.name.clone(),
                email: a.email.clone(),
                role: role_name(&a.role).to_owned(),
                site: a.organisation.as_ref().map_or_else(|| "Métropole du Grand Paris".to_owned(), load::organisation),
                badge: if a.disabled_at.is_none() { State::Ok.badge("Actif") } else { State::Open.badge("Fermé") },
            })
            .collect(),
    })
}
