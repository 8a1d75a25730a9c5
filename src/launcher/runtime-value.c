/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime-value.h"

#include <pwd.h>
#include <string.h>

#include "parse.h"
#include "proto/launcher.h"
#include "strv.h"

#define SERVICE_USER "agenthost"

#define NAME_BYTES_MAX 255u

/* What RLIMIT_NICE counts: 20 - nice. */
#define NICE_CEILING 20

typedef int (*ParseLimit)(const char *text, rlim_t *ret);

static int parse_limit_bytes(const char *text, rlim_t *ret)
{
        uint64_t value;
        int r;

        r = parse_size(text, &value);
        if (r < 0)
                return r;

        *ret = value;
        return 0;
}

static int parse_limit_count(const char *text, rlim_t *ret)
{
        uint64_t value;
        int r;

        r = parse_uint64(text, 0, UINT64_MAX - 1, &value);
        if (r < 0)
                return r;

        *ret = value;
        return 0;
}

/* In whole seconds, rounded up. */
static int parse_limit_seconds(const char *text, rlim_t *ret)
{
        uint64_t usec;
        int r;

        r = parse_sec(text, &usec);
        if (r < 0)
                return r;

        *ret = usec / USEC_PER_SEC + (usec % USEC_PER_SEC > 0);
        return 0;
}

/* In microseconds, which a bare number is in. */
static int parse_limit_usec(const char *text, rlim_t *ret)
{
        uint64_t usec;
        int r;

        if (parse_limit_count(text, ret) >= 0)
                return 0;

        r = parse_sec(text, &usec);
        if (r < 0)
                return r;

        *ret = usec;
        return 0;
}

/* "+5", "-5": a nice level; "15": the raw value, 1 to 40. */
static int parse_limit_nice(const char *text, rlim_t *ret)
{
        unsigned value;
        int r;

        if (text[0] == '+' || text[0] == '-') {
                bool negative = text[0] == '-';

                r = parse_uint(text + 1, 0, negative ? 20 : 19, &value);
                if (r < 0)
                        return r;
                *ret = negative ? NICE_CEILING + value : NICE_CEILING - value;
                return 0;
        }

        r = parse_uint(text, 1, 40, &value);
        if (r < 0)
                return r;

        *ret = value;
        return 0;
}

static const struct {
        const char *key;
        int resource;
        ParseLimit parse;
        const char *expected;
} limits[] = {
        { "LimitCPU", RLIMIT_CPU, parse_limit_seconds, "a time" },
        { "LimitFSIZE", RLIMIT_FSIZE, parse_limit_bytes, "bytes" },
        { "LimitDATA", RLIMIT_DATA, parse_limit_bytes, "bytes" },
        { "LimitSTACK", RLIMIT_STACK, parse_limit_bytes, "bytes" },
        { "LimitCORE", RLIMIT_CORE, parse_limit_bytes, "bytes" },
        { "LimitRSS", RLIMIT_RSS, parse_limit_bytes, "bytes" },
        { "LimitNOFILE", RLIMIT_NOFILE, parse_limit_count, "a number" },
        { "LimitAS", RLIMIT_AS, parse_limit_bytes, "bytes" },
        { "LimitNPROC", RLIMIT_NPROC, parse_limit_count, "a number" },
        { "LimitMEMLOCK", RLIMIT_MEMLOCK, parse_limit_bytes, "bytes" },
        { "LimitLOCKS", RLIMIT_LOCKS, parse_limit_count, "a number" },
        { "LimitSIGPENDING", RLIMIT_SIGPENDING, parse_limit_count, "a number" },
        { "LimitMSGQUEUE", RLIMIT_MSGQUEUE, parse_limit_bytes, "bytes" },
        { "LimitNICE", RLIMIT_NICE, parse_limit_nice, "a nice level with its sign, or 1 to 40" },
        { "LimitRTPRIO", RLIMIT_RTPRIO, parse_limit_count, "a number" },
        { "LimitRTTIME", RLIMIT_RTTIME, parse_limit_usec, "a time" },
};

int limit_resource(const char *key)
{
        for (size_t i = 0; i < ELEMENTSOF(limits); i++)
                if (strcmp(limits[i].key, key) == 0)
                        return limits[i].resource;
        return -ENOENT;
}

static int parse_one_limit(ParseLimit parse, const char *text, rlim_t *ret)
{
        if (strcmp(text, "infinity") == 0) {
                *ret = RLIM_INFINITY;
                return 0;
        }

        return parse(text, ret);
}

int limit_parse(const char *key, const char *value, RuntimeLimit *ret, Fault *fault)
{
        RuntimeLimit limit = { .set = true };
        _cleanup_free_ char *copy = strdup(value);
        char *colon, *hard;
        size_t i = 0;

        if (!copy)
                return -ENOMEM;

        while (i < ELEMENTSOF(limits) && strcmp(limits[i].key, key) != 0)
                i++;
        if (i == ELEMENTSOF(limits))
                return fault_set(fault, FAULT_INVALID_ARGS, "Unknown limit %s=", key);

        colon = strchr(copy, ':');
        hard = copy;
        if (colon) {
                *colon = '\0';
                hard = colon + 1;
        }

        if (parse_one_limit(limits[i].parse, copy, &limit.value.rlim_cur) < 0 ||
                parse_one_limit(limits[i].parse, hard, &limit.value.rlim_max) < 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "%s=%s: expected %s or infinity, or SOFT:HARD",
                        key, value, limits[i].expected);
        if (limit.value.rlim_cur > limit.value.rlim_max)
                return fault_set(fault, FAULT_INVALID_ARGS, "%s=%s: the soft limit is above the hard one",
                        key, value);

        *ret = limit;
        return 0;
}

