import Foundation

/// What happens to a client, as a sequence that does not end by itself.
///
/// An event is done when the next one is asked for: when the body of the loop has come to its end. If the body throws, or
/// the app dies in it, the same event comes again: show it, or find that it was shown, by its id. An event that is left with
/// `break` comes again too. The sequence ends when the task is cancelled or the driver is closed.
public struct Events: AsyncSequence, Sendable {
    /// What comes.
    public typealias Element = Event

    let driver: Driver

    /// Begins with the oldest event that is not done.
    public func makeAsyncIterator() -> Iterator {
        Iterator(driver: driver)
    }

    /// A place in the sequence.
    public struct Iterator: AsyncIteratorProtocol {
        let driver: Driver
        private var page: ArraySlice<Event> = []
        private var shown: UInt64?

        init(driver: Driver) {
            self.driver = driver
        }

        /// Says that the event before is done, and waits for the next one.
        ///
        /// - Throws: ``SpragBindings/SpragError``: what the client answers, other than that it is busy or suspended.
        public mutating func next() async throws -> Event? {
            if let id = shown {
                try await driver.finish(id)
                shown = nil
            }
            if page.isEmpty { page = try await driver.waiting()[...] }
            let event = page.popFirst()
            shown = event?.id
            return event
        }
    }
}

// What the sequence asks.
extension Driver {
    private static let page: UInt32 = 64

    /// Says that an event is done; if the client is suspended, once it is back.
    fileprivate func finish(_ id: UInt64) async throws {
        _ = try await patiently { try $0.done(events: [id]) }
    }

    /// The oldest events that are not done, as soon as there are some; none when it is over.
    fileprivate func waiting() async throws -> [Event] {
        while !Task.isCancelled && !isClosed {
            let seen = await news.rings
            guard let events = try await patiently({ try $0.events(max: Self.page) }) else { return [] }
            if !events.isEmpty { return events }
            await news.wait(past: seen)
        }
        return []
    }

    /// Calls until the client is not suspended; nothing when it is over. What was shown is done also if the task was cancelled
    /// meanwhile: so it calls at least once.
    private func patiently<Value: Sendable>(
        _ body: @escaping @Sendable (Client) throws -> Value
    ) async throws -> Value? {
        repeat {
            let seen = await news.rings
            do {
                return try await call(body)
            } catch let error as SpragError where error.isTransient {
                await news.wait(past: seen, until: Date(timeIntervalSinceNow: Self.pause))
            } catch let error {
                if isClosed { return nil }
                throw error
            }
        } while !Task.isCancelled && !isClosed
        return nil
    }
}
