"""The mail catcher, reached as any client would: smtplib and plain sockets."""

import json
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from notify.devserver.mail_catcher import Catcher, CatcherDidNotStart, start
from notify.devserver.start_watch import StartLimits
from tests.running import is_alive


@pytest.fixture(scope="module")
def catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catcher]:
    with start(tmp_path_factory.mktemp("catcher")) as running:
        yield running


def caught(catcher: Catcher, message_id: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in catcher.file.read_text().splitlines()]
    return [line for line in lines if line["message_id"] == message_id]


def message(message_id: str, subject: str = "Mill Road closed") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "alerts@council.example"
    made["To"] = "residents@example.org"
    made["Subject"] = subject
    made["Message-ID"] = message_id
    made.set_content("Mill Road bridge is closed on Sunday.\n.\n..two dots\n")
    return made


def test_each_recipient_of_a_transaction_gets_a_line(catcher: Catcher) -> None:
    with smtplib.SMTP(catcher.host, catcher.port) as client:
        client.send_message(message("<two@test>"), "alerts@council.example", ["ann@example.org", "bob@example.org"])
    lines = caught(catcher, "<two@test>")
    assert [line["to"] for line in lines] == ["ann@example.org", "bob@example.org"]
    assert {line["from"] for line in lines} == {"alerts@council.example"}
    assert {line["subject"] for line in lines} == {"Mill Road closed"}
    assert all(line["at"].endswith("+00:00") and line["size"] > 200 for line in lines)


def test_an_encoded_and_folded_subject_is_readable(catcher: Catcher) -> None:
    subject = "Ffordd y Felin ar gau ddydd Sul: tŷ, ŵyl a môr " * 3
    with smtplib.SMTP(catcher.host, catcher.port) as client:
        client.send_message(message("<welsh@test>", subject.strip()), "a@council.example", ["c@example.org"])
    assert [line["subject"] for line in caught(catcher, "<welsh@test>")] == [subject.strip()]


def test_an_eight_bit_body_and_a_utf8_address_are_taken(catcher: Catcher) -> None:
    raw = "Subject: Tŷ\r\nMessage-ID: <raw@test>\r\n\r\nMae’r ffordd ar gau.\r\n".encode()
    with smtplib.SMTP(catcher.host, catcher.port) as client:
        client.ehlo()
        assert client.has_extn("8bitmime")
        assert client.has_extn("pipelining")
        client.sendmail("a@council.example", ["siân@example.org"], raw, ["BODY=8BITMIME", "SMTPUTF8"])
    (line,) = caught(catcher, "<raw@test>")
    assert (line["to"], line["subject"], line["size"]) == ("siân@example.org", "Tŷ", len(raw))


def test_commands_may_ride_with_the_previous_body(catcher: Catcher) -> None:
    count = 20
    with socket.create_connection((catcher.host, catcher.port), timeout=10) as line:
        replies = line.makefile("rb")
        envelope = "MAIL FROM:<a@council.example>\r\nRCPT TO:<r{}@example.org>\r\nDATA\r\n"
        body = "Message-ID: <pipe@test>\r\nSubject: {}\r\n\r\nHello\r\n.\r\n"
        whole = "".join(envelope.format(number) + body.format(number) for number in range(count))
        line.sendall(f"EHLO here\r\n{whole}QUIT\r\n".encode())
        codes = [reply[:3] for reply in replies if reply[3:4] == b" "]
    assert codes == [b"220", b"250", *[b"250", b"250", b"354", b"250"] * count, b"221"]
    assert [line["to"] for line in caught(catcher, "<pipe@test>")] == [
        f"r{number}@example.org" for number in range(count)
    ]


def test_a_thousand_messages_take_about_a_second(catcher: Catcher) -> None:
    connections, each = 8, 125

    def send() -> None:
        with socket.create_connection((catcher.host, catcher.port), timeout=30) as line:
            replies = line.makefile("rb")
            commands = b"MAIL FROM:<a@council.example>\r\nRCPT TO:<r@example.org>\r\nDATA\r\n"
            body = b"Message-ID: <load@test>\r\n\r\n" + (b"x" * 62 + b"\r\n") * 100 + b".\r\n"
            line.sendall(b"EHLO here\r\n" + (commands + body) * each + b"QUIT\r\n")
            replies.read()

    threads = [threading.Thread(target=send) for _ in range(connections)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    assert len(caught(catcher, "<load@test>")) == connections * each
    assert seconds < 5  # about 0.5 s on two idle cores


def test_a_begun_message_is_finished_after_sigterm(tmp_path: Path) -> None:
    process, port = run_catcher(tmp_path, "--keep", str(tmp_path / "kept"))
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        replies = line.makefile("rb")
        line.sendall(b"HELO here\r\nMAIL FROM:<a@council.example>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
        assert [replies.readline()[:3] for _ in range(5)][-1] == b"354"
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        line.sendall(b"Subject: late\r\n\r\nbody\r\n.\r\n")
        assert replies.readline()[:3] == b"250"
    assert process.wait(10) == 0
    assert json.loads((tmp_path / "mail.jsonl").read_text())["subject"] == "late"
    assert [path.read_bytes() for path in (tmp_path / "kept").iterdir()] == [b"Subject: late\r\n\r\nbody\r\n"]


def test_it_stops_with_the_process_that_started_it(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from notify.devserver.mail_catcher import start\n"
        "with start(Path(sys.argv[1])) as it: print(it.port, flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        port = int(owner.stdout.readline())
        owner.kill()
    deadline = time.monotonic() + 10
    while is_listening(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_listening(port)


def test_a_catcher_that_cannot_write_says_so(tmp_path: Path) -> None:
    (tmp_path / "mail.jsonl").mkdir()
    with pytest.raises(CatcherDidNotStart), start(tmp_path):
        pass


def python_that_first(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this shell script come before Python in the processes that are started."""
    slow = folder / "python"
    slow.write_text(f'#!/bin/bash\n{script}\nexec {sys.executable} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))


def test_a_catcher_that_works_is_waited_for_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python_that_first("while (( SECONDS < 3 )); do :; done", tmp_path, monkeypatch)
    with start(tmp_path, limits=StartLimits(idle_seconds=1)) as catcher, smtplib.SMTP(catcher.host, catcher.port) as it:
        assert it.noop()[0] == 250


def test_a_catcher_that_hangs_says_so_and_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python_that_first(f"echo $$ > {tmp_path}/pid; exec sleep 60", tmp_path, monkeypatch)
    with (
        pytest.raises(CatcherDidNotStart, match=r"showed no sign of work for 2\..*load average .* processors"),
        start(tmp_path, limits=StartLimits(idle_seconds=2)),
    ):
        pass
    assert not is_alive(int((tmp_path / "pid").read_text()))


def run_catcher(directory: Path, *more: str) -> tuple[subprocess.Popen[bytes], int]:
    port_file = directory / "port"
    files = ["--file", str(directory / "mail.jsonl"), "--port-file", str(port_file)]
    process = subprocess.Popen([sys.executable, "-m", "notify.devserver.mail_catcher", *files, *more])
    deadline = time.monotonic() + 10
    while not port_file.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return process, int(port_file.read_text())


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
