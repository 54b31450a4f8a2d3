//! What the door can answer instead of a result: sorted by whose fault it is and what to do about it.
//!
//! It knows nothing of messages: what is wrong with a message is a [`Reason`](crate::Reason) in a verdict or an event,
//! never an error. No text here carries data of a user.

/// The result of a call at the door.
pub type Result<T> = core::result::Result<T, Error>;

numbered! {
    /// What is wrong with the store's file.
    pub enum StoreFault: "fault" {
        /// No room is left on the disk. Free some and try again; nothing was lost.
        Full = 1,
        /// A value that was damaged, exchanged or removed behind the engine's back. It is never taken for a fresh start.
        Corrupt = 2,
        /// Reading or writing the file failed for another reason.
        Io = 3,
    }
}

/// Why a call changed nothing. Every call is a transaction: after an error the client is as it was, and stays usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The store's file cannot be read or written.
    Store(StoreFault),
    /// Another process held the store for longer than a call may wait. Try again.
    Busy,
    /// The store is closed for now: suspended, or the platform keeps its file locked. Try again after
    /// `Client::resume`.
    Unavailable,
    /// The key is not the one that this store was made with. Nothing was changed.
    WrongKey,
    /// The store belongs to another account than the one named.
    WrongAccount,
    /// There is a store at this place already; `create` never replaces one.
    Exists,
    /// There is no store at this place; `open` never makes one.
    NoStore,
    /// A later version of Sprag wrote this store.
    Newer,
    /// No such contact, message or request.
    Unknown,
    /// The conversation is plain: the app uses the path it had before. Who is not known yet is asked for meanwhile, so that
    /// it may be otherwise next time.
    NotProtected,
    /// Policy forbids it, for example after the identity of a contact changed.
    NotAllowed,
    /// A mistake of the caller, and which one.
    Misuse(&'static str),
    /// A defect of Sprag that was caught: rolled back. The text says where.
    Internal(&'static str),
}

impl Error {
    /// The stable number of this error, the same in every release and language. 0 is success; 64 and up belong to the
    /// faces.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Store(_) => 1,
            Self::Busy => 2,
            Self::Unavailable => 3,
            Self::WrongKey => 4,
            Self::WrongAccount => 5,
            Self::Exists => 6,
            Self::NoStore => 7,
            Self::Newer => 8,
            Self::Unknown => 9,
            Self::NotProtected => 10,
            Self::NotAllowed => 11,
            Self::Misuse(_) => 12,
            Self::Internal(_) => 13,
        }
    }

    /// Whether the same call may succeed later without anything else being done.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable)
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Store(StoreFault::Full) => f.write_str("the store's disk is full"),
            Self::Store(StoreFault::Corrupt) => f.write_str("the store is damaged"),
            Self::Store(StoreFault::Io) => f.write_str("the store cannot be read or written"),
            Self::Busy => f.write_str("another process holds the store; try again"),
            Self::Unavailable => f.write_str("the store is closed for now"),
            Self::WrongKey => f.write_str("wrong key for this store"),
            Self::WrongAccount => f.write_str("the store belongs to another account"),
            Self::Exists => f.write_str("a store exists already"),
            Self::NoStore => f.write_str("there is no store"),
            Self::Newer => f.write_str("a later version wrote this store"),
            Self::Unknown => f.write_str("no such contact, message or request"),
            Self::NotProtected => f.write_str("the conversation is not protected"),
            Self::NotAllowed => f.write_str("not allowed"),
            Self::Misuse(what) => write!(f, "misuse: {what}"),
            Self::Internal(what) => write!(f, "internal error: {what}"),
        }
    }
}

impl core::error::Error for Error {}

/// A refusal of the core where our own state or our own message was at stake and not something received: a defect.
/// Received bytes become a [`Reason`](crate::Reason) instead.
impl From<sprag_core::Error> for Error {
    fn from(error: sprag_core::Error) -> Self {
        Self::Internal(match error {
            sprag_core::Error::Malformed => "core: malformed",
            sprag_core::Error::Unsupported => "core: unsupported",
            sprag_core::Error::BadKey => "core: bad key",
            sprag_core::Error::BadSignature => "core: bad signature",
            sprag_core::Error::Expired => "core: expired",
            sprag_core::Error::Mismatch => "core: mismatch",
            sprag_core::Error::Open => "core: does not open",
            sprag_core::Error::TooFar => "core: too far",
            sprag_core::Error::KeyGone => "core: key gone",
            sprag_core::Error::TooLarge => "core: too large",
            sprag_core::Error::Rollback => "core: rollback",
            sprag_core::Error::Fork => "core: fork",
            sprag_core::Error::Commitment => "core: commitment",
            sprag_core::Error::Padding => "core: padding",
            sprag_core::Error::Misfiled => "core: misfiled",
            sprag_core::Error::Exhausted => "core: exhausted",
            sprag_core::Error::Evidence => "core: evidence",
            sprag_core::Error::NotAddressed => "core: not addressed",
            _ => "core",
        })
    }
}
