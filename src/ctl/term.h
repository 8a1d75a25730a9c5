/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What standard output is: a terminal of some width or not, with colours or without, of which character set.
 * Found out once, before a pager comes in between. */

#include "macros.h"

typedef enum Colour {
        COLOUR_NONE,
        COLOUR_BOLD,
        COLOUR_GREEN,
        COLOUR_YELLOW,
        COLOUR_RED,
        COLOUR_BLUE,
        COLOUR_GREY,
        COLOUR_UNDERLINE,
} Colour;

typedef enum Glyph {
        GLYPH_ELLIPSIS,
        GLYPH_BRANCH, /* of a tree: one of several, the last one, what goes on beside */
        GLYPH_LAST,
        GLYPH_BESIDE,
        GLYPH_ARROW,
} Glyph;

/* Once, at the start. Colours: as $SYSTEMD_COLORS says, else none where $NO_COLOR is set, where $TERM is
 * missing or "dumb", and where standard output is no terminal. */
void term_begin(void);

bool term_is_tty(void);

/* Columns of the terminal; 0: no terminal, and nothing needs to be cut. $COLUMNS wins over what the terminal
 * says. */
unsigned term_width(void);

/* The sequences around a coloured text; "" without colours. */
const char *term_colour(Colour colour);
const char *term_plain(void);

const char *term_glyph(Glyph glyph);

/* The mark of an agent in this state, and its colour. A state that is not known gets a mark too. */
const char *term_dot(const char *state);
Colour term_state_colour(const char *state);

/* For tests. */
void term_force(bool colours, bool utf8, unsigned width);
