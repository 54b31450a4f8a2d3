//! The one object: a client, with a method for each call of the engine.

use std::sync::{Arc, PoisonError, RwLock};

use sprag::{AccountId, MessageId};

use crate::bytes::Bytes;
use crate::diagnosis::Diagnosis;
use crate::error::Result;
use crate::event::Event;
use crate::message::{Delivered, Incoming, Pending, Preview, SendOptions, Sent};
use crate::names::{
    Card, Contact, Content, Conversation, Device, Freshness, LinkCode, MessageState, Policy, Protection, bytes,
};
use crate::request::{Outcome, Request};

/// One account's device on one store. It holds keys: close it when done (`close()` in Kotlin, `shut()` everywhere).
#[derive(uniffi::Object)]
pub struct Client {
    inner: RwLock<Option<Arc<sprag::Client>>>,
}

/// Not of the face: for a library that makes clients in its own way and hands them out through this face.
impl Client {
    /// A client that holds this one.
    #[doc(hidden)]
    #[must_use]
    pub fn holding(client: sprag::Client) -> Arc<Self> {
        Arc::new(Self { inner: RwLock::new(Some(Arc::new(client))) })
    }

    /// The one that it holds.
    ///
    /// # Errors
    /// `Misuse` if it was shut.
    #[doc(hidden)]
    pub fn held(&self) -> Result<Arc<sprag::Client>> {
        self.get()
    }

    /// What [`Client::create`] makes a client with.
    ///
    /// # Errors
    /// `Misuse` for what cannot be a key or an account.
    #[doc(hidden)]
    pub fn config(path: Option<String>, key: &Bytes, account: &Bytes, policy: Option<Policy>) -> Result<sprag::Config> {
        let key = sprag::Key::from_slice(key.as_ref())?;
        let mut config = sprag::Config::new(place(path), key, AccountId::new(account)?);
        if let Some(policy) = policy {
            config.policy = policy.into();
        }
        Ok(config)
    }

    fn get(&self) -> Result<Arc<sprag::Client>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.clone().ok_or_else(|| sprag::Error::Misuse("the client was shut").into())
    }

    fn take(&self) -> Option<Arc<sprag::Client>> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn place(path: Option<String>) -> sprag::Place {
    path.map_or(sprag::Place::Memory, |path| sprag::Place::File(path.into()))
}

#[uniffi::export]
impl Client {
    /// Makes a new account on a new store; without a path, in memory. The key is 32 random bytes.
    #[uniffi::constructor(default(policy = None))]
    pub fn create(path: Option<String>, key: Bytes, account: Bytes, policy: Option<Policy>) -> Result<Arc<Self>> {
        let config = Self::config(path, &key, &account, policy)?;
        Ok(Self::holding(sprag::Client::create(config, sprag::context::Environment::platform())?))
    }

    /// Makes the store of a device more of an account that exists: it shows its `link_code`, and a device that holds the
    /// account key admits it. Until then it can do nothing else.
    #[uniffi::constructor(default(policy = None))]
    pub fn link(path: Option<String>, key: Bytes, account: Bytes, policy: Option<Policy>) -> Result<Arc<Self>> {
        let mut config = Self::config(path, &key, &account, policy)?;
        config.start = sprag::Start::Link;
        Ok(Self::holding(sprag::Client::create(config, sprag::context::Environment::platform())?))
    }

    /// Opens the store of an account.
    #[uniffi::constructor(default(extension = false))]
    pub fn open(path: String, key: Bytes, account: Bytes, extension: bool) -> Result<Arc<Self>> {
        let key = sprag::Key::from_slice(key.as_ref())?;
        let mut opening = sprag::Opening::new(place(Some(path)), key, AccountId::new(&account)?);
        if extension {
            opening.role = sprag::Role::Extension;
        }
        Ok(Self::holding(sprag::Client::open(opening, sprag::context::Environment::platform())?))
    }

    /// Closes the store and wipes its keys from memory; later calls are misuse. Running calls end first.
    pub fn shut(&self) {
        drop(self.take());
    }

    /// Removes the store with everything in it. There is no way back. `Busy` if another call is running.
    pub fn erase(&self) -> Result<()> {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let client = inner.take().ok_or(sprag::Error::Misuse("the client was shut"))?;
        match Arc::try_unwrap(client) {
            Ok(client) => Ok(client.erase()?),
            Err(client) => {
                *inner = Some(client);
                Err(sprag::Error::Busy.into())
            }
        }
    }

    /// The account that this is a device of.
    pub fn account(&self) -> Result<Bytes> {
        Ok(bytes(self.get()?.account()))
    }

    /// The device of that account that this store is: what tells it from the others at the app's server.
    pub fn device(&self) -> Result<u32> {
        Ok(self.get()?.device().0)
    }

