//! The store against damage, theft, crashes and company. Damage is done by SQLite from outside or by bytes in the file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use sprag_core::secret::Secret;

use super::{Access, Barrier, Error, Result, Store, Table};
use crate::context::{Environment, Wait};

const KEY: [u8; 32] = [7; 32];

fn key(byte: u8) -> Secret<32> {
    Secret::new([byte; 32])
}

fn create(file: Option<&Path>, key: &Secret<32>, environment: &Environment) -> Result<Store> {
    Store::create(file, key, environment, |_| Ok(()))
}

/// A directory of one test, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("sprag-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("store")
    }

    fn raw(&self) -> Connection {
        let conn = Connection::open(self.file()).unwrap();
        conn.busy_timeout(Duration::from_secs(5)).unwrap();
        conn
    }

    fn create(&self) -> Store {
        create(Some(&self.file()), &Secret::new(KEY), &Environment::platform()).unwrap()
    }

    fn open(&self) -> Result<Store> {
        self.open_as(7, Access::Owner)
    }

    fn open_as(&self, byte: u8, access: Access) -> Result<Store> {
        Store::open(Some(&self.file()), &key(byte), &Environment::platform(), access)
    }

    /// All bytes of the database and of what lies beside it.
    fn bytes(&self) -> Vec<u8> {
        let mut entries: Vec<_> = std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries.into_iter().flat_map(|path| std::fs::read(path).unwrap()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const PLAIN: [Table; 10] = [
    Table::Meta,
    Table::Session,
    Table::SessionCold,
    Table::Seen,
    Table::Skipped,
    Table::Prekey,
    Table::Outbox,
    Table::Event,
    Table::Cargo,
    Table::Waiting,
];

const NAMES: [&str; 12] = [
    "keyring",
    "meta",
    "contact",
    "session",
    "session_cold",
    "seen",
    "skipped",
    "prekey",
    "outbox",
    "event",
    "cargo",
    "waiting",
];

/// Three rows in every table.
fn fill(store: &Store) {
    store
        .write(Barrier::Full, |tx| {
            for table in PLAIN {
                for n in 0..3u8 {
                    tx.insert(table, &[table.number(), n, 1, 2, 3])?;
                }
            }
            for name in ["ada", "bob", "eve"] {
                tx.insert_contact(name.as_bytes(), name.as_bytes())?;
            }
            Ok::<_, Error>(())
        })
        .unwrap();
}

/// Everything in the store, as the engine would see it.
fn contents(store: &Store) -> Result<Vec<(u8, i64, Vec<u8>)>> {
    store.read(|snapshot| {
        let mut all = Vec::new();
        for table in Table::ALL {
            for (id, value) in snapshot.scan(table, 0, 1000)? {
                all.push((table.number(), id, value.expose_secret().to_vec()));
            }
        }
        for name in ["ada", "bob", "eve"] {
            let (id, value) = snapshot.contact(name.as_bytes())?.ok_or(Error::NoStore)?;
            all.push((0, id, value.expose_secret().to_vec()));
        }
        Ok(all)
    })
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    // By the first bytes of the nonce, which are random: a plain search over pages would take minutes.
    let first = needle[0];
    haystack.iter().enumerate().filter(|(_, byte)| **byte == first).any(|(at, _)| haystack[at..].starts_with(needle))
}

fn sealed(conn: &Connection, table: &str) -> Vec<(i64, Vec<u8>)> {
    conn.prepare(&format!("SELECT id, v FROM {table} ORDER BY id"))
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(|row| row.unwrap())
        .collect()
}

#[test]
fn what_was_put_is_there_after_opening_again() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    let before = contents(&store).unwrap();
    assert_eq!(before.len(), 10 * 3 + 3 + 3);
    store.close().unwrap();
    let store = scratch.open().unwrap();
    assert_eq!(contents(&store).unwrap(), before);
    store.verify().unwrap();
}

#[test]
fn memory_is_the_same_store() {
    let store = create(None, &key(1), &Environment::platform()).unwrap();
    fill(&store);
    assert_eq!(contents(&store).unwrap().len(), 36);
    store.verify().unwrap();
    store.rekey(&key(2)).unwrap();
    assert_eq!(contents(&store).unwrap().len(), 36);
    store.suspend().unwrap();
    assert_eq!(contents(&store).unwrap_err(), Error::Unavailable);
    store.resume();
    assert_eq!(contents(&store).unwrap().len(), 36);
    assert!(matches!(Store::open(None, &key(1), &Environment::platform(), Access::Owner), Err(Error::NoStore)));
}

#[test]
fn rows_behave() {
    let store = create(None, &key(1), &Environment::platform()).unwrap();
    store
        .write(Barrier::Normal, |tx| {
            tx.put(Table::Session, 65_536, b"one")?;
            tx.put(Table::Session, 65_536, b"two")?;
            assert_eq!(tx.count(Table::Session)?, 1);
            assert_eq!(tx.require(Table::Session, 65_536)?.expose_secret(), b"two");
            assert!(tx.get(Table::Session, 65_537)?.is_none());
            assert_eq!(tx.require(Table::Session, 65_537).err(), Some(Error::Corrupt));
            assert!(tx.delete(Table::Session, 65_536)?);
            assert!(!tx.delete(Table::Session, 65_536)?);
            assert_eq!(tx.count(Table::Session)?, 0);
            assert!(matches!(tx.put(Table::Meta, 0, b"tally"), Err(Error::Misuse(_))));
            let id = tx.insert_contact(b"ada", b"1")?;
            assert!(matches!(tx.insert_contact(b"ada", b"1"), Err(Error::Misuse(_))));
            assert!(matches!(tx.put(Table::Contact, id + 1, b""), Err(Error::Misuse(_))));
            tx.put(Table::Contact, id, b"2")?;
            let (found, value) = tx.contact(b"ada")?.unwrap();
            assert_eq!((found, value.expose_secret()), (id, b"2".as_slice()));
            assert!(tx.delete(Table::Contact, id)?);
            assert!(tx.contact(b"ada")?.is_none());
            // Values of every length come back, trailing padding look-alikes included.
            for length in [0, 1, 63, 64, 454, 455, 954, 955, 1954, 1955, 5000, 300_000] {
                let value = vec![if length % 2 == 0 { 0 } else { 0x80 }; length];
                for table in [Table::Session, Table::Event] {
                    let id = tx.insert(table, &value)?;
                    assert_eq!(tx.require(table, id)?.expose_secret(), value);
                }
            }
            Ok::<_, Error>(())
        })
        .unwrap();
    store.verify().unwrap();
}

#[test]
fn a_stale_number_hits_nothing_and_numbers_never_go_back() {
    let store = create(None, &key(1), &Environment::platform()).unwrap();
    let insert = || store.write(Barrier::Normal, |tx| tx.insert(Table::Event, b"news")).unwrap();
    let delete = |id| store.write(Barrier::Normal, |tx| tx.delete(Table::Event, id)).unwrap();
    let first = insert();
    assert!(delete(first));
    let second = insert();
    assert!(second > first);
    assert!(!delete(first));
    assert_ne!(second & 0xff_ffff, (first & 0xff_ffff) + 1, "numbers must not be predictable (2^-24 by chance)");
    let ids = store.read(|snapshot| snapshot.ids(Table::Event, 0, 10)).unwrap();
    assert_eq!(ids, [second]);
}

#[test]
fn a_reserved_number_is_its_holders_alone() {
    let scratch = Scratch::new();
    let store = scratch.create();
    let (kept, other) = store
        .write(Barrier::Normal, |tx| Ok::<_, Error>((tx.reserve(Table::Outbox)?, tx.insert(Table::Outbox, b"other")?)))
        .unwrap();
    assert!(kept < other);
    store.write(Barrier::Normal, |tx| tx.put(Table::Waiting, kept, b"mine")).unwrap();
    store.write(Barrier::Normal, |tx| tx.put(Table::Outbox, kept, b"mine")).unwrap();
    let next = store.write(Barrier::Normal, |tx| tx.insert(Table::Outbox, b"next")).unwrap();
    assert!(next > other);
    let ids = store.read(|snapshot| snapshot.ids(Table::Outbox, 0, 10)).unwrap();
    assert_eq!(ids, [kept, other, next]);
    store.verify().unwrap();
}

#[test]
fn what_was_prepared_is_committed_only_if_nobody_wrote_in_between() {
    let scratch = Scratch::new();
    let (store, other) = (scratch.create(), scratch.open().unwrap());
    store.write(Barrier::Normal, |tx| tx.put(Table::Meta, 9, &[0])).unwrap();
    // Another process writes while it looks: twice, and then whenever it looks without the lock.
    for disturbances in [0, 2, 100] {
        let mut looks = 0_u8;
        let committed = store.prepared(
            Barrier::Full,
            |snapshot| {
                looks += 1;
                let value = snapshot.require(Table::Meta, 9)?.expose_secret()[0];
                if looks <= disturbances && looks <= 3 {
                    // Our own handle counts as another: only its reading connection looks.
                    let disturb = if looks == 1 { &other } else { &store };
                    disturb.write(Barrier::Normal, |tx| tx.put(Table::Meta, 9, &[value + 1])).unwrap();
                }
                Ok::<_, Error>(value)
            },
            |tx, value| {
                assert_eq!(tx.require(Table::Meta, 9)?.expose_secret(), &[value]);
                tx.put(Table::Meta, 9, &[value + 10])?;
                Ok(value)
            },
        );
        assert_eq!(committed, Ok([0, 12, 25][usize::from(disturbances.min(3)).div_ceil(2)]));
        assert_eq!(looks, [1, 3, 4][usize::from(disturbances.min(3)).div_ceil(2)]);
    }
    // In memory there is nobody else.
    let memory = create(None, &key(7), &Environment::platform()).unwrap();
    memory.write(Barrier::Normal, |tx| tx.put(Table::Meta, 9, &[1])).unwrap();
    let read = memory.prepared(Barrier::Full, |s| s.require(Table::Meta, 9), |_, value| Ok::<_, Error>(value));
    assert_eq!(read.unwrap().expose_secret(), &[1]);
}

#[test]
fn a_transaction_that_fails_or_panics_leaves_nothing() {
    let scratch = Scratch::new();
    let store = scratch.create();
    let failed = store.write(Barrier::Full, |tx| {
        tx.insert(Table::Event, b"lost")?;
        Err::<(), _>(Error::Io)
    });
    assert_eq!(failed, Err(Error::Io));
    let caught = catch_unwind(AssertUnwindSafe(|| {
        store.write(Barrier::Full, |tx| -> Result<()> {
            tx.insert(Table::Event, b"lost")?;
            panic!("a defect");
        })
    }));
    assert!(caught.is_err());
    assert_eq!(store.read(|snapshot| snapshot.count(Table::Event)).unwrap(), 0);
    fill(&store);
    store.verify().unwrap();
}

#[test]
fn create_and_open_are_never_each_other() {
    let scratch = Scratch::new();
    assert_eq!(scratch.open().err(), Some(Error::NoStore));
    assert!(!scratch.file().exists());
    std::fs::write(scratch.file(), b"").unwrap();
    assert_eq!(scratch.open().err(), Some(Error::NoStore));
    // What a creation that was cut off left behind does not stand in the way.
    drop(scratch.create());
    let create = || create(Some(&scratch.file()), &key(9), &Environment::platform()).err();
    assert_eq!(create(), Some(Error::Exists));
    drop(scratch.open().unwrap());

    // Somebody else's file is neither opened nor replaced.
    let text = b"not a database, and long enough that it cannot be an empty one either".repeat(20);
    std::fs::write(scratch.file(), &text).unwrap();
    assert_eq!(create(), Some(Error::Exists));
    assert_eq!(scratch.open().err(), Some(Error::Corrupt));
    assert_eq!(std::fs::read(scratch.file()).unwrap(), text);
    std::fs::remove_file(scratch.file()).unwrap();
    scratch.raw().execute_batch("CREATE TABLE theirs (a)").unwrap();
    assert_eq!(create(), Some(Error::Exists));
    assert_eq!(scratch.open().err(), Some(Error::Corrupt));
}

#[cfg(unix)]
#[test]
fn the_files_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    for entry in std::fs::read_dir(&scratch.0).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn a_newer_schema_is_refused_and_a_minor_one_read() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    drop(store);
    scratch.raw().pragma_update(None, "user_version", 101).unwrap();
    assert_eq!(contents(&scratch.open().unwrap()).unwrap().len(), 36);
    for (version, error) in [(200, Error::Newer), (0, Error::Corrupt), (-1, Error::Corrupt)] {
        scratch.raw().pragma_update(None, "user_version", version).unwrap();
        assert_eq!(scratch.open().err(), Some(error));
    }
}

