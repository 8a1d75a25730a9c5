/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The floor of a restart: what whoever comes back has to read at least, which is what systemd says of the
 * agents' scopes, and a file for each: bare-restart DIRECTORY AGENTS. As a service it is ready then. */

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "file-util.h"
#include "measure.h"
#include "parse.h"
#include "time-util.h"

#define MANAGER_ADDRESS "unix:path=/run/systemd/private"
#define FILE_BYTES_MAX (1u << 20)
#define UNIT "(ssssssouso)"

static void connect_manager(sd_bus **ret)
{
        check(sd_bus_new(ret), "sd_bus_new");
        check(sd_bus_set_address(*ret, MANAGER_ADDRESS), MANAGER_ADDRESS);
        check(sd_bus_start(*ret), MANAGER_ADDRESS);
}

static unsigned list_scopes(sd_bus *bus)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *s[9];
        unsigned n = 0;
        uint32_t job;
        int r;

        check(sd_bus_call_method(bus, NULL, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                      "ListUnitsByPatterns", NULL, &reply, "asas", 0, 1, "agent-*.scope"),
                "ListUnitsByPatterns");
        check(sd_bus_message_enter_container(reply, 'a', UNIT), "ListUnitsByPatterns");
        while ((r = sd_bus_message_read(reply, UNIT, &s[0], &s[1], &s[2], &s[3], &s[4], &s[5], &s[6], &job,
                        &s[7], &s[8])) > 0)
                n++;
        check(r, "ListUnitsByPatterns");
        return n;
}

static unsigned read_files(const char *path)
{
        _cleanup_closedir_ DIR *dir = opendir(path);
        unsigned n = 0;

        if (!dir)
                die("%s: %m", path);
        for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
                _cleanup_free_ char *text = NULL;

                if (d->d_name[0] == '.')
                        continue;
                check(read_file_at(dirfd(dir), d->d_name, FILE_BYTES_MAX, &text, NULL), d->d_name);
                n++;
        }
        return n;
}

int main(int argc, char *argv[])
{
        uint64_t begin, end;
        unsigned expected, scopes, files;
        sd_bus *bus;

        if (argc != 3 || parse_uint(argv[2], 1, 1000000, &expected) < 0)
                die("usage: %s DIRECTORY AGENTS", argv[0]);
        begin = now_usec(CLOCK_MONOTONIC);
        connect_manager(&bus);
        scopes = list_scopes(bus);
        files = read_files(argv[1]);
        end = now_usec(CLOCK_MONOTONIC);
        if (scopes != expected || files < expected)
                die("There are %u scopes and %u files, not %u", scopes, files, expected);

        printf("took_usec %" PRIu64 "\n", end - begin);
        sd_bus_close_unref(bus);
        if (sd_notify(false, "READY=1") > 0)
                pause();
        return EXIT_SUCCESS;
}
