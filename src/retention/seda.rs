//! The data of a list as a SEDA 2.2 transfer (NF Z44-022): `manifest.xml` and the objects under `content/`, in one ZIP archive whose
//! bytes are always the same. Elements and their order are those of the schemas of SEDA 2.2; what only the archives know
//! (their agreement, their code lists) carries neutral values.

use std::{
    fmt::Write as _,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use chrono::SecondsFormat;
use sha2::{Digest, Sha256};

use super::list::{Line, List};
use crate::{
    app::App,
    convention::register::{self, Registered},
    error::{Error, Result},
    words::xml,
};

/// Where an object of the list is in the archive.
fn place(line: &Line) -> String {
    let extension = if line.kind == "table" { Some("parquet") } else { line.file_name.rsplit_once('.').map(|(_, e)| e) };
    let known = extension.filter(|e| (1..=8).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric()));
    format!("content/O{}.{}", line.position, known.map_or_else(|| "bin".to_owned(), str::to_lowercase))
}

/// Makes the archive in a folder of its own; gives the folder, the archive, its hash.
pub(super) async fn package(app: &App, list: &List) -> Result<(tempfile::TempDir, PathBuf, String)> {
    let registered = register::find(app, &list.purge.convention).await?;
    let folder = tempfile::tempdir()?;
    let mut objects = Vec::new();
    for line in &list.lines {
        let file = folder.path().join(format!("O{}", line.position));
        app.lake.fetch_to(&line.key.parse()?, &file).await?;
        objects.push((place(line), file));
    }
    let (text, archive) = (manifest(list, &registered), folder.path().join("versement.zip"));
    let written = archive.clone();
    let sha256 = tokio::task::spawn_blocking(move || write(&written, &text, &objects)).await.map_err(Error::internal)??;
    Ok((folder, archive, sha256))
}

fn write(archive: &Path, manifest: &str, objects: &[(String, PathBuf)]) -> Result<String> {
    let mut zip = zip::ZipWriter::new(File::create(archive)?);
    // No time of writing: the same list gives the same bytes.
    let options = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default()).large_file(true);
    zip.start_file("manifest.xml", options).map_err(Error::internal)?;
    io::Write::write_all(&mut zip, manifest.as_bytes())?;
    for (name, file) in objects {
        zip.start_file(name.as_str(), options).map_err(Error::internal)?;
        io::copy(&mut File::open(file)?, &mut zip)?;
        std::fs::remove_file(file)?;
    }
    zip.finish().map_err(Error::internal)?;
    let mut hash = HashWriter(Sha256::new());
    io::copy(&mut File::open(archive)?, &mut hash)?;
    Ok(hex::encode(hash.0.finalize()))
}

struct HashWriter(Sha256);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The version of every code list: the archives' own replace them by agreement.
const CODE_LISTS: [&str; 15] = [
    "Reply",
    "MessageDigestAlgorithm",
    "MimeType",
    "Encoding",
    "FileFormat",
    "CompressionAlgorithm",
    "DataObjectVersion",
    "StorageRule",
    "AppraisalRule",
    "AccessRule",
    "DisseminationRule",
    "ReuseRule",
    "ClassificationRule",
    "AuthorizationReason",
    "Relationship",
];

/// XML written by hand: a handful of elements, each escaped in one place.
struct Xml(String);

impl Xml {
    fn open(&mut self, name: &str) {
        let _ = write!(self.0, "<{name}>");
    }

    fn close(&mut self, name: &str) {
        let _ = writeln!(self.0, "</{name}>");
    }

    fn leaf(&mut self, name: &str, text: &str) {
        let _ = writeln!(self.0, "<{name}>{}</{}>", xml(text), name.split(' ').next().unwrap_or(name));
    }
}

