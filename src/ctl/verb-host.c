/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* health, check-config, version, help */

#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "log.h"
#include "pager.h"
#include "proto/names.h"
#include "variant-json.h"
#include "verbs.h"

int verb_health(Ctl *ctl, char **arguments)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const Options *o = ctl->options;
        const char *hostname;
        uint32_t n;
        int healthy, r;

        (void)arguments;

        r = ctl_connect(ctl);
        if (r == EXIT_OK)
                r = ctl_call_manager(ctl, "Health", 0, &reply, "");
        if (r != EXIT_OK)
                return r;
        r = sd_bus_message_read(reply, "bus", &healthy, &n, &hostname);
        if (r < 0)
                return ctl_report_errno("The answer of Health cannot be read", r);

        if (o->json != JSON_OFF) {
                _cleanup_object_ struct json_object *object = json_object_new_object();

                json_object_object_add(object, "healthy", json_object_new_boolean(healthy));
                json_object_object_add(object, "agent_count", json_object_new_int64(n));
                object_add_text(object, "hostname", hostname);
                json_print(object, o->json);
        } else
                printf("%s: %s, %" PRIu32 " agent%s\n", hostname, healthy ? "healthy" : "not healthy", n,
                        n == 1 ? "" : "s");
        if (!healthy)
                log_error("No agent can be started: the launcher cannot be reached; see 'systemctl%s status "
                          "agenthost-launcher.service'",
                        o->user ? " --user" : "");
        return healthy ? EXIT_OK : EXIT_FAILED;
}

int verb_version(Ctl *ctl, char **arguments)
{
        _cleanup_object_ struct json_object *properties = NULL, *object = json_object_new_object();
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        const Options *o = ctl->options;
        int r;

        (void)arguments;

        r = ctl_connect(ctl);
        if (r == EXIT_OK &&
                properties_get(ctl->bus, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, &properties, &error) < 0)
                r = ctl_code_of(&error);

        if (o->json != JSON_OFF) {
                object_add_text(object, "agentctl", AGENTHOST_VERSION);
                object_add_text(
                        object, "agenthostd", properties ? object_text(properties, "Version") : NULL);
                json_print(object, o->json);
        } else {
                puts("agentctl " AGENTHOST_VERSION);
                if (properties)
                        printf("agenthostd %s on %s\n", object_text(properties, "Version"),
                                object_text(properties, "Hostname"));
        }
        return sd_bus_error_is_set(&error) ? ctl_report(NULL, &error) : r;
}

int verb_help(Ctl *ctl, char **arguments)
{
        (void)arguments;

        pager_open(ctl->options);
        help_print(stdout);
        return EXIT_OK;
}

/* Each service checks what it reads, in the words that it would log. */
static int run_check(const char *program, bool user)
{
        g_autofree char *path = g_build_filename(LIBEXECDIR, program, NULL);
        int status;
        pid_t pid;

        fflush(stdout);
        pid = fork();
        if (pid < 0)
                return ctl_report_errno(path, -errno);
        if (pid == 0) {
                execl(path, program, "--check-config", user ? "--user" : NULL, NULL);
                log_error("%s: %s", path, strerror(errno));
                _exit(EXIT_FAILED);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return ctl_report_errno(path, -errno);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EXIT_OK : EXIT_FAILED;
}

int verb_check_config(Ctl *ctl, char **arguments)
{
        const Options *o = ctl->options;
        int r;

        (void)arguments;

        if (o->remote) {
                log_error("The files are those of this host; try 'ssh %s agentctl check-config'", o->remote);
                return EXIT_USAGE;
        }
        r = run_check("agenthostd", o->user);
        return exit_code_merge(r, run_check("agenthost-launcher", o->user));
}
