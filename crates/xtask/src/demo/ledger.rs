//! The books: every text that was sent, and what became of it on every screen. It knows no processes.

use std::collections::HashMap;

use super::texts::{brief, unescape};

/// Where a text goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// To one account.
    Direct(&'static str),
    /// To a room with these accounts.
    Room(&'static str, &'static [&'static str]),
}

impl Place {
    const fn name(self) -> &'static str {
        match self {
            Self::Direct(name) | Self::Room(name, _) => name,
        }
    }
}

/// A text on one of the screens that are to show it: by which events that has.
struct Copy {
    on: &'static str,
    shown: Vec<String>,
}

/// A text on its way.
struct Entry {
    from: &'static str,
    place: Place,
    text: String,
    id: Option<String>,
    accepted: bool,
    copies: Vec<Copy>,
}

impl Entry {
    fn copy(&self, on: &str) -> Option<&Copy> {
        self.copies.iter().find(|copy| copy.on == on)
    }

    fn waits_for(&self, on: &str) -> bool {
        self.copy(on).is_some_and(|copy| copy.shown.is_empty())
    }
}

/// What somebody's screen is to warn of, by words in it, and whether it has.
struct Warning {
    on: &'static str,
    words: String,
    seen: bool,
}

/// What a line says is shown.
struct Shown<'a> {
    on: &'static str,
    event: &'a str,
    /// The account that it says it is from.
    from: &'a str,
    place: &'a str,
    is_room: bool,
    id: &'a str,
    text: String,
}

/// All of them, in the order in which they were sent.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Which devices there are, by the name of their screen, and whose they are.
    devices: Vec<(&'static str, &'static str)>,
    entries: Vec<Entry>,
    warnings: Vec<Warning>,
    /// Lines that a screen showed again after a crash, because it had shown them but not said so yet.
    pub(crate) repeated: usize,
    crashed: bool,
    safety: HashMap<(String, String), String>,
}

impl Ledger {
    /// Notes a device: what is sent from now on it is to show.
    pub(crate) fn joins(&mut self, device: &'static str, account: &'static str) {
        if !self.devices.contains(&(device, account)) {
            self.devices.push((device, account));
        }
    }

    /// Notes that a device is none any more: what is sent from now on it is not to show.
    pub(crate) fn leaves(&mut self, device: &str) {
        self.devices.retain(|(known, _)| *known != device);
    }

    /// Notes a text before it is sent: every device of who is to have it shows it, and every other one of who sends it.
    pub(crate) fn send(&mut self, from: &'static str, place: Place, text: &str) {
        let sender = self.account(from);
        let members = match &place {
            Place::Direct(to) => std::slice::from_ref(to),
            Place::Room(_, members) => members,
        };
        let is_meant = |(on, account): &&(&'static str, &'static str)| {
            *on != from && (*account == sender || members.contains(account))
        };
        let copies = self.devices.iter().filter(is_meant).map(|(on, _)| Copy { on, shown: Vec::new() }).collect();
        self.entries.push(Entry { from, place, text: text.to_owned(), id: None, accepted: false, copies });
    }

    /// Notes that a screen is to warn once, with these words among others.
    pub(crate) fn expect(&mut self, on: &'static str, words: &str) {
        self.warnings.push(Warning { on, words: words.to_owned(), seen: false });
    }

    /// Whether a screen has warned of everything that it was to warn of.
    pub(crate) fn is_warned(&self, on: &str) -> bool {
        self.warnings.iter().filter(|warning| warning.on == on).all(|warning| warning.seen)
    }

    /// The warnings that have not come, for the report.
    pub(crate) fn unwarned(&self) -> String {
        let missing = self.warnings.iter().filter(|warning| !warning.seen);
        missing.map(|warning| format!("; {} is not warned: {}", warning.on, warning.words)).collect()
    }

