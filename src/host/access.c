/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "access.h"

#include <glib.h>
#include <grp.h>
#include <string.h>

#include "access-credentials.h"
#include "answer.h"
#include "log.h"
#include "macros.h"
#include "polkit.h"
#include "proto/names.h"

#define ASK_LIMIT_USEC (10 * USEC_PER_SEC)
#define CACHE_MAX 512u

/* So many calls may wait for polkit, of one caller and of all: each keeps its message, and dbus-daemon lets
 * us wait for 128 answers. */
#define POLKIT_MAX_OF_ONE 32u
#define POLKIT_MAX 96u

#define HOW_TO                                            \
        "add yourself with 'usermod -aG " AGENTHOST_GROUP \
        " USER' and log in again, or let a rule of polkit allow you " ACCESS_ACTION

struct Access {
        sd_bus *bus; /* borrowed */
        AccessDescribe describe;
        void *userdata;
        AccessInsiders insiders;
        GHashTable *known; /* unique name -> may act without polkit's leave */
        struct Question *questions, **end; /* in the order of their calls */
};

/* One call whose sender is being looked up, or asked polkit about. */
typedef struct Question {
        Access *access;
        struct Question *next, **at;
        sd_bus_message *call;
        sd_bus_message_handler_t handler;
        void *userdata;
        bool asks_bus; /* waits for the sender's credentials */
        sd_bus_slot *slot; /* GetConnectionCredentials, of the sender's first such question */
        sd_bus_slot *gone; /* the sender leaves the bus */
        PolkitQuestion *polkit;
} Question;

static Question *question_free(Question *q)
{
        *q->at = q->next;
        if (q->next)
                q->next->at = q->at;
        else
                q->access->end = q->at;
        polkit_question_free(q->polkit);
        sd_bus_slot_unref(q->gone);
        sd_bus_slot_unref(q->slot);
        sd_bus_message_unref(q->call);
        g_free(q);
        return NULL;
}

static Question *question_new(
        Access *a, sd_bus_message *call, sd_bus_message_handler_t handler, void *userdata)
{
        Question *q = g_new0(Question, 1);

        *q = (Question){
                .access = a,
                .at = a->end,
                .call = sd_bus_message_ref(call),
                .handler = handler,
                .userdata = userdata,
        };
        *a->end = q;
        a->end = &q->next;
        return q;
}

Access *access_new(sd_bus *bus, AccessDescribe describe, void *userdata)
{
        Access *a = g_new0(Access, 1);
        struct group *group = getgrnam(AGENTHOST_GROUP);

        *a = (Access){
                .bus = bus,
                .describe = describe,
                .userdata = userdata,
                .insiders = {
                        .own_uid = geteuid(),
                        .group = group ? group->gr_gid : 0,
                        .have_group = group != NULL,
                },
                .end = &a->questions,
                .known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        };
        if (!group)
                log_warning("There is no group " AGENTHOST_GROUP
                            ": only root, and who polkit lets, may create and stop agents");
        return a;
}

Access *access_free(Access *a)
{
        if (!a)
                return NULL;

        access_set_bus(a, NULL);
        g_hash_table_unref(a->known);
        g_free(a);
        return NULL;
}

void access_set_bus(Access *a, sd_bus *bus)
{
        if (!a)
                return;

        while (a->questions)
                question_free(a->questions);
        g_hash_table_remove_all(a->known);
        a->bus = bus;
}

/* Ends the question with what its handler makes of it (r: 0), or with this error. */
static void question_finish(Question *q, int r, sd_bus_error *error)
{
        if (r >= 0)
                r = q->handler(q->call, q->userdata, error);
        if (r < 0)
                (void)bus_check_sent(
                        sd_bus_message_get_bus(q->call), sd_bus_reply_method_errno(q->call, r, error));
        question_free(q);
}

static int refuse(sd_bus_message *call, PolkitAnswer answer, const char *text, sd_bus_error *error)
{
        const char *member = sd_bus_message_get_member(call);

        if (answer == POLKIT_UNAVAILABLE)
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
                        "%s is for root and members of group " AGENTHOST_GROUP "; " HOW_TO
                        " (polkit does not help now: %s)",
                        member, text ? text : "it has not answered");
        if (answer == POLKIT_CHALLENGE && sd_bus_message_get_allow_interactive_authorization(call) <= 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                        "%s is for root and members of group " AGENTHOST_GROUP
                        ", and for those who authenticate: call with interactive authorization allowed, or " HOW_TO,
                        member);
        if (answer == POLKIT_CHALLENGE)
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
                        "%s is for root and members of group " AGENTHOST_GROUP
                        "; nobody could be asked for a password, as no polkit agent runs in your session: start "
                        "one (pkttyagent), or " HOW_TO,
                        member);
        return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
                "%s is for root and members of group " AGENTHOST_GROUP "; " HOW_TO, member);
}

static void on_polkit(PolkitAnswer answer, const char *text, void *userdata)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Question *q = userdata;

        question_finish(q, answer == POLKIT_ALLOWED ? 0 : refuse(q->call, answer, text, &error), &error);
}

static int on_gone(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        const char *owner;

        (void)ret_error;

        /* Unique names have one owner, and then none. */
        if (sd_bus_message_read(m, "sss", NULL, NULL, &owner) >= 0 && !*owner)
                question_free(userdata);
        return 0;
}

