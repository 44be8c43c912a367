//! Every setting of the hub: a flag, an environment variable `RETEX_…`, or a key of the file named by `--config` (TOML), in
//! that order of precedence. Secrets are never printed.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use clap::Args;
use ipnet::IpNet;

/// A value that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the one call that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(s: &str) -> Self {
        Self(s.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("«masqué»")
    }
}

/// The settings of `serve`, `worker`, `demo` and `admin`.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Fichier de réglages (TOML) : une clé par réglage, du nom de l'option.
    #[arg(long, env = "RETEX_CONFIG", value_name = "FICHIER")]
    pub config: Option<PathBuf>,

    /// Dossier des données quand la base ou les fichiers sont locaux.
    #[arg(long, env = "RETEX_DATA", default_value = "retex-data", value_name = "DOSSIER")]
    pub data: PathBuf,

    /// Base de données : `sqlite:CHEMIN` ou `postgres://…` ; par défaut un fichier SQLite dans le dossier des données.
    #[arg(long, env = "RETEX_DATABASE", hide_env_values = true, value_name = "URL")]
    pub database: Option<Secret>,

    /// Fichiers : `s3://SEAU` ou un dossier ; par défaut `lac` dans le dossier des données.
    #[arg(long, env = "RETEX_LAKE", value_name = "URL")]
    pub lake: Option<String>,

    /// Adresse du service S3, pour un service autre qu'AWS.
    #[arg(long, env = "RETEX_S3_ENDPOINT", value_name = "URL")]
    pub s3_endpoint: Option<String>,

    /// Région S3.
    #[arg(long, env = "RETEX_S3_REGION", default_value = "us-east-1", value_name = "RÉGION")]
    pub s3_region: String,

    /// Identifiant de la clé S3.
    #[arg(long, env = "RETEX_S3_ACCESS_KEY", hide_env_values = true, value_name = "CLÉ")]
    pub s3_access_key: Option<Secret>,

    /// Clé secrète S3.
    #[arg(long, env = "RETEX_S3_SECRET_KEY", hide_env_values = true, value_name = "CLÉ")]
    pub s3_secret_key: Option<Secret>,

    /// Adresse d'écoute ; le port 0 en prend un libre.
    #[arg(long, env = "RETEX_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADRESSE:PORT")]
    pub listen: SocketAddr,

    /// Adresse publique du service, telle que les personnes l'écrivent ; `https://` rend les cookies `Secure`.
    #[arg(long, env = "RETEX_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Autorités de signature admises (un fichier PEM, ou un dossier de tels fichiers) pour les documents d'un parapheur ; sans elles,
    /// un chargé de mission confirme chaque certificat.
    #[arg(long, env = "RETEX_SIGNATURE_AUTHORITIES", value_name = "CHEMIN")]
    pub signature_authorities: Option<PathBuf>,

    /// Serveur d'envoi des courriels : `smtps://HÔTE:PORT`, ou `smtp://HÔTE:PORT` qui exige STARTTLS (`?tls=none` s'en passe, pour un relais de la machine).
    #[arg(long, env = "RETEX_SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub smtp_url: Option<Secret>,

    /// Compte sur ce serveur.
    #[arg(long, env = "RETEX_SMTP_USER", hide_env_values = true, value_name = "NOM")]
    pub smtp_user: Option<Secret>,

    /// Mot de passe de ce compte.
    #[arg(long, env = "RETEX_SMTP_PASSWORD", hide_env_values = true, value_name = "MOT DE PASSE")]
    pub smtp_password: Option<Secret>,

    /// Expéditeur des courriels : `Retex <retex@metropole.example>`.
    #[arg(long, env = "RETEX_MAIL_FROM", value_name = "ADRESSE")]
    pub mail_from: Option<String>,

    /// Adresses des serveurs mandataires dont l'en-tête `X-Forwarded-For` est cru : `10.0.0.5,192.168.0.0/16` ; de personne par défaut.
    #[arg(long, env = "RETEX_TRUSTED_PROXY", value_delimiter = ',', value_parser = network, value_name = "RÉSEAUX")]
    pub trusted_proxy: Vec<IpNet>,

    /// Taille maximale d'un fichier déposé, en octets.
    #[arg(long, env = "RETEX_MAX_UPLOAD", default_value_t = 2 * 1024 * 1024 * 1024, value_name = "OCTETS")]
    pub max_upload: u64,

    /// Traitements menés de front par processus ; 0 pour aucun (`serve` sans traitement, avec `worker` à côté).
    #[arg(long, env = "RETEX_WORKERS", default_value_t = 2, value_name = "NOMBRE")]
    pub workers: usize,

    /// Connexion par un fournisseur d'identité.
    #[command(flatten)]
    pub openid: OpenId,

    /// Journal en JSON, une ligne par événement.
    #[arg(long, env = "RETEX_LOG_JSON", default_value_t = false)]
    pub log_json: bool,

    /// Whether this is `retex demo`: letters are then shown and never sent.
    #[arg(skip)]
    pub demo: bool,
}

