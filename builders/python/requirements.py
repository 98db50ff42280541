# SPDX-License-Identifier: Apache-2.0
"""requirements.py APP: prints what pip has to install, as a requirements
file; nothing if nothing is required.

requirements.txt, or else project.dependencies of pyproject.toml.
"""
import os
import sys


def from_pyproject(path):
    try:
        import tomllib
    except ImportError:
        sys.exit("reading pyproject.toml needs Python 3.11 or later; write "
                 "what it requires into requirements.txt")
    with open(path, "rb") as f:
        try:
            found = tomllib.load(f)
        except tomllib.TOMLDecodeError as e:
            sys.exit(f"pyproject.toml: {e}")
    if "poetry" in found.get("tool", {}) and "project" not in found:
        sys.exit("pyproject.toml names its requirements for Poetry only; "
                 "make a requirements.txt with: poetry export")
    return found.get("project", {}).get("dependencies", [])


def main():
    app = sys.argv[1]
    listed = os.path.join(app, "requirements.txt")
    pyproject = os.path.join(app, "pyproject.toml")
    if os.path.exists(listed):
        with open(listed, encoding="utf-8") as f:
            words = [line.split("#")[0].strip() for line in f]
        if any(words):
            print("-r requirements.txt")
    elif os.path.exists(pyproject):
        for line in from_pyproject(pyproject):
            print(line)


main()
