# SPDX-License-Identifier: Apache-2.0
"""Time from the command, or the request, to the first byte of the right
answer, and from the first signal to the end of the last process: hot, and
with the image's files out of the page cache. All contenders in turns, in an
order that is shuffled anew in each round. All hot rounds come before the
first cold one, since several contenders start from the same files. Before
each start that counts there is one that does not."""
import http.client
import os
import random
import time

import clock
import images
import world


def measure(store, pairs, options):
    """pairs: (program, contender) of all that runs."""
    order = random.Random(options.seed)
    turns = list(pairs)
    for cache, rounds in (("hot", options.runs), ("cold", options.cold_runs)):
        for number in range(1, rounds + 1):
            world.say(f"start: {cache}, round {number} of {rounds}")
            order.shuffle(turns)
            for program, contender in turns:
                warm(program, contender)
                time.sleep(options.pause)
                sample(store, number, program, contender, cache)
                time.sleep(options.pause)


def warm(program, contender):
    """What a start reads, of the image and of the tools, is in memory then,
    also where the kernel pages out what has lain idle since the last."""
    sample(None, 0, program, contender, "hot")


def make_cold(files):
    """Kilobytes of the files that are in the page cache all the same."""
    stayed = images.drop(files)
    if not files or stayed * 1024 > sum(map(os.path.getsize, files)) / 2:
        raise world.Failed("its files cannot be taken out of the page cache "
                           "here")
    return stayed


def sample(store, number, program, contender, cache):
    line = {"round": number, "program": program.key,
            "contender": contender.key, "cache": cache,
            "load": os.getloadavg()[0]}
    try:
        world.reap()
        contender.settle(program)
        if cache == "cold":
            line["resident_kib"] = make_cold(contender.files(program))
        found = clock.once(contender.instance(program), program.body)
        line.update({k: found.get(k) for k in
                     ("first_byte_us", "tries", "stop_us")})
    except (world.Failed, OSError, ValueError,
            http.client.HTTPException) as e:
        line["error"] = str(e)
        world.say(f"{program.key}, {contender.label}: {e}")
    if store:
        store.add("start", **line)
