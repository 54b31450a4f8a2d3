import dev.sprag.*

/** What the app's server does: it keeps keys, and carries messages. */
val keys = mutableMapOf<String, List<ByteArray>>()
val mail = mutableListOf<ByteArray>()

fun carryOut(client: Client, requests: List<Request>) = requests.forEach { request ->
    val outcome = when (val action = request.action) {
        is Action.PublishKeys -> {
            keys[action.account.decodeToString()] = listOfNotNull(action.list?.`object`, action.signedPrekey)
            Outcome.Published(null)
        }
        is Action.FetchKeys -> {
            val (known, absent) = action.accounts.map { it.account }.partition { it.decodeToString() in keys }
            Outcome.Keys(known.map { Found(it, keys.getValue(it.decodeToString())) }, absent)
        }
        is Action.Send -> {
            mail += action.blob
            Outcome.Accepted(null, null)
        }
        is Action.Other -> Outcome.Retry(null)
    }
    client.respond(request.id, outcome)
}

// An app gives a file, and a random key that the platform's key store keeps.
fun phone(name: String) = Client.create(null, ByteArray(32) { 7 }, name.encodeToByteArray())

fun main() {
    val (alice, bob) = listOf("alice", "bob").map(::phone)
    carryOut(alice, alice.requests()) // publishes her keys
    carryOut(bob, bob.requests()) // and his

    val sent = alice.send(Conversation.Direct(bob.account()), Content.Text("hello"), SendOptions())
    carryOut(alice, sent.requests) // asks for Bob's keys
    carryOut(alice, alice.requests()) // and now the message

    bob.deliver(mail.map { Incoming(it, alice.account()) })
    for (event in bob.events()) {
        val message = event.what as? What.Message
        (message?.content as? Content.Text)?.let { println("${message.sender.decodeToString()} says ${it.text}") }
        bob.done(listOf(event.id)) // after the app has stored it
    }
    listOf(alice, bob).forEach { it.close() } // wipes their keys
}
