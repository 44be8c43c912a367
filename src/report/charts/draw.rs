//! Writes a [`Plot`] as SVG. Text is text; the same plot gives the same bytes.

use std::fmt::Write as _;

use super::{
    Line, Mark, Plot, Summary, Theme,
    axis::Axis,
    text::{width, wrap},
};
use crate::{report::french::NBSP, words::xml};

/// Body text.
const SIZE: f64 = 12.5;
/// Of a line of text.
const LEADING: f64 = 15.0;

struct Ink {
    text: &'static str,
    muted: &'static str,
    line: &'static str,
    accent: &'static str,
    target: &'static str,
}

fn ink(theme: Theme) -> Ink {
    match theme {
        Theme::Page => Ink {
            text: "var(--chart-ink, currentColor)",
            muted: "var(--chart-muted, currentColor)",
            line: "var(--chart-line, #b6bec9)",
            accent: "var(--chart-accent, currentColor)",
            target: "var(--chart-target, currentColor)",
        },
        Theme::Print => Ink { text: "#1b1f24", muted: "#515b68", line: "#c3cad3", accent: "#1f4e8c", target: "#8a4b08" },
    }
}

/// A row laid out.
struct Row<'a> {
    line: &'a Line,
    name: Vec<String>,
    reason: Vec<String>,
    height: f64,
}

struct Layout<'a> {
    /// Across, in the chart's own units.
    width: f64,
    name_width: f64,
    /// Height of the column heads, and of the words over the plot where there are any.
    head: f64,
    plot: &'a Plot,
    ink: Ink,
    theme: Theme,
    axis: Axis,
    left: f64,
    right: f64,
    n_center: f64,
}

/// One SVG, or several no taller than `max_height`, all with the same columns and axis; the pooled value ends the last.
pub(super) fn svg(plot: &Plot, theme: Theme, max_height: f64) -> Vec<String> {
    let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(|t| width(t, SIZE)).fold(0.0, f64::max);
    let n_width = widest(&mut plot.lines.iter().map(|l| l.n.as_str()).chain([plot.head_n.as_str()])).clamp(40.0, 130.0);
    let figures = plot.lines.iter().map(|l| l.figures.as_str()).chain([plot.head_figures.as_str()]);
    let pooled = plot.summary.iter().flat_map(|s| [Some(s.figures.as_str()), s.prediction.as_ref().map(|(_, t)| t.as_str())]).flatten();
    let figures_width = widest(&mut figures.chain(pooled)).clamp(60.0, 240.0);
    // Paper is narrower than a screen: the same text is larger beside it.
    let (width, name_width) = match theme {
        Theme::Page => (760.0, 205.0),
        Theme::Print => (660.0, 165.0),
    };
    let left = name_width + n_width + 34.0;
    let right = (width - figures_width - 20.0).max(left + 120.0);
    let layout = Layout {
        width,
        name_width,
        head: if plot.target.is_empty() && plot.reference.is_none() { 31.0 } else { 46.0 },
        plot,
        ink: ink(theme),
        theme,
        axis: Axis::new(plot, left, right),
        left,
        right,
        n_center: name_width + 12.0 + n_width / 2.0,
    };
    let rows: Vec<Row> = plot.lines.iter().map(|line| layout.row(line)).collect();
    let parts = layout.cut(&rows, max_height);
    let count = parts.len();
    parts.iter().enumerate().map(|(i, rows)| layout.draw(rows, i, count)).collect()
}

