/*
 * Sprag in C++17 and later: the whole of sprag.h, with objects that free themselves. Header only; link what C links.
 *
 * CONVENTIONS, beside those on the first page of sprag.h, which hold here as well
 *
 * Errors.   Every call that can fail exists twice. `client.send(…)` gives the result, or throws sprag::Error, whose code()
 *           is the sprag_status. `client.try_send(…)` gives a Result, which is either, and never throws but std::bad_alloc,
 *           where it makes a std::string. Without exceptions (-fno-exceptions) only the second kind is there.
 * Objects.  Clients and what their calls give can be moved and not copied, and free themselves; what was moved from is
 *           empty: its calls answer SPRAG_NULL, its lists have no members.
 * Bytes.    sprag_bytes borrows. bytes(…) lends a string, a vector or an array that lives longer than the call; text(…)
 *           and span(…) look into what the library gave, as long as the object lives that it came from.
 * Records.  What the caller fills (Config, Opening, Policy, Hint, Incoming, Outgoing, Outcome) is the record of C with its
 *           `size` set and all else zero. What the library fills (Event, Request, …) is the record of C itself.
 * Spans.    sprag::Span is std::span from C++20 on, and a small view with the same names before.
 */
#ifndef SPRAG_HPP
#define SPRAG_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#if __cplusplus >= 202002L || (defined(_MSVC_LANG) && _MSVC_LANG >= 202002L)
#define SPRAG_STD_SPAN 1
#include <span>
#endif

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define SPRAG_EXCEPTIONS 1
#endif

#include "sprag.h"

namespace sprag {

// ---------------------------------------------------------------------------------------------------------------- views

#ifdef SPRAG_STD_SPAN
template <class T>
using Span = std::span<T>;
#else
/** Values that belong to somebody else. */
template <class T>
class Span {
public:
    constexpr Span() noexcept = default;
    constexpr Span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N>
    constexpr Span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    /** Anything that has its values in a row: a vector, an array, another span. */
    template <class C, class = std::enable_if_t<std::is_convertible_v<decltype(std::declval<C &>().data()), T *>>>
    constexpr Span(C &&values) noexcept : data_(values.data()), size_(values.size()) {}

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr T &operator[](std::size_t index) const noexcept { return data_[index]; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};
#endif

/** Absent bytes. */
inline constexpr sprag_bytes absent{nullptr, 0};

/** Lends bytes for a call; with length 0 they are an empty value, not an absent one. */
inline sprag_bytes bytes(const void *data, std::size_t size) noexcept {
    return {static_cast<const std::uint8_t *>(data == nullptr ? "" : data), size};
}

/** Lends text. */
inline sprag_bytes bytes(std::string_view text) noexcept { return bytes(text.data(), text.size()); }
inline sprag_bytes bytes(const char *text) noexcept { return bytes(std::string_view(text)); }

/** Lends a vector or an array of bytes. */
template <class C, class = std::enable_if_t<sizeof(*std::declval<const C &>().data()) == 1 &&
                                            !std::is_convertible_v<const C &, std::string_view>>>
sprag_bytes bytes(const C &values) noexcept {
    return bytes(values.data(), values.size());
}

/** A string or a vector that ends with the expression cannot be lent. */
sprag_bytes bytes(std::string &&) = delete;

/** Looks into bytes of the library's: as text (of a message, an account), and as bytes. Empty for absent ones. */
inline std::string_view text(sprag_bytes from) noexcept {
    return from.len == 0 ? std::string_view() : std::string_view(reinterpret_cast<const char *>(from.ptr), from.len);
}
inline Span<const std::uint8_t> span(sprag_bytes from) noexcept { return {from.ptr, from.len}; }

/** The text of a field that ends with a NUL: sprag_contact::digits and the like. */
template <std::size_t N>
std::string_view text(const std::uint8_t (&field)[N]) noexcept {
    const auto *begin = reinterpret_cast<const char *>(field);
    const void *end = std::memchr(field, 0, N);
    return {begin, end == nullptr ? N : static_cast<std::size_t>(static_cast<const char *>(end) - begin)};
}

/** A list inside a record: span(event.members, event.members_len). */
template <class T>
Span<const T> span(const T *values, std::size_t count) noexcept {
    return {values, count};
}

// --------------------------------------------------------------------------------------------------------------- errors

/** What went wrong: code() is one of SPRAG_STORE and the statuses that follow it, what() is it in words. */
class Error : public std::exception {
public:
    explicit Error(sprag_status code) noexcept : code_(code) {}
    sprag_status code() const noexcept { return code_; }
    const char *what() const noexcept override { return sprag_status_str(code_); }

private:
    sprag_status code_;
};

/** A value, or the status that says why there is none. */
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) noexcept : value_(std::move(value)) {}
    static Result failed(sprag_status status) noexcept { return Result(status, nullptr); }

