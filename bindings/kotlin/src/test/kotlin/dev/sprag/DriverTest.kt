package dev.sprag

import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.collect
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

private fun Server.driver(client: Client) = Driver(client) { outcome(client, it.action) ?: Outcome.Retry(null) }

private fun text(event: Event) = ((event.what as? What.Message)?.content as? Content.Text)?.text

class DriverTest {
    /** Somebody hangs if this takes more than two minutes. */
    private fun story(body: suspend CoroutineScope.() -> Unit): Unit =
        runBlocking(Dispatchers.Default) { withTimeout(120_000) { body() } }

    /** An app that looks for mail all the time. */
    private fun CoroutineScope.fetch(server: Server, driver: Driver): Job = launch {
        while (true) {
            val mail = server.mail(driver.client)
            if (mail.isEmpty()) delay(5) else driver.deliver(mail)
        }
    }

    /** Alice's texts, as they come to Bob's screen. */
    private suspend fun talk(server: Server, alice: Driver, texts: List<String>) = coroutineScope {
        phone("bob").use { client ->
            val bob = server.driver(client)
            val screen = Channel<String>(Channel.UNLIMITED)
            val jobs = listOf(
                launch { alice.run() },
                launch { bob.run() },
                fetch(server, alice),
                fetch(server, bob),
                launch { bob.events.collect { event -> text(event)?.let { screen.send(it) } } },
                launch { alice.events.collect() },
            )
            bob.perform { it.wake() }
            while (!server.knows("bob")) delay(5)
            texts.forEach { alice.send(with("bob"), Content.Text(it)) }
            assertEquals(texts, List(texts.size) { screen.receive() })
            jobs.forEach { it.cancelAndJoin() }
            while (true) client.done(client.events().map { it.id }.ifEmpty { break })
        }
    }

    @Test
    fun whatIsSentLeavesByItselfAndInOrder() = story {
        val server = Server()
        phone("alice").use { talk(server, server.driver(it), List(20) { number -> "number $number" }) }
    }

    @Test
    fun aNetworkThatFailsIsAskedAgain() = story {
        val server = Server()
        phone("alice").use { client ->
            var failures = 0
            val alice = Driver(client) { request ->
                if (request.action is Action.Send && failures++ == 0) withTimeout(1) { awaitCancellation() }
                server.outcome(client, request.action) ?: Outcome.Retry(null)
            }
            talk(server, alice, listOf("one", "two", "three"))
            assertTrue(failures > 1)
        }
    }

    @Test
    fun anEventIsDoneWhenItsCollectorHasComeBack() = story {
        val server = Server()
        phone("alice").use { alice ->
            phone("bob").use { bob ->
                server.settle(alice, bob)
                listOf("one", "two").forEach { words ->
                    alice.send(with("bob"), Content.Text(words), SendOptions()).requests.forEach { server.carryOut(alice, it) }
                    server.settle(alice, bob)
                }
                val driver = server.driver(bob)
                val told = mutableListOf<String?>()
                suspend fun collect(atTheEnd: (String?) -> Unit) = driver.events.collect { event ->
                    told += text(event)
                    atTheEnd(text(event))
                }
                assertFailsWith<ArithmeticException> { collect { if (it == "one") throw ArithmeticException() } }
                assertFailsWith<ArithmeticException> { collect { if (it == "two") throw ArithmeticException() } }
                collect { if (it == "two") driver.close() }
                assertEquals(listOf("one", "one", "two", "two"), told.filterNotNull())
            }
        }
    }

    @Test
    fun whoIsCancelledGivesBackWhatWasNotCarriedOut() = story {
        phone("alice").use { alice ->
            val asked = CompletableDeferred<Request>()
            val driver = Driver(alice) { request ->
                asked.complete(request)
                awaitCancellation()
            }
            val running = launch { driver.run() }
            val request = asked.await()
            assertEquals(emptyList(), alice.requests())
            running.cancelAndJoin()
            val again = alice.requests()
            assertTrue(again.any { it.id == request.id && it.attempt > request.attempt }, "$again")
        }
    }

    @Test
    fun whatIsClosedEnds() = story {
        phone("alice").use { alice ->
            val driver = Driver(alice) { Outcome.Retry(60u) }
            val running = launch(start = CoroutineStart.UNDISPATCHED) { driver.run() }
            val showing = launch { driver.events.collect() }
            assertEquals("the driver runs already", assertFailsWith<IllegalStateException> { driver.run() }.message)
            driver.close()
            running.join()
            showing.join()
            assertEquals(12, assertFailsWith<SpragException.Misuse> { driver.perform { it.account() } }.code)
        }
    }

    @Test
    fun eventsAreForOneCollector() = story {
        phone("alice").use { alice ->
            val driver = Driver(alice) { Outcome.Retry(60u) }
            val first = launch(start = CoroutineStart.UNDISPATCHED) { driver.events.collect() }
            val error = assertFailsWith<IllegalStateException> { driver.events.first() }
            assertEquals("somebody else collects the events", error.message)
            first.cancelAndJoin()
        }
    }

    @Test
    fun aClientThatIsSuspendedRests() = story {
        val server = Server()
        phone("alice").use { client ->
            val driver = server.driver(client)
            driver.suspend()
            val running = launch { driver.run() }
            assertFailsWith<SpragException.Unavailable> { driver.send(with("bob"), Content.Text("hello")) }
            driver.resume()
            while (!server.knows("alice")) delay(5)
            running.cancelAndJoin()
        }
    }

    @Test
    fun timesAreKept() {
        var now = 0L
        val schedule = Schedule { now }
        val pending = Pending(0uL, 0uL, null)
        assertTrue(schedule.isDue())
        schedule.woken()
        assertEquals(Schedule.UPKEEP, schedule.rest())
        assertTrue(schedule.note(pending.copy(nextWakeMs = 5_000uL)))
        assertTrue(!schedule.note(pending.copy(nextWakeMs = 9_000uL)))
        assertEquals(5_000, schedule.rest())
        assertTrue(schedule.note(pending.copy(nextWakeMs = 0uL)))
        assertEquals(Schedule.PAUSE, schedule.rest())
        now = Schedule.PAUSE
        assertTrue(schedule.isDue())
        schedule.woken()
        assertTrue(schedule.note(pending.copy(requests = 1uL, nextWakeMs = ULong.MAX_VALUE)))
        assertEquals(Schedule.PAUSE, schedule.rest())
        schedule.now()
        assertEquals(0, schedule.rest())
    }

    @Test
    fun bytesCrossAsTheyAre() {
        val bytes = ByteArray(200_000) { (it * 31).toByte() }
        phone("alice").use { alice ->
            val sent = alice.send(with("bob"), Content.App("bytes", bytes), SendOptions(bytes.copyOf(64)))
            assertContentEquals(bytes.copyOf(64), sent.message)
        }
    }
}
