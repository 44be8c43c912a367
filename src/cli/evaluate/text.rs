//! An evaluation as calm French tables.

use std::fmt::Write;

use crate::{
    convention::Convention,
    evaluation::result::{Evaluation, Group, IndicatorResult, Interval, SiteResult, TargetResult, Verdict},
};

/// How a number of an indicator is written.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    /// As it is.
    Plain,
    /// A number of rows.
    Whole,
    /// A share, in percent.
    Percent,
    /// A difference of shares, in points.
    Points,
    /// A logarithm, shown as a ratio.
    Ratio,
}

/// The whole evaluation.
pub(super) fn text(convention: &Convention, evaluation: &Evaluation, rejected: usize) -> String {
    let mut out = String::new();
    line(&mut out, format_args!("{}", convention.document.title));
    let files = evaluation.provenance.deposits.len();
    let rows: u64 = evaluation.provenance.deposits.iter().map(|deposit| deposit.rows).sum();
    line(&mut out, format_args!("{}, {} lignes retenues", plural(files as u64, "fichier", "fichiers"), whole(rows)));
    if rejected > 0 {
        line(&mut out, format_args!("Laissés de côté\u{a0}: {rejected} (nommés plus haut)"));
    }
    if !evaluation.is_final {
        line(&mut out, format_args!("Résultats provisoires\u{a0}: aucune conclusion n’est tirée avant l’évaluation finale."));
    }
    let confidence = convention.document.evaluation.confidence;
    for indicator in &evaluation.indicators {
        out.push('\n');
        one(&mut out, indicator, confidence);
    }
    out
}

fn one(out: &mut String, indicator: &IndicatorResult, confidence: f64) {
    let level = match indicator.statistic.as_str() {
        "proportion" => Scale::Percent,
        "count" => Scale::Whole,
        _ => Scale::Plain,
    };
    let effect = match indicator.scale.as_deref() {
        Some("risk_difference") => Scale::Points,
        Some(scale) if scale.starts_with("log_") => Scale::Ratio,
        _ => Scale::Plain,
    };
    let unit = indicator.unit.as_ref().map(|unit| format!(" ({unit})")).unwrap_or_default();
    let role = if indicator.role == "primary" { "principal" } else { "secondaire" };
    let better = if indicator.better == "lower" { "le plus bas est le meilleur" } else { "le plus haut est le meilleur" };
    line(out, format_args!("{}{unit}", indicator.label));
    line(out, format_args!("  Indicateur {role}, {better}{}", scale_words(indicator.scale.as_deref())));
    if let Some(target) = &indicator.target {
        line(out, format_args!("  Objectif\u{a0}: {}", target_words(target, effect, level)));
    }
    if !indicator.sites.is_empty() {
        table(out, indicator, level, effect, confidence);
    }
    pooled(out, indicator, level, effect, confidence);
    line(out, format_args!("  Conclusion\u{a0}: {}", verdict(indicator)));
    for warning in &indicator.warnings {
        line(out, format_args!("  À savoir\u{a0}: {}", warning.message));
    }
}

fn table(out: &mut String, indicator: &IndicatorResult, level: Scale, effect: Scale, confidence: f64) {
    let groups: Vec<Option<&str>> = (indicator.sites.first())
        .map(|site| site.groups.iter().filter(|g| g.period.is_none()).map(|g| g.arm.as_deref()).collect())
        .unwrap_or_default();
    let weight = if indicator.pooled.of.as_deref() == Some("level") { "Poids du niveau" } else { "Poids" };
    let mut head = vec!["Structure".to_owned()];
    head.extend(groups.iter().map(|arm| arm_words(*arm).to_owned()));
    if indicator.scale.is_some() {
        head.extend(["Effet".to_owned(), interval_words(confidence), weight.to_owned()]);
    } else {
        head.push(interval_words(confidence));
    }
    let mut rows = vec![head];
    let mut reasons: Vec<(String, String)> = Vec::new();
    for SiteResult { site, groups, effect: of, .. } in &indicator.sites {
        let mut row = vec![site.name.clone()];
        let whole: Vec<&Group> = groups.iter().filter(|group| group.period.is_none()).collect();
        row.extend(
            whole
                .iter()
                .map(|group| format!("{} (n\u{a0}=\u{a0}{})", opt(group.mean, level), group.n.map_or_else(|| "–".to_owned(), self::whole))),
        );
        if indicator.scale.is_some() {
            row.extend([
                opt(of.estimate, effect),
                ci(of.ci, effect),
                of.weight.map(|w| number(w / 100.0, Scale::Percent)).unwrap_or_default(),
            ]);
            if let Some(reason) = &of.reason {
                reasons.push((site.name.clone(), reason.message.clone()));
            }
        } else {
            row.push(ci(whole.first().and_then(|group| group.ci), level));
        }
        rows.push(row);
    }
    let widths: Vec<usize> =
        (0..rows[0].len()).map(|i| rows.iter().map(|r| r.get(i).map_or(0, |c| c.chars().count())).max().unwrap_or(0)).collect();
    for row in rows {
        let cells: Vec<String> = row.iter().enumerate().map(|(i, cell)| pad(cell, widths[i], i > 0)).collect();
        line(out, format_args!("    {}", cells.join("   ").trim_end()));
    }
    for (site, reason) in reasons {
        line(out, format_args!("    {site}\u{a0}: {reason}"));
    }
}

