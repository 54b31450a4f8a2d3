//! Mailboxes: what waits, for whom, and until when.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use sprag_relay::parts::{join, split};
use sprag_relay::store::{Caller, Mailboxes, Posted, REMEMBERED, Store, TokenHash};

use crate::client::{ALICE, BOB, BOB_TABLET, Device, call, file, start, status};

/// After this, something hangs.
const LONG: Duration = Duration::from_secs(60);

/// The messages that wait: number, sender and envelope of each.
pub(crate) fn mail(at: SocketAddr, who: Device, query: &str) -> Vec<(u64, String, Vec<u8>)> {
    let answer = call(at, who, &format!("GET /mail{query}"), b"");
    assert_eq!(answer.status, 200);
    let parts = split(&answer.body).unwrap();
    let number = |part: &Vec<u8>| u64::from_be_bytes(part.as_slice().try_into().unwrap());
    parts.chunks(3).map(|m| (number(&m[0]), String::from_utf8(m[1].clone()).unwrap(), m[2].clone())).collect()
}

pub(crate) fn bodies(at: SocketAddr, who: Device, query: &str) -> Vec<Vec<u8>> {
    mail(at, who, query).into_iter().map(|(_, _, body)| body).collect()
}

pub(crate) fn send(at: SocketAddr, who: Device, request: &str, body: &[u8]) -> Vec<u8> {
    let answer = call(at, who, &format!("POST /send/b0b0?request={request}"), &join(&[body]));
    assert_eq!(answer.status, 200);
    answer.body
}

fn two_devices(at: SocketAddr) {
    assert_eq!(status(at, BOB, "GET /mail", b""), 200);
    assert_eq!(status(at, BOB, &format!("POST /devices/{}", BOB_TABLET.1), &join(&[BOB_TABLET.2])), 200);
}

#[test]
fn a_poll_wakes_when_something_comes() {
    let at = start(&file("poll"));
    assert_eq!(mail(at, BOB, ""), []);
    let polls: Vec<_> = (0..40).map(|_| std::thread::spawn(move || bodies(at, BOB, "?after=0&wait=30"))).collect();
    std::thread::sleep(Duration::from_millis(100));
    send(at, ALICE, "1", b"hello");
    for poll in polls {
        assert_eq!(poll.join().unwrap(), [b"hello"]);
    }
}

#[test]
fn who_waits_for_a_day_is_woken_at_once() {
    let store = Arc::new(Store::open(&file("wake")).unwrap());
    let bob = of(BOB);
    store.admit(&bob, TokenHash::of(BOB.2.as_bytes())).unwrap();
    let (sender, woken) = channel();
    let waits = Arc::clone(&store);
    std::thread::spawn(move || sender.send(waits.mail(&bob, 0, Duration::from_secs(86_400)).unwrap()));
    std::thread::sleep(Duration::from_millis(100));
    store.send(BOB.0, &of(ALICE), "1", b"hello", 0).unwrap();
    assert_eq!(woken.recv_timeout(LONG).unwrap()[0].blob, b"hello");
}

#[test]
fn each_device_reads_at_its_own_pace_and_what_all_have_is_deleted() {
    let path = file("pace");
    let at = start(&path);
    two_devices(at);
    for (request, body) in [("1", b"one"), ("2", b"two")] {
        send(at, ALICE, request, body);
    }
    let numbers: Vec<u64> = mail(at, BOB, "").into_iter().map(|(number, _, _)| number).collect();
    assert_eq!(bodies(at, BOB, &format!("?after={}", numbers[0])), [b"two"]);
    assert_eq!(status(at, BOB, &format!("POST /acknowledge?up_to={}", numbers[1]), b""), 200);
    assert_eq!(mail(at, BOB, ""), []);
    assert_eq!(bodies(at, BOB_TABLET, ""), [b"one", b"two"]);
    assert_eq!(kept(&path), 2);
    assert_eq!(status(at, BOB_TABLET, &format!("POST /acknowledge?up_to={}", numbers[0]), b""), 200);
    assert_eq!(kept(&path), 1);
    assert_eq!(status(at, BOB, &format!("DELETE /devices/{}", BOB_TABLET.1), b""), 200);
    assert_eq!(kept(&path), 0, "nobody waits for it any more");

    assert_eq!(status(at, BOB, "POST /acknowledge?up_to=9000000000000000000", b""), 200);
    send(at, ALICE, "3", b"three");
    assert_eq!(bodies(at, BOB, ""), [b"three"], "what comes later was not acknowledged");
    assert_eq!(status(at, BOB, "POST /acknowledge?up_to=0", b""), 200);
    assert_eq!(bodies(at, BOB, ""), [b"three"]);
}

#[test]
fn a_new_device_gets_what_comes_after_it() {
    let at = start(&file("new"));
    assert_eq!(status(at, BOB, "GET /mail", b""), 200);
    send(at, ALICE, "1", b"before");
    two_devices(at);
    send(at, ALICE, "2", b"after");
    assert_eq!(bodies(at, BOB, ""), [b"before".to_vec(), b"after".to_vec()]);
    assert_eq!(bodies(at, BOB_TABLET, ""), [b"after"]);
}

