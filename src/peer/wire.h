/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How requests and answers look as JSON; data/openapi/agenthost-peer.yaml describes the same. The server
 * reads requests strictly: a member that it does not know is an error, as a caller must not believe in a
 * wish that nobody has heard. The client ignores what it does not know: an answer may come from a newer
 * host.
 *
 * The specs travel as texts inside of JSON, to arrive to the byte as they were given. */

#include <glib.h>

#include "fault.h"
#include "peer.h"

/* The depth of a request, which has only its options inside. */
#define WIRE_DEPTH_MAX 8

/* One may hold the names and states of all agents of a host. */
#define WIRE_ANSWER_MAX (64u * 1024 * 1024)

#define WIRE_JSON "application/json"
#define WIRE_PROBLEM "application/problem+json"

#define WIRE_AGENTS "/v1/agents"
#define WIRE_HEALTH "/v1/health"

/* Requests. Fault of reading: InvalidArgs, which names the member. */
GBytes *wire_write_create(const PeerCreate *create);
int wire_read_create(const char *text, size_t size, PeerCreate *ret, Fault *fault);

/* Answers. Fault of reading: Failed. */
GBytes *wire_write_created(const PeerCreated *created);
int wire_read_created(const char *text, size_t size, PeerCreated *ret, Fault *fault);

GBytes *wire_write_stopped(bool stopped);
int wire_read_stopped(const char *text, size_t size, bool *ret, Fault *fault);

GBytes *wire_write_agent(const PeerAgent *agent);
int wire_read_agent(const char *text, size_t size, PeerAgent *ret, Fault *fault);

/* ret: of PeerAgent, which it frees. */
GBytes *wire_write_agents(const PeerAgent *agents, size_t n_agents);
int wire_read_agents(const char *text, size_t size, GArray **ret, Fault *fault);

GBytes *wire_write_health(const PeerHealth *health);
int wire_read_health(const char *text, size_t size, PeerHealth *ret, Fault *fault);

/* Problem details as in RFC 9457: type, title, status, detail, and in the member "error" the D-Bus name. */
GBytes *wire_write_problem(unsigned status, FaultKind kind, const char *text);

/* Sets the fault that was meant; Failed, with what can be known, for a text that is no problem. */
void wire_read_problem(const char *text, size_t size, unsigned status, Fault *fault);

/* The HTTP status of a kind. */
unsigned wire_status(FaultKind kind);

/* What a status is called; "" for one that we do not use. */
const char *wire_status_title(unsigned status);

/* The path of an agent, "/v1/agents/a%2Fb". The caller's (g_free). */
char *wire_agent_path(const char *agent_id);
