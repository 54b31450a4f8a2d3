/* The example relay over HTTP, as one device of one account reaches it. docs/relay.md says what is spoken. */
#ifndef RELAY_H
#define RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "sprag.h"

/* Bytes that grow. Starts as {0}; `bytes` is the owner's to free. */
struct buffer {
    uint8_t *bytes;
    size_t len, room;
};

struct relay {
    char host[256], port[6];
    char account[129], device[9], token[65];
};

/* A request for mail that the relay holds back while there is none. `line` is its socket, or -1 without one. */
struct poll_request {
    int line;
    struct buffer answer;
};

void die(const char *what);
void add(struct buffer *to, const void *bytes, size_t len);

/* A part of a body: its length in four bytes, and itself. */
void add_part(struct buffer *to, sprag_bytes part);
void add_number(struct buffer *to, uint64_t number);

/* The next part of a body from `*at` on; absent at the end. */
sprag_bytes next_part(const struct buffer *body, size_t *at);

/* Lower-case hex with a NUL after it. */
void hex(char *to, const uint8_t *bytes, size_t len);

/* Takes "http://HOST:PORT" apart; answers 0 if it is none. */
int relay_at(struct relay *relay, const char *url);

/* One request; answers the status, or 0 if the relay cannot be reached. The body is put into `answer`. */
int relay_call(const struct relay *relay, const char *method, const char *path, const struct buffer *body,
               struct buffer *answer);

/* Asks for what came after a number; answers 0 if the relay cannot be reached. */
int poll_begin(const struct relay *relay, struct poll_request *request, uint64_t after, int seconds);

/* Reads what is there, when the socket is ready. Answers -1 as long as there is more to come, then the status with the
 * body in `answer`, or 0 if the line broke. */
int poll_read(struct poll_request *request);

void poll_end(struct poll_request *request);

#endif
