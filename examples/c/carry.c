/* Between the engine and the relay: requests go out, and mail comes in. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>

#include "messenger.h"

/* The number that an answer is: the stock of one-time prekeys, or the relay's time. */
static uint64_t number_in(const struct buffer *answer) {
    uint64_t number = 0;
    for (size_t i = 0; i < answer->len; i++) {
        number = number << 8 | answer->bytes[i];
    }
    return number;
}

/* The most accounts that one request speaks of: the members of a room, and perhaps our own. */
#define MOST (SPRAG_MAX_MEMBERS + 1)

/* What the relay said about each account of a request. The parts lie in the answers. */
struct answers {
    struct buffer of[MOST];
    struct buffer parts;
    sprag_bytes absent[MOST];
    size_t absent_len;
};

/* Our keys on the relay's wire. */
static void spell_keys(const sprag_request *request, struct buffer *body) {
    uint8_t reset = request->reset_one_time != 0;
    sprag_bytes reset_part = {&reset, 1}, none = {NULL, 0};
    if (request->list.ptr != NULL) {
        add_number(body, request->list_sequence);
        add_number(body, request->list_expected);
    } else {
        add_part(body, none);
        add_part(body, none);
    }
    add_part(body, request->list);
    add_part(body, request->signed_prekey);
    add_part(body, reset_part);
    for (size_t i = 0; i < request->one_time_len; i++) {
        add_part(body, request->one_time[i]);
    }
}

/* Asks the relay what a request asks about one of its accounts; answers the status. */
static int ask(const sprag_request *request, size_t which, struct buffer *answer) {
    struct buffer body = {0};
    char other[2 * SPRAG_MAX_ID + 1], path[256] = "/keys";
    const char *method = "PUT";
    if (request->kind == SPRAG_REQUEST_PUBLISH_KEYS) {
        spell_keys(request, &body);
    } else {
        hex(other, request->accounts[which].ptr, request->accounts[which].len);
    }
    if (request->kind == SPRAG_REQUEST_FETCH_KEYS) {
        method = "GET";
        snprintf(path, sizeof path, "/keys/%s?one_time=%d", other, request->want_one_time != 0);
    } else if (request->kind == SPRAG_REQUEST_SEND) {
        method = "POST";
        snprintf(path, sizeof path, "/send/%s?request=%llu", other, (unsigned long long)request->id);
        add_part(&body, request->blob);
    }
    int status = relay_call(&relay, method, path, &body, answer);
    free(body.bytes);
    return status;
}

/* What was found of one account, if anything was. */
static void keep_keys(sprag_bytes account, int is_there, size_t which, struct answers *answers) {
    size_t at = 0;
    sprag_bytes object;
    if (!is_there) {
        answers->absent[answers->absent_len++] = account;
        return;
    }
    while ((object = next_part(&answers->of[which], &at)).ptr != NULL) {
        sprag_part part = {account, object};
        add(&answers->parts, &part, sizeof part);
    }
}

/* What a success means. */
static void success(const sprag_request *request, const struct answers *answers, sprag_outcome *outcome) {
    const struct buffer *first = &answers->of[0];
    if (request->kind == SPRAG_REQUEST_PUBLISH_KEYS) {
        outcome->kind = SPRAG_OUTCOME_PUBLISHED;
        outcome->has_number = first->len == 4;
        outcome->number = outcome->has_number ? (uint32_t)number_in(first) : 0;
    } else if (request->kind == SPRAG_REQUEST_FETCH_KEYS) {
        outcome->kind = SPRAG_OUTCOME_KEYS;
        outcome->parts = (const void *)answers->parts.bytes;
        outcome->parts_len = answers->parts.len / sizeof(sprag_part);
        outcome->absent = answers->absent;
        outcome->absent_len = answers->absent_len;
    } else {
        outcome->kind = SPRAG_OUTCOME_ACCEPTED;
        outcome->server_time = first->len == 8 ? number_in(first) : 0;
    }
}

/* What a status means that is no success. */
static void refusal(const sprag_request *request, int status, const struct buffer *answer, sprag_outcome *outcome) {
    if (status == 409 && request->kind == SPRAG_REQUEST_PUBLISH_KEYS) {
        outcome->kind = SPRAG_OUTCOME_CONFLICT;
        outcome->bytes.ptr = answer->bytes;
        outcome->bytes.len = answer->len;
    } else if (status == 413) {
        outcome->kind = SPRAG_OUTCOME_TOO_LARGE;
        outcome->number = 2 * 1024 * 1024;
    } else if (status == 400 || status == 403 || (status == 404 && request->kind == SPRAG_REQUEST_SEND)) {
        outcome->kind = SPRAG_OUTCOME_REJECTED;
        outcome->number = status == 403   ? SPRAG_REJECTED_FORBIDDEN
                          : status == 404 ? SPRAG_REJECTED_NO_SUCH_ACCOUNT
                                          : SPRAG_REJECTED_OTHER;
    } else {
        outcome->kind = SPRAG_OUTCOME_RETRY;
        outcome->has_number = status == 0; /* Offline: soon again. Refused: when the engine finds it right. */
        outcome->number = PAUSE;
    }
}

