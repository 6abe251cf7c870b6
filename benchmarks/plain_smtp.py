"""Python's own SMTP client as a reference: what an application without an engine would do."""

import smtplib
import time
from concurrent.futures import ThreadPoolExecutor

RECIPIENT = "reference@example.org"
MESSAGE = b"Subject: x\r\n\r\n" + (b"x" * 78 + b"\r\n") * 64  # about as long as ours


def smtplib_rate(host: str, port: int, *, messages: int, threads: int) -> float:
    """Messages a second of so many threads, each of which keeps its connection."""

    def send(count: int) -> None:
        with smtplib.SMTP(host, port) as smtp:
            for _ in range(count):
                smtp.sendmail("alerts@example.org", [RECIPIENT], MESSAGE)

    each = messages // threads
    start = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, [each] * threads))
    return each * threads / (time.monotonic() - start)
