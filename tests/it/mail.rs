//! Letters from what causes them to a real mail server on loopback.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use chrono::{DateTime, TimeDelta, Utc};
use retex::{
    app::App,
    config::{Config, Secret},
    convention::perimeter::Role,
    evaluation::reminders,
    jobs::{daily, work},
    mail::{self, Letter, preferences, smtp},
    store::{
        Page,
        accounts::Account,
        mails::{Delivery, Mail},
    },
};
use serde_json::Value as Json;

use crate::{
    ground::{Ground, on_both_engines},
    hub::{MONTREUIL, import},
};

on_both_engines!(
    a_letter_waits_for_a_server_and_is_queued_once,
    people_choose_what_they_receive,
    the_week_is_one_letter,
    sites_are_reminded_of_what_is_due_and_late_and_no_more,
);

/// A mail server of the test's own; stopped when dropped.
struct Server {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Server {
    /// None where `RETEX_TEST_SMTP` names no Python with aiosmtpd.
    fn start(ground: &Ground, port: u16) -> Option<Self> {
        let Some(python) = std::env::var("RETEX_TEST_SMTP").ok().filter(|v| !v.is_empty()) else {
            eprintln!("SAUTÉ : RETEX_TEST_SMTP n'est pas défini ; tests/run le définit");
            return None;
        };
        let folder = ground.folder().join("courriels");
        std::fs::create_dir_all(&folder).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smtp.py");
        let mut child = Command::new(python).arg(script).arg(port.to_string()).arg(&folder).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Some(Self { child, port: line.trim().parse().expect("the server's port"), folder })
    }

    fn taken(&self) -> Vec<Json> {
        taken(&self.folder)
    }
}

fn taken(folder: &PathBuf) -> Vec<Json> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.extension().is_some()).collect();
    files.sort();
    files.iter().map(|f| serde_json::from_slice(&std::fs::read(f).unwrap()).unwrap()).collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn settings(config: &Config, url: &str) -> Config {
    Config {
        smtp_url: Some(Secret::from(url)),
        mail_from: Some("Retex Métropole <retex@metropole.example>".to_owned()),
        public_url: Some("https://retex.example/".to_owned()),
        ..config.clone()
    }
}

/// The same hub, with this mail server.
fn with_server(app: &App, port: u16) -> App {
    let config = settings(&app.config, &format!("smtp://127.0.0.1:{port}?tls=none"));
    App { config: config.into(), ..app.clone() }
}

async fn account(ground: &Ground, email: &str, role: Role, site: Option<&str>) -> Account {
    let id = ground.account(MONTREUIL).await;
    let mut account = ground.app.store.account(id).await.unwrap().unwrap();
    (account.email, account.role) = (email.to_owned(), role.to_string());
    account.organisation = site.map(|s| s.parse().unwrap());
    account.name = "Zoé\r\nBcc: espion@exemple.fr".to_owned();
    let mut tx = ground.app.store.begin().await.unwrap();
    tx.update_account(&account).await.unwrap();
    tx.commit().await.unwrap();
    account
}

fn invitation() -> Letter {
    let expires_at = crate::ground::morning() + TimeDelta::days(3);
    Letter::Invitation { path: "/invitation/53cr37".to_owned(), expires_at }
}

fn comment(text: &str) -> Letter {
    Letter::Commented { convention: "Tri — l'été".into(), author: "Léa".into(), text: text.into(), path: "/conventions/tri".into() }
}

async fn post(app: &App, to: &Account, letter: &Letter, key: Option<&str>) {
    let mut tx = app.store.begin().await.unwrap();
    mail::queue(app, &mut tx, to, letter, key.map(str::to_owned)).await.unwrap();
    tx.commit().await.unwrap();
    // Letters of the same moment go in any order.
    app.clock.advance(TimeDelta::seconds(1));
}

async fn mails(app: &App) -> Vec<Mail> {
    let mut mails = app.store.mails(Page::ALL).await.unwrap();
    mails.reverse();
    mails
}

fn header<'a>(message: &'a Json, name: &str) -> &'a str {
    let all = message["headers"].as_array().unwrap();
    all.iter().find(|h| h[0] == name).unwrap_or_else(|| panic!("no {name} in {all:?}"))[1].as_str().unwrap()
}

async fn a_letter_waits_for_a_server_and_is_queued_once(ground: &Ground) {
    let app = &ground.app;
    let to = account(ground, "zoe@exemple.fr", Role::Officer, None).await;
    post(app, &to, &invitation(), Some("invitation/1")).await;
    post(app, &to, &invitation(), Some("invitation/1")).await;
    work::run_due(app).await.unwrap();
    let waiting = mails(app).await;
    assert_eq!((waiting.len(), waiting[0].waits(), waiting[0].kind.as_str()), (1, true, "invitation"));
    assert_eq!(app.store.mail_counts().await.unwrap().waiting, 1);
    // A closed account is written nothing.
    let mut closed = to.clone();
    closed.disabled_at = Some(app.clock.now());
    post(app, &closed, &comment("x"), None).await;
    assert_eq!(mails(app).await.len(), 1);
}

