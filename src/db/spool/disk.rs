//! The spool's files: segments of lines, each line under its checksum, synced when they are appended, read from the front,
//! deleted when all of their lines are done.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::clock::IdSource;

/// A segment that is so long, in bytes, takes no more lines; so the disk is given back bit by bit.
const SEGMENT_BYTES: u64 = 1 << 20;
/// What segments are called by.
const SUFFIX: &str = "spool";
/// What a segment is called by until it is locked.
const NEW: &str = "new";
/// What becomes of a segment with a line that cannot be read: it is set aside, for somebody to look at.
const DAMAGED: &str = "damaged";
/// Hexadecimal digits of a checksum.
const DIGITS: usize = 16;

/// A text, which has no line break, as a line.
pub fn line(text: &str) -> String {
    format!("{} {text}\n", checksum(text.as_bytes()))
}

/// The text of a line that is as it was written.
fn text(line: &[u8]) -> Option<&str> {
    let (sum, text) = line.strip_suffix(b"\n")?.split_at_checked(DIGITS)?;
    let text = text.strip_prefix(b" ")?;
    (checksum(text).as_bytes() == sum).then(|| std::str::from_utf8(text).ok()).flatten()
}

fn checksum(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// One file. It is locked for as long as its process lives.
struct Segment {
    path: PathBuf,
    file: File,
    /// Bytes that count; behind them may be what a failed write has left.
    bytes: u64,
    /// Where its first entry that is not done begins.
    done: u64,
    /// Entries that are not done.
    entries: usize,
    /// Where those that were handed out end, and how many they are.
    handed: (u64, usize),
    is_damaged: bool,
}

/// Whether a text can be read as what is spooled; one that cannot is as good as damaged.
pub type IsEntry = fn(&str) -> bool;

impl Segment {
    fn new(path: PathBuf, file: File, bytes: u64) -> Self {
        Self { path, file, bytes, done: 0, entries: 0, handed: (0, 0), is_damaged: false }
    }

    /// Its whole lines from here on. What stands behind the last line break is a torn write, of which nobody was told.
    fn lines(&self, from: u64) -> io::Result<impl Iterator<Item = io::Result<Vec<u8>>>> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(from))?;
        let mut reader = BufReader::new(file.take(self.bytes.saturating_sub(from)));
        Ok(std::iter::from_fn(move || {
            let mut line = Vec::new();
            match reader.read_until(b'\n', &mut line) {
                Ok(_) if line.last() == Some(&b'\n') => Some(Ok(line)),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            }
        }))
    }

    /// Counts what is to be done of a file that another process has written.
    fn count(&mut self, is_entry: IsEntry, each: &mut dyn FnMut(&str)) -> io::Result<()> {
        let (mut entries, mut is_damaged) = (0, false);
        for line in self.lines(0)? {
            let line = line?;
            let found = text(&line).filter(|text| is_entry(text));
            entries += usize::from(found.is_some());
            is_damaged |= found.is_none();
            found.into_iter().for_each(&mut *each);
        }
        (self.entries, self.is_damaged) = (entries, is_damaged);
        Ok(())
    }

    fn remove(self) {
        let removed = if self.is_damaged {
            tracing::error!(path = %self.path.display(), "a spooled entry cannot be read; the file is set aside");
            fs::rename(&self.path, self.path.with_extension(DAMAGED))
        } else {
            fs::remove_file(&self.path)
        };
        if let Err(error) = removed {
            tracing::warn!(%error, path = %self.path.display(), "a spool that is done cannot be removed");
        }
    }
}

/// All segments of this process, the first to be done in front.
pub struct Disk {
    folder: PathBuf,
    ids: Arc<dyn IdSource>,
    is_entry: IsEntry,
    segments: VecDeque<Segment>,
    /// Whether the last segment takes more lines.
    is_open: bool,
}

impl Disk {
    pub fn new(folder: PathBuf, ids: Arc<dyn IdSource>, is_entry: IsEntry) -> Self {
        Self { folder, ids, is_entry, segments: VecDeque::new(), is_open: false }
    }

    /// Entries that are not done.
    pub fn entries(&self) -> usize {
        self.segments.iter().map(|segment| segment.entries).sum()
    }

