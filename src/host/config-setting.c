/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config-setting.h"

#include <arpa/inet.h>
#include <glib.h>
#include <limits.h>
#include <string.h>

#include "host-address.h"
#include "listen-address.h"
#include "log.h"
#include "parse.h"
#include "select.h"
#include "time-util.h"

#define PORT_MAX 65535u

/* Reading two files for each agent at each scrape holds up the loop for some milliseconds with so many. */
#define AGENTS_WITH_USAGE_MAX 500u

/* Servers count in whole seconds; nobody waits for more than a day. */
#define HEARTBEAT_MIN_USEC (100 * USEC_PER_MSEC)
#define TTL_MAX_USEC (24 * 3600 * USEC_PER_SEC)

typedef struct Setting Setting;

struct Setting {
        const char *section;
        const char *key;
        const char *variable; /* NULL: none */

        /* Takes the text, which is "" for the default. What it refuses it need not explain. */
        int (*set)(const Setting *setting, void *field, const char *value, Fault *fault);
        size_t offset;

        uint64_t min, max, preset; /* numbers and spans */
        const char *words[2]; /* choices; the first is the default */
};

static int set_text(const Setting *setting, void *field, const char *value, Fault *fault)
{
        char **text = field;

        (void)setting;
        (void)fault;

        g_free(*text);
        *text = *value ? g_strdup(value) : NULL;
        return 0;
}

static int set_hostname(const Setting *setting, void *field, const char *value, Fault *fault)
{
        if (*value && !hostname_is_valid(value))
                return -EINVAL;
        return set_text(setting, field, value, fault);
}

static int set_address(const Setting *setting, void *field, const char *value, Fault *fault)
{
        if (*value && host_address_check(value, fault) < 0)
                return -EINVAL;
        return set_text(setting, field, value, fault);
}

static int set_path(const Setting *setting, void *field, const char *value, Fault *fault)
{
        if (*value && *value != '/')
                return fault_set(fault, FAULT_INVALID_ARGS, "'%s' is not an absolute path", value);
        return set_text(setting, field, value, fault);
}

static int set_uint(const Setting *setting, void *field, const char *value, Fault *fault)
{
        unsigned *number = field;

        (void)fault;

        if (*value)
                return parse_uint(value, (unsigned)setting->min, (unsigned)setting->max, number);

        *number = (unsigned)setting->preset;
        return 0;
}

static int set_boolean(const Setting *setting, void *field, const char *value, Fault *fault)
{
        (void)fault;

        if (*value)
                return parse_boolean(value, field);

        *(bool *)field = setting->preset != 0;
        return 0;
}

static int set_span(const Setting *setting, void *field, const char *value, Fault *fault)
{
        char shortest[FORMAT_USEC_MAX], longest[FORMAT_USEC_MAX];
        uint64_t usec = setting->preset;
        int r;

        if (*value) {
                r = parse_sec(value, &usec);
                if (r < 0)
                        return r;
        }
        if (usec < setting->min || usec > setting->max)
                return fault_set(fault, FAULT_INVALID_ARGS, "'%s' is not between %s and %s", value,
                        format_usec(shortest, sizeof(shortest), setting->min),
                        format_usec(longest, sizeof(longest), setting->max));

        *(uint64_t *)field = usec;
        return 0;
}

static int set_whole_seconds(const Setting *setting, void *field, const char *value, Fault *fault)
{
        uint64_t usec = 0;
        int r;

        r = set_span(setting, &usec, value, fault);
        if (r < 0)
                return r;
        if (usec % USEC_PER_SEC != 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "'%s' is not in whole seconds", value);

        *(uint64_t *)field = usec;
        return 0;
}

static int set_choice(const Setting *setting, void *field, const char *value, Fault *fault)
{
        const char *word = *value ? value : setting->words[0];

        for (unsigned i = 0; i < ELEMENTSOF(setting->words); i++)
                if (strcmp(setting->words[i], word) == 0) {
                        *(unsigned *)field = i;
                        return 0;
                }

        return fault_set(fault, FAULT_INVALID_ARGS, "'%s' is neither '%s' nor '%s'", value,
                setting->words[0], setting->words[1]);
}

static int set_source(const Setting *setting, void *field, const char *value, Fault *fault)
{
        DiscoverySource source = *value ? discovery_source_from_name(value) : DISCOVERY_NONE;
        g_autoptr(GString) known = g_string_new(NULL);

        (void)setting;

        if (source < _DISCOVERY_SOURCE_MAX) {
                *(DiscoverySource *)field = source;
                return 0;
        }
        for (source = 0; source < _DISCOVERY_SOURCE_MAX; source++)
                g_string_append_printf(known, "%s%s", source > 0 ? ", " : "", discovery_source_name(source));
        return fault_set(fault, FAULT_INVALID_ARGS, "'%s' is none of: %s", value, known->str);
}

