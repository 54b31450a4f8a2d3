//! Records of the face as the engine has them, and back: what an app's own network does between the two.

use sprag::AccountId;
use sprag_uniffi::{Action, Bytes, Found, Incoming, Outcome};

use crate::Result;

fn account(bytes: &Bytes) -> Result<AccountId> {
    Ok(AccountId::new(bytes)?)
}

fn plain(bytes: &Bytes) -> Vec<u8> {
    bytes.as_ref().to_vec()
}

fn bytes(plain: impl AsRef<[u8]>) -> Bytes {
    Bytes::from(plain.as_ref())
}

/// As much of it as a relay reads.
pub(crate) fn action(action: Action) -> Result<sprag::Action> {
    Ok(match action {
        Action::PublishKeys { account: id, device, list, signed_prekey, one_time, reset_one_time, value } => {
            let mut publish = sprag::PublishKeys::new(account(&id)?, sprag::DeviceId(device));
            publish.list = list.map(|list| sprag::ListWrite {
                object: plain(&list.object),
                sequence: list.sequence,
                expected: list.expected,
            });
            publish.signed_prekey = signed_prekey.as_ref().map(plain);
            publish.one_time = one_time.iter().map(plain).collect();
            publish.reset_one_time = reset_one_time;
            publish.value = value.as_ref().map(plain);
            sprag::Action::PublishKeys(publish)
        }
        Action::FetchKeys { accounts, one_time, urgent, .. } => {
            let wanted = |wanted: &sprag_uniffi::Wanted| {
                Ok(sprag::Wanted { account: account(&wanted.account)?, known_sequence: wanted.known_sequence })
            };
            let accounts = accounts.iter().map(wanted).collect::<Result<_>>()?;
            sprag::Action::FetchKeys(sprag::FetchKeys::new(accounts, one_time, sprag::Why::Send, urgent))
        }
        Action::Send { to, blob, commitment, .. } => {
            let to = to.iter().map(account).collect::<Result<Vec<_>>>()?;
            let first = to.first().cloned().ok_or(sprag::Error::Misuse("a message to nobody"))?;
            let commitment =
                commitment.as_ref().try_into().map_err(|_| sprag::Error::Misuse("a commitment is 32 bytes"))?;
            sprag::Action::Send(sprag::Send::new(sprag::Conversation::Direct(first), to, plain(&blob), commitment))
        }
        Action::Other { .. } => return Err(sprag::Error::Misuse("a request that this release does not have").into()),
    })
}

pub(crate) fn outcome(outcome: sprag::Outcome) -> Outcome {
    match outcome {
        sprag::Outcome::Published { one_time_left } => Outcome::Published { one_time_left },
        sprag::Outcome::Conflict { list } => Outcome::Conflict { list: list.into() },
        sprag::Outcome::Keys { found, absent } => Outcome::Keys {
            found: found
                .into_iter()
                .map(|found| Found {
                    account: bytes(&found.account),
                    parts: found.parts.into_iter().map(Bytes::from).collect(),
                })
                .collect(),
            absent: absent.iter().map(bytes).collect(),
        },
        sprag::Outcome::Accepted { server_time, .. } => Outcome::Accepted { server_time, stamp: None },
        // A relay of the kit answers nothing else.
        _ => Outcome::Retry { after: None },
    }
}

pub(crate) fn incoming(incoming: sprag::Incoming) -> Incoming {
    Incoming {
        sender: incoming.from.as_ref().map(bytes),
        bytes: incoming.bytes.into(),
        conversation: None,
        app_ref: None,
        server_time: None,
        stamp: None,
        history: false,
    }
}
