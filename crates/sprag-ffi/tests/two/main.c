/* Two Rust libraries in one program: each with its own standard library, allocator and panics. */
#include <stdio.h>
#include <string.h>

#include "sprag.h"

int32_t other_words(const uint8_t *text, size_t len);

int main(void) {
    uint8_t key[SPRAG_KEY_LEN] = {7};
    sprag_config config = {.size = sizeof config, .key = {key, sizeof key}, .account = {(const uint8_t *)"alice", 5}};
    sprag_client *client = NULL;
    uint32_t device = 0;
    for (int i = 0; i < 3; i++) {
        if (other_words((const uint8_t *)"one two two", 11) != 2 || other_words((const uint8_t *)"\xff", 1) != -1) {
            puts("the other library does not work");
            return 1;
        }
        if (sprag_client_create(&config, &client) != SPRAG_OK || sprag_device(client, &device) != SPRAG_OK) {
            puts("Sprag does not work");
            return 1;
        }
        sprag_client_free(client);
    }
    puts("two Rust libraries in one program: ok");
    return 0;
}
