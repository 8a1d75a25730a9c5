/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "term.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>

#include "parse.h"

#define WIDTH_DEFAULT 80u
#define WIDTH_MAX 32767u

static struct {
        bool is_tty;
        bool colours;
        bool utf8;
        unsigned width;
} term;

static bool want_colours(void)
{
        const char *systemd = getenv("SYSTEMD_COLORS"), *no = getenv("NO_COLOR"), *type = getenv("TERM");
        bool yes;

        if (systemd && *systemd) {
                /* Else it is a number of colours, or "auto-" and one. */
                if (parse_boolean(systemd, &yes) >= 0)
                        return yes;
                if (strncmp(systemd, "auto-", 5) != 0)
                        return true;
        }
        if (no && *no)
                return false;
        return term.is_tty && type && *type && strcmp(type, "dumb") != 0;
}

static unsigned find_width(void)
{
        const char *columns = getenv("COLUMNS");
        struct winsize size = { 0 };
        unsigned width;

        if (!term.is_tty)
                return 0;
        if (columns && parse_uint(columns, 1, WIDTH_MAX, &width) >= 0)
                return width;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;
        return WIDTH_DEFAULT;
}

void term_begin(void)
{
        /* Only to learn the character set: times and numbers are written as everywhere. */
        (void)setlocale(LC_CTYPE, "");
        term.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
        term.is_tty = isatty(STDOUT_FILENO);
        term.colours = want_colours();
        term.width = find_width();
}

void term_force(bool colours, bool utf8, unsigned width)
{
        term.is_tty = width > 0;
        term.colours = colours;
        term.utf8 = utf8;
        term.width = width;
}

bool term_is_tty(void)
{
        return term.is_tty;
}

unsigned term_width(void)
{
        return term.width;
}

const char *term_colour(Colour colour)
{
        static const char *const sequences[] = {
                [COLOUR_NONE] = "",
                [COLOUR_BOLD] = "\033[0;1;39m",
                [COLOUR_GREEN] = "\033[0;1;32m",
                [COLOUR_YELLOW] = "\033[0;1;33m",
                [COLOUR_RED] = "\033[0;1;31m",
                [COLOUR_BLUE] = "\033[0;1;34m",
                [COLOUR_GREY] = "\033[0;38;5;245m",
                [COLOUR_UNDERLINE] = "\033[0;4m",
        };

        return term.colours ? sequences[colour] : "";
}

const char *term_plain(void)
{
        return term.colours ? "\033[0m" : "";
}

const char *term_glyph(Glyph glyph)
{
        static const char *const glyphs[][2] = {
                [GLYPH_ELLIPSIS] = { "...", "…" },
                [GLYPH_BRANCH] = { "|-", "├─" },
                [GLYPH_LAST] = { "`-", "└─" },
                [GLYPH_BESIDE] = { "| ", "│ " },
                [GLYPH_ARROW] = { "->", "→" },
        };

        return glyphs[glyph][term.utf8];
}

static const struct StateLook {
        const char *state;
        const char *dot[2];
        Colour colour;
} looks[] = {
        { "running", { "*", "●" }, COLOUR_GREEN },
        { "frozen", { "*", "●" }, COLOUR_BLUE },
        { "queued", { "~", "↻" }, COLOUR_YELLOW },
        { "starting", { "~", "↻" }, COLOUR_YELLOW },
        { "stopping", { "~", "↻" }, COLOUR_YELLOW },
        { "restarting", { "~", "↻" }, COLOUR_YELLOW },
        { "exited", { "o", "○" }, COLOUR_NONE },
        { "failed", { "x", "×" }, COLOUR_RED },
        { "lost", { "x", "×" }, COLOUR_RED },
};

static const struct StateLook *find_look(const char *state)
{
        static const struct StateLook unknown = { NULL, { "?", "?" }, COLOUR_YELLOW };

        for (size_t i = 0; i < ELEMENTSOF(looks); i++)
                if (strcmp(looks[i].state, state) == 0)
                        return &looks[i];
        return &unknown;
}

const char *term_dot(const char *state)
{
        return find_look(state)->dot[term.utf8];
}

Colour term_state_colour(const char *state)
{
        return find_look(state)->colour;
}
