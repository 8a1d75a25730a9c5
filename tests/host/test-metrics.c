/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What Prometheus finds: that it is what has happened, and in Prometheus' format; that an idle host is not
 * woken for it; and that nobody who connects there disturbs agenthostd. */

#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "common/agents.h"
#include "common/host-state.h"
#include "common/http.h"
#include "common/outcome.h"
#include "common/redis-server.h"
#include "fake/loop.h"
#include "fake/raw-tls.h"

#define AGENTHOSTD "agenthostd.service"
#define LAUNCHER "agenthost-launcher.service"

#define PORT 9464u
#define SETTINGS "[Metrics]\nListenAddress=127.0.0.1:9464\n"
#define WITH_AGENTS SETTINGS "PerAgentMax=2\n"

#define PAGE_FILE "/run/agenthost-tests/metrics"

/* How long a connection may take. */
#define CONNECTION_LIMIT_SEC 10

static Client *begin_with(const char *settings)
{
        Client *c = agents_begin();

        config_write(settings);
        host_reload();
        return c;
}

static Client *begin(void)
{
        return begin_with(SETTINGS);
}

/* The value of a series, written as on the page: 'agenthost_agents{state="running"}'. NULL: there is none.
 */
static char *find_series(const char *page, const char *series)
{
        g_autofree char *start = g_strconcat("\n", series, " ", NULL);
        const char *at = strstr(page, start), *end;

        if (!at)
                return NULL;
        at += strlen(start);
        end = strchr(at, '\n');
        return g_strndup(at, (gsize)(end - at));
}

static char *series(const char *name)
{
        g_autofree char *page = http_get(PORT, "/metrics", 200);
        char *value = find_series(page, name);

        if (!value)
                fail("no %s in %s", name, page);
        return value;
}

static void expect_series(const char *name, const char *expected)
{
        g_autofree char *value = series(name);

        expect_text(name, expected, value);
}

/* Nobody tells. */
static void wait_series_above(const char *name, unsigned long least)
{
        gint64 end = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        for (;;) {
                g_autofree char *value = series(name);

                if (strtoul(value, NULL, 10) > least)
                        return;
                if (g_get_monotonic_time() > end)
                        fail("%s: expected more than %lu, got %s", name, least, value);
                g_usleep(10000);
        }
}

