// Every call of sprag.hpp, with exceptions and without: what C says, C++ says.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <vector>

#include <sprag.hpp>

#define CHECK(condition)                                                                                              \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                      \
            std::exit(1);                                                                                             \
        }                                                                                                             \
    } while (0)

// The call throws this code.
#define THROWS(status, call)                                                                                          \
    do {                                                                                                              \
        sprag_status thrown = SPRAG_OK;                                                                               \
        try {                                                                                                         \
            (void)(call);                                                                                             \
        } catch (const sprag::Error &error) {                                                                         \
            thrown = error.code();                                                                                    \
            CHECK(std::string_view(error.what()) == sprag_status_str(status));                                        \
        }                                                                                                             \
        CHECK(thrown == (status));                                                                                    \
    } while (0)

using sprag::bytes;
using sprag::text;

static const std::array<std::uint8_t, SPRAG_KEY_LEN> key{7};

// A directory and a mailbox: the latest objects of each account, and the last blob.
struct Server {
    std::map<std::string, std::array<std::string, 2>> keys;
    std::string mail;

    template <class Requests>
    void carry_out(const sprag::Client &client, const Requests &requests) {
        for (const sprag::Request &request : requests) {
            sprag::Outcome outcome;
            std::vector<sprag::Part> parts;
            if (request.kind == SPRAG_REQUEST_PUBLISH_KEYS) {
                std::array<std::string, 2> &ours = keys[std::string(text(request.account))];
                const std::array<sprag_bytes, 2> objects{request.list, request.signed_prekey};
                for (std::size_t i = 0; i < 2; i++) {
                    if (objects[i].ptr != nullptr) {
                        ours[i] = text(objects[i]);
                    }
                }
                outcome.kind = SPRAG_OUTCOME_PUBLISHED;
            } else if (request.kind == SPRAG_REQUEST_FETCH_KEYS) {
                for (const auto &[account, objects] : keys) {
                    for (const std::string &object : objects) {
                        parts.push_back({bytes(account), bytes(object)});
                    }
                }
                outcome.kind = SPRAG_OUTCOME_KEYS;
                outcome.parts = parts.data();
                outcome.parts_len = parts.size();
            } else {
                CHECK(request.kind == SPRAG_REQUEST_SEND);
                mail = text(request.blob);
                outcome.kind = SPRAG_OUTCOME_ACCEPTED;
            }
            client.respond(request.id, outcome);
        }
    }

    void work(const sprag::Client &client) {
        for (sprag::Requests requests = client.requests(); !requests.empty(); requests = client.requests()) {
            carry_out(client, requests);
        }
    }
};

static sprag::Client phone(const char *name, std::uint32_t start = 0) {
    sprag::Config config;
    config.start = start;
    config.key = bytes(key);
    config.account = bytes(name);
    return sprag::Client::create(config);
}

static sprag::Incoming from(const char *account, const std::string &mail) {
    sprag::Incoming incoming;
    incoming.bytes = bytes(mail);
    incoming.from = bytes(account);
    return incoming;
}

static void conversation() {
    Server server;
    sprag::Client alice = phone("alice"), bob = phone("bob");
    CHECK(alice.account() == "alice" && alice.device() != bob.device());
    server.work(alice);
    server.work(bob);

    // Bytes go as they are: NULs, and more than one block.
    const std::string words("null \0 and more", 15);
    const sprag::Sent sent = alice.send(sprag::to_account("bob", words));
    CHECK(sent.state() == SPRAG_STATE_WAITING_KEYS && !sent.requests().empty() && sent.pending().requests == 0);
    const std::vector<std::uint8_t> id(sent.message().begin(), sent.message().end());
    server.carry_out(alice, sent.requests());
    server.work(alice);
    CHECK(alice.state(bytes(id)) == SPRAG_STATE_ACCEPTED);
    THROWS(SPRAG_NOT_ALLOWED, alice.retry(bytes(id)));
    THROWS(SPRAG_NOT_ALLOWED, alice.cancel(bytes(id)));

    CHECK(sprag::recognise(bytes(server.mail)) && !sprag::recognise(bytes(words)));
    const sprag::Incoming incoming = from("alice", server.mail);
    const sprag::Preview preview = bob.peek(incoming);
    CHECK(preview->kind == SPRAG_EVENT_MESSAGE && text((*preview).body) == words);
    const std::vector<sprag::Incoming> twice{incoming, incoming};
    const sprag::Delivered delivered = bob.deliver(twice);
    CHECK(delivered.verdicts.size() == 2 && delivered.pending.events > 0);
    CHECK(delivered.verdicts[0].kind == SPRAG_VERDICT_OPENED && delivered.verdicts[1].kind == SPRAG_VERDICT_DUPLICATE);
    CHECK(delivered.verdicts.at(2) == nullptr);
    CHECK(bob.deliver(incoming).verdicts[0].kind == SPRAG_VERDICT_DUPLICATE);
    std::vector<std::uint64_t> seen;
    for (const sprag::Event &event : bob.events()) {
        if (event.kind == SPRAG_EVENT_MESSAGE) {
            CHECK(text(event.account) == "alice" && text(event.body) == words);
            CHECK(sprag::span(event.blob_id).size() == SPRAG_HASH_LEN && sprag::span(event.members, event.members_len).empty());
        }
        seen.push_back(event.id);
    }
    CHECK(seen.size() == delivered.pending.events && bob.done(seen).events == 0 && bob.events().empty());
    CHECK(bob.done(seen[0]).events == 0);

    // Who it is.
    const sprag::Contact contact = bob.contact(bytes("alice"));
    CHECK(contact.trust == SPRAG_TRUST_PINNED && text(contact.digits).size() == 60);
    CHECK(text(contact.offered_digits).empty() && text(contact.digits) == text(alice.contact(bytes("bob")).digits));
    CHECK(bob.freshness(bytes("alice")).size() == 1);
    THROWS(SPRAG_NOT_ALLOWED, bob.confirm(bytes("alice"), bytes("1")));
    bob.confirm(bytes("alice"), bytes(text(contact.digits)));
    CHECK(bob.protection(SPRAG_CONVERSATION_DIRECT, bytes("alice")) == SPRAG_PROTECTION_VERIFIED);
    bob.accept_change(bytes("alice"), bytes(text(contact.digits)));
    bob.forget(bytes("alice"), bytes(text(contact.digits)));
    CHECK(bob.import(bytes(alice.card().link())) == "alice");
    const sprag::Card card = alice.card();
    CHECK(!card.code().empty() && (card.parts() == 0 || !card.part(0).empty()) && card.part(99).empty());

    // A room of two says so in its record; one of nobody else is refused.
    const std::vector<sprag_bytes> members{bytes("alice"), bytes("bob")};
    CHECK(alice.send(sprag::to_room("den", members, "hello")).state() != SPRAG_STATE_FAILED);
    CHECK(alice.protection(SPRAG_CONVERSATION_ROOM, bytes("den"), members) == SPRAG_PROTECTION_ENCRYPTED);
    THROWS(SPRAG_MISUSE, alice.send(sprag::to_room("den", {}, "hello")));
    alice.set_ready(true);
    sprag::Hint hint;
    hint.server_time = 1;
    CHECK(bob.wake().next_wake_ms > 0 && alice.wake(hint).next_wake_ms > 0);
    bob.erase();
    THROWS(SPRAG_NULL, bob.device());
}

