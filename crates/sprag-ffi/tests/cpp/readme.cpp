#include <iostream>
#include <vector>

#include <sprag.hpp>

// What the app's server does: it keeps keys, and carries messages. Bytes of the library's live until their list is freed.
struct Server {
    std::vector<std::pair<std::string, std::string>> keys;
    std::string mail;

    template <class Requests>
    void carry_out(const sprag::Client &client, const Requests &requests) {
        for (const sprag::Request &request : requests) {
            sprag::Outcome outcome;
            std::vector<sprag::Part> parts;
            if (request.kind == SPRAG_REQUEST_PUBLISH_KEYS) {
                keys.emplace_back(sprag::text(request.account), sprag::text(request.list));
                keys.emplace_back(sprag::text(request.account), sprag::text(request.signed_prekey));
                outcome.kind = SPRAG_OUTCOME_PUBLISHED;
            } else if (request.kind == SPRAG_REQUEST_FETCH_KEYS) {
                for (const auto &[account, object] : keys) {
                    parts.push_back({sprag::bytes(account), sprag::bytes(object)});
                }
                outcome.kind = SPRAG_OUTCOME_KEYS;
                outcome.parts = parts.data();
                outcome.parts_len = parts.size();
            } else if (request.kind == SPRAG_REQUEST_SEND) {
                mail = sprag::text(request.blob);
                outcome.kind = SPRAG_OUTCOME_ACCEPTED;
            } else {
                continue;
            }
            client.respond(request.id, outcome);
        }
    }
};

static sprag::Client phone(const char *name) {
    // An app gives a file, and a random key that the platform's key store keeps.
    const std::vector<std::uint8_t> key(SPRAG_KEY_LEN, 7);
    sprag::Config config;
    config.key = sprag::bytes(key);
    config.account = sprag::bytes(name);
    return sprag::Client::create(config);
}

int main() try {
    Server server;
    const sprag::Client alice = phone("alice"), bob = phone("bob");
    server.carry_out(alice, alice.requests());  // publishes her keys
    server.carry_out(bob, bob.requests());      // and his

    const sprag::Sent sent = alice.send(sprag::to_account("bob", "hello"));
    server.carry_out(alice, sent.requests());   // asks for Bob's keys
    server.carry_out(alice, alice.requests());  // and now the message

    sprag::Incoming incoming;
    incoming.bytes = sprag::bytes(server.mail);
    incoming.from = sprag::bytes("alice");
    bob.deliver(incoming);
    for (const sprag::Event &event : bob.events()) {
        if (event.kind == SPRAG_EVENT_MESSAGE && event.content == SPRAG_CONTENT_TEXT) {
            std::cout << sprag::text(event.account) << " says " << sprag::text(event.body) << "\n";
        }
        bob.done(event.id);  // after the app has stored it
    }
} catch (const sprag::Error &error) {
    std::cerr << error.what() << "\n";
    return 1;
}
