//! The lines of a text in a drawing, whose fonts are not known when it is made.

/// About how wide a text is: the fonts that will be used are not known here, so this errs on the wide side.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let em: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | '.' | ',' | ';' | ':' | '\'' | '|' | '!' | '[' | ']' | '(' | ')' => 0.34,
            ' ' | '\u{a0}' | '\u{202f}' => 0.29,
            'm' | 'w' | 'M' | 'W' | '…' | '—' => 0.9,
            '0'..='9' => 0.56,
            c if c.is_uppercase() => 0.69,
            c if (c as u32) > 0x2e80 => 1.05,
            _ => 0.55,
        })
        .sum();
    em * size
}

/// Breaks a text into at most `most` lines; the last ends with «…» where words are left over.
pub(super) fn wrap(text: &str, max: f64, size: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split([' ', '\n', '\t', '\r']).filter(|w| !w.is_empty()) {
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&joined, size) <= max {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        // A word too long for a line is cut where it ends.
        for c in word.chars() {
            if !line.is_empty() && width(&line, size) + width(c.encode_utf8(&mut [0; 4]), size) > max {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while width(last, size) + size > max && last.pop().is_some() {}
            last.truncate(last.trim_end().len());
            last.push('…');
        }
    }
    lines
}
