package dev.sprag

import kotlin.test.assertTrue

/** What an app's server keeps: lists, prekeys and mail. */
internal class Server {
    private val lists = HashMap<String, ListWrite>()
    private val signed = HashMap<String, ByteArray>()
    private val oneTime = HashMap<String, MutableList<ByteArray>>()
    private val mail = HashMap<String, MutableList<Incoming>>()

    fun carryOut(client: Client, request: Request) {
        outcome(client, request.action)?.let { client.respond(request.id, it) }
    }

    /** Does what a request says. */
    @Synchronized
    fun outcome(client: Client, action: Action): Outcome? = when (action) {
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

    /** Whether somebody has published a list. */
    @Synchronized
    fun knows(name: String): Boolean = name in lists

    /** What came for a client, as its app would fetch it. */
    @Synchronized
    fun mail(client: Client): List<Incoming> = mail.remove(client.account().decodeToString()).orEmpty()

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
                val batch = mail(client)
                val verdicts = client.deliver(batch).verdicts
                assertTrue(verdicts.all { it.finding is Finding.Opened }, "$verdicts")
                busy = busy || batch.isNotEmpty()
                client.wake()
            }
        }
    }
}

/** A client on a store in memory. */
internal fun phone(name: String): Client = Client.create(null, ByteArray(32) { 1 }, name.encodeToByteArray())

/** The conversation with somebody. */
internal fun with(name: String): Conversation = Conversation.Direct(name.encodeToByteArray())
