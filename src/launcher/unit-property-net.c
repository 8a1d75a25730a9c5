/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <string.h>

#include "parse.h"
#include "strv.h"
#include "unit-property-value.h"

#define BLANKS " \t"

/* Linux ends alternative names of interfaces here. */
#define INTERFACE_BYTES_MAX 127u

int append_interfaces(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        bool allow = value[0] != '~';
        _cleanup_strv_free_ char **words = NULL;
        int r;

        r = strv_split(allow ? value : value + 1, BLANKS, &words);
        if (r < 0)
                return r;

        for (char **w = words; *w; w++)
                if (strpbrk(*w, "/~:") || strlen(*w) > INTERFACE_BYTES_MAX)
                        return unit_property_refuse(row, value, "names of network interfaces", fault);
        if (!*words)
                return unit_property_refuse(row, value, "names of network interfaces", fault);

        if (!m)
                return 0;

        r = unit_property_open(m, unit_property_row_name(row), "(bas)");
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'r', "bas");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "b", allow);
        if (r < 0)
                return r;
        r = sd_bus_message_append_strv(m, words);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;

        return unit_property_close(m);
}

typedef struct Prefix {
        int family;
        size_t n_bytes;
        uint8_t address[sizeof(struct in6_addr)];
        unsigned length;
} Prefix;

/* "10.0.0.0/8", "::1"; the text is cut. */
static int parse_prefix(char *text, Prefix *ret)
{
        char *slash = strchr(text, '/');
        Prefix p = { .family = AF_INET, .n_bytes = sizeof(struct in_addr) };

        if (slash)
                *slash = '\0';

        if (inet_pton(AF_INET, text, p.address) != 1) {
                p.family = AF_INET6;
                p.n_bytes = sizeof(struct in6_addr);
                if (inet_pton(AF_INET6, text, p.address) != 1)
                        return -EINVAL;
        }

        p.length = (unsigned)p.n_bytes * 8;
        if (slash && parse_uint(slash + 1, 0, p.length, &p.length) < 0)
                return -EINVAL;

        *ret = p;
        return 0;
}

/* The prefixes that a text names, as texts: one, or what a word stands for. */
static int expand_addresses(const char *value, char ***ret)
{
        static const struct {
                const char *word, *ipv4, *ipv6;
        } names[] = {
                { "any", "0.0.0.0/0", "::/0" },
                { "localhost", "127.0.0.0/8", "::1/128" },
                { "link-local", "169.254.0.0/16", "fe80::/64" },
                { "multicast", "224.0.0.0/4", "ff00::/8" },
        };
        _cleanup_strv_free_ char **words = NULL, **texts = NULL;
        int r;

        r = strv_split(value, BLANKS, &words);
        for (char **w = words; r >= 0 && *w; w++) {
                size_t i = 0;

                while (i < ELEMENTSOF(names) && strcmp(names[i].word, *w) != 0)
                        i++;

                r = strv_extend(&texts, i < ELEMENTSOF(names) ? names[i].ipv4 : *w);
                if (r >= 0 && i < ELEMENTSOF(names))
                        r = strv_extend(&texts, names[i].ipv6);
        }
        if (r < 0)
                return r;

        *ret = steal_ptr(texts);
        return 0;
}

static int append_prefix(sd_bus_message *m, const Prefix *p)
{
        int r;

        r = sd_bus_message_open_container(m, 'r', "iayu");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "i", p->family);
        if (r < 0)
                return r;
        r = sd_bus_message_append_array(m, 'y', p->address, p->n_bytes);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "u", p->length);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

int append_addresses(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        _cleanup_strv_free_ char **texts = NULL;
        int r;

        r = expand_addresses(value, &texts);
        if (r < 0)
                return r;

        r = m ? unit_property_open_array(m, unit_property_row_name(row), "(iayu)") : 0;
        for (char **t = texts; r >= 0 && t && *t; t++) {
                Prefix prefix;

                if (parse_prefix(*t, &prefix) < 0)
                        return unit_property_refuse(row, value,
                                "addresses such as 10.0.0.0/8, or any, localhost, link-local, multicast",
                                fault);
                if (m)
                        r = append_prefix(m, &prefix);
        }

        return r >= 0 && m ? unit_property_close_array(m) : r;
}

/* The parts between colons, also empty ones. */
static int split_fields(const char *text, char ***ret)
{
        _cleanup_strv_free_ char **fields = NULL;

        for (const char *p = text;; p++) {
                const char *end = strchrnul(p, ':');
                int r;

                r = strv_consume(&fields, strndup(p, (size_t)(end - p)));
                if (r < 0)
                        return r;

                p = end;
                if (!*p)
                        break;
        }

        *ret = steal_ptr(fields);
        return 0;
}

