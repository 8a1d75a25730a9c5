/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recorded.h"

#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

static void append_chunks(GString *body, const char *p, const char *end)
{
        while (p < end) {
                char *after;
                gsize n = strtoul(p, &after, 16);

                if (n == 0 || after + 2 + n > end)
                        return;
                g_string_append_len(body, after + 2, (gssize)n);
                p = after + 2 + n + 2;
        }
}

Recorded recorded_load(const char *name)
{
        g_autofree char *path = g_strdup_printf("%s/kubernetes/%s.http", TEST_DATA_DIR, name);
        GString *body = g_string_new(NULL);
        const char *separator, *chunked, *end;
        GError *error = NULL;
        Recorded r = { 0 };

        g_file_get_contents(path, &r.raw, &r.raw_size, &error);
        g_assert_no_error(error);
        end = r.raw + r.raw_size;
        separator = strstr(r.raw, "\r\n\r\n");
        g_assert_nonnull(separator);
        r.status = (unsigned)strtoul(strchr(r.raw, ' '), NULL, 10);

        chunked = strstr(r.raw, "Transfer-Encoding: chunked");
        if (chunked && chunked < separator)
                append_chunks(body, separator + 4, end);
        else
                g_string_append_len(body, separator + 4, end - separator - 4);
        r.body_size = body->len;
        r.body = g_string_free(body, FALSE);
        return r;
}

void recorded_done(Recorded *r)
{
        g_clear_pointer(&r->raw, g_free);
        g_clear_pointer(&r->body, g_free);
}

char *recorded_load_big_list(gsize *ret_size)
{
        g_autofree char *path =
                g_build_filename(TEST_DATA_DIR, "kubernetes/gzip/big-50-slices.json.gz", NULL);
        g_autoptr(GFile) file = g_file_new_for_path(path);
        g_autoptr(GZlibDecompressor) gzip = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP);
        g_autoptr(GFileInputStream) compressed = NULL;
        g_autoptr(GInputStream) plain = NULL;
        g_autoptr(GOutputStream) text = g_memory_output_stream_new_resizable();
        GError *error = NULL;

        compressed = g_file_read(file, NULL, &error);
        g_assert_no_error(error);
        plain = g_converter_input_stream_new(G_INPUT_STREAM(compressed), G_CONVERTER(gzip));
        g_output_stream_splice(text, plain, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET, NULL, &error);
        g_assert_no_error(error);
        *ret_size = g_memory_output_stream_get_data_size(G_MEMORY_OUTPUT_STREAM(text));
        return g_memory_output_stream_steal_data(G_MEMORY_OUTPUT_STREAM(text));
}
