//! Another Rust library, as a plugin or a dependency of an app might be: it has a standard library of its own inside, and
//! panics and catches.

use std::collections::BTreeMap;
use std::panic::catch_unwind;

/// How many times `len` bytes of text have a word, or -1 for a text that makes it panic.
///
/// # Safety
/// `text` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn other_words(text: *const u8, len: usize) -> i32 {
    // SAFETY: the caller's promise.
    let text = unsafe { std::slice::from_raw_parts(text, len) }.to_vec();
    catch_unwind(move || {
        let text = String::from_utf8(text).unwrap();
        let words: BTreeMap<&str, usize> = text.split(' ').map(|word| (word, word.len())).collect();
        i32::try_from(words.len()).unwrap()
    })
    .unwrap_or(-1)
}
