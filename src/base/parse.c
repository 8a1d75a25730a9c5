/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse.h"

#include <signal.h>
#include <string.h>
#include <strings.h>

#define FRACTION_DIGITS_MAX 9u

/* A decimal number in front of a text: "12", "1.5". The fraction is fraction / divisor. */
typedef struct Decimal {
        uint64_t whole;
        uint64_t fraction;
        uint64_t divisor; /* a power of ten */
        unsigned n_digits; /* of the fraction */
} Decimal;

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

/* Moves *p behind the digits, also when they are too many. */
static int read_whole(const char **p, uint64_t *ret)
{
        uint64_t value = 0;
        bool overflow = false;

        if (!is_digit(**p))
                return -EINVAL;

        for (; is_digit(**p); (*p)++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                        __builtin_add_overflow(value, (uint64_t)(**p - '0'), &value))
                        overflow = true;

        *ret = overflow ? UINT64_MAX : value;
        return overflow ? -ERANGE : 0;
}

/* Moves *p behind the number. What is finer than a billionth is dropped. */
static int read_decimal(const char **p, Decimal *ret)
{
        Decimal d = { .divisor = 1 };
        int r;

        r = read_whole(p, &d.whole);
        if (r < 0)
                return r;

        if (**p == '.') {
                (*p)++;
                if (!is_digit(**p))
                        return -EINVAL;

                for (; is_digit(**p); (*p)++) {
                        d.n_digits++;
                        if (d.n_digits > FRACTION_DIGITS_MAX)
                                continue;
                        d.fraction = d.fraction * 10 + (uint64_t)(**p - '0');
                        d.divisor *= 10;
                }
        }

        *ret = d;
        return 0;
}

/* d * unit, rounded down. */
static int decimal_times(const Decimal *d, uint64_t unit, uint64_t *ret)
{
        uint64_t value, part;

        /* In two steps, neither of which can overflow: fraction < divisor <= 10^9. */
        part = unit / d->divisor * d->fraction + unit % d->divisor * d->fraction / d->divisor;

        if (__builtin_mul_overflow(d->whole, unit, &value) || __builtin_add_overflow(value, part, &value))
                return -ERANGE;

        *ret = value;
        return 0;
}

int parse_uint64(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
        const char *p = text;
        uint64_t value;
        int r;

        r = read_whole(&p, &value);
        if (r == -EINVAL || *p)
                return -EINVAL;
        if (r < 0 || value < min || value > max)
                return -ERANGE;

        *ret = value;
        return 0;
}

int parse_uint(const char *text, unsigned min, unsigned max, unsigned *ret)
{
        uint64_t value;
        int r;

        r = parse_uint64(text, min, max, &value);
        if (r < 0)
                return r;

        *ret = (unsigned)value;
        return 0;
}

