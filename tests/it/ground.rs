//! What integration tests stand on: an application of their own, on either engine and either lake.
//!
//! SQLite and a folder are always there. PostgreSQL is used where `RETEX_TEST_POSTGRES` names an administrator of a server, S3 where
//! `RETEX_TEST_S3_ENDPOINT`, `_ACCESS_KEY`, `_SECRET_KEY` and `_BUCKET` name a bucket; `tests/run` sets them all. Without them the
//! tests that need them say on stderr that they were skipped.

use std::{
    env,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use retex::{
    access::Actor,
    app::App,
    clock::Clock,
    config::{Config, Secret},
    convention::{
        Convention,
        perimeter::Role,
        register::{self, SignatureForm},
    },
    error::Result,
    ids::{AccountId, ConventionId, DepositId, Period, SignatureId, Siren},
    store::{
        Tx,
        accounts::Account,
        conventions::{ConventionHead, NewConvention},
        deposits::{Deposit, NewDeposit},
        signatures::{Means, Signature},
    },
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// An application on its own empty database and lake, with a fixed clock.
pub struct Ground {
    pub app: App,
    folder: tempfile::TempDir,
    /// Of PostgreSQL: the administrator's address and the database's name.
    postgres: Option<(String, String)>,
}

/// A morning of the experiment, far enough from any real clock to be recognised.
pub fn morning() -> DateTime<Utc> {
    "2026-03-12T08:00:00Z".parse().unwrap()
}

fn settings(folder: &Path) -> Config {
    Config {
        config: None,
        data: folder.join("données"),
        database: None,
        lake: None,
        s3_endpoint: None,
        s3_region: "us-east-1".to_owned(),
        s3_access_key: None,
        s3_secret_key: None,
        listen: "127.0.0.1:0".parse().unwrap(),
        public_url: None,
        smtp_url: None,
        smtp_user: None,
        smtp_password: None,
        mail_from: None,
        trusted_proxy: Vec::new(),
        max_upload: 64 * 1024 * 1024,
        workers: 2,
        openid: Default::default(),
        log_json: false,
        signature_authorities: None,
        demo: false,
    }
}

impl Ground {
    /// On SQLite and a folder.
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let app = App::open(settings(folder.path()), Clock::fixed(morning(), 1)).await.unwrap();
        Self { app, folder, postgres: None }
    }

    /// On PostgreSQL and a folder; none if there is no server.
    pub async fn postgres() -> Option<Self> {
        let admin = variable("RETEX_TEST_POSTGRES")?;
        let name = copy_of_template(&admin).await;
        let folder = tempfile::tempdir().unwrap();
        let url = on_database(&admin, &name);
        let config = Config { database: Some(Secret::from(url.as_str())), ..settings(folder.path()) };
        let app = App::open(config, Clock::fixed(morning(), 1)).await.unwrap();
        Some(Self { app, folder, postgres: Some((admin, name)) })
    }

    /// On SQLite and S3; none if there is no server.
    pub async fn s3() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let config = on_s3(settings(folder.path()))?;
        let app = App::open(config, Clock::fixed(morning(), 1)).await.unwrap();
        Some(Self { app, folder, postgres: None })
    }

    /// On PostgreSQL and S3; none if one is missing.
    pub async fn postgres_and_s3() -> Option<Self> {
        let mut ground = Self::postgres().await?;
        let config = on_s3(Config::clone(&ground.app.config))?;
        ground.app.store.close().await;
        ground.app = App::open(config, Clock::fixed(morning(), 1)).await.unwrap();
        Some(ground)
    }

    /// A place for a test's files.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Removes the database, where that is not a file of the folder.
    pub async fn close(self) {
        self.app.store.close().await;
        if let Some((admin, name)) = self.postgres {
            let mut connection = PgConnection::connect(&admin).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).execute(&mut connection).await.unwrap();
        }
    }

    /// Runs a statement behind the store's back.
    pub async fn raw(&self, sql: &str) -> u64 {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.postgres {
            Some((admin, name)) => {
                let mut connection = PgConnection::connect(&on_database(admin, name)).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap().rows_affected()
            }
            None => {
                let path = self.app.config.data.join("retex.db");
                let mut connection = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap().rows_affected()
            }
        }
    }

    /// Table, column, type and whether it may be empty, for every column that the migrations made.
    pub async fn columns(&self) -> Vec<(String, String, String, bool)> {
        match &self.postgres {
            Some((admin, name)) => {
                let mut connection = PgConnection::connect(&on_database(admin, name)).await.unwrap();
                sqlx::query_as(
                    "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES' FROM information_schema.columns
                     WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%' ORDER BY table_name COLLATE \"C\", ordinal_position",
                )
                .fetch_all(&mut connection)
                .await
                .unwrap()
            }
            None => {
                let path = self.app.config.data.join("retex.db");
                let mut connection = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
                sqlx::query_as(
                    "SELECT t.name, c.name, c.type, NOT (c.\"notnull\" OR c.pk > 0) FROM sqlite_schema t, pragma_table_info(t.name) c
                     WHERE t.type = 'table' AND t.name NOT LIKE '\\_sqlx%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.cid",
                )
                .fetch_all(&mut connection)
                .await
                .unwrap()
            }
        }
    }

    /// An account of `site`.
    pub async fn account(&self, site: &str) -> AccountId {
        let account = Account {
            id: AccountId(self.app.clock.id()),
            email: format!("{}@exemple.fr", self.app.clock.id()),
            name: "Camille Bernard".to_owned(),
            role: "contributor".to_owned(),
            organisation: Some(site.parse().unwrap()),
            password_hash: None,
            created_at: self.app.clock.now(),
            disabled_at: None,
        };
        let mut tx = self.app.store.begin().await.unwrap();
        tx.insert_account(&account).await.unwrap();
        tx.commit().await.unwrap();
        account.id
    }

    /// The next version of a convention.
    pub async fn convention(&self, name: &str) -> ConventionId {
        let id = ConventionId(self.app.clock.id());
        let new = NewConvention {
            id,
            name: name.to_owned(),
            title: "Tri des demandes".to_owned(),
            track: "experimentation".to_owned(),
            document: format!("{{\"id\":\"{name}\"}}"),
            sha256: hex::encode(self.app.clock.random::<32>()),
            starts_on: "2026-01-01".parse().unwrap(),
            ends_on: "2026-12-31".parse().unwrap(),
            created_at: self.app.clock.now(),
            created_by: None,
        };
        let mut tx = self.app.store.begin().await.unwrap();
        tx.insert_convention(&new).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A deposit for `demandes`, received now.
    pub async fn deposit(&self, convention: ConventionId, by: AccountId, site: &str, period: Option<&str>) -> Result<Deposit> {
        let site: Siren = site.parse()?;
        let sha256 = hex::encode(self.app.clock.random::<32>());
        let new = NewDeposit {
            id: DepositId(self.app.clock.id()),
            convention_id: convention,
            dataset: "demandes".to_owned(),
            period: period.map(|p| p.parse::<Period>()).transpose()?,
            file_name: "demandes 2026-03 – été.csv".to_owned(),
            bytes: 1234,
            original_key: format!("originals/{site}/{sha256}"),
            sha256,
            site,
            created_at: self.app.clock.now(),
            created_by: by,
            reading: None,
            correction: None,
        };
        // The file first, as the hub does.
        self.app.lake.put(&new.original_key.parse()?, bytes::Bytes::from(new.sha256.clone())).await?;
        let mut tx = self.app.store.begin().await?;
        let deposit = tx.insert_deposit(&new).await?;
        tx.commit().await?;
        Ok(deposit)
    }
}

