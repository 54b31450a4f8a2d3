//! The tricks that the server can play. Numbers are taken modulo what is there, so that any number means something.

use crate::directory::Lie;
use crate::mail::flip;
use crate::{Account, Server};

/// One trick. `to` names a mailbox, `which` a message in it; `asker` and `account` name accounts of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Trick {
    /// A message is thrown away.
    Drop { to: usize, which: usize },
    /// A message comes twice.
    Duplicate { to: usize, which: usize },
    /// Two messages change places.
    Swap { to: usize, which: usize, other: usize },
    /// A message is held back until the server repents.
    Hold { to: usize, which: usize },
    /// A message goes back to whom it is from, in the name of whom it was for.
    Reflect { to: usize, which: usize },
    /// A message goes to somebody else as well.
    Misdeliver { to: usize, which: usize, other: usize },
    /// A message comes in somebody else's name.
    Misattribute { to: usize, which: usize, other: usize },
    /// The first part of one message with the last part of another comes as well.
    Splice { to: usize, which: usize, other: usize, at: usize },
    /// A copy of a message with one bit changed comes before it.
    Flip { to: usize, which: usize, bit: usize },
    /// A copy of a message that is cut short comes before it.
    Cut { to: usize, which: usize, at: usize },
    /// Something that was sent long ago comes again.
    Replay { which: usize },
    /// All one-time prekeys of an account are used up.
    Drain { account: usize },
    /// Somebody is shown the list before the last.
    OldList { asker: usize, account: usize },
    /// Somebody is shown the signed prekey before the last.
    OldPrekey { asker: usize, account: usize },
    /// Somebody is shown other keys than an account's own.
    Impersonate { asker: usize, account: usize, other: usize },
    /// Somebody is shown an account's list with another account's prekeys.
    Mix { asker: usize, account: usize, other: usize },
    /// Somebody is given no one-time prekey.
    NoOneTime { asker: usize, account: usize },
    /// Somebody is given a one-time prekey that was given to somebody before.
    OneTimeTwice { asker: usize, account: usize },
    /// Somebody is given keys with one bit changed.
    FlipKeys { asker: usize, account: usize, part: usize, bit: usize },
    /// Somebody is told that there is no such account.
    Deny { asker: usize, account: usize },
    /// Somebody is told the truth again.
    Honest { asker: usize, account: usize },
}

/// What a trick came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deed {
    /// A few words for a story.
    pub what: String,
    /// The bytes of a message that will never come.
    pub lost: Option<Vec<u8>>,
    /// The mailbox that it was for.
    pub to: Option<Account>,
}

fn name(account: &[u8]) -> String {
    String::from_utf8_lossy(account).into_owned()
}

fn pick<T>(items: &[T], number: usize) -> Option<&T> {
    if items.is_empty() { None } else { items.get(number % items.len()) }
}

impl Trick {
    /// The kinds of tricks with mail.
    pub const WITH_MAIL: &[&'static str] = &[
        "drop",
        "duplicate",
        "swap",
        "hold",
        "reflect",
        "misdeliver",
        "misattribute",
        "splice",
        "flip",
        "cut",
        "replay",
    ];

    /// The kinds of tricks with keys.
    pub const WITH_KEYS: &[&'static str] = &[
        "drain",
        "old list",
        "old prekey",
        "impersonate",
        "mix",
        "no one-time key",
        "one-time key twice",
        "flip keys",
        "deny",
        "honest",
    ];

    /// A trick of one of the kinds [`Self::WITH_MAIL`], with these numbers.
    pub fn with_mail(kind: &str, mut number: impl FnMut() -> usize) -> Option<Self> {
        let (to, which) = (number(), number());
        Some(match kind {
            "drop" => Self::Drop { to, which },
            "duplicate" => Self::Duplicate { to, which },
            "swap" => Self::Swap { to, which, other: number() },
            "hold" => Self::Hold { to, which },
            "reflect" => Self::Reflect { to, which },
            "misdeliver" => Self::Misdeliver { to, which, other: number() },
            "misattribute" => Self::Misattribute { to, which, other: number() },
            "splice" => Self::Splice { to, which, other: number(), at: number() },
            "flip" => Self::Flip { to, which, bit: number() },
            "cut" => Self::Cut { to, which, at: number() },
            "replay" => Self::Replay { which },
            _ => return None,
        })
    }

