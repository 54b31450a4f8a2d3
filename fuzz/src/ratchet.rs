//! The decoders of the ratchet: a header under the right key, and a stored session.

use std::sync::OnceLock;

use sprag_core::Error;
use sprag_core::crypto::aead;
use sprag_core::crypto::dh::DhSecret;
use sprag_core::handshake::Established;
use sprag_core::random::Random;
use sprag_core::ratchet::{Binding, HEADER, MAX_STEPS, SLOT, Session};
use sprag_core::secret::{Secret, SecretBytes};
use sprag_core::wire::{Kind, VERSION};

use crate::Input;
use crate::people::{NOW, Seeded};

pub(crate) fn established() -> Established {
    Established {
        transcript: [9; 32],
        root_key: Secret::new([1; 32]),
        header_key: Secret::new([2; 32]),
        next_header_key: Secret::new([3; 32]),
        braid_authenticator: Secret::new([4; 32]),
        braid_chains: Secret::new([5; 32]),
    }
}

/// Both sides of a session.
pub(crate) fn pair(random: &mut dyn Random) -> [Session; 2] {
    let prekey = DhSecret::random(random);
    let initiator = Session::initiate(established(), prekey.public(), random).unwrap();
    [initiator, Session::respond(established(), &prekey)]
}

const BINDING: Binding<'static> = Binding { commitment: &[7; 32], payload_hash: &[8; 32], fields: None };

/// A responder that has heard nothing, and one in the middle of a chain with messages missing.
fn responders() -> &'static [Session; 2] {
    static RESPONDERS: OnceLock<[Session; 2]> = OnceLock::new();
    RESPONDERS.get_or_init(|| {
        let mut random = Seeded::new("responders");
        let [mut alice, mut bob] = pair(&mut random);
        let fresh = reread(&bob);
        let slots: Vec<[u8; SLOT]> =
            (0..9).map(|_| alice.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap()).collect();
        for slot in [&slots[3], &slots[8]] {
            let (_, delta) = bob.open(slot, BINDING).unwrap();
            bob.commit(delta, Some(NOW)).unwrap();
        }
        [fresh, bob]
    })
}

/// A slot that anybody could make who has the header key: any header, and a body that does not open.
pub(crate) fn header(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let session = &responders()[usize::from(input.byte() & 1)];
    let header: [u8; HEADER] = input.array();
    let nonce: [u8; aead::NONCE] = input.array();
    let body: [u8; 32 + aead::TAG] = input.array();
    let kind = [VERSION, Kind::Envelope as u8];
    let ad: [&[u8]; 4] = [&kind, BINDING.commitment, BINDING.payload_hash, &body];
    let sealed = aead::seal(&Secret::new([2; 32]), &nonce, &ad, &header).unwrap();
    let mut slot = [0; SLOT];
    slot[4..16].copy_from_slice(&nonce);
    slot[16..110].copy_from_slice(&sealed);
    slot[110..].copy_from_slice(&body);
    match session.would_skip(&slot, BINDING) {
        // The full distance takes long, and shows no more than a short one.
        Ok(keys) if keys > 500 => assert!(keys <= MAX_STEPS),
        Ok(_) => assert!(matches!(session.open(&slot, BINDING).err(), Some(Error::Open | Error::BadKey))),
        Err(error) => {
            assert_ne!(error, Error::Open, "the header is under the right key");
            assert_eq!(session.open(&slot, BINDING).err(), Some(error));
        }
    }
}

pub(crate) fn stored(session: &Session) -> Vec<SecretBytes> {
    let mut all = vec![session.encode(), session.encode_cold()];
    all.extend(session.encode_skipped());
    all
}

pub(crate) fn reread(session: &Session) -> Session {
    let all = stored(session);
    let blocks = all[2..].iter().map(SecretBytes::expose_secret);
    Session::decode(all[0].expose_secret(), all[1].expose_secret(), blocks).unwrap()
}

/// A stored session, in parts: what is read is written again as it was, and can be used.
pub(crate) fn state(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (hot, cold) = (input.part(), input.part());
    let blocks = input.parts(80);
    let Ok(mut session) = Session::decode(hot, cold, blocks.iter().copied()) else { return };
    assert_eq!(session.encode().expose_secret(), hot);
    assert_eq!(session.encode_cold().expose_secret(), cold);
    let mut again: Vec<Vec<u8>> = session.encode_skipped().iter().map(|block| block.expose_secret().to_vec()).collect();
    let mut blocks: Vec<Vec<u8>> = blocks.iter().map(|block| block.to_vec()).collect();
    again.sort();
    blocks.sort();
    assert_eq!(again, blocks);
    assert!(session.changed_skipped().is_empty());
    let mut random = Seeded::new("state");
    let _ = session.seal(BINDING, &Secret::new([1; 32]), &mut random);
    let [mut alice, _] = pair(&mut random);
    let slot = alice.seal(BINDING, &Secret::new([1; 32]), &mut random).unwrap();
    if session.would_skip(&slot, BINDING).is_ok_and(|keys| keys < 500)
        && let Ok((_, delta)) = session.open(&slot, BINDING)
    {
        session.commit(delta, Some(NOW)).unwrap();
    }
    reread(&session);
}
