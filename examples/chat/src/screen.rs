//! What is shown: words for a person, or lines for a program.
//!
//! A program reads one line for each thing, words separated by one space; a text is the last word, with `\\` for a
//! backslash, `\n` for a line feed and `\r` for a carriage return:
//!
//! ```text
//! ready NAME DEVICE               it runs
//! published COUNT                 the relay has our keys
//! queued PEER MESSAGE             a text is in the store and will go out
//! state MESSAGE STATE REASON      how far it has come: waiting, held, ready, accepted, failed, cancelled
//! message EVENT PEER MESSAGE TEXT a text came
//! outgoing EVENT PEER MESSAGE TEXT  another device of ours sent one
//! room EVENT ROOM SENDER MESSAGE TEXT  a text came in a room; from another device of ours, if SENDER is our own name
//! link CODE DIGITS                what is typed on another device within a minute, to link this one
//! linked PHASE DEVICE             how far it is: offered, joined, answered, admitted
//! device DEVICE [this] [key]      a device of ours; key: it may admit and revoke others
//! safety PEER DIGITS              the safety number, or - if nothing is known of PEER
//! trust PEER TRUST DIGITS OFFERED how far PEER can be trusted: unknown, unseen, pinned, verified, changed; the safety number,
//!                                 and the one with the identity that is to be decided about, or - for none
//! card LINK                       the link that others write to us by
//! imported PEER                   whose link was taken over
//! protection PEER STATE           a conversation, or ROOM, is better protected: offered, encrypted, verified
//! diagnose LINE                   a line of what a support ticket needs
//! fresh PEER DEVICE EPOCH SINCE TURN  how fresh the keys for a device of PEER's are: fresh post-quantum secrets so far,
//!                                 messages since the last one, and since the last fresh Diffie-Hellman secret; or
//!                                 fresh PEER - if there is no session
//! mail on                         mail is fetched, or off
//! warning PEER WORDS              something that the person should know
//! online / offline                the relay answers again, or does not
//! trouble WORDS                   what went wrong
//! ```

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use sprag::{
    AccountId, Content, Conversation, DeviceId, Event, Freshness, LinkPhase, Message, MessageId, MessageState,
    Protection, What,
};

use sprag_chat::relay::hex;

use crate::devices::called;

/// Where everything is written.
pub(crate) struct Screen {
    script: bool,
    /// Whoever shows something holds it until it is done: then nothing is shown twice.
    turn: Mutex<()>,
}

impl Screen {
    pub(crate) const fn new(script: bool) -> Self {
        Self { script, turn: Mutex::new(()) }
    }

    /// Holds the screen: nobody else shows events meanwhile.
    pub(crate) fn hold(&self) -> std::sync::MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the line that is meant for who reads; an empty one is left out.
    pub(crate) fn say(&self, script: &str, person: &str) -> io::Result<()> {
        let line = if self.script { script } else { person };
        if line.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()
    }