#[test]
fn a_wrong_key_is_told_from_damage() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    drop(store);
    let pristine = std::fs::read(scratch.file()).unwrap();
    assert_eq!(scratch.open_as(8, Access::Owner).err(), Some(Error::WrongKey));
    for check in [2, 3] {
        // One damaged check changes neither answer.
        scratch.raw().execute("UPDATE keyring SET v = zeroblob(16) WHERE id = ?1", [check]).unwrap();
        assert_eq!(scratch.open_as(8, Access::Owner).err(), Some(Error::WrongKey));
        assert!(scratch.open().is_ok());
        std::fs::write(scratch.file(), &pristine).unwrap();
    }
    let (_, ring) = sealed(&scratch.raw(), "keyring").remove(0);
    for at in 0..ring.len() {
        let mut broken = ring.clone();
        broken[at] ^= 1;
        scratch.raw().execute("UPDATE keyring SET v = ?1 WHERE id = 1", [&broken]).unwrap();
        assert_eq!(scratch.open().err(), Some(Error::Corrupt));
        assert_eq!(scratch.open_as(8, Access::Owner).err(), Some(Error::WrongKey));
    }
    scratch.raw().execute("DELETE FROM keyring WHERE id = 1", []).unwrap();
    assert_eq!(scratch.open().err(), Some(Error::Corrupt));
}

