//! What travels as a text or in its place: contact cards, their links, and armor.

use sprag_core::armor;
use sprag_core::card::{Card, CardPart, SmallCard};

use crate::Input;
use crate::objects::alice_and_bob;

/// A card in one piece, a part, a small one, a link: whatever is read is written again as it was.
pub(crate) fn card(bytes: &[u8]) {
    if let Ok(card) = Card::decode(bytes) {
        // Extensions that nobody knows are not kept: the card that is made of what was read has none.
        let again = card.encode();
        assert!(again == bytes || bytes[0] == 0x83);
        let parts: Vec<_> = card.parts(1_000).unwrap().iter().map(|part| CardPart::parse(part).unwrap()).collect();
        assert_eq!(CardPart::assemble(&parts).unwrap().unwrap().encode(), again);
    }
    if let Ok(small) = SmallCard::decode(bytes) {
        assert_eq!(small.encode(), bytes);
        assert_eq!(SmallCard::parse_link(&small.link()).as_ref(), Ok(&small));
        let [alice, bob] = alice_and_bob().each_ref().map(|person| person.account.account());
        assert!(small.check(alice).is_err() || small.check(bob).is_err());
    }
    if let Ok(text) = core::str::from_utf8(bytes)
        && let Ok(small) = SmallCard::parse_link(text)
    {
        assert_eq!(SmallCard::parse_link(&small.link()).as_ref(), Ok(&small));
    }
    // A stream of parts, in whatever order and of whatever cards.
    let parts: Vec<_> = Input::new(bytes).parts(12).into_iter().filter_map(|part| CardPart::parse(part).ok()).collect();
    if let Ok(Some(card)) = CardPart::assemble(&parts) {
        assert!(card.prekeys().count() > 0);
        assert!(parts.iter().all(|part| part.hash() == parts[0].hash() && part.number() < part.count()));
    }
    if let Ok(part) = CardPart::parse(bytes) {
        assert!(part.number() < part.count());
        let _ = CardPart::assemble(&[part]);
    }
}

/// A text in which an object may be; and an object in the midst of a text, with whatever put between its letters.
pub(crate) fn armor(bytes: &[u8]) {
    if let Ok(text) = core::str::from_utf8(bytes)
        && let Some(object) = armor::find(text)
    {
        // The same object is in the same letters.
        let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        assert!(letters.contains(&armor::wrap("", &object).unwrap()));
        assert!(armor::wrap(text, b"another").is_err());
    }
    let mut input = Input::new(bytes);
    let (fallback, places) = (input.part(), input.part());
    let Ok(fallback) = core::str::from_utf8(fallback) else { return };
    let object = input.rest();
    let Ok(wrapped) = armor::wrap(fallback, object) else { return };
    let mut letters: Vec<char> = wrapped.chars().collect();
    for place in places {
        letters.insert(usize::from(*place) * 7 % letters.len(), if place & 1 == 0 { '\n' } else { '\u{200b}' });
    }
    let text: String = letters.into_iter().collect();
    assert_eq!(armor::find(&text).as_deref(), Some(object));
}
