//! Looks into the relay as one of its clients, over HTTP: what it holds is what it would hand out.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

/// Who asks: the account's name, its device in hex, and its token.
pub(crate) struct Caller {
    name: String,
    device: String,
    token: String,
}

/// What the relay holds for somebody: number, sender and bytes.
pub(crate) struct Held {
    number: u64,
    from: String,
    /// The encrypted bytes.
    pub(crate) blob: Vec<u8>,
}

impl Caller {
    /// As somebody whose key file is there: its second half is the token.
    pub(crate) fn of(stores: &Path, name: &str, device: &str) -> Result<Self, String> {
        let path = stores.join(format!("{name}.key"));
        let secret = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let token = secret.get(32..).map(hex).ok_or("a key file is too short")?;
        Ok(Self { name: name.to_owned(), device: device.to_owned(), token })
    }

    /// As a stranger.
    pub(crate) fn stranger(name: &str) -> Self {
        Self { name: name.to_owned(), device: "00000001".to_owned(), token: "the-token-of-a-stranger".to_owned() }
    }

    fn call(&self, address: &str, line: &str, body: &[u8]) -> Result<Vec<u8>, String> {
        let said = |error: std::io::Error| format!("{line}: {error}");
        let mut stream = TcpStream::connect(address).map_err(said)?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).map_err(said)?;
        let head = format!(
            "{line} HTTP/1.0\r\nHost: {address}\r\nX-Account: {}\r\nX-Device: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Length: {}\r\n\r\n",
            hex(self.name.as_bytes()),
            self.device,
            self.token,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).map_err(said)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(said)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or(format!("{line}: no answer"))?;
        let status = answer.get(9..12).map(String::from_utf8_lossy);
        if status.as_deref() != Some("200") {
            return Err(format!("{line}: the relay answers {}", status.unwrap_or_default()));
        }
        Ok(answer.split_off(end + 4))
    }

    /// Everything that waits for the caller; nothing is acknowledged.
    pub(crate) fn mail(&self, address: &str) -> Result<Vec<Held>, String> {
        let mut held: Vec<Held> = Vec::new();
        loop {
            let after = held.last().map_or(0, |last| last.number);
            let body = self.call(address, &format!("GET /mail?after={after}&wait=0"), &[])?;
            let parts = split(&body).ok_or("the relay's mail does not add up")?;
            if parts.is_empty() {
                return Ok(held);
            }
            for part in parts.chunks(3) {
                let [number, from, blob] = part else { return Err("the relay's mail is incomplete".to_owned()) };
                let number = number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
                held.push(Held { number, from: text_of_hex(from), blob: blob.to_vec() });
            }
        }
    }

    /// Sends a body as it is.
    pub(crate) fn send(&self, address: &str, to: &str, body: &[u8]) -> Result<(), String> {
        let mut part = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        part.extend_from_slice(body);
        self.call(address, &format!("POST /send/{}?request=1", hex(to.as_bytes())), &part).map(|_| ())
    }
}

impl Held {
    /// The size and the first bytes.
    pub(crate) fn glimpse(&self) -> String {
        let bytes: Vec<String> = self.blob.iter().take(24).map(|byte| format!("{byte:02x}")).collect();
        format!("number {} from {}, {} bytes: {} …", self.number, self.from, self.blob.len(), bytes.join(" "))
    }
}

fn split(mut body: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while !body.is_empty() {
        let (length, rest) = body.split_first_chunk()?;
        let (part, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        parts.push(part);
        body = rest;
    }
    Some(parts)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text_of_hex(hex: &[u8]) -> String {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    String::from_utf8_lossy(&hex.chunks(2).filter_map(pair).collect::<Vec<_>>()).into_owned()
}
