/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Getters of D-Bus properties: of the seven arguments that sd-bus hands over, most look at two. Used by
 * manager-bus.c and agent-bus.c. */

#include <systemd/sd-bus.h>

/* Defines get_NAME(). owner declares what stands in userdata ("const Agent *a"); expression appends the
 * value to reply, and is what is returned. */
#define PROPERTY_GETTER(name, owner, expression)                                                          \
        static int get_##name(sd_bus *bus, const char *path, const char *interface, const char *property, \
                sd_bus_message *reply, void *userdata, sd_bus_error *error)                               \
        {                                                                                                 \
                owner __attribute__((unused)) = userdata;                                                 \
                                                                                                          \
                (void)bus;                                                                                \
                (void)path;                                                                               \
                (void)interface;                                                                          \
                (void)property;                                                                           \
                (void)error;                                                                              \
                return (expression);                                                                      \
        }
