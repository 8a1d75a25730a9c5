/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "child-table.h"

#include <assert.h>
#include <search.h>
#include <string.h>

/* Both a Child and a mere key begin with a pointer to the name. */
static int compare(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int child_table_add(ChildTable *t, Child *child)
{
        Child **found;

        if (t->n >= CHILD_TABLE_MAX)
                return -ENOBUFS;
        found = tsearch(child, &t->root, compare);
        if (!found)
                return -ENOMEM;
        if (*found != child)
                return -EEXIST;

        t->n++;
        return 0;
}

Child *child_table_find(const ChildTable *t, const char *unit)
{
        Child *const *found = tfind(&unit, &t->root, compare);

        return found ? *found : NULL;
}

void child_table_drop(ChildTable *t, Child *child)
{
        assert(child_table_find(t, child->unit) == child);

        tdelete(child, &t->root, compare);
        t->n--;
        child_free(child);
}

typedef struct Walk {
        const char *after; /* NULL: all */
        Child **children;
        size_t n, max;
} Walk;

static void walk(const void *node, VISIT visit, void *userdata)
{
        Child *child = *(Child *const *)node;
        Walk *w = userdata;

        if ((visit != postorder && visit != leaf) || w->n == w->max)
                return;
        if (w->after && (child->pid == 0 || strcmp(child->unit, w->after) <= 0))
                return;
        w->children[w->n++] = child;
}

static int list(const ChildTable *t, const char *after, size_t max, Child ***ret, size_t *ret_n)
{
        Walk w = { .after = after, .max = max < t->n ? max : t->n };

        w.children = calloc(w.max + 1, sizeof(Child *));
        if (!w.children)
                return -ENOMEM;

        twalk_r(t->root, walk, &w);
        *ret = w.children;
        *ret_n = w.n;
        return 0;
}

int child_table_list(const ChildTable *t, Child ***ret, size_t *ret_n)
{
        return list(t, NULL, SIZE_MAX, ret, ret_n);
}

int child_table_page(const ChildTable *t, const char *after, size_t max, Child ***ret, size_t *ret_n)
{
        return list(t, after, max, ret, ret_n);
}

static void free_node(void *node)
{
        child_free(node);
}

void child_table_done(ChildTable *t)
{
        tdestroy(t->root, free_node);
        *t = (ChildTable){ 0 };
}
