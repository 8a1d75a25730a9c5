/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Operations over three hosts: one where nobody listens, one with a real server, and this one. In the order
 * of their names: 127.0.0.9, localhost, self. */

#include "fake-registry.h"
#include "fleet-list.h"
#include "fleet-run.h"
#include "fleet-stop.h"
#include "host-address.h"
#include "log.h"
#include "peer-host.h"

#include "fake/loop.h"

#define DEAD "127.0.0.9:1"
#define SELF "self:50051"

/* What this host does: it answers at once, unless it is told not to. */
struct LocalCreate {
        LocalCreate **holder;
        LocalCreated done;
        void *userdata;
};

struct LocalStop {
        int unused;
};

typedef struct Fixture {
        PeerHost *peer; /* localhost */
        PeerClient *client;
        char *cert_file, *key_file, *peer_address;
        FakeRegistry *registry;
        Discovery *discovery;
        HostStatuses *statuses;
        HostSelector *selector;
        Fleet *fleet;

        GString *local; /* what this host was asked: "create a1; stop a1; " */
        FaultKind local_refuses; /* FAULT_NONE: it does not */
        bool local_waits;
        LocalCreate *waiting;
        const char *here; /* an agent that runs here; NULL: none */
        const char *ended_here;

        FleetRun *run;
        FleetStop *stop;
        FleetList *list;
        unsigned n_answers;
        char *address; /* that was answered */
        bool stopped;
        Fault fault;
        GString *listed; /* "ADDRESS: id id; ADDRESS failed; " */
} Fixture;

static void ignore_log(int level, const LogField *fields, size_t n_fields, const char *text)
{
        (void)level;
        (void)fields;
        (void)n_fields;
        (void)text;
}

/* -- This host -- */

static void look(FleetView *ret, void *userdata)
{
        const Fixture *f = userdata;

        *ret = (FleetView){
                .registry = &f->registry->registry,
                .discovery = f->discovery,
                .selector = f->selector,
                .client = f->client,
                .hostname = "self",
                .address = SELF,
        };
}

static int local_create(const PeerCreate *create,
        LocalCreated done,
        void *userdata,
        LocalCreate **ret,
        void *host,
        Fault *fault)
{
        Fixture *f = host;

        g_assert_nonnull(create->agent_spec);
        g_assert_nonnull(create->request_id);
        g_string_append(f->local, "create; ");
        if (f->local_refuses != FAULT_NONE)
                return fault_set(fault, f->local_refuses, "self refuses");
        if (f->local_waits) {
                f->waiting = g_new0(LocalCreate, 1);
                *f->waiting = (LocalCreate){ ret, done, userdata };
                *ret = f->waiting;
                return 0;
        }
        done(&(PeerCreated){ .agent_id = (char *)"a1", .pid = 1, .object_path = (char *)"/a" }, NULL,
                userdata);
        return 0;
}

static LocalCreate *cancel_create(LocalCreate *create)
{
        if (create)
                *create->holder = NULL;
        g_free(create);
        return NULL;
}

static void local_stop(const char *agent_id,
        uint64_t timeout_usec,
        LocalStopped done,
        void *userdata,
        LocalStop **ret,
        void *host)
{
        Fixture *f = host;

        (void)timeout_usec;
        (void)ret;

        g_string_append_printf(f->local, "stop %s; ", agent_id);
        done(g_strcmp0(agent_id, f->here) == 0 || g_strcmp0(agent_id, f->ended_here) == 0, NULL, userdata);
}

static LocalStop *leave_stop(LocalStop *stop)
{
        g_assert_null(stop);
        return NULL;
}

static bool local_has(const char *agent_id, void *host)
{
        return g_strcmp0(agent_id, ((Fixture *)host)->here) == 0;
}

static bool local_lists(const char *agent_id, void *host)
{
        return local_has(agent_id, host) || g_strcmp0(agent_id, ((Fixture *)host)->ended_here) == 0;
}

