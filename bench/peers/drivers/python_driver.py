"""Drives a pool of Python: python3 python_driver.py <peer> <workers>

It prints who the peer is, then reads requests and prints answers, as JSON in a
line each, until its input ends.
"""

import json
import math
import platform
import sys
from functools import cache
from time import perf_counter

from python_pools import POOLS
from python_tasks import increment, is_prime, pack, spin

# The number after which primes are looked for; odd.
FIRST_NUMBER = 10_000_000_001


def perform(pool, request):
    """Does a work, and returns how long it took."""
    work = request["work"]
    count = request["count"]
    size = request["size"]
    xs = range(count)
    if work == "run":
        start = perf_counter()
        for done in range(0, count, size):
            part = min(size, count - done)
            check(pool.run_all(range(part))[-1], part)
        return since(start)
    if work == "map/for-await":
        return read_all(lambda: pool.map(increment, xs), count)
    if work == "map/to-array":
        return read_all(lambda: pool.map_to_list(increment, xs), count)
    if work == "chunks/for-await":
        return read_all(lambda: pool.chunks(xs, size), count)
    if work == "chunks/to-array":
        return read_all(lambda: pool.chunks_to_list(xs, size), count)
    if work == "trips":
        return {"times": [trip(pool, x) for x in xs]}
    if work == "payload/in":
        payload = b"\1" * size
        return read_all(lambda: pool.send(payload, count), count)
    if work == "payload/out":
        return read_all(lambda: pool.receive(size, count), count)
    if work == "spin":
        return spins(pool, count, size)
    if work == "primes":
        numbers = [FIRST_NUMBER + 2 * x for x in xs]
        return beside_one_process(is_prime, numbers, pool.map_to_list)
    if work == "gzip":
        batches = request["batches"]
        items = [(request["folder"], batches[x % len(batches)]) for x in xs]
        return beside_one_process(pack, items, pool.each)
    raise ValueError(f"There is no work '{work}'")


def since(start):
    return {"seconds": perf_counter() - start}


def read_all(start_work, expected):
    start = perf_counter()
    count = 0
    for _ in start_work():
        count += 1
    taken = since(start)
    check(count, expected)
    return taken


def trip(pool, x):
    start = perf_counter()
    pool.call(x)
    return (perf_counter() - start) * 1e6


@cache
def measure_speed():
    """Returns the iterations of spin() per microsecond."""
    iterations = 100_000
    times = []
    for _ in range(10):
        start = perf_counter()
        spin(iterations)
        times.append(perf_counter() - start)
    return iterations / (min(times) * 1e6)


def spins(pool, count, microseconds):
    iterations = round(microseconds * measure_speed())
    part = math.ceil(count / 4)
    start = perf_counter()
    for _ in range(part):
        spin(iterations)
    alone = perf_counter() - start
    start = perf_counter()
    check(len(pool.map_to_list(spin, [iterations] * count)), count)
    return {**since(start), "alone": alone * count / part}


def beside_one_process(task, items, in_pool):
    """Does work in this process, then in the pool, and compares the results."""
    start = perf_counter()
    expected = [task(item) for item in items]
    alone = perf_counter() - start
    start = perf_counter()
    results = in_pool(task, items)
    taken = since(start)
    if results != expected:
        raise RuntimeError("The pool returned other results")
    return {**taken, "alone": alone}


def check(value, expected):
    if value != expected:
        raise RuntimeError(f"The result was {value} instead of {expected}")


def answer(value):
    print(json.dumps(value), flush=True)


def main():
    peer, workers = sys.argv[1:]
    try:
        pool = POOLS[peer](int(workers))
    except ImportError as error:
        return answer({"missing": f"python3 can't import it: {error}"})
    except Exception as error:
        return answer({"missing": f"it doesn't start: {error}"})
    runtime = f"Python {platform.python_version()}"
    answer({"version": pool.version, "runtime": runtime})
    for line in sys.stdin:
        try:
            answer(perform(pool, json.loads(line)))
        except Exception as error:
            answer({"error": f"{type(error).__name__}: {error}"})
    pool.close()


# Processes that are spawned import this file, too.
if __name__ == "__main__":
    main()
