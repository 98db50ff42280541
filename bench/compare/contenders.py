# SPDX-License-Identifier: Apache-2.0
"""What every contender can be asked.

A contender starts one of the programs in its own way. Each is made once,
says what it lacks, prepares what is done once beforehand, and then describes
instances: what is to be executed, where it will answer, and how it is ended.
"""
import dataclasses


@dataclasses.dataclass
class Instance:
    """How one is started and ended; firstbyte does both."""
    port: int
    argv: list = dataclasses.field(default_factory=list)  # empty: a request
    stops: list = dataclasses.field(default_factory=list)  # lists of words
    env: dict = dataclasses.field(default_factory=dict)
    path: str = "/"
    netns: str = ""  # of its own, where firstbyte connects from


class Contender:
    """key names it in the raw data; kind is process, container, isolate,
    mayfly or other; label is what people read."""
    key = ""
    kind = ""
    label = ""
    always_on = True  # usage.py leaves it running; False: from zero
    many = True  # more than one at a time can be described

    def missing(self, program):
        """Why it cannot run this program here, or None."""
        raise NotImplementedError

    def fetch(self):
        """What needs the network: done before the world is entered, unless
        nothing is to be installed. What fails is missing()."""

    def version(self):
        return ""

    def prepare(self, program):
        """What is done once, before the first start: images, imports,
        daemons."""

    def instance(self, program, number=None):
        """An Instance. Without a number the only one there is, on the
        program's own port and, where this contender can, in the host's
        network. With one, the number-th of many: ports and names do not
        meet, and if it needs a network namespace of its own, that is
        world.netns(number)."""
        raise NotImplementedError

    def settle(self, program):
        """Waits until nothing of the last instance is left."""

    def files(self, program):
        """The files of the image: what a cold start has to read again."""
        return []

    def daemons(self):
        """Pids of what runs once a host, instance or not."""
        return []

    def more_pids(self, program, instance):
        """Pids of an instance that are no descendants of firstbyte."""
        return []

    def close(self):
        """Ends and removes what prepare made."""
