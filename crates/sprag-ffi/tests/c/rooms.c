/*
 * A room of two: one body, the members in every message, and what is said if they are told different ones.
 */
#include "world.h"

static struct person *const alice = &people[0], *const bob = &people[1];
static const char *const den = "den";

static void tend(struct person *person) {
    sprag_request_list *requests = NULL;
    OK(sprag_wake(person->client, NULL, NULL));
    do {
        sprag_requests_free(requests);
        OK(sprag_requests(person->client, 16, 60, &requests));
        for (size_t i = 0; i < sprag_requests_len(requests); i++) {
            const sprag_request *request = sprag_requests_at(requests, i);
            if (request->kind == SPRAG_REQUEST_SEND && request->conversation == SPRAG_CONVERSATION_ROOM) {
                CHECK(same(request->peer, text(den)) && request->members_len == 2);
                CHECK(same(request->members[0], text("alice")) && same(request->members[1], text("bob")));
                CHECK(request->accounts_len == 1);
            }
        }
        work(person, requests);
    } while (sprag_requests_len(requests) > 0);
    sprag_requests_free(requests);
}

static sprag_outgoing outgoing(const sprag_bytes *members, size_t count, const char *words) {
    sprag_outgoing message = {0};
    message.size = sizeof message;
    message.conversation = SPRAG_CONVERSATION_ROOM;
    message.peer = text(den);
    message.members = members;
    message.members_len = count;
    message.content = SPRAG_CONTENT_TEXT;
    message.body = text(words);
    return message;
}

static void say(struct person *person, const sprag_bytes *members, size_t count, const char *words) {
    sprag_outgoing message = outgoing(members, count, words);
    sprag_sent *sent = NULL;
    OK(sprag_send(person->client, &message, &sent, NULL));
    work(person, sprag_sent_requests(sent));
    sprag_sent_free(sent);
    tend(person);
}

/* Delivers the one message that waits for Bob, filed in the room with these members. */
static void deliver(const char *room, const sprag_bytes *members, size_t count, uint32_t found) {
    sprag_incoming incoming = {0};
    sprag_verdict_list *verdicts = NULL;
    CHECK(bob->mail_len == 1);
    incoming.size = sizeof incoming;
    incoming.bytes = view(bob->mail[0]);
    incoming.from = text("alice");
    incoming.room = text(room);
    incoming.members = members;
    incoming.members_len = count;
    OK(sprag_deliver(bob->client, &incoming, 1, &verdicts, NULL));
    CHECK(sprag_verdicts_at(verdicts, 0)->kind == found);
    sprag_verdicts_free(verdicts);
    incoming.direct = text("alice");
    CHECK(sprag_deliver(bob->client, &incoming, 1, &verdicts, NULL) == SPRAG_MISUSE);
}

/* How many messages of the room were shown, and how often others were told as its members; all is done. */
static void shown(int messages, int differing) {
    sprag_event_list *events = NULL;
    OK(sprag_events(bob->client, 0, 64, &events));
    for (size_t i = 0; i < sprag_events_len(events); i++) {
        const sprag_event *event = sprag_events_at(events, i);
        if (event->kind == SPRAG_EVENT_MESSAGE || event->kind == SPRAG_EVENT_AUDIENCE_DIFFERS) {
            CHECK(event->conversation == SPRAG_CONVERSATION_ROOM && same(event->peer, text(den)));
            CHECK(same(event->account, text("alice")) && event->device != 0);
        }
        if (event->kind == SPRAG_EVENT_MESSAGE) {
            CHECK(event->members_len == 2 && same(event->members[1], text("bob")));
            messages--;
        }
        if (event->kind == SPRAG_EVENT_AUDIENCE_DIFFERS) {
            CHECK(event->added_len == 0 && event->added == NULL);
            CHECK(event->missing_len == 1 && same(event->missing[0], text("carol")));
            differing--;
        }
        OK(sprag_done(bob->client, &event->id, 1, NULL));
    }
    sprag_events_free(events);
    CHECK(messages == 0 && differing == 0);
}

static void throw_away(void) {
    free_blobs(bob->mail, bob->mail_len);
    bob->mail_len = 0;
}

int main(void) {
    const sprag_bytes all[3] = {text("bob"), text("alice"), text("carol")};
    sprag_outgoing message = outgoing(all, 1, "x");
    sprag_sent *sent = NULL;
    make(alice, "alice", NULL, 1);
    make(bob, "bob", NULL, 2);
    tend(alice);
    tend(bob);
    say(alice, all, 1, "hello, all");
    deliver("attic", all, 2, SPRAG_VERDICT_UNREADABLE);
    shown(0, 0);
    deliver(den, all, 2, SPRAG_VERDICT_OPENED);
    shown(1, 0);
    throw_away();
    /* Whether the app names itself makes no difference. */
    say(alice, all, 2, "and again");
    deliver(den, all, 3, SPRAG_VERDICT_OPENED);
    shown(1, 1);
    throw_away();

    message.members = NULL;
    message.members_len = 0;
    CHECK(sprag_send(alice->client, &message, &sent, NULL) == SPRAG_MISUSE && sent == NULL);
    message.members_len = 1;
    CHECK(sprag_send(alice->client, &message, &sent, NULL) == SPRAG_NULL && sent == NULL);
    message.members = all;
    message.conversation = SPRAG_CONVERSATION_DIRECT;
    CHECK(sprag_send(alice->client, &message, &sent, NULL) == SPRAG_MISUSE && sent == NULL);
    message.conversation = 3;
    CHECK(sprag_send(alice->client, &message, &sent, NULL) == SPRAG_MISUSE && sent == NULL);

    sprag_client_free(alice->client);
    sprag_client_free(bob->client);
    forget(alice);
    forget(bob);
    puts("a room in C: ok");
    return 0;
}
