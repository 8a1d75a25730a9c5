/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "raw-tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"

#define STEP_LIMIT_SEC 15
#define REPLY_MAX (64u * 1024 * 1024)

struct RawTls {
        sd_event *event;
        int fd;
        SSL_CTX *context;
        SSL *ssl; /* NULL: plain */
        GString *pending;
};

typedef struct Step {
        RawTls *c;
        int (*run)(struct Step *step);
        const char *data;
        size_t size;
        int result;
        int done; /* atomic */
} Step;

/* OpenSSL writes without MSG_NOSIGNAL. The signal is its thread's, and ends with it. */
static void block_sigpipe(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void *run_step(void *userdata)
{
        Step *s = userdata;

        block_sigpipe();
        s->result = s->run(s);
        g_atomic_int_set(&s->done, 1);
        return NULL;
}

static bool is_done(void *userdata)
{
        Step *s = userdata;

        return g_atomic_int_get(&s->done);
}

static int do_step(Step *step)
{
        GThread *thread = g_thread_new("raw-tls", run_step, step);

        loop_until(step->c->event, is_done, step);
        g_thread_join(thread);
        return step->result;
}

static int connect_to(unsigned port)
{
        const struct timeval limit = { .tv_sec = STEP_LIMIT_SEC };
        const struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons((uint16_t)port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), ==, 0);
        g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), ==, 0);
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
                return fd;
        close(fd);
        return -1;
}

static X509 *read_cert(const char *pem)
{
        BIO *bio = BIO_new_mem_buf(pem, -1);
        X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

        g_assert_nonnull(cert);
        BIO_free(bio);
        return cert;
}

static void use_cert(SSL_CTX *context, const PkiCert *cert)
{
        BIO *bio = BIO_new_mem_buf(cert->key, -1);
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        X509 *x509 = read_cert(cert->cert);

        g_assert_cmpint(SSL_CTX_use_certificate(context, x509), ==, 1);
        g_assert_cmpint(SSL_CTX_use_PrivateKey(context, key), ==, 1);
        X509_free(x509);
        EVP_PKEY_free(key);
        BIO_free(bio);
}

static SSL_CTX *make_context(const char *ca, const PkiCert *cert)
{
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());

        if (ca) {
                X509 *x509 = read_cert(ca);

                X509_STORE_add_cert(SSL_CTX_get_cert_store(context), x509);
                X509_free(x509);
                SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        }
        if (cert)
                use_cert(context, cert);
        return context;
}

static int shake_hands(Step *s)
{
        return SSL_connect(s->c->ssl) == 1;
}

static RawTls *make(sd_event *event, unsigned port)
{
        RawTls *c = g_new0(RawTls, 1);

        *c = (RawTls){ .event = event, .fd = connect_to(port), .pending = g_string_new(NULL) };
        if (c->fd >= 0)
                return c;
        raw_tls_free(c);
        return NULL;
}

static RawTls *make_tls(sd_event *event, unsigned port, const char *ca, const PkiCert *cert, int version)
{
        RawTls *c = make(event, port);

        if (!c)
                return NULL;
        c->context = make_context(ca, cert);
        if (version)
                SSL_CTX_set_max_proto_version(c->context, version);
        c->ssl = SSL_new(c->context);
        SSL_set_fd(c->ssl, c->fd);
        SSL_set_tlsext_host_name(c->ssl, "localhost");
        SSL_set1_host(c->ssl, "localhost");
        if (do_step(&(Step){ .c = c, .run = shake_hands }))
                return c;
        ERR_clear_error();
        raw_tls_free(c);
        return NULL;
}

RawTls *raw_tls_new(sd_event *event, unsigned port, const char *ca, const PkiCert *cert)
{
        return make_tls(event, port, ca, cert, 0);
}

RawTls *raw_tls_new_12(sd_event *event, unsigned port, const char *ca, const PkiCert *cert)
{
        return make_tls(event, port, ca, cert, TLS1_2_VERSION);
}

RawTls *raw_tls_new_plain(sd_event *event, unsigned port)
{
        return make(event, port);
}

void raw_tls_free(RawTls *c)
{
        SSL_free(c->ssl);
        SSL_CTX_free(c->context);
        if (c->fd >= 0)
                close(c->fd);
        g_string_free(c->pending, TRUE);
        g_free(c);
}

static int send_some(RawTls *c, const char *data, size_t size)
{
        int n = size > 65536 ? 65536 : (int)size;

        ERR_clear_error();
        return c->ssl ? SSL_write(c->ssl, data, n) : (int)send(c->fd, data, (size_t)n, MSG_NOSIGNAL);
}

static int send_all(Step *s)
{
        for (size_t sent = 0; sent < s->size;) {
                int n = send_some(s->c, s->data + sent, s->size - sent);

                if (n <= 0)
                        return false;
                sent += (size_t)n;
        }
        return true;
}

bool raw_tls_send(RawTls *c, const char *data, gssize size)
{
        return do_step(&(Step){
                .c = c, .run = send_all, .data = data, .size = size < 0 ? strlen(data) : (size_t)size });
}

/* 0 or less: the end. */
static int read_some(RawTls *c)
{
        char buffer[16384];
        int n;

        ERR_clear_error();
        n = c->ssl ? SSL_read(c->ssl, buffer, sizeof(buffer)) : (int)recv(c->fd, buffer, sizeof(buffer), 0);
        if (n > 0)
                g_string_append_len(c->pending, buffer, n);
        return n;
}

/* The bytes of the first reply that has come; 0: not all of it has. */
static size_t reply_size(const GString *text)
{
        const char *end = strstr(text->str, "\r\n\r\n"), *length;
        g_autofree char *head = NULL;
        size_t size;

        if (!end)
                return 0;
        head = g_ascii_strdown(text->str, end - text->str);
        length = strstr(head, "\r\ncontent-length:");
        size = (size_t)(end - text->str) + 4;
        if (length)
                size += strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
        return size <= text->len ? size : 0;
}

/* -1: the socket's time limit is up. */
static int read_reply(Step *s)
{
        gint64 start = g_get_monotonic_time();

        for (;;) {
                size_t size = reply_size(s->c->pending);

                if (size > 0)
                        return (int)size;
                if (s->c->pending->len > REPLY_MAX || read_some(s->c) <= 0)
                        return g_get_monotonic_time() - start < STEP_LIMIT_SEC * G_USEC_PER_SEC ? 0 : -1;
        }
}

char *raw_tls_read(RawTls *c)
{
        int size = do_step(&(Step){ .c = c, .run = read_reply });
        char *reply;

        g_assert_cmpint(size, >=, 0);
        if (size == 0)
                return NULL;
        reply = g_strndup(c->pending->str, (gsize)size);
        g_string_erase(c->pending, 0, size);
        return reply;
}

/* The time limit of the socket is no end. */
static int read_end(Step *s)
{
        gint64 start = g_get_monotonic_time();

        while (read_some(s->c) > 0)
                ;
        return s->c->pending->len == 0 && g_get_monotonic_time() - start < STEP_LIMIT_SEC * G_USEC_PER_SEC;
}

bool raw_tls_ends(RawTls *c)
{
        return do_step(&(Step){ .c = c, .run = read_end });
}
