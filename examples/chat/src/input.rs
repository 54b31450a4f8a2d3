//! What is typed: by a person, or by a program that gives one command in each line.
//!
//! ```text
//! send PEER TEXT    queues a text; it is escaped as in `screen.rs`
//! safety PEER       asks for the safety number
//! fresh PEER        asks how fresh the keys for PEER are
//! trust PEER        asks how far PEER can be trusted, for the safety number, and for the one that is offered
//! trust PEER DECISION DIGITS
//!                   confirm, accept, stay or forget: the number says who is meant
//! retry PEER        sends what is held for PEER
//! room ROOM MEMBERS TEXT  queues a text to a room; commas between its members
//! link              on a device started with --link: asks for what is to be typed on another one
//! admit CODE DIGITS links the device that shows them
//! devices           asks for the devices of our account
//! revoke DEVICE     takes one off
//! card              asks for the link to be written to by
//! import LINK       takes somebody's link
//! diagnose          asks for the numbers that a support ticket needs
//! mail off          stops fetching mail, and `mail on` takes it up again
//! quit              ends
//! ```

use std::io::{self, BufRead};

use crate::driver::Driver;
use crate::people::Decision;
use crate::screen::unescape;

const HELP: &str = "\
NAME: TEXT     sends a text
/to NAME       everything typed from now on goes to NAME; /to alone ends that
/safety NAME   the number to compare with what NAME sees
/trust NAME    how far NAME can be trusted, and the numbers to compare
/trust NAME confirm    you compared the number, and NAME sees the same
/trust NAME accept     you go on with the identity that is offered
/trust NAME stay       you go on with the identity that you know
/trust NAME forget     you forget who NAME is
/retry NAME    sends what is held for NAME
/room ROOM NAME,NAME TEXT    sends a text to a room with these members
/devices       your devices; a new one is started with --link, and shows what to type with /link
/revoke DEVICE takes a device off your account
/fresh NAME    how long ago the keys for NAME were renewed
/card          your link: who has it can write to you where the relay keeps no keys (--in-band)
/import LINK   takes somebody's link
/diagnose      the numbers that a support ticket needs, with nothing secret in them
/quit          ends; what has not gone out yet goes out next time";

/// Takes lines until the end, or until told to quit.
pub(crate) fn read(driver: &Driver, script: bool) -> Result<(), String> {
    let mut peer = None;
    let mut line = Vec::new();
    let mut input = io::stdin().lock();
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
        let typed = String::from_utf8_lossy(&line);
        let typed = typed.trim_end_matches(['\n', '\r']);
        let go_on = if script { command(driver, typed) } else { words(driver, typed, &mut peer) };
        if !go_on? {
            return Ok(());
        }
    }
}

/// A line of a program. Answers whether there is more to come.
fn command(driver: &Driver, line: &str) -> Result<bool, String> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    match verb {
        "send" => match rest.split_once(' ') {
            Some((peer, text)) => driver.send(peer, unescape(text))?,
            None => driver.complain("send PEER TEXT")?,
        },
        "safety" => driver.safety(rest)?,
        "fresh" => driver.fresh(rest)?,
        "trust" => trust(driver, rest, true)?,
        "retry" => driver.retry(rest)?,
        "room" => driver.room(rest, unescape)?,
        "link" => driver.link()?,
        "admit" => driver.admit(rest)?,
        "devices" => driver.devices()?,
        "revoke" => driver.revoke(rest)?,
        "card" => driver.card()?,
        "import" => driver.import(rest)?,
        "diagnose" => driver.diagnose()?,
        "mail" => driver.fetch_mail(rest == "on")?,
        "quit" => return Ok(false),
        _ => driver.complain(&format!("no command is called {verb}"))?,
    }
    Ok(true)
}

/// A line of a person. Answers whether there is more to come.
fn words(driver: &Driver, line: &str, peer: &mut Option<String>) -> Result<bool, String> {
    if line.trim().is_empty() {
        return Ok(true);
    }
    if let Some(order) = line.strip_prefix('/') {
        let (verb, rest) = order.split_once(' ').unwrap_or((order, ""));
        let rest = rest.trim();
        let whom = if rest.is_empty() { peer.as_deref().unwrap_or_default() } else { rest };
        match verb {
            "to" => *peer = (!rest.is_empty()).then(|| rest.to_owned()),
            "safety" => driver.safety(whom)?,
            "fresh" => driver.fresh(whom)?,
            "trust" if Decision::of(rest).is_some() => match peer {
                Some(peer) => trust(driver, &format!("{peer} {rest}"), false)?,
                None => driver.complain(HELP)?,
            },
            "trust" => trust(driver, whom, false)?,
            "retry" => driver.retry(whom)?,
            "room" => driver.room(rest, str::to_owned)?,
            "link" => driver.link()?,
            "admit" => driver.admit(rest)?,
            "devices" => driver.devices()?,
            "revoke" => driver.revoke(rest)?,
            "card" => driver.card()?,
            "import" => driver.import(rest)?,
            "diagnose" => driver.diagnose()?,
            "quit" => return Ok(false),
            _ => driver.complain(HELP)?,
        }
        return Ok(true);
    }
    match (peer, line.split_once(": ")) {
        (Some(peer), _) => driver.send(peer, line.to_owned())?,
        (None, Some((name, text))) if !name.contains(char::is_whitespace) => driver.send(name, text.to_owned())?,
        _ => driver.complain(HELP)?,
    }
    Ok(true)
}

/// `PEER`, or `PEER DECISION`, and from a program the number after it.
fn trust(driver: &Driver, rest: &str, names_number: bool) -> Result<(), String> {
    let mut words = rest.split_whitespace();
    let peer = words.next().unwrap_or_default();
    match (words.next(), words.next()) {
        (None, _) => driver.trust(peer),
        (Some(word), number) => match Decision::of(word) {
            Some(decision) if number.is_some() == names_number => driver.decide(peer, decision, number),
            _ => driver.complain("trust NAME, or trust NAME confirm, accept, stay or forget"),
        },
    }
}
