import Foundation
import Sprag
import Testing

/// The number of the error that something ends with; 0 if it does not.
func code(_ body: () async throws -> some Any) async -> UInt32 {
    do {
        _ = try await body()
        return 0
    } catch {
        return (error as? SpragError)?.code ?? .max
    }
}

/// A call with the name of its function.
private typealias Call = (String, @Sendable (Client) throws -> Any)

/// Every function of a client that can fail.
private let calls: [Call] = [
    ("acceptChange", { try $0.acceptChange(account: name, number: "1") }),
    ("account", { try $0.account() }),
    ("admit", { try $0.admit(code: Data(), digits: "123456", holdsAccountKey: false) }),
    ("cancel", { try $0.cancel(message: name) }),
    ("card", { try $0.card() }),
    ("configure", { try $0.configure(policy: defaultPolicy()) }),
    ("confirm", { try $0.confirm(account: name, number: "1") }),
    ("contact", { try $0.contact(account: name) }),
    ("deliver", { try $0.deliver(messages: []) }),
    ("device", { try $0.device() }),
    ("devices", { try $0.devices() }),
    ("diagnose", { try $0.diagnose() }),
    ("done", { try $0.done(events: []) }),
    ("erase", { try $0.erase() }),
    ("events", { try $0.events() }),
    ("forget", { try $0.forget(account: name, number: "1") }),
    ("freshness", { try $0.freshness(account: name) }),
    ("importCard", { try $0.importCard(card: Data()) }),
    ("linkCode", { try $0.linkCode() }),
    ("peek", { try $0.peek(message: Incoming(bytes: Data(), sender: name)) }),
    ("probe", { try $0.probe(length: 2048) }),
    ("protections", { try $0.protections(conversations: [.with("bob")]) }),
    ("rekey", { try $0.rekey(key: key) }),
    ("requests", { try $0.requests() }),
    ("respond", { try $0.respond(request: 1, outcome: .retry(after: nil)) }),
    ("resume", { try $0.resume() }),
    ("retire", { try $0.retire() }),
    ("retry", { try $0.retry(message: name) }),
    ("revoke", { try $0.revoke(device: 1) }),
    ("send", { try $0.send(conversation: .with("bob"), content: .text(text: ""), options: SendOptions()) }),
    ("setReady", { try $0.setReady(ready: true) }),
    ("state", { try $0.state(message: name) }),
    ("suspend", { try $0.suspend() }),
    ("wake", { try $0.wake() }),
]

private let name = Data("bob".utf8)
private let key = Data(repeating: 7, count: 32)
private let none = Data("none".utf8)

@Suite struct ErrorTests {
    /// What the generated face declares as able to fail, this file knows.
    @Test func everyFunctionThatCanFailIsTestedHere() throws {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let generated = here.appendingPathComponent("../../generated/SpragBindings.swift")
        let lines = try String(contentsOf: generated, encoding: .utf8).split(separator: "\n")
        let methods = lines.filter { $0.hasPrefix("open func ") && $0.contains("throws") }
        let names = methods.compactMap { $0.dropFirst("open func ".count).split(separator: "(").first.map(String.init) }
        #expect(Set(names) == Set(calls.map(\.0)))
        #expect(names.count == calls.count)
        let makers = lines.filter { $0.hasPrefix("public static func ") && $0.contains("-> Client") }
        #expect(makers.count == 3)
    }

