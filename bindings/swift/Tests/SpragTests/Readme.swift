import Foundation
import Sprag

/// What the app's server does: it keeps keys, and carries messages.
final class KeysAndMail {
    var keys: [Data: [Data]] = [:]
    var mail: [Data] = []

    func carryOut(_ client: Client, _ requests: [Request]) throws {
        for request in requests {
            let outcome: Outcome
            switch request.action {
            case let .publishKeys(account, _, list, signedPrekey, _, _, _):
                keys[account] = [list?.object, signedPrekey].compactMap { $0 }
                outcome = .published(oneTimeLeft: nil)
            case let .fetchKeys(accounts, _, _, _):
                let found = accounts.compactMap { wanted in
                    keys[wanted.account].map { Found(account: wanted.account, parts: $0) }
                }
                outcome = .keys(found: found, absent: accounts.map(\.account).filter { keys[$0] == nil })
            case let .send(_, _, blob, _, _, _, _, _, _):
                mail.append(blob)
                outcome = .accepted(serverTime: nil, stamp: nil)
            case .other:
                outcome = .retry(after: nil)
            }
            _ = try client.respond(request: request.id, outcome: outcome)
        }
    }
}

func phone(_ name: String) throws -> Client {
    // An app gives a file, and a random key that the platform's key store keeps.
    try Client.create(path: nil, key: Data(repeating: 7, count: 32), account: Data(name.utf8))
}

func sayHello(show: (String) -> Void) throws {
    let server = KeysAndMail()
    let (alice, bob) = (try phone("alice"), try phone("bob"))
    defer { [alice, bob].forEach { $0.shut() } }  // wipes their keys
    try server.carryOut(alice, alice.requests())  // publishes her keys
    try server.carryOut(bob, bob.requests())  // and his

    let sent = try alice.send(conversation: .with("bob"), content: .text(text: "hello"), options: SendOptions())
    try server.carryOut(alice, sent.requests)  // asks for Bob's keys
    try server.carryOut(alice, alice.requests())  // and now the message

    let sender = try alice.account()
    _ = try bob.deliver(messages: server.mail.map { Incoming(bytes: $0, sender: sender) })
    for event in try bob.events() {
        if case let .message(_, _, _, sender, _, _, _, _, .text(text), _, _, _, _) = event.what {
            show("\(String(decoding: sender, as: UTF8.self)) says \(text)")
        }
        _ = try bob.done(events: [event.id])  // after the app has stored it
    }
}
