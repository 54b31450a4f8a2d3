//! A will of its own: which tricks a server plays, and when, drawn from a seed.

use crate::{Deed, Server, Trick};

/// What makes a server play tricks by itself: kinds of them, one at every second occasion, and now and then remorse.
#[derive(Clone, Debug)]
pub struct Whim {
    numbers: u64,
    kinds: Vec<&'static str>,
}

enum Strike {
    Trick(&'static str),
    Remorse,
}

impl Whim {
    /// The same seed and the same occasions give the same tricks. No kinds are all kinds.
    #[must_use]
    pub fn new(seed: u64, kinds: &[&'static str]) -> Self {
        let all = || Trick::WITH_MAIL.iter().chain(Trick::WITH_KEYS).copied();
        let kinds = if kinds.is_empty() { all().collect() } else { kinds.to_vec() };
        Self { numbers: seed, kinds }
    }

    /// What the server does when a message has come in.
    pub fn message(&mut self, server: &mut Server) -> Option<Deed> {
        match self.strike(Trick::WITH_MAIL)? {
            Strike::Trick(kind) => server.play(Trick::with_mail(kind, || self.number())?),
            Strike::Remorse => Some(server.repent()),
        }
    }

    /// What it does before it answers somebody who asks for an account's keys.
    pub fn question(&mut self, server: &mut Server, asker: &[u8], account: &[u8]) -> Option<Deed> {
        let (asker, account) = (server.directory.place(asker)?, server.directory.place(account)?);
        match self.strike(Trick::WITH_KEYS)? {
            Strike::Trick(kind) => server.play(Trick::with_keys(kind, asker, account, || self.number())?),
            Strike::Remorse => Some(server.repent()),
        }
    }

    fn strike(&mut self, kinds: &[&str]) -> Option<Strike> {
        let kinds: Vec<&'static str> = self.kinds.iter().copied().filter(|kind| kinds.contains(kind)).collect();
        if kinds.is_empty() || self.number().is_multiple_of(2) {
            return None;
        }
        let is_sorry = self.number().is_multiple_of(8);
        Some(if is_sorry { Strike::Remorse } else { Strike::Trick(kinds[self.number() % kinds.len()]) })
    }

    /// SplitMix64.
    const fn number(&mut self) -> usize {
        self.numbers = self.numbers.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.numbers;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // Half of it: whatever the width of a word, the same.
        ((z ^ (z >> 31)) >> 32) as usize
    }
}

impl std::str::FromStr for Whim {
    type Err = String;

    /// `SEED` or `SEED:KIND,KIND`: the kinds are those of [`Trick::kind`], with hyphens for spaces.
    fn from_str(words: &str) -> Result<Self, String> {
        let (seed, names) = words.split_once(':').map_or((words, None), |(seed, names)| (seed, Some(names)));
        let seed = seed.parse().map_err(|_| format!("{seed} is no number"))?;
        let all: Vec<&'static str> = Trick::WITH_MAIL.iter().chain(Trick::WITH_KEYS).copied().collect();
        let kind = |name: &str| {
            let found = all.iter().copied().find(|kind| kind.replace(' ', "-") == name);
            found.ok_or_else(|| {
                let known: Vec<String> = all.iter().map(|kind| kind.replace(' ', "-")).collect();
                format!("no trick is called {name:?}; there are {}", known.join(", "))
            })
        };
        let kinds = names.map_or_else(|| Ok(Vec::new()), |names| names.split(',').map(kind).collect())?;
        Ok(Self::new(seed, &kinds))
    }
}
