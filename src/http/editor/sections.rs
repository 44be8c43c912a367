//! The steps of the editor.

use super::{escape, spec::PLAN};

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Title, dates, provider.
    General,
    /// The Métropole and the sites.
    Parties,
    /// The list of datasets, and each of them.
    Datasets,
    /// Uses, retention, disclosure.
    Uses,
    /// Design, groups, phases, risks.
    Plan,
    /// What is measured.
    Indicators,
    /// The questionnaire.
    Rex,
    /// Principles and the AI Act.
    Principles,
    /// The register's facts.
    Processing,
}

/// Every step, in order.
pub const SECTIONS: [Section; 9] = [
    Section::General,
    Section::Parties,
    Section::Datasets,
    Section::Uses,
    Section::Plan,
    Section::Indicators,
    Section::Rex,
    Section::Principles,
    Section::Processing,
];

impl Section {
    /// As addresses name it.
    pub fn slug(self) -> &'static str {
        match self {
            Self::General => "generalites",
            Self::Parties => "parties",
            Self::Datasets => "jeux",
            Self::Uses => "usages",
            Self::Plan => "plan",
            Self::Indicators => "indicateurs",
            Self::Rex => "retour-experience",
            Self::Principles => "principes",
            Self::Processing => "traitement",
        }
    }

    /// The step of this address.
    pub fn parse(slug: &str) -> Option<Self> {
        SECTIONS.into_iter().find(|s| s.slug() == slug)
    }

    /// As pages name it.
    pub fn title(self) -> &'static str {
        match self {
            Self::General => "Généralités et dates",
            Self::Parties => "Parties",
            Self::Datasets => "Jeux de données",
            Self::Uses => "Usages et conservation",
            Self::Plan => "Plan d'évaluation",
            Self::Indicators => "Indicateurs",
            Self::Rex => "Retour d'expérience",
            Self::Principles => "Principes et règlement IA",
            Self::Processing => "Données personnelles",
        }
    }

    /// What a person should know before they fill it.
    pub fn lead(self) -> &'static str {
        match self {
            Self::General => "Ce que l'on essaie, et quand. L'expérimentation dure de 1 à 12 mois (règlement, article 2).",
            Self::Parties => "La Métropole et les structures qui signent : des communes ou des EPT de la Métropole (règlement, article 3).",
            Self::Datasets => {
                "Ce que chaque structure envoie. Une colonne absente de cette liste est hors du périmètre : elle fait refuser le fichier."
            }
            Self::Uses => {
                "Ce que l'on peut faire des données, et combien de temps on les garde. Ce qui n'est pas nommé n'est pas permis (règlement, article 7)."
            }
            Self::Plan => "Ce que l'on compare, et avec quelles précautions. La signature fige ce plan.",
            Self::Indicators => "Ce que l'on mesure. Les indicateurs principaux portent les conclusions.",
            Self::Rex => "Les questions posées à chaque structure à la fin (règlement, article 8).",
            Self::Principles => "Les principes du règlement à apprécier, et le rôle de chacun au sens du règlement européen sur l'IA.",
            Self::Processing => "Les éléments du registre des traitements (RGPD, article 30).",
        }
    }

    /// The places of the document that the step's fields say; `dataset` on the page of one.
    pub fn roots(self, dataset: Option<&str>) -> Vec<String> {
        let all = |roots: &[&str]| roots.iter().map(|r| (*r).to_owned()).collect();
        match (self, dataset) {
            (Self::General, _) => all(&["/retex", "/title", "/id", "/track", "/summary", "/period", "/provider"]),
            (Self::Parties, _) => all(&["/parties"]),
            (Self::Datasets, Some(name)) => vec![format!("/datasets/{}", escape(name))],
            (Self::Datasets, None) => Vec::new(),
            (Self::Uses, _) => all(&["/uses", "/retention", "/disclosure"]),
            (Self::Plan, _) => PLAN.iter().map(|s| format!("/evaluation/{}", s.key)).collect(),
            (Self::Indicators, _) => all(&["/evaluation/indicators"]),
            (Self::Rex, _) => all(&["/rex"]),
            (Self::Principles, _) => all(&["/principles", "/ai_act"]),
            (Self::Processing, _) => all(&["/processing"]),
        }
    }

    /// The step that a place of the document is written in, and which dataset it is of.
    pub fn of(pointer: &str) -> (Self, Option<String>) {
        let mut keys = pointer.split('/').skip(1).map(|k| k.replace("~1", "/").replace("~0", "~"));
        let section = match keys.next().as_deref() {
            Some("parties") => Self::Parties,
            Some("datasets") => return (Self::Datasets, keys.next()),
            Some("uses" | "retention" | "disclosure") => Self::Uses,
            Some("evaluation") if keys.next().as_deref() == Some("indicators") => Self::Indicators,
            Some("evaluation") => Self::Plan,
            Some("rex") => Self::Rex,
            Some("principles" | "ai_act") => Self::Principles,
            Some("processing") => Self::Processing,
            _ => Self::General,
        };
        (section, None)
    }
}
