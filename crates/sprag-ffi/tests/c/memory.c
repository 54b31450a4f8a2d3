/*
 * What is left in memory: a conversation whose text and store keys are known, and a code by which a device is linked, and
 * then a search through everything that this process can write to, freed blocks included. Linux only: it reads /proc/self.
 *
 * What is searched for stands nowhere in the program: it is kept masked, and compared byte by byte.
 */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
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

/* A secret that is long enough to be found in pieces: what frees a block writes over its first bytes. */
enum { MASK = 0x5a, LONG = 96, PIECE = 16, SECRETS = 6, MADE = 4, CHUNK = 1 << 16 };

struct secret {
    const char *name;
    size_t len;
    uint8_t masked[LONG];
    int found; /* pieces of it, at the last search */
};

static struct secret secrets[SECRETS] = {
    {.name = "the text", .len = LONG}, {.name = "Alice's key", .len = 32}, {.name = "Alice's new key", .len = 32},
    {.name = "Bob's key", .len = 32}, {.name = "the link code", .len = 32}, {.name = "its text", .len = 48}};

/* How many of them there are yet: the code is made when everything else was searched for. */
static size_t known = MADE;

static void make_secrets(void) {
    FILE *random = fopen("/dev/urandom", "rb");
    CHECK(random != NULL);
    setvbuf(random, NULL, _IONBF, 0);
    for (size_t s = 0; s < MADE; s++) {
        CHECK(fread(secrets[s].masked, 1, secrets[s].len, random) == secrets[s].len);
    }
    fclose(random);
    /* Masked, it is any bytes; the text itself is printable. */
    for (size_t i = 0; i < LONG; i++) {
        secrets[0].masked[i] = (uint8_t)(('a' + secrets[0].masked[i] % 26) ^ MASK);
    }
}

/* The secret itself, in a block of its own. */
static sprag_bytes show(size_t which) {
    volatile uint8_t *block = malloc(secrets[which].len);
    CHECK(block != NULL);
    for (size_t i = 0; i < secrets[which].len; i++) {
        block[i] = secrets[which].masked[i] ^ MASK;
    }
    sprag_bytes shown = {(const uint8_t *)block, secrets[which].len};
    return shown;
}

static void hide(sprag_bytes shown) {
    volatile uint8_t *block = (volatile uint8_t *)shown.ptr;
    for (size_t i = 0; i < shown.len; i++) {
        block[i] = 0;
    }
    free((void *)block);
}

static int is(sprag_bytes bytes, size_t which) {
    size_t i = 0;
    while (i < bytes.len && i < secrets[which].len && (bytes.ptr[i] ^ MASK) == secrets[which].masked[i]) {
        i++;
    }
    return i == bytes.len && i == secrets[which].len;
}

static int stands(const uint8_t *at, const uint8_t *masked) {
    size_t i = 0;
    while (i < PIECE && (at[i] ^ MASK) == masked[i]) {
        i++;
    }
    return i == PIECE;
}

/* Counts the pieces of secrets that stand in these bytes. */
static void count(const uint8_t *bytes, size_t len, const char *where) {
    uint8_t begins[256] = {0}; /* whether a piece begins with this byte, masked */
    for (size_t s = 0; s < known; s++) {
        for (size_t piece = 0; piece < secrets[s].len; piece += PIECE) {
            begins[secrets[s].masked[piece]] = 1;
        }
    }
    for (size_t at = 0; at + PIECE <= len; at++) {
        if (!begins[bytes[at] ^ MASK]) {
            continue;
        }
        for (size_t s = 0; s < known; s++) {
            for (size_t piece = 0; piece < secrets[s].len; piece += PIECE) {
                if (stands(bytes + at, secrets[s].masked + piece)) {
                    secrets[s].found++;
                    if (where != NULL) {
                        fprintf(stderr, "%s, byte %zu on, in %s", secrets[s].name, piece, where);
                    }
                }
            }
        }
    }
}

