/*
 * What a session says of itself: how long ago it healed; and that a phone was copied, which two of them show by sending.
 */
/* For mkstemp. */
#define _POSIX_C_SOURCE 200809L
#include <unistd.h>

#include "world.h"

static struct person *const alice = &people[0], *const bob = &people[1];

static void tend(struct person *person) {
    sprag_request_list *requests = NULL;
    OK(sprag_wake(person->client, NULL, NULL));
    do {
        sprag_requests_free(requests);
        OK(sprag_requests(person->client, 16, 60, &requests));
        work(person, requests);
    } while (sprag_requests_len(requests) > 0);
    sprag_requests_free(requests);
}

static void say(struct person *person, const char *words) {
    sprag_outgoing message = {0};
    sprag_sent *sent = NULL;
    message.size = sizeof message;
    message.conversation = SPRAG_CONVERSATION_DIRECT;
    message.peer = text(person == alice ? bob->name : alice->name);
    message.content = SPRAG_CONTENT_TEXT;
    message.body = text(words);
    OK(sprag_send(person->client, &message, &sent, NULL));
    work(person, sprag_sent_requests(sent));
    sprag_sent_free(sent);
    /* Before the first one the other's keys are fetched. */
    tend(person);
}

/* Delivers what waits for somebody to one of the clients with that account. */
static void deliver(struct person *person, const sprag_client *client) {
    for (size_t i = 0; i < person->mail_len; i++) {
        sprag_incoming incoming = {0};
        sprag_verdict_list *verdicts = NULL;
        incoming.size = sizeof incoming;
        incoming.bytes = view(person->mail[i]);
        incoming.from = text(person == alice ? bob->name : alice->name);
        incoming.direct = incoming.from;
        OK(sprag_deliver(client, &incoming, 1, &verdicts, NULL));
        sprag_verdicts_free(verdicts);
    }
}

static void read_mail(struct person *person) {
    deliver(person, person->client);
    free_blobs(person->mail, person->mail_len);
    person->mail_len = 0;
}

static void ping_pong(void) {
    say(alice, "there");
    read_mail(bob);
    say(bob, "and back");
    read_mail(alice);
}

/* How fresh Alice's session with Bob's one device is. */
static sprag_freshness fresh(void) {
    sprag_freshness_list *list = NULL;
    uint32_t device = 0;
    OK(sprag_device(bob->client, &device));
    OK(sprag_freshness_get(alice->client, text("bob"), &list));
    CHECK(sprag_freshness_len(list) == 1 && sprag_freshness_at(list, 1) == NULL);
    sprag_freshness found = *sprag_freshness_at(list, 0);
    CHECK(found.device == device && found.reserved == 0);
    sprag_freshness_free(list);
    return found;
}

static void freshness(void) {
    sprag_freshness_list *list = (sprag_freshness_list *)&people;
    CHECK(sprag_freshness_get(alice->client, text("bob"), &list) == SPRAG_UNKNOWN && list == NULL);
    ping_pong();
    sprag_freshness first = fresh();
    CHECK(first.epoch == 0 && first.since_epoch >= 2 && first.since_turn <= 2);
    for (int i = 0; i < 60; i++) {
        ping_pong();
    }
    sprag_freshness healed = fresh();
    CHECK(healed.epoch >= 1 && healed.since_epoch < 90 && healed.since_turn <= 2);
    for (int i = 0; i < 3; i++) {
        say(alice, "nobody answers");
    }
    sprag_freshness later = fresh();
    CHECK(later.epoch == healed.epoch && later.since_epoch == healed.since_epoch + 3 && later.since_turn == 2);
    read_mail(bob);
}

/* How often Bob was told of a copy, among what there was to show. */
static int told_of_a_copy(uint32_t device) {
    sprag_event_list *events = NULL;
    int told = 0;
    OK(sprag_events(bob->client, 0, 64, &events));
    for (size_t i = 0; i < sprag_events_len(events); i++) {
        const sprag_event *event = sprag_events_at(events, i);
        if (event->kind == SPRAG_EVENT_CLONE_SUSPECTED) {
            CHECK(event->importance == SPRAG_IMPORTANCE_SECURITY);
            CHECK(same(event->account, text("alice")) && event->device == device);
            told++;
        }
        OK(sprag_done(bob->client, &event->id, 1, NULL));
    }
    sprag_events_free(events);
    return told;
}

static void copy_file(const char *from, const char *to) {
    uint8_t bytes[4096];
    size_t len;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    CHECK(in != NULL && out != NULL);
    while ((len = fread(bytes, 1, sizeof bytes, in)) > 0) {
        CHECK(fwrite(bytes, 1, len, out) == len);
    }
    CHECK(fclose(in) == 0 && fclose(out) == 0);
}

static sprag_client *open_store(const char *path, uint8_t fill) {
    uint8_t key[SPRAG_KEY_LEN];
    sprag_opening opening = {0};
    sprag_client *client = NULL;
    memset(key, fill, sizeof key);
    opening.size = sizeof opening;
    opening.path = text(path);
    opening.key.ptr = key;
    opening.key.len = sizeof key;
    opening.account = text("alice");
    OK(sprag_client_open(&opening, &client));
    return client;
}

/* Alice's phone and a copy of it both hear Bob, and both write to him. */
static void two_of_them(const char *path, const char *copied) {
    uint32_t device = 0;
    int told = 0;
    OK(sprag_device(alice->client, &device));
    CHECK(told_of_a_copy(device) == 0);
    sprag_client_free(alice->client);
    copy_file(path, copied);
    sprag_client *const phones[2] = {open_store(path, 1), open_store(copied, 1)};
    for (int round = 0; round < 6; round++) {
        say(bob, "to whoever is Alice");
        deliver(alice, phones[0]);
        deliver(alice, phones[1]);
        free_blobs(alice->mail, alice->mail_len);
        alice->mail_len = 0;
        for (int i = 0; i < 2; i++) {
            alice->client = phones[i];
            say(alice, "from one of two");
        }
        read_mail(bob);
        told += told_of_a_copy(device);
    }
    CHECK(told == 1);
    OK(sprag_client_erase(phones[0]));
    OK(sprag_client_erase(phones[1]));
}

int main(void) {
    char path[] = "./sprag-clones-XXXXXX", copied[sizeof path + 5];
    int file = mkstemp(path);
    CHECK(file >= 0 && close(file) == 0 && unlink(path) == 0);
    snprintf(copied, sizeof copied, "%s-copy", path);
    make(alice, "alice", path, 1);
    make(bob, "bob", NULL, 2);
    tend(alice);
    tend(bob);
    freshness();
    two_of_them(path, copied);
    sprag_client_free(bob->client);
    forget(alice);
    forget(bob);
    puts("freshness and a copied phone in C: ok");
    return 0;
}
