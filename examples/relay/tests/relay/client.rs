//! A relay on a port of its own, and the few lines of HTTP that a client needs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use sprag_relay::limit::Limits;
use sprag_relay::server::Relay;
use sprag_relay::store::Store;

/// A device of an account: both in hex, and its token.
#[derive(Clone, Copy)]
pub(crate) struct Device(pub(crate) &'static str, pub(crate) &'static str, pub(crate) &'static str);

pub(crate) const ALICE: Device = Device("a11ce0", "00000001", "the-token-of-alice");
pub(crate) const BOB: Device = Device("b0b0", "00000007", "the-token-of-bob-1");
pub(crate) const BOB_TABLET: Device = Device("b0b0", "00000008", "the-token-of-bob-2");

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| line.split(':').next().is_some_and(|field| field.eq_ignore_ascii_case(name));
        self.head.lines().find(named).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
    }
}

pub(crate) fn file(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("sprag-relay-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder.join("relay.sqlite")
}

pub(crate) fn start(path: &Path) -> SocketAddr {
    start_with(path, Limits::default())
}

pub(crate) fn start_with(path: &Path, limits: Limits) -> SocketAddr {
    let relay = Relay::bind("127.0.0.1:0", Store::open(path).unwrap()).unwrap().limited(limits);
    let address = relay.address().unwrap();
    std::thread::spawn(move || relay.run());
    address
}

/// One request with exactly these header lines.
pub(crate) fn raw(at: SocketAddr, line: &str, fields: &[String], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(at).unwrap();
    let mut head = format!("{line} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n");
    for field in fields {
        head.push_str(&format!("{field}\r\n"));
    }
    head.push_str("\r\n");
    // A relay that refuses by the head alone may have hung up before the body is out.
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    Answer { status: head[9..12].parse().unwrap(), head, body: answer[end + 4..].to_vec() }
}

pub(crate) fn fields(who: Device) -> Vec<String> {
    vec![format!("X-Account: {}", who.0), format!("X-Device: {}", who.1), format!("Authorization: Bearer {}", who.2)]
}

pub(crate) fn call(at: SocketAddr, who: Device, line: &str, body: &[u8]) -> Answer {
    let mut fields = fields(who);
    fields.push(format!("Content-Length: {}", body.len()));
    raw(at, line, &fields, body)
}

pub(crate) fn status(at: SocketAddr, who: Device, line: &str, body: &[u8]) -> u16 {
    call(at, who, line, body).status
}
