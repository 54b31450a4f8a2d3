import Foundation
import Sprag
import Testing

/// What a call across the border costs. Printed, and compared with nothing: a machine that is busy is no defect.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SPRAG_MEASURE"] != nil)) struct BorderTests {
    @Test func whatACallCosts() throws {
        let alice = try phone("alice")
        defer { alice.shut() }
        try measure("device()", 1_000_000) { _ = try alice.device() }
        for (name, size, times) in [("1 KiB", 1024, 100_000), ("1 MiB", 1_048_576, 1_000)] {
            // It is no text, so nothing in it is looked for.
            let bytes = Data(repeating: 0xFF, count: size)
            try measure("recognise, \(name)", times) { _ = recognise(bytes: bytes) }
        }
    }

    private func measure(_ what: String, _ times: Int, _ body: () throws -> Void) rethrows {
        // The process's own time: others on the machine do not count.
        let start = clock()
        for _ in 0..<times { try body() }
        print("\(what): \((clock() - start) * (1_000_000_000 / Int(CLOCKS_PER_SEC)) / times) ns")
    }
}
