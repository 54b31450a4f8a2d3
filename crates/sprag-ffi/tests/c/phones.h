/*
 * The phones of the story and its server: keys by account and phone, and a mailbox for each phone.
 */
#ifndef PHONES_H
#define PHONES_H

#include "world.h"

enum { PHONES = 12, PREKEYS = 256, PARTS = 40 };

/* A phone of the story, and what the server keeps for it while it is closed, too. */
struct phone {
    char name[16], account[80];
    sprag_client *client;
    struct blob signed_prekey, one_time[PREKEYS], mail[MAILS];
    const char *from[MAILS];
    size_t one_time_len, mail_len;
};

static struct {
    char account[80];
    struct blob object;
    uint64_t sequence;
} lists[PHONES];

static struct phone phones[PHONES];
static struct phone *phone(const char *name) {
    for (size_t i = 0; i < PHONES; i++) {
        if (phones[i].name[0] == 0) {
            snprintf(phones[i].name, sizeof phones[i].name, "%s", name);
        }
        if (strcmp(phones[i].name, name) == 0) {
            return &phones[i];
        }
    }
    CHECK(0);
    return NULL;
}

/* Where an account's list is, or the first free place. */
static size_t list_of(sprag_bytes account) {
    size_t i = 0;
    while (lists[i].account[0] != 0 && !same(text(lists[i].account), account)) {
        i++;
        CHECK(i < PHONES);
    }
    return i;
}

static struct blob first(struct blob *queue, size_t *len) {
    CHECK(*len > 0);
    struct blob taken = queue[0];
    memmove(queue, queue + 1, --*len * sizeof *queue);
    return taken;
}

static void answer(struct phone *self, const sprag_request *request) {
    sprag_part parts[PARTS];
    sprag_bytes absent[PARTS];
    struct blob spent[PARTS];
    size_t spent_len = 0;
    sprag_outcome outcome = {.size = sizeof outcome, .kind = SPRAG_OUTCOME_ACCEPTED, .parts = parts, .absent = absent};
    size_t at = list_of(request->account);
    if (request->kind == SPRAG_REQUEST_PUBLISH_KEYS && request->list.ptr != NULL &&
        request->list_expected != lists[at].sequence) {
        outcome.kind = SPRAG_OUTCOME_CONFLICT;
        outcome.bytes = view(lists[at].object);
    } else if (request->kind == SPRAG_REQUEST_PUBLISH_KEYS) {
        if (request->list.ptr != NULL) {
            snprintf(lists[at].account, sizeof lists[at].account, "%s", self->account);
            replace(&lists[at].object, request->list);
            lists[at].sequence = request->list_sequence;
        }
        if (request->signed_prekey.ptr != NULL) {
            replace(&self->signed_prekey, request->signed_prekey);
        }
        if (request->reset_one_time) {
            free_blobs(self->one_time, self->one_time_len);
            self->one_time_len = 0;
        }
        for (size_t i = 0; i < request->one_time_len; i++) {
            CHECK(self->one_time_len < PREKEYS);
            self->one_time[self->one_time_len++] = keep(request->one_time[i]);
        }
        outcome.kind = SPRAG_OUTCOME_PUBLISHED;
        outcome.has_number = 1;
        outcome.number = (uint32_t)self->one_time_len;
    } else if (request->kind == SPRAG_REQUEST_FETCH_KEYS) {
        outcome.kind = SPRAG_OUTCOME_KEYS;
        for (size_t i = 0; i < request->accounts_len; i++) {
            sprag_bytes account = request->accounts[i];
            at = list_of(account);
            if (lists[at].account[0] == 0) {
                absent[outcome.absent_len++] = account;
                continue;
            }
            parts[outcome.parts_len++] = (sprag_part){account, view(lists[at].object)};
            for (struct phone *other = phones; other < phones + PHONES; other++) {
                if (same(text(other->account), account) && other->signed_prekey.ptr != NULL) {
                    CHECK(outcome.parts_len + 2 < PARTS);
                    parts[outcome.parts_len++] = (sprag_part){account, view(other->signed_prekey)};
                    if (other->one_time_len > 0) {
                        spent[spent_len] = first(other->one_time, &other->one_time_len);
                        parts[outcome.parts_len++] = (sprag_part){account, view(spent[spent_len++])};
                    }
                }
            }
        }
    } else {
        for (size_t i = 0; i < request->accounts_len; i++) {
            for (struct phone *other = phones; other < phones + PHONES; other++) {
                if (same(text(other->account), request->accounts[i])) {
                    CHECK(other->mail_len < MAILS);
                    other->from[other->mail_len] = self->account;
                    other->mail[other->mail_len++] = keep(request->blob);
                }
            }
        }
    }
    OK(sprag_respond(self->client, request->id, &outcome, NULL));
    free_blobs(spent, spent_len);
}

static void answer_all(struct phone *self, const sprag_request_list *requests) {
    for (size_t i = 0; i < sprag_requests_len(requests); i++) {
        answer(self, sprag_requests_at(requests, i));
    }
}

#endif
