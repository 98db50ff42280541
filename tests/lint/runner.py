# SPDX-License-Identifier: Apache-2.0
"""Tests the test runner: a tree of small tests, each with a known verdict.

`mayfly` there is a script that runs its program on the host, so this needs
no guest. What is tested is that the runner notices: wrong output, wrong
status, a hang, a skip that is not allowed, a process left behind.
"""
import os
import re
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "../.."))
FAKE_MAYFLY = """#!/bin/sh
[ "$1 $2" = "run --substrate" ] || exit 99
shift 3
exec sh "$@"
"""
E2E = {
    "good": ("pass", "test -d $TMP && test \"$(pwd)\" = $TMP"),
    "bad": ("fail", "false"),
    "hang": ("fail", "# test: timeout 1\nsleep 60"),
    "stubborn": ("fail", "# test: timeout 1\ntrap '' TERM\nwhile :; do "
                 "sleep 1; done"),
    "skip": ("fail", "echo why\nexit 77"),
    "may_skip": ("skip", "# test: may-skip needs luck\necho why\nexit 77"),
    "left": ("fail", "sleep 60 &"),
    "hidden": ("fail", "setsid sleep 60 &"),
    "lib": ("pass", ". \"$LIB\"\nexpect_status 3 sh -c 'exit 3'\n"
            "echo text >f\nexpect_match '^te' f\ntest $(free_port) -gt 0"),
    "lib_status": ("fail", ". \"$LIB\"\nexpect_status 0 sh -c 'exit 3'"),
    "lib_match": ("fail", ". \"$LIB\"\n:>f\nexpect_match x f"),
    "lib_start": ("pass", ". \"$LIB\"\necho 'exec sleep 60' >p\nstart p"),
}
# name: (verdict, program, directives, expect.out, expect.err)
GUEST = {
    "same": ("pass", "echo hi; echo warn >&2; cat", "", "hi\nin\n", "^wa"),
    "differs": ("fail", "echo ho", "", "hi\n", None),
    "status": ("pass", "exit 9", "status 9", None, None),
    "bad_status": ("fail", "exit 8", "status 9", None, None),
    "loud": ("fail", "echo x >&2", "", None, None),
    "no_match": ("fail", "echo x >&2", "", None, "y"),
    "args": ("pass", 'echo "$#" "$2"', "args a 'b c'", "2 b c\n", None),
}
# name: (verdict, program)
ABI = {
    "agree": ("pass", "echo 1; exit 4"),
    "disagree": ("fail", "echo $PPID$$"),
    "silent": ("fail", ":"),
}
# What docs/compatibility.md says there; name: (verdict, part, result), for a
# program that reports that its part works.
TABLE = """| program | version | what was exercised | kvm | process |
|---|---|---|---|---|
| true | 0.9 | this | works | works |
| false | 1.0 | this | works | refused: why |
| more | 1.0 | this | not run | works |
|  |  | that | not run | works |
"""
PROGRAM = {
    "true": ("pass", "this"),
    "false": ("fail", "this"),
    "more": ("fail", "this"),
    "absent": ("fail", "this"),
    "silent": ("fail", None),
}


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def make_tree(root):
    shutil.copytree(f"{ROOT}/tools", f"{root}/tools")
    shutil.copy(f"{ROOT}/tests/lib.sh", f"{root}/lib.sh")
    os.makedirs(f"{root}/tests")
    shutil.move(f"{root}/lib.sh", f"{root}/tests/lib.sh")
    write(f"{root}/build/bin/mayfly", FAKE_MAYFLY, 0o755)
    for name, (_, script) in E2E.items():
        write(f"{root}/tests/e2e/{name}.sh",
              f"# test: substrates process\n{script}\n")
    for name, (_, prog, words, out, err) in GUEST.items():
        home = f"{root}/tests/guest/{name}"
        write(f"{home}/prog.c",
              f" * test: substrates process\n * test: {words or 'timeout 9'}")
        write(f"{home}/stdin", "in\n")
        write(f"{root}/build/tests/guest/{name}.musl", prog, 0o755)
        for base, text in (("expect.out", out), ("expect.err", err)):
            if text is not None:
                write(f"{home}/{base}", text)
    for name, (_, prog) in ABI.items():
        write(f"{root}/tests/abi/{name}.c",
              " * test: flavours musl\n * test: substrates process\n")
        write(f"{root}/build/tests/abi/{name}.musl", f"#!/bin/sh\n{prog}\n",
              0o755)
    write(f"{root}/tests/guest/unbuilt/prog.c", "")
    for name, (_, part) in PROGRAM.items():
        report = f"printf 'works\\t{part}\\n' >$ROWS\n" if part else ""
        write(f"{root}/tests/programs/{name}/run.sh",
              f"# test: program {name}\n# test: version echo 1.0\n{report}")
    write(f"{root}/docs/compatibility.md", TABLE)


def expected():
    want = {f"e2e/{n}:process": v[0] for n, v in E2E.items()}
    want.update({f"guest/{n}.musl:process": v[0] for n, v in GUEST.items()})
    want.update({f"abi/{n}.musl:process": v[0] for n, v in ABI.items()})
    want.update({f"programs/{n}:process": v[0] for n, v in PROGRAM.items()})
    want["programs/table"] = "fail"
    want["guest/unbuilt.musl:process"] = "fail"
    return want


def main():
    with tempfile.TemporaryDirectory() as root:
        make_tree(root)
        got = subprocess.run(
            [f"{root}/tools/run-tests", "--no-build", "-s", "process", "e2e",
             "guest", "abi", "programs"], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
    words = {"ok": "pass", "FAIL": "fail", "skip": "skip"}
    verdicts = {name: words[word] for word, name in
                re.findall(r"^(ok|FAIL|skip) +(\S+)", got.stdout, re.M)}
    want = expected()
    for name, verdict in sorted(want.items()):
        if verdicts.get(name) == verdict:
            print(f"RESULT pass {name}")
        else:
            print(f"RESULT fail {name} {verdicts.get(name)}, want {verdict}")
    counts = [list(want.values()).count(v) for v in ("pass", "fail", "skip")]
    last = "{} passed, {} failed, {} skipped".format(*counts)
    if got.stdout.splitlines()[-1:] == [last] and got.returncode == 1:
        print("RESULT pass summary")
    else:
        print(got.stdout)
        print(f"RESULT fail summary want {last} and status 1")


main()
