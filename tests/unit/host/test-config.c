/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "test-dir.h"

/* Two configuration directories, the first of higher precedence, and what was logged meanwhile. */
typedef struct Fixture {
        char *root;
        char *dirs[3];
        Config *config;
} Fixture;

static GString *logged;

static void keep_log(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)fields;
        (void)n_fields;

        g_assert_cmpint(level, ==, LOG_WARNING);
        g_string_append_printf(logged, "%s\n", text);
}

static void clear_environment(void)
{
        static const char *const names[] = { "HOSTNAME", "GRPC_PORT", "MAX_PROCESSES", "LOG_LEVEL",
                "HEARTBEAT_INTERVAL", "REDIS_URL", "REDIS_PASSWORD", "METRICS_PORT",
                "AGENT_HOST_SERVICE_NAME", "CREDENTIALS_DIRECTORY" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                g_unsetenv(names[i]);
}

static void set_up(Fixture *f, const void *data)
{
        (void)data;

        clear_environment();
        logged = g_string_new(NULL);
        log_set_sink(keep_log);

        f->root = g_dir_make_tmp("test-config-XXXXXX", NULL);
        g_assert_nonnull(f->root);
        f->dirs[0] = g_build_filename(f->root, "etc", NULL);
        f->dirs[1] = g_build_filename(f->root, "usr", NULL);
}

static void tear_down(Fixture *f, const void *data)
{
        (void)data;

        config_free(f->config);
        test_dir_remove(f->root);
        g_free(f->root);
        g_free(f->dirs[0]);
        g_free(f->dirs[1]);
        log_set_sink(NULL);
        g_string_free(logged, TRUE);
        clear_environment();
}

static void write_file(const Fixture *f, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(f->root, name, NULL), *dir = g_path_get_dirname(path);

        g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static const Config *load(Fixture *f)
{
        f->config = config_free(f->config);
        g_assert_cmpint(config_load((const char *const *)f->dirs, &f->config), ==, 0);
        return f->config;
}

/* What was logged, with the directory's name taken out. */
static void assert_logged(const Fixture *f, const char *expected)
{
        g_auto(GStrv) parts = g_strsplit(logged->str, f->root, -1);
        g_autofree char *text = g_strjoinv("", parts);

        g_assert_cmpstr(text, ==, expected);
}

static void test_config_has_defaults_for_all(Fixture *f, const void *data)
{
        g_autofree char *address = g_strdup_printf("%s:50051", g_get_host_name());
        const Config *c = load(f);

        (void)data;

        g_assert_cmpstr(c->hostname, ==, g_get_host_name());
        g_assert_cmpstr(c->address, ==, address);
        g_assert_cmpuint(c->peers.port, ==, 50051);
        g_assert_cmpuint(c->max_agents, ==, 100);
        g_assert_false(c->log_all_events);
        g_assert_null(c->default_runtime);
        g_assert_cmpuint(c->retain_usec, ==, 60 * USEC_PER_SEC);
        g_assert_cmpuint(c->retain_failed_usec, ==, 3600 * USEC_PER_SEC);
        g_assert_cmpint(c->unknown_client_type, ==, UNKNOWN_CLIENT_TYPE_FALLBACK);
        g_assert_cmpint(c->log_level, ==, LOG_INFO);
        g_assert_null(c->registry.url);
        g_assert_null(c->registry.password);
        g_assert_null(c->registry.password_file);
        g_assert_cmpuint(c->registry.heartbeat_usec, ==, 20 * USEC_PER_SEC);
        g_assert_cmpuint(c->registry.ttl_usec, ==, 60 * USEC_PER_SEC);
        g_assert_cmpint(c->on_conflict, ==, ON_CONFLICT_STOP);
        g_assert_cmpint(c->discovery.source, ==, DISCOVERY_NONE);
        g_assert_cmpstr(c->discovery.self, ==, address);
        g_assert_cmpuint(c->discovery.port, ==, 50051);
        g_assert_null(c->discovery.service);
        g_assert_cmpint(c->strategy, ==, PLACEMENT_ROUND_ROBIN);
        assert_logged(f, "");
}

static void test_config_reads_every_setting(Fixture *f, const void *data)
{
        const Config *c;

        (void)data;

        write_file(f, "etc/agenthost.conf",
                "# a comment\n[Host]\nHostname=host-1\nAddress=host-1.example.org:6000\nMaxAgents=7\n"
                "DefaultRuntime=python\nRetainSec=5min\nRetainFailedSec=infinity\nUnknownClientType=reject\nLogAllEvents=yes\n"
                "[Peers]\nPort=6001\n"
                "[Registry]\nRedisUrl=rediss://agents@redis:6380/1\nRedisPasswordFile=/a\nRedisCaFile=/b\n"
                "RedisCertFile=/c\nRedisKeyFile=/d\nHeartbeatSec=500ms\nTtlSec=2\nOnConflict=keep\n");
        c = load(f);

        g_assert_cmpstr(c->hostname, ==, "host-1");
        g_assert_cmpstr(c->address, ==, "host-1.example.org:6000");
        g_assert_cmpuint(c->peers.port, ==, 6001);
        g_assert_cmpuint(c->max_agents, ==, 7);
        g_assert_true(c->log_all_events);
        g_assert_cmpstr(c->default_runtime, ==, "python");
        g_assert_cmpuint(c->retain_usec, ==, 300 * USEC_PER_SEC);
        g_assert_cmpuint(c->retain_failed_usec, ==, USEC_INFINITY);
        g_assert_cmpint(c->unknown_client_type, ==, UNKNOWN_CLIENT_TYPE_REJECT);
        g_assert_cmpstr(c->registry.url, ==, "rediss://agents@redis:6380/1");
        g_assert_cmpstr(c->registry.password_file, ==, "/a");
        g_assert_cmpstr(c->registry.ca_file, ==, "/b");
        g_assert_cmpstr(c->registry.cert_file, ==, "/c");
        g_assert_cmpstr(c->registry.key_file, ==, "/d");
        g_assert_cmpuint(c->registry.heartbeat_usec, ==, 500 * USEC_PER_MSEC);
        g_assert_cmpuint(c->registry.ttl_usec, ==, 2 * USEC_PER_SEC);
        g_assert_cmpint(c->on_conflict, ==, ON_CONFLICT_KEEP);
        assert_logged(f, "");
}

static void test_config_reads_every_setting_of_discovery_and_placement(Fixture *f, const void *data)
{
        const DiscoverySettings *d;
        const Config *c;

        (void)data;

        write_file(f, "etc/agenthost.conf",
                "[Host]\nAddress=host-1:6000\n[Peers]\nPort=6001\n"
                "[Discovery]\nSource=endpoints\nPeers=host-1:1  [fd00::1]:2\thost-2.example.org:3 \n"
                "Namespace=demo\nService=hosts\nNodeSelector=role=agents,zone!=b\nKubeConfig=/k\n"
                "Server=https://api:6443\nTokenFile=/t\nCaFile=/c\n[Placement]\nStrategy=least-agents\n");
        c = load(f);
        d = &c->discovery;

        g_assert_cmpint(d->source, ==, DISCOVERY_ENDPOINTS);
        g_assert_cmpuint(g_strv_length(d->peers), ==, 3);
        g_assert_cmpstr(d->peers[0], ==, "host-1:1");
        g_assert_cmpstr(d->peers[1], ==, "[fd00::1]:2");
        g_assert_cmpstr(d->peers[2], ==, "host-2.example.org:3");
        g_assert_cmpstr(d->namespace, ==, "demo");
        g_assert_cmpstr(d->service, ==, "hosts");
        g_assert_cmpstr(d->node_selector, ==, "role=agents,zone!=b");
        g_assert_cmpstr(d->kube_config, ==, "/k");
        g_assert_cmpstr(d->server, ==, "https://api:6443");
        g_assert_cmpstr(d->token_file, ==, "/t");
        g_assert_cmpstr(d->ca_file, ==, "/c");
        g_assert_cmpstr(d->self, ==, "host-1:6000");
        g_assert_cmpuint(d->port, ==, 6001);
        g_assert_cmpint(c->strategy, ==, PLACEMENT_LEAST_AGENTS);
        assert_logged(f, "");
}

static void test_config_reads_every_setting_of_peers(Fixture *f, const void *data)
{
        const PeerSettings *p;

        (void)data;

        write_file(f, "etc/agenthost.conf",
                "[Peers]\nPort=6001\nListenAddress=[fd00::1]\nCertFile=/c\nKeyFile=/k\nCaFile=/a\n"
                "PeerNames=host-*.example.com  other\nMinimumTls=1.2\n");
        p = &load(f)->peers;

        g_assert_cmpuint(p->port, ==, 6001);
        g_assert_cmpstr(p->listen_address, ==, "fd00::1");
        g_assert_cmpstr(p->cert_file, ==, "/c");
        g_assert_cmpstr(p->key_file, ==, "/k");
        g_assert_cmpstr(p->ca_file, ==, "/a");
        g_assert_cmpuint(g_strv_length(p->names), ==, 2);
        g_assert_cmpstr(p->names[0], ==, "host-*.example.com");
        g_assert_cmpstr(p->names[1], ==, "other");
        g_assert_cmpint(p->minimum_tls, ==, PEER_TLS_1_2);
        assert_logged(f, "");
}

static void test_config_says_what_is_wrong_with_peers(Fixture *f, const void *data)
{
        const PeerSettings *p;

        (void)data;

        write_file(f, "etc/agenthost.conf",
                "[Peers]\nListenAddress=127.0.0.1\nListenAddress=localhost\nListenAddress=[127.0.0.1]\n"
                "CertFile=c\nMinimumTls=1.1\n");
        p = &load(f)->peers;

        g_assert_cmpstr(p->listen_address, ==, "127.0.0.1");
        g_assert_null(p->cert_file);
        g_assert_cmpint(p->minimum_tls, ==, PEER_TLS_1_3);
        assert_logged(f,
                "/etc/agenthost.conf:3: [Peers] ListenAddress=: 'localhost' is no IP address, ignored\n"
                "/etc/agenthost.conf:4: [Peers] ListenAddress=: '[127.0.0.1]' is no IP address, ignored\n"
                "/etc/agenthost.conf:5: [Peers] CertFile=: 'c' is not an absolute path, ignored\n"
                "/etc/agenthost.conf:6: [Peers] MinimumTls=: '1.1' is neither '1.3' nor '1.2', ignored\n");
}

static void test_config_says_what_is_wrong_with_discovery_and_placement(Fixture *f, const void *data)
{
        const Config *c;

        (void)data;

        write_file(f, "etc/agenthost.conf",
                "[Discovery]\nSource=kubernetes\nSource=dns\nPeers=host-1:1\nPeers=host-2\nService=a/b\n"
                "TokenFile=t\n[Placement]\nStrategy=random\n");
        c = load(f);

        g_assert_cmpint(c->discovery.source, ==, DISCOVERY_KUBERNETES);
        g_assert_cmpuint(g_strv_length(c->discovery.peers), ==, 1);
        g_assert_null(c->discovery.service);
        g_assert_null(c->discovery.token_file);
        g_assert_nonnull(strstr(logged->str,
                ":3: [Discovery] Source=: 'dns' is none of: none, static, kubernetes, endpoints, nodes, ignored"));
        g_assert_nonnull(strstr(logged->str, ":5: [Discovery] Peers=: "));
        g_assert_nonnull(
                strstr(logged->str, ":6: [Discovery] Service=: 'a/b' is not a value for this, ignored"));
        g_assert_nonnull(
                strstr(logged->str, ":7: [Discovery] TokenFile=: 't' is not an absolute path, ignored"));
        g_assert_nonnull(strstr(logged->str,
                ":9: [Placement] Strategy=: there is no strategy 'random', but 'round-robin' and "
                "'least-agents', ignored"));
}

static void test_config_takes_the_service_from_the_environment(Fixture *f, const void *data)
{
        (void)data;

        write_file(f, "etc/agenthost.conf", "[Discovery]\nService=hosts\n");
        g_setenv("AGENT_HOST_SERVICE_NAME", "others", TRUE);
        g_assert_cmpstr(load(f)->discovery.service, ==, "others");
}

static void test_config_makes_the_address_from_hostname_and_port(Fixture *f, const void *data)
{
        (void)data;

        write_file(f, "etc/agenthost.conf", "[Host]\nHostname=host-1\n[Peers]\nPort=6001\n");

        g_assert_cmpstr(load(f)->address, ==, "host-1:6001");
}

static void test_config_takes_the_first_main_file_only(Fixture *f, const void *data)
{
        const Config *c;

        (void)data;

        write_file(f, "etc/agenthost.conf", "[Host]\nHostname=etc\n");
        write_file(f, "usr/agenthost.conf", "[Host]\nHostname=usr\nMaxAgents=7\n");
        c = load(f);

        g_assert_cmpstr(c->hostname, ==, "etc");
        g_assert_cmpuint(c->max_agents, ==, 100);
}

static void test_config_reads_drop_ins_after_the_main_file(Fixture *f, const void *data)
{
        const Config *c;

        (void)data;

        write_file(f, "etc/agenthost.conf", "[Host]\nHostname=main\nMaxAgents=1\nDefaultRuntime=a\n");
        write_file(f, "usr/agenthost.conf.d/10-a.conf", "[Host]\nHostname=ten\nMaxAgents=10\n");
        write_file(f, "etc/agenthost.conf.d/20-b.conf", "[Host]\nHostname=twenty\n");
        write_file(f, "etc/agenthost.conf.d/30-c.txt", "[Host]\nHostname=thirty\n");
        c = load(f);

        g_assert_cmpstr(c->hostname, ==, "twenty");
        g_assert_cmpuint(c->max_agents, ==, 10);
        g_assert_cmpstr(c->default_runtime, ==, "a");
}

static void test_config_lets_a_drop_in_hide_one_of_the_same_name(Fixture *f, const void *data)
{
        const Config *c;

        (void)data;

        write_file(f, "usr/agenthost.conf.d/10-a.conf", "[Host]\nHostname=vendor\nMaxAgents=10\n");
        write_file(f, "etc/agenthost.conf.d/10-a.conf", "[Host]\nHostname=admin\n");
        write_file(f, "usr/agenthost.conf.d/20-b.conf", "[Host]\nDefaultRuntime=vendor\n");
        g_autofree char *mask = g_build_filename(f->dirs[0], "agenthost.conf.d", "20-b.conf", NULL);
        g_assert_cmpint(symlink("/dev/null", mask), ==, 0);
        c = load(f);

        g_assert_cmpstr(c->hostname, ==, "admin");
        g_assert_cmpuint(c->max_agents, ==, 100);
        g_assert_null(c->default_runtime);
}

static void test_config_lets_the_environment_win(Fixture *f, const void *data)
{
        const Config *c;

        (void)data;

        write_file(f, "etc/agenthost.conf", "[Host]\nHostname=file\nMaxAgents=1\n[Peers]\nPort=2\n");
        g_setenv("HOSTNAME", "agent-host-0", TRUE);
        g_setenv("GRPC_PORT", "50052", TRUE);
        g_setenv("MAX_PROCESSES", "25", TRUE);
        g_setenv("LOG_LEVEL", "DEBUG", TRUE);
        g_setenv("REDIS_URL", "redis://localhost:6379/0", TRUE);
        g_setenv("REDIS_PASSWORD", "secret", TRUE);
        g_setenv("HEARTBEAT_INTERVAL", "15", TRUE);
        c = load(f);

        g_assert_cmpstr(c->hostname, ==, "agent-host-0");
        g_assert_cmpstr(c->address, ==, "agent-host-0:50052");
        g_assert_cmpuint(c->max_agents, ==, 25);
        g_assert_cmpint(c->log_level, ==, LOG_DEBUG);
        g_assert_cmpstr(c->registry.url, ==, "redis://localhost:6379/0");
        g_assert_cmpstr(c->registry.password, ==, "secret");
        g_assert_cmpuint(c->registry.heartbeat_usec, ==, 15 * USEC_PER_SEC);
        assert_logged(f, "");
}

static void test_config_ignores_empty_and_later_variables(Fixture *f, const void *data)
{
        (void)data;

        g_setenv("MAX_PROCESSES", "", TRUE);
        g_setenv("LOG_LEVEL", "", TRUE);
        g_setenv("REDIS_URL", "", TRUE);
        g_setenv("REDIS_PASSWORD", "", TRUE);
        g_setenv("HEARTBEAT_INTERVAL", "", TRUE);
        g_setenv("METRICS_PORT", "9090", TRUE);
        g_setenv("AGENT_HOST_SERVICE_NAME", "agent-host", TRUE);

        g_assert_cmpuint(load(f)->max_agents, ==, 100);
        g_assert_null(f->config->registry.url);
        g_assert_null(f->config->registry.password);
        assert_logged(f, "");
}

static void test_config_warns_about_wrong_variables(Fixture *f, const void *data)
{
        const Config *c;

        (void)data;

        g_setenv("MAX_PROCESSES", "many", TRUE);
        g_setenv("GRPC_PORT", "65536", TRUE);
        g_setenv("LOG_LEVEL", "loud", TRUE);
        g_setenv("HEARTBEAT_INTERVAL", "0", TRUE);
        c = load(f);

        g_assert_cmpuint(c->max_agents, ==, 100);
        g_assert_cmpuint(c->peers.port, ==, 50051);
        g_assert_cmpint(c->log_level, ==, LOG_INFO);
        assert_logged(f,
                "Environment variable GRPC_PORT: '65536' is not a value for this, ignored\n"
                "Environment variable MAX_PROCESSES: 'many' is not a value for this, ignored\n"
                "Environment variable HEARTBEAT_INTERVAL: '0' is not between 100ms and 1d, ignored\n"
                "Environment variable LOG_LEVEL: 'loud' is not a value for this, ignored\n");
}

static void test_config_warns_about_unknown_keys_and_sections(Fixture *f, const void *data)
{
        (void)data;

        write_file(f, "etc/agenthost.conf",
                "[Host]\nMaxAgent=5\nmaxagents=5\nPort=5\n[host]\nMaxAgents=5\n[Peers]\nPeer=a\n");

        g_assert_cmpuint(load(f)->max_agents, ==, 100);
        assert_logged(f,
                "/etc/agenthost.conf:2: [Host] has no setting MaxAgent=, ignored\n"
                "/etc/agenthost.conf:3: [Host] has no setting maxagents=, ignored\n"
                "/etc/agenthost.conf:4: [Host] has no setting Port=, ignored\n"
                "/etc/agenthost.conf:6: [host] has no setting MaxAgents=, ignored\n"
                "/etc/agenthost.conf:8: [Peers] has no setting Peer=, ignored\n");
}

/* -- Metrics -- */

static void test_config_has_metrics_nowhere_by_default(Fixture *f, const void *data)
{
        const Config *c = load(f);

        (void)data;

        g_assert_null(c->metrics.listen_address);
        g_assert_cmpuint(c->metrics.n_agents_max, ==, 0);
        assert_logged(f, "");
}

static void test_config_has_metrics_on_loopback(Fixture *f, const void *data)
{
        static const char *const cases[][2] = {
                { "9464", "127.0.0.1:9464" },
                { "127.0.0.2:9464", "127.0.0.2:9464" },
                { "[::1]:9464", "[::1]:9464" },
        };

        (void)data;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                g_autofree char *text =
                        g_strdup_printf("[Metrics]\nListenAddress=%s\nPerAgentMax=500\n", cases[i][0]);
                const Config *c;

                write_file(f, "etc/agenthost.conf", text);
                c = load(f);
                g_assert_cmpstr(c->metrics.listen_address, ==, cases[i][1]);
                g_assert_cmpuint(c->metrics.n_agents_max, ==, 500);
        }
        assert_logged(f, "");
}

static void test_config_shows_metrics_to_others_only_if_it_says_so(Fixture *f, const void *data)
{
        (void)data;

        write_file(f, "etc/agenthost.conf", "[Metrics]\nListenAddress=0.0.0.0:9464\n");
        g_assert_null(load(f)->metrics.listen_address);
        assert_logged(f,
                "[Metrics] ListenAddress=0.0.0.0:9464 can be reached from other machines, by everybody: it is "
                "not used without AllowRemote=yes; with certificates in [Peers], the metrics are also at "
                "their port\n");

        write_file(f, "etc/agenthost.conf", "[Metrics]\nAllowRemote=yes\nListenAddress=0.0.0.0:9464\n");
        g_assert_cmpstr(load(f)->metrics.listen_address, ==, "0.0.0.0:9464");
}

static void test_config_takes_the_port_of_metrics_from_the_environment(Fixture *f, const void *data)
{
        (void)data;

        g_setenv("METRICS_PORT", "8080", true);
        g_assert_cmpstr(load(f)->metrics.listen_address, ==, "127.0.0.1:8080");
        write_file(f, "etc/agenthost.conf", "[Metrics]\nListenAddress=[::1]:9464\n");
        g_assert_cmpstr(load(f)->metrics.listen_address, ==, "[::1]:8080");
        write_file(f, "etc/agenthost.conf", "[Metrics]\nListenAddress=127.0.0.2:9464\n");
        g_assert_cmpstr(load(f)->metrics.listen_address, ==, "127.0.0.2:8080");
        assert_logged(f, "");
}

static void test_config_refuses_wrong_settings_of_metrics(Fixture *f, const void *data)
{
        const Config *c;

        (void)data;

        write_file(f, "etc/agenthost.conf",
                "[Metrics]\nListenAddress=localhost:9464\nAllowRemote=perhaps\nPerAgentMax=501\n");
        c = load(f);
        g_assert_null(c->metrics.listen_address);
        g_assert_false(c->metrics.allow_remote);
        g_assert_cmpuint(c->metrics.n_agents_max, ==, 0);
        assert_logged(f,
                "/etc/agenthost.conf:2: [Metrics] ListenAddress=: 'localhost:9464' is no address to listen "
                "on: it has to be a numeric one and a port, as in 127.0.0.1:9464 or [::1]:9464, or a port "
                "alone, ignored\n"
                "/etc/agenthost.conf:3: [Metrics] AllowRemote=: 'perhaps' is not a value for this, ignored\n"
                "/etc/agenthost.conf:4: [Metrics] PerAgentMax=: '501' is not a value for this, ignored\n");
}

static void test_config_keeps_the_setting_when_a_value_is_wrong(Fixture *f, const void *data)
{
        const Config *c;

        (void)data;

        write_file(f, "etc/agenthost.conf",
                "[Host]\nMaxAgents=5\nMaxAgents=0\nMaxAgents=-1\nMaxAgents=5x\nRetainSec=soon\n"
                "UnknownClientType=maybe\nHostname=a b\n[Peers]\nPort=0\n");
        c = load(f);

        g_assert_cmpuint(c->max_agents, ==, 5);
        g_assert_cmpuint(c->retain_usec, ==, 60 * USEC_PER_SEC);
        g_assert_cmpstr(c->hostname, ==, g_get_host_name());
        g_assert_cmpuint(c->peers.port, ==, 50051);
        assert_logged(f,
                "/etc/agenthost.conf:3: [Host] MaxAgents=: '0' is not a value for this, ignored\n"
                "/etc/agenthost.conf:4: [Host] MaxAgents=: '-1' is not a value for this, ignored\n"
                "/etc/agenthost.conf:5: [Host] MaxAgents=: '5x' is not a value for this, ignored\n"
                "/etc/agenthost.conf:6: [Host] RetainSec=: 'soon' is not a value for this, ignored\n"
                "/etc/agenthost.conf:7: [Host] UnknownClientType=: 'maybe' is neither 'fallback' nor 'reject', ignored\n"
                "/etc/agenthost.conf:8: [Host] Hostname=: 'a b' is not a value for this, ignored\n"
                "/etc/agenthost.conf:10: [Peers] Port=: '0' is not a value for this, ignored\n");
}

static void test_config_takes_an_empty_value_for_the_default(Fixture *f, const void *data)
{
        const Config *c;

        (void)data;

        write_file(f, "etc/agenthost.conf",
                "[Host]\nHostname=a\nAddress=a:1\nMaxAgents=5\nDefaultRuntime=r\nRetainSec=1\n"
                "UnknownClientType=reject\n[Peers]\nPort=2\n");
        write_file(f, "etc/agenthost.conf.d/reset.conf",
                "[Host]\nHostname=b\nAddress=\nMaxAgents=\nDefaultRuntime=\nRetainSec=\n"
                "UnknownClientType=\n[Peers]\nPort=\n");
        c = load(f);

        g_assert_cmpstr(c->hostname, ==, "b");
        g_assert_cmpstr(c->address, ==, "b:50051");
        g_assert_cmpuint(c->max_agents, ==, 100);
        g_assert_null(c->default_runtime);
        g_assert_cmpuint(c->retain_usec, ==, 60 * USEC_PER_SEC);
        g_assert_cmpint(c->unknown_client_type, ==, UNKNOWN_CLIENT_TYPE_FALLBACK);
        assert_logged(f, "");
}

static void test_config_survives_a_broken_file(Fixture *f, const void *data)
{
        const Config *c;

        (void)data;

        write_file(f, "etc/agenthost.conf", "[Host]\nMaxAgents=5\nwhat is this\nHostname=a\n");
        write_file(f, "etc/agenthost.conf.d/good.conf", "[Host]\nDefaultRuntime=r\n");
        c = load(f);

        g_assert_cmpuint(c->max_agents, ==, 5);
        g_assert_cmpstr(c->hostname, ==, g_get_host_name());
        g_assert_cmpstr(c->default_runtime, ==, "r");
        g_assert_nonnull(strstr(logged->str, "agenthost.conf:3: "));
        g_assert_nonnull(strstr(logged->str, "; the rest of the file is ignored\n"));
}

static void test_config_survives_a_directory_in_place_of_the_file(Fixture *f, const void *data)
{
        (void)data;

        write_file(f, "etc/agenthost.conf/x", "");

        g_assert_cmpuint(load(f)->max_agents, ==, 100);
        assert_logged(f, "/etc/agenthost.conf: Is a directory, ignored\n");
}

static bool takes(Fixture *f, const char *key, const char *value)
{
        g_autofree char *text = g_strdup_printf("[Host]\n%s=%s\n", key, value);

        g_string_truncate(logged, 0);
        write_file(f, "etc/agenthost.conf", text);
        load(f);
        return logged->len == 0;
}

static void test_config_checks_hostnames(Fixture *f, const void *data)
{
        g_autofree char *longest = g_strnfill(253, 'a'), *longer = g_strnfill(254, 'a');

        (void)data;

        g_assert_true(takes(f, "Hostname", "agent-host-0.agents.default.svc"));
        g_assert_true(takes(f, "Hostname", "10.0.0.1"));
        g_assert_true(takes(f, "Hostname", longest));

        g_assert_false(takes(f, "Hostname", longer));
        g_assert_false(takes(f, "Hostname", "a_b"));
        g_assert_false(takes(f, "Hostname", "a/b"));
        g_assert_false(takes(f, "Hostname", "a:1"));
        g_assert_false(takes(f, "Hostname", "h\xc3\xb6st"));
}

static void test_config_checks_addresses(Fixture *f, const void *data)
{
        (void)data;

        g_assert_true(takes(f, "Address", "agent-host-0:50051"));
        g_assert_true(takes(f, "Address", "10.0.0.1:1"));
        g_assert_true(takes(f, "Address", "a.example.org:65535"));
        g_assert_true(takes(f, "Address", "[fd00::1]:50051"));
        g_assert_true(takes(f, "Address", "[::]:50051"));

        g_assert_false(takes(f, "Address", "nocolon"));
        g_assert_false(takes(f, "Address", ":50051"));
        g_assert_false(takes(f, "Address", "a:"));
        g_assert_false(takes(f, "Address", "a:0"));
        g_assert_false(takes(f, "Address", "a:65536"));
        g_assert_false(takes(f, "Address", "a:+1"));
        g_assert_false(takes(f, "Address", "a:1x"));
        g_assert_false(takes(f, "Address", "a b:1"));
        g_assert_false(takes(f, "Address", "fd00::1:50051"));
        g_assert_false(takes(f, "Address", "[fd00::1]"));
        g_assert_false(takes(f, "Address", "[fd00::zz]:1"));
        g_assert_false(takes(f, "Address", "[10.0.0.1]:1"));
        g_assert_false(takes(f, "Address", "[]:1"));
}

static void test_config_says_what_is_wrong_with_an_address(Fixture *f, const void *data)
{
        (void)data;

        write_file(f, "etc/agenthost.conf", "[Host]\nAddress=nocolon\n");
        load(f);

        assert_logged(f,
                "/etc/agenthost.conf:2: [Host] Address=: Invalid host address format: 'nocolon'; it must be "
                "HOST:PORT or [IPv6 ADDRESS]:PORT with a port between 1 and 65535, ignored\n");
}

static void test_config_says_what_is_wrong_in_the_registry(Fixture *f, const void *data)
{
        (void)data;

        write_file(f, "etc/agenthost.conf",
                "[Registry]\nRedisCaFile=ca.pem\nHeartbeatSec=1ms\nHeartbeatSec=infinity\nTtlSec=1500ms\n"
                "TtlSec=0\nTtlSec=2d\nOnConflict=ask\nRedisUrls=a\n");
        load(f);

        assert_logged(f,
                "/etc/agenthost.conf:2: [Registry] RedisCaFile=: 'ca.pem' is not an absolute path, ignored\n"
                "/etc/agenthost.conf:3: [Registry] HeartbeatSec=: '1ms' is not between 100ms and 1d, ignored\n"
                "/etc/agenthost.conf:4: [Registry] HeartbeatSec=: 'infinity' is not between 100ms and 1d, ignored\n"
                "/etc/agenthost.conf:5: [Registry] TtlSec=: '1500ms' is not in whole seconds, ignored\n"
                "/etc/agenthost.conf:6: [Registry] TtlSec=: '0' is not between 1s and 1d, ignored\n"
                "/etc/agenthost.conf:7: [Registry] TtlSec=: '2d' is not between 1s and 1d, ignored\n"
                "/etc/agenthost.conf:8: [Registry] OnConflict=: 'ask' is neither 'stop' nor 'keep', ignored\n"
                "/etc/agenthost.conf:9: [Registry] has no setting RedisUrls=, ignored\n");
        g_assert_cmpuint(f->config->registry.heartbeat_usec, ==, 20 * USEC_PER_SEC);
        g_assert_cmpuint(f->config->registry.ttl_usec, ==, 60 * USEC_PER_SEC);
        g_assert_null(f->config->registry.ca_file);
}

static void test_config_warns_of_secrets_that_all_can_read(Fixture *f, const void *data)
{
        g_autofree char *etc = g_build_filename(f->root, "etc", NULL),
                        *key = g_build_filename(etc, "key", NULL),
                        *conf = g_build_filename(etc, "agenthost.conf", NULL),
                        *text = g_strdup_printf(
                                "[Registry]\nRedisUrl=redis://:secret@redis\n[Peers]\nKeyFile=%s\n", key);

        (void)data;

        write_file(f, "etc/key", "key");
        write_file(f, "etc/agenthost.conf", text);
        g_assert_cmpint(chmod(key, 0644), ==, 0);
        g_assert_cmpint(chmod(conf, 0644), ==, 0);
        (void)load(f);
        assert_logged(f, "");

        g_assert_cmpint(chmod(etc, 0755), ==, 0);
        (void)load(f);
        assert_logged(f,
                "/etc/agenthost.conf:2: [Registry] RedisUrl= has a password, which everybody on this machine "
                "can read here: put it into a file of its own, for RedisPasswordFile=\n"
                "[Peers] KeyFile=/etc/key can be read by everybody on this machine: 'chmod o= /etc/key'\n");

        g_string_truncate(logged, 0);
        g_assert_cmpint(chmod(key, 0640), ==, 0);
        write_file(f, "etc/agenthost.conf", "[Registry]\nRedisUrl=redis://user@redis\n");
        g_assert_cmpint(chmod(conf, 0644), ==, 0);
        (void)load(f);
        assert_logged(f, "");
}

static void test_config_beats_before_an_entry_expires(Fixture *f, const void *data)
{
        (void)data;

        write_file(f, "etc/agenthost.conf", "[Registry]\nTtlSec=3\n");
        load(f);

        g_assert_cmpuint(f->config->registry.ttl_usec, ==, 3 * USEC_PER_SEC);
        g_assert_cmpuint(f->config->registry.heartbeat_usec, ==, USEC_PER_SEC);
        assert_logged(
                f, "[Registry] HeartbeatSec= (20s) is not shorter than TtlSec= (3s); 1s is taken instead\n");
}

static void test_config_finds_the_password_that_systemd_brings(Fixture *f, const void *data)
{
        g_autofree char *path = g_build_filename(f->root, "credentials", "redis-password", NULL);
        g_autofree char *dir = g_path_get_dirname(path);

        (void)data;

        g_setenv("CREDENTIALS_DIRECTORY", dir, TRUE);
        g_assert_null(load(f)->registry.password_file);

        write_file(f, "credentials/redis-password", "secret");
        g_assert_cmpstr(load(f)->registry.password_file, ==, path);

        write_file(f, "etc/agenthost.conf", "[Registry]\nRedisPasswordFile=/a\n");
        g_assert_cmpstr(load(f)->registry.password_file, ==, "/a");
        assert_logged(f, "");
}

static void test_config_finds_the_certificates_that_systemd_brings(Fixture *f, const void *data)
{
        g_autofree char *dir = g_build_filename(f->root, "credentials", NULL);
        g_autofree char *cert = g_build_filename(dir, "peer-cert", NULL);
        g_autofree char *ca = g_build_filename(dir, "peer-ca", NULL);

        (void)data;

        write_file(f, "credentials/peer-cert", "a");
        write_file(f, "credentials/peer-key", "b");
        write_file(f, "credentials/peer-ca", "c");
        write_file(f, "etc/agenthost.conf", "[Peers]\nKeyFile=/k\n");
        g_setenv("CREDENTIALS_DIRECTORY", dir, TRUE);
        load(f);

        g_assert_cmpstr(f->config->peers.cert_file, ==, cert);
        g_assert_cmpstr(f->config->peers.key_file, ==, "/k");
        g_assert_cmpstr(f->config->peers.ca_file, ==, ca);
        assert_logged(f, "");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

#define ADD(test) g_test_add("/config/" #test, Fixture, NULL, set_up, test, tear_down)
        ADD(test_config_has_defaults_for_all);
        ADD(test_config_reads_every_setting);
        ADD(test_config_reads_every_setting_of_discovery_and_placement);
        ADD(test_config_reads_every_setting_of_peers);
        ADD(test_config_says_what_is_wrong_with_peers);
        ADD(test_config_finds_the_certificates_that_systemd_brings);
        ADD(test_config_says_what_is_wrong_with_discovery_and_placement);
        ADD(test_config_takes_the_service_from_the_environment);
        ADD(test_config_makes_the_address_from_hostname_and_port);
        ADD(test_config_takes_the_first_main_file_only);
        ADD(test_config_reads_drop_ins_after_the_main_file);
        ADD(test_config_lets_a_drop_in_hide_one_of_the_same_name);
        ADD(test_config_lets_the_environment_win);
        ADD(test_config_ignores_empty_and_later_variables);
        ADD(test_config_warns_about_wrong_variables);
        ADD(test_config_warns_about_unknown_keys_and_sections);
        ADD(test_config_has_metrics_nowhere_by_default);
        ADD(test_config_has_metrics_on_loopback);
        ADD(test_config_shows_metrics_to_others_only_if_it_says_so);
        ADD(test_config_takes_the_port_of_metrics_from_the_environment);
        ADD(test_config_refuses_wrong_settings_of_metrics);
        ADD(test_config_keeps_the_setting_when_a_value_is_wrong);
        ADD(test_config_takes_an_empty_value_for_the_default);
        ADD(test_config_survives_a_broken_file);
        ADD(test_config_survives_a_directory_in_place_of_the_file);
        ADD(test_config_checks_hostnames);
        ADD(test_config_checks_addresses);
        ADD(test_config_says_what_is_wrong_with_an_address);
        ADD(test_config_says_what_is_wrong_in_the_registry);
        ADD(test_config_warns_of_secrets_that_all_can_read);
        ADD(test_config_beats_before_an_entry_expires);
        ADD(test_config_finds_the_password_that_systemd_brings);

        return g_test_run();
}
