//! A phone: an account's store on a disk, and the processes of the app that have it open.

use std::sync::Arc;

use sprag::{
    AccountId, Client, Config, Content, Conversation, Error, Key, MessageId, Opening, Place, Result, Role, Start,
};

use crate::disk::{Disk, Image, Loss};
use crate::environment::{Instruments, Source};
use crate::random::Dice;

/// The first key of every store.
const KEY: [u8; 32] = [7; 32];

/// One phone.
pub struct Phone {
    /// Whose it is.
    pub account: AccountId,
    /// Its clock and randomness.
    pub instruments: Arc<Instruments>,
    disk: Disk,
    /// The store's key; while a change of keys is under way the coming one as well.
    keys: Vec<[u8; 32]>,
    handles: Vec<Handle>,
    processes: u64,
}

/// A process of the app, with its client unless it is not running.
struct Handle {
    process: u64,
    role: Role,
    client: Option<Client>,
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phone({:?})", self.account)
    }
}

/// A process of the app that runs.
#[derive(Debug)]
pub struct Running<'a> {
    process: u64,
    client: &'a Client,
}

impl Running<'_> {
    /// Does something in it.
    pub fn run<T>(&self, work: impl FnOnce(&Client) -> T) -> T {
        Disk::as_process(self.process, || work(self.client))
    }
}

/// An account's id from a name that is one.
#[must_use]
#[expect(clippy::expect_used, reason = "names are written in the source")]
pub fn account(name: &str) -> AccountId {
    AccountId::new(name).expect("a name is 1 to 255 bytes")
}

impl Phone {
    /// A new account, on a new disk.
    ///
    /// # Errors
    /// What [`Client::create`] answers.
    pub fn create(name: &str, seed: u64) -> Result<Self> {
        Self::made(name, seed, Start::NewAccount)
    }

    /// A phone that is to be linked to an account, on a new disk.
    ///
    /// # Errors
    /// What [`Client::create`] answers.
    pub fn newcomer(name: &str, seed: u64) -> Result<Self> {
        Self::made(name, seed, Start::Link)
    }

    fn made(name: &str, seed: u64, start: Start) -> Result<Self> {
        let mut phone = Self::off(name, Disk::new(), Instruments::new(Source::Seeded(Dice::new(seed))));
        let mut config = phone.config();
        config.start = start;
        phone.processes = 1;
        let client = Disk::as_process(1, || Client::create(config, phone.instruments.environment()))?;
        phone.handles.push(Handle { process: 1, role: Role::App, client: Some(client) });
        Ok(phone)
    }

    /// A phone with this disk, turned off.
    #[must_use]
    pub fn off(name: &str, disk: Disk, instruments: Arc<Instruments>) -> Self {
        Self { account: account(name), instruments, disk, keys: vec![KEY], handles: Vec::new(), processes: 0 }
    }

    /// What creates its store.
    #[must_use]
    pub fn config(&self) -> Config {
        Config::new(Place::File(self.disk.path().to_path_buf()), Key::new(self.keys[0]), self.account.clone())
    }

    /// Starts a process of the app; yields its number among the phone's handles.
    ///
    /// # Errors
    /// What [`Client::open`] answers.
    pub fn start(&mut self, role: Role) -> Result<usize> {
        let process = self.processes + 1;
        let client = self.open(process, role)?;
        self.processes = process;
        self.handles.push(Handle { process, role, client: Some(client) });
        Ok(self.handles.len() - 1)
    }

    /// A change of keys that was cut off leaves the app with two: one of them opens the store.
    fn open(&self, process: u64, role: Role) -> Result<Client> {
        let mut answer = Err(Error::WrongKey);
        for key in &self.keys {
            let place = Place::File(self.disk.path().to_path_buf());
            let mut opening = Opening::new(place, Key::new(*key), self.account.clone());
            opening.role = role;
            answer = Disk::as_process(process, || Client::open(opening, self.instruments.environment()));
            if !matches!(answer, Err(Error::WrongKey)) {
                return answer;
            }
        }
        answer
    }

