//! What a request says before anybody looks at what it is for: who calls, and a body of bounded size.

use std::io::Read;

use tiny_http::{Header, Request, Response};

use crate::store::{Caller, TokenHash};

/// The most bytes of a request's body.
const MAX_BODY: usize = 2 * 1024 * 1024;

/// A status, a body, and perhaps in how many seconds to come back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    body: Vec<u8>,
    retry_after: Option<u64>,
}

impl Answer {
    pub(crate) const fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, body, retry_after: None }
    }

    pub(crate) const fn ok(body: Vec<u8>) -> Self {
        Self::new(200, body)
    }

    /// A refusal, in a sentence.
    pub(crate) fn refuse(status: u16, why: &str) -> Self {
        Self::new(status, why.as_bytes().to_vec())
    }

    /// A refusal for so many seconds.
    pub(crate) fn later(status: u16, seconds: u64, why: &str) -> Self {
        Self { retry_after: Some(seconds), ..Self::refuse(status, why) }
    }

    /// Sends it. A client that went away is no trouble of ours.
    pub(crate) fn give(self, request: Request) {
        let mut response = Response::from_data(self.body).with_status_code(self.status);
        let mut fields = Vec::new();
        fields.extend(self.retry_after.map(|seconds| ("Retry-After", seconds.to_string())));
        fields.extend((self.status == 401).then(|| ("WWW-Authenticate", "Bearer".to_owned())));
        for (name, value) in fields {
            if let Ok(field) = Header::from_bytes(name, value) {
                response.add_header(field);
            }
        }
        let _ = request.respond(response);
    }
}

/// Who a request says is calling, and the token that is to prove it.
pub(crate) fn caller(request: &Request) -> Result<(Caller, TokenHash), Answer> {
    let named = (header(request, "X-Account"), header(request, "X-Device"), header(request, "Authorization"));
    let (Some(account), Some(device), Some(authorization)) = named else {
        return Err(Answer::refuse(401, "X-Account, X-Device and Authorization are needed"));
    };
    let token = authorization.strip_prefix("Bearer ").and_then(|token| self::token(token.as_bytes()));
    match token {
        Some(token) if is_account(&account) && is_device(&device) => Ok((Caller { account, device }, token)),
        _ => Err(Answer::refuse(401, "an account in hex, a device of 8 hex digits, and a bearer token of 16 to 256")),
    }
}

/// A token is 16 to 256 visible characters.
pub(crate) fn token(token: &[u8]) -> Option<TokenHash> {
    ((16..=256).contains(&token.len()) && token.iter().all(u8::is_ascii_graphic)).then(|| TokenHash::of(token))
}

/// The whole body, if it is not too large.
pub(crate) fn body(request: &mut Request) -> Result<Vec<u8>, Answer> {
    let too_large = || Answer::refuse(413, "at most 2 MiB");
    if request.body_length().is_some_and(|length| length > MAX_BODY) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    match request.as_reader().take(MAX_BODY as u64 + 1).read_to_end(&mut body) {
        Ok(_) if body.len() > MAX_BODY => Err(too_large()),
        Ok(_) => Ok(body),
        Err(_) => Err(Answer::refuse(400, "the body did not come whole")),
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    let named = |header: &&Header| header.field.as_str().as_str().eq_ignore_ascii_case(name);
    request.headers().iter().find(named).map(|header| header.value.to_string())
}

fn is_hex(name: &str) -> bool {
    name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Account ids travel as lower-case hex: 1 to 64 bytes.
pub(crate) fn is_account(name: &str) -> bool {
    (2..=128).contains(&name.len()) && name.len().is_multiple_of(2) && is_hex(name)
}

/// Devices travel as 8 lower-case hex digits.
pub(crate) fn is_device(name: &str) -> bool {
    name.len() == 8 && is_hex(name)
}

/// A value of the query, as it stands there.
pub(crate) fn text<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A number of the query, if it is there; an error if it is none.
pub(crate) fn number(query: &str, name: &str) -> Result<Option<i64>, Answer> {
    let number = text(query, name).map(|value| value.parse().ok().filter(|number: &i64| *number >= 0));
    match number {
        Some(None) => Err(Answer::refuse(400, "a number in the query is none")),
        found => Ok(found.flatten()),
    }
}
