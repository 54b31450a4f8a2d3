//! The store: sealed values in an SQLite database, in a file or in memory. The only module that speaks SQL.
//!
//! It knows rows and no meaning. SQLite never sees plaintext or keys: it moves sealed values. What is promised:
//!
//! - What was committed with [`Barrier::Full`] is on the disk, power cut included, and all that was committed before.
//! - What was deleted is not in the files any more once [`Store::tidy`], [`Store::suspend`] or closing emptied the
//!   write-ahead log; and after [`Store::rekey`] it is worthless even where the flash still has it.
//! - Any number of threads and processes on one file act as if their transactions had come one after the other.
//! - A damaged, exchanged or vanished value is [`Error::Corrupt`], never silently a fresh start.
//!
//! Out of scope: the whole file put back to an older state. Two different SQLite libraries must not open one file in
//! one process: the locks of one would be dropped by the other.

mod error;
mod seal;
mod table;
#[cfg(test)]
mod tests;
mod turn;
mod tx;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, InterruptHandle, OpenFlags, OptionalExtension, params};
use sprag_core::secret::Secret;

pub(crate) use self::error::{Error, Result};
use self::seal::{AppKey, Keyring};
pub(crate) use self::table::Table;
use self::turn::Turns;
use self::tx::UNCHECKED;
pub(crate) use self::tx::{Snapshot, Tx};
use crate::context::Environment;

/// "SPRG": what makes an SQLite file one of ours.
const APPLICATION: i32 = 0x5350_5247;

/// The schema, as major · 100 + minor. A release reads and writes every minor of its major.
const SCHEMA: i32 = 100;

/// The rows of the table `keyring`: the wrapped keyring, the key check twice, and one that is written to write something.
const RING: i64 = 1;
const CHECKS: [i64; 2] = [2, 3];
const TOUCH: i64 = 4;

/// The longest that a call waits for other connections, in microseconds. They yield every [`RUN_MS`].
const PATIENCE: u32 = 3_000_000;

/// How long one connection may write without a break, in milliseconds.
const RUN_MS: u64 = 20;

/// The break, in microseconds: longer than another connection waits between two attempts.
const BREAK: u32 = 2_000;

/// How often [`Store::prepared`] looks without the lock before it looks with it.
const ATTEMPTS: usize = 3;

/// Rows sealed anew in one transaction of a change of keys.
const RESEAL: usize = 200;

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// This transaction, and every one before it, survives a power cut.
    Full,
    /// Survives the end of the process; a later [`Barrier::Full`] covers it. A power cut may take it back, whole.
    Normal,
}

/// How a store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The app itself.
    Owner,
    /// A helper process: reads and writes, never migrates, never checkpoints.
    Guest,
    /// Reads only.
    ReadOnly,
}

/// A connection, and the `data_version` for which it found the names of contacts whole.
struct Link {
    conn: Connection,
    checked: AtomicI64,
}

impl Link {
    const fn new(conn: Connection) -> Self {
        Self { conn, checked: AtomicI64::new(UNCHECKED) }
    }
}

/// The connection that writes.
struct Writer {
    link: Link,
    /// Whether `synchronous` is FULL at the moment.
    full: bool,
    /// When this run of writes began and when its last one ended, in milliseconds.
    run: (u64, u64),
}

/// The keyring as it was last read.
struct Keys {
    app: AppKey,
    /// The app's key that is about to take over, while [`Store::rekey`] commits.
    coming: Option<AppKey>,
    wrapped: Vec<u8>,
    ring: Arc<Keyring>,
}

/// An open store. Dropping it closes it.
pub(crate) struct Store {
    // Dropped in this order: the last connection to close removes the write-ahead log.
    reader: Option<Mutex<Link>>,
    writer: Option<Mutex<Writer>>,
    turns: Turns,
    keys: Mutex<Keys>,
    interrupts: Vec<InterruptHandle>,
    suspended: AtomicBool,
    environment: Environment,
    access: Access,
    file: Option<PathBuf>,
}

/// The version of SQLite.
pub(crate) fn sqlite() -> &'static str {
    rusqlite::version()
}

/// A poisoned lock is taken all the same: what it guards is put right by rolling back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A transaction that is rolled back unless it was committed, even by a panic.
struct Open<'a>(&'a Connection);

impl<'a> Open<'a> {
    fn begin(conn: &'a Connection, how: &str) -> Result<Self> {
        if !conn.is_autocommit() {
            conn.execute_batch("ROLLBACK")?;
        }
        conn.execute_batch(how)?;
        Ok(Self(conn))
    }

