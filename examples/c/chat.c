/*
 * A small messenger in C: chat --as NAME --with NAME --relay URL --store FILE
 *
 * Each line of standard input goes to the other one, and what comes is printed. It ends when the input has ended and
 * everything has left. The key lies in FILE.key: a real app keeps it in the platform's keystore. What speaks HTTP with
 * the relay is shared with messenger.c: relay.c carries bytes, carry.c requests and mail.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "messenger.h"

sprag_client *client;
struct relay relay;
sprag_pending pending;

void die(const char *what) {
    fprintf(stderr, "chat: %s\n", what);
    exit(1);
}

void must(sprag_status status) {
    if (status != SPRAG_OK) {
        die(sprag_status_str(status));
    }
}

/* What carry.c tells: here the screen is for what people say. */
void say(const char *for_script, const char *for_person) { (void)for_script, (void)for_person; }
void reached(int is_online) { (void)is_online; }

static sprag_bytes text(const char *words) { return (sprag_bytes){(const uint8_t *)words, strlen(words)}; }

/* Shows what happened. An event is done when it is on the screen: after a crash it is shown again. */
static void show(void) {
    sprag_event_list *events = NULL;
    must(sprag_events(client, 0, 1000, &events));
    for (size_t i = 0; i < sprag_events_len(events); i++) {
        const sprag_event *event = sprag_events_at(events, i);
        if (event->kind == SPRAG_EVENT_MESSAGE && event->content == SPRAG_CONTENT_TEXT && !event->outgoing) {
            printf("%.*s: %.*s\n", (int)event->account.len, (const char *)event->account.ptr, (int)event->body.len,
                   (const char *)event->body.ptr);
            fflush(stdout);
        } else if (event->kind == SPRAG_EVENT_PROGRESS && event->state >= SPRAG_STATE_ACCEPTED) {
            fputs(event->state == SPRAG_STATE_ACCEPTED ? "(sent)\n" : "! a message did not leave\n", stderr);
        } else if (event->importance == SPRAG_IMPORTANCE_SECURITY && event->kind != SPRAG_EVENT_PROTECTION) {
            fputs("! something changed: compare safety numbers\n", stderr);
        }
        must(sprag_done(client, &event->id, 1, &pending));
    }
    sprag_events_free(events);
}

/* Sends a line; keeps its id, for `has_left`. */
static void send_line(const char *with, char *line, uint8_t id[SPRAG_MAX_ID], size_t *id_len) {
    sprag_outgoing message = {.size = sizeof message, .conversation = SPRAG_CONVERSATION_DIRECT, .peer = text(with),
                              .content = SPRAG_CONTENT_TEXT, .body = text(line)};
    sprag_sent *sent = NULL;
    must(sprag_send(client, &message, &sent, &pending));
    sprag_bytes name = sprag_sent_message(sent);
    memcpy(id, name.ptr, name.len);
    *id_len = name.len;
    carry_out_all(sprag_sent_requests(sent));
    sprag_sent_free(sent);
}

/* Messages leave in their order: whether the last one has left, or will not. */
static int has_left(const uint8_t *id, size_t id_len) {
    uint32_t state = SPRAG_STATE_ACCEPTED;
    if (id_len > 0) {
        must(sprag_state(client, (sprag_bytes){id, id_len}, &state));
    }
    return state != SPRAG_STATE_WAITING_KEYS && state != SPRAG_STATE_READY;
}

static void run(const char *with) {
    struct poll_request mail = {-1, {0}};
    char line[65536];
    uint8_t id[SPRAG_MAX_ID];
    size_t id_len = 0;
    uint64_t cursor = 0;
    for (int typing = 1, begun = 0; typing || !has_left(id, id_len); begun = 1) {
        must(sprag_wake(client, NULL, &pending));
        while (work()) {
        }
        show();
        fputs(begun ? "" : "(ready)\n", stderr); /* our keys are at the relay: others can write */
        if (mail.line < 0 && !poll_begin(&relay, &mail, cursor, 25)) {
            sleep(PAUSE); /* no relay: everything waits in the store */
        }
        struct pollfd ready[2] = {{typing ? 0 : -1, POLLIN, 0}, {mail.line, POLLIN, 0}};
        int patience = pending.next_wake_ms < 1000 ? (int)pending.next_wake_ms : 1000;
        poll(ready, 2, pending.requests > 0 ? 0 : patience);
        if (ready[0].revents != 0 && (typing = fgets(line, sizeof line, stdin) != NULL)) {
            line[strcspn(line, "\n")] = 0;
            send_line(with, line, id, &id_len);
        }
        if (ready[1].revents != 0 && poll_read(&mail) == 200) {
            cursor = take_in(&mail.answer, cursor);
        }
    }
    poll_end(&mail);
}

/* The store's key and the device's token for the relay: read, or made on the first start for the owner alone. */
static void secrets(const char *store, uint8_t secret[64]) {
    char path[4096];
    snprintf(path, sizeof path, "%s.key", store);
    int from = open(path, O_RDONLY), to = from < 0 ? open(path, O_WRONLY | O_CREAT | O_EXCL, 0600) : -1;
    from = from < 0 ? open("/dev/urandom", O_RDONLY) : from;
    if (read(from, secret, 64) != 64 || (to >= 0 && write(to, secret, 64) != 64)) {
        die("no key");
    }
    close(from);
    close(to);
}

int main(int count, char **words) {
    const char *given[4] = {NULL}, *names[4] = {"--as", "--with", "--relay", "--store"};
    uint8_t secret[64];
    uint32_t device = 0;
    for (int i = 1; i + 1 < count; i += 2) {
        for (size_t name = 0; name < 4; name++) {
            given[name] = strcmp(words[i], names[name]) == 0 ? words[i + 1] : given[name];
        }
    }
    if (!given[0] || !given[1] || !given[2] || !given[3] || !relay_at(&relay, given[2])) {
        die("--as NAME --with NAME --relay http://HOST:PORT --store FILE");
    }
    setvbuf(stdin, NULL, _IONBF, 0); /* or poll would not see what fgets has read ahead */
    secrets(given[3], secret);
    sprag_opening opening = {.size = sizeof opening, .path = text(given[3]), .key = {secret, SPRAG_KEY_LEN},
                             .account = text(given[0])};
    sprag_config config = {.size = sizeof config, .path = opening.path, .key = opening.key, .account = opening.account};
    sprag_status status = sprag_client_open(&opening, &client);
    must(status == SPRAG_NO_STORE ? sprag_client_create(&config, &client) : status);
    must(sprag_device(client, &device));
    hex(relay.account, opening.account.ptr, opening.account.len);
    hex(relay.token, secret + SPRAG_KEY_LEN, 32);
    snprintf(relay.device, sizeof relay.device, "%08x", (unsigned)device);
    run(given[1]);
    sprag_client_free(client);
    return 0;
}
