"""The area of a public alert, computed once and cached, because many people open the same page in a flood."""

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from notify.alerts.models import Alert, Priority
from notify.alerts.publishing.map_drawing import Picture, picture_of
from notify.core import clock
from notify.places.basemap.extent import Extent, extent_of
from notify.places.geometry import to_geojson
from notify.places.models import AudienceSpec, Targets
from notify.places.outlines import outline_of, places_in_words

MOST_KEPT = 200
DETAIL_M = 2.0  # what is smaller cannot be seen on a map
NO_OUTLINE = b'{"type":"FeatureCollection","features":[]}'
_Key = tuple[UUID, bytes, str, int]
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Area:
    """The drawing and the names of the places; `is_everywhere` where the alert goes to all of the council.

    `geojson` is the outline for a map, in degrees, and `extent` what the map shows first; None where there is no map.
    """

    picture: Picture | None
    places: Sequence[str]
    is_everywhere: bool
    geojson: bytes = NO_OUTLINE
    extent: Extent | None = None


_kept: OrderedDict[_Key, Area] = OrderedDict()


def area_of(session: Session, alert: Alert, *, language: str) -> Area:
    """The area of an alert. Kept for up to an hour, after which a new release of wards shows."""
    key = (alert.id, alert.content_hash, language, int(clock.now().timestamp()) // 3600)
    with _lock:
        known = _kept.get(key)
    if known is None:
        known = _work_out(session, alert, language)
        with _lock:
            _kept[key] = known
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
    return known


def _work_out(session: Session, alert: Alert, language: str) -> Area:
    targets = Targets.from_json(alert.targets) if alert.targets else None
    if targets is None or targets.everywhere:
        is_everywhere = targets is None or not targets.excluded
        return Area(None, (), is_everywhere=is_everywhere)
    shape = None
    if alert.audience:
        spec = AudienceSpec.model_validate(alert.audience)
        shape = outline_of(session, spec, is_emergency=alert.priority == Priority.EMERGENCY)
    places = places_in_words(session, targets, language=language)
    if shape is None:
        return Area(None, places, is_everywhere=False)
    geojson = json.dumps(to_geojson(shape.simplify(DETAIL_M)), separators=(",", ":")).encode()
    return Area(picture_of(shape), places, is_everywhere=False, geojson=geojson, extent=extent_of(shape))
