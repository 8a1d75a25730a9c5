/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <string.h>

#include "select.h"
#include "strv.h"
#include "unit-properties.h"

#define OPTION_TEXT_MAX 255u

typedef struct OptionType {
        const char *key;
        const char *signature;
} OptionType;

/* Sorted as design and manual list them; the index is what "seen" counts. */
enum {
        OPTION_WAIT,
        OPTION_REQUEST_ID,
        OPTION_MACHINE_ID,
        OPTION_CLIENT_TYPE,
        OPTION_CLIENT_PROPERTIES,
        OPTION_RUNTIME,
        OPTION_RESTART,
        OPTION_TIMEOUT,
        OPTION_ENVIRONMENT,
        OPTION_UNIT_PROPERTIES,
        OPTION_TAKEOVER,
        OPTION_RESCHEDULE,
        OPTION_STRATEGY,
        OPTION_HOST,
        _OPTION_MAX,
};

static const OptionType option_types[_OPTION_MAX] = {
        [OPTION_WAIT] = { "wait", "s" },
        [OPTION_REQUEST_ID] = { "request_id", "s" },
        [OPTION_MACHINE_ID] = { "machine_id", "i" },
        [OPTION_CLIENT_TYPE] = { "client_type", "s" },
        [OPTION_CLIENT_PROPERTIES] = { "client_properties", "s" },
        [OPTION_RUNTIME] = { "runtime", "s" },
        [OPTION_RESTART] = { "restart", "s" },
        [OPTION_TIMEOUT] = { "timeout", "t" },
        [OPTION_ENVIRONMENT] = { "environment", "as" },
        [OPTION_UNIT_PROPERTIES] = { "unit_properties", "a(sv)" },
        [OPTION_TAKEOVER] = { "takeover", "b" },
        [OPTION_RESCHEDULE] = { "reschedule", "b" },
        [OPTION_STRATEGY] = { "strategy", "s" },
        [OPTION_HOST] = { "host", "s" },
};

static int unknown_option(const char *key, Fault *fault)
{
        g_autoptr(GString) known = g_string_new(NULL);

        for (size_t i = 0; i < _OPTION_MAX; i++)
                g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", option_types[i].key);
        return fault_set(fault, FAULT_INVALID_ARGS, "Unknown option '%s'; there are: %s", key, known->str);
}

static int find_option(const char *key, Fault *fault)
{
        for (size_t i = 0; i < _OPTION_MAX; i++)
                if (strcmp(option_types[i].key, key) == 0)
                        return (int)i;
        return unknown_option(key, fault);
}

static int check_length(const char *key, const char *value, Fault *fault)
{
        size_t length = strlen(value);

        if (length == 0 || length > OPTION_TEXT_MAX)
                return fault_set(fault, FAULT_INVALID_ARGS, "Option '%s' must have 1 to %u bytes, not %zu",
                        key, OPTION_TEXT_MAX, length);
        return 0;
}

static int set_text(const char *key, const char *value, char **field, Fault *fault)
{
        int r = check_length(key, value, fault);

        if (r >= 0)
                *field = g_strdup(value);
        return r;
}

static int set_wait(const char *value, bool *ret, Fault *fault)
{
        if (strcmp(value, "launched") != 0 && strcmp(value, "ready") != 0)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "Option 'wait' must be 'launched' or 'ready', not '%s'", value);

        *ret = strcmp(value, "ready") == 0;
        return 0;
}

static int set_restart(const char *value, RestartPolicy *ret, Fault *fault)
{
        RestartPolicy policy = restart_policy_from_name(value);

        if (policy == _RESTART_POLICY_MAX)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "Option 'restart' must be 'no', 'on-failure' or 'always', not '%s'", value);

        *ret = policy;
        return 0;
}

static int set_strategy(const char *value, CreateOptions *o, Fault *fault)
{
        _cleanup_fault_ Fault why = FAULT_INIT;

        if (select_strategy_parse(value, &o->strategy, &why) < 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "Option 'strategy': %s", fault_text(&why));

        o->has_strategy = true;
        return 0;
}

static int set_text_option(int option, const char *text, CreateOptions *o, Fault *fault)
{
        const char *key = option_types[option].key;

        switch (option) {
        case OPTION_WAIT:
                return set_wait(text, &o->wait_ready, fault);
        case OPTION_REQUEST_ID:
                return set_text(key, text, &o->request_id, fault);
        case OPTION_CLIENT_TYPE:
                return set_text(key, text, &o->client_type, fault);
        case OPTION_RUNTIME:
                return set_text(key, text, &o->runtime, fault);
        case OPTION_RESTART:
                return set_restart(text, &o->restart, fault);
        case OPTION_STRATEGY:
                return set_strategy(text, o, fault);
        case OPTION_HOST:
                return set_text(key, text, &o->host, fault);
        default:
                o->client_properties = g_strdup(text);
                return 0;
        }
}