    fn commit(self) -> Result<()> {
        self.0.execute_batch("COMMIT").map_err(Error::from)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // If even this fails, the next begin tries again and says so.
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}

/// Repeats what meets a lock, with random pauses, until [`PATIENCE`] is used up. SQLite's own handler waits ever
/// longer, so that a second process starves beside a busy one.
fn patiently<T>(
    environment: &Environment,
    suspended: &AtomicBool,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let mut waited = 0;
    loop {
        match attempt() {
            Err(Error::Busy) if waited < PATIENCE => {
                if suspended.load(Ordering::SeqCst) {
                    return Err(Error::Unavailable);
                }
                let mut random = [0; 2];
                environment.randomness.fill(&mut random)?;
                let pause = 500 + u32::from(u16::from_be_bytes(random)) % 1000;
                environment.wait.wait(pause);
                waited += pause;
            }
            other => return other,
        }
    }
}

/// A relative path that SQLite cannot take for one of its special names.
fn plain(path: &Path) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(Error::Misuse("an empty path"));
    }
    Ok(if path.is_absolute() { path.to_path_buf() } else { Path::new(".").join(path) })
}

fn io(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => Error::Unavailable,
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::Full,
        _ => Error::Io,
    }
}

fn connect(file: Option<&Path>, write: bool, access: Access) -> Result<Connection> {
    let conn = match file {
        Some(path) => {
            let mode = if write { OpenFlags::SQLITE_OPEN_READ_WRITE } else { OpenFlags::SQLITE_OPEN_READ_ONLY };
            // One thread at a time has it: SQLite's own mutex would be a second one.
            Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?
        }
        None => Connection::open_in_memory()?,
    };
    conn.busy_timeout(std::time::Duration::ZERO)?;
    conn.set_prepared_statement_cache_capacity(96);
    // Apple's fsync does not reach the medium; fullfsync does, and is nothing elsewhere.
    conn.execute_batch(
        "PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
         PRAGMA journal_size_limit = 0;",
    )?;
    let checkpoints = write && access == Access::Owner;
    conn.pragma_update(None, "wal_autocheckpoint", if checkpoints { 64 } else { 0 })?;
    if !checkpoints {
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    }
    Ok(conn)
}

/// What a database is to us.
enum State {
    Empty,
    Ours(i32),
    Foreign,
}

fn state(conn: &Connection) -> Result<State> {
    let number = |pragma: &str| conn.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let application = number("application_id")?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    Ok(match application {
        0 if tables == 0 => State::Empty,
        APPLICATION => State::Ours(number("user_version")?),
        _ => State::Foreign,
    })
}

fn read_ring(conn: &Connection) -> Result<Vec<u8>> {
    let mut statement = conn.prepare_cached("SELECT v FROM keyring WHERE id = ?1")?;
    statement.query_row([RING], |row| row.get(0)).optional()?.ok_or(Error::Corrupt)
}

fn unwrap(conn: &Connection, app: &AppKey, wrapped: &[u8]) -> Result<Keyring> {
    let mut statement = conn.prepare_cached("SELECT v FROM keyring WHERE id = ?1 OR id = ?2")?;
    let checks = statement.query_map(CHECKS, |row| row.get(0))?.collect::<rusqlite::Result<Vec<Vec<u8>>>>()?;
    app.unwrap(wrapped, &checks)
}