/* With white space between them. */
static int set_words(const Setting *setting, void *field, const char *value, Fault *fault)
{
        g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
        g_auto(GStrv) parts = g_strsplit_set(value, " \t", -1);
        char ***list = field;

        (void)setting;
        (void)fault;

        for (char **part = parts; *part; part++)
                if (**part)
                        g_ptr_array_add(words, g_strdup(*part));

        g_ptr_array_add(words, NULL);
        g_strfreev(*list);
        *list = (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
        return 0;
}

static int set_peers(const Setting *setting, void *field, const char *value, Fault *fault)
{
        g_auto(GStrv) peers = NULL;
        char ***list = field;

        (void)set_words(setting, &peers, value, fault);
        for (char **peer = peers; *peer; peer++)
                if (host_address_check(*peer, fault) < 0)
                        return -EINVAL;

        g_strfreev(*list);
        *list = g_steal_pointer(&peers);
        return 0;
}

/* An IPv6 address may be in brackets. */
static int set_ip_address(const Setting *setting, void *field, const char *value, Fault *fault)
{
        size_t length = strlen(value);
        bool in_brackets = length > 2 && value[0] == '[' && value[length - 1] == ']';
        g_autofree char *plain = in_brackets ? g_strndup(value + 1, length - 2) : g_strdup(value);
        struct in6_addr address;

        if (*value && inet_pton(AF_INET6, plain, &address) != 1 &&
                (in_brackets || inet_pton(AF_INET, plain, &address) != 1))
                return fault_set(fault, FAULT_INVALID_ARGS, "'%s' is no IP address", value);
        return set_text(setting, field, plain, fault);
}

/* In full, as a port alone is not what one can go to. */
static int set_listen_address(const Setting *setting, void *field, const char *value, Fault *fault)
{
        _cleanup_listen_address_ ListenAddress address = { 0 };
        _cleanup_free_ char *text = NULL;
        int r;

        if (!*value)
                return set_text(setting, field, value, fault);
        r = listen_address_parse(value, &address, fault);
        if (r < 0)
                return r;
        text = listen_address_format(&address);
        return text ? set_text(setting, field, text, fault) : -ENOMEM;
}

static int set_strategy(const Setting *setting, void *field, const char *value, Fault *fault)
{
        (void)setting;

        return select_strategy_parse(
                *value ? value : placement_strategy_name(PLACEMENT_ROUND_ROBIN), field, fault);
}

static int set_log_level(const Setting *setting, void *field, const char *value, Fault *fault)
{
        (void)setting;
        (void)fault;

        if (*value)
                return log_level_parse(value, field);

        *(int *)field = LOG_INFO;
        return 0;
}

#define AT(member) .offset = offsetof(Config, member)

static const Setting settings[] = {
        { .section = "Host", .key = "Hostname", .variable = "HOSTNAME", .set = set_hostname, AT(hostname) },
        { .section = "Host", .key = "Address", .set = set_address, AT(address) },
        { .section = "Peers",
                .key = "Port",
                .variable = "GRPC_PORT",
                .set = set_uint,
                .min = 1,
                .max = PORT_MAX,
                .preset = 50051,
                AT(peers.port) },
        { .section = "Host",
                .key = "MaxAgents",
                .variable = "MAX_PROCESSES",
                .set = set_uint,
                .min = 1,
                .max = INT_MAX,
                .preset = 100,
                AT(max_agents) },
        { .section = "Host", .key = "DefaultRuntime", .set = set_text, AT(default_runtime) },
        { .section = "Host",
                .key = "RetainSec",
                .set = set_span,
                .max = USEC_INFINITY,
                .preset = 60 * USEC_PER_SEC,
                AT(retain_usec) },
        { .section = "Host",
                .key = "RetainFailedSec",
                .set = set_span,
                .max = USEC_INFINITY,
                .preset = 3600 * USEC_PER_SEC,
                AT(retain_failed_usec) },
        { .section = "Host",
                .key = "UnknownClientType",
                .set = set_choice,
                .words = { [UNKNOWN_CLIENT_TYPE_FALLBACK] = "fallback",
                        [UNKNOWN_CLIENT_TYPE_REJECT] = "reject" },
                AT(unknown_client_type) },
        { .section = "Host", .key = "LogAllEvents", .set = set_boolean, AT(log_all_events) },
        { .section = "Registry",
                .key = "RedisUrl",
                .variable = "REDIS_URL",
                .set = set_text,
                AT(registry.url) },
        { .variable = "REDIS_PASSWORD", .set = set_text, AT(registry.password) },
        { .section = "Registry", .key = "RedisPasswordFile", .set = set_path, AT(registry.password_file) },
        { .section = "Registry", .key = "RedisCaFile", .set = set_path, AT(registry.ca_file) },
        { .section = "Registry", .key = "RedisCertFile", .set = set_path, AT(registry.cert_file) },
        { .section = "Registry", .key = "RedisKeyFile", .set = set_path, AT(registry.key_file) },
        { .section = "Registry",
                .key = "HeartbeatSec",
                .variable = "HEARTBEAT_INTERVAL",
                .set = set_span,
                .min = HEARTBEAT_MIN_USEC,
                .max = TTL_MAX_USEC,
                .preset = REGISTRY_HEARTBEAT_DEFAULT_USEC,
                AT(registry.heartbeat_usec) },
        { .section = "Registry",
                .key = "TtlSec",
                .set = set_whole_seconds,
                .min = USEC_PER_SEC,
                .max = TTL_MAX_USEC,
                .preset = REGISTRY_TTL_DEFAULT_USEC,
                AT(registry.ttl_usec) },
        { .section = "Registry",
                .key = "OnConflict",
                .set = set_choice,
                .words = { [ON_CONFLICT_STOP] = "stop", [ON_CONFLICT_KEEP] = "keep" },
                AT(on_conflict) },
        { .section = "Discovery", .key = "Source", .set = set_source, AT(discovery.source) },
        { .section = "Discovery", .key = "Peers", .set = set_peers, AT(discovery.peers) },
        { .section = "Discovery", .key = "Namespace", .set = set_hostname, AT(discovery.namespace) },
        { .section = "Discovery",
                .key = "Service",
                .variable = "AGENT_HOST_SERVICE_NAME",
                .set = set_hostname,
                AT(discovery.service) },
        { .section = "Discovery", .key = "NodeSelector", .set = set_text, AT(discovery.node_selector) },
        { .section = "Discovery", .key = "KubeConfig", .set = set_path, AT(discovery.kube_config) },
        { .section = "Discovery", .key = "Server", .set = set_text, AT(discovery.server) },
        { .section = "Discovery", .key = "TokenFile", .set = set_path, AT(discovery.token_file) },
        { .section = "Discovery", .key = "CaFile", .set = set_path, AT(discovery.ca_file) },
        { .section = "Placement", .key = "Strategy", .set = set_strategy, AT(strategy) },
        { .section = "Peers", .key = "ListenAddress", .set = set_ip_address, AT(peers.listen_address) },
        { .section = "Peers", .key = "CertFile", .set = set_path, AT(peers.cert_file) },
        { .section = "Peers", .key = "KeyFile", .set = set_path, AT(peers.key_file) },
        { .section = "Peers", .key = "CaFile", .set = set_path, AT(peers.ca_file) },
        { .section = "Peers", .key = "PeerNames", .set = set_words, AT(peers.names) },
        { .section = "Peers",
                .key = "MinimumTls",
                .set = set_choice,
                .words = { [PEER_TLS_1_3] = "1.3", [PEER_TLS_1_2] = "1.2" },
                AT(peers.minimum_tls) },
        { .section = "Metrics",
                .key = "ListenAddress",
                .set = set_listen_address,
                AT(metrics.listen_address) },
        { .variable = "METRICS_PORT", .set = set_uint, .max = PORT_MAX, AT(metrics.port) },
        { .section = "Metrics", .key = "AllowRemote", .set = set_boolean, AT(metrics.allow_remote) },
        { .section = "Metrics",
                .key = "PerAgentMax",
                .set = set_uint,
                .max = AGENTS_WITH_USAGE_MAX,
                AT(metrics.n_agents_max) },
        { .variable = "LOG_LEVEL", .set = set_log_level, AT(log_level) },
};

static const Setting *find_setting(const char *section, const char *key)
{
        for (size_t i = 0; i < ELEMENTSOF(settings); i++)
                if (settings[i].section && strcmp(settings[i].section, section) == 0 &&
                        strcmp(settings[i].key, key) == 0)
                        return &settings[i];
        return NULL;
}

/* Of all that may hold a password, nothing is refused without a fault of its own. */
static int set_value(Config *c, const Setting *setting, const char *value, Fault *fault)
{
        int r = setting->set(setting, (char *)c + setting->offset, value, fault);

        if (r < 0)
                fault_set(fault, FAULT_INVALID_ARGS, "'%s' is not a value for this", value);
        return r;
}

int config_set(Config *c, const char *section, const char *key, const char *value, Fault *fault)
{
        const Setting *setting = find_setting(section, key);
        int r;

        if (setting) {
                _cleanup_fault_ Fault why = FAULT_INIT;

                r = set_value(c, setting, value, &why);
                if (r < 0)
                        fault_set(fault, FAULT_INVALID_ARGS, "[%s] %s=: %s", section, key, fault_text(&why));
                return r;
        }

        return fault_set(fault, FAULT_INVALID_ARGS, "[%s] has no setting %s=", section, key);
}

void config_set_defaults(Config *c)
{
        for (size_t i = 0; i < ELEMENTSOF(settings); i++)
                (void)set_value(c, &settings[i], "", NULL);
}

void config_set_variables(Config *c)
{
        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                const char *name = settings[i].variable, *value = name ? getenv(name) : NULL;
                _cleanup_fault_ Fault fault = FAULT_INIT;

                if (value && *value && set_value(c, &settings[i], value, &fault) < 0)
                        log_warning("Environment variable %s: %s, ignored", name, fault_text(&fault));
        }
}