#[test]
fn a_request_that_comes_again_is_one_message_also_after_it_was_read() {
    let at = start(&file("again"));
    assert_eq!(status(at, BOB, "GET /mail", b""), 200);
    let time = send(at, ALICE, "7", b"once");
    assert!(u64::from_be_bytes(time.clone().try_into().unwrap()) > 1_600_000_000);
    assert_eq!(send(at, ALICE, "7", b"once"), time);
    let waiting = mail(at, BOB, "");
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].1, ALICE.0, "the sender is who was authenticated");
    assert_eq!(status(at, BOB, &format!("POST /acknowledge?up_to={}", waiting[0].0), b""), 200);
    assert_eq!(send(at, ALICE, "7", b"once"), time);
    assert_eq!(mail(at, BOB, ""), []);

    let other = Device(ALICE.0, "00000002", "the-other-token-of-alice");
    assert_eq!(status(at, ALICE, &format!("POST /devices/{}", other.1), &join(&[other.2])), 200);
    send(at, other, "7", b"another device's");
    send(at, BOB, "7", b"another account's");
    assert_eq!(bodies(at, BOB, ""), [b"another device's".as_slice(), b"another account's"]);

    let parts = split(&call(at, BOB, "GET /mail?times=1", b"").body).unwrap();
    assert_eq!(parts.len(), 8, "with its time, a message is four parts");
    assert!(
        u64::from_be_bytes(parts[3].as_slice().try_into().unwrap()) >= u64::from_be_bytes(time.try_into().unwrap())
    );
}

#[test]
fn a_request_is_forgotten_after_a_day_and_not_while_its_message_waits() {
    let store = Store::open(&file("day")).unwrap();
    let (alice, bob) = (of(ALICE), of(BOB));
    store.admit(&bob, TokenHash::of(BOB.2.as_bytes())).unwrap();
    let read = || store.mail(&bob, 0, Duration::ZERO).unwrap();
    let post = |request: &str, now: i64| store.send(BOB.0, &alice, request, b"x", now).unwrap();
    assert_eq!(post("1", 1_000), Posted::At(1_000));
    assert_eq!(post("1", 1_000 + 2 * REMEMBERED), Posted::At(1_000), "it still waits");
    store.acknowledge(&bob, read()[0].number).unwrap();
    assert_eq!(post("2", 2_000), Posted::At(2_000));
    store.acknowledge(&bob, read()[0].number).unwrap();
    assert_eq!(post("2", 2_000 + REMEMBERED), Posted::At(2_000));
    assert_eq!(read(), []);
    assert_eq!(post("2", 2_001 + REMEMBERED), Posted::At(2_001 + REMEMBERED), "after a day it is another one");
    assert_eq!(read().len(), 1);
}

#[test]
fn a_full_mailbox_says_so_and_takes_what_it_has_already() {
    let path = file("full");
    let at = start(&path);
    two_devices(at);
    send(at, ALICE, "first", b"first");
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
        INSERT INTO mail (account, sender, time, blob) SELECT 'b0b0', 'cccc', 0, x'00' FROM n";
    rusqlite::Connection::open(&path).unwrap().execute_batch(fill).unwrap();
    let answer = call(at, ALICE, "POST /send/b0b0?request=more", &join(&[b"more"]));
    assert_eq!(answer.status, 429);
    assert!(answer.field("Retry-After").is_some());
    send(at, ALICE, "first", b"first");
    assert_eq!(mail(at, BOB, "").len(), 100, "so many come at once");
}

#[test]
fn a_restart_keeps_everything() {
    let path = file("restart");
    let at = start(&path);
    two_devices(at);
    assert_eq!(status(at, BOB, "PUT /keys", &crate::keys::body(1, 0, b"list", b"phone", 2)), 200);
    send(at, ALICE, "1", b"one");
    let two = send(at, ALICE, "2", b"two");
    let waiting = mail(at, BOB, "");
    assert_eq!(status(at, BOB, &format!("POST /acknowledge?up_to={}", waiting[0].0), b""), 200);
    assert_eq!(status(at, ALICE, "GET /keys/b0b0?one_time=1", b""), 200);

    let again = start(&path);
    assert_eq!(mail(again, BOB, ""), waiting[1..]);
    assert_eq!(mail(again, BOB_TABLET, ""), waiting);
    assert_eq!(send(again, ALICE, "2", b"two"), two);
    let keys = call(again, ALICE, "GET /keys/b0b0?one_time=1", b"").body;
    assert_eq!(split(&keys).unwrap(), [b"list".as_slice(), b"phone", b"phone\x01"]);
    assert_eq!(status(again, Device(BOB.0, BOB.1, BOB_TABLET.2), "GET /mail", b""), 403);
}

fn of(device: Device) -> Caller {
    Caller { account: device.0.to_owned(), device: device.1.to_owned() }
}

fn kept(path: &std::path::Path) -> i64 {
    let database = rusqlite::Connection::open(path).unwrap();
    database.query_row("SELECT count(*) FROM mail", [], |row| row.get(0)).unwrap()
}
