//! The encoding of a text file.

use std::{fs::File, io::Read, path::Path};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::memchr;

use super::{refuse, unreadable};
use crate::deposit::report::SourceError;

/// Bytes that a guess looks at, from the first that is not ASCII on: the guess is slow, and sure long before.
const TELLING: usize = 128 * 1024;

/// An encoding, as it is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Which.
    pub encoding: &'static Encoding,
    /// As a report names it: `utf-8`, `utf-8-bom`, `windows-1252`, `utf-16le` …
    pub name: String,
    /// Bytes of the mark that opens the file.
    pub mark: usize,
    /// Whether a mark, not the bytes, decided.
    pub marked: bool,
}

/// Tells the encoding from the beginning of a file, or from the whole of it: a byte-order mark decides, then what was agreed if the
/// bytes are not UTF-8, then valid UTF-8, then a guess.
pub fn of_sample(sample: &[u8], whole: bool, agreed: Option<&str>) -> Result<Known, SourceError> {
    let mut witness = Witness::default();
    witness.see(sample);
    witness.decide(sample, whole, agreed)
}

/// As [`of_sample`], where the beginning did not tell.
pub fn of_file(path: &Path, agreed: Option<&str>) -> Result<Known, SourceError> {
    let mut file = File::open(path).map_err(|e| unreadable(&e))?;
    let (mut witness, mut sample) = (Witness::default(), Vec::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(|e| unreadable(&e))?;
        if read == 0 {
            return witness.decide(&sample, true, agreed);
        }
        if sample.is_empty() {
            sample = buffer[..read].to_vec();
        }
        witness.see(&buffer[..read]);
    }
}

/// What bytes show of their encoding, seen one part after the other.
struct Witness {
    /// What is around the first bytes that are not ASCII, as far as a guess needs it.
    telling: Vec<u8>,
    /// The last bytes, which the next part may continue.
    tail: Vec<u8>,
    /// Line of the first byte that is not UTF-8.
    not_utf8: Option<usize>,
    lines: usize,
    french_utf8: bool,
}

impl Default for Witness {
    fn default() -> Self {
        Self { telling: Vec::new(), tail: Vec::new(), not_utf8: None, lines: 1, french_utf8: false }
    }
}

impl Witness {
    fn see(&mut self, part: &[u8]) {
        if part.is_ascii() && self.tail.is_empty() {
            self.lines += memchr::memchr_iter(b'\n', part).count();
            return;
        }
        if self.telling.len() < TELLING {
            let first = part.iter().position(|b| !b.is_ascii()).unwrap_or_default().saturating_sub(64);
            self.telling.extend(part[first..].iter().take(TELLING - self.telling.len()));
        }
        let mut bytes = std::mem::take(&mut self.tail);
        bytes.extend_from_slice(part);
        self.french_utf8 |= has_french_utf8(&bytes);
        let kept = match std::str::from_utf8(&bytes) {
            Ok(_) => bytes.len(),
            // A character that the next part ends.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(error) => {
                let lines = bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count();
                self.not_utf8.get_or_insert(self.lines + lines);
                bytes.len().saturating_sub(2)
            }
        };
        self.lines += bytes[..kept].iter().filter(|b| **b == b'\n').count();
        self.tail = bytes.split_off(kept);
    }

    fn decide(self, sample: &[u8], whole: bool, agreed: Option<&str>) -> Result<Known, SourceError> {
        if let Some((encoding, mark)) = Encoding::for_bom(sample) {
            let name = if encoding == UTF_8 { "utf-8-bom".to_owned() } else { encoding.name().to_lowercase() };
            return Ok(Known { encoding, name, mark, marked: true });
        }
        if let Some(encoding) = utf16_without_mark(sample) {
            return Ok(Known { encoding, name: encoding.name().to_lowercase(), mark: 0, marked: true });
        }
        let known = |encoding: &'static Encoding| Known { encoding, name: encoding.name().to_lowercase(), mark: 0, marked: false };
        let line = self.not_utf8.or_else(|| (whole && !self.tail.is_empty()).then_some(self.lines));
        let Some(line) = line else { return Ok(known(UTF_8)) };
        if let Some(encoding) = agreed.and_then(|name| Encoding::for_label(name.as_bytes())).filter(|e| *e != UTF_8)
            && decodes(encoding, sample)
        {
            return Ok(known(encoding));
        }
        if self.french_utf8 {
            return Err(mixed(line));
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(&self.telling, true);
        let guess = detector.guess(Some(b"fr"), Utf8Detection::Deny);
        Ok(known(if decodes(guess, sample) { guess } else { WINDOWS_1252 }))
    }
}

