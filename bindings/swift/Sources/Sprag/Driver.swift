import Dispatch
import Foundation

/// Runs a client: carries its requests out through the app's own network, wakes it in time, and hands out what happens.
///
/// ```swift
/// let driver = Driver(client) { request in try await server.carryOut(request) }
/// let running = Task { try await driver.run() }
/// for try await event in driver.events {
///     try history.store(event)
/// }
/// ```
///
/// Every call of the client's runs on a queue of the driver's: neither the main thread nor Swift's own threads ever wait
/// for the disk. A call that finds the store in the hands of another process is tried again for some seconds.
public actor Driver {
    /// The app's network: does what a request says, and tells what became of it.
    ///
    /// What it throws counts as `Outcome.retry(after: nil)`: the request comes again, after a time that grows. A request may
    /// come twice, for example after a crash; its `id` tells the server so.
    public typealias Transport = @Sendable (Request) async throws -> Outcome

    /// The client that is run. Calls of one's own are better made with ``perform(_:)``.
    public nonisolated let client: Client

    /// What happens, oldest first. For one consumer at a time.
    public nonisolated var events: Events { Events(driver: self) }

    private let transport: Transport
    private let stock: @Sendable () async -> UInt32?
    private let queue = DispatchQueue(label: "Sprag", attributes: .concurrent)
    private let work = Bell()
    let news = Bell()
    private var leased: [Request] = []
    private var pending: Pending?
    private var due = Date.distantPast
    private var isRunning = false
    private(set) var isClosed = false

    /// Makes a driver; nothing happens until it is ``run()``.
    ///
    /// - Parameters:
    ///   - client: A client that nobody else runs.
    ///   - stock: Asks the server how many one-time prekeys of this device are left, for the event that there are few; nil if
    ///     it does not know.
    ///   - transport: The app's network.
    public init(
        _ client: Client, stock: @escaping @Sendable () async -> UInt32? = { nil }, transport: @escaping Transport
    ) {
        self.client = client
        self.stock = stock
        self.transport = transport
    }

    /// Carries requests out, in their order, until the task is cancelled or the driver is closed.
    ///
    /// While the client is suspended it rests. When it is cancelled it gives back what it has not carried out.
    ///
    /// - Throws: ``SpragBindings/SpragError``: `Misuse` if it is running already; what the client answers, other than that it
    ///   is busy or suspended.
    public func run() async throws {
        if isRunning { throw SpragError.Misuse(message: "12: misuse: the driver runs already") }
        isRunning = true
        defer { isRunning = false }
        due = .distantPast
        while !Task.isCancelled && !isClosed {
            let seen = await work.rings
            do {
                try await wakeIfDue()
                while let requests = try await next(), !requests.isEmpty { try await carryOut(requests) }
            } catch let error as SpragError where error.isTransient || isClosed {
                // Suspended or busy: later, or when somebody says that something has changed.
                due = Date(timeIntervalSinceNow: Self.pause)
            }
            if Task.isCancelled || isClosed { return }
            await work.wait(past: seen, until: rest())
        }
    }

    /// Sends a message. It is durable on return, and leaves while the driver runs.
    ///
    /// - Parameters:
    ///   - conversation: Where it belongs.
    ///   - content: What it says: at most 256 KiB.
    ///   - options: Its id, and how urgent it is.
    /// - Returns: Its id and state. The requests are left to the driver: there are none in it.
    /// - Throws: ``SpragBindings/SpragError``, as `Client.send`.
    public func send(
        conversation: Conversation, content: Content, options: SendOptions = SendOptions()
    ) async throws -> Sent {
        var sent = try await call { try $0.send(conversation: conversation, content: content, options: options) }
        leased += sent.requests
        sent.requests = []
        await note(sent.pending)
        await work.ring()
        return sent
    }

    /// Takes messages that came from the server, and judges each. Durable on return: the app may acknowledge them.
    ///
    /// - Parameter messages: The messages, in the order in which they came.
    /// - Returns: A verdict for each, in that order.
    /// - Throws: ``SpragBindings/SpragError``, as `Client.deliver`.
    public func deliver(_ messages: [Incoming]) async throws -> [Verdict] {
        let delivered = try await call { try $0.deliver(messages: messages) }
        await note(delivered.pending)
        await work.ring()
        return delivered.verdicts
    }

    /// Any other call of the client's, where the disk may be waited for; afterwards the driver looks what came of it.
    ///
    /// - Parameter body: What is called. It may run more than once: it is repeated while the store is busy.
    /// - Returns: What it returns.
    /// - Throws: What it throws.
    public func perform<Value: Sendable>(
        _ body: @escaping @Sendable (Client) throws -> Value
    ) async throws -> Value {
        let value = try await call(body)
        await ring()
        return value
    }

    /// Says that something may have changed: the network is back, or another process has delivered.
    public func kick() async {
        due = .distantPast
        await ring()
    }

    /// Closes the store until ``resume()``: before the platform suspends the app. Calls answer `Unavailable` meanwhile.
    ///
    /// - Throws: ``SpragBindings/SpragError``, as `Client.suspend`.
    public func suspend() async throws {
        try await call { try $0.suspend() }
    }

    /// Opens the store again, and goes on.
    ///
    /// - Throws: ``SpragBindings/SpragError``, as `Client.resume`.
    public func resume() async throws {
        try await call { try $0.resume() }
        await kick()
    }

    /// Ends for good: ``run()`` returns, ``events`` end, and the client is shut: its keys are wiped from memory.
    public func close() async {
        isClosed = true
        let client = client
        await withCheckedContinuation { continuation in
            queue.async {
                client.shut()
                continuation.resume()
            }
        }
        await kick()
    }
}