#[test]
fn a_flipped_byte_in_any_value_is_damage() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    let raw = scratch.raw();
    for table in Table::ALL {
        let name = NAMES[table.index() + 1];
        // The tally and a value.
        for (id, v) in sealed(&raw, name).into_iter().take(2) {
            let put = |v: &[u8]| raw.execute(&format!("UPDATE {name} SET v = ?1 WHERE id = ?2"), params![v, id]);
            for at in 0..v.len() {
                let mut broken = v.clone();
                broken[at] ^= 0x10;
                put(&broken).unwrap();
                let answer = store.read(|snapshot| snapshot.scan(table, 0, 100));
                assert_eq!(answer.err(), Some(Error::Corrupt), "{table:?} {id} {at}");
            }
            for cut in [0, 4, 5, 28, v.len() - 1] {
                put(&v[..cut]).unwrap();
                let answer = store.read(|snapshot| snapshot.scan(table, 0, 100));
                assert_eq!(answer.err(), Some(Error::Corrupt));
            }
            put(&v).unwrap();
        }
    }
    store.verify().unwrap();
}

#[test]
fn exchanged_values_are_damage() {
    let scratch = Scratch::new();
    let store = scratch.create();
    store
        .write(Barrier::Full, |tx| {
            // Same numbers in different tables, same sizes.
            for table in [Table::Session, Table::SessionCold, Table::Seen, Table::Skipped] {
                tx.put(table, 1, b"a")?;
                tx.put(table, 2, b"b")?;
            }
            tx.insert_contact(b"ada", b"1")?;
            tx.insert_contact(b"bob", b"2")
        })
        .unwrap();
    let raw = scratch.raw();
    raw.execute_batch("UPDATE session SET v = (SELECT v FROM session AS other WHERE id = 3 - session.id) WHERE id > 0")
        .unwrap();
    raw.execute_batch("UPDATE seen SET v = (SELECT v FROM skipped WHERE id = seen.id)").unwrap();
    for table in [Table::Session, Table::Seen] {
        assert_eq!(store.read(|snapshot| snapshot.get(table, 1)).err(), Some(Error::Corrupt));
    }
    // Two contacts that swapped their names would write to each other's keys.
    raw.execute_batch(
        "CREATE TEMP TABLE was AS SELECT id, name_hash FROM contact WHERE id > 0;
         UPDATE contact SET name_hash = id WHERE id > 0;
         UPDATE contact SET name_hash = (SELECT name_hash FROM was WHERE was.id = 3 - contact.id) WHERE id > 0;",
    )
    .unwrap();
    for name in [b"ada", b"bob"] {
        assert_eq!(store.read(|snapshot| snapshot.contact(name)).err(), Some(Error::Corrupt));
    }
}

