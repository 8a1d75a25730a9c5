/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-stream.h"

#include <glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "redis-reader.h"

/* What a turn of the loop reads at most: some thousand short replies. */
#define READ_BYTES 16384u

/* A reply that is larger than this is none of ours (1 MiB in a key is survived, the largest sets too). */
#define REPLY_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* No reply of ours is an array of arrays of arrays. hiredis 1.x takes any depth, and frees it recursively.
 */
#define REPLY_DEPTH_MAX 7

/* An output buffer that has grown beyond this is not kept. */
#define KEEP_BYTES (256u * 1024)

typedef enum StreamState {
        STREAM_CONNECTING,
        STREAM_SHAKING_HANDS,
        STREAM_OPEN,
        STREAM_CLOSED,
} StreamState;

struct RedisStream {
        sd_event *event;
        sd_event_source *io;
        sd_event_source *flush; /* what was sent in this turn is to be written */
        RedisStreamHandlers handlers;
        void *userdata;
        StreamState state;
        int fd;
        uint32_t events; /* that io waits for */

        RedisTlsSettings tls_settings;
        bool wants_tls;
        char *host;
        RedisTls *tls;

        redisReader *reader;
        size_t n_unparsed; /* bytes of a reply that is not whole yet */
        GByteArray *out;
        size_t n_out; /* of which so many are written */

        bool in_turn, freed; /* freed in a handler */
};

static void stream_release(RedisStream *s)
{
        if (s->reader)
                redisReaderFree(s->reader);
        g_byte_array_unref(s->out);
        g_free((char *)s->tls_settings.ca_file);
        g_free((char *)s->tls_settings.cert_file);
        g_free((char *)s->tls_settings.key_file);
        g_free(s->host);
        sd_event_unref(s->event);
        g_free(s);
}

static void hang_up(RedisStream *s)
{
        s->state = STREAM_CLOSED;
        s->io = sd_event_source_disable_unref(s->io);
        s->flush = sd_event_source_disable_unref(s->flush);
        s->tls = redis_tls_free(s->tls);
        s->fd = close_fd(s->fd);
}

RedisStream *redis_stream_free(RedisStream *s)
{
        if (!s)
                return NULL;

        hang_up(s);
        if (s->in_turn)
                s->freed = true;
        else
                stream_release(s);
        return NULL;
}

void redis_stream_set_handlers(RedisStream *s, const RedisStreamHandlers *handlers, void *userdata)
{
        s->handlers = *handlers;
        s->userdata = userdata;
}

/* The last call on a stream in its turn. */
static void stream_close(RedisStream *s, const char *format, ...) _printf_(2, 3);
static void stream_close(RedisStream *s, const char *format, ...)
{
        _cleanup_fault_ Fault why = FAULT_INIT;
        g_autofree char *text = NULL;
        va_list ap;

        va_start(ap, format);
        text = g_strdup_vprintf(format, ap);
        va_end(ap);

        hang_up(s);
        fault_set(&why, FAULT_REGISTRY_UNAVAILABLE, "%s", text);
        s->handlers.closed(&why, s->userdata);
}

static void wait_for(RedisStream *s, uint32_t events)
{
        if (s->events == events)
                return;
        s->events = events;
        if (sd_event_source_set_io_events(s->io, events) < 0)
                g_error("Cannot watch the connection to Redis");
}

/* -- Out -- */

