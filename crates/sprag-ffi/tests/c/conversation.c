/*
 * Two clients in one program, with a directory and a mailbox made of arrays between them: a whole conversation through
 * the C face, and what it answers to mistakes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sprag.h"

#define CHECK(condition)                                                                                              \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                           \
            exit(1);                                                                                                  \
        }                                                                                                             \
    } while (0)

#define OK(call)                                                                                                      \
    do {                                                                                                              \
        sprag_status status_ = (call);                                                                                \
        if (status_ != SPRAG_OK) {                                                                                    \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, sprag_status_str(status_));                 \
            exit(1);                                                                                                  \
        }                                                                                                             \
    } while (0)

/* Bytes of our own, copied from a view. */
struct blob {
    uint8_t *ptr;
    size_t len;
};

static struct blob keep(sprag_bytes from) {
    struct blob to = {malloc(from.len + 1), from.len};
    CHECK(to.ptr != NULL);
    if (from.len > 0) {
        memcpy(to.ptr, from.ptr, from.len);
    }
    return to;
}

static sprag_bytes view(struct blob from) {
    sprag_bytes to = {from.ptr, from.len};
    return to;
}

static sprag_bytes text(const char *from) {
    sprag_bytes to = {(const uint8_t *)from, strlen(from)};
    return to;
}

static int same(sprag_bytes one, sprag_bytes other) {
    return one.len == other.len && (one.len == 0 || memcmp(one.ptr, other.ptr, one.len) == 0);
}

enum { KEYS = 512, MAILS = 64 };

struct mail {
    struct blob bytes;
};

struct person {
    const char *name;
    sprag_client *client;
    /* What the directory keeps for it. */
    struct blob list;
    uint64_t sequence;
    struct blob signed_prekey;
    struct blob one_time[KEYS];
    size_t one_time_len;
    /* What waits for it. */
    struct mail mail[MAILS];
    size_t mail_len;
};

static struct person people[2];

static struct person *find(sprag_bytes account) {
    for (size_t i = 0; i < 2; i++) {
        if (same(text(people[i].name), account)) {
            return &people[i];
        }
    }
    return NULL;
}

static void replace(struct blob *place, sprag_bytes with) {
    free(place->ptr);
    *place = keep(with);
}

static void publish(struct person *person, const sprag_request *request) {
    sprag_outcome outcome = {0};
    outcome.size = sizeof outcome;
    if (request->list.ptr != NULL && request->list_expected != person->sequence) {
        outcome.kind = SPRAG_OUTCOME_CONFLICT;
        outcome.bytes = view(person->list);
    } else {
        if (request->list.ptr != NULL) {
            replace(&person->list, request->list);
            person->sequence = request->list_sequence;
        }
        if (request->signed_prekey.ptr != NULL) {
            replace(&person->signed_prekey, request->signed_prekey);
        }
        for (size_t i = 0; i < request->one_time_len; i++) {
            CHECK(person->one_time_len < KEYS);
            person->one_time[person->one_time_len++] = keep(request->one_time[i]);
        }
        outcome.kind = SPRAG_OUTCOME_PUBLISHED;
        outcome.has_number = 1;
        outcome.number = (uint32_t)person->one_time_len;
    }
    OK(sprag_respond(person->client, request->id, &outcome, NULL));
}

static void fetch(struct person *person, const sprag_request *request) {
    sprag_part parts[12];
    sprag_bytes absent[4];
    struct blob spent = {NULL, 0};
    sprag_outcome outcome = {0};
    outcome.size = sizeof outcome;
    outcome.kind = SPRAG_OUTCOME_KEYS;
    outcome.parts = parts;
    outcome.absent = absent;
    CHECK(request->accounts_len <= 4);
    for (size_t i = 0; i < request->accounts_len; i++) {
        sprag_bytes account = request->accounts[i];
        struct person *other = find(account);
        if (other == NULL || other->list.ptr == NULL) {
            absent[outcome.absent_len++] = account;
            continue;
        }
        sprag_part list = {account, view(other->list)};
        parts[outcome.parts_len++] = list;
        sprag_part prekey = {account, view(other->signed_prekey)};
        parts[outcome.parts_len++] = prekey;
        if (request->want_one_time && other->one_time_len > 0 && spent.ptr == NULL) {
            spent = other->one_time[--other->one_time_len];
            sprag_part once = {account, view(spent)};
            parts[outcome.parts_len++] = once;
        }
    }
    OK(sprag_respond(person->client, request->id, &outcome, NULL));
    free(spent.ptr);
}

