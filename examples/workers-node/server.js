// SPDX-License-Identifier: Apache-2.0
//
// Counts the primes below N for GET /N, in a pool of worker threads, so that
// one request that takes long does not hold up the others.
"use strict";

const http = require("http");
const path = require("path");
const { Worker } = require("worker_threads");

const THREADS = 2;
const N_MAX = 10000000;

const idle = [];
const waiting = [];

// Gives the oldest question to a worker, if there are both.
function dispatch() {
	while (idle.length && waiting.length) {
		const worker = idle.pop();
		const { n, done } = waiting.shift();

		worker.once("message", (answer) => {
			idle.push(worker);
			done(answer);
			dispatch();
		});
		worker.postMessage(n);
	}
}

function countPrimes(n) {
	return new Promise((done) => {
		waiting.push({ n, done });
		dispatch();
	});
}

for (let i = 0; i < THREADS; i++)
	idle.push(new Worker(path.join(__dirname, "worker.js")));

http.createServer(async (request, response) => {
	const n = Number(request.url.slice(1));

	if (!Number.isInteger(n) || n > N_MAX) {
		response.writeHead(400);
		response.end(`GET /N, N up to ${N_MAX}\n`);
		return;
	}
	response.end(`${await countPrimes(n)} primes below ${n}\n`);
}).listen(Number(process.env.PORT || 8003));
