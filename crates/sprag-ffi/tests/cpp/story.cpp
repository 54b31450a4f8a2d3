// The story of docs/vectors/story.txt, replayed through sprag.hpp; where C can do wrong what C++ cannot, through sprag.h.
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <vector>

#include <sprag.hpp>

using sprag::bytes;
using sprag::text;
using Words = std::vector<std::string>;

static void check(bool holds, const char *what) {
    if (!holds) {
        throw std::runtime_error(what);
    }
}

// The value of a constant by the story's name for it.
static std::uint32_t number(const std::string &prefix, std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c); });
    return static_cast<std::uint32_t>(sprag::constant(prefix + name));
}

struct Phone {
    std::string account, signed_prekey;
    std::deque<std::string> one_time;
    std::deque<std::pair<std::string, std::string>> mailbox;  // from, body
    std::optional<sprag::Client> client;
};

struct Directory {
    std::string list;
    std::uint64_t sequence = 0;
};

class Story {
public:
    explicit Story(std::string folder) : folder_(std::move(folder)) {}

    void step(const std::string &line) {
        const std::size_t colon = line.find(" : ");
        text_ = colon == std::string::npos ? "" : repeated(line.substr(colon + 3));
        std::istringstream in(line.substr(0, colon));
        Words words{std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
        if (words[0][0] == '@') {
            if (words[0] == "@shut") {
                return;  // a client that was closed is empty: there is nothing to call
            }
            words.erase(words.begin());
        }
        if (words[0] != "fails") {
            return run(words);
        }
        const sprag_status expected = std::stoi(words[1]);
        sprag_status answer = SPRAG_OK;
        try {
            run(Words(words.begin() + 2, words.end()));
        } catch (const sprag::Error &error) {
            answer = error.code();
        }
        check(answer == expected, sprag_status_str(answer));
    }

private:
    static std::string repeated(const std::string &text) {
        if (text.empty() || text[0] != '*') {
            return text;
        }
        const std::size_t blank = text.find(' ');
        std::string many;
        for (int i = std::stoi(text.substr(1, blank)); i > 0; i--) {
            many += text.substr(blank + 1);
        }
        return many;
    }

    Phone &phone(const std::string &name) {
        if (phones_.find(name) == phones_.end()) {
            order_.push_back(name);
        }
        return phones_[name];
    }

    sprag::Client &client(const std::string &name) {
        check(phone(name).client.has_value(), "the phone is not open");
        return *phone(name).client;
    }

    static std::string key(const std::string &word) {
        return word == "short" ? std::string(31, 1) : std::string(SPRAG_KEY_LEN, static_cast<char>(std::stoi(word)));
    }

    void make(const Words &words) {
        const std::string file = folder_ + "/" + words[4], secret = key(words[3]);
        sprag::Config config;
        sprag::Opening opening;
        config.start = words[0] == "link" ? SPRAG_START_LINK : SPRAG_START_NEW_ACCOUNT;
        config.path = opening.path = words[4] == "-" ? sprag::absent : bytes(file);
        config.key = opening.key = bytes(secret);
        config.account = opening.account = bytes(words[2]);
        sprag::Client made = words[0] == "open" ? sprag::Client::open(opening) : sprag::Client::create(config);
        check(made.account() == words[2], "the account is another");
        phone(words[1]).account = words[2];
        phone(words[1]).client = std::move(made);
    }

    void publish(Phone &from, const sprag::Request &request, sprag::Outcome &outcome) {
        Directory &directory = directory_[from.account];
        if (request.list.ptr != nullptr && directory.sequence != request.list_expected) {
            outcome.kind = SPRAG_OUTCOME_CONFLICT;
            outcome.bytes = bytes(directory.list);
            return;
        }
        if (request.list.ptr != nullptr) {
            directory = {std::string(text(request.list)), request.list_sequence};
        }
        if (request.signed_prekey.ptr != nullptr) {
            from.signed_prekey = text(request.signed_prekey);
        }
        if (request.reset_one_time != 0) {
            from.one_time.clear();
        }
        for (const sprag_bytes prekey : sprag::span(request.one_time, request.one_time_len)) {
            from.one_time.emplace_back(text(prekey));
        }
        outcome.kind = SPRAG_OUTCOME_PUBLISHED;
    }

    void hand_out(const sprag::Request &request, std::deque<std::string> &kept, std::vector<sprag::Part> &parts,
                  std::vector<sprag_bytes> &absent) {
        for (const sprag_bytes account : sprag::span(request.accounts, request.accounts_len)) {
            const auto found = directory_.find(std::string(text(account)));
            if (found == directory_.end() || found->second.list.empty()) {
                absent.push_back(account);
                continue;
            }
            const auto give = [&](const std::string &object) {
                parts.push_back({account, bytes(kept.emplace_back(object))});
            };
            give(found->second.list);
            for (auto &[name, other] : phones_) {
                if (other.account != text(account) || other.signed_prekey.empty()) {
                    continue;
                }
                give(other.signed_prekey);
                if (request.want_one_time != 0 && !other.one_time.empty()) {
                    give(other.one_time.front());
                    other.one_time.pop_front();
                }
            }
        }
    }

    template <class Requests>
    void carry_out(Phone &from, const Requests &requests) {
        for (const sprag::Request &request : requests) {
            sprag::Outcome outcome;
            std::deque<std::string> kept;
            std::vector<sprag::Part> parts;
            std::vector<sprag_bytes> absent;
            if (request.kind == SPRAG_REQUEST_PUBLISH_KEYS) {
                publish(from, request, outcome);
            } else if (request.kind == SPRAG_REQUEST_FETCH_KEYS) {
                hand_out(request, kept, parts, absent);
                outcome.kind = SPRAG_OUTCOME_KEYS;
                outcome.parts = parts.data(), outcome.parts_len = parts.size();
                outcome.absent = absent.data(), outcome.absent_len = absent.size();
            } else {
                for (const sprag_bytes account : sprag::span(request.accounts, request.accounts_len)) {
                    for (auto &[name, other] : phones_) {
                        if (other.account == text(account)) {
                            other.mailbox.emplace_back(from.account, text(request.blob));
                        }
                    }
                }
                outcome.kind = SPRAG_OUTCOME_ACCEPTED;
            }
            from.client->respond(request.id, outcome);
        }
    }

    bool carry(Phone &from) {
        for (bool carried = false;; carried = true) {
            const sprag::Requests requests = from.client->requests(100);
            if (requests.empty()) {
                return carried;
            }
            carry_out(from, requests);
        }
    }

    void settle() {
        for (bool more = true; more;) {
            more = false;
            for (const std::string &name : order_) {
                Phone &each = phones_[name];
                if (!each.client) {
                    continue;
                }
                more |= carry(each);
                for (; !each.mailbox.empty(); each.mailbox.pop_front(), more = true) {
                    sprag::Incoming incoming;
                    incoming.bytes = bytes(each.mailbox.front().second);
                    incoming.from = bytes(each.mailbox.front().first);
                    each.client->deliver(incoming);
                }
                each.client->wake();
            }
        }
    }

    void say(Phone &from, sprag::Outgoing message, const std::string &id) {
        message.client_id = bytes(id);
        const sprag::Sent sent = from.client->send(message);
        carry_out(from, sent.requests());
    }

    void shows(const std::string &name, const std::string &account, const std::string &room) {
        for (const sprag::Event &event : client(name).events()) {
            if (event.kind != SPRAG_EVENT_MESSAGE) {
                continue;
            }
            check(event.content == SPRAG_CONTENT_TEXT && text(event.body) == text_, "it shows another text");
            check(text(event.account) == account, "it is from another");
            check((event.outgoing != 0) == (account == phone(name).account), "it goes another way");
            check(event.conversation == (room.empty() ? SPRAG_CONVERSATION_DIRECT : SPRAG_CONVERSATION_ROOM), "elsewhere");
            check(room.empty() || text(event.peer) == room, "in another room");
            client(name).done(event.id);
            return;
        }
        check(false, "it shows nothing");
    }

    void raises(const std::string &name, const std::string &kind) {
        for (const sprag::Event &event : client(name).events()) {
            if (event.kind == number("SPRAG_EVENT_", kind)) {
                client(name).done(event.id);
                return;
            }
        }
        check(false, "there is no such event");
    }

    void quiet(const std::string &name) {
        for (const sprag::Event &event : client(name).events()) {
            check(event.kind != SPRAG_EVENT_MESSAGE, "there is a message");
            client(name).done(event.id);
        }
    }

    std::string digits(const std::string &name, const std::string &account) {
        return std::string(text(client(name).contact(bytes(account)).digits));
    }

    // With another first digit, if that is asked for.
    static std::string perhaps_wrong(std::string digits, const Words &words) {
        if (words.size() > 3) {
            digits[0] = digits[0] == '1' ? '2' : '1';
        }
        return digits;
    }

    void policy(const std::string &name, const std::string &word) {
        sprag::Policy policy;
        if (word == "text") {
            policy.armor = SPRAG_ARMOR_TEXT;
            policy.fallback_text = bytes("A message");
        }
        policy.rollout = word == "read" ? SPRAG_ROLLOUT_READ : 0;
        client(name).configure(policy);
    }

    void run(const Words &words) {
        const std::string &verb = words[0], one = words.size() > 1 ? words[1] : "", two = words.size() > 2 ? words[2] : "";
        if (verb == "create" || verb == "link" || verb == "open") {
            make(words);
        } else if (verb == "close") {
            phone(one).client.reset();
        } else if (verb == "erase") {
            client(one).erase();
            phone(one).client.reset();
        } else if (verb == "rekey") {
            const std::string secret = key(two);
            client(one).rekey(bytes(secret));
        } else if (verb == "suspend") {
            client(one).suspend();
        } else if (verb == "resume") {
            client(one).resume();
        } else if (verb == "policy") {
            policy(one, two);
        } else if (verb == "card") {
            const sprag::Card card = client(one).card();
            check(client(two).import(bytes(card.link())) == phone(one).account, "it is another's card");
        } else if (verb == "carry") {
            carry(phone(one));
        } else if (verb == "settle") {
            settle();
        } else if (verb == "take") {
            check(!phone(one).mailbox.empty(), "the mailbox is empty");
            hand_ = phone(one).mailbox.front().second;
            phone(one).mailbox.pop_front();
        } else if (verb == "hold") {
            hand_ = text_;
        } else if (verb == "spoil") {
            hand_.back() = static_cast<char>(hand_.back() ^ 1);
        } else if (verb == "around") {
            hand_ = text_ + "\n" + hand_ + "\n" + text_;
        } else if (verb == "recognise") {
            check(sprag::recognise(bytes(hand_)) == (one == "yes"), "it is recognised otherwise");
        } else {
            talk(words, verb, one, two);
        }
    }

    void talk(const Words &words, const std::string &verb, const std::string &one, const std::string &two) {
        sprag::Incoming incoming;
        incoming.bytes = bytes(hand_);
        incoming.from = bytes(two);
        if (verb == "say") {
            say(phone(one), sprag::to_account(two, text_), words[3]);
        } else if (verb == "room") {
            std::vector<sprag_bytes> members;
            for (std::size_t i = 4; i < words.size(); i++) {
                members.push_back(bytes(words[i]));
            }
            say(phone(one), sprag::to_room(two, members, text_), words[3]);
        } else if (verb == "state") {
            check(client(one).state(bytes(two)) == number("SPRAG_STATE_", words[3]), "it has come as far as that");
        } else if (verb == "cancel") {
            client(one).cancel(bytes(two));
        } else if (verb == "peek") {
            const sprag::Preview preview = client(one).peek(incoming);
            check(preview->kind == SPRAG_EVENT_MESSAGE && text(preview->body) == text_, "it would be another text");
            check(text(preview->account) == two, "it would be from another");
        } else if (verb == "deliver") {
            incoming.direct = bytes(two);
            const sprag::Delivered delivered = client(one).deliver(incoming);
            check(delivered.verdicts[0].kind == number("SPRAG_VERDICT_", words[3]), "the verdict is another");
        } else if (verb == "shows") {
            shows(one, two, words.size() > 4 ? words[4] : "");
        } else if (verb == "raises") {
            raises(one, two);
        } else if (verb == "quiet") {
            quiet(one);
        } else {
            people(words, verb, one, two);
        }
    }

    void people(const Words &words, const std::string &verb, const std::string &one, const std::string &two) {
        if (verb == "numbers") {
            const std::string mine = digits(one, phone(two).account);
            check(mine.size() == 60 && mine == digits(two, phone(one).account), "the numbers differ");
        } else if (verb == "confirm") {
            const std::string number = perhaps_wrong(digits(one, two), words);
            client(one).confirm(bytes(two), bytes(number));
        } else if (verb == "trust") {
            check(client(one).contact(bytes(two)).trust == number("SPRAG_TRUST_", words[3]), "it is trusted otherwise");
        } else if (verb == "protection") {
            const std::uint32_t found = client(one).protection(SPRAG_CONVERSATION_DIRECT, bytes(two));
            check(found == number("SPRAG_PROTECTION_", words[3]), "it is protected otherwise");
        } else if (verb == "admit") {
            const sprag::LinkCode code = client(two).link_code();
            const std::string digits = perhaps_wrong(std::string(code.digits()), words);
            client(one).admit(bytes(code.text()), bytes(digits), false);
        } else if (verb == "devices") {
            check(client(one).devices().size() == std::stoul(two), "there are more devices, or fewer");
        } else if (verb == "revoke") {
            client(one).revoke(client(two).device());
        } else if (verb == "garbled") {
            client(one).send(sprag::to_account(two, "\xff\xfe"));
        } else if (verb == "nothing") {
            sprag_sent *sent = nullptr;
            sprag::Result<void>(sprag_send(client(one).c(), nullptr, &sent, nullptr)).value();
        } else if (verb == "narrow") {
            const std::size_t len = client(one).account().size();
            std::vector<std::uint8_t> narrow(len - 1);
            std::size_t needed = 0;
            const sprag_status status = sprag_account(client(one).c(), narrow.data(), narrow.size(), &needed);
            check(needed == len, "it is not told how much is needed");
            sprag::Result<void>(status).value();
        } else {
            check(false, "there is no such step");
        }
    }

    std::string folder_, hand_, text_;
    std::map<std::string, Phone> phones_;
    std::vector<std::string> order_;
    std::map<std::string, Directory> directory_;
};

int main() {
    char folder[] = "/tmp/sprag-story-XXXXXX";
    std::ifstream file("docs/vectors/story.txt");
    check(mkdtemp(folder) != nullptr && file.good(), "no folder, or no story");
    int steps = 0;
    {
        Story story(folder);
        std::string line;
        for (int at = 1; std::getline(file, line); at++) {
            if (line.empty() || line[0] == '#') {
                continue;
            }
            try {
                story.step(line);
                steps++;
            } catch (const std::exception &error) {
                std::cerr << "docs/vectors/story.txt:" << at << ": " << line.substr(0, 80) << ": " << error.what() << "\n";
                return 1;
            }
        }
    }
    for (const char *name : {"alice.sprag", "tablet.sprag"}) {
        for (const char *end : {"", "-wal", "-shm"}) {
            unlink((std::string(folder) + "/" + name + end).c_str());
        }
    }
    check(rmdir(folder) == 0, "files are left");
    check(steps > 150, "the story is short");
    std::cout << "the story in C++: ok, " << steps << " steps\n";
    return 0;
}
