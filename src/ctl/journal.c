/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include <glib.h>
#include <string.h>

#include "escape.h"
#include "term.h"
#include "text.h"
#include "time-util.h"
#include "variant-json.h"

/* journald is asked for nothing: it takes its time, which is short unless the host is very busy. */
#define DRAIN_USEC (200 * USEC_PER_MSEC)
#define DRAIN_MAX_USEC (3 * USEC_PER_SEC)

struct Journal {
        sd_journal *journal;
        const Options *options;
        sd_event_source *source;
        bool has_match;
        unsigned width; /* that lines are cut to; 0: they are not */
};

int journal_new(const Options *o, Journal **ret)
{
        Journal *j = g_new0(Journal, 1);
        int r;

        j->options = o;
        r = sd_journal_open(&j->journal, SD_JOURNAL_LOCAL_ONLY);
        if (r < 0) {
                g_free(j);
                return r;
        }
        /* Before anything is read, so that nothing falls in between. */
        if (o->follow)
                (void)sd_journal_get_fd(j->journal);
        (void)sd_journal_set_data_threshold(j->journal, 0);
        *ret = j;
        return 0;
}

Journal *journal_free(Journal *j)
{
        if (!j)
                return NULL;

        sd_event_source_disable_unref(j->source);
        sd_journal_close(j->journal);
        g_free(j);
        return NULL;
}

/* Entries that have all of these fields, or those that were added before. */
static int add_match(Journal *j, const char *const (*fields)[2], size_t n_fields)
{
        int r = j->has_match ? sd_journal_add_disjunction(j->journal) : 0;

        for (size_t i = 0; r >= 0 && i < n_fields; i++) {
                g_autofree char *match = g_strdup_printf("%s=%s", fields[i][0], fields[i][1]);

                r = sd_journal_add_match(j->journal, match, 0);
        }
        j->has_match = true;
        return r;
}

/* A user's are told apart from another's by who they ran as. Fields that begin with "_" are journald's:
 * nobody else can set them. */
static int add_fields(Journal *j, const char *name, const char *value, const char *name2, const char *value2)
{
        g_autofree char *uid = g_strdup_printf("%u", (unsigned)getuid());
        const char *fields[3][2] = { { name, value } };
        size_t n = 1;

        if (name2) {
                fields[n][0] = name2;
                fields[n++][1] = value2;
        }
        if (j->options->user) {
                fields[n][0] = "_UID";
                fields[n++][1] = uid;
        }
        return add_match(j, (const char *const(*)[2])fields, n);
}

static const char *const services[] = { "agenthostd.service", "agenthost-launcher.service" };

static const char *unit_field(const Journal *j)
{
        return j->options->user ? "_SYSTEMD_USER_UNIT" : "_SYSTEMD_UNIT";
}

/* What the services say about it. */
static int add_about(Journal *j, const char *field, const char *value)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(services); i++)
                r = add_fields(j, unit_field(j), services[i], field, value);
        return r;
}

int journal_add_agent(Journal *j, const char *id)
{
        _cleanup_free_ char *unit = NULL;
        int r;

        r = agent_unit_name(id, &unit);
        if (r >= 0)
                r = add_fields(j, unit_field(j), unit, NULL, NULL);
        if (r >= 0)
                r = add_about(j, "AGENT_ID", id);
        if (r < 0)
                return r;
        /* The service manager's own: that it ran out of memory, say. */
        if (j->options->user)
                return add_fields(j, "USER_UNIT", unit, "_COMM", "systemd");
        return add_fields(j, "UNIT", unit, "_PID", "1");
}

int journal_add_guild(Journal *j, const char *id)
{
        _cleanup_free_ char *slice = NULL;
        int r;

        r = guild_slice_name(id, &slice);
        if (r >= 0)
                r = add_fields(
                        j, j->options->user ? "_SYSTEMD_USER_SLICE" : "_SYSTEMD_SLICE", slice, NULL, NULL);
        return r < 0 ? r : add_about(j, "GUILD_ID", id);
}

int journal_add_services(Journal *j)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(services); i++)
                r = add_fields(j, unit_field(j), services[i], NULL, NULL);
        return r;
}

