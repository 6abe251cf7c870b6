"""What it would cost to keep contacts' addresses sealed: `python -m benchmarks.sealed_contacts`.

One line of JSON: microseconds to open an address with each cipher, bytes that an address takes, and how long a search
for part of an address takes in the database's place, by opening all of them.
"""

import json
import os
import secrets
import time
from collections.abc import Callable
from statistics import median

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PEOPLE = 100_000
NONCE_BYTES = 12


def _microseconds_each(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) / times * 1e6)
    return round(median(taken), 2)


def run() -> dict[str, object]:
    """Measure with as many addresses as a council of a city has subscribers."""
    addresses = [f"resident.number.{number}@example.org" for number in range(PEOPLE)]
    fernet, gcm = Fernet(Fernet.generate_key()), AESGCM(AESGCM.generate_key(256))
    by_fernet = [fernet.encrypt(one.encode()) for one in addresses]
    by_gcm = [(nonce := os.urandom(NONCE_BYTES)) + gcm.encrypt(nonce, one.encode(), None) for one in addresses]

    def open_gcm() -> list[bytes]:
        return [gcm.decrypt(one[:NONCE_BYTES], one[NONCE_BYTES:], None) for one in by_gcm]

    wanted = f"number.{secrets.randbelow(PEOPLE)}@".encode()
    started = time.perf_counter()
    found = sum(wanted in one for one in open_gcm())
    search_s = time.perf_counter() - started
    started = time.perf_counter()
    plain = sum(wanted.decode() in one for one in addresses)
    clear_s = time.perf_counter() - started
    assert found == plain
    return {
        "benchmark": "sealed_contacts",
        "addresses": PEOPLE,
        "open_fernet_us": _microseconds_each(lambda: [fernet.decrypt(one) for one in by_fernet], PEOPLE),
        "open_aes_gcm_us": _microseconds_each(open_gcm, PEOPLE),
        "bytes_clear": round(sum(map(len, addresses)) / PEOPLE),
        "bytes_fernet": round(sum(map(len, by_fernet)) / PEOPLE),
        "bytes_aes_gcm": round(sum(map(len, by_gcm)) / PEOPLE),
        "search_by_opening_all_s": round(search_s, 2),
        "search_in_clear_s": round(clear_s, 3),
    }


if __name__ == "__main__":
    print(json.dumps(run()))
