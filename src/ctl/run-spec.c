/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-spec.h"

#include <fcntl.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "json-check.h"
#include "json-slice.h"

/* agenthostd takes no larger texts. */
#define FILE_MAX (4u * 1024 * 1024)
#define DEPTH_MAX 64

static void spec_free(gpointer p)
{
        RunSpec *s = p;

        g_free(s->id);
        g_free(s->agent);
        g_free(s->request_id);
        g_free(s);
}

void run_specs_done(RunSpecs *l)
{
        g_clear_pointer(&l->items, g_ptr_array_unref);
        g_clear_pointer(&l->texts, g_ptr_array_unref);
        g_clear_pointer(&l->client_properties, g_free);
}

/* Any file, also a pipe. */
static int read_text(const char *path, char **ret, Fault *fault)
{
        _cleanup_close_ int opened = -EBADF;
        g_autoptr(GString) text = g_string_new(NULL);
        int fd = STDIN_FILENO;
        char buffer[65536];
        ssize_t n;

        if (strcmp(path, "-") != 0)
                fd = opened = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return fault_set(fault, FAULT_INVALID_ARGS, "%s: %s", path, strerror(errno));
        while ((n = read(fd, buffer, sizeof(buffer))) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return fault_set(fault, FAULT_INVALID_ARGS, "%s: %s", path, strerror(errno));
                g_string_append_len(text, buffer, n);
                if (text->len > FILE_MAX)
                        return fault_set(
                                fault, FAULT_INVALID_ARGS, "%s: more than %u MiB", path, FILE_MAX >> 20);
        }
        if (memchr(text->str, '\0', text->len))
                return fault_set(fault, FAULT_INVALID_SPEC, "%s: there is a NUL byte in it", path);

        *ret = g_string_free(g_steal_pointer(&text), false);
        return 0;
}

/* A JSON object in a file. */
static int read_object(const char *path, char **ret, Fault *fault)
{
        static const char *const nothing[] = { NULL };
        const JsonLimits limits = { .bytes = FILE_MAX, .depth = DEPTH_MAX, .members = nothing };
        const char *what = strcmp(path, "-") == 0 ? "standard input" : path;
        _cleanup_json_ struct json_object *ignored = NULL;
        g_autofree char *text = NULL;
        int r;

        r = read_text(path, &text, fault);
        if (r < 0)
                return r;
        if (g_str_has_suffix(path, ".yaml") || g_str_has_suffix(path, ".yml"))
                return fault_set(fault, FAULT_INVALID_SPEC,
                        "%s: YAML is not taken; turn it into JSON, say with 'yq -o=json %s | agentctl run -'",
                        path, path);
        r = json_parse_strict(what, text, strlen(text), &limits, &ignored, fault);
        if (r < 0)
                return r;
        if (!json_object_is_type(ignored, json_type_object))
                return fault_set(fault, FAULT_INVALID_SPEC, "%s: expected a JSON object", what);

        *ret = steal_ptr(text);
        return 0;
}

static char *slice_copy(JsonSlice slice)
{
        return g_strndup(slice.text, slice.size);
}

/* What a JSON text means; NULL: it is none. */
static char *slice_decode(JsonSlice slice)
{
        const JsonLimits limits = { .bytes = FILE_MAX, .depth = 1 };
        _cleanup_json_ struct json_object *o = NULL;

        if (json_slice_type(slice) != '"' ||
                json_parse_strict("text", slice.text, slice.size, &limits, &o, NULL) < 0)
                return NULL;
        return g_strdup(json_object_get_string(o));
}

static char *keep(RunSpecs *l, char *text)
{
        g_ptr_array_add(l->texts, text);
        return text;
}

static RunSpec *add(RunSpecs *l, JsonSlice agent, char *guild, char *messaging)
{
        RunSpec *s = g_new(RunSpec, 1);
        char *id = slice_decode(json_slice_member(agent, "id"));

        *s = (RunSpec){
                .id = id ? id : g_strdup(""),
                .agent = slice_copy(agent),
                .guild = guild,
                .messaging = messaging,
        };
        g_ptr_array_add(l->items, s);
        return s;
}

/* As --messaging= says, else as the guild's spec says, else none. */
static char *find_messaging(RunSpecs *l, const char *given, const char *guild)
{
        JsonSlice spec = { guild, strlen(guild) };
        JsonSlice found = json_slice_member(json_slice_member(spec, "properties"), "messaging");

        if (given)
                return (char *)given;
        return keep(l, json_slice_type(found) == '{' ? slice_copy(found) : g_strdup(""));
}

