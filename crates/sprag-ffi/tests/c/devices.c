/*
 * A second device of an account: linked by its code, written to, and taken off again.
 */
#include "world.h"

/* One account with two devices, and what a server keeps for it: one list, prekeys of each device, one mailbox. */
static sprag_client *devices[2];
static struct blob list, signed_prekeys[2], one_time[2][KEYS], mail[MAILS];
static size_t one_time_len[2], mail_len, read_up_to[2];
static uint64_t sequence;

static void publish_for(int who, const sprag_request *request) {
    sprag_outcome outcome = {0};
    outcome.size = sizeof outcome;
    outcome.kind = SPRAG_OUTCOME_PUBLISHED;
    if (request->list.ptr != NULL && request->list_expected != sequence) {
        outcome.kind = SPRAG_OUTCOME_CONFLICT;
        outcome.bytes = view(list);
    } else {
        if (request->list.ptr != NULL) {
            replace(&list, request->list);
            sequence = request->list_sequence;
        }
        if (request->signed_prekey.ptr != NULL) {
            replace(&signed_prekeys[who], request->signed_prekey);
        }
        for (size_t i = 0; i < request->one_time_len; i++) {
            one_time[who][one_time_len[who]++] = keep(request->one_time[i]);
        }
    }
    OK(sprag_respond(devices[who], request->id, &outcome, NULL));
}

static void fetch_for(int who, const sprag_request *request) {
    sprag_part parts[5];
    struct blob spent[2] = {{NULL, 0}, {NULL, 0}};
    sprag_outcome outcome = {0};
    outcome.size = sizeof outcome;
    outcome.kind = SPRAG_OUTCOME_KEYS;
    outcome.parts = parts;
    CHECK(request->accounts_len == 1 && same(request->accounts[0], text("alice")));
    parts[outcome.parts_len++].object = view(list);
    for (int i = 0; i < 2; i++) {
        if (signed_prekeys[i].ptr != NULL) {
            parts[outcome.parts_len++].object = view(signed_prekeys[i]);
        }
        if (one_time_len[i] > 0) {
            spent[i] = one_time[i][--one_time_len[i]];
            parts[outcome.parts_len++].object = view(spent[i]);
        }
    }
    for (size_t i = 0; i < outcome.parts_len; i++) {
        parts[i].account = text("alice");
    }
    OK(sprag_respond(devices[who], request->id, &outcome, NULL));
    free(spent[0].ptr);
    free(spent[1].ptr);
}

static void carry_for(int who, const sprag_request *request) {
    sprag_outcome outcome = {0};
    outcome.size = sizeof outcome;
    outcome.kind = SPRAG_OUTCOME_ACCEPTED;
    CHECK(mail_len < MAILS);
    mail[mail_len++] = keep(request->blob);
    OK(sprag_respond(devices[who], request->id, &outcome, NULL));
}

static void work_for(int who, const sprag_request_list *requests) {
    for (size_t i = 0; i < sprag_requests_len(requests); i++) {
        const sprag_request *request = sprag_requests_at(requests, i);
        switch (request->kind) {
        case SPRAG_REQUEST_PUBLISH_KEYS: publish_for(who, request); break;
        case SPRAG_REQUEST_FETCH_KEYS: fetch_for(who, request); break;
        case SPRAG_REQUEST_SEND: carry_for(who, request); break;
        default: break;
        }
    }
}

/* Everything is carried out, and everybody reads everything, some times over. */
static void settle(void) {
    for (int round = 0; round < 6; round++) {
        for (int who = 0; who < 2; who++) {
            sprag_request_list *requests = NULL;
            OK(sprag_wake(devices[who], NULL, NULL));
            do {
                sprag_requests_free(requests);
                OK(sprag_requests(devices[who], 16, 60, &requests));
                work_for(who, requests);
            } while (sprag_requests_len(requests) > 0);
            sprag_requests_free(requests);
            for (; read_up_to[who] < mail_len; read_up_to[who]++) {
                sprag_incoming incoming = {0};
                sprag_verdict_list *verdicts = NULL;
                incoming.size = sizeof incoming;
                incoming.bytes = view(mail[read_up_to[who]]);
                incoming.from = text("alice");
                OK(sprag_deliver(devices[who], &incoming, 1, &verdicts, NULL));
                sprag_verdicts_free(verdicts);
            }
        }
    }
}

struct tally {
    uint32_t phases[8];
    size_t phases_len;
    uint32_t added, removed;
    int is_removed, messages;
};

/* What a device was told; all is done. */
static struct tally told(int who) {
    struct tally tally = {{0}, 0, 0, 0, 0, 0};
    sprag_event_list *events = NULL;
    OK(sprag_events(devices[who], 0, 64, &events));
    for (size_t i = 0; i < sprag_events_len(events); i++) {
        const sprag_event *event = sprag_events_at(events, i);
        if (event->kind == SPRAG_EVENT_LINK) {
            tally.phases[tally.phases_len++] = event->number;
        } else if (event->kind == SPRAG_EVENT_DEVICES_CHANGED) {
            CHECK(event->flag == 1 && same(event->account, text("alice")));
            tally.added = event->devices_added_len > 0 ? event->devices_added[0] : tally.added;
            tally.removed = event->devices_removed_len > 0 ? event->devices_removed[0] : tally.removed;
        } else if (event->kind == SPRAG_EVENT_REMOVED) {
            tally.is_removed = 1;
        } else if (event->kind == SPRAG_EVENT_MESSAGE) {
            CHECK(event->outgoing == 1 && same(event->body, text("a note")));
            tally.messages++;
        }
        OK(sprag_done(devices[who], &event->id, 1, NULL));
    }
    sprag_events_free(events);
    return tally;
}