/* How many accounts a request is carried to; 0 for a kind of a later release. */
static size_t calls_of(const sprag_request *request) {
    switch (request->kind) {
    case SPRAG_REQUEST_PUBLISH_KEYS: return 1;
    case SPRAG_REQUEST_FETCH_KEYS:
    case SPRAG_REQUEST_SEND: return request->accounts_len <= MOST ? request->accounts_len : 0;
    default: return 0;
    }
}

/* Carries one request out, or puts it off, and says what became of it. Answers whether it has to be tried again: then it
 * goes to every account once more, and the relay knows it by its number. */
static int carry_out(const sprag_request *request, int put_off) {
    sprag_outcome outcome = {0};
    struct answers answers = {0};
    char line[64];
    size_t calls = calls_of(request), asked = 0;
    int status = put_off ? 0 : 200;
    outcome.size = sizeof outcome;
    if (calls == 0) {
        return 0; /* It is offered again, perhaps to a later release. */
    }
    for (; asked < calls && status == 200; asked++) {
        status = ask(request, asked, &answers.of[asked]);
        reached(status != 0);
        if (request->kind == SPRAG_REQUEST_FETCH_KEYS && (status == 200 || status == 404)) {
            keep_keys(request->accounts[asked], status == 200, asked, &answers);
            status = 200;
        }
    }
    if (status == 200) {
        success(request, &answers, &outcome);
    } else {
        refusal(request, status, &answers.of[asked > 0 ? asked - 1 : 0], &outcome);
    }
    if (outcome.kind == SPRAG_OUTCOME_PUBLISHED) {
        snprintf(line, sizeof line, "published %u", (unsigned)outcome.number);
        say(line, "");
    }
    must(sprag_respond(client, request->id, &outcome, &pending));
    for (size_t i = 0; i < asked; i++) {
        free(answers.of[i].bytes);
    }
    free(answers.parts.bytes);
    return outcome.kind == SPRAG_OUTCOME_RETRY;
}

/* After one that has to be tried again the rest is put off as well: order is kept. */
void carry_out_all(const sprag_request_list *requests) {
    int put_off = 0;
    for (size_t i = 0; i < sprag_requests_len(requests); i++) {
        put_off |= carry_out(sprag_requests_at(requests, i), put_off);
    }
}

int work(void) {
    sprag_request_list *requests = NULL;
    must(sprag_requests(client, 64, 60, &requests));
    size_t count = sprag_requests_len(requests);
    carry_out_all(requests);
    sprag_requests_free(requests);
    return count > 0;
}

void upkeep(int with_stock) {
    sprag_hint hint = {0};
    hint.size = sizeof hint;
    if (with_stock) {
        /* The answer to publishing nothing. */
        struct buffer body = {0}, answer = {0};
        uint8_t reset = 0;
        sprag_bytes none = {NULL, 0}, reset_part = {&reset, 1};
        for (int i = 0; i < 4; i++) {
            add_part(&body, none);
        }
        add_part(&body, reset_part);
        if (relay_call(&relay, "PUT", "/keys", &body, &answer) == 200 && answer.len == 4) {
            hint.has_one_time_left = 1;
            hint.one_time_left = (uint32_t)number_in(&answer);
        }
        free(body.bytes);
        free(answer.bytes);
    }
    must(sprag_wake(client, &hint, &pending));
}

uint64_t take_in(const struct buffer *mail, uint64_t after) {
    size_t at = 0;
    sprag_bytes number, from, blob;
    uint64_t last = after;
    while ((number = next_part(mail, &at)).len == 8) {
        sprag_incoming incoming = {0};
        sprag_verdict_list *verdicts = NULL;
        uint8_t account[64];
        from = next_part(mail, &at);
        blob = next_part(mail, &at);
        incoming.size = sizeof incoming;
        incoming.bytes = blob;
        for (size_t i = 0; i < from.len / 2 && i < sizeof account; i++) {
            char pair[3] = {(char)from.ptr[2 * i], (char)from.ptr[2 * i + 1], 0};
            account[i] = (uint8_t)strtoul(pair, NULL, 16);
        }
        incoming.from.ptr = account;
        incoming.from.len = from.len / 2 < sizeof account ? from.len / 2 : sizeof account;
        /* The relay knows mailboxes and no conversations: a message belongs where its sender sealed it. */
        must(sprag_deliver(client, &incoming, 1, &verdicts, &pending));
        sprag_verdicts_free(verdicts);
        for (last = 0; number.len > 0; number.len--) {
            last = last << 8 | *number.ptr++;
        }
    }
    if (last > after) {
        /* If this does not arrive the mail comes once more, and is recognised. */
        struct buffer nothing = {0};
        char path[64];
        snprintf(path, sizeof path, "/acknowledge?up_to=%llu", (unsigned long long)last);
        relay_call(&relay, "POST", path, NULL, &nothing);
        free(nothing.bytes);
    }
    return last;
}
