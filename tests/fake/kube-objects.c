/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-objects.h"

#include <string.h>

typedef struct Event {
        uint64_t version;
        char *collection;
        struct json_object *old; /* NULL: it was not there */
        struct json_object *new; /* NULL: it is gone */
} Event;

struct KubeObjects {
        uint64_t version, oldest;
        GHashTable *collections; /* path -> GTree of name -> object */
        GPtrArray *events;
};

static void put_object(void *object)
{
        json_object_put(object);
}

static void free_event(void *event)
{
        Event *e = event;

        g_free(e->collection);
        json_object_put(e->old);
        json_object_put(e->new);
        g_free(e);
}

static int compare_names(const void *a, const void *b, void *userdata)
{
        (void)userdata;

        return strcmp(a, b);
}

KubeObjects *kube_objects_new(void)
{
        KubeObjects *o = g_new0(KubeObjects, 1);

        o->version = o->oldest = 1000;
        o->collections =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_tree_unref);
        o->events = g_ptr_array_new_with_free_func(free_event);
        return o;
}

void kube_objects_free(KubeObjects *o)
{
        g_hash_table_unref(o->collections);
        g_ptr_array_unref(o->events);
        g_free(o);
}

uint64_t kube_objects_version(const KubeObjects *o)
{
        return o->version;
}

uint64_t kube_objects_oldest(const KubeObjects *o)
{
        return o->oldest;
}

void kube_objects_forget(KubeObjects *o)
{
        o->oldest = ++o->version;
        g_ptr_array_set_size(o->events, 0);
}

static GTree *get_collection(KubeObjects *o, const char *path)
{
        GTree *tree = g_hash_table_lookup(o->collections, path);

        if (!tree) {
                tree = g_tree_new_full(compare_names, NULL, g_free, put_object);
                g_hash_table_insert(o->collections, g_strdup(path), tree);
        }
        return tree;
}

static struct json_object *get_member(struct json_object *o, const char *key)
{
        struct json_object *value = NULL;

        return o && json_object_object_get_ex(o, key, &value) ? value : NULL;
}

static const char *get_name(struct json_object *object)
{
        return json_object_get_string(get_member(get_member(object, "metadata"), "name"));
}

static struct json_object *copy_of(struct json_object *o)
{
        struct json_object *copy = NULL;

        g_assert_cmpint(json_object_deep_copy(o, &copy, NULL), ==, 0);
        return copy;
}

static void set_version(struct json_object *object, uint64_t version)
{
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, version);

        json_object_object_add(
                get_member(object, "metadata"), "resourceVersion", json_object_new_string(text));
}

static void add_event(
        KubeObjects *o, const char *collection, struct json_object *old, struct json_object *new)
{
        Event *e = g_new0(Event, 1);

        *e = (Event){ o->version, g_strdup(collection), old, new };
        g_ptr_array_add(o->events, e);
}

void kube_objects_put(KubeObjects *o, const char *collection, struct json_object *object)
{
        GTree *tree = get_collection(o, collection);
        const char *name = get_name(object);
        struct json_object *old;

        g_assert_nonnull(name);
        old = g_tree_lookup(tree, name);
        set_version(object, ++o->version);
        add_event(o, collection, old ? json_object_get(old) : NULL, json_object_get(object));
        g_tree_replace(tree, g_strdup(name), object);
}

/* The old state, with the new version. */
void kube_objects_remove(KubeObjects *o, const char *collection, const char *name)
{
        GTree *tree = get_collection(o, collection);
        struct json_object *old = g_tree_lookup(tree, name);

        g_assert_nonnull(old);
        ++o->version;
        add_event(o, collection, json_object_get(old), NULL);
        g_tree_remove(tree, name);
}

static bool has_label(struct json_object *object, const char *term)
{
        struct json_object *labels = get_member(get_member(object, "metadata"), "labels");
        g_auto(GStrv) sides = g_strsplit(term, "=", 2);
        const char *value = json_object_get_string(get_member(labels, sides[0]));

        return value && (!sides[1] || strcmp(value, sides[1]) == 0);
}

static bool has_field(struct json_object *object, const char *term)
{
        g_assert_true(g_str_has_prefix(term, "metadata.name="));
        return strcmp(get_name(object), term + strlen("metadata.name=")) == 0;
}

static bool fits_all(
        struct json_object *object, const char *terms, bool (*fits)(struct json_object *, const char *))
{
        g_auto(GStrv) list = terms && *terms ? g_strsplit(terms, ",", -1) : NULL;

