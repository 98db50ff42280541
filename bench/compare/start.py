# SPDX-License-Identifier: Apache-2.0
"""Time from the command, or the request, to the first byte of the right
answer, and from the first signal to the end of the last process: hot, and
with the image's files out of the page cache. All contenders in turns, in an
order that is shuffled anew in each round."""
import os
import random
import time

import clock
import images
import world


def measure(store, pairs, options):
    """pairs: (program, contender) of all that runs."""
    order = random.Random(options.seed)
    rounds = max(options.runs, options.cold_runs)
    for program, contender in pairs:  # not counted: what a first time costs
        sample(None, 0, program, contender, "hot")
    for number in range(1, rounds + 1):
        todo = [(p, c, cache) for cache, count in
                (("hot", options.runs), ("cold", options.cold_runs))
                if number <= count for p, c in pairs]
        order.shuffle(todo)
        world.say(f"start: round {number} of {rounds}")
        for program, contender, cache in todo:
            sample(store, number, program, contender, cache)
            time.sleep(options.pause)


def sample(store, number, program, contender, cache):
    line = {"round": number, "program": program.key,
            "contender": contender.key, "cache": cache,
            "load": os.getloadavg()[0]}
    try:
        world.reap()
        contender.settle(program)
        if cache == "cold":
            line["resident_kib"] = images.drop(contender.files(program))
        found = clock.once(contender.instance(program), program.body)
        line.update({k: found.get(k) for k in
                     ("first_byte_us", "tries", "stop_us")})
    except world.Failed as e:
        line["error"] = str(e)
        world.say(f"{program.key}, {contender.label}: {e}")
    if store:
        store.add("start", **line)
