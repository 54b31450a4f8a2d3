import Foundation
import Sprag
import Testing

@Suite struct ConversationTests {
    @Test func twoPeopleTalk() async throws {
        let server = Server()
        let (alice, bob) = (try phone("alice"), try phone("bob"))
        defer { [alice, bob].forEach { $0.shut() } }
        let both = ["alice": alice, "bob": bob]
        try await server.settle(both)
        for line in ["Grüß dich 👋🏽", "e\u{301}", String(repeating: "x", count: 65536)] {
            try await server.say(line, from: "alice", alice, to: "bob")
            try await server.settle(both)
            #expect(try shown(bob) == [line])
            try await server.say(line, from: "bob", bob, to: "alice")
            try await server.settle(both)
            #expect(try shown(alice) == [line])
        }
        let number = try alice.contact(account: Data("bob".utf8)).digits
        #expect(try number == bob.contact(account: Data("alice".utf8)).digits)
        #expect(number?.count == 60)
        let fresh = try alice.freshness(account: Data("bob".utf8))
        #expect(try fresh.map(\.device) == [bob.device()])
        #expect(fresh.allSatisfy { $0.epoch == 0 && $0.sinceEpoch >= 6 })
    }

    @Test func theUserDecidesByTheNumberThatTheySaw() async throws {
        let server = Server()
        let name = Data("bob".utf8)
        var policy = defaultPolicy()
        policy.onChange = .holdAll
        let (alice, bob) = (try phone("alice", policy: policy), try phone("bob"))
        defer { [alice, bob].forEach { $0.shut() } }
        let both = ["alice": alice, "bob": bob]
        try await server.settle(both)
        try await server.say("hello", from: "alice", alice, to: "bob")
        try await server.settle(both)
        #expect(try alice.protections(conversations: [.with("bob")]) == [.encrypted])
        let seen = try #require(try alice.contact(account: name).digits)
        #expect(throws: SpragError.self) { try alice.confirm(account: name, number: String(seen.reversed())) }
        _ = try alice.confirm(account: name, number: " " + seen)
        #expect(try alice.contact(account: name).trust == .verified)
        #expect(throws: SpragError.self) { try alice.acceptChange(account: name, number: "1") }
        _ = try alice.acceptChange(account: name, number: seen)
        _ = try alice.forget(account: name, number: seen)
        #expect(try alice.contact(account: name).trust == .unseen)
        #expect(try alice.contact(account: name).digits == nil)
    }

    @Test func othersAreListedAndRoomsWaitForKeys() throws {
        let alice = try phone("alice")
        defer { alice.shut() }
        let devices = try alice.devices()
        #expect(try devices.map(\.id) == [alice.device()])
        #expect(devices.allSatisfy { $0.isThis && $0.holdsAccountKey })
        let room = Conversation.room(id: Data("den".utf8), members: [Data("bob".utf8)])
        let sent = try alice.send(conversation: room, content: .text(text: "hello"), options: SendOptions())
        #expect(sent.state == .waitingKeys)
    }

    @Test func aLinkCodeIsNotPrinted() throws {
        let tablet = try Client.link(path: nil, key: Data(repeating: 3, count: 32), account: Data("alice".utf8))
        defer { tablet.shut() }
        let code = try tablet.linkCode()
        #expect(code.digits.count == 6)
        var dumped = ""
        dump(code, to: &dumped)
        dump([code: [Optional(code)]], to: &dumped)
        for printed in ["\(code)", String(reflecting: code), "\([code])", "\(Optional(code) as Any)", dumped] {
            #expect(printed.contains("\(code.expires)"))
            #expect(!printed.contains(code.text))
            #expect(!printed.contains(code.digits))
            #expect(!printed.contains("bytes"))
        }
    }
}
