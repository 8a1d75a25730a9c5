/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Properties over D-Bus, as texts that can be compared, and the waiting for them to change. */

#include "client.h"

/* Reads a variant as a text; numbers in decimal, booleans as "true" and "false". NULL: it holds something
 * else. */
char *message_read_variant(sd_bus_message *m);

/* The pairs of an a{sv}, sorted, as "key=value". */
char **message_read_dictionary(sd_bus_message *m);

/* A property as such a text; NULL if it cannot be read. */
char *client_try_property(
        Client *client, const char *destination, const char *path, const char *interface, const char *name);

/* The same of agenthostd; that it cannot be read ends the test. */
char *client_property(Client *client, const char *path, const char *interface, const char *name);

void client_expect_property(
        Client *client, const char *path, const char *interface, const char *name, const char *expected);
void client_wait_property(
        Client *client, const char *path, const char *interface, const char *name, const char *expected);

/* PropertiesChanged of an object: those in it, sorted, as "Name=value Name=value". Takes such signals until
 * one has this property. */
char *client_wait_changed(Client *client, const char *path, const char *interface, const char *name);