    sprag_status status() const noexcept { return status_; }
    explicit operator bool() const noexcept { return status_ == SPRAG_OK; }
    /** The value; only if there is one. */
    T &operator*() & noexcept { return *value_; }
    T &&operator*() && noexcept { return std::move(*value_); }
    T *operator->() noexcept { return &*value_; }
#ifdef SPRAG_EXCEPTIONS
    /** The value, or an Error. */
    T value() && {
        if (status_ != SPRAG_OK) {
            throw Error(status_);
        }
        return std::move(*value_);
    }
#endif

private:
    Result(sprag_status status, std::nullptr_t) noexcept : status_(status) {}
    sprag_status status_ = SPRAG_OK;
    std::optional<T> value_;
};

/** Whether a call did what it says, and if not, why. */
template <>
class [[nodiscard]] Result<void> {
public:
    explicit Result(sprag_status status) noexcept : status_(status) {}
    sprag_status status() const noexcept { return status_; }
    explicit operator bool() const noexcept { return status_ == SPRAG_OK; }
#ifdef SPRAG_EXCEPTIONS
    void value() && {
        if (status_ != SPRAG_OK) {
            throw Error(status_);
        }
    }
#endif

private:
    sprag_status status_;
};

// -------------------------------------------------------------------------------------------------------------- records

/** A record that the caller fills: that of C, with its size set and all else zero. */
template <class C>
struct Sized : C {
    Sized() noexcept : C() { this->size = static_cast<std::uint32_t>(sizeof(C)); }
};

using Config = Sized<sprag_config>;
using Opening = Sized<sprag_opening>;
using Policy = Sized<sprag_policy>;
using Hint = Sized<sprag_hint>;
using Incoming = Sized<sprag_incoming>;
using Outgoing = Sized<sprag_outgoing>;
using Outcome = Sized<sprag_outcome>;
static_assert(sizeof(Incoming) == sizeof(sprag_incoming), "messages are handed over in a row");

using Contact = sprag_contact;
using Device = sprag_own_device;
using Event = sprag_event;
using Figure = sprag_figure;
using Freshness = sprag_freshness;
using Part = sprag_part;
using Pending = sprag_pending;
using Request = sprag_request;
using Verdict = sprag_verdict;

/** A text for one account; both are borrowed until it is sent. */
inline Outgoing to_account(std::string_view account, std::string_view words) noexcept {
    Outgoing message;
    message.conversation = SPRAG_CONVERSATION_DIRECT;
    message.peer = bytes(account);
    message.content = SPRAG_CONTENT_TEXT;
    message.body = bytes(words);
    return message;
}

/** A text for a room of these members; all are borrowed until it is sent. */
inline Outgoing to_room(std::string_view room, Span<const sprag_bytes> members, std::string_view words) noexcept {
    Outgoing message = to_account(room, words);
    message.conversation = SPRAG_CONVERSATION_ROOM;
    message.members = members.data();
    message.members_len = members.size();
    return message;
}

// -------------------------------------------------------------------------------------------------------------- objects

template <auto Free>
struct Freeing {
    template <class T>
    void operator()(T *object) const noexcept {
        Free(object);
    }
};

/** An object of the library's that frees itself. */
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freeing<Free>>;

