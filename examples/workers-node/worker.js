// SPDX-License-Identifier: Apache-2.0
"use strict";

const { parentPort } = require("worker_threads");

// The sieve of Eratosthenes.
function countPrimes(n) {
	const composite = new Uint8Array(Math.max(n, 0));
	let count = 0;

	for (let i = 2; i < n; i++) {
		if (composite[i])
			continue;
		count++;
		for (let k = i * i; k < n; k += i)
			composite[k] = 1;
	}
	return count;
}

parentPort.on("message", (n) => parentPort.postMessage(countPrimes(n)));
