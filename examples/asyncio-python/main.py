# SPDX-License-Identifier: Apache-2.0
"""A small HTTP server on asyncio's streams; it answers in JSON, after a
pause if asked for one: /?pause=0.5"""
import asyncio
import json
import os
import urllib.parse

HEAD = ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Content-Length: {}\r\n\r\n")


async def read_request(reader):
    """The path of the next request; None at the end of the connection."""
    line = await reader.readline()
    while (await reader.readline()).strip():
        pass
    words = line.decode("latin-1").split()
    return words[1] if len(words) == 3 else None


async def serve(reader, writer):
    while path := await read_request(reader):
        url = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(url.query))
        await asyncio.sleep(float(query.get("pause", 0)))
        body = json.dumps({"path": url.path, "query": query}) + "\n"
        writer.write((HEAD.format(len(body)) + body).encode())
        await writer.drain()
    writer.close()


async def main():
    port = int(os.environ.get("PORT", "8000"))
    server = await asyncio.start_server(serve, port=port)
    await server.serve_forever()


asyncio.run(main())
