/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ours: the same launches asked of agenthostd, by one client over the system bus, with real specs. */

#include <fcntl.h>
#include <string.h>

#include "file-util.h"
#include "measure.h"
#include "proto/names.h"

#define CALL_LIMIT_USEC (120 * USEC_PER_SEC)
#define TEXT_BYTES_MAX (1u << 20)

/* A text with a place for another id. */
typedef struct Template {
        char *text;
        int before; /* so many bytes stand before the id */
        const char *behind;
} Template;

typedef struct Client {
        sd_bus *bus;
        const Load *load;
        Measure measure;
        Template agent, guild;
        char *messaging;
        char runtime[64];
        bool stopped;
} Client;

/* One call in flight. */
typedef struct Launch {
        Client *client;
        unsigned number;
} Launch;

static char *read_spec(const char *name)
{
        _cleanup_free_ char *path = NULL;
        char *text;
        size_t size;

        if (asprintf(&path, TEST_DATA_DIR "/specs/%s", name) < 0)
                die("Out of memory");
        check(read_file_at(AT_FDCWD, path, TEXT_BYTES_MAX, &text, &size), path);
        return text;
}

/* The first "id" of these texts is their own. */
static void template_read(Template *t, const char *name)
{
        static const char key[] = "\"id\":\"";
        char *id;

        t->text = read_spec(name);
        id = strstr(t->text, key);
        if (!id)
                die("%s has no id", name);
        t->before = (int)(id + strlen(key) - t->text);
        t->behind = strchr(t->text + t->before, '"');
        if (!t->behind)
                die("%s does not end its id", name);
}

static char *template_fill(const Template *t, const char *name, unsigned number)
{
        char *text;

        if (asprintf(&text, "%.*s%s%u%s", t->before, t->text, name, number, t->behind) < 0)
                die("Out of memory");
        return text;
}

static void begin_launches(Client *c);

static int on_created(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Launch *launch = userdata;
        Client *c = launch->client;

        (void)ret_error;

        if (error)
                die("CreateAgent: %s", error->message);
        measure_end(&c->measure, launch->number);
        free(launch);
        begin_launches(c);
        return 0;
}

static int call_manager(Client *c, const char *member, sd_bus_message **ret)
{
        return sd_bus_message_new_method_call(c->bus, ret, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, member);
}

static void create_agent(Client *c, Launch *launch)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *agent = template_fill(&c->agent, "bench", launch->number);
        _cleanup_free_ char *guild = template_fill(&c->guild, "bench", launch->number % c->load->guilds);

        check(call_manager(c, "CreateAgent", &m), "CreateAgent");
        check(sd_bus_message_append(
                      m, "sssa{sv}", agent, guild, c->messaging, 1, "runtime", "s", c->runtime),
                "CreateAgent");
        check(sd_bus_call_async(c->bus, NULL, m, on_created, launch, CALL_LIMIT_USEC), "CreateAgent");
}

static void begin_launches(Client *c)
{
        while (measure_may_begin(&c->measure)) {
                Launch *launch = malloc(sizeof(Launch));

                if (!launch)
                        die("Out of memory");
                *launch = (Launch){ .client = c, .number = measure_begin(&c->measure) };
                create_agent(c, launch);
        }
}

static int on_stopped(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Client *c = userdata;
        uint32_t n;

        (void)ret_error;

        if (error)
                die("ShutdownAgents: %s", error->message);
        check(sd_bus_message_read(reply, "u", &n), "ShutdownAgents");
        if (n != c->load->count)
                die("Of %u agents only %u could be stopped", c->load->count, n);
        c->stopped = true;
        return 0;
}

static void stop_agents(Client *c)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        check(call_manager(c, "ShutdownAgents", &m), "ShutdownAgents");
        check(sd_bus_message_append(m, "u", 0), "ShutdownAgents");
        check(sd_bus_call_async(c->bus, NULL, m, on_stopped, c, CALL_LIMIT_USEC), "ShutdownAgents");
}

static void process_until(Client *c, bool (*is_over)(const Client *c))
{
        while (!is_over(c)) {
                int r = sd_bus_process(c->bus, NULL);

                check(r, "sd_bus_process");
                if (r == 0)
                        check(sd_bus_wait(c->bus, UINT64_MAX), "sd_bus_wait");
        }
}

static bool all_are_launched(const Client *c)
{
        return measure_is_over(&c->measure);
}

static bool all_are_stopped(const Client *c)
{
        return c->stopped;
}

static void watch_service(Client *c, const char *name, const char *unit)
{
        _cleanup_free_ char *path = NULL;
        uint32_t pid;

        check(sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path), unit);
        check(sd_bus_get_property_trivial(c->bus, "org.freedesktop.systemd1", path,
                      "org.freedesktop.systemd1.Service", "MainPID", NULL, 'u', &pid),
                unit);
        if (pid == 0)
                die("%s is not running", unit);
        measure_watch(&c->measure, name, (pid_t)pid);
}

static void prepare(Client *c, const Load *load)
{
        c->load = load;
        template_read(&c->agent, "agent_spec-echo.json");
        template_read(&c->guild, "guild_spec.json");
        c->messaging = read_spec("messaging_config-redis.json");
        snprintf(c->runtime, sizeof(c->runtime), "bench-%s", load->output);

        check(sd_bus_open_system(&c->bus), "Cannot connect to the system bus");
        measure_init(&c->measure, load);
        measure_watch(&c->measure, "broker", bus_process(c->bus));
        watch_service(c, "agenthostd", "agenthostd.service");
        watch_service(c, "launcher", "agenthost-launcher.service");
}

static void finish(Client *c)
{
        sd_bus_flush_close_unref(c->bus);
        measure_done(&c->measure);
        free(c->agent.text);
        free(c->guild.text);
        free(c->messaging);
}

int main(int argc, char *argv[])
{
        Client c = { 0 };
        Load load;

        load_parse(&load, argc, argv);
        prepare(&c, &load);

        await_idle();
        measure_start(&c.measure);
        begin_launches(&c);
        process_until(&c, all_are_launched);
        measure_print(&c.measure);

        stop_agents(&c);
        process_until(&c, all_are_stopped);
        await_idle();
        finish(&c);
        return EXIT_SUCCESS;
}
