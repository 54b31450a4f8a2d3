//! Why something cannot be read or was not delivered, and what is done about it.

numbered! {
    /// Why a message cannot be read, or was not delivered. Numbers below 100 are the core's.
    pub enum Reason: "reason" {
        /// Not the one encoding of such an object.
        Malformed = 1,
        /// A version or extension of a later release.
        Unsupported = 2,
        /// A public key that is none.
        BadKey = 3,
        /// A signature that does not verify.
        BadSignature = 4,
        /// Past its time.
        Expired = 5,
        /// Parts that do not belong together.
        Mismatch = 6,
        /// Decryption failed. Nothing more is said.
        Open = 7,
        /// A position too far ahead.
        TooFar = 8,
        /// The key for it was used or deleted. Also said of a slot that was meant for us by its hint and that no key opens: once
        /// the key is gone, it cannot be told from a forgery.
        KeyGone = 9,
        /// Larger than allowed.
        TooLarge = 10,
        /// An older device list than the known one.
        Rollback = 11,
        /// Another device list under a known number.
        Fork = 12,
        /// The commitment does not open.
        Commitment = 13,
        /// Wrong padding.
        Padding = 14,
        /// It belongs to another conversation than the one it came in.
        Misfiled = 15,
        /// A counter at its end.
        Exhausted = 16,
        /// Two copies of the sender's state are in use.
        Evidence = 17,
        /// Nothing in it is for this device.
        NotAddressed = 18,
        /// The sending device is not on its account's list.
        NotListed = 101,
        // 102 was never given.
        /// The contact's identity is not the pinned one.
        IdentityChanged = 103,
        /// The directory knows no keys of the recipient.
        NoKeys = 104,
        /// The server forbids it.
        Forbidden = 105,
        /// The server does not know the account.
        NoSuchAccount = 106,
        /// The server refused for another reason.
        Refused = 107,
        /// What is needed to read it is damaged in the store.
        Damaged = 108,
        /// The session with a contact whose number the user had compared was begun anew by somebody who did not know the old one.
        Restarted = 109,
        /// The conversation is plain, and not everybody in it can read what is encrypted yet: the app uses the path it had before.
        NotReady = 112,
    }
}

impl Reason {
    /// A few words for a log; apps show words of their own.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported version or extension",
            Self::BadKey => "bad public key",
            Self::BadSignature => "bad signature",
            Self::Expired => "expired",
            Self::Mismatch => "parts do not belong together",
            Self::Open => "does not open",
            Self::TooFar => "too far ahead",
            Self::KeyGone => "the key is gone",
            Self::TooLarge => "too large",
            Self::Rollback => "older device list",
            Self::Fork => "forked device list",
            Self::Commitment => "commitment does not open",
            Self::Padding => "wrong padding",
            Self::Misfiled => "filed under another conversation",
            Self::Exhausted => "counter exhausted",
            Self::Evidence => "evidence of a copied state",
            Self::NotAddressed => "not addressed to this device",
            Self::NotListed => "the device is not on its account's list",
            Self::IdentityChanged => "the identity changed",
            Self::NoKeys => "no keys of the recipient",
            Self::Forbidden => "forbidden by the server",
            Self::NoSuchAccount => "no such account",
            Self::Refused => "refused by the server",
            Self::Damaged => "the store is damaged",
            Self::Restarted => "the session was begun anew",
            Self::NotReady => "not everybody can read it yet",
        }
    }
}

impl From<sprag_core::Error> for Reason {
    fn from(error: sprag_core::Error) -> Self {
        Self::from_code(u32::from(error.code())).unwrap_or(Self::Open)
    }
}

impl core::fmt::Display for Reason {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

numbered! {
    /// What is done about a message that cannot be read.
    pub enum Healing: "answer" {
        /// Its sender is asked for it again: it may still come, in its place, or another event says that nothing will.
        Asked = 1,
        /// Nothing more will come of it.
        Final = 2,
    }
}
