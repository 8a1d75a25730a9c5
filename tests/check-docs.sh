#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The manual pages (docs/) and the catalog of messages say of every setting, runtime key, option, variable, member of the
# D-Bus interface, error and message what it is: nothing of these is in the code that is not there, and nothing there that
# is not in the code. Speaks TAP.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
. "$here/lib/tap.sh"
cd -- "$here/.."

pages=$(mktemp --directory)
trap 'rm -rf -- "$pages"' EXIT

# The sources of all pages, with what is filled in, in $pages/NAME.SECTION.scd.
make_pages() {
        local source
        for source in docs/*.scd; do
                cp "$source" "$pages/"
        done
        for source in docs/*.scd.in; do
                source=${source##*/}
                docs/fill-page "docs/$source" data/dbus/*.xml data/catalog/agenthost.catalog >"$pages/${source%.in}"
        done
}

# What of the code is compared: files as one line each, so that a clause may be broken anywhere.
flat() {
        cat -- "$@" | tr --squeeze-repeats '\n ' ' '
}

# table NAME FILE...: the initialiser of the C array NAME, wherever it is.
table() {
        local name=$1
        shift
        flat "$@" | grep --only-matching --perl-regexp "\\b$name\\[[\\w ]*\\] = \\{.*?\\};" || true
}

# matches REGEX [FILE...]: what its \K and lookarounds leave of each match.
matches() {
        grep --only-matching --no-filename --perl-regexp "$@" || true
}

# The names that head entries of a page: lines such as "*Group=*, *SupplementaryGroups=*" or "*Kill*(s who)".
# entries PAGE [SECTION]
entries() {
        sed 's/\\//g' "$pages/$1.scd" | awk -v wanted="${2:-}" '
                /^# / { section = substr($0, 3) }
                # An entry is a line with an indented text below it.
                /^\t/ && head != "" && (section == wanted || (wanted == "" && section != "SEE ALSO")) { print head }
                { head = /^\*/ ? $0 : "" }' |
                sed 's/([^)]*).*//' | tr ',' '\n' | matches '^ *\*-*\K[\w.]+'
}

# same WHAT FROM-CODE FROM-DOCUMENTATION: both are lists of words.
same() {
        local wrong
        [[ -n $2 ]] || { echo "no $1 found in the code: has it another form now?" && return 1; }
        wrong=$(comm -3 <(sort --unique <<<"$2") <(sort --unique <<<"$3") | { grep '[^[:blank:]]' || true; } |
                awk -F '\t' '{ print ($1 != "" ? "not documented: " $1 : "documented, but not in the code: " $2) }')
        [[ -z $wrong ]] || { echo "$1:" && echo "$wrong" && return 1; }
}

# Lines of "Section Key".
settings_of_code() {
        table settings src/host/config*.c | matches '\{ (\.section = )?"\w+", (\.key = )?"\w+"' |
                sed -E 's/[^"]*"(\w+)"[^"]*"(\w+)"/\1 \2/'
}

test_every_setting_is_in_its_section() {
        local section
        for section in $(settings_of_code | cut --delimiter=' ' --fields=1 | sort --unique); do
                same "settings of [$section]" "$(settings_of_code | sed -n "s/^$section //p")" \
                        "$(entries agenthost.conf.5 "SECTION [${section^^}]")"
        done
        same "sections" "$(settings_of_code | cut --delimiter=' ' --fields=1 | tr '[:lower:]' '[:upper:]')" \
                "$(sed -n 's/^# SECTION \[\(.*\)\]/\1/p' "$pages/agenthost.conf.5.scd")"
}

# The file that is installed shows all of them, too.
test_every_setting_is_in_the_installed_file() {
        same settings "$(settings_of_code)" "$(awk '
                /^\[/ { section = substr($0, 2, length($0) - 2) }
                /^#[A-Za-z]+=/ { sub(/^#/, ""); sub(/=.*/, ""); print section, $0 }' data/agenthost.conf)"
}

test_every_variable_of_the_settings_is_there() {
        same variables "$( (
                table variables src/host/config*.c | matches '\{ "\K\w+'
                table settings src/host/config*.c | matches '\.variable = "\K\w+'
        ))" "$(entries agenthost.conf.5 ENVIRONMENT)"
}

