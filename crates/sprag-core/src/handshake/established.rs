//! What a handshake yields: the transcript and the keys that a session begins with.
//!
//! It does not know how they were agreed upon, nor what a ratchet does with them.

use crate::secret::Secret;

/// The result of a completed handshake, the same on both sides. The ratchet consumes it.
///
/// `docs/protocol.md`, *Handshake*. *a* is the initiator, *b* the responder.
pub struct Established {
    /// T: the hash of everything both sides said, the session's associated data for ever. 32 bytes, not secret but
    /// never sent.
    pub transcript: [u8; 32],
    /// The root key that the first root step starts from.
    pub root_key: Secret<32>,
    /// The header key of the first chain a → b.
    pub header_key: Secret<32>,
    /// The header key of the first chain b → a.
    pub next_header_key: Secret<32>,
    /// The authenticator's key of the post-quantum braid.
    pub braid_authenticator: Secret<32>,
    /// The key that the chains of the braid's epoch 0 start from.
    pub braid_chains: Secret<32>,
}
