//! The few marks that our own texts use, as HTML: headings, lists, paragraphs, **strong**, *emphasis*.

use super::view::escape;
use crate::report::french::typeset;

/// Renders a text of ours; everything is escaped first.
pub fn render(text: &str) -> String {
    let mut out = String::new();
    let mut list: Option<&str> = None;
    let mut blocks = text.split("\n\n").map(str::trim).filter(|b| !b.is_empty()).peekable();
    // A title in bold repeats the page's own.
    if blocks.peek().is_some_and(|b| b.starts_with("**") && b.ends_with("**")) {
        blocks.next();
    }
    for block in blocks {
        if let Some(title) = heading(block) {
            close(&mut out, &mut list);
            out.push_str(&title);
            continue;
        }
        for line in block.lines() {
            match item(line) {
                Some((kind, content)) => {
                    if list != Some(kind) {
                        close(&mut out, &mut list);
                        out.push_str(&format!("<{kind}>\n"));
                        list = Some(kind);
                    }
                    out.push_str(&format!("<li>{}</li>\n", inline(content)));
                }
                None => {
                    close(&mut out, &mut list);
                    out.push_str(&format!("<p>{}</p>\n", inline(line)));
                }
            }
        }
    }
    close(&mut out, &mut list);
    out
}

fn close(out: &mut String, list: &mut Option<&str>) {
    if let Some(kind) = list.take() {
        out.push_str(&format!("</{kind}>\n"));
    }
}

fn heading(block: &str) -> Option<String> {
    if block.lines().count() > 1 {
        return None;
    }
    if let Some(title) = block.strip_prefix("## ") {
        return Some(format!("<h2>{}</h2>\n", inline(title)));
    }
    if let Some(rest) = block.strip_prefix("ARTICLE ") {
        let (number, title) = rest.split_once('–')?;
        let title = title.trim().to_lowercase();
        let mut chars = title.chars();
        let title: String = chars.next()?.to_uppercase().chain(chars).collect();
        return Some(format!("<h2 id=\"article-{n}\">Article {n}. {}</h2>\n", inline(&title), n = number.trim()));
    }
    let mut digits = block.splitn(3, '.');
    let numbered = digits.next()?.parse::<u8>().is_ok() && digits.next()?.parse::<u8>().is_ok();
    (numbered && block.chars().count() < 80).then(|| format!("<h3>{}</h3>\n", inline(block)))
}

fn item(line: &str) -> Option<(&'static str, &str)> {
    if let Some(content) = line.strip_prefix("- ") {
        return Some(("ul", content));
    }
    let (number, content) = line.split_once(". ")?;
    (number.len() <= 2 && number.parse::<u8>().is_ok()).then_some(("ol", content))
}

fn inline(text: &str) -> String {
    let mut out = escape(&typeset(text));
    for (mark, tag) in [("**", "strong"), ("*", "em")] {
        let parts: Vec<&str> = out.split(mark).collect();
        if parts.len() < 3 {
            continue;
        }
        // An odd mark at the end stays as it is written.
        let pairs = (parts.len() - 1) / 2 * 2;
        let mut marked = String::new();
        for (i, part) in parts.iter().enumerate() {
            marked.push_str(part);
            if i < parts.len() - 1 {
                marked.push_str(&match (i < pairs, i % 2) {
                    (true, 0) => format!("<{tag}>"),
                    (true, _) => format!("</{tag}>"),
                    (false, _) => mark.to_owned(),
                });
            }
        }
        out = marked;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn the_reglement_has_its_nine_articles() {
        let html = render(include_str!("assets/reglement.txt"));
        assert_eq!(html.matches("<h2").count(), 9);
        assert!(html.contains("<h2 id=\"article-7\">Article 7. "), "{html}");
        assert!(html.contains("<li>Réunion de lancement</li>"));
        assert!(!html.contains("**"), "{html}");
        for (open, close) in [("<ul>", "</ul>"), ("<ol>", "</ol>"), ("<strong>", "</strong>"), ("<em>", "</em>")] {
            assert_eq!(html.matches(open).count(), html.matches(close).count(), "{open}");
        }
    }

    #[test]
    fn nothing_in_a_text_becomes_a_tag() {
        assert_eq!(render("a <b> & *c*"), "<p>a &lt;b&gt; &amp; <em>c</em></p>\n");
    }
}
