/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-registry WHO PORT COUNT: so many agents are registered in the Redis server at this port of loopback,
 * and then renewed once. WHO is
 *
 *     ours    the registry of agenthostd
 *     bare    a client that does no more than to send commands, many at a time, and to count the answers:
 *             the location and the set, then GETEX
 *     sync    the original's way, one command after the other: GET, SETEX and SADD, then EXPIRE
 *     ticks   the registry of agenthostd, as above and then over and over: how long it holds up its loop
 *
 * Prints "NAME VALUE": times in microseconds, of the clock and of this process's CPU. */

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include <glib.h>

#include "redis.h"
#include "time-util.h"

#define ADDRESS "host-1:50051"
#define SET "host_agents:host-1"
#define TTL_SEC "60"

/* How many commands the bare client sends before it reads their answers. */
#define PIPELINE 500u

/* How many heartbeat rounds are looked at. */
#define ROUNDS 20u

typedef struct Bench {
        unsigned port, count;
        char **ids;
        redisContext *server; /* of all but ours */
        sd_event *event;
        Registry *registry;
        bool may_be_away; /* its connection is being broken */

        /* Turns of the loop, without what they wait, since they were counted last. */
        unsigned n_ticks;
        uint64_t tick_usec, tick_max_usec, tick_cpu_max_usec; /* in sum, the longest, and the busiest */
} Bench;

_Noreturn static void die(const char *what)
{
        fprintf(stderr, "bench-registry: %s\n", what);
        exit(EXIT_FAILURE);
}

