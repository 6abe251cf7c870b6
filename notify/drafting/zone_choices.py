"""The saved zones that the page of places offers, by kind; an earlier version only where a draft names it already."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from notify.core.errors import NotFound
from notify.zones.models import KIND_NAMES
from notify.zones.queries import Saved, saved, zones


@dataclass(frozen=True, slots=True)
class ZoneChoice:
    """One box: `named` is what the form sends, such as `mill-lane@2`."""

    named: str
    label: str


def _choice(one: Saved) -> ZoneChoice:
    return ZoneChoice(f"{one.zone.slug}@{one.version.version}", one.zone.name)


def zone_choices(
    session: Session, council_id: UUID, chosen: Sequence[str]
) -> Sequence[tuple[str, Sequence[ZoneChoice]]]:
    """Choices by the name of their kind. `chosen` are those that the draft names."""
    found = zones(session, council_id)
    offered = [(name, [_choice(one) for one in found if one.zone.kind is kind]) for kind, name in KIND_NAMES.items()]
    known = {choice.named for _, choices in offered for choice in choices}
    earlier = []
    for named in chosen:
        if named in known:
            continue
        try:
            one = saved(session, council_id, named)
        except NotFound:
            continue
        earlier.append(ZoneChoice(named, f"{one.zone.name}, version {one.version.version}"))
    return [(name, choices) for name, choices in [*offered, ("Earlier versions", earlier)] if choices]
