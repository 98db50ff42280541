# SPDX-License-Identifier: Apache-2.0
"""What is known to be unfair about the comparison, to either side: each
sentence with the condition under which it is true of a run."""
import collections

import summary

Case = collections.namedtuple("Case", "helps applies text")


def ran(*prefixes):
    """Did a contender run whose key begins so?"""
    def applies(raw):
        return any(way.key.startswith(prefixes)
                   for p in summary.used_programs(raw)
                   for way in summary.ways(raw, p.key))
    return applies


def many(raw):
    return any(line["count"] > 1 for line in raw["memory"]) or \
        bool(raw["density"])


def cold(raw):
    return any(line["cache"] == "cold" for line in raw["start"])


def containers(raw):
    return any(way.kind == "container" for p in summary.used_programs(raw)
               for way in summary.ways(raw, p.key))


def emulated(raw):
    """/dev/kvm is there, but rests on no hardware virtualization."""
    return ran("mayfly-run-kvm", "mayfly-clone-kvm", "platform-kvm")(raw) \
        and "without" in str(raw["host"].get("kvm", ""))


def measured(raw, measure):
    return any(line["measure"] == measure for line in raw["surface"])


def in_use(raw):
    """Was a platform looked at over time?"""
    return any(str(line["contender"]).startswith("platform")
               for line in raw["usage"])


def weighed(raw):
    return bool(raw["memory"])


CASES = (
    Case("containers", emulated,
         "KVM rests on no hardware virtualization here, so that each exit of "
         "a virtual machine costs many times what it costs elsewhere. That "
         "slows Mayfly on kvm, and none of the others."),
    Case("containers", containers,
         "The root file systems are made by hand and hold the program and "
         "its libraries. An everyday image is larger, and has more layers to "
         "mount. No Docker daemon is between the command and the runtime."),
    Case("containers", ran("crun", "runc", "podman-host", "containerd"),
         "crun, runc, podman with the host's network and containerd get no "
         "network namespace of their own where the start of one is measured. "
         "A service that is to be kept apart has one, and making it takes "
         "time. Mayfly's guests are kept from the host's network in every "
         "run."),
    Case("containers", ran("crun", "runc", "containerd"),
         "crun, runc and ctr set no seccomp filter by themselves, and are "
         "measured without one, as the attack surface says; podman brings "
         "one. Each start of Mayfly's monitor installs its filters."),
    Case("containers", lambda raw: containers(raw) and many(raw),
         "For many instances beside each other the network namespaces were "
         "made beforehand, and their time is not in the starts."),
    Case("containers", ran("podman-port"),
         "A connection to a port that is published too early waits a second "
         "for TCP to try again. The clock opens another connection after "
         "5 ms of silence, so that this second is not seen."),
    Case("Mayfly", ran("platform"),
         "The platform runs already when the request comes, and its snapshot "
         "was taken when the function was deployed, as the images of "
         "containers were unpacked beforehand. A container runtime without a "
         "daemon starts with nothing."),
    Case("Mayfly", ran("mayfly-clone", "platform"),
         "A clone begins after the program's initialisation; a container, a "
         "process and `mayfly run` of an image begin before it. That is the "
         "point of a snapshot, and no other contender has one."),
    Case("Mayfly", ran("mayfly-clone", "platform"),
         "Before the snapshot the program has answered requests, so that its "
         "code is compiled and its caches are warm. The others answer their "
         "first request."),
    Case("workerd", ran("workerd"),
         "workerd runs a worker of its own JavaScript interface, not Node's "
         "http module: the same answer by another program."),
    Case("Mayfly and the process", containers,
         "A container is stopped by a command of its runtime, which has to "
         "start first; Mayfly and the process get a signal."),
    Case("containers", containers,
         "That command ends the container by SIGKILL, at once. Mayfly and "
         "the process get SIGTERM and may put things in order first."),
    Case("containerd", ran("containerd"),
         "containerd's shim is a child of its daemon. The time to end a "
         "container ends with its client, ctr, not with the last process."),
    Case("containers", lambda raw: containers(raw) and weighed(raw),
         "The memory of the network namespaces that were made beforehand, "
         "about 0.3 MiB each, is not charged to the containers in them."),
    Case("Mayfly", lambda raw: containers(raw) and
         measured(raw, "lines_behind"),
         "The lines of Linux are counted whole for a container, though "
         "podman's filter and missing capabilities keep it from some of "
         "them."),
    Case("Mayfly", lambda raw: measured(raw, "guest_syscalls") and
         ran("mayfly-run-process", "mayfly-clone-process",
             "platform-process")(raw),
         "Without KVM a guest is a process of the host: before it meets the "
         "monitor it meets Linux's handling of faults, signals and seccomp, "
         "which no line of the attack surface counts. With KVM it meets KVM, "
         "which is counted where the lines of Linux are."),
    Case("Mayfly", ran("platform"),
         "mayflyd keeps two empty machines ready, which the next instance "
         "is put into. Scaled to zero means that there is no instance of the "
         "function, not that nothing runs."),
    Case("containers", ran("mayfly", "platform"),
         "A guest of Mayfly has one virtual processor; a container and a "
         "process have all cores of the machine. That slows the start and "
         "the throughput of a runtime with several threads in Mayfly."),
    Case("Mayfly", ran("mayfly", "platform"),
         "With its one virtual processor a guest starts fewer threads and "
         "needs less memory than a runtime that sees all cores."),
    Case("Mayfly", in_use,
         "Over time the platform keeps an idle instance for one second, and "
         "one instance serves up to 16 requests at a time. None of the "
         "containers scales to zero, though there are systems that make "
         "them, such as Knative. The page cache that holds the snapshot "
         "while there is no instance is charged to nobody."),
    Case("all alike", cold,
         "Cold means that the image's files are not in the page cache. The "
         "files of the runtimes themselves stay there, also in cold runs."),
    Case("all alike", weighed,
         "Of the page cache only what a process has mapped is counted. "
         "Daemons that run once a host (containerd, "
         "mayflyd) are counted apart and not divided by the instances."),
    Case("nobody", lambda raw: True,
         "The client and the clock share the machine's cores with what they "
         "measure: a connection tried every 50 us takes more than half of a "
         "core until somebody listens. That slows what has several threads "
         "more than what has one, and it does not touch the platform, which "
         "gets a single request."),
)


def sentences(raw):
    """(whom it helps, the sentence) of all that apply."""
    return [(case.helps, case.text) for case in CASES if case.applies(raw)]
