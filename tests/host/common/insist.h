/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A client that asks again when its call fails, or is not answered, until it has got what it asked for. Any
 * error that comes of the death of a service, or of its being short of something, may come; no other. */

#include <glib.h>
#include <sys/types.h>

#include "client.h"

/* Until it is ready. */
void insist_on_create(Client *client, const char *id, const char *runtime);
void insist_on_stop(Client *client, const char *id);
void insist_on_forgetting(Client *client);

/* Drain with its agents stopped, or Resume. */
void insist_on_draining(Client *client, bool drain);

void insist_on_freezing(Client *client, const char *id, bool freeze);

/* Kill() of its object, until the main process has ended of it. */
void insist_on_killing(Client *client, const char *id, const char *who, int signal_number);

/* Restart() of one that waits to be started again. */
void insist_on_restart(Client *client, const char *id);

/* Whether a start of this agent was asked for again. What came of a call that was not answered may have been
 * stopped then, for nobody knew of it or for the next start. */
bool insist_asked_again(const char *id);

/* A property of an agent, waited for without signals: what has happened swallows some perhaps. */
void insist_wait(Client *client, const char *id, const char *property, const char *expected);

pid_t insist_pid(Client *client, const char *id);

/* Of the manager. */
void insist_expect_draining(Client *client, const char *expected);

/* Ends the test if it has gone on for too long since then. */
void insist_check_time(gint64 since, const char *what);
