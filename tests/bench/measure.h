/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the launch benchmarks have in common: the load that the command line asks for, the latency of each
 * launch and of each stop, the CPU time that other processes spend meanwhile, and the lines ("NAME VALUE")
 * that tests/bench/run reads. They are programs for one purpose: whatever goes wrong ends them. */

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "macros.h"

/* [OPTION]... OUTPUT COUNT GUILDS IN_FLIGHT; one in flight means that it is done one after the other. */
typedef struct Load {
        const char *name; /* --name: what agents and guilds are called, with a number behind it */
        bool keep; /* --keep: they are not ended */
        bool anywhere; /* --anywhere: on whichever host's turn it is; not for the bare program */
        uint64_t begin_usec; /* --begin: not before this time of day; 0: at once */
        unsigned
                stops_in_flight; /* --stops: how many are ended at the same time; as many as launched else */
        const char *output; /* "null" or "journal" */
        unsigned count;
        unsigned guilds;
        unsigned in_flight;
} Load;

/* One measurement: times are in microseconds. */
typedef struct Measure {
        const Load *load;
        uint64_t begin_usec;
        uint64_t *begun_usec; /* of each launch, or stop; load->count of them */
        uint64_t *took_usec;
        unsigned n_begun, n_done;
        unsigned in_flight; /* at most */
        struct Watched {
                const char *name;
                pid_t pid;
                uint64_t cpu_usec; /* when it began */
        } watched[8];
        unsigned n_watched;
        uint64_t host_cpu_usec, machine_cpu_usec;
} Measure;

_Noreturn void die(const char *format, ...) _printf_(1, 2);

/* Dies of a negative result. */
void check(int r, const char *what);

void load_parse(Load *load, int argc, char *argv[]);

/* Waits till PID 1 has nothing to do any more, be it of what was before. */
void await_idle(void);

/* Waits for the time of day at which launches are to begin; dies when it has gone by. */
void load_await_begin(const Load *load);

/* The process that carries the bus's messages. */
pid_t bus_process(sd_bus *bus);

/* The CPU time of this process is reported too; before measure_start(). */
void measure_watch(Measure *m, const char *name, pid_t pid);

void measure_init(Measure *m, const Load *load);
void measure_done(Measure *m);

/* From here on the next load->count steps count, so many at a time. */
void measure_start(Measure *m, unsigned in_flight);

/* The number of a launch, or stop, that is to be begun now. */
bool measure_may_begin(const Measure *m);
unsigned measure_begin(Measure *m);
void measure_end(Measure *m, unsigned number);
bool measure_is_over(const Measure *m);

/* Prints it all, per step where that makes sense; each name begins with this. */
void measure_print(const Measure *m, const char *prefix);

/* The median; sorts them. */
uint64_t median(uint64_t *values, size_t n);
