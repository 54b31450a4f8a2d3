import Foundation
import Sprag

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The example relay over HTTP; docs/relay.md says what is spoken.
struct Relay: Sendable {
    /// What waits at the relay: a number, a sender, and what was sent.
    typealias Mail = (number: UInt64, sender: Data, bytes: Data)

    /// An answer that is none of a relay's.
    struct Nonsense: Error {}

    private static let poll = 25
    private static let limit: UInt32 = 2 * 1024 * 1024

    let url: URL
    let headers: [String: String]

    init(_ url: URL, account: Data, device: UInt32, token: Data) {
        self.url = url
        let digits = String(device, radix: 16)
        headers = [
            "X-Account": hex(account),
            "X-Device": String(repeating: "0", count: 8 - digits.count) + digits,
            "Authorization": "Bearer \(hex(token))",
        ]
    }

    /// Does what a request says.
    func carryOut(_ request: Request) async throws -> Outcome {
        switch request.action {
        case .publishKeys(_, _, let list, let signedPrekey, let oneTime, let reset, _):
            let entry = list.map { [big($0.sequence), big($0.expected), $0.object] } ?? [Data(), Data(), Data()]
            let parts = entry + [signedPrekey ?? Data(), Data([reset ? 1 : 0])] + oneTime
            let (status, body) = try await call("PUT", "keys", join(parts))
            if status == 409 { return .conflict(list: body) }
            return status == 200 ? .published(oneTimeLeft: UInt32(number(body))) : refusal(status)
        case .fetchKeys(let accounts, let oneTime, _, _):
            var (found, absent): ([Found], [Data]) = ([], [])
            for account in accounts.map(\.account) {
                let (status, body) = try await call("GET", "keys/\(hex(account))?one_time=\(oneTime ? 1 : 0)")
                switch status {
                case 200: found.append(Found(account: account, parts: try split(body)))
                case 404: absent.append(account)
                default: return refusal(status)
                }
            }
            return .keys(found: found, absent: absent)
        case .send(_, let to, let blob, _, _, _, _, _, _):
            var time: UInt64?
            for account in to {
                let (status, body) = try await call("POST", "send/\(hex(account))?request=\(request.id)", join([blob]))
                if status == 404 { return .rejected(why: .noSuchAccount) }
                if status != 200 { return refusal(status) }
                time = number(body)
            }
            return .accepted(serverTime: time, stamp: nil)
        case .other:
            return .retry(after: nil)
        }
    }

    /// What waits after a number; waits a while for it.
    func mail(after last: UInt64) async throws -> [Mail] {
        let (status, body) = try await call("GET", "mail?after=\(last)&wait=\(Self.poll)")
        if status == 403 { return [] }  // the first keys are still on their way
        if status != 200 { throw Nonsense() }
        let parts = try split(body)
        return stride(from: 0, to: parts.count - 2, by: 3).map { at in
            (number(parts[at]), unhex(parts[at + 1]), parts[at + 2])
        }
    }

    /// Says that everything up to a number is on our disk.
    func acknowledge(_ last: UInt64) async throws {
        _ = try await call("POST", "acknowledge?up_to=\(last)", Data())
    }

    private func call(_ method: String, _ path: String, _ body: Data? = nil) async throws -> (Int, Data) {
        guard let place = URL(string: path, relativeTo: url) else { throw Nonsense() }
        var request = URLRequest(url: place, timeoutInterval: TimeInterval(Self.poll + 30))
        request.httpMethod = method
        request.httpBody = body
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (answer, response) = try await URLSession.shared.data(for: request)
        guard let response = response as? HTTPURLResponse else { throw Nonsense() }
        return (response.statusCode, answer)
    }

    private func refusal(_ status: Int) -> Outcome {
        switch status {
        case 413: .tooLarge(limit: Self.limit)
        case 400: .rejected(why: .other)
        case 403: .rejected(why: .forbidden)
        default: .retry(after: nil)
        }
    }
}

/// Parts of a body, each a length in four bytes and itself.
private func join(_ parts: [Data]) -> Data {
    parts.reduce(into: Data()) { body, part in body += big(UInt64(part.count)).suffix(4) + part }
}

private func split(_ body: Data) throws -> [Data] {
    var (parts, rest): ([Data], Data) = ([], body)
    while !rest.isEmpty {
        let length = Int(number(rest.prefix(4)))
        if rest.count < 4 + length { throw Relay.Nonsense() }
        parts.append(Data(rest.dropFirst(4).prefix(length)))
        rest = rest.dropFirst(4 + length)
    }
    return parts
}

private func big(_ number: UInt64) -> Data {
    withUnsafeBytes(of: number.bigEndian) { Data($0) }
}

private func number(_ bytes: Data) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
}

private func hex(_ bytes: Data) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

private func unhex(_ text: Data) -> Data {
    let digits = Array(text).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    return Data(stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
}
