import dev.sprag.Action
import dev.sprag.Found
import dev.sprag.Outcome
import dev.sprag.Rejection
import dev.sprag.Request
import java.io.IOException
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.nio.ByteBuffer
import java.time.Duration
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible

/** A message as the relay hands it out. */
class Mail(val number: Long, val sender: ByteArray, val bytes: ByteArray)

/** The relay over HTTP; docs/relay.md says what is spoken. What cannot be reached is an `IOException`. */
class Relay(private val url: String, account: ByteArray, device: UInt, token: ByteArray) {
    private class Answer(val status: Int, val body: ByteArray)

    private val http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()
    private val headers = arrayOf(
        "X-Account", account.hex(),
        "X-Device", "%08x".format(device.toInt()),
        "Authorization", "Bearer ${token.hex()}",
    )

    /** Does what a request says, and tells what became of it. */
    suspend fun carryOut(request: Request): Outcome = when (val action = request.action) {
        is Action.PublishKeys -> publish(action)
        is Action.FetchKeys -> fetch(action)
        is Action.Send -> send(request.id, action)
        is Action.Other -> Outcome.Retry(null)
    }

    /** How many one-time prekeys of ours there are: the answer to publishing nothing. Null if that is not known. */
    suspend fun stock(): UInt? {
        val none = ByteArray(0)
        val answer = call("PUT", "/keys", join(listOf(none, none, none, none, byteArrayOf(0))))
        return if (answer.status == 200) ByteBuffer.wrap(answer.body).int.toUInt() else null
    }

    /** What waits after a number; the relay waits for some if there is nothing. */
    suspend fun mail(after: Long): List<Mail> {
        val answer = call("GET", "/mail?after=$after&wait=$POLL")
        if (answer.status != 200) throw IOException("the relay says ${answer.status}")
        return split(answer.body).chunked(3).map { (number, sender, bytes) ->
            Mail(ByteBuffer.wrap(number).long, sender.decodeToString().unhex(), bytes)
        }
    }

    /** Says that everything up to a number is on our own disk. */
    suspend fun acknowledge(number: Long) {
        call("POST", "/acknowledge?up_to=$number", ByteArray(0))
    }

    private suspend fun publish(action: Action.PublishKeys): Outcome {
        val list = action.list
        val entry = if (list == null) List(3) { ByteArray(0) } else {
            listOf(list.sequence.bytes(), list.expected.bytes(), list.`object`)
        }
        val reset = byteArrayOf(if (action.resetOneTime) 1 else 0)
        val parts = entry + listOf(action.signedPrekey ?: ByteArray(0), reset) + action.oneTime
        val answer = call("PUT", "/keys", join(parts))
        return when (answer.status) {
            200 -> Outcome.Published(ByteBuffer.wrap(answer.body).int.toUInt())
            409 -> Outcome.Conflict(answer.body)
            else -> refusal(answer.status)
        }
    }

    private suspend fun fetch(action: Action.FetchKeys): Outcome {
        val found = mutableListOf<Found>()
        val absent = mutableListOf<ByteArray>()
        for (account in action.accounts.map { it.account }) {
            val answer = call("GET", "/keys/${account.hex()}?one_time=${if (action.oneTime) 1 else 0}")
            when (answer.status) {
                200 -> found += Found(account, split(answer.body))
                404 -> absent += account
                else -> return refusal(answer.status)
            }
        }
        return Outcome.Keys(found, absent)
    }

    private suspend fun send(id: ULong, action: Action.Send): Outcome {
        var time: ULong? = null
        for (account in action.to) {
            val answer = call("POST", "/send/${account.hex()}?request=$id", join(listOf(action.blob)))
            when (answer.status) {
                200 -> time = ByteBuffer.wrap(answer.body).long.toULong()
                404 -> return Outcome.Rejected(Rejection.NO_SUCH_ACCOUNT)
                else -> return refusal(answer.status)
            }
        }
        return Outcome.Accepted(time, null)
    }

    private suspend fun call(method: String, path: String, body: ByteArray? = null): Answer {
        val publisher = if (body == null) BodyPublishers.noBody() else BodyPublishers.ofByteArray(body)
        val request = HttpRequest.newBuilder(URI.create(url + path)).headers(*headers)
            .timeout(Duration.ofSeconds(POLL + PATIENCE)).method(method, publisher).build()
        val response = runInterruptible(Dispatchers.IO) { http.send(request, BodyHandlers.ofByteArray()) }
        return Answer(response.statusCode(), response.body())
    }

    private companion object {
        /** Seconds that the relay holds a request for mail. */
        const val POLL = 25L

        /** Seconds that an answer may take besides. */
        const val PATIENCE = 30L

        const val LIMIT = 2_097_152u

        fun refusal(status: Int): Outcome = when (status) {
            413 -> Outcome.TooLarge(LIMIT)
            403 -> Outcome.Rejected(Rejection.FORBIDDEN)
            400 -> Outcome.Rejected(Rejection.OTHER)
            else -> Outcome.Retry(null)
        }

        fun ByteArray.hex() = joinToString("") { "%02x".format(it) }

        fun String.unhex() = chunked(2).map { it.toInt(16).toByte() }.toByteArray()

        fun ULong.bytes(): ByteArray = ByteBuffer.allocate(8).putLong(toLong()).array()

        /** Parts of a body, each a length in four bytes and itself. */
        fun join(parts: List<ByteArray>): ByteArray {
            val body = ByteBuffer.allocate(parts.sumOf { 4 + it.size })
            parts.forEach { body.putInt(it.size).put(it) }
            return body.array()
        }

        fun split(body: ByteArray): List<ByteArray> {
            val rest = ByteBuffer.wrap(body)
            return buildList {
                while (rest.hasRemaining()) {
                    val length = if (rest.remaining() < 4) -1 else rest.int
                    if (length !in 0..rest.remaining()) throw IOException("a body that is cut short")
                    add(ByteArray(length).also { rest.get(it) })
                }
            }
        }
    }
}