    /// A trick of one of the kinds [`Self::WITH_KEYS`], on who asks and whom they ask about, with these numbers besides.
    pub fn with_keys(kind: &str, asker: usize, account: usize, mut number: impl FnMut() -> usize) -> Option<Self> {
        Some(match kind {
            "drain" => Self::Drain { account },
            "old list" => Self::OldList { asker, account },
            "old prekey" => Self::OldPrekey { asker, account },
            "impersonate" => Self::Impersonate { asker, account, other: number() },
            "mix" => Self::Mix { asker, account, other: number() },
            "no one-time key" => Self::NoOneTime { asker, account },
            "one-time key twice" => Self::OneTimeTwice { asker, account },
            "flip keys" => Self::FlipKeys { asker, account, part: number(), bit: number() },
            "deny" => Self::Deny { asker, account },
            "honest" => Self::Honest { asker, account },
            _ => return None,
        })
    }

    /// The name of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Drop { .. } => "drop",
            Self::Duplicate { .. } => "duplicate",
            Self::Swap { .. } => "swap",
            Self::Hold { .. } => "hold",
            Self::Reflect { .. } => "reflect",
            Self::Misdeliver { .. } => "misdeliver",
            Self::Misattribute { .. } => "misattribute",
            Self::Splice { .. } => "splice",
            Self::Flip { .. } => "flip",
            Self::Cut { .. } => "cut",
            Self::Replay { .. } => "replay",
            Self::Drain { .. } => "drain",
            Self::OldList { .. } => "old list",
            Self::OldPrekey { .. } => "old prekey",
            Self::Impersonate { .. } => "impersonate",
            Self::Mix { .. } => "mix",
            Self::NoOneTime { .. } => "no one-time key",
            Self::OneTimeTwice { .. } => "one-time key twice",
            Self::FlipKeys { .. } => "flip keys",
            Self::Deny { .. } => "deny",
            Self::Honest { .. } => "honest",
        }
    }
}

impl Server {
    /// Plays a trick, if there is something to play it on.
    pub fn play(&mut self, trick: Trick) -> Option<Deed> {
        let deed = self.with_mail(trick).or_else(|| self.with_keys(trick))?;
        *self.played.entry(trick.kind()).or_default() += 1;
        Some(deed)
    }

