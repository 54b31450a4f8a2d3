/*
 * A messenger in C: one person, one other, one relay.
 *
 *   messenger NAME PEER HOST PORT STORE
 *
 * Lines typed are sent; lines that come are shown as "PEER: line". "/safety" shows the safety number, the end of input
 * ends it when everything has gone out. It does its own HTTP; Sprag does the rest. The store's key lies in STORE.key: a
 * real app keeps it in the platform's keystore.
 */
#define _POSIX_C_SOURCE 200809L
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sprag.h"

struct buffer {
    uint8_t *bytes;
    size_t len, room;
};

static const char *host, *port, *peer;
static char name_hex[129], token_hex[65];
static sprag_client *client;

static void die(const char *what) {
    fprintf(stderr, "messenger: %s\n", what);
    exit(1);
}

static void must(sprag_status status) {
    if (status != SPRAG_OK) {
        die(sprag_status_str(status));
    }
}

static void add(struct buffer *to, const void *bytes, size_t len) {
    if (to->room - to->len < len) {
        to->room = (to->len + len) * 2;
        to->bytes = realloc(to->bytes, to->room);
        if (to->bytes == NULL) {
            die("out of memory");
        }
    }
    if (len > 0) {
        memcpy(to->bytes + to->len, bytes, len);
    }
    to->len += len;
}

/* A part of a body: its length in four bytes, and itself. */
static void add_part(struct buffer *to, sprag_bytes part) {
    uint8_t head[4] = {(uint8_t)(part.len >> 24), (uint8_t)(part.len >> 16), (uint8_t)(part.len >> 8), (uint8_t)part.len};
    add(to, head, sizeof head);
    add(to, part.ptr, part.len);
}

static void add_number(struct buffer *to, uint64_t number) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    }
    sprag_bytes part = {bytes, sizeof bytes};
    add_part(to, part);
}

/* The next part of a body from `*at` on; absent at the end. */
static sprag_bytes next_part(const struct buffer *body, size_t *at) {
    sprag_bytes part = {NULL, 0};
    if (body->len - *at < 4) {
        return part;
    }
    const uint8_t *head = body->bytes + *at;
    size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (body->len - *at - 4 < len) {
        return part;
    }
    part.ptr = head + 4;
    part.len = len;
    *at += 4 + len;
    return part;
}

static void hex(char *to, const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        snprintf(to + 2 * i, 3, "%02x", bytes[i]);
    }
}

/* One request; answers the status, or 0 if the relay cannot be reached. The body is put into `answer`. */
static int http(const char *method, const char *path, const struct buffer *body, struct buffer *answer) {
    struct addrinfo hints = {0}, *found = NULL;
    struct buffer request = {0};
    char head[1024], chunk[4096];
    ssize_t got;
    int status = 0;
    answer->len = 0;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return 0;
    }
    int line = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    int reached = line >= 0 && connect(line, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    if (reached) {
        snprintf(head, sizeof head,
                 "%s %s HTTP/1.0\r\nHost: %s\r\nX-Account: %s\r\nAuthorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
                 method, path, host, name_hex, token_hex, body == NULL ? (size_t)0 : body->len);
        add(&request, head, strlen(head));
        if (body != NULL) {
            add(&request, body->bytes, body->len);
        }
        for (size_t sent = 0; sent < request.len; sent += (size_t)got) {
            got = send(line, request.bytes + sent, request.len - sent, MSG_NOSIGNAL);
            if (got <= 0) {
                break;
            }
        }
        while ((got = recv(line, chunk, sizeof chunk, 0)) > 0) {
            add(answer, chunk, (size_t)got);
        }
    }
    if (line >= 0) {
        close(line);
    }
    free(request.bytes);
    add(answer, "", 1);
    answer->len--;
    char *end = answer->len == 0 ? NULL : strstr((char *)answer->bytes, "\r\n\r\n");
    if (end != NULL && sscanf((char *)answer->bytes, "HTTP/%*d.%*d %d", &status) == 1) {
        size_t skip = (size_t)(end + 4 - (char *)answer->bytes);
        memmove(answer->bytes, answer->bytes + skip, answer->len - skip);
        answer->len -= skip;
        return status;
    }
    answer->len = 0;
    return 0;
}

