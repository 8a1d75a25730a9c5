/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All the ways to say who we are, each against a server that checks. */

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "discovery-backend.h"
#include "kube-fixture.h"
#include "kube.h"
#include "log.h"

static void be_silent(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        g_test_message("%s", text);
}

static char *in_base64(const char *text)
{
        return g_base64_encode((const guchar *)text, strlen(text));
}

/* cluster and user: what stands between their braces. */
static void use_kubeconfig(KubeFixture *f, const char *cluster, const char *user)
{
        g_autofree char *text = g_strdup_printf(
                "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u, namespace: demo}}]\n"
                "clusters: [{name: c, cluster: {server: \"%s\", %s}}]\nusers: [{name: u, user: {%s}}]\n",
                f->settings.server, cluster, user);

        kube_fixture_write(f, "config", text);
        g_clear_pointer(&f->settings.server, g_free);
        g_clear_pointer(&f->settings.token_file, g_free);
        g_clear_pointer(&f->settings.ca_file, g_free);
        g_clear_pointer(&f->settings.namespace, g_free);
        f->settings.kube_config = g_build_filename(f->dir, "config", NULL);
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");
}

static void expect_works(KubeFixture *f)
{
        kube_fixture_start(f);
        kube_fixture_until_hosts(f, "a");
        kube_fixture_until_watching(f);
}

static void test_token_and_file_of_authorities(KubeFixture *f, gconstpointer data)
{
        (void)data;

        use_kubeconfig(f, "certificate-authority: ca.crt", "token: " FAKE_KUBE_TOKEN);
        expect_works(f);
}

static void test_token_file_and_authorities_inline(KubeFixture *f, gconstpointer data)
{
        g_autofree char *ca = in_base64(pki_ca_pem(fake_kube_pki(f->kube)));
        g_autofree char *cluster = g_strdup_printf("certificate-authority-data: %s", ca);

        (void)data;

        use_kubeconfig(f, cluster, "tokenFile: token, token: wrong");
        expect_works(f);
}

static void test_client_certificate_inline(KubeFixture *f, gconstpointer data)
{
        g_auto(PkiCert) cert = pki_issue(fake_kube_pki(f->kube), "agent-host", NULL, 3600);
        g_autofree char *crt = in_base64(cert.cert), *key = in_base64(cert.key), *list = NULL;
        g_autofree char *user =
                g_strdup_printf("client-certificate-data: %s, client-key-data: %s", crt, key);

        (void)data;

        use_kubeconfig(f, "certificate-authority: ca.crt", user);
        expect_works(f);
        list = fake_kube_last_list(f->kube);
        g_assert_null(strstr(list, "authorization"));
}

static void test_client_certificate_in_files_that_are_replaced(KubeFixture *f, gconstpointer data)
{
        g_auto(PkiCert) old = pki_issue(fake_kube_pki(f->kube), "agent-host", NULL, -60);
        g_auto(PkiCert) new = pki_issue(fake_kube_pki(f->kube), "agent-host", NULL, 3600);

        (void)data;

        kube_fixture_write(f, "client.crt", old.cert);
        kube_fixture_write(f, "client.key", old.key);
        use_kubeconfig(f, "certificate-authority: ca.crt",
                "client-certificate: client.crt, client-key: client.key");
        kube_fixture_start(f);
        /* One that has expired passes the handshake, and is then told so. */
        kube_fixture_until_state(f, DISCOVERY_DOWN, "401 ");
        kube_fixture_write(f, "client.key", new.key);
        kube_fixture_write(f, "client.crt", new.cert);
        kube_fixture_until_hosts(f, "a");
}

static void test_client_certificate_of_another_authority_is_refused(KubeFixture *f, gconstpointer data)
{
        g_autoptr(Pki) other = pki_new("another CA");
        g_auto(PkiCert) cert = pki_issue(other, "agent-host", NULL, 3600);
        g_autofree char *crt = in_base64(cert.cert), *key = in_base64(cert.key);
        g_autofree char *user =
                g_strdup_printf("client-certificate-data: %s, client-key-data: %s", crt, key);

        (void)data;

        use_kubeconfig(f, "certificate-authority: ca.crt", user);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "401 ");
}

