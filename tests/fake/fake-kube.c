/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-kube.h"

#include <stdlib.h>
#include <string.h>

#include "kube-objects.h"

#define BOOKMARK_MSEC 60000u
#define TICK_MSEC 2u

/* A reply longer than that is chunked. */
#define PLAIN_MAX 2048u
#define CHUNK 2048u

typedef struct Laid {
        FakeReply reply;
        char *data;
} Laid;

struct FakeKube {
        Pki *pki;
        PkiCert cert;
        FakeHttp *http;
        unsigned port;
        char *url;

        GMutex lock; /* of all below */
        KubeObjects *objects;
        char *token;
        GQueue lists, watches; /* of Laid */
        unsigned n_lists, n_asked_watches, n_watches;
        char *last_list, *last_watch;
        unsigned bookmark_msec, n_bookmarks, n_ends;
};

/* A request, taken apart. */
typedef struct Query {
        char *path;
        GHashTable *values;
} Query;

static Query query_parse(const char *target)
{
        const char *mark = strchr(target, '?');
        Query q = {
                .path = mark ? g_strndup(target, (gsize)(mark - target)) : g_strdup(target),
                .values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        };
        g_auto(GStrv) pairs = g_strsplit(mark ? mark + 1 : "", "&", -1);

        for (char **pair = pairs; *pair; pair++) {
                g_auto(GStrv) sides = g_strsplit(*pair, "=", 2);

                if (sides[0] && sides[1])
                        g_hash_table_insert(
                                q.values, g_strdup(sides[0]), g_uri_unescape_string(sides[1], NULL));
        }
        return q;
}

static void query_done(Query *q)
{
        g_free(q->path);
        g_hash_table_unref(q->values);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Query, query_done)

static const char *query_get(const Query *q, const char *name)
{
        return g_hash_table_lookup(q->values, name);
}

/* Anything but these is true, the empty text too. */
static bool is_watch(const Query *q)
{
        const char *watch = query_get(q, "watch");

        return watch && strcmp(watch, "0") != 0 && g_ascii_strcasecmp(watch, "false") != 0;
}

static char *make_head(const char *status, const char *headers)
{
        g_autofree char *audit = g_uuid_string_random();
        g_autoptr(GDateTime) now = g_date_time_new_now_utc();
        g_autofree char *date = g_date_time_format(now, "%a, %d %b %Y %H:%M:%S GMT");

        return g_strdup_printf("HTTP/1.1 %s\r\nAudit-Id: %s\r\nCache-Control: no-cache, private\r\n%s"
                               "X-Kubernetes-Pf-Flowschema-Uid: 87d93a86-fa74-4b51-86d9-f73021c8f728\r\n"
                               "X-Kubernetes-Pf-Prioritylevel-Uid: 410517d4-1766-475e-b204-71d1b517fa6a\r\n"
                               "Date: %s\r\n",
                status, audit, headers, date);
}

#define JSON_HEADER "Content-Type: application/json\r\n"

/* Chunks are cut where they are full, whatever is there. */
static void append_chunks(GString *reply, const char *body)
{
        size_t size = strlen(body);

        while (size > 0) {
                size_t n = MIN(size, CHUNK);

                g_string_append_printf(reply, "%zx\r\n", n);
                g_string_append_len(reply, body, (gssize)n);
                g_string_append(reply, "\r\n");
                body += n;
                size -= n;
        }
}

