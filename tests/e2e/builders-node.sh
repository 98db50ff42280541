# SPDX-License-Identifier: Apache-2.0
# The builder node: what is started, what npm installs, and mistakes.
# test: once
# test: no-san
# test: timeout 600
. "$LIB"
. "$SRC/tests/builders.sh"

# entry WORDS: config.json of the application app starts with node WORDS
entry() {
	build_by node app || fail "$(cat said)"
	expect_match "\"args\":\[\"/usr/bin/node\",$1\]" tree/config.json
}

expect_detected node "$SRC/examples/hello-node"
expect_built node "$SRC/examples/hello-node" '"/usr/bin/node","server.js"'
node=tree/rootfs/usr/bin/node
[ "$($node --version)" = "$(node --version)" ] || fail "node does not run"
readelf -S $node >sections
! grep -q symtab sections || fail "node is not stripped"
expect_match '"NODE_ENV=production"' tree/config.json
expect_match '"cwd":"/app"' tree/config.json

# Production dependencies, and of them what is used when they run.
expect_built node "$SRC/examples/hello-express" '"server.js"'
[ ! -e "$SRC/examples/hello-express/node_modules" ] ||
	fail "it installed into the source"
(
	cd tree/rootfs/app
	node -e 'if (typeof require("express") !== "function") process.exit(1)'
) || fail "express is not installed"
find tree/rootfs/app/node_modules -name '*.md' -o -name .bin -o \
	-name '.package-lock*' >files
[ ! -s files ] || fail "files that nothing reads are there: $(cat files)"

# What is started.
mkdir app
echo '// started' >app/index.js
expect_detected node app
expect_detected node app/index.js
entry '"index.js"'
mkdir app/lib
echo '// started' >app/lib/main.js
echo '{"main": "./lib/main"}' >app/package.json
entry '"./lib/main"'
cat >app/package.json <<'END'
{"main": "index.js", "scripts": {"start":
 "NODE_ENV=test A='b c' node --no-warnings -r ./index.js lib/main.js -x 'y z'"
}}
END
entry '"--no-warnings","-r","./index.js","lib/main.js","-x","y z"'
expect_match '"env":\["NODE_ENV=test","A=b c"\]' tree/config.json
echo '{"scripts": {"start": "npm run x && node none.js"}}' >app/package.json
entry '"index.js"'
export MAYFLY_ENTRY=lib/main.js
entry '"lib/main.js"'
unset MAYFLY_ENTRY
build_by node app/index.js || fail "$(cat said)"
expect_match '"/usr/bin/node","index.js"' tree/config.json

# A script that is not called .js.
printf '#!/usr/bin/env -S node --no-warnings\nconsole.log("tool");\n' >tool
expect_detected node tool
expect_status 1 "$BUILDERS/static/detect" tool
build_by node tool || fail "$(cat said)"
expect_match '"/usr/bin/node","tool"' tree/config.json
expect_status 1 "$BUILDERS/node/detect" tree/rootfs/usr/bin/node

# Old packages in the source are no part of it.
mkdir -p app/node_modules/old
build_by node app || fail "$(cat said)"
[ ! -e tree/rootfs/app/node_modules ] || fail "old packages are there"

# An application that is built first; the tool that builds it is for
# development only. The packages come from this directory.
mkdir -p ts/tool ts/used
echo '{"name": "tool", "version": "1.0.0", "bin": "tool.js"}' \
	>ts/tool/package.json
cat >ts/tool/tool.js <<'END'
#!/usr/bin/env node
require("fs").writeFileSync("made.js", 'console.log(require("used"));\n');
END
chmod +x ts/tool/tool.js
echo '{"name": "used", "version": "1.0.0"}' >ts/used/package.json
echo 'module.exports = "used";' >ts/used/index.js
echo 'Read me' >ts/used/README.md
cat >ts/package.json <<'END'
{"name": "ts", "version": "1.0.0", "main": "made.js",
 "scripts": {"build": "tool"},
 "dependencies": {"used": "file:used"},
 "devDependencies": {"tool": "file:tool"}}
END
expect_failed node ts 'no package-lock.json.*npm install --package-lock-only'
(cd ts && npm install --package-lock-only --no-audit --no-fund) >npm 2>&1
expect_built node ts '"made.js"'
(cd tree/rootfs/app && node made.js) >ran
expect_match '^used$' ran
[ ! -e tree/rootfs/app/node_modules/tool ] || fail "the tool is there"

# The command of a package.
sed -i 's/"build": "tool"/"start": "tool --port 80"/; s/"dev/"x/
	s/"file:used"/&, "tool": "file:tool"/' ts/package.json
(cd ts && npm install --package-lock-only --no-audit --no-fund) >npm 2>&1
build_by node ts || fail "$(cat said)"
expect_match '"(node_modules/)?tool/tool.js","--port","80"' tree/config.json

# Mistakes.
sed -i 's/"dependencies": {/&"express": "4", /' ts/package.json
expect_failed node ts 'npm (error|ERR!)'
echo '{"main": "none.js"}' >app/package.json
expect_failed node app 'there is no file none.js to start'
echo '{' >app/package.json
expect_failed node app 'package.json is not JSON'
echo '{"dependencies": {"express": "4"}}' >app/package.json
expect_failed node app 'no package-lock.json'
rm app/index.js
echo '{}' >app/package.json
expect_failed node app 'there is nothing to start'
expect_status 1 "$BUILDERS/node/detect" "$SRC/examples/hello-go"
