/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* serve-kube DIR: a FakeKube for scripts. Writes into the directory the certificate of its authority (ca.pem),
 * the token it lets in (token) and, last, its port on loopback (port). Each line of its standard input is
 * what service agent-host consists of from then on: "name=ip", with a space between; "-name=ip" is not ready.
 * Ends with its input. */

#include <stdio.h>
#include <string.h>

#include "kube-fixture.h"

#define LINE_BYTES 4096

static void write_file(const char *dir, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(dir, name, NULL);
        GError *error = NULL;

        if (!g_file_set_contents(path, text, -1, &error))
                g_error("%s", error->message);
}

static void put_hosts(FakeKube *kube, char *line)
{
        g_autofree char *slice = NULL;

        g_strchomp(line);
        slice = kube_slice("agent-host-1", "agent-host", line);
        fake_kube_put(kube, KUBE_SLICES, slice);
}

int main(int argc, char *argv[])
{
        g_autoptr(FakeKube) kube = NULL;
        char line[LINE_BYTES];

        if (argc != 2)
                g_error("usage: serve-kube DIR");
        kube = fake_kube_new();
        write_file(argv[1], "ca.pem", pki_ca_pem(fake_kube_pki(kube)));
        write_file(argv[1], "token", FAKE_KUBE_TOKEN);
        write_file(argv[1], "port", strrchr(fake_kube_url(kube), ':') + 1);
        while (fgets(line, sizeof(line), stdin))
                put_hosts(kube, line);
        return EXIT_SUCCESS;
}
