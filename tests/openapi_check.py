#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""openapi_check.py DOC ROUTES SOCKET IMAGE: is the API what its document says?

Uses every operation of DOC (docs/api/openapi.json) on a mayflyd that has no
functions, at SOCKET, with an image of an HTTP server, and compares status,
type and body of each answer with the document; compares the operations with
the table in ROUTES (daemon/api/routes.c). Ends with 1 and the differences.
"""
import http.client
import json
import re
import socket
import sys

FUNCTION = "checked"


class Unix(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(self.path)


TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)),
    "null": lambda v: v is None,
}
# All words of JSON Schema that the document may use; another is an error.
KNOWN = {
    "$ref", "type", "properties", "required", "additionalProperties", "items",
    "enum", "const", "minimum", "maximum", "pattern", "oneOf", "description",
    "maxLength", "minItems", "maxItems", "maxProperties", "format",
}


class Schema:
    """Says what is wrong with a value, by the words of KNOWN."""

    def __init__(self, doc):
        self.doc = doc

    def resolve(self, s):
        while "$ref" in s:
            at = self.doc
            for part in s["$ref"].lstrip("#/").split("/"):
                at = at[part]
            s = at
        return s

    def errors(self, s, v, where="body"):
        s = self.resolve(s)
        unknown = set(s) - KNOWN
        if unknown:
            raise ValueError(f"the document uses {unknown}")
        if "oneOf" in s:
            tried = [list(self.errors(o, v, where)) for o in s["oneOf"]]
            if sum(not t for t in tried) != 1:
                yield f"{where}: not one of the forms: {v!r}"
            return
        yield from self.scalar(s, v, where)
        if isinstance(v, dict):
            yield from self.object(s, v, where)
        if isinstance(v, list) and "items" in s:
            for i, item in enumerate(v):
                yield from self.errors(s["items"], item, f"{where}[{i}]")

    def scalar(self, s, v, where):
        types = s.get("type", [])
        types = types if isinstance(types, list) else [types]
        if types and not any(TYPES[t](v) for t in types):
            yield f"{where}: {v!r} is not {types}"
            return
        if "enum" in s and v not in s["enum"]:
            yield f"{where}: {v!r} is none of {s['enum']}"
        if "const" in s and v != s["const"]:
            yield f"{where}: {v!r} is not {s['const']!r}"
        if isinstance(v, str) and "pattern" in s and \
                not re.search(s["pattern"], v):
            yield f"{where}: {v!r} does not match {s['pattern']}"
        if TYPES["number"](v) and not isinstance(v, bool) and not (
                s.get("minimum", v) <= v <= s.get("maximum", v)):
            yield f"{where}: {v} is out of range"

    def object(self, s, v, where):
        props = s.get("properties", {})
        extra = s.get("additionalProperties", True)
        for key in s.get("required", []):
            if key not in v:
                yield f"{where}: {key} is missing"
        for key, value in v.items():
            if key in props:
                yield from self.errors(props[key], value, f"{where}.{key}")
            elif extra is False:
                yield f"{where}: {key} is not documented"
            elif isinstance(extra, dict):
                yield from self.errors(extra, value, f"{where}.{key}")


class Check:
    """Asks, and compares each answer with the document."""

    def __init__(self, doc, path):
        self.doc = doc
        self.path = path
        self.schema = Schema(doc)
        self.problems = []
        self.used = set()

    def operation(self, method, path):
        for template, item in self.doc["paths"].items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", template)
            if re.fullmatch(pattern, path) and method.lower() in item:
                return template, item[method.lower()]
        return None, None

    def ask(self, method, target, body=None, want=None, headers=None):
        """The answer's body, parsed; `want` is the status that is due."""
        what = f"{method} {target}"
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers["Content-Type"] = "application/json"
        c = Unix(self.path)
        c.request(method, target, body, headers)
        r = c.getresponse()
        data = r.read()
        c.close()
        if want and r.status != want:
            self.problems.append(f"{what}: status {r.status}, want {want}: "
                                 f"{data[:300]!r}")
        template, op = self.operation(method, target.split("?")[0])
        if not op:
            self.problems.append(f"{what} is not in the document")
            return None
        if r.status < 300:
            self.used.add((method, template))
        return self.compare(what, op, r, data)

    def compare(self, what, op, r, data):
        responses = op["responses"]
        doc = responses.get(str(r.status)) or responses["default"]
        if str(r.status) not in responses and r.status < 400:
            self.problems.append(f"{what}: status {r.status} is not "
                                 "documented")
        if not data:
            if "content" in doc and what.split()[0] != "HEAD" and \
                    "application/x-ndjson" not in doc["content"]:
                self.problems.append(f"{what}: no body")
            return None
        ctype = r.getheader("Content-Type", "").split(";")[0]
        if ctype not in doc.get("content", {}):
            self.problems.append(f"{what}: type {ctype} is not documented")
            return data
        schema = doc["content"][ctype]["schema"]
        if ctype == "application/x-ndjson":
            values = [json.loads(line) for line in data.splitlines()]
        elif ctype.endswith("json"):
            values = [json.loads(data)]
        else:
            values = [data.decode()]
        for v in values:
            self.problems += [f"{what}: {e}"
                              for e in self.schema.errors(schema, v)]
        return values if "ndjson" in ctype else values[0]


