"""Flood warnings as values, from the three forms that the Environment Agency's feeds have had."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from notify.core.clock import LONDON
from notify.core.errors import Invalid

log = logging.getLogger(__name__)

FWIS_MOMENT = "%d %m %Y %H %M"
MOST_WARNINGS = 5_000
Json = Mapping[str, Any]  # one warning of a feed: JSON objects of every shape
FWIS = "http://www.kcom.com/eafwis/fwis-internet-4_0.xsd"


class FloodFeedNotReadable(Invalid):
    """It is neither the API's JSON nor FWIS XML."""

    title = "The feed of flood warnings cannot be read"


class FloodSeverity(StrEnum):
    """How grave a warning is, by its name: the feeds number the same names in opposite orders."""

    SEVERE = "Severe Flood Warning"
    WARNING = "Flood Warning"
    ALERT = "Flood Alert"
    OVER = "Warning No Longer in Force"


_BY_NAME = {severity.value.casefold(): severity for severity in FloodSeverity}


@dataclass(frozen=True, slots=True)
class Flood:
    """A warning for an area as it is since `changed_at`. `point` is (longitude, latitude) somewhere in the area."""

    code: str
    name: str
    severity: FloodSeverity
    changed_at: datetime
    text: str
    text_cy: str = ""
    polygon_url: str = ""
    point: tuple[float, float] | None = None


def read_feed(body: bytes) -> Sequence[Flood]:
    """The warnings of a feed; one that cannot be understood is left out and logged. Raises: FloodFeedNotReadable."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _each(list(_xml(body).iter(f"{{{FWIS}}}warning")), _from_fwis)
    items = _json(body)
    is_app = bool(items) and "ta_code" in items[0]
    return _each(items, _from_app if is_app else _from_api)


def _xml(body: bytes) -> Element:
    try:
        return fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise FloodFeedNotReadable(f"It begins like XML and is none: {error}.") from None


def _json(body: bytes) -> Sequence[Json]:
    try:
        feed = json.loads(body)
        items = feed["items"] if "items" in feed else feed["floods"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise FloodFeedNotReadable("It is neither FWIS XML nor JSON with `items` or `floods`.") from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise FloodFeedNotReadable("Its warnings are not a list of objects.")
    return items


def _each(items: Sequence[Any], read: Callable[[Any], Flood]) -> Sequence[Flood]:
    found, unclear = [], 0
    for item in items[:MOST_WARNINGS]:
        try:
            found.append(read(item))
        except (ValueError, TypeError, KeyError, AttributeError):
            unclear += 1
    if unclear:
        log.warning("flood warnings not understood", extra={"number": unclear})
    return found


def _severity(name: str) -> FloodSeverity:
    return _BY_NAME[" ".join(name.split()).casefold()]


def _newest(moments: Sequence[datetime]) -> datetime:
    return max(moments)


def _moment(text: str) -> datetime:
    """A moment of the JSON feeds; the API writes no zone, which is UTC."""
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _code(text: str) -> str:
    code = text.strip()
    if not code or len(code) > 60 or not code.isalnum():
        raise ValueError("not a code")
    return code


def _from_api(item: Json) -> Flood:
    area = item.get("floodArea") or {}
    moments = [item[name] for name in ("timeRaised", "timeMessageChanged", "timeSeverityChanged") if item.get(name)]
    return Flood(
        code=_code(item["floodAreaID"]),
        name=str(item.get("description") or item["floodAreaID"]),
        severity=_severity(item["severity"]),
        changed_at=_newest([_moment(moment) for moment in moments]),
        text=str(item.get("message") or ""),
        polygon_url=str(area.get("polygon") or ""),
    )


def _from_app(item: Json) -> Flood:
    moments = [item[name] for name in ("situation_changed", "severity_changed") if item.get(name)]
    geometry = json.loads(item.get("geometry") or "{}")
    point = geometry["coordinates"] if geometry.get("type") == "Point" else None
    return Flood(
        code=_code(item["ta_code"]),
        name=str(item.get("ta_name") or item["ta_code"]),
        severity=_severity(item["severity"]),
        changed_at=_newest([_moment(moment) for moment in moments]),
        text=str(item.get("situation") or ""),
        point=(float(point[0]), float(point[1])) if point else None,
    )


def _from_fwis(element: Element) -> Flood:
    moments = [element.get(name, "") for name in ("timeraised", "severity_changed", "rim_changed")]
    read = [datetime.strptime(moment, FWIS_MOMENT).replace(tzinfo=LONDON) for moment in moments if moment.strip()]
    return Flood(
        code=_code(element.attrib["fwacode"]),
        name=element.get("description") or element.attrib["fwacode"],
        severity=_severity(element.attrib["severity"]),
        changed_at=_newest([moment.astimezone(UTC) for moment in read]),
        text=element.findtext(f"{{{FWIS}}}rim_english") or "",
        text_cy=element.findtext(f"{{{FWIS}}}rim_welsh") or "",
    )
