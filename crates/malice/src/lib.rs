//! A server that lies: a key directory and mailboxes in memory, honest until it is told to play a trick.
//!
//! It sees opaque bytes, knows nothing of Sprag and links nothing of it, so that any server's tests can use it. What
//! tricks are played is the caller's decision, or left to a [`Whim`] from a seed; the same calls give the same answers.

#![forbid(unsafe_code)]

mod directory;
mod mail;
mod trick;
mod whim;

use std::collections::BTreeMap;

pub use self::directory::{Directory, ListWrite, Published, Upload};
pub use self::mail::{Mail, Mailboxes};
pub use self::trick::{Deed, Trick};
pub use self::whim::Whim;

/// An account's id, as the app has it.
pub type Account = Vec<u8>;

/// The number of a device of an account.
pub type Device = u32;

/// The server.
#[derive(Clone, Debug, Default)]
pub struct Server {
    /// Keys.
    pub directory: Directory,
    /// Messages.
    pub mail: Mailboxes,
    /// How often each trick was played.
    pub played: BTreeMap<&'static str, u64>,
}

impl Server {
    /// From here on it is honest: what it held back comes, and everybody is shown what was published last. What it
    /// dropped is gone.
    pub fn repent(&mut self) -> Deed {
        self.directory.repent();
        self.mail.release();
        Deed { what: "repents".to_owned(), ..Deed::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> Server {
        let mut server = Server::default();
        for name in [b"ada", b"bob"] {
            let list = ListWrite { object: name.to_vec(), sequence: 1, expected: 0 };
            let one_time = vec![b"1".to_vec(), b"2".to_vec()];
            let upload =
                Upload { list: Some(list), signed_prekey: Some(b"s".to_vec()), one_time, reset_one_time: false };
            assert_eq!(server.directory.publish(name, 1, upload), Published::Stored(2));
        }
        server.mail.send(b"ada", &[b"bob".to_vec()], b"first");
        server.mail.send(b"ada", &[b"bob".to_vec()], b"second");
        server
    }

    fn waiting(server: &Server, account: &[u8]) -> Vec<String> {
        let mail = server.mail.collect(account, 1, 10);
        mail.into_iter().map(|mail| String::from_utf8_lossy(&mail.blob).into_owned()).collect()
    }

    #[test]
    fn it_is_honest_unless_told_otherwise() {
        let mut server = filled();
        for one_time in [b"1".to_vec(), b"2".to_vec()] {
            let keys = server.directory.keys(b"ada", b"bob", true).unwrap_or_default();
            assert_eq!(keys, [b"bob".to_vec(), b"s".to_vec(), one_time]);
        }
        assert_eq!(server.directory.left(b"bob", 1), 0);
        let old = ListWrite { object: b"x".to_vec(), sequence: 2, expected: 0 };
        let upload = Upload { list: Some(old), ..Upload::default() };
        assert_eq!(server.directory.publish(b"bob", 1, upload), Published::Conflict(b"bob".to_vec()));
        assert_eq!(waiting(&server, b"bob"), ["first", "second"]);
        server.mail.acknowledge(b"bob", 1, 1);
        assert_eq!(waiting(&server, b"bob"), ["second"]);
    }

    #[test]
    fn two_that_read_one_mailbox_each_read_all_of_it() {
        let mut server = filled();
        server.mail.acknowledge(b"bob", 1, 1);
        server.mail.branch(b"bob", 1, 2);
        server.mail.acknowledge(b"bob", 1, 2);
        server.mail.send(b"ada", &[b"bob".to_vec()], b"third");
        // A trick does not take away what one of them has still to read.
        server.play(Trick::Duplicate { to: 1, which: 1 });
        let read =
            |device| server.mail.collect(b"bob", device, 10).into_iter().map(|mail| mail.blob).collect::<Vec<_>>();
        assert_eq!(read(1), [&b"third"[..], b"third"]);
        assert_eq!(read(2), [&b"second"[..], b"third", b"third"]);
    }

    #[test]
    fn its_tricks_are_what_they_say() {
        let after = |trick| {
            let mut server = filled();
            assert!(server.play(trick).is_some(), "{trick:?}");
            (waiting(&server, b"bob"), waiting(&server, b"ada"), server)
        };
        assert_eq!(after(Trick::Drop { to: 1, which: 2 }).0, ["second"]);
        assert_eq!(after(Trick::Swap { to: 1, which: 0, other: 1 }).0, ["second", "first"]);
        assert_eq!(after(Trick::Duplicate { to: 1, which: 0 }).0, ["first", "second", "first"]);
        assert_eq!(after(Trick::Splice { to: 1, which: 1, other: 0, at: 2 }).0, ["first", "serst", "second"]);
        assert_eq!(after(Trick::Cut { to: 1, which: 1, at: 2 }).0, ["first", "se", "second"]);
        assert_eq!(after(Trick::Reflect { to: 1, which: 0 }).1, ["first"]);
        let (_, _, mut server) = after(Trick::Hold { to: 1, which: 0 });
        assert_eq!(waiting(&server, b"bob"), ["second"]);
        server.repent();
        assert_eq!(waiting(&server, b"bob"), ["second", "first"]);
        let (_, _, mut server) = after(Trick::Impersonate { asker: 0, account: 1, other: 0 });
        assert_eq!(server.directory.keys(b"ada", b"bob", false).unwrap_or_default()[0], b"ada");
        assert_eq!(server.directory.keys(b"bob", b"bob", false).unwrap_or_default()[0], b"bob");
    }

    #[test]
    fn a_trick_needs_something_to_be_played_on() {
        let mut server = Server::default();
        assert_eq!(server.play(Trick::Drop { to: 0, which: 0 }), None);
        assert_eq!(server.play(Trick::Drain { account: 0 }), None);
        assert!(server.played.is_empty());
    }

    #[test]
    fn who_says_late_what_it_has_misses_nothing() {
        let mut server = filled();
        assert_eq!(server.mail.collect(b"bob", 1, 1)[0].blob, b"first");
        server.play(Trick::Swap { to: 1, which: 0, other: 1 });
        server.mail.acknowledge(b"bob", 1, 1);
        assert_eq!(waiting(&server, b"bob"), ["second", "first"]);
    }

    #[test]
    fn every_kind_is_known_by_its_name() {
        let mail = |kind: &&str| Trick::with_mail(kind, || 1).map(|trick| trick.kind()) == Some(kind);
        let keys = |kind: &&str| Trick::with_keys(kind, 0, 1, || 1).map(|trick| trick.kind()) == Some(kind);
        assert!(Trick::WITH_MAIL.iter().all(mail) && Trick::WITH_KEYS.iter().all(keys));
        assert_eq!(Trick::WITH_MAIL.len() + Trick::WITH_KEYS.len(), 21);
        let mistake = "7:flip,twice".parse::<Whim>().map(drop);
        assert!(mistake.is_err_and(|words| words.contains("twice") && words.contains("one-time-key-twice")));
        assert!("x:flip".parse::<Whim>().is_err() && "7:flip,".parse::<Whim>().is_err());
    }

    #[test]
    fn a_whim_follows_its_seed_and_keeps_to_its_kinds() {
        let course = |words: &str| {
            let (mut server, mut whim) = (filled(), words.parse::<Whim>().unwrap_or_else(|error| panic!("{error}")));
            let mut deeds = Vec::new();
            for _ in 0..200 {
                server.mail.send(b"ada", &[b"bob".to_vec()], b"more");
                deeds.extend(whim.message(&mut server));
                deeds.extend(whim.question(&mut server, b"ada", b"bob"));
            }
            (deeds, server.played)
        };
        assert_eq!(course("1"), course("1"));
        assert_ne!(course("1").0, course("2").0);
        // A queue that is drained stays so, and nobody was lied to when it was honest again.
        assert!(course("1").1.len() >= 19, "{:?}", course("1").1);
        let (deeds, played) = course("3:flip,old-list");
        assert_eq!(played.keys().copied().collect::<Vec<_>>(), ["flip", "old list"]);
        assert!(deeds.iter().any(|deed| deed.what == "repents"));
    }
}
