// SPDX-License-Identifier: Apache-2.0
const express = require("express");

const app = express();
const port = process.env.PORT || 3000;

app.get("/", (request, response) => {
	response.send("Hello from Express!\n");
});
app.get("/users/:name", (request, response) => {
	response.json({ name: request.params.name });
});
app.listen(port, () => console.log(`listening on port ${port}`));
