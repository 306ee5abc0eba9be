"""The pools of Python, as their documentation uses them.

Each has the same methods. Those that return results one after the other return
an iterable; a pool without such a method doesn't do that kind of work.
"""

import os
from collections import deque

from python_tasks import byte_length, give, increment, increment_all

# Calls with payloads that are in flight.
DEPTH = 16


def windowed(submit, count):
    """Yields the results of calls, of which a few are in flight."""
    pending = deque()
    for _ in range(count):
        if len(pending) == DEPTH:
            yield pending.popleft()()
        pending.append(submit())
    for wait in pending:
        yield wait()


class Futures:
    """concurrent.futures"""

    def __init__(self, workers):
        import platform
        from concurrent.futures import ProcessPoolExecutor

        self.version = platform.python_version()
        self.pool = ProcessPoolExecutor(workers)

    def run_all(self, xs):
        return [f.result() for f in [self.pool.submit(increment, x) for x in xs]]

    def call(self, x):
        return self.pool.submit(increment, x).result()

    def map(self, task, xs):
        return self.pool.map(task, xs)

    def chunks(self, xs, size):
        return self.pool.map(increment, xs, chunksize=size)

    def map_to_list(self, task, xs):
        return list(self.pool.map(task, xs))

    def chunks_to_list(self, xs, size):
        return list(self.pool.map(increment, xs, chunksize=size))

    def each(self, task, xs):
        return list(self.pool.map(task, xs))

    def send(self, payload, count):
        return windowed(
            lambda: self.pool.submit(byte_length, payload).result, count
        )

    def receive(self, size, count):
        return windowed(lambda: self.pool.submit(give, size).result, count)

    def close(self):
        self.pool.shutdown()


class Multiprocessing:
    """multiprocessing"""

    def __init__(self, workers):
        import multiprocessing
        import platform

        self.version = platform.python_version()
        self.pool = multiprocessing.Pool(workers)

    def run_all(self, xs):
        calls = [self.pool.apply_async(increment, (x,)) for x in xs]
        return [call.get() for call in calls]

    def call(self, x):
        return self.pool.apply(increment, (x,))

    def map(self, task, xs):
        return self.pool.imap(task, xs)

    def chunks(self, xs, size):
        return self.pool.imap(increment, xs, size)

    def map_to_list(self, task, xs):
        return self.pool.map(task, xs)

    def chunks_to_list(self, xs, size):
        return self.pool.map(increment, xs, size)

    def each(self, task, xs):
        return self.pool.map(task, xs, 1)

    def send(self, payload, count):
        return windowed(
            lambda: self.pool.apply_async(byte_length, (payload,)).get, count
        )

    def receive(self, size, count):
        return windowed(lambda: self.pool.apply_async(give, (size,)).get, count)

    def close(self):
        self.pool.terminate()
        self.pool.join()


class Joblib:
    """joblib, with its default processes. It has no futures."""

    def __init__(self, workers):
        import joblib

        self.version = joblib.__version__
        self.workers = workers
        self.delayed = joblib.delayed
        # The context keeps the workers between calls.
        self.parallel = joblib.Parallel(n_jobs=workers).__enter__()

    def _generator(self, task, xs, **options):
        import joblib

        parallel = joblib.Parallel(
            n_jobs=self.workers, return_as="generator", **options
        )
        return parallel(self.delayed(task)(x) for x in xs)

    def _list(self, task, xs, batch_size="auto"):
        import joblib

        if batch_size == "auto":
            return self.parallel(self.delayed(task)(x) for x in xs)
        parallel = joblib.Parallel(n_jobs=self.workers, batch_size=batch_size)
        return parallel(self.delayed(task)(x) for x in xs)

    def call(self, x):
        return self.parallel([self.delayed(increment)(x)])[0]

    def map(self, task, xs):
        return self._generator(task, xs)

    def chunks(self, xs, size):
        return self._generator(increment, xs, batch_size=size)

    def map_to_list(self, task, xs):
        return self._list(task, xs)

    def chunks_to_list(self, xs, size):
        return self._list(increment, xs, size)

    def each(self, task, xs):
        return self._list(task, xs, 1)

    # In a batch, pickle would send the same bytes only once.

    def send(self, payload, count):
        return self._list(byte_length, [payload] * count, 1)

    def receive(self, size, count):
        return self._list(give, [size] * count, 1)

    def close(self):
        from joblib.externals.loky import get_reusable_executor

        self.parallel.__exit__(None, None, None)
        get_reusable_executor().shutdown(kill_workers=True)


