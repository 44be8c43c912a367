//! The file around the signatures: where they are, what they cover, and what was added after them.

use std::collections::HashSet;

use hayro_syntax::{
    LoadPdfError, Pdf,
    object::{Array, Dict, MaybeRef, Object, ObjectIdentifier, Stream},
};

use super::refuse;
use crate::error::{Error, Result};

/// Signatures that one file may hold: one per party, and a few more.
const MOST_SIGNATURES: usize = 300;
/// Levels of arrays and dictionaries that a file may nest.
const DEEPEST: usize = 60;

/// A readable PDF.
pub(super) struct Document<'a> {
    bytes: &'a [u8],
    pdf: Pdf,
}

/// One signature as the file holds it.
pub(super) struct Signature {
    /// The CMS, with the zeros that fill its place.
    pub contents: Vec<u8>,
    /// Date of the dictionary (`/M`), as written.
    pub date: Option<Vec<u8>>,
    /// First and last byte of the hole.
    hole: (usize, usize),
    end: usize,
}

impl Signature {
    /// Where the revision that it signs ends.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The two pieces that it signs.
    pub fn covered<'b>(&self, bytes: &'b [u8]) -> [&'b [u8]; 2] {
        [bytes.get(..self.hole.0).unwrap_or_default(), bytes.get(self.hole.1..self.end).unwrap_or_default()]
    }
}

fn changed() -> Error {
    refuse(
        "changed_after_signature",
        "Le fichier a été modifié après une signature : elle ne vaut plus. Importez le fichier tel que le parapheur l'a rendu.",
    )
}

impl<'a> Document<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let unreadable = || refuse("not_a_pdf", "Ce fichier n'est pas un PDF lisible. Importez le PDF que le parapheur a rendu.");
        if !bytes.starts_with(b"%PDF-") {
            return Err(unreadable());
        }
        let pdf = Pdf::new(bytes.to_vec()).map_err(|e| match e {
            LoadPdfError::Decryption(_) => refuse("encrypted", "Ce PDF est protégé par un mot de passe : importez-le sans protection."),
            LoadPdfError::Invalid => unreadable(),
        })?;
        Ok(Self { bytes, pdf })
    }

    fn catalog(&self) -> Option<Dict<'_>> {
        self.pdf.xref().get::<Dict<'_>>(self.pdf.xref().root_id())
    }

    /// Whether the file's properties carry this hash.
    pub fn names(&self, sha256: &str) -> bool {
        let wanted = format!("sha256:{sha256}");
        let holds = |bytes: &[u8]| bytes.windows(wanted.len()).any(|w| w == wanted.as_bytes());
        let keywords = self.pdf.metadata().keywords.as_deref().is_some_and(holds);
        let xmp = || self.catalog()?.get::<Stream<'_>>("Metadata")?.decoded().ok();
        keywords || xmp().is_some_and(|xmp| holds(&xmp))
    }

    /// Every signature, in the order of what they cover. Each covers its revision whole but for its own place.
    pub fn signatures(&self) -> Result<Vec<Signature>> {
        let mut dictionaries = Vec::new();
        if let Some(form) = self.catalog().and_then(|c| c.get::<Dict<'_>>("AcroForm")) {
            let mut seen = HashSet::new();
            let mut waiting: Vec<Dict<'_>> = fields(&form);
            while let Some(field) = waiting.pop() {
                if field.obj_id().is_some_and(|id| !seen.insert(id)) || seen.len() > 10 * MOST_SIGNATURES {
                    continue;
                }
                if let Some(kids) = field.get::<Array<'_>>("Kids") {
                    waiting.extend(kids.iter::<Dict<'_>>());
                }
                if is_signature_field(&field) {
                    dictionaries.extend(field.get::<Dict<'_>>("V"));
                }
            }
        }
        let mut found = Vec::new();
        for dictionary in dictionaries {
            let filter = name(&dictionary, "SubFilter");
            match filter.as_slice() {
                // A time stamp of the whole document: it says when, and nobody's consent.
                b"ETSI.RFC3161" => continue,
                b"ETSI.CAdES.detached" | b"adbe.pkcs7.detached" => found.push(self.signature(&dictionary)?),
                _ => {
                    return Err(refuse(
                        "signature_algorithm",
                        "Cette forme de signature n'est pas acceptée : demandez au parapheur une signature PAdES.",
                    ));
                }
            }
        }
        if found.is_empty() {
            return Err(refuse(
                "not_signed",
                "Ce PDF ne porte aucune signature électronique. Importez le fichier que le parapheur a rendu, ou enregistrez une signature sur papier.",
            ));
        }
        if found.len() > MOST_SIGNATURES {
            return Err(refuse("too_many_signatures", "Ce PDF porte trop de signatures."));
        }
        found.sort_by_key(|s| s.end);
        Ok(found)
    }

    fn signature(&self, dictionary: &Dict<'_>) -> Result<Signature> {
        let range: Vec<usize> = dictionary
            .get::<Array<'_>>("ByteRange")
            .map(|a| a.iter::<i32>().map(|n| usize::try_from(n).unwrap_or(usize::MAX)).take(5).collect())
            .unwrap_or_default();
        let [0, start, resume, rest] = range[..] else { return Err(changed()) };
        let end = resume.checked_add(rest).filter(|end| *end <= self.bytes.len()).ok_or_else(changed)?;
        // The hole is the signature's own text and nothing else: `<` hexadecimal digits `>`.
        let hole = self.bytes.get(start..resume).ok_or_else(changed)?;
        let digits = hole.strip_prefix(b"<").and_then(|h| h.strip_suffix(b">")).ok_or_else(changed)?;
        let contents = hex::decode(digits).map_err(|_| changed())?;
        let declared = dictionary.get::<hayro_syntax::object::String<'_>>("Contents").ok_or_else(changed)?;
        if declared.as_bytes() != contents {
            return Err(changed());
        }
        let date = dictionary.get::<hayro_syntax::object::String<'_>>("M").map(|d| d.as_bytes().to_vec());
        Ok(Signature { contents, date, hole: (start, resume), end })
    }
}

