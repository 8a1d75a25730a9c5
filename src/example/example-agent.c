/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The smallest agent that does everything an agent should: reads what it was given, says when it is ready
 * and what it does, and ends when asked to. It stands for any program: nothing of agenthost is linked into
 * it. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <systemd/sd-daemon.h>

static const char *env_or(const char *name, const char *otherwise)
{
        const char *value = getenv(name);

        return value ? value : otherwise;
}

static int print_size(const char *directory, const char *file)
{
        char path[4096];
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", directory, file);
        if (stat(path, &st) < 0) {
                fprintf(stderr, "%s: %s\n", file, strerror(errno));
                return -1;
        }
        printf("%s: %lld bytes\n", file, (long long)st.st_size);
        return 0;
}

static int print_given(void)
{
        static const char *const files[] = { "agent_spec", "guild_spec", "messaging_config",
                "client_properties" };
        const char *directory = getenv("CREDENTIALS_DIRECTORY");

        if (!directory) {
                fprintf(stderr, "CREDENTIALS_DIRECTORY is not set: I am to be started by agenthost\n");
                return -1;
        }
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
                if (print_size(directory, files[i]) < 0)
                        return -1;
        return 0;
}

int main(void)
{
        sigset_t end;
        int signal_number;

        /* Lines go out one by one even though standard output is no terminal. */
        setvbuf(stdout, NULL, _IOLBF, 0);

        /* Before READY=1: whoever waits for that may ask for the end right after. */
        sigemptyset(&end);
        sigaddset(&end, SIGTERM);
        sigaddset(&end, SIGINT);
        sigprocmask(SIG_BLOCK, &end, NULL);

        printf("Agent %s of guild %s starts\n", env_or("AGENTHOST_AGENT_ID", "(no id)"),
                env_or("AGENTHOST_GUILD_ID", "(no guild)"));
        if (print_given() < 0)
                return EXIT_FAILURE;

        sd_notify(0, "READY=1\nSTATUS=Waiting for work");
        printf("Ready\n");

        sigwait(&end, &signal_number);

        sd_notify(0, "STOPPING=1\nSTATUS=Leaving");
        printf("Ending on %s\n", strsignal(signal_number));
        return EXIT_SUCCESS;
}