async fn people_choose_what_they_receive(ground: &Ground) {
    let app = &ground.app;
    let to = account(ground, "zoe@exemple.fr", Role::Officer, None).await;
    let choose = async |kind: &str, delivery| preferences::choose(app, to.id, &[(kind.to_owned(), delivery)]).await;
    choose("commented", Delivery::Never).await.unwrap();
    post(app, &to, &comment("x"), None).await;
    assert!(mails(app).await.is_empty());
    choose("commented", Delivery::Weekly).await.unwrap();
    post(app, &to, &comment("x"), None).await;
    assert!(mails(app).await[0].weekly);
    assert_eq!(app.store.job_counts().await.unwrap().waiting, 0, "it waits for the week's letter");
    choose("commented", Delivery::Immediate).await.unwrap();
    post(app, &to, &comment("y"), None).await;
    assert!(!mails(app).await[1].weekly);
    for (kind, delivery, code) in [
        ("invitation", Delivery::Never, "mail_kind"),
        ("signature_requested", Delivery::Never, "mail_kind"),
        ("autre", Delivery::Never, "mail_kind"),
        ("deposit_due", Delivery::Weekly, "mail_delivery"),
    ] {
        assert_eq!(choose(kind, delivery).await.unwrap_err().code, code, "{kind}");
    }
    post(app, &to, &invitation(), None).await;
    assert_eq!(mails(app).await.len(), 3);
    let chosen = preferences::chosen(app, to.id).await.unwrap();
    assert!(chosen.iter().all(|(_, d)| *d == Delivery::Immediate));
}

async fn the_week_is_one_letter(ground: &Ground) {
    let app = &ground.app; // Thursday 12 March
    let to = account(ground, "zoe@exemple.fr", Role::Officer, None).await;
    preferences::choose(app, to.id, &[("commented".into(), Delivery::Weekly)]).await.unwrap();
    post(app, &to, &comment("jeudi"), None).await;
    app.clock.advance(TimeDelta::days(1));
    post(app, &to, &comment("vendredi"), None).await;
    preferences::gather(app).await.unwrap();
    assert_eq!(mails(app).await.len(), 2, "the week is not over");
    // Monday's round was missed; Tuesday's makes up for it, with last week's letters alone.
    app.clock.advance(TimeDelta::days(3));
    post(app, &to, &comment("lundi"), None).await;
    app.clock.advance(TimeDelta::days(1));
    preferences::gather(app).await.unwrap();
    preferences::gather(app).await.unwrap();
    let all = mails(app).await;
    let [jeudi, vendredi, lundi, digest] = &all[..] else { panic!("{} letters", all.len()) };
    assert!(jeudi.sent_at.is_some() && vendredi.sent_at.is_some() && lundi.waits() && digest.waits());
    let Letter::Digest { letters } = digest.letter().unwrap() else { panic!("no digest") };
    assert_eq!(letters, [comment("jeudi"), comment("vendredi")]);
    assert_eq!(jeudi.letter, "{}", "nothing is left of it");
}

