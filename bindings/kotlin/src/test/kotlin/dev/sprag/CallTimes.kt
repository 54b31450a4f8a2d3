package dev.sprag

/** The time of one call across the border: what JNA, UniFFI and the copies cost, without the work behind them. */
fun main() {
    phone("alice").use { alice ->
        val (kibibyte, mebibyte) = ByteArray(1 shl 10) to ByteArray(1 shl 20)
        report("recognise, 1 KiB in", 20_000) { recognise(kibibyte) }
        report("recognise, 1 MiB in", 500) { recognise(mebibyte) }
        report("account, a few bytes out", 20_000) { alice.account() }
        report("device, a number out", 20_000) { alice.device() }
        report("probe, 1 MiB out", 100) { alice.probe(1u shl 20) }
    }
}

private fun report(name: String, times: Int, call: () -> Unit) {
    repeat(times) { call() }
    val start = System.nanoTime()
    repeat(times) { call() }
    println("%-28s %9.1f µs".format(name, (System.nanoTime() - start) / 1_000.0 / times))
}
