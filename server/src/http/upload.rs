//! Bodies that are files: kept in a file of `data_dir` while they are worked on, so that they cost no memory. It has no
//! name and leaves nothing behind, but for files whose work goes on in the next process.

use super::Service;
use super::limits::UPLOAD_BYTES_MAX;
use super::problem::Problem;
use axum::body::{Body, Bytes};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use tempfile::TempPath;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// What is read from a file at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// A file that grows.
pub(super) struct Keeper {
    file: File,
    /// Its name, where it has one; it goes with this.
    path: Option<TempPath>,
    bytes: usize,
    /// A place among the uploads that are received.
    _place: OwnedSemaphorePermit,
}

impl Keeper {
    /// An empty one without a name.
    pub(super) fn new(service: &Service) -> Result<Keeper, Problem> {
        let place = Keeper::place(service)?;
        let folder = service.config.load().server.data_dir.clone();
        Ok(Keeper { file: tempfile::tempfile_in(folder).map_err(no_room)?, path: None, bytes: 0, _place: place })
    }

    /// An empty one with a name in a folder of `data_dir`, which is made.
    pub(super) fn named(service: &Service, folder: &str) -> Result<Keeper, Problem> {
        let place = Keeper::place(service)?;
        let folder = service.config.load().server.data_dir.join(folder);
        std::fs::create_dir_all(&folder).map_err(no_room)?;
        let (file, path) = tempfile::NamedTempFile::new_in(folder).map_err(no_room)?.into_parts();
        Ok(Keeper { file, path: Some(path), bytes: 0, _place: place })
    }

    fn place(service: &Service) -> Result<OwnedSemaphorePermit, Problem> {
        let place = service.uploads.clone().try_acquire_owned();
        place.map_err(|_| Problem::too_many("as many files as may come in at once are coming in", 5))
    }

    /// Some KB into the page cache at a time: no longer than a lock.
    pub(super) fn write(&mut self, part: &[u8]) -> Result<(), Problem> {
        self.bytes += part.len();
        if self.bytes > UPLOAD_BYTES_MAX {
            return Err(Problem::too_large(UPLOAD_BYTES_MAX));
        }
        self.file.write_all(part).map_err(no_room)
    }

    /// The file at its beginning.
    pub(super) fn finish(mut self) -> Result<File, Problem> {
        self.file.seek(SeekFrom::Start(0)).map_err(no_room)?;
        Ok(self.file)
    }

    /// The file on the disk, at its beginning, and its name. The disk may take seconds: on a thread that may wait.
    pub(super) async fn finish_named(mut self, service: &Service) -> Result<(File, Option<TempPath>), Problem> {
        let on_disk = move || {
            self.file.sync_all().map_err(no_room)?;
            let path = self.path.take();
            Ok((self.finish()?, path))
        };
        service.wait(on_disk).await
    }
}

pub(super) fn no_room(error: std::io::Error) -> Problem {
    tracing::error!(%error, "an upload cannot be kept in data_dir");
    Problem::busy("the server has no room for the file, try later", 60)
}

/// Writes a body into a file and gives the file at its beginning; `hear` gets every part.
pub(super) async fn keep(service: &Service, body: Body, hear: impl FnMut(&[u8])) -> Result<File, Problem> {
    fill(Keeper::new(service)?, body, hear).await?.finish()
}

/// Writes a body into a file; `hear` gets every part.
pub(super) async fn fill(mut file: Keeper, body: Body, mut hear: impl FnMut(&[u8])) -> Result<Keeper, Problem> {
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Problem::malformed("the body ended before its end, send it again"))?;
        hear(&part);
        file.write(&part)?;
    }
    Ok(file)
}

/// A file as a body.
pub(super) fn stream(mut file: File) -> Body {
    let (parts, reader) = mpsc::channel::<std::io::Result<Bytes>>(2);
    tokio::task::spawn_blocking(move || {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let part = match file.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => Ok(Bytes::copy_from_slice(&buffer[..read])),
                Err(error) => Err(error),
            };
            // Nobody reads any more: done.
            if parts.blocking_send(part).is_err() {
                return;
            }
        }
    });
    Body::from_stream(ReceiverStream::new(reader))
}
