/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The floor of ListAgents: a service that has the rows in an array, takes no arguments and asks nobody. It
 * takes them from agenthostd when it starts, and says READY=1 then. */

#include <string.h>
#include <systemd/sd-daemon.h>

#include "bench-names.h"
#include "measure.h"
#include "proto/names.h"

typedef struct Row {
        const char *id, *guild_id, *name, *state, *path;
        uint32_t pid;
        int alive;
        uint64_t created_at_usec;
} Row;

typedef struct Rows {
        Row *rows;
        size_t n;
        sd_bus_message *reply; /* the texts are in there */
} Rows;

static bool read_row(sd_bus_message *m, Row *ret)
{
        int r = sd_bus_message_read(m, ROW, &ret->id, &ret->guild_id, &ret->name, &ret->pid, &ret->alive,
                &ret->created_at_usec, &ret->state, &ret->path);

        check(r, "ListAgents");
        return r > 0;
}

static void read_rows(sd_bus *bus, Rows *ret)
{
        Row row;

        *ret = (Rows){ 0 };
        check(sd_bus_call_method(
                      bus, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "ListAgents", NULL, &ret->reply, "s", ""),
                "ListAgents");
        check(sd_bus_message_enter_container(ret->reply, 'a', ROW), "ListAgents");
        while (read_row(ret->reply, &row)) {
                ret->rows = reallocarray(ret->rows, ret->n + 1, sizeof(Row));
                if (!ret->rows)
                        die("Out of memory");
                ret->rows[ret->n++] = row;
        }
}

static int append_rows(sd_bus_message *m, const Rows *rows)
{
        int r = sd_bus_message_open_container(m, 'a', ROW);

        for (size_t i = 0; r >= 0 && i < rows->n; i++) {
                const Row *row = &rows->rows[i];

                r = sd_bus_message_append(m, ROW, row->id, row->guild_id, row->name, row->pid, row->alive,
                        row->created_at_usec, row->state, row->path);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int method_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        (void)error;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_rows(reply, userdata);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ListAgents", "s", "a" ROW, method_list, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int main(void)
{
        sd_bus *bus;
        Rows rows;

        check(sd_bus_open_system(&bus), "Cannot connect to the system bus");
        read_rows(bus, &rows);
        check(sd_bus_add_object_vtable(bus, NULL, BENCH_PATH, BENCH_INTERFACE, vtable, &rows), BENCH_PATH);
        check(sd_bus_request_name(bus, BENCH_NAME, 0), BENCH_NAME);
        check(sd_notify(false, "READY=1"), "READY=1");

        for (;;) {
                int r = sd_bus_process(bus, NULL);

                check(r, "sd_bus_process");
                if (r == 0)
                        check(sd_bus_wait(bus, UINT64_MAX), "sd_bus_wait");
        }
}
