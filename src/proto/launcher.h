/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The contract between agenthostd and agenthost-launcher: D-Bus, peer to peer, over LAUNCHER_SOCKET. One
 * request is one method call. Only root and the user agenthost may connect (SO_PEERCRED; in user mode, only
 * the user, and the socket is below $XDG_RUNTIME_DIR, see proto/paths.h); the launcher trusts neither
 * further than this: what is run, and as whom, stands in the runtimes that it reads itself.
 *
 * Errors carry the names of org.agenthost.Host1.Error.* (bus/fault-bus.h), so that agenthostd passes them
 * on. */

#define LAUNCHER_SOCKET "/run/agenthost/launcher.sock"
#define LAUNCHER_PATH "/org/agenthost/Launcher1"
#define LAUNCHER_INTERFACE "org.agenthost.Launcher1"

/* The four texts of an agent, in the order of their fds in Spawn; also their file names in
 * $CREDENTIALS_DIRECTORY and the names that %{...} in Exec= takes. */
#define AGENT_TEXT_NAMES                                                            \
        {                                                                           \
                "agent_spec", "guild_spec", "messaging_config", "client_properties" \
        }
#define AGENT_TEXT_COUNT 4

/* One message carries at most this many file descriptors (the kernel's SCM_MAX_FD is 253): List and Adopt
 * work in pages. */
#define LAUNCHER_PAGE 200u

/* ListRuntimes() -> a(sa{sv}) runtimes in the order of their names, as refused ("FILE:LINE: what is wrong"),
 *   as unsupported (as in the signal Unsupported).
 * Reads the files anew; Spawn uses what the last reading found. A runtime's dictionary:
 *   Match as, Type s (exec, notify), StartTimeoutUSec t, StopTimeoutUSec t, WatchdogUSec t, ClientTypes as,
 *   AllowEnvironment as, Restart s, RestartUSec t, RestartMaxUSec t, User s, UnitProperties as (names),
 *   File s (its path), Executable s (the program that Exec= names) */
#define LAUNCHER_LIST_RUNTIMES "ListRuntimes"
#define LAUNCHER_LIST_RUNTIMES_OUT "a(sa{sv})asas"

/* Spawn(s agent_id, s guild_id, s runtime, i machine_id, s client_type, as environment,
 *       a(sv) unit_properties, ah texts)
 *   -> s unit, u pid, h pidfd
 * unit_properties: resource control, an allow-list (launcher/caller-property.c). texts are four sealed
 * memory files. Answers when the agent has been executed inside its scope, or with StartFailed when nothing
 * of it is left. If the connection that asked goes away meanwhile the launch goes on; the agent is then in
 * List. */
#define LAUNCHER_SPAWN "Spawn"
#define LAUNCHER_SPAWN_IN "sssisasa(sv)ah"
#define LAUNCHER_SPAWN_OUT "suh"

/* Stop(s unit, t timeout_usec): thaw, the runtime's stop signal, then SIGKILL to the whole cgroup when the
 * time is up (UINT64_MAX: the runtime's StopTimeoutSec=). Answers at once; Ended tells the end. A second
 * Stop can shorten the time, never lengthen it. An agent that is being launched is not started any more (its
 * Spawn fails). With a time of 0, also a unit that the launcher does not know but that has the name of an
 * agent's is ended: what is left of a launch that its predecessor died of. */
#define LAUNCHER_STOP "Stop"
#define LAUNCHER_STOP_IN "st"

/* Kill(s unit, s who, i signal): who is "main" or "all". */
#define LAUNCHER_KILL "Kill"
#define LAUNCHER_KILL_IN "ssi"

/* Extend(s unit, t timeout_usec): a Stop that is under way has at least so long from now before SIGKILL. */
#define LAUNCHER_EXTEND "Extend"
#define LAUNCHER_EXTEND_IN "st"

/* Freeze(s unit, b freeze): freezes or thaws all that is in the scope. Answers when systemd has done it, at
 * the latest with an error after LAUNCHER_FREEZE_LIMIT_USEC. A Stop thaws. */
#define LAUNCHER_FREEZE "Freeze"
#define LAUNCHER_FREEZE_IN "sb"
#define LAUNCHER_FREEZE_LIMIT_USEC (25 * USEC_PER_SEC)

