//! What only this device knows outside its store: the store's key, and the token that the relay knows it by.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sprag::Key;

/// The key's bytes, and then the token's.
const LENGTH: usize = 64;

/// The secrets of one store.
pub(crate) struct Secrets([u8; LENGTH]);

impl Secrets {
    /// Reads them from the file beside the store, or makes them on the first start.
    pub(crate) fn of(store: &Path) -> Result<Self, String> {
        let path = beside(store);
        let said = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        if path.exists() {
            let mut bytes = Vec::new();
            File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes)).map_err(|error| said(&error))?;
            return bytes.try_into().map(Self).map_err(|_| said(&"this is not a key file of 64 bytes"));
        }
        if store.exists() {
            return Err(said(&"the store is there and its key is not"));
        }
        let mut fresh = [0; LENGTH];
        getrandom::fill(&mut fresh).map_err(|error| said(&error))?;
        private(&path)
            .and_then(|mut file| file.write_all(&fresh).and_then(|()| file.sync_all()))
            .map_err(|error| said(&error))?;
        Ok(Self(fresh))
    }

    /// The key that unlocks the store.
    pub(crate) fn key(&self) -> Key {
        let mut key = [0; 32];
        key.copy_from_slice(&self.0[..32]);
        Key::new(key)
    }

    /// The token, as the relay is to see it.
    pub(crate) fn token(&self) -> String {
        sprag_chat::relay::hex(&self.0[32..])
    }
}

fn beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".key");
    name.into()
}

/// A new file that only its owner can read.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
