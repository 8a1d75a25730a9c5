/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

void kube_fixture_write(KubeFixture *f, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(f->dir, name, NULL);
        GError *error = NULL;

        g_file_set_contents(path, text, -1, &error);
        g_assert_no_error(error);
}

void kube_fixture_set_up(KubeFixture *f, gconstpointer data)
{
        GError *error = NULL;

        (void)data;

        f->event = loop_new();
        f->kube = fake_kube_new();
        f->dir = g_dir_make_tmp("agenthost-test-XXXXXX", &error);
        g_assert_no_error(error);
        kube_fixture_write(f, "token", FAKE_KUBE_TOKEN);
        kube_fixture_write(f, "ca.crt", pki_ca_pem(fake_kube_pki(f->kube)));
        f->token_file = g_build_filename(f->dir, "token", NULL);
        f->settings = (DiscoverySettings){
                .source = DISCOVERY_KUBERNETES,
                .namespace = g_strdup("demo"),
                .server = g_strdup(fake_kube_url(f->kube)),
                .token_file = g_strdup(f->token_file),
                .ca_file = g_build_filename(f->dir, "ca.crt", NULL),
        };
}

static void remove_dir(const char *path)
{
        GDir *dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *child = g_build_filename(path, name, NULL);

                if (g_file_test(child, G_FILE_TEST_IS_DIR))
                        remove_dir(child);
                g_remove(child);
        }
        g_clear_pointer(&dir, g_dir_close);
        g_rmdir(path);
}

void kube_fixture_tear_down(KubeFixture *f, gconstpointer data)
{
        (void)data;

        discovery_free(f->discovery);
        discovery_settings_done(&f->settings);
        fake_kube_free(f->kube);
        remove_dir(f->dir);
        g_free(f->dir);
        g_free(f->token_file);
        sd_event_unref(f->event);
}

static void on_changed(Discovery *discovery, void *userdata)
{
        KubeFixture *f = userdata;

        g_assert_true(discovery == f->discovery);
        f->n_changed++;
}

void kube_fixture_start(KubeFixture *f)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        discovery_new(f->event, &f->settings, on_changed, f, &f->discovery, &fault);
        g_assert_cmpstr(fault.text, ==, NULL);
}

char *kube_slice(const char *name, const char *service, const char *hosts)
{
        g_auto(GStrv) list = g_strsplit(hosts, " ", -1);
        GString *endpoints = g_string_new(NULL);
        g_autofree char *text = NULL;

        for (char **host = list; *host && **host; host++) {
                bool ready = **host != '-';
                g_auto(GStrv) sides = g_strsplit(*host + !ready, "=", 2);

                g_string_append_printf(endpoints,
                        "%s{\"addresses\":[\"%s\"],\"conditions\":{\"ready\":%s,\"serving\":%s,\"terminating\":false},"
                        "\"targetRef\":{\"kind\":\"Pod\",\"namespace\":\"demo\",\"name\":\"%s\"},\"nodeName\":\"node-a\","
                        "\"zone\":\"zone-1\"}",
                        endpoints->len > 0 ? "," : "", sides[1], ready ? "true" : "false",
                        ready ? "true" : "false", sides[0]);
        }
        text = g_string_free(endpoints, FALSE);
        return g_strdup_printf(
                "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"demo\",\"labels\":{\"kubernetes.io/"
                "service-name\":\"%s\"}},\"addressType\":\"IPv4\",\"endpoints\":[%s],\"ports\":null}",
                name, service, text);
}

void kube_fixture_put_slice(KubeFixture *f, const char *name, const char *hosts)
{
        g_autofree char *slice = kube_slice(name, "agent-host", hosts);

        fake_kube_put(f->kube, KUBE_SLICES, slice);
}

typedef struct Wanted {
        KubeFixture *f;
        const char *text;
        DiscoveryState state;
        unsigned n;
} Wanted;

