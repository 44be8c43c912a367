//! The accounts: listed, invited, changed, closed.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    http::StatusCode,
    response::{IntoResponse, Redirect},
};

use super::{confirm::Confirm, me::SessionRow};
use crate::{
    access::{
        self, Actor, Profile,
        account::{self, Listed},
        factor, invitation, session,
    },
    app::App,
    convention::perimeter::Role,
    error::{Error, Kind, Result},
    http::{
        failure::{PageResult, html},
        load,
        state::{Fields, Posted, Signed, who},
        view::{Fact, Markup, Page, State, Tab, role_name},
        words,
    },
    ids::{AccountId, Siren},
    territory,
};

/// The list.
#[derive(Template)]
#[template(path = "accounts.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Accounts {
    pub page: Page,
    pub count: String,
    pub tabs: Vec<Tab>,
    pub accounts: Vec<AccountRow>,
    pub roles: [Role; 6],
}

/// One account.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct AccountRow {
    pub href: String,
    pub name: String,
    pub email: String,
    pub role: String,
    pub site: String,
    pub badge: Markup,
    pub second_factor: bool,
}

/// The invitation.
#[derive(Template)]
#[template(path = "account_new.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Invite {
    pub page: Page,
    pub csrf: String,
    pub error: Option<String>,
    pub form: Form,
    pub glossary: Vec<Role>,
}

/// The fields that say who somebody is to be.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Form {
    pub email: String,
    pub name: String,
    pub roles: Vec<Choice>,
    pub sites: Vec<Choice>,
}

/// A choice: value, words, whether it is taken.
pub type Choice = (String, String, bool);

/// One account, and what may be done to it.
#[derive(Template)]
#[template(path = "account.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct AccountPage {
    pub page: Page,
    pub csrf: String,
    pub base: String,
    pub badge: Markup,
    pub facts: Vec<Fact>,
    pub invited: bool,
    pub disabled: bool,
    pub second_factor: bool,
    /// Whether the reader may do more than invite.
    pub full: bool,
    pub form: Form,
    pub sessions: Vec<SessionRow>,
    pub glossary: Vec<Role>,
}

