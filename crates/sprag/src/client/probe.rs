//! The door for finding out what the app's server does to bodies.

use sprag_core::armor;

use super::Client;
use crate::config::Armor;
use crate::error::{Error, Result};
use crate::outbox;
use crate::probe;

impl Client {
    /// A body of about `length` bytes, and never more, in the armor of the policy: to be sent through the app's server to
    /// oneself. [`probed`](crate::probed) tells what became of it. The longest that comes back unchanged is what `max_body`
    /// may be.
    ///
    /// # Errors
    /// [`Error::Misuse`] for a length below 1 KiB or above 4 MiB; [`Error::Store`].
    pub fn probe(&self, length: u32) -> Result<Vec<u8>> {
        const OUT_OF_BOUNDS: Error = Error::Misuse("a probe has 1 KiB to 4 MiB");
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !(1_024..=armor::MAX_ARMORED).contains(&length) {
            return Err(OUT_OF_BOUNDS);
        }
        self.store.read(|snapshot| {
            let own = self.own.load(snapshot)?;
            let inside = match own.policy.armor {
                Armor::Binary => length,
                // 11 letters for 8 bytes, after a header and the fallback.
                Armor::Text => {
                    let around = own.policy.fallback_text.len() + 1 + armor::armored_len(0);
                    length.saturating_sub(around) / 11 * 8
                }
            };
            outbox::body(&own, &probe::object(inside).ok_or(OUT_OF_BOUNDS)?)
        })
    }
}
