# SPDX-License-Identifier: Apache-2.0
"""make_wheel.py DIRECTORY: a small Python package for tests, greeting 1.0."""
import sys
import zipfile

INFO = "greeting-1.0.dist-info/"
FILES = {
    "greeting/__init__.py": """\
import colorsys
import greeting.words


def hello():
    return greeting.words.TEXT
""",
    "greeting/words.py": "TEXT = 'Hello from a wheel'\n",
    "greeting/words.pyi": "TEXT: str\n",
    INFO + "METADATA": """\
Metadata-Version: 2.1
Name: greeting
Version: 1.0
""",
    INFO + "WHEEL": """\
Wheel-Version: 1.0
Generator: test
Root-Is-Purelib: true
Tag: py3-none-any
""",
    INFO + "entry_points.txt": """\
[console_scripts]
greet = greeting:hello
""",
}
RECORD = INFO + "RECORD"
FILES[RECORD] = "".join(f"{n},,\n" for n in [*FILES, RECORD])

with zipfile.ZipFile(sys.argv[1] + "/greeting-1.0-py3-none-any.whl", "w") as z:
    for name, text in FILES.items():
        z.writestr(name, text)
