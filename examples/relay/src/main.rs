//! `sprag-relay [ADDRESS [FILE]]`: by default any free loopback port, and `relay.sqlite` here.

#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use sprag_relay::server::Relay;
use sprag_relay::store::Store;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let file = arguments.next().unwrap_or_else(|| "relay.sqlite".to_owned());
    let store = match Store::open(Path::new(&file)) {
        Ok(store) => store,
        Err(error) => return fail(&*error),
    };
    match Relay::bind(&address, store) {
        Ok(relay) => {
            if let Some(address) = relay.address() {
                println!("listening on http://{address}");
            }
            relay.run();
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("sprag-relay: {error}");
    ExitCode::FAILURE
}
