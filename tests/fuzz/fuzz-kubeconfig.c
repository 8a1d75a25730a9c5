/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* kubeconfig files: what is accepted can be used, what is refused says why. */

#include <string.h>

#include "fuzz.h"
#include "kube-config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const KubeEnvironment nothing = { 0 };
        _cleanup_fault_ Fault fault = FAULT_INIT;
        FuzzFile *file = fuzz_file();
        DiscoverySettings settings = { .kube_config = file->path };
        KubeConfig c = { 0 };

        fuzz_be_silent();
        fuzz_file_fill(file, data, size);
        if (kube_config_find(&settings, &nothing, &c, &fault) < 0) {
                fuzz_expect(
                        fault.kind == FAULT_DISCOVERY_UNAVAILABLE, "a refused kubeconfig is discovery's");
                fuzz_expect(!c.server, "nothing is left of a refused one");
                return 0;
        }
        fuzz_expect(fault.kind == FAULT_NONE, "an accepted one has no fault");
        fuzz_expect(strncmp(c.server, "https://", 8) == 0 || strncmp(c.server, "http://", 7) == 0,
                "the server is a URL");
        fuzz_expect(
                c.server[strlen(c.server) - 1] != '/' || strlen(c.server) < 9, "it ends without a slash");
        fuzz_expect(c.token || c.token_file || c.cert.file || c.cert.data, "there are credentials");
        fuzz_expect((c.cert.file || c.cert.data) == (c.key.file || c.key.data), "a certificate has a key");
        fuzz_expect(!(c.insecure && (c.ca.file || c.ca.data)), "it is checked, or it is not");
        fuzz_expect(!(c.token && strncmp(c.server, "http://", 7) == 0), "no token goes in the clear");
        kube_config_done(&c);
        return 0;
}
