/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whom the peer API lets in, and what happens when certificates change. */

#include "peer-host.h"

#include "fake/loop.h"

#define HEALTH "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"

static PeerHost *start(void)
{
        PeerHost *h = peer_host_new();

        peer_host_start(h);
        return h;
}

/* With TLS 1.3 a client believes in its connection before the server has looked at its certificate. */
static void assert_not_answered(PeerHost *h, const PkiCert *cert)
{
        g_autoptr(RawTls) c = raw_tls_new(h->event, peer_server_port(h->server), NULL, cert);

        if (c) {
                (void)raw_tls_send(c, HEALTH, -1);
                g_assert_true(raw_tls_ends(c));
        }
        peer_host_until_connections(h, 0);
        g_assert_cmpuint(h->n_asked, ==, 0);
}

static char *ask_health(RawTls *c)
{
        g_assert_nonnull(c);
        g_assert_true(raw_tls_send(c, HEALTH, -1));
        return raw_tls_read(c);
}

static void assert_answered(PeerHost *h, RawTls *c, const char *status)
{
        g_autofree char *reply = ask_health(c), *begin = g_strdup_printf("HTTP/1.1 %s ", status);

        (void)h;
        g_assert_nonnull(reply);
        g_assert_true(g_str_has_prefix(reply, begin));
}

static void test_without_a_certificate_nobody_is_answered(void)
{
        g_autoptr(PeerHost) h = start();

        assert_not_answered(h, NULL);
}

static void test_a_certificate_of_a_foreign_authority_is_not_answered(void)
{
        g_autoptr(PeerHost) h = start();
        /* By the same name. */
        g_autoptr(Pki) foreign = pki_new("peers");
        g_auto(PkiCert) cert = pki_issue(foreign, "client", "DNS:client.example.com", 3600);

        assert_not_answered(h, &cert);
}

static void test_an_expired_certificate_is_not_answered(void)
{
        g_autoptr(PeerHost) h = start();
        g_auto(PkiCert) cert = pki_issue(h->pki, "client", "DNS:client.example.com", -60);

        assert_not_answered(h, &cert);
}

static void test_a_certificate_for_servers_only_is_not_answered(void)
{
        g_autoptr(PeerHost) h = start();
        g_auto(PkiCert) server = pki_issue_for(h->pki, "s", "DNS:client.example.com", 3600, "serverAuth");
        g_auto(PkiCert) client = pki_issue_for(h->pki, "c", "DNS:client.example.com", 3600, "clientAuth");
        g_autoptr(RawTls) c = NULL;

        assert_not_answered(h, &server);
        c = raw_tls_new(h->event, peer_server_port(h->server), pki_ca_pem(h->pki), &client);
        assert_answered(h, c, "200");
}

static void test_plain_http_is_not_answered(void)
{
        g_autoptr(PeerHost) h = start();
        g_autoptr(RawTls) c = raw_tls_new_plain(h->event, peer_server_port(h->server));
        g_autofree char *reply = NULL;

        g_assert_true(raw_tls_send(c, HEALTH, -1));
        /* An alert of TLS may come; HTTP must not. */
        reply = raw_tls_read(c);
        g_assert_null(reply);
        g_assert_cmpuint(h->n_asked, ==, 0);
}

/* By what the configuration says. */
static PeerHost *start_with(PeerMinimumTls minimum_tls)
{
        PeerHost *h = peer_host_new();
        PeerSettings settings = { 0 };

        peer_settings_copy(&(PeerSettings){ .cert_file = h->cert_file,
                                   .key_file = h->key_file,
                                   .ca_file = h->ca_file,
                                   .minimum_tls = minimum_tls },
                &settings);
        h->settings.tls = peer_settings_tls(&settings);
        peer_host_start(h);
        peer_settings_done(&settings);
        return h;
}

static void test_tls_12_is_for_those_who_allow_it(void)
{
        g_autoptr(PeerHost) strict = start_with(PEER_TLS_1_3), lenient = start_with(PEER_TLS_1_2);
        g_autoptr(RawTls) refused = NULL, let_in = NULL, newer = NULL;

        refused = raw_tls_new_12(
                strict->event, peer_server_port(strict->server), pki_ca_pem(strict->pki), &strict->client);
        g_assert_null(refused);

        let_in = raw_tls_new_12(lenient->event, peer_server_port(lenient->server), pki_ca_pem(lenient->pki),
                &lenient->client);
        assert_answered(lenient, let_in, "200");
        newer = peer_host_connect(lenient);
        assert_answered(lenient, newer, "200");
}

/* By which a reload knows that the server has to be another one. */
static void test_settings_with_another_version_differ(void)
{
        const PeerSettings strict = { .minimum_tls = PEER_TLS_1_3 },
                           lenient = { .minimum_tls = PEER_TLS_1_2 };

        g_assert_true(peer_settings_equal_but_names(&strict, &strict));
        g_assert_false(peer_settings_equal_but_names(&strict, &lenient));
}

