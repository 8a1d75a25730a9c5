/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-select PORT COUNT: gives agenthostd an API server of Kubernetes with 1,000 hosts, of this program's
 * own, and times, in turns,
 *
 * - SelectHost, and what it cannot do without: one call to agenthostd that does nothing (Ping, which sd-bus
 *   answers), and one synchronous INCR in the Redis server at this port of loopback;
 * - the original's way: one request of that API server for the Endpoints, over a connection that is kept,
 * and the INCR. What it then makes of the reply is left out;
 * - how long after a bare client of libcurl has seen a change agenthostd tells that its hosts are others.
 *
 * Prints "NAME VALUE" in microseconds. */

#include <curl/curl.h>
#include <glib.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <string.h>

#include "kube-fixture.h"
#include "kube-hosts.h"
#include "measure.h"
#include "parse.h"
#include "proto/names.h"
#include "time-util.h"

#define SPEC "{\"id\":\"bench\",\"name\":\"Bench\",\"class_name\":\"bench.Agent\"}"
#define ENDPOINTS KUBE_ENDPOINTS "?fieldSelector=metadata.name%3Dagent-host"
#define WATCH KUBE_SLICES "?labelSelector=kubernetes.io%2Fservice-name%3Dagent-host&watch=1"

#define N_CHANGES 200u
#define N_ORIGINAL 200u
#define COUNT_MAX 100000u

static uint64_t pings[COUNT_MAX], incrs[COUNT_MAX], floors[COUNT_MAX], selects[COUNT_MAX];
static uint64_t originals[N_ORIGINAL], delays[N_CHANGES];

/* -- What agenthostd finds -- */

static void put_endpoints(FakeKube *kube)
{
        g_autoptr(GString) text = g_string_new(
                "{\"metadata\":{\"name\":\"agent-host\",\"namespace\":\"demo\"},\"subsets\":[{\"addresses\":[");

        for (unsigned i = 0; i < KUBE_HOSTS_SLICES * KUBE_HOSTS_IN_SLICE; i++)
                g_string_append_printf(text,
                        "%s{\"ip\":\"10.0.%u.%u\",\"nodeName\":\"node-a\",\"targetRef\":{\"kind\":\"Pod\","
                        "\"namespace\":\"demo\",\"name\":\"agent-host-%u\"}}",
                        i > 0 ? "," : "", i / KUBE_HOSTS_IN_SLICE, i % KUBE_HOSTS_IN_SLICE + 1, i);
        g_string_append(text, "]}]}");
        fake_kube_put(kube, KUBE_ENDPOINTS, text->str);
}

/* -- SelectHost -- */

static uint64_t ping(sd_bus *bus)
{
        uint64_t begin = now_usec(CLOCK_MONOTONIC);

        check(sd_bus_call_method(
                      bus, BUS_NAME, HOST_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, NULL),
                "Ping");
        return now_usec(CLOCK_MONOTONIC) - begin;
}

static uint64_t incr(redisContext *redis)
{
        uint64_t begin = now_usec(CLOCK_MONOTONIC);
        redisReply *reply = redisCommand(redis, "INCR bench:counter");

        if (!reply || reply->type != REDIS_REPLY_INTEGER)
                die("INCR does not answer a number");
        freeReplyObject(reply);
        return now_usec(CLOCK_MONOTONIC) - begin;
}

static uint64_t select_host(sd_bus *bus)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint64_t begin = now_usec(CLOCK_MONOTONIC);
        const char *address;

        check(sd_bus_call_method(
                      bus, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "SelectHost", NULL, &reply, "s", SPEC),
                "SelectHost");
        check(sd_bus_message_read(reply, "s", &address), "SelectHost");
        return now_usec(CLOCK_MONOTONIC) - begin;
}

/* -- Bare clients of the API server -- */

static CURL *new_client(FakeKube *kube, const char *target, curl_write_callback write, void *userdata)
{
        static struct curl_slist *headers;
        g_autofree char *url = g_strconcat(fake_kube_url(kube), target, NULL);
        CURL *curl = curl_easy_init();

        if (!headers)
                headers = curl_slist_append(NULL, "Authorization: Bearer " FAKE_KUBE_TOKEN);
        if (!curl || curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK ||
                curl_easy_setopt(curl, CURLOPT_CAINFO, KUBE_HOSTS_CA) != CURLE_OK ||
                curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) != CURLE_OK ||
                curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write) != CURLE_OK ||
                curl_easy_setopt(curl, CURLOPT_WRITEDATA, userdata) != CURLE_OK)
                die("cannot set up libcurl");
        return curl;
}

static size_t count_bytes(char *data, size_t size, size_t n, void *userdata)
{
        (void)data;

        *(size_t *)userdata += size * n;
        return size * n;
}

static uint64_t original(CURL *curl, redisContext *redis, const size_t *n_bytes)
{
        uint64_t begin = now_usec(CLOCK_MONOTONIC);
        size_t before = *n_bytes;

        if (curl_easy_perform(curl) != CURLE_OK ||
                *n_bytes - before < KUBE_HOSTS_SLICES * KUBE_HOSTS_IN_SLICE * 50)
                die("the API server does not answer the Endpoints");
        return now_usec(CLOCK_MONOTONIC) - begin + incr(redis);
}

