//! What a client is made and opened with.
//!
//! It opens nothing. What is decided here at `create` is stored and read from the store afterwards, so that two processes on
//! one store cannot disagree.

use std::path::PathBuf;

use sprag_core::armor;
use sprag_core::secret::Secret;

use crate::error::{Error, Result};
use crate::id::AccountId;

/// The key that unlocks a store: 32 random bytes that the app keeps in the platform's keystore. Boxed, and wiped on
/// drop.
pub struct Key(Secret<32>);

impl Key {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::fill_with(|out| out.copy_from_slice(&bytes)))
    }

    /// Copies exactly 32 bytes; any other length is [`Error::Misuse`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        Secret::from_slice(bytes).map(Self).map_err(|_| Error::Misuse("a store key is 32 bytes"))
    }

    /// The bytes themselves.
    #[must_use]
    pub const fn expose_secret(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    /// A second copy, spelled out because each copy is one more thing to wipe.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }
}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A file. SQLite keeps two more beside it, with `-wal` and `-shm` appended to its name.
    File(PathBuf),
    /// Memory: gone when the client is dropped. For tests and for clients that live as long as a page.
    Memory,
}

numbered! {
    /// What the app's server offers for finding keys.
    #[derive(Default)]
    pub enum Directory: "kind of directory" {
        /// Nothing. Keys travel in messages: somebody's code or link is imported, the own card goes to them, and what they answer
        /// is encrypted.
        InBand = 1,
        /// One opaque value for each account, which the account writes and everybody reads: its list and the signed prekeys of all
        /// its devices. There are no one-time prekeys.
        KeyValue = 2,
        /// A key directory: hands each one-time key out once, replaces a list only if the sequence is the expected one,
        /// and lets only the owner write.
        #[default]
        Full = 3,
    }
}

numbered! {
    /// What becomes of a contact under whose name another account key appears: somebody who began anew, or somebody else.
    /// Either way there is an event, and nothing that was written before is encrypted to the new key by itself.
    #[derive(Default)]
    pub enum OnChange: "choice" {
        /// Where the user had compared the safety number, sending is held and what comes from the new key is quarantined until
        /// the user accepts it. With others it goes on with the new key.
        #[default]
        HoldVerified = 1,
        /// The same for everybody: nobody goes on with another key before the user has accepted it.
        HoldAll = 2,
    }
}

numbered! {
    /// How far the app has come in taking up encryption.
    #[derive(Default)]
    pub enum Rollout: "choice" {
        /// It reads, and begins nothing: it asks for nobody's keys, and an account that is made says that it is not ready. Where
        /// somebody else has begun, it answers encrypted.
        Read = 1,
        /// It says that it can read, and finds out who else can. It begins nothing yet.
        Offer = 2,
        /// It encrypts wherever everybody can read it.
        #[default]
        Encrypt = 3,
    }
}

numbered! {
    /// What the bodies are that the app's server carries.
    #[derive(Default)]
    pub enum Armor: "choice" {
        /// Bytes.
        #[default]
        Binary = 1,
        /// Text. What is sent is put into letters and digits that nothing on the way changes, half as long again.
        Text = 2,
    }
}

/// What the app decides about its messages, stored at `create` and changed by `configure`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// What the app's server offers for finding keys.
    pub directory: Directory,
    /// The largest message body that the app's server carries, in bytes: 1 MiB unless told, and at least 8 KiB.
    pub max_body: u32,
    /// What becomes of a contact under whose name another account key appears.
    pub on_change: OnChange,
    /// How far the app has come in taking up encryption.
    pub rollout: Rollout,
    /// What the bodies are that the app's server carries. What comes is read either way.
    pub armor: Armor,
    /// With [`Armor::Text`], what stands in front for clients and notifications that show a body as it is: at most 256 bytes.
    pub fallback_text: String,
    /// How much of what was sent is kept, for devices in which it does not open.
    pub shelf: Shelf,
}

/// How much of what was sent is kept, sealed like everything else in the store: a device in which a message does not open can
/// ask for it again. Nothing is ever sealed again for another device than those it was sealed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shelf {
    /// How many messages, at most 1,000: 200 unless told. With 0 nothing is kept.
    pub messages: u32,
    /// For how many days, at most 30: 7 unless told.
    pub days: u32,
}

impl Default for Shelf {
    fn default() -> Self {
        Self { messages: 200, days: 7 }
    }
}

impl Policy {
    /// The least that `max_body` may be, in bytes: a first message must fit.
    pub const MIN_BODY: u32 = 8 * 1024;

    /// The most that `fallback_text` may be, in bytes.
    pub const MAX_FALLBACK: usize = 256;

    /// That the values can be worked with; [`Error::Misuse`] if not.
    pub fn check(&self) -> Result<()> {
        if self.max_body < Self::MIN_BODY {
            return Err(Error::Misuse("max_body is at least 8 KiB"));
        }
        if self.shelf.messages > 1_000 || self.shelf.days > 30 {
            return Err(Error::Misuse("the shelf has at most 1,000 messages for 30 days"));
        }
        if self.fallback_text.len() > Self::MAX_FALLBACK || armor::find(&self.fallback_text).is_some() {
            return Err(Error::Misuse("fallback_text is at most 256 bytes, without armor in it"));
        }
        Ok(())
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            directory: Directory::Full,
            max_body: 1024 * 1024,
            on_change: OnChange::HoldVerified,
            rollout: Rollout::Encrypt,
            armor: Armor::Binary,
            fallback_text: String::new(),
            shelf: Shelf::default(),
        }
    }
}

numbered! {
    /// What an account starts from.
    #[derive(Default)]
    pub enum Start: "start" {
        /// New keys: this is the account's first device.
        #[default]
        NewAccount = 1,
        /// A device more of an account that exists: it shows a code, and a device that holds the account key admits it. Until
        /// then it can do nothing else.
        Link = 2,
    }
}

/// What `Client::create` needs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where the store is to be.
    pub place: Place,
    /// The key that is to unlock it.
    pub key: Key,
    /// The account that it is for.
    pub account: AccountId,
    /// What the account starts from.
    pub start: Start,
    /// What the app decides about its messages.
    pub policy: Policy,
}

impl Config {
    /// A new account with the default policy.
    #[must_use]
    pub fn new(place: Place, key: Key, account: AccountId) -> Self {
        Self { place, key, account, start: Start::default(), policy: Policy::default() }
    }
}

numbered! {
    /// What a process is to the app.
    #[derive(Default)]
    pub enum Role: "role" {
        /// The app itself.
        #[default]
        App = 1,
        /// A helper beside it, such as a notification extension: never migrates and never tidies up the store.
        Extension = 2,
    }
}

/// What `Client::open` needs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opening {
    /// Where the store is.
    pub place: Place,
    /// The key that unlocks it.
    pub key: Key,
    /// The account that the caller expects in it; another one is [`Error::WrongAccount`].
    pub account: AccountId,
    /// What this process is to the app.
    pub role: Role,
}

impl Opening {
    /// The app itself opens its store.
    #[must_use]
    pub fn new(place: Place, key: Key, account: AccountId) -> Self {
        Self { place, key, account, role: Role::App }
    }
}
