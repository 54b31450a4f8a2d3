//! Disks in memory, beneath SQLite: every change is recorded, and the power can go at any of them.
//!
//! The engine and its store run on them unmodified: a [`Disk`] has a path, and SQLite's default file system in this
//! process is this one. Besides SQLite, the store asks the operating system whether its file is there; so that it is,
//! one byte lies at the path.
//!
//! One process of an app on a disk is a number, said with [`Disk::as_process`] around everything that it does: so that
//! it can be killed and another one, on the same store, not.

mod locks;
mod medium;
mod vfs;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::locks::Locks;
pub use self::medium::{Change, Image, Loss, Medium, Name};

/// Bytes of a page of the store.
const PAGE: usize = 4096;

/// What was asked of a disk since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pages written to the write-ahead log.
    pub log_pages: u64,
    /// Pages written to the database.
    pub main_pages: u64,
    /// Times that a file was made durable.
    pub barriers: u64,
    /// All changes: writes, truncations, and files made durable.
    pub changes: u64,
    /// Reads.
    pub reads: u64,
}

impl Counts {
    /// What was asked since an earlier count.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            log_pages: self.log_pages - before.log_pages,
            main_pages: self.main_pages - before.main_pages,
            barriers: self.barriers - before.barriers,
            changes: self.changes - before.changes,
            reads: self.reads - before.reads,
        }
    }
}

/// What goes wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No room: from this change on nothing can be written, until the trouble is taken away.
    Full,
    /// This one change fails.
    Change,
    /// This one read fails.
    Read,
    /// The power goes before this change: from then on nothing works.
    PowerCut,
}

/// Everything that one disk is, behind a lock.
#[derive(Default)]
struct State {
    now: Image,
    medium: Medium,
    /// Changes, and the medium before the first of them, while recording.
    recording: Option<(Medium, Vec<Change>)>,
    locks: Locks,
    next: u64,
    counts: Counts,
    /// What goes wrong, and how many changes (or reads) from now.
    trouble: Option<(Trouble, u64)>,
    dead: bool,
    killed: BTreeSet<u64>,
    /// Connections with shared memory, by number.
    sharing: BTreeSet<u64>,
}

/// A disk, shared by its owner and the files that are open on it.
struct Shared {
    state: Mutex<State>,
    memory: vfs::Memory,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static DISKS: Mutex<BTreeMap<PathBuf, Arc<Shared>>> = Mutex::new(BTreeMap::new());

fn disks() -> MutexGuard<'static, BTreeMap<PathBuf, Arc<Shared>>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static PROCESS: Cell<u64> = const { Cell::new(0) };
}

/// Why a request to a disk is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Full,
    Io,
}

impl State {
    fn usable(&self, process: u64) -> Result<(), Refused> {
        if self.dead || self.killed.contains(&process) { Err(Refused::Io) } else { Ok(()) }
    }

    /// Counts down to the trouble that was ordered.
    fn meet(&mut self, change: bool) -> Result<(), Refused> {
        let Some((trouble, left)) = &mut self.trouble else { return Ok(()) };
        if change == (*trouble == Trouble::Read) {
            return Ok(());
        }
        if *left > 0 {
            *left -= 1;
            return Ok(());
        }
        match trouble {
            Trouble::Full => return Err(Refused::Full),
            Trouble::PowerCut => self.dead = true,
            Trouble::Change | Trouble::Read => self.trouble = None,
        }
        Err(Refused::Io)
    }

    fn change(&mut self, process: u64, change: Change) -> Result<(), Refused> {
        self.usable(process)?;
        self.counts.changes += 1;
        self.meet(true)?;
        match &change {
            Change::Write { file, data, .. } if data.len() >= PAGE => {
                let log = self.now.file(Name::Wal) == Some(*file);
                *(if log { &mut self.counts.log_pages } else { &mut self.counts.main_pages }) += 1;
            }
            Change::Sync { .. } => self.counts.barriers += 1,
            _ => {}
        }
        self.now.apply(&change);
        if let Some((_, changes)) = &mut self.recording {
            changes.push(change.clone());
        }
        self.medium.apply(change);
        Ok(())
    }

