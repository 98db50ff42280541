# SPDX-License-Identifier: Apache-2.0
"""pack.py APP SITE OUT: puts python3 and what the application imports of the
standard library into OUT/rootfs, and writes OUT/config.json.

APP is OUT/rootfs/app, SITE where pip installed what is required. The library
is stored compiled only; the application and the packages keep their sources
beside the compiled form. The paths in tracebacks are those of the image.
"""
import csv
import importlib.util
import io
import json
import os
import py_compile
import re
import shutil
import site
import subprocess
import sys
import sysconfig

import entry
import modules

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
LIB = f"/usr/lib/python{VERSION}"
ZONEINFO = "/usr/share/zoneinfo"
# What pip notes for itself; it tells where on this machine a package was.
NOTES = {"direct_url.json", "INSTALLER", "REQUESTED"}
TESTS = {"test", "tests"}
# Where the ELF files of the image come from.
ORIGINS = {}


def step(text):
    print(f"step: {text}", flush=True)


def compile_file(source, target, shown):
    """False, with the reason printed, if the source is not Python."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        py_compile.compile(
            source, cfile=target, dfile=shown, doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    except (py_compile.PyCompileError, ValueError) as e:
        print(e)
        return False
    return True


def strip(source, root, path):
    """Puts an ELF file without its debug information at a path of the image.
    Libraries are looked for where it comes from."""
    target = root + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    subprocess.run(["strip", "--strip-debug", "-o", target, source],
                   check=True)
    ORIGINS[path] = source


def python_files(top):
    """The paths of all .py files, sorted."""
    found = []
    for base, dirs, names in os.walk(top):
        dirs.sort()
        found += [os.path.join(base, n) for n in sorted(names)
                  if n.endswith(".py")]
    return found


def package_of(path, top):
    return os.path.relpath(os.path.dirname(path), top).replace(
        os.sep, ".").strip(".")


def imports_of(top, more=()):
    """The names that the Python files below a directory import, and others
    that are named."""
    names = set()
    for path in [*python_files(top), *more]:
        if TESTS & set(os.path.relpath(path, top).split(os.sep)[:-1]):
            continue
        try:
            found = modules.scan_file(path, package_of(path, top))
        except (SyntaxError, ValueError) as e:
            print(f"{os.path.relpath(path, top)} is not Python "
                  f"{VERSION}: {e}")
            continue
        names |= {name for name, _ in found}
    return names


def compile_tree(top, shown):
    for path in python_files(top):
        compile_file(path, importlib.util.cache_from_source(path),
                     os.path.join(shown, os.path.relpath(path, top)))


def add_library(library, names, root):
    """Copies the modules of the standard library."""
    for name in sorted(names):
        if name in library.sources:
            source = library.sources[name]
            inside = os.path.relpath(source, library.dir)
            if not compile_file(source, f"{root}{LIB}/{inside}c",
                                f"{LIB}/{inside}"):
                sys.exit(f"the module {name} of this machine's Python "
                         "cannot be compiled")
            if library.is_package(name):
                add_data(library, source, root)
        elif name in library.extensions:
            source = library.extensions[name]
            strip(source, root,
                  f"{LIB}/lib-dynload/{os.path.basename(source)}")
    os.makedirs(f"{root}{LIB}/lib-dynload", exist_ok=True)


def add_data(library, init, root):
    """Copies the files of a package that are not Python."""
    place = os.path.dirname(init)
    inside = os.path.relpath(place, library.dir)
    for name in sorted(os.listdir(place)):
        source = os.path.join(place, name)
        if not name.endswith((".py", ".rst")) and os.path.isfile(source):
            shutil.copyfile(source, f"{root}{LIB}/{inside}/{name}")


def site_directory():
    """Where an interpreter in /usr/bin looks for packages."""
    sys.prefix = sys.base_prefix
    sys.exec_prefix = sys.base_exec_prefix
    for place in site.getsitepackages(["/usr"]):
        if place.startswith(LIB + "/"):
            return place
    return f"{LIB}/site-packages"


def tidy_site(top):
    """Leaves out what no import reads, and what differs by machine."""
    shutil.rmtree(os.path.join(top, "bin"), ignore_errors=True)
    for base, _, names in os.walk(top):
        for name in names:
            path = os.path.join(base, name)
            if name.endswith(".pyi") or (name in NOTES and
                                         base.endswith(".dist-info")):
                os.unlink(path)
            elif name == "RECORD" and base.endswith(".dist-info"):
                tidy_record(path, top)


def tidy_record(path, top):
    """The list of a package's files names those that are there."""
    with open(path, encoding="utf-8", newline="") as f:
        rows = [r for r in csv.reader(f) if r and not r[0].endswith(".pyi") and
                os.path.basename(r[0]) not in NOTES and
                os.path.exists(os.path.join(top, r[0]))]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(sorted(rows))
    with open(path, "w", encoding="utf-8") as f:
        f.write(out.getvalue())


