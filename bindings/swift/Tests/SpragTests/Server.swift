import Foundation
import Sprag

/// A server in memory: what it keeps, and what it can be told to do.
actor Server {
    private var lists: [Data: ListWrite] = [:]
    private var signed: [Data: Data] = [:]
    private var oneTime: [Data: [Data]] = [:]
    private var mail: [Data: [Incoming]] = [:]
    private var failures = 0
    private(set) var asked = 0

    /// The next requests meet a network that is gone.
    func fail(_ times: Int) {
        failures = times
    }

    /// Whether an account has published its keys.
    func knows(_ account: String) -> Bool {
        lists[Data(account.utf8)] != nil
    }

    /// What waits for an account, which is then gone.
    func take(_ account: String) -> [Incoming] {
        mail.removeValue(forKey: Data(account.utf8)) ?? []
    }

    /// Does what a request of this account says.
    func carryOut(_ request: Request, of account: String) throws -> Outcome {
        asked += 1
        if failures > 0 {
            failures -= 1
            throw CocoaError(.fileReadUnknown)
        }
        switch request.action {
        case .publishKeys(let account, _, let list, let signedPrekey, let added, let resetOneTime, _):
            if let list {
                if list.expected != lists[account]?.sequence ?? 0 {
                    return .conflict(list: lists[account]?.object ?? Data())
                }
                lists[account] = list
            }
            if let signedPrekey { signed[account] = signedPrekey }
            oneTime[account] = (resetOneTime ? [] : oneTime[account] ?? []) + added
            return .published(oneTimeLeft: UInt32(oneTime[account]?.count ?? 0))
        case .fetchKeys(let accounts, let wantsOneTime, _, _):
            let keys = accounts.map { ($0.account, parts($0.account, oneTime: wantsOneTime)) }
            return .keys(
                found: keys.compactMap { account, parts in parts.map { Found(account: account, parts: $0) } },
                absent: keys.filter { $0.1 == nil }.map(\.0))
        case .send(_, let to, let blob, _, _, _, _, _, _):
            let sender = Data(account.utf8)
            for recipient in to { mail[recipient, default: []].append(Incoming(bytes: blob, sender: sender)) }
            return .accepted(serverTime: nil, stamp: nil)
        case .other:
            return .retry(after: nil)
        }
    }

    private func parts(_ account: Data, oneTime wanted: Bool) -> [Data]? {
        guard let list = lists[account], let prekey = signed[account] else { return nil }
        let key = wanted ? oneTime[account]?.popLast() : nil
        return [list.object, prekey] + (key.map { [$0] } ?? [])
    }
}

/// A client in memory, or in a file.
func phone(_ name: String, at path: String? = nil, policy: Policy? = nil) throws -> Client {
    try Client.create(path: path, key: Data(repeating: 7, count: 32), account: Data(name.utf8), policy: policy)
}

extension Server {
    /// Carries out what anybody has to do, and delivers, until nobody has anything.
    func settle(_ clients: [String: Client]) throws {
        var busy = true
        while busy {
            busy = false
            for (name, client) in clients.sorted(by: { $0.key < $1.key }) {
                for request in try client.requests() {
                    _ = try client.respond(request: request.id, outcome: try carryOut(request, of: name))
                    busy = true
                }
                let batch = take(name)
                if !batch.isEmpty {
                    _ = try client.deliver(messages: batch)
                    busy = true
                }
                _ = try client.wake()
            }
        }
    }

    /// Sends a text, and carries out what the answer asks for.
    func say(_ text: String, from name: String, _ client: Client, to peer: String) throws {
        let sent = try client.send(conversation: .with(peer), content: .text(text: text), options: SendOptions())
        for request in sent.requests {
            _ = try client.respond(request: request.id, outcome: try carryOut(request, of: name))
        }
    }
}

/// The text of an event, if it is a message.
func text(_ event: Event) -> String? {
    if case .message(_, _, _, _, _, _, _, _, .text(let text), _, _, _, _) = event.what { return text }
    return nil
}

/// The texts that wait, all of which are then done.
func shown(_ client: Client) throws -> [String] {
    let events = try client.waiting()
    _ = try client.done(events: events.map(\.id))
    return events.compactMap(text)
}
