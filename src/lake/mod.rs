//! The only object_store: a local folder, or any S3.
//!
//! An object is written before the row that names it, and named by its content or its deposit, so that writing it again changes
//! nothing. What no row names is removed by a sweep, after a grace period; see [`crate::jobs::sweep`].

mod key;
mod receive;
mod table;

use std::{
    path::{Path as FilePath, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::{
    ClientOptions, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem, path::Path,
    prefix::PrefixStore,
};
use tokio::io::AsyncWriteExt;

pub use self::{
    key::{Hash, Key, Name, Prefix},
    receive::Received,
    table::Table,
};
use crate::{
    config::Config,
    error::{Error, Kind, Result},
};

/// The files.
#[derive(Clone)]
pub struct Lake {
    objects: Arc<dyn ObjectStore>,
    /// The folder of a local lake.
    folder: Option<PathBuf>,
}

/// One object, as a list gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub key: Key,
    /// Its size.
    pub bytes: u64,
    /// When it was last written.
    pub modified: DateTime<Utc>,
}

impl Lake {
    /// Opens the folder (making it) or the S3 bucket that the settings name: `s3://seau` or `s3://seau/dossier`. A bucket is
    /// not asked for here: see [`Lake::ping`].
    pub fn open(config: &Config) -> Result<Self> {
        match config.lake.as_deref() {
            Some(url) if url.starts_with("s3://") => open_s3(url, config),
            Some(url) if url.contains("://") => {
                Err(Error::invalid("lake_url", "L'emplacement des fichiers doit être un dossier ou une adresse « s3://SEAU ».".to_owned()))
            }
            Some(folder) => open_folder(folder.into()),
            None => open_folder(config.data.join("lac")),
        }
    }

    /// Whether the files can be reached.
    pub async fn ping(&self) -> Result<()> {
        match self.objects.head(&Path::from("uploads/00000000-0000-0000-0000-000000000000")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => match &self.folder {
                // A folder that was removed answers «no such file» too.
                Some(folder) if !folder.is_dir() => Err(unavailable()),
                _ => Ok(()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Whether an object is there.
    pub async fn exists(&self, key: &Key) -> Result<bool> {
        Ok(self.meta(key).await?.is_some())
    }

    /// Size and time of an object, if it is there.
    pub async fn meta(&self, key: &Key) -> Result<Option<Stored>> {
        match self.objects.head(&path(key)).await {
            Ok(meta) => Ok(Some(Stored { key: key.clone(), bytes: meta.size, modified: meta.last_modified })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A small object, whole.
    pub async fn get(&self, key: &Key) -> Result<Bytes> {
        Ok(self.objects.get(&path(key)).await?.bytes().await?)
    }

    /// Size of an object and its bytes, a piece at a time.
    pub async fn stream(&self, key: &Key) -> Result<(u64, impl Stream<Item = Result<Bytes>> + Send + 'static + use<>)> {
        let found = self.objects.get(&path(key)).await?;
        Ok((found.meta.size, found.into_stream().map_err(Error::from)))
    }

    /// Copies an object into a local file, made or emptied first; gives its size. On a failure the file is removed.
    pub async fn fetch_to(&self, key: &Key, file: &FilePath) -> Result<u64> {
        let (_, mut pieces) = self.stream(key).await?;
        let copied = async {
            let mut out = tokio::fs::File::create(file).await?;
            let mut bytes = 0;
            while let Some(piece) = pieces.next().await {
                let piece = piece?;
                out.write_all(&piece).await?;
                bytes += piece.len() as u64;
            }
            out.flush().await?;
            Ok(bytes)
        }
        .await;
        if copied.is_err() {
            let _ = tokio::fs::remove_file(file).await;
        }
        copied
    }

    /// Writes a small object whole.
    pub async fn put(&self, key: &Key, bytes: Bytes) -> Result<()> {
        self.objects.put(&path(key), bytes.into()).await?;
        Ok(())
    }

    /// Removes an object; nothing happens if it is not there.
    pub async fn delete(&self, key: &Key) -> Result<()> {
        match self.objects.delete(&path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Every object under a prefix, by name; what this hub did not write is passed over.
    pub async fn list(&self, prefix: &Prefix) -> Result<Vec<Stored>> {
        let prefix = Path::from(prefix.to_string());
        let prefix = (!prefix.as_ref().is_empty()).then_some(&prefix);
        let stored = |meta: ObjectMeta| {
            let key = meta.location.as_ref().parse().ok()?;
            Some(Stored { key, bytes: meta.size, modified: meta.last_modified })
        };
        let mut found: Vec<_> = self.objects.list(prefix).try_filter_map(async |meta| Ok(stored(meta))).try_collect().await?;
        found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    /// The table of a dataset of a convention.
    pub fn table(&self, convention: &str, dataset: &str) -> Result<Table> {
        Ok(Table::new(self.clone(), convention.parse()?, dataset.parse()?))
    }

    /// Removes the pieces that uploads into a local lake left when their process was killed, if last written before `before`.
    /// (On S3 they are unfinished multipart uploads, which a lifecycle rule of the bucket removes.)
    pub async fn sweep_pieces(&self, before: DateTime<Utc>) -> Result<u64> {
        let Some(folder) = self.folder.clone() else { return Ok(0) };
        let swept = tokio::task::spawn_blocking(move || remove_pieces(&folder, before));
        Ok(swept.await.map_err(Error::internal)??)
    }
}

/// object_store writes `name#1` and renames it at the end; it hides such files from lists.
fn remove_pieces(folder: &FilePath, before: DateTime<Utc>) -> std::io::Result<u64> {
    let mut removed = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Another process may remove or rename what was just listed.
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            removed += remove_pieces(&entry.path(), before)?;
        } else if entry.file_name().to_string_lossy().contains('#') && DateTime::<Utc>::from(meta.modified()?) < before {
            removed += u64::from(std::fs::remove_file(entry.path()).is_ok());
        }
    }
    Ok(removed)
}

fn path(key: &Key) -> Path {
    Path::from(key.to_string())
}

fn open_folder(folder: PathBuf) -> Result<Lake> {
    crate::config::private_folder(&folder)?;
    let objects = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true).with_automatic_cleanup(false);
    Ok(Lake { objects: Arc::new(objects), folder: Some(folder) })
}

fn open_s3(url: &str, config: &Config) -> Result<Lake> {
    // Fails when a provider is already there: then it is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = url.trim_start_matches("s3://").trim_end_matches('/');
    let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
    if bucket.is_empty() {
        return Err(Error::invalid("lake_url", "L'adresse « s3:// » doit nommer un seau : « s3://SEAU ».".to_owned()));
    }
    // A file may take longer than any fixed time; a connection that goes silent may not.
    let client = ClientOptions::new()
        .with_timeout_disabled()
        .with_connect_timeout(Duration::from_secs(5))
        .with_read_timeout(Duration::from_secs(30))
        .with_allow_http(config.s3_endpoint.as_deref().is_some_and(|e| e.starts_with("http://")));
    let mut s3 = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_region(&config.s3_region)
        .with_client_options(client)
        .with_retry(RetryConfig { max_retries: 5, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() });
    if let Some(endpoint) = &config.s3_endpoint {
        s3 = s3.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
    }
    if let (Some(key), Some(secret)) = (&config.s3_access_key, &config.s3_secret_key) {
        s3 = s3.with_access_key_id(key.reveal()).with_secret_access_key(secret.reveal());
    }
    let s3 = s3.build().map_err(|error| {
        Error::invalid("lake_url", "Les réglages du service S3 sont incomplets ou faux. Vérifiez son adresse et ses clés.".to_owned())
            .with_source(error)
    })?;
    let objects: Arc<dyn ObjectStore> = if prefix.is_empty() { Arc::new(s3) } else { Arc::new(PrefixStore::new(s3, prefix)) };
    Ok(Lake { objects, folder: None })
}

fn unavailable() -> Error {
    Error::new(Kind::Unavailable, "lake_unavailable", "Les fichiers ne sont pas accessibles. Réessayez dans un instant.")
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => {
                Error::new(Kind::NotFound, "file_missing", "Ce fichier n'est plus conservé.").with_source(error)
            }
            _ => unavailable().with_source(error),
        }
    }
}
