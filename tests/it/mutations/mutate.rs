//! Seeds, and what a random number makes of them. A kind, a seed and an index always give the same bytes.

use std::{
    fs,
    io::{Cursor, Read, Write},
    path::{Path, PathBuf},
};

use retex::convention::Convention;
use serde_json::{Map, Value as Json, json};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// How the bytes of a format are opened, so that changes reach what is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Bytes,
    Zip,
    Gzip,
    Zstd,
    Json,
    Convention,
}

/// A format and its seeds.
pub struct Kind {
    pub name: &'static str,
    pub shape: Shape,
    pub seeds: &'static [&'static str],
}

pub static KINDS: [Kind; 16] = [
    Kind { name: "csv", shape: Shape::Bytes, seeds: &["comma.csv", "french.csv", "bom.csv", "preamble.csv"] },
    Kind { name: "tsv", shape: Shape::Bytes, seeds: &["tab.tsv"] },
    Kind { name: "utf16", shape: Shape::Bytes, seeds: &["utf16le.csv", "utf16be.csv"] },
    Kind { name: "jsonl", shape: Shape::Bytes, seeds: &["lines.jsonl"] },
    Kind { name: "json", shape: Shape::Bytes, seeds: &["array.json"] },
    Kind { name: "parquet", shape: Shape::Bytes, seeds: &["zstd.parquet", "snappy.parquet", "uncompressed.parquet", "types.parquet"] },
    Kind { name: "arrow", shape: Shape::Bytes, seeds: &["file.arrow", "stream.arrow", "types.arrow"] },
    Kind { name: "xlsx", shape: Shape::Zip, seeds: &["book.xlsx", "date_1904.xlsx", "pass_protected.xlsx"] },
    Kind { name: "xls", shape: Shape::Bytes, seeds: &["book.xls", "malformed_format.xls"] },
    Kind { name: "ods", shape: Shape::Zip, seeds: &["book.ods", "file.ods"] },
    Kind { name: "gz", shape: Shape::Gzip, seeds: &["comma.csv.gz", "french.csv.gz"] },
    Kind { name: "zst", shape: Shape::Zstd, seeds: &["comma.csv.zst", "lines.jsonl.zst"] },
    Kind { name: "zip", shape: Shape::Zip, seeds: &["comma.zip", "french.zip"] },
    Kind {
        name: "json-schema",
        shape: Shape::Json,
        seeds: &[
            "row.schema.json",
            "bench.schema.json",
            "../../samples/chauffage/releves.schema.json",
            "../../samples/tri-demandes/demandes.schema.json",
        ],
    },
    Kind {
        name: "table-schema",
        shape: Shape::Json,
        seeds: &[
            "row.table-schema.json",
            "../../samples/tri-demandes/codecarbon.table-schema.json",
            "../../samples/depots-sauvages/signalements.table-schema.json",
        ],
    },
    Kind {
        name: "convention",
        shape: Shape::Convention,
        seeds: &[
            "../../samples/chauffage/convention.yaml",
            "../../samples/tri-demandes/convention.yaml",
            "../../samples/depots-sauvages/convention.yaml",
        ],
    },
];

/// Where the seeds are.
pub fn corpus(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus")).join(name)
}