#[test]
fn a_vanished_row_is_damage() {
    for table in Table::ALL {
        let scratch = Scratch::new();
        let store = scratch.create();
        fill(&store);
        let name = NAMES[table.index() + 1];
        scratch.raw().execute(&format!("DELETE FROM {name} WHERE id = (SELECT max(id) FROM {name})"), []).unwrap();
        assert_eq!(store.read(|snapshot| snapshot.scan(table, 0, 100)).err(), Some(Error::Corrupt));
        assert_eq!(store.read(|snapshot| snapshot.verify(table)).err(), Some(Error::Corrupt));
        assert_eq!(store.verify(), Err(Error::Corrupt));
        // All of them, the tally included.
        scratch.raw().execute(&format!("DELETE FROM {name}"), []).unwrap();
        assert_eq!(store.read(|snapshot| snapshot.scan(table, 0, 100)).err(), Some(Error::Corrupt));
        assert_eq!(store.read(|snapshot| snapshot.count(table)).err(), Some(Error::Corrupt));
        if table == Table::Session {
            let result = store.write(Barrier::Normal, |tx| tx.put(table, 1, b"fresh"));
            assert_eq!(result, Err(Error::Corrupt));
        }
    }
}

#[test]
fn a_vanished_contact_is_no_stranger() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    scratch.raw().execute("DELETE FROM contact WHERE id = 2", []).unwrap();
    assert_eq!(store.read(|snapshot| snapshot.contact(b"bob")).err(), Some(Error::Corrupt));
    assert_eq!(store.write(Barrier::Full, |tx| tx.insert_contact(b"bob", b"")), Err(Error::Corrupt));
    assert_eq!(store.read(|snapshot| snapshot.contact(b"zoe")).err(), Some(Error::Corrupt));
    assert!(store.read(|snapshot| snapshot.contact(b"ada")).unwrap().is_some());
    drop(store);

    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    scratch.raw().execute("UPDATE contact SET name_hash = zeroblob(16) WHERE id = 2", []).unwrap();
    assert_eq!(store.read(|snapshot| snapshot.contact(b"bob")).err(), Some(Error::Corrupt));
}

#[test]
fn random_damage_is_never_believed() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    let expected = contents(&store).unwrap();
    store.close().unwrap();
    let pristine = std::fs::read(scratch.file()).unwrap();
    // A linear congruential generator: damage that can be repeated.
    let mut state = 1u64;
    let mut noticed = 0;
    for _ in 0..600 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(state >> 33).unwrap() % pristine.len();
        let mut broken = pristine.clone();
        broken[at] ^= 1 << (state >> 29 & 7);
        std::fs::write(scratch.file(), &broken).unwrap();
        for suffix in ["store-wal", "store-shm"] {
            let _ = std::fs::remove_file(scratch.0.join(suffix));
        }
        match scratch.open().and_then(|store| contents(&store)) {
            Ok(found) => assert_eq!(found, expected, "byte {at}"),
            Err(_) => noticed += 1,
        }
    }
    assert!(noticed > 50, "{noticed}");
}

