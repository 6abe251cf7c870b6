"""Texts by pigeon post: an adapter that knows nothing of the core but its published protocol."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from notify.providers.base import (
    CallBack,
    Channel,
    Message,
    News,
    ProviderRejected,
    ProviderUnavailable,
    Receipt,
    ReceiptNotAuthentic,
    ReceiptState,
)


class PigeonSettings(BaseSettings):
    """Where the pigeons are."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_PIGEON_", frozen=True)

    loft: Path = Field(Path("loft"), description="The folder that pigeons fly to.")
    ring: str = Field("", description="The secret that returning pigeons prove themselves with.")


class PigeonProvider:
    """Each text is a file in the loft, named by its reference, so that a second pigeon brings nothing new."""

    name: ClassVar[str] = "pigeon"
    channel: ClassVar[Channel] = Channel.SMS

    def __init__(self) -> None:
        self.settings = PigeonSettings()

    def send(self, message: Message) -> str:
        """Send a pigeon. Raises: ProviderRejected, ProviderUnavailable."""
        if not message.address.startswith("+44"):
            raise ProviderRejected("Pigeons do not leave the country.")
        try:
            (self.settings.loft / message.reference).write_text(f"{message.address}\n{message.text}")
        except OSError:
            raise ProviderUnavailable("No pigeon is at home.", retry_after_s=60) from None
        return f"pigeon-{message.reference[:8]}"

    def read_receipt(self, call: CallBack) -> Sequence[News]:
        """What a returning pigeon says. Raises: ReceiptNotAuthentic."""
        expected = hmac.new(self.settings.ring.encode(), call.body, hashlib.sha256).hexdigest()
        if not self.settings.ring or not hmac.compare_digest(call.headers.get("pigeon-ring", ""), expected):
            raise ReceiptNotAuthentic("This is not our pigeon.")
        return [
            Receipt(line["reference"], ReceiptState(line["state"]), line.get("reason", ""))
            for line in json.loads(call.body)
        ]

    def check(self) -> Sequence[str]:
        """Whether there is a loft."""
        return [] if self.settings.loft.is_dir() else ["There is no loft: set NOTIFY_PIGEON_LOFT to a folder."]

    def close(self) -> None:
        """Pigeons need no goodbye."""
