//! What each letter says. One [`Written`] is rendered twice, as text and as HTML, so that both say the same.

use askama::Template;
use chrono::NaiveDate;

use super::{Letter, preferences::CHOICES};
use crate::{
    error::{Error, Result},
    ids::{Period, Siren},
    territory, words,
};

/// Characters of a subject at most: what a list of letters shows.
const SUBJECT: usize = 70;
/// Characters of another person's words at most; the page has them all.
const QUOTED: usize = 2000;

/// A letter in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// On one line, at most 70 characters.
    pub subject: String,
    /// The same, without limit.
    pub title: String,
    /// What is said first.
    pub paragraphs: Vec<String>,
    /// The letters of a digest.
    pub items: Vec<Item>,
    /// What to do: words and address.
    pub link: Option<(String, String)>,
    /// What is said last.
    pub after: Vec<String>,
    /// Why the person gets it.
    pub why: String,
}

/// One letter within a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is about.
    pub title: String,
    /// What it says.
    pub paragraphs: Vec<String>,
    /// Where it leads: words and address.
    pub link: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "letter.txt")]
struct Text<'a> {
    written: &'a Written,
    name: &'a str,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct Html<'a> {
    written: &'a Written,
    name: &'a str,
}

impl Written {
    /// As plain text.
    pub fn text(&self, name: &str) -> Result<String> {
        Text { written: self, name }.render().map_err(Error::internal)
    }

    /// As HTML.
    pub fn html(&self, name: &str) -> Result<String> {
        Html { written: self, name }.render().map_err(Error::internal)
    }
}

/// A subject: `before`, as much of `name` as fits, `after`.
fn subject(before: &str, name: &str, after: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let room = SUBJECT.saturating_sub(before.chars().count() + after.chars().count());
    let short = if name.chars().count() <= room {
        name
    } else {
        format!("{}…", name.chars().take(room.saturating_sub(1)).collect::<String>().trim_end())
    };
    format!("{before}{short}{after}")
}

fn quoted(title: &str) -> String {
    format!("«\u{a0}{title}\u{a0}»")
}

/// « de mars 2026», or nothing for a file that serves the whole time.
fn of(period: Option<Period>) -> String {
    period.map_or_else(String::new, |p| {
        let month = p.in_french();
        format!(" {}{month}", if month.starts_with(['a', 'o']) { "d'" } else { "de " })
    })
}

/// «de Bagneux», or of every site.
fn whose(site: Option<&Siren>) -> String {
    site.map_or_else(
        || "de toutes les collectivités".to_owned(),
        |s| format!("de la collectivité «\u{a0}{}\u{a0}»", territory::by_siren(s).map_or(s.as_str(), |o| o.name)),
    )
}

