// SPDX-License-Identifier: Apache-2.0
//
// What the node builder reads from package.json.
//   plan APP     prints `none`, `install` (it has dependencies), or `build`
//                (what it starts exists only after `npm run build`)
//   config APP   prints config.json
//   builtins     prints the files that this node reads its own modules from
//                (Debian's does), one a line
"use strict";

const fs = require("fs");
const path = require("path");

const NAMES = ["server", "index", "app", "main"];
const SUFFIXES = [".js", ".mjs", ".cjs"];
// Options of node that are followed by a value in a word of its own.
const WITH_VALUE = ["-r", "--require", "--import", "--loader",
	"--experimental-loader", "-C", "--conditions"];

function fail(text) {
	process.stderr.write(text + "\n");
	process.exit(2);
}

function readPackage(app) {
	const file = path.join(app, "package.json");
	if (!fs.existsSync(file))
		return {};
	let found;
	try {
		found = JSON.parse(fs.readFileSync(file, "utf8"));
	} catch (e) {
		fail(`package.json is not JSON: ${e.message}`);
	}
	if (found === null || typeof found !== "object" || Array.isArray(found))
		fail("package.json is not a JSON object");
	return found;
}

// The file that node would run for a name, or undefined.
function resolveFile(app, name) {
	const base = path.resolve(app, name);
	const inner = path.join(base, "package.json");
	const tries = [base];
	for (const suffix of [".js", ".json", ".node"])
		tries.push(base + suffix);
	if (fs.existsSync(inner)) {
		const {main} = JSON.parse(fs.readFileSync(inner, "utf8"));
		const file = path.resolve(base, String(main || "index"));
		tries.push(file, file + ".js", path.join(file, "index.js"));
	}
	tries.push(path.join(base, "index.js"));
	return tries.find((f) => fs.existsSync(f) && fs.statSync(f).isFile());
}

// The words of a command, or undefined if it needs a shell.
function words(command) {
	if (/[|&;<>()$`\\*?#~\n]/.test(command))
		return undefined;
	const found = command.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) || [];
	return found.map((word) =>
		word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

// Where the name of the program stands after node's options; -1: nowhere.
function fileIndex(args) {
	for (let i = 0; i < args.length; i++) {
		if (WITH_VALUE.includes(args[i]))
			i++;
		else if (!args[i].startsWith("-"))
			return i;
	}
	return -1;
}

// A command of an installed package: the JavaScript file behind it.
function commandFile(app, name) {
	const link = path.join(app, "node_modules", ".bin", name);
	if (name.includes("/") || !fs.existsSync(link))
		return undefined;
	const file = fs.realpathSync(link);
	const head = fs.readFileSync(file, "latin1").split("\n", 1)[0];
	if (!/^#!.*\bnode\b/.test(head))
		return undefined;
	return path.relative(fs.realpathSync(app), file);
}

// What scripts.start says, as {env, args}, if no shell is needed for it.
function fromStart(app, pkg) {
	const start = pkg.scripts && pkg.scripts.start;
	const args = typeof start === "string" ? words(start) : undefined;
	if (!args)
		return undefined;
	const env = [];
	while (args.length && /^[A-Za-z_][A-Za-z0-9_]*=/.test(args[0]))
		env.push(args.shift());
	if (!args.length)
		return undefined;
	const program = args.shift();
	if (program === "node" && fileIndex(args) >= 0)
		return {env, args};
	const file = commandFile(app, program);
	return file && {env, args: [file, ...args]};
}

// How the application is started, as {env, args}; undefined: unknown.
function entry(app, pkg) {
	if (process.env.MAYFLY_ENTRY)
		return {env: [], args: [process.env.MAYFLY_ENTRY]};
	const start = fromStart(app, pkg);
	if (start)
		return start;
	if (typeof pkg.main === "string" && pkg.main)
		return {env: [], args: [pkg.main]};
	for (const name of NAMES) {
		for (const suffix of SUFFIXES) {
			if (fs.existsSync(path.join(app, name + suffix)))
				return {env: [], args: [name + suffix]};
		}
	}
	return undefined;
}

function entryExists(app, found) {
	return Boolean(found) &&
		Boolean(resolveFile(app, found.args[fileIndex(found.args)]));
}

function plan(app) {
	const pkg = readPackage(app);
	const count = (list) => Object.keys(list || {}).length;

	if (pkg.scripts && pkg.scripts.build &&
	    !entryExists(app, entry(app, pkg)))
		return "build";
	if (count(pkg.dependencies) + count(pkg.optionalDependencies) > 0)
		return "install";
	return "none";
}

function config(app) {
	const found = entry(app, readPackage(app));
	if (!found) {
		fail("there is nothing to start: package.json has no " +
			"scripts.start that is `node FILE` and no main, and " +
			"there is no server.js, index.js, app.js or main.js; " +
			"say which file with MAYFLY_ENTRY");
	}
	if (!entryExists(app, found)) {
		const name = found.args[fileIndex(found.args)];
		fail(`there is no file ${name} to start`);
	}
	const env = found.env;
	if (!env.some((v) => v.startsWith("NODE_ENV=")))
		env.unshift("NODE_ENV=production");
	console.log(JSON.stringify({
		args: ["/usr/bin/node", ...found.args],
		env,
		cwd: "/app",
		libraries: true,
		origins: {"/usr/bin/node": fs.realpathSync(process.execPath)},
	}));
}

function builtins() {
	const defines = (process.config.target_defaults || {}).defines || [];
	for (const define of defines) {
		const m = /^NODE_SHARED_BUILTIN_.*_PATH=(\/.*)$/.exec(define);
		if (m && fs.existsSync(m[1]))
			console.log(m[1]);
	}
}

const [verb, app] = process.argv.slice(2);
switch (verb) {
case "plan":
	console.log(plan(app));
	break;
case "config":
	config(app);
	break;
case "builtins":
	builtins();
	break;
default:
	fail(`unknown: ${verb}`);
}