bool user_name_is_valid(const char *name)
{
        uint64_t number;
        size_t n = strlen(name);

        /* 65535 and 4294967295 mean "none" to the kernel. */
        if (name[0] >= '0' && name[0] <= '9')
                return parse_uint64(name, 0, UINT32_MAX - 1, &number) >= 0 && number != UINT16_MAX;

        if (n == 0 || n > NAME_BYTES_MAX || strchr("-+~.", name[0]))
                return false;

        for (const char *p = name; *p; p++)
                if ((unsigned char)*p <= ' ' || strchr(":/,\"\177", *p))
                        return false;
        return true;
}

bool user_is_service(const char *user, FILE *passwd)
{
        char buffer[4096];
        struct passwd entry, *found;
        uint64_t uid, service_uid = UINT64_MAX;

        if (strcmp(user, SERVICE_USER) == 0)
                return true;

        while (fgetpwent_r(passwd, &entry, buffer, sizeof(buffer), &found) == 0)
                if (strcmp(found->pw_name, SERVICE_USER) == 0)
                        service_uid = found->pw_uid;

        if (service_uid == UINT64_MAX)
                return false;
        if (parse_uint64(user, 0, UINT32_MAX, &uid) >= 0)
                return uid == service_uid;

        rewind(passwd);
        while (fgetpwent_r(passwd, &entry, buffer, sizeof(buffer), &found) == 0)
                if (strcmp(found->pw_name, user) == 0 && found->pw_uid == service_uid)
                        return true;
        return false;
}

size_t environment_name_length(const char *assignment)
{
        static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
        static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
        size_t n;

        if (strspn(assignment, first) == 0)
                return 0;

        n = strspn(assignment, all);
        return assignment[n] == '=' ? n : 0;
}

bool environment_is_reserved(const char *assignment, size_t name_length)
{
        static const char prefix[] = "AGENTHOST_";
        static const char *const names[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                "CREDENTIALS_DIRECTORY" };

        if (strncmp(assignment, prefix, sizeof(prefix) - 1) == 0)
                return true;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strlen(names[i]) == name_length && strncmp(assignment, names[i], name_length) == 0)
                        return true;
        return false;
}

int environment_set(char ***environment, const char *assignment)
{
        size_t n = environment_name_length(assignment);
        char *copy;

        for (char **e = *environment; e && *e; e++) {
                if (strncmp(*e, assignment, n + 1) != 0)
                        continue;

                copy = strdup(assignment);
                if (!copy)
                        return -ENOMEM;
                free(*e);
                *e = copy;
                return 0;
        }

        return strv_extend(environment, assignment);
}

static const char *known_specifier(const char *name, size_t length, void *userdata)
{
        static const char *const names[] = { "a", "g" };
        static const char *const texts[AGENT_TEXT_COUNT] = AGENT_TEXT_NAMES;

        (void)userdata;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (length == strlen(names[i]) && strncmp(names[i], name, length) == 0)
                        return "";
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (length == strlen(texts[i]) && strncmp(texts[i], name, length) == 0)
                        return "";
        return NULL;
}

static const char *no_specifier(const char *name, size_t length, void *userdata)
{
        (void)name;
        (void)length;
        (void)userdata;

        return NULL;
}

static int check_specifiers(char **words, Fault *fault)
{
        for (char **w = words; *w; w++) {
                _cleanup_free_ char *expanded = NULL;
                int r;

                /* A caller chooses the ids, and must not choose the program with them. */
                r = expand_specifiers(*w, w == words ? no_specifier : known_specifier, NULL, &expanded);
                if (r == -ENOMEM)
                        return r;
                if (r < 0 && w == words)
                        return fault_set(fault, FAULT_INVALID_ARGS,
                                "Exec=: the program's path '%s' cannot hold specifiers (%%%% is a percent sign)",
                                *w);
                if (r < 0)
                        return fault_set(fault, FAULT_INVALID_ARGS,
                                "Exec=: unknown specifier in '%s' (known are %%a, %%g, %%{agent_spec}, "
                                "%%{guild_spec}, %%{messaging_config}, %%{client_properties} and %%%%)",
                                *w);
        }

        return 0;
}

int exec_parse(const char *value, char ***ret, Fault *fault)
{
        _cleanup_strv_free_ char **words = NULL;
        int r;

        r = split_words(value, &words);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "Exec=: a quote is not closed, or a backslash begins no known escape");

        if (!words[0] || words[0][0] != '/')
                return fault_set(fault, FAULT_INVALID_ARGS, "Exec=: '%s' is not an absolute path",
                        words[0] ? words[0] : "");

        r = check_specifiers(words, fault);
        if (r < 0)
                return r;

        *ret = steal_ptr(words);
        return 0;
}
