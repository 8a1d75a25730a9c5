/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-scan.h"

#include <string.h>

#include "json-keys.h"
#include "json-token.h"

/* Of a key, in messages. */
#define KEY_SHOWN_MAX 64u

/* Where in the tree the scan is: one for each open object or array, on the stack. */
typedef struct Place {
        const struct Place *parent; /* NULL: the outermost */
        const char *key; /* as in the source, not terminated; NULL: in an array */
        size_t key_size;
        size_t index;
} Place;

typedef struct Scan {
        JsonCursor cursor;
        unsigned depth_left;
        const Place *place; /* NULL outside of all objects and arrays */
        JsonKeys keys;
        JsonKeep *keep;
} Scan;

static int scan_value(Scan *s);

static bool is_plain_key(const char *key, size_t size)
{
        for (size_t i = 0; i < size; i++)
                if (!g_ascii_isalnum(key[i]) && key[i] != '_')
                        return false;
        return size > 0;
}

static void append_key(GString *path, const char *key, size_t size)
{
        size_t shown = size;

        if (is_plain_key(key, size) && size <= KEY_SHOWN_MAX) {
                g_string_append_c(path, '.');
                g_string_append_len(path, key, (ssize_t)size);
                return;
        }

        if (size > KEY_SHOWN_MAX)
                for (shown = KEY_SHOWN_MAX; ((unsigned char)key[shown] & 0xc0) == 0x80;)
                        shown--;

        g_string_append(path, "[\"");
        g_string_append_len(path, key, (ssize_t)shown);
        g_string_append(path, shown < size ? "...\"]" : "\"]");
}

static void append_place(GString *path, const Place *place)
{
        if (!place)
                return;

        append_place(path, place->parent);
        if (place->key)
                append_key(path, place->key, place->key_size);
        else
                g_string_append_printf(path, "[%zu]", place->index);
}

static int refuse_key(Scan *s, const JsonKey *key, const char *problem)
{
        Place place = { .parent = s->place->parent, .key = key->source, .key_size = key->source_size };
        g_autoptr(GString) path = g_string_new("$");

        append_place(path, &place);
        return fault_set(
                s->cursor.fault, FAULT_INVALID_SPEC, "%s: %s: %s", s->cursor.what, path->str, problem);
}

static bool is_kept(const Scan *s, const JsonKey *key)
{
        if (!s->keep || s->place->parent)
                return false;

        for (const char *const *m = s->keep->members; *m; m++)
                if (strlen(*m) == key->size && memcmp(*m, key->text, key->size) == 0)
                        return true;
        return false;
}

static void keep_value(JsonKeep *keep, const char *start, const char *end)
{
        if (*start == '{')
                g_string_append(keep->text, "{}");
        else if (*start == '[')
                g_string_append(keep->text, "[]");
        else
                g_string_append_len(keep->text, start, end - start);
}

static void keep_member(JsonKeep *keep, const JsonKey *key, const char *start, const char *end)
{
        if (keep->text->len > strlen("{"))
                g_string_append_c(keep->text, ',');
        g_string_append_printf(keep->text, "\"%.*s\":", (int)key->source_size, key->source);
        keep_value(keep, start, end);
}

static int scan_member(Scan *s, Place *place)
{
        const char *start;
        bool escapes;
        JsonKey key;
        int r;

        if (json_peek(&s->cursor) != '"')
                return json_refuse(&s->cursor, s->cursor.p, "expected a key in double quotes");

        start = s->cursor.p + 1;
        r = json_scan_string(&s->cursor, &escapes);
        if (r < 0)
                return r;
        if (json_keys_add(&s->keys, start, (size_t)(s->cursor.p - 1 - start), escapes) < 0)
                return refuse_key(s, json_keys_last(&s->keys), "a key with a NUL in it");

        /* A copy: the list grows below. */
        key = *json_keys_last(&s->keys);
        place->key = key.source;
        place->key_size = key.source_size;

        if (!json_accept(&s->cursor, ':'))
                return json_refuse(&s->cursor, s->cursor.p, "expected ':'");
        json_skip_space(&s->cursor);
        start = s->cursor.p;
        r = scan_value(s);
        if (r < 0)
                return r;

        if (is_kept(s, &key))
                keep_member(s->keep, &key, start, s->cursor.p);
        return 0;
}

