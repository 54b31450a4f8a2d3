//! Every generic function of the core: one is only built where it is used, so here each is, with parameters of our own.

use core::hint::black_box;

use sprag_core::Result;
use sprag_core::crypto::hash::hkdf;
use sprag_core::random::Random;
use sprag_core::ratchet::Session;
use sprag_core::secret::Secret;
use sprag_core::wire::Reader;

/// A length that the core has no secret of.
const LENGTH: usize = 77;

type Blocks = [&'static [u8]; 2];

/// Names them all, so that they are in the archive.
#[unsafe(no_mangle)]
pub extern "C" fn sprag_generic() {
    black_box(hkdf::<LENGTH> as fn(&[u8], &[&[u8]], &[&[u8]]) -> Secret<LENGTH>);
    black_box(Reader::fixed::<LENGTH> as fn(&mut Reader<'static>) -> Result<[u8; LENGTH]>);
    black_box(Session::decode as fn(&[u8], &[u8], Blocks) -> Result<Session>);
    black_box(Secret::<LENGTH>::new as fn([u8; LENGTH]) -> Secret<LENGTH>);
    black_box(Secret::<LENGTH>::random as fn(&mut dyn Random) -> Secret<LENGTH>);
    black_box(Secret::<LENGTH>::from_slice as fn(&[u8]) -> Result<Secret<LENGTH>>);
    black_box(Secret::<LENGTH>::fill_with as fn(fn(&mut [u8; LENGTH])) -> Secret<LENGTH>);
    black_box(Secret::<LENGTH>::expose_secret as fn(&Secret<LENGTH>) -> &[u8; LENGTH]);
    black_box(Secret::<LENGTH>::duplicate as fn(&Secret<LENGTH>) -> Secret<LENGTH>);
    black_box(Secret::<LENGTH>::ct_eq as fn(&Secret<LENGTH>, &Secret<LENGTH>) -> bool);
}