    /// Shows an event, if there is anything about it to show.
    pub(crate) fn event(&self, event: &Event) -> io::Result<()> {
        match &event.what {
            What::Message(message) => self.message(event.id, message),
            What::Progress { message, account, state, reason } => {
                let why = reason.map_or("-", |reason| reason.text());
                let peer = account.as_ref().map_or_else(String::new, name);
                let person = match state {
                    MessageState::Failed => format!("! not delivered to {peer}: {why}"),
                    MessageState::Held => format!("! held back from {peer}: {why}"),
                    _ => String::new(),
                };
                self.say(&format!("state {} {} {why}", hex(message.as_bytes()), state_word(*state)), &person)
            }
            What::Unreadable { from, reason, .. } => {
                self.warn(from.as_ref(), &format!("a message cannot be read: {reason}"))
            }
            What::IdentityChanged { account, old_number, new_number, held, .. } => self.warn(
                Some(account),
                &format!(
                    "another identity has the name: a new phone, or somebody else; {} messages are held; \
                     compare: it was {old_number}, now {new_number}; /trust {} says more",
                    held.len(),
                    name(account)
                ),
            ),
            What::DevicesChanged { account, added, removed, own } => {
                let list = |devices: &[DeviceId]| -> String {
                    devices.iter().map(|device| format!(" {:08x}", device.0)).collect()
                };
                let whose = if *own { "your account" } else { "they" };
                let words = format!("{whose} changed devices; new:{}; gone:{}", list(added), list(removed));
                self.warn(Some(account), &words)
            }
            What::AudienceDiffers { conversation, sender, added, missing } => {
                let list = |accounts: &[AccountId]| -> String {
                    accounts.iter().map(|account| format!(" {}", name(account))).collect()
                };
                let words = format!(
                    "wrote to others than the members of {}; beside them:{}; without:{}",
                    called(conversation),
                    list(added),
                    list(missing)
                );
                self.warn(Some(&sender.account), &words)
            }
            What::Link { phase, device } => {
                let device = device.map_or_else(|| "-".to_owned(), |device| format!("{:08x}", device.0));
                let (word, person) = match phase {
                    LinkPhase::Offered => ("offered", "the other device has answered"),
                    LinkPhase::Joined => ("joined", "this device is linked"),
                    LinkPhase::Answered => ("answered", "the new device has answered"),
                    LinkPhase::Admitted => ("admitted", "the new device is linked"),
                    _ => ("unknown", ""),
                };
                self.say(&format!("linked {word} {device}"), person)
            }
            What::Protection { conversation, to, .. } => {
                let (word, person) = match to {
                    Protection::Encrypted => ("encrypted", "encrypted from now on"),
                    Protection::Verified => ("verified", "encrypted, and everybody's number was compared"),
                    _ => ("offered", "everybody can read what is encrypted"),
                };
                let place = called(conversation);
                self.say(&format!("protection {place} {word}"), &format!("({person}: {place})"))
            }
            What::Removed => self.warn(None, "this device was taken off its account; it sends nothing any more"),
            What::ListConflict { account, .. } => {
                self.warn(Some(account), "two lists of devices contradict each other")
            }
            What::SessionRestarted { account, resumed: false, .. } => {
                self.warn(Some(account), "the session was begun anew")
            }
            What::CloneSuspected { account, device } => self.warn(
                Some(account),
                &format!(
                    "a copy of their phone (device {:08x}) seems to be in use, or an old backup of it; \
                     whoever has it reads along: ask them some other way",
                    device.0
                ),
            ),
            What::BraidStalled { account, device } => self.warn(
                Some(account),
                &format!(
                    "no fresh post-quantum keys come with their phone (device {:08x}) any more, as after an old \
                     backup on either side; messages go on",
                    device.0
                ),
            ),
            What::Unsupported { sender, .. } => {
                self.warn(Some(&sender.account), "a message of a kind that this version does not know")
            }
            What::StoreTrouble { code } => self.say(&format!("trouble store {code}"), "! the store has trouble"),
            _ => Ok(()),
        }
    }

    fn message(&self, event: u64, message: &Message) -> io::Result<()> {
        let Content::Text(text) = &message.content else { return Ok(()) };
        let sender = name(&message.sender.account);
        let id = hex(message.client_id.as_bytes());
        let place = called(&message.conversation);
        if let Conversation::Room { id: room, .. } = &message.conversation {
            let room = plain(&String::from_utf8_lossy(room.as_bytes()));
            let script = format!("room {event} {room} {sender} {id} {}", escape(text));
            return self.say(&script, &format!("{sender} in {place}: {}", plain(text)));
        }
        if message.outgoing {
            let script = format!("outgoing {event} {place} {id} {}", escape(text));
            return self.say(&script, &format!("(from another device) to {place}: {}", plain(text)));
        }
        let first = if message.first_contact { " (for the first time)" } else { "" };
        self.say(
            &format!("message {event} {sender} {id} {}", escape(text)),
            &format!("{sender}{first}: {}", plain(text)),
        )
    }

