//! Events in rows.

use sprag_core::wire::{Reader, Writer};

use super::{Event, Healing, LinkPhase, ListRef, Message, MessageState, Reason, What};
use crate::codec::{CORRUPT, Row, ok, rows_of_numbers};
use crate::error::Result;
use crate::id::{DeviceId, Sender};

impl Row for Event {
    fn write(&self, writer: &mut Writer) {
        writer.array(3).uint(self.id).uint(self.at);
        self.what.write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(3))?;
        Ok(Self { id: Row::read(reader)?, at: Row::read(reader)?, what: Row::read(reader)? })
    }
}

/// The rows of events, as arrays of a kind's number and its fields, in this order for good.
macro_rules! kinds {
    ($message:literal => Message { $($part:ident),* }, $($code:literal => $kind:ident { $($field:ident),* },)*) => {
        impl What {
            /// The stable number of this kind of event.
            #[must_use]
            pub const fn code(&self) -> u32 {
                match self {
                    Self::Message(_) => $message,
                    $(Self::$kind { .. } => $code,)*
                }
            }
        }

        impl Row for What {
            fn write(&self, writer: &mut Writer) {
                match self {
                    Self::Message(Message { $($part),* }) => {
                        writer.array(elements(&[$(stringify!($part)),*])).uint($message);
                        $($part.write(writer);)*
                    }
                    $(Self::$kind { $($field),* } => {
                        writer.array(elements(&[$(stringify!($field)),*])).uint($code);
                        $($field.write(writer);)*
                    })*
                }
            }
            fn read(reader: &mut Reader<'_>) -> Result<Self> {
                let count = ok(reader.array())?;
                match ok(reader.uint())? {
                    $message if count == elements(&[$(stringify!($part)),*]) => {
                        Ok(Self::Message(Message { $($part: Row::read(reader)?),* }))
                    }
                    $($code if count == elements(&[$(stringify!($field)),*]) => {
                        Ok(Self::$kind { $($field: Row::read(reader)?),* })
                    })*
                    _ => Err(CORRUPT),
                }
            }
        }
    };
}

/// The elements of a row: a number and these fields.
const fn elements(fields: &[&str]) -> usize {
    fields.len() + 1
}

kinds! {
    1 => Message {
        app_ref, blob_id, client_id, sender, outgoing, conversation, class,
        content, sent, trust, first_contact, recovers
    },
    2 => Unreadable { app_ref, blob_id, from, reason, healing },
    3 => Progress { message, account, state, reason },
    4 => IdentityChanged { account, old_number, new_number, was_verified, held },
    5 => DevicesChanged { account, added, removed, own },
    6 => ListConflict { account, mine, theirs },
    7 => AudienceDiffers { conversation, sender, added, missing },
    8 => PlaintextInProtected { conversation, from, app_ref },
    9 => Protection { conversation, from, to },
    10 => SessionRestarted { account, device, resumed, reason },
    11 => CloneSuspected { account, device },
    12 => BraidStalled { account, device },
    13 => Link { phase, device },
    14 => Removed {},
    15 => ClockSuspect { skew },
    16 => KeysLow { left },
    17 => StoreTrouble { code },
    18 => Unsupported { app_ref, blob_id, sender, kind },
    19 => SenderDiffers { app_ref, blob_id, named, proved },
}

impl Row for Sender {
    fn write(&self, writer: &mut Writer) {
        self.account.write(writer.array(2));
        self.device.0.write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { account: Row::read(reader)?, device: DeviceId(Row::read(reader)?) })
    }
}

impl Row for ListRef {
    fn write(&self, writer: &mut Writer) {
        writer.array(2).uint(self.sequence).bytes(&self.hash);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        ok(reader.array_of(2))?;
        Ok(Self { sequence: Row::read(reader)?, hash: Row::read(reader)? })
    }
}

rows_of_numbers!(Reason, MessageState, Healing, LinkPhase);
