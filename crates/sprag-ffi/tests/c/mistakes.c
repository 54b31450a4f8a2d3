/*
 * Every call with NULL where something is needed, and with lengths that cannot be: a status, and nothing changes.
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

static const sprag_bytes none = {NULL, 0};
static const sprag_bytes nowhere = {NULL, 5};
static const sprag_bytes endless = {(const uint8_t *)"x", SIZE_MAX};

static sprag_bytes text(const char *from) {
    sprag_bytes to = {(const uint8_t *)from, strlen(from)};
    return to;
}

static sprag_config good(void) {
    static const uint8_t key[SPRAG_KEY_LEN] = {7};
    sprag_config config = {0};
    config.size = sizeof config;
    config.key.ptr = key;
    config.key.len = sizeof key;
    config.account = text("alice");
    return config;
}

static void making(void) {
    sprag_client *client = NULL;
    sprag_config config = good();
    sprag_opening opening = {0};
    char longer[SPRAG_MAX_ID + 2] = {0};
    memset(longer, 'x', SPRAG_MAX_ID + 1);
    CHECK(sprag_client_create(NULL, &client) == SPRAG_NULL);
    CHECK(sprag_client_create(&config, NULL) == SPRAG_NULL);
    CHECK(sprag_client_open(NULL, &client) == SPRAG_NULL);
    CHECK(sprag_client_open(&opening, NULL) == SPRAG_NULL);
    CHECK(sprag_client_open(&opening, &client) == SPRAG_BAD_SIZE);
    CHECK(sprag_client_erase(NULL) == SPRAG_NULL);
    const sprag_bytes wrong_keys[] = {none, nowhere, endless, {config.key.ptr, 31}, {config.key.ptr, 0}};
    const sprag_status key_answers[] = {SPRAG_NULL, SPRAG_NULL, SPRAG_MISUSE, SPRAG_MISUSE, SPRAG_MISUSE};
    for (size_t i = 0; i < 5; i++) {
        config = good();
        config.key = wrong_keys[i];
        CHECK(sprag_client_create(&config, &client) == key_answers[i] && client == NULL);
    }
    const sprag_bytes wrong_accounts[] = {none, nowhere, endless, text(""), text(longer)};
    const sprag_status account_answers[] = {SPRAG_NULL, SPRAG_NULL, SPRAG_MISUSE, SPRAG_MISUSE, SPRAG_MISUSE};
    for (size_t i = 0; i < 5; i++) {
        config = good();
        config.account = wrong_accounts[i];
        CHECK(sprag_client_create(&config, &client) == account_answers[i] && client == NULL);
    }
    config = good();
    config.path = text("\xff\xfe");
    CHECK(sprag_client_create(&config, &client) == SPRAG_MISUSE);
    config.path = nowhere;
    CHECK(sprag_client_create(&config, &client) == SPRAG_NULL);
    config.size = (uint32_t)sizeof config - 1;
    CHECK(sprag_client_create(&config, &client) == SPRAG_BAD_SIZE);
    config = good();
    sprag_policy policy = {.size = sizeof policy, .on_change = 3};
    config.policy = &policy;
    CHECK(sprag_client_create(&config, &client) == SPRAG_MISUSE && client == NULL);
    config.size = 1 << 20;
    CHECK(sprag_client_create(&config, &client) == SPRAG_BAD_SIZE);
    opening.size = sizeof opening;
    opening.role = 9;
    opening.key = good().key;
    opening.account = text("alice");
    CHECK(sprag_client_open(&opening, &client) == SPRAG_MISUSE && client == NULL);
}

/* Every place of a result is written before anything else, so that it can be freed whatever happened. */
static void without_a_client(void) {
    sprag_verdict_list *verdicts = (sprag_verdict_list *)&verdicts;
    sprag_request_list *requests = (sprag_request_list *)&requests;
    sprag_event_list *events = (sprag_event_list *)&events;
    sprag_preview *preview = (sprag_preview *)&preview;
    sprag_sent *sent = (sprag_sent *)&sent;
    sprag_freshness_list *fresh = (sprag_freshness_list *)&fresh;
    sprag_contact contact;
    sprag_outcome outcome = {0};
    uint32_t number = 7;
    uint8_t account[64];
    size_t length = 7;
    outcome.size = sizeof outcome;
    outcome.kind = SPRAG_OUTCOME_RETRY;
    CHECK(sprag_deliver(NULL, NULL, 0, &verdicts, NULL) == SPRAG_NULL && verdicts == NULL);
    CHECK(sprag_requests(NULL, 1, 0, &requests) == SPRAG_NULL && requests == NULL);
    CHECK(sprag_events(NULL, 0, 1, &events) == SPRAG_NULL && events == NULL);
    CHECK(sprag_peek(NULL, NULL, &preview) == SPRAG_NULL && preview == NULL);
    CHECK(sprag_send(NULL, NULL, &sent, NULL) == SPRAG_NULL && sent == NULL);
    CHECK(sprag_respond(NULL, 1, &outcome, NULL) == SPRAG_NULL);
    CHECK(sprag_wake(NULL, NULL, NULL) == SPRAG_NULL);
    CHECK(sprag_done(NULL, NULL, 0, NULL) == SPRAG_NULL);
    CHECK(sprag_cancel(NULL, text("m"), NULL) == SPRAG_NULL);
    CHECK(sprag_retry(NULL, text("m"), NULL) == SPRAG_NULL);
    CHECK(sprag_state(NULL, text("m"), &number) == SPRAG_NULL && number == 7);
    CHECK(sprag_configure(NULL, NULL) == SPRAG_NULL);
    CHECK(sprag_protection(NULL, SPRAG_CONVERSATION_DIRECT, text("bob"), NULL, 0, &number) == SPRAG_NULL);
    CHECK(sprag_suspend(NULL) == SPRAG_NULL && sprag_resume(NULL) == SPRAG_NULL);
    CHECK(sprag_rekey(NULL, good().key) == SPRAG_NULL);
    CHECK(sprag_account(NULL, account, sizeof account, &length) == SPRAG_NULL && length == 7);
    CHECK(sprag_device(NULL, &number) == SPRAG_NULL && number == 7);
    CHECK(sprag_contact_get(NULL, text("bob"), &contact) == SPRAG_NULL);
    CHECK(sprag_confirm(NULL, text("bob"), text("1"), NULL) == SPRAG_NULL);
    CHECK(sprag_accept_change(NULL, text("bob"), text("1"), NULL) == SPRAG_NULL);
    CHECK(sprag_forget(NULL, text("bob"), text("1"), NULL) == SPRAG_NULL);
    CHECK(sprag_freshness_get(NULL, text("bob"), &fresh) == SPRAG_NULL && fresh == NULL);
}

