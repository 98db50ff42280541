// SPDX-License-Identifier: Apache-2.0
const http = require("http");

http.createServer((request, response) => {
	response.end("Hello World\n");
}).listen(8002);
