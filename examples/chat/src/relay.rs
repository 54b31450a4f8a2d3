//! The example relay over HTTP: carries requests out and fetches mail. `docs/relay.md` describes what is spoken here.
//!
//! It knows no client and no screen.

use std::time::Duration;

use sprag::{AccountId, Action, DeviceId, FetchKeys, Found, Outcome, PublishKeys, Rejection, Request, Send};
use ureq::Agent;

/// What the relay takes in one body.
const LIMIT: u32 = 2 * 1024 * 1024;

/// The largest answer: a hundred of the largest messages, and some.
const LARGEST: u64 = 256 * 1024 * 1024;

/// How long an answer may take that the relay does not hold back on purpose.
const PATIENCE: Duration = Duration::from_secs(30);

/// The relay, as one device of one account reaches it.
pub struct Relay {
    agent: Agent,
    url: String,
    account: String,
    device: String,
    authorization: String,
}

/// What the relay answers.
struct Answer {
    status: u16,
    body: Vec<u8>,
    retry_after: Option<u32>,
}

impl Answer {
    const fn refused(&self) -> Trouble {
        Trouble::Refused(self.status, self.retry_after)
    }
}

/// A message from the mailbox.
pub struct Mail {
    /// Its number there.
    pub number: u64,
    /// Who sent it, says the relay.
    pub from: AccountId,
    /// The encrypted bytes.
    pub blob: Vec<u8>,
}

/// Why nothing came of a request.
#[derive(Clone, Copy)]
pub enum Trouble {
    /// The relay cannot be reached, or what came is not an answer of a relay.
    Offline,
    /// It refuses, with this status, and may say after how many seconds it is worth another try.
    Refused(u16, Option<u32>),
}

impl Trouble {
    /// What the engine is told.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Offline => Outcome::Retry { after: Some(1) },
            Self::Refused(403, _) => Outcome::Rejected(Rejection::Forbidden),
            Self::Refused(413, _) => Outcome::TooLarge { limit: LIMIT },
            Self::Refused(400, _) => Outcome::Rejected(Rejection::Other),
            Self::Refused(_, after) => Outcome::Retry { after },
        }
    }
}

