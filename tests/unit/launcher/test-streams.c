/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "streams.h"

#include <glib.h>

#include "log.h"

static unsigned n_said;

static void count(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        (void)text;

        n_said++;
}

static void test_no_more_are_given_than_there_are(void)
{
        Streams s = { .max = 2 };

        g_assert_true(streams_take(&s));
        g_assert_true(streams_take(&s));
        g_assert_false(streams_take(&s));
        streams_give_back(&s);
        g_assert_true(streams_take(&s));
        g_assert_false(streams_take(&s));
        g_assert_cmpuint(s.n, ==, 2);
}

static void test_that_they_are_exhausted_is_said_once(void)
{
        Streams s = { .max = 100 };

        n_said = 0;
        log_set_sink(count);
        while (streams_take(&s))
                ;
        for (int i = 0; i < 10; i++) {
                g_assert_false(streams_take(&s));
                streams_give_back(&s);
                g_assert_true(streams_take(&s));
        }
        g_assert_cmpuint(n_said, ==, 1);

        /* When it has got better meanwhile, it is news. */
        for (int i = 0; i < 20; i++)
                streams_give_back(&s);
        while (streams_take(&s))
                ;
        g_assert_cmpuint(n_said, ==, 2);
}

static void test_with_none_nobody_gets_one(void)
{
        Streams s = { .max = 0 };

        g_assert_false(streams_take(&s));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/streams/no-more-are-given-than-there-are", test_no_more_are_given_than_there_are);
        g_test_add_func(
                "/streams/that-they-are-exhausted-is-said-once", test_that_they_are_exhausted_is_said_once);
        g_test_add_func("/streams/with-none-nobody-gets-one", test_with_none_nobody_gets_one);
        return g_test_run();
}