static void wait_ready(void)
{
        gint64 end = g_get_monotonic_time() + LIMIT_SEC * G_USEC_PER_SEC;

        for (;;) {
                g_autofree char *reply = http_ask(PORT, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");

                if (strstr(reply, " 200 "))
                        return;
                if (g_get_monotonic_time() > end)
                        fail("not ready: %s", reply);
                g_usleep(10000);
        }
}

/* -- What is counted -- */

static void test_nobody_listens_unless_it_is_wanted(void)
{
        _cleanup_client_ Client *c = agents_begin();
        int fd = http_connect(PORT);

        expect_number("connection", -1, fd);
}

static void expect_page_is_clean(void)
{
        g_autofree char *page = http_get(PORT, "/metrics", 200), *said = NULL;

        expect_true("file", g_file_set_contents(PAGE_FILE, page, -1, NULL));
        said = command(
                "sh -c '\"$AGENTHOST_SOURCE_DIR\"/tests/lib/check_metrics.py <" PAGE_FILE " || true'");
        expect_text("check_metrics.py", "\n", said);
}

static void test_page_is_in_the_format(void)
{
        _cleanup_client_ Client *c = begin_with(WITH_AGENTS);

        create(c, &(Create){ .id = "a\"1\\", .guild = "g {} =\xc3\xa9" });
        create(c, &(Create){ .id = "a2" });
        expect_page_is_clean();
}

static void test_agents_are_counted_by_their_state(void)
{
        _cleanup_client_ Client *c = begin();

        expect_series("agenthost_agents{state=\"running\"}", "0");
        expect_series("agenthost_guilds", "0");
        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2", .guild = "h" });
        create(c, &(Create){ .id = "a3", .guild = "h", .runtime = SILENT });
        expect_series("agenthost_agents{state=\"running\"}", "2");
        expect_series("agenthost_agents{state=\"starting\"}", "1");
        expect_series("agenthost_guilds", "2");
        expect_series("agenthost_agents_max", "100");

        agent_signal(c, "a1", SIGKILL);
        agent_wait_end(c, "a1", "signal", SIGKILL);
        expect_true("StopAgent", agent_stop(c, "a2", 0));
        expect_series("agenthost_agents{state=\"running\"}", "0");
        expect_series("agenthost_agents{state=\"failed\"}", "1");
        expect_series("agenthost_guilds", "1");
}

static void test_launches_are_counted(void)
{
        _cleanup_client_ Client *c = begin();

        agenthostd_crash();
        create(c, &(Create){ .id = "a1" });
        create(c, &(Create){ .id = "a2" });
        agent_restart(c, "a2");
        expect_series("agenthost_launches_total{kind=\"create\"}", "2");
        expect_series("agenthost_launches_total{kind=\"restart\"}", "1");
        expect_series("agenthost_launch_duration_seconds_count", "3");
        expect_series("agenthost_launch_duration_seconds_bucket{le=\"+Inf\"}", "3");
        /* What was stopped for the restart was stopped on request. */
        expect_series("agenthost_stops_total", "1");
}

static void test_failures_are_counted_by_their_cause(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_write("test-missing", "[Runtime]\n%s\nExec=/nonexistent/agent\n", runtime_user());
        runtime_add("test-late", "notify", "wait", "StartTimeoutSec=100ms");
        runtime_add("test-short", "notify", "exit=0", NULL);
        c = begin();
        agenthostd_crash();

        create(c, &(Create){ .id = "a1" });
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("AgentExists"), NULL);
        create_expect_error(c, &(Create){ .id = "a2", .runtime = "none" }, ERROR_("NoSuchRuntime"), NULL);
        create_expect_error(c, &(Create){ .agent_spec = "{}" }, ERROR_("InvalidSpec"), NULL);
        create_expect_error(
                c, &(Create){ .id = "a3", .runtime = "test-missing" }, ERROR_("StartFailed"), NULL);
        create_expect_error(c, &(Create){ .id = "a4", .runtime = "test-late", .wait = "ready" },
                ERROR_("StartTimeout"), NULL);
        create_expect_error(c, &(Create){ .id = "a5", .runtime = "test-short", .wait = "ready" },
                ERROR_("StartFailed"), NULL);

        expect_series("agenthost_start_failures_total{cause=\"AgentExists\"}", "1");
        expect_series("agenthost_start_failures_total{cause=\"NoSuchRuntime\"}", "1");
        expect_series("agenthost_start_failures_total{cause=\"InvalidSpec\"}", "1");
        expect_series("agenthost_start_failures_total{cause=\"StartFailed\"}", "2");
        expect_series("agenthost_start_failures_total{cause=\"StartTimeout\"}", "1");
        expect_series("agenthost_start_failures_total{cause=\"LimitReached\"}", "0");
        expect_series("agenthost_launches_total{kind=\"create\"}", "3");
        expect_series("agenthost_exits_total{result=\"timeout\"}", "1");
        expect_series("agenthost_exits_total{result=\"protocol\"}", "1");
}

static void test_ends_are_counted_by_their_result(void)
{
        _cleanup_client_ Client *c = NULL;

        runtime_add("test-seven", "exec", "exit=7", NULL);
        c = begin();
        agenthostd_crash();
        create(c, &(Create){ .id = "a1", .runtime = "test-seven" });
        create(c, &(Create){ .id = "a2" });
        create(c, &(Create){ .id = "a3" });
        create(c, &(Create){ .id = "a4" });

        agent_wait_end(c, "a1", "exit-code", 7);
        agent_signal(c, "a2", SIGKILL);
        agent_wait_end(c, "a2", "signal", SIGKILL);
        expect_true("StopAgent", agent_stop(c, "a3", 0));
        g_free(systemctl("stop %s", "agent-a4.scope"));
        agent_wait_end(c, "a4", "success", 0);

        expect_series("agenthost_exits_total{result=\"exit-code\"}", "1");
        expect_series("agenthost_exits_total{result=\"signal\"}", "1");
        expect_series("agenthost_exits_total{result=\"success\"}", "0");
        expect_series("agenthost_stops_total", "2");
}

