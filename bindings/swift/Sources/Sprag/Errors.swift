import Foundation

extension SpragError {
    /// The stable number of this error, the same in every release and language.
    public var code: UInt32 {
        switch self {
        case .Store: 1
        case .Busy: 2
        case .Unavailable: 3
        case .WrongKey: 4
        case .WrongAccount: 5
        case .Exists: 6
        case .NoStore: 7
        case .Newer: 8
        case .Unknown: 9
        case .NotProtected: 10
        case .NotAllowed: 11
        case .Misuse: 12
        case .Internal: 13
        }
    }

    /// What went wrong, in English and for a log. It carries no data of a user.
    public var text: String {
        // The message begins with the number.
        let parts = message.split(separator: " ", maxSplits: 1)
        return parts.count == 2 ? String(parts[1]) : message
    }

    /// Whether the same call may succeed later without anything else being done.
    public var isTransient: Bool {
        code == 2 || code == 3
    }

    private var message: String {
        switch self {
        case .Store(let message), .Busy(let message), .Unavailable(let message), .WrongKey(let message),
            .WrongAccount(let message), .Exists(let message), .NoStore(let message), .Newer(let message),
            .Unknown(let message), .NotProtected(let message), .NotAllowed(let message), .Misuse(let message),
            .Internal(let message):
            message
        }
    }
}

extension SpragError: LocalizedError, CustomNSError {
    /// The name under which an `NSError` of Sprag's is known; its code is ``code``.
    public static var errorDomain: String { "Sprag" }

    /// The same as ``code``.
    public var errorCode: Int { Int(code) }

    /// The same as ``text``, for who sees an `NSError`.
    public var errorUserInfo: [String: Any] { [NSLocalizedDescriptionKey: text] }

    /// The same as ``text``.
    public var errorDescription: String? { text }
}
