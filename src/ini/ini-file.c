/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ini-file.h"

#include <fcntl.h>
#include <ini.h>
#include <string.h>

#include "escape.h"
#include "file-util.h"

#define FILE_BYTES_MAX (1024u * 1024u)

/* Below what inih keeps of a section's name: 50 bytes. */
#define SECTION_BYTES_MAX 48u

#define BLANKS " \t\r"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

/* One reading of one file; lives on ini_read_fd()'s stack. */
typedef struct IniReader {
        const char *path;
        char *next; /* the rest of the file */
        unsigned line; /* the line before it */
        unsigned start_line; /* where the logical line began */
        char *logical; /* owned: continuation lines joined */
        size_t logical_size;
        const char *value; /* within logical */
        IniHandler handler;
        void *userdata;
        Fault *fault;
        int result; /* the first error; reading ends with it */
} IniReader;

static int refuse(IniReader *reader, unsigned line, const char *what)
{
        (void)fault_set(reader->fault, FAULT_INVALID_ARGS, "%s:%u: %s", reader->path, line, what);
        return -EBADMSG;
}

/* Cuts the next physical line off, without its blanks; NULL at the end. */
static char *take_line(IniReader *reader)
{
        char *line = reader->next, *end;

        if (!line || !*line)
                return NULL;

        end = strchr(line, '\n');
        reader->next = end ? end + 1 : NULL;
        if (end)
                *end = '\0';
        reader->line++;

        line += strspn(line, BLANKS);
        for (size_t n = strlen(line); n > 0 && strchr(BLANKS, line[n - 1]); n--)
                line[n - 1] = '\0';
        return line;
}

/* Whether the line goes on: an odd number of backslashes at its end. */
static bool is_continued(const char *line)
{
        size_t n = strlen(line), backslashes = 0;

        while (backslashes < n && line[n - 1 - backslashes] == '\\')
                backslashes++;
        return backslashes % 2 == 1;
}

static int append_logical(IniReader *reader, const char *text)
{
        size_t n = strlen(text);
        char *grown = realloc(reader->logical, reader->logical_size + n + 1);

        if (!grown)
                return -ENOMEM;

        memcpy(grown + reader->logical_size, text, n + 1);
        reader->logical = grown;
        reader->logical_size += n;
        return 0;
}

/* Joins the next lines to one logical line, leaving comments out, also between continued ones. Returns 1, or
 * 0 at the end of the file. */
static int read_logical(IniReader *reader)
{
        bool continued = false;
        char *line;
        int r;

        reader->logical_size = 0;

        while ((line = take_line(reader))) {
                if (line[0] == '#' || line[0] == ';' || (!continued && line[0] == '\0'))
                        continue;
                if (!continued)
                        reader->start_line = reader->line;

                continued = is_continued(line);
                if (continued)
                        line[strlen(line) - 1] = ' ';

                r = append_logical(reader, line);
                if (r < 0)
                        return r;
                if (!continued)
                        return 1;
        }

        return continued ? 1 : 0;
}

static bool is_name(const char *text, size_t length)
{
        return length > 0 && strspn(text, NAME_CHARS) >= length;
}

/* What inih gets of the logical line: "[section]" as it is, or "key=" while the value is kept aside. */
static int make_inih_line(IniReader *reader, char *buffer, size_t size)
{
        char *text = reader->logical, *equals, *end;
        size_t n = strlen(text);

        if (!utf8_is_valid(text, n))
                return refuse(reader, reader->start_line, "Not valid UTF-8");
        for (const char *p = text; *p; p++)
                if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
                        return refuse(reader, reader->start_line, "Control characters are not allowed");

        if (text[0] == '[') {
                if (text[n - 1] != ']' || !is_name(text + 1, n - 2))
                        return refuse(reader, reader->start_line, "Not a section header, expected [Name]");
                if (n - 2 > SECTION_BYTES_MAX)
                        return refuse(reader, reader->start_line, "The section's name is too long");
                snprintf(buffer, size, "%s\n", text);
                return 0;
        }

        equals = strchr(text, '=');
        if (!equals)
                return refuse(reader, reader->start_line, "Not a setting, expected Key=value");

        n = (size_t)(equals - text);
        while (n > 0 && strchr(BLANKS, text[n - 1]))
                n--;
        if (!is_name(text, n))
                return refuse(reader, reader->start_line,
                        "Not a setting, its key may have letters and digits only");
        if (n + sizeof("=\n") > size)
                return refuse(reader, reader->start_line, "The key is too long");

        reader->value = equals + 1 + strspn(equals + 1, BLANKS);
        for (end = text + strlen(text); end > reader->value && strchr(BLANKS, end[-1]); end--)
                end[-1] = '\0';

        snprintf(buffer, size, "%.*s=\n", (int)n, text);
        return 0;
}

/* inih's fgets: after an error it sees the end of the file. */
static char *next_inih_line(char *buffer, int size, void *stream)
{
        IniReader *reader = stream;
        int r;

        if (reader->result < 0)
                return NULL;

        r = read_logical(reader);
        if (r > 0)
                r = make_inih_line(reader, buffer, (size_t)size) < 0 ? -EBADMSG : 1;
        if (r < 0)
                reader->result = r;

        return r > 0 ? buffer : NULL;
}

static int on_assignment(void *userdata, const char *section, const char *key, const char *value)
{
        IniReader *reader = userdata;
        int r;

        (void)value; /* empty: ours is kept aside */

        r = reader->handler(section, key, reader->value, reader->start_line, reader->userdata);
        if (r < 0)
                reader->result = r;
        return r >= 0;
}

/* The line, counted from 1, that a byte of a text stands in. */
static unsigned line_of(const char *text, size_t offset)
{
        unsigned line = 1;

        for (size_t i = 0; i < offset; i++)
                line += text[i] == '\n';
        return line;
}

int ini_read_fd(int fd, const char *path, IniHandler handler, void *userdata, Fault *fault)
{
        static const char byte_order_mark[] = "\xef\xbb\xbf";
        _cleanup_free_ char *text = NULL;
        IniReader reader = { .path = path, .handler = handler, .userdata = userdata, .fault = fault };
        size_t size;
        int r;

        r = read_fd(fd, FILE_BYTES_MAX, &text, &size);
        if (r < 0)
                return r;

        if (strlen(text) != size)
                return refuse(&reader, line_of(text, strlen(text)), "NUL bytes are not allowed");

        reader.next = text;
        if (strncmp(text, byte_order_mark, sizeof(byte_order_mark) - 1) == 0)
                reader.next += sizeof(byte_order_mark) - 1;

        r = ini_parse_stream(next_inih_line, &reader, on_assignment, &reader);
        free(reader.logical);
        if (reader.result < 0)
                return reader.result;

        /* Each line it got was checked above; whatever it still refuses must not pass in silence. */
        return r == 0 ? 0 : refuse(&reader, reader.start_line, "Not a setting");
}

int ini_read(const char *path, IniHandler handler, void *userdata, Fault *fault)
{
        /* O_NONBLOCK: a FIFO in place of the file must not hold us up. */
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

        if (fd < 0)
                return -errno;

        return ini_read_fd(fd, path, handler, userdata, fault);
}
