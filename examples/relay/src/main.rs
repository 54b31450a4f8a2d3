//! `sprag-relay [ADDRESS [FILE]] [--mail-only] [--malice SEED[:TRICK,TRICK]]`: by default any free loopback port,
//! `relay.sqlite` here, keys and mail, and no malice.

#![forbid(unsafe_code)]

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use sprag_malice::{Deed, Whim};
use sprag_relay::malice::Malice;
use sprag_relay::server::Relay;
use sprag_relay::store::Store;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sprag-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let whim = whim(&mut words)?;
    let asked = words.len();
    words.retain(|word| word != "--mail-only");
    let is_mail_only = words.len() < asked;
    let mut words = words.into_iter();
    let address = words.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let file = words.next().unwrap_or_else(|| "relay.sqlite".to_owned());
    let mut relay = Relay::bind(&address, Store::open(Path::new(&file))?)?;
    if let Some(address) = relay.address() {
        println!("listening on http://{address}");
    }
    if is_mail_only {
        relay = relay.mail_only();
    }
    if let Some(whim) = whim {
        println!("this relay lies, to test clients with: it is of no other use");
        relay = relay.malicious(Arc::new(Malice::new(Some(whim), tell)));
    }
    relay.run();
    Ok(())
}

/// Nobody has to listen.
fn tell(deed: &Deed) {
    let _ = writeln!(std::io::stdout(), "it {}", deed.what);
}

/// Takes `--malice` and what it is followed by out of the words.
fn whim(words: &mut Vec<String>) -> Result<Option<Whim>, Failure> {
    let Some(at) = words.iter().position(|word| word == "--malice") else { return Ok(None) };
    let said = words.get(at + 1).ok_or("--malice needs a seed")?.parse()?;
    words.drain(at..at + 2);
    Ok(Some(said))
}
