//! The relay when it is told to lie; what clients make of it is tested with the chat.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use sprag_malice::{Trick, Whim};
use sprag_relay::malice::Malice;
use sprag_relay::parts::{join, split};
use sprag_relay::server::Relay;
use sprag_relay::store::Store;

use crate::client::{ALICE, BOB, call, file, status};
use crate::keys::body;
use crate::mail::{bodies, mail, send};

#[test]
fn what_is_not_a_lie_is_as_everywhere() {
    let malice = Arc::new(Malice::new(None, |_| {}));
    let relay = Relay::bind("127.0.0.1:0", Store::open(&file("calm")).unwrap()).unwrap();
    let relay = relay.malicious(Arc::clone(&malice));
    let at = relay.address().unwrap();
    std::thread::spawn(move || relay.run());
    assert_eq!(status(at, ALICE, "POST /send/b0b0?request=1", &join(&[b"x"])), 404, "nobody knows of Bob");
    let poll = std::thread::spawn(move || bodies(at, BOB, "?wait=30"));
    while status(at, ALICE, "POST /send/b0b0?request=1", &join(&[b"once"])) == 404 {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(poll.join().unwrap(), [b"once"], "who waits is woken");
    let time = send(at, ALICE, "1", b"once");
    assert_eq!(send(at, ALICE, "1", b"once"), time, "a request that comes again is one message");
    let waiting = mail(at, BOB, "");
    assert_eq!((waiting.len(), waiting[0].1.as_str()), (1, ALICE.0));
    assert_eq!(status(at, BOB, &format!("POST /acknowledge?up_to={}", waiting[0].0), b""), 200);
    assert_eq!(mail(at, BOB, ""), []);

    assert_eq!(status(at, BOB, "GET /keys/b0b0", b""), 404);
    assert_eq!(call(at, BOB, "PUT /keys", &body(1, 0, b"list", b"phone", 1)).body, [0, 0, 0, 1]);
    assert_eq!(status(at, ALICE, "PUT /keys", &body(1, 0, b"alice's", b"signed", 0)), 200);
    assert_eq!(status(at, BOB, "PUT /keys", &body(2, 0, b"other", b"", 0)), 409);
    let keys = |who| split(&call(at, who, "GET /keys/b0b0?one_time=1", b"").body).unwrap();
    assert!(malice.with(|server| server.play(Trick::Impersonate { asker: 0, account: 1, other: 0 })).is_some());
    assert_eq!(keys(ALICE), [b"alice's".as_slice(), b"signed"]);
    assert_eq!(keys(BOB), [b"list".as_slice(), b"phone", b"phone\0"]);
    malice.repent();
    assert_eq!(keys(ALICE), [b"list".as_slice(), b"phone"]);
}

#[test]
fn what_was_held_back_wakes_who_waits_for_it() {
    let malice = Arc::new(Malice::new(Some(Whim::new(1, &["hold"])), |_| {}));
    let relay = Relay::bind("127.0.0.1:0", Store::open(&file("held")).unwrap()).unwrap();
    let relay = relay.malicious(Arc::clone(&malice));
    let at = relay.address().unwrap();
    std::thread::spawn(move || relay.run());
    assert_eq!(status(at, BOB, "PUT /keys", &body(1, 0, b"list", b"phone", 0)), 200);
    let mut sent = 0;
    while !malice.with(|server| server.played.contains_key("hold")) {
        sent += 1;
        send(at, ALICE, &sent.to_string(), &[sent]);
    }
    assert_eq!(bodies(at, BOB, "").len(), usize::from(sent) - 1);
    let after = mail(at, BOB, "").last().map_or(0, |(number, _, _)| *number);
    let poll = std::thread::spawn(move || bodies(at, BOB, &format!("?after={after}&wait=30")));
    std::thread::sleep(Duration::from_millis(100));
    malice.repent();
    assert_eq!(poll.join().unwrap().len(), 1);
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(name: &str, words: &[&str]) -> (Program, BufReader<ChildStdout>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sprag-relay"));
    command.arg("127.0.0.1:0").arg(file(name)).args(words).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (Program(child), output)
}

fn line(output: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    assert_ne!(output.read_line(&mut line).unwrap(), 0, "it ended");
    line.trim_end().to_owned()
}

#[test]
fn the_program_lies_only_when_it_is_asked_to_and_says_what_it_does() {
    for lies in [false, true] {
        let words: &[&str] = if lies { &["--malice", "7:duplicate,old-list"] } else { &[] };
        let (_program, mut output) = program(if lies { "lies" } else { "honest" }, words);
        let at = line(&mut output).strip_prefix("listening on http://").unwrap().parse().unwrap();
        assert_eq!(status(at, BOB, "PUT /keys", &body(1, 0, b"list", b"phone", 0)), 200);
        for number in 0..20 {
            send(at, ALICE, &number.to_string(), &[number]);
        }
        assert_eq!(bodies(at, BOB, "").len() > 20, lies);
        if lies {
            assert!(line(&mut output).starts_with("this relay lies"));
            while !line(&mut output).starts_with("it plays \"duplicate\" on a message from ") {}
        }
    }
    for words in [["--malice"].as_slice(), &["--malice", "seven"], &["--malice", "7:steal"]] {
        let (mut program, _) = program("refused", words);
        assert!(!program.0.wait().unwrap().success(), "{words:?}");
    }
}
