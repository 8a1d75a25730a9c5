/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Certificates of a test's own: ca.pem; server.pem of "localhost" and 127.0.0.1, client.pem, both by that
 * CA, with server.key and client.key; and other-ca.pem, which has signed none of them. */

void test_certificates_make(const char *directory);
