/*
 * A whole conversation through the C face, between two clients in one program, and what it answers to mistakes.
 */
#include "world.h"

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
                    batch[m].bytes = view(person->mail[m]);
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
                free_blobs(person->mail, person->mail_len);
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
        } else if (event->kind == SPRAG_EVENT_PROTECTION) {
            CHECK(event->state == SPRAG_PROTECTION_ENCRYPTED && event->number < event->state);
            CHECK(same(event->peer, text(people[person == &people[0]].name)));
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

/* Bob's code and link say who he is; and a body comes back from a server as it went, or does not. */
static void cards_and_probes(void) {
    sprag_card *card = NULL;
    sprag_probe *probe = NULL;
    uint8_t account[64];
    size_t length = 0;
    uint32_t found = 0;
    OK(sprag_card_get(people[1].client, &card));
    CHECK(sprag_card_parts_len(card) == 0 && sprag_card_parts_at(card, 0).ptr == NULL);
    const sprag_bytes forms[2] = {sprag_card_code(card), sprag_card_link(card)};
    for (int i = 0; i < 2; i++) {
        OK(sprag_import(people[0].client, forms[i], account, sizeof account, &length));
        CHECK(length == strlen("bob") && memcmp(account, "bob", length) == 0);
        CHECK(sprag_import(people[1].client, forms[i], account, sizeof account, &length) == SPRAG_MISUSE);
    }
    CHECK(sprag_import(people[0].client, forms[0], account, 2, &length) == SPRAG_TOO_SMALL && length == strlen("bob"));
    CHECK(sprag_import(people[0].client, text("nothing"), account, sizeof account, &length) == SPRAG_MISUSE);
    sprag_card_free(card);

    OK(sprag_probe_get(people[0].client, 4096, &probe));
    sprag_bytes body = sprag_probe_body(probe);
    CHECK(body.len > 3000 && body.len <= 4096);
    OK(sprag_probed(body, &found));
    CHECK(found == SPRAG_PROBED_UNCHANGED);
    body.len--;
    OK(sprag_probed(body, &found));
    CHECK(found == SPRAG_PROBED_DAMAGED && sprag_probed(body, NULL) == SPRAG_NULL);
    sprag_probe_free(probe);
    CHECK(sprag_probe_get(people[0].client, 1, &probe) == SPRAG_MISUSE && probe == NULL);

    CHECK(sprag_card_get(NULL, &card) == SPRAG_NULL && sprag_probe_get(NULL, 4096, &probe) == SPRAG_NULL);
    CHECK(sprag_card_code(NULL).ptr == NULL && sprag_card_link(NULL).ptr == NULL && sprag_card_parts_len(NULL) == 0);
    CHECK(sprag_probe_body(NULL).ptr == NULL);
    sprag_card_free(NULL);
    sprag_probe_free(NULL);
}

int main(void) {
    sprag_contact one, other;
    uint32_t protection = 0;
    make(&people[0], "alice", NULL, 1);
    make(&people[1], "bob", NULL, 2);
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
    OK(sprag_protection(people[0].client, SPRAG_CONVERSATION_DIRECT, text("bob"), NULL, 0, &protection));
    CHECK(protection == SPRAG_PROTECTION_ENCRYPTED);
    OK(sprag_protection(people[0].client, SPRAG_CONVERSATION_DIRECT, text("nobody"), NULL, 0, &protection));
    CHECK(protection == SPRAG_PROTECTION_PLAIN);
    OK(sprag_set_ready(people[0].client, 1, NULL));
    cards_and_probes();

    for (size_t i = 0; i < 2; i++) {
        sprag_client_free(people[i].client);
        forget(&people[i]);
    }
    puts("a conversation in C: ok");
    return 0;
}
