// SPDX-License-Identifier: Apache-2.0
const express = require("express");

const app = express();
app.disable("etag");
app.use(express.json());
app.use("/files", express.static(__dirname + "/files"));
app.get("/", (req, res) => res.send("Hello from Express\n"));
app.get("/user/:name", (req, res) =>
    res.json({ name: req.params.name, query: req.query }));
app.post("/sum", (req, res) =>
    res.json({ sum: req.body.numbers.reduce((a, b) => a + b, 0) }));
app.get("/fail", () => {
    throw new Error("on purpose");
});
app.use((err, req, res, next) => res.status(500).send(err.message + "\n"));

const server = app.listen(process.env.PORT || 8080);
process.on("SIGTERM", () => {
    server.closeAllConnections();
    server.close(() => process.exit(0));
});
