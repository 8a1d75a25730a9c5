/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "strv.h"

#include <string.h>

#define WHITESPACE " \t\n\r"

size_t strv_length(char *const *l)
{
        size_t n = 0;

        if (l)
                while (l[n])
                        n++;
        return n;
}

void strv_free(char **l)
{
        if (!l)
                return;

        for (char **p = l; *p; p++)
                free(*p);
        free(l);
}

int strv_consume(char ***l, char *text)
{
        size_t n = strv_length(*l);
        char **grown = NULL;

        if (text)
                grown = reallocarray(*l, n + 2, sizeof(char *));
        if (!grown) {
                free(text);
                return -ENOMEM;
        }

        grown[n] = text;
        grown[n + 1] = NULL;
        *l = grown;
        return 0;
}

int strv_extend(char ***l, const char *text)
{
        return strv_consume(l, strdup(text));
}

bool strv_contains(char *const *l, const char *text)
{
        if (l)
                for (; *l; l++)
                        if (strcmp(*l, text) == 0)
                                return true;
        return false;
}

int strv_split(const char *text, const char *separators, char ***ret)
{
        _cleanup_strv_free_ char **parts = calloc(1, sizeof(char *));

        if (!parts)
                return -ENOMEM;

        for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
                size_t n = strcspn(text, separators);
                int r;

                r = strv_consume(&parts, strndup(text, n));
                if (r < 0)
                        return r;
                text += n;
        }

        *ret = steal_ptr(parts);
        return 0;
}

/* Reads exactly n digits of the base. */
static int read_digits(const char *p, size_t n, unsigned base, uint32_t *ret)
{
        uint32_t value = 0;

        for (size_t i = 0; i < n; i++) {
                unsigned digit;

                if (p[i] >= '0' && p[i] <= '9')
                        digit = (unsigned)(p[i] - '0');
                else if (p[i] >= 'a' && p[i] <= 'f')
                        digit = (unsigned)(p[i] - 'a') + 10;
                else if (p[i] >= 'A' && p[i] <= 'F')
                        digit = (unsigned)(p[i] - 'A') + 10;
                else
                        return -EINVAL;

                if (digit >= base)
                        return -EINVAL;
                value = value * base + digit;
        }

        *ret = value;
        return 0;
}

static int put_utf8(uint32_t c, char **to)
{
        char *p = *to;

        if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return -EINVAL;

        if (c < 0x80)
                *p++ = (char)c;
        else if (c < 0x800) {
                *p++ = (char)(0xc0 | c >> 6);
                *p++ = (char)(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
                *p++ = (char)(0xe0 | c >> 12);
                *p++ = (char)(0x80 | (c >> 6 & 0x3f));
                *p++ = (char)(0x80 | (c & 0x3f));
        } else {
                *p++ = (char)(0xf0 | c >> 18);
                *p++ = (char)(0x80 | (c >> 12 & 0x3f));
                *p++ = (char)(0x80 | (c >> 6 & 0x3f));
                *p++ = (char)(0x80 | (c & 0x3f));
        }

        *to = p;
        return 0;
}

/* A byte written as \xNN or \NNN. */
static int put_byte(const char **from, size_t n, unsigned base, char **to)
{
        uint32_t c;

        if (read_digits(*from, n, base, &c) < 0 || c == 0 || c > UINT8_MAX)
                return -EINVAL;

        *(*to)++ = (char)c;
        *from += n;
        return 0;
}

static int put_code_point(const char **from, size_t n, char **to)
{
        uint32_t c;

        if (read_digits(*from, n, 16, &c) < 0 || put_utf8(c, to) < 0)
                return -EINVAL;

        *from += n;
        return 0;
}

/* What follows a backslash. No escape is shorter than what it stands for. */
static int unescape(const char **from, char **to)
{
        static const char letters[] = "abfnrtvs\\\"'";
        static const char meanings[] = "\a\b\f\n\r\t\v \\\"'";
        const char *found;
        char c = **from;

        if (c >= '0' && c <= '7')
                return put_byte(from, 3, 8, to);

        if (c == '\0')
                return -EINVAL;
        (*from)++;

        switch (c) {
        case 'x':
                return put_byte(from, 2, 16, to);
        case 'u':
                return put_code_point(from, 4, to);
        case 'U':
                return put_code_point(from, 8, to);
        default:
                found = strchr(letters, c);
                if (!found)
                        return -EINVAL;
                *(*to)++ = meanings[found - letters];
                return 0;
        }
}

/* Reads one word into to, which has room for all of the text. */
static int read_word(const char **from, char *to)
{
        const char *p = *from;
        char quote = 0;

        while (*p && (quote || !strchr(WHITESPACE, *p))) {
                char c = *p++;

                if (c == '\\') {
                        int r = unescape(&p, &to);

                        if (r < 0)
                                return r;
                } else if (c == quote)
                        quote = 0;
                else if (!quote && (c == '\'' || c == '"'))
                        quote = c;
                else
                        *to++ = c;
        }

        if (quote)
                return -EINVAL;

        *to = '\0';
        *from = p;
        return 0;
}

int split_words(const char *text, char ***ret)
{
        _cleanup_strv_free_ char **words = NULL;
        _cleanup_free_ char *word = malloc(strlen(text) + 1);
        int r;

        words = calloc(1, sizeof(char *));
        if (!word || !words)
                return -ENOMEM;

        for (text += strspn(text, WHITESPACE); *text; text += strspn(text, WHITESPACE)) {
                r = read_word(&text, word);
                if (r < 0)
                        return r;

                r = strv_extend(&words, word);
                if (r < 0)
                        return r;
        }

        *ret = steal_ptr(words);
        return 0;
}

/* What stands behind a percent sign: sets the borrowed replacement, moves *p behind it. */
static int read_specifier(const char **p, SpecifierLookup lookup, void *userdata, const char **ret)
{
        const char *name = *p, *end;
        size_t length = 1;

        if (*name == '\0')
                return -EINVAL;

        if (*name == '%') {
                *ret = "%";
                *p = name + 1;
                return 0;
        }

        end = name + 1;
        if (*name == '{') {
                name++;
                end = strchr(name, '}');
                if (!end)
                        return -EINVAL;
                length = (size_t)(end - name);
                end++;
        }

        *ret = lookup(name, length, userdata);
        if (!*ret)
                return -EINVAL;

        *p = end;
        return 0;
}

int expand_specifiers(const char *text, SpecifierLookup lookup, void *userdata, char **ret)
{
        _cleanup_free_ char *result = calloc(1, 1);
        size_t size = 0;

        if (!result)
                return -ENOMEM;

        for (const char *p = text; *p;) {
                size_t n = strcspn(p, "%");
                const char *piece = p;
                char *grown;
                int r;

                p += n;
                if (n == 0) {
                        p++;
                        r = read_specifier(&p, lookup, userdata, &piece);
                        if (r < 0)
                                return r;
                        n = strlen(piece);
                }

                grown = realloc(result, size + n + 1);
                if (!grown)
                        return -ENOMEM;
                result = grown;
                memcpy(result + size, piece, n);
                size += n;
                result[size] = '\0';
        }

        *ret = steal_ptr(result);
        return 0;
}
