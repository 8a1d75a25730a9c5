/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "private-bus.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test-dir.h"

struct PrivateBus {
        TestDir dir;
        char *address;
        pid_t pid;
};

static const char config[] =
        "<!DOCTYPE busconfig PUBLIC '-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN'\n"
        " 'http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd'>\n"
        "<busconfig>\n"
        "  <type>custom</type>\n"
        "  <listen>unix:path=%s/bus</listen>\n"
        "  <auth>EXTERNAL</auth>\n"
        "  <policy context='default'>\n"
        "    <allow user='*'/>\n"
        "    <allow own='*'/>\n"
        "    <allow send_destination='*' eavesdrop='true'/>\n"
        "    <allow eavesdrop='true'/>\n"
        "  </policy>\n"
        "</busconfig>\n";

/* The daemon writes its address when it listens. */
static char *read_line(int fd)
{
        GString *line = g_string_new(NULL);
        char c;

        while (read(fd, &c, 1) == 1 && c != '\n')
                g_string_append_c(line, c);
        return g_string_free(line, FALSE);
}

PrivateBus *private_bus_new(void)
{
        PrivateBus *bus = g_new0(PrivateBus, 1);
        g_autofree char *text = NULL, *path = NULL, *option = NULL;
        int out[2];

        bus->dir = test_dir_new();
        g_assert_cmpint(chmod(bus->dir.path, 0755), ==, 0);
        text = g_strdup_printf(config, bus->dir.path);
        path = test_dir_write(&bus->dir, "bus.conf", text, -1);
        option = g_strconcat("--config-file=", path, NULL);

        g_assert_cmpint(pipe(out), ==, 0);
        bus->pid = fork();
        g_assert_cmpint(bus->pid, >=, 0);
        if (bus->pid == 0) {
                /* It complains of limits that it cannot raise, to nobody's use. */
                dup2(out[1], STDOUT_FILENO);
                dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
                execlp("dbus-daemon", "dbus-daemon", option, "--nofork", "--nopidfile", "--print-address=1",
                        NULL);
                _exit(127);
        }

        close(out[1]);
        bus->address = read_line(out[0]);
        close(out[0]);
        g_assert_cmpstr(bus->address, !=, "");
        return bus;
}

void private_bus_free(PrivateBus *bus)
{
        kill(bus->pid, SIGTERM);
        waitpid(bus->pid, NULL, 0);
        test_dir_done(&bus->dir);
        g_free(bus->address);
        g_free(bus);
}

int private_bus_connect(const PrivateBus *bus, sd_bus **ret)
{
        sd_bus *connection = NULL;
        int r;

        r = sd_bus_new(&connection);
        if (r >= 0)
                r = sd_bus_set_address(connection, bus->address);
        if (r >= 0)
                r = sd_bus_set_bus_client(connection, 1);
        if (r >= 0)
                r = sd_bus_start(connection);
        if (r < 0) {
                sd_bus_unref(connection);
                return r;
        }

        *ret = connection;
        return 0;
}
