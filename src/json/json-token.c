/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-token.h"

#include <glib.h>
#include <string.h>

#include "escape.h"

/* Columns are counted in characters, as editors show them. */
int json_refuse(JsonCursor *c, const char *at, const char *problem)
{
        size_t line = 1, column = 1;

        for (const char *p = c->text; p < at; p++) {
                if (*p == '\n') {
                        line++;
                        column = 1;
                } else if (((unsigned char)*p & 0xc0) != 0x80)
                        column++;
        }

        return fault_set(
                c->fault, FAULT_INVALID_SPEC, "%s: line %zu column %zu: %s", c->what, line, column, problem);
}

void json_skip_space(JsonCursor *c)
{
        while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t' || *c->p == '\r'))
                c->p++;
}

char json_peek(JsonCursor *c)
{
        json_skip_space(c);
        return c->p < c->end ? *c->p : '\0';
}

bool json_accept(JsonCursor *c, char sign)
{
        if (json_peek(c) != sign)
                return false;

        c->p++;
        return true;
}

int json_scan_word(JsonCursor *c, const char *word)
{
        size_t n = strlen(word);

        if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
                return json_refuse(c, c->p, "expected a value");

        c->p += n;
        return 0;
}

static size_t skip_digits(JsonCursor *c)
{
        const char *start = c->p;

        while (c->p < c->end && g_ascii_isdigit(*c->p))
                c->p++;
        return (size_t)(c->p - start);
}

int json_scan_number(JsonCursor *c)
{
        const char *start = c->p, *digits;
        bool ok;

        if (*c->p == '-')
                c->p++;
        digits = c->p;
        ok = skip_digits(c) > 0 && (*digits != '0' || c->p == digits + 1);

        if (c->p < c->end && *c->p == '.') {
                c->p++;
                ok = skip_digits(c) > 0 && ok;
        }
        if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
                c->p++;
                if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
                        c->p++;
                ok = skip_digits(c) > 0 && ok;
        }

        return ok ? 0 : json_refuse(c, start, "not a number as JSON writes them");
}

/* The four digits behind "\u". */
static int scan_hex4(JsonCursor *c, unsigned *ret)
{
        unsigned value = 0;

        for (size_t i = 0; i < 4; i++, c->p++) {
                if (c->p == c->end || !g_ascii_isxdigit(*c->p))
                        return json_refuse(c, c->p, "expected four hexadecimal digits");
                value = value << 4 | (unsigned)g_ascii_xdigit_value(*c->p);
        }

        *ret = value;
        return 0;
}

/* Behind "\u": one escape, or two that make one character. */
static int scan_unicode_escape(JsonCursor *c)
{
        const char *start = c->p - strlen("\\u");
        unsigned high = 0, low = 0;
        int r;

        r = scan_hex4(c, &high);
        if (r < 0)
                return r;
        if (high < 0xd800 || high > 0xdfff)
                return 0;

        if (high <= 0xdbff && c->end - c->p >= 2 && memcmp(c->p, "\\u", 2) == 0) {
                c->p += strlen("\\u");
                r = scan_hex4(c, &low);
                if (r < 0)
                        return r;
        }
        if (low < 0xdc00 || low > 0xdfff)
                return json_refuse(c, start, "half of a surrogate pair is no character");
        return 0;
}

/* From the backslash on. */
static int scan_escape(JsonCursor *c)
{
        const char *start = c->p++;

        if (c->p == c->end || *c->p == '\0' || !strchr("\"\\/bfnrtu", *c->p))
                return json_refuse(c, start, "no such escape in JSON");

        return *c->p++ == 'u' ? scan_unicode_escape(c) : 0;
}

int json_scan_string(JsonCursor *c, bool *ret_escapes)
{
        const char *start = ++c->p;
        bool escapes = false;
        int r;

        for (;;) {
                if (c->p == c->end)
                        return json_refuse(c, start - 1, "this text does not end");
                if (*c->p == '"')
                        break;
                if ((unsigned char)*c->p < ' ')
                        return json_refuse(c, c->p, "control characters in a text must be escaped");
                if (*c->p != '\\') {
                        c->p++;
                        continue;
                }

                escapes = true;
                r = scan_escape(c);
                if (r < 0)
                        return r;
        }

        if (!utf8_is_valid(start, (size_t)(c->p - start)))
                return json_refuse(c, start - 1, "this text is not valid UTF-8");

        c->p++;
        *ret_escapes = escapes;
        return 0;
}