static void test_tls_12_without_a_certificate_is_refused(void)
{
        g_autoptr(PeerHost) h = peer_host_new();
        g_autoptr(RawTls) c = NULL;

        h->settings.tls.allow_tls12 = true;
        peer_host_start(h);
        c = raw_tls_new_12(h->event, peer_server_port(h->server), pki_ca_pem(h->pki), NULL);
        g_assert_null(c);
}

static void test_a_name_that_no_glob_fits_is_forbidden(void)
{
        char *const names[] = { (char *)"host-*.example.com", (char *)"admin", NULL };
        g_autoptr(PeerHost) h = peer_host_new();
        g_autoptr(RawTls) c = NULL;
        g_autofree char *reply = NULL;

        h->settings.peer_names = names;
        peer_host_start(h);
        c = peer_host_connect(h);
        reply = ask_health(c);
        assert_status(reply, "403");
        assert_has(reply, "org.freedesktop.DBus.Error.AccessDenied");
        assert_has(reply, "client.example.com");
        g_assert_cmpuint(h->n_asked, ==, 0);
}

static void test_globs_may_change_under_a_connection(void)
{
        char *const wrong[] = { (char *)"x", NULL }, *const right[] = { (char *)"CLIENT.*", NULL };
        g_autoptr(PeerHost) h = start();
        g_autoptr(RawTls) c = peer_host_connect(h);

        assert_answered(h, c, "200");
        peer_server_set_names(h->server, wrong);
        assert_answered(h, c, "403");
        peer_server_set_names(h->server, right);
        assert_answered(h, c, "200");
        peer_server_set_names(h->server, NULL);
        assert_answered(h, c, "200");
}

/* The subject of the certificate is called "client". */
static void test_a_common_name_counts_only_without_a_dns_name(void)
{
        char *const names[] = { (char *)"client", NULL };
        g_autoptr(PeerHost) h = peer_host_new();
        g_auto(PkiCert) plain = pki_issue(h->pki, "client", NULL, 3600);
        g_auto(PkiCert) other = pki_issue(h->pki, "client", "IP:127.0.0.1", 3600);
        g_autoptr(RawTls) by_dns = NULL, by_common_name = NULL, by_address = NULL;

        h->settings.peer_names = names;
        h->client_name = "client";
        peer_host_start(h);
        by_dns = peer_host_connect(h);
        assert_answered(h, by_dns, "403");
        by_common_name = raw_tls_new(h->event, peer_server_port(h->server), pki_ca_pem(h->pki), &plain);
        assert_answered(h, by_common_name, "200");
        by_address = raw_tls_new(h->event, peer_server_port(h->server), pki_ca_pem(h->pki), &other);
        assert_answered(h, by_address, "200");
}

static void test_a_body_is_not_read_from_whom_nobody_knows(void)
{
        char *const names[] = { (char *)"x", NULL };
        g_autoptr(PeerHost) h = peer_host_new();
        g_autofree char *reply = NULL;

        h->settings.peer_names = names;
        peer_host_start(h);
        reply = peer_host_ask(h,
                "POST /v1/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                "Content-Length: 1000000\r\n\r\n",
                -1);
        assert_status(reply, "403");
}

static void test_a_rotated_certificate_serves_new_connections_and_keeps_old_ones(void)
{
        g_autoptr(PeerHost) h = start();
        g_autoptr(Pki) next = pki_new("next");
        g_autoptr(RawTls) old = peer_host_connect(h), fresh = NULL, late = NULL;
        g_auto(PkiCert) server = pki_issue(next, "server", "DNS:localhost", 3600);
        g_auto(PkiCert) client = pki_issue(next, "client", "DNS:client.example.com", 3600);

        assert_answered(h, old, "200");
        peer_host_use(h, &server, pki_ca_pem(next));
        fresh = raw_tls_new(h->event, peer_server_port(h->server), pki_ca_pem(next), &client);
        assert_answered(h, fresh, "200");
        assert_answered(h, old, "200");
        /* The old authority is none any more. */
        late = raw_tls_new(h->event, peer_server_port(h->server), pki_ca_pem(next), &h->client);
        if (late) {
                (void)raw_tls_send(late, HEALTH, -1);
                g_assert_true(raw_tls_ends(late));
        }
}

static void test_a_rotation_that_is_half_done_leaves_what_was_there(void)
{
        g_autoptr(PeerHost) h = start();
        g_auto(PkiCert) server = pki_issue(h->pki, "server", "DNS:localhost", 3600);
        g_autoptr(RawTls) before = NULL, after = NULL;

        peer_host_put(h, "cert.pem", server.cert);
        before = peer_host_connect(h);
        assert_answered(h, before, "200");
        peer_host_put(h, "key.pem", server.key);
        after = peer_host_connect(h);
        assert_answered(h, after, "200");
}

