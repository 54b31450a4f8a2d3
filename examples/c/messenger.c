/*
 * A messenger in C: messenger --as NAME --relay URL --store PATH [--script]
 *
 * What is typed goes out, what comes is shown: "NAME: TEXT", "/room ROOM NAME,NAME TEXT", "/safety NAME", "/quit". With
 * --script it speaks with a program, in the lines that examples/chat/src/input.rs and screen.rs describe. It does its own
 * HTTP; Sprag does the rest. The store's key lies in STORE.key: a real app keeps it in the platform's keystore.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "messenger.h"

/* Seconds that the relay holds a request for mail, and after which the engine is woken at the latest. */
#define POLL 25
#define UPKEEP 3600

sprag_client *client;
struct relay relay;
sprag_pending pending;
static int script, fetching = 1, online = 1;

void die(const char *what) {
    fprintf(stderr, "messenger: %s\n", what);
    exit(1);
}

void must(sprag_status status) {
    if (status != SPRAG_OK) {
        die(sprag_status_str(status));
    }
}

static sprag_bytes bytes_of(const char *text) {
    sprag_bytes bytes = {(const uint8_t *)text, strlen(text)};
    return bytes;
}

static void put(sprag_bytes bytes) {
    fwrite(bytes.ptr, 1, bytes.len, stdout);
}

static void put_hex(sprag_bytes bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        printf("%02x", bytes.ptr[i]);
    }
}

/* A text in one line for a program; for a person a text that cannot command the terminal. */
static void put_text(sprag_bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        int c1 = byte == 0xc2 && i + 1 < text.len && text.ptr[i + 1] >= 0x80 && text.ptr[i + 1] < 0xa0;
        if (script && (byte == '\\' || byte == '\n' || byte == '\r')) {
            printf("\\%c", byte == '\n' ? 'n' : byte == '\r' ? 'r' : '\\');
        } else if (!script && (c1 || byte == 0x7f || (byte < 0x20 && byte != '\t'))) {
            fputs(byte == '\n' ? "\n    " : "?", stdout);
            i += c1 ? 1 : 0;
        } else {
            putchar(byte);
        }
    }
}

/* Ends a line. What is not on the screen must not be done: without a screen there is no going on. */
static void end_line(void) {
    putchar('\n');
    if (fflush(stdout) != 0) {
        die("nobody reads any more");
    }
}

void say(const char *for_script, const char *for_person) {
    const char *line = script ? for_script : for_person;
    if (*line != 0) {
        fputs(line, stdout);
        end_line();
    }
}

void reached(int is_online) {
    if (online != is_online) {
        online = is_online;
        say(online ? "online" : "offline",
            online ? "(the relay is back)" : "(the relay cannot be reached; messages wait)");
    }
}

/* What is wrong with somebody, or with a message of theirs. */
static const char *trouble(const sprag_event *event) {
    switch (event->kind) {
    case SPRAG_EVENT_UNREADABLE: return "a message cannot be read";
    case SPRAG_EVENT_PROGRESS: return "a message was not delivered";
    case SPRAG_EVENT_CLONE_SUSPECTED:
        return "a copy of their phone seems to be in use, or an old backup of it; whoever has it reads along: ask them "
               "some other way";
    case SPRAG_EVENT_BRAID_STALLED:
        return "no fresh post-quantum keys come with their phone any more, as after an old backup on either side; "
               "messages go on";
    case SPRAG_EVENT_DEVICES_CHANGED: return "they changed devices";
    case SPRAG_EVENT_AUDIENCE_DIFFERS: return "wrote to others than the members of the room";
    case SPRAG_EVENT_PLAINTEXT_IN_PROTECTED: return "what came was not encrypted, and is not shown";
    case SPRAG_EVENT_REMOVED: return "this device was taken off its account; it sends nothing any more";
    default: return "something changed, compare safety numbers";
    }
}