/** The records of a list that belongs to somebody else. */
template <class L, class R, auto Len, auto At>
class View {
public:
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = R;
        using difference_type = std::ptrdiff_t;
        using pointer = const R *;
        using reference = const R &;
        iterator(const L *list, std::size_t index) noexcept : list_(list), index_(index) {}
        reference operator*() const noexcept { return *At(list_, index_); }
        pointer operator->() const noexcept { return At(list_, index_); }
        iterator &operator++() noexcept {
            ++index_;
            return *this;
        }
        iterator operator++(int) noexcept { return iterator(list_, index_++); }
        bool operator==(const iterator &other) const noexcept { return index_ == other.index_; }
        bool operator!=(const iterator &other) const noexcept { return index_ != other.index_; }

    private:
        const L *list_;
        std::size_t index_;
    };

    explicit View(const L *list) noexcept : list_(list) {}
    std::size_t size() const noexcept { return Len(list_); }
    bool empty() const noexcept { return size() == 0; }
    /** The record at an index below size(). */
    const R &operator[](std::size_t index) const noexcept { return *At(list_, index); }
    /** The record at an index, or nullptr beyond the end. */
    const R *at(std::size_t index) const noexcept { return At(list_, index); }
    iterator begin() const noexcept { return iterator(list_, 0); }
    iterator end() const noexcept { return iterator(list_, size()); }

private:
    const L *list_;
};

/** A list that frees itself, and wipes what it says. */
template <class L, class R, auto Len, auto At, auto Free>
class List {
public:
    using Viewed = View<L, R, Len, At>;
    explicit List(L *list) noexcept : list_(list) {}
    Viewed view() const noexcept { return Viewed(list_.get()); }
    std::size_t size() const noexcept { return view().size(); }
    bool empty() const noexcept { return view().empty(); }
    const R &operator[](std::size_t index) const noexcept { return view()[index]; }
    const R *at(std::size_t index) const noexcept { return view().at(index); }
    typename Viewed::iterator begin() const noexcept { return view().begin(); }
    typename Viewed::iterator end() const noexcept { return view().end(); }

private:
    Owned<L, Free> list_;
};

using Requests = List<sprag_request_list, Request, sprag_requests_len, sprag_requests_at, sprag_requests_free>;
using Verdicts = List<sprag_verdict_list, Verdict, sprag_verdicts_len, sprag_verdicts_at, sprag_verdicts_free>;
using Events = List<sprag_event_list, Event, sprag_events_len, sprag_events_at, sprag_events_free>;
using Devices = List<sprag_device_list, Device, sprag_devices_len, sprag_devices_at, sprag_devices_free>;
using Freshnesses =
    List<sprag_freshness_list, Freshness, sprag_freshness_len, sprag_freshness_at, sprag_freshness_free>;

/** What deliver() gives: a verdict for each message, and what to look at next. */
struct Delivered {
    Verdicts verdicts;
    Pending pending;
};

/** What send() gives. */
class Sent {
public:
    Sent(sprag_sent *sent, Pending pending) noexcept : sent_(sent), pending_(pending) {}
    /** The message's id. */
    Span<const std::uint8_t> message() const noexcept { return span(sprag_sent_message(sent_.get())); }
    /** How far it has come: one of SPRAG_STATE_…. */
    std::uint32_t state() const noexcept { return sprag_sent_state(sent_.get()); }
    /** What can go out at once, as long as this object lives. */
    Requests::Viewed requests() const noexcept { return Requests::Viewed(sprag_sent_requests(sent_.get())); }
    const Pending &pending() const noexcept { return pending_; }

private:
    Owned<sprag_sent, sprag_sent_free> sent_;
    Pending pending_;
};

/** What a message says, found without changing anything. */
class Preview {
public:
    explicit Preview(sprag_preview *preview) noexcept : preview_(preview) {}
    const Event &operator*() const noexcept { return *sprag_preview_get(preview_.get()); }
    const Event *operator->() const noexcept { return sprag_preview_get(preview_.get()); }

private:
    Owned<sprag_preview, sprag_preview_free> preview_;
};

