//! By which secret a session is continued later, on both sides and at every moment.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test says no by panicking")]

mod pairs;

use pairs::{BINDING, Counted, pair};
use sprag_core::ratchet::{Continued, Progress, Session};
use sprag_core::secret::Secret;

fn stored(session: &Session) -> Session {
    let (hot, cold) = (session.encode(), session.encode_cold());
    let blocks = session.encode_skipped();
    let again = Session::decode(
        hot.expose_secret(),
        cold.expose_secret(),
        blocks.iter().map(sprag_core::secret::SecretBytes::expose_secret),
    )
    .unwrap();
    assert_eq!(again.encode_cold().expose_secret(), cold.expose_secret());
    again
}

fn pass(from: &mut Session, to: &mut Session, random: &mut Counted) {
    let slot = from.seal(BINDING, &Secret::new([1; 32]), random).unwrap();
    let (_, delta) = to.open(&slot, BINDING).unwrap();
    to.commit(delta, Some(1_000)).unwrap();
}

fn is_ahead(peer: Progress, of: Progress) -> bool {
    peer.turns >= of.turns && peer.epoch >= of.epoch
}

/// What one side would name at any moment the other one has, whoever has sent how much, with messages lost; what it says of
/// how far it is is no less than what it has shown.
#[test]
fn what_is_named_is_known_to_the_other_side() {
    let mut random = Counted(0);
    for bursts in [1, 3, 12] {
        let [mut a, mut b] = pair(&mut random);
        assert!(a.resumption().is_none() && b.resumption().is_none());
        let (mut named, mut ids) = (0, Vec::new());
        for _ in 0..260 {
            for turn in 0..2 {
                let (from, to) = if turn == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
                for _ in 0..=random.below(bursts) {
                    if random.below(5) == 0 {
                        from.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
                    } else {
                        pass(from, to, &mut random);
                    }
                    for (one, other) in [(&*from, &*to), (&*to, &*from)] {
                        let Some(resumption) = one.resumption() else { continue };
                        let Some(Continued::Current(known)) = other.continued(&resumption.id()) else {
                            panic!("{:?} {:?}", one.progress(), other.progress());
                        };
                        assert!(known.secret().ct_eq(resumption.secret()));
                        named += 1;
                        if !ids.contains(&resumption.id()) {
                            ids.push(resumption.id());
                        }
                        assert!(is_ahead(one.progress(), other.proven()));
                    }
                }
            }
            (a, b) = (stored(&a), stored(&b));
        }
        assert!(named > 900, "{named}");
        assert_eq!(ids.len() as u64, a.progress().epoch.max(b.progress().epoch) + 1, "another one with each epoch");
        assert!(ids.len() > 3);
    }
}

/// A copy of one side, or its backup, names what is over, or says that it is less far than it was.
#[test]
fn a_side_that_was_put_back_shows_it() {
    let mut random = Counted(0);
    let [mut a, mut b] = pair(&mut random);
    for _ in 0..3 {
        pass(&mut a, &mut b, &mut random);
        pass(&mut b, &mut a, &mut random);
    }
    pass(&mut a, &mut b, &mut random);
    let copy = stored(&a);
    pass(&mut a, &mut b, &mut random);
    // Not until it has turned is anything shown: within a chain a copy is as far as its original.
    pass(&mut b, &mut a, &mut random);
    assert!(is_ahead(copy.progress(), b.proven()));
    pass(&mut a, &mut b, &mut random);
    assert!(!is_ahead(copy.progress(), b.proven()));
    assert!(matches!(b.continued(&copy.resumption().unwrap().id()), Some(Continued::Current(_))));
    let mut older = 0;
    while b.proven().epoch < 9 {
        pass(&mut b, &mut a, &mut random);
        pass(&mut a, &mut b, &mut random);
        if b.proven().epoch > 0 {
            assert!(matches!(b.continued(&copy.resumption().unwrap().id()), Some(Continued::Older)));
            older += 1;
        }
    }
    assert!(older > 300);
    assert!(b.continued(&[0; 8]).is_none());
}

/// A name that no session ever gave is nobody's; and a session that the peer has not shown to have names nothing.
#[test]
fn nothing_is_named_before_both_have_the_session() {
    let mut random = Counted(0);
    let [mut a, mut b] = pair(&mut random);
    pass(&mut a, &mut b, &mut random);
    assert!(b.resumption().is_none());
    let lost = b.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    assert!(b.resumption().is_none() && !b.is_confirmed(), "nobody has said that the answer came");
    let (_, delta) = a.open(&lost, BINDING).unwrap();
    a.commit(delta, Some(1_000)).unwrap();
    assert!(a.is_confirmed());
    assert!(matches!(b.continued(&a.resumption().unwrap().id()), Some(Continued::Current(_))));
    assert!(b.resumption().is_none());
    pass(&mut a, &mut b, &mut random);
    assert!(b.resumption().is_some());
}
