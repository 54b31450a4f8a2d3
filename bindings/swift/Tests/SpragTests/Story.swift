import Foundation
import Sprag
import Testing

/// A phone of the story, and what the server keeps for it while it is closed, too.
private final class Handset {
    var client: Client
    let account: Data
    var isOpen = true
    var signed: Data?
    var oneTime: [Data] = []
    var mailbox: [Incoming] = []

    init(_ client: Client, _ account: Data) {
        self.client = client
        self.account = account
    }
}

/// Something that does not come to what the story says.
struct Twist: Error, CustomStringConvertible {
    let description: String
}

/// Replays docs/vectors/story.txt, whose head comment says what each step is.
final class Replay {
    /// A client that was closed can still be called. There is no null, text is text, and no buffers are brought.
    static let tags: Set = ["@shut"]

    private let folder: URL
    private var hand = Data()
    private var phones: [String] = []
    private var handsets: [String: Handset] = [:]
    private var lists: [Data: (sequence: UInt64, object: Data)] = [:]

    init(_ folder: URL) {
        self.folder = folder
    }

    /// Replays one line.
    func run(_ line: String) throws {
        let halves = line.range(of: " : ")
        var words = line[..<(halves?.lowerBound ?? line.endIndex)].split(separator: " ").map(String.init)
        let text = halves.map { spelled(String(line[$0.upperBound...])) } ?? ""
        if Self.tags.contains(words[0]) { words.removeFirst() }
        if words[0] != "fails" { return try step(words, text) }
        do {
            try step(Array(words[2...]), text)
        } catch let error as SpragError {
            return try check(String(error.code) == words[1], "it fails with \(error.code)")
        }
        throw Twist(description: "it does not fail")
    }

    /// Shuts every client.
    func end() {
        for handset in handsets.values { handset.client.shut() }
    }

    private func step(_ words: [String], _ text: String) throws {
        let rest = Array(words.dropFirst(2))
        switch words[0] {
        case "settle": try settle()
        case "hold": hand = Data(text.utf8)
        case "spoil": hand[hand.endIndex - 1] ^= 1
        case "around": hand = Data("\(text)\n\(String(decoding: hand, as: UTF8.self))\n\(text)".utf8)
        case "recognise": try check(recognise(bytes: hand) == (words[1] == "yes"), "it is not so")
        case "create", "link", "open": try start(words)
        default: try of(handset(words[1]), words[0], rest, text)
        }
    }

    private func of(_ phone: Handset, _ verb: String, _ rest: [String], _ text: String) throws {
        let client = phone.client
        switch verb {
        case "close":
            client.shut()
            phone.isOpen = false
        case "erase":
            try client.erase()
            phone.isOpen = false
        case "rekey": try client.rekey(key: key(rest[0]))
        case "suspend": try client.suspend()
        case "resume": try client.resume()
        case "policy": try client.configure(policy: policy(rest[0]))
        case "card":
            let link = try client.card().link
            try check(handset(rest[0]).client.importCard(card: Data(link.utf8)) == phone.account, "another account")
        case "carry": try carry(phone)
        case "take": hand = phone.mailbox.removeFirst().bytes
        case "say": try send(phone, .with(rest[0]), rest[1], text)
        case "room":
            let members = rest[2...].map { Data($0.utf8) }
            try send(phone, .room(id: Data(rest[0].utf8), members: members), rest[1], text)
        default: try look(phone, verb, rest, text)
        }
    }

    private func look(_ phone: Handset, _ verb: String, _ rest: [String], _ text: String) throws {
        let client = phone.client
        let first = Data((rest.first ?? "").utf8)
        switch verb {
        case "state": try same(client.state(message: first), rest[1])
        case "cancel": _ = try client.cancel(message: first)
        case "peek":
            let preview = try client.peek(message: Incoming(bytes: hand, sender: first))
            guard case .message(first, _, _, _, .text(text)) = preview else { throw Twist(description: "\(preview)") }
        case "deliver":
            let incoming = Incoming(bytes: hand, sender: first, conversation: .direct(account: first))
            try same(client.deliver(messages: [incoming]).verdicts[0].finding, rest[1])
        case "shows": try shows(phone, first, rest, text)
        case "raises": _ = try event(phone, rest[0])
        case "quiet":
            let events = try client.waiting()
            _ = try client.done(events: events.map(\.id))
            try check(!events.contains { name($0.what) == "message" }, "there is a message")
        case "numbers":
            let other = try handset(rest[0])
            let digits = try client.contact(account: other.account).digits
            try check(digits?.count == 60, "\(digits ?? "none")")
            try check(other.client.contact(account: phone.account).digits == digits, "another number")
        case "confirm":
            let digits = try client.contact(account: first).digits ?? ""
            _ = try client.confirm(account: first, number: rest.count > 1 ? wrong(digits) : digits)
        case "trust": try same(client.contact(account: first).trust, rest[1])
        case "protection": try same(client.protections(conversations: [.direct(account: first)])[0], rest[1])
        case "admit":
            let code = try handset(rest[0]).client.linkCode()
            let digits = rest.count > 1 ? wrong(code.digits) : code.digits
            _ = try client.admit(code: code.bytes, digits: digits, holdsAccountKey: false)
        case "devices": try check(client.devices().count == Int(rest[0]), "\(try client.devices())")
        case "revoke": _ = try client.revoke(device: handset(rest[0]).client.device())
        default: throw Twist(description: "an unknown step")
        }
    }