static char *show_hosts(KubeFixture *f)
{
        GString *text = g_string_new(NULL);
        const DiscoveryHost *hosts;
        size_t n;

        hosts = discovery_hosts(f->discovery, &n);
        for (size_t i = 0; i < n; i++)
                g_string_append_printf(
                        text, "%s%s%s", i > 0 ? " " : "", hosts[i].ready ? "" : "-", hosts[i].hostname);
        return g_string_free(text, FALSE);
}

static bool has_hosts(void *userdata)
{
        Wanted *w = userdata;
        g_autofree char *text = show_hosts(w->f);

        return strcmp(text, w->text) == 0;
}

void kube_fixture_until_hosts(KubeFixture *f, const char *hosts)
{
        Wanted w = { .f = f, .text = hosts };

        loop_until(f->event, has_hosts, &w);
}

void kube_fixture_expect_hosts(KubeFixture *f, const char *hosts)
{
        g_autofree char *text = show_hosts(f);

        g_assert_cmpstr(text, ==, hosts);
}

static bool has_state(void *userdata)
{
        Wanted *w = userdata;
        const char *reason;

        return discovery_state(w->f->discovery, &reason) == w->state &&
                (!w->text || (reason && strstr(reason, w->text)));
}

void kube_fixture_until_state(KubeFixture *f, DiscoveryState state, const char *words)
{
        Wanted w = { .f = f, .state = state, .text = words };

        loop_until(f->event, has_state, &w);
}

static bool has_lists(void *userdata)
{
        Wanted *w = userdata;

        return fake_kube_count_lists(w->f->kube) >= w->n;
}

static bool has_asked_watches(void *userdata)
{
        Wanted *w = userdata;

        return fake_kube_count_asked_watches(w->f->kube) >= w->n;
}

static bool is_watching(void *userdata)
{
        Wanted *w = userdata;

        return fake_kube_count_watches(w->f->kube) >= w->n &&
                discovery_state(w->f->discovery, NULL) == DISCOVERY_OK;
}

void kube_fixture_until_lists(KubeFixture *f, unsigned n)
{
        Wanted w = { .f = f, .n = n };

        loop_until(f->event, has_lists, &w);
}

void kube_fixture_until_watches(KubeFixture *f, unsigned n)
{
        Wanted w = { .f = f, .n = n };

        loop_until(f->event, has_asked_watches, &w);
}

void kube_fixture_until_watching(KubeFixture *f)
{
        Wanted w = { .f = f, .n = 1 };

        loop_until(f->event, is_watching, &w);
}

void kube_fixture_lay_list(KubeFixture *f, const char *text, FakeEnd end)
{
        const FakeReply reply = { .data = text, .size = strlen(text), .end = end };

        fake_kube_next_list(f->kube, &reply);
}

void kube_fixture_lay_watch(KubeFixture *f, const char *text, FakeEnd end)
{
        const FakeReply reply = { .data = text, .size = strlen(text), .end = end };

        fake_kube_next_watch(f->kube, &reply);
}

#define STREAM_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"

/* A watch of these lines, which the server then ends in this way. */
void kube_fixture_lay_stream(KubeFixture *f, const char *lines, bool last_chunk, FakeEnd end)
{
        g_autofree char *text = *lines ? g_strdup_printf(STREAM_HEAD "%zx\r\n%s\r\n%s", strlen(lines), lines,
                                                 last_chunk ? "0\r\n\r\n" : "")
                                       : g_strdup_printf(STREAM_HEAD "%s", last_chunk ? "0\r\n\r\n" : "");

        kube_fixture_lay_watch(f, text, end);
}

/* One host is known, and watched. */
void kube_fixture_begin(KubeFixture *f)
{
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
        kube_fixture_start(f);
        kube_fixture_until_watching(f);
        kube_fixture_expect_hosts(f, "a");
}

/* What comes next is seen. */
void kube_fixture_expect_well(KubeFixture *f)
{
        kube_fixture_until_state(f, DISCOVERY_OK, NULL);
        kube_fixture_put_slice(f, "s2", "b=10.0.0.2");
        kube_fixture_until_hosts(f, "a b");
}
