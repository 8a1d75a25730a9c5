# shellcheck shell=bash disable=SC2154,SC2034  # set by tests/bench/run, which sources this
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The registry in Redis: agents are registered and renewed, by ours, by a client that does no more than to send, and in the
# original's way. No host is needed for it: the registry is a library, and the server is this run's own.

redis_pid=

# The tools of Debian bring the server's file as well, which looks at how it is called.
start_redis() {
        local path
        install_packages "${server_packages[@]}" python3-redis
        path=$(command -v redis-server || command -v redis-check-rdb) || die "there is no redis-server"
        redis_port=$((20000 + RANDOM % 10000))
        (exec -a redis-server "$path" --port "$redis_port" --bind 127.0.0.1 --save '' --dir "$work" >"$work/redis.log") &
        redis_pid=$!
        until redis-cli -p "$redis_port" ping >/dev/null 2>&1; do
                kill -0 "$redis_pid" 2>/dev/null || { cat "$work/redis.log" >&2 && die "redis-server does not start"; }
                sleep 0.1
        done
}

stop_redis() {
        [[ -z $redis_pid ]] || kill "$redis_pid"
        redis_pid=
}

measure_registry() {
        local round who
        start_redis
        for ((round = 1; round <= rounds; round++)); do
                say "registry, round $round of $rounds"
                for who in sync python bare ours ticks; do
                        redis-cli -p "$redis_port" flushall >/dev/null
                        run_registry "$who" | sed "s/^/$round registry $who all /" >>"$samples"
                done
        done
        stop_redis
}

run_registry() {
        case $1 in
        python) /usr/bin/python3 "$source_dir/tests/bench/registry.py" "$redis_port" "$registered" ;;
        *) "$build_dir/tests/bench/bench-registry" "$1" "$redis_port" "$registered" ;;
        esac
}

print_registry() {
        echo "$registered agents, $(redis-cli --version)"
        print_table registry.awk
}

# GetLocation on the host: agenthostd asks a server that runs there as well.
start_redis_there() {
        # shellcheck disable=SC2016  # expanded there
        there systemd-run --quiet --unit=bench-redis --property=Type=notify bash -c \
                'exec -a redis-server "$(command -v redis-server || command -v redis-check-rdb)" --port 6399 --save "" --supervised systemd'
}

measure_locate() {
        local round
        there mkdir -p /etc/agenthost/agenthost.conf.d
        there sh -c 'printf "[Registry]\nRedisUrl=redis://127.0.0.1:6399\n" >/etc/agenthost/agenthost.conf.d/locate.conf'
        start_redis_there
        there systemctl restart agenthostd.service
        there sh -c 'until busctl get-property org.agenthost.Host1 /org/agenthost/Host1 org.agenthost.Host1.Manager RegistryState |
                grep -q ok; do sleep 0.1; done'
        for ((round = 1; round <= rounds; round++)); do
                say "GetLocation, round $round of $rounds"
                measure "$round" locate ours all bench-locate 6399 5000
        done
        there rm /etc/agenthost/agenthost.conf.d/locate.conf
        there systemctl stop bench-redis.service
        there systemctl restart agenthostd.service
}

print_locate() {
        print_table locate.awk
}

# It makes the settings of each round itself: its API server is a new one.
measure_select() {
        local round
        start_redis_there
        there systemctl start agenthostd.service
        for ((round = 1; round <= rounds; round++)); do
                say "SelectHost, round $round of $rounds"
                measure "$round" select ours all bench-select 6399 5000
        done
        there systemctl stop bench-redis.service
        there systemctl restart agenthostd.service
}

print_select() {
        print_table select.awk
}