    fn account(&self, device: &'static str) -> &'static str {
        self.devices.iter().find(|(known, _)| *known == device).map_or(device, |(_, account)| account)
    }

    /// Notes that somebody was killed: from now on a screen may show the last lines again.
    pub(crate) const fn crashed(&mut self) {
        self.crashed = true;
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.text.as_str())
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn copies(&self) -> impl Iterator<Item = &Copy> {
        self.entries.iter().flat_map(|entry| &entry.copies)
    }

    /// How often texts are to be shown: once on each screen that they are for.
    pub(crate) fn expected(&self) -> usize {
        self.copies().count()
    }

    pub(crate) fn lost(&self) -> usize {
        self.copies().filter(|copy| copy.shown.is_empty()).count()
    }

    pub(crate) fn duplicated(&self) -> usize {
        self.copies().map(|copy| copy.shown.len().saturating_sub(1)).sum()
    }

    pub(crate) fn accepted(&self) -> usize {
        self.entries.iter().filter(|entry| entry.accepted).count()
    }

    /// How many of the expected are on their screens.
    pub(crate) fn shown(&self) -> usize {
        self.expected() - self.lost()
    }

    /// How many texts a screen has shown.
    pub(crate) fn shown_to(&self, on: &str) -> usize {
        self.copies().filter(|copy| copy.on == on && !copy.shown.is_empty()).count()
    }

    /// What has not been shown, for the report.
    pub(crate) fn missing(&self) -> Vec<String> {
        let missing = self.entries.iter().flat_map(|entry| {
            let waiting = entry.copies.iter().filter(|copy| copy.shown.is_empty());
            waiting
                .map(|copy| format!("{} to {}, on {}: {}", entry.from, entry.place.name(), copy.on, brief(&entry.text)))
        });
        missing.take(5).collect()
    }

    /// The number that one saw for the other.
    pub(crate) fn safety(&self, of: &str, with: &str) -> Option<&str> {
        self.safety.get(&(of.to_owned(), with.to_owned())).map(String::as_str)
    }

    /// Notes a line of somebody's script; an error says what is wrong with it.
    pub(crate) fn line(&mut self, who: &'static str, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words: Vec<&str> = rest.splitn(if word == "room" { 5 } else { 4 }, ' ').collect();
        match (word, words.as_slice()) {
            ("queued", [to, id]) => {
                let mut open = self.entries.iter_mut();
                let entry = open.find(|entry| entry.from == who && entry.place.name() == *to && entry.id.is_none());
                entry.ok_or("queued what nobody sent")?.id = Some((*id).to_owned());
                Ok(())
            }
            ("state", [id, "accepted", ..]) => {
                let entry = self.entries.iter_mut().find(|entry| entry.from == who && entry.id.as_deref() == Some(id));
                entry.ok_or("accepted what nobody queued")?.accepted = true;
                Ok(())
            }
            ("state", [_, "failed" | "held" | "cancelled", ..]) => Err(format!("{who} says: {line}")),
            ("warning" | "trouble", _) => self.warning(who, line),
            ("message", [event, from, id, text]) => {
                let (place, text) = (self.account(who), unescape(text));
                self.show(&Shown { on: who, event, from, place, is_room: false, id, text })
            }
            ("outgoing", [event, place, id, text]) => {
                let (from, text) = (self.account(who), unescape(text));
                self.show(&Shown { on: who, event, from, place, is_room: false, id, text })
            }
            ("room", [event, place, from, id, text]) => {
                self.show(&Shown { on: who, event, from, place, is_room: true, id, text: unescape(text) })
            }
            ("safety", [with, digits]) => {
                self.safety.insert((who.to_owned(), (*with).to_owned()), (*digits).to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A warning is expected once, or it is wrong.
    fn warning(&mut self, on: &'static str, line: &str) -> Result<(), String> {
        let mut open = self.warnings.iter_mut().filter(|warning| warning.on == on && !warning.seen);
        let warning = open.find(|warning| line.contains(&warning.words));
        warning.ok_or_else(|| format!("{on} says: {line}"))?.seen = true;
        Ok(())
    }

    fn show(&mut self, shown: &Shown<'_>) -> Result<(), String> {
        let Shown { on, event, from, place, is_room, id, text } = shown;
        let is = |entry: &Entry| {
            self.account(entry.from) == *from
                && entry.place.name() == *place
                && matches!(entry.place, Place::Room(..)) == *is_room
                && entry.text == *text
                && entry.copy(on).is_some()
        };
        let Some(at) = self.entries.iter().position(is) else {
            return Err(format!("{on} shows what {from} never sent there: {}", brief(text)));
        };
        let Some(entry) = self.entries.get_mut(at) else { return Ok(()) };
        if entry.id.as_deref().is_some_and(|known| known != *id) {
            return Err(format!("{on} shows another id than the sender's: {}", brief(text)));
        }
        let (sender, place) = (entry.from, entry.place);
        let Some(copy) = entry.copies.iter_mut().find(|copy| copy.on == *on) else { return Ok(()) };
        if copy.shown.iter().any(|shown| shown == event) && self.crashed {
            self.repeated += 1;
            return Ok(());
        }
        copy.shown.push((*event).to_owned());
        if copy.shown.len() > 1 {
            return Err(format!("{on} shows a message twice: {}", brief(text)));
        }
        let mut before = self.entries.iter().take(at).rev();
        match before.find(|entry| entry.from == sender && entry.place == place && entry.waits_for(on)) {
            Some(earlier) => Err(format!(
                "{on} does not show \"{}\" before \"{}\": lost, or out of order",
                brief(&earlier.text),
                brief(text)
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Place};

    fn two_sent() -> Ledger {
        let mut ledger = Ledger::default();
        for name in ["alice", "bob", "carol"] {
            ledger.joins(name, name);
        }
        for (number, text) in ["the first one", "the \\ second"].into_iter().enumerate() {
            ledger.send("alice", Place::Direct("bob"), text);
            ledger.line("alice", &format!("queued bob 0{number}")).unwrap();
            ledger.line("alice", &format!("state 0{number} accepted -")).unwrap();
        }
        ledger
    }

    /// Two devices of Alice's, and a text to a room of all.
    fn in_a_room() -> Ledger {
        let mut ledger = Ledger::default();
        for (device, account) in [("alice", "alice"), ("tablet", "alice"), ("bob", "bob"), ("carol", "carol")] {
            ledger.joins(device, account);
        }
        ledger.send("tablet", Place::Room("den", &["alice", "bob", "carol"]), "to the whole room");
        ledger.line("tablet", "queued den 00").unwrap();
        ledger
    }

    #[test]
    fn every_device_shows_what_is_for_its_account() {
        let mut ledger = in_a_room();
        ledger.send("alice", Place::Direct("bob"), "to bob alone");
        ledger.line("alice", "queued bob 01").unwrap();
        assert_eq!((ledger.len(), ledger.expected(), ledger.lost()), (2, 5, 5));
        for (on, line) in [
            ("alice", "room 1 den alice 00 to the whole room"),
            ("bob", "room 1 den alice 00 to the whole room"),
            ("carol", "room 1 den alice 00 to the whole room"),
            ("bob", "message 2 alice 01 to bob alone"),
            ("tablet", "outgoing 1 bob 01 to bob alone"),
        ] {
            ledger.line(on, line).unwrap();
        }
        assert_eq!((ledger.lost(), ledger.duplicated(), ledger.shown_to("tablet")), (0, 0, 1));
        ledger.leaves("tablet");
        ledger.send("bob", Place::Direct("alice"), "without the tablet");
        assert!(ledger.line("tablet", "message 2 bob 02 without the tablet").is_err());
        assert_eq!((ledger.expected(), ledger.lost()), (6, 1));
    }

    #[test]
    fn another_place_or_device_is_noticed() {
        for (on, bad) in [
            ("tablet", "room 1 den alice 00 to the whole room"),
            ("bob", "room 1 hut alice 00 to the whole room"),
            ("bob", "message 1 alice 00 to the whole room"),
            ("alice", "outgoing 1 den 00 to the whole room"),
            ("bob", "room 1 den carol 00 to the whole room"),
        ] {
            assert!(in_a_room().line(on, bad).is_err(), "{on}: {bad}");
        }
    }

    #[test]
    fn a_warning_is_expected_once() {
        let mut ledger = two_sent();
        ledger.expect("bob", "they changed devices");
        assert!(ledger.line("alice", "warning alice they changed devices").is_err());
        assert!(ledger.line("bob", "warning alice something else").is_err());
        assert_eq!((ledger.is_warned("bob"), ledger.unwarned().is_empty()), (false, false));
        ledger.line("bob", "warning alice they changed devices").unwrap();
        assert_eq!((ledger.is_warned("bob"), ledger.unwarned().is_empty()), (true, true));
        assert!(ledger.line("bob", "warning alice they changed devices").is_err());
    }

    #[test]
    fn what_arrives_once_and_in_order_is_fine() {
        let mut ledger = two_sent();
        assert_eq!((ledger.accepted(), ledger.lost()), (2, 2));
        ledger.line("bob", "message 7 alice 00 the first one").unwrap();
        assert_eq!((ledger.shown_to("bob"), ledger.missing().len()), (1, 1));
        ledger.line("bob", "message 8 alice 01 the \\\\ second").unwrap();
        assert_eq!((ledger.lost(), ledger.duplicated(), ledger.shown()), (0, 0, 2));
    }

    #[test]
    fn everything_else_is_noticed() {
        for bad in [
            "message 8 alice 01 the \\\\ second",
            "message 7 carol 00 the first one",
            "message 7 alice 00 the first on",
            "message 7 alice 01 the first one",
            "warning alice something",
            "state 00 failed no keys",
        ] {
            assert!(two_sent().line("bob", bad).is_err(), "{bad}");
        }
        let mut ledger = two_sent();
        ledger.line("bob", "message 7 alice 00 the first one").unwrap();
        assert!(ledger.line("bob", "message 9 alice 00 the first one").is_err());
        assert_eq!(ledger.duplicated(), 1);
    }

    #[test]
    fn only_a_crash_excuses_the_same_event_and_no_other() {
        let mut ledger = two_sent();
        ledger.line("bob", "message 7 alice 00 the first one").unwrap();
        let mut crashed = two_sent();
        crashed.line("bob", "message 7 alice 00 the first one").unwrap();
        crashed.crashed();
        assert!(ledger.line("bob", "message 7 alice 00 the first one").is_err());
        crashed.line("bob", "message 7 alice 00 the first one").unwrap();
        assert_eq!((crashed.repeated, crashed.duplicated()), (1, 0));
        assert!(crashed.line("bob", "message 8 alice 00 the first one").is_err());
    }
}
