//! Messages as files `<id>.eml` in a folder, and an index of them in memory.
//!
//! Bodies stay on disk, and the index keeps only the newest messages (older ones leave the index
//! and the folder), so memory use stays flat however many messages arrive. A file is the message as
//! it was sent, below the lines that a mail server adds: `Return-Path` (the sender of the
//! envelope), one `Delivered-To` per recipient, and `Received`. The index is rebuilt from these at
//! the next start.

use std::collections::VecDeque;
use std::fs::File as StdFile;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use mail_parser::MessageParser;
use serde::Serialize;
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::sync::watch;

use super::protocol::Envelope;
use crate::folder::{self, Refused};

/// The index needs headers only; anything after this many bytes is not looked at.
const HEAD: usize = 64 * 1024;
/// A longer subject is cut in the index, not in the file.
const MAX_SUBJECT: usize = 300;

/// One message that the server accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Counts up from 1 in the order of arrival; a restarted server goes on counting.
    pub id: u64,
    pub received_at: DateTime<Utc>,
    /// The envelope's sender, empty for a bounce.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Decoded, without line breaks.
    pub subject: String,
    /// Without `<` and `>`.
    pub message_id: Option<String>,
    /// As sent, without the lines that this server adds.
    pub bytes: u64,
}

impl Message {
    /// Whether the address is among the recipients, in any letter case.
    pub fn is_to(&self, address: &str) -> bool {
        self.to.iter().any(|to| to.eq_ignore_ascii_case(address))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot use {} as the folder of mail", dir.display())]
    Folder { dir: PathBuf, source: io::Error },
    #[error("another mail sink already uses the folder {}", dir.display())]
    InUse { dir: PathBuf },
}

#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    keep: usize,
    index: Mutex<Index>,
    drafts: AtomicU64,
    /// Tells waiting tests how many messages were taken.
    taken: watch::Sender<u64>,
    _lock: StdFile,
}

#[derive(Debug, Default)]
struct Index {
    last_id: u64,
    /// Oldest first.
    messages: VecDeque<Arc<Message>>,
}