    /// Changes the store's key in the first process; the others must have ended. A change that failed is taken up again.
    ///
    /// # Errors
    /// What [`Client::rekey`] answers.
    pub fn rekey(&mut self) -> Result<()> {
        let coming = match self.keys[..] {
            [_, coming] => coming,
            _ => [self.keys[0][0].wrapping_add(1); 32],
        };
        self.keys = vec![self.keys[0], coming];
        self.app(|client| client.rekey(&Key::new(coming)))?;
        self.keys = vec![coming];
        Ok(())
    }

    /// What the app keeps in the platform's keystore.
    #[must_use]
    pub fn keys(&self) -> Vec<[u8; 32]> {
        self.keys.clone()
    }

    /// The keystore is put back, as a backup does.
    pub fn put_keys(&mut self, keys: Vec<[u8; 32]>) {
        self.keys = keys;
    }

    /// Whether a change of keys was begun and did not come to its end.
    #[must_use]
    pub const fn rekeys(&self) -> bool {
        self.keys.len() > 1
    }

    /// How many processes were started.
    #[must_use]
    pub const fn handles(&self) -> usize {
        self.handles.len()
    }

    /// Whether this process runs.
    #[must_use]
    pub fn runs(&self, handle: usize) -> bool {
        self.handles.get(handle).is_some_and(|handle| handle.client.is_some())
    }

    /// Does something in a process.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if it does not run; what `work` answers.
    pub fn with<T>(&self, handle: usize, work: impl FnOnce(&Client) -> Result<T>) -> Result<T> {
        let handle = self.handles.get(handle).ok_or(Error::Unavailable)?;
        let client = handle.client.as_ref().ok_or(Error::Unavailable)?;
        Disk::as_process(handle.process, || work(client))
    }

    /// A process that runs, to be used from another thread.
    #[must_use]
    pub fn handle(&self, handle: usize) -> Option<Running<'_>> {
        let handle = self.handles.get(handle)?;
        Some(Running { process: handle.process, client: handle.client.as_ref()? })
    }

    /// Does something in the first process.
    ///
    /// # Errors
    /// As [`Phone::with`].
    pub fn app<T>(&self, work: impl FnOnce(&Client) -> Result<T>) -> Result<T> {
        self.with(0, work)
    }

    /// Ends a process as it ought to end.
    pub fn stop(&mut self, handle: usize) {
        if let Some(handle) = self.handles.get_mut(handle) {
            let client = handle.client.take();
            Disk::as_process(handle.process, || drop(client));
        }
    }

    /// Kills a process.
    pub fn kill(&mut self, handle: usize) {
        if let Some(handle) = self.handles.get_mut(handle) {
            self.disk.kill(handle.process);
            let client = handle.client.take();
            Disk::as_process(handle.process, || drop(client));
        }
    }

    /// Starts a process again that does not run.
    ///
    /// # Errors
    /// What [`Client::open`] answers.
    pub fn restart(&mut self, handle: usize) -> Result<()> {
        let Some(role) = self.handles.get(handle).map(|handle| handle.role) else { return Ok(()) };
        if self.runs(handle) {
            return Ok(());
        }
        let process = self.processes + 1;
        let client = self.open(process, role)?;
        self.processes = process;
        if let Some(handle) = self.handles.get_mut(handle) {
            handle.process = process;
            handle.client = Some(client);
        }
        Ok(())
    }

    /// The power goes: every process ends, and the disk is left as the loss says.
    pub fn cut(&mut self, loss: Loss) {
        let image = self.disk.cut(loss);
        self.replace(image);
    }

    /// The disk is replaced by one with these contents. Every process ends first, with nothing more written.
    pub fn replace(&mut self, image: Image) {
        self.disk.turn_off();
        for handle in 0..self.handles.len() {
            self.stop(handle);
        }
        self.disk = Disk::mount(image);
    }

    /// The disk.
    #[must_use]
    pub const fn disk(&self) -> &Disk {
        &self.disk
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        for handle in 0..self.handles.len() {
            self.stop(handle);
        }
    }
}

/// The conversation of two with this account.
#[must_use]
pub fn with(account: &AccountId) -> Conversation {
    Conversation::Direct(account.clone())
}

/// A text.
#[must_use]
pub fn text(text: &str) -> Content {
    Content::Text(text.to_owned())
}

/// A message's id from a name that is one.
#[must_use]
#[expect(clippy::expect_used, reason = "names are written in the source")]
pub fn message(name: &str) -> MessageId {
    MessageId::new(name).expect("a name is 1 to 64 bytes")
}