static PeerAgent *list_here(const char *guild_id, size_t *ret_n, void *host)
{
        PeerAgent *agents = g_new0(PeerAgent, 1);

        (void)host;

        agents[0] = (PeerAgent){ .agent_id = (char *)"a-self", .guild_id = (char *)guild_id };
        *ret_n = 1;
        return agents;
}

static const FleetLocal local = {
        .look = look,
        .create = local_create,
        .cancel_create = cancel_create,
        .stop = local_stop,
        .leave_stop = leave_stop,
        .has = local_has,
        .lists = local_lists,
        .list = list_here,
};

/* -- The fixture -- */

static void on_location(
        const char *id, LocationState state, const RegistryConflict *conflict, void *userdata)
{
        (void)id;
        (void)state;
        (void)conflict;
        (void)userdata;
}

static void on_state(RegistryState state, const Fault *why, void *userdata)
{
        (void)state;
        (void)why;
        (void)userdata;
}

static void on_hosts(Discovery *discovery, void *userdata)
{
        (void)discovery;
        (void)userdata;
}

static void look_for_selector(SelectView *ret, void *userdata)
{
        const Fixture *f = userdata;

        *ret = (SelectView){
                .registry = &f->registry->registry,
                .discovery = f->discovery,
                .statuses = f->statuses,
                .hostname = "self",
                .address = SELF,
        };
}

static void on_counter(void *userdata)
{
        (void)userdata;
}

static void start_peer(Fixture *f)
{
        f->peer = peer_host_new();
        f->cert_file = test_dir_write(&f->peer->dir, "client-cert.pem", f->peer->client.cert, -1);
        f->key_file = test_dir_write(&f->peer->dir, "client-key.pem", f->peer->client.key, -1);
        peer_host_start(f->peer);
        f->peer_address = g_strdup_printf("localhost:%u", peer_server_port(f->peer->server));
        g_assert_cmpint(
                peer_client_new(f->peer->event,
                        &(PeerClientSettings){ .tls = { f->cert_file, f->key_file, f->peer->ca_file, false },
                                .create_usec = 2 * USEC_PER_SEC,
                                .pause_usec = USEC_PER_MSEC,
                                .again_usec = USEC_PER_SEC / 2 },
                        &f->client),
                >=, 0);
}

static const SelectHandlers select_handlers = {
        .look = look_for_selector,
        .counter_changed = on_counter,
};

static void set_up(Fixture *f, const void *data)
{
        static const RegistryHandlers registry_handlers = {
                .location_changed = on_location,
                .state_changed = on_state,
        };
        char *peers[4] = { NULL };

        (void)data;

        log_set_sink(ignore_log);
        start_peer(f);
        f->registry = fake_registry_new(f->peer->event, &registry_handlers, f);
        peers[0] = (char *)DEAD;
        peers[1] = f->peer_address;
        peers[2] = (char *)SELF;
        g_assert_cmpint(discovery_new(f->peer->event,
                                &(DiscoverySettings){ .source = DISCOVERY_STATIC, .peers = peers }, on_hosts,
                                f, &f->discovery, NULL),
                ==, 0);
        f->statuses = host_statuses_new();
        f->selector = host_selector_new(&select_handlers, f);
        f->fleet = fleet_new(&local, f);
        f->local = g_string_new(NULL);
        f->listed = g_string_new(NULL);
}

static void tear_down(Fixture *f, const void *data)
{
        (void)data;

        fleet_free(f->fleet);
        host_selector_free(f->selector);
        host_statuses_free(f->statuses);
        discovery_free(f->discovery);
        registry_free(&f->registry->registry);
        peer_client_free(f->client);
        peer_host_free(f->peer);
        g_string_free(f->local, TRUE);
        g_string_free(f->listed, TRUE);
        fault_done(&f->fault);
        g_free(f->cert_file);
        g_free(f->key_file);
        g_free(f->peer_address);
        g_free(f->address);
        log_set_sink(NULL);
}

static void take_fault(Fixture *f, const Fault *fault)
{
        f->n_answers++;
        fault_done(&f->fault);
        if (fault)
                fault_set(&f->fault, fault->kind, "%s", fault_text(fault));
}

