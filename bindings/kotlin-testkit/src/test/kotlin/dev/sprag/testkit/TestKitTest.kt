package dev.sprag.testkit

import dev.sprag.Client
import dev.sprag.Content
import dev.sprag.Conversation
import dev.sprag.SendOptions
import dev.sprag.Sent
import dev.sprag.SpragException
import dev.sprag.What
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test

/** The test kit over its real library: what an app's own tests would do with it. */
class TestKitTest {
    private class World(seed: ULong) : AutoCloseable {
        val kit = TestKit(seed)
        val alice: Client = phone("alice")
        val bob: Client = phone("bob")

        init {
            settle()
        }

        private fun phone(name: String) = kit.create(null, ByteArray(32) { 7 }, name.encodeToByteArray())

        fun settle() = kit.settle(listOf(alice, bob))

        fun say(words: String): Sent {
            val to = Conversation.Direct("bob".encodeToByteArray())
            return alice.send(to, Content.Text(words), SendOptions())
        }

        fun shown(): List<String> {
            val events = bob.events()
            bob.done(events.map { it.id })
            return events.mapNotNull { ((it.what as? What.Message)?.content as? Content.Text)?.text }
        }

        override fun close() {
            alice.close()
            bob.close()
            kit.close()
        }
    }

    @Test
    fun `a seed decides everything`() {
        fun course(seed: ULong) = World(seed).use { world ->
            world.say("hello")
            world.settle()
            assertEquals(listOf("hello"), world.shown())
            assertFalse(world.kit.hasCarried("hello".encodeToByteArray()))
            world.alice.contact("bob".encodeToByteArray()).digits to world.alice.diagnose().text
        }
        assertEquals(course(7u), course(7u))
        assertNotEquals(course(7u).first, course(8u).first)
    }

    @Test
    fun `an app's own network is answered`() {
        World(1u).use { world ->
            var requests = world.say("hello").requests
            while (requests.isNotEmpty()) {
                requests.forEach { world.alice.respond(it.id, world.kit.answer(world.alice, it.action)) }
                requests = world.alice.requests()
            }
            val batch = world.kit.collect(world.bob)
            assertArrayEquals("alice".encodeToByteArray(), batch.single().sender)
            world.bob.deliver(batch)
            assertEquals(listOf("hello"), world.shown())
        }
    }

    @Test
    fun `the weather and the clock are as they are made`() {
        World(2u).use { world ->
            world.kit.setWeather(doubled = 1_000u)
            world.say("twice")
            world.settle()
            assertEquals(listOf("twice"), world.shown())
            assertEquals(world.kit.carried().sent, world.kit.carried().doubled)
            val before = world.kit.now()
            world.kit.passTime(3_600u)
            assertEquals(before + 3_600u, world.kit.now())
            world.alice.shut()
            assertThrows(SpragException.Misuse::class.java) { world.kit.collect(world.alice) }
        }
    }
}