typedef struct BindRule {
        int32_t family;
        int32_t protocol;
        uint16_t n_ports; /* 0: all */
        uint16_t first_port;
} BindRule;

/* "any", "80" or "8000-8099". */
static int parse_ports(char *text, BindRule *rule)
{
        char *dash = strchr(text, '-');
        unsigned first, last;

        if (strcmp(text, "any") == 0)
                return 0;

        if (dash)
                *dash = '\0';
        if (parse_uint(text, 1, UINT16_MAX, &first) < 0)
                return -EINVAL;
        last = first;
        if (dash && parse_uint(dash + 1, first, UINT16_MAX, &last) < 0)
                return -EINVAL;

        rule->first_port = (uint16_t)first;
        rule->n_ports = (uint16_t)(last - first + 1);
        return 0;
}

/* [ipv4:|ipv6:][tcp:|udp:]PORTS, each part may be missing but not all. */
static int parse_bind_rule(char **parts, BindRule *ret)
{
        BindRule rule = { .family = AF_UNSPEC };
        char **p = parts;

        if (*p && (strcmp(*p, "ipv4") == 0 || strcmp(*p, "ipv6") == 0))
                rule.family = strcmp(*p++, "ipv4") == 0 ? AF_INET : AF_INET6;
        if (*p && (strcmp(*p, "tcp") == 0 || strcmp(*p, "udp") == 0))
                rule.protocol = strcmp(*p++, "tcp") == 0 ? IPPROTO_TCP : IPPROTO_UDP;
        if (*p && parse_ports(*p++, &rule) < 0)
                return -EINVAL;
        if (*p || p == parts)
                return -EINVAL;

        *ret = rule;
        return 0;
}

int append_bind_rule(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        _cleanup_strv_free_ char **parts = NULL;
        BindRule rule;
        int r;

        r = split_fields(value, &parts);
        if (r < 0)
                return r;

        if (parse_bind_rule(parts, &rule) < 0)
                return unit_property_refuse(
                        row, value, "[ipv4:|ipv6:][tcp:|udp:] and a port, a range of ports or any", fault);

        return m ? sd_bus_message_append(m, "(sv)", unit_property_row_name(row), "a(iiqq)", 1, rule.family,
                           rule.protocol, rule.n_ports, rule.first_port)
                 : 0;
}

typedef struct NftSet {
        int32_t source;
        int32_t family;
} NftSet;

/* The number of a name, or -EINVAL. */
static int lookup(const char *text, const char *const *names, const int *numbers)
{
        for (size_t i = 0; names[i]; i++)
                if (strcmp(names[i], text) == 0)
                        return numbers[i];
        return -EINVAL;
}

static int parse_nft_set(char **parts, NftSet *ret)
{
        /* systemd's own numbers, on its D-Bus interface: src/shared/firewall-util.h, NFTSetSource. */
        static const char *const sources[] = { "cgroup", "user", "group", NULL };
        static const int source_numbers[] = { 3, 4, 5 };
        static const char *const families[] = { "arp", "bridge", "inet", "ip", "ip6", "netdev", NULL };
        static const int family_numbers[] = { NFPROTO_ARP, NFPROTO_BRIDGE, NFPROTO_INET, NFPROTO_IPV4,
                NFPROTO_IPV6, NFPROTO_NETDEV };
        NftSet set;

        if (strv_length(parts) != 4)
                return -EINVAL;

        set.source = lookup(parts[0], sources, source_numbers);
        set.family = lookup(parts[1], families, family_numbers);
        if (set.source < 0 || set.family < 0 || !parts[2][0] || !parts[3][0])
                return -EINVAL;

        *ret = set;
        return 0;
}

int append_nft_sets(const UnitPropertyRow *row, const char *value, sd_bus_message *m, Fault *fault)
{
        _cleanup_strv_free_ char **words = NULL;
        int r;

        r = strv_split(value, BLANKS, &words);
        if (r < 0)
                return r;

        r = m ? unit_property_open_array(m, unit_property_row_name(row), "(iiss)") : 0;
        for (char **w = words; r >= 0 && *w; w++) {
                _cleanup_strv_free_ char **parts = NULL;
                NftSet set;

                r = split_fields(*w, &parts);
                if (r < 0)
                        return r;
                if (parse_nft_set(parts, &set) < 0)
                        return unit_property_refuse(row, value, "cgroup|user|group:FAMILY:TABLE:SET", fault);
                if (m)
                        r = sd_bus_message_append(m, "(iiss)", set.source, set.family, parts[2], parts[3]);
        }

        return r >= 0 && m ? unit_property_close_array(m) : r;
}