/** The code by which a device is linked. */
class LinkCode {
public:
    explicit LinkCode(sprag_link_code *code) noexcept : code_(code) {}
    /** What is shown as a QR code. */
    Span<const std::uint8_t> bytes() const noexcept { return span(sprag_link_code_bytes(code_.get())); }
    /** The same, to be typed or pasted. */
    std::string_view text() const noexcept { return sprag::text(sprag_link_code_text(code_.get())); }
    /** The six digits that the user types on the other device. */
    std::string_view digits() const noexcept { return sprag::text(sprag_link_code_digits(code_.get())); }
    /** When it is worth nothing any more, Unix seconds. */
    std::uint64_t expires() const noexcept { return sprag_link_code_expires(code_.get()); }

private:
    Owned<sprag_link_code, sprag_link_code_free> code_;
};

/** Our own card. */
class Card {
public:
    explicit Card(sprag_card *card) noexcept : card_(card) {}
    /** What is shown as a QR code. */
    Span<const std::uint8_t> code() const noexcept { return span(sprag_card_code(card_.get())); }
    /** The same as a link. */
    std::string_view link() const noexcept { return text(sprag_card_link(card_.get())); }
    /** How many bodies the whole card is, and each of them. */
    std::size_t parts() const noexcept { return sprag_card_parts_len(card_.get()); }
    Span<const std::uint8_t> part(std::size_t index) const noexcept {
        return span(sprag_card_parts_at(card_.get(), index));
    }

private:
    Owned<sprag_card, sprag_card_free> card_;
};

/** How a client and its store are, for a support ticket: as text, and each number. */
class Diagnosis {
public:
    using Figures = View<sprag_diagnosis, Figure, sprag_diagnosis_len, sprag_diagnosis_at>;
    explicit Diagnosis(sprag_diagnosis *diagnosis) noexcept : diagnosis_(diagnosis) {}
    std::string_view text() const noexcept { return sprag::text(sprag_diagnosis_text(diagnosis_.get())); }
    Figures figures() const noexcept { return Figures(diagnosis_.get()); }

private:
    Owned<sprag_diagnosis, sprag_diagnosis_free> diagnosis_;
};

/** A body that shows what the app's server does to bodies. */
class Probe {
public:
    explicit Probe(sprag_probe *probe) noexcept : probe_(probe) {}
    Span<const std::uint8_t> body() const noexcept { return span(sprag_probe_body(probe_.get())); }

private:
    Owned<sprag_probe, sprag_probe_free> probe_;
};

// --------------------------------------------------------------------------------------------------------------- client

/**
 * One account's device on one store. Its calls may come from any thread, and from several at once; only moving, closing
 * and erasing must be alone. Each call is documented at its function in sprag.h: send() at sprag_send, and so on.
 */
class Client {
public:
    static Result<Client> try_create(const sprag_config &config) noexcept {
        sprag_client *client = nullptr;
        const sprag_status status = sprag_client_create(&config, &client);
        return given(status, Client(client));
    }
    static Result<Client> try_open(const sprag_opening &opening) noexcept {
        sprag_client *client = nullptr;
        const sprag_status status = sprag_client_open(&opening, &client);
        return given(status, Client(client));
    }
    /** Closes the store, as the destructor does. */
    void close() noexcept { client_.reset(); }
    /** Removes the store with everything in it, and leaves this object empty, also on failure. */
    Result<void> try_erase() noexcept { return Result<void>(sprag_client_erase(client_.release())); }

    Result<void> try_configure(const sprag_policy &policy) const noexcept {
        return Result<void>(sprag_configure(c(), &policy));
    }
    Result<void> try_suspend() const noexcept { return Result<void>(sprag_suspend(c())); }
    Result<void> try_resume() const noexcept { return Result<void>(sprag_resume(c())); }
    Result<void> try_rekey(sprag_bytes key) const noexcept { return Result<void>(sprag_rekey(c(), key)); }

    Result<std::string> try_account() const {
        return id([this](auto... out) { return sprag_account(c(), out...); });
    }
    Result<std::uint32_t> try_device() const noexcept {
        std::uint32_t device = 0;
        const sprag_status status = sprag_device(c(), &device);
        return given(status, device);
    }