static void without_objects(void) {
    CHECK(sprag_requests_len(NULL) == 0 && sprag_requests_at(NULL, 0) == NULL);
    CHECK(sprag_verdicts_len(NULL) == 0 && sprag_verdicts_at(NULL, 0) == NULL);
    CHECK(sprag_events_len(NULL) == 0 && sprag_events_at(NULL, 0) == NULL);
    CHECK(sprag_freshness_len(NULL) == 0 && sprag_freshness_at(NULL, 0) == NULL);
    CHECK(sprag_sent_message(NULL).ptr == NULL && sprag_sent_state(NULL) == 0 && sprag_sent_requests(NULL) == NULL);
    CHECK(sprag_preview_get(NULL) == NULL);
    sprag_requests_free(NULL);
    sprag_verdicts_free(NULL);
    sprag_events_free(NULL);
    sprag_freshness_free(NULL);
    sprag_sent_free(NULL);
    sprag_preview_free(NULL);
    sprag_client_free(NULL);
    CHECK(sprag_recognise(none) == 0 && sprag_recognise(nowhere) == 0 && sprag_recognise(endless) == 0);
    int64_t value = 7;
    CHECK(sprag_constant(none, &value) == SPRAG_NULL && sprag_constant(text("SPRAG_OK"), NULL) == SPRAG_NULL);
    CHECK(sprag_constant(text("SPRAG_NO"), &value) == SPRAG_UNKNOWN && value == 7);
    CHECK(sprag_constant(text("SPRAG_ABI_VERSION"), &value) == SPRAG_OK && value == sprag_abi_version());
    CHECK(strlen(sprag_version()) > 0 && sprag_reason_str(0).ptr == NULL);
}

static void sending(const sprag_client *client) {
    sprag_sent *sent = NULL;
    sprag_outgoing message = {0};
    CHECK(sprag_send(client, NULL, &sent, NULL) == SPRAG_NULL);
    CHECK(sprag_send(client, &message, &sent, NULL) == SPRAG_BAD_SIZE);
    for (int mistake = 0; mistake < 12; mistake++) {
        memset(&message, 0, sizeof message);
        message.size = sizeof message;
        message.conversation = SPRAG_CONVERSATION_DIRECT;
        message.peer = text("bob");
        message.content = SPRAG_CONTENT_TEXT;
        message.body = text("hello");
        CHECK(sprag_send(client, &message, NULL, NULL) == SPRAG_NULL);
        switch (mistake) {
        case 0: message.conversation = 0; break;
        case 1: message.peer = none; break;
        case 2: message.peer = text("alice"); break;
        case 3: message.content = 9; break;
        case 4: message.content = SPRAG_CONTENT_APP; break;
        case 5: message.content_kind = text("kind"); break;
        case 6: message.body = none; break;
        case 7: message.body = nowhere; break;
        case 8: message.body = endless; break;
        case 9: message.body = text("\xff"); break;
        case 10: message.message_class = 9; break;
        default: message.client_id = text(""); break;
        }
        sprag_status status = sprag_send(client, &message, &sent, NULL);
        CHECK((status == SPRAG_MISUSE || status == SPRAG_NULL) && sent == NULL);
    }
}

