//! The disk itself, with SQLite on it and no engine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use rusqlite::{Connection, OpenFlags};
use sprag_sim::disk::{Disk, Image, Loss, Medium, Trouble};

fn open(disk: &Disk) -> Connection {
    let conn = Connection::open_with_flags(disk.path(), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    conn.busy_timeout(std::time::Duration::ZERO).unwrap();
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8").unwrap();
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    conn
}

fn count(conn: &Connection) -> i64 {
    conn.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
}

fn insert(conn: &Connection) -> rusqlite::Result<usize> {
    conn.execute("INSERT INTO t (v) VALUES (randomblob(3000))", [])
}

#[test]
fn two_connections_see_one_database_and_exclude_each_other() {
    let disk = Disk::new();
    let (one, two) = (open(&disk), open(&disk));
    one.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)").unwrap();
    insert(&one).unwrap();
    assert_eq!(count(&two), 1);
    one.execute_batch("BEGIN IMMEDIATE").unwrap();
    insert(&one).unwrap();
    assert_eq!(count(&two), 1, "not committed");
    assert!(insert(&two).is_err(), "locked");
    one.execute_batch("COMMIT").unwrap();
    insert(&two).unwrap();
    assert_eq!((count(&one), count(&two)), (3, 3));
}

/// Every prefix of what was written, and every kind of loss: with a barrier at each commit, what was committed is there,
/// and what is there is whole.
#[test]
fn what_was_committed_survives_every_power_cut() {
    let disk = Disk::new();
    let conn = open(&disk);
    conn.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)").unwrap();
    disk.record();
    let committed: Vec<usize> = (0..12)
        .map(|_| {
            insert(&conn).unwrap();
            disk.recorded()
        })
        .collect();
    let recording = disk.recording().unwrap();
    let mut medium = recording.start.clone();
    let mut images = 0;
    for at in 0..=recording.changes.len() {
        for loss in [Loss::Nothing, Loss::Unsynced, Loss::Torn(at as u64), Loss::Reordered(at as u64)] {
            let after = Disk::mount(medium.cut(loss));
            let conn = open(&after);
            let least = committed.iter().filter(|done| **done <= at).count() as i64;
            let found = count(&conn);
            assert!((least..=least + 1).contains(&found), "{at} {loss:?}: {found} of {least}");
            let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(verdict, "ok");
            images += 1;
        }
        if let Some(change) = recording.changes.get(at) {
            medium.apply(change.clone());
        }
    }
    assert!(images > 100, "{images}");
}

/// The same without barriers: the disk must be able to lose something, or the test above shows nothing.
#[test]
fn without_barriers_commits_are_lost() {
    let disk = Disk::new();
    let conn = open(&disk);
    conn.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB); PRAGMA synchronous = OFF").unwrap();
    insert(&conn).unwrap();
    insert(&conn).unwrap();
    let lost = Disk::mount(disk.cut(Loss::Unsynced));
    let conn = open(&lost);
    assert!(count(&conn) < 2);
}

#[test]
fn trouble_comes_once_or_stays() {
    let disk = Disk::new();
    let conn = open(&disk);
    conn.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)").unwrap();
    disk.trouble(Trouble::Full, 0);
    assert!(insert(&conn).is_err() && insert(&conn).is_err());
    assert!(disk.relieve());
    insert(&conn).unwrap();
    disk.trouble(Trouble::Change, 1);
    assert!(insert(&conn).is_err());
    insert(&conn).unwrap();
    disk.trouble(Trouble::PowerCut, 1);
    assert!(insert(&conn).is_err() && insert(&conn).is_err() && disk.is_off());
    let after = Disk::mount(disk.cut(Loss::Nothing));
    assert_eq!(count(&open(&after)), 2);
}

#[test]
fn a_killed_process_keeps_no_lock_and_writes_no_more() {
    let disk = Disk::new();
    let victim = Disk::as_process(1, || open(&disk));
    let other = Disk::as_process(2, || open(&disk));
    Disk::as_process(1, || {
        victim.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB); BEGIN IMMEDIATE").unwrap();
        insert(&victim).unwrap();
    });
    let insert = |conn| Disk::as_process(2, || insert(conn));
    assert!(insert(&other).is_err());
    disk.kill(1);
    insert(&other).unwrap();
    assert!(victim.execute_batch("COMMIT").is_err());
    drop(victim);
    insert(&other).unwrap();
    assert_eq!(count(&other), 2);
}

#[test]
fn an_image_is_what_was_mounted() {
    let disk = Disk::new();
    open(&disk).execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)").unwrap();
    let image = disk.contents();
    assert_eq!(Medium::new(image.clone()).cut(Loss::Reordered(7)), image);
    assert_eq!(Disk::mount(image.clone()).contents(), image);
    assert_ne!(image, Image::default());
}
