/*
 * What the user decides about a contact: compares, meets another identity under the name, accepts it, forgets.
 */
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

/* Yields the state that the message was in at once. */
static uint32_t say(struct person *person, const char *words, const char *id) {
    sprag_outgoing message = {0};
    sprag_sent *sent = NULL;
    message.size = sizeof message;
    message.conversation = SPRAG_CONVERSATION_DIRECT;
    message.peer = text(person == alice ? bob->name : alice->name);
    message.content = SPRAG_CONTENT_TEXT;
    message.body = text(words);
    message.client_id = text(id);
    OK(sprag_send(person->client, &message, &sent, NULL));
    uint32_t state = sprag_sent_state(sent);
    work(person, sprag_sent_requests(sent));
    sprag_sent_free(sent);
    tend(person);
    return state;
}

/* Delivers the one message that waits, which stays; yields what was found in it. */
static uint32_t deliver(struct person *person) {
    sprag_incoming incoming = {0};
    sprag_verdict_list *verdicts = NULL;
    CHECK(person->mail_len == 1);
    incoming.size = sizeof incoming;
    incoming.bytes = view(person->mail[0]);
    incoming.from = text(person == alice ? bob->name : alice->name);
    OK(sprag_deliver(person->client, &incoming, 1, &verdicts, NULL));
    uint32_t kind = sprag_verdicts_at(verdicts, 0)->kind;
    sprag_verdicts_free(verdicts);
    return kind;
}

static void throw_away(struct person *person) {
    free_blobs(person->mail, person->mail_len);
    person->mail_len = 0;
}

static sprag_contact contact(void) {
    sprag_contact found;
    OK(sprag_contact_get(alice->client, text("bob"), &found));
    CHECK(found.reserved == 0);
    return found;
}

/* How many events of a kind there were; all are done. */
static int told(uint32_t kind) {
    sprag_event_list *events = NULL;
    int count = 0;
    OK(sprag_events(alice->client, 0, 64, &events));
    for (size_t i = 0; i < sprag_events_len(events); i++) {
        const sprag_event *event = sprag_events_at(events, i);
        count += event->kind == kind;
        if (event->kind == SPRAG_EVENT_IDENTITY_CHANGED) {
            sprag_contact now = contact();
            CHECK(event->flag == 1 && same(event->account, text("bob")));
            CHECK(same(event->old_number, text((const char *)now.digits)));
            CHECK(same(event->new_number, text((const char *)now.offered_digits)));
        }
        OK(sprag_done(alice->client, &event->id, 1, NULL));
    }
    sprag_events_free(events);
    return count;
}

static void confirm(void) {
    sprag_contact seen = contact();
    sprag_pending pending = {7, 7, 7};
    char spaced[80] = " ";
    CHECK(seen.trust == SPRAG_TRUST_PINNED && strlen((char *)seen.digits) == 60 && seen.offered_digits[0] == 0);
    seen.digits[0] = seen.digits[0] == '0' ? '1' : '0';
    CHECK(sprag_confirm(alice->client, text("bob"), text((char *)seen.digits), &pending) == SPRAG_NOT_ALLOWED);
    CHECK(pending.events == 7 && contact().trust == SPRAG_TRUST_PINNED);
    strcat(spaced, (char *)contact().digits);
    OK(sprag_confirm(alice->client, text("bob"), text(spaced), &pending));
    CHECK(contact().trust == SPRAG_TRUST_VERIFIED && pending.events < 7);
}

/* Somebody comes back under Bob's name with nothing kept. */
static void another_bob(void) {
    sprag_client_free(bob->client);
    forget(bob);
    memset(bob, 0, sizeof *bob);
    make(bob, "bob", NULL, 3);
    tend(bob);
}

static void accept(void) {
    sprag_contact before = contact();
    (void)say(bob, "it is me", "b2");
    CHECK(deliver(alice) == SPRAG_VERDICT_QUARANTINED);
    CHECK(deliver(alice) == SPRAG_VERDICT_QUARANTINED);
    CHECK(told(SPRAG_EVENT_IDENTITY_CHANGED) == 1);
    sprag_contact changed = contact();
    CHECK(changed.trust == SPRAG_TRUST_CHANGED && strlen((char *)changed.offered_digits) == 60);
    CHECK(memcmp(changed.digits, before.digits, sizeof before.digits) == 0);
    CHECK(memcmp(changed.scannable, changed.offered_scannable, sizeof changed.scannable) != 0);
    CHECK(say(alice, "are you?", "a2") == SPRAG_STATE_HELD);
    CHECK(sprag_retry(alice->client, text("a2"), NULL) == SPRAG_NOT_ALLOWED);
    CHECK(sprag_confirm(alice->client, text("bob"), text((char *)changed.digits), NULL) == SPRAG_NOT_ALLOWED);
    CHECK(sprag_accept_change(alice->client, text("bob"), text("1"), NULL) == SPRAG_NOT_ALLOWED);
    OK(sprag_accept_change(alice->client, text("bob"), text((char *)changed.offered_digits), NULL));
    sprag_contact after = contact();
    CHECK(after.trust == SPRAG_TRUST_PINNED && after.offered_digits[0] == 0);
    CHECK(memcmp(after.digits, changed.offered_digits, sizeof after.digits) == 0);
    CHECK(deliver(alice) == SPRAG_VERDICT_OPENED);
    throw_away(alice);
    CHECK(told(SPRAG_EVENT_MESSAGE) == 1);
    CHECK(bob->mail_len == 0);
    OK(sprag_retry(alice->client, text("a2"), NULL));
    tend(alice);
    CHECK(deliver(bob) == SPRAG_VERDICT_OPENED);
    throw_away(bob);
}

static void forget_him(void) {
    sprag_contact seen = contact();
    CHECK(sprag_forget(alice->client, text("bob"), text("1"), NULL) == SPRAG_NOT_ALLOWED);
    OK(sprag_forget(alice->client, text("bob"), text((char *)seen.digits), NULL));
    sprag_contact gone = contact();
    CHECK(gone.trust == SPRAG_TRUST_UNSEEN && gone.digits[0] == 0 && gone.scannable[0] == 0);
    CHECK(sprag_confirm(alice->client, text("bob"), text((char *)seen.digits), NULL) == SPRAG_UNKNOWN);
}

int main(void) {
    make(alice, "alice", NULL, 1);
    make(bob, "bob", NULL, 2);
    tend(alice);
    tend(bob);
    (void)say(alice, "hello", "a1");
    CHECK(deliver(bob) == SPRAG_VERDICT_OPENED);
    throw_away(bob);
    (void)say(bob, "hello", "b1");
    throw_away(alice);
    confirm();
    another_bob();
    accept();
    forget_him();
    sprag_client_free(alice->client);
    sprag_client_free(bob->client);
    forget(alice);
    forget(bob);
    puts("what the user decides about a contact in C: ok");
    return 0;
}
