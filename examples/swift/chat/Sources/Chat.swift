import Foundation
import Sprag

/// A small messenger: chat --as NAME --with NAME --relay URL --store FILE
///
/// Each line of the standard input goes to the peer, what comes is printed as `NAME: text`, and it ends when the input has
/// ended and everything has left. The store's key lies in FILE.key: a real app keeps it in the Keychain.
@main struct Chat {
    let relay: Relay
    let driver: Driver
    let peer: String
    let unsent = Unsent()

    static func main() async throws {
        guard let given = Arguments() else {
            FileHandle.standardError.write(Data("chat --as NAME --with NAME --relay URL --store FILE\n".utf8))
            exit(2)
        }
        let (key, token) = try secrets(given.store + ".key")
        let name = Data(given.name.utf8)
        let client: Client
        do {
            client = try Client.open(path: given.store, key: key, account: name)
        } catch SpragError.NoStore {
            client = try Client.create(path: given.store, key: key, account: name)
        }
        let relay = Relay(given.relay, account: name, device: try client.device(), token: token)
        let driver = Driver(client) { request in
            // Whoever waits for an answer does not wait long: the network of a terminal is there or soon back.
            do { return try await relay.carryOut(request) } catch { return .retry(after: 1) }
        }
        try await Chat(relay: relay, driver: driver, peer: given.peer).run()
    }

    /// Talks until the input has ended and everything has left.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await driver.run() }
            tasks.addTask { try await fetch() }
            tasks.addTask { try await show() }
            try await type()
            await unsent.wait()
            await driver.close()
            tasks.cancelAll()
        }
    }

    /// Sends each line.
    private func type() async throws {
        for await line in lines() where !line.isEmpty {
            let sent = try await driver.send(conversation: .with(peer), content: .text(text: line))
            await unsent.add(sent.message)
        }
    }

    /// Fetches mail, delivers it, and then says that we have it.
    private func fetch() async throws {
        var last: UInt64 = 0
        while !Task.isCancelled {
            do {
                let mail = try await relay.mail(after: last)
                guard let newest = mail.last else {
                    try await Task.sleep(nanoseconds: 100_000_000)
                    continue
                }
                _ = try await driver.deliver(mail.map { Incoming(bytes: $0.bytes, sender: $0.sender) })
                last = newest.number
                try await relay.acknowledge(last)
            } catch let error as SpragError {
                throw error
            } catch {
                try? await Task.sleep(nanoseconds: 1_000_000_000)
            }
        }
    }

    /// Prints what happens. It is done when it is on the screen.
    private func show() async throws {
        for try await event in driver.events {
            switch event.what {
            case .message(_, _, _, let sender, _, false, _, _, .text(let text), _, _, _, _):
                print("\(String(decoding: sender, as: UTF8.self)): \(text)")
                fflush(stdout)
            case .progress(let message, _, .accepted, _):
                await unsent.remove(message)
            case .progress(let message, _, .failed, let reason):
                warn("not sent: \(reason.map { reasonText(reason: $0) } ?? "")")
                await unsent.remove(message)
            case .identityChanged(let account, _, let number, _, _):
                warn("\(String(decoding: account, as: UTF8.self)) has another identity; the safety number is now \(number)")
            case .unreadable(_, _, _, let reason, _):
                warn("a message cannot be read: \(reasonText(reason: reason))")
            default:
                break
            }
        }
    }

    private func warn(_ words: String) {
        FileHandle.standardError.write(Data("! \(words)\n".utf8))
    }
}

/// The messages that have not left.
actor Unsent {
    private var left: Set<Data> = []
    private var early: Set<Data> = []
    private var waiting: CheckedContinuation<Void, Never>?

    func add(_ message: Data) {
        if early.remove(message) == nil { left.insert(message) }
    }

    /// One that has left, perhaps before it was known here.
    func remove(_ message: Data) {
        if left.remove(message) == nil { early.insert(message) }
        if left.isEmpty { waiting?.resume() }
        if left.isEmpty { waiting = nil }
    }

    func wait() async {
        if !left.isEmpty { await withCheckedContinuation { waiting = $0 } }
    }
}