    Result<Contact> try_contact(sprag_bytes account) const noexcept {
        Contact contact{};
        const sprag_status status = sprag_contact_get(c(), account, &contact);
        return given(status, contact);
    }
    Result<Freshnesses> try_freshness(sprag_bytes account) const noexcept {
        sprag_freshness_list *list = nullptr;
        const sprag_status status = sprag_freshness_get(c(), account, &list);
        return given(status, Freshnesses(list));
    }
    Result<Pending> try_confirm(sprag_bytes account, sprag_bytes number) const noexcept {
        return pending([&](Pending *next) { return sprag_confirm(c(), account, number, next); });
    }
    Result<Pending> try_accept_change(sprag_bytes account, sprag_bytes number) const noexcept {
        return pending([&](Pending *next) { return sprag_accept_change(c(), account, number, next); });
    }
    Result<Pending> try_forget(sprag_bytes account, sprag_bytes number) const noexcept {
        return pending([&](Pending *next) { return sprag_forget(c(), account, number, next); });
    }

    Result<Card> try_card() const noexcept {
        sprag_card *card = nullptr;
        const sprag_status status = sprag_card_get(c(), &card);
        return given(status, Card(card));
    }
    /** Answers whose card it is. */
    Result<std::string> try_import(sprag_bytes card) const {
        return id([&](auto... out) { return sprag_import(c(), card, out...); });
    }
    Result<Probe> try_probe(std::uint32_t length) const noexcept {
        sprag_probe *probe = nullptr;
        const sprag_status status = sprag_probe_get(c(), length, &probe);
        return given(status, Probe(probe));
    }

    Result<Devices> try_devices() const noexcept {
        sprag_device_list *list = nullptr;
        const sprag_status status = sprag_devices_get(c(), &list);
        return given(status, Devices(list));
    }
    Result<LinkCode> try_link_code() const noexcept {
        sprag_link_code *code = nullptr;
        const sprag_status status = sprag_link_code_get(c(), &code);
        return given(status, LinkCode(code));
    }
    Result<Pending> try_admit(sprag_bytes code, sprag_bytes digits, bool holds_account_key) const noexcept {
        const std::uint32_t holds = holds_account_key ? 1 : 0;
        return pending([&](Pending *next) { return sprag_admit(c(), code, digits, holds, next); });
    }
    Result<Pending> try_revoke(std::uint32_t device) const noexcept {
        return pending([&](Pending *next) { return sprag_revoke(c(), device, next); });
    }
    Result<Pending> try_retire() const noexcept {
        return pending([&](Pending *next) { return sprag_retire(c(), next); });
    }
    Result<Pending> try_set_ready(bool ready) const noexcept {
        return pending([&](Pending *next) { return sprag_set_ready(c(), ready ? 1 : 0, next); });
    }
    Result<Diagnosis> try_diagnose() const noexcept {
        sprag_diagnosis *diagnosis = nullptr;
        const sprag_status status = sprag_diagnose(c(), &diagnosis);
        return given(status, Diagnosis(diagnosis));
    }

