//! What own other devices are told about a peer: under which key and which list the sender knows it.
//!
//! It does not know pins: whoever reads this compares.

use alloc::vec::Vec;

use crate::content::MAX_MEMBERS;
use crate::error::{Error, Result};
use crate::identity::{Account, Origin};
use crate::wire::{Reader, Writer};

/// What the sender has pinned about one account: the value of extension [`EXT_PEERS`](super::EXT_PEERS) is a list of
/// these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The account, with the key that is pinned.
    pub account: Account,
    /// The sequence of its pinned list.
    pub sequence: u64,
    /// That list's hash.
    pub hash: [u8; 32],
}

impl Peer {
    /// Writes peers as the extension's value.
    ///
    /// # Errors
    /// [`Error::Malformed`] for none, or ids that do not ascend; [`Error::TooLarge`] for more than [`MAX_MEMBERS`].
    pub fn encode_all(peers: &[Self]) -> Result<Vec<u8>> {
        check(peers)?;
        let mut writer = Writer::new();
        writer.array(peers.len());
        for peer in peers {
            writer.array(4);
            peer.account.write(&mut writer);
            writer.uint(peer.sequence).bytes(&peer.hash);
        }
        Ok(writer.finish())
    }

    /// Reads what [`Self::encode_all`] wrote.
    ///
    /// # Errors
    /// The same, and [`Error::BadKey`].
    pub fn decode_all(bytes: &[u8]) -> Result<Vec<Self>> {
        let mut reader = Reader::new(bytes);
        let count = reader.array()?;
        if count > MAX_MEMBERS {
            return Err(Error::TooLarge);
        }
        let peers: Vec<_> = (0..count).map(|_| Self::read(&mut reader)).collect::<Result<_>>()?;
        reader.end()?;
        check(&peers)?;
        Ok(peers)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array_of(4)?;
        let account = Account::read(reader, Origin::Anybody)?;
        Ok(Self { account, sequence: reader.uint()?, hash: reader.fixed()? })
    }
}

fn check(peers: &[Peer]) -> Result<()> {
    match peers.len() {
        1..=MAX_MEMBERS if peers.is_sorted_by(|a, b| a.account.id < b.account.id) => Ok(()),
        0..=MAX_MEMBERS => Err(Error::Malformed),
        _ => Err(Error::TooLarge),
    }
}
