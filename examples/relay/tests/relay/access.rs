//! Who is let in, and what is refused.

use sprag_relay::limit::Limits;
use sprag_relay::parts::join;
use sprag_relay::store::Store;

use crate::client::{ALICE, BOB, BOB_TABLET, Device, call, fields, file, raw, start, start_with, status};
use crate::keys::body as keys;

#[test]
fn a_caller_says_who_it_is_in_three_headers() {
    let at = start(&file("headers"));
    let all = fields(ALICE);
    assert_eq!(raw(at, "GET /mail", &all, b"").status, 200);
    for left_out in 0..all.len() {
        let mut some = all.clone();
        some.remove(left_out);
        let answer = raw(at, "GET /mail", &some, b"");
        assert_eq!(
            (answer.status, answer.field("WWW-Authenticate")),
            (401, Some("Bearer")),
            "without {}",
            all[left_out]
        );
    }
    let malformed = [
        Device("not hex", ALICE.1, ALICE.2),
        Device("A11CE0", ALICE.1, ALICE.2),
        Device("a11", ALICE.1, ALICE.2),
        Device(ALICE.0, "1", ALICE.2),
        Device(ALICE.0, "0000000G", ALICE.2),
        Device(ALICE.0, ALICE.1, "short"),
        Device(ALICE.0, ALICE.1, "with a space in the middle"),
    ];
    for who in malformed {
        assert_eq!(status(at, who, "GET /mail", b""), 401, "{} {} {}", who.0, who.1, who.2);
    }
    let basic = [all[0].clone(), all[1].clone(), format!("Authorization: Basic {}", ALICE.2)];
    assert_eq!(raw(at, "GET /mail", &basic, b"").status, 401);
}

#[test]
fn the_first_device_claims_the_account_and_lets_others_in() {
    let at = start(&file("devices"));
    assert_eq!(status(at, BOB, "GET /mail", b""), 200);
    assert_eq!(status(at, Device(BOB.0, BOB.1, ALICE.2), "GET /mail", b""), 403, "another token");
    assert_eq!(status(at, BOB_TABLET, "GET /mail", b""), 403, "not enrolled");
    assert_eq!(status(at, Device(BOB.0, BOB_TABLET.1, BOB.2), "GET /mail", b""), 403, "another device's token");

    let enrol = format!("POST /devices/{}", BOB_TABLET.1);
    let token = join(&[BOB_TABLET.2]);
    assert_eq!(status(at, ALICE, &enrol, &token), 200, "that is a device of Alice's");
    assert_eq!(status(at, BOB_TABLET, "GET /mail", b""), 403);
    assert_eq!(status(at, BOB_TABLET, &enrol, &token), 403, "nobody lets itself in");
    assert_eq!(status(at, BOB, &enrol, &token), 200);
    assert_eq!(status(at, BOB, &enrol, &token), 200, "the same again is the same");
    assert_eq!(status(at, BOB, &enrol, &join(&[ALICE.2])), 409, "a token is not replaced");
    assert_eq!(status(at, BOB_TABLET, "GET /mail", b""), 200);
    for (line, body) in [
        ("POST /devices/8", token.as_slice()),
        ("POST /devices/0000000a", &join(&["short"])),
        ("POST /devices/0000000a", b""),
    ] {
        assert_eq!(status(at, BOB, line, body), 400);
    }
    for more in 0x10..0x10 + 14 {
        assert_eq!(status(at, BOB_TABLET, &format!("POST /devices/{more:08x}"), &token), 200);
    }
    assert_eq!(status(at, BOB, "POST /devices/000000ff", &token), 403, "sixteen are enough");
}

#[test]
fn a_device_is_taken_off_and_the_last_one_stays() {
    let at = start(&file("removal"));
    let enrol = format!("POST /devices/{}", BOB_TABLET.1);
    assert_eq!(status(at, BOB, &enrol, &join(&[BOB_TABLET.2])), 200);
    assert_eq!(status(at, BOB_TABLET, "PUT /keys", &keys(1, 0, b"list", b"tablet", 2)), 200);
    assert_eq!(status(at, ALICE, "GET /keys/b0b0", b""), 200);
    assert_eq!(status(at, BOB, &format!("DELETE /devices/{}", BOB_TABLET.1), b""), 200);
    assert_eq!(status(at, BOB_TABLET, "GET /mail", b""), 403);
    assert_eq!(status(at, ALICE, "GET /keys/b0b0", b""), 404, "its keys went with it");
    assert_eq!(status(at, BOB, &format!("DELETE /devices/{}", BOB.1), b""), 403);
    assert_eq!(status(at, BOB, "GET /mail", b""), 200);
}

