/* How much processor time one call across the C border takes: nothing but the call, a small record, bytes looked at, a client asked. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sprag.h"

static void must(sprag_status status) {
    if (status != SPRAG_OK) {
        fprintf(stderr, "%s\n", sprag_status_str(status));
        exit(1);
    }
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

#define MEASURE(name, times, call)                                                                                    \
    do {                                                                                                              \
        double begun = now();                                                                                         \
        for (int i = 0; i < (times); i++) {                                                                           \
            call;                                                                                                     \
        }                                                                                                             \
        printf("%-44s %10.1f ns\n", name, (now() - begun) / (times));                                                 \
    } while (0)

int main(void) {
    static const uint8_t zeros[1024];
    uint8_t key[SPRAG_KEY_LEN] = {7}, name[SPRAG_MAX_ID];
    sprag_config config = {.size = sizeof config, .key = {key, sizeof key}, .account = {(const uint8_t *)"alice", 5}};
    sprag_client *client = NULL;
    sprag_event_list *events = NULL;
    int64_t value;
    size_t len;
    uint32_t device = 0, seen = 0;
    must(sprag_client_create(&config, &client));
    MEASURE("sprag_abi_version", 1000000, seen += sprag_abi_version());
    MEASURE("sprag_recognise, 1 KiB of zeros", 1000000, seen += (uint32_t)sprag_recognise((sprag_bytes){zeros, 1024}));
    MEASURE("sprag_constant", 1000000, must(sprag_constant((sprag_bytes){(const uint8_t *)"SPRAG_OK", 8}, &value)));
    MEASURE("sprag_device", 1000000, must(sprag_device(client, &device)));
    MEASURE("sprag_account", 1000000, must(sprag_account(client, name, sizeof name, &len)));
    MEASURE("sprag_events, none, a transaction", 20000, must(sprag_events(client, 0, 10, &events)); sprag_events_free(events));
    sprag_client_free(client);
    MEASURE("sprag_client_create in memory, and free", 50, must(sprag_client_create(&config, &client)); sprag_client_free(client));
    return seen == 0;
}