static void test_what_single_agents_use_is_told_of_so_many(void)
{
        _cleanup_client_ Client *c = NULL;
        g_autofree char *busy = NULL, *page = NULL;

        runtime_add("test-busy", "notify", "busy=50 ready wait", NULL);
        c = begin_with(WITH_AGENTS);
        create(c, &(Create){ .id = "a1", .runtime = "test-busy", .wait = "ready" });
        create(c, &(Create){ .id = "a2" });
        create(c, &(Create){ .id = "a3" });

        busy = series("agenthost_agent_cpu_seconds_total{agent_id=\"a1\",guild_id=\"g\"}");
        expect_true("processor time", g_ascii_strtod(busy, NULL) >= 0.05);
        page = http_get(PORT, "/metrics", 200);
        expect_part("page", "cpu_seconds_total{agent_id=\"a2\"", page);
        expect_true("the youngest is not told", !strstr(page, "agent_id=\"a3\""));

        config_write(SETTINGS);
        host_reload();
        g_free(page);
        page = http_get(PORT, "/metrics", 200);
        expect_true("none is told", !strstr(page, "agent_id="));
}

static void test_heartbeats_are_counted(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *failed = NULL;

        redis_server_begin(c, REDIS_SETTINGS SETTINGS);
        create(c, &(Create){ .id = "a1" });
        expect_series("agenthost_registry_state{state=\"ok\"}", "1");
        /* There were servers before, which were killed. */
        failed = series("agenthost_heartbeat_failures_total");
        wait_series_above("agenthost_heartbeat_duration_seconds_count", 2);
        expect_series("agenthost_heartbeat_failures_total", failed);

        redis_server_kill();
        client_wait_property(c, MANAGER, "RegistryState", "stale");
        expect_series("agenthost_registry_state{state=\"ok\"}", "0");
        wait_series_above("agenthost_registry_errors_total", 1);
        /* More than the one that it was killed in. */
        wait_series_above("agenthost_heartbeat_failures_total", strtoul(failed, NULL, 10) + 2);
        /* Agents are launched without it. */
        g_free(http_get(PORT, "/readyz", 200));
        client_wait_property(c, MANAGER, "RegistryState", "down");
        expect_series("agenthost_registry_state{state=\"down\"}", "1");
}

/* It answers, but takes nothing. */
static void test_heartbeats_that_are_refused_have_failed(void)
{
        _cleanup_client_ Client *c = agents_begin();
        g_autofree char *failed = NULL;

        redis_server_begin(c, REDIS_SETTINGS SETTINGS);
        create(c, &(Create){ .id = "a1" });
        failed = series("agenthost_heartbeat_failures_total");
        redis_expect("OK", "CONFIG SET min-replicas-to-write 1");
        wait_series_above("agenthost_heartbeat_failures_total", strtoul(failed, NULL, 10) + 1);
        redis_expect("OK", "CONFIG SET min-replicas-to-write 0");
        client_wait_property(c, MANAGER, "RegistryState", "ok");
}

static void test_discovery_that_cannot_be_used_is_told(void)
{
        _cleanup_client_ Client *c =
                begin_with(SETTINGS "[Discovery]\nSource=kubernetes\nKubeConfig=/nonexistent/config\n");

        client_wait_property(c, MANAGER, "DiscoveryState", "down");
        expect_series("agenthost_discovery_state{state=\"down\"}", "1");
        wait_series_above("agenthost_discovery_errors_total", 1);
        g_free(http_get(PORT, "/readyz", 200));

        /* They are not forgotten with the settings. */
        config_write(SETTINGS "[Discovery]\nSource=static\nPeers=host-1:1 host-2:1\n");
        host_reload();
        client_wait_property(c, MANAGER, "DiscoveryState", "ok");
        wait_series_above("agenthost_discovery_errors_total", 1);
        expect_series("agenthost_discovery_hosts{ready=\"true\"}", "2");
}

