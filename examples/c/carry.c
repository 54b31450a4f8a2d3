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

/* The request's path and body on the relay's wire; answers what the outcome is if all goes well, 0 for a kind of a
 * later release. */
static uint32_t spell(const sprag_request *request, const char **method, char path[256], struct buffer *body) {
    char other[129];
    if (request->kind == SPRAG_REQUEST_PUBLISH_KEYS) {
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
        *method = "PUT";
        snprintf(path, 256, "/keys");
        return SPRAG_OUTCOME_PUBLISHED;
    }
    if (request->accounts_len != 1 || request->accounts[0].len > SPRAG_MAX_ID) {
        return 0;
    }
    hex(other, request->accounts[0].ptr, request->accounts[0].len);
    if (request->kind == SPRAG_REQUEST_FETCH_KEYS) {
        *method = "GET";
        snprintf(path, 256, "/keys/%s?one_time=%d", other, request->want_one_time != 0);
        return SPRAG_OUTCOME_KEYS;
    }
    if (request->kind == SPRAG_REQUEST_SEND) {
        *method = "POST";
        snprintf(path, 256, "/send/%s?request=%llu", other, (unsigned long long)request->id);
        add_part(body, request->blob);
        return SPRAG_OUTCOME_ACCEPTED;
    }
    return 0;
}

/* What a status means that is no success. */
static void refusal(const sprag_request *request, int status, const struct buffer *answer, sprag_outcome *outcome) {
    if (status == 409 && request->kind == SPRAG_REQUEST_PUBLISH_KEYS) {
        outcome->kind = SPRAG_OUTCOME_CONFLICT;
        outcome->bytes.ptr = answer->bytes;
        outcome->bytes.len = answer->len;
    } else if (status == 404 && request->kind == SPRAG_REQUEST_FETCH_KEYS) {
        outcome->kind = SPRAG_OUTCOME_KEYS;
        outcome->absent = request->accounts;
        outcome->absent_len = 1;
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

/* Carries one request out, or puts it off, and says what became of it. Answers whether it has to be tried again. */
static int carry_out(const sprag_request *request, int put_off) {
    sprag_outcome outcome = {0};
    sprag_part parts[64];
    struct buffer body = {0}, answer = {0};
    const char *method = NULL;
    char path[256], line[64];
    int status = 0;
    uint32_t kind = spell(request, &method, path, &body);
    outcome.size = sizeof outcome;
    if (kind == 0) {
        free(body.bytes);
        return 0; /* It is offered again, perhaps to a later release. */
    }
    if (!put_off) {
        status = relay_call(&relay, method, path, &body, &answer);
        reached(status != 0);
    }
    if (status != 200) {
        refusal(request, status, &answer, &outcome);
    } else {
        size_t at = 0;
        sprag_bytes part;
        outcome.kind = kind;
        if (kind == SPRAG_OUTCOME_PUBLISHED && answer.len == 4) {
            outcome.has_number = 1;
            outcome.number = (uint32_t)number_in(&answer);
            snprintf(line, sizeof line, "published %u", (unsigned)outcome.number);
            say(line, "");
        }
        if (kind == SPRAG_OUTCOME_ACCEPTED && answer.len == 8) {
            outcome.server_time = number_in(&answer);
        }
        while (kind == SPRAG_OUTCOME_KEYS && outcome.parts_len < 64 && (part = next_part(&answer, &at)).ptr != NULL) {
            parts[outcome.parts_len].account = request->accounts[0];
            parts[outcome.parts_len++].object = part;
        }
        outcome.parts = parts;
    }
    must(sprag_respond(client, request->id, &outcome, &pending));
    free(body.bytes);
    free(answer.bytes);
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
        incoming.direct = incoming.from;
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
