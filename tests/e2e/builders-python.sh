# SPDX-License-Identifier: Apache-2.0
# The builder python: what is started, which modules of the library come
# along, what pip installs, and mistakes.
# test: once
# test: full
# test: no-san
# test: timeout 600
. "$LIB"
. "$SRC/tests/builders.sh"

unset MAYFLY_PYTHON_MODULES PYTHONPATH
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# in_image CODE: runs CODE by this machine's python3 on nothing but the
# library of the image
in_image() {
	env -i PYTHONHOME="$PWD/tree/rootfs/usr" PYTHONPLATLIBDIR=lib \
		"$(python3 -c 'import os, sys; print(os.path.realpath(
			sys._base_executable))')" -c "$1" >ran 2>&1
}

# entry WORDS: config.json of the application app starts with python3 WORDS
entry() {
	build_by python app || fail "$(cat said)"
	expect_match "\"args\": \[\"/usr/bin/python3\", $1\]" tree/config.json
}

expect_detected python "$SRC/examples/hello-python"
expect_built python "$SRC/examples/hello-python" '"/usr/bin/python3", "main.py"'
[ "$(readlink tree/rootfs/usr/bin/python3)" = "python$version" ] ||
	fail "no python3"
in_image 'import http.server, ssl; print(ssl.__file__)' || fail "$(cat ran)"
expect_match "/tree/rootfs/usr/lib/python$version/ssl.pyc" ran
for absent in sqlite3 unittest tkinter asyncio json; do
	! in_image "import $absent" || fail "$absent is there"
done
expect_built python "$SRC/examples/asyncio-python" '"main.py"'

# What is seen: imports anywhere, and literals; what is implied by others.
mkdir app
cat >app/main.py <<'END'
import importlib, logging.config, xml.sax, datetime, sqlite3
def never():
    from email import message_from_string
    importlib.import_module("colorsys")
if False:
    import zoneinfo
importlib.import_module("".join(["wa", "ve"]))
END
expect_detected python app
expect_detected python app/main.py
expect_built python app '"main.py"'
cat >check.py <<'END'
import datetime, sqlite3, xml.sax, logging.config, colorsys, zoneinfo
from email import message_from_string
datetime.datetime.strptime("2020-01-02", "%Y-%m-%d")
xml.sax.parseString(b"<a/>", xml.sax.ContentHandler())
sqlite3.connect(":memory:").execute("select 1")
logging.config.dictConfig({"version": 1, "root": {"handlers": ["h"]},
    "handlers": {"h": {"class": "logging.handlers.MemoryHandler",
                       "capacity": 1}}})
"\u3042".encode("shift_jis"), "caf\u00e9".encode("idna")
END
in_image "$(cat check.py)" || fail "$(cat ran)"
[ -e "tree/rootfs/usr/share/zoneinfo/UTC" ] || fail "no time zones"
! in_image 'import wave' || fail "wave is there"
export MAYFLY_PYTHON_MODULES=wave,tabnanny
build_by python app || fail "$(cat said)"
in_image 'import wave, tabnanny' || fail "$(cat ran)"
MAYFLY_PYTHON_MODULES=all
build_by python app || fail "$(cat said)"
in_image 'import unittest.mock, cProfile' || fail "$(cat ran)"
MAYFLY_PYTHON_MODULES=nonesuch
expect_failed python app 'has no module nonesuch'
unset MAYFLY_PYTHON_MODULES

# Tracebacks show the application's lines and paths of the image.
pyc=$(echo tree/rootfs/app/__pycache__/main.*.pyc)
build_by python app || fail "$(cat said)"
strings -a "$pyc" >found
expect_match '^/app/main.py' found

# A script that is not called .py.
printf '#!/usr/bin/env python3\nimport colorsys\n' >tool
expect_detected python tool
expect_status 1 "$BUILDERS/static/detect" tool
expect_built python tool '"/usr/bin/python3", "tool"'
in_image 'import colorsys' || fail "$(cat ran)"
printf '#!/bin/sh -eu\necho python3\n' >tool
expect_status 1 "$BUILDERS/python/detect" tool
expect_detected static tool

# What is started.
rm app/main.py
echo 'import json' >app/only.py
entry '"only.py"'
echo 'import json' >app/app.py
entry '"app.py"'
export MAYFLY_ENTRY=only.py
entry '"only.py"'
MAYFLY_ENTRY=json.tool
entry '"-m", "json.tool"'
MAYFLY_ENTRY=none.py
expect_failed python app 'there is no file none.py to start'
unset MAYFLY_ENTRY
mv app/app.py app/other.py
expect_failed python app 'there is nothing to start'

# Packages: a wheel made here, with a module that only it imports.
mkdir wheels
python3 "$SRC/tests/make_wheel.py" wheels
export PIP_NO_INDEX=1 PIP_FIND_LINKS="$PWD/wheels"
printf '# comment\ngreeting == 1.0\n' >app/requirements.txt
echo 'import greeting' >app/main.py
expect_built python app '"main.py"'
find tree/rootfs/usr -path '*-packages/greeting*' >files
expect_match '/words.py$' files
expect_match '/words\..*\.pyc$' files
[ -z "$(find tree/rootfs -name '*.pyi' -o -name greet)" ] ||
	fail "files that nothing imports are there"
in_image 'import colorsys' || fail "$(cat ran)"
expect_match "^$TMP/wheels$" tree/inputs
unset PIP_NO_INDEX PIP_FIND_LINKS

# With the wheels beside it, and no variable: they do not get into the image.
mkdir app/vendor
cp wheels/* app/vendor/
printf -- '--no-index\n--find-links vendor\ngreeting\n' >app/requirements.txt
expect_built python app '"main.py"'
[ -n "$(find tree/rootfs/usr -name words.py)" ] || fail "no package"
[ ! -e tree/rootfs/app/vendor ] || fail "the wheels are there"
rm -r app/vendor
export PIP_NO_INDEX=1 PIP_FIND_LINKS="$PWD/wheels"
rm app/requirements.txt
build_by python app || fail "$(cat said)"
expect_match '^import greeting: neither in' said
if [ "$(printf '3.11\n%s\n' "$version" | sort -V | head -n 1)" = 3.11 ]; then
	printf '[project]\ndependencies = ["greeting"]\n' >app/pyproject.toml
	build_by python app || fail "$(cat said)"
	[ -n "$(find tree/rootfs/usr -name words.py)" ] || fail "no package"
	printf '[project]\nscripts = {x = "greeting:hello"}\n' \
		>app/pyproject.toml
	rm app/*.py
	entry '"-c", "import sys; from greeting import hello; .*"'
	echo '[' >app/pyproject.toml
	expect_failed python app 'pyproject.toml: .*line 1'
	printf '[tool.poetry]\nname = "x"\n' >app/pyproject.toml
	expect_failed python app 'poetry export'
	rm app/pyproject.toml
fi

# Mistakes.
echo 'nonesuch' >app/requirements.txt
echo 'print(1)' >app/main.py
expect_failed python app 'No matching distribution found for nonesuch'
rm app/requirements.txt
echo 'print(' >app/main.py
expect_failed python app "'\\(' was never closed"
echo 'print 1' >app/main.py
expect_failed python app 'main.py is not Python'
expect_status 1 "$BUILDERS/python/detect" "$SRC/examples/hello-node"
