/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The network between a client and a server, which can be cut: nothing passes any more, and neither side is
 * told. On the test's own event loop. */

#include <systemd/sd-event.h>

typedef struct TestWire TestWire;

/* From a free port of loopback to this socket. */
TestWire *test_wire_new(sd_event *event, const char *socket_path);
void test_wire_free(TestWire *wire);
unsigned test_wire_port(const TestWire *wire);

void test_wire_cut(TestWire *wire);

/* What was connected before stays dead; new connections pass. */
void test_wire_mend(TestWire *wire);
