/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "proto/executor.h"
#include "proto/launcher.h"
#include "strv.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"

typedef struct PlanText {
        char *text;
        size_t size, allocated;
        int error; /* sticks: checked once at the end */
} PlanText;

static void plan_text_done(PlanText *p)
{
        free(p->text);
}

static void reserve(PlanText *p, size_t more)
{
        size_t n = p->allocated ? p->allocated : 1024;
        char *grown;

        while (n - p->size < more)
                n *= 2;
        if (n == p->allocated)
                return;

        grown = realloc(p->text, n);
        if (!grown) {
                p->error = -ENOMEM;
                return;
        }
        p->text = grown;
        p->allocated = n;
}

static void add(PlanText *p, const char *key, const char *value)
{
        size_t key_length = strlen(key), value_length = strlen(value);

        if (p->error < 0)
                return;
        reserve(p, key_length + value_length + 2);
        if (p->error < 0)
                return;

        memcpy(p->text + p->size, key, key_length);
        p->size += key_length;
        p->text[p->size++] = '=';
        memcpy(p->text + p->size, value, value_length + 1);
        p->size += value_length + 1;
}

static void addf(PlanText *p, const char *key, const char *format, ...) _printf_(3, 4);

static void addf(PlanText *p, const char *key, const char *format, ...)
{
        _cleanup_free_ char *value = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&value, format, ap) < 0) {
                value = NULL;
                p->error = -ENOMEM;
        }
        va_end(ap);
        if (value)
                add(p, key, value);
}

int plan_credentials_path(const Paths *paths, const char *unit, char **ret)
{
        if (asprintf(ret, "%s/%s", paths->credentials_dir, unit) < 0)
                return -ENOMEM;
        return 0;
}

typedef struct Specifiers {
        const PlanInput *input;
        char *paths[AGENT_TEXT_COUNT];
} Specifiers;

static const char *const text_names[AGENT_TEXT_COUNT] = AGENT_TEXT_NAMES;

static void specifiers_done(Specifiers *s)
{
        for (size_t i = 0; i < AGENT_TEXT_COUNT; i++)
                free(s->paths[i]);
}

static int specifiers_init(Specifiers *s, const PlanInput *input, const char *credentials)
{
        *s = (Specifiers){ .input = input };
        for (size_t i = 0; i < AGENT_TEXT_COUNT; i++)
                if (asprintf(&s->paths[i], "%s/%s", credentials, text_names[i]) < 0) {
                        s->paths[i] = NULL;
                        return -ENOMEM;
                }
        return 0;
}

static const char *lookup_specifier(const char *name, size_t length, void *userdata)
{
        const Specifiers *s = userdata;

        if (length == 1 && name[0] == 'a')
                return s->input->agent_id;
        if (length == 1 && name[0] == 'g')
                return s->input->guild_id;
        for (size_t i = 0; i < AGENT_TEXT_COUNT; i++)
                if (strlen(text_names[i]) == length && memcmp(name, text_names[i], length) == 0)
                        return s->paths[i];
        return NULL;
}

static int add_arguments(PlanText *p, const PlanInput *input, const char *credentials, Fault *fault)
{
        _cleanup_(specifiers_done) Specifiers specifiers;
        int r;

        r = specifiers_init(&specifiers, input, credentials);
        if (r < 0)
                return r;

        for (char *const *word = input->runtime->exec; *word; word++) {
                _cleanup_free_ char *expanded = NULL;

                if (!strchr(*word, '%')) {
                        add(p, PLAN_ARGUMENT, *word);
                        continue;
                }

                r = expand_specifiers(*word, lookup_specifier, &specifiers, &expanded);
                if (r == -EINVAL)
                        return fault_set(fault, FAULT_START_FAILED,
                                "Exec= of runtime %s: unknown specifier in %s", input->runtime->name, *word);
                if (r < 0)
                        return r;
                add(p, PLAN_ARGUMENT, expanded);
        }
        return 0;
}

/* Whether one of the assignments sets the variable, which may be given with a value of its own. */
static bool sets_variable(char *const *assignments, const char *variable)
{
        size_t length = strcspn(variable, "=");

        if (assignments)
                for (; *assignments; assignments++)
                        if (strncmp(*assignments, variable, length) == 0 && (*assignments)[length] == '=')
                                return true;
        return false;
}

static bool is_ours(const char *assignment)
{
        static const char *const ours[] = { "AGENTHOST_AGENT_ID=", "AGENTHOST_GUILD_ID=",
                "AGENTHOST_MACHINE_ID=", "AGENTHOST_CLIENT_TYPE=", "NOTIFY_SOCKET=",
                "CREDENTIALS_DIRECTORY=", "WATCHDOG_USEC=" };

        for (size_t i = 0; i < ELEMENTSOF(ours); i++)
                if (strncmp(assignment, ours[i], strlen(ours[i])) == 0)
                        return true;
        return false;
}