/* How many pieces of secrets stand in what this process can write to; with `tell`, says where. */
static int search(int tell) {
    static uint8_t chunk[CHUNK + PIECE];
    char line[512];
    int found = 0;
    for (size_t s = 0; s < SECRETS; s++) {
        secrets[s].found = 0;
    }
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY);
    CHECK(maps != NULL && memory >= 0);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long long from = 0, to = 0;
        char rights[5] = "";
        CHECK(sscanf(line, "%llx-%llx %4s", &from, &to, rights) == 3);
        /* What nobody can write holds no secrets, and a sanitizer's shadow is larger than memory. */
        if (rights[1] != 'w' || to - from > (1ULL << 30)) {
            continue;
        }
        for (unsigned long long at = from; at < to; at += CHUNK) {
            /* Pieces that two chunks share are found in the first. */
            unsigned long long end = at + CHUNK + PIECE - 1 < to ? at + CHUNK + PIECE - 1 : to;
            ssize_t got = pread(memory, chunk, (size_t)(end - at), (off_t)at);
            if (got > 0) {
                count(chunk, (size_t)got, tell ? line : NULL);
            }
        }
        memset(chunk, 0, sizeof chunk);
    }
    close(memory);
    fclose(maps);
    for (size_t s = 0; s < SECRETS; s++) {
        found += secrets[s].found;
    }
    return found;
}

static sprag_part keys[4];
static size_t keys_len;
static sprag_bytes mail;

static sprag_bytes text(const char *words) {
    sprag_bytes to = {(const uint8_t *)words, strlen(words)};
    return to;
}

static sprag_bytes keep(sprag_bytes from) {
    uint8_t *to = malloc(from.len);
    CHECK(to != NULL);
    sprag_bytes kept = {memcpy(to, from.ptr, from.len), from.len};
    return kept;
}

static void carry_out(const sprag_client *client, const sprag_request_list *requests) {
    for (size_t i = 0; i < sprag_requests_len(requests); i++) {
        const sprag_request *request = sprag_requests_at(requests, i);
        sprag_outcome outcome = {.size = sizeof outcome};
        if (request->kind == SPRAG_REQUEST_PUBLISH_KEYS) {
            CHECK(keys_len < 4);
            keys[keys_len++] = (sprag_part){keep(request->account), keep(request->list)};
            keys[keys_len++] = (sprag_part){keep(request->account), keep(request->signed_prekey)};
            outcome.kind = SPRAG_OUTCOME_PUBLISHED;
        } else if (request->kind == SPRAG_REQUEST_FETCH_KEYS) {
            outcome.kind = SPRAG_OUTCOME_KEYS;
            outcome.parts = keys;
            outcome.parts_len = keys_len;
        } else {
            CHECK(request->kind == SPRAG_REQUEST_SEND && mail.ptr == NULL);
            mail = keep(request->blob);
            outcome.kind = SPRAG_OUTCOME_ACCEPTED;
        }
        OK(sprag_respond(client, request->id, &outcome, NULL));
    }
}

static void work(const sprag_client *client) {
    sprag_request_list *requests = NULL;
    OK(sprag_requests(client, 100, 60, &requests));
    carry_out(client, requests);
    sprag_requests_free(requests);
}

static void say(const sprag_client *client, const char *to) {
    sprag_sent *sent = NULL;
    sprag_bytes words = show(0);
    sprag_outgoing message = {.size = sizeof message, .conversation = SPRAG_CONVERSATION_DIRECT, .peer = text(to),
                              .content = SPRAG_CONTENT_TEXT, .body = words};
    OK(sprag_send(client, &message, &sent, NULL));
    hide(words);
    carry_out(client, sprag_sent_requests(sent));
    sprag_sent_free(sent);
    work(client);
}

static void hear(const sprag_client *client, const char *from) {
    sprag_incoming incoming = {.size = sizeof incoming, .bytes = mail, .from = text(from)};
    sprag_preview *preview = NULL;
    sprag_verdict_list *verdicts = NULL;
    sprag_event_list *events = NULL;
    int seen = 0;
    OK(sprag_peek(client, &incoming, &preview));
    CHECK(is(sprag_preview_get(preview)->body, 0));
    sprag_preview_free(preview);
    OK(sprag_deliver(client, &incoming, 1, &verdicts, NULL));
    sprag_verdicts_free(verdicts);
    OK(sprag_events(client, 0, 100, &events));
    for (size_t i = 0; i < sprag_events_len(events); i++) {
        const sprag_event *event = sprag_events_at(events, i);
        seen += event->kind == SPRAG_EVENT_MESSAGE && is(event->body, 0);
        OK(sprag_done(client, &event->id, 1, NULL));
    }
    sprag_events_free(events);
    CHECK(seen == 1);
    free((void *)mail.ptr);
    mail = (sprag_bytes){NULL, 0};
}