static void test_states_survive_a_crash_and_counters_begin_anew(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "a1" });
        agenthostd_crash();
        expect_series("agenthost_agents{state=\"running\"}", "1");
        expect_series("agenthost_launches_total{kind=\"create\"}", "0");
}

/* -- Whether it is well -- */

static void test_host_with_a_launcher_is_ready(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *live = http_get(PORT, "/livez", 200), *ready = http_get(PORT, "/readyz", 200);

        expect_text("/livez", "alive\n", live);
        expect_text("/readyz", "ready\n[+] D-Bus name\n[+] launcher\n[i] registry off\n[i] discovery off\n",
                ready);
}

static void test_host_without_a_launcher_is_alive_and_not_ready(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *ready = NULL;

        unit_write(LAUNCHER, "[Service]\nExecStart=\nExecStart=/bin/sleep infinity\nType=exec\n");
        g_free(systemctl("restart " LAUNCHER));
        create_expect_error(c, &(Create){ .id = "a1" }, ERROR_("LauncherUnavailable"), NULL);
        g_free(http_get(PORT, "/livez", 200));
        ready = http_get(PORT, "/readyz", 503);
        expect_part("/readyz", "not ready\n[+] D-Bus name\n[-] launcher cannot be reached\n", ready);
        expect_series("agenthost_launcher_connected", "0");
        expect_series("agenthost_start_failures_total{cause=\"LauncherUnavailable\"}", "1");

        unit_write(LAUNCHER, "");
        g_free(systemctl("restart " LAUNCHER));
        wait_ready();
        expect_series("agenthost_launcher_connected", "1");
}

/* -- Where it is to be had -- */

static void test_address_changes_with_a_reload(void)
{
        _cleanup_client_ Client *c = begin();

        config_write("[Metrics]\nListenAddress=9465\n");
        host_reload();
        expect_number("the old port", -1, http_connect(PORT));
        g_free(http_get(9465, "/livez", 200));
        config_write("");
        host_reload();
        expect_number("the new port", -1, http_connect(9465));
}

static void test_port_that_is_taken_hurts_no_agent(void)
{
        _cleanup_client_ Client *c = begin_with("[Metrics]\nListenAddress=9465\n");

        redis_server_start("");
        config_write("[Metrics]\nListenAddress=6399\n");
        host_reload();
        create(c, &(Create){ .id = "a1" });
        expect_true("journal",
                journal_has(AGENTHOSTD, "Metrics cannot be had at 127.0.0.1:6399: Address already in use"));

        /* It is tried again with a reload. */
        redis_server_kill();
        host_reload();
        g_free(http_get(6399, "/livez", 200));
}

static void test_others_reach_it_only_if_that_is_allowed(void)
{
        _cleanup_client_ Client *c = begin_with("[Metrics]\nListenAddress=0.0.0.0:9464\n");

        expect_number("connection", -1, http_connect(PORT));
        expect_true("journal", journal_has(AGENTHOSTD, "it is not used without AllowRemote=yes"));
        config_write("[Metrics]\nListenAddress=0.0.0.0:9464\nAllowRemote=yes\n");
        host_reload();
        g_free(http_get(PORT, "/livez", 200));
}

/* -- At the port of peers -- */

#define PEER_DIR "/run/agenthost-tests/peer"
#define PEER_PORT 50151u
#define PEER_SETTINGS                                                                         \
        "[Peers]\nPort=50151\nCertFile=" PEER_DIR "/cert.pem\nKeyFile=" PEER_DIR "/key.pem\n" \
        "CaFile=" PEER_DIR "/ca.pem\n"

static void write_pem(const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(PEER_DIR, name, NULL);

        expect_true("directory", g_mkdir_with_parents(PEER_DIR, 0755) == 0);
        expect_true("file", g_file_set_contents(path, text, -1, NULL));
        expect_true("mode", g_chmod(path, 0644) == 0);
}

static void put_certificates(const Pki *pki, const PkiCert *cert)
{
        write_pem("ca.pem", pki_ca_pem(pki));
        write_pem("cert.pem", cert->cert);
        write_pem("key.pem", cert->key);
}

