#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Folders of src/ are layers: each includes only what stands behind it in this table, and its own headers. Where
# AGENTHOST_BUILD_DIR is set, also what the programs that run as root are linked with. Speaks TAP.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "$0")")
. "$here/lib/tap.sh"
cd -- "$here/../src"

declare -A may_include=(
        [base]=""
        [proto]="base"
        [ini]="base"
        [bus]="base"
        [json]="base"
        [executor]="proto base"
        [launcher]="ini bus proto base"
        [registry]="base"
        [http]="base"
        [metrics]="http base"
        [discovery]="json http base"
        [placement]="base"
        [peer]="bus json http base"
        [fleet]="registry discovery placement peer base"
        [host]="fleet registry discovery placement peer metrics bus json ini proto base"
        [ctl]="bus json proto base"
        [example]=""
)

# Libraries beside libc, by what their headers begin with.
declare -A may_use=(
        [base]=""
        [proto]=""
        [ini]="ini.h"
        [bus]="systemd/"
        [json]="json-c/ glib"
        [executor]=""
        [launcher]="systemd/"
        [registry]="systemd/ glib hiredis/ gnutls/"
        [http]="systemd/ glib curl/ microhttpd"
        [metrics]="systemd/ glib microhttpd"
        [discovery]="systemd/ json-c/ glib yaml.h"
        [placement]=""
        [peer]="systemd/ json-c/ glib microhttpd gnutls/"
        [fleet]="systemd/ glib"
        [host]="systemd/ json-c/ glib"
        [ctl]="systemd/ json-c/ glib"
        [example]="systemd/"
)
libraries="systemd/ json-c/ json.h glib gio gobject ini.h curl/ yaml.h hiredis/ microhttpd gnutls/ openssl/"

# What agenthost-launcher and agenthost-executor may be linked with; the sanitizers in builds that have them.
may_link="libc.so.6 libsystemd.so.0 libinih.so.1 ld-linux*.so.* libasan.so.* libubsan.so.*"

# is_listed WORD LIST
is_listed() {
        [[ " $2 " == *" $1 "* ]]
}

# The folder that an #include "NAME" in FOLDER takes its header from, as the compiler finds it; nothing if there is none.
folder_of() {
        local name=$1 folder=$2 other
        if [[ -e $folder/$name ]]; then
                echo "$folder"
        elif [[ $name == */* && -e $name ]]; then
                echo "${name%%/*}"
        else
                for other in ${may_include[$folder]} "${!may_include[@]}"; do
                        [[ ! -e $other/$name ]] || { echo "$other" && return 0; }
                done
        fi
}

# Lines of "FILE:LINE FOLDER HEADER", the header as it is written: "x.h" or <x.h>.
list_includes() {
        grep --recursive --line-number --include='*.[ch]' --extended-regexp '^[[:space:]]*#[[:space:]]*include' . |
                sed --regexp-extended 's|^\./([^/]*)(/[^:]*):([0-9]+):[^"<]*("[^"]*"\|<[^>]*>).*|\1\2:\3 \1 \4|'
}

test_every_folder_is_in_the_table() {
        local folder wrong=0
        for folder in */; do
                [[ -v may_include[${folder%/}] ]] || { echo "src/$folder is not in the table of $0" && wrong=1; }
        done
        return "$wrong"
}

test_folders_include_only_what_is_below_them() {
        local place folder header from wrong=0
        while read -r place folder header; do
                [[ $header == \"* && -v may_include[$folder] ]] || continue
                header=${header//\"/}
                from=$(folder_of "$header" "$folder")
                if [[ -z $from ]]; then
                        echo "src/$place: there is no $header"
                elif [[ $from != "$folder" ]] && ! is_listed "$from" "${may_include[$folder]}"; then
                        echo "src/$place: $folder must not include $from ($header)"
                else
                        continue
                fi
                wrong=1
        done < <(list_includes)
        return "$wrong"
}

test_folders_use_only_their_libraries() {
        local place folder header library wrong=0
        while read -r place folder header; do
                [[ $header == \<* && -v may_use[$folder] ]] || continue
                header=${header//[<>]/}
                for library in $libraries; do
                        [[ $header == "$library"* ]] || continue
                        is_listed "$library" "${may_use[$folder]}" ||
                                { echo "src/$place: $folder must not use <$header>" && wrong=1; }
                done
        done < <(list_includes)
        return "$wrong"
}

# expect_links_little PROGRAM
expect_links_little() {
        local library pattern ok wrong=0
        # The patterns must not become names of files.
        set -f
        [[ -e $1 ]] || { echo "$1 has not been built" && return 1; }
        for library in $(LC_ALL=C readelf --dynamic "$1" | sed --quiet 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
                ok=no
                for pattern in $may_link; do
                        # shellcheck disable=SC2053
                        [[ $library != $pattern ]] || ok=yes
                done
                [[ $ok == yes ]] || { echo "${1##*/} is linked with $library" && wrong=1; }
        done
        return "$wrong"
}

if [[ -n ${AGENTHOST_BUILD_DIR:-} ]]; then
        test_launcher_is_linked_with_little() {
                expect_links_little "$AGENTHOST_BUILD_DIR/src/launcher/agenthost-launcher"
        }

        test_executor_is_linked_with_little() {
                expect_links_little "$AGENTHOST_BUILD_DIR/src/executor/agenthost-executor"
        }
fi

tap_run
