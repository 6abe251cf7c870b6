"""Ward by ward: how far an alert is, drawn on a map and written beside it."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import shapely
from sqlmodel import Session

from notify.alerts.publishing.map_drawing import PartedPicture, parted_picture_of
from notify.core import clock
from notify.insight.queries import Figures, RepliesCount
from notify.places.queries import areas_by_code

MOST_KEPT = 50
# how much of a ward is reached, and what that is called in the key of the map
SHADES = ((0.95, "all", "95% or more"), (0.5, "most", "half or more"), (0.0, "some", "less than half"))
NONE_YET = "none"

_kept: OrderedDict[tuple[tuple[str, ...], int], PartedPicture] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class WardRow:
    """One ward: its number on the map, its messages by result, and what its people replied."""

    number: int
    code: str | None
    name: str
    people: int
    sent: int
    delivered: int
    failed: int
    safe: int
    help: int

    @property
    def shade(self) -> str:
        """How it is drawn: by the share of its messages that were sent."""
        share = self.sent / self.people if self.people else 0.0
        return next(name for least, name, _ in SHADES if share >= least) if self.sent else NONE_YET


@dataclass(frozen=True, slots=True)
class DrawnWard:
    """A ward as it stands on the map."""

    row: WardRow
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class WardMap:
    """The map, as large as its wards need it."""

    wards: Sequence[DrawnWard]
    width: float
    height: float


def ward_rows(figures: Figures, replies: Mapping[str | None, RepliesCount]) -> Sequence[WardRow]:
    """The wards of an alert, those with most messages first, numbered from 1."""
    return [
        WardRow(
            number=number,
            code=group.code,
            name=group.name,
            people=group.tally.recipients,
            sent=group.tally.sent,
            delivered=group.tally.delivered,
            failed=group.tally.failed,
            safe=replies[group.code].safe if group.code in replies else 0,
            help=replies[group.code].help if group.code in replies else 0,
        )
        for number, group in enumerate(figures.by_ward, start=1)
    ]


def map_of(session: Session, rows: Sequence[WardRow]) -> WardMap | None:
    """These wards on a map; None where no outline is known."""
    picture = _picture(session, tuple(sorted(row.code for row in rows if row.code)))
    if picture is None:
        return None
    found = [(row, picture.parts.get(row.code or "")) for row in rows]
    wards = [DrawnWard(row, part.path, part.x, part.y) for row, part in found if part]
    return WardMap(wards, picture.width, picture.height)


def land_of(session: Session, codes: Sequence[str]) -> tuple[Mapping[str, tuple[str, float, float]], float, float]:
    """The outline of each ward with a point inside, on a map of all of them, and how wide and high that is."""
    picture = _picture(session, tuple(sorted(code for code in codes if code)))
    if picture is None:
        return {}, 0.0, 0.0
    parts = {code: (part.path, part.x, part.y) for code, part in picture.parts.items()}
    return parts, picture.width, picture.height


def _picture(session: Session, codes: tuple[str, ...]) -> PartedPicture | None:
    """The outlines, drawn once an hour: they change with a new release of wards only."""
    key = (codes, int(clock.now().timestamp()) // 3600)
    with _lock:
        if key in _kept:
            return _kept[key]
    areas = areas_by_code(session, codes) if codes else {}
    shapes = {code: shapely.from_wkb(area.geom) for code, area in areas.items() if area.geom}
    if not shapes:
        return None
    picture = parted_picture_of(shapes)
    with _lock:
        _kept[key] = picture
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return picture
