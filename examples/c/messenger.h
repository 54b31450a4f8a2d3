/* What the parts of the messenger share. */
#ifndef MESSENGER_H
#define MESSENGER_H

#include "relay.h"

/* Seconds after which something is tried again. */
#define PAUSE 1

extern sprag_client *client;
extern struct relay relay;

/* What the engine said last about what is to be done. */
extern sprag_pending pending;

/* Ends the program if a call that must succeed did not. */
void must(sprag_status status);

/* Writes the line that is meant for who reads; an empty one is left out. */
void say(const char *for_script, const char *for_person);

/* Notes whether the relay answers, and says so when that changes. */
void reached(int is_online);

/* Carries out requests and says what became of them. */
void carry_out_all(const sprag_request_list *requests);

/* Carries out what there is to do; answers whether there was something. */
int work(void);

/* Lets the engine do what is due; with the stock of one-time prekeys at the relay, if that is asked for. */
void upkeep(int with_stock);

/* Delivers mail and acknowledges it; answers the number of the last one, or `after` if there was none. */
uint64_t take_in(const struct buffer *mail, uint64_t after);

#endif
