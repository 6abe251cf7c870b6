"""Parses CAP XML from untrusted senders."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from notify.alerts.hazard import Category, Certainty, Severity, Urgency
from notify.cap.message import (
    NAMESPACE,
    Area,
    CapStructureWrong,
    Circle,
    Info,
    Message,
    MessageType,
    Position,
    ResponseType,
    Ring,
    Scope,
    Status,
    read_moment,
    read_references,
)
from notify.core.errors import Invalid

MOST_BYTES = 2_000_000
SIGNATURES = "{http://www.w3.org/2000/09/xmldsig#}"
SCHEMA_HINTS = "{http://www.w3.org/2001/XMLSchema-instance}"
_DECIMAL = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
# What stands before a first colon is a scheme, and begins with a letter; as far as the schema's anyURI goes. RFC 3986.
_REFERENCE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:.*|[^:/?#]*([/?#].*)?", re.DOTALL)
_FORMS = {
    "language": re.compile("|[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*"),
    "size": re.compile(r"[-+]?\d+", re.ASCII),
    "altitude": _DECIMAL,
    "ceiling": _DECIMAL,
    "web": _REFERENCE,
    "uri": _REFERENCE,
}


class CapTooLarge(Invalid):
    """More bytes than any warning needs."""

    status = 413
    title = "The message is too large"


class CapNotXml(Invalid):
    """It cannot be read as XML at all."""

    title = "The message is not XML"


class CapHasEntities(Invalid):
    """A document type or entities: CAP needs neither, and attacks do."""

    title = "The message carries a document type or entities"


class CapWrongVersion(Invalid):
    """Another version of CAP, or something else."""

    title = "The message is not CAP 1.2"


class CapPositionNotReadable(Invalid):
    """A polygon or circle holds something that is not numbers."""

    title = "A position in the message cannot be read"


class Slot(NamedTuple):
    """An element in its place: how often it may be there, which words it may hold, what may stand within it."""

    name: str
    least: int = 0
    most: int | None = 1
    words: type[Category | Severity | Urgency | Certainty | Status | MessageType | Scope | ResponseType] | None = None
    within: "tuple[Slot, ...]" = ()


_PAIR = (Slot("valueName", 1), Slot("value", 1))
_RESOURCE = (
    *(Slot("resourceDesc", 1), Slot("mimeType", 1), Slot("size"), Slot("uri")),
    *(Slot("derefUri"), Slot("digest")),
)
_AREA = (
    *(Slot("areaDesc", 1), Slot("polygon", 0, None), Slot("circle", 0, None)),
    *(Slot("geocode", 0, None, within=_PAIR), Slot("altitude"), Slot("ceiling")),
)
_INFO = (
    *(Slot("language"), Slot("category", 1, None, Category), Slot("event", 1)),
    *(Slot("responseType", 0, None, ResponseType), Slot("urgency", 1, 1, Urgency), Slot("severity", 1, 1, Severity)),
    *(Slot("certainty", 1, 1, Certainty), Slot("audience"), Slot("eventCode", 0, None, within=_PAIR)),
    *(Slot("effective"), Slot("onset"), Slot("expires"), Slot("senderName"), Slot("headline"), Slot("description")),
    *(Slot("instruction"), Slot("web"), Slot("contact"), Slot("parameter", 0, None, within=_PAIR)),
    *(Slot("resource", 0, None, within=_RESOURCE), Slot("area", 0, None, within=_AREA)),
)
_ALERT = (
    *(Slot("identifier", 1), Slot("sender", 1), Slot("sent", 1), Slot("status", 1, 1, Status)),
    *(Slot("msgType", 1, 1, MessageType), Slot("source"), Slot("scope", 1, 1, Scope), Slot("restriction")),
    *(Slot("addresses"), Slot("code", 0, None), Slot("note"), Slot("references"), Slot("incidents")),
    Slot("info", 0, None, within=_INFO),
)


def read(xml: bytes) -> Message:
    """The message in a document.

    Raises: CapTooLarge, CapNotXml, CapHasEntities, CapWrongVersion, CapStructureWrong, CapPositionNotReadable.
    """
    if len(xml) > MOST_BYTES:
        raise CapTooLarge(f"The message has {len(xml):,} bytes; at most {MOST_BYTES:,} are read.")
    root = _parse(xml)
    if root.tag != f"{{{NAMESPACE}}}alert":
        found = root.tag.lstrip("{").replace("}", " ")[:120]
        raise CapWrongVersion(f"It begins with “{found}”. Send an <alert> in the namespace {NAMESPACE}.")
    _check(root, _ALERT, "alert")
    return Message(
        identifier=_text(root, "identifier"),
        sender=_text(root, "sender"),
        sent=read_moment(_text(root, "sent"), "sent"),
        status=Status(_text(root, "status")),
        kind=MessageType(_text(root, "msgType")),
        scope=Scope(_text(root, "scope")),
        references=read_references(_text(root, "references")),
        infos=tuple(_info(element) for element in _all(root, "info")),
    )


def _parse(xml: bytes) -> Element:
    try:
        return fromstring(xml, forbid_dtd=True)
    except DefusedXmlException:
        raise CapHasEntities("Remove the DOCTYPE and all entities: CAP messages need none.") from None
    except (ParseError, ValueError, LookupError) as error:  # also for an encoding that nobody knows
        raise CapNotXml(f"It cannot be read as XML: {error}.") from None


def _check(element: Element, slots: Sequence[Slot], path: str) -> None:
    """Refuse what stands in the wrong place, too often, or not at all. Raises: CapStructureWrong."""
    _refuse_attributes(element, path)
    if any((text or "").strip() for text in (element.text, *(child.tail for child in element))):
        raise CapStructureWrong(f"There is text between the elements of {path}.")
    children = [child for child in element if not child.tag.startswith(SIGNATURES) or path != "alert"]
    at = 0
    for slot in slots:
        found = []
        while at < len(children) and children[at].tag == f"{{{NAMESPACE}}}{slot.name}":
            found.append(children[at])
            at += 1
        _check_number(len(found), slot, path)
        for child in found:
            _check_content(child, slot, f"{path}/{slot.name}")
    if at < len(children):
        name = children[at].tag.rpartition("}")[2][:60]
        raise CapStructureWrong(f"{path} has <{name}> where CAP 1.2 does not expect it. The order of elements counts.")


def _check_number(number: int, slot: Slot, path: str) -> None:
    if number < slot.least:
        raise CapStructureWrong(f"{path} has no <{slot.name}>, or not in its place.")
    if slot.most is not None and number > slot.most:
        raise CapStructureWrong(f"{path} has {number} <{slot.name}>; at most {slot.most} is allowed.")


def _check_content(element: Element, slot: Slot, path: str) -> None:
    if slot.within:
        _check(element, slot.within, path)
        return
    _refuse_attributes(element, path)
    if len(element):
        raise CapStructureWrong(f"{path} holds elements where only text may be.")
    if slot.words and (element.text or "") not in [word.value for word in slot.words]:
        allowed = ", ".join(word.value for word in slot.words)
        raise CapStructureWrong(f"{path} is “{(element.text or '')[:40]}”. It must be one of {allowed}.")
    if slot.name in ("effective", "onset", "expires"):
        read_moment(element.text or "", path)
    if slot.name in _FORMS and not _FORMS[slot.name].fullmatch((element.text or "").strip()):
        raise CapStructureWrong(f"{path} is “{(element.text or '')[:40]}”, which CAP 1.2 does not allow there.")


def _refuse_attributes(element: Element, path: str) -> None:
    if unknown := [name for name in element.attrib if not name.startswith(SCHEMA_HINTS)]:
        raise CapStructureWrong(f"{path} has the attribute “{unknown[0][:60]}”; CAP 1.2 has none.")


def _all(element: Element, name: str) -> Sequence[Element]:
    return element.findall(f"{{{NAMESPACE}}}{name}")


def _text(element: Element, name: str) -> str:
    return (element.findtext(f"{{{NAMESPACE}}}{name}") or "").strip()


def _texts(element: Element, name: str) -> Sequence[str]:
    return [(found.text or "").strip() for found in _all(element, name)]


def _info(element: Element) -> Info:
    return Info(
        language=_text(element, "language") or "en-US",  # as the standard says
        categories=tuple(map(Category, _texts(element, "category"))),
        event=_text(element, "event"),
        response_types=tuple(map(ResponseType, _texts(element, "responseType"))),
        urgency=Urgency(_text(element, "urgency")),
        severity=Severity(_text(element, "severity")),
        certainty=Certainty(_text(element, "certainty")),
        effective=_moment(element, "effective"),
        onset=_moment(element, "onset"),
        expires=_moment(element, "expires"),
        sender_name=_text(element, "senderName"),
        headline=_text(element, "headline"),
        description=_text(element, "description"),
        instruction=_text(element, "instruction"),
        web=_text(element, "web"),
        areas=tuple(_area(area) for area in _all(element, "area")),
    )


def _moment(element: Element, name: str) -> datetime | None:
    written = _text(element, name)
    return read_moment(written, name) if written else None


def _area(element: Element) -> Area:
    description = _text(element, "areaDesc")
    return Area(
        description=description,
        polygons=tuple(_ring(text, description) for text in _texts(element, "polygon")),
        circles=tuple(_circle(text, description) for text in _texts(element, "circle")),
        geocodes=tuple((_text(code, "valueName"), _text(code, "value")) for code in _all(element, "geocode")),
    )


def _ring(text: str, where: str) -> Ring:
    return tuple(_position(pair, where) for pair in text.split())


def _position(text: str, where: str) -> Position:
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise CapPositionNotReadable(
            f"“{text[:40]}” in the area “{where[:60]}” is not a latitude,longitude pair such as 52.97,0.33."
        ) from None
    return latitude, longitude


def _circle(text: str, where: str) -> Circle:
    parts = text.split()
    try:
        centre, kilometres = parts
        latitude, longitude = (float(part) for part in centre.split(","))
        return latitude, longitude, float(kilometres)
    except ValueError:
        raise CapPositionNotReadable(
            f"The circle “{text[:40]}” in the area “{where[:60]}” is not latitude,longitude and kilometres, "
            "such as 52.97,0.33 1.5."
        ) from None
