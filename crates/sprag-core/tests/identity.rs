//! Device lists, pins and safety numbers: round trips, and every refusal.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says no by panicking")]

mod people;

use people::{DAY, NOW, Person, Seeded, bad_dh_keys, list_of};
use sprag_core::Error;
use sprag_core::crypto::sign::SigningKey;
use sprag_core::identity::{
    Account, AccountId, AccountKey, DeviceEntry, DeviceKeys, DeviceList, HISTORY, MAX_DEVICES, NewList, Pin,
    SignedEntry, Step, Succession,
};
use sprag_core::label;
use sprag_core::safety_number::SafetyNumber;
use sprag_core::secret::Secret;
use sprag_core::wire::{self, Extensions, Kind, Reader, Writer};

/// A list of one device, every field of which a forger may choose.
struct Forged<'a> {
    id: &'a [u8],
    device: u64,
    device_key: [u8; 32],
    identity_key: [u8; 32],
    versions: &'a [u64],
    flags: u64,
    extension: Option<u64>,
    sequence: u64,
    expires: u64,
    copies: usize,
}

impl<'a> Forged<'a> {
    fn of(person: &'a Person) -> Self {
        Self {
            id: person.account.account().id.as_bytes(),
            device: person.device.id().into(),
            device_key: *person.device.device_key().as_bytes(),
            identity_key: *person.device.identity().public().as_bytes(),
            versions: &[1],
            flags: 1,
            extension: None,
            sequence: 1,
            expires: NOW + DAY,
            copies: 1,
        }
    }

    fn open(&self, person: &Person) -> Result<DeviceList, Error> {
        DeviceList::open(&self.sign(&person.forger(), &device_signer(person)))
    }

    fn sign(&self, account: &SigningKey, device: &SigningKey) -> Vec<u8> {
        let mut entry = Writer::new();
        entry.array(5 + usize::from(self.extension.is_some())).uint(self.device);
        entry.bytes(&self.device_key).bytes(&self.identity_key).array(self.versions.len());
        self.versions.iter().for_each(|version| {
            entry.uint(*version);
        });
        entry.uint(self.flags);
        if let Some(key) = self.extension {
            entry.map(1).uint(key).bytes(b"new");
        }
        let entry = entry.finish();
        let mut signed = Writer::new();
        signed.array(3).bytes(self.id).bytes(account.public().as_bytes()).bytes(&entry);
        let signature = device.sign(label::ENTRY_SIGNATURE, &signed.finish());
        let mut body = Writer::new();
        body.array(8).bytes(self.id).bytes(account.public().as_bytes()).uint(self.sequence).bytes(&[0; 32]);
        body.uint(NOW).uint(self.expires).bool(false).array(self.copies);
        for _ in 0..self.copies {
            body.array(2).bytes(&entry).bytes(&signature);
        }
        let body = body.finish();
        let mut list = wire::begin(Kind::List, 2);
        list.bytes(&body).bytes(&account.sign(label::LIST_SIGNATURE, &body));
        list.finish()
    }
}

fn device_signer(person: &Person) -> SigningKey {
    let secret = person.device.encode();
    let mut reader = Reader::new(secret.expose_secret());
    reader.array_of(3).unwrap();
    reader.uint().unwrap();
    SigningKey::from_seed(&sprag_core::secret::Secret::new(reader.fixed().unwrap()))
}

#[test]
fn a_list_round_trips() {
    let alice = Person::new("alice");
    let again = DeviceList::open(alice.list.as_bytes()).unwrap();
    assert_eq!(again, alice.list);
    assert_eq!(again.account(), alice.account.account());
    assert_eq!(again.sequence(), 1);
    assert!(again.ready());
    let entry = again.device(alice.device.id()).unwrap();
    assert_eq!(*entry, alice.device.entry(true));
    assert_eq!(again.signed_entries()[0].verify(alice.account.account()).unwrap(), *entry);
    assert!(again.device(alice.device.id() ^ 1).is_none());
}

#[test]
fn device_keys_round_trip() {
    let device = DeviceKeys::create(&mut Seeded::new("keys"));
    let again = DeviceKeys::decode(device.encode().expose_secret()).unwrap();
    assert_eq!(again.entry(true), device.entry(true));
    assert!(again.hedge().ct_eq(&device.hedge()));
    assert_eq!(DeviceKeys::decode(&[0x80]).err(), Some(Error::Malformed));
}