/* The message is inside the variant. */
static int read_value(sd_bus_message *m, int option, CreateOptions *o, Fault *fault)
{
        const char *text;
        int truth, r;

        switch (option) {
        case OPTION_MACHINE_ID:
                return sd_bus_message_read(m, "i", &o->machine_id);
        case OPTION_TIMEOUT:
                r = sd_bus_message_read(m, "t", &o->timeout_usec);
                if (r >= 0 && o->timeout_usec == 0)
                        return fault_set(fault, FAULT_INVALID_ARGS,
                                "Option 'timeout' is in microseconds and must not be 0; leave it out for the "
                                "runtime's StartTimeoutSec=");
                return r;
        case OPTION_ENVIRONMENT:
                return sd_bus_message_read_strv(m, &o->environment);
        case OPTION_UNIT_PROPERTIES:
                return unit_properties_read(m, &o->unit_properties, fault);
        case OPTION_TAKEOVER:
                r = sd_bus_message_read(m, "b", &truth);
                o->takeover = r >= 0 && truth;
                return r;
        case OPTION_RESCHEDULE:
                r = sd_bus_message_read(m, "b", &truth);
                o->reschedule = r >= 0 && truth;
                return r;
        default:
                r = sd_bus_message_read(m, "s", &text);
                return r < 0 ? r : set_text_option(option, text, o, fault);
        }
}

static int read_option(sd_bus_message *m, unsigned *seen, CreateOptions *o, Fault *fault)
{
        const char *key, *contents;
        int option, r;
        char type;

        r = sd_bus_message_read(m, "s", &key);
        if (r < 0)
                return r;
        option = find_option(key, fault);
        if (option < 0)
                return option;
        if (*seen & (1u << option))
                return fault_set(fault, FAULT_INVALID_ARGS, "Option '%s' is given twice", key);
        *seen |= 1u << option;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0)
                return r;
        if (strcmp(contents, option_types[option].signature) != 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "Option '%s' must be of type '%s', not '%s'",
                        key, option_types[option].signature, contents);

        r = sd_bus_message_enter_container(m, 'v', contents);
        if (r >= 0)
                r = read_value(m, option, o, fault);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int create_options_read(sd_bus_message *m, CreateOptions *ret, Fault *fault)
{
        _cleanup_(create_options_done) CreateOptions o = { 0 };
        unsigned seen = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_option(m, &seen, &o, fault);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "The options cannot be read: %s", strerror(-r));

        *ret = o;
        o = (CreateOptions){ 0 };
        return 0;
}

static int check_text(const char *key, const char *value, Fault *fault)
{
        return value ? check_length(key, value, fault) : 0;
}

/* What the texts of others must be like is the same whichever way they come. */
static int check_peers_texts(const PeerCreate *create, Fault *fault)
{
        int r;

        r = check_text("request_id", create->request_id, fault);
        if (r >= 0)
                r = check_text("client_type", create->client_type, fault);
        if (r >= 0)
                r = check_text("runtime", create->runtime, fault);
        return r >= 0 ? unit_properties_check(create->unit_properties, fault) : r;
}

int create_options_from_peer(const PeerCreate *create, CreateOptions *ret, Fault *fault)
{
        RestartPolicy restart = RESTART_UNSET;
        int r;

        r = check_peers_texts(create, fault);
        if (r >= 0 && create->restart)
                r = set_restart(create->restart, &restart, fault);
        if (r < 0)
                return r;

        *ret = (CreateOptions){
                .wait_ready = create->wait_ready,
                .request_id = create->request_id,
                .client_type = create->client_type,
                .client_properties = create->client_properties,
                .runtime = create->runtime,
                .environment = create->environment,
                .unit_properties = create->unit_properties,
                .machine_id = (int32_t)create->machine_id,
                .timeout_usec = create->timeout_usec,
                .restart = restart,
                .takeover = create->takeover,
                .reschedule = create->reschedule,
        };
        return 0;
}

void create_options_to_peer(CreateOptions *o, PeerCreate *create)
{
        create->wait_ready = o->wait_ready;
        create->request_id = g_steal_pointer(&o->request_id);
        create->client_type = g_steal_pointer(&o->client_type);
        create->client_properties = g_steal_pointer(&o->client_properties);
        create->runtime = g_steal_pointer(&o->runtime);
        create->restart = o->restart == RESTART_UNSET ? NULL : g_strdup(restart_policy_name(o->restart));
        create->timeout_usec = o->timeout_usec;
        create->environment = g_steal_pointer(&o->environment);
        create->unit_properties = g_steal_pointer(&o->unit_properties);
        create->machine_id = o->machine_id;
        create->takeover = o->takeover;
        create->reschedule = o->reschedule;
}

void create_options_done(CreateOptions *o)
{
        g_free(o->request_id);
        g_free(o->host);
        g_free(o->client_type);
        g_free(o->client_properties);
        g_free(o->runtime);
        strv_free(o->environment);
        g_clear_pointer(&o->unit_properties, g_variant_unref);
        *o = (CreateOptions){ 0 };
}
