/*
 * The story that every language replays: docs/vectors/story.txt, whose head comment says what each step is.
 */
#define _POSIX_C_SOURCE 200809L
#include <unistd.h>

#include "phones.h"

enum { WORDS = 12, LINE = 4096 };

static struct blob hand;
static char folder[] = "/tmp/sprag-story-XXXXXX";

static uint32_t number(const char *prefix, const char *word) {
    char name[64];
    int64_t value = 0;
    snprintf(name, sizeof name, "SPRAG_%s_%s", prefix, word);
    for (char *at = name; *at != 0; at++) {
        *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 32 : *at);
    }
    OK(sprag_constant(text(name), &value));
    return (uint32_t)value;
}

static sprag_status carry_out(struct phone *self, int *busy) {
    for (size_t len = 1; len > 0;) {
        sprag_request_list *requests;
        sprag_status status = sprag_requests(self->client, 64, 60, &requests);
        if (status != SPRAG_OK) {
            return status;
        }
        len = sprag_requests_len(requests);
        *busy |= len > 0;
        answer_all(self, requests);
        sprag_requests_free(requests);
    }
    return SPRAG_OK;
}

static sprag_status deliver(struct phone *self, struct blob body, const char *from, const char *direct, const char *word) {
    sprag_incoming incoming = {.size = sizeof incoming, .bytes = view(body), .from = text(from)};
    if (direct != NULL) {
        incoming.direct = text(direct);
    }
    sprag_verdict_list *verdicts;
    sprag_status status = sprag_deliver(self->client, &incoming, 1, &verdicts, NULL);
    if (status == SPRAG_OK && word != NULL) {
        CHECK(sprag_verdicts_at(verdicts, 0)->kind == number("VERDICT", word));
    }
    sprag_verdicts_free(verdicts);
    return status;
}

static void settle(void) {
    for (int busy = 1; busy;) {
        busy = 0;
        for (struct phone *self = phones; self < phones + PHONES; self++) {
            if (self->client == NULL) {
                continue;
            }
            OK(carry_out(self, &busy));
            while (self->mail_len > 0) {
                const char *from = self->from[0];
                memmove(self->from, self->from + 1, (self->mail_len - 1) * sizeof *self->from);
                struct blob body = first(self->mail, &self->mail_len);
                OK(deliver(self, body, from, NULL, NULL));
                free(body.ptr);
                busy = 1;
            }
            OK(sprag_wake(self->client, NULL, NULL));
        }
    }
}

static sprag_status say(struct phone *self, sprag_outgoing *message, sprag_bytes words) {
    sprag_sent *sent;
    message->size = sizeof *message;
    message->content = SPRAG_CONTENT_TEXT;
    message->body = words;
    sprag_status status = sprag_send(self->client, message, &sent, NULL);
    answer_all(self, sprag_sent_requests(sent));
    sprag_sent_free(sent);
    return status;
}

/* Looks at the oldest event of a kind, which is done; with no kind at all, and none of them may be a message. */
static void event(struct phone *self, uint32_t kind, const char *account, const char *room, sprag_bytes words) {
    sprag_event_list *events;
    const sprag_event *found = NULL;
    OK(sprag_events(self->client, 0, 1000, &events));
    for (size_t i = 0; i < sprag_events_len(events) && found == NULL; i++) {
        const sprag_event *next = sprag_events_at(events, i);
        found = next->kind == kind ? next : NULL;
        if (kind == 0) {
            CHECK(next->kind != SPRAG_EVENT_MESSAGE);
            OK(sprag_done(self->client, &next->id, 1, NULL));
        }
    }
    CHECK((kind == 0) == (found == NULL));
    if (found != NULL) {
        OK(sprag_done(self->client, &found->id, 1, NULL));
    }
    if (account != NULL) {
        CHECK(found->content == SPRAG_CONTENT_TEXT && same(found->account, text(account)) && same(found->body, words));
        CHECK((found->outgoing != 0) == (strcmp(self->account, account) == 0));
        CHECK(found->conversation == (room == NULL ? SPRAG_CONVERSATION_DIRECT : SPRAG_CONVERSATION_ROOM));
        CHECK(room == NULL || same(found->peer, text(room)));
    }
    sprag_events_free(events);
}

