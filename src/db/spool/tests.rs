//! The spool's promises: what was said to be kept is handed out, in order, after whatever befell the process or its disk.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::clock::RandomIds;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    call: String,
    text: String,
}

impl Entry for Note {
    fn about(&self) -> &str {
        &self.call
    }
}

fn note(text: &str) -> Note {
    Note { call: "call".into(), text: text.into() }
}

fn notes(texts: &[&str]) -> Vec<Note> {
    texts.iter().map(|text| note(text)).collect()
}

fn options(folder: &Path) -> SpoolOptions {
    SpoolOptions { folder: folder.join("spool"), entries: 1000, bytes: 1 << 20 }
}

fn open(options: &SpoolOptions) -> Spool<Note> {
    Spool::open(options.clone(), Arc::new(RandomIds)).unwrap()
}

/// The spool as a process that was killed leaves it: the files as they are, and nobody who has them locked.
fn killed(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("spool")).unwrap();
    for path in files(folder) {
        fs::copy(&path, copy.path().join("spool").join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir(folder.join("spool")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Takes everything out.
async fn emptied(spool: &Spool<Note>) -> Vec<Note> {
    let mut all = Vec::new();
    loop {
        let front = spool.front(2).await.unwrap();
        if front.is_empty() {
            return all;
        }
        spool.done(&front);
        all.extend(front);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_come_out_in_order_and_leave_no_file_behind() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&options(folder.path()));
    for text in ["a", "b", "c"] {
        spool.keep(&note(text)).await.unwrap();
    }
    assert_eq!((spool.len(), spool.holds("call"), spool.holds("other")), (3, true, false));
    assert_eq!(spool.front(2).await.unwrap(), notes(&["a", "b"]));
    assert_eq!(spool.front(2).await.unwrap(), notes(&["a", "b"]), "until they are done");
    assert_eq!(emptied(&spool).await, notes(&["a", "b", "c"]));
    assert_eq!((spool.len(), spool.holds("call")), (0, false));
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    spool.keep(&note("d")).await.unwrap();
    assert_eq!(emptied(&spool).await, notes(&["d"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_at_once_is_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&options(folder.path()));
    let entries: Vec<Note> = (0..300).map(|n| note(&n.to_string())).collect();
    for kept in futures_util::future::join_all(entries.iter().map(|entry| spool.keep(entry))).await {
        kept.unwrap();
    }
    let mut found: Vec<u32> = emptied(&spool).await.iter().map(|note| note.text.parse().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, (0..300).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_bounds_it_takes_nothing_until_something_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let by_entries = open(&SpoolOptions { entries: 2, ..options(folder.path()) });
    by_entries.keep(&note("a")).await.unwrap();
    by_entries.keep(&note("b")).await.unwrap();
    assert!(by_entries.is_full());
    assert!(matches!(by_entries.keep(&note("c")).await, Err(SpoolError::Full)));
    let front = by_entries.front(1).await.unwrap();
    by_entries.done(&front);
    by_entries.keep(&note("d")).await.unwrap();
    assert_eq!(emptied(&by_entries).await, notes(&["b", "d"]));

    let line = disk::line(&serde_json::to_string(&note("a")).unwrap()).len() as u64;
    let by_bytes = open(&SpoolOptions { bytes: 2 * line, ..options(folder.path()) });
    by_bytes.keep(&note("a")).await.unwrap();
    assert!(matches!(by_bytes.keep(&note("longer than the first")).await, Err(SpoolError::Full)));
    by_bytes.keep(&note("b")).await.unwrap();
    assert!(by_bytes.is_full());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_takes_over_what_a_dead_one_left_and_nothing_of_a_living_one() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(&options(folder.path()));
    first.keep(&note("a")).await.unwrap();
    let living = open(&options(folder.path()));
    assert!(living.is_empty() && living.front(9).await.unwrap().is_empty());
    let left = killed(folder.path());
    let next = open(&options(left.path()));
    assert!(next.holds("call"));
    next.keep(&note("b")).await.unwrap();
    assert_eq!(emptied(&next).await, notes(&["a", "b"]));
    assert_eq!(emptied(&first).await, notes(&["a"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_given_back_when_its_last_entry_is_done_and_a_new_one_is_begun_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&SpoolOptions { bytes: 1 << 30, ..options(folder.path()) });
    let long = "x".repeat(600 * 1024);
    for text in [&long, &long, "c"] {
        spool.keep(&note(text)).await.unwrap();
    }
    assert_eq!(files(folder.path()).len(), 2);
    let front = spool.front(9).await.unwrap();
    assert_eq!(front.len(), 2, "those of one file");
    spool.done(&front);
    assert_eq!(emptied(&spool).await, notes(&["c"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_rotted_is_set_aside_and_the_others_are_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&options(folder.path()));
    for text in ["a", "rotten", "c"] {
        spool.keep(&note(text)).await.unwrap();
    }
    let left = killed(folder.path());
    let path = files(left.path()).remove(0);
    let rotten = fs::read_to_string(&path).unwrap().replace("rotten", "rotted");
    fs::write(&path, rotten).unwrap();
    let next = open(&options(left.path()));
    assert_eq!(emptied(&next).await, notes(&["a", "c"]));
    let aside = files(left.path());
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0].extension().unwrap(), "damaged");
    assert!(open(&options(left.path())).is_empty(), "it is not looked at again");
}

#[test]
fn a_folder_that_cannot_be_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("spool"), "a file").unwrap();
    assert!(options(folder.path()).probe().is_err());
    assert!(Spool::<Note>::open(options(folder.path()), Arc::new(RandomIds)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A process killed in the middle of a write leaves any beginning of its last line.
    #[test]
    fn a_write_torn_anywhere_loses_nothing_that_was_kept(
        texts in prop::collection::vec("[^\\x00]{0,40}", 1..6),
        torn in 0.0..1.0,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let spool = open(&options(folder.path()));
            let entries: Vec<Note> = texts.iter().map(|text| note(text)).collect();
            for entry in &entries {
                spool.keep(entry).await.unwrap();
            }
            let left = killed(folder.path());
            let path = files(left.path()).remove(0);
            let mut bytes = fs::read(&path).unwrap();
            let last = disk::line(&serde_json::to_string(&note("torn, and long enough")).unwrap());
            bytes.extend(&last.as_bytes()[..(last.len() as f64 * torn) as usize]);
            fs::write(&path, bytes).unwrap();
            let next = open(&options(left.path()));
            next.keep(&note("later")).await.unwrap();
            let mut found = emptied(&next).await;
            assert_eq!(found.pop(), Some(note("later")));
            assert_eq!(found, entries);
            assert_eq!(files(left.path()), Vec::<PathBuf>::new());
        });
    }
}
