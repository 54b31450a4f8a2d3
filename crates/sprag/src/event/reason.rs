//! Why something cannot be read or was not delivered, and what is done about it.

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why a message cannot be read, or was not delivered. Numbers below 100 are the core's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum Reason {
            $($(#[$doc])* $name = $code,)*
        }

        impl Reason {
            /// The reason with this number.
            #[must_use]
            pub const fn from_code(code: u32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The stable number of this reason, the same in every release and language.
            #[must_use]
            pub const fn code(self) -> u32 {
                self as u32
            }

            /// A few words for a log; apps show words of their own.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

reasons! {
    /// Not the one encoding of such an object.
    Malformed = 1, "malformed";
    /// A version or extension of a later release.
    Unsupported = 2, "unsupported version or extension";
    /// A public key that is none.
    BadKey = 3, "bad public key";
    /// A signature that does not verify.
    BadSignature = 4, "bad signature";
    /// Past its time.
    Expired = 5, "expired";
    /// Parts that do not belong together.
    Mismatch = 6, "parts do not belong together";
    /// Decryption failed. Nothing more is said.
    Open = 7, "does not open";
    /// A position too far ahead.
    TooFar = 8, "too far ahead";
    /// The key for it was used or deleted. Also said of a slot that was meant for us by its hint and that no key opens: once
    /// the key is gone, it cannot be told from a forgery.
    KeyGone = 9, "the key is gone";
    /// Larger than allowed.
    TooLarge = 10, "too large";
    /// An older device list than the known one.
    Rollback = 11, "older device list";
    /// Another device list under a known number.
    Fork = 12, "forked device list";
    /// The commitment does not open.
    Commitment = 13, "commitment does not open";
    /// Wrong padding.
    Padding = 14, "wrong padding";
    /// It belongs to another conversation than the one it came in.
    Misfiled = 15, "filed under another conversation";
    /// A counter at its end.
    Exhausted = 16, "counter exhausted";
    /// Two copies of the sender's state are in use.
    Evidence = 17, "evidence of a copied state";
    /// Nothing in it is for this device.
    NotAddressed = 18, "not addressed to this device";
    /// The sending device is not on its account's list.
    NotListed = 101, "the device is not on its account's list";
    // 102 was never given.
    /// The contact's identity is not the pinned one.
    IdentityChanged = 103, "the identity changed";
    /// The directory knows no keys of the recipient.
    NoKeys = 104, "no keys of the recipient";
    /// The server forbids it.
    Forbidden = 105, "forbidden by the server";
    /// The server does not know the account.
    NoSuchAccount = 106, "no such account";
    /// The server refused for another reason.
    Refused = 107, "refused by the server";
    /// What is needed to read it is damaged in the store.
    Damaged = 108, "the store is damaged";
    /// The session with a contact whose number the user had compared was begun anew by somebody who did not know the old one.
    Restarted = 109, "the session was begun anew";
    /// The conversation is plain, and not everybody in it can read what is encrypted yet: the app uses the path it had before.
    NotReady = 112, "not everybody can read it yet";
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

/// What is done about a message that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Healing {
    /// Its sender is asked for it again: it may still come, in its place, or another event says that nothing will.
    Asked = 1,
    /// Nothing more will come of it.
    Final = 2,
}

impl Healing {
    /// The stable number of this answer.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }
}
