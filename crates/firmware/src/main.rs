//! The core's self-test on a Cortex-M4 without an operating system: `cargo xtask test "Cortex-M4"` runs it in an emulator.
//!
//! Two people agree on keys and talk until fresh post-quantum secrets have come; then every file of frozen vectors is computed
//! anew, and its hash printed for whoever knows what is in `docs/vectors`. The code of both is that of the core's tests.
#![no_std]
#![no_main]

extern crate alloc;

mod stack;

use core::mem::MaybeUninit;
use core::ptr::addr_of_mut;

use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use embedded_alloc::LlffHeap;
use panic_semihosting as _;
use sprag_core::crypto::hash::sha256;
use sprag_core::handshake::initiate;
use sprag_core::secret::Secret;

include!(concat!(env!("OUT_DIR"), "/tests.rs"));

const HEAP: usize = 2 << 20;

#[global_allocator]
static ALLOCATOR: LlffHeap = LlffHeap::empty();

static mut MEMORY: [MaybeUninit<u8>; HEAP] = [MaybeUninit::uninit(); HEAP];

#[entry]
fn main() -> ! {
    // SAFETY: this runs once, before anything is allocated, and nothing else names the memory.
    unsafe { ALLOCATOR.init(addr_of_mut!(MEMORY) as usize, HEAP) };
    let (epochs, bytes) = stack::used_by(conversation);
    assert!(epochs >= 2 && ALLOCATOR.used() == 0);
    hprintln!("a handshake and a conversation took {} bytes of stack", bytes);
    for (name, content) in frozen::all() {
        hprintln!("{} {}", name, people::hex(&sha256(content.as_bytes())));
    }
    debug::exit(debug::EXIT_SUCCESS);
    loop {
        cortex_m::asm::wfi();
    }
}

/// A handshake, and messages to and fro until both ratchets have turned twice; how often the post-quantum one has.
fn conversation() -> u64 {
    let (alice, bob) = (people::Person::new("alice"), people::Person::new("bob"));
    let random = &mut people::Seeded::new("handshake");
    assert!(initiate(alice.account.account(), &alice.device, bob.bundle(true), None, random).is_ok());
    let mut random = pairs::Counted(0);
    let mut sides = pairs::pair(&mut random);
    let mut sent = 0;
    while sides[0].freshness().epoch < 2 {
        let [from, to] = [sent % 2, 1 - sent % 2];
        let payload_key = Secret::new([6; 32]);
        let slot = sides[from].seal(pairs::BINDING, &payload_key, &mut random).unwrap_or_else(|_| panic!());
        let (key, delta) = sides[to].open(&slot, pairs::BINDING).unwrap_or_else(|_| panic!());
        assert!(key.ct_eq(&payload_key));
        sides[to].commit(delta, Some(1)).unwrap_or_else(|_| panic!());
        sent += 1;
        assert!(sent < 400);
    }
    sides[0].freshness().epoch
}