class Dask:
    """dask.distributed, with one thread in each worker and no dashboard.

    Its ticks and its profiler would take CPU time from the other peers.
    """

    def __init__(self, workers):
        # The workers inherit these settings.
        for name in "ADMIN__TICK", "WORKER__PROFILE":
            os.environ.setdefault(f"DASK_DISTRIBUTED__{name}__INTERVAL", "1s")
        import distributed

        self.version = distributed.__version__
        self.client = distributed.Client(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=None,
        )

    def _submit(self, task, x):
        # Pure calls with the same argument would run only once.
        return self.client.submit(task, x, pure=False)

    def run_all(self, xs):
        return self.client.gather([self._submit(increment, x) for x in xs])

    def call(self, x):
        return self._submit(increment, x).result()

    def map_to_list(self, task, xs):
        return self.client.gather(self.client.map(task, xs, pure=False))

    def chunks_to_list(self, xs, size):
        chunks = [xs[i : i + size] for i in range(0, len(xs), size)]
        lists = self.map_to_list(increment_all, chunks)
        return [x for chunk in lists for x in chunk]

    def each(self, task, xs):
        return self.map_to_list(task, xs)

    def send(self, payload, count):
        return windowed(lambda: self._submit(byte_length, payload).result, count)

    def receive(self, size, count):
        return windowed(lambda: self._submit(give, size).result, count)

    def close(self):
        cluster = self.client.cluster
        self.client.close()
        cluster.close()


class Distex:
    """distex"""

    def __init__(self, workers):
        import asyncio

        import distex

        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.version = distex.__version__
        self.pool = distex.Pool(workers)

    def _gather(self, calls):
        import asyncio

        async def run():
            return await asyncio.gather(*calls)

        return self.loop.run_until_complete(run())

    def _list(self, task, xs, chunksize=1):
        async def run():
            results = self.pool.map_async(task, xs, chunksize=chunksize)
            return [x async for x in results]

        return self.loop.run_until_complete(run())

    def _windowed(self, task, x, count):
        async def call(numbers):
            return [await self.pool.run_async(task, x) for _ in numbers]

        numbers = iter(range(count))
        lists = self._gather([call(numbers) for _ in range(DEPTH)])
        return [result for results in lists for result in results]

    def run_all(self, xs):
        return self._gather([self.pool.run_async(increment, x) for x in xs])

    def call(self, x):
        return self.loop.run_until_complete(self.pool.run_async(increment, x))

    def map(self, task, xs):
        return self.pool.map(task, xs)

    def chunks(self, xs, size):
        return self.pool.map(increment, xs, chunksize=size)

    def map_to_list(self, task, xs):
        return self._list(task, xs)

    def chunks_to_list(self, xs, size):
        return self._list(increment, xs, size)

    def each(self, task, xs):
        return self._list(task, xs)

    def send(self, payload, count):
        return self._windowed(byte_length, payload, count)

    def receive(self, size, count):
        return self._windowed(give, size, count)

    def close(self):
        self.pool.shutdown()


POOLS = {
    "concurrent.futures": Futures,
    "multiprocessing": Multiprocessing,
    "joblib": Joblib,
    "dask": Dask,
    "distex-python": Distex,
}
