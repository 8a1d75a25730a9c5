/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "file-util.h"
#include "kube-file.h"
#include "parse.h"

#define FILE_BYTES_MAX (1024u * 1024u)

static void pem_done(KubePem *p)
{
        g_free(p->file);
        g_clear_pointer(&p->data, g_bytes_unref);
        p->file = NULL;
}

void kube_config_done(KubeConfig *c)
{
        g_free(c->server);
        g_free(c->server_name);
        g_free(c->namespace);
        pem_done(&c->ca);
        pem_done(&c->cert);
        pem_done(&c->key);
        g_free(c->token);
        g_free(c->token_file);
        g_free(c->origin);
        *c = (KubeConfig){ 0 };
}

KubeEnvironment kube_environment(void)
{
        return (KubeEnvironment){
                .service_host = g_getenv("KUBERNETES_SERVICE_HOST"),
                .service_port = g_getenv("KUBERNETES_SERVICE_PORT"),
                .kubeconfig = g_getenv("KUBECONFIG"),
                .home = g_getenv("HOME"),
                .service_account = KUBE_SERVICE_ACCOUNT_DIR,
        };
}

static int refuse_file(const char *what, const char *path, int r, Fault *fault)
{
        if (r == -EFBIG)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "%s %s is larger than %u bytes: it cannot be one", what, path, FILE_BYTES_MAX);
        if (r == -EISDIR)
                return fault_set(
                        fault, FAULT_DISCOVERY_UNAVAILABLE, "%s %s is a directory, not a file", what, path);
        if (r == -EBADFD)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s %s is no regular file", what, path);
        return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                "%s %s cannot be read: %s; it must be there, and readable for the user that agenthostd runs as",
                what, path, strerror(-r));
}

/* A pipe that somebody put there must not stop us. */
static int open_regular(const char *path)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        return S_ISREG(st.st_mode) ? steal_fd(&fd) : -EBADFD;
}

int kube_read_file(const char *what, const char *path, char **ret, size_t *ret_size, Fault *fault)
{
        _cleanup_close_ int fd = open_regular(path);
        size_t size;
        int r = fd;

        if (r >= 0)
                r = read_fd(fd, FILE_BYTES_MAX, ret, ret_size ? ret_size : &size);
        return r < 0 ? refuse_file(what, path, r, fault) : 0;
}

/* ret_namespace may stay NULL. */
static void read_pod_namespace(const char *dir, char **ret_namespace)
{
        g_autofree char *path = g_build_filename(dir, "namespace", NULL);
        _cleanup_free_ char *text = NULL;

        if (kube_read_file("The namespace file", path, &text, NULL, NULL) >= 0 && *g_strstrip(text))
                *ret_namespace = g_strdup(text);
}

/* -ENOENT, without a fault, if we are in no Pod, or one without a service account. */
static int find_in_pod(const KubeEnvironment *e, KubeConfig *ret, Fault *fault)
{
        g_autofree char *token = NULL, *ca = NULL;
        unsigned port;

        if (!e->service_host || !*e->service_host || !e->service_port || !*e->service_port)
                return -ENOENT;
        token = g_build_filename(e->service_account, "token", NULL);
        if (access(token, F_OK) < 0)
                return -ENOENT;
        if (parse_uint(e->service_port, 1, 65535, &port) < 0)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "KUBERNETES_SERVICE_PORT is no port: '%s'", e->service_port);

        ca = g_build_filename(e->service_account, "ca.crt", NULL);
        ret->server = g_strdup_printf(
                strchr(e->service_host, ':') ? "https://[%s]:%u" : "https://%s:%u", e->service_host, port);
        ret->token_file = steal_ptr(token);
        ret->ca.file = steal_ptr(ca);
        ret->origin = g_strdup("the Pod's service account");
        read_pod_namespace(e->service_account, &ret->namespace);
        return 0;
}

static int find_files(const KubeEnvironment *e, bool has_token, KubeConfig *ret, Fault *fault)
{
        g_auto(GStrv) paths = NULL;

        if (e->kubeconfig && *e->kubeconfig)
                paths = g_strsplit(e->kubeconfig, ":", -1);
        else if (e->home && *e->home) {
                paths = g_new0(char *, 2);
                paths[0] = g_build_filename(e->home, ".kube", "config", NULL);
        } else
                return -ENOENT;
        return kube_files_load(paths, has_token, ret, fault);
}

static int find_from_settings(const DiscoverySettings *s, KubeConfig *ret, Fault *fault)
{
        if (!s->token_file)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "Server= is set, but not TokenFile=: name a file with the token of a service account");
        ret->server = g_strdup(s->server);
        ret->origin = g_strdup("Server=");
        return 0;
}

static int find_explicit_file(const char *path, bool has_token, KubeConfig *ret, Fault *fault)
{
        char *const paths[] = { (char *)path, NULL };
        int r;

        r = kube_files_load(paths, has_token, ret, fault);
        if (r == -ENOENT)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "KubeConfig=%s does not exist", path);
        return r;
}

static int find_any(const DiscoverySettings *s, const KubeEnvironment *e, KubeConfig *ret, Fault *fault)
{
        int r;

        if (s->server)
                return find_from_settings(s, ret, fault);
        if (s->kube_config)
                return find_explicit_file(s->kube_config, s->token_file != NULL, ret, fault);

        r = find_in_pod(e, ret, fault);
        if (r == -ENOENT && fault->kind == FAULT_NONE)
                r = find_files(e, s->token_file != NULL, ret, fault);
        if (r == -ENOENT && fault->kind == FAULT_NONE)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "No way to the Kubernetes API is known: this is no Pod with a service account, and there "
                        "is neither a file in KUBECONFIG nor ~/.kube/config; set Server=, TokenFile= and CaFile=, "
                        "or KubeConfig=");
        return r;
}

/* TokenFile= and CaFile= hold for whatever cluster was found: they are how what a kubeconfig cannot be used
 * for is replaced. */
static void override(const DiscoverySettings *s, KubeConfig *c)
{
        if (s->token_file) {
                g_free(c->token_file);
                c->token_file = g_strdup(s->token_file);
                pem_done(&c->cert);
                pem_done(&c->key);
        }
        if (s->ca_file) {
                pem_done(&c->ca);
                c->ca.file = g_strdup(s->ca_file);
                c->insecure = false;
        }
}

static int check_server(KubeConfig *c, Fault *fault)
{
        bool plain = g_str_has_prefix(c->server, "http://");

        while (g_str_has_suffix(c->server, "/"))
                c->server[strlen(c->server) - 1] = '\0';
        if (!plain && !g_str_has_prefix(c->server, "https://"))
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "%s: the server '%s' must begin with https://", c->origin, c->server);
        if (strpbrk(c->server, "?#@ "))
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "%s: the server's URL must be https://HOST:PORT, and may have a path", c->origin);
        if (plain && (c->token || c->token_file))
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "%s: a token is not sent to '%s', where everybody could read it; use https://",
                        c->origin, c->server);
        return 0;
}

int kube_config_find(
        const DiscoverySettings *settings, const KubeEnvironment *environment, KubeConfig *ret, Fault *fault)
{
        _cleanup_fault_ Fault own = FAULT_INIT;
        _cleanup_(kube_config_done) KubeConfig c = { 0 };
        int r;

        r = find_any(settings, environment, &c, &own);
        if (r >= 0) {
                override(settings, &c);
                r = check_server(&c, &own);
        }
        if (r < 0) {
                if (fault && fault->kind == FAULT_NONE)
                        *fault = fault_steal(&own);
                return r;
        }

        *ret = c;
        c = (KubeConfig){ 0 };
        return 0;
}
