//! Phones that are ready to be used: making their keys is what costs, so that it is done once.

use std::sync::{Arc, OnceLock};

use sprag::Role;
use sprag_malice::Server;

use crate::disk::{Disk, Image};
use crate::environment::{Instruments, Source};
use crate::net::{carry_out, incoming};
use crate::phone::Phone;
use crate::random::Dice;

/// The people of all worlds: each has the first few of them.
pub const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// How many devices each of a world's people has. Most worlds have the first shape.
const SHAPES: [&[usize]; 4] = [&[1, 1, 1], &[2, 2, 1], &[4, 1, 2], &[2, 1, 1, 3, 1]];

/// A phone as it was made.
struct Made {
    account: usize,
    device: u32,
    image: Image,
}

/// Phones and a server that knows their keys.
pub(super) struct Fleet {
    shape: &'static [usize],
    /// Everybody's first one, in the order of the people, and then all others.
    made: Vec<Made>,
    pub(super) server: Server,
}

/// How many devices each of the people of a seed's world has.
pub(super) fn shape(seed: u64) -> &'static [usize] {
    let dice = &mut Dice::new(seed ^ 0x0005_a9e5);
    SHAPES[if dice.once_in(3) { 1 + dice.below(SHAPES.len() - 1) } else { 0 }]
}

impl Fleet {
    /// The one that the world of this seed begins with.
    pub(super) fn get(seed: u64) -> &'static Self {
        static FLEETS: [OnceLock<Fleet>; SHAPES.len()] = [const { OnceLock::new() }; SHAPES.len()];
        let shape = shape(seed);
        let at = SHAPES.iter().position(|known| *known == shape).unwrap_or(0);
        FLEETS[at].get_or_init(|| Self::make(shape))
    }

    #[expect(clippy::expect_used, reason = "without a fleet there is no simulation")]
    fn make(shape: &'static [usize]) -> Self {
        let mut server = Server::default();
        let first = (0..shape.len()).map(|account| (account, 0));
        let others = (0..shape.len()).flat_map(|account| (1..shape[account]).map(move |number| (account, number)));
        let mut phones: Vec<(usize, Phone)> = Vec::new();
        for (account, number) in first.chain(others) {
            let seed = 1000 + (account * 16 + number) as u64;
            let phone =
                if number == 0 { Phone::create(PEOPLE[account], seed) } else { Phone::newcomer(PEOPLE[account], seed) };
            phones.push((account, phone.expect("a phone is made")));
            let last = phones.len() - 1;
            if number > 0 {
                link(&phones[account].1, &phones[last].1);
            }
            // All of this account: what links a device goes to each of them.
            for _ in 0..6 {
                phones.iter().filter(|(owner, _)| *owner == account).for_each(|(_, phone)| turn(&mut server, phone));
            }
        }
        let made = phones.into_iter().map(|(account, phone)| {
            let events = phone.app(|client| client.events(0, 1000)).expect("events");
            let ids: Vec<u64> = events.iter().map(|event| event.id).collect();
            phone.app(|client| client.done(&ids)).expect("done");
            let devices = phone.app(sprag::Client::devices).expect("a list");
            assert!(devices.len() == shape[account], "{} is linked", PEOPLE[account]);
            Made { account, device: device(&phone), image: phone.disk().contents() }
        });
        Self { shape, made: made.collect(), server }
    }

    /// How many people there are.
    pub(super) const fn people(&self) -> usize {
        self.shape.len()
    }

    /// The phones as they were made, each with randomness of its own and running: whose, which device, and the phone.
    #[expect(clippy::expect_used, reason = "phones that were just made start")]
    pub(super) fn phones(&self, seed: u64) -> impl Iterator<Item = (usize, u32, Phone)> {
        self.made.iter().zip(0..).map(move |(made, number)| {
            let dice = Dice::new(seed.wrapping_mul(64).wrapping_add(number));
            let instruments: Arc<Instruments> = Instruments::new(Source::Seeded(dice));
            let mut phone = Phone::off(PEOPLE[made.account], Disk::mount(made.image.clone()), instruments);
            for role in [Role::App, Role::Extension] {
                phone.start(role).expect("a phone starts");
            }
            (made.account, made.device, phone)
        })
    }
}

#[expect(clippy::expect_used, reason = "without a fleet there is no simulation")]
fn device(phone: &Phone) -> u32 {
    phone.app(|client| Ok(client.device().0)).expect("a device")
}

#[expect(clippy::expect_used, reason = "without a fleet there is no simulation")]
fn link(old: &Phone, new: &Phone) {
    let code = new.app(sprag::Client::link_code).expect("a code");
    old.app(|client| client.admit(code.expose_bytes(), code.digits(), false)).expect("an offer");
}

/// Lets a phone do all that it has to do, and take in all that waits for it.
#[expect(clippy::expect_used, reason = "without a fleet there is no simulation")]
fn turn(server: &mut Server, phone: &Phone) {
    let (name, device) = (phone.account.as_bytes(), device(phone));
    server.mail.acknowledge(name, device, 0);
    let mail = server.mail.collect(name, device, usize::MAX);
    if let Some(last) = mail.last() {
        server.mail.acknowledge(name, device, last.number);
    }
    let batch: Vec<_> = mail.into_iter().map(incoming).collect();
    phone.app(|client| client.deliver(&batch)).expect("delivered");
    phone.app(|client| client.wake(sprag::Hint::default())).expect("awake");
    loop {
        let requests = phone.app(|client| client.requests(100, 60)).expect("requests");
        if requests.is_empty() {
            return;
        }
        for request in requests {
            let outcome = carry_out(server, &phone.account, &request.action);
            phone.app(|client| client.respond(request.id, outcome)).expect("an answer");
        }
    }
}
