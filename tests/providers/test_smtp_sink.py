"""The SMTP adapter against Postfix's smtp-sink, a server that somebody else wrote.

It needs Debian's postfix package: `benchmarks.smtp_sink` unpacks it if it can be fetched, and says so if it cannot.
"""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import smtp_sink
from notify.providers.base import Accepted, Deferred, Outcome, Refused, Unknown
from tests.providers.conftest import Provide
from tests.providers.messages import mail
from tests.relay import Relay
from tests.running import free_port, wait_until


@contextmanager
def sink(*options: str) -> Iterator[Relay]:
    """A running smtp-sink with these options, and where it listens."""
    port = free_port()
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen(
        [smtp_sink.program("smtp-sink"), *user, *options, f"127.0.0.1:{port}", "100"],
        env=smtp_sink.environment(),
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: listens(port), seconds=10, what="smtp-sink to listen")
        yield Relay(port=port)
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_what_arrives_is_what_was_handed_over_to_the_byte(provide: Provide, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    kept.chmod(0o777)
    for folder in [tmp_path, *tmp_path.parents][:4]:
        folder.chmod(folder.stat().st_mode | 0o711)
    messages = [mail(f"r{number}@example.org", text=".\n..\n.x\n" * number) for number in range(200)]
    with sink("-D", f"{kept}/%M.") as relay:
        outcomes = list(provide(relay, connections=6).send_many(messages))
    assert [type(told) for told in outcomes] == [Accepted] * 200
    arrived = b"".join(path.read_bytes() for path in kept.iterdir())
    assert arrived.count(b"\nMessage-ID: ") == 200
    missing = [one.address for one in messages if one.mime.replace(b"\r\n", b"\n") not in arrived]
    assert missing == []


# smtp-sink's option, and what becomes of a message; -r softly refuses, -f for ever, -q hangs up, -Q says 421 first
MANNERS = [
    ("-rMAIL", Deferred("", "sender address")),
    ("-fMAIL", Deferred("", "sender address")),
    ("-rRCPT", Deferred("", "450 4.3.0")),
    ("-fRCPT", Refused("", "500")),
    ("-rDATA", Deferred("", "450 4.3.0")),
    ("-r.", Deferred("", "450 4.3.0")),
    ("-f.", Refused("", "500")),
    ("-qRCPT", Deferred("", "closed")),
    ("-qDATA", Deferred("", "closed")),
    ("-q.", Unknown("", "went away")),
    ("-QDATA", Deferred("", "421")),
    ("-Q.", Deferred("", "421")),
]


@pytest.mark.parametrize(("option", "expected"), MANNERS, ids=[option for option, _ in MANNERS])
def test_its_refusals_and_goodbyes_are_understood(provide: Provide, option: str, expected: Outcome) -> None:
    with sink(option) as relay:
        provider = provide(relay, timeout_seconds=2)
        [told] = provider.send_many([mail()])
    assert type(told) is type(expected), told
    if not isinstance(told, Accepted) and not isinstance(expected, Accepted):
        assert expected.reason in told.reason
    if isinstance(told, Deferred) and isinstance(expected, Deferred):
        assert told.is_address is expected.is_address
