//! The tables, and what their rows look like from outside: numbers, statements and size classes.

use super::seal::OVERHEAD;

/// A table of sealed values with integer keys. Row 0 of each is its tally and belongs to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Table {
    /// Single values of the client: its account, its device, its policy.
    Meta = 1,
    /// One row for each contact, found by a keyed hash of its name.
    Contact = 2,
    /// What each message of a session changes. Row: contact · 65,536 + ordinal.
    Session = 3,
    /// What few messages change in a session. Rows: twice that in `Session`, and the one after it for a handshake that
    /// nobody has answered.
    SessionCold = 4,
    /// Blocks of commitments of messages seen.
    Seen = 5,
    /// Blocks of keys of skipped messages.
    Skipped = 6,
    /// Our own prekeys' secrets.
    Prekey = 7,
    /// What is to be sent or fetched: whose turn it is, a few dozen bytes each. Rows ascend and carry a random part.
    Outbox = 8,
    /// What the app has not confirmed yet. Rows ascend and carry a random part.
    Event = 9,
    /// What a row of `Outbox` carries. The same number.
    Cargo = 10,
    /// Messages that cannot be sealed yet. Numbers are `Outbox`'s, so that a message keeps its own.
    Waiting = 11,
}

/// The statements of a table.
pub(super) struct Sql {
    pub(super) get: &'static str,
    pub(super) update: &'static str,
    pub(super) insert: &'static str,
    pub(super) delete: &'static str,
    pub(super) scan: &'static str,
    pub(super) ids: &'static str,
    pub(super) stale: &'static str,
}

macro_rules! sql {
    ($name:literal, $extra:literal) => {
        Sql {
            get: concat!("SELECT id, ", $extra, ", v FROM ", $name, " WHERE id = ?1"),
            update: concat!("UPDATE ", $name, " SET v = ?2 WHERE id = ?1"),
            insert: concat!("INSERT INTO ", $name, " (id, v) VALUES (?1, ?2)"),
            delete: concat!("DELETE FROM ", $name, " WHERE id = ?1"),
            scan: concat!("SELECT id, ", $extra, ", v FROM ", $name, " WHERE id > ?1 ORDER BY id LIMIT ?2"),
            ids: concat!("SELECT id, ", $extra, " FROM ", $name, " WHERE id > ?1 ORDER BY id LIMIT ?2"),
            stale: concat!(
                "SELECT id, ",
                $extra,
                ", v FROM ",
                $name,
                " WHERE id > ?1 AND substr(v, 1, 5) <> ?3 ORDER BY id LIMIT ?2"
            ),
        }
    };
}

/// The tables of schema 1.0. No `AUTOINCREMENT` and no `WITHOUT ROWID`: both cost pages with values of this size.
pub(super) const SCHEMA: &str = "
    CREATE TABLE keyring (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
    CREATE TABLE meta (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
    CREATE TABLE contact (id INTEGER PRIMARY KEY, name_hash BLOB UNIQUE, v BLOB NOT NULL);
    CREATE TABLE session (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
    CREATE TABLE session_cold (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
    CREATE TABLE seen (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
    CREATE TABLE skipped (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
    CREATE TABLE prekey (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
    CREATE TABLE outbox (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
    CREATE TABLE event (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
    CREATE TABLE cargo (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
    CREATE TABLE waiting (id INTEGER PRIMARY KEY, v BLOB NOT NULL);
";

/// Drops what [`SCHEMA`] made.
pub(super) const UNDO: &str = "
    DROP TABLE keyring; DROP TABLE meta; DROP TABLE contact; DROP TABLE session; DROP TABLE session_cold;
    DROP TABLE seen; DROP TABLE skipped; DROP TABLE prekey; DROP TABLE outbox; DROP TABLE event;
    DROP TABLE cargo; DROP TABLE waiting;
";

impl Table {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 11] = [
        Self::Meta,
        Self::Contact,
        Self::Session,
        Self::SessionCold,
        Self::Seen,
        Self::Skipped,
        Self::Prekey,
        Self::Outbox,
        Self::Event,
        Self::Cargo,
        Self::Waiting,
    ];

    /// The number that seals bind.
    pub(super) const fn number(self) -> u8 {
        self as u8
    }

    /// Its place in [`Table::ALL`].
    pub(super) const fn index(self) -> usize {
        self as usize - 1
    }

    pub(super) const fn sql(self) -> &'static Sql {
        const META: Sql = sql!("meta", "NULL");
        const CONTACT: Sql = sql!("contact", "name_hash");
        const SESSION: Sql = sql!("session", "NULL");
        const SESSION_COLD: Sql = sql!("session_cold", "NULL");
        const SEEN: Sql = sql!("seen", "NULL");
        const SKIPPED: Sql = sql!("skipped", "NULL");
        const PREKEY: Sql = sql!("prekey", "NULL");
        const OUTBOX: Sql = sql!("outbox", "NULL");
        const EVENT: Sql = sql!("event", "NULL");
        const CARGO: Sql = sql!("cargo", "NULL");
        const WAITING: Sql = sql!("waiting", "NULL");
        match self {
            Self::Meta => &META,
            Self::Contact => &CONTACT,
            Self::Session => &SESSION,
            Self::SessionCold => &SESSION_COLD,
            Self::Seen => &SEEN,
            Self::Skipped => &SKIPPED,
            Self::Prekey => &PREKEY,
            Self::Outbox => &OUTBOX,
            Self::Event => &EVENT,
            Self::Cargo => &CARGO,
            Self::Waiting => &WAITING,
        }
    }

    /// Whether rows that are handed out carry a random part: an id that the app kept from before must hit nothing.
    pub(super) const fn random_ids(self) -> bool {
        matches!(self, Self::Outbox | Self::Event)
    }

    /// The length to which `len` bytes are padded. A session's size would tell where its ratchet stands, so that these
    /// come in few classes that also fill pages evenly: eight, five, two or one to a page. Others only lose their exact size.
    pub(super) const fn padded(self, len: usize) -> usize {
        match self {
            Self::Session | Self::SessionCold | Self::Seen | Self::Skipped => {
                let sealed = len + OVERHEAD;
                let class = match sealed {
                    0..=500 => 500,
                    501..=800 => 800,
                    801..=2000 => 2000,
                    _ => sealed.next_multiple_of(4000),
                };
                class - OVERHEAD
            }
            Self::Meta | Self::Contact | Self::Prekey | Self::Outbox | Self::Event | Self::Cargo | Self::Waiting => {
                len.next_multiple_of(64)
            }
        }
    }
}
