/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-watch.h"

#include <glib.h>
#include <string.h>

#include "proto/names.h"
#include "variant-json.h"

#define MATCH_SIGNALS \
        "type='signal',sender='" BUS_NAME "',path='" HOST_PATH "',interface='" MANAGER_INTERFACE "'"
#define MATCH_PROPERTIES                                                                                        \
        "type='signal',sender='" BUS_NAME "',path_namespace='" HOST_PATH                                        \
        "/agent',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',arg0='" AGENT_INTERFACE \
        "'"
#define MATCH_OWNER                                                                            \
        "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member=" \
        "'NameOwnerChanged',arg0='" BUS_NAME "'"

/* What is known of an id; kept also of those that were not added yet. */
typedef struct Seen {
        char *result; /* of its last end; NULL: none was seen */
        int status;
        bool announced; /* AgentAdded was seen */
        char *state; /* the last that was told; NULL: none was */
        bool over; /* ended, and not to be started again */
        bool added, told;
} Seen;

struct RunWatch {
        Ctl *ctl;
        RunEnded ended;
        void *userdata;
        GHashTable *agents; /* id -> Seen */
        size_t n_left;
        sd_bus_slot *signals, *properties, *owner;
};

static void seen_free(gpointer p)
{
        Seen *s = p;

        g_free(s->result);
        g_free(s->state);
        g_free(s);
}

static Seen *look_up(RunWatch *w, const char *id)
{
        Seen *s = g_hash_table_lookup(w->agents, id);

        if (!s) {
                s = g_new0(Seen, 1);
                g_hash_table_insert(w->agents, g_strdup(id), s);
        }
        return s;
}

static void tell_if_over(RunWatch *w, const char *id, Seen *s)
{
        if (!s->over || !s->added || s->told)
                return;

        s->told = true;
        w->n_left--;
        w->ended(id, &(RunEnd){ s->result ? s->result : "lost", s->result ? s->status : -1 }, w->userdata);
}

typedef struct Question {
        RunWatch *watch;
        char *id;
} Question;

static void question_free(void *p)
{
        Question *q = p;

        g_free(q->id);
        g_free(q);
}

static bool is_final(const char *state)
{
        return strcmp(state, "exited") == 0 || strcmp(state, "failed") == 0 || strcmp(state, "lost") == 0;
}

/* One that has ended is listed with how it did, is being started again, or is gone. */
static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_object_ struct json_object *properties = NULL;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        const Question *q = userdata;
        Seen *s = look_up(q->watch, q->id);

        (void)error;

        if (e && ctl_code_of(e) == EXIT_NO_AGENT)
                s->over = true;
        else if (!e && message_read_json(m, &properties) >= 0 &&
                is_final(object_text(properties, "State"))) {
                s->over = true;
                g_free(s->result);
                s->result = g_strdup(object_text(properties, "Result"));
                s->status = (int)object_signed(properties, "ExitStatus");
        }
        tell_if_over(q->watch, q->id, s);
        return 0;
}

static void ask(RunWatch *w, const char *id)
{
        _cleanup_free_ char *path = ctl_agent_path(id);
        Question *q = g_new(Question, 1);
        sd_bus_slot *slot;

        *q = (Question){ w, g_strdup(id) };
        if (sd_bus_call_method_async(w->ctl->bus, &slot, BUS_NAME, path, "org.freedesktop.DBus.Properties",
                    "GetAll", on_properties, q, "s", AGENT_INTERFACE) < 0) {
                question_free(q);
                return;
        }
        (void)sd_bus_slot_set_destroy_callback(slot, question_free);
        (void)sd_bus_slot_set_floating(slot, true);
        sd_bus_slot_unref(slot);
}