static sprag_status start(char **w) {
    struct phone *self = phone(w[1]);
    uint8_t key[SPRAG_KEY_LEN];
    char path[128];
    sprag_client *client;
    sprag_status status;
    size_t key_len = strcmp(w[3], "short") == 0 ? 31 : 32;
    memset(key, atoi(w[3]), sizeof key);
    snprintf(path, sizeof path, "%s/%s", folder, w[4]);
    if (strcmp(w[0], "open") == 0) {
        sprag_opening opening = {.size = sizeof opening, .path = text(path), .key = {key, key_len}, .account = text(w[2])};
        status = sprag_client_open(&opening, &client);
    } else {
        sprag_config config = {.size = sizeof config, .key = {key, key_len}, .account = text(w[2])};
        config.start = strcmp(w[0], "link") == 0 ? SPRAG_START_LINK : SPRAG_START_NEW_ACCOUNT;
        config.path = strcmp(w[4], "-") == 0 ? config.path : text(path);
        status = sprag_client_create(&config, &client);
    }
    CHECK((status == SPRAG_OK) == (client != NULL));
    if (client != NULL) {
        snprintf(self->account, sizeof self->account, "%s", w[2]);
        self->client = client;
    }
    return status;
}

static sprag_status policy(struct phone *self, const char *word) {
    sprag_policy chosen = {.size = sizeof chosen};
    if (strcmp(word, "text") == 0) {
        chosen.armor = SPRAG_ARMOR_TEXT;
        chosen.fallback_text = text("A message");
    }
    chosen.rollout = strcmp(word, "read") == 0 ? SPRAG_ROLLOUT_READ : 0;
    return sprag_configure(self->client, &chosen);
}

static void another(uint8_t *digits) { digits[0] = digits[0] == '1' ? '2' : '1'; }

/* What is between two phones or somebody and an account. */
static sprag_status between(char **w, size_t n) {
    struct phone *self = phone(w[1]), *other = n > 2 ? phone(w[2]) : NULL;
    sprag_contact one = {0}, two = {0};
    sprag_status status = SPRAG_OK;
    uint32_t value;
    if (strcmp(w[0], "numbers") == 0) {
        OK(sprag_contact_get(self->client, text(other->account), &one));
        OK(sprag_contact_get(other->client, text(self->account), &two));
        CHECK(strlen((char *)one.digits) == 60 && memcmp(one.digits, two.digits, 61) == 0);
    } else if (strcmp(w[0], "confirm") == 0 || strcmp(w[0], "trust") == 0) {
        status = sprag_contact_get(self->client, text(w[2]), &one);
        if (status == SPRAG_OK && w[0][0] == 't') {
            CHECK(one.trust == number("TRUST", w[3]));
        } else if (status == SPRAG_OK) {
            if (n > 3) {
                another(one.digits);
            }
            status = sprag_confirm(self->client, text(w[2]), text((char *)one.digits), NULL);
        }
    } else if (strcmp(w[0], "protection") == 0) {
        OK(sprag_protection(self->client, SPRAG_CONVERSATION_DIRECT, text(w[2]), NULL, 0, &value));
        CHECK(value == number("PROTECTION", w[3]));
    } else if (strcmp(w[0], "admit") == 0) {
        sprag_link_code *code;
        uint8_t digits[7] = {0};
        OK(sprag_link_code_get(other->client, &code));
        memcpy(digits, sprag_link_code_digits(code).ptr, 6);
        if (n > 3) {
            another(digits);
        }
        status = sprag_admit(self->client, sprag_link_code_bytes(code), text((char *)digits), 0, NULL);
        sprag_link_code_free(code);
    } else if (strcmp(w[0], "devices") == 0) {
        sprag_device_list *devices;
        status = sprag_devices_get(self->client, &devices);
        CHECK(status != SPRAG_OK || sprag_devices_len(devices) == (size_t)atoi(w[2]));
        sprag_devices_free(devices);
    } else if (strcmp(w[0], "revoke") == 0) {
        OK(sprag_device(other->client, &value));
        status = sprag_revoke(self->client, value, NULL);
    } else if (strcmp(w[0], "card") == 0) {
        sprag_card *card;
        uint8_t whose[SPRAG_MAX_ID];
        size_t len;
        OK(sprag_card_get(self->client, &card));
        status = sprag_import(other->client, sprag_card_link(card), whose, sizeof whose, &len);
        CHECK(status != SPRAG_OK || same((sprag_bytes){whose, len}, text(self->account)));
        sprag_card_free(card);
    } else {
        CHECK(!"a step that is known");
    }
    return status;
}

