//! Documents signed in a parapheur: is this PDF that paper, was nothing changed since, who signed, and who vouches for them.
//!
//! Pure: bytes in, what was verified out. A signature is PAdES (ETSI EN 319 142) or the plain PDF signature before it: CMS over the
//! file but for the signature's own place. Revocation lists are not fetched, and the result says so.

mod chain;
mod cms;
mod pdf;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use self::chain::Authorities;
use crate::error::{Error, Kind, Result};

/// The paper that should have been signed.
#[derive(Debug, Clone, Copy)]
pub struct Paper<'a> {
    /// The bytes that were handed out to be signed, where they are known.
    pub bytes: Option<&'a [u8]>,
    /// SHA-256 (hex) of the convention's version, which the paper's metadata carries.
    pub sha256: &'a str,
}

/// One signature that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signer {
    /// Name in the certificate.
    pub name: String,
    /// Organisation in the certificate.
    pub organisation: Option<String>,
    /// Who issued the certificate.
    pub authority: String,
    /// Whether the chain ends in an authority that the hub trusts.
    pub trusted: bool,
    /// When, as the signer's tool says.
    pub signed_at: DateTime<Utc>,
    /// Serial number of the certificate, in hexadecimal.
    pub serial: String,
    /// SHA-256 (hex) of the certificate.
    pub certificate_sha256: String,
}

/// What a signed document turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Every signature, in the order of the file.
    pub signers: Vec<Signer>,
    /// What was verified, in sentences.
    pub verified: Vec<String>,
    /// What a person has to confirm, in sentences; empty where nothing is left to judge.
    pub reserves: Vec<String>,
}

/// Verifies a signed document at `now`.
///
/// # Errors
/// `not_a_pdf`, `encrypted`, `not_signed`, `changed_after_signature`, `signature_broken`, `signature_unreadable`,
/// `signature_algorithm`, `certificate_mismatch`, `certificate_dates`, `certificate_use`, `signed_in_the_future`,
/// `other_document`: each with a sentence that says what to do.
pub fn verify(bytes: &[u8], paper: Paper<'_>, authorities: &Authorities, now: DateTime<Utc>) -> Result<Verified> {
    let document = pdf::Document::read(bytes)?;
    let found = document.signatures()?;
    let mut verified = Vec::new();
    let mut reserves = Vec::new();

    // Which document it is comes first: the rest is of no use for another one.
    if let Some(handed_out) = paper.bytes.filter(|p| bytes.starts_with(p)) {
        pdf::only_signatures_added(handed_out, bytes)?;
        verified.push(
            "Le fichier commence, octet pour octet, par la convention que le hub a remise ; seules des signatures y ont été ajoutées."
                .to_owned(),
        );
    } else if document.names(paper.sha256) {
        verified.push("L'empreinte de la convention figure dans les propriétés du fichier.".to_owned());
        reserves
            .push("Le parapheur a écrit le fichier de nouveau : comparez-le à la convention avant de confirmer, page par page.".to_owned());
    } else {
        return Err(Error::new(
            Kind::Invalid,
            "other_document",
            "Ce fichier n'est pas la version de la convention ouverte à la signature. Téléchargez la convention, faites-la signer, puis importez ce que le parapheur rend.",
        ));
    }

    let mut signers = Vec::new();
    for signature in &found {
        let end = signature.end();
        if end < bytes.len() {
            pdf::only_signatures_added(bytes.get(..end).unwrap_or_default(), bytes)?;
        }
        let (signer, notes) = cms::verify(signature, bytes, authorities, now)?;
        reserves.extend(notes);
        signers.push(signer);
    }
    verified.push(match signers.len() {
        1 => "La signature couvre tout le fichier et correspond à son contenu.".to_owned(),
        n => format!("Les {n} signatures correspondent au contenu qu'elles couvrent."),
    });
    verified
        .push("Le certificat de chaque signataire était valable à l'heure de la signature. Sa révocation n'est pas vérifiée.".to_owned());
    reserves.dedup();
    Ok(Verified { signers, verified, reserves })
}

pub(crate) fn refuse(code: &'static str, message: &str) -> Error {
    Error::invalid(code, message)
}