        for (char **term = list; term && *term; term++)
                if (!fits(object, *term))
                        return false;
        return true;
}

static bool is_selected(struct json_object *object, const KubeSelector *s)
{
        return object && fits_all(object, s->label, has_label) && fits_all(object, s->field, has_field);
}

void kube_objects_kind(const char *collection, const char **ret_kind, const char **ret_api_version)
{
        bool core = g_str_has_prefix(collection, "/api/v1");

        *ret_api_version = core ? "v1" : "discovery.k8s.io/v1";
        *ret_kind = g_str_has_suffix(collection, "/endpoints") ? "Endpoints"
                : g_str_has_suffix(collection, "/nodes")       ? "Node"
                                                               : "EndpointSlice";
}

/* As Go writes it. */
static const char *to_text(struct json_object *o)
{
        return json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

typedef struct Page {
        const KubeSelector *selector;
        const char *after;
        unsigned limit, n, n_left;
        GString *text;
        const char *last;
} Page;

static gboolean add_to_page(void *name, void *object, void *userdata)
{
        Page *p = userdata;

        if (!is_selected(object, p->selector) || strcmp(name, p->after) <= 0)
                return FALSE;
        if (p->limit > 0 && p->n == p->limit) {
                p->n_left++;
                return FALSE;
        }
        g_string_append(p->text, p->n++ > 0 ? "," : "");
        g_string_append(p->text, to_text(object));
        p->last = name;
        return FALSE;
}

char *kube_objects_list(KubeObjects *o,
        const char *collection,
        const KubeSelector *selector,
        unsigned limit,
        const char *after,
        uint64_t version,
        char **ret_last)
{
        g_autoptr(GString) items = g_string_new(NULL);
        Page page = { .selector = selector, .after = after, .limit = limit, .text = items };
        const char *kind, *api_version;
        g_autofree char *token = NULL, *more = NULL;

        g_tree_foreach(get_collection(o, collection), add_to_page, &page);
        if (page.n_left > 0) {
                g_autofree char *plain = g_strdup_printf("%" G_GUINT64_FORMAT "\n%s", version, page.last);

                token = g_base64_encode((const guchar *)plain, strlen(plain));
                more = (selector->label && *selector->label) || (selector->field && *selector->field)
                        ? g_strdup_printf(",\"continue\":\"%s\"", token)
                        : g_strdup_printf(
                                  ",\"continue\":\"%s\",\"remainingItemCount\":%u", token, page.n_left);
        }
        *ret_last = page.n_left > 0 ? g_strdup(page.last) : NULL;
        kube_objects_kind(collection, &kind, &api_version);
        return g_strdup_printf(
                "{\"kind\":\"%s%s\",\"apiVersion\":\"%s\",\"metadata\":{\"resourceVersion\":\"%" G_GUINT64_FORMAT
                "\"%s},\"items\":[%s]}",
                kind, "List", api_version, version, more ? more : "", items->str);
}

/* In events objects have their kind, in front. */
static char *make_event(
        const char *collection, const char *type, struct json_object *object, uint64_t version)
{
        g_autofree char *rest = NULL;
        const char *kind, *api_version;
        struct json_object *copy = copy_of(object);

        set_version(copy, version);
        json_object_object_del(copy, "kind");
        json_object_object_del(copy, "apiVersion");
        kube_objects_kind(collection, &kind, &api_version);
        rest = g_strdup(to_text(copy) + 1);
        json_object_put(copy);
        return g_strdup_printf("{\"type\":\"%s\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s\",%s}\n",
                type, kind, api_version, rest);
}

static char *describe(const Event *e, const KubeSelector *selector)
{
        bool before = is_selected(e->old, selector), after = is_selected(e->new, selector);

        if (before && after)
                return make_event(e->collection, "MODIFIED", e->new, e->version);
        if (after)
                return make_event(e->collection, "ADDED", e->new, e->version);
        return before ? make_event(e->collection, "DELETED", e->old, e->version) : NULL;
}

char *kube_objects_events(
        KubeObjects *o, const char *collection, const KubeSelector *selector, uint64_t *version)
{
        GString *lines = g_string_new(NULL);

        for (guint i = 0; i < o->events->len; i++) {
                const Event *e = o->events->pdata[i];
                g_autofree char *line = NULL;

                if (e->version <= *version || strcmp(e->collection, collection) != 0)
                        continue;
                line = describe(e, selector);
                if (line)
                        g_string_append(lines, line);
        }
        *version = MAX(*version, o->version);
        return g_string_free(lines, lines->len == 0);
}
