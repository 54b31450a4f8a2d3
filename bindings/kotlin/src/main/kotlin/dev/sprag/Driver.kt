package dev.sprag

import java.util.concurrent.atomic.AtomicBoolean
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.isActive
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext

/**
 * Runs a client: carries its requests out through the app's own network, wakes it in time, and hands out what happens.
 *
 * ```kotlin
 * val driver = Driver(client) { request -> server.carryOut(request) }
 * scope.launch { driver.run() }
 * scope.launch { driver.events.collect { event -> history.store(event) } }
 * ```
 *
 * Every call of the client's is made on `Dispatchers.IO`: neither the main thread nor the threads for computations wait for
 * the disk. A call that finds the store in the hands of another process is tried again for some seconds.
 *
 * @property client The client that is run, and nobody else runs. Calls of one's own are better made with [perform].
 * @param stock Asks the server how many one-time prekeys of this device are left, for the event that there are few; null if it
 *   does not know.
 * @param transport The app's network: does what a request says, and tells what became of it. It is called with one request
 *   after the other, in their order. What it throws counts as `Outcome.Retry(null)`: the request comes again, after a time
 *   that grows. A request may come twice, for example after a crash; its `id` tells the server so.
 */
public class Driver(
    public val client: Client,
    private val stock: suspend () -> UInt? = { null },
    private val transport: suspend (Request) -> Outcome,
) : AutoCloseable {
    private val work = Bell()
    private val news = Bell()
    private val running = AtomicBoolean()
    private val collected = AtomicBoolean()

    /** Held from the moment in which requests are leased until they are in their place: order is kept. */
    private val order = Mutex()
    private var leased = emptyList<Request>()

    private val schedule = Schedule()

    @Volatile
    private var isClosed = false

    /**
     * What happens, oldest first; it ends when the driver is closed. For one collector at a time, with or without [run].
     *
     * An event is done when the collector has come back from it. If the collector throws or is cancelled in it, or the app
     * dies, the same event comes again, to the next collector: its `id` tells. So no operator may stand in between that takes
     * events ahead of their turn (`buffer`, `flowOn`, `conflate`, `collectLatest`), and an event that ends a flow (`first`,
     * `take`) is not done.
     *
     * Collecting throws [SpragException] as [Client.events] and [Client.done] do, and `IllegalStateException` if somebody
     * else collects.
     */
    public val events: Flow<Event> = flow {
        check(collected.compareAndSet(false, true)) { "somebody else collects the events" }
        try {
            while (!isClosed) {
                val seen = news.rings
                val page = patiently { it.events(max = PAGE) } ?: break
                for (event in page) {
                    emit(event)
                    withContext(NonCancellable) { patiently { it.done(listOf(event.id)) } }?.let(::note)
                    if (isClosed) break
                }
                if (page.isEmpty()) news.await(seen)
            }
        } finally {
            collected.set(false)
        }
    }

    /**
     * Carries requests out, in their order, until the coroutine is cancelled or the driver is closed. While the client is
     * suspended it rests. When it is cancelled it gives back what it has not carried out.
     *
     * @throws SpragException What the client answers, other than that it is busy or suspended.
     * @throws IllegalStateException If it is running already.
     */
    public suspend fun run() {
        check(running.compareAndSet(false, true)) { "the driver runs already" }
        try {
            schedule.now()
            while (!isClosed) {
                currentCoroutineContext().ensureActive()
                val seen = work.rings
                try {
                    wakeIfDue()
                    carryOutAll()
                } catch (error: SpragException) {
                    if (!isClosed && !error.isTransient) throw error
                    schedule.later()
                }
                if (!isClosed) work.await(seen, schedule.rest())
            }
        } finally {
            running.set(false)
        }
    }

    /**
     * Sends a message. It is durable on return, and leaves while the driver runs.
     *
     * @return Its id and state. The requests are the driver's: there are none in it.
     * @throws SpragException As [Client.send].
     */
    @Throws(SpragException::class, CancellationException::class)
    public suspend fun send(
        conversation: Conversation,
        content: Content,
        options: SendOptions = SendOptions(),
    ): Sent {
        val sent = order.withLock {
            call { it.send(conversation, content, options) }.also { leased = leased + it.requests }
        }
        note(sent.pending)
        work.ring()
        return sent.copy(requests = emptyList())
    }

    /**
     * Takes messages that came from the server, in the order in which they came, and judges each. Durable on return: the app
     * may acknowledge them.
     *
     * @return A verdict for each, in that order.
     * @throws SpragException As [Client.deliver].
     */
    @Throws(SpragException::class, CancellationException::class)
    public suspend fun deliver(messages: List<Incoming>): List<Verdict> {
        val delivered = call { it.deliver(messages) }
        note(delivered.pending)
        work.ring()
        return delivered.verdicts
    }

    /**
     * Any other call of the client's, where the disk may be waited for; afterwards the driver looks what came of it.
     *
     * @param body What is called. It may run more than once: it is repeated while the store is busy.
     * @return What it returns.
     * @throws SpragException What it throws.
     */
    @Throws(SpragException::class, CancellationException::class)
    public suspend fun <T> perform(body: (Client) -> T): T {
        val value = call(body)
        ring()
        return value
    }

    /** Says that something may have changed: the network is back, the phone woke up, or another process has delivered. */
    public fun kick() {
        schedule.now()
        ring()
    }

    /**
     * Closes the store until [resume]. Calls answer `Unavailable` meanwhile.
     *
     * @throws SpragException As [Client.suspend].
     */
    @Throws(SpragException::class, CancellationException::class)
    public suspend fun suspend(): Unit = call { it.suspend() }

    /**
     * Opens the store again, and goes on.
     *
     * @throws SpragException As [Client.resume].
     */
    @Throws(SpragException::class, CancellationException::class)
    public suspend fun resume() {
        call { it.resume() }
        kick()
    }

    /**
     * Ends for good: [run] returns, [events] end, and the client is shut: its keys are wiped from memory as soon as no call of
     * it runs any more. What was not carried out is offered again when the store is opened the next time.
     */
    override fun close() {
        isClosed = true
        client.shut()
        ring()
    }

    private suspend fun wakeIfDue() {
        if (!schedule.isDue()) return
        val left = attempt(null) { stock() }
        schedule.woken()
        note(call { it.wake(oneTimeLeft = left) })
    }

    private suspend fun carryOutAll() {
        while (!isClosed) {
            val requests = next()
            if (requests.isEmpty()) return
            carryOut(requests)
        }
    }

    /** What is leased to us comes before what the store still has: it is older. */
    private suspend fun next(): List<Request> = order.withLock { taken().ifEmpty { call { it.requests(PAGE) } } }

    private fun taken(): List<Request> {
        val now = (System.currentTimeMillis() / 1000).toULong()
        return leased.filter { it.leaseUntil > now }.also { leased = emptyList() }
    }

    /**
     * After one that has to be tried again the rest is put off as well: order is kept. So is what was leased meanwhile: later
     * the engine holds it back by itself.
     */
    private suspend fun carryOut(requests: List<Request>) {
        var isPutOff = false
        try {
            for (request in requests) isPutOff = !answer(request, isPutOff) || isPutOff
            if (isPutOff) withContext(NonCancellable) { order.withLock { taken() }.forEach { answer(it, true) } }
        } catch (error: SpragException) {
            if (!isClosed) throw error
        }
        currentCoroutineContext().ensureActive()
    }

    /** Carries a request out, or puts it off; whether the next one may go. */
    private suspend fun answer(request: Request, isPutOff: Boolean): Boolean {
        if (request.action is Action.Other) return true
        val outcome = when {
            isClosed || !currentCoroutineContext().isActive -> Outcome.Retry(0u)
            isPutOff -> Outcome.Retry(1u)
            else -> attempt(Outcome.Retry(null)) { transport(request) } ?: Outcome.Retry(0u)
        }
        withContext(NonCancellable) { note(call { it.respond(request.id, outcome) }) }
        return outcome !is Outcome.Retry
    }

    /** What the app's function answers; [otherwise] if it throws, and null if it is cancelled with us. */
    private suspend fun <T : Any> attempt(otherwise: T?, body: suspend () -> T?): T? = try {
        body()
    } catch (_: Exception) {
        // A time-out of the app's own is a cancellation too, and not ours.
        if (currentCoroutineContext().isActive) otherwise else null
    }

    private fun note(pending: Pending) {
        if (schedule.note(pending)) work.ring()
        if (pending.events > 0uL) news.ring()
    }

    private fun ring() {
        work.ring()
        news.ring()
    }

    /** Runs a call where it may block, and repeats it while the store is in the hands of another process. */
    private suspend fun <T> call(body: (Client) -> T): T = withContext(Dispatchers.IO) {
        repeat(TRIES) {
            try {
                return@withContext body(client)
            } catch (_: SpragException.Busy) {
                delay(TRY_AGAIN)
            }
        }
        body(client)
    }

    /** Calls until the client is not suspended; null when the driver is closed. */
    private suspend fun <T> patiently(body: (Client) -> T): T? {
        while (true) {
            val seen = news.rings
            try {
                return call(body)
            } catch (error: SpragException) {
                if (isClosed) return null
                if (!error.isTransient) throw error
            }
            news.await(seen, Schedule.PAUSE)
        }
    }

    private companion object {
        const val PAGE = 64u
        const val TRIES = 50
        const val TRY_AGAIN = 100L
    }
}
