/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* serve-peer [REQUESTS-PER-SECOND]: a peer server for test-openapi.py. Writes a line with its port and the
 * directory of the certificates: ca.pem, client-cert.pem and client-key.pem, stranger-cert.pem and -key.pem
 * (whom it does not let in). Ends with its standard input. */

#include <sys/epoll.h>

#include "parse.h"
#include "peer-host.h"

static int on_input(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        (void)fd;
        (void)revents;
        (void)userdata;

        return sd_event_exit(sd_event_source_get_event(s), 0);
}

int main(int argc, char *argv[])
{
        char *const names[] = { (char *)"client.example.com", NULL };
        g_autoptr(PeerHost) h = peer_host_new();
        g_auto(PkiCert) stranger = pki_issue(h->pki, "stranger", "DNS:stranger.example.com", 3600);

        peer_host_put(h, "client-cert.pem", h->client.cert);
        peer_host_put(h, "client-key.pem", h->client.key);
        peer_host_put(h, "stranger-cert.pem", stranger.cert);
        peer_host_put(h, "stranger-key.pem", stranger.key);
        h->settings.peer_names = names;
        h->settings.limits.call_usec = 100 * USEC_PER_MSEC;
        if (argc > 1)
                g_assert_cmpint(
                        parse_uint(argv[1], 1, 1000000, &h->settings.limits.requests_per_sec), ==, 0);
        peer_host_start(h);

        g_assert_cmpint(sd_event_add_io(h->event, NULL, STDIN_FILENO, EPOLLIN, on_input, NULL), >=, 0);
        printf("%u %s\n", peer_server_port(h->server), h->dir.path);
        fflush(stdout);
        return sd_event_loop(h->event);
}