#[test]
fn the_forged_list_is_sound_before_it_is_bent() {
    let alice = Person::new("alice");
    assert!(Forged::of(&alice).open(&alice).is_ok());
}

#[test]
fn every_flipped_bit_of_a_list_is_refused() {
    let list = Person::new("alice").list;
    for at in 0..list.as_bytes().len() * 8 {
        let mut bytes = list.as_bytes().to_vec();
        bytes[at / 8] ^= 1 << (at % 8);
        assert!(DeviceList::open(&bytes).is_err(), "bit {at}");
    }
}

#[test]
fn every_cut_of_a_list_and_every_trailing_byte_is_refused() {
    let list = Person::new("alice").list;
    for length in 0..list.as_bytes().len() {
        assert!(DeviceList::open(&list.as_bytes()[..length]).is_err());
    }
    let longer = [list.as_bytes(), &[0]].concat();
    assert_eq!(DeviceList::open(&longer), Err(Error::Malformed));
}

#[test]
fn a_list_from_ones_own_store_is_the_same_list_and_still_in_form() {
    let alice = Person::new("alice");
    let bytes = alice.list.as_bytes();
    assert_eq!(DeviceList::reopen(bytes).unwrap(), alice.list);
    for cut in 0..bytes.len() {
        assert!(DeviceList::reopen(&bytes[..cut]).is_err());
    }
    // What it leaves out is the signatures: that is all the difference, and why it is for one's own store alone.
    let mut unsigned = bytes.to_vec();
    *unsigned.last_mut().unwrap() ^= 1;
    assert_eq!(DeviceList::open(&unsigned).err(), Some(Error::BadSignature));
    assert!(DeviceList::reopen(&unsigned).is_ok());
    let twice = Forged { copies: 2, ..Forged::of(&alice) }.sign(&alice.forger(), &device_signer(&alice));
    assert_eq!(DeviceList::reopen(&twice).err(), Some(Error::Malformed));
}

#[test]
fn nobody_can_list_a_device_of_someone_else() {
    let (alice, mallory) = (Person::new("alice"), Person::new("mallory"));
    // Mallory copies Alice's entry with its signature.
    let stolen = alice.list.signed_entries();
    let list = NewList {
        sequence: 1,
        previous: [0; 32],
        issued: NOW,
        expires: NOW + DAY,
        ready: true,
        devices: &stolen,
        extensions: Extensions::new(),
    };
    assert_eq!(list.sign(&mallory.account), Err(Error::BadSignature));
    // Mallory signs the entry of Alice's device with a key of her own.
    let bytes = Forged { id: b"mallory", ..Forged::of(&alice) }.sign(&mallory.forger(), &device_signer(&mallory));
    assert_eq!(DeviceList::open(&bytes), Err(Error::BadSignature));
}

#[test]
fn a_device_signs_no_foreign_entry() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let foreign = bob.device.entry(true);
    assert_eq!(alice.device.sign_entry(alice.account.account(), &foreign), Err(Error::Mismatch));
}

#[test]
fn a_list_signed_by_another_account_key_is_refused() {
    let (alice, mallory) = (Person::new("alice"), Person::new("mallory"));
    let mut reader = wire::open(alice.list.as_bytes(), Kind::List, 2).unwrap();
    let body = reader.bytes().unwrap();
    let mut list = wire::begin(Kind::List, 2);
    list.bytes(body).bytes(&mallory.forger().sign(label::LIST_SIGNATURE, body));
    assert_eq!(DeviceList::open(&list.finish()), Err(Error::BadSignature));
    // The right key under the label of something else.
    let mut list = wire::begin(Kind::List, 2);
    list.bytes(body).bytes(&alice.forger().sign(label::PREKEY_SIGNATURE, body));
    assert_eq!(DeviceList::open(&list.finish()), Err(Error::BadSignature));
}

