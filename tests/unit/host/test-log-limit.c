/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log-limit.h"

#include <glib.h>

#include "log.h"

#define INTERVAL_USEC (20 * USEC_PER_MSEC)
#define BURST 3u

static GPtrArray *lines;
static sd_event *event;

static void keep_line(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;

        g_ptr_array_add(lines, g_strdup(text));
}

typedef struct Fixture {
        LogLimit *limit;
} Fixture;

static void fixture_up(Fixture *f, gconstpointer data)
{
        (void)data;

        lines = g_ptr_array_new_with_free_func(g_free);
        g_assert_cmpint(sd_event_new(&event), >=, 0);
        f->limit = log_limit_new(event, "things happened", BURST, INTERVAL_USEC);
}

static void fixture_down(Fixture *f, gconstpointer data)
{
        (void)data;

        log_limit_free(f->limit);
        sd_event_unref(event);
        g_ptr_array_unref(lines);
}

static unsigned admitted(LogLimit *limit, unsigned n)
{
        unsigned admitted = 0;

        for (unsigned i = 0; i < n; i++)
                if (log_limit_admits(limit))
                        admitted++;
        return admitted;
}

static void run_until_the_end_of_the_interval(void)
{
        g_assert_cmpint(sd_event_run(event, UINT64_MAX), >, 0);
}

static void test_few_are_all_logged(Fixture *f, gconstpointer data)
{
        (void)data;

        g_assert_cmpuint(admitted(f->limit, BURST), ==, BURST);
        run_until_the_end_of_the_interval();
        g_assert_cmpuint(lines->len, ==, 0);
}

static void test_further_ones_are_counted_and_told_at_the_end(Fixture *f, gconstpointer data)
{
        (void)data;

        g_assert_cmpuint(admitted(f->limit, 1000), ==, BURST);
        g_assert_cmpuint(lines->len, ==, 0);
        run_until_the_end_of_the_interval();
        g_assert_cmpuint(lines->len, ==, 1);
        g_assert_cmpstr(lines->pdata[0], ==, "997 more things happened within the last 20ms");
}

static void test_the_next_interval_begins_anew(Fixture *f, gconstpointer data)
{
        (void)data;

        (void)admitted(f->limit, 10);
        run_until_the_end_of_the_interval();
        g_assert_cmpuint(admitted(f->limit, 5), ==, BURST);
        run_until_the_end_of_the_interval();
        g_assert_cmpstr(lines->pdata[1], ==, "2 more things happened within the last 20ms");
}

static void test_nothing_is_left_untold(Fixture *f, gconstpointer data)
{
        (void)data;

        (void)admitted(f->limit, 4);
        f->limit = log_limit_free(f->limit);
        g_assert_cmpstr(lines->pdata[0], ==, "1 more things happened within the last 20ms");
}

#define ADD(name, function) g_test_add("/log-limit/" name, Fixture, NULL, fixture_up, function, fixture_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        log_set_sink(keep_line);
        ADD("few-are-all-logged", test_few_are_all_logged);
        ADD("further-ones-are-counted-and-told-at-the-end",
                test_further_ones_are_counted_and_told_at_the_end);
        ADD("the-next-interval-begins-anew", test_the_next_interval_begins_anew);
        ADD("nothing-is-left-untold", test_nothing_is_left_untold);
        return g_test_run();
}