static void carry(struct person *person, const sprag_request *request) {
    sprag_outcome outcome = {0};
    outcome.size = sizeof outcome;
    outcome.kind = SPRAG_OUTCOME_ACCEPTED;
    CHECK(sprag_recognise(request->blob) == 1);
    CHECK(request->commitment.len == 32 && request->blob_id.len == 32);
    for (size_t i = 0; i < request->accounts_len; i++) {
        struct person *other = find(request->accounts[i]);
        CHECK(other != NULL && other->mail_len < MAILS);
        other->mail[other->mail_len++].bytes = keep(request->blob);
    }
    OK(sprag_respond(person->client, request->id, &outcome, NULL));
}

static void work(struct person *person, const sprag_request_list *requests) {
    for (size_t i = 0; i < sprag_requests_len(requests); i++) {
        const sprag_request *request = sprag_requests_at(requests, i);
        switch (request->kind) {
        case 1: publish(person, request); break;
        case 2: fetch(person, request); break;
        case 3: carry(person, request); break;
        default: break;
        }
    }
    CHECK(sprag_requests_at(requests, sprag_requests_len(requests)) == NULL);
}

/* Carries out what either has to do until nobody has anything. */
static void settle(void) {
    int busy = 1;
    while (busy) {
        busy = 0;
        for (size_t i = 0; i < 2; i++) {
            struct person *person = &people[i];
            const char *other = people[1 - i].name;
            sprag_request_list *requests = NULL;
            OK(sprag_requests(person->client, 16, 60, &requests));
            busy |= sprag_requests_len(requests) > 0;
            work(person, requests);
            sprag_requests_free(requests);
            if (person->mail_len > 0) {
                sprag_incoming batch[MAILS];
                memset(batch, 0, sizeof batch);
                for (size_t m = 0; m < person->mail_len; m++) {
                    batch[m].size = sizeof batch[m];
                    batch[m].bytes = view(person->mail[m].bytes);
                    batch[m].from = text(other);
                    batch[m].direct = text(other);
                    batch[m].app_ref = text("row 1");
                }
                /* The batch twice: nothing is shown twice. */
                for (int twice = 0; twice < 2; twice++) {
                    sprag_verdict_list *verdicts = NULL;
                    OK(sprag_deliver(person->client, batch, person->mail_len, &verdicts, NULL));
                    CHECK(sprag_verdicts_len(verdicts) == person->mail_len);
                    for (size_t m = 0; m < person->mail_len; m++) {
                        const sprag_verdict *verdict = sprag_verdicts_at(verdicts, m);
                        CHECK(verdict->kind == (twice ? 3U : 1U));
                    }
                    sprag_verdicts_free(verdicts);
                }
                for (size_t m = 0; m < person->mail_len; m++) {
                    free(person->mail[m].bytes.ptr);
                }
                person->mail_len = 0;
                busy = 1;
            }
            OK(sprag_wake(person->client, NULL, NULL));
        }
    }
}

static void say(struct person *person, const char *words, const char *id) {
    sprag_outgoing message = {0};
    sprag_sent *sent = NULL;
    message.size = sizeof message;
    message.conversation = 1;
    message.peer = text(people[person == &people[0]].name);
    message.content = 1;
    message.body = text(words);
    message.client_id = text(id);
    OK(sprag_send(person->client, &message, &sent, NULL));
    CHECK(same(sprag_sent_message(sent), text(id)));
    work(person, sprag_sent_requests(sent));
    sprag_sent_free(sent);

    /* The same again is the same message; another under its name is a mistake. */
    OK(sprag_send(person->client, &message, &sent, NULL));
    work(person, sprag_sent_requests(sent));
    sprag_sent_free(sent);
    message.body = text("something else");
    CHECK(sprag_send(person->client, &message, &sent, NULL) == SPRAG_MISUSE);
    CHECK(sent == NULL);
}

/* That exactly these words are shown, once. */
static void shows(struct person *person, const char *words) {
    sprag_event_list *events = NULL;
    uint64_t done[64];
    size_t count = 0;
    int seen = 0;
    uint32_t device = 0;
    OK(sprag_device(people[person == &people[0]].client, &device));
    OK(sprag_events(person->client, 0, 64, &events));
    for (size_t i = 0; i < sprag_events_len(events); i++) {
        const sprag_event *event = sprag_events_at(events, i);
        done[count++] = event->id;
        if (event->kind == 1) {
            CHECK(same(event->body, text(words)));
            CHECK(same(event->account, text(people[person == &people[0]].name)));
            CHECK(event->device == device && device != 0);
            CHECK(same(event->app_ref, text("row 1")));
            CHECK(event->content == 1 && event->conversation == 1);
            seen++;
        } else {
            CHECK(event->kind == 3);
        }
    }
    CHECK(seen == 1);
    sprag_events_free(events);
    OK(sprag_done(person->client, done, count, NULL));
    OK(sprag_events(person->client, 0, 64, &events));
    CHECK(sprag_events_len(events) == 0);
    sprag_events_free(events);
}

