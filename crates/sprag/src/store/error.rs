//! What can go wrong below the engine, sorted by what the caller can do about it. No text, no data of a user.

use rusqlite::ErrorCode;

use crate::context::NoRandomness;
use crate::error::{Error as DoorError, StoreFault};

/// The result of a store operation.
pub(crate) type Result<T> = core::result::Result<T, Error>;

/// Why the store did nothing. Whatever transaction was open is rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// A value was damaged, exchanged or removed behind the store's back.
    Corrupt,
    /// No room on the disk.
    Full,
    /// Reading or writing failed for another reason.
    Io,
    /// Another connection held the lock for longer than a call may wait.
    Busy,
    /// Suspended, or the platform keeps the file closed for now.
    Unavailable,
    /// The key is not the store's.
    WrongKey,
    /// There is a store, or another database, at this place already.
    Exists,
    /// There is no store at this place.
    NoStore,
    /// A later version wrote it.
    Newer,
    /// A write on a store that was opened for reading.
    ReadOnly,
    /// The platform has no random bytes.
    NoRandomness,
    /// A mistake of the engine.
    Misuse(&'static str),
}

impl From<Error> for DoorError {
    fn from(error: Error) -> Self {
        match error {
            Error::Corrupt => Self::Store(StoreFault::Corrupt),
            Error::Full => Self::Store(StoreFault::Full),
            Error::Io => Self::Store(StoreFault::Io),
            Error::Busy => Self::Busy,
            Error::Unavailable | Error::NoRandomness => Self::Unavailable,
            Error::WrongKey => Self::WrongKey,
            Error::Exists => Self::Exists,
            Error::NoStore => Self::NoStore,
            Error::Newer => Self::Newer,
            Error::ReadOnly => Self::NotAllowed,
            Error::Misuse(what) => Self::Internal(what),
        }
    }
}

impl From<NoRandomness> for Error {
    fn from(NoRandomness: NoRandomness) -> Self {
        Self::NoRandomness
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        match error {
            E::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
                    Self::Busy
                }
                ErrorCode::DiskFull => Self::Full,
                // Damage shows as these: a page that is none, a constraint that holds in every file that we wrote, and
                // statements that no longer fit the tables.
                ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::Unknown => Self::Corrupt,
                ErrorCode::OperationInterrupted
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::AuthorizationForStatementDenied
                | ErrorCode::ReadOnly => Self::Unavailable,
                _ => Self::Io,
            },
            // A column that holds another type than we ever write.
            E::InvalidColumnType(..)
            | E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::QueryReturnedNoRows => Self::Corrupt,
            _ => Self::Io,
        }
    }
}
