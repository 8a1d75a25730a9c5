# shellcheck shell=bash disable=SC2154,SC2034  # set by tests/run
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One variant: configured, built, and all its suites run. Tests wait more than they compute, so that as many variants as
# there are processors run at the same time, each in a process group of its own.

variant_lanes=()

variant_check_names() {
        local name variant known=()
        for variant in "${variants[@]}"; do
                known+=("${variant%% *}")
        done
        for name in ${only_variants[@]+"${only_variants[@]}"}; do
                [[ " ${known[*]} " == *" $name "* ]] || die "there is no variant '$name' (there are: ${known[*]})"
        done
}

variant_is_wanted() {
        local name=$1 when=$2
        if [[ ${#only_variants[@]} -gt 0 ]]; then
                [[ " ${only_variants[*]} " == *" $name "* ]]
        else
                [[ $when == always || $all == yes ]]
        fi
}

variants_run() {
        local line name when
        variants_prepare
        for line in "${variants[@]}"; do
                read -r name _ _ when _ <<<"$line"
                variant_is_wanted "$name" "$when" || continue
                ((${#variant_lanes[@]} < jobs)) || variants_await_one
                variant_start "$name" "$line"
        done
        while ((${#variant_lanes[@]} > 0)); do
                variants_await_one
        done
}

# There is one package manager, and variants would be in each other's way.
variants_prepare() {
        local line name bus release when
        for line in "${variants[@]}"; do
                read -r name bus release when _ <<<"$line"
                variant_is_wanted "$name" "$when" || continue
                [[ $release == - ]] || install_packages mmdebstrap
                [[ $bus != - ]] || install_packages "${fuzz_packages[@]}"
                [[ $name != "$uml_variant" ]] || ! uml_suite_is_wanted || install_packages "${uml_packages[@]}"
        done
}

# variant_start NAME LINE-OF-THE-TABLE
variant_start() {
        rm -f -- "$build_root/logs/$1.totals"
        set -m
        variant_lane "$2" </dev/null &
        set +m
        variant_lanes+=("$!:$1")
}

variant_lane() {
        total_passed=0 total_failed=0 total_skipped=0
        variant_run "$1"
        echo "$total_passed $total_failed $total_skipped" >"$build_root/logs/$variant_name.totals"
}

variants_await_one() {
        local lane passed failed skipped left=()
        wait -n || true
        for lane in "${variant_lanes[@]}"; do
                if kill -0 "${lane%%:*}" 2>/dev/null; then
                        left+=("$lane")
                        continue
                fi
                passed=0 failed=0 skipped=0
                read -r passed failed skipped 2>/dev/null <"$build_root/logs/${lane#*:}.totals" ||
                        program_add_failure "${lane#*:} ended before its end"
                ((total_passed += passed, total_failed += failed, total_skipped += skipped)) || true
        done
        variant_lanes=("${left[@]}")
}

variants_kill() {
        local lane
        for lane in "${variant_lanes[@]}"; do
                kill -- "-${lane%%:*}" 2>/dev/null || true
        done
        wait
}

# variant_run LINE-OF-THE-TABLE
variant_run() {
        local release
        read -r variant_name variant_bus release _ variant_options <<<"$1"
        # Its hosts are its own.
        host_prefix+=-$variant_name

        variant_root=/
        [[ $release == - ]] || variant_make_root "$release"
        build_dir=$build_root/$variant_name
        export AGENTHOST_BUILD_DIR=$build_dir

        say "$variant_name: building in $build_dir"
        variant_build || {
                program_add_failure "$variant_name does not build, see above"
                return 0
        }
        if [[ $variant_bus == - ]]; then
                fuzz_suite_run
                return
        fi
        variant_run_programs unit
        variant_run_programs fuzz
        variant_run_programs bus
        host_suite_run
        uml_suite_run
}

variant_make_root() {
        variant_root=/var/cache/agenthost/root-$1
        "$source_dir/tests/host/make-root" "$1" "$variant_root"
}

# Runs a command on the variant's root.
in_root() {
        if [[ $variant_root == / ]]; then
                "$@"
        else
                "$source_dir/tests/host/make-root" --run "$variant_root" "$source_dir" "$build_root" -- "$@"
        fi
}

variant_build() {
        local log=$build_root/logs/$variant_name-build.log given="$variant_options $variant_root"
        # A build directory keeps the options that it was made with.
        [[ $(cat "$build_dir/.variant" 2>/dev/null) == "$given" ]] || rm -rf -- "${build_dir:?}"
        variant_build_steps >"$log" 2>&1 || {
                cat "$log" >&2
                return 1
        }
        echo "$given" >"$build_dir/.variant"
        [[ $verbose == no ]] || cat "$log"
}

variant_build_steps() {
        local options
        read -ra options <<<"$variant_options"
        if [[ ! -f $build_dir/build.ninja && $variant_bus == - ]]; then
                fuzz_setup "$build_dir" || return
        elif [[ ! -f $build_dir/build.ninja ]]; then
                in_root meson setup "${options[@]}" --prefix=/usr --sysconfdir=/etc --localstatedir=/var \
                        "$build_dir" "$source_dir" || return
        fi
        in_root meson compile -C "$build_dir" || return
        [[ $variant_bus != - ]] || return 0
        rm -rf -- "${build_dir:?}/install-tree"
        in_root meson install -C "$build_dir" --no-rebuild --quiet --destdir "$build_dir/install-tree" || return
        [[ $variant_options != *b_sanitize* ]] || variant_allow_sanitizer
}

# At its end a process looks for its leaks with ptrace, which the sandbox denies; and with a process more, which systemd is
# not to signal: both wait for ever then. So they do after a SIGCONT, which drops the SIGSTOP that the other one waits for
# (ptrace(2)), and which systemd sends right behind its SIGTERM: here the service is ended before systemd would do it.
variant_allow_sanitizer() {
        local unit
        for unit in {system,user}/{agenthostd,agenthost-launcher}.service.d; do
                mkdir -p "$build_dir/install-tree/etc/systemd/$unit"
                cat >"$build_dir/install-tree/etc/systemd/$unit/sanitizer.conf" <<'END'
[Service]
KillMode=mixed
ExecStop=/bin/sh -c 'kill -TERM $MAINPID; while kill -0 $MAINPID 2>/dev/null; do sleep 0.02; done'
END
        done
        for unit in {system,user}/agenthostd.service.d; do
                echo 'SystemCallFilter=ptrace' >>"$build_dir/install-tree/etc/systemd/$unit/sanitizer.conf"
        done
}

# The programs of a suite, as meson knows them: "NAME <tab> LIMIT <tab> COMMAND" (COMMAND quoted for a shell).
variant_list_programs() {
        python3 - "$build_dir/meson-info/intro-tests.json" "$1" <<'END'
import json, os, shlex, sys
for test in json.load(open(sys.argv[1])):
    if sys.argv[2] not in [suite.split(":")[-1] for suite in test["suite"]]:
        continue
    command = list(test["cmd"])
    # A g_test program has to be told to speak TAP.
    name = os.path.basename(command[0])
    if name.startswith("test-") and "." not in name and "--tap" not in command:
        command.append("--tap")
    settings = [f"{name}={value}" for name, value in test["env"].items()]
    # Under the sanitizers everything takes a few times as long.
    print(test["name"], max(60, 3 * int(test["timeout"])), shlex.join(["env", *settings, *command]), sep="\t")
END
}

variant_run_programs() {
        local suite=$1 name limit command
        while IFS=$'\t' read -r name limit command <&3; do
                wanted "$suite" "$name" || continue
                program_run_again program_run "$variant_name/$suite" "$name" "$limit" \
                        in_root bash -c "cd / && exec $command" || true
        done 3< <(variant_list_programs "$suite")
}
