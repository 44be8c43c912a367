//! Stands in for the domain's entry functions until they land; then this file goes.
#![expect(missing_docs, clippy::todo, reason = "stands in for functions being written")]

pub mod access {
    use crate::{
        app::App,
        error::Result,
        ids::{AccountId, Siren, TokenId},
    };

    pub use crate::convention::perimeter::Role;
    #[derive(Debug, Clone)]
    pub struct Actor {
        pub id: AccountId,
        pub name: String,
        pub email: String,
        pub role: Role,
        pub site: Option<Siren>,
        pub csrf: String,
    }
    pub struct SignedIn {
        pub token: String,
        pub actor: Actor,
    }
    pub async fn sign_in(_app: &App, _email: &str, _password: &str, _address: &str) -> Result<SignedIn> {
        todo!()
    }
    pub async fn session(app: &App, token: &str) -> Result<Option<Actor>> {
        use sha2::{Digest, Sha256};
        let found = app.store.session(&hex::encode(Sha256::digest(token)), app.clock.now()).await?;
        Ok(found.map(|(s, a)| Actor { id: a.id, name: a.name, email: a.email, role: role(&a.role), site: a.organisation, csrf: s.csrf }))
    }
    fn role(code: &str) -> Role {
        match code {
            "contributor" => Role::Contributor,
            "signatory" => Role::Signatory,
            "analyst" => Role::Analyst,
            "officer" => Role::Officer,
            "administrator" => Role::Administrator,
            _ => Role::DataProtectionOfficer,
        }
    }
    pub async fn bearer(app: &App, token: &str) -> Result<Actor> {
        use sha2::{Digest, Sha256};
        let found = app.store.token(&hex::encode(Sha256::digest(token)), app.clock.now()).await?;
        let (_, a) = found.ok_or_else(|| {
            crate::error::Error::new(crate::error::Kind::Unauthenticated, "token", "Ce jeton n'est pas connu, ou n'est plus valable.")
        })?;
        Ok(Actor { id: a.id, name: a.name, email: a.email, role: role(&a.role), site: a.organisation, csrf: String::new() })
    }
    pub async fn sign_out(_app: &App, _token: &str) -> Result<()> {
        todo!()
    }
    pub async fn create_token(_app: &App, _actor: &Actor, _account: AccountId, _name: &str) -> Result<String> {
        todo!()
    }
    pub async fn revoke_token(_app: &App, _actor: &Actor, _token: TokenId) -> Result<()> {
        todo!()
    }
}

pub mod deposit {
    use super::access::Actor;
    use crate::{
        app::App,
        deposit::report::CheckReport,
        error::Result,
        ids::{DepositId, Period, Siren},
        store::deposits::Deposit,
    };
    use axum::{BoxError, body::Bytes};
    use futures::Stream;

    pub struct NewDeposit {
        pub convention: String,
        pub site: Option<Siren>,
        pub dataset: String,
        pub period: Option<Period>,
        pub file_name: String,
    }
    pub struct Accepted {
        pub deposit: Deposit,
        pub already: bool,
    }
    pub async fn accept<E: Into<BoxError> + Send>(
        app: &App,
        actor: &Actor,
        new: NewDeposit,
        body: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<Accepted> {
        let c = app.store.convention_by_name(&new.convention).await?.ok_or_else(crate::http::load::absent)?;
        let received = app.lake.receive(app.clock.id(), body, app.config.max_upload).await?;
        let site = actor.site.clone().or(new.site).ok_or_else(crate::http::load::absent)?;
        let key = app.lake.keep(&received, &site).await?;
        let mut tx = app.store.begin().await?;
        let deposit = tx
            .insert_deposit(&crate::store::deposits::NewDeposit {
                id: DepositId(app.clock.id()),
                convention_id: c.head.id,
                site,
                dataset: new.dataset,
                period: new.period,
                file_name: new.file_name,
                bytes: received.bytes.cast_signed(),
                sha256: received.sha256,
                original_key: key.to_string(),
                created_at: app.clock.now(),
                created_by: actor.id,
            })
            .await?;
        tx.commit().await?;
        Ok(Accepted { deposit, already: false })
    }
    pub async fn check_only<E: Into<BoxError> + Send>(
        _app: &App,
        _actor: &Actor,
        _new: NewDeposit,
        _body: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<CheckReport> {
        todo!()
    }
    pub async fn withdraw(_app: &App, _actor: &Actor, _id: DepositId, _reason: &str) -> Result<()> {
        todo!()
    }
}

pub mod evaluation {
    use super::access::Actor;
    use crate::{app::App, error::Result, evaluation::result::Evaluation};

    pub struct Snapshot {
        pub number: i64,
        pub is_final: bool,
        pub created_at: chrono::DateTime<chrono::Utc>,
        pub evaluation: Evaluation,
    }
    pub async fn latest(app: &App, _actor: &Actor, convention: &str) -> Result<Option<Snapshot>> {
        let Some(c) = app.store.convention_by_name(convention).await? else { return Ok(None) };
        let row = app.store.latest_evaluation(c.head.id).await?;
        Ok(row.and_then(|r| {
            Some(Snapshot {
                number: r.head.number,
                is_final: r.head.is_final,
                created_at: r.head.created_at,
                evaluation: serde_json::from_str(&r.body).ok()?,
            })
        }))
    }
    pub async fn lock_final(_app: &App, _actor: &Actor, _convention: &str) -> Result<()> {
        todo!()
    }
}

pub mod report {
    use super::access::Actor;
    use crate::{app::App, error::Result};
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Kind {
        Html,
        Pdf,
    }
    pub async fn build(_app: &App, _actor: &Actor, _convention: &str, _kind: Kind) -> Result<Vec<u8>> {
        todo!()
    }
}

pub mod rex {
    use super::access::Actor;
    use crate::{app::App, error::Result, ids::Siren};
    pub async fn save(
        _app: &App,
        _actor: &Actor,
        _convention: &str,
        _site: &Siren,
        _answers: serde_json::Map<String, serde_json::Value>,
        _seen: i64,
        _submit: bool,
    ) -> Result<()> {
        todo!()
    }
}
