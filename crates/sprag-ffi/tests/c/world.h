/*
 * Two people, and between them a directory and mailboxes made of arrays: what the tests in C share. Each uses a part.
 */
#ifndef WORLD_H
#define WORLD_H

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

static inline struct blob keep(sprag_bytes from) {
    struct blob to = {malloc(from.len + 1), from.len};
    CHECK(to.ptr != NULL);
    if (from.len > 0) {
        memcpy(to.ptr, from.ptr, from.len);
    }
    return to;
}

static inline sprag_bytes view(struct blob from) {
    sprag_bytes to = {from.ptr, from.len};
    return to;
}

static inline sprag_bytes text(const char *from) {
    sprag_bytes to = {(const uint8_t *)from, strlen(from)};
    return to;
}

static inline int same(sprag_bytes one, sprag_bytes other) {
    return one.len == other.len && (one.len == 0 || memcmp(one.ptr, other.ptr, one.len) == 0);
}

enum { KEYS = 512, MAILS = 64 };

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
    struct blob mail[MAILS];
    size_t mail_len;
};

static struct person people[2];

static inline struct person *find(sprag_bytes account) {
    for (size_t i = 0; i < 2; i++) {
        if (same(text(people[i].name), account)) {
            return &people[i];
        }
    }
    return NULL;
}

static inline void replace(struct blob *place, sprag_bytes with) {
    free(place->ptr);
    *place = keep(with);
}

static inline void publish(struct person *person, const sprag_request *request) {
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

static inline void fetch(struct person *person, const sprag_request *request) {
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

static inline void carry(struct person *person, const sprag_request *request) {
    sprag_outcome outcome = {0};
    outcome.size = sizeof outcome;
    outcome.kind = SPRAG_OUTCOME_ACCEPTED;
    CHECK(sprag_recognise(request->blob) == 1);
    CHECK(request->commitment.len == 32 && request->blob_id.len == 32);
    for (size_t i = 0; i < request->accounts_len; i++) {
        struct person *other = find(request->accounts[i]);
        CHECK(other != NULL && other->mail_len < MAILS);
        other->mail[other->mail_len++] = keep(request->blob);
    }
    OK(sprag_respond(person->client, request->id, &outcome, NULL));
}

static inline void work(struct person *person, const sprag_request_list *requests) {
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

/* A client on the store at this path; NULL for one in memory. */
static inline void make(struct person *person, const char *name, const char *path, uint8_t fill) {
    uint8_t key[SPRAG_KEY_LEN];
    sprag_config config = {0};
    memset(key, fill, sizeof key);
    person->name = name;
    config.size = sizeof config;
    config.key.ptr = key;
    config.key.len = sizeof key;
    config.account = text(name);
    if (path != NULL) {
        config.path = text(path);
    }
    OK(sprag_client_create(&config, &person->client));
}

static inline void free_blobs(struct blob *blobs, size_t len) {
    for (size_t i = 0; i < len; i++) {
        free(blobs[i].ptr);
    }
}

/* Frees what the directory and the mailbox keep for somebody. */
static inline void forget(struct person *person) {
    free_blobs(&person->list, 1);
    free_blobs(&person->signed_prekey, 1);
    free_blobs(person->one_time, person->one_time_len);
    free_blobs(person->mail, person->mail_len);
}

#endif