#[test]
fn refusals_are_clear() {
    let at = start(&file("refusals"));
    assert_eq!(status(at, BOB, "GET /mail", b""), 200);
    for line in ["GET /", "GET /keys", "PUT /mail", "GET /devices/00000001", "GET /keys/a11ce0", "GET /keys/no%20hex"] {
        assert_eq!(status(at, ALICE, line, b""), 404, "{line}");
    }
    let one = join(&[b"x"]);
    assert_eq!(status(at, ALICE, "POST /send/cccc?request=1", &one), 404);
    assert_eq!(status(at, ALICE, "POST /send/b0b0", &one), 400);
    assert_eq!(status(at, ALICE, "POST /send/b0b0?request=", &one), 400);
    assert_eq!(status(at, ALICE, "POST /send/b0b0?request=1", b"x"), 400);
    assert_eq!(status(at, ALICE, "POST /send/b0b0?request=1", &join(&[b"x", b"y"])), 400);
    for line in [
        "GET /mail?after=x",
        "GET /mail?after=-1",
        "GET /mail?wait=x",
        "POST /acknowledge",
        "POST /acknowledge?up_to=all",
    ] {
        assert_eq!(status(at, ALICE, line, b""), 400, "{line}");
    }
    assert_eq!(status(at, ALICE, "PUT /keys", &join(&[b"", b"", b"", b""])), 400);
    assert_eq!(status(at, ALICE, "PUT /keys", &join(&[b"1".as_slice(), b"0", b"l", b"", b"\0"])), 400);
    assert_eq!(status(at, ALICE, "PUT /keys", &join(&[b"".as_slice(), b"", b"", b"", b"\x02"])), 400);
    assert_eq!(status(at, ALICE, "PUT /keys", &keys(3, 3, b"list", b"signed", 0)), 400);
}

#[test]
fn too_large_a_body_is_refused_with_and_without_a_length() {
    let at = start(&file("large"));
    let largest = join(&[vec![7; 2 * 1024 * 1024 - 4]]);
    assert_eq!(status(at, BOB, "POST /send/b0b0?request=1", &largest), 200);
    let larger = join(&[vec![7; 2 * 1024 * 1024 - 3]]);
    assert_eq!(status(at, BOB, "POST /send/b0b0?request=2", &larger), 413);
    let mut chunked = fields(BOB);
    chunked.push("Transfer-Encoding: chunked".to_owned());
    let body = [format!("{:x}\r\n", larger.len()).as_bytes(), &larger, b"\r\n0\r\n\r\n"].concat();
    assert_eq!(raw(at, "POST /send/b0b0?request=3", &chunked, &body).status, 413);
}

#[test]
fn an_account_that_asks_too_often_is_told_when_to_come_back_and_others_are_not() {
    let at = start_with(&file("often"), Limits { burst: 5, per_second: 1 });
    let refused = (0..50).map(|_| call(at, ALICE, "GET /mail", b"")).find(|answer| answer.status != 200).unwrap();
    assert_eq!(refused.status, 429);
    assert!(refused.field("Retry-After").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(status(at, BOB, "GET /mail", b""), 200);
    let stranger = Device(BOB.0, BOB.1, "a-token-that-is-not-bobs");
    for _ in 0..20 {
        assert_eq!(status(at, stranger, "GET /mail", b""), 403, "a stranger uses nothing of Bob's up");
    }
    assert_eq!(status(at, BOB, "GET /mail", b""), 200);
}

#[test]
fn no_token_is_in_the_file_and_another_releases_file_is_refused() {
    let path = file("tokens");
    let at = start(&path);
    assert_eq!(status(at, BOB, "GET /mail", b""), 200);
    assert_eq!(status(at, BOB, &format!("POST /devices/{}", BOB_TABLET.1), &join(&[BOB_TABLET.2])), 200);
    let mut seen = 0;
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        seen += bytes.windows(8).filter(|eight| *eight == BOB_TABLET.1.as_bytes()).count();
        for token in [BOB.2, BOB_TABLET.2] {
            assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()));
        }
    }
    assert!(seen > 0, "the search finds what is there");

    let other = file("other");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE account (name TEXT)").unwrap();
    assert!(Store::open(&other).is_err());
}
