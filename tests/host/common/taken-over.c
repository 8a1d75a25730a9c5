/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "taken-over.h"

#include <signal.h>
#include <string.h>

Fixture *take_over(void)
{
        Fixture *f = fixture_new();

        fixture_runtime(f, "sleep", "Exec=/bin/sleep 1000\nAllowEnvironment=GOOD_*");
        fixture_runtime(f, "open", "Exec=/bin/sleep 1000\nAllowEnvironment=*");
        fixture_reconnect_as(f, USER);
        return f;
}

void expect_empty_list(Fixture *f)
{
        g_autoptr(GPtrArray) agents = fixture_list(f, NULL);

        g_assert_cmpuint(agents->len, ==, 0);
}

void expect_works(Fixture *f)
{
        expect_empty_list(f);
        g_autoptr(Spawned) s = fixture_spawn(f, "still-works", "sleep");
        fixture_stop(f, s->unit, 0);
        (void)fixture_wait_end(f, s->unit);
        fixture_acknowledge(f, s->unit);
        g_hash_table_remove(f->ends, s->unit);
        expect_empty_list(f);
}

void expect_refused(const Spawned *s, const char *error, const char *part)
{
        g_assert_cmpstr(s->error, ==, error);
        if (!strstr(s->text, part))
                g_error("'%s' is not in: %s", part, s->text);
}

pid_t start_victim(void)
{
        g_autofree char *pid = NULL;

        g_free(shell("systemctl stop " VICTIM " 2>/dev/null; systemctl reset-failed " VICTIM
                     " 2>/dev/null; true"));
        g_free(shell("systemd-run --quiet --unit=" VICTIM " sleep 1000"));
        pid = shell("systemctl show --property=MainPID --value " VICTIM);
        return atoi(pid);
}

void expect_victim_alive(pid_t pid)
{
        g_autofree char *now = shell("systemctl show --property=MainPID --value " VICTIM);

        g_assert_cmpint(atoi(now), ==, pid);
        g_assert_cmpint(kill(pid, 0), ==, 0);
}

void stop_victim(void)
{
        g_free(shell("systemctl stop " VICTIM));
}

pid_t main_pid_of(const char *unit)
{
        g_autofree char *pid = shell("systemctl show --property=MainPID --value %s", unit);

        return atoi(pid);
}