static ssize_t write_some(RedisStream *s, const void *data, size_t size)
{
        ssize_t n;

        if (s->tls)
                return redis_tls_write(s->tls, data, size);
        n = send(s->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        return n < 0 ? (errno == EINTR ? -EAGAIN : -errno) : n;
}

/* Writes what it can. An error is left to the reader, who may find why: a server that refuses a connection
 * says so, and closes. */
static void flush_out(RedisStream *s)
{
        uint32_t events = EPOLLIN;
        ssize_t n = 0;

        while (s->n_out < s->out->len) {
                n = write_some(s, s->out->data + s->n_out, s->out->len - s->n_out);
                if (n < 0)
                        break;
                s->n_out += (size_t)n;
        }

        if (n == -EAGAIN && (!s->tls || redis_tls_wants_write(s->tls)))
                events |= EPOLLOUT;
        if (s->n_out == s->out->len || (n < 0 && n != -EAGAIN)) {
                s->n_out = 0;
                if (s->out->len > KEEP_BYTES) {
                        g_byte_array_unref(s->out);
                        s->out = g_byte_array_new();
                } else
                        g_byte_array_set_size(s->out, 0);
        }
        wait_for(s, events);
}

static int on_flush(sd_event_source *source, void *userdata)
{
        (void)source;

        flush_out(userdata);
        return 0;
}

static void append(GByteArray *out, const char *data, size_t size)
{
        g_byte_array_append(out, (const guint8 *)data, (guint)size);
}

/* "*3" or "$7", and the end of the line. */
static void append_size(GByteArray *out, char kind, size_t size)
{
        char line[32], *p = line + sizeof(line);

        *--p = '\n';
        *--p = '\r';
        do
                *--p = (char)('0' + size % 10);
        while (size /= 10);
        *--p = kind;
        append(out, p, (size_t)(line + sizeof(line) - p));
}

void redis_stream_send(RedisStream *s, const RedisWord *words, size_t n_words)
{
        append_size(s->out, '*', n_words);
        for (size_t i = 0; i < n_words; i++) {
                append_size(s->out, '$', words[i].size);
                append(s->out, words[i].data, words[i].size);
                append(s->out, "\r\n", 2);
        }
        if (s->state == STREAM_OPEN && sd_event_source_set_enabled(s->flush, SD_EVENT_ONESHOT) < 0)
                g_error("Cannot write to Redis from the loop");
}

/* -- In -- */

static ssize_t read_some(RedisStream *s, void *buffer, size_t size)
{
        ssize_t n;

        if (s->tls)
                return redis_tls_read(s->tls, buffer, size);
        n = recv(s->fd, buffer, size, MSG_DONTWAIT);
        return n < 0 ? (errno == EINTR ? -EAGAIN : -errno) : n;
}

/* Tells every reply that is whole. */
static void tell_replies(RedisStream *s)
{
        for (;;) {
                void *reply = NULL;

                if (redisReaderGetReply(s->reader, &reply) != REDIS_OK) {
                        stream_close(s,
                                "what it answers is not Redis's protocol (%s); is it a Redis server?",
                                s->reader->errstr);
                        return;
                }
                if (!reply)
                        return;
                s->n_unparsed = 0;
                s->handlers.replied(reply, s->userdata);
                freeReplyObject(reply);
                if (s->state != STREAM_OPEN)
                        return;
        }
}

static void take(RedisStream *s, const char *data, size_t size)
{
        s->n_unparsed += size;
        if (redisReaderFeed(s->reader, data, size) != REDIS_OK) {
                stream_close(s, "what it answers cannot be taken in (%s)", s->reader->errstr);
                return;
        }
        tell_replies(s);
        if (s->state != STREAM_OPEN)
                return;
        if (s->reader->ridx > REPLY_DEPTH_MAX)
                stream_close(s, "what it answers is not Redis's protocol (too deep); is it a Redis server?");
        else if (s->n_unparsed > REPLY_BYTES_MAX)
                stream_close(s,
                        "it sends a reply of more than %zu MiB; look for a huge value in one of our keys",
                        REPLY_BYTES_MAX / 1024 / 1024);
}

/* Once a turn: what is left comes with the next. (GnuTLS takes no more out of the socket than a record,
 * which fits into the buffer.) */
static void read_in(RedisStream *s)
{
        char buffer[READ_BYTES];
        ssize_t n;

        n = read_some(s, buffer, sizeof(buffer));
        if (n == -EAGAIN)
                return;
        if (n == 0)
                stream_close(s, "it has closed the connection");
        else if (n < 0 && s->tls)
                stream_close(s, "the server ends TLS: %s", redis_tls_error(s->tls));
        else if (n < 0)
                stream_close(s, "the connection broke: %s", strerror((int)-n));
        else
                take(s, buffer, (size_t)n);
        if (s->state == STREAM_OPEN)
                s->handlers.drained(s->userdata);
}

/* -- Opening -- */

static void open_stream(RedisStream *s)
{
        s->state = STREAM_OPEN;
        s->handlers.opened(s->userdata);
        if (s->state == STREAM_OPEN)
                flush_out(s);
}

static void shake_hands(RedisStream *s)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        r = redis_tls_handshake(s->tls, &fault);
        if (r == -EAGAIN)
                wait_for(s, redis_tls_wants_write(s->tls) ? EPOLLOUT : EPOLLIN);
        else if (r < 0)
                stream_close(s, "%s", fault_text(&fault));
        else
                open_stream(s);
}

