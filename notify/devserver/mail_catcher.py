"""A real SMTP server that delivers nothing: it notes who would have got what. For development and measurements.

    python -m notify.devserver.mail_catcher --port 0 --file mail.jsonl [--port-file FILE] [--keep DIRECTORY]

It listens on 127.0.0.1 only, and takes what any client offers: 8-bit bodies, UTF-8 addresses, pipelined commands.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4
from weakref import WeakSet

from notify.core import clock
from notify.core.errors import SetUpError
from notify.core.private_files import keep_private, private_folder
from notify.devserver.kept_mail import KEPT, MAIL
from notify.devserver.start_watch import StartLimits, StartWatch, load
from notify.packaged import extra_missing

try:
    from aiosmtpd.smtp import SMTP, Envelope, Session
except ImportError:
    raise SetUpError(extra_missing("The mail catcher", "embedded")) from None

_HOST = "127.0.0.1"
_FINISH_SECONDS = 2.0
_STOP_SECONDS = 20.0
_LIMITS = StartLimits()


class CatcherDidNotStart(SetUpError):
    """The mail catcher could not listen or write."""

    title = "The mail catcher did not start"


@dataclass(frozen=True, slots=True)
class Catcher:
    """Where a running catcher listens, and the file in which each line is one recipient of one message."""

    host: str
    port: int
    file: Path


@contextmanager
def start(directory: Path, *, keep: bool = False, limits: StartLimits = _LIMITS) -> Iterator[Catcher]:
    """A catcher as a child process, writing `mail.jsonl` in the directory. It stops with us, however we end.

    With `keep` every message also lies in `directory/kept` as it came. Raises: CatcherDidNotStart.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port_file = directory / "catcher.port"
    port_file.unlink(missing_ok=True)
    mail = directory / MAIL
    process = subprocess.Popen(  # noqa: S603
        [
            *(sys.executable, "-m", "notify.devserver.mail_catcher", "--until-eof"),
            *("--file", str(mail), "--port-file", str(port_file)),
            *(("--keep", str(directory / KEPT)) if keep else ()),
        ],
        stdin=subprocess.PIPE,
        process_group=0,  # Ctrl-C must not stop it before those who still send to it
    )
    try:
        yield Catcher(_HOST, _port(process, port_file, limits), mail)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _port(process: subprocess.Popen[bytes], port_file: Path, limits: StartLimits) -> int:
    until = time.monotonic() + limits.longest_seconds
    watch = StartWatch(process, idle_seconds=limits.idle_seconds, until=until)
    while not port_file.exists():
        if problem := watch.problem():
            raise CatcherDidNotStart(
                f"The mail catcher in {port_file.parent} {problem}; if it wrote an error, that is above. "
                f"This machine: {load()}."
            )
        time.sleep(0.02)
    return int(port_file.read_text())


class _Handler:
    """Notes each accepted message."""

    def __init__(self, file: BinaryIO, keep: Path | None) -> None:
        self._file = file
        self._keep = keep

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content: bytes = envelope.original_content or b""
        headers = _headers(content)
        facts = {
            "from": envelope.mail_from,
            "subject": _decoded(headers.get("subject", "")),
            "message_id": headers.get("message-id", "").strip(),
            "size": len(content),
        }
        at = clock.now().isoformat()
        lines = [json.dumps({"at": at, "to": to, **facts}) + "\n" for to in envelope.rcpt_tos]
        if self._keep:
            (self._keep / f"{uuid4()}.eml").write_bytes(content)
        # The file is unbuffered and appended to: one write, and a reader sees whole messages.
        self._file.write("".join(lines).encode())
        return "250 OK"


def _headers(content: bytes) -> Message:
    head, _, _ = content.partition(b"\r\n\r\n")
    # Decoded first, because headers may hold plain UTF-8 where the client announced SMTPUTF8.
    return HeaderParser().parsestr(head.decode("utf-8", "replace"))


def _decoded(subject: str) -> str:
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", subject)
    try:
        return str(make_header(decode_header(unfolded)))
    except (LookupError, UnicodeError, HeaderParseError):  # an unknown or a wrong character set
        return unfolded


async def _serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if options.until_eof:
        loop.add_reader(sys.stdin.fileno(), stop.set)
    connections: WeakSet[SMTP] = WeakSet()
    with options.file.open("ab", buffering=0) as file:
        handler = _Handler(file, options.keep)

        def connected() -> SMTP:
            connection = SMTP(handler, hostname="catcher.localhost", enable_SMTPUTF8=True, loop=loop)
            connections.add(connection)
            return connection

        server = await loop.create_server(connected, options.host, options.port, backlog=512)
        if options.port_file:
            _write_whole(options.port_file, str(server.sockets[0].getsockname()[1]))
        await stop.wait()
        server.close()
        await _finish(connections)


async def _finish(connections: WeakSet[SMTP]) -> None:
    """Let transactions that have begun end, for a short while."""
    deadline = time.monotonic() + _FINISH_SECONDS
    while any(_is_busy(connection) for connection in connections) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)


def _is_busy(connection: SMTP) -> bool:
    return connection.transport is not None and bool(connection.envelope and connection.envelope.mail_from)


def _write_whole(path: Path, text: str) -> None:
    """Write a file that others wait for: it appears with its content."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.rename(path)


def main() -> None:
    """Serve until SIGTERM or SIGINT, or with `--until-eof` until the input closes."""
    parser = argparse.ArgumentParser(
        prog="python -m notify.devserver.mail_catcher", description="Catch mail instead of sending it."
    )
    parser.add_argument("--host", default=_HOST, help="where to listen; only a container needs more than the default")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--file", type=Path, required=True, help="gets one line of JSON per recipient")
    parser.add_argument("--port-file", type=Path, help="gets the port number once the catcher listens")
    parser.add_argument("--keep", type=Path, help="a directory that gets every message as it came")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input closes")
    options = parser.parse_args()
    keep_private()
    if os.environ.get("NOTIFY_BASE_URL", "").startswith("https://"):
        sys.exit("The mail catcher sends nothing, and NOTIFY_BASE_URL is https: name a relay in NOTIFY_SMTP_HOST.")
    if options.keep:
        private_folder(options.keep)
    if options.file.exists():
        options.file.chmod(0o600)
    try:
        asyncio.run(_serve(options))
    except OSError as error:
        sys.exit(f"The mail catcher cannot listen on port {options.port} or write {options.file}: {error}")


if __name__ == "__main__":
    main()