/* Who wrote what, and in which room if it was in one. */
static void show_message(const sprag_event *event) {
    int is_room = event->conversation == SPRAG_CONVERSATION_ROOM;
    if (script) {
        printf("%s %llu ", is_room ? "room" : "message", (unsigned long long)event->id);
        if (is_room) {
            put_text(event->peer);
            putchar(' ');
        }
        put(event->account);
        putchar(' ');
        put_hex(event->message);
        putchar(' ');
    } else {
        put_text(event->account);
        if (is_room) {
            fputs(" in ", stdout);
            put_text(event->peer);
        }
        fputs(": ", stdout);
    }
    put_text(event->body);
    end_line();
}

/* Whether an event is something that the person should know. */
static int is_warning(const sprag_event *event) {
    switch (event->kind) {
    case SPRAG_EVENT_UNREADABLE:
    case SPRAG_EVENT_BRAID_STALLED: return 1;
    case SPRAG_EVENT_PROGRESS: return event->state == SPRAG_STATE_FAILED;
    case SPRAG_EVENT_PROTECTION: return 0; /* It only rises. */
    default: return event->importance == SPRAG_IMPORTANCE_SECURITY;
    }
}

static void show_event(const sprag_event *event) {
    static const char *const states[] = {"unknown", "waiting", "held", "ready", "accepted", "failed", "cancelled"};
    const char *state = states[event->kind == SPRAG_EVENT_PROGRESS && event->state <= SPRAG_STATE_CANCELLED ? event->state : 0];
    sprag_bytes why = event->reason == 0 ? bytes_of("-") : sprag_reason_str(event->reason);
    if (event->kind == SPRAG_EVENT_MESSAGE && event->content == SPRAG_CONTENT_TEXT) {
        show_message(event);
    } else if (event->kind == SPRAG_EVENT_PROGRESS && script) {
        fputs("state ", stdout);
        put_hex(event->message);
        printf(" %s ", state);
        put(why);
        end_line();
    } else if (is_warning(event)) {
        fputs(script ? "warning " : "! ", stdout);
        put_text(event->account.ptr == NULL ? bytes_of("?") : event->account);
        printf("%s%s", script ? " " : ": ", trouble(event));
        if (event->kind == SPRAG_EVENT_CLONE_SUSPECTED || event->kind == SPRAG_EVENT_BRAID_STALLED) {
            printf(" (device %08x)", (unsigned)event->device);
        } else if (event->reason != 0) {
            fputs(": ", stdout);
            put(why);
        }
        end_line();
    }
}

/* Shows what there is to show. It is done when it is on the screen: an app has written it into its history by then. */
static void show(void) {
    for (size_t count = 1; count > 0;) {
        sprag_event_list *events = NULL;
        must(sprag_events(client, 0, 64, &events));
        count = sprag_events_len(events);
        for (size_t i = 0; i < count; i++) {
            const sprag_event *event = sprag_events_at(events, i);
            show_event(event);
            must(sprag_done(client, &event->id, 1, &pending));
        }
        sprag_events_free(events);
    }
}

/* Sends a text to an account, or to a room if there are members: then they have commas between. What came from a program
 * is unescaped in its place. */
static void send_text(const char *to, char *members, char *text) {
    sprag_bytes room[SPRAG_MAX_MEMBERS + 1]; /* One too many is for the engine to refuse. */
    sprag_outgoing message = {0};
    sprag_sent *sent = NULL;
    for (char *next = members; next != NULL && message.members_len <= SPRAG_MAX_MEMBERS; members = next) {
        next = strchr(members, ',');
        if (next != NULL) {
            *next++ = 0;
        }
        room[message.members_len++] = bytes_of(members);
    }
    size_t len = 0;
    for (const char *from = text; *from != 0; from++) {
        char letter = *from;
        if (script && letter == '\\' && from[1] != 0) {
            letter = *++from;
            letter = letter == 'n' ? '\n' : letter == 'r' ? '\r' : letter;
        }
        text[len++] = letter;
    }
    message.size = sizeof message;
    message.conversation = message.members_len > 0 ? SPRAG_CONVERSATION_ROOM : SPRAG_CONVERSATION_DIRECT;
    message.peer = bytes_of(to);
    message.members = room;
    message.content = SPRAG_CONTENT_TEXT;
    message.body.ptr = (const uint8_t *)text;
    message.body.len = len;
    sprag_status status = sprag_send(client, &message, &sent, &pending);
    if (status != SPRAG_OK) {
        fputs(script ? "trouble " : "! ", stdout);
        say(sprag_status_str(status), sprag_status_str(status));
        return;
    }
    if (script) {
        printf("queued %s ", to);
        put_hex(sprag_sent_message(sent));
        end_line();
    }
    carry_out_all(sprag_sent_requests(sent));
    sprag_sent_free(sent);
}