    @Test func aClientThatWasShutCanStillBeCalled() async throws {
        let client = try phone("alice")
        client.shut()
        client.shut()
        for (name, call) in calls { #expect(await code { try call(client) as Any } == 12, "\(name)") }
    }

    @Test func storesThatCannotBeMadeOrOpened() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("bob.sprag").path
        #expect(await code { try Client.open(path: path, key: key, account: name) } == 7)
        let bob = try phone("bob", at: path)
        #expect(await code { try phone("bob", at: path) } == 6)
        #expect(await code { try Client.link(path: path, key: key, account: name) } == 6)
        #expect(await code { try Client.create(path: nil, key: Data(), account: name) } == 12)
        #expect(await code { try Client.create(path: nil, key: key, account: Data()) } == 12)
        #expect(await code { try Client.link(path: nil, key: Data(), account: name) } == 12)
        #expect(await code { try phone("bob", at: "/nowhere/at/all/bob.sprag") } == 1)
        try bob.suspend()
        #expect(await code { try bob.contact(account: none) } == 3)
        try bob.resume()
        bob.shut()
        #expect(await code { try Client.open(path: path, key: Data(repeating: 8, count: 32), account: name) } == 4)
        #expect(await code { try Client.open(path: path, key: key, account: none) } == 5)
        #expect(await code { try Client.open(path: path, key: Data(), account: name) } == 12)
        try Client.open(path: path, key: key, account: name).erase()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func callsThatAreRefused() async throws {
        let alice = try phone("alice")
        defer { alice.shut() }
        let tablet = try Client.link(path: nil, key: key, account: name)
        defer { tablet.shut() }
        var policy = defaultPolicy()
        policy.maxBody = 1
        let (plain, long) = (SendOptions(), SendOptions(clientId: Data(repeating: 1, count: 65)))
        let refused: [(String, UInt32, () throws -> Any)] = [
            ("acceptChange", 9, { try alice.acceptChange(account: name, number: "1") }),
            ("admit", 12, { try alice.admit(code: Data(), digits: "123456", holdsAccountKey: false) }),
            ("cancel", 9, { try alice.cancel(message: none) }),
            ("card", 11, { try tablet.card() }),
            ("configure", 12, { try alice.configure(policy: policy) }),
            ("confirm", 9, { try alice.confirm(account: name, number: "1") }),
            ("contact", 9, { try alice.contact(account: none) }),
            ("deliver", 12, { try alice.deliver(messages: [Incoming(bytes: none, sender: Data())]) }),
            ("devices", 11, { try tablet.devices() }),
            ("forget", 9, { try alice.forget(account: name, number: "1") }),
            ("freshness", 9, { try alice.freshness(account: name) }),
            ("importCard", 12, { try alice.importCard(card: none) }),
            ("linkCode", 11, { try alice.linkCode() }),
            ("peek", 12, { try alice.peek(message: Incoming(bytes: none, sender: Data())) }),
            ("probe", 12, { try alice.probe(length: 1) }),
            ("protections", 12, { try alice.protections(conversations: [.with("")]) }),
            ("rekey", 12, { try alice.rekey(key: Data()) }),
            ("respond", 12, { try alice.respond(request: 1, outcome: .keys(found: [], absent: [Data()])) }),
            ("retire", 11, { try alice.retire() }),
            ("retry", 9, { try alice.retry(message: none) }),
            ("revoke", 9, { try alice.revoke(device: 1) }),
            ("send", 12, { try alice.send(conversation: .with("bob"), content: .other(kind: 9), options: plain) }),
            ("send", 12, { try alice.send(conversation: .with("bob"), content: .text(text: "a"), options: long) }),
            ("send", 11, { try tablet.send(conversation: .with("eve"), content: .text(text: ""), options: plain) }),
            ("setReady", 11, { try tablet.setReady(ready: true) }),
            ("state", 9, { try alice.state(message: none) }),
        ]
        for (name, number, call) in refused { #expect(await code(call) == number, "\(name)") }
    }

    @Test func anErrorHasATextAndAStableNumber() throws {
        #expect(throws: SpragError.self) { try phone("") }
        do {
            _ = try phone("")
        } catch let error as SpragError {
            guard case .Misuse(let message) = error else { throw error }
            #expect(message.hasPrefix("12: "))
            #expect(message == "\(error.code): \(error.text)")
            #expect(error.localizedDescription == error.text)
            #expect(!error.isTransient)
            #expect((error as NSError).domain == "Sprag" && (error as NSError).code == 12)
        }
        #expect(SpragError.Busy(message: "2: x").isTransient)
        #expect(!recognise(bytes: Data("hello".utf8)))
    }
}
