// A small messenger in C++: chat --as NAME --with NAME --relay URL --store FILE
//
// Each line of standard input goes to the other one, and what comes is printed. It ends when the input has ended and
// everything has left. The key lies in FILE.key: a real app keeps it in the platform's keystore. relay.hpp speaks with the
// relay.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <iostream>
#include <map>

#include "relay.hpp"

void die(const char *what) {
    std::cerr << "chat: " << what << "\n";
    std::exit(1);
}

class Chat {
public:
    Chat(sprag::Client client, Relay relay, std::string with)
        : client_(std::move(client)), relay_(relay), with_(std::move(with)) {}

    void run() {
        poll_request mail{-1, {nullptr, 0, 0}};
        std::string line;
        for (bool typing = true, begun = false; typing || !has_left(); begun = true) {
            sprag::Pending pending = client_.wake();
            for (bool more = true; more;) {
                const sprag::Requests requests = client_.requests(16);
                more = !requests.empty();
                relay_.carry_out(client_, requests);
            }
            show();
            std::cerr << (begun ? "" : "(ready)\n");  // our keys are at the relay: others can write
            if (mail.line < 0 && !relay_.ask_for_mail(mail)) {
                sleep(1);  // no relay: everything waits in the store
            }
            std::array<pollfd, 2> ready{{{typing ? 0 : -1, POLLIN, 0}, {mail.line, POLLIN, 0}}};
            poll(ready.data(), 2, pending.next_wake_ms < 1000 ? static_cast<int>(pending.next_wake_ms) : 1000);
            if (ready[0].revents != 0 && (typing = static_cast<bool>(std::getline(std::cin, line)))) {
                const sprag::Sent sent = client_.send(sprag::to_account(with_, line));
                last_.assign(sent.message().begin(), sent.message().end());
                relay_.carry_out(client_, sent.requests());
            }
            if (ready[1].revents != 0 && poll_read(&mail) == 200) {
                relay_.take_in(client_, mail.answer);
            }
        }
        poll_end(&mail);
    }

private:
    // Messages leave in their order: whether the last one has left, or will not.
    bool has_left() const {
        const std::uint32_t state = last_.empty() ? SPRAG_STATE_ACCEPTED : client_.state(sprag::bytes(last_));
        return state != SPRAG_STATE_WAITING_KEYS && state != SPRAG_STATE_READY;
    }

    // Shows what happened. An event is done when it is on the screen: after a crash it is shown again.
    void show() const {
        for (const sprag::Event &event : client_.events()) {
            if (event.kind == SPRAG_EVENT_MESSAGE && event.content == SPRAG_CONTENT_TEXT && event.outgoing == 0) {
                std::cout << sprag::text(event.account) << ": " << sprag::text(event.body) << std::endl;
            } else if (event.kind == SPRAG_EVENT_PROGRESS && event.state == SPRAG_STATE_ACCEPTED) {
                std::cerr << "(sent)\n";
            } else if (event.kind == SPRAG_EVENT_PROGRESS && event.state == SPRAG_STATE_FAILED) {
                std::cerr << "! not sent: " << sprag::reason_text(event.reason) << "\n";
            } else if (event.importance == SPRAG_IMPORTANCE_SECURITY && event.kind != SPRAG_EVENT_PROTECTION) {
                std::cerr << "! something changed: compare safety numbers\n";
            }
            client_.done(event.id);
        }
    }

    sprag::Client client_;
    Relay relay_;
    std::string with_;
    std::vector<std::uint8_t> last_;  // the id of the last message that was sent
};

// The store's key and the device's token for the relay: read, or made on the first start for the owner alone.
static std::array<std::uint8_t, 64> secrets(const std::string &path) {
    std::array<std::uint8_t, 64> secret{};
    int from = open(path.c_str(), O_RDONLY), to = -1;
    if (from < 0) {
        from = open("/dev/urandom", O_RDONLY);
        to = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    }
    if (read(from, secret.data(), 64) != 64 || (to >= 0 && write(to, secret.data(), 64) != 64)) {
        die("no key");
    }
    close(from);
    close(to);
    return secret;
}

static sprag::Client open_or_create(const std::string &name, const std::string &store, sprag_bytes key) {
    sprag::Opening opening;
    opening.path = sprag::bytes(store);
    opening.key = key;
    opening.account = sprag::bytes(name);
    sprag::Result<sprag::Client> client = sprag::Client::try_open(opening);
    if (client.status() != SPRAG_NO_STORE) {
        return std::move(client).value();
    }
    sprag::Config config;
    config.path = opening.path;
    config.key = key;
    config.account = opening.account;
    return sprag::Client::create(config);
}

int main(int count, char **words) try {
    std::map<std::string, std::string> given;
    for (int i = 1; i + 1 < count; i += 2) {
        given[words[i]] = words[i + 1];
    }
    relay at{};
    if (given.size() != 4 || relay_at(&at, given["--relay"].c_str()) == 0) {
        die("--as NAME --with NAME --relay http://HOST:PORT --store FILE");
    }
    const std::string name = given["--as"], store = given["--store"];
    const std::array<std::uint8_t, 64> secret = secrets(store + ".key");
    sprag::Client client = open_or_create(name, store, sprag::bytes(secret.data(), SPRAG_KEY_LEN));
    hex(at.account, sprag::bytes(name).ptr, name.size());
    hex(at.token, secret.data() + SPRAG_KEY_LEN, 32);
    std::snprintf(at.device, sizeof at.device, "%08x", static_cast<unsigned>(client.device()));
    Chat(std::move(client), Relay(at), given["--with"]).run();
    return 0;
} catch (const sprag::Error &error) {
    die(error.what());
}