    Result<Delivered> try_deliver(Span<const Incoming> messages) const noexcept {
        sprag_verdict_list *list = nullptr;
        Pending next{};
        const sprag_status status = sprag_deliver(c(), messages.data(), messages.size(), &list, &next);
        return given(status, Delivered{Verdicts(list), next});
    }
    Result<Delivered> try_deliver(const Incoming &message) const noexcept {
        return try_deliver(Span<const Incoming>(&message, 1));
    }
    Result<Requests> try_requests(std::size_t max = 64, std::uint32_t lease_seconds = 60) const noexcept {
        sprag_request_list *list = nullptr;
        const sprag_status status = sprag_requests(c(), max, lease_seconds, &list);
        return given(status, Requests(list));
    }
    Result<Pending> try_respond(std::uint64_t request, const sprag_outcome &outcome) const noexcept {
        return pending([&](Pending *next) { return sprag_respond(c(), request, &outcome, next); });
    }
    Result<Pending> try_wake(const sprag_hint &hint = Hint()) const noexcept {
        return pending([&](Pending *next) { return sprag_wake(c(), &hint, next); });
    }
    Result<Sent> try_send(const sprag_outgoing &message) const noexcept {
        sprag_sent *sent = nullptr;
        Pending next{};
        const sprag_status status = sprag_send(c(), &message, &sent, &next);
        return given(status, Sent(sent, next));
    }
    Result<Events> try_events(std::uint64_t after = 0, std::size_t max = 100) const noexcept {
        sprag_event_list *list = nullptr;
        const sprag_status status = sprag_events(c(), after, max, &list);
        return given(status, Events(list));
    }
    Result<Pending> try_done(Span<const std::uint64_t> events) const noexcept {
        return pending([&](Pending *next) { return sprag_done(c(), events.data(), events.size(), next); });
    }
    Result<Pending> try_done(std::uint64_t event) const noexcept {
        return try_done(Span<const std::uint64_t>(&event, 1));
    }
    Result<Preview> try_peek(const sprag_incoming &message) const noexcept {
        sprag_preview *preview = nullptr;
        const sprag_status status = sprag_peek(c(), &message, &preview);
        return given(status, Preview(preview));
    }
    Result<Pending> try_cancel(sprag_bytes message) const noexcept {
        return pending([&](Pending *next) { return sprag_cancel(c(), message, next); });
    }
    Result<Pending> try_retry(sprag_bytes message) const noexcept {
        return pending([&](Pending *next) { return sprag_retry(c(), message, next); });
    }
    /** How far a message of ours has come: one of SPRAG_STATE_…. */
    Result<std::uint32_t> try_state(sprag_bytes message) const noexcept {
        std::uint32_t state = 0;
        const sprag_status status = sprag_state(c(), message, &state);
        return given(status, state);
    }
    /** How far a conversation is protected: one of SPRAG_PROTECTION_…. */
    Result<std::uint32_t> try_protection(std::uint32_t conversation, sprag_bytes peer,
                                         Span<const sprag_bytes> members = {}) const noexcept {
        std::uint32_t found = 0;
        const sprag_status status = sprag_protection(c(), conversation, peer, members.data(), members.size(), &found);
        return given(status, found);
    }

#ifdef SPRAG_EXCEPTIONS
    static Client create(const sprag_config &config) { return try_create(config).value(); }
    static Client open(const sprag_opening &opening) { return try_open(opening).value(); }
    void erase() { try_erase().value(); }
    void configure(const sprag_policy &policy) const { try_configure(policy).value(); }
    void suspend() const { try_suspend().value(); }
    void resume() const { try_resume().value(); }
    void rekey(sprag_bytes key) const { try_rekey(key).value(); }
    std::string account() const { return try_account().value(); }
    std::uint32_t device() const { return try_device().value(); }
    Contact contact(sprag_bytes account) const { return try_contact(account).value(); }
    Freshnesses freshness(sprag_bytes account) const { return try_freshness(account).value(); }
    Pending confirm(sprag_bytes account, sprag_bytes number) const { return try_confirm(account, number).value(); }
    Pending accept_change(sprag_bytes account, sprag_bytes number) const {
        return try_accept_change(account, number).value();
    }
    Pending forget(sprag_bytes account, sprag_bytes number) const { return try_forget(account, number).value(); }
    Card card() const { return try_card().value(); }
    std::string import(sprag_bytes card) const { return try_import(card).value(); }
    Probe probe(std::uint32_t length) const { return try_probe(length).value(); }
    Devices devices() const { return try_devices().value(); }
    LinkCode link_code() const { return try_link_code().value(); }
    Pending admit(sprag_bytes code, sprag_bytes digits, bool holds_account_key) const {
        return try_admit(code, digits, holds_account_key).value();
    }
    Pending revoke(std::uint32_t device) const { return try_revoke(device).value(); }
    Pending retire() const { return try_retire().value(); }
    Pending set_ready(bool ready) const { return try_set_ready(ready).value(); }
    Diagnosis diagnose() const { return try_diagnose().value(); }
    Delivered deliver(Span<const Incoming> messages) const { return try_deliver(messages).value(); }
    Delivered deliver(const Incoming &message) const { return try_deliver(message).value(); }
    Requests requests(std::size_t max = 64, std::uint32_t lease_seconds = 60) const {
        return try_requests(max, lease_seconds).value();
    }
    Pending respond(std::uint64_t request, const sprag_outcome &outcome) const {
        return try_respond(request, outcome).value();
    }
    Pending wake(const sprag_hint &hint = Hint()) const { return try_wake(hint).value(); }
    Sent send(const sprag_outgoing &message) const { return try_send(message).value(); }
    Events events(std::uint64_t after = 0, std::size_t max = 100) const { return try_events(after, max).value(); }
    Pending done(Span<const std::uint64_t> events) const { return try_done(events).value(); }
    Pending done(std::uint64_t event) const { return try_done(event).value(); }
    Preview peek(const sprag_incoming &message) const { return try_peek(message).value(); }
    Pending cancel(sprag_bytes message) const { return try_cancel(message).value(); }
    Pending retry(sprag_bytes message) const { return try_retry(message).value(); }
    std::uint32_t state(sprag_bytes message) const { return try_state(message).value(); }
    std::uint32_t protection(std::uint32_t conversation, sprag_bytes peer,
                             Span<const sprag_bytes> members = {}) const {
        return try_protection(conversation, peer, members).value();
    }
#endif

