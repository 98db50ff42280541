# SPDX-License-Identifier: Apache-2.0
"""Where the comparison finds things: in a source tree with a build directory,
or below a prefix, where everything lies beside this file."""
import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
IN_TREE = os.path.isdir(os.path.join(TREE, "examples"))
if IN_TREE:  # memory.py and report.py, which lie beside it elsewhere
    sys.path.insert(1, os.path.dirname(HERE))
BUILD = os.path.join(TREE, os.environ.get("B", "build"))


def tool(name):
    """A program of bench/, built."""
    return os.path.join(BUILD, "bench", name) if IN_TREE else \
        os.path.join(HERE, name)


def example(name):
    return os.path.join(TREE if IN_TREE else HERE, "examples", name)


def mayfly():
    """The command; mayfly bench compare says which it is itself."""
    return os.environ.get("MAYFLY") or os.path.join(BUILD, "bin", "mayfly")


def work():
    """For images and the storage of container tools: a disk, not memory."""
    if IN_TREE:
        return os.path.join(BUILD, "compare-work")
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or
                        os.path.expanduser("~/.cache"), "mayfly", "compare")