static int scan_object(Scan *s)
{
        Place place = { .parent = s->place };
        size_t mark = json_keys_mark(&s->keys);
        const JsonKey *duplicate;
        int r;

        s->cursor.p++;
        if (json_accept(&s->cursor, '}'))
                return 0;

        s->place = &place;
        do {
                r = scan_member(s, &place);
                if (r < 0)
                        return r;
        } while (json_accept(&s->cursor, ','));

        if (!json_accept(&s->cursor, '}'))
                return json_refuse(&s->cursor, s->cursor.p, "expected ',' or '}'");

        duplicate = json_keys_find_duplicate(&s->keys, mark);
        if (duplicate)
                return refuse_key(s, duplicate, "duplicate key");

        json_keys_cut(&s->keys, mark);
        s->place = place.parent;
        return 0;
}

static int scan_array(Scan *s)
{
        Place place = { .parent = s->place };
        int r;

        s->cursor.p++;
        if (json_accept(&s->cursor, ']'))
                return 0;

        s->place = &place;
        do {
                r = scan_value(s);
                if (r < 0)
                        return r;
                place.index++;
        } while (json_accept(&s->cursor, ','));

        if (!json_accept(&s->cursor, ']'))
                return json_refuse(&s->cursor, s->cursor.p, "expected ',' or ']'");

        s->place = place.parent;
        return 0;
}

static int scan_container(Scan *s)
{
        int r;

        if (s->depth_left == 0)
                return json_refuse(&s->cursor, s->cursor.p, "nested too deeply");

        s->depth_left--;
        r = *s->cursor.p == '{' ? scan_object(s) : scan_array(s);
        s->depth_left++;
        return r;
}

static int scan_value(Scan *s)
{
        bool escapes;

        switch (json_peek(&s->cursor)) {
        case '{':
        case '[':
                return scan_container(s);
        case '"':
                return json_scan_string(&s->cursor, &escapes);
        case 't':
                return json_scan_word(&s->cursor, "true");
        case 'f':
                return json_scan_word(&s->cursor, "false");
        case 'n':
                return json_scan_word(&s->cursor, "null");
        case '-':
        case '0' ... '9':
                return json_scan_number(&s->cursor);
        default:
                return json_refuse(&s->cursor, s->cursor.p,
                        s->cursor.p == s->cursor.end ? "expected a value, the text ends here"
                                                     : "expected a value");
        }
}

/* The outermost value, and nothing behind it. */
static int scan_text(Scan *s)
{
        const char *start;
        int r;

        json_skip_space(&s->cursor);
        start = s->cursor.p;
        if (s->keep && start < s->cursor.end && *start == '{')
                g_string_append_c(s->keep->text, '{');

        r = scan_value(s);
        if (r < 0)
                return r;

        if (s->keep && *start == '{')
                g_string_append_c(s->keep->text, '}');
        else if (s->keep)
                keep_value(s->keep, start, s->cursor.p);

        json_skip_space(&s->cursor);
        if (s->cursor.p != s->cursor.end)
                return json_refuse(&s->cursor, s->cursor.p, "something follows the end of the value");
        return 0;
}

int json_scan(const char *what, const char *text, size_t size, unsigned depth, JsonKeep *keep, Fault *fault)
{
        Scan s = {
                .cursor = { .what = what, .text = text, .p = text, .end = text + size, .fault = fault },
                .depth_left = depth,
                .keys = json_keys_new(),
                .keep = keep,
        };
        int r;

        r = scan_text(&s);
        json_keys_done(&s.keys);
        return r;
}