#[test]
fn ill_formed_lists_are_refused_though_well_signed() {
    let alice = Person::new("alice");
    let of = || Forged::of(&alice);
    let refusals: [(&str, Forged<'_>, Error); 12] = [
        ("an empty id", Forged { id: b"", ..of() }, Error::Malformed),
        ("an id of 65 bytes", Forged { id: &[7; 65], ..of() }, Error::TooLarge),
        ("a device id beyond 32 bits", Forged { device: 1 << 32, ..of() }, Error::Malformed),
        ("a sequence of zero", Forged { sequence: 0, ..of() }, Error::Malformed),
        ("an expiry before the issue", Forged { expires: NOW, ..of() }, Error::Malformed),
        ("no device", Forged { copies: 0, ..of() }, Error::Malformed),
        ("a device twice", Forged { copies: 2, ..of() }, Error::Malformed),
        ("seventeen devices", Forged { copies: MAX_DEVICES + 1, ..of() }, Error::TooLarge),
        ("no versions", Forged { versions: &[], ..of() }, Error::Malformed),
        ("versions out of order", Forged { versions: &[2, 1], ..of() }, Error::Malformed),
        ("an unknown flag", Forged { flags: 3, ..of() }, Error::Unsupported),
        ("an unknown even extension", Forged { extension: Some(2), ..of() }, Error::Unsupported),
    ];
    for (what, forged, error) in refusals {
        assert_eq!(forged.open(&alice), Err(error), "{what}");
    }
}

#[test]
fn an_unknown_odd_extension_is_ignored_and_kept() {
    let alice = Person::new("alice");
    let list = Forged { extension: Some(3), ..Forged::of(&alice) }.open(&alice).unwrap();
    assert_eq!(list.devices().next().unwrap().extensions.get(3), Some(&b"new"[..]));
    // A device's entry is handed on as it was signed, whatever it holds.
    let again = NewList {
        sequence: 2,
        previous: *list.hash(),
        issued: NOW,
        expires: NOW + DAY,
        ready: true,
        devices: &list.signed_entries(),
        extensions: Extensions::new(),
    };
    assert_eq!(again.sign(&alice.account).unwrap().devices().next(), list.devices().next());
}

#[test]
fn bad_identity_keys_are_refused() {
    let alice = Person::new("alice");
    for identity_key in bad_dh_keys() {
        assert_eq!(Forged { identity_key, ..Forged::of(&alice) }.open(&alice), Err(Error::BadKey));
    }
    let device_key = [0; 32];
    assert_eq!(Forged { device_key, ..Forged::of(&alice) }.open(&alice), Err(Error::BadKey));
}

#[test]
fn devices_come_in_order_and_share_no_key() {
    let alice = Person::new("alice");
    let mut random = Seeded::new("devices");
    let devices: Vec<DeviceKeys> = (0..MAX_DEVICES).map(|_| DeviceKeys::create(&mut random)).collect();
    let refs: Vec<&DeviceKeys> = devices.iter().collect();
    let list = list_of(&alice.account, &refs, 1, [0; 32]);
    assert_eq!(list.devices().count(), MAX_DEVICES);
    assert!(list.devices().map(|device| device.id).is_sorted());
    assert!(list.as_bytes().len() <= sprag_core::identity::MAX_LIST);
    // The same identity key under another id and device key.
    let twin: Vec<SignedEntry> = {
        let bytes = alice.device.encode();
        let mut reader = Reader::new(bytes.expose_secret());
        reader.array_of(3).unwrap();
        reader.uint().unwrap();
        reader.bytes().unwrap();
        let identity = reader.bytes().unwrap();
        let mut writer = Writer::new();
        writer.array(3).uint(5).bytes(&[5; 32]).bytes(identity);
        let twin = DeviceKeys::decode(&writer.finish()).unwrap();
        [&alice.device, &twin]
            .map(|device| device.sign_entry(alice.account.account(), &device.entry(false)).unwrap())
            .to_vec()
    };
    let list = NewList {
        sequence: 1,
        previous: [0; 32],
        issued: NOW,
        expires: NOW + DAY,
        ready: true,
        devices: &twin,
        extensions: Extensions::new(),
    };
    assert_eq!(list.sign(&alice.account), Err(Error::Malformed));
}

#[test]
fn expiry_tolerates_a_day() {
    let list = Person::new("alice").list;
    assert_eq!(list.check_time(NOW), Ok(()));
    assert_eq!(list.check_time(NOW - DAY), Ok(()));
    assert_eq!(list.check_time(NOW - DAY - 1), Err(Error::Expired));
    assert_eq!(list.check_time(list.expires() + DAY), Ok(()));
    assert_eq!(list.check_time(list.expires() + DAY + 1), Err(Error::Expired));
    assert_eq!(list.check_time(u64::MAX), Err(Error::Expired));
}

#[test]
fn a_pin_follows_the_chain_of_lists() {
    let alice = Person::new("alice");
    let list = |sequence, previous| list_of(&alice.account, &[&alice.device], sequence, previous);
    let first = list(1, [0; 32]);
    let pin = Pin::first(&first);
    let second = list(2, *first.hash());
    let stray = list(2, [9; 32]);
    let fifth = list(5, [9; 32]);

    assert_eq!(pin.accept(&first).unwrap().step, Step::Same);
    let next = pin.accept(&second).unwrap();
    assert_eq!(next.step, Step::Next);
    assert_eq!(next.pin.sequence(), 2);
    assert_eq!(next.pin.hash_of(1), Some(first.hash()));
    assert_eq!(pin.accept(&stray), Err(Error::Fork), "a next list that names another before it");
    assert_eq!(next.pin.accept(&stray), Err(Error::Fork), "another list of the same number");
    assert_eq!(next.pin.accept(&first), Err(Error::Rollback));
    let gap = next.pin.accept(&fifth).unwrap();
    assert_eq!(gap.step, Step::Gap { missing: 2 });
    assert_eq!(pin.sequence(), 1, "what was refused or only judged changes nothing");

    // Old mail is compared with what is remembered.
    assert_eq!(gap.pin.check_old(&second), Ok(()));
    assert_eq!(gap.pin.check_old(&stray), Err(Error::Fork));
    assert_eq!(gap.pin.check_old(&list(4, [1; 32])), Ok(()), "never seen, so nothing to compare");
}

#[test]
fn a_pin_never_moves_to_another_account() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let pin = Pin::first(&alice.list);
    assert_eq!(pin.accept(&bob.list), Err(Error::Mismatch));
    assert_eq!(pin.check_old(&bob.list), Err(Error::Mismatch));
    let same_id = AccountKey::create(AccountId::new(b"alice").unwrap(), &mut Seeded::new("other key"));
    let impostor = list_of(&same_id, &[&alice.device], 2, *alice.list.hash());
    assert_eq!(pin.accept(&impostor), Err(Error::Mismatch));
}

