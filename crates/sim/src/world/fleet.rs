//! Phones that are ready to be used: making their keys is what costs, so that it is done once.

use std::sync::{Arc, OnceLock};

use sprag_malice::Server;

use crate::disk::{Disk, Image};
use crate::environment::{Instruments, Source};
use crate::net::carry_out;
use crate::phone::Phone;
use crate::random::Dice;

/// The people of every world.
pub const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// Phones and a server that knows their keys.
pub(super) struct Fleet {
    phones: Vec<(Image, u32)>,
    pub(super) server: Server,
}

impl Fleet {
    /// The one that every world begins with.
    pub(super) fn get() -> &'static Self {
        static FLEET: OnceLock<Fleet> = OnceLock::new();
        FLEET.get_or_init(Self::make)
    }

    #[expect(clippy::expect_used, reason = "without a fleet there is no simulation")]
    fn make() -> Self {
        let mut server = Server::default();
        let phones = (0..).zip(PEOPLE).map(|(number, name)| {
            let phone = Phone::create(name, 1000 + number).expect("a phone is made");
            for request in phone.app(|client| client.requests(10, 1)).expect("its keys") {
                let outcome = carry_out(&mut server, &phone.account, &request.action);
                phone.app(|client| client.respond(request.id, outcome)).expect("published");
            }
            let device = phone.app(|client| Ok(client.device().0)).expect("a device");
            (phone.disk().contents(), device)
        });
        let phones = phones.collect();
        Self { phones, server }
    }

    /// A phone as it was made, with randomness of its own, and its device.
    pub(super) fn phone(&self, who: usize, seed: u64) -> (Phone, u32) {
        let (image, device) = &self.phones[who];
        let dice = Dice::new(seed.wrapping_mul(64).wrapping_add(who as u64));
        let instruments: Arc<Instruments> = Instruments::new(Source::Seeded(dice));
        (Phone::off(PEOPLE[who], Disk::mount(image.clone()), instruments), *device)
    }
}
