//! A signature given outside the hub: the document comes in, is kept, is judged as far as a program can, and an officer records it.

use bytes::Bytes;
use futures::Stream;
use serde_json::json;

use super::paper;
use crate::{
    access::Actor,
    app::App,
    audit::{self, Entry},
    convention::{
        agreement::{AgreedVersion, Agreement},
        perimeter::{self, Ask, Role, Use},
        register::{self, SignatureForm},
    },
    error::{Error, Kind, Result},
    ids::Siren,
    lake::Key,
    signature::{self, Authorities, Paper, Verified},
    store::signatures::{Means, Signature},
};

/// Largest document, in bytes.
pub const LARGEST: u64 = 20 * 1024 * 1024;

/// What a document is, by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// PDF.
    Pdf,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

impl DocumentKind {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            _ => None,
        }
    }

    /// Media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// End of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

/// Takes in a signed document of at most [`LARGEST`] bytes; gives its SHA-256. Until a signature names it, the sweep may remove it.
///
/// # Errors
/// Officers only; `not_a_document` for what is neither PDF, JPEG nor PNG; [`Kind::TooLarge`].
pub async fn receive<S, E>(app: &App, actor: &Actor, agreement: &Agreement, body: S) -> Result<String>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    perimeter::may(agreement, &actor.person(), &Ask::of(Use::Manage), app.clock.today())?;
    let received = app.lake.receive(app.clock.id(), body, LARGEST).await?;
    let bytes = app.lake.get(&received.key).await?;
    if DocumentKind::of(&bytes).is_none() {
        app.lake.discard(&received).await?;
        let message = "Ce fichier n'est ni un PDF, ni une image JPEG ou PNG : numérisez le document signé, puis choisissez ce fichier.";
        return Err(Error::invalid("not_a_document", message));
    }
    app.lake.keep_as(&received, &Key::signed(&agreement.name, &received.sha256)?).await?;
    Ok(received.sha256)
}

async fn kept(app: &App, agreement: &Agreement, sha256: &str) -> Result<(Key, Bytes)> {
    let key = Key::signed(&agreement.name, sha256)?;
    if !app.lake.exists(&key).await? {
        return Err(Error::invalid("document_missing", "Le document signé n'est plus là : choisissez-le de nouveau."));
    }
    let bytes = app.lake.get(&key).await?;
    Ok((key, bytes))
}

/// Judges the document that a parapheur gave back for this version.
///
/// # Errors
/// Officers only; `document_missing`; those of [`signature::verify`].
pub async fn verify(app: &App, actor: &Actor, agreement: &Agreement, version: &AgreedVersion, sha256: &str) -> Result<Verified> {
    perimeter::may(agreement, &actor.person(), &Ask::of(Use::Manage), app.clock.today())?;
    let (_, bytes) = kept(app, agreement, sha256).await?;
    let authorities = app.config.signature_authorities.as_deref().map(Authorities::read).transpose()?.unwrap_or_default();
    // What may have been handed out: the copy without signatures, or the one with those given so far.
    let mut papers = Vec::new();
    for copy in [paper::Copy::ToSign, paper::Copy::Signed] {
        papers.push(paper::build(app, agreement, version, copy).await?);
    }
    let (hash, now) = (version.head.sha256.clone(), app.clock.now());
    let judged = tokio::task::spawn_blocking(move || {
        let handed_out = papers.iter().find(|p| bytes.starts_with(p));
        signature::verify(&bytes, Paper { bytes: handed_out.map(Vec::as_slice), sha256: &hash }, &authorities, now)
    });
    // The file is a stranger's: whatever it does to the parser is a file that does not read.
    judged.await.map_err(|e| Error::invalid("not_a_pdf", "Ce PDF ne se lit pas : demandez-le de nouveau au parapheur.").with_source(e))?
}

/// Records a signature on paper, with its scan.
///
/// # Errors
/// Those of [`register::record_paper`]; `document_missing`.
pub async fn record_paper(
    app: &App,
    actor: &Actor,
    agreement: &Agreement,
    version: &AgreedVersion,
    party: &Siren,
    form: SignatureForm,
    sha256: &str,
) -> Result<Signature> {
    let (key, _) = kept(app, agreement, sha256).await?;
    register::record_paper(app, actor, version.head.id, party, Means::Paper, form, &key).await
}

/// Records a signature of a parapheur, verified anew. `confirmed` says that the officer judged what the program could not.
///
/// # Errors
/// Those of [`verify`] and [`register::record_paper`]; `confirmation_required`.
pub async fn record_parapheur(
    app: &App,
    actor: &Actor,
    agreement: &Agreement,
    version: &AgreedVersion,
    party: &Siren,
    form: SignatureForm,
    (sha256, confirmed): (&str, bool),
) -> Result<Signature> {
    let verified = verify(app, actor, agreement, version, sha256).await?;
    if !confirmed && !verified.reserves.is_empty() {
        let message = "Lisez ce qui n'a pas pu être vérifié, puis confirmez-le en cochant la case.";
        return Err(Error::invalid("confirmation_required", message));
    }
    let (key, _) = kept(app, agreement, sha256).await?;
    let signature = register::record_paper(app, actor, version.head.id, party, Means::Parapheur, form, &key).await?;
    let mut tx = app.store.begin().await?;
    let entry = Entry {
        at: app.clock.now(),
        actor: actor.in_audit(),
        organisation: Some(party.clone()).filter(|p| p != version.metropole()),
        act: "signature.verify",
        object: format!("convention/{}", version.head.id),
        outcome: "ok",
        detail: json!({"party": party, "document_sha256": sha256, "signers": verified.signers, "reserves": verified.reserves,
            "confirmed": confirmed}),
    };
    audit::append(&mut tx, &entry).await?;
    tx.commit().await?;
    Ok(signature)
}

/// The document behind a signature given outside the hub, for the Métropole's officers, signatories and data protection officer, and for
/// the party itself: it shows a person's hand.
///
/// # Errors
/// [`Kind::NotFound`].
pub async fn document(app: &App, actor: &Actor, agreement: &Agreement, version: i64, party: &str) -> Result<(DocumentKind, Bytes)> {
    let absent = || Error::new(Kind::NotFound, "not_found", "Cette page n'existe pas, ou ne vous est pas ouverte.");
    perimeter::may(agreement, &actor.person(), &Ask::of(Use::ReadConvention), app.clock.today())?;
    let version = agreement.versions().iter().find(|v| v.head.version == version).ok_or_else(absent)?;
    let signatures = app.store.signatures(&agreement.name).await?;
    let signature = signatures.iter().find(|s| s.convention_id == version.head.id && s.party.as_str() == party).ok_or_else(absent)?;
    if !may_see_document(actor, &signature.party) {
        return Err(absent());
    }
    let key: Key = signature.document_key.as_deref().ok_or_else(absent)?.parse()?;
    let bytes = app.lake.get(&key).await?;
    let kind = DocumentKind::of(&bytes).ok_or_else(absent)?;
    Ok((kind, bytes))
}

/// Whether a person may see the document that a party signed.
pub fn may_see_document(actor: &Actor, party: &Siren) -> bool {
    match &actor.site {
        Some(site) => site == party,
        None => matches!(actor.role, Role::Officer | Role::Signatory | Role::DataProtectionOfficer),
    }
}