/* line: "GET /v1/agents"; more: headers, and behind an empty line the body. */
static char *request_as_peer(
        sd_event *event, const Pki *pki, const PkiCert *cert, const char *line, const char *more)
{
        g_autoptr(RawTls) tls = raw_tls_new(event, PEER_PORT, pki_ca_pem(pki), cert);
        g_autofree char *request = g_strdup_printf("%s HTTP/1.1\r\nHost: x\r\n%s\r\n", line, more);

        expect_true("connection", tls && raw_tls_send(tls, request, -1));
        return raw_tls_read(tls);
}

static char *ask_as_peer(sd_event *event, const Pki *pki, const PkiCert *cert, const char *path)
{
        g_autofree char *line = g_strdup_printf("GET %s", path);

        return request_as_peer(event, pki, cert, line, "");
}

static void test_peers_find_the_same_pages(void)
{
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        g_autoptr(Pki) pki = pki_new("hosts");
        g_auto(PkiCert) cert = pki_issue(pki, "host", "DNS:localhost", 3600);
        _cleanup_client_ Client *c = NULL;
        g_autofree char *ready = NULL, *page = NULL, *again = NULL;

        put_certificates(pki, &cert);
        c = begin_with(PEER_SETTINGS);
        agenthostd_crash();
        create(c, &(Create){ .id = "a1" });

        ready = ask_as_peer(event, pki, &cert, "/readyz");
        expect_part("/readyz", "\r\n\r\nready\n", ready);
        page = ask_as_peer(event, pki, &cert, "/metrics");
        expect_part("page", "\nagenthost_launches_total{kind=\"create\"} 1\n", page);
        expect_part("page", "\nagenthost_peer_requests_total{operation=\"page\",code=\"200\"} 1\n", page);
        expect_part("page", "\nagenthost_event_loop_lag_seconds_count ", page);
        expect_number("nobody listens without TLS", -1, http_connect(PORT));

        /* What is told of peers is in the format, too. */
        config_write(PEER_SETTINGS SETTINGS);
        host_reload();
        expect_page_is_clean();
        again = series("agenthost_peer_requests_total{operation=\"page\",code=\"200\"}");
        expect_text("requests", "2", again);
}

/* That a request has ended is counted a moment after its answer has come. */
static void expect_durations(const char *operation, unsigned n)
{
        g_autofree char *count = NULL, *all = NULL, *sum = NULL, *expected = g_strdup_printf("%u", n),
                        *seconds = NULL;

        count = g_strdup_printf(
                "agenthost_peer_request_duration_seconds_count{operation=\"%s\"}", operation);
        all = g_strdup_printf(
                "agenthost_peer_request_duration_seconds_bucket{operation=\"%s\",le=\"+Inf\"}", operation);
        sum = g_strdup_printf("agenthost_peer_request_duration_seconds_sum{operation=\"%s\"}", operation);
        wait_series_above(count, n - 1);
        expect_series(count, expected);
        expect_series(all, expected);
        seconds = series(sum);
        expect_true(sum, g_ascii_strtod(seconds, NULL) > 0);
}

/* Of each operation, of what is none, and of what is refused: there are series with every label. */
static void test_page_is_in_the_format_after_requests_of_peers(void)
{
        static const struct {
                const char *line, *more, *status;
        } requests[] = {
                { "GET /v1/agents", "", " 200 " },
                { "GET /v1/agents/a1", "", " 200 " },
                { "GET /v1/agents/none", "", " 404 " },
                { "GET /v1/health", "", " 200 " },
                { "POST /v1/agents", "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
                        " 400 " },
                { "DELETE /v1/agents/a1", "", " 200 " },
                { "DELETE /v1/agents/none", "", " 200 " },
                { "GET /v1/\"quote\\", "", " 404 " },
                { "BREW /v1/agents", "", " 405 " },
        };
        _cleanup_(sd_event_unrefp) sd_event *event = loop_new();
        g_autoptr(Pki) pki = pki_new("hosts");
        g_auto(PkiCert) cert = pki_issue(pki, "host", "DNS:localhost", 3600);
        _cleanup_client_ Client *c = NULL;

        put_certificates(pki, &cert);
        c = begin_with(PEER_SETTINGS SETTINGS);
        agenthostd_crash();
        wait_ready();
        create(c, &(Create){ .id = "a1" });
        for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
                g_autofree char *reply =
                        request_as_peer(event, pki, &cert, requests[i].line, requests[i].more);

                expect_part(requests[i].line, requests[i].status, reply);
        }
        expect_page_is_clean();
        expect_durations("list", 1);
        expect_durations("info", 2);
        expect_durations("health", 1);
        expect_durations("create", 1);
        expect_durations("stop", 2);
}

