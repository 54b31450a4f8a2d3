//! Bodies that show what an app's server does to bodies.
//!
//! Nothing in them is secret.

use sprag_core::armor;
use sprag_core::crypto::hash::sha256;

/// What a probe begins with: no object of ours does.
const MARK: &[u8; 12] = b"\xF8sprag probe";

/// Mark and digest.
const HEAD: usize = MARK.len() + 32;

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probed {
    /// It came back as it went.
    Unchanged {
        /// The bytes of the body.
        length: usize,
    },
    /// Its armor came back in another text, with white space or other text added: it is read all the same.
    Readable {
        /// The bytes of the body, as it came back.
        length: usize,
    },
    /// It was changed or cut, or is no probe.
    Damaged,
}

/// Every byte there is, again and again, after a mark and a digest.
pub(crate) fn object(length: usize) -> Option<Vec<u8>> {
    let fill: Vec<u8> = (0..=u8::MAX).cycle().take(length.checked_sub(HEAD)?).collect();
    Some([&MARK[..], &sha256(&fill), &fill].concat())
}

fn is_whole(object: &[u8]) -> bool {
    let Some((head, fill)) = object.split_at_checked(HEAD) else { return false };
    head.starts_with(MARK) && head[MARK.len()..] == sha256(fill)
}

/// What became of a body from [`Client::probe`](crate::Client::probe) on its way through the app's server.
#[must_use]
pub fn probed(body: &[u8]) -> Probed {
    let length = body.len();
    if is_whole(body) {
        return Probed::Unchanged { length };
    }
    let Ok(text) = core::str::from_utf8(body) else { return Probed::Damaged };
    let Some(object) = armor::find(text).filter(|object| is_whole(object)) else { return Probed::Damaged };
    // The fallback that was in front is not known here: what stands there may be it.
    let is_same = armor::wrap("", &object).is_ok_and(|armored| text.ends_with(&armored));
    if is_same { Probed::Unchanged { length } } else { Probed::Readable { length } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_shows_what_became_of_it() {
        let object = object(8_192).unwrap();
        assert_eq!(probed(&object), Probed::Unchanged { length: 8_192 });
        for at in 0..object.len() {
            let mut changed = object.clone();
            changed[at] ^= 0x80;
            assert_eq!(probed(&changed), Probed::Damaged, "{at}");
            assert_eq!(probed(&object[..at]), Probed::Damaged);
        }
        // A server that takes bytes for text.
        assert_eq!(probed(String::from_utf8_lossy(&object).as_bytes()), Probed::Damaged);
        let text = armor::wrap("a message", &object).unwrap();
        assert_eq!(probed(text.as_bytes()), Probed::Unchanged { length: text.len() });
        let wrapped: String = text.chars().flat_map(|c| [Some(c), (c == 'z').then_some('\n')]).flatten().collect();
        assert_eq!(probed(wrapped.as_bytes()), Probed::Readable { length: wrapped.len() });
        assert_eq!(probed(&text.as_bytes()[..text.len() - 1]), Probed::Damaged);
        assert_eq!(probed(text.to_lowercase().as_bytes()), Probed::Damaged);
        assert_eq!(probed(b""), Probed::Damaged);
    }
}
