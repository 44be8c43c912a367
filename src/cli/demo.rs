//! `retex demo`: a hub to try, with sample tracks, real deposits and accounts, on SQLite and a local folder.
//!
//! The samples go through the very path of a town hall's file ([`deposit::accept()`], then [`deposit::process()`]), at the times at which
//! they would have come: the demo's clock starts in the past and is moved forward, and its «today» is a day of the samples.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use clap::Args;
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::io::ReaderStream;

use super::{runtime, serve};
use crate::{
    access::{self, Actor, NewAccount},
    app::App,
    clock::Clock,
    config::Config,
    convention::{
        Convention,
        perimeter::Role,
        register::{self, Registered, SignatureForm},
    },
    deposit::{self, Slot, calendar},
    error::{Error, Kind, Result},
    evaluation::{self, answers, rex::read_answers},
    ids::{Period, Siren},
    territory::{self, OrganisationKind},
};

/// Password of every account of the demo.
const PASSWORD: &str = "retex-demonstration";
/// The samples, in the order in which pages should show them.
const SAMPLES: [&str; 3] = ["tri-demandes", "depots-sauvages", "chauffage"];
/// Those whose final evaluation is locked, so that conclusions can be read.
const LOCKED: [&str; 1] = ["depots-sauvages-2026"];

/// Its arguments.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Dossier des exemples.
    #[arg(long, value_name = "DOSSIER")]
    samples: Option<PathBuf>,
    #[command(flatten)]
    config: Config,
}

/// The demo's today: a day on which one sample runs and two are over.
fn today() -> DateTime<Utc> {
    at(NaiveDate::from_ymd_opt(2026, 11, 24).unwrap_or_default(), 9)
}

fn at(day: NaiveDate, hour: u32) -> DateTime<Utc> {
    day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default()).and_utc()
}

/// Builds the demo's data if the folder has none, then serves.
///
/// # Errors
/// A folder without samples, a data folder that holds something else, an address that does not open.
pub fn run(arguments: Arguments) -> Result<ExitCode> {
    let Arguments { samples, mut config } = arguments;
    config.demo = true;
    if config.data == Path::new("retex-data") {
        config.data = "retex-demo".into();
    }
    if config.database.is_some() || config.lake.is_some() {
        return Err(Error::invalid(
            "demo_is_local",
            "La démonstration reste dans son dossier : retirez les réglages de la base et des fichiers.",
        ));
    }
    serve::log(config.log_json);
    let samples = samples.unwrap_or_else(default_samples);
    runtime()?.block_on(async {
        let listener = serve::listen(&config).await?;
        let address = listener.local_addr()?;
        let stop = serve::stop_on_signal();
        let new = !config.data.join("retex.db").exists();
        let app = if new {
            let building = config.data.with_extension("construction");
            let built = tokio::select! {
                built = build(Config { data: building.clone(), ..config.clone() }, &samples) => built,
                () = stop.cancelled() => Err(Error::new(Kind::Unavailable, "interrupted", "Démonstration interrompue avant d'être prête.")),
            };
            // Built aside, then renamed: an interrupted demo leaves nothing that looks whole.
            if built.is_err() {
                std::fs::remove_dir_all(&building).ok();
            }
            built?;
            std::fs::rename(&building, &config.data)?;
            App::open(config, Clock::starting_at(today())).await?
        } else {
            App::open(config, Clock::starting_at(today())).await?
        };
        print_guide(&app, address).await?;
        serve::serve_on(app, listener, stop).await
    })?;
    Ok(ExitCode::SUCCESS)
}

/// `samples` in the current folder, else those of the sources that the program was built from.
fn default_samples() -> PathBuf {
    let here = PathBuf::from("samples");
    if here.is_dir() { here } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("samples") }
}