/// Numbers that follow from the first one (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64, index: u64) -> Self {
        let mut random = Self(seed ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// The seeds of a kind, read once.
pub struct Seeds {
    pub kind: &'static Kind,
    files: Vec<Vec<u8>>,
    documents: Vec<Json>,
}

impl Seeds {
    pub fn of(name: &str) -> Self {
        let kind = KINDS.iter().find(|k| k.name == name).expect("a kind");
        let files: Vec<Vec<u8>> = kind.seeds.iter().map(|s| fs::read(corpus(s)).unwrap_or_else(|e| panic!("{s}: {e}"))).collect();
        let documents = match kind.shape {
            Shape::Json => files.iter().map(|f| serde_json::from_slice(f).expect("JSON")).collect(),
            Shape::Convention => kind.seeds.iter().map(|s| Convention::load_file(&corpus(s)).expect("a convention").json).collect(),
            _ => Vec::new(),
        };
        Self { kind, files, documents }
    }

    /// The file of this index. The first ones are the seeds themselves.
    pub fn file(&self, seed: u64, index: u64) -> Vec<u8> {
        if let Some(whole) = usize::try_from(index).ok().and_then(|i| self.files.get(i)) {
            return whole.clone();
        }
        let name = self.kind.name.bytes().fold(seed, |sum, b| sum.rotate_left(7) ^ u64::from(b));
        let mut random = Random::new(name, index);
        let from = random.below(self.files.len());
        let file = &self.files[from];
        match self.kind.shape {
            Shape::Json | Shape::Convention if !random.one_in(4) => document(&self.documents[from], &mut random).to_string().into_bytes(),
            Shape::Zip if !random.one_in(3) => zip(file, &mut random),
            Shape::Gzip if !random.one_in(3) => {
                let mut inside = Vec::new();
                flate2::read::GzDecoder::new(file.as_slice()).read_to_end(&mut inside).expect("a seed");
                let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                out.write_all(&self.bytes(inside, &mut random)).expect("in memory");
                out.finish().expect("in memory")
            }
            Shape::Zstd if !random.one_in(3) => {
                let inside = zstd::decode_all(file.as_slice()).expect("a seed");
                zstd::encode_all(self.bytes(inside, &mut random).as_slice(), 1).expect("in memory")
            }
            _ => self.bytes(file.clone(), &mut random),
        }
    }

    /// One to eight changes of bytes, spliced at times with another seed.
    fn bytes(&self, bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
        let mut bytes = bytes;
        if random.one_in(8) {
            let other = random.pick(&self.files);
            let (cut, from) = (random.below(bytes.len()), random.below(other.len()));
            bytes.truncate(cut);
            bytes.extend_from_slice(&other[from..]);
        }
        changed(bytes, random)
    }
}

/// Bytes on which parsers turn.
const TURNS: &[u8] = b"\0\xFF\x7F\x80\"';,\t\r\n<>&[]{}:=+-@/\\0 9.eEPK";
/// Numbers in decimal that are beyond what is expected.
const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "1e999",
    "-1e-999",
    "NaN",
    "255",
    "65536",
    "2147483648",
    "4294967295",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "0000000000000000000000000000000000000001",
    "99999999999999999999999999999999",
];
/// Largest file that repeating a piece may give.
const MOST: usize = 1 << 19;

/// One to eight changes.
pub fn changed(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(8) {
        if bytes.is_empty() {
            bytes.push(*random.pick(TURNS));
        }
        // What a reader trusts most stands at the ends: a magic number, a footer, a directory.
        let end = bytes.len().min(512);
        let at = match random.below(4) {
            0 => random.below(end),
            1 => bytes.len() - 1 - random.below(end),
            _ => random.below(bytes.len()),
        };
        let piece = at..(at + 1 + random.below(64)).min(bytes.len());
        match random.below(11) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = *random.pick(TURNS),
            3 => bytes[at] = random.next().to_le_bytes()[0],
            4 if random.one_in(3) => bytes.truncate(at),
            4 => bytes.insert(at, *random.pick(TURNS)),
            5 => drop(bytes.drain(piece)),
            6 => {
                let copy = bytes[piece].to_vec();
                let times = if random.one_in(6) { 1 + random.below(MOST / 64) } else { 1 };
                let times = times.min((MOST.saturating_sub(bytes.len())) / copy.len());
                bytes.splice(at..at, copy.repeat(times));
            }
            7 => {
                let to = random.below(bytes.len());
                let copy = bytes[piece].to_vec();
                bytes.splice(to..to, copy);
            }
            8 | 9 => extreme(&mut bytes, at, random),
            _ => number(&mut bytes, at, random),
        }
    }
    bytes
}

/// An integer of one to eight bytes at its least, its greatest, or beside.
fn extreme(bytes: &mut [u8], at: usize, random: &mut Random) {
    let width = (1usize << random.below(4)).min(bytes.len() - at);
    let value: u64 =
        *random.pick(&[0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, u64::MAX >> 1, u64::MAX]);
    let (little, big) = (value.to_le_bytes(), value.to_be_bytes());
    let new = if random.one_in(3) { &big[8 - width..] } else { &little[..width] };
    bytes[at..at + width].copy_from_slice(new);
}

/// The digits that follow, replaced by a number that nobody expects.
fn number(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|p| at + p) else { return };
    let end = bytes[start..].iter().position(|b| !b.is_ascii_digit()).map_or(bytes.len(), |p| start + p);
    bytes.splice(start..end, random.pick(&NUMBERS).bytes());
}

