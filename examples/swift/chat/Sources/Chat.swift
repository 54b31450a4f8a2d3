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

    static func main() async throws {
        let words = CommandLine.arguments.dropFirst()
        let pairs = zip(words, words.dropFirst()).filter { $0.0.hasPrefix("--") }
        let given = Dictionary(pairs) { first, _ in first }
        guard let peer = given["--with"], let url = given["--relay"].flatMap(URL.init(string:)),
            let store = given["--store"], let name = given["--as"].map({ Data($0.utf8) })
        else {
            say("chat --as NAME --with NAME --relay URL --store FILE")
            exit(2)
        }
        let (key, token) = try secrets(store + ".key")
        let client: Client
        do {
            client = try Client.open(path: store, key: key, account: name)
        } catch SpragError.NoStore {
            client = try Client.create(path: store, key: key, account: name)
        }
        let relay = Relay(url, account: name, device: try client.device(), token: token)
        let driver = Driver(client) { request in
            do {
                let outcome = try await relay.carryOut(request)
                if case .published = outcome { say("(ready)") }
                return outcome
            } catch {
                return .retry(after: 1)
            }
        }
        try await Chat(relay: relay, driver: driver, peer: peer).run()
    }

    /// Talks until the input has ended and everything has left.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for work in [driver.run, fetch, show] {
                tasks.addTask {
                    do { try await work() } catch {
                        if Task.isCancelled { return }
                        say("! \(error.localizedDescription)")
                        exit(1)
                    }
                }
            }
            try await leave(try await type())
            await driver.close()
            tasks.cancelAll()
        }
    }

    /// Sends each line; returns the messages.
    private func type() async throws -> [Data] {
        var messages: [Data] = []
        for await line in lines() where !line.isEmpty {
            messages.append(try await driver.send(conversation: .with(peer), content: .text(text: line)).message)
        }
        return messages
    }

    /// Waits until messages have left, or will not.
    private func leave(_ messages: [Data]) async throws {
        for message in messages {
            while [.waitingKeys, .ready].contains(try await driver.perform { try $0.state(message: message) }) {
                try await Task.sleep(nanoseconds: 50_000_000)
            }
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
                FileHandle.standardOutput.write(Data("\(String(decoding: sender, as: UTF8.self)): \(text)\n".utf8))
            case .progress(_, _, .failed, let reason):
                say("! not sent: \(reason.map { reasonText(reason: $0) } ?? "")")
            case .identityChanged(let account, _, let number, _, _):
                let name = String(decoding: account, as: UTF8.self)
                say("! \(name) has another identity; the safety number is now \(number)")
            case .unreadable(_, _, _, let reason, _):
                say("! a message cannot be read: \(reasonText(reason: reason))")
            default:
                break
            }
        }
    }
}

/// Says something that is no message.
private func say(_ words: String) {
    FileHandle.standardError.write(Data("\(words)\n".utf8))
}
