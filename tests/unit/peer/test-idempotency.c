/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "idempotency.h"

#define LIFETIME_USEC 1000u

static Idempotency *table;
static int somebody, somebody_else;

static void set_up(void)
{
        table = idempotency_new(3, LIFETIME_USEC);
}

static void tear_down(void)
{
        table = idempotency_free(table);
}

static IdempotencyEntry *begin(const char *who, const char *key, uint64_t now, IdempotencyVerdict expected)
{
        IdempotencyEntry *entry = NULL;

        g_assert_cmpint(idempotency_begin(table, who, key, "digest", &somebody, now, &entry), ==, expected);
        return entry;
}

static void finish(IdempotencyEntry *entry, unsigned status, bool refused, uint64_t now)
{
        Reply *reply = reply_new(status, g_bytes_new_static("{}", 2));

        reply->refused = refused;
        idempotency_finish(table, entry, reply, now);
        reply_unref(reply);
}

static void test_a_repeat_gets_the_first_reply(void)
{
        IdempotencyEntry *entry, *again;

        set_up();
        entry = begin("a", "k", 0, IDEMPOTENCY_NEW);
        again = begin("a", "k", 1, IDEMPOTENCY_RUNNING);
        g_assert_true(again == entry);
        g_assert_true(idempotency_owner(again) == &somebody);
        finish(entry, 201, false, 2);
        again = begin("a", "k", 3, IDEMPOTENCY_DONE);
        g_assert_cmpuint(idempotency_reply(again)->status, ==, 201);
        tear_down();
}

static void test_another_request_with_the_key_is_none(void)
{
        IdempotencyEntry *entry, *ignored;

        set_up();
        entry = begin("a", "k", 0, IDEMPOTENCY_NEW);
        g_assert_cmpint(idempotency_begin(table, "a", "k", "other", &somebody_else, 0, &ignored), ==,
                IDEMPOTENCY_MISMATCH);
        finish(entry, 201, false, 0);
        g_assert_cmpint(idempotency_begin(table, "a", "k", "other", &somebody_else, 0, &ignored), ==,
                IDEMPOTENCY_MISMATCH);
        tear_down();
}

static void test_keys_of_others_are_others(void)
{
        set_up();
        begin("a", "k", 0, IDEMPOTENCY_NEW);
        begin("b", "k", 0, IDEMPOTENCY_NEW);
        tear_down();
}

static void test_a_refused_request_is_tried_again(void)
{
        set_up();
        finish(begin("a", "k", 0, IDEMPOTENCY_NEW), 503, true, 0);
        begin("a", "k", 0, IDEMPOTENCY_NEW);
        tear_down();
}

static void test_a_request_that_was_given_up_is_tried_again(void)
{
        set_up();
        idempotency_drop(table, begin("a", "k", 0, IDEMPOTENCY_NEW));
        begin("a", "k", 0, IDEMPOTENCY_NEW);
        tear_down();
}

static void test_a_reply_lives_for_its_time(void)
{
        set_up();
        finish(begin("a", "k", 0, IDEMPOTENCY_NEW), 201, false, 5);
        begin("a", "k", 5 + LIFETIME_USEC - 1, IDEMPOTENCY_DONE);
        begin("a", "k", 5 + LIFETIME_USEC, IDEMPOTENCY_NEW);
        tear_down();
}

static void test_the_oldest_reply_makes_way(void)
{
        set_up();
        finish(begin("a", "1", 0, IDEMPOTENCY_NEW), 201, false, 1);
        finish(begin("a", "2", 0, IDEMPOTENCY_NEW), 201, false, 2);
        finish(begin("a", "3", 0, IDEMPOTENCY_NEW), 201, false, 3);
        begin("a", "4", 4, IDEMPOTENCY_NEW);
        g_assert_cmpuint(idempotency_count(table), ==, 3);
        begin("a", "2", 4, IDEMPOTENCY_DONE);
        begin("a", "3", 4, IDEMPOTENCY_DONE);
        tear_down();
}

static void test_what_is_being_done_makes_no_way(void)
{
        set_up();
        begin("a", "1", 0, IDEMPOTENCY_NEW);
        begin("a", "2", 0, IDEMPOTENCY_NEW);
        begin("a", "3", 0, IDEMPOTENCY_NEW);
        begin("a", "4", 5 * LIFETIME_USEC, IDEMPOTENCY_FULL);
        begin("a", "1", 5 * LIFETIME_USEC, IDEMPOTENCY_RUNNING);
        tear_down();
}

static void test_keys_are_visible_ascii(void)
{
        g_autofree char *longest = g_strnfill(IDEMPOTENCY_KEY_MAX, 'k');
        g_autofree char *longer = g_strnfill(IDEMPOTENCY_KEY_MAX + 1, 'k');

        g_assert_true(idempotency_key_is_valid("\"8e03978e-40d5\""));
        g_assert_true(idempotency_key_is_valid(longest));
        g_assert_false(idempotency_key_is_valid(longer));
        g_assert_false(idempotency_key_is_valid(""));
        g_assert_false(idempotency_key_is_valid("a b"));
        g_assert_false(idempotency_key_is_valid("a\n"));
        g_assert_false(idempotency_key_is_valid("\xc3\xab"));
}

int main(int argc, char *argv[])
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/idempotency/a-repeat-gets-the-first-reply", test_a_repeat_gets_the_first_reply);
        g_test_add_func("/idempotency/another-request-with-the-key-is-none",
                test_another_request_with_the_key_is_none);
        g_test_add_func("/idempotency/keys-of-others-are-others", test_keys_of_others_are_others);
        g_test_add_func(
                "/idempotency/a-refused-request-is-tried-again", test_a_refused_request_is_tried_again);
        g_test_add_func("/idempotency/a-request-that-was-given-up-is-tried-again",
                test_a_request_that_was_given_up_is_tried_again);
        g_test_add_func("/idempotency/a-reply-lives-for-its-time", test_a_reply_lives_for_its_time);
        g_test_add_func("/idempotency/the-oldest-reply-makes-way", test_the_oldest_reply_makes_way);
        g_test_add_func(
                "/idempotency/what-is-being-done-makes-no-way", test_what_is_being_done_makes_no_way);
        g_test_add_func("/idempotency/keys-are-visible-ascii", test_keys_are_visible_ascii);
        return g_test_run();
}
