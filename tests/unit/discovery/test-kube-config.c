/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-config.h"

#include <string.h>
#include <sys/stat.h>

#include "kube-auth.h"
#include "test-dir.h"

#define CONFIGS TEST_DATA_DIR "/kubernetes/config/"

static int find(
        const DiscoverySettings *settings, const KubeEnvironment *environment, KubeConfig *ret, Fault *fault)
{
        static const KubeEnvironment nothing = { 0 };
        static const DiscoverySettings none = { 0 };

        return kube_config_find(
                settings ? settings : &none, environment ? environment : &nothing, ret, fault);
}

static KubeConfig must_find(const DiscoverySettings *settings, const KubeEnvironment *environment)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        KubeConfig c = { 0 };

        find(settings, environment, &c, &fault);
        g_assert_cmpstr(fault.text, ==, NULL);
        g_assert_nonnull(c.server);
        return c;
}

static void must_refuse(
        const DiscoverySettings *settings, const KubeEnvironment *environment, const char *words)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        KubeConfig c = { 0 };

        g_assert_cmpint(find(settings, environment, &c, &fault), <, 0);
        g_assert_cmpint(fault.kind, ==, FAULT_DISCOVERY_UNAVAILABLE);
        if (!strstr(fault_text(&fault), words))
                g_error("'%s' does not say '%s'", fault_text(&fault), words);
        g_assert_null(c.server);
}

static void must_refuse_text(const char *text, gssize size, const char *words)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *path = test_dir_write(&dir, "config", text, size);
        DiscoverySettings s = { .kube_config = path };

        must_refuse(&s, NULL, words);
}

#define USER "users: [{name: u, user: {token: t}}]\n"
#define CLUSTER "clusters: [{name: c, cluster: {server: 'https://h:1'}}]\n"
#define CONTEXT "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"

/* --- where it is looked for --- */

static void put_pod_files(TestDir *dir)
{
        test_dir_put(dir, "token", "pod-token");
        test_dir_put(dir, "ca.crt", "CA");
        test_dir_put(dir, "namespace", "demo");
}

static void test_P1_pod_is_found_by_its_environment_and_files(void)
{
        g_auto(TestDir) dir = test_dir_new();
        KubeEnvironment e = {
                .service_host = "10.96.0.1", .service_port = "443", .service_account = dir.path
        };
        _cleanup_(kube_config_done) KubeConfig c = { 0 };
        g_autofree char *token = test_dir_path(&dir, "token");

        put_pod_files(&dir);
        c = must_find(NULL, &e);
        g_assert_cmpstr(c.server, ==, "https://10.96.0.1:443");
        g_assert_cmpstr(c.namespace, ==, "demo");
        g_assert_cmpstr(c.token_file, ==, token);
        g_assert_true(g_str_has_suffix(c.ca.file, "/ca.crt"));
        g_assert_false(c.insecure);
}

static void test_recorded_pod_files_are_read(void)
{
        KubeEnvironment e = {
                .service_host = "fd00::1", .service_port = "6443", .service_account = CONFIGS "incluster"
        };
        _cleanup_(kube_config_done) KubeConfig c = must_find(NULL, &e);
        const char *header = NULL;
        KubeAuth *auth = kube_auth_new(&c);
        HttpTls tls;

        g_assert_cmpstr(c.server, ==, "https://[fd00::1]:6443");
        g_assert_cmpstr(c.namespace, ==, "demo");
        g_assert_cmpint(kube_auth_get(auth, &tls, &header, NULL), ==, 0);
        g_assert_true(g_str_has_prefix(header, "Authorization: Bearer ey"));
        g_assert_true(g_str_has_prefix(tls.ca.data, "-----BEGIN CERTIFICATE-----"));
        kube_auth_free(auth);
}

static void test_P2_without_a_pod_the_kubeconfig_is_found(void)
{
        g_auto(TestDir) empty = test_dir_new();
        KubeEnvironment no_files = { .service_host = "10.96.0.1",
                .service_port = "443",
                .service_account = empty.path,
                .kubeconfig = CONFIGS "kubeconfig-token.yaml" };
        KubeEnvironment no_host = { .service_account = CONFIGS "incluster",
                .kubeconfig = CONFIGS "kubeconfig-token.yaml" };
        _cleanup_(kube_config_done) KubeConfig a = must_find(NULL, &no_files);
        _cleanup_(kube_config_done) KubeConfig b = must_find(NULL, &no_host);

        g_assert_cmpstr(a.token, ==, "fake-token-0123456789abcdef");
        g_assert_cmpstr(b.token, ==, "fake-token-0123456789abcdef");
        g_assert_cmpstr(b.origin, ==, CONFIGS "kubeconfig-token.yaml");
}