static void test_recorded_keys_of_all_kinds_are_taken(KubeFixture *f, gconstpointer data)
{
        static const char *const pairs[][2] = { { "client.crt", "client.key" },
                { "client.crt", "client-pkcs8.key" }, { "client-rsa.crt", "client-rsa-pkcs1.key" } };

        (void)data;

        for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
                g_autofree char *user =
                        g_strdup_printf("client-certificate: '%s/kubernetes/config/pki/%s', client-key: "
                                        "'%s/kubernetes/config/pki/%s'",
                                TEST_DATA_DIR, pairs[i][0], TEST_DATA_DIR, pairs[i][1]);

                if (i > 0)
                        f->settings.server = g_strdup(fake_kube_url(f->kube));
                g_clear_pointer(&f->settings.kube_config, g_free);
                use_kubeconfig(f, "certificate-authority: ca.crt", user);
                kube_fixture_start(f);
                /* They get as far as the server, which does not know them. */
                kube_fixture_until_state(f, DISCOVERY_DOWN, "401 ");
                f->discovery = discovery_free(f->discovery);
        }
}

static void test_server_name_of_the_kubeconfig(KubeFixture *f, gconstpointer data)
{
        g_autofree char *list = NULL;

        (void)data;

        use_kubeconfig(f, "certificate-authority: ca.crt, tls-server-name: kubernetes.default.svc",
                "token: " FAKE_KUBE_TOKEN);
        expect_works(f);
        list = fake_kube_last_list(f->kube);
        g_assert_nonnull(strstr(list, "\nserver-name: kubernetes.default.svc\n"));
        g_assert_nonnull(strstr(list, "\nhost: 127.0.0.1:"));
}

static void test_server_name_that_is_another_is_refused(KubeFixture *f, gconstpointer data)
{
        (void)data;

        use_kubeconfig(
                f, "certificate-authority: ca.crt, tls-server-name: elsewhere", "token: " FAKE_KUBE_TOKEN);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "certificate");
        g_assert_cmpuint(fake_kube_count_lists(f->kube), ==, 0);
}

static unsigned n_loud;

static void count_loud(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)fields;
        (void)n_fields;

        n_loud += level <= LOG_WARNING && strstr(text, "is NOT checked") != NULL;
}

static void test_server_that_is_not_checked_is_told_loudly(KubeFixture *f, gconstpointer data)
{
        (void)data;

        log_set_sink(count_loud);
        use_kubeconfig(f, "insecure-skip-tls-verify: true", "token: " FAKE_KUBE_TOKEN);
        expect_works(f);
        g_assert_cmpuint(n_loud, ==, 1);
        log_set_sink(be_silent);
}

static void test_server_without_authorities_is_held_to_those_of_the_system(
        KubeFixture *f, gconstpointer data)
{
        (void)data;

        use_kubeconfig(f, "disable-compression: true", "token: " FAKE_KUBE_TOKEN);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "certificate");
}

static void test_kubeconfig_that_comes_later_is_found(KubeFixture *f, gconstpointer data)
{
        g_autofree char *path = g_build_filename(f->dir, "config", NULL);
        g_autofree char *hidden = g_build_filename(f->dir, "hidden", NULL);

        (void)data;

        use_kubeconfig(f, "certificate-authority: ca.crt", "token: " FAKE_KUBE_TOKEN);
        g_assert_cmpint(g_rename(path, hidden), ==, 0);
        kube_fixture_start(f);
        kube_fixture_until_state(f, DISCOVERY_DOWN, "does not exist");
        g_assert_cmpint(g_rename(hidden, path), ==, 0);
        kube_fixture_until_hosts(f, "a");
}

