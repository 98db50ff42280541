# SPDX-License-Identifier: Apache-2.0
"""How the application is started."""
import os
import sys

NAMES = ("main.py", "app.py", "__main__.py")
CALL = "import sys; from {} import {}; sys.exit({}())"


def from_scripts(app):
    """The only command of pyproject.toml, as arguments of python3."""
    path = os.path.join(app, "pyproject.toml")
    if not os.path.exists(path):
        return None
    try:
        import tomllib
    except ImportError:
        return None
    with open(path, "rb") as f:
        scripts = tomllib.load(f).get("project", {}).get("scripts", {})
    if len(scripts) != 1:
        return None
    module, _, function = list(scripts.values())[0].partition(":")
    return ["-c", CALL.format(module, function.split(".")[0], function)]


def choose(app):
    """The arguments of python3: what MAYFLY_ENTRY names, a file or a module,
    else a file with a usual name, else the only file, else the command of
    pyproject.toml."""
    name = os.environ.get("MAYFLY_ENTRY")
    if name:
        if os.path.isfile(os.path.join(app, name)):
            return [name]
        if name.endswith(".py"):
            sys.exit(f"there is no file {name} to start")
        return ["-m", name]
    for name in NAMES:
        if os.path.isfile(os.path.join(app, name)):
            return [name]
    files = sorted(f for f in os.listdir(app) if f.endswith(".py"))
    if len(files) == 1:
        return files
    args = from_scripts(app)
    if args:
        return args
    sys.exit("there is nothing to start: no main.py, app.py or __main__.py, "
             "not a single Python file, and not one command in "
             "project.scripts of pyproject.toml; say which file or module "
             "with MAYFLY_ENTRY")
