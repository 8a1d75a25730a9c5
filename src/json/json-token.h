/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The words of a JSON text: a cursor that moves over strings, numbers and signs, each to the letter of RFC
 * 8259. Used by json-scan.c, which knows how they make a text. */

#include "fault.h"

typedef struct JsonCursor {
        const char *what;
        const char *text;
        const char *p;
        const char *end;
        Fault *fault;
} JsonCursor;

/* InvalidSpec "WHAT: line L column C: PROBLEM". */
int json_refuse(JsonCursor *c, const char *at, const char *problem);

void json_skip_space(JsonCursor *c);

/* What is behind white space; NUL at the end (and for a NUL, which stands nowhere in good JSON). */
char json_peek(JsonCursor *c);

/* Moves over this sign if it is what comes next. */
bool json_accept(JsonCursor *c, char sign);

/* The following begin at what json_peek() saw and move behind it. They return 0 or a fault. */
int json_scan_word(JsonCursor *c, const char *word);
int json_scan_number(JsonCursor *c);
int json_scan_string(JsonCursor *c, bool *ret_escapes);
