/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl.h"

#include <glib.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>

#include "client.h"
#include "mode.h"
#include "outcome.h"
#include "time-util.h"

/* The shell's own, so that a line reads as a user would type it. */
static char *script_of(const char *line)
{
        return g_strdup_printf(
                "agentctl() { command agentctl %s \"$@\"; }\n%s", mode_is_user() ? "--user" : "", line);
}

/* argv for a shell that runs it; user NULL: who we are. */
static char **shell_of(const char *user, const char *line)
{
        GPtrArray *argv = g_ptr_array_new();

        if (user) {
                const char *const become[] = { "setpriv", "--reuid", user, "--regid", user, "--init-groups",
                        "--" };

                for (size_t i = 0; i < ELEMENTSOF(become); i++)
                        g_ptr_array_add(argv, g_strdup(become[i]));
        }
        g_ptr_array_add(argv, g_strdup("sh"));
        g_ptr_array_add(argv, g_strdup("-c"));
        g_ptr_array_add(argv, script_of(line));
        g_ptr_array_add(argv, NULL);
        return (char **)g_ptr_array_free(argv, false);
}

static int code_of(int status)
{
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static CtlResult run_line(const char *user, const char *line)
{
        g_auto(GStrv) argv = shell_of(user, line);
        g_autoptr(GError) error = NULL;
        CtlResult result = { 0 };
        int status;

        if (!g_spawn_sync("/", argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &result.out, &result.err,
                    &status, &error))
                fail("%s: %s", line, error->message);
        result.code = code_of(status);
        return result;
}

static char *vformat(const char *format, va_list ap)
{
        return g_strdup_vprintf(format, ap);
}

#define FORMAT_LINE(format)                   \
        ({                                    \
                va_list _ap;                  \
                char *_line;                  \
                                              \
                va_start(_ap, format);        \
                _line = vformat(format, _ap); \
                va_end(_ap);                  \
                _line;                        \
        })

CtlResult ctl(const char *format, ...)
{
        g_autofree char *line = FORMAT_LINE(format);

        return run_line(NULL, line);
}

CtlResult ctl_as(const char *user, const char *format, ...)
{
        g_autofree char *line = FORMAT_LINE(format);

        return run_line(user, line);
}

void ctl_result_done(CtlResult *result)
{
        g_free(result->out);
        g_free(result->err);
        *result = (CtlResult){ 0 };
}

static void expect_code(int expected, const CtlResult *result, const char *line)
{
        if (result->code != expected)
                fail("%s: expected exit status %d, got %d\n%s%s", line, expected, result->code, result->out,
                        result->err);
}

char *ctl_expect(int code, const char *format, ...)
{
        g_autofree char *line = FORMAT_LINE(format);
        _cleanup_ctl_ CtlResult result = run_line(NULL, line);

        expect_code(code, &result, line);
        return g_steal_pointer(&result.out);
}

void ctl_expect_error(int code, const char *part, const char *format, ...)
{
        g_autofree char *line = FORMAT_LINE(format);
        _cleanup_ctl_ CtlResult result = run_line(NULL, line);

        expect_code(code, &result, line);
        expect_text(line, "", result.out);
        expect_part(line, part, result.err);
}

struct json_object *ctl_json(const char *format, ...)
{
        g_autofree char *line = FORMAT_LINE(format);
        _cleanup_ctl_ CtlResult result = run_line(NULL, line);
        struct json_object *o;

        expect_code(0, &result, line);
        o = json_tokener_parse(result.out);
        if (!o)
                fail("%s: expected JSON, got '%s'", line, result.out);
        return o;
}

struct CtlStream {
        char *line;
        pid_t pid;
        int fd;
        GString *buffer;
};

CtlStream *ctl_stream_new(const char *format, ...)
{
        CtlStream *s = g_new(CtlStream, 1);
        g_auto(GStrv) argv = NULL;
        g_autofree char *exec = NULL;
        g_autoptr(GError) error = NULL;

        *s = (CtlStream){ .line = FORMAT_LINE(format), .buffer = g_string_new(NULL) };
        /* The shell becomes it, so that a signal reaches it. */
        exec = g_strdup_printf("exec 2>&1; exec %s %s %s", "env agentctl", mode_is_user() ? "--user" : "",
                s->line + strlen("agentctl"));
        argv = shell_of(NULL, exec);
        if (!g_spawn_async_with_pipes("/", argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                    NULL, &s->pid, NULL, &s->fd, NULL, &error))
                fail("%s: %s", s->line, error->message);
        return s;
}

/* More of what it says into the buffer; false at its end. */
static bool read_more(int fd, GString *buffer, uint64_t deadline, const char *line, const char *what)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        char text[4096];
        ssize_t n;

        if (now >= deadline || poll(&p, 1, (int)((deadline - now) / USEC_PER_MSEC) + 1) == 0)
                fail("%s: expected '%s' within %d s, got '%s'", line, what, LIMIT_SEC, buffer->str);
        n = read(fd, text, sizeof(text));
        if (n <= 0)
                return false;
        g_string_append_len(buffer, text, n);
        return true;
}

