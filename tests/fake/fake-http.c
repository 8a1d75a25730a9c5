/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-http.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define HEAD_MAX 65536u
#define BODY_MAX (8u * 1024 * 1024)

struct FakeHttp {
        SSL_CTX *tls; /* NULL: plain */
        int listener;
        int stop; /* eventfd, readable when all has to end */
        unsigned port;
        FakeHandler handler;
        void *userdata;
        GThread *thread;
        GMutex lock;
        GPtrArray *connections;
        GPtrArray *threads; /* of all connections that there have been */
        unsigned n_ever;
};

struct FakeConnection {
        FakeHttp *server;
        int fd;
        SSL *ssl;
        GString *input;
        bool reset;
};

static SSL_CTX *make_tls(const FakeTls *tls)
{
        SSL_CTX *context = SSL_CTX_new(TLS_server_method());
        BIO *cert = BIO_new_mem_buf(tls->cert, -1), *key = BIO_new_mem_buf(tls->key, -1);
        X509 *x509 = PEM_read_bio_X509(cert, NULL, NULL, NULL);
        EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

        g_assert_cmpint(SSL_CTX_use_certificate(context, x509), ==, 1);
        g_assert_cmpint(SSL_CTX_use_PrivateKey(context, pkey), ==, 1);
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_max_proto_version(context, tls->only_tls12 ? TLS1_2_VERSION : 0);
        X509_free(x509);
        EVP_PKEY_free(pkey);
        BIO_free(cert);
        BIO_free(key);
        return context;
}

/* As an API server does: whoever has no good certificate is let in, and told so later. */
static int let_in(int ok, X509_STORE_CTX *context)
{
        (void)ok;
        (void)context;

        return 1;
}

static void ask_for_certificates(SSL_CTX *context, const char *ca_pem)
{
        BIO *bio = BIO_new_mem_buf(ca_pem, -1);
        X509 *ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);

        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, let_in);
        /* Without it OpenSSL fails when a client comes with a session of before, as newer libcurls do. */
        SSL_CTX_set_session_id_context(context, (const unsigned char *)"fake", 4);
        X509_free(ca);
        BIO_free(bio);
}

static int make_listener(unsigned port, unsigned *ret_port)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons((uint16_t)port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

        g_assert_cmpint(fd, >=, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
        g_assert_cmpint(listen(fd, 64), ==, 0);
        g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
        *ret_port = ntohs(address.sin_port);
        return fd;
}

static bool is_stopped(FakeHttp *s)
{
        struct pollfd p = { .fd = s->stop, .events = POLLIN };

        return poll(&p, 1, 0) > 0;
}

/* Until there is something to read. */
static bool wait_readable(FakeConnection *c)
{
        struct pollfd p[] = { { .fd = c->server->stop, .events = POLLIN },
                { .fd = c->fd, .events = POLLIN } };

        if (c->ssl && SSL_pending(c->ssl) > 0)
                return true;
        return poll(p, 2, -1) > 0 && !(p[0].revents & POLLIN);
}

static ssize_t receive(FakeConnection *c, void *buffer, size_t size)
{
        if (!wait_readable(c))
                return -1;
        return c->ssl ? SSL_read(c->ssl, buffer, (int)size) : recv(c->fd, buffer, size, 0);
}

bool fake_send(FakeConnection *c, const void *data, size_t size)
{
        const char *p = data;

        while (size > 0) {
                ssize_t n = c->ssl ? SSL_write(c->ssl, p, (int)MIN(size, 1u << 20))
                                   : send(c->fd, p, size, MSG_NOSIGNAL);

                if (n <= 0 || is_stopped(c->server))
                        return false;
                p += n;
                size -= (size_t)n;
        }
        return true;
}

bool fake_wait(FakeConnection *c, unsigned msec)
{
        struct pollfd p[] = { { .fd = c->server->stop, .events = POLLIN },
                { .fd = c->fd, .events = POLLRDHUP } };

        return poll(p, 2, (int)msec) == 0;
}

const char *fake_server_name(FakeConnection *c)
{
        return c->ssl ? SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name) : NULL;
}

void fake_reset_at_close(FakeConnection *c)
{
        c->reset = true;
}

static char *client_name(FakeConnection *c, bool *ret_foreign)
{
        X509 *cert = c->ssl ? SSL_get1_peer_certificate(c->ssl) : NULL;
        char name[256] = "";

        *ret_foreign = cert && SSL_get_verify_result(c->ssl) != X509_V_OK;
        if (!cert)
                return NULL;
        X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof(name));
        X509_free(cert);
        return *ret_foreign ? NULL : g_strdup(name);
}

static GHashTable *parse_headers(char **lines)
{
        GHashTable *headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

        for (; *lines; lines++) {
                char *colon = strchr(*lines, ':');

                if (colon)
                        g_hash_table_insert(headers, g_ascii_strdown(*lines, colon - *lines),
                                g_strstrip(g_strdup(colon + 1)));
        }
        return headers;
}

/* Until the input has that many bytes. */
static bool fill(FakeConnection *c, size_t size)
{
        char buffer[16384];

        while (c->input->len < size) {
                ssize_t n = receive(c, buffer, sizeof(buffer));

                if (n <= 0)
                        return false;
                g_string_append_len(c->input, buffer, n);
        }
        return true;
}