#[test]
fn nothing_deleted_or_replaced_is_left_in_the_files() {
    let scratch = Scratch::new();
    let store = scratch.create();
    let raw = scratch.raw();
    let mut dead: Vec<Vec<u8>> = Vec::new();
    let mut alive = Vec::new();
    for round in 0..60u8 {
        let id = store
            .write(Barrier::Normal, |tx| {
                tx.put(Table::Session, 65_536, &[round; 1800])?;
                tx.put(Table::Skipped, i64::from(round % 3) + 1, &[round; 700])?;
                tx.insert(Table::Event, &vec![round; usize::from(round) * 200])
            })
            .unwrap();
        for name in &NAMES[1..] {
            dead.extend(sealed(&raw, name).into_iter().map(|(_, v)| v[5..29].to_vec()));
        }
        if round % 10 == 0 {
            alive.push(id);
        } else {
            store.write(Barrier::Normal, |tx| tx.delete(Table::Event, id)).unwrap();
        }
    }
    assert!(store.tidy().unwrap());
    assert_eq!(std::fs::metadata(scratch.0.join("store-wal")).unwrap().len(), 0);
    let living: Vec<Vec<u8>> =
        NAMES[1..].iter().flat_map(|name| sealed(&raw, name)).map(|(_, v)| v[5..29].to_vec()).collect();
    drop(raw);
    let bytes = scratch.bytes();
    for nonce in &living {
        assert!(contains(&bytes, nonce), "the search itself must find what is there");
    }
    dead.retain(|nonce| !living.contains(nonce));
    assert!(dead.len() > 200);
    let left = dead.iter().filter(|nonce| contains(&bytes, nonce)).count();
    assert_eq!(left, 0, "of {}", dead.len());
    store.verify().unwrap();
}

#[test]
fn closing_and_suspending_empty_the_log_and_a_guest_does_not() {
    let scratch = Scratch::new();
    let wal = scratch.0.join("store-wal");
    let length = || std::fs::metadata(&wal).map_or(0, |meta| meta.len());
    let store = scratch.create();
    fill(&store);
    assert!(length() > 0);
    store.suspend().unwrap();
    assert_eq!(length(), 0);
    drop(store);
    assert!(!wal.exists());
    let guest = scratch.open_as(7, Access::Guest).unwrap();
    for _ in 0..100 {
        guest.write(Barrier::Normal, |tx| tx.insert(Table::Event, &[0; 4000])).unwrap();
    }
    let before = std::fs::metadata(scratch.file()).unwrap().len();
    assert!(!guest.tidy().unwrap());
    drop(guest);
    assert_eq!(std::fs::metadata(scratch.file()).unwrap().len(), before);
    assert!(length() > 100 * 4096, "what the guest wrote stays in the log for the owner");
    let store = scratch.open().unwrap();
    assert_eq!(store.read(|snapshot| snapshot.count(Table::Event)).unwrap(), 103);
    assert!(store.tidy().unwrap());
    assert_eq!(length(), 0);
}

#[test]
fn a_barrier_without_a_change_still_reaches_the_disk() {
    let scratch = Scratch::new();
    let store = scratch.create();
    store.tidy().unwrap();
    let wal = || std::fs::metadata(scratch.0.join("store-wal")).unwrap().len();
    store.write(Barrier::Normal, |_| Ok::<_, Error>(())).unwrap();
    assert_eq!(wal(), 0);
    store.write(Barrier::Full, |_| Ok::<_, Error>(())).unwrap();
    assert!(wal() > 0);
    assert!(scratch.open().is_ok());
    assert_eq!(scratch.open_as(8, Access::Owner).err(), Some(Error::WrongKey));
}

#[test]
fn reading_only_sees_everything_and_changes_nothing() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    let only = scratch.open_as(7, Access::ReadOnly).unwrap();
    assert_eq!(contents(&only).unwrap(), contents(&store).unwrap());
    assert_eq!(only.write(Barrier::Normal, |tx| tx.insert(Table::Event, b"")), Err(Error::ReadOnly));
    assert_eq!(only.rekey(&key(8)), Err(Error::ReadOnly));
    store.write(Barrier::Normal, |tx| tx.insert(Table::Event, b"")).unwrap();
    assert_eq!(only.read(|snapshot| snapshot.count(Table::Event)).unwrap(), 4);
    assert_eq!(only.erase(), Err(Error::ReadOnly));
    assert_eq!(store.read(|snapshot| snapshot.count(Table::Event)).unwrap(), 4);
}

#[test]
fn a_reader_sees_one_moment_while_a_writer_goes_on() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    store
        .read(|snapshot| {
            assert_eq!(snapshot.count(Table::Event)?, 3);
            store.write(Barrier::Normal, |tx| tx.insert(Table::Event, b"later"))?;
            assert_eq!(snapshot.scan(Table::Event, 0, 10)?.len(), 3);
            Ok::<_, Error>(())
        })
        .unwrap();
    assert_eq!(store.read(|snapshot| snapshot.count(Table::Event)).unwrap(), 4);
}

