//! What the stages of the `pipeline` example do with a directory, a file, a text and a count.
//!
//! Nothing here knows of tasks: the stages call these functions, and so does [`count_in_a_loop`],
//! which has no stages and must come to the same result.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A file is read into memory as a whole, so what is larger is left out.
const LARGEST_FILE: u64 = 64 << 20;

/// How often each word occurs.
pub type Words = HashMap<String, u64>;

/// Something met while walking through a directory tree.
pub enum Found {
    /// A directory that could be read.
    Directory,
    /// A file.
    File(PathBuf),
    /// What cannot be counted, and why.
    Skipped(PathBuf, Reason),
}

/// Why something was not counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The system did not let us read it.
    Unreadable(String),
    /// It has a zero byte, or is not UTF-8.
    Binary,
    /// It has more than 64 MiB.
    TooLarge,
    /// A symbolic link, a socket or the like. Links are not followed, so that there are no circles.
    Special,
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Reason {
        Reason::Unreadable(error.to_string())
    }
}

/// What has been counted, and what has not.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Totals {
    pub words: Words,
    pub directories: u64,
    pub files: u64,
    pub bytes: u64,
    /// By path, so that the order in which tasks came to them does not show.
    pub skipped: BTreeMap<PathBuf, Reason>,
}

/// Walks through a tree, or to a single file, and shows `found` everything in it.
pub fn walk(root: &Path, found: &mut dyn FnMut(Found)) {
    match fs::metadata(root) {
        Ok(metadata) if metadata.is_file() => return found(Found::File(root.to_path_buf())),
        Ok(_) => {}
        Err(error) => return found(Found::Skipped(root.to_path_buf(), error.into())),
    }
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                found(Found::Skipped(directory, error.into()));
                continue;
            }
        };
        found(Found::Directory);
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.file_type()?, entry.path()))) {
                Ok((kind, path)) if kind.is_dir() => directories.push(path),
                Ok((kind, path)) if kind.is_file() => found(Found::File(path)),
                Ok((_, path)) => found(Found::Skipped(path, Reason::Special)),
                Err(error) => {
                    // The rest of the directory cannot be listed.
                    found(Found::Skipped(directory, error.into()));
                    break;
                }
            }
        }
    }
}

/// Reads a file, if it is a text.
pub fn read(path: &Path) -> Result<String, Reason> {
    let mut bytes = Vec::new();
    // One byte more than is allowed tells that there is more.
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        Err(Reason::TooLarge)
    } else if bytes.contains(&0) {
        Err(Reason::Binary)
    } else {
        String::from_utf8(bytes).map_err(|_| Reason::Binary)
    }
}

/// Counts the words of a text: runs of letters and digits, in lower case.
pub fn tokenise(text: &str) -> Words {
    let mut words = Words::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *words.entry(word.to_lowercase()).or_default() += 1;
    }
    words
}

impl Totals {
    /// Adds one file's words.
    pub fn merge(&mut self, words: Words, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
        for (word, count) in words {
            *self.words.entry(word).or_default() += count;
        }
    }

    /// The words that occur most often, with their counts; equally frequent ones by the alphabet.
    pub fn top(&self, count: usize) -> Vec<(&str, u64)> {
        let mut words: Vec<_> = self.words.iter().map(|(word, n)| (word.as_str(), *n)).collect();
        words.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        words.truncate(count);
        words
    }

    /// How many were skipped for such a reason.
    pub fn count_skipped(&self, is: impl Fn(&Reason) -> bool) -> u64 {
        self.skipped.values().filter(|reason| is(reason)).count() as u64
    }
}

/// The whole work without tasks, one file after the other.
pub fn count_in_a_loop(root: &Path) -> Totals {
    let mut totals = Totals::default();
    walk(root, &mut |found| match found {
        Found::Directory => totals.directories += 1,
        Found::File(path) => match read(&path) {
            Ok(text) => totals.merge(tokenise(&text), text.len() as u64),
            Err(reason) => drop(totals.skipped.insert(path, reason)),
        },
        Found::Skipped(path, reason) => drop(totals.skipped.insert(path, reason)),
    });
    totals
}
