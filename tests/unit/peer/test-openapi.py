#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# test-openapi.py DESCRIPTION SERVER: what data/openapi/agenthost-peer.yaml says is what the server does. Everything that is
# described happens, answers are as described, and the server refuses just what the schema of a request refuses. Speaks TAP.
import copy
import http.client
import json
import socket
import ssl
import subprocess
import sys
import traceback
import urllib.parse

import jsonschema
import yaml

DESCRIPTION, SERVER = sys.argv[1:3]
METHODS = ["get", "put", "post", "delete", "options", "patch", "trace"]
ERROR = "org.agenthost.Host1.Error."

# What no request of a test's brings about here: it is the host's, or this request has nothing to say it by.
NOT_SEEN = {("getHealth", status) for status in ("500", "503", "504")} | {("getReadiness", "503")}
PAGES = ["getMetrics", "getLiveness", "getReadiness"]


def inline(node, root):
    """The node without references: there are no circles of them."""
    if isinstance(node, dict):
        if "$ref" in node:
            target = root
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            return inline(target, root)
        return {key: inline(value, root) for key, value in node.items()}
    if isinstance(node, list):
        return [inline(value, root) for value in node]
    return node


with open(DESCRIPTION, encoding="utf-8") as file:
    WRITTEN = yaml.safe_load(file)