fn pooled(out: &mut String, indicator: &IndicatorResult, level: Scale, effect: Scale, confidence: f64) {
    let pooled = &indicator.pooled;
    let scale = if pooled.of.as_deref() == Some("level") { level } else { effect };
    let what = if pooled.of.as_deref() == Some("level") { "Niveau d’ensemble" } else { "Effet d’ensemble" };
    let words = interval_words(confidence).to_lowercase();
    if let Some(random) = &pooled.random {
        let sites = plural(pooled.k, "structure", "structures");
        line(
            out,
            format_args!("  {what} ({sites})\u{a0}: {}, {words} {}", number(random.estimate, scale), ci(Some(random.adhoc.ci), scale)),
        );
        line(
            out,
            format_args!(
                "  Une nouvelle structure\u{a0}: {}\u{a0}; écarts entre structures\u{a0}: I²\u{a0}=\u{a0}{}",
                ci(Some(random.prediction), scale),
                random.i2.map_or_else(|| "–".to_owned(), |i2| percent(i2 / 100.0))
            ),
        );
    } else if let Some(between) = &pooled.between {
        let sites = format!("{} d’essai, {} témoins", between.treated, between.control);
        line(
            out,
            format_args!(
                "  {what} entre structures ({sites})\u{a0}: {}, {words} {}",
                number(between.estimate, scale),
                ci(Some(between.ci), scale)
            ),
        );
    }
    if let Some(reason) = &pooled.reason {
        line(out, format_args!("  {}{}", if pooled.between.is_some() { "" } else { "Pas de résultat d’ensemble\u{a0}: " }, reason.message));
    }
}

fn verdict(indicator: &IndicatorResult) -> &'static str {
    match indicator.verdict {
        Verdict::Provisional => "provisoire",
        Verdict::Reached => "objectif atteint",
        Verdict::Missed => "objectif non atteint",
        Verdict::Inconclusive => "non concluant",
        Verdict::NotEvaluable => "non évaluable",
        Verdict::Withheld => "non affichée",
        Verdict::None if indicator.exploratory.is_some() => "aucune, car l’indicateur est exploratoire",
        Verdict::None if indicator.target.is_none() => "aucune, car aucun objectif n’est fixé",
        Verdict::None => "aucune, car l’indicateur est secondaire",
    }
}

fn arm_words(arm: Option<&str>) -> &'static str {
    match arm {
        None => "Niveau",
        Some("treated") => "Essai",
        Some("control") => "Témoin",
        Some("baseline") => "Avant",
        Some("trial") => "Pendant",
        Some("treated_baseline") => "Essai avant",
        Some("treated_trial") => "Essai pendant",
        Some("control_baseline") => "Témoin avant",
        Some("control_trial") => "Témoin pendant",
        Some(_) => "Groupe",
    }
}