static void test_pod_comes_before_kubeconfigs_and_settings_before_both(void)
{
        g_auto(TestDir) dir = test_dir_new();
        KubeEnvironment e = { .service_host = "10.96.0.1",
                .service_port = "443",
                .service_account = dir.path,
                .kubeconfig = CONFIGS "kubeconfig-token.yaml" };
        DiscoverySettings server = { .server = (char *)"https://set.example.com/",
                .token_file = (char *)"/t" };
        DiscoverySettings file = { .kube_config = (char *)CONFIGS "kubeconfig-token.yaml" };
        _cleanup_(kube_config_done) KubeConfig pod = { 0 }, set = { 0 }, named = { 0 };

        put_pod_files(&dir);
        pod = must_find(NULL, &e);
        g_assert_cmpstr(pod.origin, ==, "the Pod's service account");
        set = must_find(&server, &e);
        g_assert_cmpstr(set.server, ==, "https://set.example.com");
        g_assert_cmpstr(set.token_file, ==, "/t");
        g_assert_null(set.ca.file);
        named = must_find(&file, &e);
        g_assert_cmpstr(named.server, ==, "https://kube.example.com:6443");
}

static void test_home_has_the_last_word(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *kube = test_dir_path(&dir, ".kube");
        KubeEnvironment e = { .home = dir.path };
        _cleanup_(kube_config_done) KubeConfig c = { 0 };

        must_refuse(NULL, &e, "set Server=, TokenFile= and CaFile=, or KubeConfig=");
        g_assert_cmpint(mkdir(kube, 0755), ==, 0);
        test_dir_put(&dir, ".kube/config", CLUSTER USER CONTEXT);
        c = must_find(NULL, &e);
        g_assert_cmpstr(c.server, ==, "https://h:1");
        g_assert_null(c.namespace);
}

static void test_nothing_at_all_says_what_to_do(void)
{
        KubeEnvironment missing = { .kubeconfig = "/nonexistent/a:/nonexistent/b" };
        DiscoverySettings file = { .kube_config = (char *)"/nonexistent/config" };
        DiscoverySettings server = { .server = (char *)"https://h" };

        must_refuse(NULL, NULL, "No way to the Kubernetes API is known");
        must_refuse(NULL, &missing, "No way to the Kubernetes API is known");
        must_refuse(&file, NULL, "KubeConfig=/nonexistent/config does not exist");
        must_refuse(&server, NULL, "TokenFile=");
}

/* --- what the recorded files say --- */

static void test_recorded_kubeconfigs_are_read(void)
{
        static const struct {
                const char *name;
                const char *server, *server_name, *namespace, *token;
                bool cert, ca, insecure;
        } cases[] = {
                { "kubeconfig-token.yaml", "https://kube.example.com:6443", NULL, NULL,
                        "fake-token-0123456789abcdef", false, true, false },
                { "kubeconfig-json.json", "https://kube.example.com:6443", NULL, "demo",
                        "fake-token-0123456789abcdef", false, true, false },
                { "kubeconfig-inline-cert.yaml", "https://kube.example.com:6443", NULL, "demo", NULL, true,
                        true, false },
                { "kubeconfig-files.yaml", "https://kube.example.com:6443", NULL, "demo", NULL, true, true,
                        false },
                { "kubeconfig-written-by-kubectl.yaml", "https://kube.example.com:6443", NULL, "demo", NULL,
                        true, true, false },
                { "kubeconfig-insecure.yaml", "https://kube.example.com:6443", NULL, "demo",
                        "fake-token-0123456789abcdef", false, false, true },
                { "kubeconfig-bad-wrong-ca.yaml", "https://kube.example.com:6443", NULL, "demo",
                        "fake-token-0123456789abcdef", false, true, false },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *path = g_strconcat(CONFIGS, cases[i].name, NULL);
                DiscoverySettings s = { .kube_config = path };
                _cleanup_(kube_config_done) KubeConfig c = must_find(&s, NULL);

                g_test_message("%s", cases[i].name);
                g_assert_cmpstr(c.server, ==, cases[i].server);
                g_assert_cmpstr(c.server_name, ==, cases[i].server_name);
                g_assert_cmpstr(c.namespace, ==, cases[i].namespace);
                g_assert_cmpstr(c.token, ==, cases[i].token);
                g_assert_true((c.cert.file || c.cert.data) == cases[i].cert);
                g_assert_true((c.key.file || c.key.data) == cases[i].cert);
                g_assert_true((c.ca.file || c.ca.data) == cases[i].ca);
                g_assert_true(c.insecure == cases[i].insecure);
        }
}

