@_exported import SpragBindings

import Foundation

extension Conversation {
    /// The conversation with one other account.
    ///
    /// - Parameter account: The other account's id: 1 to 64 bytes in UTF-8.
    /// - Returns: The conversation, which is not looked at before it is used.
    public static func with(_ account: String) -> Conversation {
        .direct(account: Data(account.utf8))
    }
}

extension Client {
    /// Every event that waits, oldest first. What was shown is reported with `done`.
    ///
    /// - Parameter page: How many events are read from the store at a time.
    /// - Returns: The events; they stay until they are done.
    /// - Throws: ``SpragBindings/SpragError``, as `events`.
    public func waiting(page: UInt32 = 64) throws -> [Event] {
        var all: [Event] = []
        while true {
            let next = try events(after: all.last?.id ?? 0, max: page)
            if next.isEmpty { return all }
            all += next
        }
    }
}
