//! `retex admin`: what an administrator does on the machine itself.

use std::{
    io::{BufRead, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use chrono::Days;
use clap::{Args, Subcommand};

use super::runtime;
use crate::{
    access::{self, NewAccount, NewToken, Profile, factor, invitation, session},
    app::App,
    audit, backup,
    clock::Clock,
    config::Config,
    convention::{
        Convention,
        perimeter::Role,
        register,
        scope::{Scope, Verb},
    },
    error::{Error, Kind, Result},
    ids::{Siren, TokenId},
    store::accounts::Account,
    territory, verify, words,
};

/// Its commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ouvre le premier compte d'administration.
    Setup(Person),
    /// Gère les comptes.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Gère les jetons d'accès à l'interface de programmation.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Gère les conventions.
    #[command(subcommand)]
    Convention(ConventionCommand),
    /// Vérifie le journal, chaque ligne et chaque fichier.
    Verify(Verify),
    /// Affiche la tête du journal : gardée ailleurs, elle permet de voir plus tard s'il a été raccourci.
    AuditHead(Settings),
    /// Copie la base et les fichiers dans un dossier neuf, pendant que la plateforme fonctionne.
    Backup(Folder),
    /// Remet une copie en place dans une plateforme vide.
    Restore(Folder),
}

/// What to verify against.
#[derive(Debug, Args)]
pub struct Verify {
    /// Tête du journal gardée ailleurs (« retex admin audit-head ») ; peut être répétée.
    #[arg(long, value_name = "FICHIER")]
    head: Vec<PathBuf>,
    #[command(flatten)]
    config: Config,
}

/// A person, and the hub's settings.
#[derive(Debug, Args)]
pub struct Person {
    /// Adresse électronique.
    #[arg(long, value_name = "ADRESSE")]
    email: String,
    /// Nom affiché.
    #[arg(long, value_name = "NOM")]
    name: String,
    /// Lit le mot de passe sur l'entrée standard ; sinon un mot de passe est tiré au sort et affiché une fois.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    config: Config,
}

/// On accounts.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Ouvre un compte.
    Create {
        /// Rôle : contributor, signatory, analyst, officer, data_protection_officer, administrator.
        #[arg(long, value_name = "RÔLE")]
        role: String,
        /// Collectivité (SIREN ou code INSEE).
        #[arg(long, value_name = "CODE")]
        site: Option<String>,
        /// Qui.
        #[command(flatten)]
        person: Person,
    },
    /// Ouvre un compte sans mot de passe et écrit à la personne où choisir le sien.
    Invite {
        /// Rôle : contributor, signatory, analyst, officer, data_protection_officer, administrator.
        #[arg(long, value_name = "RÔLE")]
        role: String,
        /// Collectivité (SIREN ou code INSEE).
        #[arg(long, value_name = "CODE")]
        site: Option<String>,
        /// Nom affiché.
        #[arg(long, value_name = "NOM")]
        name: String,
        /// Qui.
        #[command(flatten)]
        named: Named,
    },
    /// Écrit de nouveau à une personne qui n'a pas encore choisi son mot de passe ; le lien d'avant ne vaut plus rien.
    Reinvite(Named),
    /// Change le rôle et la collectivité d'un compte ; ses sessions se ferment.
    Role {
        /// Rôle : contributor, signatory, analyst, officer, data_protection_officer, administrator.
        #[arg(long, value_name = "RÔLE")]
        role: String,
        /// Collectivité (SIREN ou code INSEE).
        #[arg(long, value_name = "CODE")]
        site: Option<String>,
        /// De qui.
        #[command(flatten)]
        named: Named,
    },
    /// Ferme toutes les sessions d'un compte.
    SignOut(Named),
    /// Retire le second facteur d'une personne qui a perdu son téléphone, et le lui écrit.
    ResetSecondFactor(Named),
    /// Liste les comptes.
    List(Settings),
    /// Ferme un compte : ses sessions et ses jetons cessent aussitôt.
    Disable(Named),
    /// Rouvre un compte.
    Enable(Named),
    /// Change un mot de passe.
    Password {
        /// Lit le mot de passe sur l'entrée standard.
        #[arg(long)]
        password_stdin: bool,
        /// De qui.
        #[command(flatten)]
        named: Named,
    },
}