fn fields<'d>(form: &Dict<'d>) -> Vec<Dict<'d>> {
    form.get::<Array<'d>>("Fields").map(|a| a.iter::<Dict<'d>>().collect()).unwrap_or_default()
}

fn name(dictionary: &Dict<'_>, key: &str) -> Vec<u8> {
    dictionary.get::<hayro_syntax::object::Name<'_>>(key).map(|n| n.as_ref().to_vec()).unwrap_or_default()
}

/// A field whose value is a signature, or a place of its own for one.
fn is_signature_field(field: &Dict<'_>) -> bool {
    let own = name(field, "FT");
    if own.is_empty() { field.get::<Dict<'_>>("Parent").is_some_and(|p| name(&p, "FT") == b"Sig") } else { own == b"Sig" }
}

/// Entries of the catalogue that signing adds or changes, and that put nothing on a page.
const CATALOG: &[&[u8]] = &[b"AcroForm", b"DSS", b"Extensions", b"Metadata", b"Perms", b"Version"];
/// Entries of the form that signing sets.
const FORM: &[&[u8]] = &[b"Fields", b"SigFlags", b"DR", b"DA"];
/// Entries of an empty place that signing fills.
const PLACE: &[&[u8]] = &[b"V", b"AP", b"Lock", b"F", b"P", b"MK", b"DA", b"DV"];

/// Whether `new` says what `old` said, with signatures, their places and their proofs besides. Objects are compared one by one from
/// the catalogue: an incremental update keeps their numbers.
pub(super) fn only_signatures_added(old: &[u8], new: &[u8]) -> Result<()> {
    let (old, new) = (Document::read(old).map_err(|_| changed())?, Document::read(new)?);
    let (from, to) = (old.catalog().ok_or_else(changed)?, new.catalog().ok_or_else(changed)?);
    let mut walk = Walk { old: &old.pdf, new: &new.pdf, seen: HashSet::new(), waiting: Vec::new() };
    let root = old.pdf.xref().root_id();
    walk.seen.insert(root);
    let same = root == new.pdf.xref().root_id()
        && walk.same_entries(&from, &to, CATALOG, 0)
        && same_form(&mut walk, from.get("AcroForm").as_ref(), to.get("AcroForm").as_ref())
        && walk.same_rest();
    if same { Ok(()) } else { Err(changed()) }
}

/// The form keeps its fields, and gains places of signature only.
fn same_form(walk: &mut Walk<'_>, old: Option<&Dict<'_>>, new: Option<&Dict<'_>>) -> bool {
    let Some(new) = new else { return old.is_none() };
    let empty = Dict::empty();
    let old = old.unwrap_or(&empty);
    let before: Vec<MaybeRef<Object<'_>>> = old.get::<Array<'_>>("Fields").map(|a| a.raw_iter().collect()).unwrap_or_default();
    let after: Vec<MaybeRef<Object<'_>>> = new.get::<Array<'_>>("Fields").map(|a| a.raw_iter().collect()).unwrap_or_default();
    walk.same_entries(old, new, FORM, 0) && walk.same_then_signatures(&before, &after)
}

/// Two readings of a file, compared object by object.
struct Walk<'a> {
    old: &'a Pdf,
    new: &'a Pdf,
    seen: HashSet<ObjectIdentifier>,
    waiting: Vec<ObjectIdentifier>,
}

