//! The encoding of a text file.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::refuse;
use crate::deposit::report::SourceError;

/// The text and the name of its encoding: a byte-order mark decides, then what was agreed if it fits, then valid UTF-8, then a guess.
pub fn decode<'a>(bytes: &'a [u8], agreed: Option<&str>) -> Result<(Cow<'a, str>, String), SourceError> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let name = if encoding == UTF_8 { "utf-8-bom".to_owned() } else { encoding.name().to_lowercase() };
        return match encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]) {
            Some(text) => Ok((text, name)),
            None if encoding == UTF_16LE || encoding == UTF_16BE => {
                Err(refuse("truncated", "Le fichier s'arrête au milieu d'un caractère : refaites l'export ou l'envoi."))
            }
            None => Err(mixed(bytes)),
        };
    }
    if let Some(encoding) = agreed.and_then(|name| Encoding::for_label(name.as_bytes())).filter(|e| *e != UTF_8)
        && std::str::from_utf8(bytes).is_err()
        && let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes)
    {
        return Ok((text, encoding.name().to_lowercase()));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok((Cow::Borrowed(text), "utf-8".to_owned()));
    }
    if has_french_utf8(bytes) {
        return Err(mixed(bytes));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guess = detector.guess(Some(b"fr"), Utf8Detection::Deny);
    let (encoding, text) = match guess.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => (guess, text),
        None => (WINDOWS_1252, WINDOWS_1252.decode_without_bom_handling(bytes).0),
    };
    Ok((text, encoding.name().to_lowercase()))
}

/// Whether bytes that are not UTF-8 as a whole hold accented letters or quotes of French in UTF-8: `Ã©`, `â€™` in windows-1252,
/// which nobody writes.
fn has_french_utf8(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|w| matches!(w, [0xC3 | 0xC2, 0x80..=0xBF, 0..=0x7F] | [0xC5, 0x92 | 0x93, 0..=0x7F] | [0xE2, 0x80, 0x80..=0xBF]))
}

fn mixed(bytes: &[u8]) -> SourceError {
    let valid = std::str::from_utf8(bytes).err().map_or(bytes.len(), |e| e.valid_up_to());
    let line = 1 + bytes[..valid].iter().filter(|b| **b == b'\n').count();
    refuse(
        "encoding",
        format!(
            "Le fichier mêle deux encodages (UTF-8 et un autre, à partir de la ligne {line}) : les accents seraient faux. Enregistrez-le en « CSV UTF-8 » depuis votre tableur."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        let name = |bytes: &[u8]| decode(bytes, None).map(|(text, name)| (text.into_owned(), name)).map_err(|e| e.code);
        assert_eq!(name("été".as_bytes()), Ok(("été".into(), "utf-8".into())));
        assert_eq!(name("\u{feff}été".as_bytes()), Ok(("été".into(), "utf-8-bom".into())));
        let latin = WINDOWS_1252.encode("Délai de réponse à l'usager ; 12 € – œuvre").0;
        assert_eq!(name(&latin), Ok(("Délai de réponse à l'usager ; 12 € – œuvre".into(), "windows-1252".into())));
        let utf16: Vec<u8> = [0xFEFFu16].into_iter().chain("été".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(name(&utf16), Ok(("été".into(), "utf-16le".into())));
        assert_eq!(name(&utf16[..utf16.len() - 1]), Err("truncated".into()));
        let mut both = "réponse\n".as_bytes().to_vec();
        both.extend_from_slice(&WINDOWS_1252.encode("délai\n").0);
        assert_eq!(name(&both), Err("encoding".into()));
    }
}