async fn build(config: Config, samples: &Path) -> Result<()> {
    if config.data.exists() {
        std::fs::remove_dir_all(&config.data)?;
    }
    let mut conventions = Vec::new();
    for sample in SAMPLES {
        let folder = samples.join(sample);
        let convention = Convention::load_file(&folder.join("convention.yaml")).map_err(|e| {
            Error::invalid(
                "no_samples",
                format!("Les exemples ne sont pas dans {} : indiquez leur dossier avec --samples. {e}", samples.display()),
            )
        })?;
        conventions.push((folder, convention));
    }
    let first = conventions.iter().map(|(_, c)| c.document.period.start).min().unwrap_or_default();
    let clock = Clock::starting_at(at(first - Days::new(30), 9));
    let app = App::open(config, clock).await?;
    let officer = staff(&app).await?;
    let (mut files, mut signatories) = (Vec::new(), std::collections::HashMap::new());
    for (folder, convention) in conventions {
        let head = register::open(&app, &officer, convention.json).await?;
        let registered = register::find(&app, &head.name).await?;
        sign(&app, &registered, &mut signatories).await?;
        files.extend(planned(&folder, &registered)?);
    }
    files.sort_by(|a, b| (a.at, &a.path).cmp(&(b.at, &b.path)));
    let bar = ProgressBar::with_draw_target(Some(files.len() as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("Dépôt des fichiers d'exemple {bar:30} {pos}/{len}") {
        bar.set_style(style);
    }
    let mut agents = std::collections::HashMap::new();
    for file in files {
        forward(&app, file.at);
        let agent = match agents.get(&file.site) {
            Some(agent) => agent,
            None => {
                let agent = contributor(&app, &file.site).await?;
                agents.entry(file.site.clone()).or_insert(agent)
            }
        };
        let slot = Slot { convention: file.convention, site: None, dataset: file.dataset, period: file.period, file_name: file.name };
        let body = ReaderStream::new(tokio::fs::File::open(&file.path).await?);
        let accepted = deposit::accept(&app, agent, slot, body.boxed()).await?;
        deposit::process(&app, accepted.deposit.id).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    forward(&app, today());
    for sample in SAMPLES {
        finish(&app, &samples.join(sample), &officer, &agents).await?;
    }
    app.store.close().await;
    Ok(())
}

/// Signs a version for the Métropole and each of its sites, a few hours apart, as their signatories would.
async fn sign(app: &App, registered: &Registered, signatories: &mut std::collections::HashMap<Siren, Actor>) -> Result<()> {
    let parties = &registered.convention.document.parties;
    for (i, party) in std::iter::once(&parties.metropole).chain(&parties.sites).enumerate() {
        let of_a_site = Some(party.siren.clone()).filter(|s| *s != parties.metropole.siren);
        let actor = match signatories.get(&party.siren) {
            Some(actor) => actor.clone(),
            None => {
                let actor = signatory(app, of_a_site.as_ref()).await?;
                signatories.insert(party.siren.clone(), actor.clone());
                actor
            }
        };
        let deed_date = app.clock.today() - Days::new(7);
        let form = SignatureForm {
            sha256: registered.head.sha256.clone(),
            name: actor.name.clone(),
            quality: match territory::by_siren(&party.siren).map(|o| o.kind) {
                Some(OrganisationKind::Commune) => "Maire",
                Some(OrganisationKind::Ept) => "Présidence de l'établissement public territorial",
                _ => "Vice-présidence déléguée à l'innovation numérique",
            }
            .to_owned(),
            deed_reference: format!("{}-{:03}", deed_date.format("%Y"), 40 + i),
            deed_date,
            second_factor: Some("demonstration".to_owned()),
        };
        register::sign(app, &actor, registered.head.id, form).await?;
        app.clock.advance(chrono::TimeDelta::hours(3));
    }
    Ok(())
}

/// Moves the demo's clock to `at`, never back.
fn forward(app: &App, at: DateTime<Utc>) {
    app.clock.advance((at - app.clock.now()).max(chrono::TimeDelta::zero()));
}

/// Answers and evaluation of a sample, once its files are in.
async fn finish(app: &App, folder: &Path, officer: &Actor, agents: &std::collections::HashMap<Siren, Actor>) -> Result<()> {
    let convention = Convention::load_file(&folder.join("convention.yaml"))?;
    let name = &convention.document.id;
    let registered = register::find(app, name).await?;
    if folder.join("rex").is_dir() {
        for answer in read_answers(&folder.join("rex"), &convention)? {
            let Some(agent) = agents.get(&answer.site) else { continue };
            // An answer of a running experiment is a draft.
            let submit = registered.head.ends_on < app.clock.today();
            answers::write(app, agent, name, &answer.site, 0, answer.answers, submit).await?;
        }
    }
    evaluation::refresh(app, registered.head.id).await?;
    if LOCKED.contains(&name.as_str()) {
        evaluation::lock(app, officer, name).await?;
    }
    Ok(())
}

/// One file to deposit.
struct Planned {
    at: DateTime<Utc>,
    convention: String,
    site: Siren,
    dataset: String,
    period: Option<Period>,
    name: String,
    path: PathBuf,
}

/// The files of a sample and the times at which they come: a few days before their due date, a correction on the day after.
fn planned(folder: &Path, registered: &Registered) -> Result<Vec<Planned>> {
    let dues = calendar::expected(&registered.convention.document, registered.head.ends_on);
    let mut files = Vec::new();
    for site in sorted(&folder.join("deposits"))? {
        let code = name(&site);
        let unknown = || Error::invalid("unknown_site", format!("« {code} » n'est pas le code d'une collectivité."));
        let siren = territory::by_code(&code).map(|o| o.siren.clone()).ok_or_else(unknown)?;
        for dataset in sorted(&site)? {
            let mut last = None;
            for (i, path) in sorted(&dataset)?.into_iter().enumerate() {
                let (file, dataset) = (name(&path), name(&dataset));
                let period = Period::in_name(&file);
                let Some(due) = dues.iter().find(|d| d.dataset == dataset && d.period == period) else {
                    return Err(Error::invalid("period_outside", format!("{} : aucun dépôt n'est attendu pour ce mois.", path.display())));
                };
                let early = Days::new(1 + u64::from(siren.as_str().as_bytes()[6] % 4));
                let correction = u64::from(last == Some(period));
                last = Some(period);
                let hour = 8 + u32::try_from(i % 8).unwrap_or(0);
                let at = at(due.due - early + Days::new(correction), hour);
                files.push(Planned {
                    at,
                    convention: registered.head.name.clone(),
                    site: siren.clone(),
                    dataset,
                    period,
                    name: file,
                    path,
                });
            }
        }
    }
    Ok(files)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = std::fs::read_dir(folder)?.map(|e| Ok(e?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The Métropole's people; gives the officer.
async fn staff(app: &App) -> Result<Actor> {
    let people = [
        ("administration", "Nadia Benali", Role::Administrator),
        ("analyse", "Claire Morel", Role::Analyst),
        ("dpo", "Hélène Pasquier", Role::DataProtectionOfficer),
        ("mission", "Camille Roussel", Role::Officer),
    ];
    for (address, name, role) in people {
        account(app, &format!("{address}@metropole.example"), name, role, None).await?;
    }
    actor(app, "mission@metropole.example").await
}

/// The signatory of a site, or of the Métropole.
async fn signatory(app: &App, site: Option<&Siren>) -> Result<Actor> {
    let host = site.and_then(territory::by_siren).map_or_else(|| "metropole".to_owned(), |o| slug(o.name));
    let email = format!("signature@{host}.example");
    let name = site.map_or_else(|| "Odile Vasseur".to_owned(), |s| person(s, 5));
    account(app, &email, &name, Role::Signatory, site.cloned()).await?;
    actor(app, &email).await
}

/// The contributor of a site.
async fn contributor(app: &App, site: &Siren) -> Result<Actor> {
    let organisation = territory::by_siren(site).map_or("", |o| o.name);
    let email = format!("agent@{}.example", slug(organisation));
    account(app, &email, &person(site, 0), Role::Contributor, Some(site.clone())).await?;
    actor(app, &email).await
}

async fn account(app: &App, email: &str, name: &str, role: Role, site: Option<Siren>) -> Result<()> {
    let new = NewAccount { email: email.to_owned(), name: name.to_owned(), role, site, password: PASSWORD.to_owned() };
    access::create_account(app, None, new).await.map(drop)
}

async fn actor(app: &App, email: &str) -> Result<Actor> {
    let opened = access::sign_in(app, email, PASSWORD, "demo").await?.opened();
    Ok(opened.ok_or_else(|| Error::internal("no account of the demo has a second factor"))?.actor)
}

/// An invented name, always the same for a site and a post.
fn person(site: &Siren, post: usize) -> String {
    const FIRST: [&str; 13] =
        ["Sofia", "Karim", "Julie", "Thomas", "Aminata", "Paul", "Inès", "Marc", "Fatou", "Hugo", "Léa", "Samir", "Élise"];
    const LAST: [&str; 11] =
        ["Lemaire", "Haddad", "Garnier", "Diallo", "Perrin", "Nguyen", "Costa", "Marchand", "Traoré", "Fontaine", "Rey"];
    let seed = site.as_str().bytes().fold(post, |sum, b| (sum * 31 + usize::from(b)) % 1_000_003);
    format!("{} {}", FIRST[seed % FIRST.len()], LAST[seed / FIRST.len() % LAST.len()])
}

/// A name as a part of an address: `Noisy-le-Sec` → `noisy-le-sec`.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let plain = lower.chars().map(|c| match c {
        'à' | 'â' | 'ä' => 'a',
        'ç' => 'c',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ÿ' => 'y',
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    });
    let plain: String = plain.collect();
    plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

async fn print_guide(app: &App, address: std::net::SocketAddr) -> Result<()> {
    println!("\nRetex, démonstration (données synthétiques, dossier « {} »)\n", app.config.data.display());
    println!("  Ouvrez   http://{address}\n");
    println!("  Comptes (mot de passe pour tous : {PASSWORD})");
    for a in app.store.accounts().await? {
        let site = a.organisation.as_ref().and_then(territory::by_siren).map_or("Métropole", |o| o.name);
        println!("    {:<46} {:<36} {site}", a.email, a.role.parse::<Role>()?.in_french());
    }
    println!("\n  À voir");
    println!(
        "    agent d'une mairie : ce qui est à déposer, un fichier refusé avec ses cellules fautives (samples/README.md dit lesquels)"
    );
    println!("    analyse            : un indicateur comparé entre collectivités, sa figure et sa table");
    println!("    mission            : l'évaluation définitive des dépôts sauvages, le rapport en PDF et en HTML");
    println!("\n  Ctrl-C arrête ; le dossier garde tout, supprimez-le pour recommencer.\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_becomes_an_address() {
        assert_eq!(super::slug("L'Haÿ-les-Roses"), "l-hay-les-roses");
        assert_eq!(super::slug("Paris Terres d'Envol"), "paris-terres-d-envol");
    }
}