SPEC = inline(WRITTEN, WRITTEN)
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, item in SPEC["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
CREATE_SCHEMA = OPERATIONS["createAgent"][2]["requestBody"]["content"]["application/json"]["schema"]
LEAST = OPERATIONS["createAgent"][2]["requestBody"]["content"]["application/json"]["examples"]["least"]["value"]
seen = set()


class Server:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([SERVER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        port, self.dir = self.process.stdout.readline().split()
        self.port = int(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)

    def connect(self, who="client"):
        context = ssl.create_default_context(cafile=f"{self.dir}/ca.pem")
        context.load_cert_chain(f"{self.dir}/{who}-cert.pem", f"{self.dir}/{who}-key.pem")
        connection = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=30)
        # The certificate is for localhost, the socket on this address only.
        connection._create_connection = lambda address, *rest, **more: socket.create_connection(
            ("127.0.0.1", address[1]), *rest, **more)
        return connection


def ask(server, method, target, body=None, headers=None, who="client"):
    connection = server.connect(who)
    try:
        headers = dict(headers or {})
        if body is not None and "Content-Type" not in headers:
            headers["Content-Type"] = "application/json"
        connection.request(method.upper(), target, body=body, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        connection.close()


def check(schema, value):
    jsonschema.Draft202012Validator(schema).validate(value)


def check_reply(name, status, headers, body):
    """The reply is one that the operation has, to the letter."""
    responses = OPERATIONS[name][2]["responses"]
    assert str(status) in responses, f"{name}: status {status} is not described: {body}"
    response = responses[str(status)]
    seen.add((name, str(status)))
    content = response["content"]
    kind = headers["Content-Type"]
    assert kind in content, f"{name}: {status} came as {kind}"
    value = body.decode() if kind.startswith("text/") else json.loads(body)
    check(content[kind]["schema"], value)
    if kind == "application/problem+json":
        assert value["status"] == status, f"{name}: {status} says {value['status']}"
    for header, described in response.get("headers", {}).items():
        text = headers[header]
        assert text is not None or not described.get("required"), f"{name}: {status} has no {header}"
        check(described["schema"], int(text) if described["schema"]["type"] == "integer" else text)
    return value


def call(server, name, expected, agent_id="agent-1", query="", body=None, headers=None, who="client"):
    path, method, _ = OPERATIONS[name]
    target = path.replace("{id}", urllib.parse.quote(agent_id, safe="")) + query
    status, reply_headers, reply = ask(server, method, target, body, headers, who)
    value = check_reply(name, status, reply_headers, reply)
    assert status == expected, f"{name}: expected {expected}, got {status}: {reply}"
    return value


def make_body(agent_id):
    return json.dumps(dict(LEAST, agent_spec=json.dumps({"id": agent_id, "name": "One"}, ensure_ascii=False)))


def create(server, expected, agent_id="agent-1", **more):
    return call(server, "createAgent", expected, body=more.pop("body", make_body(agent_id)), **more)


def test_the_description_is_of_openapi_3_1():
    assert WRITTEN["openapi"].startswith("3.1.")
    assert WRITTEN["info"]["title"] and WRITTEN["info"]["version"]
    for name, (path, _, operation) in OPERATIONS.items():
        assert operation["summary"] and operation["responses"], name
        names = {p["name"] for p in SPEC["paths"][path].get("parameters", []) if p["in"] == "path"}
        assert names == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path
        for status, response in operation["responses"].items():
            assert response["description"], f"{name}: {status}"


def test_its_schemas_are_schemas():
    for name, schema in SPEC["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert name
    for parameter in SPEC["components"]["parameters"].values():
        jsonschema.Draft202012Validator.check_schema(parameter["schema"])


def test_its_examples_are_accepted():
    examples = OPERATIONS["createAgent"][2]["requestBody"]["content"]["application/json"]["examples"]
    with Server() as server:
        for example in examples.values():
            check(CREATE_SCHEMA, example["value"])
            create(server, 201, body=json.dumps(example["value"]))


def test_good_requests_are_answered():
    with Server() as server:
        assert create(server, 201, "a/ü")["agent_id"] == "a/ü"
        assert call(server, "listAgents", 200)["agents"]
        call(server, "listAgents", 200, query="?guild_id=g%2F1")
        assert call(server, "getAgentInfo", 200, "a/ü")["agent_id"] == "a/ü"
        assert call(server, "stopAgent", 200)["stopped"] is True
        assert call(server, "stopAgent", 200, "none", "?timeout=10")["stopped"] is False
        assert call(server, "getHealth", 200)["healthy"] is True
        for name in PAGES:
            assert call(server, name, 200)


def test_faults_have_their_status():
    with Server() as server:
        for status, error in [(409, "AgentExists"), (422, "InvalidSpec"), (422, "NoSuchRuntime"), (500, "StartFailed"),
                              (503, "LimitReached"), (503, "Draining"), (504, "StartTimeout")]:
            assert create(server, status, ERROR + error)["error"] == ERROR + error
        call(server, "getAgentInfo", 404, "none")
        for name in ("getAgentInfo", "stopAgent"):
            call(server, name, 500, "org.freedesktop.DBus.Error.Failed")
            call(server, name, 503, ERROR + "LauncherUnavailable")
        call(server, "listAgents", 500, query="?guild_id=org.freedesktop.DBus.Error.Failed")
        call(server, "listAgents", 503, query=f"?guild_id={ERROR}LauncherUnavailable")
        call(server, "listAgents", 504, query="?guild_id=never")
        call(server, "getAgentInfo", 504, "never")
        call(server, "stopAgent", 504, "never")


def test_bad_requests_are_refused():
    with Server() as server:
        call(server, "listAgents", 400, query="?guild=x")
        for name in ["getHealth", *PAGES]:
            call(server, name, 400, query="?x=1")
        call(server, "getAgentInfo", 400, "x" * 256)
        for timeout in ("-1", "86401", "x", "1.5"):
            call(server, "stopAgent", 400, query=f"?timeout={timeout}")
        create(server, 400, body="{")
        create(server, 413, body=None, headers={"Content-Type": "application/json", "Content-Length": "10485760"})
        create(server, 415, headers={"Content-Type": "text/plain"})
        key = {"Idempotency-Key": "k"}
        create(server, 201, headers=key)
        create(server, 422, "agent-2", headers=key)
        call(server, "stopAgent", 422, headers=key)
        create(server, 400, headers={"Idempotency-Key": "k" * 256})


def test_strangers_are_refused():
    with Server() as server:
        for name in OPERATIONS:
            body = make_body("agent-1") if name == "createAgent" else None
            value = call(server, name, 403, body=body, who="stranger")
            assert value["error"] == "org.freedesktop.DBus.Error.AccessDenied"


def test_who_asks_too_often_is_refused():
    with Server("1") as server:
        ask(server, "GET", "/v1/health")
        for name in OPERATIONS:
            call(server, name, 429, body=make_body("agent-1") if name == "createAgent" else None)


def test_other_methods_are_not_allowed():
    with Server() as server:
        for path, item in SPEC["paths"].items():
            described = {method.upper() for method in item if method in METHODS}
            for method in {method.upper() for method in METHODS} - described:
                status, headers, body = ask(server, method, path.replace("{id}", "agent-1"))
                assert status == 405, f"{method} {path}: {status}"
                assert set(headers["Allow"].split(", ")) == described, headers["Allow"]
                check(SPEC["components"]["schemas"]["Problem"], json.loads(body))


def variations(value, path=()):
    """The value with each of its members replaced, taken out, or with another one added."""
    for key in value:
        for other in ("text", 1, -1, 1.5, True, None, [], {}, ["text"], [1], 2 ** 31, 2 ** 63):
            yield path + (key,), other
        yield path + (key,), "taken out"
        if isinstance(value[key], dict):
            yield from variations(value[key], path + (key,))
    yield path + ("another",), 1


def vary(value, path, other):
    changed = copy.deepcopy(value)
    place = changed
    for key in path[:-1]:
        place = place[key]
    if other == "taken out":
        del place[path[-1]]
    else:
        place[path[-1]] = other
    return changed


def test_the_server_refuses_what_the_schema_refuses():
    whole = OPERATIONS["createAgent"][2]["requestBody"]["content"]["application/json"]["examples"]["whole"]["value"]
    n_refused = n_accepted = 0
    with Server() as server:
        for path, other in variations(whole):
            body = vary(whole, path, other)
            # The fake host takes its id from there.
            if path == ("agent_spec",) and isinstance(other, str) and other != "taken out":
                continue
            is_good = jsonschema.Draft202012Validator(CREATE_SCHEMA).is_valid(body)
            status, headers, reply = ask(server, "POST", "/v1/agents", json.dumps(body))
            check_reply("createAgent", status, headers, reply)
            assert status == (201 if is_good else 400), f"{path} = {other!r}: schema {is_good}, server {reply}"
            n_refused += not is_good
            n_accepted += is_good
    assert n_refused > 50 and n_accepted > 20, (n_refused, n_accepted)


def test_everything_that_is_described_has_happened():
    described = {(name, status) for name, (_, _, operation) in OPERATIONS.items() for status in operation["responses"]}
    missing = described - seen - NOT_SEEN
    assert not missing, sorted(missing)


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    failed = False
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} {name}", flush=True)
        except Exception:
            failed = True
            print(f"not ok {number} {name}")
            print("# " + traceback.format_exc(limit=-3).rstrip().replace("\n", "\n# "), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
