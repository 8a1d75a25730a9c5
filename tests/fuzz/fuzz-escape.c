/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ids and the names made of them: of the first half of the bytes one, of the second another. A name belongs
 * to one id, is short enough for systemd, and is recognised. */

#include <string.h>

#include <glib.h>

#include "escape.h"
#include "fuzz.h"
#include "proto/names.h"

#define UNIT_NAME_MAX 255u

/* NULL: it was cut. */
static char *unescape(const char *escaped)
{
        g_autoptr(GString) id = g_string_new(NULL);

        if (strchr(escaped, ':'))
                return NULL;
        for (const char *p = escaped; *p;) {
                if (*p != '\\') {
                        g_string_append_c(id, *p++);
                        continue;
                }
                g_string_append_c(id, (char)(g_ascii_xdigit_value(p[2]) * 16 + g_ascii_xdigit_value(p[3])));
                p += 4;
        }
        return g_string_free(g_steal_pointer(&id), false);
}

static void check_unit_name(const char *id)
{
        _cleanup_free_ char *unit = NULL, *slice = NULL, *escaped = NULL;
        g_autofree char *back = NULL;

        fuzz_must(agent_unit_name(id, &unit), "unit name");
        fuzz_must(guild_slice_name(id, &slice), "slice name");
        fuzz_must(unit_escape(id, &escaped), "escaping");
        fuzz_expect(
                strlen(unit) <= UNIT_NAME_MAX && strlen(slice) <= UNIT_NAME_MAX, "a name is short enough");
        fuzz_expect(agent_unit_is_valid(unit), "a unit of ours is recognised");
        fuzz_expect(!agent_unit_is_valid(slice), "a slice is no agent");
        fuzz_expect(!strchr(escaped, '-') && !strchr(escaped, '/'), "a name nests no slice");
        back = unescape(escaped);
        fuzz_expect(!back || strcmp(back, id) == 0, "a name leads back to its id");
}

static void check_bus_path(const char *id)
{
        _cleanup_free_ char *path = NULL, *back = NULL;

        fuzz_must(sd_bus_path_encode(AGENT_PATH_PREFIX, id, &path), "object path");
        fuzz_expect(sd_bus_path_decode(path, AGENT_PATH_PREFIX, &back) > 0 && strcmp(back, id) == 0,
                "a path leads back to its id");
}

static void check_two(const char *one, const char *other)
{
        _cleanup_free_ char *first = NULL, *second = NULL;

        fuzz_must(unit_escape(one, &first), "escaping");
        fuzz_must(unit_escape(other, &second), "escaping");
        fuzz_expect((strcmp(one, other) == 0) == (strcmp(first, second) == 0), "a name is of one id only");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        size_t half = size / 2;
        _cleanup_free_ char *whole = fuzz_text(data, size), *one = fuzz_text(data, half),
                            *other = fuzz_text(data + half, size - half);

        fuzz_expect(utf8_is_valid(whole, strlen(whole)) == g_utf8_validate(whole, -1, NULL),
                "what is UTF-8 is UTF-8 for others too");
        (void)agent_unit_is_valid(whole);
        if (id_is_valid(whole)) {
                fuzz_expect(fuzz_is_printable(whole), "an id can be printed");
                check_unit_name(whole);
                check_bus_path(whole);
        }
        if (id_is_valid(one) && id_is_valid(other))
                check_two(one, other);
        return 0;
}
