//! Promises broken on purpose, to see that the tests notice. There is none of it in what ships: only the feature
//! `sabotage` builds it, and then a switch is turned on by naming it in the variable `SPRAG_SABOTAGE`.
//!
//! In such a build it also keeps a ledger of what was sealed, with and without a switch.

extern crate std;

use alloc::vec::Vec;
use core::cell::RefCell;
use std::collections::BTreeMap;
use std::string::String;
use std::sync::OnceLock;

use crate::crypto::hash::{hmac, sha256};

/// Whether this promise is to be broken.
#[must_use]
pub fn on(switch: &str) -> bool {
    static WISH: OnceLock<Option<String>> = OnceLock::new();
    WISH.get_or_init(|| std::env::var("SPRAG_SABOTAGE").ok()).as_deref() == Some(switch)
}

/// Key and nonce, hashed, and what was sealed under them.
type Ledger = BTreeMap<[u8; 32], [u8; 32]>;

std::thread_local! {
    static SEALED: RefCell<Ledger> = const { RefCell::new(Ledger::new()) };
    static REUSED: RefCell<bool> = const { RefCell::new(false) };
    static IS_KEPT: RefCell<bool> = const { RefCell::new(true) };
}

/// Keeps no ledger on this thread any more: what it costs is not to be measured.
pub fn forget() {
    IS_KEPT.with(|kept| kept.replace(false));
}

/// Takes note of what is sealed on this thread.
pub fn seals(key: &[u8; 32], nonce: &[u8], ad: &[u8], plaintext: &[u8]) {
    if !IS_KEPT.with(|kept| *kept.borrow()) {
        return;
    }
    let under = hmac(key, &[nonce]);
    let parts: Vec<u8> = [sha256(ad), sha256(plaintext)].concat();
    let what = sha256(&parts);
    let before = SEALED.with(|sealed| sealed.borrow_mut().insert(under, what));
    if before.is_some_and(|before| before != what) {
        REUSED.with(|reused| *reused.borrow_mut() = true);
    }
}

/// Whether two different inputs were sealed under one key and nonce on this thread since this was asked last. The ledger
/// begins anew.
#[must_use]
pub fn reused() -> bool {
    SEALED.with(|sealed| sealed.borrow_mut().clear());
    REUSED.with(|reused| reused.replace(false))
}