/// On tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Crée un jeton, affiché une seule fois.
    Create {
        /// À quoi il sert.
        #[arg(long, value_name = "NOM")]
        name: String,
        /// Durée de validité, en jours.
        #[arg(long, default_value_t = 365, value_name = "JOURS", value_parser = clap::value_parser!(u64).range(1..=366))]
        days: u64,
        /// Ce qu'il permet : read, deposit, write, manage ; à répéter. Sans cette option, tout ce que le compte peut.
        #[arg(long = "verb", value_name = "ACTION")]
        verbs: Vec<Verb>,
        /// Collectivité (SIREN ou code INSEE) qu'il vise ; à répéter. Sans cette option, toutes celles du compte.
        #[arg(long = "site", value_name = "CODE", requires = "verbs")]
        sites: Vec<String>,
        /// Jeu de données qu'il vise ; à répéter. Sans cette option, tous.
        #[arg(long = "dataset", value_name = "NOM", requires = "verbs")]
        datasets: Vec<String>,
        /// Jeton d'une machine, pour un compte de déposant ou d'analyste.
        #[arg(long)]
        service: bool,
        /// De qui.
        #[command(flatten)]
        named: Named,
    },
    /// Liste les jetons d'un compte.
    List(Named),
    /// Révoque un jeton.
    Revoke {
        /// Son identifiant.
        #[arg(long, value_name = "IDENTIFIANT")]
        id: TokenId,
        /// De qui.
        #[command(flatten)]
        named: Named,
    },
}

/// On conventions.
#[derive(Debug, Subcommand)]
pub enum ConventionCommand {
    /// Ouvre une convention (JSON ou YAML) à la signature de ses parties ; du même identifiant, c'est un avenant.
    Import {
        /// Le document.
        #[arg(value_name = "FICHIER")]
        file: PathBuf,
        /// De quelle plateforme.
        #[command(flatten)]
        config: Config,
    },
}

/// An account by its address.
#[derive(Debug, Args)]
pub struct Named {
    /// Adresse électronique du compte.
    #[arg(long, value_name = "ADRESSE")]
    email: String,
    #[command(flatten)]
    config: Config,
}

/// The hub's settings alone.
#[derive(Debug, Args)]
pub struct Settings {
    #[command(flatten)]
    config: Config,
}

/// A folder, and the hub's settings.
#[derive(Debug, Args)]
pub struct Folder {
    /// Le dossier de la copie.
    #[arg(value_name = "DOSSIER")]
    folder: PathBuf,
    #[command(flatten)]
    config: Config,
}

