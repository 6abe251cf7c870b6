"""What the page of a zone shows of higher features: a picture of it, and how many people an alert to it would reach."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlmodel import Session

from notify.staff.rights import Principal
from notify.zones.queries import Saved


@dataclass(frozen=True, slots=True)
class ZonePicture:
    """The wards as paths with their names, and the zone's own path, in one frame."""

    width: float
    height: float
    wards: Mapping[str, str]
    zone: str


@dataclass(frozen=True, slots=True)
class ZoneReach:
    """Rounded numbers in words, for an emergency about `topic`. `population` is that of the wards it lies in."""

    topic: str
    people: str
    by_channel: Mapping[str, str]
    population: int | None


Draw = Callable[[Session, Principal, Saved], ZonePicture | None]
Count = Callable[[Session, Principal, Saved], ZoneReach | None]
_registered: dict[str, tuple[Draw, Count]] = {}


def show_with(draw: Draw, count: Count) -> None:
    """Have the page drawn and counted by these."""
    _registered["zone"] = (draw, count)


def picture_of(session: Session, user: Principal, found: Saved) -> ZonePicture | None:
    """The zone among the wards; None where no outlines are loaded."""
    known = _registered.get("zone")
    return known[0](session, user, found) if known else None


def reach_of(session: Session, user: Principal, found: Saved) -> ZoneReach | None:
    """How many people an emergency to the zone would reach; None for who may not count."""
    known = _registered.get("zone")
    return known[1](session, user, found) if known else None