static uint64_t limit(void)
{
        return now_usec(CLOCK_MONOTONIC) + LIMIT_SEC * USEC_PER_SEC;
}

char *ctl_stream_find(CtlStream *s, const char *part)
{
        uint64_t deadline = limit();

        for (;;) {
                const char *newline = strchr(s->buffer->str, '\n');
                g_autofree char *text = NULL;

                if (!newline) {
                        if (!read_more(s->fd, s->buffer, deadline, s->line, part))
                                fail("%s: expected '%s', it ended with '%s'", s->line, part, s->buffer->str);
                        continue;
                }
                text = g_strndup(s->buffer->str, (gsize)(newline - s->buffer->str));
                g_string_erase(s->buffer, 0, newline - s->buffer->str + 1);
                if (strstr(text, part))
                        return steal_ptr(text);
                g_test_message("skipped: %s", text);
        }
}

int ctl_stream_wait(CtlStream *s)
{
        uint64_t deadline = limit();
        int status;

        while (read_more(s->fd, s->buffer, deadline, s->line, "its end"))
                ;
        if (waitpid(s->pid, &status, 0) < 0)
                fail("waitpid: %m");
        s->pid = 0;
        return code_of(status);
}

int ctl_stream_interrupt(CtlStream *s)
{
        if (kill(s->pid, SIGINT) < 0)
                fail("%s: %m", s->line);
        return ctl_stream_wait(s);
}

CtlStream *ctl_stream_free(CtlStream *s)
{
        if (!s)
                return NULL;

        if (s->pid > 0) {
                (void)kill(s->pid, SIGKILL);
                (void)waitpid(s->pid, NULL, 0);
        }
        close_fd(s->fd);
        g_string_free(s->buffer, true);
        g_free(s->line);
        g_free(s);
        return NULL;
}

/* Who asks for a password throws away what was typed before its echo was off, which it makes known to
 * nobody. */
static void type_unseen(int fd, const char *typed)
{
        uint64_t deadline = limit();
        struct termios settings;

        for (;;) {
                if (tcgetattr(fd, &settings) < 0)
                        fail("terminal: %m");
                if (!(settings.c_lflag & ECHO))
                        break;
                if (now_usec(CLOCK_MONOTONIC) >= deadline)
                        fail("the terminal's echo stays on");
                g_usleep(1000);
        }
        if (write(fd, typed, strlen(typed)) < 0)
                fail("typing: %m");
}

/* The terminal's other end breaks off when the last process there has gone. */
static CtlResult read_terminal(int fd, pid_t pid, const char *prompt, const char *typed, const char *line)
{
        uint64_t deadline = limit();
        GString *text = g_string_new(NULL);
        int status;

        while (read_more(fd, text, deadline, line, prompt ? prompt : "its end")) {
                if (!prompt || !strstr(text->str, prompt))
                        continue;
                type_unseen(fd, typed);
                prompt = NULL;
        }
        close_fd(fd);
        if (waitpid(pid, &status, 0) < 0)
                fail("waitpid: %m");
        return (CtlResult){ code_of(status), g_string_free(text, false), g_strdup("") };
}

CtlResult ctl_on_terminal(
        unsigned columns, const char *user, const char *prompt, const char *typed, const char *line)
{
        struct winsize size = { .ws_row = 24, .ws_col = (unsigned short)columns };
        g_auto(GStrv) argv = shell_of(user, line);
        int fd;
        pid_t pid = forkpty(&fd, NULL, NULL, &size);

        if (pid < 0)
                fail("forkpty: %m");
        if (pid == 0) {
                g_setenv("TERM", "xterm", true);
                g_unsetenv("COLUMNS");
                execvp(argv[0], argv);
                _exit(127);
        }
        return read_terminal(fd, pid, prompt, typed, line);
}