/* A field of the current entry, cleaned; "" if it has none. */
static char *get_field(Journal *j, const char *name)
{
        size_t size, skip = strlen(name) + 1;
        const void *data;

        if (sd_journal_get_data(j->journal, name, &data, &size) < 0 || size < skip)
                return g_strdup("");
        return text_clean((const char *)data + skip, size - skip, true);
}

/* Its lines, each cleaned: an entry may have many. */
static char **get_message(Journal *j)
{
        static const size_t skip = sizeof("MESSAGE=") - 1;
        GPtrArray *lines = g_ptr_array_new();
        const char *p, *end;
        const void *data;
        size_t size;

        if (sd_journal_get_data(j->journal, "MESSAGE", &data, &size) >= 0 && size > skip)
                for (p = (const char *)data + skip, end = (const char *)data + size; p < end;) {
                        const char *newline = memchr(p, '\n', (size_t)(end - p));
                        const char *line_end = newline ? newline : end;

                        g_ptr_array_add(lines, text_clean(p, (size_t)(line_end - p), true));
                        p = line_end + 1;
                }
        g_ptr_array_add(lines, NULL);
        return (char **)g_ptr_array_free(lines, false);
}

static Colour priority_colour(const char *priority)
{
        switch (priority[0]) {
        case '0':
        case '1':
        case '2':
        case '3':
                return COLOUR_RED;
        case '4':
                return COLOUR_YELLOW;
        case '5':
                return COLOUR_BOLD;
        case '7':
                return COLOUR_GREY;
        default:
                return COLOUR_NONE;
        }
}

/* "Nov 24 20:11:02", as journalctl's short form has it. */
static void format_when(uint64_t usec, char *buffer, size_t size)
{
        static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
                "Oct", "Nov", "Dec" };
        time_t seconds = (time_t)(usec / USEC_PER_SEC);
        struct tm tm = { 0 };

        (void)localtime_r(&seconds, &tm);
        (void)snprintf(buffer, size, "%s %02d %02d:%02d:%02d", months[tm.tm_mon], tm.tm_mday, tm.tm_hour,
                tm.tm_min, tm.tm_sec);
}

static void print_line(const char *head, const char *line, Colour colour, unsigned width)
{
        unsigned used = text_width(head);
        g_autofree char *fitted =
                width > 0 ? text_fit(line, width > used ? width - used : 1) : g_strdup(line);

        printf("%s%s%s%s\n", head, term_colour(colour), fitted, colour ? term_plain() : "");
}

static void print_text(Journal *j, uint64_t usec)
{
        g_autofree char *host = get_field(j, "_HOSTNAME"), *name = get_field(j, "SYSLOG_IDENTIFIER"),
                        *pid = get_field(j, "_PID"), *priority = get_field(j, "PRIORITY");
        g_auto(GStrv) lines = get_message(j);
        g_autofree char *head = NULL, *indent = NULL;
        char when[32];

        if (!*name) {
                g_free(name);
                name = get_field(j, "_COMM");
        }
        format_when(usec, when, sizeof(when));
        head = g_strdup_printf("%s %s %s[%s]: ", when, host, *name ? name : "?", pid);
        indent = g_strnfill(text_width(head), ' ');
        for (char **line = lines; *line; line++)
                print_line(line == lines ? head : indent, *line, priority_colour(priority), j->width);
}

static bool is_number(const char *field)
{
        return strcmp(field, "_PID") == 0 || strcmp(field, "PRIORITY") == 0 ||
                strcmp(field, "EXIT_STATUS") == 0;
}