def add_interpreter(root):
    binary = os.path.realpath(getattr(sys, "_base_executable",
                                      sys.executable))
    name = f"python{VERSION}"
    strip(binary, root, f"/usr/bin/{name}")
    os.symlink(name, f"{root}/usr/bin/python3")
    library = os.path.join(sysconfig.get_config_var("LIBDIR") or "",
                           sysconfig.get_config_var("INSTSONAME") or "")
    if os.path.basename(library) in needed(binary) and \
            os.path.isfile(library):
        strip(library, root, library)


def needed(binary):
    """The names of the shared libraries that a program asks for."""
    got = subprocess.run(["readelf", "-d", binary], text=True, check=True,
                         capture_output=True)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", got.stdout)


def add_certificates(root):
    """The certificates of authorities, where OpenSSL looks for them."""
    import ssl
    paths = ssl.get_default_verify_paths()
    for source in (paths.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt"):
        if source and os.path.exists(source):
            target = root + paths.openssl_cafile
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
            return


def add_zones(root):
    """The time zones, without the two other forms of them."""
    if os.path.isdir(ZONEINFO):
        shutil.copytree(ZONEINFO, root + ZONEINFO, symlinks=True,
                        ignore=shutil.ignore_patterns("posix", "right"))


def missing(library, names, tops):
    """Names of modules that nothing in the image provides."""
    found = set()
    for name in {n.split(".")[0] for n in names}:
        here = any(os.path.exists(os.path.join(top, name + suffix))
                   for top in tops for suffix in ("", ".py"))
        if not here and not library.has(name):
            found.add(name)
    return sorted(found)


def check_entry(app, args):
    """A program that does not compile is no program."""
    path = os.path.join(app, args[0])
    if os.path.isfile(path):
        target = importlib.util.cache_from_source(path)
        if not compile_file(path, target, f"/app/{args[0]}"):
            sys.exit(f"{args[0]} is not Python {VERSION}")


def wanted(library, names):
    """The modules to take: MAYFLY_PYTHON_MODULES adds to what is seen."""
    more = os.environ.get("MAYFLY_PYTHON_MODULES", "").replace(",", " ")
    more = set(more.split())
    if "all" in more:
        return library.names()
    for name in sorted(more):
        if not library.expand(name):
            sys.exit(f"MAYFLY_PYTHON_MODULES: this machine's Python has no "
                     f"module {name}")
    return library.closure(names | more)


def main():
    app, packages, out = sys.argv[1:]
    root = os.path.join(out, "rootfs")
    args = entry.choose(app)
    check_entry(app, args)
    library = modules.Library()
    step("Looking for imports")
    tidy_site(packages)
    started = [f for f in [os.path.join(app, args[0])] if os.path.isfile(f)]
    names = imports_of(app, started) | imports_of(packages)
    used = wanted(library, names)
    for name in missing(library, names, (app, packages, f"{app}/src")):
        print(f"import {name}: neither in {app} nor required; it will be "
              "missing if it is imported")
    step(f"Adding Python {VERSION} with {len(used)} modules")
    add_library(library, used, root)
    add_interpreter(root)
    if "_ssl" in used:
        add_certificates(root)
    if "zoneinfo" in used:
        add_zones(root)
    compile_tree(app, "/app")
    if os.listdir(packages):
        place = site_directory()
        compile_tree(packages, place)
        shutil.copytree(packages, root + place, symlinks=True)
    env = ["PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1"]
    if os.path.isdir(os.path.join(app, "src")):
        env.append("PYTHONPATH=/app/src")
    with open(os.path.join(out, "config.json"), "w", encoding="utf-8") as f:
        json.dump({"args": ["/usr/bin/python3", *args], "env": env,
                   "cwd": "/app", "libraries": True,
                   "origins": ORIGINS}, f)
        f.write("\n")


main()
