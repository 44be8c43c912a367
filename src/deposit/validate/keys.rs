//! Keys that repeat, over the whole of a file that may not fit in memory: each key is kept as a fingerprint of sixteen bytes with its
//! row, in memory up to a bound, beyond it in files by the first bits of the fingerprint, each of which fits in memory.

use std::{
    collections::HashMap,
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufReader, BufWriter, Read, Seek, Write},
};

/// Fingerprints that stay in memory.
const IN_MEMORY: usize = 2_000_000;
/// Files beyond that.
const FILES: usize = 64;
/// Repeated rows that are told one by one; beyond that they are counted.
const MAX_REPEATED: usize = 1_000_000;

/// What stands for a key: two independent 64-bit hashes, so that two of a hundred million keys have the same by chance once in some 10²²
/// files (n²/2 pairs among 2¹²⁸).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u64, u64);

impl Fingerprint {
    /// The fingerprint of a key's text.
    pub fn of(text: &str) -> Self {
        let hash = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            (salt, text).hash(&mut hasher);
            hasher.finish()
        };
        Self(hash(0x5245_5445_585F_4B31), hash(0x5245_5445_585F_4B32))
    }
}

/// A key's fingerprint and the physical row that has it.
type Entry = (Fingerprint, u64);

/// The fingerprints of one key of a file.
pub struct Seen {
    in_memory: usize,
    entries: Vec<Entry>,
    files: Vec<BufWriter<File>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { in_memory: IN_MEMORY, entries: Vec::new(), files: Vec::new() }
    }
}

impl Seen {
    /// Takes those of a block.
    ///
    /// # Errors
    /// When a temporary file cannot be written.
    pub fn take(&mut self, entries: Vec<Entry>) -> std::io::Result<()> {
        self.entries.extend(entries);
        if self.entries.len() <= self.in_memory {
            return Ok(());
        }
        while self.files.len() < FILES {
            self.files.push(BufWriter::with_capacity(1 << 14, tempfile::tempfile()?));
        }
        for (Fingerprint(high, low), row) in self.entries.drain(..) {
            let file = &mut self.files[(high >> 58) as usize];
            for part in [high, low, row] {
                file.write_all(&part.to_le_bytes())?;
            }
        }
        Ok(())
    }

    /// Calls `take` with each row that repeats the key of another, and the first row that has it; in no order.
    ///
    /// # Errors
    /// When a temporary file cannot be read.
    pub fn repeated(mut self, mut take: impl FnMut(u64, u64)) -> std::io::Result<()> {
        if self.files.is_empty() {
            same(&mut self.entries, &mut take);
            return Ok(());
        }
        // What is still in memory joins its file.
        let rest = std::mem::take(&mut self.entries);
        for (file, bits) in self.files.into_iter().zip(0u64..) {
            let mut file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.rewind()?;
            let mut entries = Vec::new();
            let mut reader = BufReader::with_capacity(1 << 16, file);
            let mut bytes = [0u8; 24];
            loop {
                match reader.read_exact(&mut bytes) {
                    Ok(()) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                    Err(error) => return Err(error),
                }
                let part = |i: usize| bytes[8 * i..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
                entries.push((Fingerprint(part(0), part(1)), part(2)));
            }
            entries.extend(rest.iter().filter(|(f, _)| f.0 >> 58 == bits));
            same(&mut entries, &mut take);
        }
        Ok(())
    }
}

fn same(entries: &mut [Entry], take: &mut impl FnMut(u64, u64)) {
    entries.sort_unstable();
    for group in entries.chunk_by(|a, b| a.0 == b.0) {
        if let [(_, first), others @ ..] = group {
            others.iter().for_each(|(_, row)| take(*row, *first));
        }
    }
}

/// Rows that repeat a key.
#[derive(Debug, Clone, Default)]
pub struct Repeated {
    rows: HashMap<(usize, u64), u64>,
    /// How many there are, key by key, told or not.
    pub counts: Vec<u64>,
}

impl Repeated {
    /// Collects what [`Seen::repeated`] tells of the key at position `key`.
    pub fn add(&mut self, key: usize, row: u64, first: u64) {
        if self.counts.len() <= key {
            self.counts.resize(key + 1, 0);
        }
        self.counts[key] += 1;
        if self.rows.len() < MAX_REPEATED {
            self.rows.insert((key, row), first);
        }
    }

    /// Whether no key repeats.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether each repeated row is known, not only how many there are.
    pub fn is_whole(&self) -> bool {
        self.rows.len() as u64 == self.counts.iter().sum::<u64>()
    }

    /// The first row with the key of this one, where it repeats it.
    pub fn first(&self, key: usize, row: u64) -> Option<u64> {
        self.rows.get(&(key, row)).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn repeated_keys_are_found_in_memory_and_beyond() {
        // Every tenth key of the second half repeats one of the first.
        let keys =
            |n: u64| (0..n).map(move |i| (Fingerprint::of(&if i >= n / 2 && i % 10 == 0 { i - n / 2 } else { i }.to_string()), i + 2));
        for (in_memory, n, block) in [(10_000, 1000, 100), (3000, 10_000, 700), (10, 1000, 7)] {
            let mut seen = Seen { in_memory, ..Seen::default() };
            let all: Vec<Entry> = keys(n).collect();
            for part in all.chunks(block) {
                seen.take(part.to_vec()).expect("written");
            }
            let mut found = BTreeMap::new();
            seen.repeated(|row, first| assert_eq!(found.insert(row, first), None)).expect("read");
            let expected: BTreeMap<u64, u64> = (n / 2..n).filter(|i| i % 10 == 0).map(|i| (i + 2, i - n / 2 + 2)).collect();
            assert_eq!(found, expected, "{n}");
        }
    }
}
