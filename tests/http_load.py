#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client for the HTTP server tests: http_load.py PORT WANT [options].

Sends requests, checks status and body of each, and says how many came back
as they should. Exit status 1 if one did not.
"""
import argparse
import http.client
import re
import sys
import threading


class Client(threading.Thread):
    """One connection at a time, `count` requests one after the other."""

    def __init__(self, options, count):
        super().__init__(daemon=True)
        self.options = options
        self.count = count
        self.good = 0
        self.error = None

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.options.port,
                                          timeout=20)

    def run(self):
        try:
            self.request_all()
        except (OSError, http.client.HTTPException) as e:
            self.error = f"{type(e).__name__}: {e}"

    def request_all(self):
        conn = self.connect()
        for _ in range(self.count):
            headers = {}
            if self.options.close:
                headers["Connection"] = "close"
            conn.request("GET", self.options.path, headers=headers)
            answer = conn.getresponse()
            body = answer.read().decode()
            if answer.status != 200 or \
                    not re.fullmatch(self.options.want, body.strip()):
                self.error = f"{answer.status} {body!r}"
                return
            self.good += 1
            if self.options.close:
                conn.close()
                conn = self.connect()
        conn.close()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("port", type=int)
    p.add_argument("want", help="regular expression of the body")
    p.add_argument("-n", "--requests", type=int, default=1000)
    p.add_argument("-c", "--clients", type=int, default=1)
    p.add_argument("-p", "--path", default="/")
    p.add_argument("--close", action="store_true",
                   help="a connection per request")
    options = p.parse_args()
    share = options.requests // options.clients
    clients = [Client(options, share) for _ in range(options.clients)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    good = sum(c.good for c in clients)
    errors = sorted({c.error for c in clients if c.error})
    print(f"{good} of {share * options.clients} answers", *errors)
    return 0 if good == share * options.clients else 1


sys.exit(main())
