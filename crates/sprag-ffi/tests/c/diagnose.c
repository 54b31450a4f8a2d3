/*
 * What a client tells of itself in a support ticket, and every mistake in asking for it.
 */
#include "world.h"

static uint64_t figure(const sprag_diagnosis *diagnosis, const char *name) {
    for (size_t i = 0; i < sprag_diagnosis_len(diagnosis); i++) {
        const sprag_figure *figure = sprag_diagnosis_at(diagnosis, i);
        if (same(figure->name, text(name))) {
            return figure->value;
        }
    }
    return UINT64_MAX;
}

static int contains(sprag_bytes all, const char *words) {
    size_t len = strlen(words);
    for (size_t at = 0; at + len <= all.len; at++) {
        if (memcmp(all.ptr + at, words, len) == 0) {
            return 1;
        }
    }
    return 0;
}

static void mistakes(const sprag_client *client) {
    sprag_diagnosis *diagnosis = (sprag_diagnosis *)&diagnosis;
    CHECK(sprag_diagnose(NULL, &diagnosis) == SPRAG_NULL && diagnosis == NULL);
    CHECK(sprag_diagnose(client, NULL) == SPRAG_NULL);
    CHECK(sprag_diagnosis_len(NULL) == 0 && sprag_diagnosis_at(NULL, 0) == NULL);
    CHECK(sprag_diagnosis_text(NULL).ptr == NULL);
    sprag_diagnosis_free(NULL);
    OK(sprag_suspend(client));
    CHECK(sprag_diagnose(client, &diagnosis) == SPRAG_UNAVAILABLE && diagnosis == NULL);
    OK(sprag_resume(client));
}

int main(void) {
    struct person *alice = &people[0];
    make(alice, "Quastenflosser", NULL, 1);
    mistakes(alice->client);
    sprag_incoming spoiled = {0};
    spoiled.size = sizeof spoiled;
    spoiled.bytes = text("\x01\x86\x01");
    sprag_verdict_list *verdicts;
    OK(sprag_deliver(alice->client, &spoiled, 1, &verdicts, NULL));
    sprag_verdicts_free(verdicts);
    sprag_diagnosis *diagnosis;
    OK(sprag_diagnose(alice->client, &diagnosis));
    CHECK(figure(diagnosis, "contacts") == 1 && figure(diagnosis, "devices") == 1 && figure(diagnosis, "no") == UINT64_MAX);
    CHECK(sprag_diagnosis_at(diagnosis, sprag_diagnosis_len(diagnosis)) == NULL);
    sprag_bytes told = sprag_diagnosis_text(diagnosis);
    CHECK(contains(told, "\ncontacts: 1\n") && contains(told, sprag_version()) && !contains(told, alice->name));
    sprag_diagnosis_free(diagnosis);
    sprag_client_free(alice->client);
    forget(alice);
    return 0;
}
