//! The door for finding out what the app's server does to bodies.

use sprag_core::armor;

use super::Client;
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
            outbox::body(&own, &probe::object(outbox::inside(&own, length)).ok_or(OUT_OF_BOUNDS)?)
        })
    }
}
