//! Documents signed in a parapheur, against files that a real tool signed (`fixtures/pades/make.py`): what holds, and what does not.

use std::{fs, path::Path};

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use retex::signature::{self, Authorities, Paper, Verified};

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/pades").join(name)).unwrap()
}

fn authorities() -> Authorities {
    Authorities::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/pades")).unwrap()
}

fn now() -> DateTime<Utc> {
    "2026-12-01T08:00:00Z".parse().unwrap()
}

fn check(bytes: &[u8], authorities: &Authorities) -> Result<Verified, &'static str> {
    let original = fixture("paper.pdf");
    let sha256 = "a".repeat(64);
    signature::verify(bytes, Paper { bytes: Some(&original), sha256: &sha256 }, authorities, now()).map_err(|e| e.code)
}

fn names(verified: &Verified) -> Vec<&str> {
    verified.signers.iter().map(|s| s.name.as_str()).collect()
}

#[test]
fn a_signed_paper_holds() {
    let one = check(&fixture("one.pdf"), &authorities()).unwrap();
    assert_eq!(names(&one), ["Camille Martin"]);
    let signer = &one.signers[0];
    assert_eq!(signer.organisation.as_deref(), Some("Commune d'essai"));
    assert_eq!((signer.authority.as_str(), signer.trusted), ("Autorité d'essai Retex", true));
    assert_eq!(signer.signed_at.date_naive().to_string(), "2026-11-24");
    assert!(one.reserves.is_empty(), "{:?}", one.reserves);

    // ECDSA P-256, then RSASSA-PSS over what the first one signed and its signature.
    let two = check(&fixture("two.pdf"), &authorities()).unwrap();
    assert_eq!(names(&two), ["Camille Martin", "Claude Durand"]);
    // RSA PKCS#1, in the form before PAdES.
    assert_eq!(names(&check(&fixture("plain.pdf"), &authorities()).unwrap()), ["Dominique Petit"]);
}

#[test]
fn what_is_not_certain_is_left_to_a_person() {
    let reserved = |name: &str, authorities: &Authorities| check(&fixture(name), authorities).unwrap().reserves.join(" ");
    assert!(reserved("one.pdf", &Authorities::default()).contains("Autorité non vérifiée"));
    assert!(reserved("self-signed.pdf", &authorities()).contains("Autorité non vérifiée"));
    assert!(reserved("rewritten.pdf", &authorities()).contains("a écrit le fichier de nouveau"));
}

#[test]
fn what_does_not_hold_is_refused() {
    for (name, code) in [
        ("paper.pdf", "not_signed"),
        ("expired.pdf", "certificate_dates"),
        ("wrong-use.pdf", "certificate_use"),
        ("other.pdf", "other_document"),
        ("page-after.pdf", "changed_after_signature"),
        ("page-before.pdf", "changed_after_signature"),
        ("page-between.pdf", "changed_after_signature"),
    ] {
        assert_eq!(check(&fixture(name), &authorities()).err(), Some(code), "{name}");
    }
    let early = signature::verify(
        &fixture("one.pdf"),
        Paper { bytes: Some(&fixture("paper.pdf")), sha256: &"a".repeat(64) },
        &authorities(),
        "2026-06-01T00:00:00Z".parse().unwrap(),
    );
    assert_eq!(early.unwrap_err().code, "signed_in_the_future");
    for not in [&b""[..], b"%PDF-1.7", b"\x89PNG\r\n", &[0; 64]] {
        assert_eq!(check(not, &authorities()).err(), Some("not_a_pdf"));
    }
}

#[test]
fn a_signature_taken_from_another_file_does_not_hold() {
    // The whole signature of one file in the place of another's, of the same length.
    let hole = |bytes: &[u8]| {
        let at = bytes.windows(11).position(|w| w == b"/Contents <").unwrap() + 11;
        (at, at + bytes[at..].iter().position(|b| *b == b'>').unwrap())
    };
    let (mut into, from) = (fixture("one.pdf"), fixture("other.pdf"));
    let (a, b) = hole(&into);
    let (c, d) = hole(&from);
    assert_eq!(b - a, d - c);
    into[a..b].copy_from_slice(&from[c..d]);
    assert_eq!(check(&into, &authorities()).err(), Some("signature_broken"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// No byte of a signed file can change, wherever it stands, but for the zeros that fill the signature's place.
    #[test]
    fn a_changed_byte_never_passes(at: prop::sample::Index, flip in 1u8..) {
        let mut bytes = fixture("one.pdf");
        let place = bytes.windows(11).position(|w| w == b"/Contents <").unwrap() + 11;
        let end = place + bytes[place..].iter().position(|b| *b == b'>').unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let outcome = check(&bytes, &authorities());
        prop_assert!(outcome.is_err() || (place..end).contains(&at), "{at}: {outcome:?}");
    }

    #[test]
    fn bad_input_never_panics(
        name in prop::sample::select(vec!["one.pdf", "two.pdf", "plain.pdf", "rewritten.pdf", "page-between.pdf"]),
        edits in prop::collection::vec((0.0f64..1.0, any::<u8>()), 1..12),
        cut in prop::option::of(0.0f64..1.0), repeat in 0usize..3,
    ) {
        let mut bytes = fixture(name);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a small file")]
        let place = |x: f64, len: usize| (x * len as f64) as usize;
        for (at, byte) in edits {
            let at = place(at, bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(place(cut, bytes.len()));
        }
        for _ in 0..repeat {
            let again = bytes.clone();
            bytes.extend(again);
        }
        let _ = check(&bytes, &Authorities::default());
    }
}