static void on_run(const char *host_address, const Fault *fault, void *userdata)
{
        Fixture *f = userdata;

        g_assert_null(f->run);
        take_fault(f, fault);
        f->address = g_strdup(host_address);
}

/* host: NULL: whose turn it is. */
static void run_on(Fixture *f, const char *id, const char *request_id, const char *host)
{
        PeerCreate create = {
                .agent_spec = g_strdup_printf("{\"id\": \"%s\", \"name\": \"One\"}", id),
                .guild_spec = g_strdup("{\"id\": \"g\"}"),
                .messaging_config = g_strdup(""),
                .request_id = g_strdup(request_id),
        };

        f->n_answers = 0;
        g_clear_pointer(&f->address, g_free);
        fleet_run(f->fleet,
                &(FleetRunRequest){
                        .agent_id = id, .create = &create, .strategy = PLACEMENT_ROUND_ROBIN, .host = host },
                on_run, f, &f->run);
        g_assert_null(create.agent_spec);
}

static void run(Fixture *f, const char *id, const char *request_id)
{
        run_on(f, id, request_id, NULL);
}

/* turn: 1 dead, 2 peer, 3 self. */
static void run_at(Fixture *f, const char *id, const char *request_id, unsigned turn)
{
        run(f, id, request_id);
        fake_registry_answer(f->registry, &(RegistryAnswer){ .turn = turn });
}

static bool is_answered(void *userdata)
{
        return ((Fixture *)userdata)->n_answers > 0;
}

static void await_answer(Fixture *f)
{
        loop_until(f->peer->event, is_answered, f);
        g_assert_cmpuint(f->n_answers, ==, 1);
}

#define assert_fault(f, wanted, text)                                      \
        do {                                                               \
                g_assert_cmpint((f)->fault.kind, ==, wanted);              \
                g_assert_nonnull(strstr(fault_text(&(f)->fault), (text))); \
        } while (0)

/* -- Running -- */

static void test_agent_runs_on_the_host_whose_turn_it_is(Fixture *f, const void *data)
{
        (void)data;

        run_at(f, "a1", NULL, 2);
        await_answer(f);
        g_assert_cmpstr(f->address, ==, f->peer_address);
        g_assert_cmpstr(f->peer->asked->str, ==, "create a1\n");
        g_assert_nonnull(f->peer->request_id);
        g_assert_cmpstr(f->local->str, ==, "");

        run_at(f, "a2", NULL, 3);
        g_assert_cmpuint(f->n_answers, ==, 1);
        g_assert_cmpstr(f->address, ==, SELF);
        g_assert_cmpstr(f->local->str, ==, "create; ");
}

static void test_host_that_cannot_be_reached_is_followed_by_the_next(Fixture *f, const void *data)
{
        (void)data;

        run_at(f, "a1", NULL, 1);
        await_answer(f);
        g_assert_cmpstr(f->address, ==, f->peer_address);

        /* It is passed over for a while. */
        run_at(f, "a2", NULL, 1);
        await_answer(f);
        g_assert_cmpstr(f->address, ==, f->peer_address);
}

static void test_host_that_refuses_is_followed_by_the_next(Fixture *f, const void *data)
{
        static const char *const refusals[] = { "org.agenthost.Host1.Error.LimitReached",
                "org.agenthost.Host1.Error.Draining" };

        (void)data;

        for (size_t i = 0; i < ELEMENTSOF(refusals); i++) {
                run_at(f, refusals[i], NULL, 2);
                await_answer(f);
                g_assert_cmpstr(f->address, ==, SELF);
                /* Nobody is passed over by another one. */
                host_selector_free(f->selector);
                f->selector = host_selector_new(&select_handlers, f);
        }
        g_assert_cmpuint(f->peer->n_asked, ==, 2);
}