/* -- Who connects there -- */

static void expect_unharmed(Client *c, pid_t pid, const char *id)
{
        expect_number("process of agenthostd", pid, service_pid(AGENTHOSTD));
        create(c, &(Create){ .id = id });
        g_free(http_get(PORT, "/livez", 200));
        g_free(http_get(PORT, "/metrics", 200));
}

static void expect_status(const char *request, const char *status)
{
        g_autofree char *reply = http_ask(PORT, request), *what = g_strdup_printf("%.60s", request);

        expect_part(what, status, reply);
}

static void test_wrong_requests_are_refused(void)
{
        _cleanup_client_ Client *c = begin();
        pid_t pid = service_pid(AGENTHOSTD);

        expect_status("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx", " 405 ");
        expect_status("DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", " 405 ");
        expect_status("GET /v1/agents HTTP/1.1\r\nHost: x\r\n\r\n", " 404 ");
        expect_status("GET /metrics/../../etc/shadow HTTP/1.1\r\nHost: x\r\n\r\n", " 404 ");
        expect_status("GET /metrics HTTP/1.1\r\n\r\n", " 400 ");
        g_free(http_ask(PORT, "\x16\x03\x01\x02\x01\x01\r\n\r\n"));
        expect_unharmed(c, pid, "a1");
}

static void test_huge_heads_are_refused(void)
{
        _cleanup_client_ Client *c = begin();
        g_autofree char *filler = g_strnfill(4u * 1024 * 1024, 'a'), *target = NULL, *header = NULL;
        pid_t pid = service_pid(AGENTHOSTD);

        target = g_strdup_printf("GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", filler);
        header = g_strdup_printf("GET /metrics HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", filler);
        g_free(http_ask(PORT, target));
        g_free(http_ask(PORT, header));
        expect_unharmed(c, pid, "a1");
}

/* More of them than it takes: the others wait, as does everybody else who asks, until the time of the first
 * ones is up. */
static void test_silent_connections_are_closed(void)
{
        enum { CONNECTIONS = 200 };
        _cleanup_client_ Client *c = begin();
        pid_t pid = service_pid(AGENTHOSTD);
        g_autofree char *rest = NULL;
        int fds[CONNECTIONS];

        for (int i = 0; i < CONNECTIONS; i++) {
                fds[i] = http_connect(PORT);
                expect_true("connection", fds[i] >= 0);
        }
        /* Agents do not notice. */
        create(c, &(Create){ .id = "a1" });
        rest = http_read_all(fds[0]);
        expect_text("silent connection", "", rest);
        for (int i = 0; i < CONNECTIONS; i++)
                close(fds[i]);
        expect_unharmed(c, pid, "a2");
}

static void test_slow_client_has_its_time_and_no_more(void)
{
        static const char head[] = "GET /metrics HTTP/1.1\r\n";
        _cleanup_client_ Client *c = begin();
        gint64 start = g_get_monotonic_time();
        _cleanup_close_ int fd = http_connect(PORT);
        pid_t pid = service_pid(AGENTHOSTD);

        expect_true("head", http_send(fd, head, strlen(head)));
        while (http_send(fd, "X: y\r\n", 6)) {
                if (g_get_monotonic_time() - start > LIMIT_SEC * G_USEC_PER_SEC)
                        fail("a client may take longer than %u s", LIMIT_SEC);
                g_usleep(100 * 1000);
        }
        expect_unharmed(c, pid, "a1");
}

