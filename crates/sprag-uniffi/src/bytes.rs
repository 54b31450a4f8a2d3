//! Bytes that cross the border in one copy and wipe themselves.

use uniffi::deps::anyhow::{Result, bail};
use uniffi::{FfiConverter, MetadataBuffer, RustBuffer, TypeId};
use zeroize::Zeroize;

/// Bytes: `Data` in Swift, `ByteArray` in Kotlin, `bytes` in Python. UniFFI's own `Vec<u8>` is carried one element at a
/// time, and is left in freed memory.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// The bytes, to keep.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        self.0.clone()
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

// SAFETY: it writes and reads what UniFFI's generated code expects of a list of `u8`: a big-endian 32-bit length and the
// bytes.
unsafe impl FfiConverter<crate::UniFfiTag> for Bytes {
    type FfiType = RustBuffer;

    const TYPE_ID_META: MetadataBuffer = MetadataBuffer::from_code(uniffi::metadata::codes::TYPE_VEC)
        .concat(<u8 as TypeId<crate::UniFfiTag>>::TYPE_ID_META);

    fn lower(value: Self) -> RustBuffer {
        let mut buffer = Vec::with_capacity(value.0.len() + 4);
        Self::write(value, &mut buffer);
        RustBuffer::from_vec(buffer)
    }

    fn try_lift(buffer: RustBuffer) -> Result<Self> {
        let mut bytes = buffer.destroy_into_vec();
        let mut rest = bytes.as_slice();
        let read = Self::try_read(&mut rest);
        let left = rest.len();
        bytes.zeroize();
        if left != 0 {
            bail!("bytes after the end");
        }
        read
    }

    fn write(value: Self, buffer: &mut Vec<u8>) {
        // A list of more than `i32::MAX` is none that the other side could take; it is cut to nothing.
        let length = i32::try_from(value.0.len()).unwrap_or(0);
        buffer.extend_from_slice(&length.to_be_bytes());
        buffer.extend_from_slice(value.0.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default());
    }

    fn try_read(buffer: &mut &[u8]) -> Result<Self> {
        let Some((head, rest)) = buffer.split_first_chunk::<4>() else { bail!("no length") };
        let length = usize::try_from(i32::from_be_bytes(*head))?;
        let Some((bytes, rest)) = rest.split_at_checked(length) else { bail!("cut short") };
        *buffer = rest;
        Ok(Self(bytes.to_vec()))
    }
}

uniffi::derive_ffi_traits!(local Bytes);
