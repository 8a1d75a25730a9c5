/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tests that run inside a booted host. Each is a process of its own with a time limit: one that fails, hangs
 * or dies ends there, the host is cleaned all the same (host-state.h), and the next test begins. So the
 * first expectation that does not hold ends the test, and nothing needs to be undone by it. */

#include "macros.h"

typedef void (*HostTest)(void);

/* The path is that of g_test_add_func(). */
void host_test_add(const char *path, HostTest test);

/* What main() returns. Prepares the host first, refuses to run on a machine that is no throwaway host. */
int host_tests_run(void);

/* Runs it in a process of its own, as tests are. Returns whether it worked. */
bool outcome_run_apart(const char *what, HostTest test);

/* Ends the test. */
_Noreturn void fail(const char *format, ...) _printf_(1, 2);

/* Of what is no expectation, but must work: ends the test for a negative errno. */
void must(int r, const char *what);

/* "WHAT: expected X, got Y". Texts may be NULL. */
void expect_text(const char *what, const char *expected, const char *got);
void expect_part(const char *what, const char *expected_part, const char *got);
void expect_number(const char *what, int64_t expected, int64_t got);
void expect_true(const char *what, bool got);
void expect_false(const char *what, bool got);
