//! Armor: any object as text that survives a messenger, after a text for those who cannot read it.
//!
//! It does not know what it carries, nor in which conversation. The letters are letters and digits alone, so that no
//! markdown, no smart quotes and no detection of links touches them; white space in between does no harm.
//!
//! `docs/protocol.md`, *Armor*.

use alloc::string::String;
use alloc::vec::Vec;

use crate::crypto::hash::{Item, hash};
use crate::error::{Error, Result};
use crate::label;

/// The most bytes that armor goes around.
pub const MAX_ARMORED: usize = 4 * 1024 * 1024;

/// What armor begins with. Its first letter is no letter of what follows: so nothing in it can look like a beginning,
/// and a search reads every character once.
const MARK: [char; 5] = ['S', 'P', 'R', 'A', 'G'];

/// Base 58 as it is usually written, without the letter that the mark begins with.
const ALPHABET: [u8; 57] = *b"123456789ABCDEFGHJKLMNPQRTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Letters for so many bytes: 8 take 11, fewer at the end take as many as they need.
const LETTERS: [usize; 9] = [0, 2, 3, 5, 6, 7, 9, 10, 11];

/// Bytes of a block.
const BLOCK: usize = 8;

/// The version of the armor, the first byte of its header.
const VERSION: u8 = 1;

/// Puts an object into armor, after `fallback`, which old clients and notifications show.
///
/// # Errors
/// [`Error::TooLarge`] beyond [`MAX_ARMORED`]; [`Error::Malformed`] for nothing at all, or a fallback that has armor in it
/// already.
pub fn wrap(fallback: &str, object: &[u8]) -> Result<String> {
    if object.len() > MAX_ARMORED {
        return Err(Error::TooLarge);
    }
    if object.is_empty() || find(fallback).is_some() {
        return Err(Error::Malformed);
    }
    let mut text = String::with_capacity(fallback.len() + 1 + armored_len(object.len()));
    text.push_str(fallback);
    if !fallback.is_empty() {
        text.push(' ');
    }
    text.extend(MARK);
    put(&mut text, &header(object));
    object.chunks(BLOCK).for_each(|block| put(&mut text, block));
    Ok(text)
}

/// How many characters the armor of so many bytes has, the fallback and a blank after it not counted. All are ASCII.
#[must_use]
pub const fn armored_len(length: usize) -> usize {
    MARK.len() + LETTERS[BLOCK] * (1 + length / BLOCK) + LETTERS[length % BLOCK]
}

/// Finds the first object in armor in a text, with any text before it and after it. Reads each character once.
#[must_use]
pub fn find(text: &str) -> Option<Vec<u8>> {
    let mut state = State::Mark(0);
    for character in text.chars().filter(|c| !is_ignored(*c)) {
        state = match state.step(character) {
            Step::Go(state) => state,
            Step::Found(object) => return Some(object),
        };
    }
    None
}

/// Version 1 ‖ length 3 ‖ checksum 4.
fn header(object: &[u8]) -> [u8; BLOCK] {
    let length = (object.len() as u64).to_be_bytes();
    let digest = hash(label::ARMOR, &[Item::Bytes(object)]);
    [VERSION, length[5], length[6], length[7], digest[0], digest[1], digest[2], digest[3]]
}

/// Writes up to [`BLOCK`] bytes as one number in base 57.
fn put(text: &mut String, block: &[u8]) {
    let mut value = block.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    let base = ALPHABET.len() as u64;
    let mut letters = [0; LETTERS[BLOCK]];
    let letters = &mut letters[..LETTERS[block.len()]];
    for letter in letters.iter_mut().rev() {
        *letter = ALPHABET[(value % base) as usize];
        value /= base;
    }
    text.extend(letters.iter().map(|letter| char::from(*letter)));
}

/// What messengers put between characters to wrap them: white space, and what has no width.
const fn is_ignored(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

fn value(letter: char) -> Option<u64> {
    let at = ALPHABET.iter().position(|known| char::from(*known) == letter)?;
    u64::try_from(at).ok()
}

/// A block that is being read: as a number, from its letters so far.
#[derive(Default)]
struct Block {
    value: u128,
    letters: usize,
}

impl Block {
    /// Takes a letter; yields the bytes when there are enough for `length` of them. Another spelling of the bytes is none.
    fn take(&mut self, letter: u64, length: usize) -> Option<Result<[u8; BLOCK]>> {
        self.value = self.value * ALPHABET.len() as u128 + u128::from(letter);
        self.letters += 1;
        if self.letters < LETTERS[length] {
            return None;
        }
        let value = core::mem::take(self).value;
        Some(if value >> (8 * length) == 0 { Ok((value as u64).to_be_bytes()) } else { Err(Error::Malformed) })
    }
}

/// Where a search stands.
enum State {
    /// So many letters of the mark were seen.
    Mark(usize),
    /// The header is being read.
    Header(Block),
    /// The object is being read.
    Object { header: [u8; BLOCK], length: usize, bytes: Vec<u8>, block: Block },
}

enum Step {
    Go(State),
    Found(Vec<u8>),
}

impl State {
    fn step(self, character: char) -> Step {
        // The mark's first letter begins anew wherever it stands.
        if character == MARK[0] {
            return Step::Go(Self::Mark(1));
        }
        match (self, value(character)) {
            (Self::Mark(seen), _) => {
                let state = match seen {
                    0 => Self::Mark(0),
                    seen if MARK[seen] != character => Self::Mark(0),
                    seen if seen + 1 == MARK.len() => Self::Header(Block::default()),
                    seen => Self::Mark(seen + 1),
                };
                Step::Go(state)
            }
            (Self::Header(block), Some(letter)) => Step::Go(Self::header(block, letter)),
            (Self::Object { header, length, bytes, block }, Some(letter)) => {
                Self::object(header, length, bytes, block, letter)
            }
            (_, None) => Step::Go(Self::Mark(0)),
        }
    }

    fn header(mut block: Block, letter: u64) -> Self {
        match block.take(letter, BLOCK) {
            None => Self::Header(block),
            Some(Ok(header)) => {
                let [version, a, b, c, ..] = header;
                let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                if version == VERSION && length > 0 && length <= MAX_ARMORED {
                    Self::Object { header, length, bytes: Vec::new(), block: Block::default() }
                } else {
                    Self::Mark(0)
                }
            }
            Some(Err(_)) => Self::Mark(0),
        }
    }

    fn object(header: [u8; BLOCK], length: usize, mut bytes: Vec<u8>, mut block: Block, letter: u64) -> Step {
        let due = (length - bytes.len()).min(BLOCK);
        match block.take(letter, due) {
            None => {}
            Some(Ok(read)) => bytes.extend_from_slice(&read[BLOCK - due..]),
            Some(Err(_)) => return Step::Go(Self::Mark(0)),
        }
        if bytes.len() < length {
            return Step::Go(Self::Object { header, length, bytes, block });
        }
        if header == self::header(&bytes) { Step::Found(bytes) } else { Step::Go(Self::Mark(0)) }
    }
}