typedef struct Watcher {
        CURL *curl;
        gint n_lines; /* atomic */
        uint64_t seen_usec; /* when the last of them ended; read behind n_lines */
} Watcher;

static size_t see(char *data, size_t size, size_t n, void *userdata)
{
        Watcher *w = userdata;
        const char *end = data + size * n;

        for (const char *p = data; (p = memchr(p, '\n', (size_t)(end - p))); p++) {
                w->seen_usec = now_usec(CLOCK_MONOTONIC);
                g_atomic_int_inc(&w->n_lines);
        }
        return size * n;
}

static void *watch(void *userdata)
{
        Watcher *w = userdata;

        (void)curl_easy_perform(w->curl);
        return NULL;
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        (void)m;
        (void)error;

        *(uint64_t *)userdata = now_usec(CLOCK_MONOTONIC);
        return 0;
}

static uint64_t await_change(sd_bus *bus, Watcher *w, gint n_lines, const uint64_t *told_usec)
{
        while (*told_usec == 0) {
                int r = sd_bus_process(bus, NULL);

                check(r, "the bus");
                if (r == 0)
                        check(sd_bus_wait(bus, 10 * USEC_PER_SEC), "the bus");
        }
        while (g_atomic_int_get(&w->n_lines) <= n_lines)
                g_usleep(100);
        /* Told before the other one has seen it: it is in time. */
        return *told_usec > w->seen_usec ? *told_usec - w->seen_usec : 0;
}

/* The hosts become one more, and one less again. */
static void measure_changes(sd_bus *bus, FakeKube *kube)
{
        Watcher w = { 0 };
        uint64_t told_usec = 0;
        gint n_lines;

        w.curl = new_client(kube, WATCH, see, &w);
        g_thread_unref(g_thread_new("watch", watch, &w));
        while (g_atomic_int_get(&w.n_lines) < (gint)KUBE_HOSTS_SLICES)
                g_usleep(1000);
        check(sd_bus_match_signal(bus, NULL, BUS_NAME, HOST_PATH, "org.freedesktop.DBus.Properties",
                      "PropertiesChanged", on_changed, &told_usec),
                "the match");

        for (unsigned i = 0; i < N_CHANGES; i++) {
                told_usec = 0;
                n_lines = g_atomic_int_get(&w.n_lines);
                kube_hosts_put_slice(kube, 0, (i + 1) % 2);
                delays[i] = await_change(bus, &w, n_lines, &told_usec);
        }
}

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

int main(int argc, char *argv[])
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        g_autoptr(FakeKube) kube = NULL;
        g_autofree char *settings = NULL;
        redisContext *redis;
        unsigned port, count;
        size_t n_bytes = 0;
        CURL *curl;

        if (argc != 3 || parse_uint(argv[1], 1, 65535, &port) < 0 ||
                parse_uint(argv[2], 1, COUNT_MAX, &count) < 0)
                die("usage: bench-select PORT COUNT");
        redis = redisConnect("127.0.0.1", (int)port);
        if (!redis || redis->err)
                die("cannot connect to Redis");

        kube = fake_kube_new();
        kube_hosts_put(kube);
        put_endpoints(kube);
        settings = g_strdup_printf("[Registry]\nRedisUrl=redis://127.0.0.1:%u\n", port);
        kube_hosts_configure(kube, settings);
        check(sd_bus_open_system(&bus), "the bus");
        kube_hosts_await(bus, "RegistryState", 's', "ok");
        kube_hosts_await(bus, "HostCount", 'u', KUBE_HOSTS_TEXT);

        for (unsigned i = 0; i < count; i++) {
                pings[i] = ping(bus);
                incrs[i] = incr(redis);
                selects[i] = select_host(bus);
                floors[i] = pings[i] + incrs[i];
        }
        curl = new_client(kube, ENDPOINTS, count_bytes, &n_bytes);
        for (unsigned i = 0; i < N_ORIGINAL; i++)
                originals[i] = original(curl, redis, &n_bytes);
        measure_changes(bus, kube);
        qsort(delays, N_CHANGES, sizeof(delays[0]), compare);

        printf("ping_usec %" PRIu64 "\nincr_usec %" PRIu64 "\nfloor_usec %" PRIu64 "\nselect_usec %" PRIu64
               "\noriginal_usec %" PRIu64 "\nchange_p50_usec %" PRIu64 "\nchange_p99_usec %" PRIu64 "\n",
                median(pings, count), median(incrs, count), median(floors, count), median(selects, count),
                median(originals, N_ORIGINAL), delays[N_CHANGES / 2], delays[N_CHANGES * 99 / 100]);
        fflush(stdout);
        kube_hosts_unconfigure();
        /* The watcher's thread waits for ever. */
        _exit(EXIT_SUCCESS);
}
