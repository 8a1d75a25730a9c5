/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-file.h"

#include <string.h>

#include "parse.h"
#include "yaml-file.h"

/* More are nobody's. */
#define FILES_MAX 32

#define WAY_OUT "agenthostd cannot use that; give it a service account's token with TokenFile="

typedef struct KubeFile {
        char *path;
        char *dir; /* relative paths count from here */
        YamlFile yaml;
} KubeFile;

typedef struct KubeFiles {
        KubeFile files[FILES_MAX];
        size_t n;
} KubeFiles;

/* A cluster, user or context. */
typedef struct KubeNode {
        KubeFile *file;
        yaml_node_t *node;
        const char *what; /* "cluster" */
        const char *name;
} KubeNode;

static void files_done(KubeFiles *l)
{
        for (size_t i = 0; i < l->n; i++) {
                g_free(l->files[i].path);
                g_free(l->files[i].dir);
                yaml_file_done(&l->files[i].yaml);
        }
        l->n = 0;
}

static int load_file(const char *path, KubeFile *ret, Fault *fault)
{
        _cleanup_free_ char *text = NULL;
        yaml_node_t *root;
        size_t size;
        int r;

        r = kube_read_file("The kubeconfig", path, &text, &size, fault);
        if (r >= 0)
                r = yaml_file_load(path, text, size, &ret->yaml, fault);
        if (r < 0)
                return r;

        root = yaml_file_root(&ret->yaml);
        if (root && root->type != YAML_MAPPING_NODE) {
                yaml_file_done(&ret->yaml);
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s is no kubeconfig", path);
        }
        ret->path = g_strdup(path);
        ret->dir = g_path_get_dirname(path);
        return 0;
}

static int load_files(char *const *paths, KubeFiles *l, Fault *fault)
{
        for (char *const *path = paths; *path && l->n < FILES_MAX; path++) {
                int r;

                if (!**path || access(*path, F_OK) < 0)
                        continue;
                r = load_file(*path, &l->files[l->n], fault);
                if (r < 0)
                        return r;
                l->n++;
        }
        return l->n > 0 ? 0 : -ENOENT;
}

static int get_text(const KubeNode *n, const char *key, const char **ret, Fault *fault)
{
        yaml_node_t *value = yaml_get(&n->file->yaml, n->node, key);
        const char *text = yaml_text(value);

        if (value && !text)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: %s '%s': %s is no text",
                        n->file->path, n->what, n->name, key);
        *ret = text && *text ? text : NULL;
        return 0;
}

/* lists: "clusters"; the entries are {name: ..., cluster: {...}}. */
static int find_node(
        KubeFiles *l, const char *list, const char *what, const char *name, KubeNode *ret, Fault *fault)
{
        for (size_t i = 0; i < l->n; i++) {
                KubeFile *f = &l->files[i];
                yaml_node_t *items = yaml_get(&f->yaml, yaml_file_root(&f->yaml), list), *item;

                for (size_t j = 0; (item = yaml_item(&f->yaml, items, j)); j++) {
                        const char *its_name = yaml_text(yaml_get(&f->yaml, item, "name"));

                        if (!its_name || strcmp(its_name, name) != 0)
                                continue;
                        *ret = (KubeNode){ f, yaml_get(&f->yaml, item, what), what, name };
                        return 0;
                }
        }
        return fault_set(
                fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: there is no %s '%s'", l->files[0].path, what, name);
}

static int find_context(KubeFiles *l, KubeNode *ret, Fault *fault)
{
        for (size_t i = 0; i < l->n; i++) {
                KubeFile *f = &l->files[i];
                const char *name =
                        yaml_text(yaml_get(&f->yaml, yaml_file_root(&f->yaml), "current-context"));

                if (name && *name)
                        return find_node(l, "contexts", "context", name, ret, fault);
        }
        return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                "%s has no current-context; set one with 'kubectl config use-context'", l->files[0].path);
}

static int get_path(const KubeNode *n, const char *key, char **ret, Fault *fault)
{
        const char *text;
        int r;

        r = get_text(n, key, &text, fault);
        if (r >= 0 && text)
                *ret = g_path_is_absolute(text) ? g_strdup(text)
                                                : g_build_filename(n->file->dir, text, NULL);
        return r;
}

/* g_base64_decode() takes anything. */
static bool is_base64(const char *text)
{
        size_t n = 0, n_padding = 0;

        for (const char *p = text; *p; p++) {
                if (g_ascii_isspace(*p))
                        continue;
                if (*p == '=')
                        n_padding++;
                else if (n_padding > 0 || (!g_ascii_isalnum(*p) && *p != '+' && *p != '/'))
                        return false;
                n++;
        }
        return n > 0 && n % 4 == 0 && n_padding <= 2;
}

static int get_data(const KubeNode *n, const char *key, GBytes **ret, Fault *fault)
{
        const char *text;
        guchar *data;
        gsize size;
        int r;

        r = get_text(n, key, &text, fault);
        if (r < 0 || !text)
                return r;
        if (!is_base64(text))
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: %s '%s': %s is not in base64",
                        n->file->path, n->what, n->name, key);

        data = g_base64_decode(text, &size);
        *ret = g_bytes_new_take(data, size);
        return 0;
}

