//! Pure functions: sums of rows, intervals of a group, effects of a site, pooling over sites, conclusions, planning.
//!
//! Everything is `f64`; nothing here reads a file, a clock or a column. What cannot be computed is a [`Refusal`], never a
//! number that is not one. metafor (R) decides where references differ.

pub mod cluster;
pub mod distribution;
pub mod effect;
pub mod group;
pub mod moments;
pub mod multiplicity;
#[cfg(test)]
mod oracle;
pub mod planning;
pub mod pool;

pub use self::{
    effect::Effect,
    group::Level,
    moments::{Moments, PairSample, PairSums, Sample, Sum},
    pool::{Method, Pool, pool},
};

/// Why a statistic does not exist for these rows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Stable English code.
    pub code: &'static str,
    /// French sentence for the reader.
    pub message: &'static str,
}

/// A number or the reason why there is none.
pub type Outcome<T> = std::result::Result<T, Refusal>;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $message:literal;)*) => {
        impl Refusal {
            $($(#[$doc])* pub const $name: Self = Self { code: $code, message: $message };)*
        }
    };
}

refusals! {
    /// No row has a value.
    NO_ROWS = "no_rows", "Aucune ligne n’a de valeur.";
    /// A spread needs two units.
    ONE_UNIT = "one_unit", "Il faut au moins deux unités dans le groupe pour mesurer une dispersion.";
    /// A cluster-robust variance needs two clusters.
    ONE_CLUSTER = "one_cluster", "Il faut au moins deux grappes pour tenir compte de leur ressemblance.";
    /// Before and after can be paired for fewer than two clusters.
    NO_PAIRS = "no_pairs", "Moins de deux unités ont des lignes à la fois avant et après.";
    /// The treated group is empty.
    NO_TREATED = "no_treated", "Le groupe qui utilise l’outil (ou la phase d’essai) n’a aucune valeur.";
    /// The group that one compares with is empty.
    NO_CONTROL = "no_control", "Le groupe de comparaison (ou la phase de référence) n’a aucune valeur.";
    /// All values are the same: a standard error of zero would be certainty.
    ZERO_VARIANCE = "zero_variance", "Toutes les valeurs sont égales\u{a0}: l’incertitude ne se mesure pas.";
    /// A proportion's value is neither 0 nor 1.
    NOT_BINARY = "not_binary", "Une proportion se calcule sur des valeurs vraies ou fausses.";
    /// A logarithm of a mean, rate or ratio that is not above zero.
    NOT_POSITIVE = "not_positive", "Un rapport se calcule entre deux niveaux supérieurs à zéro.";
    /// The denominators add up to zero or less.
    ZERO_DENOMINATOR = "zero_denominator", "Le total par lequel on divise n’est pas supérieur à zéro.";
    /// No event in both arms, or nothing but events: the table says nothing of a ratio.
    UNINFORMATIVE = "uninformative", "Les deux groupes n’ont aucun évènement, ou n’ont que des évènements\u{a0}: leur rapport n’apprend rien.";
    /// A rate ratio or a clustered ratio with an arm that has no event (or nothing else).
    ZERO_EVENTS = "zero_events", "Un des groupes n’a aucun évènement, ou n’a que des évènements\u{a0}: le rapport ne se calcule pas.";
    /// Two groups do not both have clusters.
    MIXED_CLUSTERS = "mixed_clusters", "Certaines lignes ont une grappe, d’autres non.";
    /// The sums overflow.
    NON_FINITE = "non_finite", "Les valeurs sont trop grandes pour être calculées.";
    /// Fewer than three sites.
    TOO_FEW_SITES = "too_few_sites", "Il faut au moins trois sites pour réunir leurs résultats.";
    /// A site's variance is zero, negative or not a number.
    BAD_VARIANCE = "bad_variance", "La variance d’un site n’est pas un nombre supérieur à zéro.";
    /// Effects and variances are not as many.
    LENGTHS_DIFFER = "lengths_differ", "Chaque site doit avoir un effet et une variance.";
    /// The estimation of the between-site variance does not settle.
    NO_CONVERGENCE = "no_convergence", "La variance entre sites ne se stabilise pas.";
    /// A confidence, power or other share is not strictly between 0 and 1.
    BAD_LEVEL = "bad_level", "Le niveau de confiance doit être compris entre 0 et 1.";
    /// A parameter of planning is out of range.
    BAD_ASSUMPTION = "bad_assumption", "Les variances supposées doivent être positives.";
}

fn check_level(level: f64) -> Outcome<()> {
    if level > 0.0 && level < 1.0 { Ok(()) } else { Err(Refusal::BAD_LEVEL) }
}