static sprag_status hold_around(sprag_bytes words) {
    struct blob whole = {malloc(hand.len + 2 * words.len + 2), hand.len + 2 * words.len + 2};
    CHECK(whole.ptr != NULL);
    memcpy(whole.ptr, words.ptr, words.len);
    whole.ptr[words.len] = '\n';
    memcpy(whole.ptr + words.len + 1, hand.ptr, hand.len);
    whole.ptr[words.len + 1 + hand.len] = '\n';
    memcpy(whole.ptr + words.len + 2 + hand.len, words.ptr, words.len);
    free(hand.ptr);
    hand = whole;
    return SPRAG_OK;
}

static sprag_status step(char **w, size_t n, sprag_bytes words) {
    struct phone *self = n > 1 && strcmp(w[0], "recognise") != 0 ? phone(w[1]) : NULL;
    uint8_t key[SPRAG_KEY_LEN], buffer[SPRAG_MAX_ID];
    size_t len = 0;
    uint32_t value;
    int busy = 0;
#define IS(word) (strcmp(w[0], word) == 0)
    if (IS("create") || IS("link") || IS("open")) {
        return start(w);
    } else if (IS("close") || IS("erase")) {
        sprag_status status = SPRAG_OK;
        if (IS("close")) {
            sprag_client_free(self->client);
        } else {
            status = sprag_client_erase(self->client);
        }
        self->client = NULL;
        return status;
    } else if (IS("rekey")) {
        memset(key, atoi(w[2]), sizeof key);
        return sprag_rekey(self->client, (sprag_bytes){key, strcmp(w[2], "short") == 0 ? 31 : 32});
    } else if (IS("suspend")) {
        return sprag_suspend(self->client);
    } else if (IS("resume")) {
        return sprag_resume(self->client);
    } else if (IS("policy")) {
        return policy(self, w[2]);
    } else if (IS("carry")) {
        return carry_out(self, &busy);
    } else if (IS("settle")) {
        settle();
    } else if (IS("take")) {
        free(hand.ptr);
        memmove(self->from, self->from + 1, (MAILS - 1) * sizeof *self->from);
        hand = first(self->mail, &self->mail_len);
    } else if (IS("hold")) {
        replace(&hand, words);
    } else if (IS("spoil")) {
        hand.ptr[hand.len - 1] ^= 1;
    } else if (IS("around")) {
        return hold_around(words);
    } else if (IS("say") || IS("garbled")) {
        sprag_outgoing message = {.conversation = SPRAG_CONVERSATION_DIRECT, .peer = text(w[2])};
        message.client_id = IS("say") ? text(w[3]) : message.client_id;
        return say(self, &message, IS("say") ? words : text("\xff\xfe"));
    } else if (IS("room")) {
        sprag_bytes members[WORDS];
        sprag_outgoing message = {.conversation = SPRAG_CONVERSATION_ROOM, .peer = text(w[2]), .client_id = text(w[3])};
        for (size_t i = 4; i < n; i++) {
            members[i - 4] = text(w[i]);
        }
        message.members = members;
        message.members_len = n - 4;
        return say(self, &message, words);
    } else if (IS("state")) {
        sprag_status status = sprag_state(self->client, text(w[2]), &value);
        CHECK(status != SPRAG_OK || value == number("STATE", w[3]));
        return status;
    } else if (IS("cancel")) {
        return sprag_cancel(self->client, text(w[2]), NULL);
    } else if (IS("recognise")) {
        CHECK(sprag_recognise(view(hand)) == (strcmp(w[1], "yes") == 0));
    } else if (IS("peek")) {
        sprag_incoming incoming = {.size = sizeof incoming, .bytes = view(hand), .from = text(w[2])};
        sprag_preview *preview;
        OK(sprag_peek(self->client, &incoming, &preview));
        const sprag_event *found = sprag_preview_get(preview);
        CHECK(found->kind == 1 && same(found->account, text(w[2])) && same(found->body, words));
        sprag_preview_free(preview);
    } else if (IS("deliver")) {
        return deliver(self, hand, w[2], w[2], w[3]);
    } else if (IS("shows")) {
        event(self, SPRAG_EVENT_MESSAGE, w[2], n > 3 ? w[4] : NULL, words);
    } else if (IS("raises")) {
        event(self, number("EVENT", w[2]), NULL, NULL, words);
    } else if (IS("quiet")) {
        event(self, 0, NULL, NULL, words);
    } else if (IS("nothing")) {
        sprag_sent *sent;
        return sprag_send(self->client, NULL, &sent, NULL);
    } else if (IS("narrow")) {
        sprag_status status = sprag_account(self->client, buffer, strlen(self->account) - 1, &len);
        CHECK(len == strlen(self->account));
        return status;
    } else {
        return between(w, n);
    }
    return SPRAG_OK;
}