impl Walk<'_> {
    /// Compares what the objects seen so far refer to, until nothing is left.
    fn same_rest(&mut self) -> bool {
        while let Some(id) = self.waiting.pop() {
            let same = match (self.old.xref().get::<Object<'_>>(id), self.new.xref().get::<Object<'_>>(id)) {
                (None, None) => true,
                (Some(old), Some(new)) => self.same_object(&old, &new, 0),
                _ => false,
            };
            if !same {
                return false;
            }
        }
        true
    }

    fn same_value(&mut self, old: &MaybeRef<Object<'_>>, new: &MaybeRef<Object<'_>>, depth: usize) -> bool {
        match (old, new) {
            (MaybeRef::Ref(a), MaybeRef::Ref(b)) => {
                let id = ObjectIdentifier::from(*a);
                if self.seen.insert(id) {
                    self.waiting.push(id);
                }
                a == b
            }
            (MaybeRef::NotRef(a), MaybeRef::NotRef(b)) => self.same_object(a, b, depth + 1),
            _ => false,
        }
    }

    fn same_object(&mut self, old: &Object<'_>, new: &Object<'_>, depth: usize) -> bool {
        match (old, new) {
            _ if depth > DEEPEST => false,
            (Object::Dict(a), Object::Dict(b)) if name(a, "Type") == b"Page" => {
                self.same_entries(a, b, &[b"Annots"], depth) && self.same_annotations(a, b)
            }
            // An empty place may be filled, once.
            (Object::Dict(a), Object::Dict(b)) if is_signature_field(a) && !a.contains_key("V") => self.same_entries(a, b, PLACE, depth),
            (Object::Dict(a), Object::Dict(b)) => self.same_entries(a, b, &[], depth),
            (Object::Array(a), Object::Array(b)) => {
                let (a, b): (Vec<_>, Vec<_>) = (a.raw_iter().collect(), b.raw_iter().collect());
                a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| self.same_value(a, b, depth))
            }
            (Object::Stream(a), Object::Stream(b)) => {
                a.raw_data() == b.raw_data() && self.same_entries(a.dict(), b.dict(), &[b"Length"], depth)
            }
            (Object::String(a), Object::String(b)) => a.as_bytes() == b.as_bytes(),
            (Object::Number(a), Object::Number(b)) => a.as_f64().to_bits() == b.as_f64().to_bits(),
            (a, b) => a == b,
        }
    }

    /// The same entries but for those named.
    fn same_entries(&mut self, old: &Dict<'_>, new: &Dict<'_>, but: &[&[u8]], depth: usize) -> bool {
        fn keys(dict: &Dict<'_>, but: &[&[u8]]) -> Vec<Vec<u8>> {
            let mut keys: Vec<Vec<u8>> = dict.keys().map(|k| k.as_ref().to_vec()).filter(|k| !but.contains(&k.as_slice())).collect();
            keys.sort();
            keys
        }
        let names = keys(old, but);
        names == keys(new, but)
            && names.iter().all(|key| match (old.get_raw::<Object<'_>>(key), new.get_raw::<Object<'_>>(key)) {
                (Some(a), Some(b)) => self.same_value(&a, &b, depth),
                (None, None) => true,
                _ => false,
            })
    }

    fn same_annotations(&mut self, old: &Dict<'_>, new: &Dict<'_>) -> bool {
        let before: Vec<MaybeRef<Object<'_>>> = old.get::<Array<'_>>("Annots").map(|a| a.raw_iter().collect()).unwrap_or_default();
        let after: Vec<MaybeRef<Object<'_>>> = new.get::<Array<'_>>("Annots").map(|a| a.raw_iter().collect()).unwrap_or_default();
        self.same_then_signatures(&before, &after)
    }

    /// The same list, then places of signature that the old file did not hold.
    fn same_then_signatures(&mut self, before: &[MaybeRef<Object<'_>>], after: &[MaybeRef<Object<'_>>]) -> bool {
        if after.len() < before.len() || !before.iter().zip(after).all(|(a, b)| self.same_value(a, b, 0)) {
            return false;
        }
        after.iter().skip(before.len()).all(|added| {
            let MaybeRef::Ref(id) = added else { return false };
            let field = self.new.xref().get::<Dict<'_>>((*id).into());
            field.is_some_and(|f| is_signature_field(&f) && (!f.contains_key("Subtype") || name(&f, "Subtype") == b"Widget") && !acts(&f))
        })
    }
}

/// Whether a place does something when it is clicked or shown.
fn acts(field: &Dict<'_>) -> bool {
    field.contains_key("A") || field.contains_key("AA")
}
