//! How an id is declared that the app chooses: bytes, compared as they are.
//!
//! It knows none of them.

/// Declares an id of 1 to 64 bytes.
macro_rules! app_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(alloc::boxed::Box<[u8]>);

        impl $name {
            /// Bytes of the longest id.
            pub const MAX: usize = 64;

            /// Accepts 1 to 64 bytes.
            ///
            /// # Errors
            /// [`Error::Malformed`](crate::Error::Malformed) for none, [`Error::TooLarge`](crate::Error::TooLarge) for
            /// more than 64.
            pub fn new(bytes: &[u8]) -> $crate::error::Result<Self> {
                match bytes.len() {
                    0 => Err($crate::error::Error::Malformed),
                    1..=Self::MAX => Ok(Self(bytes.into())),
                    _ => Err($crate::error::Error::TooLarge),
                }
            }

            /// The bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.escape_ascii())
            }
        }
    };
}
