/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "escape.h"

#include <assert.h>
#include <string.h>

#define AGENT_PREFIX "agent-"
#define AGENT_SUFFIX ".scope"
#define GUILD_PREFIX "agents-"
#define GUILD_SUFFIX ".slice"

/* ":" and 16 digits. */
#define HASH_BYTES 17u

static const char hex_digits[] = "0123456789abcdef";

/* The length of the sequence that begins here, 0 when it is none. *ret is its code point. */
static size_t utf8_decode(const unsigned char *p, size_t left, uint32_t *ret)
{
        static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint32_t c;
        size_t n;

        if (p[0] < 0x80) {
                *ret = p[0];
                return 1;
        }

        if ((p[0] & 0xe0) == 0xc0) {
                n = 2;
                c = p[0] & 0x1f;
        } else if ((p[0] & 0xf0) == 0xe0) {
                n = 3;
                c = p[0] & 0x0f;
        } else if ((p[0] & 0xf8) == 0xf0) {
                n = 4;
                c = p[0] & 0x07;
        } else
                return 0;

        if (n > left)
                return 0;

        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }

        if (c < lowest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;

        *ret = c;
        return n;
}

bool utf8_is_valid(const char *text, size_t length)
{
        const unsigned char *p = (const unsigned char *)text;
        uint32_t c;

        for (size_t i = 0; i < length;) {
                size_t n = utf8_decode(p + i, length - i, &c);

                if (n == 0)
                        return false;
                i += n;
        }

        return true;
}

/* How long the character is that begins here, 0 when it is none that can be sent. */
static size_t decode_sendable(const char *text, size_t left, uint32_t *ret)
{
        size_t n = utf8_decode((const unsigned char *)text, left, ret);

        return n > 0 && utf8_is_noncharacter(*ret) ? 0 : n;
}

bool utf8_is_sendable(const char *text)
{
        size_t length = strlen(text), n;
        uint32_t c;

        for (size_t i = 0; i < length; i += n) {
                n = decode_sendable(text + i, length - i, &c);
                if (n == 0)
                        return false;
        }
        return true;
}

void utf8_make_sendable(char *text)
{
        size_t length = strlen(text);
        uint32_t c;

        for (size_t i = 0; i < length;) {
                size_t n = decode_sendable(text + i, length - i, &c);

                if (n == 0)
                        text[i++] = '?';
                i += n;
        }
}

bool id_is_valid(const char *id)
{
        size_t length = strnlen(id, ID_BYTES_MAX + 1);
        uint32_t c;

        if (length == 0 || length > ID_BYTES_MAX)
                return false;

        for (size_t i = 0; i < length;) {
                size_t n = decode_sendable(id + i, length - i, &c);

                if (n == 0 || c < 0x20 || (c >= 0x7f && c <= 0x9f))
                        return false;
                i += n;
        }

        return true;
}

/* Locale-free, unlike isalnum(). */
static bool is_plain(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                c == '.';
}

/* FNV-1a, 64 bits. */
static uint64_t hash64(const char *text)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (const char *p = text; *p; p++) {
                h ^= (unsigned char)*p;
                h *= UINT64_C(0x100000001b3);
        }

        return h;
}

int unit_escape(const char *id, char **ret)
{
        _cleanup_free_ char *escaped = NULL;
        size_t n = 0, cut = 0;

        escaped = malloc(ESCAPED_BYTES_MAX + 1);
        if (!escaped)
                return -ENOMEM;

        for (const char *p = id; *p; p++) {
                bool plain = is_plain(*p) && !(p == id && *p == '.');
                size_t step = plain ? 1 : 4;

                if (n + step > ESCAPED_BYTES_MAX) {
                        /* Escaping never writes a colon, so no other id can look like a cut one. */
                        snprintf(escaped + cut, HASH_BYTES + 1, ":%016llx", (unsigned long long)hash64(id));
                        n = cut + HASH_BYTES;
                        break;
                }

                if (plain)
                        escaped[n] = *p;
                else {
                        escaped[n] = '\\';
                        escaped[n + 1] = 'x';
                        escaped[n + 2] = hex_digits[(unsigned char)*p >> 4];
                        escaped[n + 3] = hex_digits[(unsigned char)*p & 0xf];
                }

                n += step;
                if (n + HASH_BYTES <= ESCAPED_BYTES_MAX)
                        cut = n;
        }

        escaped[n] = '\0';
        *ret = steal_ptr(escaped);
        return 0;
}

static int unit_name(const char *prefix, const char *id, const char *suffix, char **ret)
{
        _cleanup_free_ char *escaped = NULL;
        char *name;
        int r;

        r = unit_escape(id, &escaped);
        if (r < 0)
                return r;

        if (asprintf(&name, "%s%s%s", prefix, escaped, suffix) < 0)
                return -ENOMEM;

        *ret = name;
        return 0;
}

int agent_unit_name(const char *agent_id, char **ret)
{
        assert(agent_id && agent_id[0]);

        return unit_name(AGENT_PREFIX, agent_id, AGENT_SUFFIX, ret);
}

int guild_slice_name(const char *guild_id, char **ret)
{
        assert(guild_id && guild_id[0]);

        return unit_name(GUILD_PREFIX, guild_id, GUILD_SUFFIX, ret);
}

static bool escaped_is_valid(const char *p, size_t length)
{
        if (length == 0 || length > ESCAPED_BYTES_MAX || p[0] == '.')
                return false;

        for (size_t i = 0; i < length;) {
                if (is_plain(p[i]))
                        i++;
                else if (p[i] == '\\' && length - i >= 4 && p[i + 1] == 'x' &&
                        strchr(hex_digits, p[i + 2]) && strchr(hex_digits, p[i + 3]))
                        i += 4;
                else if (p[i] == ':' && i > 0 && length - i == HASH_BYTES)
                        return strspn(p + i + 1, hex_digits) >= HASH_BYTES - 1;
                else
                        return false;
        }

        return true;
}

bool agent_unit_is_valid(const char *unit)
{
        size_t prefix = strlen(AGENT_PREFIX), suffix = strlen(AGENT_SUFFIX), length = strlen(unit);

        if (length <= prefix + suffix || strncmp(unit, AGENT_PREFIX, prefix) != 0 ||
                strcmp(unit + length - suffix, AGENT_SUFFIX) != 0)
                return false;

        return escaped_is_valid(unit + prefix, length - prefix - suffix);
}
