//! What can go wrong in the core, sorted by what the caller can do about it.
//!
//! It knows nothing of texts for people: the engine and the faces say those.

/// The result of a core operation.
pub type Result<T> = core::result::Result<T, Error>;

/// A refusal. Every refusal leaves the state it was given as it was.
///
/// Deliberately without fields: nothing about keys or content can leak through it, and at the cipher it is opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum Error {
    /// The bytes are not the one deterministic encoding of such an object.
    Malformed = 1,
    /// A version, kind or even extension that this release does not know.
    Unsupported = 2,
    /// A public key that is non-canonical, of small order or fails its modulus check; or a shared secret of zero.
    BadKey = 3,
    /// A signature that does not verify strictly.
    BadSignature = 4,
    /// An object past its expiry, or not valid yet beyond the tolerated clock error of a day.
    Expired = 5,
    /// Parts that do not belong together: ids, keys or kinds differ.
    Mismatch = 6,
    /// An authenticated decryption failed. Nothing more is said.
    Open = 7,
    /// A position beyond the bound of steps that one message may ask for.
    TooFar = 8,
    /// The key for this was used or deleted.
    KeyGone = 9,
    /// Larger than the format allows.
    TooLarge = 10,
    /// A device list with a lower sequence than the known one.
    Rollback = 11,
    /// Two different device lists under one sequence, or a successor that does not name its predecessor.
    Fork = 12,
    /// A franking commitment that does not open.
    Commitment = 13,
    /// Padding other than the one that is prescribed.
    Padding = 14,
    /// A content that belongs to another conversation than the one it came in.
    Misfiled = 15,
    /// A counter at its end; the session must be renewed.
    Exhausted = 16,
    /// Authentic, and impossible from one honest peer: two copies of its state are in use, or it lies.
    Evidence = 17,
    /// Nothing in it is for this device.
    NotAddressed = 18,
}

impl Error {
    /// The stable number of this error, the same in every release and language.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed object",
            Self::Unsupported => "unsupported version, kind or extension",
            Self::BadKey => "bad public key",
            Self::BadSignature => "bad signature",
            Self::Expired => "expired or not yet valid",
            Self::Mismatch => "parts do not belong together",
            Self::Open => "does not open",
            Self::TooFar => "too many steps",
            Self::KeyGone => "key is gone",
            Self::TooLarge => "too large",
            Self::Rollback => "older device list",
            Self::Fork => "forked device list",
            Self::Commitment => "commitment does not open",
            Self::Padding => "wrong padding",
            Self::Misfiled => "filed under another conversation",
            Self::Exhausted => "counter exhausted",
            Self::Evidence => "evidence of a cloned or lying peer",
            Self::NotAddressed => "not addressed to this device",
        })
    }
}

impl core::error::Error for Error {}