impl Store {
    /// Makes a store in a file, or without one in memory: that lasts as long as the value returned. What `first` puts
    /// into it is there from the beginning: there is never a store without.
    ///
    /// # Errors
    /// [`Error::Exists`] if anything is there but an empty file or what a creation that was cut off left behind; what
    /// `first` answers.
    pub(crate) fn create<E: From<Error>>(
        file: Option<&Path>,
        key: &Secret<32>,
        environment: &Environment,
        mut first: impl FnMut(&Tx<'_>) -> core::result::Result<(), E>,
    ) -> core::result::Result<Self, E> {
        let file = file.map(plain).transpose()?;
        if let Some(path) = &file {
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(false);
            // SQLite gives the files beside it the same mode: nobody else's eyes, on a desktop as well.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(path).map_err(|error| io(&error))?;
        }
        let conn = connect(file.as_deref(), true, Access::Owner)?;
        let never = AtomicBool::new(false);
        let app = AppKey::new(key);
        let made = patiently(environment, &never, || {
            // What cannot be read is somebody's file too.
            match state(&conn) {
                Ok(State::Empty) => {}
                Ok(_) | Err(Error::Corrupt) => return Err(Error::Exists),
                Err(error) => return Err(error),
            }
            if file.is_some() {
                conn.execute_batch("PRAGMA page_size = 4096")?;
                let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
                if mode != "wal" {
                    return Err(Error::Io);
                }
            }
            conn.execute_batch("PRAGMA synchronous = FULL")?;
            let open = Open::begin(&conn, "BEGIN IMMEDIATE")?;
            // Another process may have been quicker.
            if !matches!(state(&conn)?, State::Empty) {
                return Err(Error::Exists);
            }
            conn.execute_batch(table::SCHEMA)?;
            let mut random = environment.generator()?;
            let ring = Arc::new(Keyring::new(&mut random));
            let wrapped = app.wrap(&ring, &mut random)?;
            let mut statement = conn.prepare("INSERT INTO keyring (id, v) VALUES (?1, ?2)")?;
            statement.execute(params![RING, wrapped])?;
            for id in CHECKS {
                statement.execute(params![id, app.check()])?;
            }
            statement.execute(params![TOUCH, [0u8; 8]])?;
            let unchecked = AtomicI64::new(UNCHECKED);
            let tx = Tx::new(Snapshot::new(&conn, ring.clone(), &never, &unchecked), random);
            tx.found()?;
            if let Err(error) = first(&tx) {
                return Ok(Err(error));
            }
            tx.finish()?;
            conn.pragma_update(None, "application_id", APPLICATION)?;
            conn.pragma_update(None, "user_version", SCHEMA)?;
            open.commit()?;
            Ok(Ok((wrapped, ring)))
        })?;
        let (wrapped, ring) = made?;
        if let Some(path) = &file {
            sync_directory(path)?;
        }
        let keys = Keys { app, coming: None, wrapped, ring };
        Ok(Self::assemble(Some(conn), file, keys, environment, Access::Owner)?)
    }

    /// Opens a store that is there. A store in memory never is.
    ///
    /// # Errors
    /// [`Error::NoStore`], [`Error::WrongKey`], [`Error::Newer`]; [`Error::Corrupt`] for a file that is not a store.
    pub(crate) fn open(
        file: Option<&Path>,
        key: &Secret<32>,
        environment: &Environment,
        access: Access,
    ) -> Result<Self> {
        let file = plain(file.ok_or(Error::NoStore)?)?;
        match std::fs::metadata(&file) {
            Ok(meta) if meta.len() == 0 => return Err(Error::NoStore),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Error::NoStore),
            Err(error) => return Err(io(&error)),
        }
        let conn = connect(Some(&file), access != Access::ReadOnly, access)?;
        let never = AtomicBool::new(false);
        let app = AppKey::new(key);
        let (wrapped, ring) = patiently(environment, &never, || {
            let _open = Open::begin(&conn, "BEGIN")?;
            match state(&conn)? {
                State::Empty => return Err(Error::NoStore),
                State::Ours(version) if version / 100 == SCHEMA / 100 => {}
                State::Ours(version) if version > SCHEMA => return Err(Error::Newer),
                State::Ours(_) | State::Foreign => return Err(Error::Corrupt),
            }
            let wrapped = read_ring(&conn)?;
            let ring = unwrap(&conn, &app, &wrapped)?;
            Ok((wrapped, Arc::new(ring)))
        })?;
        let keys = Keys { app, coming: None, wrapped, ring };
        if access == Access::ReadOnly {
            let mut store = Self::assemble(None, Some(file), keys, environment, access)?;
            store.interrupts.push(conn.get_interrupt_handle());
            store.reader = Some(Mutex::new(Link::new(conn)));
            return Ok(store);
        }
        Self::assemble(Some(conn), Some(file), keys, environment, access)
    }

    fn assemble(
        writer: Option<Connection>,
        file: Option<PathBuf>,
        keys: Keys,
        environment: &Environment,
        access: Access,
    ) -> Result<Self> {
        // A second connection, so that the screen is answered while a batch is written. Memory has but one.
        let reader = match (&file, &writer) {
            (Some(path), Some(_)) => Some(connect(Some(path), false, access)?),
            _ => None,
        };
        if let Some(conn) = &writer {
            conn.execute_batch("PRAGMA synchronous = FULL")?;
        }
        Ok(Self {
            interrupts: writer.iter().chain(&reader).map(Connection::get_interrupt_handle).collect(),
            reader: reader.map(|conn| Mutex::new(Link::new(conn))),
            writer: writer.map(|conn| Mutex::new(Writer { link: Link::new(conn), full: true, run: (0, 0) })),
            turns: Turns::default(),
            keys: Mutex::new(keys),
            suspended: AtomicBool::new(false),
            environment: environment.clone(),
            access,
            file,
        })
    }