# What else is read from the environment.
test_every_variable_of_the_services_is_there() {
        same variables "$( (
                matches '(getenv|path_from|add_home\(p,)\(? ?"\K[A-Z_]+' src/{launcher,proto}/*.c
                echo LOG_LEVEL
        ) | sort --unique)" "$(entries agenthostd.8 ENVIRONMENT)"
}

test_every_runtime_key_is_there() {
        same keys "$( (
                table rows src/launcher/runtime-key.c | matches '\{ "\K\w+'
                table limits src/launcher/runtime-value.c | matches '\{ "\K\w+'
                table rows src/launcher/unit-property.c | matches '\.setting = "\K\w+'
        ))" "$(entries agenthost.runtime.5 | grep --extended-regexp --invert-match '^[A-Z_]{4,}$')"
}

# The executor adds those that depend on the user.
test_every_variable_of_agents_is_there() {
        same variables "$( (
                flat src/launcher/plan.c | matches '"\K[A-Z_]+(?==(%|"))'
                flat src/launcher/plan.c | matches 'names\[\] = \{[^}]*' | matches '"\K[A-Z_]+'
                matches '"\K[A-Z_]+(?==%s")' src/executor/*.c
        ))" "$(entries agenthost.runtime.5 | grep --extended-regexp '^[A-Z_]{4,}$')"
}

# Lines of "NAME TYPE".
test_every_option_of_create_agent_is_there() {
        same options "$(table option_types src/host/options.c | matches '= \{ "\w+", "[^"]+"' |
                sed -E 's/.*"(\w+)", "(.*)"/\1 (\2)/')" \
                "$(sed --silent '/^\*CreateAgent\*/,/^\*StopAgent\*/p' "$pages/org.agenthost.Host1.5.scd" | sed 's/\\//g' |
                        matches '\t\*.*?: ' | matches '\*\w+\* \([a-z(){}]+\)' | tr --delete '*')"
}

# What a caller can set of an agent's scope, by the names that the settings have on D-Bus.
test_every_property_that_callers_can_set_is_there() {
        local setting text wrong=0
        text=$(sed --silent '/^\*CreateAgent\*/,/^\*StopAgent\*/p' "$pages/org.agenthost.Host1.5.scd")
        for setting in $(table callers src/launcher/caller-property.c | matches '\{ "\K\w+'); do
                # CPUQuota is CPUQuotaPerSecUSec there, ...Sec is ...USec.
                grep --quiet --extended-regexp "\\b${setting%Sec}(PerSec)?(USec)?\\b" <<<"$text" ||
                        { echo "not documented: $setting" && wrong=1; }
        done
        [[ -n ${setting:-} ]] || { echo "no properties found in the code" && wrong=1; }
        return "$wrong"
}

# tests/host/test-introspection.c compares the interface files with what agenthostd exports.
test_every_member_of_the_interfaces_is_there() {
        same members "$(matches '<(method|signal|property) name="\K\w+' data/dbus/*.xml)" \
                "$( (
                        entries org.agenthost.Host1.5 ORG.AGENTHOST.HOST1.MANAGER
                        entries org.agenthost.Host1.5 ORG.AGENTHOST.HOST1.AGENT
                ))"
}

test_every_error_is_there() {
        same errors "$(matches 'ERROR_PREFIX "\K\w+' src/bus/fault-bus.c)" "$(entries org.agenthost.Host1.5 ERRORS)"
}