/* Carries out one request and says what became of it. */
static void carry_out(const sprag_request *request) {
    sprag_outcome outcome = {0};
    sprag_part parts[64];
    struct buffer body = {0}, answer = {0};
    char path[256], other[129];
    int status = 0;
    outcome.size = sizeof outcome;
    if (request->kind == 1) {
        uint8_t reset = request->reset_one_time != 0;
        sprag_bytes reset_part = {&reset, 1}, none = {NULL, 0};
        if (request->list.ptr != NULL) {
            add_number(&body, request->list_sequence);
            add_number(&body, request->list_expected);
        } else {
            add_part(&body, none);
            add_part(&body, none);
        }
        add_part(&body, request->list);
        add_part(&body, request->signed_prekey);
        add_part(&body, reset_part);
        for (size_t i = 0; i < request->one_time_len; i++) {
            add_part(&body, request->one_time[i]);
        }
        status = http("PUT", "/keys", &body, &answer);
        outcome.kind = status == 409 ? SPRAG_OUTCOME_CONFLICT : SPRAG_OUTCOME_PUBLISHED;
        outcome.bytes.ptr = answer.bytes;
        outcome.bytes.len = answer.len;
    } else if (request->kind == 2 && request->accounts_len == 1) {
        hex(other, request->accounts[0].ptr, request->accounts[0].len);
        snprintf(path, sizeof path, "/keys/%s?one_time=%d", other, request->want_one_time != 0);
        status = http("GET", path, NULL, &answer);
        outcome.kind = SPRAG_OUTCOME_KEYS;
        if (status == 404) {
            outcome.absent = request->accounts;
            outcome.absent_len = 1;
        } else {
            size_t at = 0;
            sprag_bytes part;
            while (outcome.parts_len < 64 && (part = next_part(&answer, &at)).ptr != NULL) {
                parts[outcome.parts_len].account = request->accounts[0];
                parts[outcome.parts_len++].object = part;
            }
            outcome.parts = parts;
        }
    } else if (request->kind == 3 && request->accounts_len == 1) {
        hex(other, request->accounts[0].ptr, request->accounts[0].len);
        snprintf(path, sizeof path, "/send/%s?request=%llu", other, (unsigned long long)request->id);
        add_part(&body, request->blob);
        status = http("POST", path, &body, &answer);
        outcome.kind = SPRAG_OUTCOME_ACCEPTED;
        if (status == 404) {
            outcome.kind = SPRAG_OUTCOME_REJECTED;
            outcome.number = 2;
        }
    } else {
        return; /* A later release's: it is offered again. */
    }
    if (status == 413) {
        outcome.kind = SPRAG_OUTCOME_TOO_LARGE;
        outcome.number = 2 * 1024 * 1024;
    } else if (status != 200 && status != 404 && status != 409) {
        memset(&outcome, 0, sizeof outcome);
        outcome.size = sizeof outcome;
        outcome.kind = SPRAG_OUTCOME_RETRY;
        outcome.has_number = 1;
        outcome.number = 1;
    }
    must(sprag_respond(client, request->id, &outcome, NULL));
    free(body.bytes);
    free(answer.bytes);
}

/* Carries out what there is to do; answers whether there was something. */
static int work(void) {
    sprag_request_list *requests = NULL;
    must(sprag_requests(client, 16, 60, &requests));
    size_t count = sprag_requests_len(requests);
    for (size_t i = 0; i < count; i++) {
        carry_out(sprag_requests_at(requests, i));
    }
    sprag_requests_free(requests);
    return count > 0;
}

static void show(void) {
    sprag_event_list *events = NULL;
    must(sprag_events(client, 0, 64, &events));
    for (size_t i = 0; i < sprag_events_len(events); i++) {
        const sprag_event *event = sprag_events_at(events, i);
        if (event->kind == 1 && event->content == 1) {
            printf("%.*s: %.*s\n", (int)event->account.len, (const char *)event->account.ptr, (int)event->body.len,
                   (const char *)event->body.ptr);
        } else if (event->importance == 2) {
            printf("! something changed about %.*s: compare safety numbers\n", (int)event->account.len,
                   (const char *)event->account.ptr);
        }
        fflush(stdout);
        /* Shown, and only then done: an app has written it into its own history by now. */
        must(sprag_done(client, &event->id, 1, NULL));
    }
    sprag_events_free(events);
}

/* Fetches mail, waiting for some as long as told; acknowledges it when it is on disk. */
static void fetch(int wait) {
    struct buffer answer = {0};
    char path[96];
    size_t at = 0;
    snprintf(path, sizeof path, "/mail?after=0&wait=%d", wait);
    if (http("GET", path, NULL, &answer) == 200) {
        unsigned long long last = 0;
        sprag_bytes number, from, blob;
        while ((number = next_part(&answer, &at)).len == 8) {
            sprag_incoming incoming = {0};
            sprag_verdict_list *verdicts = NULL;
            uint8_t account[64];
            from = next_part(&answer, &at);
            blob = next_part(&answer, &at);
            incoming.size = sizeof incoming;
            incoming.bytes = blob;
            for (size_t i = 0; i < from.len / 2 && i < sizeof account; i++) {
                char pair[3] = {(char)from.ptr[2 * i], (char)from.ptr[2 * i + 1], 0};
                account[i] = (uint8_t)strtoul(pair, NULL, 16);
            }
            incoming.from.ptr = account;
            incoming.from.len = from.len / 2;
            incoming.direct = incoming.from;
            must(sprag_deliver(client, &incoming, 1, &verdicts, NULL));
            sprag_verdicts_free(verdicts);
            for (last = 0, number.len = 0; number.len < 8; number.len++) {
                last = last << 8 | number.ptr[number.len];
            }
        }
        if (last > 0) {
            struct buffer nothing = {0};
            snprintf(path, sizeof path, "/acknowledge?up_to=%llu", last);
            http("POST", path, NULL, &nothing);
            free(nothing.bytes);
        }
    }
    free(answer.bytes);
}

