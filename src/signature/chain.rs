//! Certificates: who they name, when and what for they hold, and whether a trusted authority stands behind them.

use std::path::Path;

use chrono::{DateTime, Utc};
use der::{Decode, DecodePem, Encode, Reader, Tagged, asn1::ObjectIdentifier};
use ring::{digest, signature as verify};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::{
    Certificate,
    ext::pkix::{BasicConstraints, KeyUsage},
    name::Name,
    spki,
};

use super::refuse;
use crate::error::{Error, Result};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const SHA_256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");
const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
const RSA_SHA_256: ObjectIdentifier = oid("1.2.840.113549.1.1.11");
const RSA_SHA_384: ObjectIdentifier = oid("1.2.840.113549.1.1.12");
const RSA_SHA_512: ObjectIdentifier = oid("1.2.840.113549.1.1.13");
const ECDSA_SHA_256: ObjectIdentifier = oid("1.2.840.10045.4.3.2");
const ECDSA_SHA_384: ObjectIdentifier = oid("1.2.840.10045.4.3.3");
const P_256: ObjectIdentifier = oid("1.2.840.10045.3.1.7");
const P_384: ObjectIdentifier = oid("1.3.132.0.34");
const BASIC_CONSTRAINTS: ObjectIdentifier = oid("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = oid("2.5.29.15");
const COMMON_NAME: ObjectIdentifier = oid("2.5.4.3");
const ORGANISATION: ObjectIdentifier = oid("2.5.4.10");

/// Certificates between a signer and its authority.
const LONGEST: usize = 6;

fn unsupported() -> Error {
    refuse(
        "signature_algorithm",
        "Cette signature emploie un procédé qui n'est pas accepté : demandez RSA (2048 bits ou plus) ou ECDSA, avec SHA-256 ou plus.",
    )
}

/// The authorities that the hub trusts.
#[derive(Debug, Clone, Default)]
pub struct Authorities(Vec<Certificate>);

impl Authorities {
    /// From a file of PEM certificates, or a folder of such files (`.pem`, `.crt`, `.cer`).
    ///
    /// # Errors
    /// `authorities` where nothing reads.
    pub fn read(path: &Path) -> Result<Self> {
        let bad = || Error::invalid("authorities", format!("Les autorités de signature ne se lisent pas : « {} ».", path.display()));
        let mut texts = Vec::new();
        if path.is_dir() {
            for entry in std::fs::read_dir(path)? {
                let file = entry?.path();
                if file.extension().is_some_and(|e| ["pem", "crt", "cer"].iter().any(|known| e.eq_ignore_ascii_case(known))) {
                    texts.push(std::fs::read_to_string(&file).map_err(|e| bad().with_source(e))?);
                }
            }
        } else {
            texts.push(std::fs::read_to_string(path).map_err(|e| bad().with_source(e))?);
        }
        let mut all = Self::default();
        for text in texts {
            all.0.extend(Self::from_pem(&text)?.0);
        }
        if all.0.is_empty() { Err(bad()) } else { Ok(all) }
    }

    /// From the text of PEM certificates.
    ///
    /// # Errors
    /// `authorities` where one does not read.
    pub fn from_pem(text: &str) -> Result<Self> {
        const END: &str = "-----END CERTIFICATE-----";
        let blocks = text.split_inclusive(END).filter_map(|part| part.find("-----BEGIN CERTIFICATE-----").and_then(|at| part.get(at..)));
        let read = |pem: &str| {
            Certificate::from_pem(pem.as_bytes())
                .map_err(|e| Error::invalid("authorities", "Un certificat d'autorité de signature ne se lit pas.").with_source(e))
        };
        blocks.map(read).collect::<Result<_>>().map(Self)
    }

    /// Name of the trusted authority behind `certificate`, if there is one; `others` came with the signature.
    pub(super) fn chain(&self, certificate: &Certificate, others: &[Certificate], at: DateTime<Utc>) -> Option<String> {
        let mut current = certificate;
        for below in 0..LONGEST {
            if self.0.iter().any(|trusted| trusted == current) {
                return common_name(&current.tbs_certificate.subject).or_else(|| Some(issuer(certificate)));
            }
            let issuers = self.0.iter().chain(others);
            current = issuers.filter(|c| *c != current).find(|c| vouches(c, current, below, at))?;
        }
        None
    }
}

/// Whether `authority` issued `certificate`, and could at that time. `below` counts the authorities between it and the signer.
fn vouches(authority: &Certificate, certificate: &Certificate, below: usize, at: DateTime<Utc>) -> bool {
    let tbs = &certificate.tbs_certificate;
    let is_authority = extension::<BasicConstraints>(authority, BASIC_CONSTRAINTS)
        .is_some_and(|c| c.ca && c.path_len_constraint.is_none_or(|most| below <= usize::from(most)));
    let signs = extension::<KeyUsage>(authority, KEY_USAGE).is_none_or(|usage| usage.key_cert_sign());
    let signed = || {
        let message = tbs.to_der().ok()?;
        let key = &authority.tbs_certificate.subject_public_key_info;
        check(key, &certificate.signature_algorithm, None, &message, certificate.signature.as_bytes()?).ok()
    };
    authority.tbs_certificate.subject == tbs.issuer
        && is_authority
        && signs
        && valid_at(authority, at).is_ok()
        && certificate.signature_algorithm == tbs.signature
        && signed() == Some(true)
}

/// An extension, if it is there and reads.
pub(super) fn extension<T: for<'a> Decode<'a>>(certificate: &Certificate, id: ObjectIdentifier) -> Option<T> {
    let all = certificate.tbs_certificate.extensions.as_ref()?;
    T::from_der(all.iter().find(|e| e.extn_id == id)?.extn_value.as_bytes()).ok()
}

/// Refuses a certificate out of its dates.
pub(super) fn valid_at(certificate: &Certificate, at: DateTime<Utc>) -> Result<()> {
    let validity = &certificate.tbs_certificate.validity;
    let seconds = |t: &x509_cert::time::Time| i64::try_from(t.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    if (seconds(&validity.not_before)..=seconds(&validity.not_after)).contains(&at.timestamp()) {
        return Ok(());
    }
    Err(refuse(
        "certificate_dates",
        "Le certificat du signataire n'était pas valable à l'heure de la signature : il faut signer de nouveau.",
    ))
}

/// Refuses a certificate that is not made to sign.
pub(super) fn may_sign(certificate: &Certificate) -> Result<()> {
    match extension::<KeyUsage>(certificate, KEY_USAGE) {
        Some(usage) if !usage.digital_signature() && !usage.non_repudiation() => Err(refuse(
            "certificate_use",
            "Ce certificat n'est pas fait pour signer : il faut signer de nouveau avec un certificat de signature.",
        )),
        _ => Ok(()),
    }
}

pub(super) fn hash_of(id: ObjectIdentifier) -> Result<&'static digest::Algorithm> {
    match id {
        SHA_256 => Ok(&digest::SHA256),
        SHA_384 => Ok(&digest::SHA384),
        SHA_512 => Ok(&digest::SHA512),
        _ => Err(unsupported()),
    }
}

/// Whether `signature` is one of `message` by this key. `hash` is the one declared beside the signature, for algorithms that name none.
pub(super) fn check(
    key: &SubjectPublicKeyInfoOwned,
    algorithm: &AlgorithmIdentifierOwned,
    hash: Option<ObjectIdentifier>,
    message: &[u8],
    signature: &[u8],
) -> Result<bool> {
    let curve = || key.algorithm.parameters.as_ref().and_then(|p| p.decode_as::<ObjectIdentifier>().ok());
    let rsa = |hash| match hash {
        Some(SHA_256) => Ok(&verify::RSA_PKCS1_2048_8192_SHA256),
        Some(SHA_384) => Ok(&verify::RSA_PKCS1_2048_8192_SHA384),
        Some(SHA_512) => Ok(&verify::RSA_PKCS1_2048_8192_SHA512),
        _ => Err(unsupported()),
    };
    let pss = |hash| match hash {
        Some(SHA_256) => Ok(&verify::RSA_PSS_2048_8192_SHA256),
        Some(SHA_384) => Ok(&verify::RSA_PSS_2048_8192_SHA384),
        Some(SHA_512) => Ok(&verify::RSA_PSS_2048_8192_SHA512),
        _ => Err(unsupported()),
    };
    let method: &dyn verify::VerificationAlgorithm = match algorithm.oid {
        RSA => rsa(hash)?,
        RSA_SHA_256 => rsa(Some(SHA_256))?,
        RSA_SHA_384 => rsa(Some(SHA_384))?,
        RSA_SHA_512 => rsa(Some(SHA_512))?,
        RSA_PSS => pss(pss_hash(algorithm)?)?,
        ECDSA_SHA_256 if curve() == Some(P_256) => &verify::ECDSA_P256_SHA256_ASN1,
        ECDSA_SHA_256 if curve() == Some(P_384) => &verify::ECDSA_P384_SHA256_ASN1,
        ECDSA_SHA_384 if curve() == Some(P_256) => &verify::ECDSA_P256_SHA384_ASN1,
        ECDSA_SHA_384 if curve() == Some(P_384) => &verify::ECDSA_P384_SHA384_ASN1,
        _ => return Err(unsupported()),
    };
    let of_rsa = matches!(key.algorithm.oid, RSA | RSA_PSS);
    if of_rsa != matches!(algorithm.oid, RSA | RSA_SHA_256 | RSA_SHA_384 | RSA_SHA_512 | RSA_PSS) {
        return Err(unsupported());
    }
    let bytes = key.subject_public_key.as_bytes().ok_or_else(unsupported)?;
    Ok(verify::UnparsedPublicKey::new(method, bytes).verify(message, signature).is_ok())
}

/// The hash that RSASSA-PSS parameters name: `SEQUENCE { [0] { AlgorithmIdentifier }, [1] …, [2] { saltLength }, … }` (RFC 4055).
/// A salt as long as the hash is the only one that is verified.
fn pss_hash(algorithm: &AlgorithmIdentifierOwned) -> Result<Option<ObjectIdentifier>> {
    let (mut hash, mut salt) = (None, 20);
    let content = algorithm.parameters.as_ref().ok_or_else(unsupported)?.value();
    let mut reader = der::SliceReader::new(content).map_err(|_| unsupported())?;
    while !reader.is_finished() {
        let tagged = der::Any::decode(&mut reader).map_err(|_| unsupported())?;
        match tagged.tag() {
            der::Tag::ContextSpecific { number: der::TagNumber::N0, .. } => {
                hash = AlgorithmIdentifierOwned::from_der(tagged.value()).ok().map(|a| a.oid);
            }
            der::Tag::ContextSpecific { number: der::TagNumber::N2, .. } => salt = u16::from_der(tagged.value()).unwrap_or(0),
            _ => {}
        }
    }
    let length = hash.map(hash_of).transpose()?.map(|h| h.output_len());
    if length == Some(usize::from(salt)) { Ok(hash) } else { Err(unsupported()) }
}

/// Who issued a certificate.
pub(super) fn issuer(certificate: &Certificate) -> String {
    let name = &certificate.tbs_certificate.issuer;
    common_name(name).or_else(|| organisation(name)).unwrap_or_else(|| "sans nom".to_owned())
}

pub(super) fn common_name(name: &Name) -> Option<String> {
    part(name, COMMON_NAME)
}

pub(super) fn organisation(name: &Name) -> Option<String> {
    part(name, ORGANISATION)
}

fn part(name: &Name, id: ObjectIdentifier) -> Option<String> {
    let value = &name.0.iter().flat_map(|set| set.0.iter()).find(|a| a.oid == id)?.value;
    let bytes = value.value();
    let text = if value.tag() == der::Tag::BmpString {
        String::from_utf16_lossy(&bytes.chunks_exact(2).map(|p| u16::from_be_bytes([p[0], p[1]])).collect::<Vec<_>>())
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    };
    // A name goes to pages and to the trail: one line of printable text.
    let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}
