//! How an enumeration is declared whose numbers are in rows and in the faces: never given another meaning, never used twice.
//!
//! It knows none of them.

/// Declares an enumeration with stable numbers. The text is what one of its values is called.
macro_rules! numbered {
    ($(#[$doc:meta])* pub enum $name:ident: $noun:literal {
        $($(#[$case_doc:meta])* $case:ident = $code:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum $name {
            $($(#[$case_doc])* $case = $code,)*
        }

        impl $name {
            #[doc = concat!("The stable number of this ", $noun, ", the same in every release and language.")]
            #[must_use]
            pub const fn code(self) -> u32 {
                self as u32
            }

            #[doc = concat!("The ", $noun, " with this number.")]
            #[must_use]
            pub const fn from_code(code: u32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$case),)*
                    _ => None,
                }
            }
        }
    };
}