static void safety(const char *of) {
    sprag_contact contact;
    const char *digits = "-";
    if (sprag_contact_get(client, bytes_of(of), &contact) == SPRAG_OK && contact.digits[0] != 0) {
        digits = (const char *)contact.digits;
    }
    printf(script ? "safety %s %s" : "you and %s: %s", of, digits);
    end_line();
}

/* Ends the word at its first space; answers what comes after, or NULL. */
static char *after_word(char *word) {
    char *rest = word == NULL ? NULL : strchr(word, ' ');
    if (rest != NULL) {
        *rest++ = 0;
    }
    return rest;
}

/* A line of a program or a person; answers whether there is more to come. */
static int command(char *line) {
    char *rest, *person = script ? NULL : strstr(line, ": ");
    if (!script && *line != '/' && person != NULL) {
        *person = 0;
        send_text(line, NULL, person + 2);
        return 1;
    }
    line += !script && *line == '/';
    rest = after_word(line);
    if (script && strcmp(line, "send") == 0 && rest != NULL && strchr(rest, ' ') != NULL) {
        char *text = after_word(rest);
        send_text(rest, NULL, text);
    } else if (strcmp(line, "room") == 0) {
        char *members = after_word(rest), *text = after_word(members);
        if (text == NULL) {
            say("trouble room ROOM MEMBERS TEXT", "/room ROOM NAME,NAME TEXT");
        } else {
            send_text(rest, members, text);
        }
    } else if (strcmp(line, "safety") == 0 && rest != NULL) {
        safety(rest);
    } else if (script && strcmp(line, "mail") == 0 && rest != NULL) {
        fetching = strcmp(rest, "on") == 0;
        say(fetching ? "mail on" : "mail off", "");
    } else if (strcmp(line, "quit") == 0) {
        return 0;
    } else if (*line != 0) {
        say("trouble no such command", "NAME: TEXT, /room ROOM NAME,NAME TEXT, /safety NAME or /quit");
    }
    return 1;
}