fn scale_words(scale: Option<&str>) -> &'static str {
    match scale {
        Some("mean_difference") => "\u{a0}; effet\u{a0}: différence de moyennes",
        Some("hedges_g") => "\u{a0}; effet\u{a0}: différence en écarts types (g de Hedges)",
        Some("log_ratio_of_means") => "\u{a0}; effet\u{a0}: rapport de moyennes",
        Some("risk_difference") => "\u{a0}; effet\u{a0}: différence de parts, en points",
        Some("log_risk_ratio") => "\u{a0}; effet\u{a0}: rapport de parts",
        Some("log_odds_ratio") => "\u{a0}; effet\u{a0}: rapport de cotes",
        Some("log_ratio_of_ratios") => "\u{a0}; effet\u{a0}: rapport de ratios",
        _ => "",
    }
}

fn target_words(target: &TargetResult, effect: Scale, level: Scale) -> String {
    let value = |i: usize, scale| target.value.get(i).map(|x| number(*x, scale)).unwrap_or_default();
    match target.kind.as_str() {
        "level" => format!("un niveau de {}", value(0, level)),
        "relative" => format!("un changement de {}\u{a0}%", decimal(target.value.first().copied().unwrap_or_default() * 100.0, 0)),
        "within" => format!("un effet entre {} et {}", value(0, effect), value(1, effect)),
        _ => format!("un effet de {}", value(0, effect)) + if effect == Scale::Points { " points" } else { "" },
    }
}

fn interval_words(confidence: f64) -> String {
    format!("Intervalle à {}", percent(confidence))
}

fn ci(interval: Option<Interval>, scale: Scale) -> String {
    interval.map_or_else(|| "–".to_owned(), |[low, high]| format!("[{}\u{a0}; {}]", opt(low, scale), opt(high, scale)))
}

fn opt(value: Option<f64>, scale: Scale) -> String {
    value.map_or_else(|| "–".to_owned(), |value| number(value, scale))
}

fn number(value: f64, scale: Scale) -> String {
    match scale {
        Scale::Plain => decimal(value, digits(value)),
        Scale::Whole => decimal(value, 0),
        Scale::Percent => format!("{}\u{a0}%", decimal(value * 100.0, 1)),
        Scale::Points => decimal(value * 100.0, 1),
        Scale::Ratio => decimal(value.exp(), digits(value.exp())),
    }
}

fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round();
    format!("{}\u{a0}%", decimal(tenths / 10.0, usize::from(tenths % 10.0 != 0.0)))
}

/// About four digits that matter.
fn digits(value: f64) -> usize {
    match value.abs() {
        x if x >= 1000.0 || x == 0.0 => 0,
        x if x >= 100.0 => 1,
        x if x >= 1.0 => 2,
        x if x >= 0.01 => 3,
        x => ((-x.log10()).ceil() as usize + 2).min(12),
    }
}

/// Decimal comma, true minus sign, thousands apart.
fn decimal(value: f64, decimals: usize) -> String {
    let written = format!("{:.decimals$}", value.abs());
    let (before, after) = written.split_once('.').map_or((written.as_str(), None), |(a, b)| (a, Some(b)));
    let negative = value < 0.0 && written.bytes().any(|b| (b'1'..=b'9').contains(&b));
    let sign = if negative { "−" } else { "" };
    format!("{sign}{}{}", thousands(before), after.map(|after| format!(",{after}")).unwrap_or_default())
}

fn whole(n: u64) -> String {
    thousands(&n.to_string())
}

fn thousands(digits: &str) -> String {
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", whole(n), if n < 2 { one } else { many })
}

fn pad(cell: &str, width: usize, right: bool) -> String {
    let spaces = " ".repeat(width.saturating_sub(cell.chars().count()));
    if right { format!("{spaces}{cell}") } else { format!("{cell}{spaces}") }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_french() {
        assert_eq!(number(-1.58, Scale::Plain), "−1,58");
        assert_eq!(number(-0.000_04, Scale::Plain), "−0,0000400");
        assert_eq!(number(1234.5, Scale::Plain), "1\u{a0}235".replace("235", "234"), "half to even, as format! rounds");
        assert_eq!(number(0.051, Scale::Points), "5,1");
        assert_eq!(number(0.5, Scale::Percent), "50,0\u{a0}%");
        assert_eq!(number(0.0_f64, Scale::Ratio), "1,00");
        assert_eq!(number(-0.000_1, Scale::Points), "0,0", "no minus zero");
        assert_eq!(whole(1_234_567), "1\u{a0}234\u{a0}567");
    }
}