def deploy(c, image):
    with open(image, "rb") as f:
        made = c.ask("POST", "/v1/images", f.read(), 201)
    digest = made["digest"]
    c.ask("HEAD", f"/v1/images/{digest}", want=200)
    c.ask("HEAD", f"/v1/images/sha256:{'0' * 64}", want=404)
    base = f"/v1/functions/{FUNCTION}"
    for spec in ({}, {"isolation": "reuse", "env": {"A": "1"}}):
        events = c.ask("POST", f"{base}/versions",
                       {"digest": digest, "spec": spec}, 200)
        last = events[-1] if isinstance(events, list) else events
        if last.get("event") != "done":
            raise SystemExit(f"the deploy failed: {last}")
    c.ask("POST", f"{base}/versions", {"digest": digest, "percent": 101}, 400)
    c.ask("POST", f"{base}/versions", {"digest": "sha256:" + "0" * 64}, 404)
    c.ask("POST", f"{base}/versions", {"digest": digest, "x": 1}, 400)
    c.ask("POST", "/v1/functions/No_Name/versions", {"digest": digest}, 400)
    return base


def functions(c, base):
    c.ask("GET", "/v1/functions", want=200)
    c.ask("GET", base, want=200)
    c.ask("GET", "/v1/functions/nobody", want=404)
    c.ask("GET", f"{base}/versions/1", want=200)
    c.ask("GET", f"{base}/versions/live", want=200)
    c.ask("GET", f"{base}/versions/9", want=404)
    shares = {"shares": [{"version": 1, "weight": 1},
                         {"version": 2, "weight": 3}]}
    c.ask("PUT", f"{base}/aliases/beta", shares, 200)
    c.ask("PUT", f"{base}/aliases/live", shares, 200)
    c.ask("PUT", f"{base}/aliases/beta", {"shares": []}, 400)
    c.ask("PUT", f"{base}/aliases/beta", {"shares": [{"version": 7}]}, 404)
    c.ask("DELETE", f"{base}/aliases/beta", want=204)
    c.ask("DELETE", f"{base}/aliases/live", want=400)
    c.ask("POST", f"{base}/rollback", want=200)
    c.ask("POST", f"{base}/rollback", want=409)


def observe(c, base):
    c.ask("GET", f"{base}/logs?tail=5&since=1", want=200)
    c.ask("GET", f"{base}/logs?tail=x", want=400)
    c.ask("GET", f"{base}/logs?colour=red", want=400)
    c.ask("GET", "/v1/stats", want=200)
    c.ask("GET", "/v1/metrics", want=200)
    c.ask("GET", "/metrics", want=200)
    c.ask("GET", f"/v1/history?function={FUNCTION}&runs=5", want=200)
    c.ask("GET", "/v1/history?format=csv", want=200)
    c.ask("GET", "/v1/history?reason=boredom", want=400)
    c.ask("GET", "/v1/totals", want=200)
    c.ask("GET", "/v1/totals", want=200, headers={"Accept": "text/csv"})
    c.ask("PUT", f"{base}/aliases/live", {"shares": [{"version": 2,
                                                      "weight": 1}]}, 200)
    conn = Unix(c.path)
    conn.request("GET", f"/fn/{FUNCTION}/")
    if conn.getresponse().status != 200:
        c.problems.append("the function does not answer by the API")
    conn.close()
    there = c.ask("GET", f"/v1/instances?function={FUNCTION}", want=200)
    if not there["instances"]:
        c.problems.append("no instance of isolation reuse is there")
        return
    some = there["instances"][0]["id"]
    c.ask("DELETE", f"/v1/instances/{some[:16]}", want=204)
    c.ask("DELETE", f"/v1/instances/{'0' * 32}", want=404)


def tokens(c):
    c.ask("POST", "/v1/tokens", {"name": "a", "role": "invoke",
                                 "function": FUNCTION}, 201)
    c.ask("POST", "/v1/tokens", {"name": "a"}, 409)
    c.ask("POST", "/v1/tokens", {"name": "b", "role": "king"}, 400)
    c.ask("POST", "/v1/tokens", "not json", 400,
          {"Content-Type": "application/json"})
    c.ask("GET", "/v1/tokens", want=200)
    c.ask("DELETE", "/v1/tokens/a", want=204)
    c.ask("DELETE", "/v1/tokens/a", want=404)


def routes_of(path):
    """The operations of the table, as (method, template of any names)."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r'\bF "', '"/v1/functions/{}', text).replace(
        "F, API", '"/v1/functions/{}", API')
    return set(re.findall(r'\{ HTTP_(\w+),\s*"([^"]+)"', text))


def main():
    doc_path, routes, sock, image = sys.argv[1:]
    with open(doc_path, encoding="utf-8") as f:
        doc = json.load(f)
    c = Check(doc, sock)
    c.ask("GET", "/v1/health", want=200)
    c.ask("GET", "/v1/info", want=200)
    base = deploy(c, image)
    functions(c, base)
    observe(c, base)
    tokens(c)
    c.ask("DELETE", base, want=204)
    c.ask("DELETE", base, want=404)
    written = {(m.upper(), p) for p, item in doc["paths"].items()
               for m in item if m != "parameters"}
    c.problems += [f"{m} {p} was not tried" for m, p in written - c.used]
    plain = {(m, re.sub(r"\{\w+\}", "{}", p)) for m, p in written}
    c.problems += [f"the document alone has {m} {p}"
                   for m, p in plain - routes_of(routes)]
    c.problems += [f"the table alone has {m} {p}"
                   for m, p in routes_of(routes) - plain]
    for p in c.problems:
        print(p)
    return 1 if c.problems else 0


sys.exit(main())
