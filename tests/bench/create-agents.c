/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ours: the same launches and stops asked of agenthostd, by one client over the system bus, with real specs.
 */

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
} Client;

/* One call in flight: a launch, or a stop. */
typedef struct Call {
        Client *client;
        unsigned number;
} Call;

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
static void begin_stops(Client *c);

static Call *begin_call(Client *c)
{
        Call *call = malloc(sizeof(Call));

        if (!call)
                die("Out of memory");
        *call = (Call){ .client = c, .number = measure_begin(&c->measure) };
        return call;
}

static Client *end_call(Call *call)
{
        Client *c = call->client;

        measure_end(&c->measure, call->number);
        free(call);
        return c;
}

static const char *create_member(const Client *c)
{
        return c->load->anywhere ? "RunAgent" : "CreateAgent";
}

static int on_created(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);

        (void)ret_error;

        if (error)
                die("%s: %s", create_member(((Call *)userdata)->client), error->message);
        begin_launches(end_call(userdata));
        return 0;
}

static int call_manager(Client *c, const char *member, sd_bus_message **ret)
{
        return sd_bus_message_new_method_call(c->bus, ret, BUS_NAME, HOST_PATH, MANAGER_INTERFACE, member);
}

static void create_agent(Client *c, Call *call)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *agent = template_fill(&c->agent, c->load->name, call->number);
        _cleanup_free_ char *guild = template_fill(&c->guild, c->load->name, call->number % c->load->guilds);

        check(call_manager(c, create_member(c), &m), "CreateAgent");
        check(sd_bus_message_append(
                      m, "sssa{sv}", agent, guild, c->messaging, 1, "runtime", "s", c->runtime),
                "CreateAgent");
        check(sd_bus_call_async(c->bus, NULL, m, on_created, call, CALL_LIMIT_USEC), "CreateAgent");
}

static void begin_launches(Client *c)
{
        while (measure_may_begin(&c->measure))
                create_agent(c, begin_call(c));
}

static int on_stopped(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        const Call *call = userdata;
        int stopped;

        (void)ret_error;

        if (error)
                die("StopAgent: %s", error->message);
        check(sd_bus_message_read(reply, "b", &stopped), "StopAgent");
        if (!stopped)
                die("Agent %s%u was not there to be stopped", call->client->load->name, call->number);
        begin_stops(end_call(userdata));
        return 0;
}

static void stop_agent(Client *c, Call *call)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *id = NULL;

        if (asprintf(&id, "%s%u", c->load->name, call->number) < 0)
                die("Out of memory");
        check(call_manager(c, c->load->anywhere ? "StopAgentAnywhere" : "StopAgent", &m), "StopAgent");
        check(sd_bus_message_append(m, "su", id, 0), "StopAgent");
        check(sd_bus_call_async(c->bus, NULL, m, on_stopped, call, CALL_LIMIT_USEC), "StopAgent");
}

static void begin_stops(Client *c)
{
        while (measure_may_begin(&c->measure))
                stop_agent(c, begin_call(c));
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

static bool all_are_done(const Client *c)
{
        return measure_is_over(&c->measure);
}

static void launch_all(Client *c)
{
        await_idle();
        load_await_begin(c->load);
        measure_start(&c->measure, c->load->in_flight);
        begin_launches(c);
        process_until(c, all_are_done);
        measure_print(&c->measure, "");
}

static void stop_all(Client *c)
{
        await_idle();
        measure_start(&c->measure, c->load->stops_in_flight);
        begin_stops(c);
        process_until(c, all_are_done);
        measure_print(&c->measure, "stop_");
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

        launch_all(&c);
        if (!load.keep)
                stop_all(&c);
        await_idle();
        finish(&c);
        return EXIT_SUCCESS;
}