int parse_boolean(const char *text, bool *ret)
{
        static const char *const yes[] = { "1", "yes", "y", "true", "t", "on" };
        static const char *const no[] = { "0", "no", "n", "false", "f", "off" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                if (strcasecmp(text, yes[i]) == 0) {
                        *ret = true;
                        return 0;
                }

        for (size_t i = 0; i < ELEMENTSOF(no); i++)
                if (strcasecmp(text, no[i]) == 0) {
                        *ret = false;
                        return 0;
                }

        return -EINVAL;
}

#define MINUTE (60 * USEC_PER_SEC)
#define DAY (24 * 60 * MINUTE)
/* systemd's: 30.44 and 365.25 days. */
#define MONTH (UINT64_C(2629800) * USEC_PER_SEC)
#define YEAR (UINT64_C(31557600) * USEC_PER_SEC)

/* The unit that begins at *p, moved behind it; seconds when a number stands alone. 0: no such unit. */
static uint64_t read_time_unit(const char **p)
{
        static const struct {
                const char *names; /* between spaces */
                uint64_t usec;
        } units[] = {
                { " us usec \xc2\xb5s \xce\xbcs ", 1 },
                { " ms msec ", USEC_PER_MSEC },
                { " s sec second seconds ", USEC_PER_SEC },
                { " m min minute minutes ", MINUTE },
                { " h hr hour hours ", 60 * MINUTE },
                { " d day days ", DAY },
                { " w week weeks ", 7 * DAY },
                { " M month months ", MONTH },
                { " y year years ", YEAR },
        };
        size_t n = strcspn(*p, " \t0123456789.");
        char name[sizeof(" seconds ")];

        if (n == 0)
                return USEC_PER_SEC;
        if (n > sizeof(name) - 3)
                return 0;

        snprintf(name, sizeof(name), " %.*s ", (int)n, *p);
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (strstr(units[i].names, name)) {
                        *p += n;
                        return units[i].usec;
                }

        return 0;
}

int parse_sec(const char *text, uint64_t *ret_usec)
{
        const char *p = text + strspn(text, " \t");
        uint64_t sum = 0;
        bool overflow = false;

        if (strcmp(p, "infinity") == 0) {
                *ret_usec = USEC_INFINITY;
                return 0;
        }

        do {
                uint64_t unit, part = 0;
                Decimal d;
                int r;

                r = read_decimal(&p, &d);
                if (r < 0)
                        return r;

                p += strspn(p, " \t");
                unit = read_time_unit(&p);
                if (unit == 0)
                        return -EINVAL;
                p += strspn(p, " \t");

                if (decimal_times(&d, unit, &part) < 0 || __builtin_add_overflow(sum, part, &sum))
                        overflow = true;
        } while (*p);

        /* The highest value means infinity and must be written so. */
        if (overflow || sum == USEC_INFINITY)
                return -ERANGE;

        *ret_usec = sum;
        return 0;
}

static int parse_size_of(const char *text, uint64_t base, uint64_t *ret)
{
        static const char suffixes[] = "BKMGTPE";
        const char *p = text, *suffix;
        uint64_t unit = 1, value;
        Decimal d;
        int r;

        if (strcmp(text, "infinity") == 0) {
                *ret = UINT64_MAX;
                return 0;
        }

        r = read_decimal(&p, &d);
        if (r < 0)
                return r;

        suffix = strchr(suffixes, *p ? *p : 'B');
        if (!suffix || (*p && p[1]))
                return -EINVAL;
        for (const char *s = suffixes; s < suffix; s++)
                unit *= base;

        r = decimal_times(&d, unit, &value);
        if (r < 0)
                return r;
        if (value == UINT64_MAX)
                return -ERANGE;

        *ret = value;
        return 0;
}

int parse_size(const char *text, uint64_t *ret)
{
        return parse_size_of(text, 1024, ret);
}

int parse_size_si(const char *text, uint64_t *ret)
{
        return parse_size_of(text, 1000, ret);
}

int parse_permyriad(const char *text, uint64_t *ret)
{
        const char *p = text;
        uint64_t value;
        Decimal d;
        int r;

        r = read_decimal(&p, &d);
        if (r < 0)
                return r;
        if (strcmp(p, "%") != 0 || d.n_digits > 2)
                return -EINVAL;

        r = decimal_times(&d, 100, &value);
        if (r < 0)
                return r;

        *ret = value;
        return 0;
}

int parse_mode(const char *text, mode_t *ret)
{
        unsigned value = 0;
        const char *p;

        for (p = text; *p >= '0' && *p <= '7'; p++) {
                value = value * 8 + (unsigned)(*p - '0');
                if (value > 07777)
                        return -ERANGE;
        }
        if (p == text || *p)
                return -EINVAL;

        *ret = (mode_t)value;
        return 0;
}

int parse_signal(const char *text, int *ret)
{
        const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
        unsigned number;
        int r;

        if (is_digit(text[0])) {
                r = parse_uint(text, 1, (unsigned)SIGRTMAX, &number);
                if (r < 0)
                        return r;
                *ret = (int)number;
                return 0;
        }

        if (strncmp(name, "RTMIN+", 6) == 0) {
                r = parse_uint(name + 6, 0, (unsigned)(SIGRTMAX - SIGRTMIN), &number);
                if (r < 0)
                        return r;
                *ret = SIGRTMIN + (int)number;
                return 0;
        }

        for (int i = 1; i < SIGRTMIN; i++) {
                const char *known = sigabbrev_np(i);

                if (known && strcmp(known, name) == 0) {
                        *ret = i;
                        return 0;
                }
        }

        return -EINVAL;
}
