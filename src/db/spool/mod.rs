//! The spool: what cannot be written to the database now waits on this process's own disk, in order, within bounds, and
//! through crashes. One thread owns its files, so no async thread waits for a disk, and entries share syncs.
//!
//! Whoever takes entries out must mind that a crash between applying and [`Spool::done`] hands them out again: each entry
//! carries what it takes to notice. Each process has files of its own, and takes over those that a dead one has left in the
//! same folder; nothing is promised of the order between processes.

mod disk;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, oneshot};

use crate::clock::IdSource;
use disk::Disk;

/// Entries that share one sync at the most.
const BATCH: usize = 256;
/// How long a disk may take before it counts as broken.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why an entry was not kept.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// As many entries or bytes wait as may.
    #[error("the spool is full")]
    Full,
    /// The disk's fault.
    #[error("the spool's disk failed: {0}")]
    Disk(String),
}

impl SpoolError {
    fn disk(reason: impl ToString) -> Self {
        Self::Disk(reason.to_string())
    }
}

/// Where the spool is, and how much it may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolOptions {
    /// Its folder; made if it is missing.
    pub folder: PathBuf,
    /// Entries at the most.
    pub entries: usize,
    /// Bytes on the disk at the most.
    pub bytes: u64,
}

impl SpoolOptions {
    /// Whether the folder can be used: makes it if it is missing, and writes a file into it.
    ///
    /// # Errors
    /// The disk's.
    pub fn probe(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        tempfile::tempfile_in(&self.folder).map(drop)
    }
}

/// What can be spooled.
pub trait Entry: Serialize + DeserializeOwned {
    /// What it is about, such as a call: entries about the same thing stay in order.
    fn about(&self) -> &str;
}

/// A durable queue of `T`s. The thread behind it ends when it is dropped.
pub struct Spool<T> {
    jobs: mpsc::Sender<Job>,
    level: Arc<Level>,
    options: SpoolOptions,
    holds: PhantomData<fn(T) -> T>,
}

/// What is in it, as others may ask without waiting for the disk.
#[derive(Default)]
struct Level {
    entries: AtomicUsize,
    bytes: AtomicU64,
    /// How many entries there are about what.
    about: Mutex<HashMap<String, usize>>,
    filled: Notify,
}

enum Job {
    Keep { about: String, line: String, answer: oneshot::Sender<Result<(), SpoolError>> },
    Front { most: usize, answer: oneshot::Sender<io::Result<Vec<String>>> },
    Done { about: Vec<String> },
}

impl<T: Entry> Spool<T> {
    /// Opens the folder, and takes over what dead processes have left in it. Reads and writes the disk.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(options: SpoolOptions, ids: Arc<dyn IdSource>) -> io::Result<Self> {
        options.probe()?;
        let level = Arc::new(Level::default());
        let mut disk = Disk::new(options.folder.clone(), ids, |text| serde_json::from_str::<T>(text).is_ok());
        adopt::<T>(&mut disk, &level)?;
        if !level.is_empty() {
            tracing::warn!(
                entries = level.entries(),
                "an earlier process has left a spool; it will be applied"
            );
        }
        let (jobs, waiting) = mpsc::channel();
        let worker = Worker { disk, level: level.clone(), options: options.clone(), adopt: adopt::<T> };
        std::thread::Builder::new().name("spool".into()).spawn(move || worker.run(&waiting))?;
        Ok(Self { jobs, level, options, holds: PhantomData })
    }

    /// Entries that wait.
    pub fn len(&self) -> usize {
        self.level.entries()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.level.is_empty()
    }

    /// Whether it can take no more.
    pub fn is_full(&self) -> bool {
        self.len() >= self.options.entries || self.level.bytes.load(Ordering::Acquire) >= self.options.bytes
    }

    /// Whether anything about this waits: what comes later about it must wait behind.
    pub fn holds(&self, about: &str) -> bool {
        !self.is_empty() && self.level.about().contains_key(about)
    }

    /// Waits until something was kept since this was last asked.
    pub async fn filled(&self) {
        self.level.filled.notified().await;
    }

    /// Keeps an entry behind all others; on the disk, through a power cut too, when this returns.
    ///
    /// # Errors
    /// [`SpoolError::Full`], or the disk's. The entry may be handed out all the same if the disk was only late.
    pub async fn keep(&self, entry: &T) -> Result<(), SpoolError> {
        let text = serde_json::to_string(entry).map_err(SpoolError::disk)?;
        let line = disk::line(&text);
        let kept = self.ask(|answer| Job::Keep { about: entry.about().to_owned(), line, answer });
        kept.await?
    }

    /// The first entries, at most so many; they stay until [`Self::done`].
    ///
    /// # Errors
    /// The disk's.
    pub async fn front(&self, most: usize) -> Result<Vec<T>, SpoolError> {
        let texts = self.ask(|answer| Job::Front { most, answer }).await?.map_err(SpoolError::disk)?;
        // Only what can be read is handed out.
        Ok(texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
    }

    /// Takes out what [`Self::front`] has given last.
    pub fn done(&self, front: &[T]) {
        let about = front.iter().map(|entry| entry.about().to_owned()).collect();
        // Without its thread it takes nothing more, and what is on the disk waits for the next start.
        drop(self.jobs.send(Job::Done { about }));
    }

    async fn ask<A>(&self, job: impl FnOnce(oneshot::Sender<A>) -> Job) -> Result<A, SpoolError> {
        let (answer, answered) = oneshot::channel();
        let lost = || SpoolError::disk("its thread has ended");
        self.jobs.send(job(answer)).map_err(|_| lost())?;
        match tokio::time::timeout(PATIENCE, answered).await {
            Ok(answered) => answered.map_err(|_| lost()),
            Err(_) => Err(SpoolError::disk("no answer in time")),
        }
    }
}