/// A part of an archive changed and put back whole; at times its directory then lies on sizes, or its bytes are changed too.
fn zip(file: &[u8], random: &mut Random) -> Vec<u8> {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(file)) else { return changed(file.to_vec(), random) };
    let chosen = random.below(archive.len());
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..archive.len() {
        let Ok(mut part) = archive.by_index(i) else { continue };
        let name = part.name().expect("a name").into_owned();
        let mut content = Vec::new();
        part.read_to_end(&mut content).expect("a seed");
        if i == chosen {
            content = changed(content, random);
        }
        let method = if random.one_in(8) { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default().compression_method(method);
        // The same part twice is a lie too.
        for _ in 0..=usize::from(i == chosen && random.one_in(16)) {
            if out.start_file(&name, options).is_ok() {
                out.write_all(&content).expect("in memory");
            }
        }
    }
    let mut bytes = out.finish().expect("in memory").into_inner();
    if random.one_in(4) {
        let entries: Vec<usize> =
            bytes.windows(4).enumerate().filter(|(_, w)| *w == b"PK\x01\x02" || *w == b"PK\x03\x04").map(|(i, _)| i).collect();
        let entry = *random.pick(&entries);
        // Both kinds of header hold their sizes, flags and offsets in their first 46 bytes.
        let at = (entry + 4 + random.below(42)).min(bytes.len() - 8);
        extreme(&mut bytes, at, random);
    }
    if random.one_in(8) { changed(bytes, random) } else { bytes }
}

const KEYWORDS: [&str; 40] = [
    "type",
    "format",
    "enum",
    "const",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "required",
    "additionalProperties",
    "properties",
    "patternProperties",
    "if",
    "then",
    "else",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "$ref",
    "$defs",
    "$id",
    "$anchor",
    "$dynamicRef",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "propertyNames",
    "fields",
    "constraints",
    "primaryKey",
    "foreignKeys",
    "missingValues",
    "decimalChar",
    "check",
    "schema",
];

/// A document with one to four of its values, or of its keys, changed.
fn document(seed: &Json, random: &mut Random) -> Json {
    let mut document = seed.clone();
    for _ in 0..=random.below(4) {
        let mut places = Vec::new();
        pointers(&document, String::new(), &mut places);
        let (from, to) = (random.pick(&places).clone(), random.pick(&places).clone());
        let copy = document.pointer(&from).cloned().unwrap_or_default();
        let new = value(copy, random);
        let Some(place) = document.pointer_mut(&to) else { continue };
        match place {
            Json::Object(map) if random.one_in(2) => {
                map.insert((*random.pick(&KEYWORDS)).to_owned(), new);
            }
            Json::Object(map) if random.one_in(3) => {
                let key = map.keys().nth(random.below(map.len())).cloned();
                if let Some(value) = key.and_then(|k| map.shift_remove(&k)) {
                    map.insert((*random.pick(&KEYWORDS)).to_owned(), value);
                }
            }
            Json::Array(list) if random.one_in(2) => list.push(new),
            place => *place = new,
        }
    }
    document
}

fn pointers(value: &Json, at: String, into: &mut Vec<String>) {
    match value {
        Json::Object(map) => {
            map.iter().for_each(|(k, v)| pointers(v, format!("{at}/{}", k.replace('~', "~0").replace('/', "~1")), into));
        }
        Json::Array(list) => list.iter().enumerate().for_each(|(i, v)| pointers(v, format!("{at}/{i}"), into)),
        _ => {}
    }
    into.push(at);
}

const TEXTS: [&str; 24] = [
    "",
    " ",
    "\0",
    "id",
    "jour",
    "null",
    "#",
    "#/",
    "#/properties/id",
    "#/$defs/commune",
    "#/nowhere",
    "(a+)+$",
    "(a|aa)*b",
    "(\\w{1000}){1000}",
    "^(?:a?){500}a{500}$",
    "[",
    "\\p{L}{0,999}",
    "(?=a)",
    "\\1",
    "%Q%Y%%%",
    "date-time",
    "SUM(entier) OVER ()",
    "1 = 1 OR entier IN (SELECT 1)",
    "((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))",
];

fn value(copy: Json, random: &mut Random) -> Json {
    match random.below(9) {
        0 => copy,
        1 => random.pick(&[json!(null), json!(true), json!(false), json!({}), json!([]), json!([[]]), json!([null])]).clone(),
        2 => random
            .pick(&[json!(0), json!(-1), json!(i64::MIN), json!(u64::MAX), json!(1e308), json!(-1e-320), json!(0.1), json!(1_000_000)])
            .clone(),
        3 | 4 => Json::from(*random.pick(&TEXTS)),
        5 => Json::from(random.pick(&TEXTS).repeat(1 + random.below(2000))),
        6 => {
            // As deep as a text of JSON may be.
            let key = *random.pick(&["allOf", "anyOf", "not", "then", "properties"]);
            let wrap = |inner: Json| if key.ends_with("Of") { json!({ key: [inner] }) } else { json!({ key: inner }) };
            (0..random.below(100)).fold(copy, |inner, _| wrap(inner))
        }
        7 => (0..random.below(3000)).map(|i| (format!("c{i}"), json!({ "type": "string" }))).collect::<Map<_, _>>().into(),
        _ => json!({ *random.pick(&KEYWORDS): copy }),
    }
}
