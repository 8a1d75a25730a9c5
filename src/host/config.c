/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <glib.h>
#include <limits.h>
#include <string.h>

#include "conf-files.h"
#include "config-secrets.h"
#include "config-setting.h"
#include "file-util.h"
#include "host-address.h"
#include "ini-file.h"
#include "listen-address.h"
#include "log.h"
#include "strv.h"
#include "time-util.h"

#define MAIN_FILE "agenthost.conf"
#define DROP_IN_SUFFIX ".conf"

/* What agenthostd.service loads. */
#define PASSWORD_CREDENTIAL "redis-password"
#define PEER_CERT_CREDENTIAL "peer-cert"
#define PEER_KEY_CREDENTIAL "peer-key"
#define PEER_CA_CREDENTIAL "peer-ca"

/* Where metrics are with METRICS_PORT alone; the port is replaced. */
#define METRICS_LOOPBACK "127.0.0.1:1"

typedef struct ConfigFile {
        Config *config;
        const char *path;
} ConfigFile;

static int on_setting(const char *section, const char *key, const char *value, unsigned line, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        ConfigFile *file = userdata;

        if (config_set(file->config, section, key, value, &fault) < 0)
                log_warning("%s:%u: %s, ignored", file->path, line, fault_text(&fault));
        else if (strcmp(section, "Registry") == 0 && strcmp(key, "RedisUrl") == 0)
                config_warn_of_url(file->path, line, value);
        return 0;
}

static int read_file(Config *c, const char *path)
{
        ConfigFile file = { .config = c, .path = path };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r;

        r = ini_read(path, on_setting, &file, &fault);
        if (error_is_shortage(r))
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
        if (error_is_shortage(r))
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

/* An entry must not expire between two beats. */
static void fit_heartbeat(RegistrySettings *registry)
{
        char ttl[FORMAT_USEC_MAX], heartbeat[FORMAT_USEC_MAX], fitting[FORMAT_USEC_MAX];

        if (registry->heartbeat_usec < registry->ttl_usec)
                return;
        log_warning("[Registry] HeartbeatSec= (%s) is not shorter than TtlSec= (%s); %s is taken instead",
                format_usec(heartbeat, sizeof(heartbeat), registry->heartbeat_usec),
                format_usec(ttl, sizeof(ttl), registry->ttl_usec),
                format_usec(fitting, sizeof(fitting), registry->ttl_usec / 3));
        registry->heartbeat_usec = registry->ttl_usec / 3;
}

/* Where systemd has put it, if there is one and the settings name no other file. */
static void find_credential(const char *name, char **file)
{
        const char *dir = getenv("CREDENTIALS_DIRECTORY");
        g_autofree char *path = NULL;

        if (*file || !dir || *dir != '/')
                return;
        path = g_build_filename(dir, name, NULL);
        if (access(path, F_OK) == 0)
                *file = g_steal_pointer(&path);
}

static void find_credentials(Config *c)
{
        find_credential(PASSWORD_CREDENTIAL, &c->registry.password_file);
        find_credential(PEER_CERT_CREDENTIAL, &c->peers.cert_file);
        find_credential(PEER_KEY_CREDENTIAL, &c->peers.key_file);
        find_credential(PEER_CA_CREDENTIAL, &c->peers.ca_file);
}

/* The original's variable is a port alone. */
static void apply_port(MetricsSettings *metrics)
{
        _cleanup_listen_address_ ListenAddress address = { 0 };

        if (metrics->port == 0)
                return;
        if (listen_address_parse(metrics->listen_address ? metrics->listen_address : METRICS_LOOPBACK,
                    &address, NULL) < 0)
                g_error("Out of memory");
        address.port = metrics->port;
        g_free(metrics->listen_address);
        metrics->listen_address = listen_address_format(&address);
        if (!metrics->listen_address)
                g_error("Out of memory");
}

/* What is told there has no password, nor TLS. */
static void hold_to_loopback(MetricsSettings *metrics)
{
        _cleanup_listen_address_ ListenAddress address = { 0 };

        if (!metrics->listen_address || metrics->allow_remote)
                return;
        if (listen_address_parse(metrics->listen_address, &address, NULL) < 0)
                g_error("Out of memory");
        if (address.is_loopback)
                return;
        log_warning("[Metrics] ListenAddress=%s can be reached from other machines, by everybody: it is not "
                    "used without AllowRemote=yes; with certificates in [Peers], the metrics are also at "
                    "their port",
                metrics->listen_address);
        g_clear_pointer(&metrics->listen_address, g_free);
}

static void complete(Config *c)
{
        char name[HOST_NAME_MAX + 1];

        fit_heartbeat(&c->registry);
        find_credentials(c);
        config_warn_of_files(c);
        apply_port(&c->metrics);
        hold_to_loopback(&c->metrics);
        if (!c->hostname) {
                bool usable = gethostname(name, sizeof(name)) == 0 && hostname_is_valid(name);

                c->hostname = g_strdup(usable ? name : "localhost");
        }

        if (!c->address)
                c->address = g_strdup_printf("%s:%u", c->hostname, c->peers.port);

        c->discovery.self = g_strdup(c->address);
        c->discovery.port = c->peers.port;
}

Config *config_free(Config *c)
{
        if (!c)
                return NULL;

        g_free(c->hostname);
        g_free(c->address);
        g_free(c->default_runtime);
        registry_settings_done(&c->registry);
        discovery_settings_done(&c->discovery);
        peer_settings_done(&c->peers);
        g_free(c->metrics.listen_address);
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

        config_set_variables(c);
        complete(c);
        return 0;
}

int config_load(const char *const *dirs, Config **ret)
{
        Config *c = g_new0(Config, 1);
        int r;

        config_set_defaults(c);
        r = read_all(c, dirs);
        if (r < 0) {
                config_free(c);
                return r;
        }

        *ret = c;
        return 0;
}
