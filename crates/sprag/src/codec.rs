//! How the door's records are written into rows: deterministic CBOR, one array per record, headed by its number.
//!
//! It knows no records but the small shared ones. What is read back and does not parse is [`StoreFault::Corrupt`]: these
//! bytes are our own.

use sprag_core::wire::{Reader, Writer};

use crate::error::{Error, Result, StoreFault};
use crate::id::{AccountId, BlobId, Class, Content, Conversation, DeviceId, MessageId, Protection, RoomId, Trust};

/// What a row said that this release cannot have written.
pub(crate) const CORRUPT: Error = Error::Store(StoreFault::Corrupt);

/// A reading step of the wire; its refusal here means damage.
pub(crate) fn ok<T>(result: sprag_core::Result<T>) -> Result<T> {
    result.map_err(|_| CORRUPT)
}

/// A value that has a place in a row.
pub(crate) trait Row: Sized {
    fn write(&self, writer: &mut Writer);
    fn read(reader: &mut Reader<'_>) -> Result<Self>;
}

impl Row for u64 {
    fn write(&self, writer: &mut Writer) {
        writer.uint(*self);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.uint())
    }
}

impl Row for u32 {
    fn write(&self, writer: &mut Writer) {
        writer.uint(u64::from(*self));
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Self::try_from(ok(reader.uint())?).map_err(|_| CORRUPT)
    }
}

impl Row for i64 {
    fn write(&self, writer: &mut Writer) {
        writer.array(2).bool(self.is_negative()).uint(self.unsigned_abs());
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        let negative = ok(reader.bool())?;
        let size = ok(reader.uint())?;
        let value = if negative { 0_i64.checked_sub_unsigned(size) } else { Self::try_from(size).ok() };
        value.ok_or(CORRUPT)
    }
}

impl Row for bool {
    fn write(&self, writer: &mut Writer) {
        writer.bool(*self);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.bool())
    }
}

/// A byte string. Lists of bytes are lists of these, never of numbers.
impl Row for Vec<u8> {
    fn write(&self, writer: &mut Writer) {
        writer.bytes(self);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.bytes()).map(<[u8]>::to_vec)
    }
}

impl Row for [u8; 32] {
    fn write(&self, writer: &mut Writer) {
        writer.bytes(self);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.fixed())
    }
}

impl Row for String {
    fn write(&self, writer: &mut Writer) {
        writer.text(self);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.text()).map(str::to_owned)
    }
}

impl<T: Row> Row for Option<T> {
    fn write(&self, writer: &mut Writer) {
        match self {
            Some(value) => value.write(writer),
            None => {
                writer.null();
            }
        }
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        if reader.take_null() { Ok(None) } else { T::read(reader).map(Some) }
    }
}

impl<T: Row> Row for Vec<T> {
    fn write(&self, writer: &mut Writer) {
        write_list(writer, self);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        read_list(reader)
    }
}

/// Writes a list.
pub(crate) fn write_list<T: Row>(writer: &mut Writer, list: &[T]) {
    writer.array(list.len());
    list.iter().for_each(|item| item.write(writer));
}

/// Reads a list.
pub(crate) fn read_list<T: Row>(reader: &mut Reader<'_>) -> Result<Vec<T>> {
    (0..ok(reader.array())?).map(|_| T::read(reader)).collect()
}

impl Row for AccountId {
    fn write(&self, writer: &mut Writer) {
        writer.bytes(self.as_bytes());
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Self::new(ok(reader.bytes())?).map_err(|_| CORRUPT)
    }
}

impl Row for MessageId {
    fn write(&self, writer: &mut Writer) {
        writer.bytes(self.as_bytes());
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Self::new(ok(reader.bytes())?).map_err(|_| CORRUPT)
    }
}

impl Row for RoomId {
    fn write(&self, writer: &mut Writer) {
        writer.bytes(self.as_bytes());
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Self::new(ok(reader.bytes())?).map_err(|_| CORRUPT)
    }
}

impl Row for DeviceId {
    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Row::read(reader).map(Self)
    }
}

impl Row for BlobId {
    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Row::read(reader).map(Self)
    }
}

impl Row for Conversation {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Direct(account) => account.write(writer.array(2).uint(u64::from(self.code()))),
            Self::Room { id, members } => {
                id.write(writer.array(3).uint(u64::from(self.code())));
                write_list(writer, members);
            }
        }
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match (ok(reader.array())?, ok(reader.uint())?) {
            (2, 1) => Row::read(reader).map(Self::Direct),
            (3, 2) => Ok(Self::Room { id: Row::read(reader)?, members: read_list(reader)? }),
            _ => Err(CORRUPT),
        }
    }
}

impl Row for Content {
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Text(text) => {
                writer.array(2).uint(u64::from(self.code())).text(text);
            }
            Self::App { kind, bytes } => {
                writer.array(3).uint(u64::from(self.code())).text(kind).bytes(bytes);
            }
        }
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match (ok(reader.array())?, ok(reader.uint())?) {
            (2, 1) => Row::read(reader).map(Self::Text),
            (3, 2) => Ok(Self::App { kind: Row::read(reader)?, bytes: Row::read(reader)? }),
            _ => Err(CORRUPT),
        }
    }
}

/// Values that stand in rows as their numbers.
macro_rules! rows_of_numbers {
    ($($name:ty),*) => {
        $(impl Row for $name {
            fn write(&self, writer: &mut Writer) {
                self.code().write(writer);
            }
            fn read(reader: &mut Reader<'_>) -> Result<Self> {
                Self::from_code(Row::read(reader)?).ok_or(CORRUPT)
            }
        })*
    };
}

pub(crate) use rows_of_numbers;

rows_of_numbers!(Class, Protection, Trust);

/// Encodes a record as the contents of a row. The bytes may hold contents of messages and are wiped on drop.
pub(crate) fn encode(record: &impl Row) -> sprag_core::secret::SecretBytes {
    let mut writer = Writer::new();
    record.write(&mut writer);
    writer.finish_secret()
}

/// Decodes a record from exactly these bytes.
pub(crate) fn decode<T: Row>(bytes: &[u8]) -> Result<T> {
    let mut reader = Reader::new(bytes);
    let record = T::read(&mut reader)?;
    ok(reader.end())?;
    Ok(record)
}
