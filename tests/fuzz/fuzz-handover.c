/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a launcher hands over to its next self, which may be of another build. What is read of it is of the
 * text, has what makes an agent, and is read again the same when it is handed on. */

#include <string.h>

#include "fuzz.h"
#include "handover.h"

static void expect_text(const Handover *h, size_t size, const char *text, bool needed)
{
        fuzz_expect(!needed || text, "an agent has what makes one");
        fuzz_expect(!text || (text > h->text && text < h->text + size), "a text is of the handover");
}

static void expect_agent(const Handover *h, size_t size, const HandoverAgent *a)
{
        expect_text(h, size, a->unit, true);
        expect_text(h, size, a->agent_id, true);
        expect_text(h, size, a->guild_id, true);
        expect_text(h, size, a->runtime, true);
        expect_text(h, size, a->scope_result, false);
        expect_text(h, size, a->oom_level, false);
        fuzz_expect(a->pid > 0 && a->pidfd > 0, "it has a process");
        fuzz_expect(a->code >= 0 && a->status >= 0, "no number is negative");
}

static void expect_whole(const Handover *h, size_t size)
{
        expect_text(h, size, h->version, false);
        for (size_t i = 0; i < h->n_agents; i++)
                expect_agent(h, size, &h->agents[i]);
        for (size_t i = 0; i < h->n_strays; i++)
                expect_text(h, size, h->strays[i], true);
}

/* The text is taken over. */
static void expect_handed_on(const Handover *h, char *text, size_t size)
{
        _cleanup_(handover_done) Handover again = { 0 };
        _cleanup_free_ char *first = malloc(size), *second = NULL;
        size_t second_size;

        fuzz_must(first ? 0 : -ENOMEM, "memory");
        memcpy(first, text, size);
        fuzz_must(handover_parse(text, size, &again), "what is handed on can be read");
        expect_whole(&again, size);
        fuzz_expect(again.n_agents == h->n_agents && again.n_strays == h->n_strays, "nothing is lost");
        fuzz_must(handover_write(&again, &second, &second_size), "writing again");
        fuzz_expect(size == second_size && memcmp(first, second, size) == 0, "it is handed on the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(handover_done) Handover h = { 0 };
        char *text = malloc(size > 0 ? size : 1);
        size_t written_size;
        char *written;
        int r;

        fuzz_must(text ? 0 : -ENOMEM, "memory");
        if (size > 0)
                memcpy(text, data, size);
        r = handover_parse(text, size, &h);
        if (r < 0) {
                fuzz_expect(r == -EBADMSG || r == -EPROTONOSUPPORT, "it is told what is wrong");
                fuzz_expect(!h.text && !h.agents && !h.strays, "nothing is given with a failure");
                return 0;
        }
        expect_whole(&h, size);
        fuzz_must(handover_write(&h, &written, &written_size), "writing");
        expect_handed_on(&h, written, written_size);
        return 0;
}
