//! The relay over HTTP: `docs/relay.md` says the same in words.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tiny_http::{Header, Method, Request, Response, Server};

use crate::parts::{join, split};
use crate::store::{ListWrite, Published, Store};

/// The most bytes of a request's body.
pub const MAX_BODY: usize = 2 * 1024 * 1024;

/// The longest that a poll waits.
const MAX_PATIENCE: u64 = 30;

/// Threads that answer: as many phones can poll at once.
const THREADS: usize = 32;

/// A status and a body.
type Answer = (u16, Vec<u8>);

/// A relay that listens.
pub struct Relay {
    server: Arc<Server>,
    store: Arc<Store>,
}

impl Relay {
    /// Listens at an address of this machine, `127.0.0.1:0` for any free port.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(address: &str, store: Store) -> io::Result<Self> {
        let server = Server::http(address).map_err(io::Error::other)?;
        Ok(Self { server: Arc::new(server), store: Arc::new(store) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.server_addr().to_ip()
    }

    /// Answers for as long as the process lives.
    pub fn run(&self) {
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while let Ok(request) = self.server.recv() {
                        self.handle(request);
                    }
                });
            }
        });
    }

    fn handle(&self, mut request: Request) {
        let (status, body) = self.answer(&mut request).unwrap_or_else(|_| (500, b"the relay's store".to_vec()));
        // A client that went away is no trouble of ours.
        let _ = request.respond(Response::from_data(body).with_status_code(status));
    }

    fn answer(&self, request: &mut Request) -> rusqlite::Result<Answer> {
        let (account, token) = match (header(request, "X-Account"), header(request, "Authorization")) {
            (Some(account), Some(token)) if is_name(&account) && (16..=256).contains(&token.len()) => (account, token),
            _ => return refuse(401, "X-Account (hex of the id) and Authorization: Bearer are needed"),
        };
        if !self.store.admit(&account, &token)? {
            return refuse(403, "another token owns this account");
        }
        if request.body_length().is_some_and(|length| length > MAX_BODY) {
            return refuse(413, "at most 2 MiB");
        }
        let mut body = Vec::new();
        let read = request.as_reader().take(MAX_BODY as u64 + 1).read_to_end(&mut body);
        if read.is_err() {
            return refuse(400, "the body did not come whole");
        }
        if body.len() > MAX_BODY {
            return refuse(413, "at most 2 MiB");
        }
        let Some(parts) = split(&body) else { return refuse(400, "parts do not add up") };
        let url = request.url().to_owned();
        let (path, query) = url.split_once('?').unwrap_or((&url, ""));
        let words: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method(), words.as_slice()) {
            (Method::Put, ["keys"]) => self.publish(&account, parts),
            (Method::Get, ["keys", name]) => match self.store.keys(name, number(query, "one_time") == Some(1))? {
                Some(parts) => Ok((200, join(&parts))),
                None => refuse(404, "no keys of this account"),
            },
            (Method::Post, ["send", name]) => self.send(&account, name, query, &parts),
            (Method::Get, ["mail"]) => {
                let patience =
                    Duration::from_secs(number(query, "wait").unwrap_or(0).clamp(0, MAX_PATIENCE as i64) as u64);
                let mail = self.store.mail(&account, number(query, "after").unwrap_or(0), patience)?;
                let parts = mail
                    .into_iter()
                    .flat_map(|mail| [mail.number.to_be_bytes().to_vec(), mail.from.into_bytes(), mail.blob]);
                Ok((200, join(&parts.collect::<Vec<_>>())))
            }
            (Method::Post, ["acknowledge"]) => match number(query, "up_to") {
                Some(up_to) => self.store.acknowledge(&account, up_to).map(|()| (200, Vec::new())),
                None => refuse(400, "up_to is needed"),
            },
            _ => refuse(404, "no such thing here"),
        }
    }

    /// Parts: sequence and expected (8 bytes each) and the list, or three empty ones; the signed prekey or an empty
    /// part; one byte, 1 to throw the old one-time prekeys away; then one-time prekeys.
    fn publish(&self, account: &str, parts: Vec<Vec<u8>>) -> rusqlite::Result<Answer> {
        let mut parts = parts.into_iter();
        let (Some(sequence), Some(expected), Some(object), Some(signed), Some(reset)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return refuse(400, "five parts at least");
        };
        let list = match (integer(&sequence), integer(&expected)) {
            (Some(sequence), Some(expected)) => Some(ListWrite { sequence, expected, object }),
            _ if object.is_empty() => None,
            _ => return refuse(400, "a list has two numbers of 8 bytes"),
        };
        let signed = (!signed.is_empty()).then_some(signed);
        Ok(match self.store.publish(account, list, signed, parts.collect(), reset == [1])? {
            Published::Done(left) => (200, left.to_be_bytes().to_vec()),
            Published::Conflict(list) => (409, list),
        })
    }

    fn send(&self, account: &str, to: &str, query: &str, parts: &[Vec<u8>]) -> rusqlite::Result<Answer> {
        let (Some(request), [blob]) = (text(query, "request"), parts) else {
            return refuse(400, "one part, and the request's id");
        };
        match self.store.send(to, account, request, blob)? {
            Some(true) => Ok((200, Vec::new())),
            Some(false) => refuse(429, "its mailbox is full"),
            None => refuse(404, "no such account"),
        }
    }
}

fn refuse(status: u16, why: &str) -> rusqlite::Result<Answer> {
    Ok((status, why.as_bytes().to_vec()))
}

fn header(request: &Request, name: &str) -> Option<String> {
    let named = |header: &&Header| header.field.as_str().as_str().eq_ignore_ascii_case(name);
    request.headers().iter().find(named).map(|header| header.value.to_string())
}

/// Account ids travel as lower-case hex: 1 to 64 bytes.
fn is_name(name: &str) -> bool {
    (2..=128).contains(&name.len())
        && name.len().is_multiple_of(2)
        && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn text<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn number(query: &str, name: &str) -> Option<i64> {
    text(query, name)?.parse().ok()
}

fn integer(bytes: &[u8]) -> Option<i64> {
    bytes.try_into().map(i64::from_be_bytes).ok()
}