/* Without the match, its time limit ends the question. */
static int on_gone_installed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        (void)m;
        (void)userdata;
        (void)ret_error;

        return 0;
}

static int watch_sender(Question *q)
{
        g_autofree char *match = g_strdup_printf(
                "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                "member='NameOwnerChanged',arg0='%s'",
                sd_bus_message_get_sender(q->call));

        return sd_bus_add_match_async(q->access->bus, &q->gone, match, on_gone, on_gone_installed, q);
}

static bool polkit_is_busy(const Access *a, const char *sender)
{
        unsigned n = 0, n_of_one = 0;

        for (const Question *q = a->questions; q; q = q->next) {
                if (!q->polkit)
                        continue;
                n++;
                if (strcmp(sd_bus_message_get_sender(q->call), sender) == 0)
                        n_of_one++;
        }
        return n >= POLKIT_MAX || n_of_one >= POLKIT_MAX_OF_ONE;
}

static int send_to_polkit(Question *q)
{
        AccessDetails details = { 0 };
        char *pairs[7] = { NULL };
        size_t n = 0;
        int r;

        if (q->access->describe)
                q->access->describe(q->call, &details, q->access->userdata);
        if (details.verb) {
                pairs[n++] = (char *)"verb";
                pairs[n++] = details.verb;
        }
        if (details.agent) {
                pairs[n++] = (char *)"agent";
                pairs[n++] = details.agent;
        }
        if (details.guild) {
                pairs[n++] = (char *)"guild";
                pairs[n++] = details.guild;
        }

        r = polkit_ask(q->access->bus, q->call, ACCESS_ACTION, pairs, on_polkit, q, &q->polkit);
        g_free(details.verb);
        g_free(details.agent);
        g_free(details.guild);
        return r;
}

/* The question goes on; or it is to be ended with the error. */
static int ask_polkit(Question *q, sd_bus_error *error)
{
        int r;

        if (polkit_is_busy(q->access, sd_bus_message_get_sender(q->call)))
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
                        "Too many calls are waiting for polkit to allow them; call again when they are answered");

        r = watch_sender(q);
        if (r >= 0)
                r = send_to_polkit(q);
        return r < 0 ? refuse(q->call, POLKIT_UNAVAILABLE, strerror(-r), error) : 0;
}

static void remember(Access *a, const char *sender, bool allowed)
{
        if (g_hash_table_size(a->known) >= CACHE_MAX)
                g_hash_table_remove_all(a->known);
        g_hash_table_insert(a->known, g_strdup(sender), GINT_TO_POINTER(allowed));
}

/* It is known whether the sender may act by himself; a question that goes on waits for polkit. */
static void decide(Question *q, bool allowed)
{
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        q->asks_bus = false;
        r = allowed ? 0 : ask_polkit(q, &error);
        if (allowed || r < 0)
                question_finish(q, r, &error);
}

/* The first of those of this sender that wait for the bus to say who that is. */
static Question *find_asking(const Access *a, const char *sender)
{
        for (Question *q = a->questions; q; q = q->next)
                if (q->asks_bus && strcmp(sd_bus_message_get_sender(q->call), sender) == 0)
                        return q;
        return NULL;
}

/* All of the sender's are decided, in their order: what comes from now on is not to overtake them. */
static int on_credentials(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        Question *q = userdata;
        Access *a = q->access;
        g_autofree char *sender = g_strdup(sd_bus_message_get_sender(q->call));
        bool allowed = false;

        (void)ret_error;

        if (!sd_bus_message_is_method_error(m, NULL) &&
                access_read_credentials(m, &a->insiders, &allowed) >= 0)
                remember(a, sender, allowed);
        while ((q = find_asking(a, sender)))
                decide(q, allowed);
        return 0;
}

static int ask_bus(Question *q, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        sd_bus *bus = q->access->bus;
        bool is_asked = find_asking(q->access, sd_bus_message_get_sender(q->call));
        int r;

        q->asks_bus = true;
        if (is_asked)
                return 0;
        r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus", "GetConnectionCredentials");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", sd_bus_message_get_sender(q->call));
        if (r >= 0)
                r = sd_bus_call_async(bus, &q->slot, m, on_credentials, q, ASK_LIMIT_USEC);
        if (r < 0)
                return sd_bus_error_set_errnof(
                        error, r, "Cannot ask the bus who is calling: %s", strerror(-r));
        return 0;
}

int access_require(Access *a,
        sd_bus_message *call,
        sd_bus_message_handler_t handler,
        void *userdata,
        sd_bus_error *error)
{
        _cleanup_(sd_bus_error_free) sd_bus_error refusal = SD_BUS_ERROR_NULL;
        gpointer allowed = NULL;
        bool known;
        Question *q;
        int r;

        if (!a)
                return handler(call, userdata, error);

        known = g_hash_table_lookup_extended(a->known, sd_bus_message_get_sender(call), NULL, &allowed);
        if (known && GPOINTER_TO_INT(allowed))
                return handler(call, userdata, error);

        q = question_new(a, call, handler, userdata);
        r = known ? ask_polkit(q, &refusal) : ask_bus(q, &refusal);
        /* Not left to sd-bus, which says nothing if that cannot be sent either. */
        if (r < 0)
                question_finish(q, r, &refusal);
        return 1;
}
