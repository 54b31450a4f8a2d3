import Foundation
import Sprag
import Testing

/// A client with its driver, which runs.
private struct Phone {
    let name: String
    let driver: Driver
    let running: Task<Void, any Error>

    init(_ name: String, _ server: Server) throws {
        self.name = name
        let driver = Driver(try phone(name)) { try await server.carryOut($0, of: name) }
        self.driver = driver
        running = Task { try await driver.run() }
    }

    func say(_ text: String, to peer: String) async throws {
        _ = try await driver.send(conversation: .with(peer), content: .text(text: text))
    }

    /// Delivers what comes until so many texts were shown.
    func hear(_ count: Int, _ server: Server) async throws -> [String] {
        let mail = Task {
            while !Task.isCancelled {
                let batch = await server.take(name)
                if !batch.isEmpty { _ = try await driver.deliver(batch) }
                try await Task.sleep(nanoseconds: 5_000_000)
            }
        }
        defer { mail.cancel() }
        var texts: [String] = []
        for try await event in driver.events {
            if let text = text(event) { texts.append(text) }
            // What comes after would not be done.
            if texts.count == count { break }
        }
        return texts
    }
}

private struct Crash: Error {}

@Suite(.timeLimit(.minutes(10))) struct DriverTests {
    @Test func twoDriversTalkAndOrderIsKeptOverABadNetwork() async throws {
        let server = Server()
        let (alice, bob) = (try Phone("alice", server), try Phone("bob", server))
        let lines = (0..<20).map { "line \($0)" }
        while await !server.knows("bob") { try await Task.sleep(nanoseconds: 5_000_000) }
        try await alice.say("first", to: "bob")
        #expect(try await bob.hear(1, server) == ["first"])
        await server.fail(3)
        for line in lines { try await alice.say(line, to: "bob") }
        // The one that was left with `break` comes again.
        #expect(try await bob.hear(21, server) == ["first"] + lines)
        for phone in [alice, bob] {
            await phone.driver.close()
            try await phone.running.value
        }
    }

    @Test func anEventIsDoneWhenItsHandlerHasComeBack() async throws {
        let server = Server()
        let (alice, bob) = (try phone("alice"), try phone("bob"))
        defer { alice.shut() }
        let both = ["alice": alice, "bob": bob]
        try await server.settle(both)
        for text in ["one", "two"] { try await server.say(text, from: "alice", alice, to: "bob") }
        try await server.settle(both)
        let driver = Driver(bob) { _ in .retry(after: nil) }
        var seen: [String] = []
        await #expect(throws: Crash.self) {
            for try await event in driver.events {
                if let text = text(event) { seen.append(text) }
                if seen.last == "two" { throw Crash() }
            }
        }
        #expect(seen == ["one", "two"])
        #expect(try bob.waiting().compactMap(text) == ["two"])
        // The second time it is handled, and the task that waits for more is cancelled.
        let rest = Task {
            var seen: [String] = []
            for try await event in driver.events { if let text = text(event) { seen.append(text) } }
            return seen
        }
        while try !bob.waiting().isEmpty { try await Task.sleep(nanoseconds: 5_000_000) }
        rest.cancel()
        #expect(try await rest.value == ["two"])
        await driver.close()
    }

    @Test func whatIsHandledIsDoneAlsoWhenTheTaskIsCancelledMeanwhile() async throws {
        let server = Server()
        let (alice, bob) = (try phone("alice"), try phone("bob"))
        defer { [alice, bob].forEach { $0.shut() } }
        let both = ["alice": alice, "bob": bob]
        try await server.settle(both)
        try await server.say("one", from: "alice", alice, to: "bob")
        try await server.settle(both)
        let driver = Driver(bob) { _ in .retry(after: nil) }
        let task = Task {
            for try await _ in driver.events { withUnsafeCurrentTask { $0?.cancel() } }
        }
        try await task.value
        #expect(try bob.waiting().isEmpty)
    }

    @Test func cancellingGivesBackWhatWasNotCarriedOut() async throws {
        let alice = try phone("alice")
        defer { alice.shut() }
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let driver = Driver(alice) { _ in
            ask.yield()
            try await Task.sleep(nanoseconds: 60_000_000_000)
            return .retry(after: nil)
        }
        let running = Task { try await driver.run() }
        for await _ in asked { break }
        #expect(try alice.requests().isEmpty)
        running.cancel()
        try await running.value
        #expect(try !alice.requests().isEmpty)
    }

    @Test func itRunsOnceAtATime() async throws {
        let server = Server()
        let alice = try Phone("alice", server)
        while await server.asked == 0 { try await Task.sleep(nanoseconds: 5_000_000) }
        await #expect(throws: SpragError.self) { try await alice.driver.run() }
        await alice.driver.close()
        try await alice.running.value
    }

    @Test func suspendedItRestsAndResumedItGoesOn() async throws {
        let server = Server()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let client = try phone("alice", at: folder.appendingPathComponent("alice.sprag").path)
        let driver = Driver(client) { try await server.carryOut($0, of: "alice") }
        try await driver.suspend()
        let running = Task { try await driver.run() }
        let code = await code { try await driver.send(conversation: .with("bob"), content: .text(text: "hello")) }
        #expect(code == 3)
        #expect(await server.asked == 0)
        try await driver.resume()
        while await server.asked == 0 { try await Task.sleep(nanoseconds: 5_000_000) }
        #expect(try await driver.perform { try $0.account() } == Data("alice".utf8))
        await driver.close()
        try await running.value
    }

    @Test func theServersStockIsAskedForAndClosingEndsEverything() async throws {
        let server = Server()
        let (stock, ask) = AsyncStream.makeStream(of: Void.self)
        let driver = Driver(try phone("alice")) {
            ask.yield()
            return 100
        } transport: {
            try await server.carryOut($0, of: "alice")
        }
        let running = Task { try await driver.run() }
        let events = Task { try await driver.events.reduce(into: 0) { count, _ in count += 1 } }
        for await _ in stock { break }
        await driver.close()
        try await running.value
        _ = try await events.value
        #expect(await code { try await driver.perform { try $0.device() } } == 12)
    }
}
