/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-hosts.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kube-fixture.h"
#include "measure.h"
#include "proto/names.h"

#define CONFIG "/etc/agenthost/agenthost.conf.d/bench-kube.conf"

static void write_file(const char *path, const char *text)
{
        if (!g_file_set_contents(path, text, -1, NULL) || chmod(path, 0644) < 0)
                die("cannot write %s", path);
}

void kube_hosts_put_slice(FakeKube *kube, unsigned number, unsigned n_more)
{
        g_autoptr(GString) hosts = g_string_new(NULL);
        g_autofree char *name = g_strdup_printf("slice-%u", number), *slice = NULL;

        for (unsigned i = 0; i < KUBE_HOSTS_IN_SLICE + n_more; i++)
                g_string_append_printf(
                        hosts, "%sagent-host-%u-%u=10.0.%u.%u", i > 0 ? " " : "", number, i, number, i + 1);
        slice = kube_slice(name, "agent-host", hosts->str);
        fake_kube_put(kube, KUBE_SLICES, slice);
}

void kube_hosts_put(FakeKube *kube)
{
        for (unsigned i = 0; i < KUBE_HOSTS_SLICES; i++)
                kube_hosts_put_slice(kube, i, 0);
}

static void reload(void)
{
        if (system("systemctl reload agenthostd.service") != 0)
                die("agenthostd cannot be reloaded");
}

void kube_hosts_configure(FakeKube *kube, const char *settings)
{
        g_autofree char *text =
                g_strdup_printf("%s[Discovery]\nSource=kubernetes\nNamespace=demo\n"
                                "Server=%s\nTokenFile=" KUBE_HOSTS_DIR "/token\nCaFile=" KUBE_HOSTS_CA "\n",
                        settings, fake_kube_url(kube));

        if (g_mkdir_with_parents(KUBE_HOSTS_DIR, 0755) < 0)
                die("cannot make " KUBE_HOSTS_DIR);
        write_file(KUBE_HOSTS_DIR "/token", FAKE_KUBE_TOKEN);
        write_file(KUBE_HOSTS_CA, pki_ca_pem(fake_kube_pki(kube)));
        write_file(CONFIG, text);
        reload();
}

void kube_hosts_unconfigure(void)
{
        (void)unlink(CONFIG);
}

void kube_hosts_await(sd_bus *bus, const char *name, char type, const char *expected)
{
        for (unsigned i = 0; i < 1000; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
                const char contents[] = { type, 0 };
                g_autofree char *got = NULL;
                const char *text = NULL;
                uint32_t number = 0;

                check(sd_bus_get_property(
                              bus, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, name, NULL, &m, contents),
                        name);
                check(type == 's' ? sd_bus_message_read(m, "s", &text)
                                  : sd_bus_message_read(m, "u", &number),
                        name);
                got = type == 's' ? g_strdup(text) : g_strdup_printf("%" PRIu32, number);
                if (strcmp(got, expected) == 0)
                        return;
                g_usleep(10 * 1000);
        }
        die("%s does not become %s", name, expected);
}