    fn awake(&self) -> Result<()> {
        if self.suspended.load(Ordering::SeqCst) { Err(Error::Unavailable) } else { Ok(()) }
    }

    /// The keyring as it stands in the file within this transaction: another process may have changed it, and a value
    /// sealed by a generation that is gone could never be opened.
    fn ring(&self, conn: &Connection) -> Result<Arc<Keyring>> {
        let wrapped = read_ring(conn)?;
        let mut keys = lock(&self.keys);
        if keys.wrapped != wrapped {
            let ring = match &keys.coming {
                Some(coming) => unwrap(conn, coming, &wrapped).or_else(|_| unwrap(conn, &keys.app, &wrapped)),
                None => unwrap(conn, &keys.app, &wrapped),
            }?;
            keys.ring = Arc::new(ring);
            keys.wrapped = wrapped;
        }
        Ok(keys.ring.clone())
    }

    /// Runs a transaction that reads. It sees one moment, and holds nobody up. No transaction is begun inside another.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while suspended; what `work` answers.
    pub(crate) fn read<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Snapshot<'_>) -> core::result::Result<T, E>,
    ) -> core::result::Result<T, E> {
        self.awake()?;
        match (&self.reader, &self.writer) {
            (Some(reader), _) => self.read_on(&lock(reader), work),
            (None, Some(writer)) => {
                let _turn = self.turns.take();
                self.read_on(&lock(writer).link, work)
            }
            (None, None) => Err(Error::Unavailable.into()),
        }
    }

    fn read_on<T, E: From<Error>>(
        &self,
        Link { conn, checked }: &Link,
        work: impl FnOnce(&Snapshot<'_>) -> core::result::Result<T, E>,
    ) -> core::result::Result<T, E> {
        let (_open, ring) = patiently(&self.environment, &self.suspended, || {
            let open = Open::begin(conn, "BEGIN")?;
            // The first read decides which moment is seen.
            let ring = self.ring(conn)?;
            Ok((open, ring))
        })?;
        work(&Snapshot::new(conn, ring, &self.suspended, checked))
    }

    /// Runs a transaction that writes: all of it is committed if `work` answers `Ok`, nothing otherwise.
    ///
    /// Writers of one `Store` take turns in the order they came; other connections get in between them.
    ///
    /// # Errors
    /// [`Error::Busy`] if another connection keeps the lock for three seconds; [`Error::Unavailable`] while suspended;
    /// [`Error::ReadOnly`]; what `work` answers.
    pub(crate) fn write<T, E: From<Error>>(
        &self,
        barrier: Barrier,
        work: impl FnOnce(&Tx<'_>) -> core::result::Result<T, E>,
    ) -> core::result::Result<T, E> {
        let writer = self.writer.as_ref().ok_or(Error::ReadOnly)?;
        self.awake()?;
        let _turn = self.turns.take();
        let writer = &mut *lock(writer);
        self.pace(writer);
        let result = self.write_on(writer, barrier, work);
        writer.run.1 = self.environment.clock.now_ms();
        result
    }

    fn write_on<T, E: From<Error>>(
        &self,
        writer: &mut Writer,
        barrier: Barrier,
        work: impl FnOnce(&Tx<'_>) -> core::result::Result<T, E>,
    ) -> core::result::Result<T, E> {
        let full = barrier == Barrier::Full && !broken!("no-barriers");
        let Link { conn, checked } = &writer.link;
        // Drawn before the lock is taken: whoever holds it does not wait for anything else.
        let random = self.environment.generator().map_err(Error::from)?;
        if !conn.is_autocommit() {
            conn.execute_batch("ROLLBACK").map_err(Error::from)?;
        }
        if full != writer.full {
            let mode = if full { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            patiently(&self.environment, &self.suspended, || Ok(conn.execute_batch(mode)?))?;
            writer.full = full;
        }
        // Never a read that turns into a write: that fails whenever another process wrote in between.
        let begin = if broken!("read-then-write") { "BEGIN" } else { "BEGIN IMMEDIATE" };
        let open = patiently(&self.environment, &self.suspended, || Open::begin(conn, begin))?;
        let before = conn.total_changes();
        let tx = Tx::new(Snapshot::new(conn, self.ring(conn)?, &self.suspended, checked), random);
        let value = work(&tx)?;
        tx.finish()?;
        if full && conn.total_changes() == before {
            // A commit without a change would not reach the disk, and what others committed before not with it.
            let mut touch = [0; 8];
            tx.random(&mut touch);
            tx.set_keyring(TOUCH, &touch)?;
        }
        open.commit()?;
        Ok(value)
    }

    /// Runs a transaction whose work is long, without keeping others waiting for it: `prepare` looks at one moment and
    /// holds no lock, and `commit` writes what it found. If somebody wrote in between, `prepare` looks again; after a
    /// few times in vain it looks with the lock held.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub(crate) fn prepared<P, T, E: From<Error>>(
        &self,
        barrier: Barrier,
        mut prepare: impl FnMut(&Snapshot<'_>) -> core::result::Result<P, E>,
        commit: impl FnOnce(&Tx<'_>, P) -> core::result::Result<T, E>,
    ) -> core::result::Result<T, E> {
        let mut commit = Some(commit);
        // In memory there is but one connection, and nobody else to wait.
        let attempts = if self.file.is_some() { ATTEMPTS } else { 0 };
        for _ in 0..attempts {
            let (moment, found) = self.read(|snapshot| Ok::<_, E>((snapshot.moment()?, prepare(snapshot)?)))?;
            let mut moved = false;
            let result = self.write(barrier, |tx| {
                moved = self.moment()? != Some(moment) && !broken!("stale-examination");
                match if moved { None } else { commit.take() } {
                    Some(commit) => commit(tx, found),
                    None => Err(Error::Busy.into()),
                }
            });
            if !moved {
                return result;
            }
        }
        self.write(barrier, |tx| {
            let found = prepare(tx)?;
            commit.take().map_or_else(|| Err(Error::Busy.into()), |commit| commit(tx, found))
        })
    }

    /// What changes whenever anybody but the reading connection has written; none while another thread reads: whoever
    /// holds the lock waits for nobody.
    fn moment(&self) -> Result<Option<i64>> {
        let reader = self.reader.as_ref().ok_or(Error::Unavailable)?;
        let link = match reader.try_lock() {
            Ok(link) => link,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        Ok(Some(link.conn.pragma_query_value(None, "data_version", |row| row.get(0))?))
    }

    /// Leaves a gap after a long run of writes, in which another process gets its turn.
    fn pace(&self, writer: &mut Writer) {
        let now = self.environment.clock.now_ms();
        let (began, ended) = writer.run;
        if now.saturating_sub(ended) > 1 {
            writer.run.0 = now;
        } else if now.saturating_sub(began) >= RUN_MS && self.file.is_some() {
            self.environment.wait.wait(BREAK);
            writer.run.0 = self.environment.clock.now_ms();
        }
    }

    /// Brings everything from the write-ahead log into the database and empties the log: from here on nothing that was
    /// deleted or replaced is in the files. For idle moments. Says whether it could: another connection that reads at
    /// the moment, or a store that is not opened by its owner, leaves it for later.
    pub(crate) fn tidy(&self) -> Result<bool> {
        self.awake()?;
        self.truncate()
    }

    fn truncate(&self) -> Result<bool> {
        let (Some(writer), Some(_), Access::Owner) = (&self.writer, &self.file, self.access) else {
            return Ok(false);
        };
        let _turn = self.turns.take();
        let writer = lock(writer);
        for pause in [500, 1000, 2000, 4000, 0] {
            let busy = writer.link.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
            match busy.map_err(Error::from) {
                Ok(0) => return Ok(true),
                Ok(_) | Err(Error::Busy) => {}
                Err(error) => return Err(error),
            }
            if pause > 0 {
                self.environment.wait.wait(pause);
            }
        }
        Ok(false)
    }

    /// Lets go of every lock, soon: interrupts and rolls back what runs in other threads, empties the log, and refuses
    /// every transaction until [`Store::resume`]. Callable from any thread, more than once.
    pub(crate) fn suspend(&self) -> Result<()> {
        self.suspended.store(true, Ordering::SeqCst);
        self.interrupts.iter().for_each(InterruptHandle::interrupt);
        if let Some(reader) = &self.reader {
            // Waits until the transaction that was interrupted has ended.
            drop(lock(reader));
        }
        if let Some(writer) = &self.writer {
            let _turn = self.turns.take();
            drop(lock(writer));
        }
        self.truncate().map(|_| ())
    }

    /// Takes [`Store::suspend`] back.
    pub(crate) fn resume(&self) {
        self.suspended.store(false, Ordering::SeqCst);
    }

    /// Seals every value anew, for the app's new key: afterwards the old one opens nothing, and whoever finds old
    /// copies of pages in the flash cannot read them with the new one.
    ///
    /// Until it returns, the old key opens the store; if it is cut off, it is called again with the same new key. The
    /// app keeps both until it has returned. Other processes must open the store anew.
    ///
    /// # Errors
    /// [`Error::Busy`] if another process is changing it to yet another key.
    pub(crate) fn rekey(&self, key: &Secret<32>) -> Result<()> {
        self.write(Barrier::Full, |tx| {
            let keys = lock(&self.keys);
            let coming = AppKey::new(key);
            let wrapped = tx.with_random(|random| {
                tx.ring().turning(&coming, random).and_then(|ring| keys.app.wrap(&ring, random))
            })?;
            tx.set_keyring(RING, &wrapped)
        })?;
        // From here on every transaction seals by the new generation: one pass finds whatever is of the old one.
        for table in Table::ALL {
            let mut after = Some(-1);
            while let Some(from) = after {
                after = self.write(Barrier::Normal, |tx| tx.reseal(table, from, RESEAL))?;
            }
        }
        let result = self.write(Barrier::Full, |tx| {
            let coming = AppKey::new(key);
            if !tx.ring().next().is_some_and(|next| coming.is(next)) {
                return Err(Error::Busy);
            }
            let wrapped = tx.with_random(|random| coming.wrap(&tx.ring().turned(), random))?;
            tx.set_keyring(RING, &wrapped)?;
            for id in CHECKS {
                tx.set_keyring(id, coming.check())?;
            }
            // A reader of this store may meet the new keyring before this call goes on.
            lock(&self.keys).coming = Some(coming);
            Ok(())
        });
        {
            let mut keys = lock(&self.keys);
            if let (Some(coming), Ok(())) = (keys.coming.take(), &result) {
                keys.app = coming;
            }
        }
        result?;
        self.truncate().map(|_| ())
    }

    /// Looks at everything: SQLite's own check, every value's seal, every tally. Slow.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if anything is wrong.
    #[cfg(test)]
    pub(crate) fn verify(&self) -> Result<()> {
        self.read(|snapshot| {
            let verdict: String = snapshot.quick_check()?;
            if verdict != "ok" {
                return Err(Error::Corrupt);
            }
            Table::ALL.into_iter().try_for_each(|table| snapshot.verify_values(table))
        })
    }

    /// Closes it, with the log emptied where this is the owner. Dropping does the same and cannot say how it went.
    #[cfg(test)]
    pub(crate) fn close(self) -> Result<()> {
        self.truncate().map(|_| ())
    }

    /// Destroys the store: keyring first, so that what an interruption leaves is worthless, then the files.
    ///
    /// # Errors
    /// [`Error::ReadOnly`] unless the owner opened it.
    pub(crate) fn erase(mut self) -> Result<()> {
        self.awake()?;
        let (Some(writer), Access::Owner) = (self.writer.take(), self.access) else { return Err(Error::ReadOnly) };
        let conn = writer.into_inner().unwrap_or_else(PoisonError::into_inner).link.conn;
        conn.execute_batch("PRAGMA synchronous = FULL")?;
        let open = patiently(&self.environment, &self.suspended, || Open::begin(&conn, "BEGIN IMMEDIATE"))?;
        conn.execute_batch(table::UNDO)?;
        // From here on this is an empty database: `open` finds no store, `create` may make one.
        conn.execute_batch("PRAGMA application_id = 0; PRAGMA user_version = 0")?;
        open.commit()?;
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.reader = None;
        drop(conn);
        let Some(path) = &self.file else { return Ok(()) };
        for suffix in ["-wal", "-shm", ""] {
            let mut name = path.clone().into_os_string();
            name.push(suffix);
            match std::fs::remove_file(name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(&error)),
                _ => {}
            }
        }
        sync_directory(path)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // The best that can be done here; what remains in the log is emptied at the next opportunity.
        let _ = self.truncate();
    }
}

/// Makes the directory's entry of a file durable, where directories can be synced.
fn sync_directory(path: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        std::fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| io(&error))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
