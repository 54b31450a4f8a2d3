//! The relay as a client meets it: raw HTTP over loopback.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sprag_relay::parts::{join, split};
use sprag_relay::server::Relay;
use sprag_relay::store::Store;

const ALICE: (&str, &str) = ("a11ce0", "Bearer token of alice");
const BOB: (&str, &str) = ("b0b0", "Bearer the token of bob");

fn file(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("sprag-relay-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

fn start(path: &Path) -> SocketAddr {
    let relay = Relay::bind("127.0.0.1:0", Store::open(path).unwrap()).unwrap();
    let address = relay.address().unwrap();
    std::thread::spawn(move || relay.run());
    address
}

fn call(at: SocketAddr, who: (&str, &str), line: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(at).unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\nX-Account: {}\r\nAuthorization: {}\r\nContent-Length: {}\r\n\r\n",
        who.0,
        who.1,
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    (status, answer[end + 4..].to_vec())
}

fn keys(sequence: u64, expected: u64, list: &[u8], one_time: u8) -> Vec<u8> {
    let mut parts = vec![
        sequence.to_be_bytes().to_vec(),
        expected.to_be_bytes().to_vec(),
        list.to_vec(),
        b"signed".to_vec(),
        vec![0],
    ];
    parts.extend((0..one_time).map(|number| vec![number; 9]));
    join(&parts)
}

#[test]
fn a_one_time_key_is_handed_out_once_and_lists_are_compared() {
    let at = start(&file("keys"));
    assert_eq!(call(at, ALICE, "PUT /keys", &keys(1, 0, b"first", 20)), (200, vec![0, 0, 0, 20]));
    assert_eq!(call(at, ALICE, "PUT /keys", &keys(2, 0, b"other", 1)), (409, b"first".to_vec()));
    let threads: Vec<_> = (0..20)
        .map(|_| std::thread::spawn(move || split(&call(at, BOB, "GET /keys/a11ce0?one_time=1", b"").1).unwrap()))
        .collect();
    let handed: HashSet<Vec<u8>> = threads.into_iter().map(|thread| thread.join().unwrap()[2].clone()).collect();
    assert_eq!(handed.len(), 20);
    let left = call(at, BOB, "GET /keys/a11ce0?one_time=1", b"").1;
    assert_eq!(split(&left), Some(vec![b"first".to_vec(), b"signed".to_vec()]));
}

#[test]
fn refusals_are_clear() {
    let at = start(&file("refusals"));
    assert_eq!(call(at, ALICE, "GET /mail", b"").0, 200);
    assert_eq!(call(at, (ALICE.0, BOB.1), "PUT /keys", &keys(1, 0, b"x", 0)).0, 403);
    assert_eq!(call(at, ("not hex", ALICE.1), "GET /mail", b"").0, 401);
    assert_eq!(call(at, ALICE, "GET /keys/b0b0", b"").0, 404);
    assert_eq!(call(at, ALICE, "POST /send/b0b0?request=1", &join(&[b"x"])).0, 404);
    assert_eq!(call(at, ALICE, "POST /send/b0b0?request=1", b"x").0, 400);
}

#[test]
fn mail_waits_wakes_is_acknowledged_and_outlives_a_restart() {
    let path = file("mail");
    let at = start(&path);
    assert_eq!(call(at, BOB, "GET /mail", b""), (200, Vec::new()));
    let poll = std::thread::spawn(move || (call(at, BOB, "GET /mail?after=0&wait=20", b""), Instant::now()));
    std::thread::sleep(Duration::from_millis(200));
    let begun = Instant::now();
    for _ in 0..2 {
        assert_eq!(call(at, ALICE, "POST /send/b0b0?request=7", &join(&[b"hello"])).0, 200);
    }
    let ((_, mail), woken) = poll.join().unwrap();
    assert!(woken - begun < Duration::from_secs(10));
    let mail = split(&mail).unwrap();
    assert_eq!(mail[1..], [ALICE.0.as_bytes().to_vec(), b"hello".to_vec()]);
    let number = u64::from_be_bytes(mail[0].clone().try_into().unwrap());

    let again = start(&path);
    assert_eq!(split(&call(again, BOB, "GET /mail", b"").1).unwrap(), mail);
    assert_eq!(call(again, BOB, &format!("POST /acknowledge?up_to={number}"), b"").0, 200);
    assert_eq!(call(again, BOB, "GET /mail", b""), (200, Vec::new()));
}