static void make(struct person *person, const char *name, uint8_t fill) {
    uint8_t key[32];
    sprag_config config = {0};
    memset(key, fill, sizeof key);
    person->name = name;
    config.size = sizeof config;
    config.key.ptr = key;
    config.key.len = sizeof key;
    config.account = text(name);
    OK(sprag_client_create(&config, &person->client));
}

static void mistakes(void) {
    sprag_client *client = (sprag_client *)&people[0];
    sprag_config config = {0};
    sprag_pending pending = {7, 7, 7};
    uint8_t account[64];
    size_t length = 0;
    CHECK(sprag_client_create(NULL, &client) == SPRAG_NULL && client == NULL);
    CHECK(sprag_client_create(&config, &client) == SPRAG_BAD_SIZE);
    config.size = sizeof config;
    CHECK(sprag_client_create(&config, &client) == SPRAG_NULL);
    config.key = text("short");
    config.account = text("alice");
    CHECK(sprag_client_create(&config, &client) == SPRAG_MISUSE);
    CHECK(sprag_client_create(&config, NULL) == SPRAG_NULL);
    CHECK(sprag_wake(NULL, NULL, &pending) == SPRAG_NULL && pending.events == 7);
    CHECK(sprag_requests_len(NULL) == 0 && sprag_requests_at(NULL, 0) == NULL);
    sprag_client_free(NULL);
    sprag_requests_free(NULL);
    sprag_events_free(NULL);
    sprag_verdicts_free(NULL);
    sprag_sent_free(NULL);
    sprag_preview_free(NULL);
    CHECK(sprag_account(people[0].client, account, 2, &length) == SPRAG_TOO_SMALL && length == strlen("alice"));
    OK(sprag_account(people[0].client, account, sizeof account, &length));
    CHECK(length == strlen("alice") && memcmp(account, "alice", length) == 0);
    CHECK(sprag_device(people[0].client, NULL) == SPRAG_NULL);
    CHECK(strcmp(sprag_status_str(SPRAG_WRONG_KEY), "wrong key for this store") == 0);
    CHECK(strcmp(sprag_status_str(-5), "unknown status") == 0);
    CHECK(sprag_reason_str(9).len > 0 && sprag_reason_str(9999).ptr == NULL);
    CHECK(sprag_abi_version() == SPRAG_ABI_VERSION);
}

/* Anything may come in: it is judged, and is never an error. */
static void garbage(void) {
    static const char *const junk[] = {"", "\1", "\1\x86\1", "hello", "\2\x86\1"};
    sprag_incoming batch[5];
    sprag_verdict_list *verdicts = NULL;
    memset(batch, 0, sizeof batch);
    for (size_t i = 0; i < 5; i++) {
        batch[i].size = sizeof batch[i];
        batch[i].bytes = text(junk[i]);
    }
    OK(sprag_deliver(people[0].client, batch, 5, &verdicts, NULL));
    CHECK(sprag_verdicts_len(verdicts) == 5);
    for (size_t i = 0; i < 5; i++) {
        CHECK(sprag_verdicts_at(verdicts, i)->kind != 1);
    }
    sprag_verdicts_free(verdicts);
    batch[1].size = 8;
    CHECK(sprag_deliver(people[0].client, batch, 5, &verdicts, NULL) == SPRAG_BAD_SIZE && verdicts == NULL);
}

int main(void) {
    sprag_contact one, other;
    make(&people[0], "alice", 1);
    make(&people[1], "bob", 2);
    mistakes();
    garbage();
    settle();
    say(&people[0], "Grüß dich, Bob 👋", "a1");
    settle();
    shows(&people[1], "Grüß dich, Bob 👋");
    say(&people[1], "Hello Alice", "b1");
    settle();
    shows(&people[0], "Hello Alice");
    say(&people[0], "", "a2");
    settle();
    shows(&people[1], "");

    OK(sprag_contact_get(people[0].client, text("bob"), &one));
    OK(sprag_contact_get(people[1].client, text("alice"), &other));
    CHECK(memcmp(one.digits, other.digits, sizeof one.digits) == 0 && strlen((char *)one.digits) == 60);
    CHECK(memcmp(one.scannable, other.scannable, sizeof one.scannable) == 0);
    CHECK(sprag_contact_get(people[0].client, text("nobody"), &one) == SPRAG_UNKNOWN);

    for (size_t i = 0; i < 2; i++) {
        sprag_client_free(people[i].client);
        free(people[i].list.ptr);
        free(people[i].signed_prekey.ptr);
        for (size_t k = 0; k < people[i].one_time_len; k++) {
            free(people[i].one_time[k].ptr);
        }
    }
    puts("a conversation in C: ok");
    return 0;
}
