# SPDX-License-Identifier: Apache-2.0
"""The two programs of the published comparisons, as they stand in examples/."""
import collections

# key; title; directory below examples/; the port that it listens on by
# itself; the body of its answer; does it take another port from PORT?; how
# many requests it has answered before a snapshot is taken of it.
Program = collections.namedtuple(
    "Program", "key title example port body takes_port warm_up")

NODE = Program("node", "A: Node.js, Hello World", "hello-node", 8002,
               "Hello World\n", False, 200)
GO = Program("go", "B: Go, Serverless Unikernels!", "hello-go", 8080,
             "Serverless Unikernels!\n", True, 100)
ALL = (NODE, GO)
