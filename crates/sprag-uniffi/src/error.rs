//! Why a call changed nothing.

/// Why a call changed nothing. The message begins with the stable number of the error.
#[derive(Debug, uniffi::Error)]
#[uniffi(flat_error)]
pub enum SpragError {
    /// The store's file cannot be read or written.
    Store(sprag::Error),
    /// Another process held the store for too long. Try again.
    Busy(sprag::Error),
    /// The store is closed for now.
    Unavailable(sprag::Error),
    /// The key is not this store's.
    WrongKey(sprag::Error),
    /// The store belongs to another account.
    WrongAccount(sprag::Error),
    /// There is a store already.
    Exists(sprag::Error),
    /// There is no store.
    NoStore(sprag::Error),
    /// A later version wrote the store.
    Newer(sprag::Error),
    /// No such contact, message or request.
    Unknown(sprag::Error),
    /// The conversation is plain.
    NotProtected(sprag::Error),
    /// Policy forbids it.
    NotAllowed(sprag::Error),
    /// A mistake of the caller.
    Misuse(sprag::Error),
    /// A defect of Sprag that was caught and rolled back.
    Internal(sprag::Error),
}

impl SpragError {
    const fn inner(&self) -> sprag::Error {
        match self {
            Self::Store(error)
            | Self::Busy(error)
            | Self::Unavailable(error)
            | Self::WrongKey(error)
            | Self::WrongAccount(error)
            | Self::Exists(error)
            | Self::NoStore(error)
            | Self::Newer(error)
            | Self::Unknown(error)
            | Self::NotProtected(error)
            | Self::NotAllowed(error)
            | Self::Misuse(error)
            | Self::Internal(error) => *error,
        }
    }
}

impl std::fmt::Display for SpragError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let error = self.inner();
        write!(f, "{}: {error}", error.code())
    }
}

impl std::error::Error for SpragError {}

impl From<sprag::Error> for SpragError {
    fn from(error: sprag::Error) -> Self {
        match error {
            sprag::Error::Store(_) => Self::Store(error),
            sprag::Error::Busy => Self::Busy(error),
            sprag::Error::Unavailable => Self::Unavailable(error),
            sprag::Error::WrongKey => Self::WrongKey(error),
            sprag::Error::WrongAccount => Self::WrongAccount(error),
            sprag::Error::Exists => Self::Exists(error),
            sprag::Error::NoStore => Self::NoStore(error),
            sprag::Error::Newer => Self::Newer(error),
            sprag::Error::Unknown => Self::Unknown(error),
            sprag::Error::NotProtected => Self::NotProtected(error),
            sprag::Error::NotAllowed => Self::NotAllowed(error),
            sprag::Error::Misuse(_) => Self::Misuse(error),
            _ => Self::Internal(error),
        }
    }
}

/// What a call of this face answers.
pub(crate) type Result<T> = std::result::Result<T, SpragError>;
