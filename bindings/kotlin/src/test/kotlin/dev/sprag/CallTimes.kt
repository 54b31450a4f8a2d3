package dev.sprag

import java.lang.management.ManagementFactory

/**
 * The time of one call across the border: what JNA, UniFFI and the copies cost, with little work behind them. It is the time of
 * the processor and not of the clock, so that it can be read on a machine that does other things as well.
 */
fun main() {
    phone("alice").use { alice ->
        val (kibibyte, mebibyte) = ByteArray(1 shl 10) to ByteArray(1 shl 20)
        report("version, a text out", 50_000) { version() }
        report("recognise, 1 KiB in", 50_000) { recognise(kibibyte) }
        report("recognise, 1 MiB in", 1_000) { recognise(mebibyte) }
        report("account, 5 bytes out", 50_000) { alice.account() }
        report("device, a number out", 50_000) { alice.device() }
    }
}

private fun report(name: String, times: Int, call: () -> Unit) {
    val threads = ManagementFactory.getThreadMXBean()
    repeat(times) { call() }
    val start = threads.currentThreadCpuTime
    repeat(times) { call() }
    println("%-24s %8.1f µs".format(name, (threads.currentThreadCpuTime - start) / 1_000.0 / times))
}