    fn warn(&self, about: Option<&AccountId>, words: &str) -> io::Result<()> {
        let about = about.map_or_else(|| "?".to_owned(), name);
        self.say(&format!("warning {about} {words}"), &format!("! {about}: {words}"))
    }

    /// How fresh the keys for somebody's devices are.
    pub(crate) fn fresh(&self, peer: &str, devices: &[Freshness]) -> io::Result<()> {
        if devices.is_empty() {
            return self.say(&format!("fresh {peer} -"), &format!("there is no session with {peer} yet"));
        }
        devices.iter().try_for_each(|fresh| {
            let Freshness { device, epoch, since_epoch, since_turn, .. } = fresh;
            let script = format!("fresh {peer} {:08x} {epoch} {since_epoch} {since_turn}", device.0);
            self.say(&script, &healed(peer, fresh))
        })
    }

    /// A text of ours is in the store.
    pub(crate) fn queued(&self, peer: &str, message: &MessageId, state: MessageState) -> io::Result<()> {
        let is_held = state == MessageState::Held;
        let person = if is_held { format!("! held back from {peer}: see /trust {peer}") } else { String::new() };
        self.say(&format!("queued {peer} {}", hex(message.as_bytes())), &person)
    }
}

/// An account as it is typed.
pub(crate) fn name(account: &AccountId) -> String {
    plain(&String::from_utf8_lossy(account.as_bytes()))
}

/// When the keys for a device were last fresh, in words.
fn healed(peer: &str, fresh: &Freshness) -> String {
    let ago = |messages| match messages {
        0 => "with the last message".to_owned(),
        1 => "1 message ago".to_owned(),
        more => format!("{more} messages ago"),
    };
    let quantum = match fresh.epoch {
        0 => "not since the session began".to_owned(),
        times => format!("{}, {times} in all", ago(fresh.since_epoch)),
    };
    format!(
        "{peer}, device {:08x}: fresh keys {}; fresh post-quantum keys {quantum}",
        fresh.device.0,
        ago(fresh.since_turn)
    )
}

const fn state_word(state: MessageState) -> &'static str {
    match state {
        MessageState::WaitingKeys => "waiting",
        MessageState::Held => "held",
        MessageState::Ready => "ready",
        MessageState::Accepted => "accepted",
        MessageState::Failed => "failed",
        MessageState::Cancelled => "cancelled",
        _ => "unknown",
    }
}

/// A text in one line.
pub(crate) fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

/// The text that was escaped.
pub(crate) fn unescape(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some(other) => text.push(other),
                None => {}
            },
            (letter, false) => text.push(letter),
        }
    }
    text
}

/// A text that cannot command the terminal: what others write is not to move the cursor or forge lines.
pub(crate) fn plain(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' => "\n    ".to_owned(),
        letter if letter.is_control() && letter != '\t' => letter.escape_unicode().to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::{escape, healed, plain, unescape};
    use sprag::{DeviceId, Freshness};

    #[test]
    fn freshness_is_said_in_words() {
        let said = |epoch, since_epoch, since_turn| {
            healed("bob", &Freshness::new(DeviceId(42), epoch, since_epoch, since_turn))
        };
        let fresh = |words| format!("bob, device 0000002a: fresh keys {words}");
        assert_eq!(said(0, 7, 0), fresh("with the last message; fresh post-quantum keys not since the session began"));
        assert_eq!(said(3, 40, 1), fresh("1 message ago; fresh post-quantum keys 40 messages ago, 3 in all"));
    }

    #[test]
    fn a_text_survives_its_line() {
        for text in ["", "plain", "two\nlines\r\n", "C:\\new\\", "\\n", "e\u{301}👋🏽\\"] {
            assert_eq!(unescape(&escape(text)), text);
            assert!(!escape(text).contains('\n'));
        }
    }

    #[test]
    fn a_text_commands_no_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\nalice: c"), "a\\u{1b}[2Jb\n    alice: c");
    }
}