/// Runs one.
///
/// # Errors
/// What the command refuses.
pub fn run(command: Command) -> Result<ExitCode> {
    runtime()?.block_on(async {
        match command {
            Command::Setup(person) => setup(person).await,
            Command::Account(command) => account(command).await,
            Command::Token(command) => token(command).await,
            Command::Convention(ConventionCommand::Import { file, config }) => import(&file, config).await,
            Command::Verify(arguments) => return verify(arguments).await,
            Command::AuditHead(Settings { config }) => {
                let app = open(config).await?;
                print!("{}", audit::heads::read(&app.store, app.clock.now()).await?.to_json()?);
                Ok(())
            }
            Command::Backup(Folder { folder, config }) => {
                backup::backup(&open(config).await?, &folder).await?;
                println!("Copie écrite dans {}.", folder.display());
                Ok(())
            }
            Command::Restore(Folder { folder, config }) => {
                backup::restore(&open(config).await?, &folder).await?;
                println!("Copie remise en place depuis {}.", folder.display());
                Ok(())
            }
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Says what was looked at; fails with 1 if anything is wrong.
async fn verify(arguments: Verify) -> Result<ExitCode> {
    let heads = arguments.head.iter().map(|file| audit::Heads::from_json(&std::fs::read(file)?)).collect::<Result<Vec<_>>>()?;
    let found = verify::verify(&open(arguments.config).await?, heads).await?;
    println!(
        "{} de journal (comparées à {}), {}, {}.",
        words::plural(found.entries, "ligne", "lignes"),
        words::plural(found.heads, "tête gardée", "têtes gardées"),
        words::plural(found.rows, "dépôt ou convention", "dépôts et conventions"),
        words::plural(found.files, "fichier", "fichiers")
    );
    for problem in &found.problems {
        println!("[{}] {} : {}", problem.code, problem.object, problem.message);
    }
    if found.problems.is_empty() {
        println!("Tout concorde.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}.", words::plural(found.problems.len() as u64, "anomalie", "anomalies"));
    Ok(ExitCode::from(1))
}

async fn open(config: Config) -> Result<App> {
    App::open(config, Clock::system()).await
}

async fn setup(person: Person) -> Result<()> {
    let app = open(person.config.clone()).await?;
    if app.store.account_count().await? > 0 {
        return Err(Error::new(Kind::Conflict, "already_set_up", "Un compte existe déjà : utilisez « retex admin account create »."));
    }
    create(&app, person, Role::Administrator, None).await
}

async fn create(app: &App, person: Person, role: Role, site: Option<Siren>) -> Result<()> {
    let (password, drawn) = password(&app.clock, person.password_stdin)?;
    let email = person.email.clone();
    access::create_account(app, None, NewAccount { email: person.email, name: person.name, role, site, password: password.clone() })
        .await?;
    println!("Compte ouvert pour {email} ({}).", role.in_french());
    if drawn {
        println!("Mot de passe, affiché cette seule fois : {password}");
    }
    Ok(())
}

/// The password on standard input, or one drawn at random (`true`).
fn password(clock: &Clock, from_stdin: bool) -> Result<(String, bool)> {
    if !from_stdin {
        return Ok((hex::encode(clock.random::<12>()), true));
    }
    if std::io::stdin().is_terminal() {
        eprint!("Mot de passe : ");
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok((line.trim_end_matches(['\r', '\n']).to_owned(), false))
}

async fn account(command: AccountCommand) -> Result<()> {
    match command {
        AccountCommand::Create { role, site, person } => {
            let app = open(person.config.clone()).await?;
            let site = site.as_deref().map(siren).transpose()?;
            create(&app, person, role.parse()?, site).await
        }
        AccountCommand::Invite { role, site, name, named } => {
            let app = open(named.config).await?;
            let site = site.as_deref().map(siren).transpose()?;
            invitation::invite(&app, None, Profile { email: named.email.clone(), name, role: role.parse()?, site }).await?;
            println!("Invitation en partance pour {}.", named.email);
            Ok(())
        }
        AccountCommand::Reinvite(named) => {
            let (app, account) = find(named).await?;
            invitation::invite_again(&app, None, account.id).await?;
            println!("Invitation en partance pour {}.", account.email);
            Ok(())
        }
        AccountCommand::Role { role, site, named } => {
            let (app, account) = find(named).await?;
            let role: Role = role.parse()?;
            access::set_role(&app, None, account.id, role, site.as_deref().map(siren).transpose()?).await?;
            println!("{} : {}.", account.email, role.in_french());
            Ok(())
        }
        AccountCommand::SignOut(named) => {
            let (app, account) = find(named).await?;
            session::revoke(&app, None, account.id, None).await?;
            println!("Sessions fermées pour {}.", account.email);
            Ok(())
        }
        AccountCommand::ResetSecondFactor(named) => {
            let (app, account) = find(named).await?;
            factor::reset(&app, None, account.id).await?;
            println!("Second facteur retiré pour {}.", account.email);
            Ok(())
        }
        AccountCommand::List(Settings { config }) => {
            for a in open(config).await?.store.accounts().await? {
                let site = a.organisation.as_ref().and_then(territory::by_siren).map_or("", |o| o.name);
                let state = if a.disabled_at.is_some() { "fermé" } else { "ouvert" };
                println!("{}\t{}\t{}\t{site}\t{state}", a.email, a.name, a.role.parse::<Role>()?.in_french());
            }
            Ok(())
        }
        AccountCommand::Disable(named) => set_disabled(named, true).await,
        AccountCommand::Enable(named) => set_disabled(named, false).await,
        AccountCommand::Password { password_stdin, named } => {
            let (app, account) = find(named).await?;
            let (password, drawn) = password(&app.clock, password_stdin)?;
            access::set_password(&app, None, account.id, &password).await?;
            println!("Mot de passe changé pour {}.", account.email);
            if drawn {
                println!("Mot de passe, affiché cette seule fois : {password}");
            }
            Ok(())
        }
    }
}

/// An organisation by its SIREN or its INSEE code.
fn siren(code: &str) -> Result<Siren> {
    let unknown =
        || Error::invalid("unknown_site", format!("« {code} » n'est ni le SIREN ni le code INSEE d'une collectivité de la Métropole."));
    territory::by_code(code).map(|o| o.siren.clone()).ok_or_else(unknown)
}

async fn set_disabled(named: Named, disabled: bool) -> Result<()> {
    let (app, account) = find(named).await?;
    access::set_disabled(&app, None, account.id, disabled).await?;
    println!("Compte {} : {}.", if disabled { "fermé" } else { "rouvert" }, account.email);
    Ok(())
}

async fn find(named: Named) -> Result<(App, Account)> {
    let app = open(named.config).await?;
    let unknown = || Error::new(Kind::NotFound, "unknown_account", format!("Aucun compte n'a l'adresse {}.", named.email));
    let account = app.store.account_by_email(named.email.trim()).await?.ok_or_else(unknown)?;
    Ok((app, account))
}

async fn token(command: TokenCommand) -> Result<()> {
    match command {
        TokenCommand::Create { name, days, verbs, sites, datasets, service, named } => {
            let (app, account) = find(named).await?;
            let ends = app.clock.now().checked_add_days(Days::new(days));
            let ends = ends.ok_or_else(|| Error::invalid("days", "Cette durée est trop longue."))?;
            let sites = sites.iter().map(|code| siren(code)).collect::<Result<_>>()?;
            let scope = (!verbs.is_empty()).then_some(Scope { sites, datasets, verbs });
            let (id, secret) =
                access::create_token(&app, None, &account, NewToken { name, expires_at: Some(ends), scope, service }).await?;
            println!("Jeton {id}, affiché cette seule fois : {secret}");
            Ok(())
        }
        TokenCommand::List(named) => {
            let (app, account) = find(named).await?;
            for t in app.store.tokens(account.id).await? {
                let state = if t.revoked_at.is_some() { "révoqué" } else { "en cours" };
                let scope = t.scope.as_deref().unwrap_or("tout ce que le compte peut");
                println!(
                    "{}\t{}\t{scope}\tfin {}\t{state}",
                    t.id,
                    t.name,
                    t.expires_at.map_or_else(String::new, |at| at.date_naive().to_string())
                );
            }
            Ok(())
        }
        TokenCommand::Revoke { id, named } => {
            let (app, account) = find(named).await?;
            access::revoke_token(&app, None, account.id, id).await?;
            println!("Jeton {id} révoqué.");
            Ok(())
        }
    }
}

async fn import(file: &std::path::Path, config: Config) -> Result<()> {
    let convention = Convention::load_file(file)?;
    let head = register::import(&open(config).await?, convention.json).await?;
    println!("Convention « {} », version {}, empreinte {}.", head.title, head.version, head.sha256);
    println!("Elle est ouverte à la signature de ses parties, et entre en vigueur pour chacune quand elle et la Métropole l'ont signée.");
    Ok(())
}
