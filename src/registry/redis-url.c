/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "redis-url.h"

#include <arpa/inet.h>
#include <glib.h>
#include <limits.h>
#include <string.h>
#include <sys/un.h>

#include "parse.h"

#define PORT_DEFAULT 6379u
#define PORT_MAX 65535u
#define DB_MAX INT_MAX
#define HOST_BYTES_MAX 253u
#define SECRET_BYTES_MAX 1024u

#define FORMS "redis://user@host:port/db, rediss:// with TLS, or unix:///path?db=n"

void redis_secret_free(char *secret)
{
        if (secret)
                explicit_bzero(secret, strlen(secret));
        g_free(secret);
}

static void secret_freep(char **secret)
{
        redis_secret_free(*secret);
}
#define _cleanup_secret_ _cleanup_(secret_freep)

RedisUrl *redis_url_free(RedisUrl *url)
{
        if (!url)
                return NULL;

        g_free(url->host);
        g_free(url->path);
        g_free(url->user);
        redis_secret_free(url->password);
        g_free(url->shown);
        g_free(url);
        return NULL;
}

static int wrong(Fault *fault, const char *what)
{
        return fault_set(fault, FAULT_INVALID_ARGS, "The Redis URL %s; write it as " FORMS, what);
}

static int take_scheme(RedisUrl *url, const char **text, Fault *fault)
{
        static const struct {
                const char *prefix;
                RedisTransport transport;
        } known[] = {
                { "redis://", REDIS_TRANSPORT_TCP },
                { "rediss://", REDIS_TRANSPORT_TLS },
                { "unix://", REDIS_TRANSPORT_UNIX },
        };
        const char *end = strstr(*text, "://");
        g_autofree char *scheme = NULL;

        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (g_ascii_strncasecmp(*text, known[i].prefix, strlen(known[i].prefix)) == 0) {
                        url->transport = known[i].transport;
                        *text += strlen(known[i].prefix);
                        return 0;
                }

        scheme = g_ascii_strdown(*text, end ? end - *text : 0);
        if (strstr(scheme, "sentinel"))
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "The Redis URL is one of Sentinel, which is not supported yet; give the address of the "
                        "primary itself: " FORMS);
        if (strstr(scheme, "cluster"))
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "The Redis URL is one of Redis Cluster, which is not supported yet; use a server that "
                        "is not part of a cluster: " FORMS);
        return wrong(fault, "begins with no scheme that is known");
}

/* %XX, in a text of so many bytes. NULL for what is none, for NUL and for what is too long. */
static char *decode(const char *text, size_t n)
{
        g_autofree char *part = g_strndup(text, n);
        char *decoded = g_uri_unescape_string(part, NULL);

        explicit_bzero(part, n);
        if (decoded && strlen(decoded) > SECRET_BYTES_MAX)
                g_clear_pointer(&decoded, redis_secret_free);
        return decoded;
}

static int take_user(RedisUrl *url, const char *text, size_t n, Fault *fault)
{
        const char *colon = memchr(text, ':', n);
        size_t n_user = colon ? (size_t)(colon - text) : n;

        if (n_user > 0) {
                url->user = decode(text, n_user);
                if (!url->user || !url->user[0] || !g_utf8_validate(url->user, -1, NULL))
                        return wrong(fault, "has no valid user name before the @");
        }
        if (colon && n > n_user + 1) {
                url->password = decode(colon + 1, n - n_user - 1);
                if (!url->password)
                        return wrong(fault, "has a password that is not %-encoded as it has to be");
        }
        return 0;
}

static bool is_host_name(const char *text)
{
        size_t n = strlen(text);

        for (const char *p = text; *p; p++)
                if (!g_ascii_isalnum(*p) && !strchr(".-_", *p))
                        return false;
        return n > 0 && n <= HOST_BYTES_MAX;
}

/* "fe80::1", "fe80::1%25eth0" or, as many write it, "fe80::1%eth0". */
static char *decode_ipv6(const char *text, size_t n)
{
        g_autofree char *address = g_strndup(text, n);
        char *zone = strchr(address, '%');
        struct in6_addr ignored;

        if (zone)
                *zone++ = '\0';
        if (zone && g_str_has_prefix(zone, "25") && zone[2])
                zone += 2;
        if (inet_pton(AF_INET6, address, &ignored) != 1 || (zone && !is_host_name(zone)))
                return NULL;
        return zone ? g_strdup_printf("%s%%%s", address, zone) : g_steal_pointer(&address);
}

static int take_port(RedisUrl *url, const char *text, Fault *fault)
{
        url->port = PORT_DEFAULT;
        if (!text[0])
                return 0;
        if (text[0] != ':' || (text[1] && parse_uint(text + 1, 1, PORT_MAX, &url->port) < 0))
                return wrong(fault, "has no port between 1 and 65535 behind the host");
        return 0;
}

