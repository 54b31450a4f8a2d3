package dev.sprag

import java.io.File
import java.nio.file.Path
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertTrue
import org.junit.jupiter.api.io.TempDir

/** A phone of the story, and what the server keeps for it while it is closed, too. */
private class Handset(val account: String) {
    lateinit var client: Client
    var isOpen = false
    var signed: ByteArray? = null
    var oneTime = emptyList<ByteArray>()
    val mailbox = ArrayDeque<Incoming>()
}

/** The server of the story. */
private class StoryServer(private val handsets: Map<String, Handset>) {
    private val lists = HashMap<String, ListWrite>()

    fun answer(handset: Handset, action: Action): Outcome = when (action) {
        is Action.PublishKeys -> publish(handset, action)
        is Action.FetchKeys -> {
            val (known, absent) = action.accounts.map { it.account }.partition { it.decodeToString() in lists }
            Outcome.Keys(known.map { Found(it, keys(it.decodeToString())) }, absent)
        }
        is Action.Send -> {
            val to = action.to.map { it.decodeToString() }
            val incoming = Incoming(action.blob, handset.account.encodeToByteArray())
            handsets.values.filter { it.account in to }.forEach { it.mailbox += incoming }
            Outcome.Accepted(null, null)
        }
        is Action.Other -> Outcome.Retry(null)
    }

    private fun publish(handset: Handset, action: Action.PublishKeys): Outcome {
        action.list?.let {
            val known = lists[handset.account]
            if (it.expected != (known?.sequence ?: 0uL)) return Outcome.Conflict(known?.`object` ?: ByteArray(0))
            lists[handset.account] = it
        }
        handset.signed = action.signedPrekey ?: handset.signed
        handset.oneTime = (if (action.resetOneTime) emptyList() else handset.oneTime) + action.oneTime
        return Outcome.Published(handset.oneTime.size.toUInt())
    }

    private fun keys(account: String): List<ByteArray> = listOf(lists.getValue(account).`object`) +
        handsets.values.filter { it.account == account && it.signed != null }.flatMap { handset ->
            val once = handset.oneTime.take(1)
            handset.oneTime = handset.oneTime.drop(1)
            listOfNotNull(handset.signed) + once
        }
}

private class Replay(private val folder: Path) {
    private val handsets = LinkedHashMap<String, Handset>()
    private val server = StoryServer(handsets)
    private var hand = ByteArray(0)

    fun run(line: String) {
        val words = line.substringBefore(" : ").split(" ")
        val text = if (" : " in line) spelled(line.substringAfter(" : ")) else ""
        val step = if (words[0] in TAGS) words.drop(1) else words
        if (step[0] != "fails") return step(step[0], step.drop(1), text)
        val error = assertFailsWith<SpragException> { step(step[2], step.drop(3), text) }
        assertEquals(step[1].toInt(), error.code, "$error")
    }

    private fun step(step: String, words: List<String>, text: String) {
        if (step in STORES) return store(step, words)
        if (step in HANDS) return inTheHand(step, words, text)
        if (step in PEOPLE) return people(step, words)
        val phone = words.firstOrNull().orEmpty()
        when (step) {
            "settle" -> settle()
            "carry" -> carry(phone)
            "say" -> send(phone, with(words[1]), words[2], text)
            "room" -> send(phone, Conversation.Room(words[1].bytes(), words.drop(3).map { it.bytes() }), words[2], text)
            "state" -> assertEquals(words[2], name(client(phone).state(words[1].bytes())))
            "cancel" -> client(phone).cancel(words[1].bytes())
            "shows" -> shows(phone, words, text)
            "raises" -> event(phone, words[1])
            "quiet" -> quiet(phone)
            else -> error("no step is called $step")
        }
    }

    private fun store(step: String, words: List<String>) {
        val handset = handsets[words[0]]
        when (step) {
            "create", "link", "open" -> start(step, words)
            "close" -> handset!!.apply { client.shut(); isOpen = false }
            "erase" -> handset!!.apply { client.erase(); isOpen = false }
            "rekey" -> client(words[0]).rekey(key(words[1]))
            "suspend" -> client(words[0]).suspend()
            "resume" -> client(words[0]).resume()
            "policy" -> client(words[0]).configure(policy(words[1]))
        }
    }

    private fun start(step: String, words: List<String>) {
        val (phone, account, key, file) = words
        val place = if (file == "-") null else folder.resolve(file).toString()
        val client = when (step) {
            "create" -> Client.create(place, key(key), account.bytes())
            "link" -> Client.link(place, key(key), account.bytes())
            else -> Client.open(place!!, key(key), account.bytes())
        }
        handsets.getOrPut(phone) { Handset(account) }.apply { this.client = client; isOpen = true }
    }

    private fun inTheHand(step: String, words: List<String>, text: String) {
        when (step) {
            "take" -> hand = handsets.getValue(words[0]).mailbox.removeFirst().bytes
            "hold" -> hand = text.bytes()
            "spoil" -> hand[hand.lastIndex] = (hand.last().toInt() xor 1).toByte()
            "around" -> hand = "$text\n${hand.decodeToString()}\n$text".bytes()
            "recognise" -> assertEquals(words[0] == "yes", recognise(hand))
            "peek" -> {
                val found = assertIs<Preview.Message>(client(words[0]).peek(Incoming(hand, words[1].bytes())))
                assertEquals(words[1] to text, found.sender.decodeToString() to (found.content as? Content.Text)?.text)
            }
            "deliver" -> {
                val incoming = Incoming(hand.copyOf(), words[1].bytes(), with(words[1]))
                assertEquals(words[2], name(client(words[0]).deliver(listOf(incoming)).verdicts.single().finding))
            }
        }
    }