static int add_guild(RunSpecs *l, const char *path, char *text, const char *given_messaging, Fault *fault)
{
        JsonSlice agents = json_slice_member((JsonSlice){ text, strlen(text) }, "agents"), agent;
        char *messaging = find_messaging(l, given_messaging, text);
        size_t position = 0;
        unsigned n = 0;

        for (; json_slice_next(agents, &position, &agent); n++) {
                if (json_slice_type(agent) != '{')
                        return fault_set(
                                fault, FAULT_INVALID_SPEC, "%s: $.agents[%u]: expected an object", path, n);
                (void)add(l, agent, text, messaging);
        }
        if (n == 0)
                return fault_set(fault, FAULT_INVALID_SPEC, "%s: the guild has no agents", path);
        return 0;
}

/* An agent's spec names its guild by id, which is a spec of a kind. NULL: it does not, and has to. */
static char *make_guild(RunSpecs *l, JsonSlice agent)
{
        JsonSlice id = json_slice_member(agent, "guild_id");

        if (json_slice_type(id) != '"')
                return l->guilds_optional ? keep(l, g_strdup("{}")) : NULL;
        return keep(l, g_strdup_printf("{\"id\":%.*s}", (int)id.size, id.text));
}

static int add_agent(RunSpecs *l,
        const char *path,
        const char *text,
        char *given_guild,
        const char *given_messaging,
        Fault *fault)
{
        JsonSlice agent = { text, strlen(text) };
        char *guild = given_guild ? given_guild : make_guild(l, agent);

        if (!guild)
                return fault_set(fault, FAULT_INVALID_SPEC,
                        "%s: which guild is the agent of? Give --guild=FILE with the guild's spec, or a \"guild_id\" in "
                        "the agent's",
                        path);
        (void)add(l, agent, guild, find_messaging(l, given_messaging, guild));
        return 0;
}

/* A repeat of the call after a lost answer starts nothing twice. */
static int name_requests(const Options *o, RunSpecs *l, Fault *fault)
{
        if (o->request_id && l->items->len != 1)
                return fault_set(fault, FAULT_INVALID_ARGS,
                        "--request-id= is for one agent, and these are %u", l->items->len);

        for (guint i = 0; i < l->items->len; i++) {
                RunSpec *s = l->items->pdata[i];
                char text[SD_ID128_STRING_MAX];
                sd_id128_t id;

                if (sd_id128_randomize(&id) < 0)
                        return -EIO;
                s->request_id = g_strdup(o->request_id ? o->request_id : sd_id128_to_string(id, text));
        }
        return 0;
}

static int read_given(const Options *o, RunSpecs *l, char **ret_guild, char **ret_messaging, Fault *fault)
{
        const struct {
                const char *path;
                char **ret;
        } files[] = { { o->guild, ret_guild }, { o->messaging, ret_messaging } };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                if (!files[i].path)
                        continue;
                r = read_object(files[i].path, files[i].ret, fault);
                if (r < 0)
                        return r;
                (void)keep(l, *files[i].ret);
        }
        return o->client_properties ? read_object(o->client_properties, &l->client_properties, fault) : 0;
}

static int read_specs(
        const Options *o, char *const *paths, bool guilds_optional, RunSpecs *ret, Fault *fault)
{
        _cleanup_(run_specs_done) RunSpecs l = {
                .guilds_optional = guilds_optional,
                .items = g_ptr_array_new_with_free_func(spec_free),
                .texts = g_ptr_array_new_with_free_func(g_free),
        };
        char *guild = NULL, *messaging = NULL;
        int r;

        r = read_given(o, &l, &guild, &messaging, fault);
        for (; r >= 0 && *paths; paths++) {
                char *text;

                r = read_object(*paths, &text, fault);
                if (r < 0)
                        break;
                (void)keep(&l, text);
                if (json_slice_member((JsonSlice){ text, strlen(text) }, "agents").text)
                        r = add_guild(&l, *paths, text, messaging, fault);
                else
                        r = add_agent(&l, *paths, text, guild, messaging, fault);
        }
        if (r >= 0)
                r = name_requests(o, &l, fault);
        if (r < 0)
                return r;

        *ret = l;
        l = (RunSpecs){ 0 };
        return 0;
}

int run_specs_read(const Options *o, char *const *paths, RunSpecs *ret, Fault *fault)
{
        return read_specs(o, paths, false, ret, fault);
}

int run_specs_read_agents(const Options *o, char *const *paths, RunSpecs *ret, Fault *fault)
{
        return read_specs(o, paths, true, ret, fault);
}
