import dev.sprag.Client
import dev.sprag.Content
import dev.sprag.Conversation
import dev.sprag.Driver
import dev.sprag.Event
import dev.sprag.Incoming
import dev.sprag.MessageState
import dev.sprag.Outcome
import dev.sprag.SpragException
import dev.sprag.What
import dev.sprag.reasonText
import dev.sprag.text
import java.io.IOException
import java.io.PrintStream
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardOpenOption
import java.nio.file.attribute.PosixFilePermissions
import java.security.SecureRandom
import kotlin.system.exitProcess
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.runInterruptible

/**
 * A small messenger: ChatKt --as NAME --with NAME --relay URL --store FILE
 *
 * Each line of standard input goes to the other one, and what comes is shown as "NAME: text". When the input has ended and all
 * of it has left, it ends. Relay.kt does the HTTP, and Sprag's driver the rest. The key lies in FILE.key: a real app keeps it
 * in the platform's key store.
 */
fun main(arguments: Array<String>) {
    val given = arguments.toList().chunked(2).associate { it.first() to it.last() }
    val (name, peer, url, store) = listOf("--as", "--with", "--relay", "--store").map {
        given[it] ?: fail("ChatKt --as NAME --with NAME --relay URL --store FILE")
    }
    val (key, token) = secrets(Path.of(store), Path.of("$store.key"))
    val account = name.encodeToByteArray()
    val client = try {
        Client.open(store, key, account)
    } catch (_: SpragException.NoStore) {
        Client.create(store, key, account)
    }
    client.use {
        val relay = Relay(url, account, client.device(), token)
        runBlocking(Dispatchers.Default) { Chat(client, relay, peer).run() }
    }
}

/** Two people, on one device. */
class Chat(client: Client, private val relay: Relay, private val peer: String) {
    private val sent = mutableListOf<ByteArray>()
    private val driver = Driver(client, stock = { relay.stock() }) { request ->
        relay.carryOut(request).also { if (it is Outcome.Published) note("keys are published") }
    }

    /** Until the input has ended and everything has left. */
    suspend fun run() = coroutineScope {
        val work = launch {
            launch { driver.run() }
            launch { fetch() }
            launch { driver.events.collect { show(it) } }
        }
        while (true) send(runInterruptible(Dispatchers.IO) { input.readLine() } ?: break)
        while (sent.any { id -> driver.perform { it.state(id) } in ON_ITS_WAY }) delay(LOOK)
        work.cancelAndJoin()
        driver.close()
    }

    private suspend fun send(line: String) {
        try {
            sent += driver.send(Conversation.Direct(peer.encodeToByteArray()), Content.Text(line)).message
        } catch (error: SpragException.Misuse) {
            note(error.text)
        }
    }

    /** Fetches mail, delivers it, and says so to the relay: from then on Sprag has it. */
    private suspend fun fetch() {
        var cursor = 0L
        while (true) {
            try {
                val mail = relay.mail(cursor)
                driver.deliver(mail.map { Incoming(it.bytes, it.sender) })
                cursor = mail.lastOrNull()?.number ?: continue
                relay.acknowledge(cursor)
            } catch (_: IOException) {
                delay(PAUSE)
            }
        }
    }

    /** Shows what happened. It is done when it is on the screen: after a crash it is shown again. */
    private fun show(event: Event) {
        when (val what = event.what) {
            is What.Message -> (what.content as? Content.Text)?.let { screen.println("${what.sender.decodeToString()}: ${it.text}") }
            is What.Progress -> note(listOfNotNull(what.state.name.lowercase(), what.reason?.let(::reasonText)).joinToString())
            is What.Unreadable -> note("a message cannot be read: ${reasonText(what.reason)}")
            is What.IdentityChanged -> note("another identity is offered for ${what.account.decodeToString()}")
            else -> note(what.javaClass.simpleName)
        }
    }

    private companion object {
        /** Milliseconds. */
        const val PAUSE = 1_000L
        const val LOOK = 50L

        val ON_ITS_WAY = listOf(MessageState.WAITING_KEYS, MessageState.READY)
    }
}

private val input = System.`in`.bufferedReader(Charsets.UTF_8)
private val screen = PrintStream(System.out, true, Charsets.UTF_8)

/** What is not said by people. */
private fun note(words: String) = System.err.println("($words)")

private fun fail(words: String): Nothing {
    System.err.println(words)
    exitProcess(2)
}

/** The store's key and the relay's token: read, or made on the first start for the owner alone. */
private fun secrets(store: Path, file: Path): Pair<ByteArray, ByteArray> {
    if (!Files.exists(file)) {
        if (Files.exists(store)) fail("$file: the store is there and its key is not")
        val owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
        Files.createFile(file, owner)
        val fresh = ByteArray(64).also(SecureRandom()::nextBytes)
        Files.write(file, fresh, StandardOpenOption.SYNC)
    }
    val secret = Files.readAllBytes(file)
    if (secret.size != 64) fail("$file: this is not a key file of 64 bytes")
    return secret.copyOf(32) to secret.copyOfRange(32, 64)
}