/// The tabs of administration that a role has.
pub fn tabs(actor: &Actor, here: &str) -> Vec<Tab> {
    let all = [("comptes", "Comptes"), ("jetons", "Jetons d'accès"), ("courriels", "Courriels"), ("journal", "Journal")];
    let own = all.into_iter().filter(|(name, _)| match actor.role {
        Role::Administrator => true,
        Role::Officer => *name == "comptes",
        _ => *name == "journal",
    });
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

fn badge(l: &Listed, app: &App) -> Markup {
    match (l.account.disabled_at.is_some(), l.is_invited(), l.invited_until) {
        (true, ..) => State::Open.badge("Fermé"),
        (_, false, _) => State::Ok.badge("Actif"),
        (_, _, Some(until)) => {
            State::Todo.badge(&format!("Invité, {}", words::distance(words::today(until), words::today(app.clock.now()))))
        }
        (_, _, None) => State::No.badge("Invitation expirée"),
    }
}

fn site_name(site: Option<&Siren>) -> String {
    site.map_or_else(|| "Métropole du Grand Paris".to_owned(), load::organisation)
}

/// `GET /administration/comptes`.
pub async fn page(Extract(app): Extract<App>, Signed(actor): Signed) -> PageResult {
    let stored = account::list(&app, &actor).await?;
    html(Accounts {
        page: Page::new("Comptes", who(&actor), "admin"),
        count: words::plural(stored.len() as u64, "compte", "comptes"),
        tabs: tabs(&actor, "comptes"),
        roles: Role::ALL,
        accounts: stored
            .iter()
            .map(|l| AccountRow {
                href: format!("/administration/comptes/{}", l.account.id),
                name: l.account.name.clone(),
                email: l.account.email.clone(),
                role: role_name(&l.account.role).to_owned(),
                site: site_name(l.account.organisation.as_ref()),
                badge: badge(l, &app),
                second_factor: l.second_factor,
            })
            .collect(),
    })
}

/// The roles and sites that a person may give.
fn form(actor: &Actor, role: &str, site: &str) -> Form {
    let given = Role::ALL.into_iter().filter(|r| actor.role == Role::Administrator || matches!(r, Role::Contributor | Role::Signatory));
    let mut sites: Vec<Choice> = territory::all()
        .iter()
        .filter(|o| o.kind != territory::OrganisationKind::Metropole)
        .map(|o| (o.siren.to_string(), o.name.to_owned(), o.siren.as_str() == site))
        .collect();
    sites.sort_by(|a, b| a.1.cmp(&b.1));
    Form {
        roles: given.map(|r| (r.name().to_owned(), words::sentence(r.in_french()), r.name() == role)).collect(),
        sites,
        ..Form::default()
    }
}

fn profile(fields: &Fields) -> Result<Profile> {
    let site = fields.get("site");
    Ok(Profile {
        email: fields.get("email").to_owned(),
        name: fields.get("name").to_owned(),
        role: fields.get("role").parse()?,
        site: (!site.is_empty()).then(|| site.parse()).transpose()?,
    })
}

/// `GET /administration/comptes/nouveau`.
pub async fn new(Signed(actor): Signed) -> PageResult {
    actor.require(&[Role::Administrator, Role::Officer])?;
    draw_new(&actor, None, &Fields::default())
}

fn draw_new(actor: &Actor, error: Option<String>, fields: &Fields) -> PageResult {
    let filled = form(actor, fields.get("role"), fields.get("site"));
    html(Invite {
        page: Page::new("Inviter une personne", who(actor), "admin").under("Comptes", "/administration/comptes"),
        csrf: actor.csrf.clone(),
        error,
        glossary: Role::ALL.into_iter().filter(|r| filled.roles.iter().any(|(name, ..)| name == r.name())).collect(),
        form: Form { email: fields.get("email").to_owned(), name: fields.get("name").to_owned(), ..filled },
    })
}

/// `POST /administration/comptes`.
pub async fn invite(Extract(app): Extract<App>, Posted(actor, fields): Posted) -> PageResult {
    let invited = match profile(&fields) {
        Ok(profile) => invitation::invite(&app, Some(&actor), profile).await,
        Err(error) => Err(error),
    };
    match invited {
        Ok(id) => Ok(Redirect::to(&format!("/administration/comptes/{id}")).into_response()),
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::Conflict) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or_default();
            Ok((status, draw_new(&actor, Some(error.message), &fields)?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn managed(app: &App, actor: &Actor, id: &str) -> Result<Listed> {
    let id: AccountId = id.parse().map_err(|_| load::absent())?;
    account::managed(app, actor, id).await.map_err(|e| if e.kind == Kind::NotFound { load::absent() } else { e })
}

/// `GET /administration/comptes/{id}`.
pub async fn one(Extract(app): Extract<App>, Path(id): Path<String>, Signed(actor): Signed) -> PageResult {
    let listed = managed(&app, &actor, &id).await?;
    let a = &listed.account;
    let full = actor.role == Role::Administrator && actor.account != a.id;
    let sessions = if full { session::list(&app, &actor, a.id).await? } else { Vec::new() };
    let mut facts = vec![
        ("Adresse électronique".to_owned(), a.email.clone()),
        ("Rôle".to_owned(), words::sentence(role_name(&a.role))),
        ("Structure".to_owned(), site_name(a.organisation.as_ref())),
        ("Ouvert le".to_owned(), words::moment(a.created_at)),
    ];
    if let Some(until) = listed.invited_until {
        facts.push(("Lien d'invitation".to_owned(), format!("jusqu'au {}", words::moment(until))));
    }
    html(AccountPage {
        page: Page::new(&a.name, who(&actor), "admin").under("Comptes", "/administration/comptes"),
        csrf: actor.csrf.clone(),
        base: format!("/administration/comptes/{}", a.id),
        badge: badge(&listed, &app),
        facts,
        invited: listed.is_invited(),
        disabled: a.disabled_at.is_some(),
        second_factor: listed.second_factor,
        full,
        form: form(&actor, &a.role, a.organisation.as_ref().map_or("", Siren::as_str)),
        sessions: sessions.iter().map(|s| SessionRow::new(s, &actor)).collect(),
        glossary: Role::ALL.to_vec(),
    })
}

/// `GET /administration/comptes/{id}/{act}`: asks before what cannot be undone.
pub async fn confirm(Extract(app): Extract<App>, Path((id, act)): Path<(String, String)>, Signed(actor): Signed) -> PageResult {
    administrator(&actor)?;
    let listed = managed(&app, &actor, &id).await?;
    let name = &listed.account.name;
    let (title, act_words, consequences) = match act.as_str() {
        "fermeture" => (
            format!("Fermer le compte de {name}"),
            "Fermer le compte",
            vec![
                "Ses sessions et ses jetons d'accès cessent aussitôt\u{a0}; la personne ne peut plus se connecter.".to_owned(),
                "Ce qu'elle a déposé, signé et écrit reste. Vous pourrez rouvrir le compte.".to_owned(),
            ],
        ),
        "second-facteur" => (
            format!("Réinitialiser le second facteur de {name}"),
            "Réinitialiser le second facteur",
            vec![
                "Vérifiez d'abord, de vive voix, que la demande vient bien de cette personne\u{a0}: son mot de passe suffira ensuite pour entrer."
                    .to_owned(),
                "Ses sessions se ferment, ses codes de secours ne valent plus rien, et un courriel le lui dit.".to_owned(),
            ],
        ),
        _ => return Err(load::absent().into()),
    };
    let base = format!("/administration/comptes/{}", listed.account.id);
    html(Confirm {
        page: Page::new(title, who(&actor), "admin").under("Comptes", "/administration/comptes").under(name, &base),
        consequences,
        action: format!("{base}/{act}"),
        csrf: actor.csrf.clone(),
        reason: None,
        style: "danger",
        act: act_words.to_owned(),
        back: base,
    })
}

/// `POST /administration/comptes/{id}/{act}`.
pub async fn act(Extract(app): Extract<App>, Path((id, act)): Path<(String, String)>, Posted(actor, fields): Posted) -> PageResult {
    let id = managed(&app, &actor, &id).await?.account.id;
    match act.as_str() {
        "invitation" => invitation::invite_again(&app, Some(&actor), id).await?,
        "fermeture" => access::set_disabled(&app, Some(&actor), id, true).await?,
        "ouverture" => access::set_disabled(&app, Some(&actor), id, false).await?,
        "second-facteur" => factor::reset(&app, Some(&actor), id).await?,
        "sessions" => {
            let one = fields.get("session");
            session::revoke(&app, Some(&actor), id, (!one.is_empty()).then_some(one)).await?;
        }
        "role" => {
            let site = fields.get("site");
            let site = (!site.is_empty()).then(|| site.parse()).transpose()?;
            access::set_role(&app, Some(&actor), id, fields.get("role").parse()?, site).await?;
        }
        _ => return Err(load::absent().into()),
    }
    Ok(Redirect::to(&format!("/administration/comptes/{id}")).into_response())
}