impl Store {
    /// Opens the folder and indexes the newest `keep` messages in it; half-written ones are removed.
    pub(super) fn open(dir: &Path, keep: usize) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Folder { dir: dir.to_owned(), source };
        let lock = folder::claim(dir).map_err(|refused| match refused {
            Refused::InUse => OpenError::InUse { dir: dir.to_owned() },
            Refused::Io(source) => unusable(source),
        })?;
        let keep = keep.max(1);
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(unusable)? {
            let path = entry.map_err(unusable)?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("eml") => ids.extend(id_of(&path)),
                Some("part") => std::fs::remove_file(&path).map_err(unusable)?,
                _ => {}
            }
        }
        ids.sort_unstable();
        let mut index = Index { last_id: ids.last().copied().unwrap_or(0), messages: VecDeque::new() };
        let surplus = ids.len().saturating_sub(keep);
        for (position, &id) in ids.iter().enumerate() {
            let path = path_of(dir, id);
            if position < surplus {
                std::fs::remove_file(&path).map_err(unusable)?;
            } else {
                index.messages.push_back(Arc::new(describe(&path, id).map_err(unusable)?));
            }
        }
        let taken = watch::Sender::new(index.last_id);
        Ok(Self { dir: dir.to_owned(), keep, index: Mutex::new(index), drafts: AtomicU64::new(0), taken, _lock: lock })
    }

    pub(super) fn taken(&self) -> u64 {
        *self.taken.borrow()
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.taken.subscribe()
    }

    /// Newest first.
    pub(super) fn list(&self) -> Vec<Arc<Message>> {
        self.with(|index| index.messages.iter().rev().cloned().collect())
    }

    pub(super) fn get(&self, id: u64) -> Option<Arc<Message>> {
        self.with(|index| {
            let at = index.messages.binary_search_by_key(&id, |message| message.id).ok()?;
            index.messages.get(at).cloned()
        })
    }

    /// The whole file of a message, or `None` if there is no such message (any more).
    pub(super) async fn read(&self, id: u64) -> io::Result<Option<Vec<u8>>> {
        match tokio::fs::read(path_of(&self.dir, id)).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Starts a file for a message that is about to arrive.
    pub(super) async fn draft(&self, envelope: &Envelope) -> io::Result<Draft> {
        let number = self.drafts.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(format!("{number}.part"));
        let mut file = BufWriter::with_capacity(HEAD, File::create(&path).await?);
        let recipients: String = envelope.to.iter().flat_map(|to| ["Delivered-To: ", to, "\r\n"]).collect();
        let head = format!(
            "Return-Path: <{}>\r\n{recipients}Received: from {} by sink with ESMTP\r\n",
            envelope.from, envelope.helo
        );
        file.write_all(head.as_bytes()).await?;
        Ok(Draft { path, file: Some(file) })
    }

    /// Keeps a message that has arrived whole, and makes room for it.
    pub(super) async fn keep(&self, mut draft: Draft) -> io::Result<Arc<Message>> {
        if let Some(mut file) = draft.file.take() {
            file.flush().await?;
        }
        let (path, dir) = (draft.path.clone(), self.dir.clone());
        // The index is locked only for its own change, so an id is given before the file has its
        // name; a reader never sees an id whose file is missing, because the index is updated last.
        let id = self.with(|index| {
            index.last_id += 1;
            index.last_id
        });
        let message = tokio::task::spawn_blocking(move || {
            let message = describe(&path, id)?;
            std::fs::rename(&path, path_of(&dir, id))?;
            Ok::<_, io::Error>(Arc::new(message))
        })
        .await
        .map_err(io::Error::other)??;
        let surplus = self.with(|index| {
            // Neighbours may finish in a different order from their ids.
            let at = index.messages.partition_point(|other| other.id < id);
            index.messages.insert(at, Arc::clone(&message));
            (index.messages.len() > self.keep).then(|| index.messages.pop_front()).flatten()
        });
        if let Some(old) = surplus {
            tokio::fs::remove_file(path_of(&self.dir, old.id)).await?;
        }
        self.taken.send_modify(|taken| *taken += 1);
        Ok(message)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Index) -> T) -> T {
        // Every change to the index is a single step, so a panic elsewhere leaves nothing half
        // done.
        act(&mut self.index.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A message that is still arriving. If it is dropped without [`Store::keep`], its file is removed.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Draft {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes).await,
            None => Ok(()),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Already gone if the message was kept under its own name; whatever is left behind is
        // removed at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn path_of(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:012}.eml"))
}

fn id_of(path: &Path) -> Option<u64> {
    path.file_stem()?.to_str()?.parse().ok()
}

/// Reads what the index needs to know about a message from its file; the file's time is when it
/// arrived.
fn describe(path: &Path, id: u64) -> io::Result<Message> {
    use std::io::Read;
    let file = StdFile::open(path)?;
    let metadata = file.metadata()?;
    let mut head = Vec::new();
    file.take(HEAD as u64).read_to_end(&mut head)?;

    let (mut from, mut to, mut own) = (String::new(), Vec::new(), 0);
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if let Some(sender) = text.strip_prefix("Return-Path: ") {
            sender.trim_matches(['<', '>']).clone_into(&mut from);
        } else if let Some(recipient) = text.strip_prefix("Delivered-To: ") {
            to.push(recipient.to_owned());
        }
        own += line.len();
        // The last line that this server adds; what follows is the sender's.
        if text.starts_with("Received: ") {
            break;
        }
    }
    let parsed = MessageParser::new().parse_headers(&head);
    let subject = parsed.as_ref().and_then(|message| message.subject()).unwrap_or_default();
    let message_id = parsed.as_ref().and_then(|message| message.message_id());
    Ok(Message {
        id,
        received_at: metadata.modified()?.into(),
        from,
        to,
        subject: subject.chars().filter(|char| !char.is_control()).take(MAX_SUBJECT).collect(),
        message_id: message_id.map(|text| text.chars().take(MAX_SUBJECT).collect()),
        bytes: metadata.len().saturating_sub(own as u64),
    })
}

#[cfg(test)]
mod tests;