char *fake_kube_make_reply(const char *status, const char *headers, const char *body)
{
        g_autofree char *head = make_head(status, headers ? headers : JSON_HEADER);
        GString *reply = g_string_new(head);

        if (strlen(body) <= PLAIN_MAX) {
                g_string_append_printf(reply, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
        } else {
                g_string_append(reply, "Transfer-Encoding: chunked\r\n\r\n");
                append_chunks(reply, body);
                g_string_append(reply, "0\r\n\r\n");
        }
        return g_string_free(reply, FALSE);
}

static bool send_status(
        FakeConnection *c, const char *status, unsigned code, const char *reason, const char *message)
{
        g_autofree char *body =
                g_strdup_printf("{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":"
                                "\"Failure\",\"message\":\"%s\",\"reason\":\"%s\",\"code\":%u}\n",
                        message, reason, code);
        g_autofree char *reply = fake_kube_make_reply(status, NULL, body);

        return fake_send(c, reply, strlen(reply));
}

/* --- what was laid down --- */

static void free_laid(void *laid)
{
        g_free(((Laid *)laid)->data);
        g_free(laid);
}

static void lay(FakeKube *k, GQueue *queue, const FakeReply *reply)
{
        Laid *l = g_new0(Laid, 1);

        l->reply = *reply;
        l->data = g_memdup2(reply->data, reply->size);
        g_mutex_lock(&k->lock);
        g_queue_push_tail(queue, l);
        g_mutex_unlock(&k->lock);
}

void fake_kube_next_list(FakeKube *k, const FakeReply *reply)
{
        lay(k, &k->lists, reply);
}

void fake_kube_next_watch(FakeKube *k, const FakeReply *reply)
{
        lay(k, &k->watches, reply);
}

static void lay_recorded(FakeKube *k, GQueue *queue, const char *name)
{
        g_auto(Recorded) r = recorded_load(name);
        FakeReply reply = { .data = r.raw, .size = r.raw_size };

        lay(k, queue, &reply);
}

void fake_kube_next_list_recorded(FakeKube *k, const char *name)
{
        lay_recorded(k, &k->lists, name);
}

void fake_kube_next_watch_recorded(FakeKube *k, const char *name)
{
        lay_recorded(k, &k->watches, name);
}

static bool send_laid(FakeConnection *c, const Laid *l)
{
        gsize piece = l->reply.piece > 0 ? l->reply.piece : MAX(l->reply.size, 1), sent = 0;

        while (sent < l->reply.size) {
                gsize n = MIN(piece, l->reply.size - sent);

                if (!fake_send(c, l->data + sent, n))
                        return false;
                sent += n;
                if (l->reply.pause_msec > 0 && !fake_wait(c, l->reply.pause_msec))
                        return false;
        }

        if (l->reply.end == FAKE_END_HANG)
                while (fake_wait(c, 1000))
                        ;
        if (l->reply.end == FAKE_END_RESET)
                fake_reset_at_close(c);
        return l->reply.end == FAKE_END_KEEP;
}

/* --- the list --- */

static KubeSelector get_selector(const Query *q)
{
        return (KubeSelector){ query_get(q, "labelSelector"), query_get(q, "fieldSelector") };
}

/* A continue token is "VERSION\nNAME" in base64. */
static bool read_continue(const char *token, uint64_t *ret_version, char **ret_after)
{
        g_autofree char *plain = NULL;
        const char *line;
        gsize size;

        plain = (char *)g_base64_decode(token, &size);
        plain = g_realloc(plain, size + 1);
        plain[size] = '\0';
        line = strchr(plain, '\n');
        if (!line)
                return false;
        *ret_version = g_ascii_strtoull(plain, NULL, 10);
        *ret_after = g_strdup(line + 1);
        return true;
}

static const char *extra_headers(const char *path)
{
        return g_str_has_suffix(path, "/endpoints") ? JSON_HEADER
                "Warning: 299 - \"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 "
                "EndpointSlice\"\r\n"
                                                    : JSON_HEADER;
}

static bool serve_list(FakeKube *k, FakeConnection *c, const Query *q)
{
        const char *limit = query_get(q, "limit"), *token = query_get(q, "continue");
        g_autofree char *body = NULL, *reply = NULL, *last = NULL, *after = g_strdup(""), *line = NULL;
        KubeSelector selector = get_selector(q);
        uint64_t version = 0;

        if (token) {
                g_clear_pointer(&after, g_free);
                if (!read_continue(token, &version, &after))
                        return send_status(
                                c, "400 Bad Request", 400, "BadRequest", "continue key is not valid");
        }
        g_mutex_lock(&k->lock);
        if (token && version < kube_objects_oldest(k->objects)) {
                g_mutex_unlock(&k->lock);
                return send_status(c, "410 Gone", 410, "Expired",
                        "The provided continue parameter is too old to display a consistent list result.");
        }
        if (!token)
                version = kube_objects_version(k->objects);
        body = kube_objects_list(
                k->objects, q->path, &selector, limit ? (unsigned)atoi(limit) : 0, after, version, &last);
        g_mutex_unlock(&k->lock);

        line = g_strconcat(body, "\n", NULL);
        reply = fake_kube_make_reply("200 OK", extra_headers(q->path), line);
        return fake_send(c, reply, strlen(reply));
}

/* --- the watch --- */

typedef struct Watch {
        const Query *query;
        KubeSelector selector;
        uint64_t version;
        bool bookmarks;
        unsigned n_bookmarks, n_ends; /* that it has seen */
        gint64 next_bookmark, end; /* of the monotonic clock, in usec */
} Watch;

static bool send_chunk(FakeConnection *c, const char *text)
{
        g_autofree char *chunk = g_strdup_printf("%zx\r\n%s\r\n", strlen(text), text);

        return fake_send(c, chunk, strlen(chunk));
}

static char *make_bookmark(const Watch *w)
{
        const char *kind, *api_version;

        kube_objects_kind(w->query->path, &kind, &api_version);
        return g_strdup_printf(
                "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":{"
                "\"resourceVersion\":\"%" G_GUINT64_FORMAT "\"}%s}}\n",
                kind, api_version, w->version,
                strcmp(kind, "EndpointSlice") == 0
                        ? ",\"addressType\":\"\",\"endpoints\":null,\"ports\":null"
                        : "");
}

/* What there is to send now; NULL for nothing. */
static char *watch_step(FakeKube *k, Watch *w, bool *ret_end)
{
        gint64 now = g_get_monotonic_time();
        char *text;

        g_mutex_lock(&k->lock);
        text = kube_objects_events(k->objects, w->query->path, &w->selector, &w->version);
        if (!text && w->bookmarks && (w->n_bookmarks != k->n_bookmarks || now >= w->next_bookmark)) {
                w->n_bookmarks = k->n_bookmarks;
                w->next_bookmark = now + (gint64)k->bookmark_msec * 1000;
                text = make_bookmark(w);
        }
        *ret_end = w->n_ends != k->n_ends || now >= w->end;
        g_mutex_unlock(&k->lock);
        return text;
}

static bool run_watch(FakeKube *k, FakeConnection *c, Watch *w)
{
        bool end = false;

        do {
                g_autofree char *text = watch_step(k, w, &end);

                if (text && !send_chunk(c, text))
                        return false;
                if (!text && !end && !fake_wait(c, TICK_MSEC))
                        return false;
        } while (!end);
        return fake_send(c, "0\r\n\r\n", 5);
}

#define TOO_OLD                                                                                                 \
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":" \
        "\"Failure\",\"message\":\"too old resource version: %s (%" G_GUINT64_FORMAT                            \
        ")\",\"reason\":\"Expired\",\"code\":410}}\n"

static bool serve_watch(FakeKube *k, FakeConnection *c, const Query *q)
{
        g_autofree char *head = make_head("200 OK", JSON_HEADER "Transfer-Encoding: chunked\r\n");
        const char *version = query_get(q, "resourceVersion"), *sec = query_get(q, "timeoutSeconds");
        const char *bookmarks = query_get(q, "allowWatchBookmarks");
        Watch w = { .query = q, .selector = get_selector(q), .bookmarks = bookmarks && *bookmarks == 't' };
        uint64_t oldest;
        bool ok;

        g_mutex_lock(&k->lock);
        oldest = kube_objects_oldest(k->objects);
        /* Without a version, all there is comes as added; here only the events that are remembered. */
        w.version = version && *version ? g_ascii_strtoull(version, NULL, 10) : oldest;
        w.n_bookmarks = k->n_bookmarks;
        w.n_ends = k->n_ends;
        w.next_bookmark = g_get_monotonic_time() + (gint64)k->bookmark_msec * 1000;
        w.end = g_get_monotonic_time() + (sec ? atoi(sec) : 1800) * G_USEC_PER_SEC;
        k->n_watches++;
        g_mutex_unlock(&k->lock);

        ok = fake_send(c, head, strlen(head)) && fake_send(c, "\r\n", 2);
        if (ok && w.version < oldest) {
                g_autofree char *error = g_strdup_printf(TOO_OLD, version, oldest);

                ok = send_chunk(c, error) && fake_send(c, "0\r\n\r\n", 5);
        } else if (ok) {
                ok = run_watch(k, c, &w);
        }
        g_mutex_lock(&k->lock);
        k->n_watches--;
        g_mutex_unlock(&k->lock);
        return ok;
}

/* --- requests --- */

static char *describe(const FakeRequest *r, FakeConnection *c)
{
        GString *text = g_string_new(r->target);
        GHashTableIter i;
        gpointer name, value;

        g_string_append_printf(text, "\nserver-name: %s", fake_server_name(c) ? fake_server_name(c) : "");
        g_hash_table_iter_init(&i, r->headers);
        while (g_hash_table_iter_next(&i, &name, &value))
                g_string_append_printf(text, "\n%s: %s", (char *)name, (char *)value);
        return g_string_free(text, FALSE);
}

static Laid *note(FakeKube *k, const FakeRequest *r, FakeConnection *c, bool watch)
{
        char **last = watch ? &k->last_watch : &k->last_list;
        Laid *laid;

        g_mutex_lock(&k->lock);
        g_free(*last);
        *last = describe(r, c);
        if (watch)
                k->n_asked_watches++;
        else
                k->n_lists++;
        laid = g_queue_pop_head(watch ? &k->watches : &k->lists);
        g_mutex_unlock(&k->lock);
        return laid;
}

/* 0, or the status to refuse with. */
static unsigned judge(FakeKube *k, const FakeRequest *r)
{
        const char *authorization = g_hash_table_lookup(r->headers, "authorization");
        g_autofree char *wanted = NULL;

        g_mutex_lock(&k->lock);
        wanted = g_strdup_printf("Bearer %s", k->token);
        g_mutex_unlock(&k->lock);
        if (authorization && strcmp(authorization, "Bearer ") != 0)
                return strcmp(authorization, wanted) == 0 ? 0 : 401;
        if (r->client)
                return 0;
        return r->has_foreign_cert ? 401 : 403;
}

/* For kubectl, which asks what there is before it asks for it. */
static bool serve_discovery(FakeConnection *c, const char *path, bool *ret_ok)
{
        static const struct {
                const char *path, *body;
        } replies[] = {
                { "/api",
                        "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":[]}\n" },
                { "/apis",
                        "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[{\"name\":\"discovery.k8s.io\","
                        "\"versions\":[{\"groupVersion\":\"discovery.k8s.io/v1\",\"version\":\"v1\"}],"
                        "\"preferredVersion\":{\"groupVersion\":\"discovery.k8s.io/v1\",\"version\":\"v1\"}}]}\n" },
                { "/apis/discovery.k8s.io/v1",
                        "{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":\"discovery.k8s.io/v1\","
                        "\"resources\":[{\"name\":\"endpointslices\",\"singularName\":\"endpointslice\",\"namespaced\":"
                        "true,\"kind\":\"EndpointSlice\",\"verbs\":[\"get\",\"list\",\"watch\"]}]}\n" },
                { "/api/v1",
                        "{\"kind\":\"APIResourceList\",\"groupVersion\":\"v1\",\"resources\":[{\"name\":\"endpoints\","
                        "\"singularName\":\"endpoints\",\"namespaced\":true,\"kind\":\"Endpoints\",\"verbs\":[\"get\","
                        "\"list\",\"watch\"]},{\"name\":\"nodes\",\"singularName\":\"node\",\"namespaced\":false,"
                        "\"kind\":\"Node\",\"verbs\":[\"get\",\"list\",\"watch\"]}]}\n" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(replies); i++)
                if (strcmp(path, replies[i].path) == 0) {
                        g_autofree char *reply = fake_kube_make_reply("200 OK", NULL, replies[i].body);

                        *ret_ok = fake_send(c, reply, strlen(reply));
                        return true;
                }
        return false;
}

static bool is_collection(const char *path)
{
        return g_str_has_suffix(path, "/endpointslices") || g_str_has_suffix(path, "/endpoints") ||
                strcmp(path, "/api/v1/nodes") == 0;
}

static bool on_request(FakeConnection *c, const FakeRequest *r, void *userdata)
{
        g_auto(Query) q = query_parse(r->target);
        FakeKube *k = userdata;
        bool watch = is_watch(&q), ok;
        unsigned refused = judge(k, r);
        Laid *laid;

        if (!is_collection(q.path)) {
                if (serve_discovery(c, q.path, &ok))
                        return ok;
                return send_status(c, "404 Not Found", 404, "NotFound",
                        "the server could not find the requested resource");
        }

        laid = note(k, r, c, watch);
        if (laid) {
                ok = send_laid(c, laid);
                free_laid(laid);
                return ok;
        }
        if (refused == 401)
                return send_status(c, "401 Unauthorized", 401, "Unauthorized", "Unauthorized");
        if (refused == 403)
                return send_status(c, "403 Forbidden", 403, "Forbidden",
                        "User \\\"system:anonymous\\\" cannot list resource");
        return watch ? serve_watch(k, c, &q) : serve_list(k, c, &q);
}

/* --- the server --- */

void fake_kube_start(FakeKube *k)
{
        FakeTls tls = { .cert = k->cert.cert, .key = k->cert.key, .client_ca = pki_ca_pem(k->pki) };

        k->http = fake_http_new(&tls, k->port, on_request, k);
        k->port = fake_http_port(k->http);
}

void fake_kube_stop(FakeKube *k)
{
        g_clear_pointer(&k->http, fake_http_free);
}

void fake_kube_restart_with(FakeKube *k, const PkiCert *cert)
{
        fake_kube_stop(k);
        pki_cert_done(&k->cert);
        k->cert = (PkiCert){ g_strdup(cert->cert), g_strdup(cert->key) };
        fake_kube_start(k);
}

FakeKube *fake_kube_new(void)
{
        FakeKube *k = g_new0(FakeKube, 1);

        g_mutex_init(&k->lock);
        k->pki = pki_new("fake cluster CA");
        k->cert = pki_issue(k->pki, "kube-apiserver", "DNS:kubernetes.default.svc,IP:127.0.0.1", 3600);
        k->objects = kube_objects_new();
        k->token = g_strdup(FAKE_KUBE_TOKEN);
        k->bookmark_msec = BOOKMARK_MSEC;
        g_queue_init(&k->lists);
        g_queue_init(&k->watches);
        fake_kube_start(k);
        k->url = g_strdup_printf("https://127.0.0.1:%u", k->port);
        return k;
}

void fake_kube_free(FakeKube *k)
{
        fake_kube_stop(k);
        pki_free(k->pki);
        pki_cert_done(&k->cert);
        kube_objects_free(k->objects);
        g_queue_clear_full(&k->lists, free_laid);
        g_queue_clear_full(&k->watches, free_laid);
        g_free(k->token);
        g_free(k->last_list);
        g_free(k->last_watch);
        g_free(k->url);
        g_mutex_clear(&k->lock);
        g_free(k);
}

const char *fake_kube_url(const FakeKube *k)
{
        return k->url;
}

Pki *fake_kube_pki(FakeKube *k)
{
        return k->pki;
}

void fake_kube_set_token(FakeKube *k, const char *token)
{
        g_mutex_lock(&k->lock);
        g_free(k->token);
        k->token = g_strdup(token);
        g_mutex_unlock(&k->lock);
}

void fake_kube_put(FakeKube *k, const char *collection, const char *object)
{
        struct json_object *o = json_tokener_parse(object);

        g_assert_nonnull(o);
        g_mutex_lock(&k->lock);
        kube_objects_put(k->objects, collection, o);
        g_mutex_unlock(&k->lock);
}

void fake_kube_put_list(FakeKube *k, const char *collection, const char *list)
{
        struct json_object *o = json_tokener_parse(list), *items;

        g_assert_nonnull(o);
        g_assert_true(json_object_object_get_ex(o, "items", &items));
        g_mutex_lock(&k->lock);
        for (size_t i = 0; i < json_object_array_length(items); i++)
                kube_objects_put(
                        k->objects, collection, json_object_get(json_object_array_get_idx(items, i)));
        g_mutex_unlock(&k->lock);
        json_object_put(o);
}

void fake_kube_remove(FakeKube *k, const char *collection, const char *name)
{
        g_mutex_lock(&k->lock);
        kube_objects_remove(k->objects, collection, name);
        g_mutex_unlock(&k->lock);
}

void fake_kube_forget_history(FakeKube *k)
{
        g_mutex_lock(&k->lock);
        kube_objects_forget(k->objects);
        g_mutex_unlock(&k->lock);
}

void fake_kube_bookmark(FakeKube *k)
{
        g_mutex_lock(&k->lock);
        k->n_bookmarks++;
        g_mutex_unlock(&k->lock);
}

void fake_kube_end_watches(FakeKube *k)
{
        g_mutex_lock(&k->lock);
        k->n_ends++;
        g_mutex_unlock(&k->lock);
}

void fake_kube_set_bookmarks(FakeKube *k, unsigned msec)
{
        g_mutex_lock(&k->lock);
        k->bookmark_msec = msec;
        g_mutex_unlock(&k->lock);
}

static unsigned read_locked(FakeKube *k, const unsigned *field)
{
        unsigned value;

        g_mutex_lock(&k->lock);
        value = *field;
        g_mutex_unlock(&k->lock);
        return value;
}

unsigned fake_kube_count_watches(FakeKube *k)
{
        return read_locked(k, &k->n_watches);
}

unsigned fake_kube_count_lists(FakeKube *k)
{
        return read_locked(k, &k->n_lists);
}

unsigned fake_kube_count_asked_watches(FakeKube *k)
{
        return read_locked(k, &k->n_asked_watches);
}

static char *copy_locked(FakeKube *k, char *const *field)
{
        char *text;

        g_mutex_lock(&k->lock);
        text = g_strdup(*field);
        g_mutex_unlock(&k->lock);
        return text;
}

char *fake_kube_last_list(FakeKube *k)
{
        return copy_locked(k, &k->last_list);
}

char *fake_kube_last_watch(FakeKube *k)
{
        return copy_locked(k, &k->last_watch);
}

unsigned fake_kube_count_connections(FakeKube *k)
{
        return k->http ? fake_http_count_connections(k->http) : 0;
}