async fn sites_are_reminded_of_what_is_due_and_late_and_no_more(ground: &Ground) {
    let app = &ground.app;
    let registered = import(app, "chauffage", |_| {}).await;
    let contributor = account(ground, "agent@montreuil.example", Role::Contributor, Some(MONTREUIL)).await;
    account(ground, "signataire@montreuil.example", Role::Signatory, Some(MONTREUIL)).await;
    account(ground, "agent@paris.example", Role::Contributor, Some("217500016")).await;
    let end = registered.head.ends_on;
    // Every morning, twice, from before the start to long after the end; nobody deposits anything.
    let mut day = registered.head.starts_on - TimeDelta::days(3);
    while day < end + TimeDelta::days(120) {
        let at: DateTime<Utc> = day.and_hms_opt(6, 0, 0).unwrap().and_utc();
        app.clock.advance((at - app.clock.now()).max(TimeDelta::zero()));
        if at >= app.clock.now() {
            reminders::remind(app).await.unwrap();
            reminders::remind(app).await.unwrap();
        }
        day = day.succ_opt().unwrap();
    }
    let all = mails(app).await;
    let slots = retex::deposit::calendar::expected(&registered.convention.document, end);
    let upcoming = slots.iter().filter(|e| e.due > crate::ground::morning().date_naive() + TimeDelta::days(7)).count();
    assert!(upcoming > 0);
    let of = |kind: &str| all.iter().filter(|m| m.kind == kind && m.account_id == Some(contributor.id)).count();
    assert!(of("deposit_due") >= 2 * upcoming, "{} {upcoming}", of("deposit_due"));
    assert!(of("deposit_late") >= 4 * upcoming && of("deposit_late") <= 4 * slots.len());
    assert_eq!((of("rex_due"), of("rex_late")), (2, 4));
    assert!(!all.iter().any(|m| m.address == "signataire@montreuil.example"), "who deposits is reminded");
    assert!(!all.iter().any(|m| m.address == "agent@paris.example"), "Paris is no party");
    // The morning's round asks for the next one, even alone.
    daily::run(app).await.unwrap();
    assert!(!app.store.open_jobs("daily").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_takes_a_letter_in_both_forms() {
    let ground = Ground::sqlite().await;
    let Some(server) = Server::start(&ground, 0) else { return };
    let app = with_server(&ground.app, server.port);
    let to = account(&ground, "zoe@exemple.fr", Role::Officer, None).await;
    post(&app, &to, &invitation(), None).await;
    post(&app, &to, &comment("Été : « déjà vu » ?\n.\r\nQUIT"), None).await;
    work::run_due(&app).await.unwrap();
    let [first, second] = &server.taken()[..] else { panic!("{:?}", server.taken()) };
    assert_eq!((first["from"].as_str(), first["to"][0].as_str()), (Some("retex@metropole.example"), Some("zoe@exemple.fr")));
    assert_eq!(header(first, "Subject"), "Votre accès à Retex");
    assert_eq!(header(second, "Subject"), "Remarque\u{a0}: Tri — l'été");
    assert!(header(first, "From").contains("Métropole"), "{first}");
    // A name with a line break is one header all the same.
    assert_eq!(first["headers"].as_array().unwrap().iter().filter(|h| h[0] == "Bcc").count(), 0);
    assert!(header(first, "To").contains("Zoé Bcc: espion@exemple.fr"), "{}", header(first, "To"));
    assert_eq!(header(first, "Auto-Submitted"), "auto-generated");
    let sent = mails(&app).await;
    assert_eq!(header(first, "Message-ID"), format!("<{}@metropole.example>", sent[0].id));
    let [text, html] = &first["parts"].as_array().unwrap()[..] else { panic!("{first}") };
    assert_eq!((text[0].as_str(), html[0].as_str()), (Some("text/plain"), Some("text/html")));
    for part in [text, html] {
        assert!(part[1].as_str().unwrap().contains("https://retex.example/invitation/53cr37"), "{part}");
    }
    assert!(second["parts"][0][1].as_str().unwrap().contains("Été : « déjà vu » ?"), "{second}");
    // What was sent is forgotten, its secret first of all.
    assert!(sent.iter().all(|m| m.sent_at.is_some() && m.letter == "{}"));
    assert!(mail::deliver(&app, sent[0].id).await.is_ok());
    assert_eq!(server.taken().len(), 2, "a job that runs again sends nothing again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_address_is_given_up_and_a_busy_server_asked_again() {
    let ground = Ground::sqlite().await;
    let Some(server) = Server::start(&ground, 0) else { return };
    let app = with_server(&ground.app, server.port);
    let refused = account(&ground, "refuse@exemple.fr", Role::Officer, None).await;
    let later = account(&ground, "later@exemple.fr", Role::Officer, None).await;
    post(&app, &refused, &invitation(), None).await;
    post(&app, &later, &invitation(), None).await;
    work::run_due(&app).await.unwrap();
    assert_eq!(server.taken().len(), 0);
    let all = mails(&app).await;
    assert!(all[0].failed_at.is_some() && all[0].letter == "{}", "{:?}", all[0]);
    assert!(all[0].error.as_deref().unwrap().contains("550"), "{:?}", all[0].error);
    assert!(all[1].waits());
    let job = &app.store.open_jobs("send_mail").await.unwrap()[0];
    assert!(job.error.as_deref().unwrap().contains("[mail_server]") && !job.error.as_deref().unwrap().contains("53cr37"), "{job:?}");
    app.clock.advance(TimeDelta::seconds(11));
    work::run_due(&app).await.unwrap();
    let first_try = std::fs::read_to_string(server.folder.join("tries")).unwrap();
    assert_eq!(server.taken().len(), 1);
    assert_eq!(header(&server.taken()[0], "Message-ID"), first_try, "the same letter under the same name");
    assert!(mails(&app).await[1].sent_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_outlive_the_server_and_the_worker() {
    let ground = Ground::sqlite().await;
    let Some(server) = Server::start(&ground, 0) else { return };
    let (port, folder) = (server.port, server.folder.clone());
    drop(server);
    let app = with_server(&ground.app, port);
    let to = account(&ground, "zoe@exemple.fr", Role::Officer, None).await;
    post(&app, &to, &invitation(), None).await;
    for _ in 0..8 {
        work::run_due(&app).await.unwrap();
        app.clock.advance(TimeDelta::minutes(20));
    }
    assert!(mails(&app).await[0].waits(), "eight failures are no reason to give up");
    // Another process, on the same database, once the server is back.
    let config = Config::clone(&app.config);
    app.store.close().await;
    let Some(server) = Server::start(&ground, port) else { return };
    let app = App::open(config, app.clock.clone()).await.unwrap();
    mail::resume(&app).await.unwrap();
    app.clock.advance(TimeDelta::minutes(60));
    work::run_due(&app).await.unwrap();
    assert_eq!(taken(&folder).len(), 1, "once, though it was asked for again");
    drop(server);
    assert!(mails(&app).await[0].sent_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_without_a_server_goes_when_there_is_one_unless_it_is_stale() {
    let ground = Ground::sqlite().await;
    let Some(server) = Server::start(&ground, 0) else { return };
    let to = account(&ground, "zoe@exemple.fr", Role::Officer, None).await;
    post(&ground.app, &to, &comment("vieux"), None).await;
    ground.app.clock.advance(TimeDelta::days(5));
    post(&ground.app, &to, &invitation(), None).await;
    ground.app.clock.advance(TimeDelta::days(3));
    post(&ground.app, &to, &comment("neuf"), None).await;
    work::run_due(&ground.app).await.unwrap();
    let app = with_server(&ground.app, server.port);
    mail::resume(&app).await.unwrap();
    work::run_due(&app).await.unwrap();
    let all = mails(&app).await;
    assert!(all[0].error.as_deref().unwrap().contains("sept jours"), "{:?}", all[0]);
    assert!(all[1].error.as_deref().unwrap().contains("expiré"), "{:?}", all[1]);
    assert!(all[2].sent_at.is_some());
    assert_eq!(server.taken().len(), 1);
    // In the demo nothing leaves, whatever is set.
    let demo = App { config: Config { demo: true, ..Config::clone(&app.config) }.into(), ..app.clone() };
    post(&demo, &to, &comment("démonstration"), None).await;
    work::run_due(&demo).await.unwrap();
    assert_eq!(server.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_in_clear_unless_that_is_asked_for() {
    let ground = Ground::sqlite().await;
    let Some(server) = Server::start(&ground, 0) else { return };
    // The server offers no STARTTLS.
    let config = settings(&ground.app.config, &format!("smtp://127.0.0.1:{}", server.port));
    let app = App { config: config.into(), ..ground.app.clone() };
    let to = account(&ground, "zoe@exemple.fr", Role::Officer, None).await;
    post(&app, &to, &invitation(), None).await;
    work::run_due(&app).await.unwrap();
    assert!(mails(&app).await[0].waits() && server.taken().is_empty());
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_without_being_repeated() {
    let ground = Ground::sqlite().await;
    let base = settings(&ground.app.config, "smtps://mail.exemple.fr:465");
    assert!(smtp::Server::of(&base).unwrap().is_some());
    assert!(smtp::Server::of(&ground.app.config).unwrap().is_none());
    let secret = Some(Secret::from("m0t-de-p4sse"));
    let with = |change: fn(&mut Config)| {
        let mut config = base.clone();
        change(&mut config);
        config
    };
    for config in [
        with(|c| c.smtp_url = Some(Secret::from("mail.exemple.fr"))),
        with(|c| c.smtp_url = Some(Secret::from("https://mail.exemple.fr"))),
        with(|c| c.smtp_url = Some(Secret::from("smtps://nom:m0t-de-p4sse@mail.exemple.fr"))),
        with(|c| c.smtp_url = Some(Secret::from("smtp://mail.exemple.fr?tls=maybe"))),
        with(|c| c.mail_from = None),
        with(|c| c.mail_from = Some("retex@exemple.fr\r\nBcc: x@y.fr".to_owned())),
        with(|c| c.public_url = None),
        Config { smtp_password: secret.clone(), ..base.clone() },
        Config {
            smtp_user: secret.clone(),
            smtp_password: secret.clone(),
            ..with(|c| c.smtp_url = Some(Secret::from("smtp://h?tls=none")))
        },
    ] {
        let error = smtp::Server::of(&config).err().unwrap();
        assert_eq!(error.code, "smtp_settings");
        assert!(!format!("{error:?} {config:?}").contains("p4sse"));
    }
}
