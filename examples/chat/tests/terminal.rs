//! The chat as a program: its processes, a relay that comes and goes, and what is typed and shown.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use sprag_relay::malice::Malice;
use sprag_relay::server::Relay;
use sprag_relay::store::Store;

/// After this, something hangs.
const LONG: Duration = Duration::from_secs(120);

struct Chat {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    device: String,
}

impl Chat {
    fn start(folder: &Path, name: &str, url: &str, script: bool) -> Self {
        Self::with(folder, name, url, if script { &["--script"] } else { &[] })
    }

    fn with(folder: &Path, name: &str, url: &str, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sprag-chat"));
        command.args(["--as", name, "--relay", url, "--store"]).arg(folder.join(name)).args(more);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let input = child.stdin.take();
        Self { child, input, lines, device: String::new() }
    }

    fn script(folder: &Path, name: &str, url: &str) -> Self {
        let mut chat = Self::start(folder, name, url, true);
        chat.device = chat.line().strip_prefix(&format!("ready {name} ")).unwrap().to_owned();
        chat
    }

    fn write(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(LONG).expect("a line")
    }

    /// The next line that begins so.
    fn until(&self, start: &str) -> String {
        loop {
            let line = self.line();
            if line.starts_with(start) {
                return line;
            }
        }
    }

