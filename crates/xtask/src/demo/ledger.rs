//! The books: every text that was sent, and what became of it. It knows no processes.

use std::collections::HashMap;

use super::texts::{brief, unescape};

/// A text on its way.
struct Entry {
    from: &'static str,
    to: &'static str,
    text: String,
    id: Option<String>,
    accepted: bool,
    shown: Vec<String>,
}

/// All of them, in the order in which they were sent.
#[derive(Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    /// Lines that a screen showed again after a crash, because it had shown them but not said so yet.
    pub(crate) repeated: usize,
    crashed: bool,
    safety: HashMap<(String, String), String>,
}

impl Ledger {
    /// Notes a text before it is sent.
    pub(crate) fn send(&mut self, from: &'static str, to: &'static str, text: &str) {
        let (text, shown) = (text.to_owned(), Vec::new());
        self.entries.push(Entry { from, to, text, id: None, accepted: false, shown });
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

    pub(crate) fn lost(&self) -> usize {
        self.entries.iter().filter(|entry| entry.shown.is_empty()).count()
    }

    pub(crate) fn duplicated(&self) -> usize {
        self.entries.iter().map(|entry| entry.shown.len().saturating_sub(1)).sum()
    }

    pub(crate) fn accepted(&self) -> usize {
        self.entries.iter().filter(|entry| entry.accepted).count()
    }

    pub(crate) fn shown(&self) -> usize {
        self.len() - self.lost()
    }

    /// How many texts a screen has shown.
    pub(crate) fn shown_to(&self, to: &str) -> usize {
        self.entries.iter().filter(|entry| entry.to == to && !entry.shown.is_empty()).count()
    }

    /// What has not been shown, for the report.
    pub(crate) fn missing(&self) -> Vec<String> {
        let missing = self.entries.iter().filter(|entry| entry.shown.is_empty());
        missing.map(|entry| format!("{} to {}: {}", entry.from, entry.to, brief(&entry.text))).take(5).collect()
    }

    /// The number that one saw for the other.
    pub(crate) fn safety(&self, of: &str, with: &str) -> Option<&str> {
        self.safety.get(&(of.to_owned(), with.to_owned())).map(String::as_str)
    }

    /// Notes a line of somebody's script; an error says what is wrong with it.
    pub(crate) fn line(&mut self, who: &'static str, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words: Vec<&str> = rest.splitn(4, ' ').collect();
        match (word, words.as_slice()) {
            ("queued", [to, id]) => {
                let mut open = self.entries.iter_mut();
                let entry = open.find(|entry| entry.from == who && entry.to == *to && entry.id.is_none());
                entry.ok_or("queued what nobody sent")?.id = Some((*id).to_owned());
                Ok(())
            }
            ("state", [id, "accepted", ..]) => {
                let entry = self.entries.iter_mut().find(|entry| entry.from == who && entry.id.as_deref() == Some(id));
                entry.ok_or("accepted what nobody queued")?.accepted = true;
                Ok(())
            }
            ("state", [_, "failed" | "held" | "cancelled", ..]) | ("warning" | "trouble", _) => {
                Err(format!("{who} says: {line}"))
            }
            ("message", [event, from, id, text]) => self.message(who, event, from, id, &unescape(text)),
            ("safety", [with, digits]) => {
                self.safety.insert((who.to_owned(), (*with).to_owned()), (*digits).to_owned());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn message(&mut self, to: &'static str, event: &str, from: &str, id: &str, text: &str) -> Result<(), String> {
        let is = |entry: &Entry| entry.from == from && entry.to == to && entry.text == text;
        let Some(at) = self.entries.iter().position(is) else {
            return Err(format!("{to} shows what {from} never sent: {}", brief(text)));
        };
        let Some(entry) = self.entries.get_mut(at) else { return Ok(()) };
        if entry.id.as_deref().is_some_and(|known| known != id) {
            return Err(format!("{to} shows another id than the sender's: {}", brief(text)));
        }
        if entry.shown.iter().any(|shown| shown == event) && self.crashed {
            self.repeated += 1;
            return Ok(());
        }
        entry.shown.push(event.to_owned());
        if entry.shown.len() > 1 {
            return Err(format!("{to} shows a message twice: {}", brief(text)));
        }
        let before = self.entries.iter().take(at);
        match before.rev().find(|entry| entry.from == from && entry.to == to && entry.shown.is_empty()) {
            Some(earlier) => Err(format!(
                "{to} does not show \"{}\" before \"{}\": lost, or out of order",
                brief(&earlier.text),
                brief(text)
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ledger;

    fn two_sent() -> Ledger {
        let mut ledger = Ledger::default();
        for (number, text) in ["the first one", "the \\ second"].into_iter().enumerate() {
            ledger.send("alice", "bob", text);
            ledger.line("alice", &format!("queued bob 0{number}")).unwrap();
            ledger.line("alice", &format!("state 0{number} accepted -")).unwrap();
        }
        ledger
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
