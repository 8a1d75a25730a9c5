/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* agenthost.conf: whatever it says, a host comes up with settings that it can work with. */

#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "config.h"
#include "fuzz.h"
#include "host-address.h"

/* A directory with a link to the file that is filled each time; gone at the end. */
static char *directory;

static void remove_directory(void)
{
        g_autofree char *path = g_build_filename(directory, "agenthost.conf", NULL);

        (void)g_unlink(path);
        (void)g_rmdir(directory);
        g_free(directory);
}

static void make_directory(const char *target)
{
        g_autofree char *path = NULL;

        directory = g_dir_make_tmp("agenthost-fuzz-XXXXXX", NULL);
        fuzz_expect(directory, "there is a directory for temporary files");
        atexit(remove_directory);
        path = g_build_filename(directory, "agenthost.conf", NULL);
        fuzz_must(symlink(target, path) < 0 ? -errno : 0, "symlink");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        FuzzFile *file = fuzz_file();
        _cleanup_(config_freep) Config *config = NULL;

        fuzz_be_silent();
        if (!directory)
                make_directory(file->path);
        fuzz_file_fill(file, data, size);

        fuzz_must(config_load((const char *const[]){ directory, NULL }, &config), "reading settings");
        fuzz_expect(config->hostname && config->hostname[0], "there is a hostname");
        fuzz_expect(strlen(config->hostname) <= 253, "the hostname is short enough");
        fuzz_expect(config->address && host_address_is_valid(config->address), "there is an address");
        fuzz_expect(config->registry.heartbeat_usec > 0, "there is a heartbeat");
        fuzz_expect(config->registry.heartbeat_usec < config->registry.ttl_usec, "entries outlive it");
        fuzz_expect(config->peers.port >= 1 && config->peers.port <= 65535, "the port is one");
        fuzz_expect(config->max_agents >= 1, "there may be an agent");
        fuzz_expect(!config->default_runtime || config->default_runtime[0], "a default runtime has a name");
        return 0;
}
