// SPDX-License-Identifier: Apache-2.0
// What a Node program uses: workers, crypto, zlib, DNS, an HTTP client, files,
// timers, WebAssembly. The first argument says which part of it. Prints nothing
// that differs from run to run.
"use strict";
const { AsyncLocalStorage } = require("async_hooks");
const child_process = require("child_process");
const crypto = require("crypto");
const dgram = require("dgram");
const dns = require("dns");
const { once } = require("events");
const fs = require("fs");
const http = require("http");
const http2 = require("http2");
const net = require("net");
const os = require("os");
const path = require("path");
const stream = require("stream/promises");
const { setTimeout: sleep } = require("timers/promises");
const util = require("util");
const vm = require("vm");
const zlib = require("zlib");
const { Worker, isMainThread, parentPort, workerData } =
    require("worker_threads");

// (module (memory 1) (func (export "load") (param i32) (result i32)
//   local.get 0 i32.load) (func (export "div") (param i32) (result i32)
//   i32.const 7 local.get 0 i32.div_s))
const WASM = Buffer.from("0061736d01000000" + "010601" + "60017f017f" +
    "0303020000" + "0503010001" +
    "070e02" + "046c6f61640000" + "036469760001" +
    "0a1102" + "070020002802000b" + "0700410720006d0b", "hex");

function workerMain() {
    const shared = new Int32Array(workerData.shared);
    for (let i = 0; i < 1000; i++)
        Atomics.add(shared, 0, 1);
    Atomics.add(shared, 1, 1);
    Atomics.notify(shared, 1);
    parentPort.on("message", (n) => {
        parentPort.postMessage({ id: workerData.id, square: n * n });
        parentPort.close();
    });
}

async function workers() {
    const shared = new SharedArrayBuffer(8);
    const view = new Int32Array(shared);
    const answers = await Promise.all([1, 2, 3, 4].map(async (id) => {
        const w = new Worker(__filename, { workerData: { id, shared } });
        const exited = once(w, "exit");
        w.postMessage(id + 10);
        const [answer] = await once(w, "message");
        await exited;
        return answer;
    }));
    console.log("workers", answers, view[0], view[1]);
    const bad = new Worker("throw new Error('in a worker')", { eval: true });
    const [error] = await once(bad, "error");
    console.log("worker error:", error.message);
    const busy = new Worker("for (;;);", { eval: true });
    await once(busy, "online");
    console.log("terminated", await busy.terminate());
}

async function cryptography() {
    console.log(crypto.createHash("sha256").update("mayfly").digest("hex"));
    const key = crypto.scryptSync("password", "salt", 32);
    const cipher = crypto.createCipheriv("aes-256-gcm", key, Buffer.alloc(12));
    console.log(cipher.update("secret", "utf8", "hex") + cipher.final("hex"),
        cipher.getAuthTag().toString("hex"));
    const pbkdf2 = util.promisify(crypto.pbkdf2);
    const keys = await Promise.all([1, 2, 3, 4, 5, 6].map((n) =>
        pbkdf2("p" + n, "salt", 2000, 8, "sha512")));
    console.log(keys.map((k) => k.toString("hex")).join(" "));
    const pair = await util.promisify(crypto.generateKeyPair)("ec",
        { namedCurve: "P-256" });
    const mac = crypto.sign("sha256", Buffer.from("text"), pair.privateKey);
    console.log("signed", crypto.verify("sha256", Buffer.from("text"),
        pair.publicKey, mac), crypto.randomBytes(16).length,
    crypto.randomUUID() !== crypto.randomUUID());
    const subtle = await crypto.subtle.digest("SHA-1", Buffer.from("abc"));
    console.log(Buffer.from(subtle).toString("hex"));
}

async function compression() {
    const text = Buffer.from("some text ".repeat(100000));
    for (const [up, down] of [["gzip", "gunzip"], ["deflate", "inflate"],
        ["brotliCompress", "brotliDecompress"]]) {
        const small = await util.promisify(zlib[up])(text);
        const back = await util.promisify(zlib[down])(small);
        console.log(up, small.length < text.length / 50, back.equals(text));
    }
}

async function names() {
    const all = await dns.promises.lookup("localhost", { all: true });
    console.log("localhost", all.some((a) => a.address === "127.0.0.1"));
    console.log(await dns.promises.lookup("no.such.name.invalid").catch(
        (e) => ["ENOTFOUND", "EAI_AGAIN"].includes(e.code)));
    console.log(net.isIP("::1"), typeof os.hostname(),
        Object.keys(os.networkInterfaces()).includes("lo"));
}

async function client() {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const storage = new AsyncLocalStorage();
    const server = http.createServer(async (req, res) => {
        let size = 0;
        for await (const chunk of req)
            size += chunk.length;
        res.setHeader("X-Size", size);
        res.end(`${req.method} ${req.url} ${size}`);
    }).listen(0);
    await once(server, "listening");
    const ask = (method, url, body) => new Promise((resolve, reject) => {
        const req = http.request({ host: "localhost", method, agent,
            port: server.address().port, path: url }, async (res) => {
            let text = "";
            for await (const chunk of res.setEncoding("utf8"))
                text += chunk;
            resolve(`${res.statusCode} ${text}`);
        });
        req.on("error", reject);
        req.end(body);
    });
    console.log(await ask("GET", "/a"));
    console.log(await ask("POST", "/b", Buffer.alloc(1 << 20)));
    const many = await Promise.all([...Array(100).keys()].map((n) =>
        storage.run(n, async () => {
            const text = await ask("GET", "/" + n);
            return text === `200 GET /${storage.getStore()} 0`;
        })));
    console.log("many", many.every(Boolean));
    const got = await fetch(`http://localhost:${server.address().port}/f`);
    console.log("fetch", got.status, await got.text());
    agent.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    console.log((await once(net.connect(9, "127.0.0.1"), "error").catch(
        (e) => [e]))[0].code);
}

