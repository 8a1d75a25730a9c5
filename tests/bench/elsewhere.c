/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-elsewhere HOSTNAME COUNT: times RunAgent of an agent on that host, and, in turns with it, what it
 * cannot do without: CreateAgent of one here, and one HTTPS request to that host, over a connection that is
 * kept, with the certificates of this one. The agents are stopped in between, which is not timed. Prints
 * medians, "NAME VALUE" in microseconds. */

#include <curl/curl.h>
#include <inttypes.h>
#include <string.h>

#include "measure.h"
#include "parse.h"
#include "proto/names.h"
#include "time-util.h"

#define COUNT_MAX 10000u
#define CALL_LIMIT_USEC (60 * USEC_PER_SEC)
#define TLS_DIR "/etc/agenthost/tls/"

/* The first ones make the connections, and find what is looked up once. */
#define N_WARM_UP 5u

static uint64_t here[COUNT_MAX], requests[COUNT_MAX], floors[COUNT_MAX], elsewhere[COUNT_MAX];

static size_t ignore(char *data, size_t size, size_t n, void *userdata)
{
        (void)data;
        (void)userdata;

        return size * n;
}

static CURL *open_connection(const char *hostname)
{
        CURL *curl = curl_easy_init();
        char url[300];

        if (!curl)
                die("Out of memory");
        (void)snprintf(url, sizeof(url), "https://%s:50051/v1/health", hostname);
        (void)curl_easy_setopt(curl, CURLOPT_URL, url);
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, TLS_DIR "ca.pem");
        (void)curl_easy_setopt(curl, CURLOPT_SSLCERT, TLS_DIR "host.pem");
        (void)curl_easy_setopt(curl, CURLOPT_SSLKEY, TLS_DIR "host.key");
        (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
        (void)curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
        return curl;
}

static uint64_t request(CURL *curl)
{
        uint64_t begin = now_usec(CLOCK_MONOTONIC);
        CURLcode r = curl_easy_perform(curl);

        if (r != CURLE_OK)
                die("the request failed: %s", curl_easy_strerror(r));
        return now_usec(CLOCK_MONOTONIC) - begin;
}

/* hostname: where; NULL: here. */
static uint64_t launch(sd_bus *bus, const char *id, const char *hostname)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *member = hostname ? "RunAgent" : "CreateAgent";
        uint64_t begin;
        char spec[100];

        check(sd_bus_message_new_method_call(bus, &m, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, member),
                member);
        (void)snprintf(spec, sizeof(spec), "{\"id\":\"%s\",\"name\":\"bench\"}", id);
        check(sd_bus_message_append(m, "sss", spec, "{\"id\":\"bench\"}", ""), member);
        check(hostname ? sd_bus_message_append(
                                 m, "a{sv}", 2, "runtime", "s", "bench-null", "host", "s", hostname)
                       : sd_bus_message_append(m, "a{sv}", 1, "runtime", "s", "bench-null"),
                member);
        begin = now_usec(CLOCK_MONOTONIC);
        if (sd_bus_call(bus, m, CALL_LIMIT_USEC, &error, NULL) < 0)
                die("%s: %s", member, error.message);
        return now_usec(CLOCK_MONOTONIC) - begin;
}

static void stop(sd_bus *bus, const char *id)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        if (sd_bus_call_method(bus, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "StopAgentAnywhere", &error,
                    NULL, "su", id, 0) < 0)
                die("StopAgentAnywhere: %s", error.message);
}

static void measure_once(sd_bus *bus, CURL *curl, const char *hostname, unsigned i)
{
        here[i] = launch(bus, "bench", NULL);
        stop(bus, "bench");
        requests[i] = request(curl);
        floors[i] = here[i] + requests[i];

        elsewhere[i] = launch(bus, "bench", hostname);
        stop(bus, "bench");
}

int main(int argc, char *argv[])
{
        unsigned count;
        sd_bus *bus;
        CURL *curl;

        if (argc != 3 || parse_uint(argv[2], 1, COUNT_MAX, &count) < 0)
                die("usage: bench-elsewhere HOSTNAME COUNT");
        check(sd_bus_open_system(&bus), "the bus");
        curl = open_connection(argv[1]);

        for (unsigned i = 0; i < N_WARM_UP; i++)
                measure_once(bus, curl, argv[1], 0);
        for (unsigned i = 0; i < count; i++)
                measure_once(bus, curl, argv[1], i);
        printf("here_usec %" PRIu64 "\nrequest_usec %" PRIu64 "\nfloor_usec %" PRIu64
               "\nelsewhere_usec %" PRIu64 "\n",
                median(here, count), median(requests, count), median(floors, count),
                median(elsewhere, count));
        curl_easy_cleanup(curl);
        sd_bus_flush_close_unref(bus);
        return EXIT_SUCCESS;
}