static void connected(RedisStream *s)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        socklen_t size = sizeof(int);
        int error = 0;

        if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                error = errno;
        if (error != 0) {
                stream_close(s, "cannot connect: %s", strerror(error));
                return;
        }
        if (!s->wants_tls) {
                open_stream(s);
                return;
        }
        if (redis_tls_new(&s->tls_settings, s->fd, s->host, &s->tls, &fault) < 0) {
                stream_close(s, "%s", fault_text(&fault));
                return;
        }
        s->state = STREAM_SHAKING_HANDS;
        shake_hands(s);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        RedisStream *s = userdata;

        (void)source;
        (void)fd;

        s->in_turn = true;
        if (s->state == STREAM_CONNECTING)
                connected(s);
        else if (s->state == STREAM_SHAKING_HANDS)
                shake_hands(s);
        else {
                if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
                        read_in(s);
                if (s->state == STREAM_OPEN && s->n_out < s->out->len)
                        flush_out(s);
        }
        s->in_turn = false;
        if (s->freed)
                stream_release(s);
        return 0;
}

static int open_socket(RedisStream *s, const struct sockaddr *address, socklen_t size, Fault *fault)
{
        const int on = 1;

        s->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (s->fd < 0)
                return fault_set(
                        fault, FAULT_REGISTRY_UNAVAILABLE, "no socket can be made: %s", strerror(errno));
        if (address->sa_family != AF_UNIX) {
                (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
                (void)setsockopt(s->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        }
        if (connect(s->fd, address, size) < 0 && errno != EINPROGRESS)
                return fault_set(fault, FAULT_REGISTRY_UNAVAILABLE, "cannot connect: %s", strerror(errno));
        return 0;
}

static void stream_freep(RedisStream **s)
{
        redis_stream_free(*s);
}

int redis_stream_new(sd_event *event,
        const struct sockaddr *address,
        socklen_t address_size,
        const RedisTlsSettings *tls,
        const char *host,
        const RedisStreamHandlers *handlers,
        void *userdata,
        RedisStream **ret,
        Fault *fault)
{
        _cleanup_(stream_freep) RedisStream *s = g_new0(RedisStream, 1);
        int r;

        *s = (RedisStream){
                .event = sd_event_ref(event),
                .handlers = *handlers,
                .userdata = userdata,
                .fd = -EBADF,
                .events = EPOLLOUT,
                .wants_tls = tls,
                .host = g_strdup(host),
                .reader = redis_reader_new(),
                .out = g_byte_array_new(),
        };
        if (tls)
                s->tls_settings = (RedisTlsSettings){
                        .ca_file = g_strdup(tls->ca_file),
                        .cert_file = g_strdup(tls->cert_file),
                        .key_file = g_strdup(tls->key_file),
                };
        r = open_socket(s, address, address_size, fault);
        if (r < 0)
                return r;
        if (sd_event_add_io(event, &s->io, s->fd, s->events, on_io, s) < 0 ||
                sd_event_add_defer(event, &s->flush, on_flush, s) < 0 ||
                sd_event_source_set_enabled(s->flush, SD_EVENT_OFF) < 0)
                g_error("Cannot watch the connection to Redis");

        *ret = steal_ptr(s);
        return 0;
}