static void test_recorded_kubeconfigs_that_cannot_be_used_are_refused(void)
{
        static const char *const cases[][2] = {
                { "kubeconfig-exec.yaml",
                        "has exec: agenthostd cannot use that; give it a service account's token with "
                        "TokenFile=" },
                { "kubeconfig-exec-client-cert.yaml", "TokenFile=" },
                { "kubeconfig-exec-no-cluster-info.yaml", "TokenFile=" },
                { "kubeconfig-bad-exec-without-interactive-mode.yaml", "TokenFile=" },
                { "kubeconfig-proxy.yaml", "has proxy-url" },
                { "kubeconfig-basic-auth.yaml", "has username" },
                { "kubeconfig-impersonate.yaml", "has as" },
                { "kubeconfig-bad-base64.yaml", "certificate-authority-data is not in base64" },
                { "kubeconfig-bad-ca-and-insecure.yaml",
                        "both a certificate-authority and insecure-skip-tls-verify" },
                { "kubeconfig-bad-context-missing.yaml", "there is no context 'other'" },
                { "kubeconfig-bad-data-and-file.yaml",
                        "both certificate-authority and certificate-authority-data are given" },
                { "kubeconfig-bad-key-without-cert.yaml", "has a client-key, but no client-certificate" },
                { "kubeconfig-bad-no-current-context.yaml", "no current-context" },
                { "kubeconfig-bad-user-missing.yaml", "there is no user" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *path = g_strconcat(CONFIGS, cases[i][0], NULL);
                DiscoverySettings s = { .kube_config = path };

                must_refuse(&s, NULL, cases[i][1]);
        }
}

static void test_auth_provider_is_refused(void)
{
        must_refuse_text(CLUSTER CONTEXT "users: [{name: u, user: {auth-provider: {name: gcp}}}]\n", -1,
                "has auth-provider: agenthostd cannot use that; give it a service account's token with TokenFile=");
}

/* A file whose user cannot be used still says where the server is. */
static void test_token_of_the_settings_makes_up_for_the_user(void)
{
        DiscoverySettings s = { .kube_config = (char *)CONFIGS "kubeconfig-exec.yaml",
                .token_file = (char *)"/my/token",
                .ca_file = (char *)"/my/ca" };
        _cleanup_(kube_config_done) KubeConfig c = must_find(&s, NULL);

        g_assert_cmpstr(c.server, ==, "https://kube.example.com:6443");
        g_assert_cmpstr(c.token_file, ==, "/my/token");
        g_assert_cmpstr(c.ca.file, ==, "/my/ca");
        g_assert_null(c.ca.data);
}

static void test_server_name_and_path_are_kept(void)
{
        DiscoverySettings named = { .kube_config = (char *)CONFIGS "kubeconfig-tls-server-name.yaml" };
        DiscoverySettings path = { .kube_config = (char *)CONFIGS "kubeconfig-server-path-prefix.yaml" };
        _cleanup_(kube_config_done) KubeConfig a = must_find(&named, NULL), b = must_find(&path, NULL);

        g_assert_nonnull(a.server_name);
        g_assert_nonnull(strchr(b.server + strlen("https://"), '/'));
        g_assert_false(g_str_has_suffix(b.server, "/"));
}

static void test_paths_are_relative_to_their_file(void)
{
        DiscoverySettings s = { .kube_config = (char *)CONFIGS "kubeconfig-files.yaml" };
        _cleanup_(kube_config_done) KubeConfig c = must_find(&s, NULL);
        KubeAuth *auth = kube_auth_new(&c);
        const char *header = "unset";
        HttpTls tls;

        g_assert_cmpstr(c.ca.file, ==, CONFIGS "pki/ca.crt");
        g_assert_cmpint(kube_auth_get(auth, &tls, &header, NULL), ==, 0);
        g_assert_null(header);
        g_assert_true(g_str_has_prefix(tls.cert.data, "-----BEGIN CERTIFICATE-----"));
        g_assert_nonnull(strstr(tls.key.data, "PRIVATE KEY-----"));
        kube_auth_free(auth);
}

static void test_token_file_wins_over_token(void)
{
        DiscoverySettings s = { .kube_config = (char *)CONFIGS "kubeconfig-token-and-token-file.yaml" };
        _cleanup_(kube_config_done) KubeConfig c = must_find(&s, NULL);
        g_autofree char *token = NULL, *expected = NULL;
        KubeAuth *auth = kube_auth_new(&c);
        const char *header;
        HttpTls tls;

        g_assert_true(g_file_get_contents(CONFIGS "token", &token, NULL, NULL));
        expected = g_strdup_printf("Authorization: Bearer %s", g_strstrip(token));
        g_assert_cmpint(kube_auth_get(auth, &tls, &header, NULL), ==, 0);
        g_assert_cmpstr(header, ==, expected);
        kube_auth_free(auth);
}

static void test_files_that_are_missing_are_named(void)
{
        DiscoverySettings s = { .kube_config = (char *)CONFIGS "kubeconfig-bad-missing-ca-file.yaml" };
        _cleanup_(kube_config_done) KubeConfig c = must_find(&s, NULL);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        KubeAuth *auth = kube_auth_new(&c);
        const char *header;
        HttpTls tls;

        g_assert_cmpint(kube_auth_get(auth, &tls, &header, &fault), <, 0);
        g_assert_nonnull(
                strstr(fault_text(&fault), "pki/nothing.crt cannot be read: No such file or directory"));
        kube_auth_free(auth);
}

/* --- several files --- */

static void test_of_several_files_the_first_that_says_it_counts(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *a = test_dir_write(&dir, "a",
                "contexts: [{name: x, context: {cluster: c, user: u, namespace: first}}]\n"
                "users: [{name: u, user: {token: from-a}}]\n",
                -1);
        g_autofree char *b = test_dir_write(&dir, "b",
                "current-context: x\n" CLUSTER "users: [{name: u, user: {token: from-b, tokenFile: tok}}]\n",
                -1);
        g_autofree char *c = test_dir_write(&dir, "c",
                "current-context: y\nclusters: [{name: c, cluster: {server: 'https://other'}}]\n", -1);
        g_autofree char *empty = test_dir_write(&dir, "empty", "", -1);
        g_autofree char *list = g_strdup_printf(":/nonexistent:%s:%s::%s:%s", empty, a, b, c);
        KubeEnvironment e = { .kubeconfig = list };
        _cleanup_(kube_config_done) KubeConfig found = must_find(NULL, &e);

        g_assert_cmpstr(found.server, ==, "https://h:1");
        g_assert_cmpstr(found.namespace, ==, "first");
        g_assert_cmpstr(found.token, ==, "from-a");
        /* The whole entry: nothing of another one of its name. */
        g_assert_null(found.token_file);
}

static void test_contexts_choose_cluster_and_user(void)
{
        DiscoverySettings s = { .kube_config = (char *)CONFIGS "kubeconfig-multi-context.yaml" };
        _cleanup_(kube_config_done) KubeConfig c = must_find(&s, NULL);

        g_assert_cmpstr(c.server, ==, "https://kube.example.com:6443");
        g_assert_cmpstr(c.token, ==, "fake-token-0123456789abcdef");
}

/* --- bad files --- */

static void test_directories_and_pipes_are_refused(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *fifo = test_dir_path(&dir, "fifo");
        DiscoverySettings a = { .kube_config = dir.path }, b = { .kube_config = fifo };

        g_assert_cmpint(mkfifo(fifo, 0644), ==, 0);
        must_refuse(&a, NULL, "is a directory");
        /* And nobody waits for a writer. */
        must_refuse(&b, NULL, "is no regular file");
}

static void test_ten_mebibytes_are_refused(void)
{
        g_autofree char *big = g_strnfill(10u << 20, '#');

        must_refuse_text(big, -1, "is larger than 1048576 bytes");
}

static void test_what_is_no_yaml_is_refused_with_its_place(void)
{
        must_refuse_text("clusters:\n\t- name: c\n", -1, "config: line 2 column 1");
        must_refuse_text("{\"clusters\": [", -1, "config: line ");
        must_refuse_text("a: 'open", -1, "config: line ");
        must_refuse_text("a: *nobody\n", -1, "config: line ");
        must_refuse_text("\xff\xff\x00\x01", 4, "config: ");
        must_refuse_text("a: \x01\n", -1, "config: ");
        must_refuse_text("just words", -1, "is no kubeconfig");
        must_refuse_text("[]", -1, "is no kubeconfig");
        must_refuse_text("", -1, "no current-context");
        must_refuse_text("# nothing\n", -1, "no current-context");
        must_refuse_text("current-context: [x]\n", -1, "no current-context");
        must_refuse_text("current-context: x\ncontexts: 7\n", -1, "there is no context 'x'");
        must_refuse_text("current-context: x\ncontexts: [{name: x}]\n", -1, "context 'x' names no cluster");
        must_refuse_text("current-context: x\ncontexts: [7, {name: [x]}, {name: x, context: y}]\n", -1,
                "context 'x' names no cluster");
}

static void test_values_of_another_kind_are_refused(void)
{
        must_refuse_text(
                CONTEXT USER "clusters: [{name: c, cluster: {server: [1]}}]\n", -1, "server is no text");
        must_refuse_text(
                CONTEXT USER "clusters: [{name: c, cluster: {}}]\n", -1, "cluster 'c' has no server");
        must_refuse_text(CONTEXT USER "clusters: [{name: c, cluster: {server: ~}}]\n", -1,
                "cluster 'c' has no server");
        must_refuse_text(CONTEXT USER "clusters: [{name: c, cluster: {server: ftp://h}}]\n", -1,
                "must begin with https://");
        must_refuse_text(CONTEXT USER "clusters: [{name: c, cluster: {server: 'https://u:p@h'}}]\n", -1,
                "must be https://HOST:PORT");
        must_refuse_text(CONTEXT USER "clusters: [{name: c, cluster: {server: 'http://h'}}]\n", -1,
                "where everybody could read it");
        must_refuse_text(CONTEXT USER
                "clusters: [{name: c, cluster: {server: 'https://h', insecure-skip-tls-verify: perhaps}}]\n",
                -1, "neither true nor false");
        must_refuse_text(
                CONTEXT CLUSTER "users: [{name: u, user: {}}]\n", -1, "user 'u' has no credentials");
        must_refuse_text(CONTEXT CLUSTER "users: [{name: u, user: {token: ''}}]\n", -1,
                "user 'u' has no credentials");
        must_refuse_text(
                CONTEXT CLUSTER "users: [{name: u, user: {token: \"a\\0b\"}}]\n", -1, "token is no text");
        must_refuse_text(CONTEXT CLUSTER
                "users: [{name: u, user: {client-certificate-data: 'YQ==', client-key-data: "
                "'Y'}}]\n",
                -1, "client-key-data is not in base64");
}

static void test_anchors_and_merges_are_followed(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *path = test_dir_write(&dir, "config",
                "common: &common {server: 'https://anchored', tls-server-name: inner}\n"
                "context: &ctx\n  cluster: c\n  user: u\n"
                "current-context: x\n"
                "contexts:\n- name: x\n  context: *ctx\n"
                "clusters:\n- name: c\n  cluster:\n    <<: *common\n    tls-server-name: outer\n"
                "users:\n- name: u\n  user: {<<: [{token: merged}, {token: never}]}\n",
                -1);
        DiscoverySettings s = { .kube_config = path };
        _cleanup_(kube_config_done) KubeConfig c = must_find(&s, NULL);

        g_assert_cmpstr(c.server, ==, "https://anchored");
        g_assert_cmpstr(c.server_name, ==, "outer");
        g_assert_cmpstr(c.token, ==, "merged");
}

static void test_anchors_of_anchors_cost_nothing(void)
{
        g_autoptr(GString) bomb = g_string_new("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");

        for (unsigned i = 1; i < 30; i++) {
                g_string_append_printf(bomb, "a%u: &a%u [", i, i);
                for (unsigned j = 0; j < 10; j++)
                        g_string_append_printf(bomb, "%s*a%u", j > 0 ? ", " : "", i - 1);
                g_string_append(bomb, "]\n");
        }
        must_refuse_text(bomb->str, -1, "no current-context");
        must_refuse_text("a: &a\n  <<: *a\n  b: *a\ncurrent-context: x\ncontexts: &c [*c, {<<: *a}]\n", -1,
                "there is no context 'x'");
}

static void test_nesting_is_bounded(void)
{
        g_autofree char *deep = g_strnfill(500000, '[');
        g_autoptr(GString) anchors = g_string_new("a: [");

        for (unsigned i = 0; i < 100000; i++)
                g_string_append_printf(anchors, "&a%u x,", i);
        g_string_append(anchors, "]\n");

        must_refuse_text(deep, -1, "more than 64 levels of nesting");
        for (char *p = deep; *p; p++)
                *p = '{';
        must_refuse_text(deep, -1, "config: ");
        must_refuse_text(anchors->str, -1, "more than 1000 anchors");
}

static void test_json_with_tabs_and_escapes_is_read(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *path = test_dir_write(&dir, "config",
                "{\n\t\"current-context\":\t\"x\",\n\t\"contexts\": [{\"name\": \"x\", \"context\": {\"cluster\": \"c\", "
                "\"user\": \"u\", \"namespace\": null}}],\n\t\"clusters\": [{\"name\": \"c\", \"cluster\": {\"server\": "
                "\"https:\\/\\/h\\u002ex\"}}],\n\t\"users\": [{\"name\": \"u\", \"user\": {\"token\": \"t\"}}]\n}\n",
                -1);
        DiscoverySettings s = { .kube_config = path };
        _cleanup_(kube_config_done) KubeConfig c = must_find(&s, NULL);

        g_assert_cmpstr(c.server, ==, "https://h.x");
        g_assert_null(c.namespace);
}

static void test_secrets_are_not_in_messages(void)
{
        g_auto(TestDir) dir = test_dir_new();
        g_autofree char *path = test_dir_write(&dir, "token", "se cret", -1);
        KubeConfig c = { .token_file = path };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        KubeAuth *auth = kube_auth_new(&c);
        const char *header;
        HttpTls tls;

        g_assert_cmpint(kube_auth_get(auth, &tls, &header, &fault), <, 0);
        g_assert_null(strstr(fault_text(&fault), "cret"));
        g_assert_nonnull(strstr(fault_text(&fault), path));
        kube_auth_free(auth);
}

#define ADD(name, test) g_test_add_func("/kube-config/" name, test)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        ADD("P1-pod-is-found-by-its-environment-and-files",
                test_P1_pod_is_found_by_its_environment_and_files);
        ADD("recorded-pod-files-are-read", test_recorded_pod_files_are_read);
        ADD("P2-without-a-pod-the-kubeconfig-is-found", test_P2_without_a_pod_the_kubeconfig_is_found);
        ADD("pod-comes-before-kubeconfigs-and-settings-before-both",
                test_pod_comes_before_kubeconfigs_and_settings_before_both);
        ADD("home-has-the-last-word", test_home_has_the_last_word);
        ADD("nothing-at-all-says-what-to-do", test_nothing_at_all_says_what_to_do);
        ADD("recorded-kubeconfigs-are-read", test_recorded_kubeconfigs_are_read);
        ADD("recorded-kubeconfigs-that-cannot-be-used-are-refused",
                test_recorded_kubeconfigs_that_cannot_be_used_are_refused);
        ADD("auth-provider-is-refused", test_auth_provider_is_refused);
        ADD("token-of-the-settings-makes-up-for-the-user", test_token_of_the_settings_makes_up_for_the_user);
        ADD("server-name-and-path-are-kept", test_server_name_and_path_are_kept);
        ADD("paths-are-relative-to-their-file", test_paths_are_relative_to_their_file);
        ADD("token-file-wins-over-token", test_token_file_wins_over_token);
        ADD("files-that-are-missing-are-named", test_files_that_are_missing_are_named);
        ADD("of-several-files-the-first-that-says-it-counts",
                test_of_several_files_the_first_that_says_it_counts);
        ADD("contexts-choose-cluster-and-user", test_contexts_choose_cluster_and_user);
        ADD("directories-and-pipes-are-refused", test_directories_and_pipes_are_refused);
        ADD("ten-mebibytes-are-refused", test_ten_mebibytes_are_refused);
        ADD("what-is-no-yaml-is-refused-with-its-place", test_what_is_no_yaml_is_refused_with_its_place);
        ADD("values-of-another-kind-are-refused", test_values_of_another_kind_are_refused);
        ADD("anchors-and-merges-are-followed", test_anchors_and_merges_are_followed);
        ADD("anchors-of-anchors-cost-nothing", test_anchors_of_anchors_cost_nothing);
        ADD("nesting-is-bounded", test_nesting_is_bounded);
        ADD("json-with-tabs-and-escapes-is-read", test_json_with_tabs_and_escapes_is_read);
        ADD("secrets-are-not-in-messages", test_secrets_are_not_in_messages);
        return g_test_run();
}
