/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One place for what the programs say. Lines go to standard error until a sink is set; the daemons set
 * the journal's (bus/log-journal.h), so that fields arrive as fields. Who gives up on an operation logs,
 * once; helpers return errors and are silent. */

#include <syslog.h>

#include "macros.h"

typedef struct LogField {
        const char *name; /* as the journal wants it: AGENT_ID */
        const char *value; /* NULL: left out */
} LogField;

#define LOG_FIELDS_MAX 12

typedef void (*LogSink)(int level, const LogField *fields, size_t n_fields, const char *text);

void log_set_sink(LogSink sink);

/* Lines above this syslog level are dropped. The default is LOG_INFO. */
void log_set_level(int level);
int log_level(void);

/* "err", "warning", "info", "debug" ... (also the Python names the original took: WARNING, ERROR,
 * CRITICAL, any case) or a digit. Returns -EINVAL for anything else. */
int log_level_parse(const char *text, int *ret_level);

void log_fields(int level, const LogField *fields, size_t n_fields, const char *format, ...) _printf_(4, 5);

/* With MESSAGE_ID=, which makes the line an event that tools look for; data/catalog/agenthost.catalog
 * explains it. */
#define log_event(level, message_id, ...) \
        log_fields(level, &(const LogField){ "MESSAGE_ID", message_id }, 1, __VA_ARGS__)

#define log_full(level, ...) log_fields(level, NULL, 0, __VA_ARGS__)
#define log_debug(...) log_full(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_full(LOG_INFO, __VA_ARGS__)
#define log_notice(...) log_full(LOG_NOTICE, __VA_ARGS__)
#define log_warning(...) log_full(LOG_WARNING, __VA_ARGS__)
#define log_error(...) log_full(LOG_ERR, __VA_ARGS__)
