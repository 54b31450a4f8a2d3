#define _POSIX_C_SOURCE 200809L
#include "relay.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Seconds after which an answer is not expected any more. */
#define PATIENCE 30

void add(struct buffer *to, const void *bytes, size_t len) {
    if (to->room - to->len < len) {
        to->room = (to->len + len) * 2;
        to->bytes = realloc(to->bytes, to->room);
        if (to->bytes == NULL) {
            die("out of memory");
        }
    }
    if (len > 0) {
        memcpy(to->bytes + to->len, bytes, len);
    }
    to->len += len;
}

void add_part(struct buffer *to, sprag_bytes part) {
    uint8_t head[4] = {(uint8_t)(part.len >> 24), (uint8_t)(part.len >> 16), (uint8_t)(part.len >> 8), (uint8_t)part.len};
    add(to, head, sizeof head);
    add(to, part.ptr, part.len);
}

void add_number(struct buffer *to, uint64_t number) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    }
    sprag_bytes part = {bytes, sizeof bytes};
    add_part(to, part);
}

sprag_bytes next_part(const struct buffer *body, size_t *at) {
    sprag_bytes part = {NULL, 0};
    if (body->len - *at < 4) {
        return part;
    }
    const uint8_t *head = body->bytes + *at;
    size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (body->len - *at - 4 < len) {
        return part;
    }
    part.ptr = head + 4;
    part.len = len;
    *at += 4 + len;
    return part;
}

void hex(char *to, const uint8_t *bytes, size_t len) {
    *to = 0;
    for (size_t i = 0; i < len; i++) {
        snprintf(to + 2 * i, 3, "%02x", bytes[i]);
    }
}

int relay_at(struct relay *relay, const char *url) {
    const char *host = url + 7, *colon = strrchr(url, ':');
    if (strncmp(url, "http://", 7) != 0 || colon == NULL || colon < host) {
        return 0;
    }
    size_t host_len = (size_t)(colon - host), port_len = strcspn(colon + 1, "/");
    if (host_len == 0 || host_len >= sizeof relay->host || port_len == 0 || port_len >= sizeof relay->port) {
        return 0;
    }
    memcpy(relay->host, host, host_len);
    relay->host[host_len] = 0;
    memcpy(relay->port, colon + 1, port_len);
    relay->port[port_len] = 0;
    return 1;
}

/* Connects and sends a whole request; answers the socket, or -1. */
static int begin(const struct relay *relay, const char *method, const char *path, const struct buffer *body,
                 int patience) {
    struct addrinfo hints = {0}, *found = NULL;
    struct timeval limit = {patience, 0};
    struct buffer request = {0};
    char head[1024];
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(relay->host, relay->port, &hints, &found) != 0) {
        return -1;
    }
    int line = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (line < 0 || connect(line, found->ai_addr, found->ai_addrlen) != 0 ||
        setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) {
        if (line >= 0) {
            close(line);
        }
        freeaddrinfo(found);
        return -1;
    }
    freeaddrinfo(found);
    snprintf(head, sizeof head,
             "%s %s HTTP/1.0\r\nHost: %s\r\nX-Account: %s\r\nX-Device: %s\r\nAuthorization: Bearer %s\r\n"
             "Content-Length: %zu\r\n\r\n",
             method, path, relay->host, relay->account, relay->device, relay->token,
             body == NULL ? (size_t)0 : body->len);
    add(&request, head, strlen(head));
    if (body != NULL) {
        add(&request, body->bytes, body->len);
    }
    for (size_t sent = 0; sent < request.len;) {
        ssize_t some = send(line, request.bytes + sent, request.len - sent, MSG_NOSIGNAL);
        if (some <= 0) {
            break; /* The relay may have refused early: its answer is read all the same. */
        }
        sent += (size_t)some;
    }
    free(request.bytes);
    return line;
}

/* The status of a whole answer, of which the body is left; 0 if it is none, or not whole. */
static int finish(struct buffer *answer) {
    int status = 0;
    add(answer, "", 1); /* so that it can be searched as a string */
    answer->len--;
    char *text = (char *)answer->bytes, *end = strstr(text, "\r\n\r\n");
    if (end == NULL || sscanf(text, "HTTP/%*d.%*d %d", &status) != 1) {
        answer->len = 0;
        return 0;
    }
    size_t skip = (size_t)(end + 4 - text), expected = answer->len - skip;
    *end = 0;
    for (char *field = strchr(text, '\n'); field != NULL; field = strchr(field, '\n')) {
        unsigned long long length;
        if (sscanf(++field, "Content-Length: %llu", &length) == 1) {
            expected = (size_t)length;
        }
    }
    if (answer->len - skip != expected) {
        answer->len = 0;
        return 0;
    }
    answer->len = expected;
    memmove(answer->bytes, answer->bytes + skip, expected);
    return status;
}

int relay_call(const struct relay *relay, const char *method, const char *path, const struct buffer *body,
               struct buffer *answer) {
    struct poll_request request = {begin(relay, method, path, body, PATIENCE), {0}};
    int status = -1;
    if (request.line < 0) {
        return 0;
    }
    while (status < 0) {
        status = poll_read(&request);
    }
    free(answer->bytes);
    *answer = request.answer;
    return status;
}

int poll_begin(const struct relay *relay, struct poll_request *request, uint64_t after, int seconds) {
    char path[96];
    snprintf(path, sizeof path, "/mail?after=%llu&wait=%d", (unsigned long long)after, seconds);
    request->answer.len = 0;
    request->line = begin(relay, "GET", path, NULL, seconds + PATIENCE);
    return request->line >= 0;
}

int poll_read(struct poll_request *request) {
    char chunk[65536];
    ssize_t some = recv(request->line, chunk, sizeof chunk, 0);
    if (some > 0) {
        add(&request->answer, chunk, (size_t)some);
        return -1;
    }
    close(request->line);
    request->line = -1;
    return some == 0 ? finish(&request->answer) : 0;
}

void poll_end(struct poll_request *request) {
    if (request->line >= 0) {
        close(request->line);
    }
    free(request->answer.bytes);
    request->line = -1;
    memset(&request->answer, 0, sizeof request->answer);
}
