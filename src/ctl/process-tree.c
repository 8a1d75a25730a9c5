/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "process-tree.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "term.h"
#include "text.h"

typedef struct Process {
        uint32_t pid;
        char *command;
} Process;

typedef struct Group {
        char *name;
        GPtrArray *groups; /* Group */
        GArray *processes; /* Process */
} Group;

struct ProcessTree {
        char *root;
        Group *top;
        size_t n_processes;
        int pid_digits;
};

static void process_clear(gpointer p)
{
        g_free(((Process *)p)->command);
}

static void group_free(gpointer p)
{
        Group *g = p;

        g_ptr_array_unref(g->groups);
        g_array_unref(g->processes);
        g_free(g->name);
        g_free(g);
}

static Group *group_new(const char *name, size_t length)
{
        Group *g = g_new0(Group, 1);

        *g = (Group){
                .name = g_strndup(name, length),
                .groups = g_ptr_array_new_with_free_func(group_free),
                .processes = g_array_new(false, false, sizeof(Process)),
        };
        g_array_set_clear_func(g->processes, process_clear);
        return g;
}

ProcessTree *process_tree_new(const char *root)
{
        ProcessTree *t = g_new0(ProcessTree, 1);

        /* "/" is a prefix like the others then. */
        t->root = g_strdup(strcmp(root, "/") == 0 ? "" : root);
        t->top = group_new("", 0);
        return t;
}

ProcessTree *process_tree_free(ProcessTree *t)
{
        if (!t)
                return NULL;

        group_free(t->top);
        g_free(t->root);
        g_free(t);
        return NULL;
}

static Group *find_or_add(Group *parent, const char *name, size_t length)
{
        Group *g;

        for (guint i = 0; i < parent->groups->len; i++) {
                g = parent->groups->pdata[i];
                if (strlen(g->name) == length && strncmp(g->name, name, length) == 0)
                        return g;
        }
        g = group_new(name, length);
        g_ptr_array_add(parent->groups, g);
        return g;
}

void process_tree_add(ProcessTree *t, const char *cgroup, uint32_t pid, const char *command)
{
        size_t n = strlen(t->root);
        Group *g = t->top;
        Process process;
        int digits;

        if (strncmp(cgroup, t->root, n) != 0 || (cgroup[n] != '/' && cgroup[n] != '\0'))
                return;

        for (const char *p = cgroup + n; *p;) {
                size_t length = strcspn(p, "/");

                if (length > 0)
                        g = find_or_add(g, p, length);
                p += length + (p[length] == '/');
        }
        process = (Process){ pid, text_clean(command, strlen(command), false) };
        g_array_append_val(g->processes, process);
        digits = snprintf(NULL, 0, "%" PRIu32, pid);
        t->pid_digits = MAX(t->pid_digits, digits);
        t->n_processes++;
}

bool process_tree_is_empty(const ProcessTree *t)
{
        return t->n_processes == 0;
}

static gint compare_pids(gconstpointer a, gconstpointer b)
{
        uint32_t x = ((const Process *)a)->pid, y = ((const Process *)b)->pid;

        return x < y ? -1 : x > y;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp((*(const Group *const *)a)->name, (*(const Group *const *)b)->name);
}

static void print_line(FILE *out, const char *prefix, bool is_last, const char *text, unsigned width)
{
        const char *branch = term_glyph(is_last ? GLYPH_LAST : GLYPH_BRANCH);
        unsigned used = text_width(prefix) + text_width(branch);
        g_autofree char *fitted =
                width > 0 ? text_fit(text, width > used ? width - used : 1) : g_strdup(text);

        fprintf(out, "%s%s%s%s%s\n", prefix, term_colour(COLOUR_GREY), branch, fitted, term_plain());
}

static void print_group(const ProcessTree *t, const Group *g, FILE *out, const char *prefix, unsigned width)
{
        g_array_sort(g->processes, compare_pids);
        g_ptr_array_sort(g->groups, compare_names);

        for (guint i = 0; i < g->processes->len; i++) {
                const Process *p = &g_array_index(g->processes, Process, i);
                g_autofree char *text =
                        g_strdup_printf("%*" PRIu32 " %s", t->pid_digits, p->pid, p->command);

                print_line(out, prefix, i + 1 == g->processes->len && g->groups->len == 0, text, width);
        }
        for (guint i = 0; i < g->groups->len; i++) {
                const Group *child = g->groups->pdata[i];
                bool is_last = i + 1 == g->groups->len;
                g_autofree char *below =
                        g_strconcat(prefix, is_last ? "  " : term_glyph(GLYPH_BESIDE), NULL);

                print_line(out, prefix, is_last, child->name, width);
                print_group(t, child, out, below, width);
        }
}

void process_tree_print(const ProcessTree *t, FILE *out, const char *prefix, unsigned width)
{
        print_group(t, t->top, out, prefix, width);
}