static size_t count_devices(uint32_t other) {
    sprag_device_list *found = NULL;
    OK(sprag_devices_get(devices[0], &found));
    size_t count = sprag_devices_len(found);
    for (size_t i = 0; i < count; i++) {
        const sprag_own_device *device = sprag_devices_at(found, i);
        CHECK((device->device == other) != (device->is_this == 1) && device->reserved == 0);
        CHECK(device->holds_account_key == device->is_this);
    }
    CHECK(sprag_devices_at(found, count) == NULL);
    sprag_devices_free(found);
    return count;
}

static void start(int who, uint32_t how) {
    uint8_t key[SPRAG_KEY_LEN];
    sprag_config config = {0};
    memset(key, 1 + who, sizeof key);
    config.size = sizeof config;
    config.key.ptr = key;
    config.key.len = sizeof key;
    config.account = text("alice");
    config.start = how;
    OK(sprag_client_create(&config, &devices[who]));
}

static void link_them(void) {
    sprag_link_code *code = NULL;
    sprag_device_list *none = (sprag_device_list *)&people;
    CHECK(sprag_devices_get(devices[1], &none) == SPRAG_NOT_ALLOWED && none == NULL);
    CHECK(sprag_link_code_get(devices[0], &code) == SPRAG_NOT_ALLOWED && code == NULL);
    OK(sprag_link_code_get(devices[1], &code));
    CHECK(sprag_link_code_bytes(code).len <= 256 && sprag_link_code_digits(code).len == 6);
    CHECK(sprag_link_code_text(code).len > 0 && sprag_link_code_expires(code) > 0);
    sprag_bytes digits = sprag_link_code_digits(code);
    CHECK(sprag_admit(devices[0], text("nothing"), digits, 0, NULL) == SPRAG_MISUSE);
    CHECK(sprag_admit(devices[0], sprag_link_code_bytes(code), text("12345"), 0, NULL) == SPRAG_NOT_ALLOWED);
    OK(sprag_admit(devices[0], sprag_link_code_text(code), digits, 0, NULL));
    sprag_link_code_free(code);
    settle();
}

static void note_to_oneself(void) {
    sprag_outgoing message = {0};
    sprag_sent *sent = NULL;
    message.size = sizeof message;
    message.conversation = SPRAG_CONVERSATION_DIRECT;
    message.peer = text("alice");
    message.content = SPRAG_CONTENT_TEXT;
    message.body = text("a note");
    OK(sprag_send(devices[0], &message, &sent, NULL));
    work_for(0, sprag_sent_requests(sent));
    sprag_sent_free(sent);
    settle();
}

int main(void) {
    uint32_t tablet = 0;
    sprag_link_code *no_code = NULL;
    start(0, SPRAG_START_NEW_ACCOUNT);
    start(1, SPRAG_START_LINK);
    settle();
    OK(sprag_device(devices[1], &tablet));
    CHECK(count_devices(tablet) == 1);
    link_them();
    struct tally phone = told(0), other = told(1);
    CHECK(phone.phases_len == 2 && phone.phases[0] == SPRAG_LINK_ANSWERED && phone.phases[1] == SPRAG_LINK_ADMITTED);
    CHECK(other.phases_len == 2 && other.phases[0] == SPRAG_LINK_OFFERED && other.phases[1] == SPRAG_LINK_JOINED);
    CHECK(phone.added == tablet && phone.removed == 0 && count_devices(tablet) == 2);
    note_to_oneself();
    CHECK(told(1).messages == 1);

    CHECK(sprag_revoke(devices[1], tablet, NULL) == SPRAG_NOT_ALLOWED);
    CHECK(sprag_revoke(devices[0], tablet ^ 1, NULL) == SPRAG_UNKNOWN);
    OK(sprag_revoke(devices[0], tablet, NULL));
    settle();
    CHECK(told(0).removed == tablet && count_devices(tablet) == 1);

    CHECK(sprag_devices_get(NULL, NULL) == SPRAG_NULL && sprag_link_code_get(NULL, &no_code) == SPRAG_NULL);
    CHECK(sprag_admit(NULL, text("x"), text("1"), 0, NULL) == SPRAG_NULL && sprag_revoke(NULL, 1, NULL) == SPRAG_NULL);
    CHECK(sprag_retire(NULL, NULL) == SPRAG_NULL && sprag_set_ready(NULL, 1, NULL) == SPRAG_NULL);
    CHECK(sprag_devices_len(NULL) == 0 && sprag_devices_at(NULL, 0) == NULL && sprag_link_code_expires(NULL) == 0);
    CHECK(sprag_link_code_bytes(NULL).ptr == NULL && sprag_link_code_text(NULL).ptr == NULL);
    CHECK(sprag_link_code_digits(NULL).ptr == NULL);
    sprag_devices_free(NULL);
    sprag_link_code_free(NULL);
    for (int who = 0; who < 2; who++) {
        sprag_client_free(devices[who]);
        free_blobs(&signed_prekeys[who], 1);
        free_blobs(one_time[who], one_time_len[who]);
    }
    free_blobs(&list, 1);
    free_blobs(mail, mail_len);
    puts("a second device in C: ok");
    return 0;
}
