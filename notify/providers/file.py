"""Text messages into a file, for development and demonstrations: one JSON object a line."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from notify.core import clock
from notify.core.setting_sources import SettingsOfOurs
from notify.core.settings import settings
from notify.providers.base import CallBack, Channel, Message, News, ProviderUnavailable


class FileSettings(SettingsOfOurs):
    """Where texts are written."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_FILE_", frozen=True)

    path: Path | None = Field(None, description="The file; unset: `sms.jsonl` in NOTIFY_DATA_DIR.")


class FileProvider:
    """Appends every text to a file. Nothing leaves the machine."""

    name: ClassVar[str] = "file"
    channel: ClassVar[Channel] = Channel.SMS
    takes_replies: ClassVar[bool] = True  # as a number would

    def __init__(self) -> None:
        self.path = FileSettings().path or settings().data_dir / "sms.jsonl"

    def send(self, message: Message) -> str:
        """Append one text. Raises: ProviderUnavailable when the file cannot be written."""
        line = {
            "at": clock.now().isoformat(),
            "to": message.address,
            "text": message.text,
            **({"from": message.sender} if message.sender else {}),
            "reference": message.reference,
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # one write to a file opened for appending is never torn by another process's
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            raise ProviderUnavailable(f"{self.path} cannot be written: {error.strerror}") from None
        return ""

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """A file never calls back."""
        return []

    def check(self) -> Sequence[str]:
        """Says that texts reach nobody, which matters outside development."""
        return [
            f"Texts are only written to {self.path}: set NOTIFY_SMS_PROVIDERS to a real provider before going live."
        ]

    def close(self) -> None:
        """Nothing is kept open."""
