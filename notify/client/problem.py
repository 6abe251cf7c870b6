"""An error as the server reports it (RFC 9457)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class Problem(Exception):
    """The server refused or failed. Decide by `slug` or `status`; `detail` is for people and says what to do."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""
    errors: Sequence[Mapping[str, str]] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The name of the type: `unknown-topic`."""
        return self.type.rpartition("/")[2]

    @property
    def retry_after(self) -> int | None:
        """Seconds to wait before trying again; None where trying again does not help."""
        after = self.fields.get("retry_after")
        return int(after) if after is not None else None

    def __str__(self) -> str:
        return f"{self.title}. {self.detail}"

    @classmethod
    def of(cls, response: httpx.Response) -> "Problem":
        """The problem that this answer tells; also where something between us and the server answered."""
        try:
            told = dict(response.json())
        except ValueError:
            told = {}
        if "retry-after" in response.headers:
            told.setdefault("retry_after", response.headers["retry-after"])
        known = {name: told.pop(name) for name in ("type", "title", "detail", "request_id", "errors") if name in told}
        told.pop("status", None)
        return cls(
            **{"type": "about:blank", "title": response.reason_phrase, "detail": response.text[:500], **known},
            status=response.status_code,
            fields=told,
        )
