package dev.sprag

import java.lang.reflect.Method
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue
import kotlinx.coroutines.runBlocking

/** For every function of the face that can fail, one way to make it fail. */
class ErrorsTest {
    private val short = ByteArray(31)
    private val long = ByteArray(65) { 'x'.code.toByte() }
    private val bob = "bob".encodeToByteArray()
    private val digits = "1".repeat(60)

    private fun owner(use: (Client) -> Unit) = phone("alice").use(use)

    private fun candidate(use: (Client) -> Unit) =
        Client.link(null, ByteArray(32) { 3 }, "alice".encodeToByteArray()).use(use)

    private fun shut(use: (Client) -> Unit) = owner { it.shut(); use(it) }

    private fun suspended(use: (Client) -> Unit) = owner { it.suspend(); use(it) }

    private fun driven(use: suspend (Driver) -> Unit) =
        owner { client -> runBlocking { use(Driver(client) { Outcome.Retry(null) }) } }

    private val ofTheClient: Map<String, Pair<Int, () -> Unit>> = mapOf(
        "create" to (12 to { Client.create(null, short, bob).close() }),
        "link" to (12 to { Client.link(null, ByteArray(32), long).close() }),
        "open" to (7 to { Client.open("nowhere.sprag", ByteArray(32), bob).close() }),
        "erase" to (12 to { shut { it.erase() } }),
        "account" to (12 to { shut { it.account() } }),
        "device" to (12 to { shut { it.device() } }),
        "deliver" to (12 to { owner { it.deliver(listOf(Incoming(bob, long))) } }),
        "requests" to (3 to { suspended { it.requests() } }),
        "respond" to (12 to { owner { it.respond(it.requests().first().id, Outcome.Accepted(null, null)) } }),
        "wake" to (3 to { suspended { it.wake() } }),
        "send" to (12 to { owner { it.send(with("alice"), Content.Text("to myself"), SendOptions()) } }),
        "events" to (3 to { suspended { it.events() } }),
        "done" to (3 to { suspended { it.done(listOf(1uL)) } }),
        "peek" to (3 to { suspended { it.peek(Incoming(bob)) } }),
        "cancel" to (9 to { owner { it.cancel(bob) } }),
        "retry" to (9 to { owner { it.retry(bob) } }),
        "state" to (9 to { owner { it.state(bob) } }),
        "configure" to (3 to { suspended { it.configure(defaultPolicy()) } }),
        "protections" to (12 to { owner { it.protections(listOf(Conversation.Direct(long))) } }),
        "setReady" to (11 to { candidate { it.setReady(true) } }),
        "suspend" to (12 to { shut { it.suspend() } }),
        "resume" to (12 to { shut { it.resume() } }),
        "rekey" to (12 to { owner { it.rekey(short) } }),
        "contact" to (9 to { owner { it.contact(bob) } }),
        "confirm" to (9 to { owner { it.confirm(bob, digits) } }),
        "acceptChange" to (9 to { owner { it.acceptChange(bob, digits) } }),
        "forget" to (9 to { owner { it.forget(bob, digits) } }),
        "freshness" to (9 to { owner { it.freshness(bob) } }),
        "devices" to (11 to { candidate { it.devices() } }),
        "linkCode" to (11 to { owner { it.linkCode() } }),
        "admit" to (12 to { owner { it.admit(bob, "123456", false) } }),
        "revoke" to (9 to { owner { it.revoke(it.device() xor 1u) } }),
        "retire" to (11 to { owner { it.retire() } }),
        "card" to (11 to { candidate { it.card() } }),
        "importCard" to (12 to { owner { it.importCard(bob) } }),
        "diagnose" to (3 to { suspended { it.diagnose() } }),
        "probe" to (12 to { owner { it.probe(1u) } }),
    )

    private val ofTheDriver: Map<String, Pair<Int, () -> Unit>> = mapOf(
        "send" to (12 to { driven { it.send(with("alice"), Content.Text("to myself")) } }),
        "deliver" to (12 to { driven { it.deliver(listOf(Incoming(bob, long))) } }),
        "perform" to (9 to { driven { it.perform { client -> client.contact(bob) } } }),
        "suspend" to (12 to { driven { it.close(); it.suspend() } }),
        "resume" to (12 to { driven { it.close(); it.resume() } }),
    )

    /** The names of what declares that it throws, without what the compiler adds to them. */
    private fun fallible(vararg classes: Class<*>) = classes.flatMap { it.declaredMethods.toList() }
        .filter { !it.isSynthetic && SpragException::class.java in it.exceptionTypes }
        .map { method: Method -> method.name.substringBefore('-') }
        .toSet()

    private fun each(table: Map<String, Pair<Int, () -> Unit>>) = table.forEach { (name, row) ->
        val (code, call) = row
        val error = assertFailsWith<SpragException>(name) { call() }
        assertEquals(code, error.code, "$name: $error")
        assertTrue(error.text.isNotEmpty() && error.text.first() !in '0'..'9', "$name: ${error.text}")
    }

    @Test
    fun everythingThatCanFailHasATestThatItDoes() {
        assertEquals(fallible(Client::class.java, Client.Companion::class.java), ofTheClient.keys)
        assertEquals(fallible(Driver::class.java), ofTheDriver.keys)
        val functions = Class.forName("dev.sprag.SpragKt")
        assertEquals(emptySet(), fallible(functions))
    }

    @Test
    fun everythingOfTheClientThatCanFailSaysWhy() = each(ofTheClient)

    @Test
    fun everythingOfTheDriverThatCanFailSaysWhy() = each(ofTheDriver)

    @Test
    fun whatPassesIsToldFromWhatDoesNot() {
        suspended { assertTrue(assertFailsWith<SpragException.Unavailable> { it.wake() }.isTransient) }
        owner { assertFalse(assertFailsWith<SpragException.Unknown> { it.contact(bob) }.isTransient) }
    }

    @Test
    fun aClientThatWasClosedIsNotCalled() {
        val client = phone("alice")
        client.close()
        assertFailsWith<IllegalStateException> { client.wake() }
        client.close()
    }
}