/* List(s after) -> a(ssssuhu(siibtstt)): at most LAUNCHER_PAGE agents with units above after, in the order
 * of their names: unit, agent_id, guild_id, runtime, pid, pidfd, phase (LauncherPhase), end (as in Ended;
 * zero before). */
#define LAUNCHER_LIST "List"
#define LAUNCHER_LIST_ITEM "ssssuhu" LAUNCHER_END
#define LAUNCHER_LIST_OUT "a(" LAUNCHER_LIST_ITEM ")"

/* Adopt(a(ssssuh)) -> as refused: gives back agents that a launcher which died has started (unit, agent_id,
 * guild_id, runtime, pid, pidfd; at most LAUNCHER_PAGE). Answers when each has been looked at. Taken back
 * are those whose scope is there and holds the process; one that is known already is left as it is. The
 * refused units have ended: for each an Ended came before the answer (result "lost" where nobody knows). */
#define LAUNCHER_ADOPT "Adopt"
#define LAUNCHER_ADOPT_IN "a(ssssuh)"
#define LAUNCHER_ADOPT_OUT "as"

/* Settle(): Adopt has given back all that there was. Children of the launcher that are in agents' scopes and
 * that nobody has claimed (it has executed itself after a crash) are nobody's records: they are reaped when
 * they have ended. */
#define LAUNCHER_SETTLE "Settle"

/* Acknowledge(as units): their ends are written down; the launcher reaps and forgets them. Units that are
 * unknown or have not ended are left alone. */
#define LAUNCHER_ACKNOWLEDGE "Acknowledge"
#define LAUNCHER_ACKNOWLEDGE_IN "as"

/* Signal Launched(s unit, u pid): a launch whose caller has gone is done. A failed one sends Ended. */
#define LAUNCHER_LAUNCHED "Launched"
#define LAUNCHER_LAUNCHED_SIGNATURE "su"

/* Signal Unsupported(as): the names on D-Bus of those resource-control properties that have no effect here,
 * as systemd does not know them or the host has no cgroup controller for them. Sent when this is found out
 * to be other than before. */
#define LAUNCHER_UNSUPPORTED "Unsupported"
#define LAUNCHER_UNSUPPORTED_SIGNATURE "as"

/* Signal Ended(s unit, (siibtstt) end): the agent's exit status is known and its scope is gone.
 *   s result        systemd's words: success exit-code signal core-dump oom-kill timeout resources lost
 *   i code          CLD_EXITED, CLD_KILLED, CLD_DUMPED as in waitid(2); 0 when unknown
 *   i status        exit code or signal number; -1 when unknown
 *   b requested     a stop was asked for, by Stop or by an administrator through systemd
 *   t when_usec     CLOCK_REALTIME
 *   s oom_level     of an oom-kill, whose limit was hit: agent guild fleet host; empty when unknown
 *   t memory_peak   bytes; UINT64_MAX when unknown
 *   t cpu_nsec      processor time; UINT64_MAX when unknown
 * Sent again by List until acknowledged. */
#define LAUNCHER_ENDED "Ended"
#define LAUNCHER_END "(siibtstt)"
#define LAUNCHER_ENDED_SIGNATURE "s" LAUNCHER_END

/* Reload(): for who runs as the launcher's own user only. The launcher executes itself in place, so that the
 * build that is installed now takes over. It answers just before that, or when it is not to happen.
 *
 * Every connection is told by the signal Reloading. From then on no launch begins: a Spawn, and an Adopt
 * that is under way, are answered with LAUNCHER_ERROR_RELOADING, also a launch that has begun and does not
 * come to its end (nothing of it is left). All else is answered as ever. Who has got his answers closes his
 * connection and connects again: he is served when the new launcher is there, and may send again what was
 * answered so. Where a connection is not closed in time, what was unanswered on it may be sent again too. */
#define LAUNCHER_RELOAD "Reload"
#define LAUNCHER_RELOADING "Reloading"
#define LAUNCHER_ERROR_RELOADING "org.agenthost.Launcher1.Error.Reloading"

typedef enum LauncherPhase {
        LAUNCHER_LAUNCHING = 0, /* not executed yet */
        LAUNCHER_RUNNING = 1,
        LAUNCHER_STOPPING = 2,
        LAUNCHER_ENDED_PHASE = 3, /* unreaped until acknowledged */
} LauncherPhase;
