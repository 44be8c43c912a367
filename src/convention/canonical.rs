//! What is signed: the document as canonical JSON, after RFC 8785 (sorted keys, no spaces, one spelling of a number).

use serde_json::{Number, Value as Json};
use sha2::{Digest, Sha256};

/// SHA-256 (hex) of a document without its `provider`, which is named outside what parties sign.
pub(super) fn sha256(document: &Json) -> String {
    let mut signed = document.clone();
    if let Some(object) = signed.as_object_mut() {
        object.shift_remove("provider");
    }
    hash(&signed)
}

/// SHA-256 (hex) of the canonical text of a JSON value.
pub(super) fn hash(json: &Json) -> String {
    let mut text = String::new();
    write(json, &mut text);
    hex::encode(Sha256::digest(text))
}

/// Whether two documents read alike once signed.
pub(super) fn same(a: &Json, b: &Json) -> bool {
    let text = |json: &Json| {
        let mut out = String::new();
        write(json, &mut out);
        out
    };
    a == b || text(a) == text(b)
}

fn write(json: &Json, out: &mut String) {
    match json {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            // RFC 8785 sorts by UTF-16 code units.
            entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (i, (key, value)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Json::from(key.as_str()).to_string());
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Json::Number(number) => out.push_str(&spelt(number)),
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// `2.0` and `2` are one number, and −0 is 0.
fn spelt(number: &Number) -> String {
    match number.as_f64() {
        Some(f) if number.is_f64() && f.fract() == 0.0 && f.abs() < 9_007_199_254_740_992.0 => format!("{:.0}", f + 0.0),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_document_has_one_text() {
        let canonical = |text: &str| {
            let mut out = String::new();
            write(&serde_json::from_str(text).expect("JSON"), &mut out);
            out
        };
        // The key order of RFC 8785, section 3.2.3.
        let keys = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        assert_eq!(canonical(keys), "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}");
        assert_eq!(
            canonical("[2.0, -0.0, -10.0, 0.05, 1e21, -0.5, 12, true, null, \"a\"]"),
            "[2,0,-10,0.05,1e+21,-0.5,12,true,null,\"a\"]"
        );
    }

    #[test]
    fn the_provider_is_not_signed() {
        let of = |text: &str| sha256(&serde_json::from_str(text).expect("JSON"));
        assert_eq!(of(r#"{"a":1,"provider":{"name":"x"},"b":2}"#), of(r#"{"b":2.0,"a":1}"#));
        assert_ne!(of(r#"{"a":1}"#), of(r#"{"a":2}"#));
    }
}