impl Layout<'_> {
    fn row<'a>(&self, line: &'a Line) -> Row<'a> {
        let name = wrap(&line.name, self.name_width, SIZE, 3);
        let reason = line.reason.as_ref().map_or(Vec::new(), |r| wrap(r, self.width - self.left, SIZE - 0.5, 3));
        let lines = name.len().max(reason.len()).max(1);
        #[expect(clippy::cast_precision_loss, reason = "three lines at most")]
        let height = (lines as f64 * LEADING + 11.0).max(if line.marks.len() > 1 { 32.0 } else { 26.0 });
        Row { line, name, reason, height }
    }

    fn summary_height(&self) -> f64 {
        self.plot.summary.as_ref().map_or(0.0, |s| if s.prediction.is_some() { 66.0 } else { 38.0 })
    }

    /// Rows per chart: as few charts as hold them under `max_height`, about as tall as one another. The last also holds the
    /// pooled value.
    fn cut<'r, 'l>(&self, rows: &'r [Row<'l>], max_height: f64) -> Vec<&'r [Row<'l>]> {
        let frame = self.head + 62.0 + self.legend(0.0).1 * 20.0;
        let height = |rows: &[Row]| rows.iter().map(|r| r.height).sum::<f64>();
        let fits = |part: &[Row], is_last: bool| frame + height(part) + if is_last { self.summary_height() } else { 0.0 } <= max_height;
        for count in 1..=rows.len() {
            let each = rows.len().div_ceil(count);
            let parts: Vec<&[Row]> = rows.chunks(each).collect();
            if parts.iter().enumerate().all(|(i, part)| fits(part, i + 1 == parts.len())) {
                return parts;
            }
        }
        // One row a chart and still too tall, or no row at all.
        if rows.is_empty() { vec![rows] } else { rows.chunks(1).collect() }
    }

    fn draw(&self, rows: &[Row], part: usize, parts: usize) -> String {
        let last = part + 1 == parts;
        let body: f64 = rows.iter().map(|r| r.height).sum();
        let summary_height = if last { self.summary_height() } else { 0.0 };
        let bottom = self.head + body + summary_height;
        let (legend, legend_lines) = self.legend(bottom + 62.0);
        let height = bottom + 62.0 + legend_lines * 20.0;
        let id = if parts > 1 { format!("{}-{}", self.plot.id, part + 1) } else { self.plot.id.clone() };
        let suffix = if parts > 1 { format!(" ({} sur {parts})", part + 1) } else { String::new() };
        let font = if self.theme == Theme::Print { r#" font-family="Libertinus Serif""# } else { "" };
        let mut out = String::new();
        let _ = write!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-labelledby="{id}-t {id}-d" viewBox="0 0 {width} {}" width="{width}" height="{}" font-size="{SIZE}"{font} fill="{}"><title id="{id}-t">{}{suffix}</title><desc id="{id}-d">{}</desc>"#,
            px(height),
            px(height),
            self.ink.text,
            xml(&self.plot.title),
            xml(&self.plot.description),
            width = self.width,
        );
        self.guides(&mut out, bottom);
        self.head(&mut out);
        let mut y = self.head;
        for row in rows {
            self.site(&mut out, row, y);
            y += row.height;
        }
        if let Some(summary) = self.plot.summary.as_ref().filter(|_| last) {
            self.pooled(&mut out, summary, y);
        }
        self.scale(&mut out, bottom);
        out.push_str(&legend);
        out.push_str("</svg>");
        out
    }

    fn head(&self, out: &mut String) {
        let y = 15.0;
        text(out, 0.0, y, "start", self.ink.muted, SIZE - 1.0, "", "Structure");
        text(out, self.n_center, y, "middle", self.ink.muted, SIZE - 1.0, "", &self.plot.head_n);
        text(out, self.width, y, "end", self.ink.muted, SIZE - 1.0, "", &self.plot.head_figures);
        rule(out, 0.0, self.width, self.head - 8.0, self.ink.line, 1.0);
        let middle = |v: f64| self.axis.x(v);
        let target = self.plot.target.first().map(|first| {
            let last = self.plot.target.last().unwrap_or(first);
            (middle(*first) + middle(*last)) / 2.0
        });
        if let Some(x) = target {
            let name = if self.plot.target.len() > 1 { "marge convenue" } else { "objectif" };
            self.above(out, x, name, self.ink.target);
        }
        if let Some(x) = self.plot.reference.map(middle).filter(|x| target.is_none_or(|t| (x - t).abs() > 78.0)) {
            self.above(out, x, "aucun écart", self.ink.muted);
        }
    }

    /// A word over the plot, kept within it.
    fn above(&self, out: &mut String, x: f64, word: &str, colour: &str) {
        let half = width(word, SIZE - 1.0) / 2.0;
        let x = x.clamp(self.left + half - 14.0, self.right - half + 14.0);
        text(out, x, 31.0, "middle", colour, SIZE - 1.0, "", word);
    }

    fn guides(&self, out: &mut String, bottom: f64) {
        let (top, bottom) = (self.head - 8.0, bottom + 6.0);
        if let [low, high] = self.plot.target[..] {
            let (a, b) = (self.axis.x(low), self.axis.x(high));
            let _ = write!(
                out,
                r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{}" opacity="0.12"/>"#,
                px(a),
                px(top),
                px((b - a).max(0.0)),
                px(bottom - top),
                self.ink.target
            );
        }
        if let Some(r) = self.plot.reference {
            upright(out, self.axis.x(r), top, bottom, self.ink.muted, 1.2, "");
        }
        for &t in &self.plot.target {
            upright(out, self.axis.x(t), top, bottom, self.ink.target, 1.6, r#" stroke-dasharray="5 4""#);
        }
    }

    fn site(&self, out: &mut String, row: &Row, top: f64) {
        let middle = top + row.height / 2.0;
        block(out, 0.0, middle, self.ink.text, SIZE, "", &row.name);
        text(out, self.n_center, middle + 4.3, "middle", self.ink.muted, SIZE, r#" class="num""#, &row.line.n);
        if row.line.marks.is_empty() {
            // The words lie over the plot: its lines stop behind them.
            let wide = row.reason.iter().map(|l| width(l, SIZE - 0.5)).fold(0.0, f64::max);
            let _ = write!(
                out,
                r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>"#,
                px(self.left),
                px(top + 3.0),
                px(wide.min(self.width - self.left)),
                px(row.height - 6.0),
                self.paper()
            );
            block(out, self.left, middle, self.ink.muted, SIZE - 0.5, r#" font-style="italic""#, &row.reason);
            return;
        }
        text(out, self.width, middle + 4.3, "end", self.ink.text, SIZE, r#" class="num""#, &row.line.figures);
        let offsets: &[f64] = if row.line.marks.len() > 1 { &[-5.5, 5.5] } else { &[0.0] };
        for (mark, dy) in row.line.marks.iter().zip(offsets) {
            let colour = if mark.filled { self.ink.accent } else { self.ink.muted };
            self.interval(out, mark, middle + dy, colour);
            let (x, half) = (self.axis.x(mark.at), mark.size / 2.0);
            let y = middle + dy;
            match (self.plot.levels, mark.filled) {
                (false, _) => {
                    let _ = write!(
                        out,
                        r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{colour}"/>"#,
                        px(x - half),
                        px(y - half),
                        px(mark.size),
                        px(mark.size)
                    );
                }
                (true, true) => {
                    let _ = write!(out, r#"<circle cx="{}" cy="{}" r="4.5" fill="{colour}"/>"#, px(x), px(y));
                }
                (true, false) => {
                    let _ = write!(
                        out,
                        r#"<circle cx="{}" cy="{}" r="4" fill="{}" stroke="{colour}" stroke-width="1.6"/>"#,
                        px(x),
                        px(y),
                        self.paper()
                    );
                }
            }
        }
    }

    fn paper(&self) -> &'static str {
        if self.theme == Theme::Print { "#ffffff" } else { "var(--chart-paper, Canvas)" }
    }

    /// The line of an interval, with an arrow where it goes on beyond the plot.
    fn interval(&self, out: &mut String, mark: &Mark, y: f64, colour: &str) {
        let (Some(low), Some(high)) = (mark.low, mark.high) else { return };
        let (a, b) = (self.axis.x(low), self.axis.x(high));
        rule(out, a, b, y, colour, 1.6);
        for (clipped, x, inward) in [(self.axis.is_below(low), a, 6.0), (self.axis.is_above(high), b, -6.0)] {
            if clipped {
                let _ = write!(
                    out,
                    r#"<path d="M{} {}L{} {}L{} {}Z" fill="{colour}"/>"#,
                    px(x - inward * 0.4),
                    px(y),
                    px(x + inward),
                    px(y - 4.0),
                    px(x + inward),
                    px(y + 4.0)
                );
            }
        }
    }

    fn pooled(&self, out: &mut String, summary: &Summary, top: f64) {
        rule(out, 0.0, self.width, top + 2.0, self.ink.line, 1.0);
        let y = top + 20.0;
        let bold = r#" font-weight="bold""#;
        text(out, 0.0, y + 4.3, "start", self.ink.text, SIZE, bold, "Ensemble");
        text(out, self.width, y + 4.3, "end", self.ink.text, SIZE, r#" class="num" font-weight="bold""#, &summary.figures);
        let x = self.axis.x(summary.mark.at);
        let (a, b) = (self.axis.x(summary.mark.low.unwrap_or(summary.mark.at)), self.axis.x(summary.mark.high.unwrap_or(summary.mark.at)));
        let (a, b) = (a.min(x - 3.0), b.max(x + 3.0));
        let _ = write!(
            out,
            r#"<path d="M{} {}L{} {}L{} {}L{} {}Z" fill="{}"/>"#,
            px(a),
            px(y),
            px(x),
            px(y - 8.0),
            px(b),
            px(y),
            px(x),
            px(y + 8.0),
            self.ink.text
        );
        if let Some(([low, high], figures)) = &summary.prediction {
            let y = top + 48.0;
            text(out, 0.0, y + 4.3, "start", self.ink.muted, SIZE, "", "Nouvelle structure (prédiction)");
            text(out, self.width, y + 4.3, "end", self.ink.muted, SIZE, r#" class="num""#, figures);
            let (a, b) = (self.axis.x(low.unwrap_or(f64::MIN)), self.axis.x(high.unwrap_or(f64::MAX)));
            let _ = write!(
                out,
                r#"<rect x="{}" y="{}" width="{}" height="7" fill="none" stroke="{}" stroke-width="1.3"/>"#,
                px(a),
                px(y - 3.5),
                px((b - a).max(1.0)),
                self.ink.muted
            );
            let ends = [(low.is_none_or(|l| self.axis.is_below(l)), a, -1.0), (high.is_none_or(|h| self.axis.is_above(h)), b, 1.0)];
            for (clipped, x, way) in ends {
                if clipped {
                    let _ = write!(
                        out,
                        r#"<path d="M{} {}L{} {}L{} {}Z" fill="{}"/>"#,
                        px(x + 7.0 * way),
                        px(y),
                        px(x),
                        px(y - 4.5),
                        px(x),
                        px(y + 4.5),
                        self.ink.muted
                    );
                }
            }
        }
    }

    fn scale(&self, out: &mut String, bottom: f64) {
        let y = bottom + 6.0;
        rule(out, self.left, self.right, y, self.ink.muted, 1.0);
        let mut free = f64::NEG_INFINITY;
        for (value, label) in self.axis.ticks(self.plot.log) {
            let x = self.axis.x(value);
            upright(out, x, y, y + 4.0, self.ink.muted, 1.0, "");
            let half = width(&label, SIZE - 1.0) / 2.0;
            if x - half > free {
                text(out, x, y + 17.0, "middle", self.ink.muted, SIZE - 1.0, r#" class="num""#, &label);
                free = x + half + 5.0;
            }
        }
        let y = y + 37.0;
        let better = if self.plot.lower_is_better { format!("←{NBSP}mieux") } else { format!("mieux{NBSP}→") };
        let (x, anchor) = if self.plot.lower_is_better { (self.left, "start") } else { (self.right, "end") };
        text(out, x, y, anchor, self.ink.accent, SIZE - 0.5, r#" font-weight="bold""#, &better);
        let (x, anchor) = if self.plot.lower_is_better { (self.right, "end") } else { (self.left, "start") };
        text(out, x, y, anchor, self.ink.muted, SIZE - 1.0, "", &self.plot.axis_title);
    }

    /// The key under the chart, laid out in lines from `top`; returns it and how many lines it takes.
    fn legend(&self, top: f64) -> (String, f64) {
        type Sign = fn(&Layout, &mut String, f64, f64);
        let square: Sign = |l, o, x, y| {
            let _ = write!(o, r#"<rect x="{}" y="{}" width="9" height="9" fill="{}"/>"#, px(x), px(y - 4.5), l.ink.accent);
        };
        let dot: Sign = |l, o, x, y| {
            let _ = write!(o, r#"<circle cx="{}" cy="{}" r="4.5" fill="{}"/>"#, px(x + 4.5), px(y), l.ink.accent);
        };
        let ring: Sign = |l, o, x, y| {
            let _ =
                write!(o, r#"<circle cx="{}" cy="{}" r="4" fill="none" stroke="{}" stroke-width="1.6"/>"#, px(x + 4.5), px(y), l.ink.muted);
        };
        let diamond: Sign = |l, o, x, y| {
            let _ = write!(
                o,
                r#"<path d="M{} {}L{} {}L{} {}L{} {}Z" fill="{}"/>"#,
                px(x - 2.0),
                px(y),
                px(x + 4.5),
                px(y - 5.0),
                px(x + 11.0),
                px(y),
                px(x + 4.5),
                px(y + 5.0),
                l.ink.text
            );
        };
        let dashed: Sign = |l, o, x, y| upright(o, x + 4.5, y - 7.0, y + 7.0, l.ink.target, 1.6, r#" stroke-dasharray="5 4""#);
        let solid: Sign = |l, o, x, y| upright(o, x + 4.5, y - 7.0, y + 7.0, l.ink.muted, 1.2, "");
        let mut items: Vec<(Sign, &str)> = Vec::new();
        match (self.plot.levels, self.plot.has_control_marks) {
            (false, _) => items.push((square, "structure (surface selon le poids)")),
            (true, true) => {
                let before = self.plot.head_n.starts_with("Pendant");
                items.push((dot, if before { "pendant l'essai" } else { "groupe d'essai" }));
                items.push((ring, if before { "avant" } else { "groupe témoin" }));
            }
            (true, false) => items.push((dot, "structure")),
        }
        if self.plot.summary.is_some() {
            items.push((diamond, "ensemble des structures"));
        }
        if !self.plot.target.is_empty() {
            items.push((dashed, if self.plot.target.len() > 1 { "marge convenue" } else { "objectif" }));
        }
        if self.plot.reference.is_some() {
            items.push((solid, "aucun écart"));
        }
        let (mut out, mut x, mut line) = (String::new(), 2.0, 0.0);
        for (sign, words) in items {
            let needed = 16.0 + width(words, SIZE - 1.0);
            if x > 2.0 && x + needed > self.width {
                (x, line) = (2.0, line + 1.0);
            }
            let y = top + line * 20.0 + 4.0;
            sign(self, &mut out, x, y);
            text(&mut out, x + 16.0, y + 4.0, "start", self.ink.muted, SIZE - 1.0, "", words);
            x += needed + 26.0;
        }
        (out, line + 1.0)
    }
}

/// A length with at most two decimals, never «-0».
fn px(x: f64) -> String {
    let x = if x.is_finite() { x } else { 0.0 };
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn rule(out: &mut String, a: f64, b: f64, y: f64, colour: &str, stroke: f64) {
    let _ = write!(out, r#"<path d="M{} {}H{}" stroke="{colour}" stroke-width="{stroke}" fill="none"/>"#, px(a), px(y), px(b));
}

fn upright(out: &mut String, x: f64, top: f64, bottom: f64, colour: &str, stroke: f64, more: &str) {
    let _ = write!(out, r#"<path d="M{} {}V{}" stroke="{colour}" stroke-width="{stroke}" fill="none"{more}/>"#, px(x), px(top), px(bottom));
}

#[expect(clippy::too_many_arguments, reason = "the attributes of one SVG element, used by this file alone")]
fn text(out: &mut String, x: f64, y: f64, anchor: &str, colour: &str, size: f64, more: &str, words: &str) {
    let _ = write!(
        out,
        r#"<text x="{}" y="{}" text-anchor="{anchor}" fill="{colour}" font-size="{size}"{more}>{}</text>"#,
        px(x),
        px(y),
        xml(words)
    );
}

/// Lines of text around a middle height.
fn block(out: &mut String, x: f64, middle: f64, colour: &str, size: f64, more: &str, lines: &[String]) {
    #[expect(clippy::cast_precision_loss, reason = "three lines at most")]
    let first = middle - (lines.len() as f64 - 1.0) * LEADING / 2.0 + 4.3;
    let mut y = first;
    for line in lines {
        text(out, x, y, "start", colour, size, more, line);
        y += LEADING;
    }
}
