//! A stored session taken apart and put together again, with some of its numbers changed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use sprag_core::ratchet::Session;
use sprag_core::wire::{Reader, Writer};

enum Item {
    Uint(u64),
    Bytes(Vec<u8>),
    Simple(u8),
    List(Vec<Item>),
}

impl Item {
    fn read(reader: &mut Reader<'_>) -> Self {
        match reader.rest()[0] >> 5 {
            0 => Self::Uint(reader.uint().unwrap()),
            2 => Self::Bytes(reader.bytes().unwrap().to_vec()),
            4 => Self::List((0..reader.array().unwrap()).map(|_| Self::read(reader)).collect()),
            _ => Self::Simple(reader.take(1).unwrap()[0]),
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Uint(value) => writer.uint(*value),
            Self::Bytes(bytes) => writer.bytes(bytes),
            Self::Simple(byte) => writer.raw(&[*byte]),
            Self::List(items) => {
                writer.array(items.len());
                items.iter().for_each(|item| item.write(writer));
                writer
            }
        };
    }
}

/// Where the numbers are among what every message changes.
pub(crate) const SENDING: &[usize] = &[6, 2];
pub(crate) const RECEIVING: &[usize] = &[7, 2];
pub(crate) const NEWEST: &[usize] = &[11, 2];
pub(crate) const SENDING_EPOCH: [&[usize]; 2] = [&[11, 3, 0, 0], &[11, 3, 0, 2]];
pub(crate) const RECEIVING_EPOCH: &[usize] = &[11, 4, 0, 0];
pub(crate) const BRAID_EPOCH: &[usize] = &[12, 1];
pub(crate) const STEPS: [&[usize]; 2] = [&[16], &[17]];

/// The session, without its skipped keys, with those of these numbers changed that it has.
pub(crate) fn changed(session: &Session, changes: &[(&[usize], u64)]) -> Session {
    let bytes = session.encode();
    let mut all = Item::read(&mut Reader::new(bytes.expose_secret()));
    for (path, value) in changes {
        let place = path.iter().try_fold(&mut all, |item, at| match item {
            Item::List(items) => items.get_mut(*at),
            _ => None,
        });
        match place {
            Some(Item::Uint(old)) => *old = *value,
            Some(_) => panic!("{path:?} is no number"),
            None => {}
        }
    }
    let mut writer = Writer::new();
    all.write(&mut writer);
    Session::decode(writer.finish_secret().expose_secret(), session.encode_cold().expose_secret(), []).unwrap()
}
