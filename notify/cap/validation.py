"""What CAP 1.2 asks and its schema does not check, refused in words. Shapes come in latitude first."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import shapely
from shapely import Polygon

from notify.cap.message import Area, CapStructureWrong, Info, Message, MessageType, Ring, Scope, Status
from notify.core.errors import Conflict, Invalid
from notify.places.geometry import (
    MOST_PARTS,
    MOST_POSITIONS,
    RadiusOutOfRange,
    RingNotClosed,
    RingTooShort,
    ShapeCrossesItself,
    ShapeTooComplex,
    is_tangled,
    parse_shape,
)
from notify.places.projection import EAST, NORTH, SOUTH, WEST, AxesSwapped, CoordinatesNotFinite, OutsideTheUk

CLOCKS_DIFFER = timedelta(minutes=5)
FOLLOWING = (MessageType.UPDATE, MessageType.CANCEL)
LEAST_KM, WIDEST_KM = 0.001, 50.0


class CapFromTheFuture(Invalid):
    """It says that it was sent later than now."""

    title = "The message was sent in the future"


class CapExpired(Conflict):
    """What it warns of is over."""

    title = "The message has expired"


class CapNotForResidents(Invalid):
    """Its status, kind or scope says that it is not a warning for everyone."""

    title = "The message is not a warning for residents"


class CapReferencesMissing(Invalid):
    """An update or a cancellation that does not say of what."""

    title = "The message does not say which one it follows"


class CapLanguageMissing(Invalid):
    """Residents are written to in English, and in Welsh beside it."""

    title = "The message has no text in English"


class CapPositionsRepeat(Invalid):
    """A ring comes to the same position twice."""

    title = "A polygon comes to one position twice"


class CapAreasOverlap(Invalid):
    """Two polygons cover the same ground."""

    title = "The areas of the message overlap"


def check(message: Message, *, now: datetime) -> None:
    """Nothing, if the message keeps every rule. Raises a subclass of NotifyError that says what is wrong."""
    check_sender(message, now=now)
    for info in message.infos:
        check_areas(info.areas)


def check_sender(message: Message, *, now: datetime) -> None:
    """The rules about everything but areas: who says what to whom, in which language, and when."""
    _check_envelope(message)
    _check_languages(message)
    _check_times(message, now)


def _check_envelope(message: Message) -> None:
    for name, value in (("identifier", message.identifier), ("sender", message.sender)):
        if not value or any(character.isspace() or character in ",<&" for character in value):
            raise CapStructureWrong(f"{name} must not be empty and has no spaces, commas, < or &.")
    if message.status in (Status.SYSTEM, Status.DRAFT):
        raise CapNotForResidents(f"Its status is {message.status}: only Actual, Exercise and Test are read.")
    if message.kind in (MessageType.ACK, MessageType.ERROR):
        raise CapNotForResidents(f"Its msgType is {message.kind}, an answer between computers.")
    if message.scope != Scope.PUBLIC:
        raise CapNotForResidents(f"Its scope is {message.scope}: only what is Public goes to residents.")
    if message.kind in FOLLOWING and not message.references:
        raise CapReferencesMissing(
            f"Its msgType is {message.kind}, so `references` must name the message before it as sender,identifier,sent."
        )


def _check_languages(message: Message) -> None:
    spoken = [info.language.lower().partition("-")[0] for info in message.infos]
    if not spoken and message.kind == MessageType.CANCEL:
        return  # it takes back what was said and need not say more
    if "en" not in spoken:
        raise CapLanguageMissing("Send an <info> in English (en-GB) and, where there is a translation, one in cy-GB.")


def _check_times(message: Message, now: datetime) -> None:
    if message.sent > now + CLOCKS_DIFFER:
        raise CapFromTheFuture(f"It was sent at {message.sent:%Y-%m-%d %H:%M} UTC and it is {now:%Y-%m-%d %H:%M} UTC.")
    for info in message.infos:
        if info.expires and info.expires <= now:
            raise CapExpired(f"It expired at {info.expires:%Y-%m-%d %H:%M} UTC.")


def check_areas(areas: Sequence[Area]) -> None:
    """Nothing, if polygons and circles are sound and no two polygons cover the same ground.

    Raises: ShapeTooComplex, RingTooShort, RingNotClosed, CapPositionsRepeat, AxesSwapped, OutsideTheUk,
    RadiusOutOfRange, ShapeCrossesItself, CapAreasOverlap.
    """
    rings = [(ring, _name(area, number)) for area in areas for number, ring in enumerate(area.polygons, start=1)]
    _check_size([ring for ring, _ in rings])
    for ring, name in rings:
        _check_ring(ring, name)
    for area in areas:
        for latitude, longitude, kilometres in area.circles:
            _check_in_uk(np.array([[latitude, longitude]]), f"The circle of the area “{area.description[:60]}”")
            if not LEAST_KM <= kilometres <= WIDEST_KM:
                raise RadiusOutOfRange(
                    f"A circle has a radius of {kilometres:g} km; 0.001 to {WIDEST_KM:g} is accepted."
                )
    _check_simple(rings)
    _check_overlap(rings)


def _name(area: Area, number: int) -> str:
    return f"Polygon {number} of the area “{area.description[:60]}”"


def _check_size(rings: Sequence[Ring]) -> None:
    positions = sum(map(len, rings))
    if len(rings) > MOST_PARTS or positions > MOST_POSITIONS:
        raise ShapeTooComplex(
            f"{len(rings):,} polygons with {positions:,} positions; at most {MOST_PARTS:,} with {MOST_POSITIONS:,} "
            "are accepted. 10 metres of detail is ample."
        )


def _check_ring(ring: Ring, name: str) -> None:
    if len(ring) < 4:
        raise RingTooShort(f"{name} has {len(ring)} pairs. It needs at least four, the last equal to the first.")
    _check_in_uk(np.array(ring, dtype=float), name)
    if ring[0] != ring[-1]:
        raise RingNotClosed(f"{name} ends elsewhere than it starts. Repeat its first pair at the end.")
    seen = set()
    for position in ring[1:]:
        if position in seen:
            raise CapPositionsRepeat(f"{name} comes to {position[0]:g},{position[1]:g} twice. Remove one of them.")
        seen.add(position)


def _check_in_uk(positions: np.ndarray[tuple[int, ...], np.dtype[np.float64]], name: str) -> None:
    """Rows of (latitude, longitude)."""
    if not np.isfinite(positions).all():
        raise CoordinatesNotFinite(f"{name} holds something that is not a finite number.")
    latitudes, longitudes = positions[:, 0], positions[:, 1]
    if _is_in_box(latitudes, longitudes).all():
        return
    if _is_in_box(longitudes, latitudes).all():
        first = positions[0]
        raise AxesSwapped(
            f"{name} looks like longitude first ({first[0]:g},{first[1]:g}). CAP puts latitude first: "
            f"send {first[1]:g},{first[0]:g}."
        )
    wrong = positions[int(np.argmin(_is_in_box(latitudes, longitudes)))]
    raise OutsideTheUk(
        f"{name} holds {wrong[0]:g},{wrong[1]:g}, outside {SOUTH:g} to {NORTH:g} north and "
        f"{-WEST:g} west to {EAST:g} east. Check it for a missing minus sign or a slipped decimal point."
    )


def _is_in_box(
    latitudes: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    longitudes: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return (latitudes >= SOUTH) & (latitudes <= NORTH) & (longitudes >= WEST) & (longitudes <= EAST)


def _check_simple(rings: Sequence[tuple[Ring, str]]) -> None:
    for ring, name in rings:
        try:
            parse_shape({"type": "Polygon", "coordinates": [turned(ring)]})
        except ShapeCrossesItself as error:
            raise ShapeCrossesItself(f"{name}: {error.detail}", **error.fields) from None


def turned(ring: Ring) -> list[list[float]]:
    """The ring as GeoJSON writes it, longitude first."""
    return [[longitude, latitude] for latitude, longitude in ring]


def _check_overlap(rings: Sequence[tuple[Ring, str]]) -> None:
    shapes = [Polygon(turned(ring)) for ring, _ in rings]
    if len(shapes) > 1 and is_tangled(shapes):
        raise ShapeTooComplex("The areas cross each other too often to make sense of. Send areas that only touch.")
    for first, second in _neighbours(shapes):
        if shapely.relate_pattern(shapes[first], shapes[second], "T********"):
            raise CapAreasOverlap(
                f"{rings[first][1]} and {rings[second][1]} cover the same ground. Send areas that only touch, or one."
            )


def _neighbours(shapes: Sequence[Polygon]) -> Iterator[tuple[int, int]]:
    """Pairs of shapes that meet, each once; asked one by one, so that a heap of a thousand is refused at its first."""
    tree = shapely.STRtree(shapes)
    for number, shape in enumerate(shapes):
        yield from ((number, int(other)) for other in tree.query(shape, predicate="intersects") if other > number)


def repaired(message: Message) -> tuple[Message, Sequence[str]]:
    """The message with open rings closed and longitude-first rings turned round, and a sentence for each of these.

    Only where the sender's meaning is plain: every position lies in the United Kingdom one way and none the other.
    """
    notes: list[str] = []
    infos = tuple(_repaired_info(info, notes) for info in message.infos)
    return replace(message, infos=infos), notes


def _repaired_info(info: Info, notes: list[str]) -> Info:
    areas = []
    for area in info.areas:
        rings = [_repaired_ring(ring, _name(area, number), notes) for number, ring in enumerate(area.polygons, start=1)]
        areas.append(replace(area, polygons=tuple(rings)))
    return replace(info, areas=tuple(areas))


def _repaired_ring(ring: Ring, name: str, notes: list[str]) -> Ring:
    if len(ring) < 3:
        return ring
    positions = np.array(ring, dtype=float)
    as_written = _is_in_box(positions[:, 0], positions[:, 1])
    if not as_written.any() and _is_in_box(positions[:, 1], positions[:, 0]).all():
        notes.append(f"{name} was written longitude first and has been turned round.")
        ring = tuple((latitude, longitude) for longitude, latitude in ring)
    if ring[0] != ring[-1]:
        notes.append(f"{name} was open and has been closed.")
        ring = (*ring, ring[0])
    return ring