/* A step with what stands before it; says whether it was one for C. */
static int run(char *line) {
    char *w[WORDS], *rest = strstr(line, " : ");
    struct blob repeated = {NULL, 0};
    size_t n = 0, at = 0;
    sprag_bytes words = text("");
    if (rest != NULL) {
        words = text(rest + 3);
        *rest = 0;
    }
    if (words.len > 0 && words.ptr[0] == '*') {
        const char *word = strchr((const char *)words.ptr, ' ') + 1;
        size_t times = (size_t)atoi((const char *)words.ptr + 1), each = strlen(word);
        repeated = (struct blob){malloc(times * each + 1), times * each};
        CHECK(repeated.ptr != NULL);
        for (size_t i = 0; i < times; i++) {
            memcpy(repeated.ptr + i * each, word, each);
        }
        words = view(repeated);
    }
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        CHECK(n < WORDS);
        w[n++] = word;
    }
    /* A client that was freed can not be called in C: it is not to be tried. */
    int ours = w[0][0] != '@' || strcmp(w[0], "@null") == 0 || strcmp(w[0], "@buffer") == 0 || strcmp(w[0], "@bytes") == 0;
    at = w[0][0] == '@' ? 1 : 0;
    if (ours && strcmp(w[at], "fails") == 0) {
        CHECK(step(w + at + 2, n - at - 2, words) == atoi(w[at + 1]));
    } else if (ours) {
        OK(step(w + at, n - at, words));
    }
    free(repeated.ptr);
    return ours;
}

/* Whichever check failed, this is the step. */
static int at_line;

static void say_where(void) {
    if (at_line > 0) {
        fprintf(stderr, "story.txt:%d\n", at_line);
    }
}

int main(void) {
    char path[512] = __FILE__, line[LINE];
    int steps = 0, lines = 0;
    char *end = strstr(path, "crates/sprag-ffi/");
    snprintf(end == NULL ? path : end, 64, "docs/vectors/story.txt");
    FILE *story = fopen(path, "r");
    CHECK(atexit(say_where) == 0 && story != NULL && mkdtemp(folder) != NULL);
    while (fgets(line, sizeof line, story) != NULL) {
        line[strcspn(line, "\n")] = 0;
        lines++;
        if (line[0] != 0 && line[0] != '#') {
            at_line = lines;
            steps += run(line);
        }
    }
    at_line = 0;
    CHECK(steps > 150);
    fclose(story);
    free(hand.ptr);
    for (size_t i = 0; i < PHONES; i++) {
        sprag_client_free(phones[i].client);
        free_blobs(&phones[i].signed_prekey, 1);
        free_blobs(phones[i].one_time, phones[i].one_time_len);
        free_blobs(phones[i].mail, phones[i].mail_len);
        free_blobs(&lists[i].object, 1);
    }
    const char *left[] = {"alice.sprag", "tablet.sprag", "tablet.sprag-wal", "tablet.sprag-shm"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, left[i]);
        unlink(path);
    }
    CHECK(rmdir(folder) == 0);
    return 0;
}