    private fun people(step: String, words: List<String>) {
        val (one, other) = handsets[words[0]] to handsets[words.getOrNull(1)]
        val (client, account) = client(words[0]) to words.getOrElse(1) { "" }.bytes()
        when (step) {
            "card" -> assertEquals(one!!.account, other!!.client.importCard(client.card().link.bytes()).decodeToString())
            "numbers" -> {
                val digits = client.contact(other!!.account.bytes()).digits
                assertEquals(digits, other.client.contact(one!!.account.bytes()).digits)
                assertEquals(60, digits?.length)
            }
            "confirm" -> client.confirm(account, digits(client.contact(account).digits.orEmpty(), words.getOrNull(2)))
            "trust" -> assertEquals(words[2], name(client.contact(account).trust))
            "protection" -> assertEquals(words[2], name(client.protections(listOf(with(words[1]))).single()))
            "admit" -> other!!.client.linkCode().let { client.admit(it.bytes, digits(it.digits, words.getOrNull(2)), false) }
            "devices" -> assertEquals(words[1].toInt(), client.devices().size)
            "revoke" -> client.revoke(other!!.client.device())
        }
    }

    private fun client(phone: String) = handsets.getValue(phone).client

    private fun send(phone: String, conversation: Conversation, id: String, text: String) {
        carryOut(phone, client(phone).send(conversation, Content.Text(text), SendOptions(id.bytes())).requests)
    }

    private fun carryOut(phone: String, requests: List<Request>): Boolean {
        requests.forEach { client(phone).respond(it.id, server.answer(handsets.getValue(phone), it.action)) }
        return requests.isNotEmpty()
    }

    private fun carry(phone: String): Boolean {
        var isBusy = false
        while (carryOut(phone, client(phone).requests())) isBusy = true
        return isBusy
    }

    private fun settle() {
        do {
            var isBusy = false
            for ((phone, handset) in handsets.filterValues { it.isOpen }) {
                isBusy = carry(phone) or handset.mailbox.isNotEmpty() or isBusy
                val mail = handset.mailbox.toList().also { handset.mailbox.clear() }
                handset.client.deliver(mail)
                handset.client.wake()
            }
        } while (isBusy)
    }

    private fun events(phone: String) =
        generateSequence(client(phone).events()) { page -> page.lastOrNull()?.let { client(phone).events(it.id) } }
            .takeWhile { it.isNotEmpty() }.flatten()

    /** The oldest event of this kind, which is done. */
    private fun event(phone: String, kind: String): What {
        val event = events(phone).first { name(it.what) == kind }
        client(phone).done(listOf(event.id))
        return event.what
    }

    private fun shows(phone: String, words: List<String>, text: String) {
        val what = assertIs<What.Message>(event(phone, "message"))
        assertEquals(words[1] to text, what.sender.decodeToString() to (what.content as? Content.Text)?.text)
        assertEquals(words[1] == handsets.getValue(phone).account, what.outgoing)
        when (val conversation = what.conversation) {
            is Conversation.Room -> assertEquals(words[3], conversation.id.decodeToString())
            else -> assertTrue(conversation is Conversation.Direct && words.size == 2)
        }
    }

    private fun quiet(phone: String) {
        val all = events(phone).toList()
        client(phone).done(all.map { it.id })
        assertTrue(all.none { it.what is What.Message })
    }

    fun close() = handsets.values.forEach { it.client.shut() }

    companion object {
        /** A client that was shut can still be called. There is no null, text is text, and no buffers are brought. */
        val TAGS = setOf("@shut")
        val STORES = setOf("create", "link", "open", "close", "erase", "rekey", "suspend", "resume", "policy")
        val HANDS = setOf("take", "hold", "spoil", "around", "recognise", "peek", "deliver")
        val PEOPLE = setOf("card", "numbers", "confirm", "trust", "protection", "admit", "devices", "revoke")

        private fun String.bytes() = encodeToByteArray()

        private fun spelled(text: String): String {
            if (!text.startsWith("*")) return text
            val (times, word) = text.drop(1).split(" ", limit = 2)
            return word.repeat(times.toInt())
        }

        private fun key(word: String) =
            if (word == "short") ByteArray(31) else ByteArray(32) { word.toInt().toByte() }

        private fun digits(digits: String, word: String?) =
            if (word == null) digits else (if (digits.first() == '1') "2" else "1") + digits.drop(1)

        private fun policy(word: String) = when (word) {
            "text" -> defaultPolicy().copy(armor = Armor.TEXT, fallbackText = "A message")
            "read" -> defaultPolicy().copy(rollout = Rollout.READ)
            else -> defaultPolicy()
        }

        /** The name that a value has in the story. */
        private fun name(value: Any): String = if (value is Enum<*>) {
            value.name.lowercase()
        } else {
            value.javaClass.simpleName.replace(Regex("(?<=[a-z])[A-Z]"), "_$0").lowercase()
        }
    }
}

class StoryTest {
    @TempDir
    lateinit var folder: Path

    @Test
    fun theStoryIsAsItIsTold() {
        val replay = Replay(folder)
        var steps = 0
        File(System.getProperty("sprag.story")).readLines().forEachIndexed { number, line ->
            if (line.isEmpty() || line.startsWith("#")) return@forEachIndexed
            if (line.startsWith("@") && line.substringBefore(' ') !in Replay.TAGS) return@forEachIndexed
            try {
                replay.run(line)
            } catch (error: Throwable) {
                throw AssertionError("story.txt:${number + 1}: $line", error)
            }
            steps++
        }
        replay.close()
        assertTrue(steps > 150, "$steps steps")
    }
}