#[test]
fn a_device_id_is_never_bound_to_other_keys() {
    let alice = Person::new("alice");
    let other = DeviceKeys::create(&mut Seeded::new("other"));
    let pin = Pin::first(&alice.list);
    // The device goes away …
    let second = list_of(&alice.account, &[&other], 2, *alice.list.hash());
    let pin = pin.accept(&second).unwrap().pin;
    // … and its id comes back with other keys.
    let mut writer = Writer::new();
    writer.array(3).uint(alice.device.id().into()).bytes(&[1; 32]).bytes(&[2; 32]);
    let reborn = DeviceKeys::decode(&writer.finish()).unwrap();
    let third = list_of(&alice.account, &[&reborn], 3, *second.hash());
    assert_eq!(pin.accept(&third), Err(Error::Mismatch));
    // The same device may come back.
    let third = list_of(&alice.account, &[&alice.device], 3, *second.hash());
    assert_eq!(pin.accept(&third).unwrap().step, Step::Next);
}

#[test]
fn versions_never_go_down() {
    let alice = Person::new("alice");
    let newer = Forged { versions: &[1, 2], ..Forged::of(&alice) }.open(&alice).unwrap();
    let older = Forged { versions: &[1], sequence: 3, ..Forged::of(&alice) }.open(&alice).unwrap();
    assert_eq!(Pin::first(&newer).accept(&older), Err(Error::Rollback));
}

#[test]
fn a_pin_round_trips_and_remembers_sixteen() {
    let alice = Person::new("alice");
    let mut pin = Pin::first(&alice.list);
    let mut previous = *alice.list.hash();
    for sequence in 2..=20 {
        let list = list_of(&alice.account, &[&alice.device], sequence, previous);
        previous = *list.hash();
        pin = pin.accept(&list).unwrap().pin;
    }
    assert_eq!(pin.hash_of(20), Some(&previous));
    assert!(pin.hash_of(20 - HISTORY as u64 + 1).is_some());
    assert!(pin.hash_of(20 - HISTORY as u64).is_none());
    let mut writer = Writer::new();
    pin.write(&mut writer);
    let bytes = writer.finish();
    let mut reader = Reader::new(&bytes);
    assert_eq!(Pin::read(&mut reader).unwrap(), pin);
    reader.end().unwrap();
    for length in 0..bytes.len() {
        assert!(Pin::read(&mut Reader::new(&bytes[..length])).is_err());
    }
}

