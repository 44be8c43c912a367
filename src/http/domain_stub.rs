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
    pub async fn session(_app: &App, _token: &str) -> Result<Option<Actor>> {
        todo!()
    }
    pub async fn bearer(_app: &App, _token: &str) -> Result<Actor> {
        todo!()
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
        _app: &App,
        _actor: &Actor,
        _new: NewDeposit,
        _body: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<Accepted> {
        todo!()
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
    pub async fn latest(_app: &App, _actor: &Actor, _convention: &str) -> Result<Option<Snapshot>> {
        todo!()
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
