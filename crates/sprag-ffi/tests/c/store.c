/*
 * A store on disk through the C face: made, opened again, refused with a wrong key, suspended, put under a new key,
 * erased; and a message of which nobody knows the recipient, on its way through its states.
 */
/* For mkstemp. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sprag.h"

#define CHECK(condition)                                                                                              \
    do {                                                                                                              \
        if (!(condition)) {                                                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                           \
            exit(1);                                                                                                  \
        }                                                                                                             \
    } while (0)

#define OK(call) CHECK((call) == SPRAG_OK)

static sprag_bytes text(const char *from) {
    sprag_bytes to = {(const uint8_t *)from, strlen(from)};
    return to;
}

int main(void) {
    char path[] = "./sprag-store-XXXXXX";
    static const char *const first_key = "0123456789abcdef0123456789abcdef";
    static const char *const second_key = "fedcba9876543210fedcba9876543210";
    sprag_client *client = NULL;
    sprag_sent *sent = NULL;
    sprag_preview *preview = NULL;
    sprag_pending pending;
    uint32_t state = 0;

    int file = mkstemp(path);
    CHECK(file >= 0 && close(file) == 0 && unlink(path) == 0);

    sprag_opening opening = {0};
    opening.size = sizeof opening;
    opening.path = text(path);
    opening.key = text(first_key);
    opening.account = text("alice");
    CHECK(sprag_client_open(&opening, &client) == SPRAG_NO_STORE && client == NULL);

    sprag_config config = {0};
    config.size = sizeof config;
    config.path = opening.path;
    config.key = opening.key;
    config.account = opening.account;
    OK(sprag_client_create(&config, &client));
    sprag_client_free(client);
    CHECK(sprag_client_create(&config, &client) == SPRAG_EXISTS && client == NULL);

    opening.key = text(second_key);
    CHECK(sprag_client_open(&opening, &client) == SPRAG_WRONG_KEY && client == NULL);
    opening.key = text(first_key);
    opening.account = text("mallory");
    CHECK(sprag_client_open(&opening, &client) == SPRAG_WRONG_ACCOUNT && client == NULL);
    opening.account = text("alice");
    OK(sprag_client_open(&opening, &client));

    /* A message to somebody unknown waits for keys, survives, and can be taken back. */
    sprag_outgoing message = {0};
    message.size = sizeof message;
    message.conversation = 1;
    message.peer = text("bob");
    message.content = 2;
    message.content_kind = text("receipt");
    message.message_class = 2;
    message.body = text("\1\2\3");
    message.client_id = text("m1");
    OK(sprag_send(client, &message, &sent, &pending));
    CHECK(sprag_sent_state(sent) == 1);
    sprag_sent_free(sent);
    message.peer = text("alice");
    message.client_id = text("m2");
    CHECK(sprag_send(client, &message, &sent, &pending) == SPRAG_MISUSE && sent == NULL);
    message.content = 9;
    CHECK(sprag_send(client, &message, &sent, &pending) == SPRAG_MISUSE);
    sprag_client_free(client);
    OK(sprag_client_open(&opening, &client));
    OK(sprag_state(client, text("m1"), &state));
    CHECK(state == 1);
    OK(sprag_cancel(client, text("m1"), NULL));
    OK(sprag_state(client, text("m1"), &state));
    CHECK(state == 6);
    CHECK(sprag_state(client, text("never"), &state) == SPRAG_UNKNOWN && state == 6);

    /* What cannot be read shows nothing. */
    sprag_incoming incoming = {0};
    incoming.size = sizeof incoming;
    incoming.bytes = text("not of ours");
    OK(sprag_peek(client, &incoming, &preview));
    CHECK(sprag_preview_get(preview) != NULL && sprag_preview_get(preview)->kind != 1);
    sprag_preview_free(preview);

    sprag_policy policy = {.size = sizeof policy, .max_body = 1};
    CHECK(sprag_configure(client, &policy) == SPRAG_MISUSE);
    policy.max_body = 64 * 1024;
    OK(sprag_configure(client, &policy));
    OK(sprag_suspend(client));
    CHECK(sprag_wake(client, NULL, NULL) == SPRAG_UNAVAILABLE);
    OK(sprag_resume(client));
    OK(sprag_wake(client, NULL, &pending));

    CHECK(sprag_rekey(client, text("short")) == SPRAG_MISUSE);
    OK(sprag_rekey(client, text(second_key)));
    sprag_client_free(client);
    CHECK(sprag_client_open(&opening, &client) == SPRAG_WRONG_KEY);
    opening.key = text(second_key);
    OK(sprag_client_open(&opening, &client));

    OK(sprag_client_erase(client));
    CHECK(sprag_client_open(&opening, &client) == SPRAG_NO_STORE);
    CHECK(access(path, F_OK) != 0);
    puts("a store in C: ok");
    return 0;
}
