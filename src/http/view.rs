//! What pages share: states with their icons, the frame around each page, notices, rows of common tables.

use std::fmt;

use askama::{FastWritable, filters::HtmlSafe};

/// HTML that is already escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markup(pub String);

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FastWritable for Markup {
    fn write_into(&self, dest: &mut dyn fmt::Write, _values: &dyn askama::Values) -> askama::Result<()> {
        Ok(dest.write_str(&self.0)?)
    }
}

impl HtmlSafe for Markup {}

/// Escapes text for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// The four states, never told by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Accepted, reached, done.
    Ok,
    /// To do, under way, late.
    Todo,
    /// Refused, missed.
    No,
    /// Not concluded, not yet due.
    Open,
}

impl State {
    /// Class of the stylesheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Todo => "todo",
            Self::No => "no",
            Self::Open => "open",
        }
    }

    /// Check, dot, cross or tilde.
    pub fn icon(self) -> Markup {
        let path = match self {
            Self::Ok => r#"<path d="M6.2 13.4 1.5 8.7l1.9-1.9 2.8 2.8 6.4-6.5 1.9 1.9z"/>"#,
            Self::Todo => r#"<circle cx="8" cy="8" r="4.6"/>"#,
            Self::No => r#"<path d="m4.1 2.4 3.9 3.9 3.9-3.9 1.7 1.7L9.7 8l3.9 3.9-1.7 1.7L8 9.7l-3.9 3.9-1.7-1.7L6.3 8 2.4 4.1z"/>"#,
            Self::Open => {
                r#"<path d="M1.6 9.9C2 7.2 3.4 5.5 5.4 5.5c2.3 0 3.2 2.6 5 2.6.9 0 1.5-.8 1.7-2h2.3c-.4 2.7-1.8 4.4-3.8 4.4-2.3 0-3.2-2.6-5-2.6-.9 0-1.5.8-1.7 2z"/>"#
            }
        };
        Markup(format!(r#"<svg class="i" viewBox="0 0 16 16" aria-hidden="true">{path}</svg>"#))
    }

    /// An arrow into a tray.
    pub fn upload() -> Markup {
        Markup(r#"<svg class="i" viewBox="0 0 16 16" aria-hidden="true"><path d="M8 1.5 12.5 6l-1.1 1.1L8.8 4.5v6.5H7.2V4.5L4.6 7.1 3.5 6zM2 10h1.6v3h8.8v-3H14v4.6H2z"/></svg>"#.to_owned())
    }

    /// The state with its words.
    pub fn badge(self, label: &str) -> Markup {
        Markup(format!(r#"<span class="state {}">{}{}</span>"#, self.class(), self.icon().0, escape(label)))
    }
}

/// One step of the breadcrumb.
#[derive(Debug, Clone)]
pub struct Crumb {
    /// Words.
    pub label: String,
    /// Address.
    pub href: String,
}

/// Who is signed in, for the header.
#[derive(Debug, Clone)]
pub struct Who {
    /// Name of the person.
    pub name: String,
    /// Name of the organisation.
    pub organisation: String,
    /// Role, in English.
    pub role: String,
    /// For forms.
    pub csrf: String,
}

/// The French name of a role.
pub fn role_name(role: &str) -> &'static str {
    match role {
        "contributor" => "déposant",
        "signatory" => "signataire",
        "analyst" => "analyste",
        "officer" => "chargé de mission",
        "dpo" | "data_protection_officer" => "délégué à la protection des données",
        "administrator" | "admin" => "administrateur",
        _ => "membre",
    }
}

impl Who {
    /// The French name of the role.
    pub fn role_name(&self) -> &'static str {
        role_name(&self.role)
    }

    /// The sections that this role works in: name, words, address.
    pub fn sections(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        const HOME: (&str, &str, &str) = ("home", "À faire", "/");
        const EXPERIMENTS: (&str, &str, &str) = ("experiments", "Expérimentations", "/experimentations");
        const DEPOSITS: (&str, &str, &str) = ("deposits", "Dépôts", "/depots");
        const RETENTION: (&str, &str, &str) = ("retention", "Conservation", "/conservation");
        const OWN_DATA: (&str, &str, &str) = ("own_data", "Mes données", "/mes-donnees");
        const NEW: (&str, &str, &str) = ("new", "Déposer", "/depots/nouveau");
        const CONVENTIONS: (&str, &str, &str) = ("conventions", "Conventions", "/conventions");
        const AUDIT: (&str, &str, &str) = ("admin", "Journal", "/administration/journal");
        const REGISTER: (&str, &str, &str) = ("register", "Registre", "/registre-des-traitements");
        const ADMIN: (&str, &str, &str) = ("admin", "Administration", "/administration/comptes");
        const ACCOUNTS: (&str, &str, &str) = ("admin", "Comptes", "/administration/comptes");
        match self.role.as_str() {
            "contributor" => vec![HOME, NEW, DEPOSITS, EXPERIMENTS, CONVENTIONS, OWN_DATA],
            "signatory" => vec![HOME, DEPOSITS, EXPERIMENTS, CONVENTIONS, OWN_DATA],
            "administrator" | "admin" => vec![ADMIN, REGISTER],
            "dpo" | "data_protection_officer" => vec![EXPERIMENTS, CONVENTIONS, RETENTION, AUDIT, REGISTER],
            "officer" => vec![HOME, EXPERIMENTS, CONVENTIONS, DEPOSITS, RETENTION, ACCOUNTS],
            _ => vec![HOME, EXPERIMENTS, CONVENTIONS, DEPOSITS],
        }
    }
}

/// The frame around a page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Title of the document and last step of the breadcrumb.
    pub title: String,
    /// Steps above.
    pub crumbs: Vec<Crumb>,
    /// Who is signed in.
    pub who: Option<Who>,
    /// Which section of the navigation is current.
    pub section: &'static str,
    /// Reload after so many seconds, for those without script.
    pub refresh: Option<u32>,
}

impl Page {
    /// A page of a section.
    pub fn new(title: impl Into<String>, who: Option<Who>, section: &'static str) -> Self {
        Self { title: title.into(), who, section, ..Self::default() }
    }

    /// With one more step above.
    pub fn under(mut self, label: impl Into<String>, href: impl Into<String>) -> Self {
        self.crumbs.push(Crumb { label: label.into(), href: href.into() });
        self
    }

    /// Address of an asset, which changes with the program's version.
    pub fn asset(&self, name: &str) -> String {
        format!("/assets/{name}?v={}", super::assets::digest())
    }

    /// Version of the program.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// A framed message at the top of a page.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Its state.
    pub state: State,
    /// What happened, in a sentence.
    pub title: String,
    /// More words.
    pub lines: Vec<String>,
}

impl Notice {
    /// A notice.
    pub fn new(state: State, title: impl Into<String>, lines: Vec<String>) -> Self {
        Self { state, title: title.into(), lines }
    }
}

/// A tab: words, address, whether it is the current page.
pub type Tab = (String, String, bool);

/// A fact: words and value.
pub type Fact = (String, String);

/// One row of a list of experiments.
#[derive(Debug, Clone)]
pub struct ExperimentRow {
    /// Address.
    pub href: String,
    /// Title of the convention.
    pub title: String,
    /// Track.
    pub track: String,
    /// «5 janvier 2026 → 30 juin 2026».
    pub span: String,
    /// How many sites.
    pub sites: String,
    /// «14 sur 18».
    pub coverage: String,
    /// State.
    pub badge: Markup,
}

/// One row of a list of deposits.
#[derive(Debug, Clone)]
pub struct DepositRow {
    /// Address.
    pub href: String,
    /// Name of the file.
    pub file: String,
    /// Site.
    pub site: String,
    /// Title of the dataset.
    pub dataset: String,
    /// Title of the experiment.
    pub experiment: String,
    /// Period in words.
    pub period: String,
    /// When it came.
    pub received: String,
    /// Rows, or a dash.
    pub rows: String,
    /// State.
    pub badge: Markup,
}

/// One line of the verdict strip.
#[derive(Debug, Clone)]
pub struct VerdictRow {
    /// Address of the indicator.
    pub href: String,
    /// Verdict.
    pub badge: Markup,
    /// Title of the indicator.
    pub label: String,
    /// The value of the reader's own site.
    pub own: Option<String>,
    /// Sentence.
    pub sentence: String,
    /// Estimate, interval, target.
    pub figures: String,
}

/// One row of the table of REX.
#[derive(Debug, Clone)]
pub struct RexRow {
    /// Address.
    pub href: String,
    /// Site.
    pub site: String,
    /// State.
    pub badge: Markup,
    /// When it is due.
    pub due: String,
}

/// Coverage of one dataset.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// Title of the dataset.
    pub title: String,
    /// Headers.
    pub periods: Vec<String>,
    /// One per site.
    pub rows: Vec<MatrixRow>,
}

/// One site of a coverage matrix.
#[derive(Debug, Clone)]
pub struct MatrixRow {
    /// Name.
    pub site: String,
    /// One per period.
    pub cells: Vec<Cell>,
}

/// One cell of a coverage matrix.
#[derive(Debug, Clone)]
pub struct Cell {
    /// State.
    pub state: State,
    /// Words, for the title and for those who do not see.
    pub label: String,
    /// Where it leads.
    pub href: Option<String>,
}

impl Cell {
    /// Class of the stylesheet.
    pub fn class(&self) -> &'static str {
        self.state.class()
    }

    /// Icon.
    pub fn icon(&self) -> Markup {
        Markup(format!(r#"<span class="{}">{}</span>"#, self.state.class(), self.state.icon().0))
    }
}
