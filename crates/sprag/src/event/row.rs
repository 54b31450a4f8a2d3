//! Events in rows.

use sprag_core::wire::{Reader, Writer};

use super::{Event, Healing, LinkPhase, ListRef, Message, MessageState, Reason, What};
use crate::codec::{CORRUPT, Row, ok, read_list, write_list};
use crate::error::Result;
use crate::id::{DeviceId, Sender, Trust};

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

impl Row for What {
    fn write(&self, writer: &mut Writer) {
        let fields = match self {
            Self::Message(_) => 12,
            Self::Unreadable { .. } | Self::IdentityChanged { .. } => 5,
            Self::Progress { .. }
            | Self::DevicesChanged { .. }
            | Self::AudienceDiffers { .. }
            | Self::SessionRestarted { .. }
            | Self::Unsupported { .. }
            | Self::SenderDiffers { .. } => 4,
            Self::ListConflict { .. } | Self::PlaintextInProtected { .. } | Self::Protection { .. } => 3,
            Self::CloneSuspected { .. } | Self::BraidStalled { .. } | Self::Link { .. } => 2,
            Self::ClockSuspect { .. } | Self::KeysLow { .. } | Self::StoreTrouble { .. } => 1,
            Self::Removed => 0,
        };
        writer.array(fields + 1).uint(u64::from(self.code()));
        match self {
            Self::Message(message) => {
                message.app_ref.write(writer);
                message.blob_id.write(writer);
                message.client_id.write(writer);
                message.sender.write(writer);
                message.outgoing.write(writer);
                message.conversation.write(writer);
                message.class.write(writer);
                message.content.write(writer);
                message.sent.write(writer);
                message.trust.write(writer);
                message.first_contact.write(writer);
                message.recovers.write(writer);
            }
            Self::Unreadable { app_ref, blob_id, from, reason, healing } => {
                app_ref.write(writer);
                blob_id.write(writer);
                from.write(writer);
                reason.write(writer);
                healing.write(writer);
            }
            Self::Progress { message, account, state, reason } => {
                message.write(writer);
                account.write(writer);
                state.write(writer);
                reason.write(writer);
            }
            Self::IdentityChanged { account, old_number, new_number, was_verified, held } => {
                account.write(writer);
                old_number.write(writer);
                new_number.write(writer);
                was_verified.write(writer);
                write_list(writer, held);
            }
            Self::DevicesChanged { account, added, removed, own } => {
                account.write(writer);
                write_list(writer, added);
                write_list(writer, removed);
                own.write(writer);
            }
            Self::AudienceDiffers { conversation, sender, added, missing } => {
                conversation.write(writer);
                sender.write(writer);
                write_list(writer, added);
                write_list(writer, missing);
            }
            Self::PlaintextInProtected { conversation, from, app_ref } => {
                conversation.write(writer);
                from.write(writer);
                app_ref.write(writer);
            }
            Self::Protection { conversation, from, to } => {
                conversation.write(writer);
                from.write(writer);
                to.write(writer);
            }
            Self::Link { phase, device } => {
                phase.code().write(writer);
                device.write(writer);
            }
            Self::Removed => {}
            Self::ListConflict { account, mine, theirs } => {
                account.write(writer);
                mine.write(writer);
                theirs.write(writer);
            }
            Self::SessionRestarted { account, device, resumed, reason } => {
                account.write(writer);
                device.0.write(writer);
                resumed.write(writer);
                reason.write(writer);
            }
            Self::CloneSuspected { account, device } | Self::BraidStalled { account, device } => {
                account.write(writer);
                device.0.write(writer);
            }
            Self::ClockSuspect { skew } => skew.write(writer),
            Self::KeysLow { left: number } | Self::StoreTrouble { code: number } => number.write(writer),
            Self::SenderDiffers { app_ref, blob_id, named, proved } => {
                app_ref.write(writer);
                blob_id.write(writer);
                named.write(writer);
                proved.write(writer);
            }
            Self::Unsupported { app_ref, blob_id, sender, kind } => {
                app_ref.write(writer);
                blob_id.write(writer);
                sender.write(writer);
                kind.write(writer);
            }
        }
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match (ok(reader.array())?, ok(reader.uint())?) {
            (13, 1) => Ok(Self::Message(Message {
                app_ref: Row::read(reader)?,
                blob_id: Row::read(reader)?,
                client_id: Row::read(reader)?,
                sender: Row::read(reader)?,
                outgoing: Row::read(reader)?,
                conversation: Row::read(reader)?,
                class: Row::read(reader)?,
                content: Row::read(reader)?,
                sent: Row::read(reader)?,
                trust: Row::read(reader)?,
                first_contact: Row::read(reader)?,
                recovers: Row::read(reader)?,
            })),
            (6, 2) => Ok(Self::Unreadable {
                app_ref: Row::read(reader)?,
                blob_id: Row::read(reader)?,
                from: Row::read(reader)?,
                reason: Row::read(reader)?,
                healing: Row::read(reader)?,
            }),
            (5, 3) => Ok(Self::Progress {
                message: Row::read(reader)?,
                account: Row::read(reader)?,
                state: Row::read(reader)?,
                reason: Row::read(reader)?,
            }),
            (6, 4) => Ok(Self::IdentityChanged {
                account: Row::read(reader)?,
                old_number: Row::read(reader)?,
                new_number: Row::read(reader)?,
                was_verified: Row::read(reader)?,
                held: read_list(reader)?,
            }),
            (5, 5) => Ok(Self::DevicesChanged {
                account: Row::read(reader)?,
                added: read_list(reader)?,
                removed: read_list(reader)?,
                own: Row::read(reader)?,
            }),
            (5, 7) => Ok(Self::AudienceDiffers {
                conversation: Row::read(reader)?,
                sender: Row::read(reader)?,
                added: read_list(reader)?,
                missing: read_list(reader)?,
            }),
            (4, 8) => Ok(Self::PlaintextInProtected {
                conversation: Row::read(reader)?,
                from: Row::read(reader)?,
                app_ref: Row::read(reader)?,
            }),
            (4, 9) => Ok(Self::Protection {
                conversation: Row::read(reader)?,
                from: Row::read(reader)?,
                to: Row::read(reader)?,
            }),
            (3, 13) => Ok(Self::Link {
                phase: LinkPhase::from_code(Row::read(reader)?).ok_or(CORRUPT)?,
                device: Row::read(reader)?,
            }),
            (1, 14) => Ok(Self::Removed),
            (4, 6) => Ok(Self::ListConflict {
                account: Row::read(reader)?,
                mine: Row::read(reader)?,
                theirs: Row::read(reader)?,
            }),
            (5, 10) => Ok(Self::SessionRestarted {
                account: Row::read(reader)?,
                device: DeviceId(Row::read(reader)?),
                resumed: Row::read(reader)?,
                reason: Row::read(reader)?,
            }),
            (3, 11) => Ok(Self::CloneSuspected { account: Row::read(reader)?, device: DeviceId(Row::read(reader)?) }),
            (3, 12) => Ok(Self::BraidStalled { account: Row::read(reader)?, device: DeviceId(Row::read(reader)?) }),
            (2, 15) => Ok(Self::ClockSuspect { skew: Row::read(reader)? }),
            (2, 16) => Ok(Self::KeysLow { left: Row::read(reader)? }),
            (2, 17) => Ok(Self::StoreTrouble { code: Row::read(reader)? }),
            (5, 19) => Ok(Self::SenderDiffers {
                app_ref: Row::read(reader)?,
                blob_id: Row::read(reader)?,
                named: Row::read(reader)?,
                proved: Row::read(reader)?,
            }),
            (5, 18) => Ok(Self::Unsupported {
                app_ref: Row::read(reader)?,
                blob_id: Row::read(reader)?,
                sender: Row::read(reader)?,
                kind: Row::read(reader)?,
            }),
            _ => Err(CORRUPT),
        }
    }
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

impl Row for Reason {
    fn write(&self, writer: &mut Writer) {
        self.code().write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Self::from_code(Row::read(reader)?).ok_or(CORRUPT)
    }
}

impl Row for MessageState {
    fn write(&self, writer: &mut Writer) {
        self.code().write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Self::from_code(Row::read(reader)?).ok_or(CORRUPT)
    }
}

impl Row for Healing {
    fn write(&self, writer: &mut Writer) {
        self.code().write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match u32::read(reader)? {
            1 => Ok(Self::Asked),
            2 => Ok(Self::Final),
            _ => Err(CORRUPT),
        }
    }
}

impl Row for Trust {
    fn write(&self, writer: &mut Writer) {
        self.code().write(writer);
    }
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match u32::read(reader)? {
            1 => Ok(Self::Pinned),
            2 => Ok(Self::Verified),
            3 => Ok(Self::Changed),
            4 => Ok(Self::Unseen),
            _ => Err(CORRUPT),
        }
    }
}
