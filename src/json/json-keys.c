/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-keys.h"

#include <assert.h>
#include <string.h>

static JsonKey *key_at(const JsonKeys *l, size_t i)
{
        return &g_array_index(l->keys, JsonKey, i);
}

static void key_done(void *p)
{
        JsonKey *key = p;

        if (key->text != key->source)
                g_free((char *)key->text);
}

JsonKeys json_keys_new(void)
{
        JsonKeys l = { .keys = g_array_new(false, false, sizeof(JsonKey)) };

        g_array_set_clear_func(l.keys, key_done);
        return l;
}

void json_keys_done(JsonKeys *l)
{
        g_array_unref(l->keys);
        l->keys = NULL;
}

size_t json_keys_mark(const JsonKeys *l)
{
        return l->keys->len;
}

static unsigned read_hex4(const char *p)
{
        unsigned value = 0;

        for (size_t i = 0; i < 4; i++)
                value = value << 4 | (unsigned)g_ascii_xdigit_value(p[i]);
        return value;
}

/* The character behind "\u", which *p is moved over; both halves of a pair are known to be there. */
static gunichar read_unicode_escape(const char **p)
{
        gunichar c = read_hex4(*p);

        *p += 4;
        if (c >= 0xd800 && c <= 0xdbff) {
                gunichar low = read_hex4(*p + strlen("\\u"));

                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                *p += strlen("\\uXXXX");
        }
        return c;
}

static char simple_escape(char c)
{
        static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
        const char *found = strchr(letters, c);

        return found ? meanings[found - letters] : c;
}

/* The decoded text is never longer than its source. */
static char *decode_escapes(const char *source, size_t size, size_t *ret_size)
{
        char *decoded = g_malloc(size + 1), *out = decoded;

        for (const char *p = source; p < source + size;) {
                if (*p != '\\') {
                        *out++ = *p++;
                        continue;
                }

                p++;
                if (*p == 'u') {
                        p++;
                        out += g_unichar_to_utf8(read_unicode_escape(&p), out);
                } else
                        *out++ = simple_escape(*p++);
        }

        *out = '\0';
        *ret_size = (size_t)(out - decoded);
        return decoded;
}

int json_keys_add(JsonKeys *l, const char *source, size_t source_size, bool has_escapes)
{
        JsonKey key = { .text = source, .size = source_size, .source = source, .source_size = source_size };

        if (has_escapes)
                key.text = decode_escapes(source, source_size, &key.size);
        g_array_append_val(l->keys, key);

        return memchr(key.text, '\0', key.size) ? -EINVAL : 0;
}

static int compare_texts(const JsonKey *a, const JsonKey *b)
{
        int r = memcmp(a->text, b->text, MIN(a->size, b->size));

        return r != 0 ? r : (a->size > b->size) - (a->size < b->size);
}

/* Equal keys in the order in which they were given. */
static int compare_keys(const void *x, const void *y)
{
        const JsonKey *a = x, *b = y;
        int r = compare_texts(a, b);

        return r != 0 ? r : (a->source > b->source) - (a->source < b->source);
}

const JsonKey *json_keys_find_duplicate(JsonKeys *l, size_t mark)
{
        size_t n = l->keys->len - mark;
        const JsonKey *first = NULL;

        if (n < 2)
                return NULL;

        qsort(key_at(l, mark), n, sizeof(JsonKey), compare_keys);

        for (size_t i = mark + 1; i < l->keys->len; i++) {
                const JsonKey *key = key_at(l, i);

                if (compare_texts(key - 1, key) == 0 && (!first || key->source < first->source))
                        first = key;
        }

        return first;
}

const JsonKey *json_keys_last(const JsonKeys *l)
{
        assert(l->keys->len > 0);

        return key_at(l, l->keys->len - 1);
}

void json_keys_cut(JsonKeys *l, size_t mark)
{
        g_array_set_size(l->keys, (unsigned)mark);
}