/* Reads what was typed; answers whether there is more to come. */
static int read_input(struct buffer *typed) {
    char chunk[65536];
    uint8_t *end;
    int more = 1;
    size_t used = 0;
    ssize_t got = read(0, chunk, sizeof chunk);
    if (got <= 0) {
        return 0;
    }
    add(typed, chunk, (size_t)got);
    while (more && used < typed->len && (end = memchr(typed->bytes + used, '\n', typed->len - used)) != NULL) {
        *end = 0;
        more = command((char *)typed->bytes + used);
        used = (size_t)(end - typed->bytes) + 1;
    }
    typed->len -= used;
    if (used > 0) {
        memmove(typed->bytes, typed->bytes + used, typed->len);
    }
    return more;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Everything happens in turn: upkeep, requests, the screen, and then whichever comes first of input and mail. */
static void run(void) {
    struct poll_request mail = {-1, {0}};
    struct buffer typed = {0};
    int64_t wake = 0, stock = 0, retry = 0;
    uint64_t cursor = 0;
    for (int more = 1; more;) {
        int64_t now = now_ms();
        if (now >= wake) {
            upkeep(now >= stock);
            stock = now >= stock ? now + UPKEEP * 1000 : stock;
            wake = now + UPKEEP * 1000;
        }
        while (work()) {
        }
        show();
        if (pending.next_wake_ms < UPKEEP * 1000) {
            int64_t next = now + (int64_t)pending.next_wake_ms;
            next = next > now + PAUSE * 1000 ? next : now + PAUSE * 1000;
            wake = next < wake ? next : wake;
        }
        now = now_ms();
        if (mail.line < 0 && fetching && now >= retry && !poll_begin(&relay, &mail, cursor, POLL)) {
            reached(0);
            retry = now + PAUSE * 1000;
        }
        struct pollfd ready[2] = {{0, POLLIN, 0}, {mail.line, POLLIN, 0}};
        int64_t rest = wake - now;
        if (pending.requests > 0 || mail.line < 0) {
            rest = rest < PAUSE * 1000 ? rest : PAUSE * 1000;
        }
        if (poll(ready, 2, (int)(rest > 0 ? rest : 0)) <= 0) {
            continue;
        }
        if (ready[0].revents != 0) {
            more = read_input(&typed);
        }
        if (more && ready[1].revents != 0) {
            int status = poll_read(&mail);
            if (status >= 0) {
                reached(status != 0);
                retry = status == 200 ? 0 : now_ms() + PAUSE * 1000;
            }
            if (status == 200 && fetching) {
                cursor = take_in(&mail.answer, cursor);
            }
        }
    }
    poll_end(&mail);
    free(typed.bytes);
}

/* The store's key and the account's token: read, or made on the first start for the owner alone. */
static void secrets(const char *store, uint8_t secret[64]) {
    char path[4096];
    snprintf(path, sizeof path, "%s.key", store);
    int file = open(path, O_RDONLY);
    if (file < 0) {
        int random = open("/dev/urandom", O_RDONLY);
        if (access(store, F_OK) == 0) {
            die("the store is there and its key is not");
        }
        file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (random < 0 || read(random, secret, 64) != 64 || file < 0 || write(file, secret, 64) != 64 ||
            fsync(file) != 0) {
            die("cannot make a key");
        }
        close(random);
    } else if (read(file, secret, 64) != 64) {
        die("cannot read the key");
    }
    close(file);
}

int main(int count, char **words) {
    const char *name = NULL, *url = NULL, *store = NULL;
    uint8_t secret[64];
    uint32_t device = 0;
    sprag_config config = {0};
    sprag_opening opening = {0};
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--script") == 0) {
            script = 1;
        } else if (i + 1 < count) {
            const char **place = strcmp(words[i], "--as") == 0      ? &name
                                 : strcmp(words[i], "--relay") == 0 ? &url
                                 : strcmp(words[i], "--store") == 0 ? &store
                                                                    : NULL;
            if (place != NULL) {
                *place = words[++i];
            }
        }
    }
    if (name == NULL || strlen(name) > SPRAG_MAX_ID || url == NULL || !relay_at(&relay, url) || store == NULL) {
        die("--as NAME --relay http://HOST:PORT --store PATH [--script]");
    }
    secrets(store, secret);
    opening.size = sizeof opening;
    opening.path = bytes_of(store);
    opening.key.ptr = secret;
    opening.key.len = SPRAG_KEY_LEN;
    opening.account = bytes_of(name);
    sprag_status status = sprag_client_open(&opening, &client);
    if (status == SPRAG_NO_STORE) {
        config.size = sizeof config;
        config.path = opening.path;
        config.key = opening.key;
        config.account = opening.account;
        status = sprag_client_create(&config, &client);
    }
    must(status);
    must(sprag_device(client, &device));
    hex(relay.account, opening.account.ptr, opening.account.len);
    hex(relay.token, secret + 32, 32);
    snprintf(relay.device, sizeof relay.device, "%08x", (unsigned)device);
    memset(secret, 0, sizeof secret);
    printf(script ? "ready %s %08x" : "you are %s", name, (unsigned)device);
    end_line();
    run();
    sprag_client_free(client);
    return 0;
}