/* The length of the next head, with its empty line; 0 for none. */
static size_t fill_head(FakeConnection *c)
{
        const char *end;

        while (!(end = strstr(c->input->str, "\r\n\r\n")))
                if (c->input->len > HEAD_MAX || !fill(c, c->input->len + 1))
                        return 0;
        return (size_t)(end - c->input->str) + 4;
}

static bool serve_one(FakeConnection *c)
{
        g_autoptr(GHashTable) headers = NULL;
        g_auto(GStrv) lines = NULL, words = NULL;
        g_autofree char *head = NULL, *client = NULL;
        size_t head_size = fill_head(c), body_size;
        const char *length;
        FakeRequest request;
        bool foreign, go_on;

        if (head_size == 0)
                return false;
        head = g_strndup(c->input->str, head_size - 4);
        lines = g_strsplit(head, "\r\n", -1);
        words = g_strsplit(lines[0], " ", 3);
        headers = parse_headers(lines + 1);
        length = g_hash_table_lookup(headers, "content-length");
        body_size = length ? (size_t)g_ascii_strtoull(length, NULL, 10) : 0;
        if (g_strv_length(words) != 3 || body_size > BODY_MAX || !fill(c, head_size + body_size))
                return false;

        client = client_name(c, &foreign);
        request = (FakeRequest){ words[0], words[1], headers, c->input->str + head_size, body_size, client,
                foreign };
        go_on = c->server->handler(c, &request, c->server->userdata);
        g_string_erase(c->input, 0, (gssize)(head_size + body_size));
        return go_on;
}

static void connection_end(FakeConnection *c)
{
        struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
        FakeHttp *s = c->server;

        if (c->reset)
                setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        else if (c->ssl)
                SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
        g_string_free(c->input, TRUE);

        g_mutex_lock(&s->lock);
        close(c->fd);
        g_ptr_array_remove_fast(s->connections, c);
        g_mutex_unlock(&s->lock);
        g_free(c);
}

/* OpenSSL writes to connections that the other side has closed. In the test's own thread, a signal would be
 * a fault of ours. */
static void block_sigpipe(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void *connection_run(void *userdata)
{
        FakeConnection *c = userdata;
        bool ok = true;

        block_sigpipe();
        if (c->server->tls) {
                c->ssl = SSL_new(c->server->tls);
                SSL_set_fd(c->ssl, c->fd);
                ok = wait_readable(c) && SSL_accept(c->ssl) == 1;
        }
        while (ok && serve_one(c))
                ;
        connection_end(c);
        ERR_clear_error();
        return NULL;
}

static void accept_one(FakeHttp *s)
{
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
        FakeConnection *c;

        if (fd < 0)
                return;
        c = g_new0(FakeConnection, 1);
        *c = (FakeConnection){ .server = s, .fd = fd, .input = g_string_new(NULL) };
        g_mutex_lock(&s->lock);
        s->n_ever++;
        g_ptr_array_add(s->connections, c);
        g_mutex_unlock(&s->lock);
        g_ptr_array_add(s->threads, g_thread_new("connection", connection_run, c));
}

static void *server_run(void *userdata)
{
        FakeHttp *s = userdata;
        struct pollfd p[] = { { .fd = s->stop, .events = POLLIN }, { .fd = s->listener, .events = POLLIN } };

        while (poll(p, 2, -1) > 0 && !(p[0].revents & POLLIN))
                accept_one(s);
        return NULL;
}

FakeHttp *fake_http_new(const FakeTls *tls, unsigned port, FakeHandler handler, void *userdata)
{
        FakeHttp *s = g_new0(FakeHttp, 1);

        if (tls && tls->cert) {
                s->tls = make_tls(tls);
                if (tls->client_ca)
                        ask_for_certificates(s->tls, tls->client_ca);
        }
        s->listener = make_listener(port, &s->port);
        s->stop = eventfd(0, EFD_CLOEXEC);
        s->handler = handler;
        s->userdata = userdata;
        s->connections = g_ptr_array_new();
        s->threads = g_ptr_array_new();
        g_mutex_init(&s->lock);
        s->thread = g_thread_new("server", server_run, s);
        return s;
}

void fake_http_cut(FakeHttp *s)
{
        g_mutex_lock(&s->lock);
        for (guint i = 0; i < s->connections->len; i++)
                shutdown(((FakeConnection *)s->connections->pdata[i])->fd, SHUT_RDWR);
        g_mutex_unlock(&s->lock);
}

void fake_http_free(FakeHttp *s)
{
        uint64_t one = 1;

        g_assert_cmpint(write(s->stop, &one, sizeof(one)), ==, sizeof(one));
        g_thread_join(s->thread);
        close(s->listener);
        fake_http_cut(s);
        /* Until they have ended, not only nearly: what OpenSSL has for them and for all is released in that
         * order. */
        for (guint i = 0; i < s->threads->len; i++)
                g_thread_join(s->threads->pdata[i]);

        close(s->stop);
        g_ptr_array_unref(s->connections);
        g_ptr_array_unref(s->threads);
        g_mutex_clear(&s->lock);
        SSL_CTX_free(s->tls);
        g_free(s);
}

unsigned fake_http_port(const FakeHttp *s)
{
        return s->port;
}

unsigned fake_http_count_connections(FakeHttp *s)
{
        unsigned n;

        g_mutex_lock(&s->lock);
        n = s->n_ever;
        g_mutex_unlock(&s->lock);
        return n;
}