// The pump.
extension Driver {
    /// After how many seconds something is tried again, and the fewest between two times that the engine is woken.
    static let pause: TimeInterval = 1

    /// The most seconds without waking the engine: clocks are set, and the stock at the server goes down.
    private static let upkeep: TimeInterval = 3600

    private func wakeIfDue() async throws {
        if Date() < due { return }
        let left = await stock()
        // Before the call: what others learn while it runs shall not be forgotten.
        due = Date(timeIntervalSinceNow: Self.upkeep)
        await note(try await call { try $0.wake(oneTimeLeft: left) })
    }

    /// What is leased to us comes before what the store still has: it is older.
    private func next() async throws -> [Request]? {
        if Task.isCancelled || isClosed { return nil }
        let ours = taken()
        return ours.isEmpty ? try await call { try $0.requests() } : ours
    }

    private func taken() -> [Request] {
        let now = UInt64(max(0, Date().timeIntervalSince1970))
        defer { leased = [] }
        return leased.filter { $0.leaseUntil > now }
    }

    /// After one that has to be tried again the rest is put off as well: order is kept. So is what was leased meanwhile; later
    /// the engine holds it back by itself.
    private func carryOut(_ requests: [Request]) async throws {
        var isPutOff = false
        for request in requests where try await !answer(request, isPutOff: isPutOff) { isPutOff = true }
        if !isPutOff { return }
        for request in taken() { _ = try await answer(request, isPutOff: true) }
    }

    /// Carries a request out, or puts it off; whether the next one may go.
    private func answer(_ request: Request, isPutOff: Bool) async throws -> Bool {
        if case .other = request.action { return true }
        let isOver = Task.isCancelled || isClosed
        let outcome = isOver ? .retry(after: 0) : isPutOff ? .retry(after: 1) : await ask(request)
        await note(try await call { try $0.respond(request: request.id, outcome: outcome) })
        if case .retry = outcome { return false }
        return true
    }

    private func ask(_ request: Request) async -> Outcome {
        do {
            return try await transport(request)
        } catch {
            return .retry(after: Task.isCancelled ? 0 : nil)
        }
    }

    private func ring() async {
        await work.ring()
        await news.ring()
    }

    private func note(_ pending: Pending) async {
        self.pending = pending
        if let milliseconds = pending.nextWakeMs {
            due = min(due, Date(timeIntervalSinceNow: max(Double(milliseconds) / 1000, Self.pause)))
        }
        if pending.events > 0 { await news.ring() }
    }

    /// Until when there is nothing to do. What waits and was not handed out is leased to somebody who may be gone.
    private func rest() -> Date {
        let isLeft = pending.map { $0.requests > 0 } ?? false
        return isLeft ? min(due, Date(timeIntervalSinceNow: Self.pause)) : due
    }

    /// Runs a call where it may block, and repeats it while the store is in the hands of another process.
    func call<Value: Sendable>(_ body: @escaping @Sendable (Client) throws -> Value) async throws -> Value {
        let client = client
        var left = 50
        while true {
            do {
                return try await withCheckedThrowingContinuation { continuation in
                    queue.async { continuation.resume(with: Result { try body(client) }) }
                }
            } catch SpragError.Busy(let message) {
                if left == 0 || Task.isCancelled { throw SpragError.Busy(message: message) }
                left -= 1
                try? await Task.sleep(nanoseconds: 100_000_000)
            }
        }
    }
}