/// An address alone, or a network.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let alone = text.parse::<IpAddr>().map(IpNet::from);
    alone.or_else(|_| text.parse()).map_err(|_| "écrivez une adresse ou un réseau, par exemple 10.0.0.5 ou 10.0.0.0/8".to_owned())
}

/// The settings of sign-in through an OpenID Connect provider, such as ProConnect; none without an issuer.
#[derive(Debug, Clone, Default, Args)]
pub struct OpenId {
    /// Adresse du fournisseur d'identité (OpenID Connect), par exemple celle de ProConnect ; demande `--public-url`. L'adresse de retour
    /// à déclarer chez lui est `/connexion/proconnect/retour`, celle de retour de déconnexion `/connexion`, et la réponse de `userinfo`
    /// doit être signée (RS256).
    #[arg(long, env = "RETEX_OIDC_ISSUER", value_name = "URL")]
    pub oidc_issuer: Option<String>,

    /// Identifiant de la plateforme chez le fournisseur d'identité.
    #[arg(long, env = "RETEX_OIDC_CLIENT_ID", value_name = "IDENTIFIANT")]
    pub oidc_client_id: Option<String>,

    /// Secret de la plateforme chez le fournisseur d'identité.
    #[arg(long, env = "RETEX_OIDC_CLIENT_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub oidc_client_secret: Option<Secret>,

    /// Ce qui est demandé au fournisseur d'identité, séparé par des espaces.
    #[arg(long, env = "RETEX_OIDC_SCOPES", default_value = "openid given_name usual_name email siret uid", value_name = "LISTE")]
    pub oidc_scopes: String,

    /// Niveaux d'authentification (`acr`) dont un est exigé pour entrer, séparés par des espaces ; vide : tous.
    #[arg(long, env = "RETEX_OIDC_ACR", default_value = "", value_name = "LISTE")]
    pub oidc_acr: String,

    /// Niveaux d'authentification (`acr`) qui comptent comme un second facteur, séparés par des espaces.
    #[arg(
        long,
        env = "RETEX_OIDC_SECOND_FACTOR_ACR",
        default_value = "eidas2 eidas3 https://proconnect.gouv.fr/assurance/self-asserted-2fa https://proconnect.gouv.fr/assurance/consistency-checked-2fa",
        value_name = "LISTE"
    )]
    pub oidc_second_factor_acr: String,
}

/// Makes a folder, and those above it, that only this user reads; one that is there already stays as it is.
///
/// # Errors
/// What the disk refuses.
pub fn private_folder(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

impl Config {
    /// Closes the data folder to other users, where it is one of ours already: versions before this one left it open.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn close_data(&self) -> std::io::Result<()> {
        let mode = |m: &std::fs::Metadata| m.permissions().mode() & 0o077;
        let open = std::fs::metadata(&self.data).is_ok_and(|m| m.is_dir() && mode(&m) != 0) && self.data.join("retex.db").exists();
        if open { std::fs::set_permissions(&self.data, std::fs::Permissions::from_mode(0o700)) } else { Ok(()) }
    }

    /// Whether cookies carry `Secure`: behind TLS only.
    pub fn secure_cookies(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// What links in letters begin with.
    pub fn base_url(&self) -> String {
        self.public_url.as_deref().map_or_else(|| format!("http://{}", self.listen), |url| url.trim_end_matches('/').to_owned())
    }

    /// The database's address: the one given, else a SQLite file in the data folder.
    pub fn database_url(&self) -> Secret {
        self.database.clone().unwrap_or_else(|| Secret(format!("sqlite:{}", self.data.join("retex.db").display())))
    }
}
