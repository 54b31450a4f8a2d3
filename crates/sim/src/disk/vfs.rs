//! SQLite's interface to files, spoken in C: the one place of the simulator with `unsafe`.
//!
//! It only translates. What a file is, what a lock is and what goes wrong is decided by its neighbours, in safe code.

#![allow(unsafe_code, reason = "SQLite calls its file system through C function pointers")]
#![allow(clippy::multiple_unsafe_ops_per_block, reason = "one reason holds for what stands together")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};

use rusqlite::ffi;

use super::locks::Level;
use super::medium::{Change, Name};
use super::{PROCESS, Refused, Shared, State, disks};
use crate::hook::{Point, reach};
use crate::random::Dice;

/// The shared memory beside a database: regions whose addresses SQLite keeps until it unmaps them.
#[derive(Default)]
pub(super) struct Memory(Mutex<Regions>);

#[derive(Default)]
struct Regions {
    now: Vec<Box<[AtomicU64]>>,
    /// Of processes that were killed: their connections still point there.
    before: Vec<Box<[AtomicU64]>>,
}

impl Memory {
    /// The address of a region, which is made if it is not there and `make` says so.
    fn region(&self, number: usize, bytes: usize, make: bool) -> Option<*mut c_void> {
        let regions = &mut self.0.lock().unwrap_or_else(PoisonError::into_inner).now;
        while make && regions.len() <= number {
            regions.push((0..bytes.div_ceil(8)).map(|_| AtomicU64::new(0)).collect());
        }
        // Atomics may be written through a shared reference, which is what SQLite does with this pointer.
        regions.get(number).map(|region| region.as_ptr().cast_mut().cast())
    }

    /// Nobody shares it any more: whoever comes next begins with none.
    pub(super) fn clear(&self) {
        let mut regions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = std::mem::take(&mut regions.now);
        regions.before.extend(now);
    }
}

/// A file that is open, as it is stored behind SQLite's own structure.
struct Open {
    shared: Arc<Shared>,
    file: u64,
    connection: u64,
    process: u64,
    main: bool,
}

/// What SQLite gives room for: its own part first.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    open: *mut Open,
}

/// Connections are numbered so that the process can be read from the number.
const PROCESS_SHIFT: u32 = 48;

/// The process that a connection is of.
pub(super) const fn process_of(connection: u64) -> u64 {
    connection >> PROCESS_SHIFT
}

const OK: c_int = ffi::SQLITE_OK;

fn code(result: Result<(), Refused>, otherwise: c_int) -> c_int {
    match result {
        Ok(()) => OK,
        Err(Refused::Full) => ffi::SQLITE_FULL,
        Err(Refused::Io) => otherwise,
    }
}

/// The open file behind SQLite's pointer.
///
/// # Safety
/// `file` is one that [`open`] filled in and [`close`] has not emptied yet: SQLite passes no other.
unsafe fn opened<'a>(file: *mut ffi::sqlite3_file) -> &'a Open {
    // SAFETY: as above; `open` put a valid pointer there, and it is used by one thread at a time.
    unsafe { &*(*file.cast::<File>()).open }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes this SQLite's default file system, once.
pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let vfs = Box::leak(Box::new(ffi::sqlite3_vfs {
            iVersion: 1,
            szOsFile: size_of::<File>() as c_int,
            mxPathname: 1024,
            pNext: std::ptr::null_mut(),
            zName: c"sprag-sim".as_ptr(),
            pAppData: std::ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: None,
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        }));
        // SAFETY: the structure is valid, and lives for ever because it was leaked.
        let registered = unsafe { ffi::sqlite3_vfs_register(vfs, 1) };
        assert_eq!(registered, OK, "SQLite takes a file system");
    });
}

/// The disk that a path lies on, and which of its files it names.
fn find(path: &Path) -> Option<(Arc<Shared>, Name)> {
    let bytes = path.as_os_str().as_bytes();
    let (base, name) = if let Some(base) = bytes.strip_suffix(b"-wal") {
        (base, Name::Wal)
    } else if let Some(base) = bytes.strip_suffix(b"-journal") {
        (base, Name::Journal)
    } else {
        (bytes, Name::Main)
    };
    let disk = disks().get(Path::new(OsStr::from_bytes(base))).cloned();
    disk.map(|disk| (disk, name))
}

