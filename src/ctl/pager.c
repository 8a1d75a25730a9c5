/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pager.h"

#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "strv.h"
#include "term.h"

static pid_t pager;

/* What the user wants; NULL: he does not say. */
static const char *wanted_pager(void)
{
        const char *text = getenv("SYSTEMD_PAGER");

        return text ? text : getenv("PAGER");
}

/* Root's by sudo or the like: a pager with a command line would make more of it than was lent. */
static bool is_lent(void)
{
        return geteuid() == 0 && (getenv("SUDO_UID") || getenv("PKEXEC_UID"));
}

static void set_environment(void)
{
        const char *less = getenv("SYSTEMD_LESS"), *charset = getenv("SYSTEMD_LESSCHARSET");

        (void)setenv("LESS", less ? less : "FRSXMK", true);
        if (charset)
                (void)setenv("LESSCHARSET", charset, true);
        if (is_lent())
                (void)setenv("LESSSECURE", "1", true);
}

static _Noreturn void become_pager(const char *wanted)
{
        _cleanup_strv_free_ char **words = NULL;

        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        set_environment();
        if (wanted && !is_lent() && split_words(wanted, &words) >= 0 && words && words[0])
                execvp(words[0], words);
        execlp("less", "less", NULL);
        /* It cannot be held to showing text only. */
        if (!is_lent())
                execlp("more", "more", NULL);
        execlp("cat", "cat", NULL);
        _exit(EXIT_FAILURE);
}

static bool is_useful(const char *wanted)
{
        const char *terminal = getenv("TERM");

        return term_is_tty() && terminal && *terminal && strcmp(terminal, "dumb") != 0 &&
                !(wanted && (!*wanted || strcmp(wanted, "cat") == 0));
}

void pager_open(const Options *o)
{
        _cleanup_close_ int read_end = -EBADF, write_end = -EBADF;
        const char *wanted = wanted_pager();
        int fds[2];

        if (pager > 0 || o->no_pager || !is_useful(wanted))
                return;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return;
        read_end = fds[0];
        write_end = fds[1];

        fflush(stdout);
        pager = fork();
        if (pager < 0)
                return;
        if (pager == 0) {
                (void)dup2(read_end, STDIN_FILENO);
                become_pager(wanted);
        }
        (void)dup2(write_end, STDOUT_FILENO);
}

void pager_close(void)
{
        if (pager <= 0)
                return;

        fflush(stdout);
        /* Its end of file. */
        (void)freopen("/dev/null", "w", stdout);
        (void)kill(pager, SIGCONT);
        while (waitpid(pager, NULL, 0) < 0 && errno == EINTR)
                ;
        pager = 0;
}