fn rekeyed(person: &Person, seed: &str) -> AccountKey {
    AccountKey::create(person.account.account().id.clone(), &mut Seeded::new(seed))
}

#[test]
fn a_succession_is_signed_by_both_keys() {
    let alice = Person::new("alice");
    let new = rekeyed(&alice, "new key");
    let succession = Succession::sign(&alice.account, &new, NOW).unwrap();
    assert_eq!(Succession::open(succession.as_bytes()).as_ref(), Ok(&succession));
    assert_eq!((succession.old(), succession.new_account()), (alice.account.account(), new.account()));
    assert_eq!((succession.id(), succession.issued()), (&alice.account.account().id, NOW));
    for bit in 0..succession.as_bytes().len() * 8 {
        let mut flipped = succession.as_bytes().to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Succession::open(&flipped).is_err(), "bit {bit}");
    }
    for length in 0..succession.as_bytes().len() {
        assert!(Succession::open(&succession.as_bytes()[..length]).is_err(), "{length}");
    }
    let more = [succession.as_bytes(), &[0]].concat();
    assert_eq!(Succession::open(&more).err(), Some(Error::Malformed));

    // Each signature by the other key, or under the other's label, is none.
    let mut reader = wire::open(succession.as_bytes(), Kind::Succession, 3).unwrap();
    let body = reader.bytes().unwrap().to_vec();
    let keys = [alice.forger(), SigningKey::from_seed(&Secret::new(*new.expose_seed()))];
    let labels = [label::SUCCESSION, label::SUCCESSION_ACCEPTED];
    for choice in 0..16 {
        let pick = |bit: usize| choice >> bit & 1;
        let mut object = wire::begin(Kind::Succession, 3);
        object.bytes(&body).bytes(&keys[pick(0)].sign(labels[pick(1)], &body));
        object.bytes(&keys[pick(2)].sign(labels[pick(3)], &body));
        let opened = Succession::open(&object.finish());
        assert_eq!(opened.err(), (choice != 0b1100).then_some(Error::BadSignature), "{choice:04b}");
    }
    assert_eq!(Succession::sign(&alice.account, &Person::new("bob").account, NOW).err(), Some(Error::Mismatch));
    assert_eq!(Succession::sign(&alice.account, &alice.account, NOW).err(), Some(Error::Malformed));
}

#[test]
fn a_key_has_one_successor() {
    let alice = Person::new("alice");
    let [one, two] = ["one", "two"].map(|seed| rekeyed(&alice, seed));
    let first = Succession::sign(&alice.account, &one, NOW).unwrap();
    let rival = Succession::sign(&alice.account, &two, NOW + 1).unwrap();
    let later = Succession::sign(&alice.account, &one, NOW + 1).unwrap();
    let next = Succession::sign(&one, &two, NOW + 2).unwrap();
    assert_eq!(first.check_beside(&rival), Err(Error::Fork));
    assert_eq!(rival.check_beside(&first), Err(Error::Fork));
    assert_eq!((first.check_beside(&later), first.check_beside(&next)), (Ok(()), Ok(())));
    assert_eq!(first.follow(alice.account.account()).as_ref(), Ok(one.account()));
    assert_eq!(next.follow(alice.account.account()).err(), Some(Error::Mismatch));
    assert_eq!(first.follow(Person::new("bob").account.account()).err(), Some(Error::Mismatch));
}