/// The path in a C string.
///
/// # Safety
/// `name` is a C string that lives for the call.
unsafe fn path_of(name: *const c_char) -> PathBuf {
    // SAFETY: as above.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes();
    PathBuf::from(OsStr::from_bytes(bytes))
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives room for a `File`; without methods it is not closed.
    unsafe { (*file).pMethods = std::ptr::null() };
    if name.is_null() {
        // A temporary file: the store keeps what is temporary in memory.
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: SQLite's own string.
    let path = unsafe { path_of(name) };
    let Some((shared, name)) = find(&path) else { return ffi::SQLITE_CANTOPEN };
    reach(Point::Lock);
    let process = PROCESS.get();
    let (file_number, connection) = {
        let mut state = shared.state();
        if state.usable(process).is_err() {
            return ffi::SQLITE_CANTOPEN;
        }
        let there = state.now.file(name);
        let number = match there {
            Some(number) => number,
            // The database itself is there once its disk is: whoever opens it asked the operating system before.
            None if name == Name::Main || flags & ffi::SQLITE_OPEN_CREATE != 0 => {
                let number = state.number();
                if state.change(process, Change::Create { name, file: number }).is_err() {
                    return ffi::SQLITE_CANTOPEN;
                }
                number
            }
            None => return ffi::SQLITE_CANTOPEN,
        };
        let connection = state.number() | (process << PROCESS_SHIFT);
        (number, connection)
    };
    let open = Box::new(Open { shared, file: file_number, connection, process, main: name == Name::Main });
    // SAFETY: room for a `File`, as above; `out_flags` may be null.
    unsafe {
        (*file.cast::<File>()).open = Box::into_raw(open);
        (*file).pMethods = &raw const METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: `open` put the box there, and SQLite closes a file once.
    let open = unsafe { Box::from_raw((*file.cast::<File>()).open) };
    // SAFETY: the structure is SQLite's to use again.
    unsafe { (*file).pMethods = std::ptr::null() };
    open.shared.state().locks.forget(open.connection);
    OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, out: *mut c_void, amount: c_int, offset: i64) -> c_int {
    // SAFETY: a file of ours; `amount` bytes of room at `out`.
    let (open, out) = unsafe { (opened(file), std::slice::from_raw_parts_mut(out.cast::<u8>(), amount as usize)) };
    reach(Point::Read);
    let mut state = open.shared.state();
    if state.read(open.process).is_err() {
        return ffi::SQLITE_IOERR_READ;
    }
    let contents = state.now.of(open.file).get(offset as usize..).unwrap_or_default();
    let there = contents.len().min(out.len());
    out[..there].copy_from_slice(&contents[..there]);
    out[there..].fill(0);
    if there == out.len() { OK } else { ffi::SQLITE_IOERR_SHORT_READ }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, data: *const c_void, amount: c_int, offset: i64) -> c_int {
    // SAFETY: a file of ours; `amount` bytes at `data`.
    let (open, data) = unsafe { (opened(file), std::slice::from_raw_parts(data.cast::<u8>(), amount as usize)) };
    let change = Change::Write { file: open.file, offset: offset as usize, data: data.into() };
    code(changed(open, change), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    // SAFETY: a file of ours.
    let open = unsafe { opened(file) };
    let change = Change::Truncate { file: open.file, length: length as usize };
    code(changed(open, change), ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: a file of ours.
    let open = unsafe { opened(file) };
    code(changed(open, Change::Sync { file: open.file }), ffi::SQLITE_IOERR_FSYNC)
}

fn changed(open: &Open, change: Change) -> Result<(), Refused> {
    reach(Point::Write);
    open.shared.state().change(open.process, change)
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    // SAFETY: a file of ours, and room for the answer.
    let (open, size) = unsafe { (opened(file), &mut *size) };
    let state = open.shared.state();
    *size = state.now.of(open.file).len() as i64;
    code(state.usable(open.process), ffi::SQLITE_IOERR_FSTAT)
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: a file of ours.
    let open = unsafe { opened(file) };
    if !open.main {
        return OK;
    }
    reach(Point::Lock);
    let mut state = open.shared.state();
    if state.usable(open.process).is_err() {
        return ffi::SQLITE_IOERR_LOCK;
    }
    if state.locks.raise(open.connection, Level::from_number(level)) { OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: a file of ours.
    let open = unsafe { opened(file) };
    open.shared.state().locks.lower(open.connection, Level::from_number(level));
    OK
}

unsafe extern "C" fn check_reserved(file: *mut ffi::sqlite3_file, reserved: *mut c_int) -> c_int {
    // SAFETY: a file of ours, and room for the answer.
    let (open, reserved) = unsafe { (opened(file), &mut *reserved) };
    *reserved = c_int::from(open.shared.state().locks.reserved());
    OK
}

const unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

const unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    4096
}

const unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    // As SQLite assumes of every disk that it runs on: bytes beside those that were written are not harmed.
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    number: c_int,
    bytes: c_int,
    make: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: a file of ours, and room for the answer.
    let (open, out) = unsafe { (opened(file), &mut *out) };
    {
        let mut state = open.shared.state();
        if state.usable(open.process).is_err() {
            return ffi::SQLITE_IOERR_SHMMAP;
        }
        state.sharing.insert(open.connection);
    }
    let region = open.shared.memory.region(number as usize, bytes as usize, make != 0);
    *out = region.unwrap_or(std::ptr::null_mut());
    OK
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: a file of ours.
    let open = unsafe { opened(file) };
    let mask = (first..first + count).fold(0_u8, |mask, lock| mask | (1 << lock));
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        open.shared.state().locks.release(open.connection, mask);
        reach(Point::Lock);
        return OK;
    }
    reach(Point::Lock);
    let mut state = open.shared.state();
    if state.usable(open.process).is_err() {
        return ffi::SQLITE_IOERR_SHMLOCK;
    }
    let exclusive = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    if state.locks.take(open.connection, mask, exclusive) { OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    // SAFETY: a file of ours.
    let open = unsafe { opened(file) };
    let mut state = open.shared.state();
    state.locks.release(open.connection, u8::MAX);
    if state.sharing.remove(&open.connection) && state.sharing.is_empty() {
        open.shared.memory.clear();
    }
    OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_names: c_int) -> c_int {
    // SAFETY: SQLite's own string.
    let path = unsafe { path_of(name) };
    let Some((shared, name)) = find(&path) else { return ffi::SQLITE_IOERR_DELETE_NOENT };
    reach(Point::Write);
    let process = PROCESS.get();
    let mut state = shared.state();
    if state.now.file(name).is_none() {
        return ffi::SQLITE_IOERR_DELETE_NOENT;
    }
    code(removed(&mut state, process, name, sync_names != 0), ffi::SQLITE_IOERR_DELETE)
}

fn removed(state: &mut State, process: u64, name: Name, sync_names: bool) -> Result<(), Refused> {
    state.change(process, Change::Remove { name })?;
    if sync_names { state.change(process, Change::SyncNames) } else { Ok(()) }
}

unsafe extern "C" fn access(_: *mut ffi::sqlite3_vfs, name: *const c_char, _: c_int, out: *mut c_int) -> c_int {
    // SAFETY: SQLite's own string, and room for the answer.
    let (path, out) = unsafe { (path_of(name), &mut *out) };
    // As on Unix: an empty file counts as none.
    *out = c_int::from(find(&path).is_some_and(|(shared, name)| {
        let state = shared.state();
        state.now.contents(name).is_some_and(|contents| !contents.is_empty())
    }));
    OK
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite's own string.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul();
    if bytes.len() > room as usize {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: there is room for `room` bytes.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len()) };
    OK
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, amount: c_int, out: *mut c_char) -> c_int {
    // SAFETY: `amount` bytes of room at `out`.
    let out = unsafe { std::slice::from_raw_parts_mut(out.cast::<u8>(), amount as usize) };
    // Always the same: SQLite salts its log with it, and nothing else.
    Dice::new(0).fill(out);
    amount
}

const unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    micros
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: room for the answer.
    unsafe { *out = 2_460_000.5 };
    OK
}

const unsafe extern "C" fn last_error(_: *mut ffi::sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}
