/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agenthostd: sets up the loop and hands over to the Host. Started by agenthostd.service, which is a system
 * service, or a user's (--user). */

#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "check-config.h"
#include "core-dump.h"
#include "host.h"
#include "leave.h"
#include "log-journal.h"
#include "log.h"

static int on_terminate(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        (void)s;
        (void)si;

        host_leave(userdata);
        return 0;
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        (void)s;
        (void)si;

        host_reload(userdata);
        return 0;
}

static int add_signals(sd_event *event, Host *host)
{
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;

        r = sd_event_add_signal(event, NULL, SIGTERM, on_terminate, host);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT, on_terminate, host);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGHUP, on_reload, host);
        return r;
}

/* agenthostd.socket holds it, so that messages wait for us while we are away. */
static int take_notify_socket(const Paths *paths)
{
        int n = sd_listen_fds(true);

        if (n < 0)
                return n;
        if (n != 1 || sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_DGRAM, -1) <= 0) {
                log_error(
                        "Expected one datagram socket from agenthostd.socket, got %d; start agenthostd with "
                        "'%s start agenthostd.service'",
                        n, paths->systemctl);
                return -EINVAL;
        }
        return SD_LISTEN_FDS_START;
}

static int run(const Paths *paths)
{
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(host_freep) Host *host = NULL;
        Config *config;
        int r, notify_fd;

        notify_fd = take_notify_socket(paths);
        if (notify_fd < 0)
                return notify_fd;
        r = config_load((const char *const *)paths->config_dirs, &config);
        if (r < 0)
                return r;
        log_set_level(config->log_level);

        r = sd_event_new(&event);
        if (r < 0) {
                config_free(config);
                return r;
        }
        /* Does nothing unless agenthostd.service sets WatchdogSec=. */
        r = sd_event_set_watchdog(event, true);
        if (r < 0)
                log_warning("The watchdog of systemd cannot be served: %s", strerror(-r));
        r = host_new(event, paths, config, &host);
        if (r >= 0)
                r = add_signals(event, host);
        if (r >= 0)
                r = host_start(host, notify_fd);
        if (r < 0)
                return r;
        return sd_event_loop(event);
}

typedef struct Options {
        bool user;
        bool check_config;
} Options;

static int run_with(const Options *options)
{
        _cleanup_(paths_freep) Paths *paths = NULL;
        int r;

        r = paths_new(options->user, &paths);
        if (r == -ENXIO)
                log_error("XDG_RUNTIME_DIR is not set; with --user, start agenthostd with "
                          "'systemctl --user start agenthostd.service'");
        if (r < 0)
                return r;
        return options->check_config ? check_config(paths) : run(paths);
}

static int usage(void)
{
        printf("%s [OPTIONS]\n\n"
               "The host service of agenthost; started by agenthostd.service.\n\n"
               "     --user          The service of a user: on the session bus, with the user's service manager\n"
               "     --check-config  Only say what is wrong with the settings\n"
               "  -h --help          Show this text\n"
               "     --version       Show the version\n",
                program_invocation_short_name);
        return 0;
}

int main(int argc, char **argv)
{
        static const struct option known[] = {
                { "user", no_argument, NULL, 'u' },
                { "check-config", no_argument, NULL, 'c' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { 0 },
        };
        Options options = { 0 };
        int c, r;

        while ((c = getopt_long(argc, argv, "h", known, NULL)) >= 0)
                switch (c) {
                case 'u':
                        options.user = true;
                        break;
                case 'c':
                        options.check_config = true;
                        break;
                case 'h':
                        return usage();
                case 'V':
                        puts("agenthost " AGENTHOST_VERSION);
                        return 0;
                default:
                        return EXIT_FAILURE;
                }

        /* What a user's holds is the user's. */
        if (!options.user)
                core_dump_forbid_unless_allowed();
        if (!options.check_config)
                log_open_journal();
        r = run_with(&options);
        if (r < 0 && !options.check_config)
                log_error("agenthostd ends: %s", strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
