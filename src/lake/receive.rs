//! How files come in: from a person's browser, piece by piece, hashed on the way and never held whole; or from a local file.

use std::path::Path as FilePath;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use object_store::{ObjectStoreExt, PutPayload, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use super::{Key, Lake, path};
use crate::{
    error::{Error, Kind, Result},
    ids::Siren,
};

/// Up to here a file goes up in one piece, beyond in pieces of this size: measured faster than smaller ones.
const PIECE: usize = 8 * 1024 * 1024;
/// Pieces under way at once: what a slow lake may hold in memory.
const PIECES: usize = 4;

/// A file that came in whole and waits under a temporary name for [`Lake::keep`] or [`Lake::discard`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its temporary name.
    pub key: Key,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

impl Lake {
    /// Takes in a body of at most `limit` bytes under the temporary name of `id`. If the body breaks off, is too long
    /// ([`Kind::TooLarge`]), or if the caller gives up, nothing stays.
    pub async fn receive<S, E>(&self, id: Uuid, body: S, limit: u64) -> Result<Received>
    where
        S: Stream<Item = Result<Bytes, E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let key = Key::Upload(id);
        let mut body = std::pin::pin!(body);
        let mut upload = Upload::new(self.clone(), key.clone());
        let mut hash = Sha256::new();
        let mut bytes = 0_u64;
        while let Some(piece) = body.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => {
                    upload.abort().await;
                    return Err(Error::invalid("upload_interrupted", "L'envoi du fichier s'est interrompu. Envoyez-le de nouveau.")
                        .with_source(error));
                }
            };
            bytes += piece.len() as u64;
            if bytes > limit {
                upload.abort().await;
                return Err(too_large(limit));
            }
            hash.update(&piece);
            upload.write(piece).await?;
        }
        upload.finish().await?;
        Ok(Received { key, sha256: hex::encode(hash.finalize()), bytes })
    }

    /// Gives a file that came in its lasting name among its site's originals; doing it twice is doing it once.
    ///
    /// The object is always written anew, even where these bytes are already there: that resets its age, so that a sweep of
    /// objects without a row leaves it until the row is there.
    pub async fn keep(&self, received: &Received, site: &Siren) -> Result<Key> {
        let key = Key::original(site, &received.sha256)?;
        self.keep_as(received, &key).await?;
        Ok(key)
    }

    /// The same under a name of the caller's.
    pub async fn keep_as(&self, received: &Received, key: &Key) -> Result<()> {
        match self.objects.rename(&path(&received.key), &path(key)).await {
            Err(object_store::Error::NotFound { .. }) if self.exists(key).await? => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Removes a file that came in and is not wanted.
    pub async fn discard(&self, received: &Received) -> Result<()> {
        self.delete(&received.key).await
    }

    /// Writes a local file as an object; gives its size.
    pub async fn put_file(&self, file: &FilePath, key: &Key) -> Result<u64> {
        let mut file = tokio::fs::File::open(file).await?;
        let mut upload = Upload::new(self.clone(), key.clone());
        let mut bytes = 0;
        loop {
            let mut piece = BytesMut::with_capacity(1024 * 1024);
            match file.read_buf(&mut piece).await {
                Ok(0) => break,
                Ok(read) => bytes += read as u64,
                Err(error) => {
                    upload.abort().await;
                    return Err(error.into());
                }
            }
            upload.write(piece.freeze()).await?;
        }
        upload.finish().await?;
        Ok(bytes)
    }
}

/// An object being written: buffered while small, in pieces after that, and removed unless finished.
struct Upload {
    lake: Lake,
    key: Key,
    small: Vec<Bytes>,
    length: usize,
    large: Option<WriteMultipart>,
}

impl Upload {
    fn new(lake: Lake, key: Key) -> Self {
        Self { lake, key, small: Vec::new(), length: 0, large: None }
    }

    async fn write(&mut self, piece: Bytes) -> Result<()> {
        if let Some(large) = &mut self.large {
            // Also says that an earlier piece failed; dropping the upload then aborts it.
            large.wait_for_capacity(PIECES).await?;
            large.put(piece);
            return Ok(());
        }
        self.length += piece.len();
        self.small.push(piece);
        if self.length > PIECE {
            let pieces = self.lake.objects.put_multipart(&path(&self.key)).await?;
            let large = self.large.insert(WriteMultipart::new_with_chunk_size(pieces, PIECE));
            for piece in self.small.drain(..) {
                large.put(piece);
            }
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<()> {
        match self.large.take() {
            Some(large) => large.finish().await.map(drop)?,
            None => {
                let payload: PutPayload = std::mem::take(&mut self.small).into_iter().collect();
                self.lake.objects.put(&path(&self.key), payload).await.map(drop)?;
            }
        }
        Ok(())
    }

    async fn abort(mut self) {
        if let Some(large) = self.large.take()
            && let Err(error) = large.abort().await
        {
            tracing::warn!(%error, key = %self.key, "an unfinished upload could not be removed");
        }
    }
}

impl Drop for Upload {
    /// A browser that goes away drops the future of its request: the pieces already written must go too.
    fn drop(&mut self) {
        if let (Some(large), Ok(runtime)) = (self.large.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(large.abort());
        }
    }
}

fn too_large(limit: u64) -> Error {
    let (size, unit) = match limit {
        l if l >= 1 << 30 => (l >> 30, "Gio"),
        l if l >= 1 << 20 => (l >> 20, "Mio"),
        l if l >= 1 << 10 => (l >> 10, "Kio"),
        l => (l, "octets"),
    };
    Error::new(
        Kind::TooLarge,
        "too_large",
        format!("Le fichier dépasse {size}\u{a0}{unit}, la taille maximale. Envoyez-le en plusieurs parties."),
    )
}
