//! The directory: lists that are compared, prekeys that are handed out once.

use std::collections::HashSet;

use sprag_relay::parts::{join, split};

use crate::client::{ALICE, BOB, BOB_TABLET, call, file, start, status};

/// A body for `PUT /keys`, with one-time prekeys that name their owner.
pub(crate) fn body(sequence: u64, expected: u64, list: &[u8], signed: &[u8], one_time: u8) -> Vec<u8> {
    let numbers = if list.is_empty() {
        [Vec::new(), Vec::new()]
    } else {
        [sequence.to_be_bytes().to_vec(), expected.to_be_bytes().to_vec()]
    };
    let [sequence, expected] = numbers;
    let mut parts = vec![sequence, expected, list.to_vec(), signed.to_vec(), vec![0]];
    parts.extend((0..one_time).map(|number| [signed, &[number]].concat()));
    join(&parts)
}

fn fetch(at: std::net::SocketAddr, path: &str) -> Vec<Vec<u8>> {
    let answer = call(at, BOB, &format!("GET {path}"), b"");
    assert_eq!(answer.status, 200);
    split(&answer.body).unwrap()
}

#[test]
fn a_list_is_replaced_only_by_its_successor_and_only_by_its_owner() {
    let at = start(&file("lists"));
    assert_eq!(status(at, ALICE, "PUT /keys", &body(1, 0, b"first", b"signed", 0)), 200);
    let refused = call(at, ALICE, "PUT /keys", &body(2, 0, b"other", b"other", 9));
    assert_eq!((refused.status, refused.body.as_slice()), (409, b"first".as_slice()));
    assert_eq!(
        fetch(at, "/keys/a11ce0?one_time=1"),
        [b"first".to_vec(), b"signed".to_vec()],
        "nothing of it was stored"
    );
    assert_eq!(status(at, BOB, "PUT /keys", &body(2, 1, b"bob's", b"bob's", 0)), 409, "he has none yet");
    assert_eq!(status(at, BOB, "PUT /keys", &body(1, 0, b"bob's", b"bob's", 0)), 200);
    assert_eq!(status(at, ALICE, "PUT /keys", &body(2, 1, b"second", b"", 0)), 200);
    assert_eq!(fetch(at, "/keys/a11ce0"), [b"second".to_vec(), b"signed".to_vec()]);
    assert_eq!(fetch(at, "/keys/b0b0"), [b"bob's".to_vec(), b"bob's".to_vec()]);
}

#[test]
fn every_device_has_a_signed_prekey_and_a_queue_of_its_own() {
    let at = start(&file("queues"));
    assert_eq!(status(at, BOB, "GET /mail", b""), 200);
    assert_eq!(status(at, BOB, &format!("POST /devices/{}", BOB_TABLET.1), &join(&[BOB_TABLET.2])), 200);
    assert_eq!(call(at, BOB, "PUT /keys", &body(1, 0, b"list", b"phone", 2)).body, [0, 0, 0, 2]);
    assert_eq!(call(at, BOB_TABLET, "PUT /keys", &body(0, 0, b"", b"tablet", 1)).body, [0, 0, 0, 1]);
    let all = [b"list".as_slice(), b"phone", b"phone\0", b"tablet", b"tablet\0"];
    assert_eq!(fetch(at, "/keys/b0b0"), [all[0], all[1], all[3]], "none is spent where none is asked for");
    assert_eq!(fetch(at, "/keys/b0b0?one_time=1"), all);
    assert_eq!(fetch(at, "/keys/b0b0?one_time=1"), [all[0], all[1], b"phone\x01", all[3]]);
    assert_eq!(fetch(at, "/keys/b0b0?one_time=1"), [all[0], all[1], all[3]]);

    assert_eq!(call(at, BOB, "PUT /keys", &body(0, 0, b"", b"phone", 3)).body, [0, 0, 0, 3]);
    assert_eq!(call(at, BOB_TABLET, "PUT /keys", &body(0, 0, b"", b"", 2)).body, [0, 0, 0, 2]);
    let reset = join(&[b"".as_slice(), b"", b"", b"", b"\x01", b"fresh"]);
    assert_eq!(call(at, BOB, "PUT /keys", &reset).body, [0, 0, 0, 1], "only the caller's queue is emptied");
    assert_eq!(fetch(at, "/keys/b0b0?one_time=1"), [all[0], all[1], b"fresh", all[3], b"\0"]);
    for batch in 1..=3 {
        let left = call(at, BOB, "PUT /keys", &body(0, 0, b"", b"", 90)).body;
        assert_eq!(left, u32::to_be_bytes(200.min(batch * 90)), "at most 200 wait");
    }
}

#[test]
fn each_one_time_prekey_is_handed_out_once_to_eight_who_ask_at_once() {
    let at = start(&file("once"));
    assert_eq!(status(at, ALICE, "PUT /keys", &body(1, 0, b"list", b"signed", 100)), 200);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                let answers = (0..15).map(|_| fetch(at, "/keys/a11ce0?one_time=1"));
                answers.filter_map(|parts| parts.get(2).cloned()).collect::<Vec<_>>()
            })
        })
        .collect();
    let handed: Vec<Vec<u8>> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(handed.len(), 100);
    assert_eq!(handed.iter().collect::<HashSet<_>>().len(), 100);
    assert_eq!(fetch(at, "/keys/a11ce0?one_time=1"), [b"list".to_vec(), b"signed".to_vec()]);
}