static int take_host(RedisUrl *url, const char *text, Fault *fault)
{
        const char *end;

        if (text[0] == '[') {
                end = strchr(text, ']');
                url->host = end ? decode_ipv6(text + 1, (size_t)(end - text) - 1) : NULL;
                if (!url->host)
                        return wrong(fault, "has no IPv6 address between its brackets");
                return take_port(url, end + 1, fault);
        }

        end = strchrnul(text, ':');
        url->host = end == text ? g_strdup("localhost") : g_strndup(text, (size_t)(end - text));
        if (!is_host_name(url->host) || strchr(*end ? end + 1 : end, ':'))
                return wrong(fault, "has no valid host name (an IPv6 address belongs in brackets)");
        return take_port(url, end, fault);
}

static int set_db(RedisUrl *url, const char *text, Fault *fault)
{
        if (parse_uint(text, 0, DB_MAX, &url->db) < 0)
                return wrong(fault, "names a database that is no number");
        return 0;
}

static int take_option(RedisUrl *url, const char *option, Fault *fault)
{
        if (g_str_has_prefix(option, "db="))
                return set_db(url, option + strlen("db="), fault);
        if (g_str_has_prefix(option, "password=")) {
                const char *value = option + strlen("password=");

                redis_secret_free(url->password);
                url->password = decode(value, strlen(value));
                return url->password ? 0
                                     : wrong(fault, "has a password that is not %-encoded as it has to be");
        }
        return wrong(fault, "has an option that is not known behind the ? (db= and password= are)");
}

static int take_options(RedisUrl *url, const char *text, Fault *fault)
{
        g_auto(GStrv) options = g_strsplit(text, "&", -1);
        int r = 0;

        for (char **option = options; *option && r >= 0; option++)
                r = take_option(url, *option, fault);
        for (char **option = options; *option; option++)
                explicit_bzero(*option, strlen(*option));
        return r;
}

static int take_path(RedisUrl *url, const char *text, Fault *fault)
{
        if (url->transport != REDIS_TRANSPORT_UNIX)
                return text[0] && text[1] ? set_db(url, text + 1, fault) : 0;

        url->path = decode(text, strlen(text));
        if (!url->path || url->path[0] != '/')
                return wrong(fault, "has no absolute path of a socket");
        if (strlen(url->path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
                return wrong(fault, "has a path that is too long for a socket (107 bytes)");
        return 0;
}

/* What stands before the path: whose password it is may be guessed wrong by nobody, so the last @ counts. */
static int take_authority(RedisUrl *url, const char *text, Fault *fault)
{
        const char *at = strrchr(text, '@');
        int r;

        if (at) {
                r = take_user(url, text, (size_t)(at - text), fault);
                if (r < 0)
                        return r;
                text = at + 1;
        }
        if (url->transport != REDIS_TRANSPORT_UNIX)
                return take_host(url, text, fault);
        return text[0] ? wrong(fault, "has no absolute path of a socket (three slashes: unix:///run/...)")
                       : 0;
}

static char *show_host(const char *host)
{
        const char *zone = strchr(host, '%');

        if (!strchr(host, ':'))
                return g_strdup(host);
        return zone ? g_strdup_printf("[%.*s%%25%s]", (int)(zone - host), host, zone + 1)
                    : g_strdup_printf("[%s]", host);
}

static char *show(const RedisUrl *url)
{
        g_autofree char *user = url->user ? g_uri_escape_string(url->user, NULL, false) : NULL;
        const char *name = user ? user : "", *at = user ? "@" : "";
        g_autofree char *host = NULL;

        if (url->transport == REDIS_TRANSPORT_UNIX) {
                g_autofree char *path = g_uri_escape_string(url->path, "/", false);

                return g_strdup_printf("unix://%s%s%s?db=%u", name, at, path, url->db);
        }
        host = show_host(url->host);
        return g_strdup_printf("%s://%s%s%s:%u/%u",
                url->transport == REDIS_TRANSPORT_TLS ? "rediss" : "redis", name, at, host, url->port,
                url->db);
}

static int parse_parts(RedisUrl *url, const char *text, Fault *fault)
{
        _cleanup_secret_ char *rest = NULL, *authority = NULL;
        char *options, *path;
        int r;

        r = take_scheme(url, &text, fault);
        if (r < 0)
                return r;
        if (strchr(text, '#'))
                return wrong(fault, "has a # in it, which has to be written %23");

        rest = g_strdup(text);
        options = strchr(rest, '?');
        if (options)
                *options++ = '\0';
        path = strchrnul(rest, '/');
        authority = g_strndup(rest, (size_t)(path - rest));

        r = take_authority(url, authority, fault);
        if (r >= 0)
                r = take_path(url, path, fault);
        if (r >= 0 && options && *options)
                r = take_options(url, options, fault);
        /* Up to the end, also where it was cut. */
        explicit_bzero(rest, strlen(text));
        return r;
}

int redis_url_parse(const char *text, RedisUrl **ret, Fault *fault)
{
        _cleanup_(redis_url_freep) RedisUrl *url = g_new0(RedisUrl, 1);
        int r;

        if (strlen(text) > REDIS_URL_BYTES_MAX)
                return wrong(fault, "is too long");
        for (const char *p = text; *p; p++)
                if (g_ascii_iscntrl(*p) || *p == ' ')
                        return wrong(fault, "has a blank or a control character in it");

        r = parse_parts(url, text, fault);
        if (r < 0)
                return r;

        url->shown = show(url);
        *ret = steal_ptr(url);
        return 0;
}