    /// Bytes on the disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Takes over the segments of processes that are no more, oldest first; `each` is told of each of their texts.
    pub fn adopt(&mut self, each: &mut dyn FnMut(&str)) -> io::Result<()> {
        let mut paths = Vec::new();
        for found in fs::read_dir(&self.folder)? {
            paths.push(found?.path());
        }
        paths.retain(|path| path.extension().is_some_and(|suffix| suffix == SUFFIX));
        paths.sort_unstable(); // by name is by time
        for path in paths {
            let Some(mut segment) = open_abandoned(path)? else { continue };
            segment.count(self.is_entry, each)?;
            self.is_open = false;
            self.segments.push_back(segment);
            self.forget_done();
        }
        Ok(())
    }

    /// Writes these lines behind all others, and syncs them. Either all of them are kept or none is.
    pub fn append(&mut self, lines: &[&str]) -> io::Result<()> {
        let bytes = lines.concat();
        let written = self.open_segment().and_then(|segment| {
            segment.file.write_all(bytes.as_bytes())?;
            segment.file.sync_data()?;
            segment.bytes += bytes.len() as u64;
            segment.entries += lines.len();
            Ok(())
        });
        if written.is_err() {
            // Whatever the file holds now behind what counts, nothing is written after it.
            self.is_open = false;
            if let Some(empty) = self.segments.pop_back_if(|segment| segment.entries == 0) {
                empty.remove();
            }
        }
        written
    }

    fn open_segment(&mut self) -> io::Result<&mut Segment> {
        let is_full = self.segments.back().is_none_or(|segment| segment.bytes >= SEGMENT_BYTES);
        if !self.is_open || is_full {
            let path = self.folder.join(format!("{}.{SUFFIX}", self.ids.id()));
            self.segments.push_back(create(path, &self.folder)?);
            self.is_open = true;
        }
        self.segments.back_mut().ok_or_else(|| io::Error::other("no segment is open"))
    }

    /// The first texts, at most so many of one segment; none only if there is no entry. They stay until [`Self::done`].
    pub fn front(&mut self, most: usize) -> io::Result<Vec<String>> {
        while let Some(segment) = self.segments.front_mut() {
            let mut texts = Vec::new();
            let mut end = segment.done;
            for line in segment.lines(segment.done)? {
                let line = line?;
                end += line.len() as u64;
                texts.extend(text(&line).filter(|text| (self.is_entry)(text)).map(str::to_owned));
                if texts.len() == most.min(segment.entries) {
                    break;
                }
            }
            if !texts.is_empty() {
                segment.handed = (end, texts.len());
                return Ok(texts);
            }
            // It was readable once and is not any more.
            (segment.entries, segment.is_damaged) = (0, true);
            self.forget_done();
        }
        Ok(vec![])
    }

    /// What was handed out last is done.
    pub fn done(&mut self) {
        if let Some(segment) = self.segments.front_mut() {
            let (end, entries) = std::mem::replace(&mut segment.handed, (segment.done, 0));
            (segment.done, segment.entries) =
                (end.max(segment.done), segment.entries.saturating_sub(entries));
        }
        self.forget_done();
    }

    fn forget_done(&mut self) {
        while let Some(done) = self.segments.pop_front_if(|segment| segment.entries == 0) {
            done.remove();
        }
    }
}

/// A new segment. It is locked before it has the name by which others would take it over.
fn create(path: PathBuf, folder: &Path) -> io::Result<Segment> {
    let unnamed = path.with_extension(NEW);
    let file = OpenOptions::new().create_new(true).read(true).append(true).open(&unnamed)?;
    file.lock()?;
    fs::rename(&unnamed, &path)?;
    // The name must be as durable as what will be in the file.
    File::open(folder)?.sync_all()?;
    Ok(Segment::new(path, file, 0))
}

/// A segment whose process is no more; `None` if it lives, or if somebody has just finished it.
fn open_abandoned(path: PathBuf) -> io::Result<Option<Segment>> {
    let file = match OpenOptions::new().read(true).append(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        locked => locked?,
    }
    let bytes = file.metadata()?.len();
    Ok(Some(Segment::new(path, file, bytes)))
}