/// What a letter is about, before its frame: subject, title, paragraphs, link (words and path), last words.
struct Draft {
    subject: String,
    title: String,
    paragraphs: Vec<String>,
    link: Option<(&'static str, String)>,
    after: Vec<String>,
}

/// A letter in words; `base` is the hub's public address.
pub fn write(letter: &Letter, base: &str, today: NaiveDate) -> Written {
    let absolute = |(label, path): (&str, String)| (label.to_owned(), format!("{base}{path}"));
    let Draft { subject, title, paragraphs, link, after } = draft(letter, today);
    let items = match letter {
        Letter::Digest { letters } => letters.iter().map(|l| item(l, base, today)).collect(),
        _ => Vec::new(),
    };
    let why = if matches!(letter, Letter::Digest { .. }) || CHOICES.iter().any(|c| c.kind == letter.kind()) {
        format!("Vous choisissez les courriels que vous recevez\u{a0}: {base}/compte/courriels")
    } else {
        "Ce courriel est nécessaire à votre compte ou à une signature\u{a0}: il ne se désactive pas.".to_owned()
    };
    Written { subject, title, paragraphs, items, link: link.map(absolute), after, why }
}

fn item(letter: &Letter, base: &str, today: NaiveDate) -> Item {
    let draft = draft(letter, today);
    Item {
        title: draft.title,
        paragraphs: draft.paragraphs,
        link: draft.link.map(|(label, path)| (label.to_owned(), format!("{base}{path}"))),
    }
}

fn draft(letter: &Letter, today: NaiveDate) -> Draft {
    match letter {
        Letter::Invitation { .. } | Letter::PasswordReset { .. } | Letter::SecondFactorReset { .. } | Letter::Digest { .. } => {
            of_account(letter)
        }
        Letter::ReviewRequested { .. }
        | Letter::Commented { .. }
        | Letter::SignatureRequested { .. }
        | Letter::InForce { .. }
        | Letter::ConventionEnding { .. } => of_convention(letter, today),
        Letter::DepositDue { .. }
        | Letter::DepositLate { .. }
        | Letter::DepositRejected { .. }
        | Letter::DepositHeld { .. }
        | Letter::RexDue { .. }
        | Letter::RexLate { .. } => of_work(letter, today),
        Letter::PurgeComing { .. } | Letter::Purged { .. } | Letter::WithdrawalAnswered { .. } => of_retention(letter),
    }
}

fn simple(subject: String, paragraphs: Vec<String>, link: (&'static str, &str)) -> Draft {
    Draft { title: subject.clone(), subject, paragraphs, link: Some((link.0, link.1.to_owned())), after: Vec::new() }
}

/// With a subject cut to length and the whole title above the text.
fn about(before: &str, name: &str, after: &str, paragraphs: Vec<String>, link: (&'static str, &str)) -> Draft {
    Draft { title: format!("{before}{name}{after}"), ..simple(subject(before, name, after), paragraphs, link) }
}

fn of_account(letter: &Letter) -> Draft {
    match letter {
        Letter::Invitation { path, expires_at } => {
            let paragraphs = vec![
                "Un compte vous est ouvert sur Retex, la plateforme du programme «\u{a0}Appropriation\u{a0}» de la Métropole du Grand Paris."
                    .to_owned(),
                format!("Choisissez votre mot de passe avant le {}.", words::moment(*expires_at)),
            ];
            let after = vec![
                "Ce lien est personnel et ne sert qu'une fois\u{a0}: ne le transmettez à personne. S'il a expiré, demandez-en un autre à la Métropole."
                    .to_owned(),
            ];
            Draft { after, ..simple("Votre accès à Retex".to_owned(), paragraphs, ("Choisir mon mot de passe", path)) }
        }
        Letter::PasswordReset { path, expires_at } => {
            let paragraphs = vec![
                "Vous avez demandé un nouveau mot de passe pour Retex.".to_owned(),
                format!("Choisissez-le avant le {}.", words::moment(*expires_at)),
            ];
            let after = vec![
                "Si vous n'avez rien demandé, ne faites rien\u{a0}: votre mot de passe reste le même. Ne transmettez ce lien à personne."
                    .to_owned(),
            ];
            Draft { after, ..simple("Votre nouveau mot de passe Retex".to_owned(), paragraphs, ("Choisir mon mot de passe", path)) }
        }
        Letter::SecondFactorReset { at, path } => {
            let paragraphs = vec![
                format!("Un administrateur a retiré le second facteur de votre compte Retex le {}.", words::moment(*at)),
                "Activez-en un autre à votre prochaine connexion. Si vous n'avez rien demandé, prévenez aussitôt la Métropole.".to_owned(),
            ];
            simple("Votre second facteur a été retiré".to_owned(), paragraphs, ("Activer un second facteur", path))
        }
        _ => Draft {
            subject: "Retex\u{a0}: votre semaine".to_owned(),
            title: "Votre semaine sur Retex".to_owned(),
            paragraphs: vec!["Voici ce que vous avez choisi de recevoir une fois par semaine.".to_owned()],
            link: Some(("Ouvrir Retex", "/".to_owned())),
            after: Vec::new(),
        },
    }
}

fn of_convention(letter: &Letter, today: NaiveDate) -> Draft {
    const OPEN: &str = "Ouvrir la convention";
    match letter {
        Letter::ReviewRequested { convention, path } => about(
            "À relire\u{a0}: ",
            convention,
            "",
            vec![
                format!("Le projet de convention {} est ouvert à vos remarques.", quoted(convention)),
                "Relisez-le, commentez-le ou demandez des changements avant qu'il soit proposé à la signature.".to_owned(),
            ],
            (OPEN, path),
        ),
        Letter::Commented { convention, author, text, path } => {
            let mut said: String = text.trim().chars().take(QUOTED).collect();
            if text.trim().chars().count() > QUOTED {
                said.push('…');
            }
            let paragraphs = vec![format!("{author} écrit, à propos de la convention {}\u{a0}:", quoted(convention)), quoted(&said)];
            about("Remarque\u{a0}: ", convention, "", paragraphs, (OPEN, path))
        }
        Letter::SignatureRequested { convention, version, path } => about(
            "À signer\u{a0}: ",
            convention,
            "",
            vec![
                format!("La convention {} (version {version}) attend la signature de votre collectivité.", quoted(convention)),
                "Préparez la référence et la date de la délibération, ou de la délégation, qui vous autorise à signer. La convention entre en vigueur pour votre collectivité quand la Métropole et elle ont signé."
                    .to_owned(),
            ],
            ("Lire et signer", path),
        ),
        Letter::InForce { convention, version, from, path } => about(
            "En vigueur\u{a0}: ",
            convention,
            "",
            vec![format!(
                "La convention {} (version {version}) {} en vigueur pour votre collectivité le {}.",
                quoted(convention),
                if *from > today { "entre" } else { "est entrée" },
                words::day(*from)
            )],
            (OPEN, path),
        ),
        Letter::ConventionEnding { convention, on, reason: Some(reason), path } => about(
            &format!("Fin anticipée le {}\u{a0}: ", words::day(*on)),
            convention,
            "",
            vec![
                format!("La Métropole met fin à la convention {} le {}, avant son terme.", quoted(convention), words::day(*on)),
                format!("Motif\u{a0}: {reason}"),
            ],
            (OPEN, path),
        ),
        Letter::ConventionEnding { convention, on, reason: None, path } => about(
            &format!("Fin le {}\u{a0}: ", words::day(*on)),
            convention,
            "",
            vec![
                format!("La convention {} se termine le {} ({}).", quoted(convention), words::day(*on), words::distance(*on, today)),
                "Vérifiez que vos dépôts sont complets. Pour prolonger, la Métropole peut proposer un avenant avant cette date.".to_owned(),
            ],
            (OPEN, path),
        ),
        _ => of_account(letter),
    }
}

fn of_work(letter: &Letter, today: NaiveDate) -> Draft {
    match letter {
        Letter::DepositDue { convention, dataset, period, due, path } => about(
            "À déposer\u{a0}: ",
            dataset,
            &format!(" ({})", short(*due)),
            vec![
                format!(
                    "Le fichier {}{} est attendu au plus tard le {} ({}).",
                    quoted(dataset),
                    of(*period),
                    words::day(*due),
                    words::distance(*due, today)
                ),
                format!("C'est la convention {} qui le prévoit.", quoted(convention)),
            ],
            ("Déposer le fichier", path),
        ),
        Letter::DepositLate { convention, dataset, period, due, path } => about(
            "En retard\u{a0}: ",
            dataset,
            "",
            vec![
                format!("Le fichier {}{} était attendu le {}. Nous ne l'avons pas reçu.", quoted(dataset), of(*period), words::day(*due)),
                format!("C'est la convention {} qui le prévoit. En cas de difficulté, écrivez à la Métropole.", quoted(convention)),
            ],
            ("Déposer le fichier", path),
        ),
        Letter::DepositRejected { number, file, problems, path } => {
            let count = match problems {
                0 => "Il n'a pas pu être lu.".to_owned(),
                1 => "Un problème est à corriger.".to_owned(),
                n => format!("{} problèmes sont à corriger.", words::count(*n as u64)),
            };
            about(
                "Fichier refusé\u{a0}: ",
                file,
                "",
                vec![
                    format!("Le fichier {} (dépôt {number}) n'a pas passé le contrôle. {count}", quoted(file)),
                    "La page du dépôt les montre, cellule par cellule. Corrigez le fichier, puis déposez-le à nouveau.".to_owned(),
                ],
                ("Voir ce qui est à corriger", path),
            )
        }
        Letter::DepositHeld { number, file, columns, until, path } => {
            let place = match columns.as_slice() {
                [one] => format!("la colonne {} semble", quoted(one)),
                several => format!("les colonnes {} semblent", several.iter().map(|c| quoted(c)).collect::<Vec<_>>().join(", ")),
            };
            about(
                "À confirmer\u{a0}: ",
                file,
                "",
                vec![
                    format!(
                        "Le fichier {} (dépôt {number}) attend votre réponse\u{a0}: {place} contenir des données personnelles que la convention ne prévoit pas. D'ici là, il ne compte pas.",
                        quoted(file)
                    ),
                    "Si ce n'en sont pas, confirmez-le sur la page du dépôt. Sinon, retirez-les du fichier, puis déposez-le à nouveau."
                        .to_owned(),
                    format!("Sans réponse, le fichier est effacé le {}.", words::day(*until)),
                ],
                ("Voir ce qu'il faut vérifier", path),
            )
        }
        Letter::RexDue { convention, due, path } => about(
            "Retour d'expérience attendu\u{a0}: ",
            convention,
            "",
            vec![format!(
                "Le retour d'expérience de votre collectivité sur {} est attendu au plus tard le {} ({}).",
                quoted(convention),
                words::day(*due),
                words::distance(*due, today)
            )],
            ("Écrire le retour d'expérience", path),
        ),
        Letter::RexLate { convention, due, path } => about(
            "Retour d'expérience en retard\u{a0}: ",
            convention,
            "",
            vec![format!(
                "Le retour d'expérience de votre collectivité sur {} était attendu le {}. Il figurera dans le rapport une fois remis.",
                quoted(convention),
                words::day(*due)
            )],
            ("Écrire le retour d'expérience", path),
        ),
        _ => of_account(letter),
    }
}

fn of_retention(letter: &Letter) -> Draft {
    match letter {
        Letter::PurgeComing { convention, site, on, path } => about(
            &format!("Élimination le {}\u{a0}: ", words::day(*on)),
            convention,
            "",
            vec![
                format!(
                    "Les données {} reçues sous la convention {} seront éliminées à partir du {}.",
                    whose(site.as_ref()),
                    quoted(convention),
                    words::day(*on)
                ),
                "Elles le seront une fois le visa des archives enregistré. Les indicateurs calculés restent. Si elles doivent être gardées, dites-le avant cette date."
                    .to_owned(),
            ],
            ("Voir ce qui sera éliminé", path),
        ),
        Letter::Purged { convention, site, path } => about(
            "Données éliminées\u{a0}: ",
            convention,
            "",
            vec![format!(
                "Les données {} reçues sous la convention {} ont été éliminées. Le certificat le constate.",
                whose(site.as_ref()),
                quoted(convention)
            )],
            ("Voir le certificat", path),
        ),
        Letter::WithdrawalAnswered { convention, granted, reason, path } => {
            let (before, first) = match granted {
                None => ("Demande de retrait\u{a0}: ", "Une collectivité demande le retrait anticipé de ses données"),
                Some(true) => ("Retrait accordé\u{a0}: ", "La Métropole accorde le retrait anticipé de vos données"),
                Some(false) => ("Retrait refusé\u{a0}: ", "La Métropole refuse le retrait anticipé de vos données"),
            };
            let paragraphs =
                vec![format!("{first}, reçues sous la convention {}.", quoted(convention)), format!("Motif\u{a0}: {reason}")];
            about(before, convention, "", paragraphs, ("Voir la demande", path))
        }
        _ => of_account(letter),
    }
}

/// «avant le 12 mars».
fn short(day: NaiveDate) -> String {
    let words = words::day(day);
    format!("avant le {}", words.rsplit_once(' ').map_or(words.as_str(), |(day, _)| day))
}
