/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "term.h"
#include "time-util.h"

static bool is_control(gunichar c)
{
        /* Also what turns the direction of a line around, so that it seems to say something else. */
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
                (c >= 0x2066 && c <= 0x2069);
}

char *text_clean(const char *text, size_t length, bool keep_tab)
{
        GString *out = g_string_sized_new(length + 1);
        const char *end = text + length;

        for (const char *p = text; p < end;) {
                gunichar c = g_utf8_get_char_validated(p, end - p);
                const char *next = p + 1;

                /* Either is an error; a NUL comes as 0 or as an error, by the release of GLib. */
                if (c == (gunichar)-1 || c == (gunichar)-2)
                        g_string_append_printf(out, "\\x%02x", (unsigned)(unsigned char)*p);
                else {
                        next = c == 0 ? p + 1 : g_utf8_next_char(p);
                        if (is_control(c) && !(keep_tab && c == '\t'))
                                for (; p < next; p++)
                                        g_string_append_printf(out, "\\x%02x", (unsigned)(unsigned char)*p);
                        else
                                g_string_append_len(out, p, next - p);
                }
                p = next;
        }
        return g_string_free(out, false);
}

static unsigned char_width(gunichar c)
{
        if (g_unichar_iszerowidth(c))
                return 0;
        return g_unichar_iswide(c) ? 2 : 1;
}

unsigned text_width(const char *text)
{
        unsigned width = 0;

        for (const char *p = text; *p; p = g_utf8_next_char(p))
                width += char_width(g_utf8_get_char(p));
        return width;
}

char *text_fit(const char *text, unsigned width)
{
        const char *ellipsis = term_glyph(GLYPH_ELLIPSIS), *p;
        unsigned room, used = 0;

        if (text_width(text) <= width)
                return g_strdup(text);
        if (text_width(ellipsis) > width)
                ellipsis = "";

        room = width - text_width(ellipsis);
        for (p = text; *p; p = g_utf8_next_char(p)) {
                unsigned w = char_width(g_utf8_get_char(p));

                if (used + w > room)
                        break;
                used += w;
        }
        return g_strdup_printf("%.*s%s", (int)(p - text), text, ellipsis);
}

char *text_of_time(uint64_t usec)
{
        /* As systemd does it: in English wherever we are. */
        static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
        time_t seconds = (time_t)(usec / USEC_PER_SEC);
        char rest[64];
        struct tm tm;

        if (!localtime_r(&seconds, &tm) || strftime(rest, sizeof(rest), "%Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                return g_strdup("?");
        return g_strdup_printf("%s %s", days[tm.tm_wday], rest);
}

/* The two greatest units of it. */
static char *text_of_seconds(uint64_t seconds)
{
        static const struct {
                uint64_t seconds;
                const char *name;
        } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };

        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                uint64_t n = seconds / units[i].seconds, rest = seconds % units[i].seconds;

                if (n == 0)
                        continue;
                if (i + 1 < ELEMENTSOF(units) && rest >= units[i + 1].seconds)
                        return g_strdup_printf("%" PRIu64 "%s %" PRIu64 "%s", n, units[i].name,
                                rest / units[i + 1].seconds, units[i + 1].name);
                return g_strdup_printf("%" PRIu64 "%s", n, units[i].name);
        }
        return g_strdup("0s");
}

char *text_of_age(uint64_t usec, uint64_t now)
{
        bool is_to_come = usec > now;
        g_autofree char *span = text_of_seconds((is_to_come ? usec - now : now - usec) / USEC_PER_SEC);

        return is_to_come ? g_strdup_printf("in %s", span) : g_strdup_printf("%s ago", span);
}

char *text_of_size(uint64_t bytes)
{
        static const char units[] = "KMGTPE";
        size_t unit = 0;
        uint64_t whole = bytes, rest = 0;

        while (whole >= 1024 && unit < strlen(units)) {
                rest = whole % 1024;
                whole /= 1024;
                unit++;
        }
        if (unit == 0)
                return g_strdup_printf("%" PRIu64 "B", bytes);
        return g_strdup_printf("%" PRIu64 ".%" PRIu64 "%c", whole, rest * 10 / 1024, units[unit - 1]);
}

char *text_of_cpu(uint64_t nsec)
{
        uint64_t msec = nsec / 1000000;
        g_autofree char *large = NULL;

        if (msec < 1000)
                return g_strdup_printf("%" PRIu64 "ms", msec);
        if (msec < 60 * 1000)
                return g_strdup_printf("%" PRIu64 ".%03" PRIu64 "s", msec / 1000, msec % 1000);
        large = text_of_seconds(msec / 1000);
        return steal_ptr(large);
}