/* As kubelet does it: ..data is a link that is replaced. */
static void put_pod_files(KubeFixture *f, const char *version, const char *token)
{
        g_autofree char *dir = g_build_filename(f->dir, version, NULL);
        g_autofree char *link = g_build_filename(f->dir, "..data", NULL);
        g_autofree char *next = g_build_filename(f->dir, "..data_tmp", NULL);
        g_autofree char *name = g_strdup_printf("%s/token", version);

        g_assert_cmpint(g_mkdir(dir, 0755), ==, 0);
        kube_fixture_write(f, name, token);
        g_assert_cmpint(symlink(version, next), ==, 0);
        g_assert_cmpint(g_rename(next, link), ==, 0);
}

static void test_pod_whose_token_is_replaced(KubeFixture *f, gconstpointer data)
{
        g_autofree char *port = g_strdup(strrchr(fake_kube_url(f->kube), ':') + 1);
        KubeEnvironment environment = {
                .service_host = "127.0.0.1", .service_port = port, .service_account = f->dir
        };
        DiscoverySettings in_pod = { .source = DISCOVERY_KUBERNETES }, none = { .source = DISCOVERY_NONE };
        DiscoverySettings whole = f->settings;
        g_autofree char *list = NULL;
        Kube *kube;

        (void)data;

        g_assert_cmpint(g_remove(f->token_file), ==, 0);
        g_assert_cmpint(symlink("..data/token", f->token_file), ==, 0);
        put_pod_files(f, "..1", FAKE_KUBE_TOKEN);
        kube_fixture_write(f, "namespace", "demo");
        kube_fixture_put_slice(f, "s1", "a=10.0.0.1");

        f->settings = none;
        kube_fixture_start(f);
        f->settings = whole;
        kube = kube_new(f->event, &in_pod, &environment, &kube_watch_times, f->discovery);
        kube_fixture_until_hosts(f, "a");
        kube_fixture_until_watching(f);

        fake_kube_set_token(f->kube, "second");
        put_pod_files(f, "..2", "second");
        fake_kube_end_watches(f->kube);
        kube_fixture_until_watches(f, 2);
        kube_fixture_put_slice(f, "s1", "b=10.0.0.2");
        kube_fixture_until_hosts(f, "b");
        g_assert_cmpuint(fake_kube_count_asked_watches(f->kube), ==, 2);
        g_assert_cmpint(discovery_state(f->discovery, NULL), ==, DISCOVERY_OK);
        kube_free(kube);
}

#define ADD(name, test)                                                                     \
        g_test_add("/kube-credentials/" name, KubeFixture, NULL, kube_fixture_set_up, test, \
                kube_fixture_tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_sink(be_silent);
        ADD("token-and-file-of-authorities", test_token_and_file_of_authorities);
        ADD("token-file-and-authorities-inline", test_token_file_and_authorities_inline);
        ADD("client-certificate-inline", test_client_certificate_inline);
        ADD("client-certificate-in-files-that-are-replaced",
                test_client_certificate_in_files_that_are_replaced);
        ADD("client-certificate-of-another-authority-is-refused",
                test_client_certificate_of_another_authority_is_refused);
        ADD("recorded-keys-of-all-kinds-are-taken", test_recorded_keys_of_all_kinds_are_taken);
        ADD("server-name-of-the-kubeconfig", test_server_name_of_the_kubeconfig);
        ADD("server-name-that-is-another-is-refused", test_server_name_that_is_another_is_refused);
        ADD("server-that-is-not-checked-is-told-loudly", test_server_that_is_not_checked_is_told_loudly);
        ADD("server-without-authorities-is-held-to-those-of-the-system",
                test_server_without_authorities_is_held_to_those_of_the_system);
        ADD("kubeconfig-that-comes-later-is-found", test_kubeconfig_that_comes_later_is_found);
        ADD("pod-whose-token-is-replaced", test_pod_whose_token_is_replaced);
        return g_test_run();
}