fn increment(store: &Store, barrier: Barrier) -> Result<u64> {
    store.write(barrier, |tx| {
        let value = match tx.get(Table::Meta, 100)? {
            Some(bytes) => u64::from_be_bytes(bytes.expose_secret().try_into().unwrap()),
            None => 0,
        };
        tx.put(Table::Meta, 100, &(value + 1).to_be_bytes())?;
        Ok(value + 1)
    })
}

/// Each of these writes as fast as it can; yields the longest that one waited.
fn race(stores: &[&Store], rounds: u64) -> Duration {
    let longest = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for store in stores {
            scope.spawn(|| {
                for round in 0..rounds {
                    let barrier = if round % 8 == 0 { Barrier::Full } else { Barrier::Normal };
                    let began = Instant::now();
                    increment(store, barrier).unwrap();
                    let took = u64::try_from(began.elapsed().as_micros()).unwrap();
                    longest.fetch_max(took, Ordering::Relaxed);
                }
            });
        }
    });
    Duration::from_micros(longest.load(Ordering::Relaxed))
}

#[test]
fn two_connections_lose_no_update_and_neither_starves() {
    let scratch = Scratch::new();
    let one = scratch.create();
    let two = scratch.open().unwrap();
    let longest = race(&[&one, &two], 400);
    assert_eq!(increment(&one, Barrier::Full).unwrap(), 801);
    // SQLite's own handler let one wait for over four seconds. Two seconds leave room for a loaded machine.
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    one.verify().unwrap();
}

#[test]
fn threads_on_one_store_lose_no_update_and_none_starves() {
    let scratch = Scratch::new();
    let store = scratch.create();
    let longest = race(&[&store, &store, &store], 300);
    assert_eq!(increment(&store, Barrier::Full).unwrap(), 901);
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}

#[test]
fn patience_ends_with_busy_and_waits_through_the_environment() {
    struct Count(AtomicU64);
    impl Wait for Count {
        fn wait(&self, micros: u32) {
            assert!((500..=2000).contains(&micros));
            self.0.fetch_add(u64::from(micros), Ordering::Relaxed);
        }
    }
    let scratch = Scratch::new();
    drop(scratch.create());
    let count = Arc::new(Count(AtomicU64::new(0)));
    let environment = Environment { wait: count.clone(), ..Environment::platform() };
    let store = Store::open(Some(&scratch.file()), &Secret::new(KEY), &environment, Access::Owner).unwrap();
    let raw = scratch.raw();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(increment(&store, Barrier::Full), Err(Error::Busy));
    let waited = count.0.load(Ordering::Relaxed);
    assert!((3_000_000..3_010_000).contains(&waited), "{waited}");
    assert!(store.read(|snapshot| snapshot.get(Table::Meta, 1)).unwrap().is_none(), "reading needs no lock");
    raw.execute_batch("ROLLBACK").unwrap();
    assert_eq!(increment(&store, Barrier::Full), Ok(1));
}

#[test]
fn suspending_interrupts_what_runs_and_refuses_the_rest() {
    let scratch = Scratch::new();
    let store = scratch.create();
    let started = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            store.write(Barrier::Full, |tx| -> Result<()> {
                loop {
                    tx.insert(Table::Event, &[0; 100])?;
                    started.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        while started.load(Ordering::SeqCst) < 10 {
            std::thread::yield_now();
        }
        store.suspend().unwrap();
        assert_eq!(writer.join().unwrap(), Err(Error::Unavailable));
    });
    assert_eq!(increment(&store, Barrier::Full), Err(Error::Unavailable));
    assert_eq!(store.read(|snapshot| snapshot.count(Table::Event)), Err(Error::Unavailable));
    // Nothing holds a lock: another process has the file to itself.
    scratch.raw().execute_batch("BEGIN EXCLUSIVE; ROLLBACK").unwrap();
    store.suspend().unwrap();
    store.resume();
    assert_eq!(store.read(|snapshot| snapshot.count(Table::Event)), Ok(0));
    assert_eq!(increment(&store, Barrier::Full), Ok(1));
}

#[test]
fn a_change_of_keys_leaves_nothing_under_the_old_one() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    for n in 0..500u16 {
        store.write(Barrier::Normal, |tx| tx.put(Table::Session, i64::from(n) + 70_000, &n.to_be_bytes())).unwrap();
    }
    let raw = scratch.raw();
    let mut old: Vec<Vec<u8>> = NAMES.iter().flat_map(|name| sealed(&raw, name)).map(|(_, v)| v).collect();
    // All but the row that is there to be written.
    old.retain(|v| v.len() >= 16);
    drop(raw);
    let before = contents(&store).unwrap();
    store.rekey(&key(8)).unwrap();
    let bytes = scratch.bytes();
    assert_eq!(old.iter().filter(|v| contains(&bytes, &v[..v.len().min(40)])).count(), 0);
    assert_eq!(contents(&store).unwrap(), before);
    assert_eq!(scratch.open().err(), Some(Error::WrongKey));
    let again = scratch.open_as(8, Access::Owner).unwrap();
    assert_eq!(contents(&again).unwrap(), before);
    again.rekey(&key(8)).unwrap();
    again.verify().unwrap();
    // A process that still has the old key is told so, and has written nothing.
    assert_eq!(contents(&store).unwrap(), before, "the same key, changed by another process");
    again.rekey(&key(9)).unwrap();
    assert_eq!(contents(&store).err(), Some(Error::WrongKey));
    assert_eq!(increment(&store, Barrier::Full), Err(Error::WrongKey));
    assert_eq!(contents(&again).unwrap(), before);
}