static sprag_client *phone(const char *name, const char *path, size_t which) {
    sprag_client *client = NULL;
    sprag_bytes key = show(which);
    sprag_config config = {.size = sizeof config, .path = text(path), .key = key, .account = text(name)};
    OK(sprag_client_create(&config, &client));
    hide(key);
    return client;
}

static sprag_client *again(const char *name, const char *path, size_t which, sprag_status answer) {
    sprag_client *client = NULL;
    sprag_bytes key = show(which);
    sprag_opening opening = {.size = sizeof opening, .path = text(path), .key = key, .account = text(name)};
    CHECK(sprag_client_open(&opening, &client) == answer);
    hide(key);
    return client;
}

static void learn(size_t which, sprag_bytes from, size_t at) {
    CHECK(from.len >= at + secrets[which].len);
    for (size_t i = 0; i < secrets[which].len; i++) {
        secrets[which].masked[i] = from.ptr[at + i] ^ MASK;
    }
}

/* A code is made and taken, as bytes and as text: while it is waited for, nothing of it is left. */
static void link_a_tablet(const sprag_client *alice) {
    uint8_t key[SPRAG_KEY_LEN] = {8};
    sprag_config config = {.size = sizeof config, .start = SPRAG_START_LINK, .key = {key, sizeof key},
                           .account = text("alice")};
    sprag_client *tablet = NULL;
    sprag_link_code *code = NULL;
    OK(sprag_client_create(&config, &tablet));
    OK(sprag_link_code_get(tablet, &code));
    /* The secret begins after the heads; what stands around it is none. The text has no more than its beginning of it. */
    known = SECRETS;
    learn(4, sprag_link_code_bytes(code), 6);
    learn(5, sprag_link_code_text(code), 10);
    search(0);
    CHECK(secrets[4].found > 0 && secrets[5].found > 0);
    sprag_bytes digits = sprag_link_code_digits(code);
    OK(sprag_admit(alice, sprag_link_code_bytes(code), digits, 0, NULL));
    OK(sprag_admit(alice, sprag_link_code_text(code), digits, 0, NULL));
    sprag_link_code_free(code);
    search(0);
    CHECK(secrets[4].found == 0 && secrets[5].found == 0);
    sprag_client_free(tablet);
}

int main(void) {
    char folder[] = "/tmp/sprag-memory-XXXXXX", alices[64], bobs[64];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(alices, sizeof alices, "%s/alice", folder);
    snprintf(bobs, sizeof bobs, "%s/bob", folder);
    make_secrets();
    sprag_bytes shown[MADE];
    for (size_t s = 0; s < MADE; s++) {
        shown[s] = show(s);
    }
    search(0);
    for (size_t s = 0; s < MADE; s++) {
        CHECK(secrets[s].found == (int)(secrets[s].len / PIECE)); /* the search finds what is there */
        hide(shown[s]);
    }

    sprag_client *alice = phone("alice", alices, 1), *bob = phone("bob", bobs, 3);
    work(alice);
    work(bob);
    say(alice, "bob");
    hear(bob, "alice");
    say(bob, "alice");
    hear(alice, "bob");
    sprag_bytes key = show(2);
    OK(sprag_rekey(alice, key));
    hide(key);
    sprag_client_free(alice);
    CHECK(again("alice", alices, 1, SPRAG_WRONG_KEY) == NULL);
    alice = again("alice", alices, 2, SPRAG_OK);
    say(alice, "bob");
    hear(bob, "alice");
    /* While they are open, the keys in use are there, and nothing else. */
    int open_found = search(0);
    CHECK(secrets[0].found == 0 && secrets[1].found == 0);
    link_a_tablet(alice);
    OK(sprag_client_erase(alice));
    OK(sprag_client_erase(bob));
    for (size_t i = 0; i < keys_len; i++) {
        free((void *)keys[i].account.ptr);
        free((void *)keys[i].object.ptr);
    }
    CHECK(rmdir(folder) == 0);
    int found = search(1);
    printf("pieces of secrets in memory: %d while open, %d after closing\n", open_found, found);
    CHECK(found == 0);
    return 0;
}
