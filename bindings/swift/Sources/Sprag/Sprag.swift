// Sprag in Swift: the generated face, and what makes it feel at home.

@_exported import SpragBindings

import Foundation

extension Conversation {
    /// The conversation with one other account.
    public static func with(_ account: String) -> Conversation {
        .direct(account: Data(account.utf8))
    }
}

extension Client {
    /// Every event that waits, oldest first, page by page. What was shown is reported with `done`.
    public func waiting(page: UInt32 = 64) throws -> [Event] {
        var all: [Event] = []
        while true {
            let next = try events(after: all.last?.id ?? 0, max: page)
            if next.isEmpty { return all }
            all += next
        }
    }
}
