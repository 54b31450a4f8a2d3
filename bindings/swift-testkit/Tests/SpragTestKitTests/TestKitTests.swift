import Foundation
import Sprag
import SpragTestKit
import XCTest

/// The test kit over its real library: what an app's own tests would do with it.
final class TestKitTests: XCTestCase {
    private func pair(_ seed: UInt64) throws -> (TestKit, Client, Client) {
        let kit = TestKit(seed: seed)
        let phone = { (name: String) -> Client in
            try kit.create(path: nil, key: Data(repeating: 7, count: 32), account: Data(name.utf8))
        }
        let (alice, bob) = (try phone("alice"), try phone("bob"))
        addTeardownBlock {
            alice.shut()
            bob.shut()
        }
        try kit.settle(clients: [alice, bob])
        return (kit, alice, bob)
    }

    private func say(_ client: Client, _ words: String) throws -> Sent {
        let to = Conversation.direct(account: Data("bob".utf8))
        return try client.send(conversation: to, content: .text(text: words), options: SendOptions())
    }

    private func shown(_ client: Client) throws -> [String] {
        let events = try client.events()
        _ = try client.done(events: events.map(\.id))
        return events.compactMap { event in
            guard case let .message(_, _, _, _, _, _, _, _, .text(text), _, _, _, _) = event.what else { return nil }
            return text
        }
    }

    func testASeedDecidesEverything() throws {
        let course = { (seed: UInt64) -> [String?] in
            let (kit, alice, bob) = try self.pair(seed)
            _ = try self.say(alice, "hello")
            try kit.settle(clients: [alice, bob])
            XCTAssertEqual(try self.shown(bob), ["hello"])
            XCTAssertFalse(kit.hasCarried(bytes: Data("hello".utf8)))
            return [try alice.contact(account: Data("bob".utf8)).digits, try alice.diagnose().text]
        }
        XCTAssertEqual(try course(7), try course(7))
        XCTAssertNotEqual(try course(7)[0], try course(8)[0])
    }

    func testAnAppsOwnNetworkIsAnswered() throws {
        let (kit, alice, bob) = try pair(1)
        var requests = try say(alice, "hello").requests
        while !requests.isEmpty {
            for request in requests {
                let outcome = try kit.answer(client: alice, action: request.action)
                _ = try alice.respond(request: request.id, outcome: outcome)
            }
            requests = try alice.requests()
        }
        let batch = try kit.collect(client: bob)
        XCTAssertEqual(batch.map(\.sender), [Data("alice".utf8)])
        _ = try bob.deliver(messages: batch)
        XCTAssertEqual(try shown(bob), ["hello"])
    }

    func testTheWeatherAndTheClockAreAsTheyAreMade() throws {
        let (kit, alice, bob) = try pair(2)
        kit.setWeather(doubled: 1_000)
        _ = try say(alice, "twice")
        try kit.settle(clients: [alice, bob])
        XCTAssertEqual(try shown(bob), ["twice"])
        XCTAssertEqual(kit.carried().doubled, kit.carried().sent)
        let before = kit.now()
        kit.passTime(seconds: 3_600)
        XCTAssertEqual(kit.now(), before + 3_600)
        alice.shut()
        XCTAssertThrowsError(try kit.collect(client: alice))
    }
}