/// UTF-16 that no mark opens: text of which every second byte is nearly always zero, as for all letters that are not accented.
pub fn utf16_without_mark(start: &[u8]) -> Option<&'static Encoding> {
    let zeros = |from: usize| start.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), start.len() / 2);
    match (even, odd) {
        (0, odd) if half > 1 && odd * 10 >= half * 7 => Some(UTF_16LE),
        (even, 0) if half > 1 && even * 10 >= half * 7 => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether the sample, but for a last character that it may cut, is in this encoding.
fn decodes(encoding: &'static Encoding, sample: &[u8]) -> bool {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(sample.len()).unwrap_or(0));
    let (result, _) = decoder.decode_to_string_without_replacement(sample, &mut text, false);
    matches!(result, encoding_rs::DecoderResult::InputEmpty)
}

/// Whether bytes that are not UTF-8 as a whole hold accented letters or quotes of French in UTF-8: `Ã©`, `â€™` in windows-1252,
/// which nobody writes.
pub fn has_french_utf8(bytes: &[u8]) -> bool {
    // A first byte of these is rare in French of another encoding: only what follows it is looked at.
    memchr::memchr3_iter(0xC2, 0xC3, 0xC5, bytes)
        .any(|at| matches!(bytes.get(at..at + 3), Some([0xC3 | 0xC2, 0x80..=0xBF, 0..=0x7F] | [0xC5, 0x92 | 0x93, 0..=0x7F])))
        || memchr::memchr_iter(0xE2, bytes).any(|at| matches!(bytes.get(at + 1..at + 3), Some([0x80, 0x80..=0xBF])))
}

/// A file in two encodings, of which the second starts on `line`.
pub fn mixed(line: usize) -> SourceError {
    refuse(
        "encoding",
        format!(
            "Le fichier mêle deux encodages (UTF-8 et un autre, à partir de la ligne {line}) : les accents seraient faux. Enregistrez-le en « CSV UTF-8 » depuis votre tableur."
        ),
    )
}

/// A file whose bytes are not in the encoding that a mark or a person gave.
pub fn undecodable() -> SourceError {
    refuse("encoding", "Le fichier n'est pas dans l'encodage annoncé : enregistrez-le en « CSV UTF-8 » depuis votre tableur.")
}

/// A text cut in the middle of a character.
pub fn cut_character() -> SourceError {
    refuse("truncated", "Le fichier s'arrête au milieu d'un caractère : refaites l'export ou l'envoi.")
}

/// Whether characters of more than one byte may hide a delimiter, a quote or an end of line: such a text is decoded before it is cut.
pub fn is_cut_as_bytes(encoding: &'static Encoding) -> bool {
    encoding == UTF_8 || encoding.is_single_byte()
}

/// Whether it is one of the two encodings whose text holds zero bytes.
pub fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// Refuses a text with a zero byte, which no table has.
pub fn without_zero(text: &str, first_row: u64) -> Result<(), SourceError> {
    match memchr(0, text.as_bytes()) {
        None => Ok(()),
        Some(at) => {
            let row = first_row + text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() as u64;
            Err(refuse(
                "binary",
                format!("Le fichier contient un caractère nul vers la ligne {row} : l'export ou l'envoi l'a abîmé, refaites-le."),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        let name = |bytes: &[u8]| of_sample(bytes, true, None).map(|k| k.name).map_err(|e| e.code);
        assert_eq!(name("été".as_bytes()), Ok("utf-8".into()));
        assert_eq!(name("\u{feff}été".as_bytes()), Ok("utf-8-bom".into()));
        let latin = WINDOWS_1252.encode("Délai de réponse à l'usager ; 12 € – œuvre").0;
        assert_eq!(name(&latin), Ok("windows-1252".into()));
        let utf16: Vec<u8> = [0xFEFFu16].into_iter().chain("été".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(name(&utf16), Ok("utf-16le".into()));
        let mut both = "réponse\n".as_bytes().to_vec();
        both.extend_from_slice(&WINDOWS_1252.encode("délai\n").0);
        assert_eq!(name(&both), Err("encoding".into()));
    }

    #[test]
    fn a_sample_may_cut_a_character_and_a_file_may_not() {
        let cut = &"réponse é".as_bytes()[.."réponse é".len() - 1];
        assert_eq!(of_sample(cut, false, None).map(|k| k.name), Ok("utf-8".into()));
        assert!(of_sample(cut, true, None).map(|k| k.name) != Ok("utf-8".into()));
    }

    #[test]
    fn parts_tell_what_the_whole_tells() {
        let text = "a;b\nhôtel de ville;œuvre\n".repeat(50);
        for bytes in [text.as_bytes().to_vec(), WINDOWS_1252.encode(&text).0.into_owned()] {
            let whole = of_sample(&bytes, true, None).map(|k| k.encoding);
            for size in [1, 2, 3, 7, 64] {
                let mut witness = Witness::default();
                bytes.chunks(size).for_each(|part| witness.see(part));
                assert_eq!(witness.decide(&bytes, true, None).map(|k| k.encoding), whole, "{size}");
            }
        }
    }
}
