# SPDX-License-Identifier: LGPL-2.1-or-later
"""registry.py PORT COUNT: the original's way with its own client, redis-py; as bench-registry sync."""

import resource
import sys
import time

import redis

server = redis.Redis(port=int(sys.argv[1]), decode_responses=True)
ids = [f"bench-agent-{i:06}" for i in range(int(sys.argv[2]))]


def register():
    for i in ids:
        server.get(f"agent_location:{i}")
        server.setex(f"agent_location:{i}", 60, "host-1:50051")
        server.sadd("host_agents:host-1", i)


def beat():
    for i in ids:
        server.expire(f"agent_location:{i}", 60)


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


for work in register, beat:
    begun, spent = time.monotonic(), cpu()
    work()
    print(f"{work.__name__}_usec", int((time.monotonic() - begun) * 1e6))
    print(f"{work.__name__}_cpu_usec", int((cpu() - spent) * 1e6))
