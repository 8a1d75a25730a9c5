/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Guild specs, once per content: agents of a guild come with the same text, which may be large. A GuildText
 * is parsed once, written once (a file named by its digest beside the agents' state) and handed to the
 * launcher as one memory file. It lives as long as an agent refers to it: the agents are its real holders,
 * so it is counted. Used by agent-start.c and store.c. */

#include <glib.h>

#include "fault.h"

typedef struct Store Store;
typedef struct GuildTexts GuildTexts; /* all there are; owned by the Host */

typedef struct GuildText {
        GuildTexts *texts; /* borrowed; NULL once the table is gone */
        unsigned references;
        char *guild_id;
        char *text;
        char *digest; /* SHA-256 in hex */
        int memfd; /* sealed; made when first asked for */
} GuildText;

/* The files are in the store's directory (borrowed). */
GuildTexts *guild_texts_new(Store *store);
GuildTexts *guild_texts_free(GuildTexts *texts);

/* The guild of this text: the one that is known, or a new one. A reference is returned. Faults: InvalidSpec;
 * StartFailed when it cannot be written. */
int guild_texts_take(GuildTexts *texts, const char *text, GuildText **ret, Fault *fault);

/* The same by digest, read from its file: at start. -ENOENT when there is none, -EBADMSG when it is broken.
 */
int guild_texts_load(GuildTexts *texts, const char *digest, GuildText **ret);

/* Its file is not removed, whether or not an agent refers to it: one that cannot be read here does. */
void guild_texts_keep(GuildTexts *texts, const char *digest);

/* Removes files that no agent refers to: at start, after all agents have been read. */
void guild_texts_sweep(GuildTexts *texts);

/* The memory file, owned by the GuildText; or -errno. */
int guild_text_memfd(GuildText *guild);

GuildText *guild_text_unref(GuildText *guild);
