/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "parse.h"
#include "proto/executor.h"

static int append(const char **list, size_t *n, const char *value)
{
        list[(*n)++] = value;
        list[*n] = NULL;
        return 0;
}

typedef struct Lengths {
        size_t groups, arguments;
} Lengths;

/* "NUMBER:SOFT:HARD" */
static int parse_limit(Plan *p, const char *value)
{
        uintmax_t numbers[3];

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                char *end;

                errno = 0;
                numbers[i] = strtoumax(value, &end, 10);
                if (errno != 0 || end == value || *end != (i < 2 ? ':' : '\0'))
                        return -EBADMSG;
                value = end + 1;
        }
        if (numbers[0] >= RLIM_NLIMITS)
                return -EBADMSG;

        p->limits[numbers[0]] =
                (PlanLimit){ .set = true, .value = { .rlim_cur = numbers[1], .rlim_max = numbers[2] } };
        return 0;
}

static int parse_flag(const char *value, const char *yes, const char *no, bool *ret)
{
        bool is_yes = strcmp(value, yes) == 0;

        if (!is_yes && strcmp(value, no) != 0)
                return -EBADMSG;
        *ret = is_yes;
        return 0;
}

static int parse_entry(Plan *p, Lengths *n, const char *key, size_t key_length, const char *value)
{
        const struct {
                const char *key;
                const char **target;
        } texts[] = {
                { PLAN_UNIT, &p->unit },
                { PLAN_IDENT, &p->ident },
                { PLAN_USER, &p->user },
                { PLAN_GROUP, &p->group },
                { PLAN_WORKING_DIRECTORY, &p->working_directory },
                { PLAN_CREDENTIALS, &p->credentials },
        };

#define IS(name) (key_length == sizeof(name) - 1 && memcmp(key, name, key_length) == 0)
        if (IS(PLAN_ENVIRONMENT))
                return append(p->environment, &p->n_environment, value);
        if (IS(PLAN_ARGUMENT))
                return append(p->arguments, &n->arguments, value);
        if (IS(PLAN_SUPPLEMENTARY_GROUP))
                return append(p->supplementary_groups, &n->groups, value);
        if (IS(PLAN_RLIMIT))
                return parse_limit(p, value);
        if (IS(PLAN_UMASK))
                return parse_mode(value, &p->umask);
        if (IS(PLAN_NO_NEW_PRIVILEGES))
                return parse_flag(value, "1", "0", &p->no_new_privileges);
        if (IS(PLAN_OUTPUT))
                return parse_flag(value, "journal", "null", &p->journal);
#undef IS

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (key_length == strlen(texts[i].key) && memcmp(key, texts[i].key, key_length) == 0) {
                        *texts[i].target = value;
                        return 0;
                }
        return -EBADMSG;
}

static size_t count_entries(const char *text, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < size; i++)
                if (!text[i])
                        n++;
        return n;
}

static int parse_entries(const char *text, size_t size, Plan *p, const char **ret_wrong)
{
        Lengths lengths = { 0 };

        for (const char *entry = text; entry < text + size; entry += strlen(entry) + 1) {
                const char *equals = strchr(entry, '=');

                if (!equals || parse_entry(p, &lengths, entry, (size_t)(equals - entry), equals + 1) < 0) {
                        *ret_wrong = entry;
                        return -EBADMSG;
                }
        }
        return p->unit && p->ident && p->working_directory && lengths.arguments > 0 ? 0 : -EBADMSG;
}

int plan_parse(const char *text, size_t size, Plan *ret, const char **ret_wrong)
{
        _cleanup_free_ const char **groups = NULL, **arguments = NULL, **environment = NULL;
        size_t n = count_entries(text, size);
        Plan p = { .umask = 0022 };
        int r;

        *ret_wrong = NULL;
        if (size == 0 || text[size - 1])
                return -EBADMSG;

        p.supplementary_groups = groups = calloc(n + 1, sizeof(char *));
        p.arguments = arguments = calloc(n + 1, sizeof(char *));
        p.environment = environment = calloc(n + PLAN_ENVIRONMENT_SPARE + 1, sizeof(char *));
        if (!groups || !arguments || !environment)
                return -ENOMEM;

        r = parse_entries(text, size, &p, ret_wrong);
        if (r < 0)
                return r;

        groups = arguments = environment = NULL;
        *ret = p;
        return 0;
}

bool plan_has_variable(const Plan *plan, const char *name, size_t length)
{
        for (size_t i = 0; i < plan->n_environment; i++)
                if (strncmp(plan->environment[i], name, length) == 0 && plan->environment[i][length] == '=')
                        return true;
        return false;
}

void plan_add_variable(Plan *plan, const char *assignment)
{
        (void)append(plan->environment, &plan->n_environment, assignment);
}

void plan_done(Plan *plan)
{
        free(plan->supplementary_groups);
        free(plan->arguments);
        free(plan->environment);
        *plan = (Plan){ 0 };
}
