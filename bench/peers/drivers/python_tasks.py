"""The tasks of the peers that run Python."""

import gzip
import os

_payloads = {}


def increment(x):
    return x + 1


def increment_all(xs):
    return [x + 1 for x in xs]


def byte_length(payload):
    return len(payload)


def give(size):
    """Returns bytes, from the same memory each time."""
    payload = _payloads.get(size)
    if payload is None:
        payload = _payloads[size] = b"\1" * size
    return payload


def spin(iterations):
    x = 1
    for _ in range(iterations):
        x = (x * 1_103_515_245 + 12_345) & 0xFFFFFFFF
    return x


def is_prime(n):
    divisor = 3
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 2
    return True


def pack(batch):
    """Packs files, and checks that each unpacks to the same bytes."""
    folder, paths = batch
    size = 0
    for path in paths:
        with open(os.path.join(folder, path), "rb") as file:
            content = file.read()
        packed = gzip.compress(content, 6)
        if gzip.decompress(packed) != content:
            raise RuntimeError(f"{path} didn't unpack to the same bytes")
        size += len(packed)
    return size