    /** The handle, for functions of C that are called beside this class. It stays this object's. */
    const sprag_client *c() const noexcept { return client_.get(); }

private:
    explicit Client(sprag_client *client) noexcept : client_(client) {}

    template <class T>
    static Result<T> given(sprag_status status, T value) noexcept {
        return status == SPRAG_OK ? Result<T>(std::move(value)) : Result<T>::failed(status);
    }
    template <class F>
    static Result<Pending> pending(F call) noexcept {
        Pending next{};
        const sprag_status status = call(&next);
        return given(status, next);
    }
    template <class F>
    static Result<std::string> id(F call) {
        std::uint8_t name[SPRAG_MAX_ID];
        std::size_t length = 0;
        const sprag_status status = call(&name[0], sizeof name, &length);
        return status == SPRAG_OK ? Result<std::string>(std::string(name, name + length))
                                  : Result<std::string>::failed(status);
    }

    Owned<sprag_client, sprag_client_free> client_;
};

// ------------------------------------------------------------------------------------------------------ without a client

/** The library's version, and the number of its interface, to be compared with SPRAG_ABI_VERSION. */
inline const char *version() noexcept { return sprag_version(); }
inline std::uint32_t abi_version() noexcept { return sprag_abi_version(); }

/** What a reason means, for a log; empty if the number is unknown. */
inline std::string_view reason_text(std::uint32_t reason) noexcept { return text(sprag_reason_str(reason)); }

/** Whether bytes look like an object of Sprag. */
inline bool recognise(sprag_bytes body) noexcept { return sprag_recognise(body) == 1; }

/** What became of a probe on its way: one of SPRAG_PROBED_…. */
inline Result<std::uint32_t> try_probed(sprag_bytes body) noexcept {
    std::uint32_t found = 0;
    const sprag_status status = sprag_probed(body, &found);
    return status == SPRAG_OK ? Result<std::uint32_t>(found) : Result<std::uint32_t>::failed(status);
}

/** The value of a constant of sprag.h by its name. */
inline Result<std::int64_t> try_constant(std::string_view name) noexcept {
    std::int64_t value = 0;
    const sprag_status status = sprag_constant(bytes(name), &value);
    return status == SPRAG_OK ? Result<std::int64_t>(value) : Result<std::int64_t>::failed(status);
}

#ifdef SPRAG_EXCEPTIONS
inline std::uint32_t probed(sprag_bytes body) { return try_probed(body).value(); }
inline std::int64_t constant(std::string_view name) { return try_constant(name).value(); }
#endif

}  // namespace sprag

#endif  // SPRAG_HPP
