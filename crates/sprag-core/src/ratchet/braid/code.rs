//! The erasure code: an object of N chunks is rebuilt from any N different ones of up to 256 (`docs/protocol.md`, *Chunks*).
//!
//! Reed–Solomon over GF(2^8) with the polynomial 0x11B, systematic: chunk i holds, byte by byte, the value at x = i of the
//! polynomial of degree below N through the N chunks of the object itself. It does not know what an object is. Indices are
//! public, bytes may be secret: nothing branches on a byte or looks anything up by one.

use alloc::vec::Vec;

/// Bytes of a chunk.
pub(super) const CHUNK: usize = 32;

/// The most chunks that an object is cut into.
const MAX_CHUNKS: usize = 36;

/// Indices that an encoder counts through before it begins again: a prime, so that a receiver who gets every k-th message
/// alone still sees different ones.
const INDICES: u8 = 251;

/// The bytes of one chunk, as words that are worked on eight bytes at a time.
type Words = [u64; CHUNK / 8];

/// Powers of the generator 3, and their logarithms. Only indices, which are public, are looked up here.
const EXP: [u8; 512] = exponents();
const LOG: [u8; 256] = logarithms();

const fn exponents() -> [u8; 512] {
    let mut table = [0; 512];
    let (mut at, mut value) = (0, 1_u8);
    while at < 512 {
        table[at] = value;
        value ^= (value << 1) ^ (if value & 0x80 == 0 { 0 } else { 0x1b });
        at += 1;
    }
    table
}

const fn logarithms() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 255 {
        table[EXP[at] as usize] = at as u8;
        at += 1;
    }
    table
}

/// The element with a logarithm that is a sum of them.
const fn power(logarithm: u32) -> u8 {
    EXP[(logarithm % 255) as usize]
}

/// The logarithm of the product of the differences between a place and all others: a place's difference to itself, whose
/// logarithm is here 0, counts as 1.
fn distances(place: u8, places: &[u8]) -> u32 {
    places.iter().map(|other| u32::from(LOG[usize::from(place ^ other)])).sum()
}

/// A sum of chunks times public coefficients: chunks are added up by the coefficients' bits, and only the eight sums are
/// multiplied.
#[derive(Default)]
struct Sum([Words; 8]);

impl Sum {
    fn add(&mut self, coefficient: u8, chunk: &Words) {
        for (bit, sum) in self.0.iter_mut().enumerate() {
            let mask = u64::from(coefficient >> bit & 1).wrapping_neg();
            sum.iter_mut().zip(chunk).for_each(|(sum, word)| *sum ^= word & mask);
        }
    }

    fn total(&self) -> Words {
        let (last, others) = self.0.split_last().unwrap_or((&[0; CHUNK / 8], &[]));
        others.iter().rev().fold(*last, |total, sum| core::array::from_fn(|word| double(total[word]) ^ sum[word]))
    }
}

/// Eight bytes times x.
const fn double(word: u64) -> u64 {
    let carries = (word >> 7) & 0x0101_0101_0101_0101;
    ((word & 0x7f7f_7f7f_7f7f_7f7f) << 1) ^ (carries * 0x1b)
}

fn words(chunk: &[u8; CHUNK]) -> Words {
    core::array::from_fn(|word| (0..8).fold(0, |value, byte| value | u64::from(chunk[word * 8 + byte]) << (8 * byte)))
}

fn bytes(words: &Words) -> [u8; CHUNK] {
    core::array::from_fn(|at| words[at / 8].to_le_bytes()[at % 8])
}

/// What the polynomial through some points is at others: Lagrange's form, with what does not depend on the place computed
/// once.
struct Points<'a> {
    places: &'a [u8],
    /// Logarithms.
    weights: Vec<u32>,
}

impl<'a> Points<'a> {
    /// Places that differ from each other.
    fn new(places: &'a [u8]) -> Self {
        Self { places, weights: places.iter().map(|at| distances(*at, places) % 255).collect() }
    }

