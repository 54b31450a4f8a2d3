import Foundation

/// Wakes everything that waits for a change. Who waits says how many rings they have seen, so none is missed.
actor Bell {
    private(set) var rings = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func ring() {
        rings += 1
        let all = waiting
        waiting = []
        for each in all { each.resume() }
    }

    /// Waits for a ring after those that were seen, for a time, or for the task to be cancelled.
    func wait(past seen: Int, until due: Date = .distantFuture) async {
        let timer = due == .distantFuture ? nil : alarm(due)
        defer { timer?.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if rings == seen { waiting.append(continuation) } else { continuation.resume() }
            }
        } onCancel: {
            Task { await ring() }
        }
    }

    private func alarm(_ due: Date) -> Task<Void, Never> {
        let seconds = max(0, min(due.timeIntervalSinceNow, 86_400))
        return Task {
            try? await Task.sleep(nanoseconds: UInt64(seconds * 1_000_000_000))
            if !Task.isCancelled { ring() }
        }
    }
}
