package dev.sprag

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** What an app's server keeps: lists, prekeys and mail. */
private class Server {
    private val lists = HashMap<String, ListWrite>()
    private val signed = HashMap<String, ByteArray>()
    private val oneTime = HashMap<String, MutableList<ByteArray>>()
    private val mail = HashMap<String, MutableList<Incoming>>()

    fun carryOut(client: Client, request: Request) {
        outcome(client, request.action)?.let { client.respond(request.id, it) }
    }

    private fun outcome(client: Client, action: Action): Outcome? = when (action) {
        is Action.PublishKeys -> publish(action)
        is Action.FetchKeys -> {
            val (known, absent) = action.accounts.map { it.account }.partition { lists.containsKey(it.decodeToString()) }
            Outcome.Keys(
                known.map { account ->
                    val name = account.decodeToString()
                    val once = if (action.oneTime) oneTime.getValue(name).removeLastOrNull() else null
                    Found(account, listOfNotNull(lists.getValue(name).`object`, signed.getValue(name), once))
                },
                absent,
            )
        }
        is Action.Send -> {
            val sender = client.account()
            action.to.forEach {
                mail.getOrPut(it.decodeToString()) { mutableListOf() }
                    .add(Incoming(action.blob, sender, Conversation.Direct(sender)))
            }
            Outcome.Accepted(null, null)
        }
        is Action.Other -> null
    }

    private fun publish(action: Action.PublishKeys): Outcome {
        val name = action.account.decodeToString()
        action.list?.let {
            val held = lists[name]
            if (it.expected != (held?.sequence ?: 0UL)) return Outcome.Conflict(held?.`object` ?: ByteArray(0))
            lists[name] = it
        }
        action.signedPrekey?.let { signed[name] = it }
        val queue = oneTime.getOrPut(name) { mutableListOf() }
        if (action.resetOneTime) queue.clear()
        queue.addAll(action.oneTime)
        return Outcome.Published(queue.size.toUInt())
    }

    /** Carries out what anybody has to do until nobody has anything. */
    fun settle(vararg clients: Client) {
        var busy = true
        while (busy) {
            busy = false
            for (client in clients) {
                for (request in client.requests()) {
                    carryOut(client, request)
                    busy = true
                }
                mail.remove(client.account().decodeToString())?.let { batch ->
                    val verdicts = client.deliver(batch).verdicts
                    assertTrue(verdicts.all { it.finding is Finding.Opened }, "$verdicts")
                    busy = true
                }
                client.wake()
            }
        }
    }
}

class ConversationTest {
    private fun say(server: Server, client: Client, to: String, words: String) {
        val conversation = Conversation.Direct(to.encodeToByteArray())
        val sent = client.send(conversation, Content.Text(words), SendOptions())
        sent.requests.forEach { server.carryOut(client, it) }
    }

    private fun shown(client: Client): List<String> {
        val events = client.events()
        client.done(events.map { it.id })
        return events.mapNotNull { ((it.what as? What.Message)?.content as? Content.Text)?.text }
    }

    @Test
    fun twoPeopleTalk() {
        val server = Server()
        Client.create(null, ByteArray(32) { 1 }, "alice".encodeToByteArray()).use { alice ->
            Client.create(null, ByteArray(32) { 2 }, "bob".encodeToByteArray()).use { bob ->
                server.settle(alice, bob)
                for (line in listOf("Grüß dich 👋🏽", "e\u0301", "x".repeat(65536))) {
                    say(server, alice, "bob", line)
                    server.settle(alice, bob)
                    assertEquals(listOf(line), shown(bob))
                    say(server, bob, "alice", line)
                    server.settle(alice, bob)
                    assertEquals(listOf(line), shown(alice))
                }
                val number = alice.contact("bob".encodeToByteArray()).digits.orEmpty()
                assertEquals(number, bob.contact("alice".encodeToByteArray()).digits)
                assertEquals(60, number.length)
                val fresh = alice.freshness("bob".encodeToByteArray()).single()
                assertEquals(bob.device(), fresh.device)
                assertEquals(0uL, fresh.epoch)
                assertTrue(fresh.sinceEpoch >= 6u)
            }
        }
    }

    @Test
    fun theUserDecidesByTheNumberThatTheySaw() {
        val server = Server()
        val name = "bob".encodeToByteArray()
        val policy = defaultPolicy().copy(onChange = OnChange.HOLD_ALL)
        Client.create(null, ByteArray(32) { 1 }, "alice".encodeToByteArray(), policy).use { alice ->
            Client.create(null, ByteArray(32) { 2 }, name).use { bob ->
                server.settle(alice, bob)
                say(server, alice, "bob", "hello")
                server.settle(alice, bob)
                assertEquals(listOf(Protection.ENCRYPTED), alice.protections(listOf(Conversation.Direct(name))))
                val seen = alice.contact(name).digits.orEmpty()
                assertFailsWith<SpragException.NotAllowed> { alice.confirm(name, seen.reversed()) }
                alice.confirm(name, seen.chunked(5).joinToString(" "))
                assertEquals(Trust.VERIFIED, alice.contact(name).trust)
                alice.acceptChange(name, seen)
                assertFailsWith<SpragException.NotAllowed> { alice.acceptChange(name, "1") }
                alice.forget(name, seen)
                assertEquals(Trust.UNSEEN, alice.contact(name).trust)
                assertEquals(null, alice.contact(name).digits)
            }
        }
    }

    @Test
    fun aNewDeviceShowsItsCodeAndOthersAreListed() {
        Client.link(null, ByteArray(32) { 3 }, "alice".encodeToByteArray()).use { tablet ->
            assertEquals(6, tablet.linkCode().digits.length)
            assertFailsWith<SpragException.NotAllowed> { tablet.devices() }
        }
        Client.create(null, ByteArray(32) { 1 }, "alice".encodeToByteArray()).use { alice ->
            val device = alice.devices().single()
            assertEquals(alice.device(), device.id)
            assertTrue(device.isThis && device.holdsAccountKey)
            assertFailsWith<SpragException.NotAllowed> { alice.linkCode() }
            val room = Conversation.Room("den".encodeToByteArray(), listOf("bob".encodeToByteArray()))
            assertEquals(MessageState.WAITING_KEYS, alice.send(room, Content.Text("hello"), SendOptions()).state)
        }
    }

    @Test
    fun mistakesAreErrors() {
        val error = assertFailsWith<SpragException.Misuse> {
            Client.create(null, ByteArray(3), "x".encodeToByteArray())
        }
        assertTrue(error.message.orEmpty().startsWith("12:"))
        assertFalse(recognise("hello".encodeToByteArray()))
    }
}
