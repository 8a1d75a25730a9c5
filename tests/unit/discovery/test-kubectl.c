/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The fake API server, and the kubeconfigs of our tests, as kubectl sees them: so that what discovery is
 * tested against is not only our own idea of the API. Built where there is a kubectl. */

#include <string.h>

#include "kube-fixture.h"

static void set_up(KubeFixture *f, gconstpointer data)
{
        g_auto(Recorded) slices = recorded_load("list/agent-host"), nodes = recorded_load("nodes/list"),
                         endpoints = recorded_load("endpoints/list");
        g_autofree char *config = NULL;

        kube_fixture_set_up(f, data);
        fake_kube_put_list(f->kube, KUBE_SLICES, slices.body);
        fake_kube_put_list(f->kube, KUBE_NODES, nodes.body);
        fake_kube_put_list(f->kube, KUBE_ENDPOINTS, endpoints.body);
        config = g_strdup_printf(
                "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u, namespace: demo}}]\n"
                "clusters: [{name: c, cluster: {server: \"%s\", certificate-authority: ca.crt}}]\n"
                "users: [{name: u, user: {tokenFile: token}}]\n",
                fake_kube_url(f->kube));
        kube_fixture_write(f, "config", config);
}

/* What it prints; NULL, and what it complains about, if it fails. */
static char *kubectl(KubeFixture *f, char **ret_error, const char *words)
{
        g_autofree char *line = g_strdup_printf(
                "kubectl --kubeconfig=%s/config --cache-dir=%s/cache --request-timeout=20s %s", f->dir,
                f->dir, words);
        char *output = NULL, *error = NULL;
        int status;

        g_assert_true(g_spawn_command_line_sync(line, &output, &error, &status, NULL));
        if (status != 0)
                g_clear_pointer(&output, g_free);
        g_test_message("%s: %d %s", words, status, error);
        if (ret_error)
                *ret_error = error;
        else
                g_free(error);
        return output;
}

static void expect_output(KubeFixture *f, const char *words, const char *expected)
{
        g_autofree char *output = kubectl(f, NULL, words);

        g_assert_cmpstr(output, ==, expected);
}

#define OUR_SLICES \
        "endpointslice.discovery.k8s.io/agent-host-7k2xq\nendpointslice.discovery.k8s.io/agent-host-v6-m9d4z\n"

static void test_lists_and_selectors(KubeFixture *f, gconstpointer data)
{
        (void)data;

        expect_output(f, "get endpointslices -l kubernetes.io/service-name=agent-host -o name", OUR_SLICES);
        expect_output(f, "get endpointslices -l kubernetes.io/service-name=other -o name", "");
        expect_output(f, "get endpoints --field-selector metadata.name=agent-host -o name",
                "endpoints/agent-host\n");
        expect_output(f, "get nodes -l pool=agents -o name", "node/node-a\nnode/node-b\n");
        expect_output(f, "get nodes -o jsonpath={.items[*].metadata.name}", "node-a node-b node-c");
}

static void test_pages(KubeFixture *f, gconstpointer data)
{
        (void)data;

        expect_output(f, "get endpointslices --chunk-size=1 -o name", OUR_SLICES);
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 2);
}

static void test_watches(KubeFixture *f, gconstpointer data)
{
        g_auto(GStrv) lines = NULL;
        g_autofree char *output = NULL, *error = NULL;

        (void)data;

        /* It watches from the list's version on until its time is over. */
        fake_kube_next_watch_recorded(f->kube, "watch/events-and-bookmark-20s");
        output = kubectl(
                f, &error, "get endpointslices -l kubernetes.io/service-name=agent-host -o name --watch");
        g_assert_nonnull(output);
        lines = g_strsplit(output, "\n", -1);
        /* Two that there were, six changes, two bookmarks, which it has not asked for; and the end. */
        g_assert_cmpuint(g_strv_length(lines), ==, 2 + 6 + 2 + 1);
}

static void test_refusals(KubeFixture *f, gconstpointer data)
{
        g_autofree char *output = NULL, *error = NULL, *missing = NULL;

        (void)data;

        kube_fixture_write(f, "token", "wrong");
        output = kubectl(f, &error, "get nodes");
        g_assert_null(output);
        g_assert_nonnull(strstr(error, "Unauthorized"));

        output = kubectl(f, &missing, "get pods");
        g_assert_null(output);
        g_assert_nonnull(strstr(missing, "the server doesn't have a resource type \"pods\""));
}

#define ADD(name, test) g_test_add("/kubectl/" name, KubeFixture, NULL, set_up, test, kube_fixture_tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("lists-and-selectors", test_lists_and_selectors);
        ADD("pages", test_pages);
        ADD("watches", test_watches);
        ADD("refusals", test_refusals);
        return g_test_run();
}
