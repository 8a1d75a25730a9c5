/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses of hosts, as others write them into the registry: what is taken for one has a hostname that can
 * stand in a key, and a port. */

#include <string.h>

#include <glib.h>

#include "fuzz.h"
#include "host-address.h"

static void check_valid(const char *address)
{
        size_t n = host_address_hostname_length(address);
        unsigned port = host_address_port(address);

        fuzz_expect(n > 0 && n < strlen(address) && address[n] == ':', "a hostname ends at the port");
        fuzz_expect(port >= 1 && port <= 65535, "a port is one");
        fuzz_expect(fuzz_is_printable(address), "nothing in it is unprintable");
        fuzz_expect(n <= HOSTNAME_BYTES_MAX, "a hostname is short enough");
        fuzz_expect(address[0] == '[' || !memchr(address, ':', n), "only brackets hold colons");
        fuzz_expect(host_address_is_same_host(address, address), "a host is the same as itself");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = fuzz_text(data, size);
        _cleanup_fault_ Fault fault = FAULT_INIT;
        int r = host_address_check(text, &fault);

        fuzz_expect((r == 0) == host_address_is_valid(text), "both say the same");
        fuzz_expect((r == 0) == (fault.kind == FAULT_NONE), "there is a fault when it is wrong");
        if (r == 0)
                check_valid(text);
        return 0;
}
