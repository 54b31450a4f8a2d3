import Foundation
import Sprag
import XCTest

/// What an app's server keeps: lists, prekeys and mail.
final class Server {
    var lists: [Data: ListWrite] = [:]
    var signed: [Data: Data] = [:]
    var oneTime: [Data: [Data]] = [:]
    var mail: [Data: [Incoming]] = [:]

    func carryOut(_ client: Client, _ request: Request) throws {
        if let outcome = try outcome(client, request.action) {
            _ = try client.respond(request: request.id, outcome: outcome)
        }
    }

    private func outcome(_ client: Client, _ action: Action) throws -> Outcome? {
        switch action {
        case let .publishKeys(account, _, list, signedPrekey, added, resetOneTime, _):
            if let list {
                if list.expected != lists[account]?.sequence ?? 0 {
                    return .conflict(list: lists[account]?.object ?? Data())
                }
                lists[account] = list
            }
            if let signedPrekey { signed[account] = signedPrekey }
            oneTime[account] = (resetOneTime ? [] : oneTime[account] ?? []) + added
            return .published(oneTimeLeft: UInt32(oneTime[account]?.count ?? 0))
        case let .fetchKeys(accounts, wantsOneTime, _, _):
            var found: [Found] = []
            var absent: [Data] = []
            for wanted in accounts {
                guard let list = lists[wanted.account], let prekey = signed[wanted.account] else {
                    absent.append(wanted.account)
                    continue
                }
                var parts = [list.object, prekey]
                if wantsOneTime, let key = oneTime[wanted.account]?.popLast() { parts.append(key) }
                found.append(Found(account: wanted.account, parts: parts))
            }
            return .keys(found: found, absent: absent)
        case let .send(_, to, blob, _, _, _, _, _, _):
            let sender = try client.account()
            for account in to {
                mail[account, default: []].append(
                    Incoming(bytes: blob, sender: sender, conversation: .direct(account: sender)))
            }
            return .accepted(serverTime: nil, stamp: nil)
        case .other:
            return nil
        }
    }

    /// Carries out what anybody has to do until nobody has anything.
    func settle(_ clients: Client...) throws {
        var busy = true
        while busy {
            busy = false
            for client in clients {
                for request in try client.requests() {
                    try carryOut(client, request)
                    busy = true
                }
                if let batch = mail.removeValue(forKey: try client.account()) {
                    let delivered = try client.deliver(messages: batch)
                    XCTAssertEqual(delivered.verdicts.count, batch.count)
                    busy = true
                }
                _ = try client.wake()
            }
        }
    }
}

final class ConversationTests: XCTestCase {
    private func say(_ server: Server, _ client: Client, _ to: String, _ words: String) throws {
        let options = SendOptions()
        let sent = try client.send(conversation: .with(to), content: .text(text: words), options: options)
        for request in sent.requests { try server.carryOut(client, request) }
    }

    private func shown(_ client: Client) throws -> [String] {
        let events = try client.waiting()
        _ = try client.done(events: events.map(\.id))
        return events.compactMap { event in
            if case let .message(_, _, _, _, _, _, _, _, .text(text), _, _, _, _) = event.what { return text }
            return nil
        }
    }

    func testTwoPeopleTalk() throws {
        let server = Server()
        let alice = try Client.create(path: nil, key: Data(repeating: 1, count: 32), account: Data("alice".utf8))
        let bob = try Client.create(path: nil, key: Data(repeating: 2, count: 32), account: Data("bob".utf8))
        try server.settle(alice, bob)
        for line in ["Grüß dich 👋🏽", "e\u{301}", String(repeating: "x", count: 65536)] {
            try say(server, alice, "bob", line)
            try server.settle(alice, bob)
            XCTAssertEqual(try shown(bob), [line])
            try say(server, bob, "alice", line)
            try server.settle(alice, bob)
            XCTAssertEqual(try shown(alice), [line])
        }
        let number = try alice.contact(account: Data("bob".utf8)).digits
        XCTAssertEqual(number, try bob.contact(account: Data("alice".utf8)).digits)
        XCTAssertEqual(number?.count, 60)
        let fresh = try alice.freshness(account: Data("bob".utf8))
        XCTAssertEqual(fresh.map(\.device), [try bob.device()])
        XCTAssertEqual(fresh.map(\.epoch), [0])
        XCTAssertTrue(fresh.allSatisfy { $0.sinceEpoch >= 6 })
        alice.shut()
        bob.shut()
    }

    func testTheUserDecidesByTheNumberThatTheySaw() throws {
        let server = Server()
        let name = Data("bob".utf8)
        let key = Data(repeating: 1, count: 32)
        var policy = defaultPolicy()
        policy.onChange = .holdAll
        let alice = try Client.create(path: nil, key: key, account: Data("alice".utf8), policy: policy)
        let bob = try Client.create(path: nil, key: Data(repeating: 2, count: 32), account: name)
        try server.settle(alice, bob)
        try say(server, alice, "bob", "hello")
        try server.settle(alice, bob)
        XCTAssertEqual(try alice.protections(conversations: [.with("bob")]), [.encrypted])
        let seen = try XCTUnwrap(try alice.contact(account: name).digits)
        XCTAssertThrowsError(try alice.confirm(account: name, number: String(seen.reversed())))
        _ = try alice.confirm(account: name, number: " " + seen)
        XCTAssertEqual(try alice.contact(account: name).trust, .verified)
        XCTAssertThrowsError(try alice.acceptChange(account: name, number: "1"))
        _ = try alice.acceptChange(account: name, number: seen)
        _ = try alice.forget(account: name, number: seen)
        XCTAssertEqual(try alice.contact(account: name).trust, .unseen)
        XCTAssertNil(try alice.contact(account: name).digits)
        alice.shut()
        bob.shut()
    }

    func testANewDeviceShowsItsCodeAndOthersAreListed() throws {
        let name = Data("alice".utf8)
        let tablet = try Client.link(path: nil, key: Data(repeating: 3, count: 32), account: name)
        XCTAssertEqual(try tablet.linkCode().digits.count, 6)
        XCTAssertThrowsError(try tablet.devices())
        tablet.shut()
        let alice = try Client.create(path: nil, key: Data(repeating: 1, count: 32), account: name)
        let devices = try alice.devices()
        XCTAssertEqual(devices.map(\.id), [try alice.device()])
        XCTAssertTrue(devices.allSatisfy { $0.isThis && $0.holdsAccountKey })
        let room = Conversation.room(id: Data("den".utf8), members: [Data("bob".utf8)])
        let sent = try alice.send(conversation: room, content: .text(text: "hello"), options: SendOptions())
        XCTAssertEqual(sent.state, .waitingKeys)
        alice.shut()
    }

    func testMistakesAreErrors() throws {
        XCTAssertThrowsError(try Client.create(path: nil, key: Data(), account: Data("x".utf8))) { error in
            guard case SpragError.Misuse(let message) = error else { return XCTFail("\(error)") }
            XCTAssertTrue(message.hasPrefix("12:"))
        }
        XCTAssertFalse(recognise(bytes: Data("hello".utf8)))
    }
}
