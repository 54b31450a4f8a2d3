//! What makes an account: successions of its key, the linking of a device, the pages of its state.

use std::sync::OnceLock;

use sprag_core::Error;
use sprag_core::account_state::StatePage;
use sprag_core::crypto::aead;
use sprag_core::crypto::hash::{Item, hash, hkdf};
use sprag_core::identity::{AccountId, DeviceKeys, Pin, Succession};
use sprag_core::label;
use sprag_core::link::{LinkCode, Offered, Phase, ScannedCode, peek};
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Kind};

use crate::Input;
use crate::objects::alice_and_bob;
use crate::people::{NOW, Seeded};

/// A succession is what both keys signed: nobody made one for Alice.
pub(crate) fn succession(bytes: &[u8]) {
    let Ok(succession) = Succession::open(bytes) else { return };
    assert_eq!(succession.as_bytes(), bytes);
    assert!(succession.old() != succession.new_account() && succession.old().id == *succession.id());
    assert_eq!(succession.follow(succession.old()).as_ref(), Ok(succession.new_account()));
    assert_eq!(succession.check_beside(&succession), Ok(()));
    let [alice, bob] = alice_and_bob();
    for list in [&alice.list, &bob.list] {
        let followed = Pin::first(list).succeed(&succession, list);
        assert_eq!(followed.err(), Some(Error::Mismatch));
    }
}

/// A code in bytes or as text, and what waits for an answer.
pub(crate) fn code(bytes: &[u8]) {
    if let Ok(scanned) = ScannedCode::parse(bytes) {
        let shown = LinkCode::decode(bytes).unwrap();
        assert_eq!((shown.expose_bytes(), shown.id(), shown.digits()), (bytes, scanned.id(), scanned.digits()));
        let typed = ScannedCode::parse_text(&shown.expose_text()).unwrap();
        assert!(typed.id() == shown.id() && typed.account() == scanned.account());
    }
    if let Ok(text) = core::str::from_utf8(bytes)
        && let Ok(typed) = ScannedCode::parse_text(text)
    {
        assert_eq!(typed.digits().len(), 6);
    }
    if let Ok(offered) = Offered::decode(bytes) {
        assert_eq!(offered.encode().expose_secret(), bytes);
        assert!(offered.open_answer(bytes, NOW).is_err());
    }
}

/// What is constant of a link: a code, and an offer that was made for it.
struct Begun {
    device: DeviceKeys,
    code: LinkCode,
    offered: Offered,
    offer: Vec<u8>,
}

impl Begun {
    fn get() -> &'static Self {
        static BEGUN: OnceLock<Begun> = OnceLock::new();
        BEGUN.get_or_init(|| {
            let [alice, _] = alice_and_bob();
            let mut random = Seeded::new("link");
            let device = DeviceKeys::create(&mut random);
            let code = LinkCode::create(&AccountId::new(b"alice").unwrap(), &device, NOW, &mut random);
            let scanned = ScannedCode::parse(code.expose_bytes()).unwrap();
            let (offered, offer) =
                scanned.offer(&alice.account, &alice.device, &alice.list, false, &mut random).unwrap();
            Self { device, code, offered, offer }
        })
    }

    /// Seals any contents, as whoever read the code could.
    fn seal(&self, phase: Phase, contents: &[u8]) -> Vec<u8> {
        let before = match phase {
            Phase::Offer => Vec::new(),
            Phase::Answer => hash(label::LINK_OFFER, &[Item::Bytes(&self.offer)]).to_vec(),
        };
        let mut reader = wire::open(self.code.expose_bytes(), Kind::Link, 4).unwrap();
        reader.uint().unwrap();
        let secret: [u8; 32] = reader.fixed().unwrap();
        let whole = hash(label::LINK_CODE, &[Item::Bytes(self.code.expose_bytes())]);
        let info: [&[u8]; 4] = [label::LINK_KEY.as_bytes(), &[phase as u8], &whole, &before];
        let key: Secret<32> = hkdf(&[6; 32], &[&secret], &info);
        let id = self.code.id().0;
        let sealed = aead::seal(&key, &[0; aead::NONCE], &[&[1, 9, phase as u8], &id], contents).unwrap();
        let mut object = wire::begin(Kind::Link, 4);
        object.uint(phase as u64).bytes(&id).bytes(&[6; 32]).bytes(&sealed);
        object.finish()
    }
}

/// An offer or an answer: as it comes from the server, and as whoever read the code from the screen could make it.
pub(crate) fn link(bytes: &[u8]) {
    let begun = Begun::get();
    if peek(bytes).is_ok() {
        assert!(begun.code.open_offer(&begun.device, bytes, NOW).is_err() || bytes == begun.offer);
        assert!(begun.offered.open_answer(bytes, NOW).is_err());
    }
    let mut input = Input::new(bytes);
    let phase = if input.byte() & 1 == 0 { Phase::Offer } else { Phase::Answer };
    let object = begun.seal(phase, input.rest());
    if peek(&object).is_err() {
        return;
    }
    match phase {
        Phase::Offer => match begun.code.open_offer(&begun.device, &object, NOW) {
            Ok(offer) => {
                assert!(offer.account().id.as_bytes() == b"alice" && offer.list().account() == offer.account());
                assert!(offer.list().device(offer.device()).is_some_and(|entry| entry.holds_account_key));
            }
            Err(error) => assert_ne!(error, Error::Open, "it was sealed as it should be"),
        },
        Phase::Answer => match begun.offered.open_answer(&object, NOW) {
            Ok(admitted) => assert_eq!(admitted.device, begun.device.entry(false)),
            Err(error) => assert_ne!(error, Error::Open, "it was sealed as it should be"),
        },
    }
}

/// A page of an account's state: what it says is said again in the same words.
pub(crate) fn page(bytes: &[u8]) {
    let Ok(page) = StatePage::decode(bytes) else { return };
    assert!(page.number < page.pages);
    let [alice, _] = alice_and_bob();
    let _ = page.account_key(alice.account.account());
    // A trust or level that nobody knows is kept as well.
    let again = StatePage::split(None, &page.contacts, &page.protections, sprag_core::content::MAX_BODY);
    let pages: Vec<_> = again.unwrap().iter().map(|page| StatePage::decode(page.expose_secret()).unwrap()).collect();
    assert!(pages.iter().flat_map(|page| &page.contacts).eq(&page.contacts));
    assert!(pages.iter().flat_map(|page| &page.protections).eq(&page.protections));
}