static void say(const char *line, size_t len) {
    sprag_outgoing message = {0};
    sprag_sent *sent = NULL;
    message.size = sizeof message;
    message.conversation = 1;
    message.peer.ptr = (const uint8_t *)peer;
    message.peer.len = strlen(peer);
    message.content = 1;
    message.body.ptr = (const uint8_t *)line;
    message.body.len = len;
    must(sprag_send(client, &message, &sent, NULL));
    for (size_t i = 0; i < sprag_requests_len(sprag_sent_requests(sent)); i++) {
        carry_out(sprag_requests_at(sprag_sent_requests(sent), i));
    }
    sprag_sent_free(sent);
}

static void safety(void) {
    sprag_contact contact;
    sprag_bytes account = {(const uint8_t *)peer, strlen(peer)};
    if (sprag_contact_get(client, account, &contact) == SPRAG_OK) {
        printf("safety number: %s\n", (const char *)contact.digits);
    } else {
        printf("nothing is known of %s yet\n", peer);
    }
    fflush(stdout);
}

/* The key of the store and the token of the account: read, or made on the first start. */
static int secrets(const char *store, uint8_t secret[64]) {
    char path[4096];
    snprintf(path, sizeof path, "%s.key", store);
    FILE *file = fopen(path, "rb");
    int known = file != NULL;
    if (!known) {
        FILE *random = fopen("/dev/urandom", "rb");
        if (random == NULL || fread(secret, 64, 1, random) != 1 || (file = fopen(path, "wb")) == NULL ||
            fwrite(secret, 64, 1, file) != 1) {
            die("cannot make a key");
        }
        fclose(random);
    } else if (fread(secret, 64, 1, file) != 1) {
        die("cannot read the key");
    }
    if (fclose(file) != 0) {
        die("cannot keep the key");
    }
    return known;
}

int main(int count, char **words) {
    uint8_t secret[64];
    sprag_config config = {0};
    sprag_opening opening = {0};
    struct buffer typed = {0};
    int open = 1, rounds = 0;
    if (count != 6 || strlen(words[1]) > 64) {
        die("messenger NAME PEER HOST PORT STORE");
    }
    peer = words[2];
    host = words[3];
    port = words[4];
    hex(name_hex, (const uint8_t *)words[1], strlen(words[1]));
    secrets(words[5], secret);
    hex(token_hex, secret + 32, 32);
    opening.size = sizeof opening;
    opening.path.ptr = (const uint8_t *)words[5];
    opening.path.len = strlen(words[5]);
    opening.key.ptr = secret;
    opening.key.len = 32;
    opening.account.ptr = (const uint8_t *)words[1];
    opening.account.len = strlen(words[1]);
    sprag_status status = sprag_client_open(&opening, &client);
    if (status == SPRAG_NO_STORE) {
        config.size = sizeof config;
        config.path = opening.path;
        config.key = opening.key;
        config.account = opening.account;
        status = sprag_client_create(&config, &client);
    }
    must(status);
    while (open || rounds++ < 3) {
        struct pollfd input = {0, POLLIN, 0};
        char chunk[65536];
        must(sprag_wake(client, NULL, NULL));
        while (work()) {
            rounds = 0;
        }
        show();
        if (open && poll(&input, 1, 50) > 0) {
            ssize_t got = read(0, chunk, sizeof chunk);
            if (got <= 0) {
                open = 0;
            } else {
                add(&typed, chunk, (size_t)got);
            }
            uint8_t *end;
            while (typed.len > 0 && (end = memchr(typed.bytes, '\n', typed.len)) != NULL) {
                size_t len = (size_t)(end - typed.bytes);
                if (len == 7 && memcmp(typed.bytes, "/safety", 7) == 0) {
                    safety();
                } else if (len > 0) {
                    say((const char *)typed.bytes, len);
                }
                typed.len -= len + 1;
                memmove(typed.bytes, end + 1, typed.len);
            }
        }
        fetch(1);
    }
    show();
    sprag_client_free(client);
    free(typed.bytes);
    return 0;
}