#[test]
fn a_change_of_keys_that_was_cut_off_goes_on() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    for n in 0..500u16 {
        store.write(Barrier::Normal, |tx| tx.put(Table::Session, i64::from(n) + 70_000, &n.to_be_bytes())).unwrap();
    }
    let before = contents(&store).unwrap();
    // Locked out in the middle, as by a crash: whatever was done by then stays.
    std::thread::scope(|scope| {
        let change = scope.spawn(|| store.rekey(&key(8)));
        std::thread::sleep(Duration::from_millis(3));
        let _ = store.suspend();
        let _ = change.join().unwrap();
    });
    drop(store);
    let store = match scratch.open() {
        Ok(store) => store,
        Err(error) => {
            assert_eq!(error, Error::WrongKey, "it was quick enough to finish");
            scratch.open_as(8, Access::Owner).unwrap()
        }
    };
    assert_eq!(contents(&store).unwrap(), before);
    // Writes in between, by a process that knows nothing of it.
    increment(&store, Barrier::Full).unwrap();
    store.rekey(&key(8)).unwrap();
    drop(store);
    let store = scratch.open_as(8, Access::Owner).unwrap();
    store.verify().unwrap();
    assert_eq!(store.read(|snapshot| snapshot.count(Table::Session)).unwrap(), 503);
}

#[test]
fn keys_change_under_a_busy_second_process() {
    let scratch = Scratch::new();
    let one = scratch.create();
    for n in 0..600u16 {
        one.write(Barrier::Normal, |tx| tx.put(Table::Session, i64::from(n) + 70_000, &n.to_be_bytes())).unwrap();
    }
    let two = scratch.open().unwrap();
    let written = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut written = 0;
            loop {
                match increment(&two, Barrier::Normal) {
                    Ok(value) => written = value,
                    Err(error) => return (written, error),
                }
            }
        });
        std::thread::sleep(Duration::from_millis(5));
        one.rekey(&key(8)).unwrap();
        other.join().unwrap()
    });
    assert_eq!(written.1, Error::WrongKey);
    assert_eq!(increment(&one, Barrier::Full).unwrap(), written.0 + 1);
    one.verify().unwrap();
}

#[test]
fn erasing_leaves_no_file() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    store.erase().unwrap();
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 0);
    assert_eq!(scratch.open().err(), Some(Error::NoStore));
    drop(scratch.create());
}

#[test]
fn paths_are_paths() {
    assert!(matches!(create(Some(Path::new("")), &key(1), &Environment::platform()), Err(Error::Misuse(_))));
    // SQLite's special names mean nothing here.
    assert_eq!(super::plain(Path::new(":memory:")).unwrap(), Path::new("./:memory:"));
    assert_eq!(super::plain(Path::new("file:a?mode=memory")).unwrap(), Path::new("./file:a?mode=memory"));
    let nowhere = Path::new("/nonexistent/sprag/store");
    assert!(create(Some(nowhere), &key(1), &Environment::platform()).is_err());
    assert!(matches!(
        Store::open(Some(nowhere), &key(1), &Environment::platform(), Access::Owner),
        Err(Error::NoStore)
    ));
}

#[test]
fn sessions_come_in_few_sizes_that_fill_pages() {
    for table in [Table::Session, Table::SessionCold, Table::Seen, Table::Skipped] {
        for length in 1..9000 {
            let padded = table.padded(length);
            assert!(padded >= length);
            let sealed = padded + super::seal::OVERHEAD;
            assert!(matches!(sealed, 500 | 800 | 2000) || sealed.is_multiple_of(4000));
        }
    }
    // A new page would be the sign that two values of 2,000 bytes no longer share one.
    let scratch = Scratch::new();
    let store = scratch.create();
    for n in 0..200 {
        store.write(Barrier::Normal, |tx| tx.put(Table::Session, n * 65_536 + 65_536, &[1; 1900])).unwrap();
    }
    store.tidy().unwrap();
    let pages = std::fs::metadata(scratch.file()).unwrap().len() / 4096;
    assert!(pages < 100 + 30, "{pages}");
}

