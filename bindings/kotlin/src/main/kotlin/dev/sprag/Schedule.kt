package dev.sprag

/** When a driver has to do something by itself. Times are milliseconds of a clock that nobody sets. */
internal class Schedule(private val clock: () -> Long = { System.nanoTime() / 1_000_000 }) {
    private var due = clock()
    private var isLeft = false

    /** The engine is to be woken at once. */
    @Synchronized
    fun now() {
        due = clock()
    }

    /** Something did not work for now: again in a moment. */
    @Synchronized
    fun later() {
        due = clock() + PAUSE
    }

    /** The engine is being woken. What others learn meanwhile is not forgotten. */
    @Synchronized
    fun woken() {
        due = clock() + UPKEEP
    }

    /** Whether the engine is to be woken. */
    @Synchronized
    fun isDue(): Boolean = clock() >= due

    /** Notes what a call said is to be done next; answers whether that is before what was known. */
    @Synchronized
    fun note(pending: Pending): Boolean {
        isLeft = pending.requests > 0uL
        val wanted = pending.nextWakeMs ?: return isLeft
        val next = clock() + wanted.coerceAtMost(UPKEEP.toULong()).toLong().coerceAtLeast(PAUSE)
        val isSooner = next < due
        if (isSooner) due = next
        return isSooner || isLeft
    }

    /** For how long there is nothing to do. What waits and was not handed out is leased to somebody who may be gone. */
    @Synchronized
    fun rest(): Long {
        val rest = (due - clock()).coerceAtLeast(0)
        return if (isLeft) rest.coerceAtMost(PAUSE) else rest
    }

    companion object {
        /** After how long something is tried again, and the least between two times that the engine is woken. */
        const val PAUSE: Long = 1_000

        /** The most without waking the engine: clocks are set, and the stock at the server goes down. */
        const val UPKEEP: Long = 3_600_000
    }
}