static void print_json(Journal *j, uint64_t usec)
{
        static const char *const fields[][2] = { { "hostname", "_HOSTNAME" }, { "unit", "_SYSTEMD_UNIT" },
                { "user_unit", "_SYSTEMD_USER_UNIT" }, { "agent", "AGENT_ID" }, { "guild", "GUILD_ID" },
                { "message_id", "MESSAGE_ID" }, { "result", "RESULT" }, { "exit_status", "EXIT_STATUS" },
                { "identifier", "SYSLOG_IDENTIFIER" }, { "pid", "_PID" }, { "priority", "PRIORITY" } };
        _cleanup_object_ struct json_object *o = json_object_new_object();
        g_auto(GStrv) lines = get_message(j);
        g_autofree char *message = g_strjoinv("\n", lines);

        json_object_object_add(o, "time", json_object_new_uint64(usec));
        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                g_autofree char *value = get_field(j, fields[i][1]);

                if (!*value)
                        continue;
                if (is_number(fields[i][1]))
                        json_object_object_add(o, fields[i][0], json_object_new_int(atoi(value)));
                else
                        object_add_text(o, fields[i][0], value);
        }
        object_add_text(o, "message", message);
        json_print(o, j->options->json);
}

static void print_entry(Journal *j)
{
        uint64_t usec = 0;

        (void)sd_journal_get_realtime_usec(j->journal, &usec);
        if (j->options->json != JSON_OFF)
                print_json(j, usec);
        else
                print_text(j, usec);
}

void journal_cut(Journal *j, unsigned width)
{
        j->width = width;
}

int journal_print(Journal *j, int64_t n)
{
        int r, n_printed = 0;

        if (n < 0)
                r = sd_journal_seek_head(j->journal);
        else {
                r = sd_journal_seek_tail(j->journal);
                /* One further back, as what follows steps onto the first. */
                if (r >= 0 && (r = sd_journal_previous_skip(j->journal, (uint64_t)n + 1)) >= 0 &&
                        r <= (int)n)
                        r = sd_journal_seek_head(j->journal);
        }
        while (r >= 0 && (r = sd_journal_next(j->journal)) > 0) {
                print_entry(j);
                n_printed++;
        }
        return r < 0 ? r : n_printed;
}

int journal_skip(Journal *j)
{
        int r = sd_journal_seek_tail(j->journal);

        if (r >= 0)
                r = sd_journal_previous(j->journal);
        /* From a tail that has nothing before it, one does not get to what comes. */
        return r == 0 ? sd_journal_seek_head(j->journal) : r;
}

/* What was written to the journal and has not been looked at. Returns whether that was anything. */
static int catch_up(Journal *j)
{
        int r = sd_journal_process(j->journal), n = 0;

        while (r >= 0 && (r = sd_journal_next(j->journal)) > 0) {
                print_entry(j);
                n++;
        }
        fflush(stdout);
        return r < 0 ? r : n > 0;
}

int journal_drain(Journal *j)
{
        uint64_t now = now_usec(CLOCK_MONOTONIC), end = now + DRAIN_MAX_USEC, quiet = now + DRAIN_USEC;
        int r = catch_up(j);

        while (r >= 0 && now < quiet && now < end) {
                /* It also returns when something else was written. */
                r = sd_journal_wait(j->journal, quiet - now);
                if (r >= 0)
                        r = catch_up(j);
                now = now_usec(CLOCK_MONOTONIC);
                if (r > 0)
                        quiet = now + DRAIN_USEC;
        }
        return r;
}

static int on_journal(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        (void)s;
        (void)fd;
        (void)revents;

        (void)catch_up(userdata);
        return 0;
}

int journal_follow(Journal *j, sd_event *event)
{
        int fd = sd_journal_get_fd(j->journal), r;

        if (fd < 0)
                return fd;
        r = sd_event_add_io(
                event, &j->source, fd, (uint32_t)sd_journal_get_events(j->journal), on_journal, j);
        return r < 0 ? r : catch_up(j);
}

const char *journal_hint(void)
{
        static const char *const dirs[] = { "/var/log/journal", "/run/log/journal" };

        if (geteuid() == 0)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(dirs); i++) {
                g_autoptr(GDir) dir = g_dir_open(dirs[i], 0, NULL);
                const char *machine = dir ? g_dir_read_name(dir) : NULL;
                g_autofree char *system =
                        machine ? g_build_filename(dirs[i], machine, "system.journal", NULL) : NULL;

                if (system && access(system, R_OK) < 0)
                        return "You do not see the journal of the system: that is for root and members of the groups "
                               "systemd-journal and adm";
        }
        return NULL;
}