impl Relay {
    /// Knows of the relay; calls nobody yet.
    pub fn new(url: &str, account: &AccountId, device: DeviceId, token: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(Duration::from_secs(5)))
            .build();
        Self {
            agent: config.into(),
            url: url.to_owned(),
            account: hex(account.as_bytes()),
            device: format!("{:08x}", device.0),
            authorization: format!("Bearer {token}"),
        }
    }

    /// One request; its status and the answer's body.
    fn call(&self, method: &str, path: &str, body: Option<&[u8]>, patience: Duration) -> Result<Answer, Trouble> {
        let head = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("X-Account", &self.account)
            .header("X-Device", &self.device)
            .header("Authorization", &self.authorization);
        let answer = match body {
            Some(body) => head.body(body).map_err(ureq::Error::from).and_then(|request| {
                self.agent.run(self.agent.configure_request(request).timeout_global(Some(patience)).build())
            }),
            None => head.body(()).map_err(ureq::Error::from).and_then(|request| {
                self.agent.run(self.agent.configure_request(request).timeout_global(Some(patience)).build())
            }),
        };
        let mut answer = answer.map_err(|_| Trouble::Offline)?;
        let body = answer.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(|_| Trouble::Offline)?;
        let retry_after = answer.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Answer { status: answer.status().as_u16(), body, retry_after })
    }

    /// Carries a request out and says what became of it; `None` for a kind of a later release.
    pub fn carry_out(&self, request: &Request) -> Option<Result<Outcome, Trouble>> {
        match &request.action {
            Action::PublishKeys(publish) => Some(self.publish(publish)),
            Action::FetchKeys(fetch) => Some(self.fetch(fetch)),
            Action::Send(send) => Some(self.send(request.id.0, send)),
            _ => None,
        }
    }

    fn publish(&self, publish: &PublishKeys) -> Result<Outcome, Trouble> {
        let (mut sequence, mut expected, mut object) = (Vec::new(), Vec::new(), [].as_slice());
        if let Some(list) = &publish.list {
            sequence = list.sequence.to_be_bytes().to_vec();
            expected = list.expected.to_be_bytes().to_vec();
            object = &list.object;
        }
        let signed = publish.signed_prekey.as_deref().unwrap_or_default();
        let reset = [u8::from(publish.reset_one_time)];
        let mut parts = vec![&sequence, &expected, object, signed, &reset];
        parts.extend(publish.one_time.iter().map(Vec::as_slice));
        let answer = self.call("PUT", "/keys", Some(&join(&parts)), PATIENCE)?;
        match answer.status {
            200 => Ok(Outcome::Published { one_time_left: answer.body.try_into().ok().map(u32::from_be_bytes) }),
            409 => Ok(Outcome::Conflict { list: answer.body }),
            _ => Err(answer.refused()),
        }
    }

    /// How many one-time prekeys of ours are in stock: the answer to publishing nothing.
    pub fn stock(&self) -> Option<u32> {
        let nothing: [&[u8]; 5] = [&[], &[], &[], &[], &[0]];
        let answer = self.call("PUT", "/keys", Some(&join(&nothing)), PATIENCE).ok()?;
        if answer.status == 200 { answer.body.try_into().ok().map(u32::from_be_bytes) } else { None }
    }

    /// Lets a further device of our account in: its name, and the token that it made up.
    pub fn enrol(&self, device: &str, token: &str) -> Result<(), Trouble> {
        let answer = self.call("POST", &format!("/devices/{device}"), Some(&join(&[token.as_bytes()])), PATIENCE)?;
        if answer.status == 200 { Ok(()) } else { Err(answer.refused()) }
    }

    /// Lets a device of our account no more in.
    pub fn expel(&self, device: &str) -> Result<(), Trouble> {
        let answer = self.call("DELETE", &format!("/devices/{device}"), None, PATIENCE)?;
        if answer.status == 200 { Ok(()) } else { Err(answer.refused()) }
    }

    fn fetch(&self, fetch: &FetchKeys) -> Result<Outcome, Trouble> {
        let (mut found, mut absent) = (Vec::new(), Vec::new());
        for wanted in &fetch.accounts {
            let account = wanted.account.clone();
            let path = format!("/keys/{}?one_time={}", hex(account.as_bytes()), u8::from(fetch.one_time));
            let answer = self.call("GET", &path, None, PATIENCE)?;
            match answer.status {
                200 => found.push(Found { account, parts: split(&answer.body).ok_or(Trouble::Offline)? }),
                404 => absent.push(account),
                _ => return Err(answer.refused()),
            }
        }
        Ok(Outcome::Keys { found, absent })
    }

    fn send(&self, id: u64, send: &Send) -> Result<Outcome, Trouble> {
        let mut server_time = None;
        for account in &send.to {
            let path = format!("/send/{}?request={id}", hex(account.as_bytes()));
            let answer = self.call("POST", &path, Some(&join(&[send.blob.as_slice()])), PATIENCE)?;
            match answer.status {
                200 => server_time = answer.body.try_into().ok().map(u64::from_be_bytes),
                404 => return Ok(Outcome::Rejected(Rejection::NoSuchAccount)),
                _ => return Err(answer.refused()),
            }
        }
        Ok(Outcome::Accepted { server_time, stamp: None })
    }

    /// What waits after a number; the relay holds its answer back for up to `wait` while there is nothing.
    pub fn mail(&self, after: u64, wait: Duration) -> Result<Vec<Mail>, Trouble> {
        let path = format!("/mail?after={after}&wait={}", wait.as_secs());
        let answer = self.call("GET", &path, None, wait + PATIENCE)?;
        if answer.status != 200 {
            return Err(answer.refused());
        }
        let parts = split(&answer.body).ok_or(Trouble::Offline)?;
        parts.chunks(3).map(letter).collect::<Option<_>>().ok_or(Trouble::Offline)
    }

    /// Says that everything up to a number is on our own disk.
    pub fn acknowledge(&self, up_to: u64) -> Result<(), Trouble> {
        let answer = self.call("POST", &format!("/acknowledge?up_to={up_to}"), Some(&[]), PATIENCE)?;
        if answer.status == 200 { Ok(()) } else { Err(answer.refused()) }
    }
}

fn letter(parts: &[Vec<u8>]) -> Option<Mail> {
    let [number, from, blob] = parts else { return None };
    let number = u64::from_be_bytes(number.as_slice().try_into().ok()?);
    Some(Mail { number, from: AccountId::new(unhex(from)?).ok()?, blob: blob.clone() })
}

/// Bytes as lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.chunks(2).map(pair).collect()
}

/// Parts, each a length in four bytes and itself.
fn join(parts: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend_from_slice(part);
    }
    body
}

fn split(mut body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut parts = Vec::new();
    while !body.is_empty() {
        let (length, rest) = body.split_first_chunk()?;
        let (part, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        parts.push(part.to_vec());
        body = rest;
    }
    Some(parts)
}
