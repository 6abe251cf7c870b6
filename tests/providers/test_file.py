"""Texts into a file."""

import json
from pathlib import Path

import pytest

from notify.providers.base import Message, Provider, ProviderUnavailable
from notify.providers.contract import ProviderContract
from notify.providers.file import FileProvider


class TestContract(ProviderContract):
    """Into a file of the test's own."""

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NOTIFY_FILE_PATH", str(tmp_path / "sms.jsonl"))

    def make_provider(self) -> Provider:
        return FileProvider()

    def a_good_message(self) -> Message:
        return Message(self.new_reference(), "+447700900001", "Road closed", "Ffordd ar gau: tŷ\n£5")


def test_each_text_is_a_line_that_only_its_owner_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sms.jsonl"
    monkeypatch.setenv("NOTIFY_FILE_PATH", str(file))
    for number in range(2):
        FileProvider().send(Message(f"r-{number}", "+447700900001", "", "Ffordd ar gau: tŷ\n£5"))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["reference"] for line in lines] == ["r-0", "r-1"]
    assert {(line["to"], line["text"]) for line in lines} == {("+447700900001", "Ffordd ar gau: tŷ\n£5")}
    assert file.stat().st_mode & 0o077 == 0


def test_a_file_that_cannot_be_written_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_FILE_PATH", str(tmp_path))
    with pytest.raises(ProviderUnavailable, match="cannot be written"):
        FileProvider().send(Message("r-1", "+447700900001", "", "Words"))


def test_its_check_warns_that_texts_reach_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_FILE_PATH", str(tmp_path / "sms.jsonl"))
    [warning] = FileProvider().check()
    assert "NOTIFY_SMS_PROVIDERS" in warning