static void test_all_who_do_not_take_it_are_told(Fixture *f, const void *data)
{
        (void)data;

        f->local_refuses = FAULT_DRAINING;
        run_at(f, "org.agenthost.Host1.Error.LimitReached", NULL, 3);
        await_answer(f);
        g_assert_null(f->address);
        assert_fault(
                f, FAULT_LIMIT_REACHED, "self: self refuses; 127.0.0.9: Host 127.0.0.9 cannot be reached: ");
        assert_fault(f, FAULT_LIMIT_REACHED, "; localhost: It is called so");
        g_assert_cmpuint(f->peer->n_asked, ==, 1);
}

static void test_E2_fault_of_the_host_is_the_answer(Fixture *f, const void *data)
{
        (void)data;

        run_at(f, "org.agenthost.Host1.Error.StartFailed", NULL, 2);
        await_answer(f);
        assert_fault(f, FAULT_START_FAILED, "It is called so");
        g_assert_cmpstr(f->local->str, ==, "");
}

static void test_E3_answer_that_is_lost_is_asked_for_again_and_of_nobody_else(Fixture *f, const void *data)
{
        (void)data;

        run_at(f, "never", NULL, 2);
        await_answer(f);
        assert_fault(f, FAULT_PEER_UNREACHABLE, "Host localhost has not answered");
        /* The second one has joined the first. */
        g_assert_cmpuint(f->peer->n_asked, ==, 1);
        g_assert_cmpstr(f->local->str, ==, "");
}

static void test_agent_that_is_here_is_asked_for_here(Fixture *f, const void *data)
{
        (void)data;

        f->here = "a1";
        f->local_refuses = FAULT_AGENT_EXISTS;
        run(f, "a1", NULL);
        g_assert_cmpuint(f->n_answers, ==, 1);
        assert_fault(f, FAULT_AGENT_EXISTS, "self refuses");
        fake_registry_expect(f->registry, "");
}

static void test_repeated_request_finds_the_host_that_has_the_agent(Fixture *f, const void *data)
{
        (void)data;

        f->local_refuses = FAULT_AGENT_EXISTS;
        run_at(f, "a1", "r-1", 3);
        fake_registry_answer(f->registry, &(RegistryAnswer){ .address = f->peer_address });
        await_answer(f);
        g_assert_cmpstr(f->address, ==, f->peer_address);

        /* Not where it was refused, and not without a request_id. */
        run_at(f, "a1", "r-1", 3);
        fake_registry_answer(f->registry, &(RegistryAnswer){ .address = SELF });
        assert_fault(f, FAULT_AGENT_EXISTS, "self refuses");
        run_at(f, "a1", NULL, 3);
        g_assert_cmpuint(f->n_answers, ==, 1);
        assert_fault(f, FAULT_AGENT_EXISTS, "self refuses");
}

static void test_host_that_is_named_is_the_only_one_asked(Fixture *f, const void *data)
{
        (void)data;

        run_on(f, "a1", NULL, "localhost");
        await_answer(f);
        g_assert_cmpstr(f->address, ==, f->peer_address);

        run_on(f, "a2", NULL, DEAD);
        await_answer(f);
        assert_fault(f, FAULT_PEER_UNREACHABLE, "Host 127.0.0.9 cannot be reached");

        run_on(f, "a3", NULL, "nobody");
        await_answer(f);
        assert_fault(f, FAULT_INVALID_ARGS, "nobody");
        fake_registry_expect(f->registry, "");
        g_assert_cmpstr(f->local->str, ==, "");
}

static void test_run_that_is_given_up_is_cancelled_where_it_is(Fixture *f, const void *data)
{
        (void)data;

        f->local_waits = true;
        run_at(f, "a1", NULL, 3);
        g_assert_nonnull(f->run);
        fleet_run_free(f->run);
        g_assert_null(f->run);
        g_assert_cmpuint(f->n_answers, ==, 0);

        run_at(f, "never", NULL, 2);
        peer_host_until_waiting(f->peer, 1);
        fleet_run_free(f->run);
        peer_host_until_cancelled(f->peer, 1);

        run(f, "a1", NULL);
        fleet_run_free(f->run);
        g_assert_null(f->registry->call);
        g_assert_cmpuint(f->n_answers, ==, 0);
}

