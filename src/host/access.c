/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "access.h"

#include <glib.h>
#include <grp.h>
#include <string.h>

#include "log.h"
#include "macros.h"
#include "proto/names.h"

#define ASK_LIMIT_USEC (10 * USEC_PER_SEC)
#define CACHE_MAX 512u

struct Access {
        sd_bus *bus; /* borrowed */
        uid_t own_uid;
        gid_t group;
        bool have_group;
        GHashTable *known; /* unique name -> may act */
        struct Question *questions;
};

/* One call whose sender is being looked up. */
typedef struct Question {
        Access *access;
        struct Question *next, **at;
        sd_bus_message *call;
        sd_bus_message_handler_t handler;
        void *userdata;
        sd_bus_slot *slot;
} Question;

static Question *question_free(Question *q)
{
        *q->at = q->next;
        if (q->next)
                q->next->at = q->at;
        sd_bus_slot_unref(q->slot);
        sd_bus_message_unref(q->call);
        g_free(q);
        return NULL;
}

Access *access_new(sd_bus *bus)
{
        Access *a = g_new0(Access, 1);
        struct group *group = getgrnam(AGENTHOST_GROUP);

        *a = (Access){
                .bus = bus,
                .own_uid = geteuid(),
                .group = group ? group->gr_gid : 0,
                .have_group = group != NULL,
                .known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        };
        if (!group)
                log_warning("There is no group " AGENTHOST_GROUP ": only root may create and stop agents");
        return a;
}

Access *access_free(Access *a)
{
        if (!a)
                return NULL;

        while (a->questions)
                question_free(a->questions);
        g_hash_table_unref(a->known);
        g_free(a);
        return NULL;
}

void access_flush(Access *a)
{
        g_hash_table_remove_all(a->known);
}

static int read_uid(sd_bus_message *m, const Access *a, bool *allowed)
{
        uint32_t uid;
        int r;

        r = sd_bus_message_read(m, "v", "u", &uid);
        if (r >= 0 && (uid == 0 || uid == a->own_uid))
                *allowed = true;
        return r;
}

static int read_gids(sd_bus_message *m, const Access *a, bool *allowed)
{
        const uint32_t *gids = NULL;
        size_t size = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'v', "au");
        if (r >= 0)
                r = sd_bus_message_read_array(m, 'u', (const void **)&gids, &size);
        if (r < 0)
                return r;

        for (size_t i = 0; i < size / sizeof(*gids); i++)
                if (a->have_group && gids[i] == a->group)
                        *allowed = true;
        return sd_bus_message_exit_container(m);
}

static int read_credentials(sd_bus_message *m, const Access *a, bool *ret_allowed)
{
        bool allowed = false;
        const char *key;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &key);
                if (r < 0)
                        return r;
                if (strcmp(key, "UnixUserID") == 0)
                        r = read_uid(m, a, &allowed);
                else if (strcmp(key, "UnixGroupIDs") == 0)
                        r = read_gids(m, a, &allowed);
                else
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r < 0)
                return r;

        *ret_allowed = allowed;
        return 0;
}

static int refuse(sd_bus_message *call, sd_bus_error *error)
{
        return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
                "%s is for root and members of group " AGENTHOST_GROUP
                "; add yourself with 'usermod -aG " AGENTHOST_GROUP " USER' and log in again",
                sd_bus_message_get_member(call));
}

static int on_credentials(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Question *q = userdata;
        bool allowed = false;
        int r = 0;

        (void)ret_error;

        if (!sd_bus_message_is_method_error(m, NULL)) {
                r = read_credentials(m, q->access, &allowed);
                if (r >= 0) {
                        if (g_hash_table_size(q->access->known) >= CACHE_MAX)
                                access_flush(q->access);
                        g_hash_table_insert(q->access->known, g_strdup(sd_bus_message_get_sender(q->call)),
                                GINT_TO_POINTER(allowed));
                }
        }

        r = allowed ? q->handler(q->call, q->userdata, &error) : refuse(q->call, &error);
        if (r < 0)
                sd_bus_reply_method_errno(q->call, r, &error);
        question_free(q);
        return 0;
}

static int ask_bus(Access *a,
        sd_bus_message *call,
        sd_bus_message_handler_t handler,
        void *userdata,
        sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        Question *q = g_new0(Question, 1);
        int r;

        *q = (Question){
                .access = a,
                .next = a->questions,
                .at = &a->questions,
                .call = sd_bus_message_ref(call),
                .handler = handler,
                .userdata = userdata,
        };
        if (q->next)
                q->next->at = &q->next;
        a->questions = q;

        r = sd_bus_message_new_method_call(a->bus, &m, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus", "GetConnectionCredentials");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", sd_bus_message_get_sender(call));
        if (r >= 0)
                r = sd_bus_call_async(a->bus, &q->slot, m, on_credentials, q, ASK_LIMIT_USEC);
        if (r < 0) {
                question_free(q);
                return sd_bus_error_set_errnof(
                        error, r, "Cannot ask the bus who is calling: %s", strerror(-r));
        }
        return 1;
}

int access_require(Access *a,
        sd_bus_message *call,
        sd_bus_message_handler_t handler,
        void *userdata,
        sd_bus_error *error)
{
        gpointer allowed;

        if (!g_hash_table_lookup_extended(a->known, sd_bus_message_get_sender(call), NULL, &allowed))
                return ask_bus(a, call, handler, userdata, error);
        if (!GPOINTER_TO_INT(allowed))
                return refuse(call, error);
        return handler(call, userdata, error);
}
