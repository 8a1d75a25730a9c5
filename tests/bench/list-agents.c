/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times ListAgents of agenthostd and of the bare service, in turns, from the call to its last row read:
 * list-agents ROUNDS ROWS. */

#include <inttypes.h>
#include <string.h>

#include "bench-names.h"
#include "measure.h"
#include "parse.h"
#include "proto/names.h"
#include "time-util.h"

#define CALL_LIMIT_USEC (60 * USEC_PER_SEC)
#define ROUNDS_MAX 10000u

typedef struct Service {
        const char *whose, *name, *path, *interface;
        uint64_t took_usec[ROUNDS_MAX];
} Service;

static unsigned count_rows(sd_bus_message *reply)
{
        const char *id, *guild_id, *name, *state, *path;
        unsigned n = 0;
        uint64_t created;
        uint32_t pid;
        int r, alive;

        check(sd_bus_message_enter_container(reply, 'a', ROW), "ListAgents");
        while ((r = sd_bus_message_read(
                        reply, ROW, &id, &guild_id, &name, &pid, &alive, &created, &state, &path)) > 0)
                n++;
        check(r, "ListAgents");
        return n;
}

static uint64_t list(sd_bus *bus, const Service *s, unsigned rows)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        uint64_t begin = now_usec(CLOCK_MONOTONIC);
        unsigned n;

        check(sd_bus_message_new_method_call(bus, &m, s->name, s->path, s->interface, "ListAgents"),
                s->name);
        check(sd_bus_message_append(m, "s", ""), s->name);
        check(sd_bus_call(bus, m, CALL_LIMIT_USEC, NULL, &reply), s->name);
        n = count_rows(reply);
        if (n != rows)
                die("%s lists %u agents, not %u", s->name, n, rows);
        return now_usec(CLOCK_MONOTONIC) - begin;
}

int main(int argc, char *argv[])
{
        static Service services[] = {
                { .whose = "bare", .name = BENCH_NAME, .path = BENCH_PATH, .interface = BENCH_INTERFACE },
                { .whose = "ours", .name = BUS_NAME, .path = HOST_PATH, .interface = MANAGER_INTERFACE },
        };
        unsigned rounds, rows;
        sd_bus *bus;

        if (argc != 3 || parse_uint(argv[1], 1, ROUNDS_MAX, &rounds) < 0 ||
                parse_uint(argv[2], 1, 1000000, &rows) < 0)
                die("usage: %s ROUNDS ROWS", argv[0]);
        check(sd_bus_open_system(&bus), "Cannot connect to the system bus");

        for (unsigned i = 0; i < rounds; i++)
                for (size_t k = 0; k < ELEMENTSOF(services); k++)
                        services[k].took_usec[i] = list(bus, &services[k], rows);
        for (size_t k = 0; k < ELEMENTSOF(services); k++)
                printf("%s list p50_usec %" PRIu64 "\n", services[k].whose,
                        median(services[k].took_usec, rounds));

        sd_bus_flush_close_unref(bus);
        return EXIT_SUCCESS;
}