static void test_a_file_that_is_gone_leaves_what_was_there(void)
{
        g_autoptr(PeerHost) h = start();
        g_autoptr(RawTls) c = NULL;

        g_assert_cmpint(g_unlink(h->key_file), ==, 0);
        c = peer_host_connect(h);
        assert_answered(h, c, "200");
}

static void assert_no_server(PeerHost *h, const char *text)
{
        static const PeerHandlers none = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        PeerServer *server = NULL;

        g_assert_cmpint(peer_server_new(h->event, &h->settings, &none, NULL, &server, &fault), <, 0);
        g_assert_null(server);
        g_assert_nonnull(strstr(fault_text(&fault), text));
}

static void test_files_that_cannot_be_used_are_named(void)
{
        g_autoptr(PeerHost) h = peer_host_new();
        g_auto(PkiCert) other = pki_issue(h->pki, "other", "DNS:localhost", 3600);

        peer_host_put(h, "ca.pem", "");
        assert_no_server(h, h->ca_file);
        peer_host_put(h, "ca.pem", pki_ca_pem(h->pki));
        peer_host_put(h, "key.pem", other.key);
        assert_no_server(h, h->key_file);
        peer_host_put(h, "key.pem", "nonsense");
        assert_no_server(h, h->key_file);
        g_unlink(h->cert_file);
        assert_no_server(h, h->cert_file);
}

static void test_an_address_that_cannot_be_had_is_named(void)
{
        g_autoptr(PeerHost) h = start();

        h->settings.listen_address = "example.com";
        assert_no_server(h, "example.com");
        h->settings.listen_address = "203.0.113.1";
        assert_no_server(h, "203.0.113.1");
        h->settings.listen_address = "127.0.0.1";
        h->settings.port = peer_server_port(h->server);
        assert_no_server(h, "Address already in use");
}

static void test_all_addresses_are_listened_to(void)
{
        g_autoptr(PeerHost) h = peer_host_new();
        g_autoptr(RawTls) c = NULL;

        h->settings.listen_address = NULL;
        peer_host_start(h);
        c = peer_host_connect(h);
        assert_answered(h, c, "200");
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tls/without-a-certificate-nobody-is-answered",
                test_without_a_certificate_nobody_is_answered);
        g_test_add_func("/tls/a-certificate-of-a-foreign-authority-is-not-answered",
                test_a_certificate_of_a_foreign_authority_is_not_answered);
        g_test_add_func(
                "/tls/an-expired-certificate-is-not-answered", test_an_expired_certificate_is_not_answered);
        g_test_add_func("/tls/a-certificate-for-servers-only-is-not-answered",
                test_a_certificate_for_servers_only_is_not_answered);
        g_test_add_func("/tls/plain-http-is-not-answered", test_plain_http_is_not_answered);
        g_test_add_func("/tls/tls-12-is-for-those-who-allow-it", test_tls_12_is_for_those_who_allow_it);
        g_test_add_func(
                "/tls/settings-with-another-version-differ", test_settings_with_another_version_differ);
        g_test_add_func("/tls/tls-12-without-a-certificate-is-refused",
                test_tls_12_without_a_certificate_is_refused);
        g_test_add_func(
                "/tls/a-name-that-no-glob-fits-is-forbidden", test_a_name_that_no_glob_fits_is_forbidden);
        g_test_add_func(
                "/tls/globs-may-change-under-a-connection", test_globs_may_change_under_a_connection);
        g_test_add_func("/tls/a-common-name-counts-only-without-a-dns-name",
                test_a_common_name_counts_only_without_a_dns_name);
        g_test_add_func("/tls/a-body-is-not-read-from-whom-nobody-knows",
                test_a_body_is_not_read_from_whom_nobody_knows);
        g_test_add_func("/tls/a-rotated-certificate-serves-new-connections-and-keeps-old-ones",
                test_a_rotated_certificate_serves_new_connections_and_keeps_old_ones);
        g_test_add_func("/tls/a-rotation-that-is-half-done-leaves-what-was-there",
                test_a_rotation_that_is_half_done_leaves_what_was_there);
        g_test_add_func("/tls/a-file-that-is-gone-leaves-what-was-there",
                test_a_file_that_is_gone_leaves_what_was_there);
        g_test_add_func(
                "/tls/files-that-cannot-be-used-are-named", test_files_that_cannot_be_used_are_named);
        g_test_add_func(
                "/tls/an-address-that-cannot-be-had-is-named", test_an_address_that_cannot_be_had_is_named);
        g_test_add_func("/tls/all-addresses-are-listened-to", test_all_addresses_are_listened_to);
        return g_test_run();
}
