# shellcheck shell=bash disable=SC2154,SC2034  # what it needs is set by who sources this, and used there
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A fleet for tests: hosts that share one Redis, which is on a host of its own, know one another by Peers=, and have
# certificates of one authority. Sourced by scripts that boot them; $host, $prefix and $group are set.

# The suite's options are words quoted for a shell; among them is what is to be installed.
fleet_options=()
eval "fleet_options=(${AGENTHOST_HOST_OPTIONS:-})"
fleet_certs=$(mktemp --directory)

# The names by which hosts know one another.
name_of() {
        echo "$prefix-$1"
}

boot() {
        "$host" boot "$prefix-$1" ${fleet_options[@]+"${fleet_options[@]}"} --net "$group"
}

# The time is longer than a call on the bus has, which tells what it was.
run() {
        local name=$1
        shift
        "$host" run "$prefix-$name" --timeout "$((${call_limit:-60} + 30))" "$@"
}

# What the services of all hosts have told since then.
tap_on_failure() {
        local name
        for name in "${hosts[@]}"; do
                echo "the journal of $name:"
                run "$name" journalctl --quiet --no-pager --output=short-precise --no-hostname --since="@$1" --lines=40 \
                        --identifier=agenthostd --identifier=agenthost-launcher --identifier=agenthost-launc || true
        done
}

redis() {
        run redis redis-cli "$@"
}

# wait_until SECONDS COMMAND...: there is nobody to tell.
wait_until() {
        local end=$((EPOCHSECONDS + $1))
        shift
        until "$@" >/dev/null 2>&1; do
                ((EPOCHSECONDS < end)) || { echo "has not come: $*" && return 1; }
                sleep 0.1
        done
}

# says TEXT COMMAND...
says() {
        [[ $("${@:2}" 2>&1) == *"$1"* ]]
}

says_nothing_of() {
        ! says "$@"
}

manager() {
        local name=$1
        shift
        run "$name" busctl --timeout="${call_limit:-60}" call org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager "$@"
}

manager_property() {
        run "$1" busctl get-property org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager "$2"
}

# agent_property HOST ID NAME: the id as it stands in the object's path.
agent_property() {
        run "$1" busctl get-property org.agenthost.Host1 "/org/agenthost/Host1/agent/$2" org.agenthost.Host1.Agent "$3"
}

# registry_is STATE HOST
registry_is() {
        says "\"$1\"" manager_property "$2" RegistryState
}

# run_agent HOST ID [OPTIONS...]: asks a host for an agent on any; options as busctl wants them, without their number.
run_agent() {
        local name=$1 id=$2
        shift 2
        manager "$name" RunAgent 'sssa{sv}' "{\"id\":\"$id\",\"name\":\"$id\"}" "{\"id\":\"${guild:-g}\"}" '{}' \
                $((1 + $# / 3)) runtime s "${runtime:-sleeper}" "$@"
}

# The name, as in "one", of the host that an answer of run_agent names.
host_of() {
        local address=${1##* \"}
        address=${address%%:*}
        echo "${address#"$prefix-"}"
}

# How many agents run on a host.
count_on() {
        local answer
        answer=$(manager_property "$1" AgentCount)
        echo "${answer#u }"
}

# -- Certificates --

# make_authority NAME
make_authority() {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -days 2 \
                -keyout "$fleet_certs/$1.key" -out "$fleet_certs/$1.pem" 2>/dev/null
}

# make_certificate FILE AUTHORITY NAME [DAYS]: of a host; less than 0 days: it has expired.
make_certificate() {
        local file=$fleet_certs/$1 authority=$fleet_certs/$2 days=${4:-1} begin=()
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$3" \
                -addext "subjectAltName=DNS:$3" -keyout "$file.key" -out "$file.csr" 2>/dev/null
        openssl x509 -req -in "$file.csr" -CA "$authority.pem" -CAkey "$authority.key" -CAcreateserial \
                -copy_extensions copy -days "$days" -out "$file.pem" 2>/dev/null
}

# put_certificate HOST FILE AUTHORITY: as its own, and whom it believes. New files, as by who replaces certificates.
put_certificate() {
        local name=$1 part
        for part in "$2.pem:host.pem" "$2.key:host.key" "$3.pem:ca.pem"; do
                run "$name" sh -c "mkdir -p /etc/agenthost/tls && cat >/etc/agenthost/tls/new &&
                        chown agenthost: /etc/agenthost/tls/new && chmod 0400 /etc/agenthost/tls/new &&
                        mv /etc/agenthost/tls/new /etc/agenthost/tls/${part#*:}" <"$fleet_certs/${part%:*}"
        done
}

# -- Configuration --

# config HOST FILE: a drop-in, from standard input.
config() {
        run "$1" sh -c "mkdir -p /etc/agenthost/agenthost.conf.d && cat >/etc/agenthost/agenthost.conf.d/$2.conf"
}

reload() {
        run "$1" systemctl reload agenthostd.service
}

start_redis() {
        # The server and the checker of its files are one program, which goes by its name; only the latter comes with
        # the tools.
        # shellcheck disable=SC2016  # for the shell in the host
        run redis systemd-run --quiet --collect --unit=redis --property=Type=notify /bin/bash -c \
                'exec -a redis-server "$(command -v redis-server redis-check-rdb | head -n 1)" --supervised systemd --protected-mode no --save "" --appendonly no'
}

# configure HOST OF-ALL...: all but certificates; starts nothing.
configure() {
        local name=$1 peers='' peer
        shift
        for peer; do
                peers+="$prefix-$peer:50051 "
        done
        run "$name" sh -c 'mkdir -p /etc/agenthost/runtimes.d; cat >/etc/agenthost/runtimes.d/sleeper.runtime' <<'END'
[Runtime]
User=daemon
Exec=/bin/sleep 10000
END
        run "$name" sh -c 'cat >/etc/agenthost/runtimes.d/never-ready.runtime' <<'END'
[Runtime]
User=daemon
Type=notify
Exec=/bin/sleep 10000
END
        config "$name" fleet <<END
[Registry]
RedisUrl=redis://$prefix-redis:6379/0
HeartbeatSec=300ms
TtlSec=15
[Discovery]
Source=static
Peers=$peers
END
}

# use_certificates HOST: which put_certificate has put.
use_certificates() {
        config "$1" tls <<'END'
[Peers]
CertFile=/etc/agenthost/tls/host.pem
KeyFile=/etc/agenthost/tls/host.key
CaFile=/etc/agenthost/tls/ca.pem
END
}

# give_certificate HOST: of the authority "fleet", in its own name; in effect after a reload.
give_certificate() {
        make_certificate "$1" fleet "$(name_of "$1")"
        put_certificate "$1" "$1" fleet
        use_certificates "$1"
}

start_agenthost() {
        run "$1" systemctl start agenthostd.service
        wait_until 30 registry_is ok "$1"
}

pull_plugs() {
        local name
        for name; do
                ! "$host" pid "$prefix-$name" >/dev/null 2>&1 || "$host" pull-plug "$prefix-$name"
        done
        rm -rf -- "$fleet_certs"
}
