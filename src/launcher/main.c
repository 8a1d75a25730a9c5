/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agenthost-launcher: starts agents, is their parent, and knows how they ended. See proto/launcher.h.
 * Started by agenthost-launcher.service, as root, or as a user's service (--user). */

#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "check-config.h"
#include "core-dump.h"
#include "file-util.h"
#include "launcher.h"
#include "log-journal.h"
#include "log.h"
#include "parse.h"
#include "proto/names.h"
#include "service-state.h"

static void setup_log(void)
{
        const char *level = getenv("LOG_LEVEL");
        int parsed;

        log_open_journal();
        if (!level)
                return;
        if (log_level_parse(level, &parsed) < 0)
                log_warning("LOG_LEVEL=%s is no log level, ignoring it", level);
        else
                log_set_level(parsed);
}

/* The socket that the service manager listens on for us. */
static int take_listen_fd(int *ret)
{
        int n = sd_listen_fds(true);

        if (n < 0)
                return n;
        if (n != 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, true, NULL, 0) <= 0) {
                log_error("To be started by agenthost-launcher.socket, with one listening socket");
                return -EINVAL;
        }

        *ret = SD_LISTEN_FDS_START;
        return 0;
}

/* One descriptor an agent, and a few more while it is launched. What we were given is what agents get. */
static int raise_nofile(struct rlimit *ret_given)
{
        struct rlimit given, raised;

        if (getrlimit(RLIMIT_NOFILE, &given) < 0)
                return -errno;
        raised = (struct rlimit){ given.rlim_max, given.rlim_max };
        if (setrlimit(RLIMIT_NOFILE, &raised) < 0)
                return -errno;

        *ret_given = given;
        return 0;
}

/* The only look at the user database that we take: later ones are the executor's, as they may block. That
 * there is none may only be that it could not be read: the next start looks again. */
static int find_client_uid(const Paths *paths, uid_t *ret)
{
        const struct passwd *pw = paths->user_mode ? NULL : getpwnam(AGENTHOST_USER);

        if (!pw && !paths->user_mode) {
                log_error("There is no user %s, which systemd-sysusers makes, or it cannot be found out",
                        AGENTHOST_USER);
                return -ESRCH;
        }
        *ret = pw ? pw->pw_uid : geteuid();
        return 0;
}

/* For tests, which would need thousands of agents else. */
static unsigned read_streams_max(void)
{
        const char *text = getenv("AGENTHOST_STREAMS_MAX");
        unsigned max;

        if (!text)
                return STREAMS_MAX;
        if (parse_uint(text, 0, STREAMS_MAX, &max) < 0) {
                log_warning(
                        "AGENTHOST_STREAMS_MAX=%s is no number up to %u, ignoring it", text, STREAMS_MAX);
                return STREAMS_MAX;
        }
        return max;
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        (void)s;
        (void)si;

        r = reload_begin(userdata, NULL, &fault);
        if (r < 0)
                log_error("Not executing again: %s",
                        fault.kind == FAULT_NONE ? strerror(-r) : fault_text(&fault));
        return 0;
}

static int setup_event(sd_event **ret)
{
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        sigset_t mask;
        int r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;

        r = sd_event_default(&event);
        if (r < 0)
                return r;
        r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        if (r < 0)
                return r;
        r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
        if (r < 0)
                return r;

        *ret = steal_ptr(event);
        return 0;
}

static int run(const Paths *paths, char **argv, const Reexec *reexec)
{
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(launcher_freep) Launcher *launcher = NULL;
        LauncherSettings settings = { .paths = paths, .listen_fd = -EBADF, .reexec = reexec };
        int r;

        r = take_listen_fd(&settings.listen_fd);
        if (r >= 0)
                r = raise_nofile(&settings.nofile);
        if (r >= 0)
                r = mkdir_safe(paths->credentials_dir, 0755);
        if (r >= 0)
                r = find_client_uid(paths, &settings.client_uid);
        if (r >= 0)
                r = setup_event(&event);
        if (r >= 0)
                r = reexec_arm(argv, settings.listen_fd, &settings.nofile);
        if (r < 0)
                return r;

        settings.streams_max = read_streams_max();
        settings.executor = getenv("AGENTHOST_EXECUTOR");
        if (!settings.executor)
                settings.executor = LIBEXECDIR "/agenthost-executor";

        r = launcher_new(event, &settings, &launcher);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGHUP, on_reload, launcher);
        if (r < 0)
                return r;

        /* Scopes are ordered after us: none can start before this. */
        service_say(event, "READY=1");
        r = sd_event_loop(event);
        return r;
}

typedef struct Options {
        bool user;
        bool reload;
        bool check_config;
} Options;

static bool parse_options(int argc, char **argv, Options *ret)
{
        static const struct option options[] = {
                { "user", no_argument, NULL, 'u' },
                { "reload", no_argument, NULL, 'r' },
                { "check-config", no_argument, NULL, 'c' },
                { 0 },
        };
        int c;

        *ret = (Options){ 0 };
        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'u':
                        ret->user = true;
                        break;
                case 'r':
                        ret->reload = true;
                        break;
                case 'c':
                        ret->check_config = true;
                        break;
                default:
                        return false;
                }
        return optind == argc;
}

/* As the service manager starts us; with --reload it is what ExecReload= runs, with --check-config what
 * people do. */
static int run_with(const Options *options, char **argv)
{
        _cleanup_(paths_freep) Paths *paths = NULL;
        Reexec reexec;
        int r;

        if (!options->reload && !options->check_config) {
                reexec_begin(&reexec);
                setup_log();
                reexec_log(&reexec);
        }

        r = paths_new(options->user, &paths);
        if (r == -ENXIO)
                log_error(
                        "XDG_RUNTIME_DIR is not set: with --user, to be started by the user's service manager");
        if (options->reload)
                return r < 0 ? r : reload_ask(paths->launcher_address);
        if (options->check_config)
                return r < 0 ? r : check_config(paths);

        if (r >= 0)
                r = run(paths, argv, &reexec);
        reexec_done(&reexec);
        return r;
}

int main(int argc, char **argv)
{
        Options options;
        int r;

        if (!parse_options(argc, argv, &options))
                return EXIT_FAILURE;

        /* What a user's holds is the user's. LimitCORE= of our unit would be the agents' too. */
        if (!options.user)
                core_dump_forbid();
        (void)umask(0022);
        /* Inherited as ignored, it would take the agents' exit statuses away. */
        (void)signal(SIGCHLD, SIG_DFL);

        r = run_with(&options, argv);
        if (r < 0 && !options.check_config)
                log_error("Giving up: %s", strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
