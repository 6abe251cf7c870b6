"""What the server answers, with types. `more` holds what this version of the client does not know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import UnionType
from typing import Any, Self, Union, get_args, get_origin, get_type_hints
from uuid import UUID


def _read(kind: object, value: Any) -> Any:  # noqa: ANN401 - JSON of every shape
    """A value of JSON as the type that a field has."""
    if value is None:
        return None
    if get_origin(kind) in (UnionType, Union):
        return _read(next(one for one in get_args(kind) if one is not type(None)), value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    return UUID(value) if kind is UUID else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The base of everything that is answered."""

    more: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """The reply that this JSON holds."""
        hints = get_type_hints(cls)
        names = {one.name for one in fields(cls)} - {"more"}
        known = {name: _read(hints[name], told[name]) for name in names if name in told}
        return cls(**known, more={name: value for name, value in told.items() if name not in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Reply):
    """An alert and its state."""

    id: UUID
    topic: str
    priority: str
    state: str
    title: str
    body: str
    content_hash: str
    recipients: int | None = None
    reference: str | None = None
    is_test: bool = False
    created_at: datetime
    changed_at: datetime
    send_at: datetime | None = None
    expires_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic(Reply):
    """What residents can follow."""

    slug: str
    name: str
    description: str = ""
    frequency: str = ""
    purpose: str = "service"
    channels: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience(Reply):
    """How many people an alert would reach, rounded to ten; 0 for fewer than ten."""

    people: int
    fewer_than_ten: bool
    by_channel: Mapping[str, int]
    cost_pence: float | None = None
    over_budget: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Postcode(Reply):
    """Where a postcode lies; wards and districts have a `code` and a `name`."""

    postcode: str
    ward: Mapping[str, str] | None
    district: Mapping[str, str] | None
    lon: float | None = None
    lat: float | None = None
