# SPDX-License-Identifier: Apache-2.0
"""Time from the command, or the request, to the first byte of the right
answer, and from the first signal to the end of the last process: hot, and
with the image's files out of the page cache. All contenders in turns, in an
order that is shuffled anew in each round. All hot rounds come before the
first cold one, since several contenders start from the same files. Before
each start that counts there is one that does not; in a quick run, whose
rounds are short, before the first of each."""
import collections
import http.client
import os
import random
import time

import clock
import images
import world


TRIES = 3  # failures in a row, and it is not tried again


def measure(store, pairs, options):
    """pairs: (program, contender) of all that runs."""
    order = random.Random(options.seed)
    turns = list(pairs)
    failures = collections.Counter()
    for cache, rounds in (("hot", options.runs), ("cold", options.cold_runs)):
        if cache == "cold":
            turns = [pair for pair in turns if can_be_cold(store, *pair)]
        for number in range(1, rounds + 1):
            world.say(f"start: {cache}, round {number} of {rounds}")
            order.shuffle(turns)
            for program, contender in turns:
                who = (program.key, contender.key)
                if failures[who] == TRIES:
                    give_up(store, number, who, cache)
                    continue
                if number == 1 or not options.quick:
                    warm(program, contender)
                    time.sleep(options.pause)
                done = sample(store, number, program, contender, cache)
                failures[who] = 0 if done else failures[who] + 1
                time.sleep(options.pause)


def can_be_cold(store, program, contender):
    if contender.files(program):
        return True
    store.leave_out(program, contender, "start", "what it reads is not "
                    "known, so that it cannot be started cold")
    return False


def give_up(store, number, who, cache):
    store.add("start", round=number, program=who[0], contender=who[1],
              cache=cache, load=os.getloadavg()[0],
              error=f"not tried again after {TRIES} failures in a row")


def warm(program, contender):
    """What a start reads, of the image and of the tools, is in memory then,
    also where the kernel pages out what has lain idle since the last."""
    sample(None, 0, program, contender, "hot")


def make_cold(files):
    """Kilobytes of the files that are in the page cache all the same."""
    stayed = images.drop(files)
    if stayed * 1024 > sum(map(os.path.getsize, files)) / 2:
        raise world.Failed("its files cannot be taken out of the page cache "
                           "here")
    return stayed


def sample(store, number, program, contender, cache):
    """Did it succeed?"""
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
    return "error" not in line
