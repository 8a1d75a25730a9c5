/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <arpa/inet.h>
#include <glib.h>
#include <limits.h>
#include <string.h>

#include "conf-files.h"
#include "ini-file.h"
#include "log.h"
#include "parse.h"
#include "strv.h"

#define MAIN_FILE "agenthost.conf"
#define DROP_IN_SUFFIX ".conf"

#define HOSTNAME_BYTES_MAX 253u
#define PORT_MAX 65535u

#define PORT_DEFAULT 50051u
#define MAX_AGENTS_DEFAULT 100u
#define RETAIN_DEFAULT_USEC (60 * USEC_PER_SEC)
#define RETAIN_FAILED_DEFAULT_USEC (3600 * USEC_PER_SEC)

static bool hostname_is_valid(const char *text)
{
        size_t n = strlen(text);

        for (const char *p = text; *p; p++)
                if (!g_ascii_isalnum(*p) && *p != '.' && *p != '-')
                        return false;
        return n > 0 && n <= HOSTNAME_BYTES_MAX;
}

/* "host:port" or "[IPv6 address]:port". */
static bool address_is_valid(const char *text)
{
        const char *colon = strrchr(text, ':');
        g_autofree char *host = NULL;
        struct in6_addr ignored;
        unsigned port;
        size_t n;

        if (!colon || parse_uint(colon + 1, 1, PORT_MAX, &port) < 0)
                return false;

        host = g_strndup(text, (size_t)(colon - text));
        n = strlen(host);
        if (n < 2 || host[0] != '[' || host[n - 1] != ']')
                return hostname_is_valid(host);

        host[n - 1] = '\0';
        return inet_pton(AF_INET6, host + 1, &ignored) == 1;
}

/* Each takes one setting's text; the empty text brings the default back, as everywhere in systemd. 0 or
 * -EINVAL, -ERANGE. */
typedef int (*SetValue)(Config *c, const char *value);

static int set_checked_text(char **field, const char *value, bool (*is_valid)(const char *text))
{
        if (*value && is_valid && !is_valid(value))
                return -EINVAL;

        g_free(*field);
        *field = *value ? g_strdup(value) : NULL;
        return 0;
}

static int set_uint(unsigned *field, const char *value, unsigned min, unsigned max, unsigned preset)
{
        if (*value)
                return parse_uint(value, min, max, field);

        *field = preset;
        return 0;
}

static int set_sec(uint64_t *field, const char *value, uint64_t preset)
{
        if (*value)
                return parse_sec(value, field);

        *field = preset;
        return 0;
}

static int set_hostname(Config *c, const char *value)
{
        return set_checked_text(&c->hostname, value, hostname_is_valid);
}

static int set_address(Config *c, const char *value)
{
        return set_checked_text(&c->address, value, address_is_valid);
}

static int set_port(Config *c, const char *value)
{
        return set_uint(&c->port, value, 1, PORT_MAX, PORT_DEFAULT);
}

static int set_max_agents(Config *c, const char *value)
{
        return set_uint(&c->max_agents, value, 1, INT_MAX, MAX_AGENTS_DEFAULT);
}

static int set_default_runtime(Config *c, const char *value)
{
        return set_checked_text(&c->default_runtime, value, NULL);
}

static int set_retain(Config *c, const char *value)
{
        return set_sec(&c->retain_usec, value, RETAIN_DEFAULT_USEC);
}

static int set_retain_failed(Config *c, const char *value)
{
        return set_sec(&c->retain_failed_usec, value, RETAIN_FAILED_DEFAULT_USEC);
}

static int set_unknown_client_type(Config *c, const char *value)
{
        if (!*value || strcmp(value, "fallback") == 0)
                c->unknown_client_type = UNKNOWN_CLIENT_TYPE_FALLBACK;
        else if (strcmp(value, "reject") == 0)
                c->unknown_client_type = UNKNOWN_CLIENT_TYPE_REJECT;
        else
                return -EINVAL;

        return 0;
}

static int set_log_level(Config *c, const char *value)
{
        return log_level_parse(value, &c->log_level);
}

static const struct Setting {
        const char *section;
        const char *key;
        SetValue set;
} settings[] = {
        { "Host", "Hostname", set_hostname },
        { "Host", "Address", set_address },
        { "Host", "MaxAgents", set_max_agents },
        { "Host", "DefaultRuntime", set_default_runtime },
        { "Host", "RetainSec", set_retain },
        { "Host", "RetainFailedSec", set_retain_failed },
        { "Host", "UnknownClientType", set_unknown_client_type },
        { "Peers", "Port", set_port },
};

static const struct Variable {
        const char *name;
        SetValue set;
} variables[] = {
        { "HOSTNAME", set_hostname },
        { "GRPC_PORT", set_port },
        { "MAX_PROCESSES", set_max_agents },
        { "LOG_LEVEL", set_log_level },
};

