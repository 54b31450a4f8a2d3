//! Our own devices: how one more is linked, and how one is taken off, here and at the relay.
//!
//! The relay lets a further device in when one that is in says so. So what the new device shows is its name and token for
//! the relay, and behind them the code for the engine.

use sprag::{AccountId, Conversation, DeviceId, Error};

use crate::driver::{Driver, patiently, said};
use crate::screen::name;

impl Driver {
    /// Whether this device waits to be linked.
    pub(crate) fn is_newcomer(&self) -> bool {
        matches!(self.client.devices(), Err(Error::NotAllowed))
    }

    /// On a new device: shows what is to be typed on the other one.
    pub(crate) fn link(&self) -> Result<(), String> {
        match patiently(|| self.client.link_code()) {
            Ok(code) => {
                let device = self.client.device().0;
                let (text, digits) = (code.expose_text().replace(char::is_whitespace, ""), code.digits());
                let typed = format!("{device:08x}.{}.{text}", self.token);
                self.screen.say(
                    &format!("link {typed} {digits}"),
                    &format!("within a minute, on the other device:\n    /admit {typed} {digits}"),
                )
            }
            Err(Error::NotAllowed) => return self.complain("this device has its account"),
            Err(error) => return Err(error.to_string()),
        }
        .map_err(said)
    }

    /// On the other device: lets the new one in at the relay, and admits it. A person confirms by typing its six digits.
    pub(crate) fn admit(&self, rest: &str) -> Result<(), String> {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let [typed, digits] = words.as_slice() else { return self.complain("admit CODE DIGITS") };
        let mut parts = typed.splitn(3, '.');
        let (Some(device), Some(token), Some(code)) = (parts.next(), parts.next(), parts.next()) else {
            return self.complain("that is not what /link shows");
        };
        if self.relay.enrol(device, token).is_err() {
            return self.complain("the relay does not let the device in; try again");
        }
        self.answer(patiently(|| self.client.admit(code.as_bytes(), digits, false)))
    }

    /// Takes a device off the list, and lets it no more in at the relay.
    pub(crate) fn revoke(&self, device: &str) -> Result<(), String> {
        let Ok(id) = u32::from_str_radix(device, 16) else { return self.complain("revoke DEVICE") };
        let revoked = patiently(|| self.client.revoke(DeviceId(id)));
        if revoked.is_ok() {
            // If this fails the relay keeps mail for it that nobody can read there.
            let _ = self.relay.expel(device);
        }
        self.answer(revoked)
    }

    fn answer(&self, outcome: sprag::Result<sprag::Pending>) -> Result<(), String> {
        match outcome {
            Ok(pending) => {
                self.look(pending);
                Ok(())
            }
            Err(error @ (Error::NotAllowed | Error::Misuse(_) | Error::Unknown)) => self.complain(&error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Shows the devices of our account.
    pub(crate) fn devices(&self) -> Result<(), String> {
        let devices = match patiently(|| self.client.devices()) {
            Ok(devices) => devices,
            Err(Error::NotAllowed) => return self.complain("this device is yet to be linked: /link"),
            Err(error) => return Err(error.to_string()),
        };
        devices.iter().try_for_each(|device| {
            let id = device.id.0;
            let this = if device.is_this { " this" } else { "" };
            let key = if device.holds_account_key { " key" } else { "" };
            let words = if device.is_this { ", this one" } else { "" };
            let may = if device.holds_account_key { "; it may admit and revoke" } else { "" };
            self.screen
                .say(&format!("device {id:08x}{this}{key}"), &format!("device {id:08x}{words}{may}"))
                .map_err(said)
        })
    }

    /// Queues a text to a room: its name, the members with commas between, and the text.
    pub(crate) fn room(&self, rest: &str, text: impl Fn(&str) -> String) -> Result<(), String> {
        let mut words = rest.splitn(3, ' ');
        let (Some(room), Some(members), Some(words)) = (words.next(), words.next(), words.next()) else {
            return self.complain("room NAME MEMBER,MEMBER TEXT");
        };
        let members: sprag::Result<Vec<AccountId>> = members.split(',').map(AccountId::new).collect();
        match sprag::RoomId::new(room).and_then(|id| Ok(Conversation::Room { id, members: members? })) {
            Ok(conversation) => self.write(room, &conversation, text(words)),
            Err(error) => self.complain(&error.to_string()),
        }
    }
}

/// How a conversation is called.
pub(crate) fn called(conversation: &Conversation) -> String {
    match conversation {
        Conversation::Direct(account) => name(account),
        Conversation::Room { id, members } => {
            let members: Vec<String> = members.iter().map(name).collect();
            format!("{} ({})", crate::screen::plain(&String::from_utf8_lossy(id.as_bytes())), members.join(", "))
        }
        _ => "?".to_owned(),
    }
}