#[test]
fn a_message_costs_two_pages() {
    let scratch = Scratch::new();
    let store = scratch.create();
    let message = || {
        store.write(Barrier::Full, |tx| {
            tx.put(Table::Session, 65_536, &[1; 1900])?;
            tx.insert(Table::Event, &[2; 300])
        })
    };
    let first = message().unwrap();
    store.tidy().unwrap();
    message().unwrap();
    // The tally lies on the page of the event, and nothing else was touched. A frame has a header of 24 bytes.
    let frames = (std::fs::metadata(scratch.0.join("store-wal")).unwrap().len() - 32) / (4096 + 24);
    assert_eq!(frames, 2);
    store.tidy().unwrap();
    store.write(Barrier::Normal, |tx| tx.delete(Table::Event, first)).unwrap();
    let frames = (std::fs::metadata(scratch.0.join("store-wal")).unwrap().len() - 32) / (4096 + 24);
    assert_eq!(frames, 1);
}

/// What `fill` puts, by value alone: numbers carry random parts.
fn expected() -> Vec<(u8, Vec<u8>)> {
    let mut all = Vec::new();
    for table in Table::ALL {
        for n in 0..3u8 {
            let name = ["ada", "bob", "eve"][usize::from(n)];
            let value = if table == Table::Contact { name.into() } else { vec![table.number(), n, 1, 2, 3] };
            all.push((table.number(), value));
        }
    }
    all.extend(["ada", "bob", "eve"].map(|name| (0, name.into())));
    all
}

/// Stores as releases left them. What is frozen here is opened by every later release, for ever.
const FROZEN: [(&str, &[u8]); 1] = [("1.0", include_bytes!("../../tests/data/store-1.0"))];

#[test]
fn stores_of_earlier_releases_open() {
    for (release, bytes) in FROZEN {
        let scratch = Scratch::new();
        std::fs::write(scratch.file(), bytes).unwrap();
        let store = scratch.open().unwrap();
        let found: Vec<_> = contents(&store).unwrap().into_iter().map(|(table, _, value)| (table, value)).collect();
        assert_eq!(found, expected(), "{release}");
        increment(&store, Barrier::Full).unwrap();
        store.rekey(&key(8)).unwrap();
        store.verify().unwrap();
    }
}

/// Freezes a store of this release: `SPRAG_FREEZE=<file> cargo test -p sprag freeze -- --ignored`.
#[test]
#[ignore = "writes a file"]
fn freeze() {
    let scratch = Scratch::new();
    let store = scratch.create();
    fill(&store);
    store.close().unwrap();
    std::fs::copy(scratch.file(), std::env::var_os("SPRAG_FREEZE").unwrap()).unwrap();
}

/// Starts this test binary again, as another process that increments `rounds` times.
fn child(scratch: &Scratch, rounds: u64) -> std::process::Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::as_a_child", "--ignored", "--nocapture"])
        .env("SPRAG_STORE_CHILD", scratch.file())
        .env("SPRAG_STORE_ROUNDS", rounds.to_string())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "run by other tests in a process of its own"]
fn as_a_child() {
    let Some(file) = std::env::var_os("SPRAG_STORE_CHILD") else { return };
    let rounds: u64 = std::env::var("SPRAG_STORE_ROUNDS").unwrap().parse().unwrap();
    let store =
        Store::open(Some(Path::new(&file)), &Secret::new(KEY), &Environment::platform(), Access::Guest).unwrap();
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        let began = Instant::now();
        let value = increment(&store, if round % 8 == 0 { Barrier::Full } else { Barrier::Normal }).unwrap();
        longest = longest.max(began.elapsed());
        println!("value {value}");
    }
    println!("longest {}", longest.as_millis());
}

/// The numbers that a child printed after a word.
fn said(output: &[u8], word: &str) -> Vec<u64> {
    let text = String::from_utf8_lossy(output).into_owned();
    text.lines().filter_map(|line| line.strip_prefix(word)?.trim().parse().ok()).collect()
}

#[test]
fn two_processes_lose_no_update_and_neither_starves() {
    let scratch = Scratch::new();
    let store = scratch.create();
    let other = child(&scratch, 300);
    let mut longest = Duration::ZERO;
    let mut own = 0;
    while own < 300 {
        let began = Instant::now();
        increment(&store, Barrier::Normal).unwrap();
        longest = longest.max(began.elapsed());
        own += 1;
    }
    let output = other.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(said(&output.stdout, "value ").len(), 300);
    assert_eq!(increment(&store, Barrier::Full).unwrap(), 601);
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    assert!(said(&output.stdout, "longest ")[0] < 2000);
    store.verify().unwrap();
}

#[test]
fn a_process_that_is_killed_leaves_whole_transactions() {
    let scratch = Scratch::new();
    drop(scratch.create());
    let mut least = 0;
    for round in 0..12 {
        let mut other = child(&scratch, 1_000_000);
        std::thread::sleep(Duration::from_millis(40 + round * 7));
        other.kill().unwrap();
        let output = other.wait_with_output().unwrap();
        least = said(&output.stdout, "value ").last().copied().unwrap_or(least);
        let store = scratch.open().unwrap();
        store.verify().unwrap();
        let value = increment(&store, Barrier::Full).unwrap();
        assert!(value > least, "{value} {least}");
        least = value;
    }
}
