//! `sprag-chat --as NAME --relay URL --store PATH [--link] [--in-band] [--script]`: a messenger for the terminal.
//!
//! What is typed goes out, what comes is shown. Without the relay it works on: messages wait in the store and leave
//! when it is back. `/help` says what can be typed; `--script` is for programs, see `input.rs` and `screen.rs`.
//!
//! The key of the store lies in a file beside it, readable by its owner alone. A real app asks the platform's key store
//! instead (Keychain, Android Keystore, Secret Service, DPAPI): then a copy of the disk does not open the store.

#![forbid(unsafe_code)]

mod arguments;
mod devices;
mod driver;
mod input;
mod people;
mod screen;
mod secrets;
mod upkeep;

use std::process::ExitCode;
use std::sync::mpsc;

use sprag::context::Environment;
use sprag::{AccountId, Client, Config, Directory, Error, Opening, Place, Start};
use sprag_chat::relay::Relay;

use crate::arguments::Arguments;
use crate::driver::Driver;
use crate::screen::Screen;
use crate::secrets::Secrets;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("sprag-chat: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let account = AccountId::new(&arguments.name).map_err(|error| error.to_string())?;
    let secrets = Secrets::of(&arguments.store)?;
    let client = client(&arguments, &account, &secrets)?;
    let relay = Relay::new(&arguments.relay, &account, client.device(), &secrets.token());
    let screen = Screen::new(arguments.script);
    let (bell, calls) = mpsc::channel();
    let driver = Driver::new(client, relay, secrets.token(), screen, bell, !arguments.in_band);
    driver.greet(&arguments.name).map_err(|error| error.to_string())?;
    driver.run(calls, move |driver| input::read(driver, arguments.script))
}

/// Opens the account's store, or makes it on the first start.
fn client(arguments: &Arguments, account: &AccountId, secrets: &Secrets) -> Result<Client, String> {
    let place = Place::File(arguments.store.clone());
    let opening = Opening::new(place.clone(), secrets.key(), account.clone());
    let opened = match Client::open(opening, Environment::platform()) {
        Err(Error::NoStore) => {
            let mut config = Config::new(place, secrets.key(), account.clone());
            if arguments.link {
                config.start = Start::Link;
            }
            if arguments.in_band {
                config.policy.directory = Directory::InBand;
            }
            Client::create(config, Environment::platform())
        }
        opened => opened,
    };
    opened.map_err(|error| format!("{}: {error}", arguments.store.display()))
}
