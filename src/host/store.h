/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What agenthostd must know again after its own death: one JSON file an agent in /run/agenthost/agents,
 * written atomically before the step that it describes becomes visible. What systemd, the kernel or the
 * launcher can tell is not in it, but for the main pid, which only a dead launcher knew. Fields that this
 * version does not know are kept. */

#include "agent.h"
#include "guild-text.h"

typedef struct Store Store;

/* Opens the directory; its fd stays open, so a later mount over /run does not matter. */
int store_open(const char *path, Store **ret);
Store *store_free(Store *store);

int store_dir_fd(const Store *store);

/* 0 or -errno; the old file is intact then. */
int store_save(Store *store, const Agent *agent);
void store_remove(Store *store, const Agent *agent);

/* Of any file in the directory, by name. One that cannot be removed, which is logged, is a leftover from
 * then on, until store_remove_leftovers() can, or the file is somebody's again. */
void store_remove_file(Store *store, const char *name);
void store_keep_file(Store *store, const char *name);
bool store_has_leftovers(const Store *store);

/* Whether none is left. */
bool store_remove_leftovers(Store *store);

/* Reads all agents and hands each over; removes what a crash left half-written, and broken files, with a
 * logged error. One that only a newer version can read is kept under another name, and so is the file of its
 * guild. */
typedef void (*StoreLoaded)(Agent *agent, void *userdata);
int store_load(Store *store, Host *host, GuildTexts *guilds, StoreLoaded loaded, void *userdata);
