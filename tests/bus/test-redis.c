/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-redis.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test-dir.h"

#define LOG_PIPE_BYTES (1024 * 1024)
#define OPTIONS_MAX 64u

struct TestRedis {
        TestDir dir;
        unsigned port;
        char *socket;
        pid_t pid; /* 0: stopped */
        int log_fd; /* what it says: kept open, or it would be hurt */
        redisContext *connection;
};

/* The program, and under which name it is the server: Debian's tools bring the same file as the service's
 * package, which would start one on the machine. */
static bool find_program(char **ret_path, const char **ret_name)
{
        const char *name = g_getenv("AGENTHOST_TEST_REDIS");

        *ret_name = name ? name : "redis-server";
        *ret_path = g_find_program_in_path(*ret_name);
        if (!*ret_path) {
                g_autofree char *tool =
                        g_strdup_printf("%.*s-check-rdb", (int)strcspn(*ret_name, "-"), *ret_name);

                *ret_path = g_find_program_in_path(tool);
        }
        return *ret_path;
}

bool test_redis_is_there(void)
{
        g_autofree char *path = NULL;
        const char *name;

        return find_program(&path, &name);
}

unsigned test_free_port(void)
{
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        g_assert_cmpint(bind(fd, (struct sockaddr *)&address, size), ==, 0);
        g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
        close(fd);
        return ntohs(address.sin_port);
}

_Noreturn static void serve(const TestRedis *redis, const char *const *options, int out)
{
        g_autofree char *path = NULL, *port = g_strdup_printf("%u", redis->port);
        const char *argv[OPTIONS_MAX], *name;
        size_t n = 0;

        if (!find_program(&path, &name))
                _exit(127);
        argv[n++] = name;
        for (const char *const *o = (const char *const[]){ "--port", port, "--bind", "127.0.0.1", "-::1",
                     "--unixsocket", redis->socket, "--dir", redis->dir.path, "--save", "", "--daemonize",
                     "no", NULL };
                *o; o++)
                argv[n++] = *o;
        for (; options && *options; options++)
                argv[n++] = *options;
        argv[n] = NULL;

        /* It does not outlive a test that fails. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out, STDOUT_FILENO);
        execv(path, (char **)argv);
        _exit(127);
}

static void wait_for_line(int fd, const char *what)
{
        g_autoptr(GString) text = g_string_new(NULL);
        char c;

        while (!strstr(text->str, what)) {
                g_assert_cmpint(read(fd, &c, 1), ==, 1);
                g_string_append_c(text, c);
        }
}

static void connect_own(TestRedis *redis)
{
        const struct timeval limit = { .tv_sec = 30 };

        redis->connection = redisConnectUnixWithTimeout(redis->socket, limit);
        g_assert_cmpstr(redis->connection->errstr, ==, "");
        g_assert_cmpint(redisSetTimeout(redis->connection, limit), ==, REDIS_OK);
}

static void start(TestRedis *redis, const char *const *options, const char *until)
{
        int out[2];

        g_assert_cmpint(redis->pid, ==, 0);
        g_assert_cmpint(pipe2(out, O_CLOEXEC), ==, 0);
        (void)fcntl(out[0], F_SETPIPE_SZ, LOG_PIPE_BYTES);
        redis->pid = fork();
        g_assert_cmpint(redis->pid, >=, 0);
        if (redis->pid == 0)
                serve(redis, options, out[1]);
        close(out[1]);
        redis->log_fd = out[0];
        wait_for_line(redis->log_fd, until);
        connect_own(redis);
}

void test_redis_start(TestRedis *redis, const char *const *options)
{
        start(redis, options, "Ready to accept connections");
}

void test_redis_start_loading(TestRedis *redis, const char *const *options)
{
        start(redis, options, "Server initialized");
}

TestRedis *test_redis_new(const char *const *options)
{
        TestRedis *redis = g_new0(TestRedis, 1);

        redis->dir = test_dir_new();
        redis->socket = test_dir_path(&redis->dir, "redis.sock");
        redis->port = test_free_port();
        test_redis_start(redis, options);
        return redis;
}

void test_redis_stop(TestRedis *redis)
{
        if (redis->pid == 0)
                return;
        redisFree(redis->connection);
        kill(redis->pid, SIGKILL);
        waitpid(redis->pid, NULL, 0);
        close(redis->log_fd);
        redis->pid = 0;
}

void test_redis_free(TestRedis *redis)
{
        test_redis_stop(redis);
        test_dir_done(&redis->dir);
        g_free(redis->socket);
        g_free(redis);
}

void test_redis_pause(TestRedis *redis)
{
        g_assert_cmpint(kill(redis->pid, SIGSTOP), ==, 0);
}

void test_redis_resume(TestRedis *redis)
{
        g_assert_cmpint(kill(redis->pid, SIGCONT), ==, 0);
}

const char *test_redis_directory(const TestRedis *redis)
{
        return redis->dir.path;
}

unsigned test_redis_port(const TestRedis *redis)
{
        return redis->port;
}

char *test_redis_url(const TestRedis *redis)
{
        return g_strdup_printf("unix://%s", redis->socket);
}

char *test_redis_tcp_url(const TestRedis *redis)
{
        return g_strdup_printf("redis://127.0.0.1:%u", redis->port);
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *to_text(const redisReply *reply)
{
        g_autoptr(GPtrArray) texts = NULL;

        switch (reply->type) {
        case REDIS_REPLY_NIL:
                return g_strdup("");
        case REDIS_REPLY_INTEGER:
                return g_strdup_printf("%lld", reply->integer);
        case REDIS_REPLY_ARRAY:
                texts = g_ptr_array_new_with_free_func(g_free);
                for (size_t i = 0; i < reply->elements; i++)
                        g_ptr_array_add(texts, to_text(reply->element[i]));
                g_ptr_array_sort(texts, compare_texts);
                g_ptr_array_add(texts, NULL);
                return g_strjoinv(" ", (char **)texts->pdata);
        default:
                return g_strndup(reply->str, reply->len);
        }
}

static char *ask(TestRedis *redis, const char *format, va_list ap, bool strictly)
{
        redisReply *reply = redisvCommand(redis->connection, format, ap);
        char *text;

        g_assert_nonnull(reply);
        if (strictly && reply->type == REDIS_REPLY_ERROR)
                g_error("%s: %s", format, reply->str);
        text = to_text(reply);
        freeReplyObject(reply);
        return text;
}

char *test_redis_ask(TestRedis *redis, const char *format, ...)
{
        va_list ap;
        char *text;

        va_start(ap, format);
        text = ask(redis, format, ap, true);
        va_end(ap);
        return text;
}

char *test_redis_try(TestRedis *redis, const char *format, ...)
{
        va_list ap;
        char *text;

        va_start(ap, format);
        text = ask(redis, format, ap, false);
        va_end(ap);
        return text;
}