pub fn variable(name: &str) -> Option<String> {
    let value = env::var(name).ok().filter(|v| !v.is_empty());
    if value.is_none() {
        eprintln!("SAUTÉ : {name} n'est pas défini ; tests/run le définit");
    }
    value
}

/// The same settings, on a folder of its own in the bucket.
fn on_s3(config: Config) -> Option<Config> {
    let bucket = variable("RETEX_TEST_S3_BUCKET")?;
    Some(Config {
        lake: Some(format!("s3://{bucket}/{}", Clock::system().id())),
        s3_endpoint: Some(variable("RETEX_TEST_S3_ENDPOINT")?),
        s3_access_key: Some(variable("RETEX_TEST_S3_ACCESS_KEY")?.as_str().into()),
        s3_secret_key: Some(variable("RETEX_TEST_S3_SECRET_KEY")?.as_str().into()),
        ..config
    })
}

fn on_database(admin: &str, name: &str) -> String {
    let (server, _) = admin.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// A new database with all tables, copied from one that was migrated once for these very migrations; its name.
async fn copy_of_template(admin: &str) -> String {
    let migrations = include_str!("../../migrations/postgres/0001_initial.sql");
    let template = format!("retex_template_{}", &hex::encode(<sha2::Sha256 as sha2::Digest>::digest(migrations))[..16]);
    let mut connection = PgConnection::connect(admin).await.unwrap();
    // Other processes of the test run wait here while the first one migrates.
    sqlx::raw_sql("SELECT pg_advisory_lock(727483)").execute(&mut connection).await.unwrap();
    let known: Option<(i32,)> = sqlx::query_as("SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate")
        .bind(&template)
        .fetch_optional(&mut connection)
        .await
        .unwrap();
    if known.is_none() {
        for sql in [format!("DROP DATABASE IF EXISTS {template} WITH (FORCE)"), format!("CREATE DATABASE {template} TEMPLATE template0")] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let url = on_database(admin, &template);
        let config = Config { database: Some(Secret::from(url.as_str())), ..settings(folder.path()) };
        retex::store::Store::open(&config).await.unwrap().close().await;
        sqlx::raw_sql(AssertSqlSafe(format!("ALTER DATABASE {template} IS_TEMPLATE true"))).execute(&mut connection).await.unwrap();
    }
    let name = format!("retex_{}", Clock::system().id().simple());
    // Under the lock too: PostgreSQL refuses to copy a database to which anyone is still connected.
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {template}"))).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    name
}

/// Someone who signs for a site, or for the Métropole.
pub async fn signatory(app: &App, site: Option<&Siren>) -> Actor {
    let account = Account {
        id: AccountId(app.clock.id()),
        email: format!("{}@exemple.fr", app.clock.id()),
        name: "Dominique Petit".to_owned(),
        role: "signatory".to_owned(),
        organisation: site.cloned(),
        password_hash: None,
        created_at: app.clock.now(),
        disabled_at: None,
    };
    let mut tx = app.store.begin().await.unwrap();
    tx.insert_account(&account).await.unwrap();
    tx.commit().await.unwrap();
    Actor {
        account: account.id,
        name: account.name,
        email: account.email,
        role: Role::Signatory,
        site: account.organisation,
        csrf: String::new(),
        session: None,
        second_factor: None,
        token: None,
        scope: None,
    }
}

/// What a signatory declares of the version with this hash.
pub fn form(sha256: &str) -> SignatureForm {
    SignatureForm {
        sha256: sha256.to_owned(),
        name: "Dominique Petit".to_owned(),
        quality: "Maire".to_owned(),
        deed_reference: "2026-041".to_owned(),
        deed_date: "2025-12-18".parse().unwrap(),
        second_factor: Some("totp".to_owned()),
    }
}

/// Opens a document for signature and signs it for each of its parties.
pub async fn agreed(app: &App, document: serde_json::Value) -> ConventionHead {
    let head = register::import(app, document).await.unwrap();
    let version = register::agreement_of(app, head.id).await.unwrap().version(head.id).unwrap().clone();
    if app.clock.today() > head.ends_on {
        let mut tx = app.store.begin().await.unwrap();
        signed_long_ago(app, &mut tx, head.id, &version.convention).await;
        tx.commit().await.unwrap();
        return head;
    }
    for party in version.parties().filter(|p| !version.signed.contains_key(*p)) {
        let actor = signatory(app, Some(party).filter(|p| *p != version.metropole())).await;
        register::sign(app, &actor, head.id, form(&head.sha256)).await.unwrap();
    }
    head
}

/// Signs a version for each of its parties as if long ago, whatever the day.
pub async fn signed_long_ago(app: &App, tx: &mut Tx, id: ConventionId, convention: &Convention) {
    let parties = &convention.document.parties;
    for party in std::iter::once(&parties.metropole).chain(&parties.sites) {
        let signature = Signature {
            id: SignatureId(app.clock.id()),
            convention_id: id,
            party: party.siren.clone(),
            sha256: convention.sha256.clone(),
            account_id: None,
            name: "Dominique Petit".to_owned(),
            quality: "Maire".to_owned(),
            deed_reference: "2025-041".to_owned(),
            deed_date: "2025-12-10".parse().unwrap(),
            signed_at: "2025-12-18T09:00:00Z".parse().unwrap(),
            means: Means::Paper,
            second_factor: None,
            document_key: None,
            recorded_by: None,
        };
        tx.insert_signature(&signature).await.unwrap();
    }
}

/// Makes a test of each function, on SQLite and on PostgreSQL.
macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let ground = crate::ground::Ground::sqlite().await;
                super::$name(&ground).await;
                ground.close().await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let Some(ground) = crate::ground::Ground::postgres().await else { return };
                super::$name(&ground).await;
                ground.close().await;
            })*
        }
    };
}

/// Makes a test of each function, on a folder and on S3.
macro_rules! on_both_lakes {
    ($($name:ident),* $(,)?) => {
        mod folder {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(&crate::ground::Ground::sqlite().await).await;
            })*
        }
        mod s3 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let Some(ground) = crate::ground::Ground::s3().await else { return };
                super::$name(&ground).await;
            })*
        }
    };
}

pub(crate) use {on_both_engines, on_both_lakes};