static void devices() {
    sprag::Client alice = phone("alice"), tablet = phone("alice", SPRAG_START_LINK);
    CHECK(alice.devices().size() == 1 && alice.devices()[0].is_this != 0);
    const sprag::LinkCode code = tablet.link_code();
    CHECK(code.digits().size() == 6 && code.text().size() > code.bytes().size() && code.expires() > 0);
    THROWS(SPRAG_NOT_ALLOWED, alice.admit(bytes(code.text()), bytes("none"), false));
    alice.admit(bytes(code.text()), bytes(code.digits()), false);
    THROWS(SPRAG_UNKNOWN, alice.revoke(alice.device() + 1));
    THROWS(SPRAG_NOT_ALLOWED, alice.retire());
}

static void objects() {
    sprag::Client first = phone("alice");
    sprag::Client second = std::move(first);
    CHECK(first.c() == nullptr && second.c() != nullptr);
    CHECK(first.try_wake().status() == SPRAG_NULL);
    sprag::Requests requests = second.requests(), moved = std::move(requests);
    CHECK(requests.empty() && requests.at(0) == nullptr && moved.size() == 1);
    requests = std::move(moved);
    CHECK(requests.size() == 1);
    static_assert(!std::is_copy_constructible_v<sprag::Client> && !std::is_copy_constructible_v<sprag::Events>);
    static_assert(std::is_nothrow_move_constructible_v<sprag::Client> && std::is_nothrow_move_assignable_v<sprag::Client>);
    second = phone("bob");
    CHECK(second.account() == "bob");
    second.close();
    CHECK(!second.try_account() && !second.try_events());
}

static void store() {
    sprag::Client alice = phone("alice");
    sprag::Policy policy;
    policy.armor = SPRAG_ARMOR_TEXT;
    alice.configure(policy);
    const sprag::Diagnosis diagnosis = alice.diagnose();
    CHECK(!diagnosis.text().empty() && !diagnosis.figures().empty() && !text(diagnosis.figures()[0].name).empty());
    policy.armor = 9;
    THROWS(SPRAG_MISUSE, alice.configure(policy));
    const sprag::Probe probe = alice.probe(2048);
    CHECK(sprag::probed({probe.body().data(), probe.body().size()}) == SPRAG_PROBED_UNCHANGED);
    THROWS(SPRAG_NULL, sprag::probed(sprag::absent));
    THROWS(SPRAG_MISUSE, alice.probe(1));
    THROWS(SPRAG_MISUSE, alice.rekey(bytes("short")));
    alice.rekey(bytes(key));
    THROWS(SPRAG_NULL, sprag::Client::create(sprag::Config()));
    sprag::Opening opening;
    opening.path = bytes("/nowhere/at/all");
    opening.key = bytes(key);
    opening.account = bytes("alice");
    THROWS(SPRAG_NO_STORE, sprag::Client::open(opening));
    CHECK(sprag::Client::try_open(opening).status() == SPRAG_NO_STORE);
    THROWS(SPRAG_UNAVAILABLE, (alice.suspend(), alice.device(), alice.send(sprag::to_account("bob", "hello"))));
}

static void numbers() {
    CHECK(sprag::abi_version() == SPRAG_ABI_VERSION && sprag::constant("SPRAG_KEY_LEN") == SPRAG_KEY_LEN);
    THROWS(SPRAG_UNKNOWN, sprag::constant("SPRAG_"));
    CHECK(std::string_view(sprag::version()).size() > 0);
    CHECK(sprag::reason_text(0).empty() && !sprag::reason_text(1).empty());
    // An empty value is not an absent one.
    CHECK(bytes("").ptr != nullptr && bytes(std::string_view()).ptr != nullptr && sprag::absent.ptr == nullptr);
    CHECK(text(sprag::absent).empty() && sprag::span(sprag::absent).empty());
}

int main() {
    conversation();
    devices();
    objects();
    store();
    numbers();
    std::puts("the C++ face: ok");
    return 0;
}
