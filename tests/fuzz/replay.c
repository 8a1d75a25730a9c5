/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Instead of libFuzzer: gives a target every file that is named, or that is in a directory that is named. So
 * the corpus is a test in all variants, whatever they are compiled with. */

#include <string.h>

#include <glib.h>

#include "fuzz.h"

static unsigned replay(const char *path)
{
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        g_autoptr(GError) error = NULL;
        g_autofree char *data = NULL, *exact = NULL;
        unsigned n = 0;
        gsize size;

        for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
                g_autofree char *child = g_build_filename(path, name, NULL);

                n += replay(child);
        }
        if (dir)
                return n;

        if (!g_file_get_contents(path, &data, &size, &error)) {
                fprintf(stderr, "%s\n", error->message);
                exit(EXIT_FAILURE);
        }
        /* Not a byte more than it is, for the sanitizers to see. */
        exact = g_memdup2(data, size);
        printf("%s\n", path);
        fflush(stdout);
        LLVMFuzzerTestOneInput((const uint8_t *)exact, size);
        return 1;
}

int main(int argc, char *argv[])
{
        unsigned n = 0;

        for (int i = 1; i < argc; i++)
                n += replay(argv[i]);
        if (n == 0) {
                fprintf(stderr, "There is nothing to go through\n");
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
