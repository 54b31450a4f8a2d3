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
            let bytes = Data(repeating: 7, count: size)
            try measure("recognise, \(name)", times) { _ = recognise(bytes: bytes) }
        }
    }

    private func measure(_ what: String, _ times: Int, _ body: () throws -> Void) rethrows {
        let start = DispatchTime.now().uptimeNanoseconds
        for _ in 0..<times { try body() }
        let each = (DispatchTime.now().uptimeNanoseconds - start) / UInt64(times)
        print("\(what): \(each) ns")
    }
}
