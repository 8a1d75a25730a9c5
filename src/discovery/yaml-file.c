/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yaml-file.h"

#include <string.h>

/* Merge keys within merge keys: a document can make a ring of them. */
#define MERGES_MAX 8

#define DEPTH_MAX 64u
#define ANCHORS_MAX 1000u

static int refuse(const char *what, const yaml_parser_t *p, Fault *fault)
{
        if (p->error == YAML_MEMORY_ERROR)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: out of memory", what);
        if (p->error == YAML_READER_ERROR)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: byte %zu: %s", what,
                        p->problem_offset, p->problem ? p->problem : "no text");
        return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: line %zu column %zu: %s", what,
                p->problem_mark.line + 1, p->problem_mark.column + 1,
                p->problem ? p->problem : "neither YAML nor JSON");
}

/* What libyaml takes a time for that grows with the square: nesting, and anchors. */
static int check_event(
        const char *what, const yaml_event_t *e, unsigned *depth, unsigned *n_anchors, Fault *fault)
{
        const yaml_char_t *anchor = NULL;

        switch (e->type) {
        case YAML_MAPPING_START_EVENT:
                anchor = e->data.mapping_start.anchor;
                (*depth)++;
                break;
        case YAML_SEQUENCE_START_EVENT:
                anchor = e->data.sequence_start.anchor;
                (*depth)++;
                break;
        case YAML_MAPPING_END_EVENT:
        case YAML_SEQUENCE_END_EVENT:
                (*depth)--;
                break;
        case YAML_SCALAR_EVENT:
                anchor = e->data.scalar.anchor;
                break;
        default:
                break;
        }
        *n_anchors += anchor != NULL;
        if (*depth > DEPTH_MAX || *n_anchors > ANCHORS_MAX)
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: line %zu: more than %u %s", what,
                        e->start_mark.line + 1, *depth > DEPTH_MAX ? DEPTH_MAX : ANCHORS_MAX,
                        *depth > DEPTH_MAX ? "levels of nesting" : "anchors");
        return 0;
}

static int check_events(const char *what, yaml_parser_t *parser, Fault *fault)
{
        unsigned depth = 0, n_anchors = 0;
        bool end = false;
        int r = 0;

        while (!end && r >= 0) {
                yaml_event_t event;

                if (!yaml_parser_parse(parser, &event))
                        return refuse(what, parser, fault);
                end = event.type == YAML_STREAM_END_EVENT || event.type == YAML_DOCUMENT_END_EVENT;
                r = check_event(what, &event, &depth, &n_anchors, fault);
                yaml_event_delete(&event);
        }
        return r;
}

static int check_limits(const char *what, const char *text, size_t size, Fault *fault)
{
        yaml_parser_t parser;
        int r;

        if (!yaml_parser_initialize(&parser))
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: out of memory", what);
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
        r = check_events(what, &parser, fault);
        yaml_parser_delete(&parser);
        return r;
}

int yaml_file_load(const char *what, const char *text, size_t size, YamlFile *ret, Fault *fault)
{
        yaml_parser_t parser;
        int r;

        r = check_limits(what, text, size, fault);
        if (r < 0)
                return r;
        if (!yaml_parser_initialize(&parser))
                return fault_set(fault, FAULT_DISCOVERY_UNAVAILABLE, "%s: out of memory", what);

        yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
        if (!yaml_parser_load(&parser, &ret->document))
                r = refuse(what, &parser, fault);
        ret->loaded = r >= 0;
        yaml_parser_delete(&parser);
        return r;
}

void yaml_file_done(YamlFile *f)
{
        if (f->loaded)
                yaml_document_delete(&f->document);
        f->loaded = false;
}

yaml_node_t *yaml_file_root(YamlFile *f)
{
        return yaml_document_get_root_node(&f->document);
}

static bool is_null(const yaml_node_t *node)
{
        const char *text = (const char *)node->data.scalar.value;

        if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
                return false;
        return !*text || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

static bool is_key(const yaml_node_t *node, const char *key)
{
        return node && node->type == YAML_SCALAR_NODE && node->data.scalar.length == strlen(key) &&
                memcmp(node->data.scalar.value, key, node->data.scalar.length) == 0;
}

/* The mapping's own value for the key. */
static yaml_node_t *get_own(YamlFile *f, yaml_node_t *node, const char *key)
{
        yaml_node_pair_t *pair;

        for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++)
                if (is_key(yaml_document_get_node(&f->document, pair->key), key))
                        return yaml_document_get_node(&f->document, pair->value);
        return NULL;
}

static yaml_node_t *get_merged(YamlFile *f, yaml_node_t *node, const char *key, int merges)
{
        yaml_node_t *value, *merged;

        if (!node || node->type != YAML_MAPPING_NODE)
                return NULL;
        value = get_own(f, node, key);
        if (value || merges == 0)
                return value;

        merged = get_own(f, node, "<<");
        if (!merged || merged->type != YAML_SEQUENCE_NODE)
                return get_merged(f, merged, key, merges - 1);
        for (size_t i = 0; !value && i < MERGES_MAX; i++)
                value = get_merged(f, yaml_item(f, merged, i), key, 0);
        return value;
}

yaml_node_t *yaml_get(YamlFile *f, yaml_node_t *node, const char *key)
{
        yaml_node_t *value = get_merged(f, node, key, MERGES_MAX);

        return value && !is_null(value) ? value : NULL;
}

yaml_node_t *yaml_item(YamlFile *f, yaml_node_t *node, size_t i)
{
        if (!node || node->type != YAML_SEQUENCE_NODE ||
                i >= (size_t)(node->data.sequence.items.top - node->data.sequence.items.start))
                return NULL;
        return yaml_document_get_node(&f->document, node->data.sequence.items.start[i]);
}

const char *yaml_text(yaml_node_t *node)
{
        if (!node || node->type != YAML_SCALAR_NODE ||
                strlen((const char *)node->data.scalar.value) != node->data.scalar.length)
                return NULL;
        return (const char *)node->data.scalar.value;
}
