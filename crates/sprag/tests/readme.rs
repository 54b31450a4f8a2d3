//! The program in README.md, word for word, so that it is known to compile and to work.

// The program:
use sprag::context::Environment;
use sprag::{
    AccountId, Action, Client, Config, Content, Conversation, Found, Incoming, Key, Message, Outcome, Place, Request,
    SendOptions, What,
};
use std::collections::BTreeMap;

/// What the app's server does: it keeps keys, and carries messages.
#[derive(Default)]
struct Server {
    keys: BTreeMap<AccountId, Vec<Vec<u8>>>,
    mail: Vec<Vec<u8>>,
}

impl Server {
    fn carry_out(&mut self, client: &Client, requests: Vec<Request>) -> sprag::Result<()> {
        for request in requests {
            let outcome = match request.action {
                Action::PublishKeys(publish) => {
                    let parts = self.keys.entry(publish.account).or_default();
                    parts.extend(publish.list.map(|list| list.object));
                    parts.extend(publish.signed_prekey);
                    Outcome::Published { one_time_left: None }
                }
                Action::FetchKeys(fetch) => {
                    let (mut found, mut absent) = (Vec::new(), Vec::new());
                    for account in fetch.accounts.into_iter().map(|wanted| wanted.account) {
                        match self.keys.get(&account) {
                            Some(parts) => found.push(Found { account, parts: parts.clone() }),
                            None => absent.push(account),
                        }
                    }
                    Outcome::Keys { found, absent }
                }
                Action::Send(send) => {
                    self.mail.push(send.blob);
                    Outcome::Accepted { server_time: None, stamp: None }
                }
                _ => Outcome::Retry { after: None },
            };
            client.respond(request.id, outcome)?;
        }
        Ok(())
    }
}

fn phone(name: &str) -> sprag::Result<Client> {
    // An app gives a file, and a random key that the platform's key store keeps.
    let config = Config::new(Place::Memory, Key::new([7; 32]), AccountId::new(name)?);
    Client::create(config, Environment::platform())
}

fn main() -> sprag::Result<()> {
    let mut server = Server::default();
    let (alice, bob) = (phone("alice")?, phone("bob")?);
    server.carry_out(&alice, alice.requests(100, 60)?)?; // publishes her keys
    server.carry_out(&bob, bob.requests(100, 60)?)?; // and his

    let to_bob = Conversation::Direct(bob.account().clone());
    let sent = alice.send(&to_bob, &Content::Text("hello".into()), &SendOptions::default())?;
    server.carry_out(&alice, sent.requests)?; // asks for Bob's keys
    server.carry_out(&alice, alice.requests(100, 60)?)?; // and now the message

    for blob in server.mail.drain(..) {
        bob.deliver(&[Incoming::from(alice.account().clone(), blob)])?;
    }
    for event in bob.events(0, 100)? {
        if let What::Message(Message { sender, content: Content::Text(text), .. }) = event.what {
            println!("{:?} says {text}", sender.account);
        }
        bob.done(&[event.id])?; // after the app has stored it
    }
    Ok(())
}
// The end.

#[test]
fn it_is_the_program_in_the_readme_and_it_works() -> sprag::Result<()> {
    let (_, rest) = include_str!("readme.rs").split_once("// The program:\n").unwrap_or_default();
    let (program, _) = rest.split_once("// The end.\n").unwrap_or_default();
    assert!(!program.is_empty() && include_str!("../../../README.md").contains(program));
    main()
}
