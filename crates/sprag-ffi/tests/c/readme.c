#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sprag.h"

/* What the app's server does: it keeps keys, and carries messages. */
static sprag_part keys[4];
static size_t keys_len;
static sprag_bytes mail;

static void must(sprag_status status) {
    if (status != SPRAG_OK) {
        fprintf(stderr, "%s\n", sprag_status_str(status));
        exit(1);
    }
}

static sprag_bytes text(const char *words) {
    return (sprag_bytes){(const uint8_t *)words, strlen(words)};
}

/* Bytes of the library's live until their list is freed. */
static sprag_bytes keep(sprag_bytes from) {
    uint8_t *to = malloc(from.len);
    return (sprag_bytes){to == NULL ? NULL : memcpy(to, from.ptr, from.len), from.len};
}

static void carry_out(const sprag_client *client, const sprag_request_list *requests) {
    for (size_t i = 0; i < sprag_requests_len(requests); i++) {
        const sprag_request *request = sprag_requests_at(requests, i);
        sprag_outcome outcome = {.size = sizeof outcome};
        switch (request->kind) {
        case SPRAG_REQUEST_PUBLISH_KEYS:
            keys[keys_len++] = (sprag_part){keep(request->account), keep(request->list)};
            keys[keys_len++] = (sprag_part){keep(request->account), keep(request->signed_prekey)};
            outcome.kind = SPRAG_OUTCOME_PUBLISHED;
            break;
        case SPRAG_REQUEST_FETCH_KEYS: /* of request->accounts; this server hands everybody's out */
            outcome.kind = SPRAG_OUTCOME_KEYS;
            outcome.parts = keys;
            outcome.parts_len = keys_len;
            break;
        case SPRAG_REQUEST_SEND:
            mail = keep(request->blob);
            outcome.kind = SPRAG_OUTCOME_ACCEPTED;
            break;
        default:
            continue;
        }
        must(sprag_respond(client, request->id, &outcome, NULL));
    }
}

static void work(const sprag_client *client) {
    sprag_request_list *requests;
    must(sprag_requests(client, 100, 60, &requests));
    carry_out(client, requests);
    sprag_requests_free(requests);
}

static sprag_client *phone(const char *name) {
    /* An app gives a file, and a random key that the platform's key store keeps. */
    uint8_t key[SPRAG_KEY_LEN] = {7};
    sprag_config config = {.size = sizeof config, .key = {key, sizeof key}, .account = text(name)};
    sprag_client *client;
    must(sprag_client_create(&config, &client));
    return client;
}

int main(void) {
    sprag_client *alice = phone("alice"), *bob = phone("bob");
    work(alice); /* publishes her keys */
    work(bob);   /* and his */

    sprag_outgoing hello = {.size = sizeof hello, .conversation = SPRAG_CONVERSATION_DIRECT, .peer = text("bob"),
                            .content = SPRAG_CONTENT_TEXT, .body = text("hello")};
    sprag_sent *sent;
    must(sprag_send(alice, &hello, &sent, NULL));
    carry_out(alice, sprag_sent_requests(sent)); /* asks for Bob's keys */
    sprag_sent_free(sent);
    work(alice); /* and now the message */

    sprag_incoming incoming = {.size = sizeof incoming, .bytes = mail, .from = text("alice")};
    sprag_verdict_list *verdicts;
    must(sprag_deliver(bob, &incoming, 1, &verdicts, NULL));
    sprag_verdicts_free(verdicts);
    sprag_event_list *events;
    must(sprag_events(bob, 0, 100, &events));
    for (size_t i = 0; i < sprag_events_len(events); i++) {
        const sprag_event *event = sprag_events_at(events, i);
        if (event->kind == SPRAG_EVENT_MESSAGE && event->content == SPRAG_CONTENT_TEXT) {
            printf("%.*s says %.*s\n", (int)event->account.len, (const char *)event->account.ptr,
                   (int)event->body.len, (const char *)event->body.ptr);
        }
        must(sprag_done(bob, &event->id, 1, NULL)); /* after the app has stored it */
    }
    sprag_events_free(events);
    sprag_client_free(alice);
    sprag_client_free(bob);
    return 0;
}
