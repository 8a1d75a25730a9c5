/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "parse.h"
#include "strv.h"
#include "unit-property-value.h"

/* The highest processor or memory node that a list may name. */
#define BITMAP_BITS 8192u

#define BLANKS " \t"

int unit_property_open(sd_bus_message *m, const char *name, const char *type)
{
        int r;

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r < 0)
                return r;

        r = sd_bus_message_append(m, "s", name);
        if (r < 0)
                return r;

        return sd_bus_message_open_container(m, 'v', type);
}

int unit_property_close(sd_bus_message *m)
{
        int r;

        r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

int unit_property_open_array(sd_bus_message *m, const char *name, const char *item)
{
        char type[16];
        int r;

        snprintf(type, sizeof(type), "a%s", item);
        r = unit_property_open(m, name, type);
        if (r < 0)
                return r;

        return sd_bus_message_open_container(m, 'a', item);
}

int unit_property_close_array(sd_bus_message *m)
{
        int r;

        r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;

        return unit_property_close(m);
}

/* Two words: what, and how much of it. -EINVAL when they are not two. */
static int pair_words(const char *value, char ***ret)
{
        _cleanup_strv_free_ char **words = NULL;
        int r;

        r = strv_split(value, BLANKS, &words);
        if (r < 0)
                return r;
        if (strv_length(words) != 2)
                return -EINVAL;

        *ret = steal_ptr(words);
        return 0;
}

static int append_strv(sd_bus_message *m, const char *name, char **words)
{
        int r;

        r = unit_property_open(m, name, "as");
        if (r < 0)
                return r;

        r = sd_bus_message_append_strv(m, words);
        if (r < 0)
                return r;

        return unit_property_close(m);
}

/* "3" or "0-7". */
static int set_range(uint8_t *bits, size_t *n_bytes, char *word)
{
        char *dash = strchr(word, '-');
        unsigned first, last;

        if (dash)
                *dash = '\0';
        if (parse_uint(word, 0, BITMAP_BITS - 1, &first) < 0)
                return -EINVAL;
        last = first;
        if (dash && parse_uint(dash + 1, first, BITMAP_BITS - 1, &last) < 0)
                return -EINVAL;

        for (unsigned i = first; i <= last; i++)
                bits[i / 8] |= (uint8_t)(1u << i % 8);
        if (last / 8 + 1 > *n_bytes)
                *n_bytes = last / 8 + 1;
        return 0;
}

int append_bitmap(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        _cleanup_strv_free_ char **words = NULL;
        uint8_t bits[BITMAP_BITS / 8] = { 0 };
        size_t n_bytes = 0;
        int r;

        r = strv_split(value, BLANKS ",", &words);
        if (r < 0)
                return r;

        for (char **w = words; *w; w++)
                if (set_range(bits, &n_bytes, *w) < 0)
                        return unit_property_refuse(row, value, "numbers and ranges such as 0-3,8", fault);
        if (n_bytes == 0)
                return unit_property_refuse(row, value, "numbers and ranges such as 0-3,8", fault);

        if (!m)
                return 0;

        r = unit_property_open(m, unit_property_row_name(row), "ay");
        if (r < 0)
                return r;

        r = sd_bus_message_append_array(m, 'y', bits, n_bytes);
        if (r < 0)
                return r;

        return unit_property_close(m);
}

/* Words of the row's list, under a name that need not be the row's. */
static int append_words_as(
        const UnitPropertyRow *row, const char *name, const char *value, sd_bus_message *m, Fault *fault)
{
        _cleanup_strv_free_ char **words = NULL;
        int r;

        r = strv_split(value, BLANKS, &words);
        if (r < 0)
                return r;

        for (char **w = words; *w; w++)
                if (!unit_property_has_word(row, *w))
                        return fault_set(fault, FAULT_INVALID_ARGS, "%s=%s: expected any of:%s",
                                row->setting, value, row->words);

        return m ? append_strv(m, name, words) : 0;
}

int append_words(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        return append_words_as(row, unit_property_row_name(row), value, m, fault);
}

static const char *delegate_bus_name(const char *value)
{
        bool b;

        return parse_boolean(value, &b) < 0 ? "DelegateControllers" : "Delegate";
}

int append_delegate(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        bool b;

        if (parse_boolean(value, &b) < 0)
                return append_words_as(row, delegate_bus_name(value), value, m, fault);

        return m ? sd_bus_message_append(m, "(sv)", delegate_bus_name(value), "b", b) : 0;
}

static bool is_device_pattern(const char *text)
{
        static const char *const prefixes[] = { "/dev/", "block-", "char-" };

        if (strstr(text, "/../"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
                        return text[strlen(prefixes[i])] != '\0';
        return false;
}

int append_device(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        _cleanup_strv_free_ char **words = NULL;
        const char *access;
        size_t n;
        int r;

        r = strv_split(value, BLANKS, &words);
        if (r < 0)
                return r;

        n = strv_length(words);
        access = n == 2 ? words[1] : "rwm";
        if (n < 1 || n > 2 || !is_device_pattern(words[0]) || access[strspn(access, "rwm")] != '\0')
                return unit_property_refuse(
                        row, value, "a device (/dev/NAME, block-NAME, char-NAME) and r, w, m", fault);

        return m
                ? sd_bus_message_append(m, "(sv)", unit_property_row_name(row), "a(ss)", 1, words[0], access)
                : 0;
}

typedef int (*ParseAmount)(const UnitPropertyRow *row, const char *text, uint64_t *ret);

/* A path and an amount. */
static int append_path_pair(const UnitPropertyRow *row,
        const char *value,
        ParseAmount parse,
        const char *expected,
        sd_bus_message *m,
        Fault *fault)
{
        _cleanup_strv_free_ char **words = NULL;
        uint64_t amount;
        int r;

        r = pair_words(value, &words);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || words[0][0] != '/' || parse(row, words[1], &amount) < 0)
                return unit_property_refuse(row, value, expected, fault);

        return m
                ? sd_bus_message_append(m, "(sv)", unit_property_row_name(row), "a(st)", 1, words[0], amount)
                : 0;
}

static int parse_weight(const UnitPropertyRow *row, const char *text, uint64_t *ret)
{
        return parse_uint64(text, row->min, row->max, ret);
}

static int parse_rate(const UnitPropertyRow *row, const char *text, uint64_t *ret)
{
        (void)row;

        return parse_size_si(text, ret);
}

static int parse_target(const UnitPropertyRow *row, const char *text, uint64_t *ret)
{
        (void)row;

        return parse_sec(text, ret);
}

int append_device_weight(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        return append_path_pair(row, value, parse_weight, "a path and a weight from 1 to 10000", m, fault);
}

int append_device_rate(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        return append_path_pair(
                row, value, parse_rate, "a path and a rate (suffix K, M, G, T: thousands)", m, fault);
}

int append_device_time(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        return append_path_pair(row, value, parse_target, "a path and a time", m, fault);
}
