/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-locate PORT COUNT: times GetLocation of an agent that another host has registered in the Redis
 * server at this port of loopback, and, in turns with it, what it cannot do without: one call to agenthostd
 * that does nothing (Ping, which sd-bus answers), and one synchronous GET. Prints medians, "NAME VALUE" in
 * microseconds. */

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <string.h>

#include "measure.h"
#include "parse.h"
#include "proto/names.h"
#include "time-util.h"

#define KEY "agent_location:bench-locate"
#define ADDRESS "bench-host:50051"
#define COUNT_MAX 100000u

static uint64_t pings[COUNT_MAX], gets[COUNT_MAX], locations[COUNT_MAX], sums[COUNT_MAX];

static uint64_t ping(sd_bus *bus)
{
        uint64_t begin = now_usec(CLOCK_MONOTONIC);

        check(sd_bus_call_method(
                      bus, BUS_NAME, HOST_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, NULL),
                "Ping");
        return now_usec(CLOCK_MONOTONIC) - begin;
}

static uint64_t get(redisContext *redis)
{
        uint64_t begin = now_usec(CLOCK_MONOTONIC);
        redisReply *reply = redisCommand(redis, "GET " KEY);

        if (!reply || reply->type != REDIS_REPLY_STRING || strcmp(reply->str, ADDRESS) != 0)
                die("GET does not answer what was set");
        freeReplyObject(reply);
        return now_usec(CLOCK_MONOTONIC) - begin;
}

static uint64_t locate(sd_bus *bus)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint64_t begin = now_usec(CLOCK_MONOTONIC);
        const char *address;

        check(sd_bus_call_method(bus, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, "GetLocation", NULL, &reply,
                      "s", "bench-locate"),
                "GetLocation");
        check(sd_bus_message_read(reply, "s", &address), "GetLocation");
        if (strcmp(address, ADDRESS) != 0)
                die("GetLocation says %s", address);
        return now_usec(CLOCK_MONOTONIC) - begin;
}

int main(int argc, char *argv[])
{
        redisContext *redis;
        unsigned port, count;
        sd_bus *bus;

        if (argc != 3 || parse_uint(argv[1], 1, 65535, &port) < 0 ||
                parse_uint(argv[2], 1, COUNT_MAX, &count) < 0)
                die("usage: bench-locate PORT COUNT");
        check(sd_bus_open_system(&bus), "the bus");
        redis = redisConnect("127.0.0.1", (int)port);
        if (!redis || redis->err)
                die("cannot connect to Redis");
        freeReplyObject(redisCommand(redis, "SET " KEY " " ADDRESS));

        for (unsigned i = 0; i < count; i++) {
                pings[i] = ping(bus);
                gets[i] = get(redis);
                locations[i] = locate(bus);
                sums[i] = pings[i] + gets[i];
        }
        printf("ping_usec %" PRIu64 "\nget_usec %" PRIu64 "\nfloor_usec %" PRIu64 "\nlocate_usec %" PRIu64
               "\n",
                median(pings, count), median(gets, count), median(sums, count), median(locations, count));
        redisFree(redis);
        sd_bus_flush_close_unref(bus);
        return 0;
}