    fn with_mail(&mut self, trick: Trick) -> Option<Deed> {
        let accounts = self.directory.accounts();
        let (to, which) = match trick {
            Trick::Drop { to, which }
            | Trick::Duplicate { to, which }
            | Trick::Swap { to, which, .. }
            | Trick::Hold { to, which }
            | Trick::Reflect { to, which }
            | Trick::Misdeliver { to, which, .. }
            | Trick::Misattribute { to, which, .. }
            | Trick::Splice { to, which, .. }
            | Trick::Flip { to, which, .. }
            | Trick::Cut { to, which, .. } => (to, which),
            Trick::Replay { which } => {
                let (from, to, blob) = pick(self.mail.archive(), which)?.clone();
                self.mail.inject(&from, &to, blob);
                return Some(Deed { what: format!("replays an old one to {}", name(&to)), ..Deed::default() });
            }
            _ => return None,
        };
        // One of those for whom something waits.
        let waiting: Vec<&Account> = accounts.iter().filter(|to| self.mail.waits(to)).collect();
        let to = (*pick(&waiting, to)?).clone();
        let other = |number: usize| pick(&accounts, number).cloned().unwrap_or_default();
        let mailbox = self.mail.unread(&to)?;
        let count = mailbox.waiting.len();
        let at = if count == 0 { return None } else { which % count };
        let mail = mailbox.waiting[at].clone();
        let mut deed = Deed { to: Some(to.clone()), ..Deed::default() };
        let verb = trick.kind();
        deed.what = format!("plays \"{verb}\" on a message from {} to {}", name(&mail.from), name(&to));
        match trick {
            Trick::Drop { .. } => {
                mailbox.waiting.remove(at);
                deed.lost = Some(mail.blob);
            }
            Trick::Duplicate { .. } => mailbox.put(&mail.from, mail.blob),
            Trick::Swap { other, .. } => {
                mailbox.waiting.swap(at, other % count);
                mailbox.renumber(at.min(other % count));
            }
            Trick::Hold { .. } => {
                let mail = mailbox.waiting.remove(at);
                mailbox.held.push(mail);
            }
            Trick::Reflect { .. } => self.mail.inject(&to, &mail.from, mail.blob),
            Trick::Misdeliver { other: number, .. } => self.mail.inject(&mail.from, &other(number), mail.blob),
            Trick::Misattribute { other: number, .. } => {
                // A copy: the message itself comes as it was sent.
                let from = other(number);
                mailbox.put_before(at, &from, mail.blob);
            }
            Trick::Splice { other, at: cut, .. } => {
                let theirs = &mailbox.waiting[other % count].blob;
                let cut = cut % mail.blob.len().min(theirs.len()).max(1);
                let mixed = [&mail.blob[..cut], &theirs[cut..]].concat();
                mailbox.put_before(at, &mail.from, mixed);
            }
            Trick::Flip { bit, .. } => {
                let mut blob = mail.blob;
                flip(&mut blob, bit);
                mailbox.put_before(at, &mail.from, blob);
            }
            Trick::Cut { at: cut, .. } => {
                let mut blob = mail.blob;
                blob.truncate(cut % blob.len().max(1));
                mailbox.put_before(at, &mail.from, blob);
            }
            _ => return None,
        }
        Some(deed)
    }

    fn with_keys(&mut self, trick: Trick) -> Option<Deed> {
        let accounts = self.directory.accounts();
        let get = |number: usize| pick(&accounts, number).cloned();
        let (asker, account, lie) = match trick {
            Trick::Drain { account } => {
                let account = get(account)?;
                let count = self.directory.drain(&account);
                let what = format!("uses up {count} one-time prekeys of {}", name(&account));
                return (count > 0).then(|| Deed { what, ..Deed::default() });
            }
            Trick::Honest { asker, account } => {
                let (asker, account) = (get(asker)?, get(account)?);
                let what = format!("is honest to {} about {} again", name(&asker), name(&account));
                let lied = self.directory.forget_lie(&asker, &account);
                return lied.then(|| Deed { what, ..Deed::default() });
            }
            Trick::OldList { asker, account } => (asker, account, Lie::OldList),
            Trick::OldPrekey { asker, account } => (asker, account, Lie::OldPrekey),
            Trick::Impersonate { asker, account, other } => (asker, account, Lie::Other(get(other)?)),
            Trick::Mix { asker, account, other } => (asker, account, Lie::OthersPrekeys(get(other)?)),
            Trick::NoOneTime { asker, account } => (asker, account, Lie::NoOneTime),
            Trick::OneTimeTwice { asker, account } => (asker, account, Lie::UsedOneTime),
            Trick::FlipKeys { asker, account, part, bit } => (asker, account, Lie::Flipped(part, bit)),
            Trick::Deny { asker, account } => (asker, account, Lie::Unknown),
            _ => return None,
        };
        let (asker, account) = (get(asker)?, get(account)?);
        let what = format!("lies to {} about {}: {}", name(&asker), name(&account), trick.kind());
        self.directory.lie(&asker, &account, lie);
        Some(Deed { what, ..Deed::default() })
    }
}
