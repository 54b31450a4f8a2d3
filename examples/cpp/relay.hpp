// The example relay as one device of one account reaches it: requests go out, and mail comes in. examples/c/relay.c speaks
// HTTP; docs/relay.md says what is spoken.
#ifndef RELAY_HPP
#define RELAY_HPP

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include <sprag.hpp>

extern "C" {
#include "../c/relay.h"
}

// A body of the relay's that frees itself.
struct Body : buffer {
    Body() : buffer{nullptr, 0, 0} {}
    Body(const Body &) = delete;
    Body &operator=(const Body &) = delete;
    ~Body() { std::free(bytes); }
};

class Relay {
public:
    explicit Relay(relay at) : relay_(at) {}

    // Asks for mail; `line` of the request is its socket, to be polled. Answers whether there is a network.
    bool ask_for_mail(poll_request &mail) const { return poll_begin(&relay_, &mail, cursor_, 25) != 0; }

    // Delivers mail, and acknowledges it: if this does not arrive the mail comes once more, and is recognised.
    void take_in(const sprag::Client &client, const buffer &mail) {
        std::size_t at = 0;
        for (sprag_bytes number; (number = next_part(&mail, &at)).len == 8;) {
            sprag::Incoming incoming;
            const std::string_view from = sprag::text(next_part(&mail, &at));
            std::string account;
            for (std::size_t i = 0; i + 1 < from.size(); i += 2) {
                account += static_cast<char>(std::stoi(std::string(from.substr(i, 2)), nullptr, 16));
            }
            incoming.from = sprag::bytes(account);
            incoming.bytes = next_part(&mail, &at);
            client.deliver(incoming);
            cursor_ = 0;
            for (const std::uint8_t byte : sprag::span(number)) {
                cursor_ = cursor_ << 8 | byte;
            }
        }
        Body nothing;
        const std::string path = "/acknowledge?up_to=" + std::to_string(cursor_);
        relay_call(&relay_, "POST", path.c_str(), nullptr, &nothing);
    }

    // Carries requests out, and says what became of each.
    template <class Requests>
    void carry_out(const sprag::Client &client, const Requests &requests) const {
        for (const sprag::Request &request : requests) {
            const bool publishes = request.kind == SPRAG_REQUEST_PUBLISH_KEYS;
            const bool fetches = request.kind == SPRAG_REQUEST_FETCH_KEYS;
            std::vector<Body> answers(publishes ? 1 : request.accounts_len);
            std::vector<sprag::Part> parts;
            std::vector<sprag_bytes> absent;
            int status = 200;
            for (std::size_t i = 0; i < answers.size() && status == 200; i++) {
                status = ask(request, i, answers[i]);
                std::size_t at = 0;
                for (sprag_bytes part; fetches && status == 200 && (part = next_part(&answers[i], &at)).ptr != nullptr;) {
                    parts.push_back({request.accounts[i], part});
                }
                if (fetches && status == 404) {
                    absent.push_back(request.accounts[i]);
                    status = 200;
                }
            }
            sprag::Outcome outcome;
            if (status == 200) {
                outcome.kind = publishes ? SPRAG_OUTCOME_PUBLISHED : fetches ? SPRAG_OUTCOME_KEYS : SPRAG_OUTCOME_ACCEPTED;
                outcome.parts = parts.data(), outcome.parts_len = parts.size();
                outcome.absent = absent.data(), outcome.absent_len = absent.size();
            } else if (status == 409) {  // another device of ours was quicker: here is its list
                outcome.kind = SPRAG_OUTCOME_CONFLICT;
                outcome.bytes = sprag::bytes(answers[0].bytes, answers[0].len);
            } else if (status == 400 || status == 403 || status == 404) {
                outcome.kind = SPRAG_OUTCOME_REJECTED;
                outcome.number = status == 404 ? SPRAG_REJECTED_NO_SUCH_ACCOUNT : SPRAG_REJECTED_OTHER;
            } else {
                outcome.kind = SPRAG_OUTCOME_RETRY;
                outcome.has_number = outcome.number = 1;  // in a second
            }
            client.respond(request.id, outcome);
        }
    }

private:
    // One call to the relay, about one of a request's accounts; answers the HTTP status, 0 if there is no network.
    int ask(const sprag::Request &request, std::size_t which, Body &answer) const {
        Body body;
        if (request.kind == SPRAG_REQUEST_PUBLISH_KEYS) {
            const std::uint8_t reset = request.reset_one_time != 0 ? 1 : 0;
            for (const std::uint64_t number : {request.list_sequence, request.list_expected}) {
                request.list.ptr == nullptr ? add_part(&body, sprag::absent) : add_number(&body, number);
            }
            for (const sprag_bytes part : {request.list, request.signed_prekey, sprag::bytes(&reset, 1)}) {
                add_part(&body, part);
            }
            for (const sprag_bytes prekey : sprag::span(request.one_time, request.one_time_len)) {
                add_part(&body, prekey);
            }
            return relay_call(&relay_, "PUT", "/keys", &body, &answer);
        }
        std::array<char, 2 * SPRAG_MAX_ID + 1> name;
        hex(name.data(), request.accounts[which].ptr, request.accounts[which].len);
        if (request.kind == SPRAG_REQUEST_FETCH_KEYS) {
            const std::string path = std::string("/keys/") + name.data() + "?one_time=" + (request.want_one_time != 0 ? "1" : "0");
            return relay_call(&relay_, "GET", path.c_str(), nullptr, &answer);
        }
        add_part(&body, request.blob);
        const std::string path = std::string("/send/") + name.data() + "?request=" + std::to_string(request.id);
        return relay_call(&relay_, "POST", path.c_str(), &body, &answer);
    }

    relay relay_;
    std::uint64_t cursor_ = 0;
};

#endif