/* Its State is told before AgentExited, and says whether that end was the last. */
static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_object_ struct json_object *changed = NULL;
        _cleanup_free_ char *id = NULL;
        RunWatch *w = userdata;
        const char *state;
        Seen *s;

        (void)error;

        if (sd_bus_path_decode(sd_bus_message_get_path(m), AGENT_PATH_PREFIX, &id) <= 0 ||
                sd_bus_message_read(m, "s", NULL) < 0 || message_read_json(m, &changed) < 0)
                return 0;
        state = object_text(changed, "State");
        if (!*state)
                return 0;
        s = look_up(w, id);
        g_free(s->state);
        s->state = g_strdup(state);
        return 0;
}

static void on_exited(RunWatch *w, const char *id, const char *result, int status)
{
        Seen *s = look_up(w, id);

        g_free(s->result);
        s->result = g_strdup(result);
        s->status = status;
        if (s->state && is_final(s->state)) {
                s->over = true;
                tell_if_over(w, id, s);
        } else if (g_strcmp0(s->state, "restarting") != 0 && (s->added || s->announced))
                ask(w, id);
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *member = sd_bus_message_get_member(m), *id, *result;
        RunWatch *w = userdata;
        int status;
        Seen *s;

        (void)error;

        if (sd_bus_message_read(m, "so", &id, NULL) < 0)
                return 0;
        if (strcmp(member, "AgentAdded") == 0) {
                /* What there was of this id before is of no interest. */
                if (!look_up(w, id)->added)
                        g_hash_table_remove(w->agents, id);
                look_up(w, id)->announced = true;
        } else if (strcmp(member, "AgentExited") == 0 && sd_bus_message_read(m, "si", &result, &status) >= 0)
                on_exited(w, id, result, status);
        else if (strcmp(member, "AgentRemoved") == 0) {
                /* One that has ended makes way for the next of its id, which may be ours. */
                s = look_up(w, id);
                s->over = s->added || s->announced;
                tell_if_over(w, id, s);
        }
        return 0;
}

/* It was away for a moment: what became of them meanwhile. */
static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        RunWatch *w = userdata;
        const char *owner;
        GHashTableIter i;
        gpointer id, value;

        (void)error;

        if (sd_bus_message_read(m, "sss", NULL, NULL, &owner) < 0 || !*owner)
                return 0;
        g_hash_table_iter_init(&i, w->agents);
        while (g_hash_table_iter_next(&i, &id, &value))
                if (((Seen *)value)->added && !((Seen *)value)->told)
                        ask(w, id);
        return 0;
}

int run_watch_new(Ctl *ctl, RunEnded ended, void *userdata, RunWatch **ret)
{
        RunWatch *w = g_new(RunWatch, 1);
        int r;

        *w = (RunWatch){
                .ctl = ctl,
                .ended = ended,
                .userdata = userdata,
                .agents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, seen_free),
        };
        r = sd_bus_add_match_async(ctl->bus, &w->signals, MATCH_SIGNALS, on_signal, NULL, w);
        if (r >= 0)
                r = sd_bus_add_match_async(ctl->bus, &w->properties, MATCH_PROPERTIES, on_changed, NULL, w);
        if (r >= 0)
                r = sd_bus_add_match_async(ctl->bus, &w->owner, MATCH_OWNER, on_owner, NULL, w);
        if (r < 0) {
                run_watch_free(w);
                return r;
        }
        *ret = w;
        return 0;
}

RunWatch *run_watch_free(RunWatch *w)
{
        if (!w)
                return NULL;

        sd_bus_slot_unref(w->signals);
        sd_bus_slot_unref(w->properties);
        sd_bus_slot_unref(w->owner);
        g_hash_table_unref(w->agents);
        g_free(w);
        return NULL;
}

void run_watch_add(RunWatch *w, const char *id, bool is_new)
{
        Seen *s = look_up(w, id);

        if (s->added)
                return;
        s->added = true;
        w->n_left++;
        if (!is_new && !s->over)
                ask(w, id);
        tell_if_over(w, id, s);
}

size_t run_watch_count(const RunWatch *w)
{
        return w->n_left;
}
