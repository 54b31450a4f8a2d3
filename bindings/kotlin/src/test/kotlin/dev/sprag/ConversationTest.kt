package dev.sprag

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

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
            val code = tablet.linkCode()
            assertEquals(6, code.digits.length)
            assertEquals("LinkCode(expires: ${code.expires})", code.toString())
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
