/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer.h"

/* The texts, wherever they are. */
static const size_t texts[] = {
        offsetof(PeerSettings, listen_address),
        offsetof(PeerSettings, cert_file),
        offsetof(PeerSettings, key_file),
        offsetof(PeerSettings, ca_file),
};

static char **text_of(const PeerSettings *settings, size_t i)
{
        return (char **)((char *)settings + texts[i]);
}

void peer_settings_done(PeerSettings *settings)
{
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                g_free(*text_of(settings, i));
        g_strfreev(settings->names);
        *settings = (PeerSettings){ 0 };
}

void peer_settings_copy(const PeerSettings *settings, PeerSettings *ret)
{
        *ret = *settings;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                *text_of(ret, i) = g_strdup(*text_of(settings, i));
        ret->names = g_strdupv(settings->names);
}

bool peer_settings_equal_but_names(const PeerSettings *a, const PeerSettings *b)
{
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (g_strcmp0(*text_of(a, i), *text_of(b, i)) != 0)
                        return false;
        return a->port == b->port && a->minimum_tls == b->minimum_tls;
}

PeerTls peer_settings_tls(const PeerSettings *settings)
{
        return (PeerTls){
                .cert_file = settings->cert_file,
                .key_file = settings->key_file,
                .ca_file = settings->ca_file,
                .allow_tls12 = settings->minimum_tls == PEER_TLS_1_2,
        };
}