    private func start(_ words: [String]) throws {
        let (phone, account) = (words[1], Data(words[2].utf8))
        let path = words[4] == "-" ? nil : folder.appendingPathComponent(words[4]).path
        let client =
            switch words[0] {
            case "create": try Client.create(path: path, key: key(words[3]), account: account)
            case "link": try Client.link(path: path, key: key(words[3]), account: account)
            default: try Client.open(path: path ?? "", key: key(words[3]), account: account)
            }
        if let known = handsets[phone] {
            (known.client, known.isOpen) = (client, true)
        } else {
            handsets[phone] = Handset(client, account)
            phones.append(phone)
        }
    }

    private func handset(_ phone: String) throws -> Handset {
        guard let handset = handsets[phone] else { throw Twist(description: "no phone \(phone)") }
        return handset
    }

    private func shows(_ phone: Handset, _ sender: Data, _ rest: [String], _ text: String) throws {
        let what = try event(phone, "message")
        guard case .message(_, _, _, sender, _, let outgoing, let place, _, .text(text), _, _, _, _) = what else {
            throw Twist(description: "\(what)")
        }
        try check(outgoing == (sender == phone.account), "outgoing is \(outgoing)")
        if case .room(let id, _) = place {
            try check(rest.count > 2 && id == Data(rest[2].utf8), "another room")
        } else {
            try check(rest.count == 1, "not in a room")
        }
    }

    /// The oldest event of this kind, which is done.
    private func event(_ phone: Handset, _ kind: String) throws -> What {
        guard let event = try phone.client.waiting().first(where: { name($0.what) == kind }) else {
            throw Twist(description: "there is no such event")
        }
        _ = try phone.client.done(events: [event.id])
        return event.what
    }
}

// The server.
extension Replay {
    private func answer(_ phone: Handset, _ action: Action) -> Outcome {
        switch action {
        case .publishKeys(_, _, let list, let signedPrekey, let added, let resetOneTime, _):
            if let list {
                let known = lists[phone.account]
                if list.expected != known?.sequence ?? 0 { return .conflict(list: known?.object ?? Data()) }
                lists[phone.account] = (list.sequence, list.object)
            }
            phone.signed = signedPrekey ?? phone.signed
            phone.oneTime = (resetOneTime ? [] : phone.oneTime) + added
            return .published(oneTimeLeft: UInt32(phone.oneTime.count))
        case .fetchKeys(let accounts, _, _, _):
            let asked = accounts.map(\.account)
            let found = asked.compactMap { account in
                lists[account].map { Found(account: account, parts: [$0.object] + keys(account)) }
            }
            return .keys(found: found, absent: asked.filter { lists[$0] == nil })
        case .send(_, let to, let blob, _, _, _, _, _, _):
            for handset in handsets.values where to.contains(handset.account) {
                handset.mailbox.append(Incoming(bytes: blob, sender: phone.account))
            }
            return .accepted(serverTime: nil, stamp: nil)
        case .other:
            return .retry(after: nil)
        }
    }

    private func keys(_ account: Data) -> [Data] {
        phones.compactMap { handsets[$0] }.filter { $0.account == account }.flatMap { handset in
            guard let signed = handset.signed else { return [Data]() }
            return [signed] + (handset.oneTime.isEmpty ? [] : [handset.oneTime.removeFirst()])
        }
    }

    private func carryOut(_ phone: Handset, _ requests: [Request]) throws {
        for request in requests {
            _ = try phone.client.respond(request: request.id, outcome: answer(phone, request.action))
        }
    }

    @discardableResult private func carry(_ phone: Handset) throws -> Bool {
        var isBusy = false
        while case let requests = try phone.client.requests(), !requests.isEmpty {
            try carryOut(phone, requests)
            isBusy = true
        }
        return isBusy
    }

    private func send(_ phone: Handset, _ place: Conversation, _ id: String, _ text: String) throws {
        let options = SendOptions(clientId: Data(id.utf8))
        let sent = try phone.client.send(conversation: place, content: .text(text: text), options: options)
        try carryOut(phone, sent.requests)
    }

    private func settle() throws {
        var isBusy = true
        while isBusy {
            isBusy = false
            for phone in try phones.map(handset) where phone.isOpen {
                let carried = try carry(phone)
                isBusy = isBusy || carried || !phone.mailbox.isEmpty
                let mail = phone.mailbox
                phone.mailbox = []
                _ = try phone.client.deliver(messages: mail)
                _ = try phone.client.wake()
            }
        }
    }
}

private func spelled(_ text: String) -> String {
    let parts = text.dropFirst().split(separator: " ", maxSplits: 1)
    guard text.hasPrefix("*"), parts.count == 2, let times = Int(parts[0]) else { return text }
    return String(repeating: String(parts[1]), count: times)
}

private func key(_ word: String) -> Data {
    word == "short" ? Data(count: 31) : Data(repeating: UInt8(word) ?? 0, count: 32)
}

private func policy(_ word: String) -> Policy {
    var policy = defaultPolicy()
    if word == "text" { (policy.armor, policy.fallbackText) = (.text, "A message") }
    if word == "read" { policy.rollout = .read }
    return policy
}

/// The same with another first digit.
private func wrong(_ digits: String) -> String {
    (digits.first == "1" ? "2" : "1") + digits.dropFirst()
}

/// The name that a value has in the story.
private func name(_ value: Any) -> String {
    let label = Mirror(reflecting: value).children.first?.label ?? "\(value)"
    return label.map { $0.isUppercase ? "_\($0.lowercased())" : String($0) }.joined()
}

private func check(_ holds: Bool, _ otherwise: @autoclosure () throws -> String) throws {
    if !holds { throw Twist(description: try otherwise()) }
}

private func same(_ value: Any, _ said: String) throws {
    try check(name(value) == said, name(value))
}
