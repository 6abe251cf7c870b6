"""From a message to XML in the order that CAP's schema asks for."""

import re
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring  # only written, never parsed

from notify.cap.message import NAMESPACE, Area, Info, Message, Ring, written

# what XML 1.0 has no way to write, section 2.2
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DECIMALS = 6


def write(message: Message) -> bytes:
    """The document, in UTF-8, unsigned."""
    register_namespace("", NAMESPACE)
    alert = Element(_tag("alert"))
    _add(alert, "identifier", message.identifier)
    _add(alert, "sender", message.sender)
    _add(alert, "sent", written(message.sent))
    _add(alert, "status", message.status.value)
    _add(alert, "msgType", message.kind.value)
    _add(alert, "scope", message.scope.value)
    if message.references:
        _add(alert, "references", " ".join(map(str, message.references)))
    for info in message.infos:
        _write_info(alert, info)
    document: bytes = tostring(alert, encoding="utf-8", xml_declaration=True)
    return document


def _write_info(alert: Element, info: Info) -> None:
    element = SubElement(alert, _tag("info"))
    _add(element, "language", info.language)
    for category in info.categories:
        _add(element, "category", category.value)
    _add(element, "event", info.event)
    for response in info.response_types:
        _add(element, "responseType", response.value)
    _add(element, "urgency", info.urgency.value)
    _add(element, "severity", info.severity.value)
    _add(element, "certainty", info.certainty.value)
    for name, moment in (("effective", info.effective), ("onset", info.onset), ("expires", info.expires)):
        if moment:
            _add(element, name, written(moment))
    for name, words in (
        ("senderName", info.sender_name),
        ("headline", info.headline),
        ("description", info.description),
        ("instruction", info.instruction),
        ("web", info.web),
    ):
        if words:
            _add(element, name, words)
    for area in info.areas:
        _write_area(element, area)


def _write_area(info: Element, area: Area) -> None:
    element = SubElement(info, _tag("area"))
    _add(element, "areaDesc", area.description)
    for ring in area.polygons:
        _add(element, "polygon", _positions(ring))
    for latitude, longitude, kilometres in area.circles:
        _add(element, "circle", f"{latitude:.{DECIMALS}f},{longitude:.{DECIMALS}f} {kilometres:.3f}")
    for name, code in area.geocodes:
        geocode = SubElement(element, _tag("geocode"))
        _add(geocode, "valueName", name)
        _add(geocode, "value", code)


def _positions(ring: Ring) -> str:
    return " ".join(f"{latitude:.{DECIMALS}f},{longitude:.{DECIMALS}f}" for latitude, longitude in ring)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _add(parent: Element, name: str, words: str) -> None:
    SubElement(parent, _tag(name)).text = _NOT_IN_XML.sub("", words)