static uint64_t cpu_usec(void)
{
        struct rusage u;

        if (getrusage(RUSAGE_SELF, &u) < 0)
                die("getrusage");
        return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * USEC_PER_SEC +
                (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void measure(Bench *b, const char *name, void (*work)(Bench *b))
{
        uint64_t begun = now_usec(CLOCK_MONOTONIC), cpu = cpu_usec();

        work(b);
        printf("%s_usec %" G_GUINT64_FORMAT "\n", name, (guint64)(now_usec(CLOCK_MONOTONIC) - begun));
        printf("%s_cpu_usec %" G_GUINT64_FORMAT "\n", name, (guint64)(cpu_usec() - cpu));
}

/* -- One after the other -- */

static void command(Bench *b, const char *format, ...)
{
        redisReply *reply;
        va_list ap;

        va_start(ap, format);
        reply = redisvCommand(b->server, format, ap);
        va_end(ap);
        if (!reply || reply->type == REDIS_REPLY_ERROR)
                die(reply ? reply->str : b->server->errstr);
        freeReplyObject(reply);
}

static void sync_register(Bench *b)
{
        for (unsigned i = 0; i < b->count; i++) {
                command(b, "GET agent_location:%s", b->ids[i]);
                command(b, "SETEX agent_location:%s " TTL_SEC " " ADDRESS, b->ids[i]);
                command(b, "SADD " SET " %s", b->ids[i]);
        }
}

static void sync_beat(Bench *b)
{
        for (unsigned i = 0; i < b->count; i++)
                command(b, "EXPIRE agent_location:%s " TTL_SEC, b->ids[i]);
}

/* -- Many at a time -- */

static void take_answers(Bench *b, unsigned n)
{
        void *reply;

        for (; n > 0; n--) {
                if (redisGetReply(b->server, &reply) != REDIS_OK)
                        die(b->server->errstr);
                freeReplyObject(reply);
        }
}

static void bare_send(Bench *b, const char *const *formats)
{
        unsigned n = 0;

        for (unsigned i = 0; i < b->count; i++) {
                for (const char *const *format = formats; *format; format++, n++)
                        redisAppendCommand(b->server, *format, b->ids[i]);
                if (n >= PIPELINE) {
                        take_answers(b, n);
                        n = 0;
                }
        }
        take_answers(b, n);
}

static void bare_register(Bench *b)
{
        bare_send(b,
                (const char *const[]){
                        "SET agent_location:%s " ADDRESS " EX " TTL_SEC, "SADD " SET " %s", NULL });
}

static void bare_beat(Bench *b)
{
        bare_send(b, (const char *const[]){ "GETEX agent_location:%s EX " TTL_SEC, NULL });
}

/* -- Ours -- */

static void on_location(
        const char *id, LocationState state, const RegistryConflict *conflict, void *userdata)
{
        (void)id;
        (void)conflict;
        (void)userdata;

        if (state != LOCATION_REGISTERED)
                die("an agent is not registered");
}

static void on_state(RegistryState state, const Fault *why, void *userdata)
{
        const Bench *b = userdata;

        if (state != REGISTRY_OK && !b->may_be_away)
                die(fault_text(why));
}

static void on_flushed(const RegistryAnswer *answer, const Fault *fault, void *userdata)
{
        (void)answer;

        if (fault)
                die(fault_text(fault));
        *(bool *)userdata = true;
}

typedef struct Tick {
        uint64_t usec, cpu_usec;
} Tick;

static Tick tick_begin(void)
{
        return (Tick){ now_usec(CLOCK_MONOTONIC), now_usec(CLOCK_THREAD_CPUTIME_ID) };
}

static void tick_end(Bench *b, const Tick *tick)
{
        uint64_t usec = now_usec(CLOCK_MONOTONIC) - tick->usec,
                 cpu_usec = now_usec(CLOCK_THREAD_CPUTIME_ID) - tick->cpu_usec;

        b->n_ticks++;
        b->tick_usec += usec;
        b->tick_max_usec = MAX(b->tick_max_usec, usec);
        b->tick_cpu_max_usec = MAX(b->tick_cpu_max_usec, cpu_usec);
}

/* A turn of the loop: what sd_event_run() does, with a look at the clock behind what it waits. */
static void run_once(Bench *b)
{
        int r = sd_event_prepare(b->event);
        Tick tick;

        if (r == 0)
                r = sd_event_wait(b->event, UINT64_MAX);
        if (r < 0)
                die("the loop does not go on");
        if (r == 0)
                return;
        tick = tick_begin();
        if (sd_event_dispatch(b->event) < 0)
                die("sd_event_dispatch");
        tick_end(b, &tick);
}

static void flush(Bench *b)
{
        bool flushed = false;

        registry_flush(b->registry, on_flushed, &flushed, NULL);
        while (!flushed)
                run_once(b);
}

static void ours_start(Bench *b)
{
        static const RegistryHandlers handlers = { .location_changed = on_location,
                .state_changed = on_state };
        g_autofree char *url = g_strdup_printf("redis://127.0.0.1:%u", b->port);
        const RegistrySettings settings = {
                .url = url,
                .heartbeat_usec = 3600 * USEC_PER_SEC,
                .ttl_usec = 60 * USEC_PER_SEC,
        };
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (sd_event_new(&b->event) < 0)
                die("sd_event_new");
        if (registry_new(b->event, &settings, ADDRESS, NULL, &handlers, b, &b->registry, &fault) < 0)
                die(fault_text(&fault));
        while (registry_state(b->registry) != REGISTRY_OK)
                run_once(b);
}

static void ours_register(Bench *b)
{
        for (unsigned i = 0; i < b->count; i++)
                (void)registry_put(b->registry, b->ids[i]);
        flush(b);
}

static void ours_beat(Bench *b)
{
        registry_redis_beat(b->registry);
        flush(b);
}

/* -- How long it holds up the loop -- */

static void print_ticks(Bench *b, const char *name)
{
        printf("%s_ticks %u\n", name, b->n_ticks);
        printf("%s_tick_mean_usec %" G_GUINT64_FORMAT "\n", name, (guint64)(b->tick_usec / b->n_ticks));
        printf("%s_tick_max_usec %" G_GUINT64_FORMAT "\n", name, (guint64)b->tick_max_usec);
        printf("%s_tick_cpu_max_usec %" G_GUINT64_FORMAT "\n", name, (guint64)b->tick_cpu_max_usec);
        b->n_ticks = 0;
        b->tick_usec = b->tick_max_usec = b->tick_cpu_max_usec = 0;
}

/* agenthostd begins a round from the loop. */
static void beat_in_a_tick(Bench *b)
{
        Tick tick = tick_begin();

        registry_redis_beat(b->registry);
        tick_end(b, &tick);
        flush(b);
}

static void break_connection(Bench *b)
{
        b->may_be_away = true;
        command(b, "CLIENT KILL TYPE normal SKIPME yes");
        while (registry_state(b->registry) == REGISTRY_OK)
                run_once(b);
        while (registry_state(b->registry) != REGISTRY_OK)
                run_once(b);
        b->may_be_away = false;
        flush(b);
}

static void look_at_ticks(Bench *b)
{
        print_ticks(b, "register");
        for (unsigned i = 0; i < ROUNDS; i++)
                beat_in_a_tick(b);
        print_ticks(b, "beat");

        command(b, "FLUSHALL");
        beat_in_a_tick(b);
        print_ticks(b, "rewrite");

        break_connection(b);
        print_ticks(b, "reconnect");
}

static void connect_server(Bench *b)
{
        b->server = redisConnect("127.0.0.1", (int)b->port);
        if (!b->server || b->server->err)
                die("cannot connect to Redis");
}

int main(int argc, char **argv)
{
        Bench b = { 0 };

        if (argc != 4)
                die("usage: bench-registry ours|bare|sync|ticks PORT COUNT");
        b.port = (unsigned)strtoul(argv[2], NULL, 10);
        b.count = (unsigned)strtoul(argv[3], NULL, 10);
        b.ids = g_new0(char *, b.count + 1);
        for (unsigned i = 0; i < b.count; i++)
                b.ids[i] = g_strdup_printf("bench-agent-%06u", i);

        if (strcmp(argv[1], "ours") == 0) {
                ours_start(&b);
                measure(&b, "register", ours_register);
                measure(&b, "beat", ours_beat);
                registry_free(b.registry);
                sd_event_unref(b.event);
        } else if (strcmp(argv[1], "ticks") == 0) {
                connect_server(&b);
                ours_start(&b);
                ours_register(&b);
                look_at_ticks(&b);
                registry_free(b.registry);
                sd_event_unref(b.event);
                redisFree(b.server);
        } else {
                bool sync = strcmp(argv[1], "sync") == 0;

                connect_server(&b);
                measure(&b, "register", sync ? sync_register : bare_register);
                measure(&b, "beat", sync ? sync_beat : bare_beat);
                redisFree(b.server);
        }
        g_strfreev(b.ids);
        return EXIT_SUCCESS;
}
