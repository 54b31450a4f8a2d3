package dev.sprag

import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.withTimeoutOrNull

/** A bell that counts its rings, so that one that comes between a look and the wait for it is not missed. */
internal class Bell {
    private val count = MutableStateFlow(0L)

    /** How often it has rung. */
    val rings: Long get() = count.value

    /** Rings it. */
    fun ring(): Unit = count.update { it + 1 }

    /** Waits until it has rung more often than [seen], for at most [milliseconds] if they are given. */
    suspend fun await(seen: Long, milliseconds: Long? = null) {
        if (milliseconds == null) count.first { it != seen } else withTimeoutOrNull(milliseconds) { count.first { it != seen } }
    }
}
