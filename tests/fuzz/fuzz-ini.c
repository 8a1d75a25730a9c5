/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings files in general: an assignment that is handed over is whole and clean, with its place. */

#include <string.h>

#include "escape.h"
#include "fuzz.h"
#include "ini-file.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

typedef struct Seen {
        unsigned line, assignments, stop_after;
} Seen;

static bool is_name(const char *text)
{
        return text[strspn(text, NAME_CHARS)] == '\0';
}

static int on_assignment(
        const char *section, const char *key, const char *value, unsigned line, void *userdata)
{
        Seen *seen = userdata;
        size_t n = strlen(value);

        fuzz_expect(is_name(section), "a section is a name");
        fuzz_expect(key[0] && is_name(key), "a key is a name");
        fuzz_expect(utf8_is_valid(value, n), "a value is UTF-8");
        for (size_t i = 0; i < n; i++)
                fuzz_expect((unsigned char)value[i] >= ' ' || value[i] == '\t',
                        "a value has no control character");
        if (n > 0)
                fuzz_expect(
                        !strchr(" \t\r", value[0]) && !strchr(" \t\r", value[n - 1]), "a value is stripped");
        fuzz_expect(line > seen->line, "lines come in their order");
        seen->line = line;
        return ++seen->assignments == seen->stop_after ? -ECANCELED : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        FuzzFile *file = fuzz_file();
        _cleanup_fault_ Fault fault = FAULT_INIT, second_fault = FAULT_INIT;
        Seen all = { 0 }, some = { .stop_after = 2 };
        int r;

        fuzz_file_fill(file, data, size);
        r = ini_read_fd(file->fd, "file", on_assignment, &all, &fault);
        fuzz_expect(r == 0 || r == -EBADMSG, "a file is good or bad");
        if (r < 0)
                fuzz_expect(strncmp(fault_text(&fault), "file:", 5) == 0, "the fault names the place");

        r = ini_read_fd(file->fd, "file", on_assignment, &some, &second_fault);
        if (all.assignments >= 2)
                fuzz_expect(r == -ECANCELED && some.assignments == 2, "the handler's word is the last one");
        return 0;
}