/* -- What it costs -- */

static uint64_t count_wakeups(pid_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid), *status = NULL;
        const char *at;

        if (!g_file_get_contents(path, &status, NULL, NULL))
                fail("%s: %m", path);
        at = strstr(status, "\nvoluntary_ctxt_switches:");
        return strtoull(at + strlen("\nvoluntary_ctxt_switches:"), NULL, 10);
}

/* Until what has been done before has come to its end. */
static uint64_t wait_idle(pid_t pid)
{
        uint64_t before, now = count_wakeups(pid);

        do {
                before = now;
                g_usleep(2 * G_USEC_PER_SEC);
                now = count_wakeups(pid);
        } while (now != before);
        return now;
}

static void test_idle_host_is_not_woken(void)
{
        _cleanup_client_ Client *c = NULL;
        uint64_t before;
        pid_t pid;

        /* Which would be fed meanwhile. */
        unit_write(AGENTHOSTD, "[Service]\nWatchdogSec=0\n");
        c = begin_with(WITH_AGENTS);
        g_free(systemctl("restart " AGENTHOSTD));
        pid = service_pid(AGENTHOSTD);
        create(c, &(Create){ .id = "a1", .runtime = NOTIFY, .wait = "ready" });
        g_free(http_get(PORT, "/metrics", 200));

        before = wait_idle(pid);
        g_usleep((CONNECTION_LIMIT_SEC + 2) * G_USEC_PER_SEC);
        expect_number("wake-ups", (int64_t)before, (int64_t)count_wakeups(pid));
}

static void test_lag_of_the_loop_is_told(void)
{
        _cleanup_client_ Client *c = begin();

        create(c, &(Create){ .id = "a1" });
        wait_series_above("agenthost_event_loop_lag_seconds_count", 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
#define ADD(name, f) host_test_add("/metrics/" name, test_##f)
        ADD("nobody-listens-unless-it-is-wanted", nobody_listens_unless_it_is_wanted);
        ADD("page-is-in-the-format", page_is_in_the_format);
        ADD("agents-are-counted-by-their-state", agents_are_counted_by_their_state);
        ADD("launches-are-counted", launches_are_counted);
        ADD("failures-are-counted-by-their-cause", failures_are_counted_by_their_cause);
        ADD("ends-are-counted-by-their-result", ends_are_counted_by_their_result);
        ADD("what-single-agents-use-is-told-of-so-many", what_single_agents_use_is_told_of_so_many);
        ADD("heartbeats-are-counted", heartbeats_are_counted);
        ADD("heartbeats-that-are-refused-have-failed", heartbeats_that_are_refused_have_failed);
        ADD("discovery-that-cannot-be-used-is-told", discovery_that_cannot_be_used_is_told);
        ADD("states-survive-a-crash-and-counters-begin-anew",
                states_survive_a_crash_and_counters_begin_anew);
        ADD("host-with-a-launcher-is-ready", host_with_a_launcher_is_ready);
        ADD("host-without-a-launcher-is-alive-and-not-ready",
                host_without_a_launcher_is_alive_and_not_ready);
        ADD("address-changes-with-a-reload", address_changes_with_a_reload);
        ADD("port-that-is-taken-hurts-no-agent", port_that_is_taken_hurts_no_agent);
        ADD("others-reach-it-only-if-that-is-allowed", others_reach_it_only_if_that_is_allowed);
        ADD("peers-find-the-same-pages", peers_find_the_same_pages);
        ADD("page-is-in-the-format-after-requests-of-peers", page_is_in_the_format_after_requests_of_peers);
        ADD("wrong-requests-are-refused", wrong_requests_are_refused);
        ADD("huge-heads-are-refused", huge_heads_are_refused);
        ADD("silent-connections-are-closed", silent_connections_are_closed);
        ADD("slow-client-has-its-time-and-no-more", slow_client_has_its_time_and_no_more);
        ADD("idle-host-is-not-woken", idle_host_is_not_woken);
        ADD("lag-of-the-loop-is-told", lag_of_the_loop_is_told);
#undef ADD

        return host_tests_run();
}
