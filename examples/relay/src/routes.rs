//! What each request does: `docs/relay.md` says the same in words.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tiny_http::Method;

use crate::http::{Answer, is_account, is_device, number, text, token};
use crate::parts::{join, split};
use crate::store::{Caller, Enrolled, Keeper, ListWrite, Posted, Published, Store};

/// The longest that a poll waits, in seconds.
const MAX_PATIENCE: i64 = 30;

/// Seconds after which a full mailbox may have room.
const FULL_FOR: u64 = 60;

/// A request whose caller was admitted.
pub(crate) struct Call<'a> {
    pub(crate) caller: Caller,
    pub(crate) method: &'a Method,
    pub(crate) url: &'a str,
    pub(crate) body: &'a [u8],
    /// Whether there is a key directory.
    pub(crate) has_keys: bool,
}

type Routed = rusqlite::Result<Result<Answer, Answer>>;

impl Call<'_> {
    /// Does it: with the devices in the store, and the keys and mail of the keeper.
    pub(crate) fn answer(&self, store: &Store, keeper: &dyn Keeper) -> rusqlite::Result<Answer> {
        let Some(parts) = split(self.body) else { return Ok(Answer::refuse(400, "parts do not add up")) };
        let (path, query) = self.url.split_once('?').unwrap_or((self.url, ""));
        let words: Vec<&str> = path.split('/').skip(1).collect();
        let routed = match (self.method, words.as_slice()) {
            (Method::Post, ["devices", device]) => self.enrol(store, device, &parts),
            (Method::Delete, ["devices", device]) => self.remove(store, device),
            (Method::Put, ["keys"]) if self.has_keys => self.publish(keeper, parts),
            (Method::Get, ["keys", account]) if self.has_keys => self.keys(keeper, account, query),
            (Method::Post, ["send", account]) => self.send(keeper, account, query, &parts),
            (Method::Get, ["mail"]) => self.mail(keeper, query),
            (Method::Post, ["acknowledge"]) => self.acknowledge(keeper, query),
            _ => Ok(Err(Answer::refuse(404, "no such thing here"))),
        };
        routed.map(|answer| answer.unwrap_or_else(|refusal| refusal))
    }

    /// One part: the new device's token.
    fn enrol(&self, store: &Store, device: &str, parts: &[Vec<u8>]) -> Routed {
        let [given] = parts else { return refuse(400, "one part: the device's token") };
        let (true, Some(token)) = (is_device(device), token(given)) else {
            return refuse(400, "a device is 8 hex digits, and a token 16 to 256 visible characters");
        };
        match store.enrol(&self.caller.account, device, token)? {
            Enrolled::Done => Ok(Ok(Answer::ok(Vec::new()))),
            Enrolled::OtherToken => refuse(409, "this device is enrolled with another token"),
            Enrolled::TooMany => refuse(403, "an account has at most 16 devices"),
        }
    }

    fn remove(&self, store: &Store, device: &str) -> Routed {
        if store.remove(&self.caller.account, device)? {
            Ok(Ok(Answer::ok(Vec::new())))
        } else {
            refuse(403, "the last device stays")
        }
    }

    /// Parts: sequence and expected (8 bytes each) and the list, or three empty ones; the signed prekey or an empty
    /// part; one byte, 1 to throw the device's old one-time prekeys away; then one-time prekeys.
    fn publish(&self, keeper: &dyn Keeper, parts: Vec<Vec<u8>>) -> Routed {
        let mut parts = parts.into_iter();
        let (Some(sequence), Some(expected), Some(object), Some(signed), Some(reset)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return refuse(400, "five parts at least");
        };
        let list = match (integer(&sequence), integer(&expected)) {
            (Some(sequence), Some(expected)) if sequence > expected => Some(ListWrite { sequence, expected, object }),
            _ if sequence.is_empty() && expected.is_empty() && object.is_empty() => None,
            _ => return refuse(400, "a list has two numbers of 8 bytes, and the new one is greater"),
        };
        let reset = match reset.as_slice() {
            [0] => false,
            [1] => true,
            _ => return refuse(400, "the fifth part is one byte, 0 or 1"),
        };
        let signed = (!signed.is_empty()).then_some(signed);
        Ok(Ok(match keeper.publish(&self.caller, list, signed, parts.collect(), reset)? {
            Published::Done(left) => Answer::ok(left.to_be_bytes().to_vec()),
            Published::Conflict(list) => Answer::new(409, list),
        }))
    }

    fn keys(&self, keeper: &dyn Keeper, account: &str, query: &str) -> Routed {
        if !is_account(account) {
            return refuse(404, "no such account");
        }
        match keeper.keys(&self.caller, account, text(query, "one_time") == Some("1"))? {
            Some(parts) => Ok(Ok(Answer::ok(join(&parts)))),
            None => refuse(404, "no keys of this account"),
        }
    }

    fn send(&self, keeper: &dyn Keeper, to: &str, query: &str, parts: &[Vec<u8>]) -> Routed {
        let (Some(request), [blob]) = (text(query, "request").filter(|id| (1..=64).contains(&id.len())), parts) else {
            return refuse(400, "one part, and the request's id of 1 to 64 characters");
        };
        Ok(Ok(match keeper.send(to, &self.caller, request, blob, now())? {
            Posted::At(time) => Answer::ok(time.to_be_bytes().to_vec()),
            Posted::Full => Answer::later(429, FULL_FOR, "its mailbox is full"),
            Posted::Nobody => Answer::refuse(404, "no such account"),
        }))
    }

    fn mail(&self, keeper: &dyn Keeper, query: &str) -> Routed {
        let asked =
            number(query, "after").and_then(|after| Ok((after, number(query, "wait")?, number(query, "times")?)));
        let (after, wait, times) = match asked {
            Ok(asked) => asked,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let patience = Duration::from_secs(wait.unwrap_or(0).min(MAX_PATIENCE).unsigned_abs());
        let mut parts = Vec::new();
        for mail in keeper.mail(&self.caller, after.unwrap_or(0), patience)? {
            parts.extend([mail.number.to_be_bytes().to_vec(), mail.from.into_bytes(), mail.blob]);
            parts.extend((times == Some(1)).then(|| mail.time.to_be_bytes().to_vec()));
        }
        Ok(Ok(Answer::ok(join(&parts))))
    }

    fn acknowledge(&self, keeper: &dyn Keeper, query: &str) -> Routed {
        match number(query, "up_to") {
            Ok(Some(up_to)) => keeper.acknowledge(&self.caller, up_to).map(|()| Ok(Answer::ok(Vec::new()))),
            Ok(None) => refuse(400, "up_to is needed"),
            Err(refusal) => Ok(Err(refusal)),
        }
    }
}

fn refuse(status: u16, why: &str) -> Routed {
    Ok(Err(Answer::refuse(status, why)))
}

fn integer(bytes: &[u8]) -> Option<i64> {
    bytes.try_into().map(i64::from_be_bytes).ok().filter(|number| *number >= 0)
}

fn now() -> i64 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