#[test]
fn a_pin_follows_a_succession_and_forgets_no_device() {
    let alice = Person::new("alice");
    let new = rekeyed(&alice, "new key");
    let succession = Succession::sign(&alice.account, &new, NOW).unwrap();
    // Whoever held the old key could have used up the numbers.
    let far = list_of(&alice.account, &[&alice.device], 1_000_000, *alice.list.hash());
    let pin = Pin::first(&alice.list).accept(&far).unwrap().pin;
    let list = list_of(&new, &[&alice.device], 2, *alice.list.hash());
    assert_eq!(pin.accept(&list).err(), Some(Error::Mismatch));
    let next = pin.succeed(&succession, &list).unwrap();
    assert_eq!((next.account(), next.sequence()), (new.account(), 2));
    assert_eq!(next.accept(&far).err(), Some(Error::Mismatch));
    assert_eq!(next.hash_of(1_000_000), None);

    assert_eq!(pin.succeed(&succession, &far).err(), Some(Error::Mismatch));
    assert_eq!(next.succeed(&succession, &list).err(), Some(Error::Mismatch));
    let stranger = rekeyed(&alice, "a stranger's key");
    let strange = list_of(&stranger, &[&alice.device], 2, *alice.list.hash());
    assert_eq!(pin.succeed(&succession, &strange).err(), Some(Error::Mismatch));
    // An id that was bound under the old key stays bound.
    let mut id = Writer::new();
    id.array(3).uint(alice.device.id().into()).bytes(&[1; 32]).bytes(&[2; 32]);
    let other = DeviceKeys::decode(&id.finish()).unwrap();
    let rebound = list_of(&new, &[&other], 3, *list.hash());
    assert_eq!(pin.succeed(&succession, &rebound).err(), Some(Error::Mismatch));
    assert_eq!(next.accept(&rebound).err(), Some(Error::Mismatch));
}

#[test]
fn the_safety_number_is_the_same_on_both_sides() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let (a, b) = (alice.account.account(), bob.account.account());
    let number = SafetyNumber::between(a, b);
    assert_eq!(number, SafetyNumber::between(b, a));
    assert_eq!(number.digits().len(), 60);
    assert_eq!(number.grouped().split(' ').count(), 12);
    assert_eq!(number.matches_digits(&number.grouped()), Ok(true));
    assert_eq!(SafetyNumber::parse_scannable(&number.scannable()), Ok(number));
    assert_eq!(number.matches_scan(&number.scannable()), Ok(true));
}

#[test]
fn the_safety_number_depends_on_ids_and_keys() {
    let (alice, bob, carol) = (Person::new("alice"), Person::new("bob"), Person::new("carol"));
    let (a, b, c) = (alice.account.account(), bob.account.account(), carol.account.account());
    let number = SafetyNumber::between(a, b);
    let renamed = Account { id: c.id.clone(), key: b.key };
    let rekeyed = Account { id: b.id.clone(), key: c.key };
    for other in [SafetyNumber::between(a, c), SafetyNumber::between(a, &renamed), SafetyNumber::between(a, &rekeyed)] {
        assert_ne!(number.digits(), other.digits());
        assert_eq!(number.matches_digits(&other.digits()), Ok(false));
        assert_eq!(number.matches_scan(&other.scannable()), Ok(false));
    }
}

#[test]
fn what_is_no_safety_number_is_refused() {
    let (alice, bob) = (Person::new("alice"), Person::new("bob"));
    let number = SafetyNumber::between(alice.account.account(), bob.account.account());
    for text in ["", "12345", &"1".repeat(61), &"x".repeat(60), &"١".repeat(30)] {
        assert_eq!(number.matches_digits(text), Err(Error::Malformed), "{text}");
    }
    let scan = number.scannable();
    assert_eq!(SafetyNumber::parse_scannable(&scan[8..]), Err(Error::Unsupported));
    assert_eq!(SafetyNumber::parse_scannable(&scan.replace(":1:", ":2:")), Err(Error::Unsupported));
    assert_eq!(SafetyNumber::parse_scannable(&scan[..scan.len() - 1]), Err(Error::Malformed));
    assert_eq!(SafetyNumber::parse_scannable(&format!("{}g", &scan[..scan.len() - 1])), Err(Error::Malformed));
    assert_eq!(SafetyNumber::parse_scannable(&format!("SPRAG:1:{}", scan[8..].to_lowercase())).ok(), None);
}

#[test]
fn an_entry_is_of_the_device_that_made_it() {
    let alice = Person::new("alice");
    let entry: DeviceEntry = alice.device.entry(false);
    assert!(entry.reads_this_version());
    assert!(!entry.holds_account_key);
    let bob = Person::new("bob");
    let signed = alice.device.sign_entry(alice.account.account(), &entry).unwrap();
    assert_eq!(signed.verify(bob.account.account()), Err(Error::BadSignature));
}