/* What the design names and this build does without. No key: the whole section. */
static const struct Unsupported {
        const char *section;
        const char *key;
} unsupported[] = {
        { "Registry", NULL },
        { "Discovery", NULL },
        { "Placement", NULL },
        { "Metrics", NULL },
        { "Peers", "ListenAddress" },
        { "Peers", "CertFile" },
        { "Peers", "KeyFile" },
        { "Peers", "CaFile" },
        { "Peers", "PeerNames" },
};

static const struct Setting *find_setting(const char *section, const char *key)
{
        for (size_t i = 0; i < ELEMENTSOF(settings); i++)
                if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].key, key) == 0)
                        return &settings[i];
        return NULL;
}

static bool is_unsupported(const char *section, const char *key)
{
        for (size_t i = 0; i < ELEMENTSOF(unsupported); i++)
                if (strcmp(unsupported[i].section, section) == 0 &&
                        (!unsupported[i].key || strcmp(unsupported[i].key, key) == 0))
                        return true;
        return false;
}

typedef struct ConfigFile {
        Config *config;
        const char *path;
} ConfigFile;

static int on_setting(const char *section, const char *key, const char *value, unsigned line, void *userdata)
{
        const struct Setting *setting = find_setting(section, key);
        ConfigFile *file = userdata;

        if (setting) {
                if (setting->set(file->config, value) < 0)
                        log_warning("%s:%u: [%s] %s=: '%s' is not a value for this, ignored", file->path,
                                line, section, key, value);
        } else if (is_unsupported(section, key))
                log_warning("%s:%u: [%s] %s= is not supported by this build, ignored", file->path, line,
                        section, key);
        else
                log_warning("%s:%u: [%s] has no setting %s=, ignored", file->path, line, section, key);

        return 0;
}

static int read_file(Config *c, const char *path)
{
        ConfigFile file = { .config = c, .path = path };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        r = ini_read(path, on_setting, &file, &fault);
        if (r == -ENOMEM)
                return r;
        if (r == -EBADMSG)
                log_warning("%s; the rest of the file is ignored", fault_text(&fault));
        else if (r < 0)
                log_warning("%s: %s, ignored", path, strerror(-r));

        return 0;
}

static int read_main_file(Config *c, const char *const *dirs)
{
        for (; *dirs; dirs++) {
                g_autofree char *path = g_build_filename(*dirs, MAIN_FILE, NULL);

                if (access(path, F_OK) == 0)
                        return read_file(c, path);
        }

        return 0;
}

static int read_drop_ins(Config *c, const char *const *dirs)
{
        g_autoptr(GPtrArray) drop_in_dirs = g_ptr_array_new_with_free_func(g_free);
        _cleanup_strv_free_ char **paths = NULL;
        int r;

        for (; *dirs; dirs++)
                g_ptr_array_add(drop_in_dirs, g_build_filename(*dirs, MAIN_FILE ".d", NULL));
        g_ptr_array_add(drop_in_dirs, NULL);

        r = conf_files_list((const char *const *)drop_in_dirs->pdata, DROP_IN_SUFFIX, &paths);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                log_warning("Cannot list " MAIN_FILE ".d: %s, ignored", strerror(-r));
                return 0;
        }

        for (char **path = paths; path && *path; path++) {
                r = read_file(c, *path);
                if (r < 0)
                        return r;
        }

        return 0;
}

static void read_environment(Config *c)
{
        for (size_t i = 0; i < ELEMENTSOF(variables); i++) {
                const char *value = getenv(variables[i].name);

                if (value && *value && variables[i].set(c, value) < 0)
                        log_warning("Environment variable %s: '%s' is not a value for this, ignored",
                                variables[i].name, value);
        }
}

static void complete(Config *c)
{
        char name[HOST_NAME_MAX + 1];

        if (!c->hostname) {
                bool usable = gethostname(name, sizeof(name)) == 0 && hostname_is_valid(name);

                c->hostname = g_strdup(usable ? name : "localhost");
        }

        if (!c->address)
                c->address = g_strdup_printf("%s:%u", c->hostname, c->port);
}

Config *config_free(Config *c)
{
        if (!c)
                return NULL;

        g_free(c->hostname);
        g_free(c->address);
        g_free(c->default_runtime);
        g_free(c);
        return NULL;
}

void config_freep(Config **c)
{
        config_free(*c);
}

static int read_all(Config *c, const char *const *dirs)
{
        int r;

        r = read_main_file(c, dirs);
        if (r < 0)
                return r;

        r = read_drop_ins(c, dirs);
        if (r < 0)
                return r;

        read_environment(c);
        complete(c);
        return 0;
}

int config_load(const char *const *dirs, Config **ret)
{
        Config *c = g_new0(Config, 1);
        int r;

        *c = (Config){
                .port = PORT_DEFAULT,
                .max_agents = MAX_AGENTS_DEFAULT,
                .retain_usec = RETAIN_DEFAULT_USEC,
                .retain_failed_usec = RETAIN_FAILED_DEFAULT_USEC,
                .unknown_client_type = UNKNOWN_CLIENT_TYPE_FALLBACK,
                .log_level = LOG_INFO,
        };

        r = read_all(c, dirs);
        if (r < 0) {
                config_free(c);
                return r;
        }

        *ret = c;
        return 0;
}
