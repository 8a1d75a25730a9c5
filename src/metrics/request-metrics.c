/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request-metrics.h"

#include <string.h>

/* NULL: there are more of them than there should be. */
static RequestOperation *get_operation(RequestMetrics *m, const char *name)
{
        RequestOperation *o;

        for (unsigned i = 0; i < m->n_operations; i++)
                if (strcmp(m->operations[i].name, name) == 0)
                        return &m->operations[i];
        if (m->n_operations >= REQUEST_OPERATIONS_MAX)
                return NULL;

        o = &m->operations[m->n_operations++];
        *o = (RequestOperation){ .name = name, .duration = HISTOGRAM_INIT(&histogram_calls) };
        return o;
}

void request_metrics_observe(RequestMetrics *m, const char *operation, unsigned status, uint64_t usec)
{
        RequestOperation *o = get_operation(m, operation);
        char code[16];

        (void)snprintf(code, sizeof(code), "%u", status);
        counter_table_add(&m->counts, operation, code, 1);
        if (o)
                histogram_observe(&o->duration, usec);
}
