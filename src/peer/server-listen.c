/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-listen.h"

#include <glib.h>
#include <string.h>

#include "listen.h"

static char *without_brackets(const char *address)
{
        size_t length = strlen(address);

        if (length > 2 && address[0] == '[' && address[length - 1] == ']')
                return g_strndup(address + 1, length - 2);
        return g_strdup(address);
}

int server_listen(const char *address, unsigned port, unsigned *ret_port, Fault *fault)
{
        bool for_all = !address || !*address;
        g_autofree char *plain = for_all ? g_strdup("::") : without_brackets(address);
        int r = http_listen(plain, port, for_all, ret_port);

        if (for_all && r == -EAFNOSUPPORT)
                r = http_listen("0.0.0.0", port, true, ret_port);
        if (r == -EINVAL)
                return fault_set(
                        fault, FAULT_FAILED, "[Peers] ListenAddress=%s is no numeric address", address);
        if (r < 0)
                return fault_set(fault, FAULT_FAILED, "Peers cannot reach port %u of %s: %s", port,
                        for_all ? "this host" : address, strerror(-r));
        return r;
}