    /// The value at a place that is none of the points.
    fn at(&self, place: u8, values: impl Iterator<Item = Words>) -> Words {
        let all = distances(place, self.places);
        let mut sum = Sum::default();
        for ((point, weight), value) in self.places.iter().zip(&self.weights).zip(values) {
            // Divided by both: a logarithm is below 255.
            let divided = 255 - weight + 255 - u32::from(LOG[usize::from(place ^ point)]);
            sum.add(power(all + divided), &value);
        }
        sum.total()
    }
}

/// Chunk `index` of an object, whose length is a multiple of [`CHUNK`].
pub(super) fn chunk(object: &[u8], index: u8) -> [u8; CHUNK] {
    let (chunks, _) = object.as_chunks::<CHUNK>();
    if let Some(chunk) = chunks.get(usize::from(index)) {
        return *chunk;
    }
    let places: [u8; MAX_CHUNKS] = core::array::from_fn(|place| place as u8);
    let places = &places[..chunks.len().min(MAX_CHUNKS)];
    bytes(&Points::new(places).at(index, chunks.iter().map(words)))
}

/// The index after this one.
pub(super) const fn next(index: u8) -> u8 {
    (index + 1) % INDICES
}

/// Chunks of one object that have come.
#[derive(Clone, Default)]
pub(super) struct Decoder {
    /// In order of their indices.
    chunks: Vec<(u8, [u8; CHUNK])>,
}

/// What a chunk does to a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is taken, or was there.
    Fine,
    /// Another chunk is there under its index. An honest sender sends one alone.
    Contradiction,
}

impl Decoder {
    /// Takes a chunk.
    pub(super) fn take(&mut self, index: u8, chunk: [u8; CHUNK]) -> Taken {
        match self.chunks.binary_search_by_key(&index, |(index, _)| *index) {
            Ok(at) if self.chunks.get(at).is_some_and(|(_, known)| *known == chunk) => Taken::Fine,
            Ok(_) => Taken::Contradiction,
            Err(at) => {
                self.chunks.insert(at, (index, chunk));
                Taken::Fine
            }
        }
    }

    /// Whether a chunk with this index, taken now, is the last one needed of `length` bytes.
    pub(super) fn lacks_only(&self, index: u8, length: usize) -> bool {
        let known = self.chunks.binary_search_by_key(&index, |(index, _)| *index).is_ok();
        !known && (self.chunks.len() + 1) * CHUNK >= length
    }

    /// Whether an object of `length` bytes needs more than is there.
    pub(super) const fn is_short_of(&self, length: usize) -> bool {
        self.chunks.len() * CHUNK < length
    }

    /// The object of `length` bytes, if enough of it is there.
    pub(super) fn object(&self, length: usize) -> Option<Vec<u8>> {
        let needed = length.div_ceil(CHUNK);
        let chunks = self.chunks.get(..needed)?;
        let places: Vec<u8> = chunks.iter().map(|(index, _)| *index).collect();
        let points = Points::new(&places);
        let mut object = Vec::with_capacity(needed * CHUNK);
        for place in 0..u8::try_from(needed).ok()? {
            match chunks.iter().find(|(index, _)| *index == place) {
                Some((_, chunk)) => object.extend_from_slice(chunk),
                None => object.extend_from_slice(&bytes(&points.at(place, chunks.iter().map(|(_, c)| words(c))))),
            }
        }
        object.truncate(length);
        Some(object)
    }