static void test_who_waits_is_answered_when_the_fleet_ends(Fixture *f, const void *data)
{
        (void)data;

        run_at(f, "never", NULL, 2);
        peer_host_until_waiting(f->peer, 1);
        f->fleet = fleet_free(f->fleet);
        g_assert_cmpuint(f->n_answers, ==, 1);
        assert_fault(f, FAULT_FAILED, "agenthostd stops");
}

/* -- Stopping -- */

static void on_stop(bool stopped, const Fault *fault, void *userdata)
{
        Fixture *f = userdata;

        g_assert_null(f->stop);
        take_fault(f, fault);
        f->stopped = stopped;
}

/* address: where the registry has it. */
static void stop(Fixture *f, const char *id, const char *address)
{
        f->n_answers = 0;
        fleet_stop(f->fleet, id, 7 * USEC_PER_SEC, on_stop, f, &f->stop);
        if (f->n_answers == 0)
                fake_registry_answer(f->registry, &(RegistryAnswer){ .address = address });
}

static void test_agent_is_stopped_where_it_is(Fixture *f, const void *data)
{
        (void)data;

        stop(f, "a1", f->peer_address);
        await_answer(f);
        g_assert_true(f->stopped);
        g_assert_cmpstr(f->peer->asked->str, ==, "stop a1 7\n");

        f->here = "a2";
        stop(f, "a2", NULL);
        g_assert_true(f->stopped);
        g_assert_cmpstr(f->local->str, ==, "stop a2; ");
}

static void test_E4_unknown_agent_is_nowhere_to_be_stopped(Fixture *f, const void *data)
{
        (void)data;

        stop(f, "a1", NULL);
        fake_registry_expect(f->registry, "find a1; evict a1 -; ");
        fake_registry_answer(f->registry, &(RegistryAnswer){ .evicted = false });
        g_assert_cmpuint(f->n_answers, ==, 1);
        assert_fault(f, FAULT_NO_SUCH_AGENT, "Agent a1 not found in location registry");

        /* What has ended here is forgotten by it. */
        f->ended_here = "a2";
        stop(f, "a2", NULL);
        g_assert_cmpint(f->fault.kind, ==, FAULT_NONE);
        g_assert_true(f->stopped);
}

/* It does not run, and is not going to: its host is lost. */
static void test_agent_that_waits_for_a_host_is_let_go_of(Fixture *f, const void *data)
{
        (void)data;

        stop(f, "a1", NULL);
        fake_registry_answer(f->registry, &(RegistryAnswer){ .evicted = true });
        g_assert_cmpuint(f->n_answers, ==, 1);
        g_assert_cmpint(f->fault.kind, ==, FAULT_NONE);
        g_assert_false(f->stopped);
}

static void test_E5_host_that_does_not_have_it_answers_false(Fixture *f, const void *data)
{
        (void)data;

        stop(f, "no-such", f->peer_address);
        await_answer(f);
        g_assert_cmpint(f->fault.kind, ==, FAULT_NONE);
        g_assert_false(f->stopped);
}

static bool is_asked(void *userdata)
{
        return ((Fixture *)userdata)->registry->call;
}

static void stop_on_dead_host(Fixture *f, bool is_gone)
{
        stop(f, "a1", DEAD);
        loop_until(f->peer->event, is_asked, f);
        fake_registry_expect(f->registry, "find a1; evict a1 " DEAD "; ");
        fake_registry_answer(f->registry, &(RegistryAnswer){ .evicted = is_gone });
        g_assert_cmpuint(f->n_answers, ==, 1);
        g_assert_false(f->stopped);
}

static void test_E6_host_that_cannot_be_reached_is_told_unless_it_is_gone(Fixture *f, const void *data)
{
        (void)data;

        stop_on_dead_host(f, false);
        assert_fault(f, FAULT_PEER_UNREACHABLE, "Host 127.0.0.9 cannot be reached");

        stop_on_dead_host(f, true);
        g_assert_cmpint(f->fault.kind, ==, FAULT_NONE);
}

/* -- Listing -- */