static bool is_set(const PlanInput *input, const char *name)
{
        return sets_variable(input->runtime->environment, name) || sets_variable(input->environment, name);
}

/* In system mode the executor adds what depends on the user. In user mode that is who we are, and what the
 * user's service manager gives its services. */
static void add_user_environment(PlanText *p, const PlanInput *input)
{
        static const char *const names[] = { "HOME", "USER", "LOGNAME", "SHELL", "XDG_RUNTIME_DIR" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *value = getenv(names[i]);

                if (value && !is_set(input, names[i]))
                        addf(p, PLAN_ENVIRONMENT, "%s=%s", names[i], value);
        }
}

/* The caller's variables win over the runtime's, which allows them; ours win over both. */
static void add_environment(PlanText *p, const PlanInput *input, const char *credentials)
{
        const Runtime *runtime = input->runtime;

        if (!is_set(input, "PATH"))
                add(p, PLAN_ENVIRONMENT, "PATH=" DEFAULT_PATH);
        if (input->paths->user_mode)
                add_user_environment(p, input);
        for (char *const *e = runtime->environment; e && *e; e++)
                if (!sets_variable(input->environment, *e) && !sets_variable(e + 1, *e) && !is_ours(*e))
                        add(p, PLAN_ENVIRONMENT, *e);
        for (char *const *e = input->environment; e && *e; e++)
                if (!sets_variable(e + 1, *e) && !is_ours(*e))
                        add(p, PLAN_ENVIRONMENT, *e);

        addf(p, PLAN_ENVIRONMENT, "AGENTHOST_AGENT_ID=%s", input->agent_id);
        addf(p, PLAN_ENVIRONMENT, "AGENTHOST_GUILD_ID=%s", input->guild_id);
        addf(p, PLAN_ENVIRONMENT, "AGENTHOST_MACHINE_ID=%" PRIi32, input->machine_id);
        addf(p, PLAN_ENVIRONMENT, "AGENTHOST_CLIENT_TYPE=%s", input->client_type);
        addf(p, PLAN_ENVIRONMENT, "NOTIFY_SOCKET=%s", input->paths->notify_socket);
        addf(p, PLAN_ENVIRONMENT, "CREDENTIALS_DIRECTORY=%s", credentials);
        if (runtime->watchdog_usec > 0)
                addf(p, PLAN_ENVIRONMENT, "WATCHDOG_USEC=%" PRIu64, runtime->watchdog_usec);
}

static void add_limits(PlanText *p, const PlanInput *input)
{
        for (int i = 0; i < RLIM_NLIMITS; i++) {
                const RuntimeLimit *limit = &input->runtime->limits[i];
                const struct rlimit *value = limit->set ? &limit->value : NULL;

                if (!value && i == RLIMIT_NOFILE)
                        value = input->nofile;
                if (value)
                        addf(p, PLAN_RLIMIT, "%d:%ju:%ju", i, (uintmax_t)value->rlim_cur,
                                (uintmax_t)value->rlim_max);
        }
}

static void add_identity(PlanText *p, const Runtime *runtime)
{
        if (runtime->user)
                add(p, PLAN_USER, runtime->user);
        if (runtime->group)
                add(p, PLAN_GROUP, runtime->group);
        for (char *const *g = runtime->supplementary_groups; g && *g; g++)
                add(p, PLAN_SUPPLEMENTARY_GROUP, *g);
}

/* As systemd has it: the root directory for the system's agents, his home for a user's. */
static const char *working_directory(const PlanInput *input)
{
        const char *home = input->paths->user_mode ? getenv("HOME") : NULL;

        if (input->runtime->working_directory)
                return input->runtime->working_directory;
        return home ? home : "/";
}

int plan_build(const PlanInput *input, char **ret, size_t *ret_size, Fault *fault)
{
        _cleanup_(plan_text_done) PlanText p = { 0 };
        _cleanup_free_ char *credentials = NULL;
        const Runtime *runtime = input->runtime;
        const char *slash = strrchr(runtime->exec[0], '/');
        int r;

        r = plan_credentials_path(input->paths, input->unit, &credentials);
        if (r < 0)
                return r;

        add(&p, PLAN_UNIT, input->unit);
        add(&p, PLAN_IDENT, slash ? slash + 1 : runtime->exec[0]);
        add_identity(&p, runtime);
        add(&p, PLAN_WORKING_DIRECTORY, working_directory(input));
        addf(&p, PLAN_UMASK, "%04o", (unsigned)runtime->umask);
        add_limits(&p, input);
        add(&p, PLAN_NO_NEW_PRIVILEGES, runtime->no_new_privileges ? "1" : "0");
        add(&p, PLAN_OUTPUT, input->journal ? "journal" : "null");
        add(&p, PLAN_CREDENTIALS, credentials);
        add_environment(&p, input, credentials);
        r = add_arguments(&p, input, credentials, fault);
        if (r < 0)
                return r;
        if (p.error < 0)
                return p.error;

        *ret = steal_ptr(p.text);
        *ret_size = p.size;
        return 0;
}