    /// Takes messages and judges each. Durable on return: the app may acknowledge them to its server.
    pub fn deliver(&self, messages: Vec<Incoming>) -> Result<Delivered> {
        let batch = messages.iter().map(Incoming::engine).collect::<Result<Vec<_>>>()?;
        let delivered = self.get()?.deliver(&batch)?;
        let verdicts = delivered.verdicts.iter().map(Into::into).collect();
        Ok(Delivered { verdicts, pending: delivered.pending.into() })
    }

    /// Hands out at most `max` requests, the caller's alone for the time of the lease.
    #[uniffi::method(default(max = 64, lease_seconds = 60))]
    pub fn requests(&self, max: u32, lease_seconds: u32) -> Result<Vec<Request>> {
        let requests = self.get()?.requests(max as usize, lease_seconds)?;
        Ok(requests.iter().map(Into::into).collect())
    }

    /// Says what became of a request.
    pub fn respond(&self, request: u64, outcome: Outcome) -> Result<Pending> {
        Ok(self.get()?.respond(sprag::RequestId(request), outcome.engine()?)?.into())
    }

    /// Lets the engine do what is due.
    #[uniffi::method(default(server_time = None, one_time_left = None))]
    pub fn wake(&self, server_time: Option<u64>, one_time_left: Option<u32>) -> Result<Pending> {
        let mut hint = sprag::Hint::default();
        hint.server_time = server_time;
        hint.one_time_left = one_time_left;
        Ok(self.get()?.wake(hint)?.into())
    }

    /// Sends a message. What can go out at once is in the answer.
    pub fn send(&self, conversation: Conversation, content: Content, options: SendOptions) -> Result<Sent> {
        let mut to = sprag::SendOptions::default();
        to.client_id = options.client_id.as_ref().map(MessageId::new).transpose()?;
        if options.quiet {
            to.class = sprag::Class::Quiet;
        }
        to.expires = options.expires;
        let sent = self.get()?.send(&conversation.engine()?, &content.engine()?, &to)?;
        Ok(Sent {
            message: bytes(&sent.message),
            state: sent.state.into(),
            requests: sent.requests.iter().map(Into::into).collect(),
            pending: sent.pending.into(),
        })
    }

    /// At most `max` events that follow `after` (0 for the oldest). They stay until they are done.
    #[uniffi::method(default(after = 0, max = 64))]
    pub fn events(&self, after: u64, max: u32) -> Result<Vec<Event>> {
        Ok(self.get()?.events(after, max as usize)?.iter().map(Into::into).collect())
    }

    /// Says that events were shown or acted on.
    pub fn done(&self, events: Vec<u64>) -> Result<Pending> {
        Ok(self.get()?.done(&events)?.into())
    }

    /// Looks into a message and changes nothing, for a notification.
    pub fn peek(&self, message: Incoming) -> Result<Preview> {
        Ok(match self.get()?.peek(&message.engine()?)? {
            sprag::Preview::Message { sender, conversation, client_id, class, content } => Preview::Message {
                sender: bytes(&sender.account),
                conversation: (&conversation).into(),
                client_id: bytes(&client_id),
                quiet: class == sprag::Class::Quiet,
                content: (&content).into(),
            },
            sprag::Preview::Unreadable { reason } => Preview::Unreadable { reason: reason.code() },
            _ => Preview::Known,
        })
    }

    /// Takes a message of ours back, if it has not gone out.
    pub fn cancel(&self, message: Bytes) -> Result<Pending> {
        Ok(self.get()?.cancel(message.as_ref())?.into())
    }

    /// Offers a message of ours again at once that was put off, or sends one on its way that was held.
    pub fn retry(&self, message: Bytes) -> Result<Pending> {
        Ok(self.get()?.retry(message.as_ref())?.into())
    }

    /// How far a message of ours has come.
    pub fn state(&self, message: Bytes) -> Result<MessageState> {
        Ok(self.get()?.state(message.as_ref())?.into())
    }

    /// Replaces the stored policy.
    pub fn configure(&self, policy: Policy) -> Result<()> {
        Ok(self.get()?.configure(policy.into())?)
    }

    /// How far conversations are protected, in the order in which they are named. Nothing changes, and nobody is asked.
    pub fn protections(&self, conversations: Vec<Conversation>) -> Result<Vec<Protection>> {
        let conversations = conversations.iter().map(Conversation::engine).collect::<Result<Vec<_>>>()?;
        Ok(self.get()?.protections(&conversations)?.into_iter().map(Into::into).collect())
    }

    /// Says whether every client of this account can read what is encrypted, old ones included. `NotAllowed` on a device that
    /// does not hold the account key.
    pub fn set_ready(&self, ready: bool) -> Result<Pending> {
        Ok(self.get()?.set_ready(ready)?.into())
    }

    /// Closes the store until `resume`.
    pub fn suspend(&self) -> Result<()> {
        Ok(self.get()?.suspend()?)
    }

    /// Opens the store again.
    pub fn resume(&self) -> Result<()> {
        Ok(self.get()?.resume()?)
    }

    /// Puts the store under a new key of 32 bytes.
    pub fn rekey(&self, key: Bytes) -> Result<()> {
        Ok(self.get()?.rekey(&sprag::Key::from_slice(key.as_ref())?)?)
    }