static void answering(const sprag_client *client) {
    sprag_outcome outcome = {0};
    sprag_request_list *requests = NULL;
    sprag_part part = {none, none};
    CHECK(sprag_requests(client, 1, 0, NULL) == SPRAG_NULL);
    CHECK(sprag_requests(client, 1, 0, &requests) == SPRAG_OK && sprag_requests_len(requests) == 1);
    uint64_t id = sprag_requests_at(requests, 0)->id;
    sprag_requests_free(requests);
    CHECK(sprag_respond(client, id, NULL, NULL) == SPRAG_NULL);
    CHECK(sprag_respond(client, id, &outcome, NULL) == SPRAG_BAD_SIZE);
    for (int mistake = 0; mistake < 9; mistake++) {
        memset(&outcome, 0, sizeof outcome);
        outcome.size = sizeof outcome;
        switch (mistake) {
        case 0: outcome.kind = 0; break;
        case 1: outcome.kind = 99; break;
        case 2: outcome.kind = SPRAG_OUTCOME_CONFLICT; break;
        case 3: outcome.kind = SPRAG_OUTCOME_KEYS; outcome.parts_len = 1; break;
        case 4: outcome.kind = SPRAG_OUTCOME_KEYS; outcome.parts = &part; outcome.parts_len = 1; break;
        case 5: outcome.kind = SPRAG_OUTCOME_KEYS; outcome.parts = &part; outcome.parts_len = SIZE_MAX; break;
        case 6: outcome.kind = SPRAG_OUTCOME_KEYS; outcome.absent_len = 1; break;
        case 7: outcome.kind = SPRAG_OUTCOME_REJECTED; break;
        default: outcome.kind = SPRAG_OUTCOME_ACCEPTED; break; /* answers another kind of request */
        }
        sprag_status status = sprag_respond(client, id, &outcome, NULL);
        CHECK(status == SPRAG_MISUSE || status == SPRAG_NULL);
    }
    outcome.kind = SPRAG_OUTCOME_PUBLISHED;
    CHECK(sprag_respond(client, id, &outcome, NULL) == SPRAG_OK);
    outcome.kind = SPRAG_OUTCOME_RETRY;
    CHECK(sprag_respond(client, id, &outcome, NULL) == SPRAG_OK); /* it is gone: nothing changes */
}