/* key and key-data. */
static int get_pem(const KubeNode *n, const char *key, KubePem *ret, Fault *fault)
{
        g_autofree char *data_key = g_strdup_printf("%s-data", key);
        int r;

        r = get_path(n, key, &ret->file, fault);
        if (r >= 0)
                r = get_data(n, data_key, &ret->data, fault);
        if (r >= 0 && ret->file && ret->data)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "%s: %s '%s': both %s and %s are given; remove one of them", n->file->path, n->what,
                        n->name, key, data_key);
        return r;
}

static bool has(const KubeNode *n, const char *key)
{
        return yaml_get(&n->file->yaml, n->node, key) != NULL;
}

static int refuse_if_has(const KubeNode *n, const char *key, Fault *fault)
{
        return has(n, key) ? fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: %s '%s' has %s: " WAY_OUT,
                                     n->file->path, n->what, n->name, key)
                           : 0;
}

static int get_insecure(const KubeNode *n, bool *ret, Fault *fault)
{
        const char *text;
        int r;

        r = get_text(n, "insecure-skip-tls-verify", &text, fault);
        if (r < 0 || !text)
                return r;
        if (parse_boolean(text, ret) < 0)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "%s: cluster '%s': insecure-skip-tls-verify is neither true nor false",
                        n->file->path, n->name);
        return 0;
}

static int read_cluster(const KubeNode *n, KubeConfig *c, Fault *fault)
{
        const char *server = NULL, *server_name = NULL;
        int r;

        r = get_text(n, "server", &server, fault);
        if (r >= 0)
                r = get_text(n, "tls-server-name", &server_name, fault);
        if (r >= 0)
                r = get_pem(n, "certificate-authority", &c->ca, fault);
        if (r >= 0)
                r = get_insecure(n, &c->insecure, fault);
        if (r >= 0)
                r = refuse_if_has(n, "proxy-url", fault);
        if (r < 0)
                return r;
        if (!server)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: cluster '%s' has no server",
                        n->file->path, n->name);
        if (c->insecure && (c->ca.file || c->ca.data))
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "%s: cluster '%s' has both a certificate-authority and insecure-skip-tls-verify; remove the "
                        "latter",
                        n->file->path, n->name);

        c->server = g_strdup(server);
        c->server_name = g_strdup(server_name);
        return 0;
}

static int refuse_unusable_user(const KubeNode *n, Fault *fault)
{
        static const char *const unusable[] = { "exec", "auth-provider", "username", "password", "as",
                "as-uid", "as-groups", "as-user-extra" };

        for (size_t i = 0; i < ELEMENTSOF(unusable); i++)
                if (has(n, unusable[i]))
                        return refuse_if_has(n, unusable[i], fault);
        return 0;
}

static int read_user(const KubeNode *n, KubeConfig *c, Fault *fault)
{
        const char *token = NULL;
        bool has_cert, has_key;
        int r;

        r = refuse_unusable_user(n, fault);
        if (r >= 0)
                r = get_text(n, "token", &token, fault);
        if (r >= 0)
                r = get_path(n, "tokenFile", &c->token_file, fault);
        if (r >= 0)
                r = get_pem(n, "client-certificate", &c->cert, fault);
        if (r >= 0)
                r = get_pem(n, "client-key", &c->key, fault);
        if (r < 0)
                return r;

        has_cert = c->cert.file || c->cert.data;
        has_key = c->key.file || c->key.data;
        if (has_cert != has_key)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "%s: user '%s' has a client-%s, but no client-%s", n->file->path, n->name,
                        has_cert ? "certificate" : "key", has_cert ? "key" : "certificate");
        if (!has_cert && !token && !c->token_file)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE,
                        "%s: user '%s' has no credentials; give agenthostd a service account's token with TokenFile=",
                        n->file->path, n->name);
        c->token = g_strdup(token);
        return 0;
}

static int read_context(KubeFiles *l, bool has_token, KubeConfig *c, Fault *fault)
{
        const char *cluster_name = NULL, *user_name = NULL, *namespace = NULL;
        KubeNode context, cluster, user;
        int r;

        r = find_context(l, &context, fault);
        if (r >= 0)
                r = get_text(&context, "cluster", &cluster_name, fault);
        if (r >= 0)
                r = get_text(&context, "user", &user_name, fault);
        if (r >= 0)
                r = get_text(&context, "namespace", &namespace, fault);
        if (r < 0)
                return r;
        if (!cluster_name || (!user_name && !has_token))
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: context '%s' names no %s",
                        context.file->path, context.name, cluster_name ? "user" : "cluster");

        r = find_node(l, "clusters", "cluster", cluster_name, &cluster, fault);
        if (r >= 0)
                r = read_cluster(&cluster, c, fault);
        if (r >= 0 && !has_token)
                r = find_node(l, "users", "user", user_name, &user, fault);
        if (r >= 0 && !has_token)
                r = read_user(&user, c, fault);
        if (r < 0)
                return r;

        c->namespace = g_strdup(namespace);
        c->origin = g_strdup(context.file->path);
        return 0;
}

int kube_files_load(char *const *paths, bool has_token, KubeConfig *ret, Fault *fault)
{
        _cleanup_(files_done) KubeFiles files = { .n = 0 };
        _cleanup_(kube_config_done) KubeConfig c = { 0 };
        int r;

        r = load_files(paths, &files, fault);
        if (r >= 0)
                r = read_context(&files, has_token, &c, fault);
        if (r < 0)
                return r;

        *ret = c;
        c = (KubeConfig){ 0 };
        return 0;
}