impl Level {
    fn entries(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    fn is_empty(&self) -> bool {
        self.entries() == 0
    }

    fn about(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, about: String) {
        *self.about().entry(about).or_default() += 1;
    }

    fn remove(&self, about: &str) {
        let mut all = self.about();
        match all.get_mut(about) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(all.remove(about)),
        }
    }

    fn note(&self, disk: &Disk) {
        self.bytes.store(disk.bytes(), Ordering::Release);
        self.entries.store(disk.entries(), Ordering::Release);
        if disk.entries() == 0 {
            self.about().clear();
        }
    }
}

fn adopt<T: Entry>(disk: &mut Disk, level: &Level) -> io::Result<()> {
    let adopted = disk.adopt(&mut |text| {
        if let Ok(entry) = serde_json::from_str::<T>(text) {
            level.add(entry.about().to_owned());
        }
    });
    level.note(disk);
    adopted
}

/// The thread's.
struct Worker {
    disk: Disk,
    level: Arc<Level>,
    options: SpoolOptions,
    adopt: fn(&mut Disk, &Level) -> io::Result<()>,
}

/// An entry that is to be kept, and who wants to know whether it was.
type Keep = (String, String, oneshot::Sender<Result<(), SpoolError>>);

impl Worker {
    fn run(mut self, waiting: &mpsc::Receiver<Job>) {
        while let Ok(first) = waiting.recv() {
            let mut keeps = Vec::new();
            for job in std::iter::once(first).chain(waiting.try_iter().take(BATCH - 1)) {
                match job {
                    Job::Keep { about, line, answer } => keeps.push((about, line, answer)),
                    // Whoever asked may have gone.
                    Job::Front { most, answer } => drop(answer.send(self.front(most))),
                    Job::Done { about } => self.done(&about),
                }
            }
            self.keep(keeps);
        }
    }

    /// Keeps those for which there is room, by one write and one sync.
    fn keep(&mut self, keeps: Vec<Keep>) {
        let (mut entries, mut bytes) = (self.disk.entries(), self.disk.bytes());
        let (fitting, rest): (Vec<Keep>, Vec<Keep>) = keeps.into_iter().partition(|(_, line, _)| {
            let fits = entries < self.options.entries && bytes + line.len() as u64 <= self.options.bytes;
            if fits {
                entries += 1;
                bytes += line.len() as u64;
            }
            fits
        });
        for (_, _, answer) in rest {
            drop(answer.send(Err(SpoolError::Full)));
        }
        if !fitting.is_empty() {
            self.append(fitting);
        }
    }

    fn append(&mut self, keeps: Vec<Keep>) {
        let lines: Vec<&str> = keeps.iter().map(|(_, line, _)| line.as_str()).collect();
        let written = self.disk.append(&lines);
        if written.is_ok() {
            keeps.iter().for_each(|(about, ..)| self.level.add(about.clone()));
        }
        // Before anybody is told, so that what comes next about the same thing sees that it must wait.
        self.level.note(&self.disk);
        for (_, _, answer) in keeps {
            let result = written.as_ref().copied().map_err(SpoolError::disk);
            drop(answer.send(result));
        }
        self.level.filled.notify_one();
    }

    fn front(&mut self, most: usize) -> io::Result<Vec<String>> {
        if self.disk.entries() == 0 {
            (self.adopt)(&mut self.disk, &self.level)?;
        }
        let front = self.disk.front(most);
        self.level.note(&self.disk);
        front
    }

    fn done(&mut self, about: &[String]) {
        about.iter().for_each(|about| self.level.remove(about));
        self.disk.done();
        self.level.note(&self.disk);
    }
}
