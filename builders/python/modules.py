# SPDX-License-Identifier: Apache-2.0
"""Finds the modules of the standard library that an application imports.

Sources are parsed, not run: every import statement counts, also one inside
a function or a branch, and so does import_module("NAME") with a literal. A
module that is chosen by name at run time cannot be seen; IMPLIED has those
that the library itself chooses so.
"""
import ast
import os
import sys

LEFT_OUT = {"test", "tests", "idle_test", "__pycache__", "lib-dynload",
            "site-packages", "dist-packages"}

# What the interpreter itself imports: at its start, when an exception is
# printed, when a thread starts, when text is decoded. "NAME.*" is a package
# with all that is in it: codecs are found by the names that data bears.
ALWAYS = ["encodings.*", "site", "os", "io", "abc", "codecs", "runpy",
          "importlib", "importlib.machinery", "importlib.util",
          "warnings", "linecache", "traceback", "threading", "locale",
          "_bootlocale", "signal", "contextlib", "__future__"]

# Modules that are imported where no import statement tells so: by modules
# written in C, and by name.
IMPLIED = {
    "_ctypes": ["ctypes"],
    "_datetime": ["_strptime"],
    "_decimal": ["collections", "numbers"],
    "_elementtree": ["copy", "xml.etree.ElementPath"],
    "_pickle": ["copyreg", "_compat_pickle"],
    "_sqlite3": ["sqlite3.dbapi2", "collections.abc"],
    "_zoneinfo": ["zoneinfo"],
    "dbm": ["dbm.*"],
    "logging.config": ["logging.handlers"],
    "sysconfig": ["_sysconfigdata*"],
    "time": ["_strptime"],
    "xml.dom.domreg": ["xml.dom.minidom"],
    "xml.sax": ["xml.sax.expatreader"],
}

# Tools of developers: an import inside a function of the library, say of
# pdb by breakpoint(), is no reason to take them.
TOOLS = {"antigravity", "cProfile", "distutils", "doctest", "ensurepip",
         "idlelib", "lib2to3", "pdb", "profile", "pstats", "pydoc",
         "pydoc_data", "readline", "rlcompleter", "test", "tkinter", "turtle",
         "turtledemo", "unittest", "venv", "webbrowser"}


class Scanner(ast.NodeVisitor):
    """Collects (name, whether inside a function) of what a file imports."""

    def __init__(self, package):
        self.package = package
        self.depth = 0
        self.found = set()

    def add(self, name):
        if name:
            self.found.add((name, self.depth > 0))

    def visit_FunctionDef(self, node):
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_If(self, node):
        """What follows `if __name__ == ...` is like a function."""
        inside = any(isinstance(n, ast.Name) and n.id == "__name__"
                     for n in ast.walk(node.test))
        self.depth += inside
        self.generic_visit(node)
        self.depth -= inside

    def visit_Import(self, node):
        for alias in node.names:
            self.add(alias.name)

    def visit_ImportFrom(self, node):
        base = self.absolute(node.level, node.module or "")
        self.add(base)
        for alias in node.names:
            self.add(f"{base}.{alias.name}" if base else alias.name)

    def visit_Call(self, node):
        self.generic_visit(node)
        func = node.func
        name = getattr(func, "attr", getattr(func, "id", ""))
        if name not in ("import_module", "__import__") or not node.args:
            return
        value = getattr(node.args[0], "value", None)
        if isinstance(value, str):
            bare = value.lstrip(".")
            self.add(self.absolute(len(value) - len(bare), bare))

    def absolute(self, level, name):
        if not level:
            return name
        parts = self.package.split(".") if self.package else []
        parts = parts[:len(parts) - level + 1]
        return ".".join(parts + ([name] if name else []))


def scan_file(path, package=""):
    """What the file imports; raises SyntaxError or ValueError."""
    with open(path, "rb") as f:
        tree = ast.parse(f.read(), path)
    scanner = Scanner(package)
    scanner.visit(tree)
    return scanner.found


class Library:
    """The standard library of this interpreter."""

    def __init__(self):
        self.dir = os.path.realpath(os.path.dirname(os.__file__))
        self.sources = {}    # module: path of its .py file
        self.extensions = {}  # module: path of its .so file
        self.index_sources()
        self.index_extensions()

    def index_sources(self):
        for base, dirs, names in os.walk(self.dir):
            dirs[:] = [d for d in dirs if d not in LEFT_OUT]
            package = os.path.relpath(base, self.dir).replace(os.sep, ".")
            for name in names:
                stem, suffix = os.path.splitext(name)
                if suffix != ".py":
                    continue
                module = stem if package == "." else f"{package}.{stem}"
                module = module.removesuffix(".__init__")
                self.sources[module] = os.path.join(base, name)

    def index_extensions(self):
        place = os.path.join(self.dir, "lib-dynload")
        for name in os.listdir(place) if os.path.isdir(place) else ():
            if name.endswith(".so"):
                self.extensions[name.split(".")[0]] = os.path.join(place, name)

    def has(self, name):
        return (name in self.sources or name in self.extensions or
                name in sys.builtin_module_names)

    def is_package(self, name):
        return self.sources.get(name, "").endswith("__init__.py")

    def names(self):
        return set(self.sources) | set(self.extensions)

    def expand(self, name):
        """The modules that importing a name, which may end in *, needs."""
        if name.endswith("*"):
            start = name[:-1]
            return {m for m in self.names() if m.startswith(start) or
                    m == start.rstrip(".")}
        parts = name.split(".")
        chain = [".".join(parts[:i + 1]) for i in range(len(parts))]
        return {m for m in chain if self.has(m)}

    def imported_by(self, module):
        """What a module of the library imports, as names."""
        names = set(IMPLIED.get(module, ()))
        path = self.sources.get(module)
        if path is None:
            return names
        package = module
        if not self.is_package(module):
            package = module.rpartition(".")[0]
        for name, inside in scan_file(path, package):
            top = name.split(".")[0]
            if not inside or top not in TOOLS or top == module.split(".")[0]:
                names.add(name)
        return names

    def closure(self, names):
        """All modules needed by importing the names."""
        found = set()
        waiting = set()
        for name in list(names) + ALWAYS:
            waiting |= self.expand(name)
        while waiting:
            module = waiting.pop()
            found.add(module)
            for name in self.imported_by(module):
                waiting |= self.expand(name) - found
        return found