fn manifest(list: &List, registered: &Registered) -> String {
    let metropole = registered.convention.document.parties.metropole.siren.as_str();
    let mut xml = Xml("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned());
    xml.open("ArchiveTransfer xmlns=\"fr:gouv:culture:archivesdefrance:seda:v2.2\"");
    xml.leaf("Comment", &format!("Bordereau {}, convention «\u{a0}{}\u{a0}», {}", list.purge.number, list.title, list.scope));
    xml.leaf("Date", &list.purge.made_at.to_rfc3339_opts(SecondsFormat::Secs, true));
    xml.leaf("MessageIdentifier", &list.purge.number);
    xml.open("CodeListVersions");
    for name in CODE_LISTS {
        xml.leaf(&format!("{name}CodeListVersion"), &format!("{name}CodeListVersion0"));
    }
    xml.close("CodeListVersions");
    xml.open("DataObjectPackage");
    let deposits = deposits(&list.lines);
    for (group, lines) in deposits.iter().enumerate() {
        data_objects(&mut xml, group + 1, lines);
    }
    xml.open("DescriptiveMetadata");
    root(&mut xml, list, registered, &deposits);
    xml.close("DescriptiveMetadata");
    xml.open("ManagementMetadata");
    xml.leaf("OriginatingAgencyIdentifier", metropole);
    xml.leaf("SubmissionAgencyIdentifier", metropole);
    xml.close("ManagementMetadata");
    xml.close("DataObjectPackage");
    agency(&mut xml, "ArchivalAgency", &format!("{metropole}-archives"));
    agency(&mut xml, "TransferringAgency", metropole);
    xml.close("ArchiveTransfer");
    xml.0
}

fn agency(xml: &mut Xml, role: &str, identifier: &str) {
    xml.open(role);
    xml.leaf("Identifier", identifier);
    xml.close(role);
}

/// The objects of each deposit together: its file, and the table made of it.
fn deposits(lines: &[Line]) -> Vec<Vec<&Line>> {
    let mut groups: Vec<Vec<&Line>> = Vec::new();
    for line in lines {
        match groups.last_mut().filter(|g| g.first().is_some_and(|first| first.deposit == line.deposit)) {
            Some(group) => group.push(line),
            None => groups.push(vec![line]),
        }
    }
    groups
}

fn data_objects(xml: &mut Xml, group: usize, lines: &[&Line]) {
    xml.open(&format!("DataObjectGroup id=\"G{group}\""));
    for line in lines {
        let place = place(line);
        xml.open(&format!("BinaryDataObject id=\"O{}\"", line.position));
        xml.leaf("DataObjectVersion", if line.kind == "table" { "Dissemination_1" } else { "BinaryMaster_1" });
        xml.leaf("Uri", &place);
        xml.leaf("MessageDigest algorithm=\"SHA-256\"", &line.sha256);
        xml.leaf("Size", &line.bytes.to_string());
        let (litteral, mime) = format_of(&place);
        xml.open("FormatIdentification");
        xml.leaf("FormatLitteral", litteral);
        xml.leaf("MimeType", mime);
        xml.close("FormatIdentification");
        xml.open("FileInfo");
        xml.leaf("Filename", &line.file_name);
        xml.close("FileInfo");
        xml.close("BinaryDataObject");
    }
    xml.close("DataObjectGroup");
}

fn format_of(place: &str) -> (&'static str, &'static str) {
    match place.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "csv" => ("Comma Separated Values", "text/csv"),
        "xlsx" => ("Microsoft Excel for Windows", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        "xls" => ("Microsoft Excel 97 Workbook", "application/vnd.ms-excel"),
        "ods" => ("OpenDocument Spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
        "parquet" => ("Apache Parquet", "application/vnd.apache.parquet"),
        "jsonl" => ("JSON Lines", "application/jsonl"),
        "json" => ("JavaScript Object Notation", "application/json"),
        "arrow" => ("Apache Arrow", "application/vnd.apache.arrow.file"),
        "gz" => ("GZIP Format", "application/gzip"),
        "zst" => ("Zstandard", "application/zstd"),
        "zip" => ("ZIP Format", "application/zip"),
        _ => ("Données", "application/octet-stream"),
    }
}

fn root(xml: &mut Xml, list: &List, registered: &Registered, deposits: &[Vec<&Line>]) {
    let document = &registered.convention.document;
    xml.open("ArchiveUnit id=\"U0\"");
    xml.open("Content");
    xml.leaf("DescriptionLevel", "RecordGrp");
    xml.leaf("Title", &list.title);
    xml.leaf("OriginatingAgencyArchiveUnitIdentifier", &list.purge.convention);
    let version = registered.head.version;
    xml.leaf(
        "Description",
        &format!(
            "Données remises au titre de la convention «\u{a0}{}\u{a0}», version {version}, empreinte {}",
            list.title, registered.head.sha256
        ),
    );
    xml.leaf("StartDate", &document.period.start.to_string());
    xml.leaf("EndDate", &document.period.end.to_string());
    xml.close("Content");
    for (group, lines) in deposits.iter().enumerate() {
        let Some(line) = lines.first() else { continue };
        let group = group + 1;
        xml.open(&format!("ArchiveUnit id=\"U{group}\""));
        xml.open("Content");
        xml.leaf("DescriptionLevel", "Item");
        xml.leaf("Title", &line.file_name);
        xml.leaf("OriginatingAgencyArchiveUnitIdentifier", &line.number);
        let period = line.period.as_ref().map(|p| format!(", période {p}")).unwrap_or_default();
        xml.leaf("Description", &format!("{} ({}), jeu de données {}{period}", line.site_name, line.site, line.dataset));
        xml.leaf("ReceivedDate", &line.received_at.to_rfc3339_opts(SecondsFormat::Secs, true));
        xml.close("Content");
        xml.open("DataObjectReference");
        xml.leaf("DataObjectGroupReferenceId", &format!("G{group}"));
        xml.close("DataObjectReference");
        xml.close("ArchiveUnit");
    }
    xml.close("ArchiveUnit");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        assert_eq!(xml("a&b <c> \"d\"\u{1}\n"), "a&amp;b &lt;c&gt; &quot;d&quot;▢ ");
    }
}