    /// The chunks, one after the other: index and bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        self.chunks.iter().flat_map(|(index, chunk)| core::iter::once(*index).chain(*chunk)).collect()
    }

    /// Reads what [`Self::encode`] wrote; none if it did not.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (records, []) = bytes.as_chunks::<{ CHUNK + 1 }>() else { return None };
        let chunks: Vec<_> = records.iter().map(|[index, chunk @ ..]| (*index, *chunk)).collect();
        chunks.is_sorted_by(|(a, _), (b, _)| a < b).then_some(Self { chunks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Russian peasants' multiplication, as the field is defined.
    fn slow(mut a: u8, mut b: u8) -> u8 {
        let mut product = 0;
        while b > 0 {
            if b & 1 == 1 {
                product ^= a;
            }
            a = a << 1 ^ if a & 0x80 == 0 { 0 } else { 0x1b };
            b >>= 1;
        }
        product
    }

    #[test]
    fn the_field_is_the_one_of_the_polynomial() {
        for a in 0..=255_u8 {
            for b in 1..=255_u8 {
                let product = power(u32::from(LOG[usize::from(a)]) + u32::from(LOG[usize::from(b)]));
                assert!(a == 0 || product == slow(a, b));
            }
            let mut sum = Sum::default();
            let chunk: [u8; 32] = core::array::from_fn(|at| (at * 8 + 5) as u8);
            sum.add(a, &words(&chunk));
            sum.add(3, &words(&[7; 32]));
            assert_eq!(bytes(&sum.total()), chunk.map(|byte| slow(a, byte) ^ slow(3, 7)));
        }
    }

    #[test]
    fn an_encoder_counts_to_250_and_begins_again() {
        let indices = core::iter::successors(Some(0), |index| Some(next(*index)));
        let all: alloc::collections::BTreeSet<u8> = indices.take(1_000).collect();
        assert_eq!((all.len(), all.last()), (251, Some(&250)));
    }

    /// Horner's rule on the coefficients that Gauss finds would be another program; here the polynomial is checked where it
    /// must pass through: any N chunks give any other chunk.
    #[test]
    fn any_chunks_give_every_other() {
        for chunks in [1, 2, 3, 5, 30, 36_usize] {
            let object: Vec<u8> = (0..chunks * CHUNK).map(|at| (at * 7 + 3) as u8).collect();
            let parity: Vec<_> = (0..=255).map(|index| (index, chunk(&object, index))).collect();
            for start in [0, 100, 256 - chunks] {
                let mut decoder = Decoder::default();
                for (index, chunk) in parity.iter().skip(start).take(chunks) {
                    assert!(decoder.object(object.len()).is_none());
                    assert_eq!(decoder.take(*index, *chunk), Taken::Fine);
                }
                let rebuilt = decoder.object(object.len()).unwrap();
                assert_eq!(rebuilt, object);
                assert!(parity.iter().all(|(index, expected)| chunk(&rebuilt, *index) == *expected));
            }
        }
    }

    proptest! {
        #[test]
        fn any_order_with_repeats(
            object in proptest::collection::vec(any::<u8>(), 1..=36 * CHUNK),
            order in proptest::collection::vec(any::<u8>(), 400),
        ) {
            let length = object.len() / CHUNK * CHUNK;
            prop_assume!(length > 0);
            let object = &object[..length];
            let mut decoder = Decoder::default();
            let mut came = alloc::collections::BTreeSet::new();
            for index in order {
                prop_assert_eq!(decoder.object(length).is_some(), came.len() * CHUNK >= length);
                prop_assert_eq!(decoder.lacks_only(index, length), came.insert(index) && came.len() * CHUNK >= length);
                prop_assert_eq!(decoder.take(index, chunk(object, index)), Taken::Fine);
                let again = Decoder::decode(&decoder.encode()).unwrap();
                prop_assert_eq!(again.encode(), decoder.encode());
                if let Some(rebuilt) = decoder.object(length) {
                    prop_assert_eq!(&rebuilt[..], object);
                    break;
                }
            }
        }
    }

    #[test]
    fn a_contradiction_is_told_and_changes_nothing() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.take(7, [1; CHUNK]), Taken::Fine);
        let before = decoder.encode();
        assert_eq!(decoder.take(7, [2; CHUNK]), Taken::Contradiction);
        assert_eq!(decoder.take(7, [1; CHUNK]), Taken::Fine);
        assert_eq!(decoder.encode(), before);
    }

    #[test]
    fn what_no_decoder_wrote_is_refused() {
        let mut decoder = Decoder::default();
        decoder.take(7, [1; CHUNK]);
        decoder.take(9, [2; CHUNK]);
        let bytes = decoder.encode();
        (1..66).filter(|cut| cut % 33 != 0).for_each(|cut| assert!(Decoder::decode(&bytes[..cut]).is_none()));
        let swapped = [&bytes[33..], &bytes[..33]].concat();
        assert!(Decoder::decode(&swapped).is_none());
        assert!(Decoder::decode(&[&bytes[..33], &bytes[..33]].concat()).is_none());
    }
}
