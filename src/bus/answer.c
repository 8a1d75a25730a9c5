/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "answer.h"

#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "file-util.h"
#include "log.h"

/* As opposed to a message that could not be made, as there is something wrong with it. */
static bool is_not_sent(int r)
{
        return error_may_pass(r) || r == -ENOBUFS || r == -ENOSPC;
}

int bus_check_sent(sd_bus *bus, int r)
{
        if (!is_not_sent(r) || !bus || sd_bus_is_open(bus) <= 0)
                return r;

        log_warning("A message cannot be sent, breaking the connection off: %s", strerror(-r));
        (void)shutdown(sd_bus_get_fd(bus), SHUT_RDWR);
        return r;
}

int bus_answer(sd_bus_message *call, const char *types, ...)
{
        va_list ap;
        int r;

        va_start(ap, types);
        r = sd_bus_reply_method_returnv(call, types, ap);
        va_end(ap);
        return bus_check_sent(sd_bus_message_get_bus(call), r);
}

int bus_send_answer(sd_bus_message *answer)
{
        return bus_check_sent(sd_bus_message_get_bus(answer), sd_bus_send(NULL, answer, NULL));
}