static void reading(const sprag_client *client) {
    sprag_verdict_list *verdicts = NULL;
    sprag_event_list *events = NULL;
    sprag_preview *preview = NULL;
    sprag_incoming message = {0};
    uint32_t state;
    size_t length;
    uint8_t account[64];
    sprag_hint hint = {0};
    sprag_policy policy = {0};
    sprag_contact contact;
    sprag_freshness_list *fresh = NULL;
    CHECK(sprag_deliver(client, NULL, 0, &verdicts, NULL) == SPRAG_OK && sprag_verdicts_len(verdicts) == 0);
    sprag_verdicts_free(verdicts);
    CHECK(sprag_deliver(client, NULL, 1, &verdicts, NULL) == SPRAG_NULL && verdicts == NULL);
    CHECK(sprag_deliver(client, &message, 1, NULL, NULL) == SPRAG_NULL);
    CHECK(sprag_deliver(client, &message, 1, &verdicts, NULL) == SPRAG_BAD_SIZE);
    CHECK(sprag_peek(client, &message, &preview) == SPRAG_BAD_SIZE && preview == NULL);
    CHECK(sprag_peek(client, NULL, &preview) == SPRAG_NULL && sprag_peek(client, &message, NULL) == SPRAG_NULL);
    message.size = sizeof message;
    CHECK(sprag_deliver(client, &message, 1, &verdicts, NULL) == SPRAG_NULL && verdicts == NULL);
    message.bytes = endless;
    CHECK(sprag_deliver(client, &message, 1, &verdicts, NULL) == SPRAG_MISUSE && verdicts == NULL);
    message.bytes = text("hello");
    message.from = text("");
    CHECK(sprag_deliver(client, &message, 1, &verdicts, NULL) == SPRAG_MISUSE && verdicts == NULL);
    CHECK(sprag_events(client, 0, 1, NULL) == SPRAG_NULL);
    CHECK(sprag_events(client, UINT64_MAX, SIZE_MAX, &events) == SPRAG_OK && sprag_events_len(events) == 0);
    sprag_events_free(events);
    CHECK(sprag_done(client, NULL, 1, NULL) == SPRAG_NULL);
    CHECK(sprag_done(client, (const uint64_t *)account, SIZE_MAX, NULL) == SPRAG_MISUSE);
    CHECK(sprag_wake(client, &hint, NULL) == SPRAG_BAD_SIZE);
    CHECK(sprag_cancel(client, none, NULL) == SPRAG_NULL && sprag_retry(client, nowhere, NULL) == SPRAG_NULL);
    CHECK(sprag_cancel(client, text("m"), NULL) == SPRAG_UNKNOWN && sprag_retry(client, text("m"), NULL) == SPRAG_UNKNOWN);
    CHECK(sprag_state(client, text("m"), NULL) == SPRAG_NULL && sprag_state(client, none, &state) == SPRAG_NULL);
    CHECK(sprag_state(client, text("m"), &state) == SPRAG_UNKNOWN);
    CHECK(sprag_rekey(client, none) == SPRAG_NULL && sprag_rekey(client, text("short")) == SPRAG_MISUSE);
    CHECK(sprag_configure(client, NULL) == SPRAG_NULL && sprag_configure(client, &policy) == SPRAG_BAD_SIZE);
    policy.size = sizeof policy;
    policy.max_body = 1;
    CHECK(sprag_configure(client, &policy) == SPRAG_MISUSE);
    policy.max_body = 0;
    policy.rollout = 4;
    CHECK(sprag_configure(client, &policy) == SPRAG_MISUSE);
    policy.rollout = SPRAG_ROLLOUT_ENCRYPT;
    CHECK(sprag_configure(client, &policy) == SPRAG_OK);
    CHECK(sprag_protection(client, SPRAG_CONVERSATION_DIRECT, text("bob"), NULL, 0, NULL) == SPRAG_NULL);
    policy.directory = 9;
    CHECK(sprag_configure(client, &policy) == SPRAG_MISUSE);
    policy.directory = SPRAG_DIRECTORY_FULL;
    policy.fallback_text = text("\xff");
    CHECK(sprag_configure(client, &policy) == SPRAG_MISUSE);
    CHECK(sprag_protection(client, 9, text("bob"), NULL, 0, &state) == SPRAG_MISUSE);
    CHECK(sprag_protection(client, SPRAG_CONVERSATION_DIRECT, none, NULL, 0, &state) == SPRAG_NULL);
    CHECK(sprag_account(client, account, 64, NULL) == SPRAG_NULL);
    CHECK(sprag_account(client, NULL, 64, &length) == SPRAG_NULL);
    CHECK(sprag_account(client, NULL, 0, &length) == SPRAG_TOO_SMALL && length == 5);
    CHECK(sprag_device(client, NULL) == SPRAG_NULL);
    CHECK(sprag_contact_get(client, none, &contact) == SPRAG_NULL);
    CHECK(sprag_contact_get(client, text("bob"), NULL) == SPRAG_NULL);
    CHECK(sprag_contact_get(client, text(""), &contact) != SPRAG_OK);
    CHECK(sprag_confirm(client, none, text("1"), NULL) == SPRAG_NULL);
    CHECK(sprag_confirm(client, text("bob"), none, NULL) == SPRAG_NULL);
    CHECK(sprag_confirm(client, text("bob"), text("\xff\xfe"), NULL) == SPRAG_MISUSE);
    CHECK(sprag_confirm(client, text("nobody"), text("1"), NULL) == SPRAG_UNKNOWN);
    CHECK(sprag_accept_change(client, text("alice"), text("1"), NULL) == SPRAG_MISUSE);
    CHECK(sprag_freshness_get(client, none, &fresh) == SPRAG_NULL && fresh == NULL);
    CHECK(sprag_freshness_get(client, text("bob"), NULL) == SPRAG_NULL);
    CHECK(sprag_freshness_get(client, text(""), &fresh) == SPRAG_MISUSE && fresh == NULL);
}

int main(void) {
    sprag_client *client = NULL;
    sprag_config config = good();
    making();
    without_a_client();
    without_objects();
    CHECK(sprag_client_create(&config, &client) == SPRAG_OK);
    sending(client);
    answering(client);
    reading(client);
    CHECK(sprag_client_erase(client) == SPRAG_OK);
    puts("mistakes in C: ok");
    return 0;
}