test_every_command_line_option_of_the_services_is_there() {
        same options "$(matches '\{ "\K[a-z-]+(?=", (no|required|optional)_argument)' src/{host,launcher}/main.c)" \
                "$(sed 's/--//' "$pages/agenthostd.8.scd" | awk '/^# /{ s = $0 } /^\*/ && s == "# OPTIONS"' | matches '^\*\K[a-z-]+')"
}

test_every_verb_of_agentctl_is_there() {
        same verbs "$(table verb_table src/ctl/verbs.c | matches '\{ "\K[a-z-]+')" \
                "$(awk '/^# /{ s = $0 } /^\*/ && s == "# VERBS"' "$pages/agentctl.1.scd" | matches '\*\K[a-z-]+(?=\*)')"
}

test_every_option_of_agentctl_is_there() {
        same options "$(table option_table src/ctl/options.c | matches '\{ "\K[a-z-]+')" \
                "$(awk '/^# /{ s = $0 } /^\*/ && s == "# OPTIONS"' "$pages/agentctl.1.scd" | matches '\*--\K[a-z-]+')"
}

# The columns of a verb that lists something, and the file where they are.
columns_of_code() {
        table "$1" "src/ctl/$2" | matches '\{ "\K[a-z-]+(?=", \{)'
}

# The completions offer them too.
test_every_column_of_agentctl_is_there() {
        local entry verb columns file column completion wrong=0
        entry=$(sed -n '/^\*--columns/,/^\*--state/p' "$pages/agentctl.1.scd" | tr '\n' ' ')
        while read -r verb columns file; do
                same "columns of $verb" "$(columns_of_code "$columns" "$file")" \
                        "$(matches "\*$verb\*: \K[^.]*" <<<"$entry" | sed 's/([^)]*)//g' | matches '\*\K[a-z-]+')" || wrong=1
                for column in $(columns_of_code "$columns" "$file"); do
                        for completion in data/completions/*; do
                                grep --quiet --word-regexp --fixed-strings -- "$column" "$completion" ||
                                        { echo "$completion does not offer $column" && wrong=1; }
                        done
                done
        done <<'END'
list list_columns verb-list.c
hosts host_columns verb-fleet.c
runtimes runtime_columns verb-runtimes.c
END
        return "$wrong"
}

test_every_exit_status_of_agentctl_is_there() {
        same "exit statuses" "$(flat src/ctl/exit-code.h | matches 'EXIT_\w+ = \K\d+')" \
                "$(awk '/^# /{ s = $0 } /^\*/ && s == "# EXIT STATUS"' "$pages/agentctl.1.scd" | matches '^\*\K\d+')"
}

# MESSAGE_... "..." of whatever source.
test_every_message_is_in_the_catalog() {
        same messages "$(matches '#define MESSAGE_\w+ "\K[0-9a-f]{32}' src/*/*.[ch])" \
                "$(sed -n 's/^-- //p' data/catalog/agenthost.catalog)"
}

test_every_field_of_the_messages_is_there() {
        same fields "$(matches '"\K[A-Z_]+(?=")' src/host/log-agent.c)" \
                "$(entries agenthostd.8 "THE JOURNAL" | matches '^[A-Z_]+$')"
}

test_every_metric_is_there() {
        same metrics "$(matches '"\K(agenthost|process)_[a-z_]+(?=")' src/host/metrics-*.c)" "$(entries agenthostd.8 METRICS)"
}

# Of the packages too: a build in a clean root would only tell later. Debian's names are others.
test_rpm_knows_every_library_of_the_build() {
        same libraries "$(matches "dependency\\('\\K[\\w.-]+" meson.build)" \
                "$(matches '^BuildRequires: *pkgconfig\(\K[\w.-]+' packaging/rpm/agenthost.spec)"
}

# The empty paragraphs are scdoc's own.
test_pages_are_clean() {
        local page said wrong=0
        for page in "$pages"/*.scd; do
                scdoc <"$page" >"${page%.scd}"
                said=$(mandoc -T lint -W warning "${page%.scd}" | grep --invert-match 'skipping paragraph macro: PP ' || true)
                [[ -z $said ]] || { echo "$said" && wrong=1; }
        done
        return "$wrong"
}

# agenthostd(8): each page that is named so and that is ours is there.
test_references_lead_to_pages() {
        local name wrong=0
        for name in $(cat "$pages"/*.scd README.md SECURITY.md docs/*.md | sed 's/\\//g' | matches '\*?(agent|org\.agenthost)[\w.-]*\*?\(\d\)' | tr --delete '*' | sort --unique); do
                name=${name/\(/.} name=${name%\)}
                [[ -e $pages/$name.scd ]] || { echo "there is no page $name" && wrong=1; }
        done
        return "$wrong"
}

# [text](path) and [text](path#heading): of files of ours. What GitHub makes of a heading are its words with dashes between.
test_links_lead_to_files() {
        local page link path heading wrong=0
        for page in README.md SECURITY.md docs/*.md; do
                for link in $(matches '\]\(\K[^):]+(?=\))' "$page"); do
                        path=$(dirname -- "$page")/${link%%#*}
                        [[ $link != '#'* ]] || path=$page
                        [[ -e $path ]] || { echo "$page: there is no $link" && wrong=1; }
                        [[ $link == *'#'* && -e $path ]] || continue
                        heading=$(sed -n 's/^##* //p' "$path" | tr '[:upper:] ' '[:lower:]-' | tr --delete --complement 'a-z0-9-\n')
                        grep --quiet --line-regexp --fixed-strings -- "${link#*#}" <<<"$heading" || { echo "$page: there is no heading for $link" && wrong=1; }
                done
        done
        return "$wrong"
}

# tests/bus/test-redis-faults.c shows that it is enough, and test-readme.sh that of the tutorial.
test_least_rights_in_redis_are_the_same_everywhere() {
        local words='[~+][a-z_|]+[:a-z_*|]*' tested
        tested=$(sed -n '/define KEYS/,/^$/p' tests/bus/test-redis-faults.c | matches "$words")
        same "the howto's rights" "$tested" "$(sed -n '/^ACL SETUSER/,/^```/p' docs/howto-redis.md | matches "(?<![a-z>])$words")"
        same "the tutorial's rights" "$tested" "$(sed -n '/^user agenthost/p' docs/tutorial.md | matches "(?<![a-z>])$words")"
}

# What agentctl is told in examples, verb by verb and option by option.
test_examples_use_what_agentctl_has() {
        local used wrong=0 word
        used=$(cat README.md docs/*.md | awk '/^```sh/ { inside = 1; next } /^```/ { inside = 0 } inside' | matches '(^|\$\()\s*agentctl \K[^|<>&;")]*')
        # shellcheck disable=SC2013  # words they are
        for word in $(awk '{ for (i = 1; i <= NF && $i ~ /^-/; i++); if ($i ~ /^[a-z-]+$/) print $i }' <<<"$used" | sort --unique); do
                table verb_table src/ctl/verbs.c | grep --quiet "{ \"$word\"" || { echo "agentctl has no verb $word" && wrong=1; }
        done
        for word in $(matches -- '--\K[a-z-]+' <<<"$used" | sort --unique); do
                table option_table src/ctl/options.c | grep --quiet "{ \"$word\"" || { echo "agentctl has no option --$word" && wrong=1; }
        done
        [[ -n $used ]] || { echo "no examples found" && wrong=1; }
        return "$wrong"
}

# What src/discovery/kube-*.c ask for: to get, list and watch these, and nothing else.
test_manifests_of_kubernetes_allow_what_is_asked_for() {
        python3 - data/kubernetes <<'END'
import pathlib, sys, yaml
top = pathlib.Path(sys.argv[1])
objects = [o for f in sorted(top.rglob("*.yaml")) for o in yaml.safe_load_all(f.read_text())]
kinds = {(o["kind"], o["metadata"]["name"]): o for o in objects}
assert len(kinds) == len(objects), "two objects have one name"
rules = {o["kind"]: [(r["apiGroups"], r["resources"], r["verbs"]) for r in o["rules"]] for o in objects if "rules" in o}
reading = ["get", "list", "watch"]
assert rules == {"Role": [(["discovery.k8s.io"], ["endpointslices"], reading)],
                 "ClusterRole": [([""], ["nodes"], reading)]}, rules
for o in objects:
    if o["kind"].endswith("Binding"):
        assert (o["roleRef"]["kind"], o["roleRef"]["name"]) in kinds, o
        for s in o["subjects"]:
            assert kinds[s["kind"], s["name"]]["metadata"]["namespace"] == s["namespace"], o
service = kinds["Service", "agent-host"]["spec"]
assert service["clusterIP"] == "None" and service["ports"][0]["port"] == 50051, service
END
}

make_pages
tap_run