    fn quit(mut self) {
        self.write("quit");
        self.input = None;
        assert!(self.child.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("sprag-chat-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// An address at which nobody listens yet.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn relay(address: &str, folder: &Path) {
    let relay = Relay::bind(address, Store::open(&folder.join("relay.sqlite")).unwrap()).unwrap();
    std::thread::spawn(move || relay.run());
}

#[test]
fn what_was_typed_without_a_relay_goes_out_when_it_is_there() {
    let folder = folder("offline");
    let address = free_address();
    let url = format!("http://{address}");
    let mut alice = Chat::script(&folder, "alice", &url);
    let mut bob = Chat::script(&folder, "bob", &url);
    alice.until("offline");
    bob.until("offline");
    for question in ["safety bob", "fresh bob"] {
        alice.write(question);
        assert_eq!(alice.until(question), format!("{question} -"));
    }
    relay(&address, &folder);
    // Only who has published keys can be written to.
    alice.until("published");
    bob.until("published");

    alice.write("send bob first\\nwith \\\\ two lines");
    assert!(bob.until("message").ends_with(" first\\nwith \\\\ two lines"));
    alice.write("mail off");
    alice.until("mail off");
    for number in 0..20 {
        bob.write(&format!("send alice number {number}"));
    }
    for _ in 0..20 {
        while !bob.until("state").ends_with("accepted -") {}
    }
    alice.write("mail on");
    for number in 0..20 {
        assert!(alice.until("message").ends_with(&format!(" number {number}")));
    }
    for (chat, other) in [(&mut alice, "bob"), (&mut bob, "alice")] {
        chat.write(&format!("safety {other}"));
    }
    let seen = |line: String| line.rsplit_once(' ').unwrap().1.to_owned();
    let digits = seen(alice.until("safety"));
    assert_eq!((digits.len(), &digits), (60, &seen(bob.until("safety"))));
    alice.write("fresh bob");
    let fresh = alice.until("fresh bob ");
    alice.write("diagnose");
    assert_eq!(alice.until("diagnose contacts_pinned: "), "diagnose contacts_pinned: 2");
    let words: Vec<&str> = fresh.split(' ').collect();
    // One message went and twenty came, and perhaps some of the engine's own: too few for a fresh post-quantum secret.
    assert_eq!((words.len(), words[2], words[3]), (6, bob.device.as_str(), "0"), "{fresh}");
    assert!(words[4].parse::<u32>().unwrap() >= 21, "{fresh}");
    alice.quit();
    bob.quit();
}

#[test]
fn what_waits_outlives_the_process() {
    let folder = folder("waits");
    let address = free_address();
    let url = format!("http://{address}");
    relay(&address, &folder);
    let bob = Chat::script(&folder, "bob", &url);
    bob.until("published");
    let nowhere = format!("http://{}", free_address());
    let mut alice = Chat::script(&folder, "alice", &nowhere);
    alice.until("offline");
    alice.write("send bob from another day");
    let queued = alice.until("queued bob");
    alice.quit();
    let alice = Chat::script(&folder, "alice", &url);
    let message = queued.rsplit_once(' ').unwrap().1;
    while alice.until("state") != format!("state {message} accepted -") {}
    assert!(bob.until("message").ends_with("from another day"));
    alice.kill();
    bob.kill();
}

#[test]
fn a_person_reads_and_writes_words() {
    let folder = folder("person");
    let address = free_address();
    let url = format!("http://{address}");
    relay(&address, &folder);
    let mut alice = Chat::script(&folder, "alice", &url);
    alice.until("published");
    let mut bob = Chat::start(&folder, "bob", &url, false);
    bob.until("you are bob");
    bob.write("alice: hello");
    assert!(alice.until("message").ends_with(" hello"));
    alice.write("send bob go\u{1b}[2Jne");
    bob.until("alice: go\\u{1b}[2Jne");
    bob.write("/to alice");
    bob.write("note: this is one text");
    assert!(alice.until("message").ends_with(" note: this is one text"));
    bob.write("/safety alice");
    assert_eq!(bob.until("you and alice:").len(), "you and alice:".len() + 72);
    bob.write("/diagnose");
    bob.until("contacts_pinned: 2");
    bob.write("/fresh");
    bob.until(&format!("alice, device {}: fresh keys ", alice.device));
    bob.write("/nonsense");
    bob.until("/quit");
    bob.write("/quit");
    bob.input = None;
    assert!(bob.child.wait().unwrap().success());
    alice.quit();
}

#[test]
fn a_copied_phone_is_told() {
    let folder = folder("copied");
    let address = free_address();
    let url = format!("http://{address}");
    relay(&address, &folder);
    let mut alice = Chat::script(&folder, "alice", &url);
    let mut bob = Chat::script(&folder, "bob", &url);
    alice.until("published");
    bob.until("published");
    alice.write("send bob hello");
    bob.until("message");
    bob.write("send alice hello");
    alice.until("message");
    alice.quit();
    let elsewhere = folder.join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    // The last that happened may still stand in SQLite's log beside the store.
    for file in ["alice", "alice-wal", "alice.key"].into_iter().filter(|file| folder.join(file).exists()) {
        std::fs::copy(folder.join(file), elsewhere.join(file)).unwrap();
    }
    let mut alice = Chat::script(&folder, "alice", &url);
    alice.write("send bob from the original");
    assert!(bob.until("message").ends_with(" from the original"));
    alice.quit();
    let mut copy = Chat::script(&elsewhere, "alice", &url);
    copy.write("send bob from the copy");
    let warning = bob.until("warning alice a copy of their phone");
    assert!(warning.contains(&copy.device), "{warning}");
    copy.quit();
    bob.quit();
}

#[test]
fn a_second_device_is_linked_and_a_room_is_read_by_all() {
    let folder = folder("devices");
    let address = free_address();
    let url = format!("http://{address}");
    relay(&address, &folder);
    let elsewhere = folder.join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    let mut alice = Chat::script(&folder, "alice", &url);
    let mut bob = Chat::script(&folder, "bob", &url);
    alice.until("published");
    bob.until("published");
    let mut tablet = Chat::with(&elsewhere, "alice", &url, &["--script", "--link"]);
    let device = tablet.line().strip_prefix("ready alice ").unwrap().to_owned();
    tablet.write("devices");
    tablet.until("trouble this device is yet to be linked");
    tablet.write("link");
    let shown = tablet.until("link ");
    alice.write("admit nonsense 123456");
    alice.until("trouble that is not what");
    alice.write(&format!("admit {}", shown.strip_prefix("link ").unwrap()));
    alice.until("linked admitted");
    tablet.until("linked joined");
    alice.write("devices");
    let devices = [alice.until("device "), alice.until("device ")];
    assert!(devices.contains(&format!("device {device}")), "{devices:?}");
    // What one sends, the other shows as sent; what comes, both show.
    alice.write("send bob from the phone");
    assert!(bob.until("message").ends_with(" from the phone"));
    assert!(tablet.until("outgoing").ends_with(" from the phone"));
    bob.write("send alice to both");
    for phone in [&alice, &tablet] {
        assert!(phone.until("message").ends_with(" to both"));
    }
    tablet.write("room den bob hello,\\n all");
    assert!(bob.until("room").ends_with(" hello,\\n all"));
    let line = alice.until("room");
    assert!(line.contains(" den alice "), "{line}");
    alice.write(&format!("revoke {device}"));
    alice.until("warning alice your account changed devices");
    alice.write("devices");
    assert_eq!(alice.until("device "), format!("device {} this key", alice.device));
    alice.quit();
    tablet.kill();
    bob.quit();
}

/// The relay's operator lets somebody begin anew under a name: who had it is gone from the directory.
fn take_the_name(folder: &Path, name: &str) {
    let hex: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    let conn = rusqlite::Connection::open(folder.join("relay.sqlite")).unwrap();
    conn.busy_timeout(LONG).unwrap();
    for sql in [
        "DELETE FROM account WHERE name = ?1",
        "DELETE FROM device WHERE account = ?1",
        "DELETE FROM one_time WHERE account = ?1",
    ] {
        conn.execute(sql, [&hex]).unwrap();
    }
}

#[test]
fn a_contact_who_changes_is_decided_about() {
    let folder = folder("trust");
    let address = free_address();
    let url = format!("http://{address}");
    relay(&address, &folder);
    let mut alice = Chat::script(&folder, "alice", &url);
    let bob = Chat::script(&folder, "bob", &url);
    alice.until("published");
    bob.until("published");
    alice.write("trust bob");
    assert_eq!(alice.until("trust"), "trust bob unknown - -");
    alice.write("send bob hello");
    bob.until("message");
    let asked = |alice: &mut Chat| -> Vec<String> {
        alice.write("trust bob");
        alice.until("trust bob ").split(' ').skip(2).map(str::to_owned).collect()
    };
    let pinned = asked(&mut alice);
    assert_eq!((pinned[0].as_str(), pinned[1].len(), pinned[2].as_str()), ("pinned", 60, "-"));
    alice.write(&format!("trust bob confirm {}", "1".repeat(60)));
    alice.until("trouble that is not the number");
    alice.write(&format!("trust bob confirm {}", pinned[1]));
    assert_eq!(alice.until("trust bob "), format!("trust bob verified {} -", pinned[1]));

    bob.quit();
    take_the_name(&folder, "bob");
    let elsewhere = folder.join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    let mut other = Chat::script(&elsewhere, "bob", &url);
    other.until("published");
    other.write("send alice it is me");
    alice.until("warning bob another identity has the name");
    let changed = asked(&mut alice);
    assert_eq!((changed[0].as_str(), &changed[1], changed[2].len()), ("changed", &pinned[1], 60));
    alice.write("send bob are you?");
    alice.until("queued bob");
    alice.write("retry bob");
    alice.until("trouble bob is to be decided about first");
    // What was quarantined stays at the relay, so that it is there after a new start as well.
    alice.quit();
    let mut alice = Chat::start(&folder, "alice", &url, false);
    alice.until("you are alice");
    alice.write("/trust bob accept");
    alice.until("there was no such number on the screen");
    alice.write("/trust bob");
    let shown = alice.until("    now it is ");
    assert_eq!(shown.replace(' ', ""), format!("nowitis{}", changed[2]));
    alice.write("bob: and now?");
    alice.until("! held back from bob");
    alice.write("/trust bob accept");
    alice.until("bob: it is me");
    alice.write("/retry bob");
    assert!(other.until("message").ends_with(" and now?"));
    alice.write("/trust bob confirm");
    alice.until("bob is confirmed: ");
    alice.write("/to bob");
    alice.write("/trust forget");
    alice.until("nothing is known of bob but the name");
    other.quit();
}

#[test]
fn a_relay_that_lies_shows_nothing_wrong_and_is_noticed() {
    let folder = folder("malice");
    let whim = "5:duplicate,misattribute,splice,flip,cut,replay,reflect,misdeliver".parse().unwrap();
    let malice = Arc::new(Malice::new(Some(whim), |_| {}));
    let relay = Relay::bind("127.0.0.1:0", Store::open(&folder.join("relay.sqlite")).unwrap()).unwrap();
    let relay = relay.malicious(malice);
    let url = format!("http://{}", relay.address().unwrap());
    std::thread::spawn(move || relay.run());
    let mut alice = Chat::script(&folder, "alice", &url);
    let mut bob = Chat::script(&folder, "bob", &url);
    alice.until("published");
    bob.until("published");
    let mut warnings = 0;
    for number in 0..40 {
        let (from, to, name) = if number % 2 == 0 { (&mut alice, &bob, "bob") } else { (&mut bob, &alice, "alice") };
        from.write(&format!("send {name} number {number}"));
        let text = loop {
            let line = to.line();
            if line.starts_with("message") {
                break line;
            }
            warnings += u32::from(line.starts_with("warning"));
        };
        // The next one, neither one that was there before nor another.
        assert!(text.ends_with(&format!(" number {number}")), "{text}");
    }
    assert!(warnings > 0);
    alice.quit();
    bob.quit();
}

#[cfg(unix)]
#[test]
fn the_key_is_the_owners_alone_and_never_made_twice() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("key");
    let nowhere = format!("http://{}", free_address());
    Chat::script(&folder, "alice", &nowhere).quit();
    let key = folder.join("alice.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let refused = |name: &str| {
        let mut chat = Chat::start(&folder, name, &nowhere, true);
        chat.input = None;
        assert!(!chat.child.wait().unwrap().success());
    };
    std::fs::rename(&key, folder.join("kept")).unwrap();
    refused("alice");
    assert!(!key.exists());
    std::fs::write(&key, [1; 64]).unwrap();
    refused("alice");
    std::fs::write(&key, [1; 63]).unwrap();
    refused("alice");
    std::fs::rename(folder.join("kept"), &key).unwrap();
    Chat::script(&folder, "alice", &nowhere).quit();
}
