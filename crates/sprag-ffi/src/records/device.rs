//! Our own devices.

/// One of our own devices, as our list has it.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sprag_own_device {
    /// Which.
    pub device: u32,
    /// Not 0: the one that is asked.
    pub is_this: u32,
    /// Not 0: it may admit and revoke others.
    pub holds_account_key: u32,
    /// Zero.
    pub reserved: u32,
}

pub(crate) fn own_device(from: &sprag::Device) -> sprag_own_device {
    sprag_own_device {
        device: from.id.0,
        is_this: u32::from(from.is_this),
        holds_account_key: u32::from(from.holds_account_key),
        reserved: 0,
    }
}
