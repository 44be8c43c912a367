//! The signature itself: its CMS (RFC 5652) over the bytes that it covers, and the certificate that it was made with.

use chrono::{DateTime, TimeDelta, Utc};
use cms::{
    cert::CertificateChoices,
    content_info::ContentInfo,
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use der::{Decode, Encode, SliceReader, Tagged, asn1::ObjectIdentifier};
use x509_cert::{Certificate, attr::Attribute, ext::pkix::SubjectKeyIdentifier};

use super::{Signer, chain, pdf::Signature, refuse};
use crate::error::{Error, Result};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");

/// How far a signer's clock may be ahead.
const CLOCKS: TimeDelta = TimeDelta::minutes(10);

fn unreadable() -> Error {
    refuse("signature_unreadable", "La signature de ce PDF ne se lit pas. Demandez au parapheur un PDF signé au format PAdES.")
}

fn broken() -> Error {
    refuse(
        "signature_broken",
        "La signature ne correspond pas au contenu du fichier : il a été modifié, ou abîmé. Demandez-le de nouveau au parapheur.",
    )
}

/// Verifies one signature; gives who signed, and what is left for a person to judge.
pub(super) fn verify(
    signature: &Signature,
    bytes: &[u8],
    authorities: &chain::Authorities,
    now: DateTime<Utc>,
) -> Result<(Signer, Vec<String>)> {
    let signed = read(&signature.contents)?;
    let [info] = signed.signer_infos.0.as_slice() else { return Err(unreadable()) };
    if signed.encap_content_info.econtent_type != DATA || signed.encap_content_info.econtent.is_some() {
        return Err(unreadable());
    }
    let certificates = certificates(&signed);
    let certificate = certificates.iter().find(|c| is_of(&info.sid, c)).ok_or_else(unreadable)?;
    let der = certificate.to_der().map_err(|_| unreadable())?;

    let hash = chain::hash_of(info.digest_alg.oid)?;
    let mut context = ring::digest::Context::new(hash);
    signature.covered(bytes).iter().for_each(|piece| context.update(piece));
    let attributes = info.signed_attrs.as_ref().ok_or_else(unreadable)?;
    let attribute = |oid| attributes.iter().find(|a| a.oid == oid);
    let digest = attribute(MESSAGE_DIGEST).and_then(octets).ok_or_else(unreadable)?;
    if digest != context.finish().as_ref() {
        return Err(broken());
    }
    if attribute(CONTENT_TYPE).and_then(|a| a.values.get(0)?.decode_as::<ObjectIdentifier>().ok()) != Some(DATA) {
        return Err(unreadable());
    }
    // What is signed is the set of attributes as DER writes it (RFC 5652, 5.4).
    let message = attributes.to_der().map_err(|_| unreadable())?;
    check_signature(info, certificate, &message)?;

    let mut notes = Vec::new();
    match attribute(SIGNING_CERTIFICATE_V2) {
        Some(a) if names_certificate(a, &der) != Some(true) => {
            return Err(refuse(
                "certificate_mismatch",
                "La signature désigne un autre certificat que celui qu'elle porte. Demandez de nouveau le fichier au parapheur.",
            ));
        }
        Some(_) => {}
        None => notes.push(
            "La signature ne désigne pas son certificat, comme le format PAdES le demande : vérifiez de quel parapheur elle vient."
                .to_owned(),
        ),
    }

    let signed_at = attribute(SIGNING_TIME).and_then(time).or_else(|| pdf_date(signature.date.as_deref()?)).ok_or_else(|| {
        refuse(
            "signature_unreadable",
            "La signature ne dit pas quand elle a été donnée. Demandez au parapheur un PDF signé au format PAdES.",
        )
    })?;
    if signed_at > now + CLOCKS {
        return Err(refuse("signed_in_the_future", "L'heure de la signature est à venir : vérifiez l'horloge du parapheur."));
    }
    chain::valid_at(certificate, signed_at)?;
    chain::may_sign(certificate)?;
    let authority = authorities.chain(certificate, &certificates, signed_at);
    if authority.is_none() {
        notes.push(format!(
            "Autorité non vérifiée : « {} » n'est pas dans la liste des autorités du hub. Confirmez que ce certificat est bien celui du signataire.",
            chain::issuer(certificate)
        ));
    }
    let signer = Signer {
        name: chain::common_name(&certificate.tbs_certificate.subject).unwrap_or_else(|| "sans nom".to_owned()),
        organisation: chain::organisation(&certificate.tbs_certificate.subject),
        trusted: authority.is_some(),
        authority: authority.unwrap_or_else(|| chain::issuer(certificate)),
        signed_at,
        serial: hex::encode(certificate.tbs_certificate.serial_number.as_bytes()),
        certificate_sha256: hex::encode(ring::digest::digest(&ring::digest::SHA256, &der)),
    };
    Ok((signer, notes))
}

/// The CMS, at the head of its place: zeros fill the rest.
fn read(contents: &[u8]) -> Result<SignedData> {
    let mut reader = SliceReader::new(contents).map_err(|_| unreadable())?;
    let info = ContentInfo::decode(&mut reader).map_err(|_| unreadable())?;
    if info.content_type != SIGNED_DATA {
        return Err(unreadable());
    }
    info.content.decode_as::<SignedData>().map_err(|_| unreadable())
}

fn certificates(signed: &SignedData) -> Vec<Certificate> {
    let all = signed.certificates.iter().flat_map(|set| set.0.iter());
    all.filter_map(|choice| match choice {
        CertificateChoices::Certificate(certificate) => Some(certificate.clone()),
        CertificateChoices::Other(_) => None,
    })
    .collect()
}

fn is_of(sid: &SignerIdentifier, certificate: &Certificate) -> bool {
    let tbs = &certificate.tbs_certificate;
    match sid {
        SignerIdentifier::IssuerAndSerialNumber(of) => of.issuer == tbs.issuer && of.serial_number == tbs.serial_number,
        SignerIdentifier::SubjectKeyIdentifier(of) => {
            chain::extension::<SubjectKeyIdentifier>(certificate, SUBJECT_KEY_IDENTIFIER).as_ref() == Some(of)
        }
    }
}

fn check_signature(info: &SignerInfo, certificate: &Certificate, message: &[u8]) -> Result<()> {
    let key = &certificate.tbs_certificate.subject_public_key_info;
    let good = chain::check(key, &info.signature_algorithm, Some(info.digest_alg.oid), message, info.signature.as_bytes())?;
    if good { Ok(()) } else { Err(broken()) }
}

fn octets(attribute: &Attribute) -> Option<Vec<u8>> {
    attribute.values.get(0)?.decode_as::<der::asn1::OctetString>().ok().map(|o| o.as_bytes().to_vec())
}

fn time(attribute: &Attribute) -> Option<DateTime<Utc>> {
    let time = x509_cert::time::Time::from_der(&attribute.values.get(0)?.to_der().ok()?).ok()?;
    DateTime::from_timestamp(i64::try_from(time.to_unix_duration().as_secs()).ok()?, 0)
}

/// Whether the attribute's first hash is that of `certificate`; none if it does not read.
/// `SEQUENCE { SEQUENCE OF SEQUENCE { hashAlgorithm DEFAULT sha256, certHash OCTET STRING, … }, … }` (RFC 5035).
fn names_certificate(attribute: &Attribute, certificate: &[u8]) -> Option<bool> {
    let der = attribute.values.get(0)?.to_der().ok()?;
    let first = nested(&nested(&nested(&der)?)?)?;
    let mut reader = SliceReader::new(&first).ok()?;
    let mut value = der::Any::decode(&mut reader).ok()?;
    let mut hash = &ring::digest::SHA256;
    if value.tag() == der::Tag::Sequence {
        let mut inner = SliceReader::new(value.value()).ok()?;
        hash = chain::hash_of(ObjectIdentifier::decode(&mut inner).ok()?).ok()?;
        value = der::Any::decode(&mut reader).ok()?;
    }
    if value.tag() != der::Tag::OctetString {
        return None;
    }
    Some(ring::digest::digest(hash, certificate).as_ref() == value.value())
}

/// Content of the sequence that `der` starts with.
fn nested(der: &[u8]) -> Option<Vec<u8>> {
    let mut reader = SliceReader::new(der).ok()?;
    let value = der::Any::decode(&mut reader).ok()?;
    (value.tag() == der::Tag::Sequence).then(|| value.value().to_vec())
}

/// `D:20260312140500+01'00'`.
fn pdf_date(text: &[u8]) -> Option<DateTime<Utc>> {
    let text: String = String::from_utf8(text.to_vec()).ok()?.trim_start_matches("D:").replace('\'', "");
    let (stamp, zone) = text.split_at_checked(14)?;
    let zone = if zone.is_empty() || zone.starts_with('Z') { "+0000" } else { zone };
    DateTime::parse_from_str(&format!("{stamp}{zone}"), "%Y%m%d%H%M%S%z").ok().map(|t| t.to_utc())
}

#[cfg(test)]
mod tests {
    use super::pdf_date;

    #[test]
    fn dates_of_a_pdf_are_read() {
        let read = |t: &str| pdf_date(t.as_bytes()).map(|d| d.to_rfc3339());
        assert_eq!(read("D:20260312140500+01'00'").as_deref(), Some("2026-03-12T13:05:00+00:00"));
        assert_eq!(read("D:20260312140500Z").as_deref(), Some("2026-03-12T14:05:00+00:00"));
        assert_eq!(read("D:20260312140500Z00'00'").as_deref(), Some("2026-03-12T14:05:00+00:00"));
        for bad in ["", "D:2026", "D:20261312140500Z", "é".repeat(9).as_str()] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
