/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A YAML or JSON text (which is YAML too), as a tree of nodes that is only looked into, never copied: an
 * anchor that is used a million times costs no more than one that is used once. Used by kube-file.c. */

#include <yaml.h>

#include "fault.h"

typedef struct YamlFile {
        yaml_document_t document;
        bool loaded;
} YamlFile;

/* The first document of a text; an empty text has no root. Fault: DiscoveryUnavailable "WHAT: line 3 column
 * 7: ..." */
int yaml_file_load(const char *what, const char *text, size_t size, YamlFile *ret, Fault *fault);
void yaml_file_done(YamlFile *f);

/* NULL if there is none. Nodes belong to the file. */
yaml_node_t *yaml_file_root(YamlFile *f);

/* What a mapping has for a key, also by way of merge keys ("<<"); NULL for none, for null, and if node is
 * NULL or no mapping. */
yaml_node_t *yaml_get(YamlFile *f, yaml_node_t *node, const char *key);

/* The i-th item of a sequence; NULL beyond its end, and for what is no sequence. */
yaml_node_t *yaml_item(YamlFile *f, yaml_node_t *node, size_t i);

/* A scalar's text. NULL for everything else, and for one with a NUL character. */
const char *yaml_text(yaml_node_t *node);
