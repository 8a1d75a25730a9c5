/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A watch's stream, in pieces whose sizes the input says: whatever comes, the hosts that are made of it are
 * in order, and the pieces do not matter. */

#include <string.h>

#include "fuzz.h"
#include "host-address.h"
#include "kube-event.h"
#include "kube-lines.h"
#include "kube-store.h"

#define LINE_BYTES_MAX 65536u

static const KubeTarget target = {
        .namespace = "demo", .service = "agent-host", .node_selector = "", .port = 50051
};
static const KubeSource *const sources[] = { &kube_slices, &kube_endpoints, &kube_nodes };

typedef struct Reader {
        KubeStore *stores[G_N_ELEMENTS(sources)];
        unsigned n_lines;
} Reader;

static void apply(KubeStore *store, const KubeEvent *e)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;

        if (e->type == KUBE_EVENT_ADDED || e->type == KUBE_EVENT_MODIFIED)
                kube_store_put(store, e->object, &fault);
        else if (e->type == KUBE_EVENT_DELETED)
                kube_store_remove(store, e->object, &fault);
        fuzz_expect(fault.kind == FAULT_NONE || fault.kind == FAULT_DISCOVERY_UNAVAILABLE,
                "what is refused is told as discovery's");
}

/* One bad line ends a real stream; here the next has its chance. */
static int on_line(const char *line, size_t size, void *userdata)
{
        _cleanup_fault_ Fault fault = FAULT_INIT;
        Reader *r = userdata;
        KubeEvent e = { 0 };

        r->n_lines++;
        if (kube_event_parse(line, size, &e, &fault) < 0) {
                fuzz_expect(fault.kind == FAULT_DISCOVERY_UNAVAILABLE, "a refused event is discovery's");
                return 0;
        }
        if (e.type == KUBE_EVENT_ERROR) {
                KubeStatus status;

                kube_status_from_object(e.object, &status);
                fuzz_expect(
                        !status.text || fuzz_is_printable(status.text), "a server's words are printable");
                kube_status_done(&status);
        } else if (e.type != KUBE_EVENT_UNKNOWN) {
                fuzz_expect(e.version && *e.version, "an event has a version");
                for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
                        apply(r->stores[i], &e);
        }
        kube_event_done(&e);
        return 0;
}

static void check_hosts(const HostList *l)
{
        for (size_t i = 0; i < l->n; i++) {
                const DiscoveryHost *h = &l->hosts[i];

                fuzz_expect(i == 0 || strcmp(l->hosts[i - 1].hostname, h->hostname) < 0, "hosts are sorted");
                fuzz_expect(host_address_is_valid(h->address), "a host's address is one");
                fuzz_expect(*h->ip && fuzz_is_printable(h->ip), "a host has an address to call");
                fuzz_expect(fuzz_is_printable(h->zone) && fuzz_is_printable(h->node), "names are names");
                fuzz_expect(host_list_find(l, h->hostname) == h, "a host is found by its name");
        }
}

/* step: bytes at a time; 0: all at once. */
static void read_stream(const char *data, size_t size, size_t step, Reader *ret)
{
        KubeLines lines;

        for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
                ret->stores[i] = kube_store_new(sources[i], &target);
        kube_lines_init(&lines, LINE_BYTES_MAX);
        for (size_t at = 0; at < size;) {
                size_t n = step > 0 && step < size - at ? step : size - at;

                if (kube_lines_feed(&lines, data + at, n, on_line, ret) < 0)
                        break;
                at += n;
        }
        kube_lines_done(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Reader whole = { .n_lines = 0 }, pieces = { .n_lines = 0 };
        size_t step = size > 0 ? data[0] % 64 + 1 : 1;

        fuzz_be_silent();
        if (size > LINE_BYTES_MAX)
                return 0;
        read_stream((const char *)data, size, 0, &whole);
        read_stream((const char *)data, size, step, &pieces);
        fuzz_expect(whole.n_lines == pieces.n_lines, "pieces make the same lines");
        for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
                HostList *a = kube_store_hosts(whole.stores[i]), *b = kube_store_hosts(pieces.stores[i]);

                check_hosts(a);
                fuzz_expect(host_list_equal(a, b), "pieces make the same hosts");
                host_list_free(a);
                host_list_free(b);
                kube_store_free(whole.stores[i]);
                kube_store_free(pieces.stores[i]);
        }
        return 0;
}
