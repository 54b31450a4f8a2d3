//! The app's network: what a phone asks for, carried out at the server.

use sprag::{AccountId, Action, Found, Incoming, Outcome};
use sprag_malice::{Account, ListWrite, Mail, Published, Server, Upload};

/// Carries a request out. A kind that is not known here is answered with "later".
pub fn carry_out(server: &mut Server, from: &AccountId, action: &Action) -> Outcome {
    match action {
        Action::PublishKeys(publish) => {
            let list = publish.list.as_ref().map(|list| ListWrite {
                object: list.object.clone(),
                sequence: list.sequence,
                expected: list.expected,
            });
            let upload = Upload {
                list,
                signed_prekey: publish.signed_prekey.clone(),
                one_time: publish.one_time.clone(),
                reset_one_time: publish.reset_one_time,
            };
            match server.directory.publish(publish.account.as_bytes(), publish.device.0, upload) {
                Published::Stored(left) => Outcome::Published { one_time_left: u32::try_from(left).ok() },
                Published::Conflict(list) => Outcome::Conflict { list },
            }
        }
        Action::FetchKeys(fetch) => {
            let (mut found, mut absent) = (Vec::new(), Vec::new());
            for wanted in &fetch.accounts {
                let account = wanted.account.clone();
                match server.directory.keys(from.as_bytes(), account.as_bytes(), fetch.one_time) {
                    Some(parts) => found.push(Found { account, parts }),
                    None => absent.push(account),
                }
            }
            Outcome::Keys { found, absent }
        }
        Action::Send(send) => {
            let to: Vec<Account> = send.to.iter().map(|to| to.as_bytes().to_vec()).collect();
            server.mail.send(from.as_bytes(), &to, &send.blob);
            Outcome::Accepted { server_time: None, stamp: None }
        }
        _ => Outcome::Retry { after: None },
    }
}

/// A message as the app hands it to the engine.
#[must_use]
pub fn incoming(mail: Mail) -> Incoming {
    match AccountId::new(mail.from) {
        Ok(from) => Incoming::from(from, mail.blob),
        Err(_) => Incoming::new(mail.blob),
    }
}
