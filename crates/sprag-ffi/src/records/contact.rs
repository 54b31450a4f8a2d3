//! What is known of others.

use crate::border::Answer;

/// What is known of another account.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_contact {
    /// One of `SPRAG_TRUST_…`.
    pub trust: u32,
    /// Zero.
    pub reserved: u32,
    /// The hash of its account key; zeros while nothing is pinned.
    pub fingerprint: [u8; 32],
    /// The safety number: 60 digits and a NUL; a NUL alone while nothing is pinned.
    pub digits: [u8; 61],
    /// Its scannable form: text with a NUL after it; a NUL alone while nothing is pinned.
    pub scannable: [u8; 139],
    /// The number with the identity that the user is to decide about: 60 digits and a NUL; a NUL alone if none is offered.
    pub offered_digits: [u8; 61],
    /// Its scannable form, likewise.
    pub offered_scannable: [u8; 139],
}

/// How long ago the session with a device got fresh secrets. Somebody who copied a phone is shut out when both sides have
/// brought one since.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_freshness {
    /// Which device of the contact.
    pub device: u32,
    /// Messages, either way, since the last fresh post-quantum secret.
    pub since_epoch: u32,
    /// Messages, either way, since the last fresh Diffie-Hellman secret.
    pub since_turn: u32,
    /// Zero.
    pub reserved: u32,
    /// Fresh post-quantum secrets so far.
    pub epoch: u64,
}

pub(crate) fn freshness(from: &sprag::Freshness) -> sprag_freshness {
    sprag_freshness {
        device: from.device.0,
        since_epoch: from.since_epoch,
        since_turn: from.since_turn,
        reserved: 0,
        epoch: from.epoch,
    }
}

pub(crate) fn contact(from: &sprag::Contact) -> Answer<sprag_contact> {
    let mut to = sprag_contact {
        trust: from.trust.code(),
        reserved: 0,
        fingerprint: from.account_key_fingerprint.unwrap_or_default(),
        digits: [0; 61],
        scannable: [0; 139],
        offered_digits: [0; 61],
        offered_scannable: [0; 139],
    };
    let numbers = [
        (&from.number, &mut to.digits, &mut to.scannable),
        (&from.offered, &mut to.offered_digits, &mut to.offered_scannable),
    ];
    for (number, digits, scannable) in numbers {
        if let Some(number) = number {
            copy_text(digits, &number.digits())?;
            copy_text(scannable, &number.scannable())?;
        }
    }
    Ok(to)
}

fn copy_text(to: &mut [u8], text: &str) -> Answer {
    let room = to.len().saturating_sub(1);
    let place = to.get_mut(..text.len()).filter(|place| place.len() <= room).ok_or(crate::constants::SPRAG_INTERNAL)?;
    place.copy_from_slice(text.as_bytes());
    Ok(())
}