    /// What is known of another account, the safety number included.
    pub fn contact(&self, account: Bytes) -> Result<Contact> {
        let contact = self.get()?.contact(account.as_ref())?;
        Ok(Contact {
            account: bytes(&contact.account),
            trust: contact.trust.into(),
            fingerprint: contact.account_key_fingerprint.map(bytes),
            digits: contact.number.map(|number| number.digits()),
            scannable: contact.number.map(|number| number.scannable()),
            offered_digits: contact.offered.map(|number| number.digits()),
            offered_scannable: contact.offered.map(|number| number.scannable()),
        })
    }

    /// The user compared the safety number with the contact: `number` is the one that they saw, 60 digits with any white
    /// space. Refused if it is not the pinned identity's, or the contact is `Changed`.
    pub fn confirm(&self, account: Bytes, number: String) -> Result<Pending> {
        Ok(self.get()?.confirm(account.as_ref(), &number)?.into())
    }

    /// The user goes on with the identity that has the number that they saw: the offered one, or the pinned one all the same.
    /// Held messages wait for `retry`. Refused if the number is neither's.
    pub fn accept_change(&self, account: Bytes, number: String) -> Result<Pending> {
        Ok(self.get()?.accept_change(account.as_ref(), &number)?.into())
    }

    /// Forgets a contact: what is pinned, whether it was confirmed, and all sessions; messages that wait are taken back.
    /// Refused if the number is not the pinned identity's.
    pub fn forget(&self, account: Bytes, number: String) -> Result<Pending> {
        Ok(self.get()?.forget(account.as_ref(), &number)?.into())
    }

    /// How fresh the secrets are that messages to a contact are sealed with: a record for each of its devices that there is
    /// a session with. `Unknown` for a contact that is not pinned.
    pub fn freshness(&self, account: Bytes) -> Result<Vec<Freshness>> {
        Ok(self.get()?.freshness(account.as_ref())?.iter().map(Into::into).collect())
    }

    /// How this client and its store are: versions, numbers, and how often what went wrong, for a support ticket. Nothing in
    /// it is secret, and nobody is named. It reads every contact, and changes nothing.
    pub fn diagnose(&self) -> Result<Diagnosis> {
        Ok(self.get()?.diagnose()?.into())
    }

    /// The devices of our account, as our list has them. `NotAllowed` on a device that is still to be linked.
    pub fn devices(&self) -> Result<Vec<Device>> {
        Ok(self.get()?.devices()?.iter().map(Into::into).collect())
    }

    /// The code of a device that is to be linked, to be shown to the user: fresh with each call, good for a minute and for one
    /// offer. `NotAllowed` on a device that has its account.
    pub fn link_code(&self) -> Result<LinkCode> {
        Ok((&self.get()?.link_code()?).into())
    }

    /// Admits the device whose code was scanned, as bytes or as its text. `digits` are what the user read from the new
    /// device's screen and confirmed here. With `holds_account_key` the new device may admit and revoke others. `NotAllowed`
    /// for other digits, or on a device that does not hold the account key; `Misuse` for what is no code, or one for another
    /// account, or if the account has 16 devices.
    pub fn admit(&self, code: Bytes, digits: String, holds_account_key: bool) -> Result<Pending> {
        Ok(self.get()?.admit(code.as_ref(), &digits, holds_account_key)?.into())
    }

    /// Takes a device off our list: others write to it no more once they have the new list, and it writes to nobody. If it held
    /// the account key, another key follows: contacts see another identity. `Unknown` for a device that is not on the list,
    /// `NotAllowed` on one that does not hold the account key, `Misuse` for this device itself.
    pub fn revoke(&self, device: u32) -> Result<Pending> {
        Ok(self.get()?.revoke(sprag::DeviceId(device))?.into())
    }

    /// Takes this device off its account's list: as when the user logs out. `NotAllowed` if it is not on it, or no other device
    /// holds the account key.
    pub fn retire(&self) -> Result<Pending> {
        Ok(self.get()?.retire()?.into())
    }

    /// Our own card: a code and a link to show or to send to somebody by any way, and the whole card in parts. `NotAllowed` on a
    /// device that is not on its account's list.
    pub fn card(&self) -> Result<Card> {
        Ok(self.get()?.card()?.into())
    }

    /// Takes over somebody's code, as bytes, or their link, as its text; yields whose. From now on no other key is pinned under
    /// that id. `Misuse` for what is neither, and for our own; `NotAllowed` if another key is pinned under that id.
    pub fn import_card(&self, card: Bytes) -> Result<Bytes> {
        Ok(bytes(self.get()?.import(card.as_ref())?))
    }

    /// A body of about `length` bytes, and never more, to be sent through the app's server to oneself: `probed` tells what
    /// became of it. `Misuse` for less than 1 KiB or more than 4 MiB.
    pub fn probe(&self, length: u32) -> Result<Bytes> {
        Ok(bytes(self.get()?.probe(length)?))
    }
}
