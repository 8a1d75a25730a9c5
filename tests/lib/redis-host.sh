# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests on hosts that want a Redis as if it had been installed there: redis-server.service, with /etc/redis/redis.conf.

# install_redis COMMAND...: which runs what follows in the host. Nothing is started.
install_redis() {
        # shellcheck disable=SC2016  # for shells in the host
        "$@" sh -c 'mkdir -p /etc/redis && : >/etc/redis/redis.conf && cat >/etc/systemd/system/redis-server.service && systemctl daemon-reload' <<'END'
# The server and the checker of its files are one program, which goes by its name; only the latter comes with the tools.
[Service]
Type=notify
ExecStart=/bin/bash -c 'exec -a redis-server "$$(command -v redis-server redis-check-rdb | head -n 1)" /etc/redis/redis.conf --supervised systemd --save "" --dir /tmp'
END
}