    fn read(&mut self, process: u64) -> Result<(), Refused> {
        self.usable(process)?;
        self.counts.reads += 1;
        self.meet(false)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// What happened on a disk from one moment on.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The disk before.
    pub start: Medium,
    /// All changes, in order.
    pub changes: Vec<Change>,
}

/// A disk with one store on it.
pub struct Disk {
    path: PathBuf,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Disk({})", self.path.display())
    }
}

/// Where the paths of this process's disks are: in memory, where the machine has such a place.
fn root(number: u64) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    root.join(format!("sprag-sim-{}-{number}", std::process::id()))
}

impl Disk {
    /// An empty disk.
    ///
    /// # Panics
    /// If the machine lets nothing be written in its directory for temporary files.
    #[must_use]
    pub fn new() -> Self {
        Self::mount(Image::default())
    }

    /// A disk with these contents.
    ///
    /// # Panics
    /// As [`Disk::new`].
    #[must_use]
    #[expect(clippy::panic, reason = "a simulation without a place to run in cannot go on")]
    pub fn mount(image: Image) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        vfs::register();
        // A directory of its own: one that disks shared would be removed by one while another is put into it.
        let root = root(NEXT.fetch_add(1, Ordering::Relaxed));
        let path = root.join("store");
        let there = image.contents(Name::Main).is_some_and(|contents| !contents.is_empty());
        let placed =
            std::fs::create_dir_all(&root).and_then(|()| if there { std::fs::write(&path, [0]) } else { Ok(()) });
        if let Err(error) = placed {
            panic!("{}: {error}", path.display());
        }
        let next = image.last_file();
        let state = State { now: image.clone(), medium: Medium::new(image), next, ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), memory: vfs::Memory::default() });
        disks().insert(path.clone(), shared.clone());
        Self { path, shared }
    }

    /// The path of the store.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` as this process: files that it opens are the process's.
    pub fn as_process<T>(process: u64, work: impl FnOnce() -> T) -> T {
        let before = PROCESS.replace(process);
        let value = work();
        PROCESS.set(before);
        value
    }

    /// Kills a process: its locks are free, and what it still tries fails. What it wrote stays.
    pub fn kill(&self, process: u64) {
        let mut state = self.shared.state();
        state.killed.insert(process);
        let of_process = |connection: &u64| vfs::process_of(*connection) == process;
        state.locks.forget_all(of_process);
        let shared = !state.sharing.is_empty();
        state.sharing.retain(|connection| !of_process(connection));
        if shared && state.sharing.is_empty() {
            self.shared.memory.clear();
        }
    }

    /// What would be left if the power went now.
    #[must_use]
    pub fn cut(&self, loss: Loss) -> Image {
        self.shared.state().medium.cut(loss)
    }

    /// What is durable now, and what is not.
    #[must_use]
    pub fn medium(&self) -> Medium {
        self.shared.state().medium.clone()
    }

    /// Turns the disk off: nothing that is open on it works any more.
    pub fn turn_off(&self) {
        self.shared.state().dead = true;
    }

    /// Everything as it stands now.
    #[must_use]
    pub fn contents(&self) -> Image {
        self.shared.state().now.clone().tidy()
    }

    /// What was asked of it so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.state().counts
    }

    /// Orders trouble after this many more changes; for [`Trouble::Read`], reads.
    pub fn trouble(&self, trouble: Trouble, after: u64) {
        self.shared.state().trouble = Some((trouble, after));
    }

    /// Takes the trouble away. Says whether it is still to come.
    pub fn relieve(&self) -> bool {
        self.shared.state().trouble.take().is_some()
    }

    /// Whether the power has gone.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.shared.state().dead
    }

    /// Begins to record.
    pub fn record(&self) {
        let mut state = self.shared.state();
        let start = state.medium.clone();
        state.recording = Some((start, Vec::new()));
    }

    /// How many changes were recorded so far.
    #[must_use]
    pub fn recorded(&self) -> usize {
        self.shared.state().recording.as_ref().map_or(0, |(_, changes)| changes.len())
    }

    /// Ends the recording and hands it over.
    #[must_use]
    pub fn recording(&self) -> Option<Recording> {
        self.shared.state().recording.take().map(|(start, changes)| Recording { start, changes })
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.turn_off();
        disks().remove(&self.path);
        // The byte at the path: what remains does no harm.
        if let Some(root) = self.path.parent() {
            let _ = std::fs::remove_dir_all(root);
        }
    }
}