async function sockets() {
    for (const name of [path.join(os.tmpdir(), "node.sock"), "\0node"]) {
        const server = net.createServer((c) => c.end("local")).listen(name);
        await once(server, "listening");
        const [text] = await once(net.connect(name), "data");
        console.log(text.toString());
        server.close();
        await once(server, "close");
    }
    for (const [type, address] of [["udp4", "127.0.0.1"], ["udp6", "::1"]]) {
        const a = dgram.createSocket(type).bind(0, address);
        await once(a, "listening");
        const b = dgram.createSocket(type);
        b.send("datagram", a.address().port, address);
        const [text, from] = await once(a, "message");
        console.log(type, text.toString(), from.address);
        a.close();
        b.close();
    }
    const server = http2.createServer((q, a) => a.end(`over 2 ${q.url}`));
    await once(server.listen(0), "listening");
    const session = http2.connect(`http://localhost:${server.address().port}`);
    const request = session.request({ ":path": "/x" });
    let body = "";
    for await (const chunk of request.setEncoding("utf8"))
        body += chunk;
    console.log(body);
    session.close();
    server.close();
    await once(server, "close");
}

async function files() {
    const dir = await fs.promises.mkdtemp(path.join(os.tmpdir(), "node-"));
    const a = path.join(dir, "a");
    await fs.promises.writeFile(a, "line\n".repeat(100000));
    await stream.pipeline(fs.createReadStream(a), zlib.createGzip(),
        zlib.createGunzip(), fs.createWriteStream(a + "b"));
    await fs.promises.copyFile(a, a + "c");
    await fs.promises.symlink("a", a + "l");
    console.log((await fs.promises.readdir(dir)).sort(),
        (await fs.promises.stat(a + "b")).size,
        await fs.promises.readlink(a + "l"));
    const watcher = fs.watch(dir);
    const changed = once(watcher, "change");
    await fs.promises.writeFile(path.join(dir, "new"), "x");
    console.log("watch", (await changed)[1]);
    watcher.close();
    await fs.promises.rm(dir, { recursive: true });
    console.log(fs.existsSync(dir), await fs.promises.readFile("/none").catch(
        (e) => e.code));
}

function webassembly() {
    const { load, div } = new WebAssembly.Instance(
        new WebAssembly.Module(WASM)).exports;
    console.log("wasm", load(0), div(2));
    for (const trap of [() => load(65536), () => load(-4), () => div(0)]) {
        try {
            trap();
        } catch (e) {
            console.log(e instanceof WebAssembly.RuntimeError, e.message);
        }
    }
    let trapped = 0;
    for (let i = 0; i < 2000; i++) {
        try {
            load(65533 + i * 1000);
        } catch {
            trapped++;
        }
    }
    console.log("trapped", trapped);
}

async function engine() {
    const deep = (n) => deep(n + 1) + 1;
    try {
        deep(0);
    } catch (e) {
        console.log(e.name);
    }
    let sum = 0;
    const hot = (x) => (x * 31 + 7) % 1000003;
    for (let i = 0, x = 1; i < 5e6; i++)
        sum = (sum + (x = hot(x))) % 1000003;
    let garbage = [];
    for (let i = 0; i < 300; i++)
        garbage = Array.from({ length: 5000 }, (_, n) => ({ n, s: `${n}` }));
    console.log(sum, garbage.length, /(\d+)-(?<x>\w)/.exec("12-z").groups.x);
    console.log(vm.runInNewContext("x + 1", { x: 41 }),
        structuredClone(new Map([[1, { a: 2n }]])),
        new Intl.NumberFormat("de-DE").format(1234567.8),
        new Date(0).toLocaleDateString("en-GB", { timeZone: "UTC" }));
    const start = performance.now();
    await sleep(20);
    console.log(performance.now() - start >= 19,
        process.memoryUsage().rss > 1e6, os.cpus().length > 0);
    setImmediate(() => console.log("immediate"));
    process.nextTick(() => console.log("tick"));
    await Promise.resolve().then(() => console.log("microtask"));
    await sleep(5);
    process.once("SIGUSR2", () => console.log("SIGUSR2"));
    process.kill(process.pid, "SIGUSR2");
    await sleep(20);
}

const PARTS = {
    library: [workers, cryptography, compression, files],
    network: [names, client, sockets],
    engine: [webassembly, engine],
};

async function main() {
    for (const f of PARTS[process.argv[2]])
        await f();
    let text = "";
    for await (const chunk of process.stdin.setEncoding("utf8"))
        text += chunk;
    console.log(text.trim(), process.argv.slice(3), process.env.WORD);
    process.exitCode = 3;
    try {
        child_process.spawn("/bin/true");
    } catch (e) {
        console.error("spawn:", e.code);
    }
}

if (isMainThread)
    main().catch((e) => {
        console.error(e);
        process.exit(1);
    });
else
    workerMain();
