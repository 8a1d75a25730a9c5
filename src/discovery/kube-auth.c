/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-auth.h"

#include <string.h>
#include <sys/stat.h>

/* A file as it was when it was read. */
typedef struct WatchedFile {
        const char *what;
        const char *path; /* borrowed; NULL: there is none */
        char *text; /* NULL: not read yet */
        size_t size;
        bool refused; /* read it again, changed or not */
        dev_t dev;
        ino_t ino;
        off_t length;
        struct timespec mtime;
} WatchedFile;

struct KubeAuth {
        const KubeConfig *config;
        WatchedFile token, ca, cert, key;
        char *header; /* secret */
};

KubeAuth *kube_auth_new(const KubeConfig *config)
{
        KubeAuth *a = g_new0(KubeAuth, 1);

        a->config = config;
        a->token = (WatchedFile){ .what = "The token file", .path = config->token_file };
        a->ca = (WatchedFile){ .what = "The file of certificate authorities", .path = config->ca.file };
        a->cert = (WatchedFile){ .what = "The client certificate", .path = config->cert.file };
        a->key = (WatchedFile){ .what = "The client's key", .path = config->key.file };
        return a;
}

KubeAuth *kube_auth_free(KubeAuth *a)
{
        if (!a)
                return NULL;

        free(a->token.text);
        free(a->ca.text);
        free(a->cert.text);
        free(a->key.text);
        g_free(a->header);
        g_free(a);
        return NULL;
}

void kube_auth_refused(KubeAuth *a)
{
        a->token.refused = a->ca.refused = a->cert.refused = a->key.refused = true;
}

static bool is_same(const WatchedFile *f, const struct stat *st)
{
        return f->text && !f->refused && f->dev == st->st_dev && f->ino == st->st_ino &&
                f->length == st->st_size && f->mtime.tv_sec == st->st_mtim.tv_sec &&
                f->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

static int file_refresh(WatchedFile *f, Fault *fault)
{
        _cleanup_free_ char *text = NULL;
        struct stat st = { 0 };
        size_t size;
        int r;

        if (!f->path)
                return 0;
        /* Taken before it is read: what is replaced in between is read again next time. */
        if (stat(f->path, &st) == 0 && is_same(f, &st))
                return 0;

        r = kube_read_file(f->what, f->path, &text, &size, f->text ? NULL : fault);
        if (r < 0)
                return f->text ? 0 : r;

        free(f->text);
        f->text = steal_ptr(text);
        f->size = size;
        f->refused = false;
        f->dev = st.st_dev;
        f->ino = st.st_ino;
        f->length = st.st_size;
        f->mtime = st.st_mtim;
        return 0;
}

static HttpBytes get_pem(const WatchedFile *f, const KubePem *pem)
{
        HttpBytes bytes = { f->text, f->size };

        if (!f->path && pem->data)
                bytes.data = g_bytes_get_data(pem->data, &bytes.size);
        return bytes;
}

/* A token of nothing would make us anonymous, one with a line break would be a header of its own. */
static int make_header(KubeAuth *a, Fault *fault)
{
        const char *from = a->token.path ? a->token.path : a->config->origin;
        const char *token = a->token.path ? a->token.text : a->config->token;
        g_autofree char *clean = NULL;

        g_clear_pointer(&a->header, g_free);
        if (!token)
                return 0;
        clean = g_strstrip(g_strdup(token));
        if (!*clean)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "The token in %s is empty", from);
        for (const char *p = clean; *p; p++)
                if (!g_ascii_isgraph(*p))
                        return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                                "What is in %s cannot be a token: it has spaces or other characters in it",
                                from);
        a->header = g_strdup_printf("Authorization: Bearer %s", clean);
        return 0;
}

int kube_auth_get(KubeAuth *a, HttpTls *ret_tls, const char **ret_header, Fault *fault)
{
        int r;

        r = file_refresh(&a->token, fault);
        if (r >= 0)
                r = file_refresh(&a->ca, fault);
        if (r >= 0)
                r = file_refresh(&a->cert, fault);
        if (r >= 0)
                r = file_refresh(&a->key, fault);
        if (r >= 0)
                r = make_header(a, fault);
        if (r < 0)
                return r;

        *ret_tls = (HttpTls){
                .ca = get_pem(&a->ca, &a->config->ca),
                .cert = get_pem(&a->cert, &a->config->cert),
                .key = get_pem(&a->key, &a->config->key),
                .server_name = a->config->server_name,
                .insecure = a->config->insecure,
        };
        *ret_header = a->header;
        return 0;
}