static void on_list(const FleetListed *listed, size_t n, const Fault *fault, void *userdata)
{
        Fixture *f = userdata;

        g_assert_null(f->list);
        take_fault(f, fault);
        for (size_t i = 0; i < n; i++) {
                g_string_append_printf(f->listed, "%.*s",
                        (int)host_address_hostname_length(listed[i].host_address), listed[i].host_address);
                if (listed[i].failure)
                        g_string_append(f->listed, " failed");
                for (size_t k = 0; k < listed[i].n_agents; k++)
                        g_string_append_printf(f->listed, " %s", listed[i].agents[k].agent_id);
                g_string_append(f->listed, "; ");
        }
}

static void test_E7_agents_of_all_hosts_are_listed_and_who_did_not_answer(Fixture *f, const void *data)
{
        (void)data;

        f->peer->n_agents_listed = 2;
        fleet_list(f->fleet, "g", on_list, f, &f->list);
        await_answer(f);
        g_assert_cmpstr(f->listed->str, ==, "127.0.0.9 failed; localhost agent-1 agent-1; self a-self; ");
        g_assert_cmpstr(f->peer->asked->str, ==, "list g\n");
}

static void test_list_that_is_given_up_never_comes(Fixture *f, const void *data)
{
        (void)data;

        f->peer->mode = PEER_HOST_WAITS;
        fleet_list(f->fleet, "", on_list, f, &f->list);
        peer_host_until_waiting(f->peer, 1);
        fleet_list_free(f->list);
        g_assert_null(f->list);
        peer_host_until_cancelled(f->peer, 1);
        g_assert_cmpuint(f->n_answers, ==, 0);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);

#define ADD(name, function) g_test_add("/fleet/" name, Fixture, NULL, set_up, test_##function, tear_down)
        ADD("agent-runs-on-the-host-whose-turn-it-is", agent_runs_on_the_host_whose_turn_it_is);
        ADD("host-that-cannot-be-reached-is-followed-by-the-next",
                host_that_cannot_be_reached_is_followed_by_the_next);
        ADD("host-that-refuses-is-followed-by-the-next", host_that_refuses_is_followed_by_the_next);
        ADD("all-who-do-not-take-it-are-told", all_who_do_not_take_it_are_told);
        ADD("E2-fault-of-the-host-is-the-answer", E2_fault_of_the_host_is_the_answer);
        ADD("E3-answer-that-is-lost-is-asked-for-again-and-of-nobody-else",
                E3_answer_that_is_lost_is_asked_for_again_and_of_nobody_else);
        ADD("agent-that-is-here-is-asked-for-here", agent_that_is_here_is_asked_for_here);
        ADD("repeated-request-finds-the-host-that-has-the-agent",
                repeated_request_finds_the_host_that_has_the_agent);
        ADD("host-that-is-named-is-the-only-one-asked", host_that_is_named_is_the_only_one_asked);
        ADD("run-that-is-given-up-is-cancelled-where-it-is", run_that_is_given_up_is_cancelled_where_it_is);
        ADD("who-waits-is-answered-when-the-fleet-ends", who_waits_is_answered_when_the_fleet_ends);
        ADD("agent-is-stopped-where-it-is", agent_is_stopped_where_it_is);
        ADD("E4-unknown-agent-is-nowhere-to-be-stopped", E4_unknown_agent_is_nowhere_to_be_stopped);
        ADD("agent-that-waits-for-a-host-is-let-go-of", agent_that_waits_for_a_host_is_let_go_of);
        ADD("E5-host-that-does-not-have-it-answers-false", E5_host_that_does_not_have_it_answers_false);
        ADD("E6-host-that-cannot-be-reached-is-told-unless-it-is-gone",
                E6_host_that_cannot_be_reached_is_told_unless_it_is_gone);
        ADD("E7-agents-of-all-hosts-are-listed-and-who-did-not-answer",
                E7_agents_of_all_hosts_are_listed_and_who_did_not_answer);
        ADD("list-that-is-given-up-never-comes", list_that_is_given_up_never_comes);
#undef ADD

        return g_test_run();
}
