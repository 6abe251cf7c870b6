"""The Atom index of the messages that hold now (RFC 4287), for programs that collect them."""

from collections.abc import Sequence
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, tostring  # only written, never parsed

from notify.alerts.publishing.feeds import ATOM, address_of
from notify.alerts.publishing.queries import Published
from notify.cap.message import MEDIA_TYPE
from notify.core.settings import settings

NAME = "alerts.cap.atom"


def cap_address(one: Published) -> str:
    """Where an alert's message is."""
    return f"{address_of(one)}.cap"


def index(found: Sequence[Published], *, changed: datetime) -> bytes:
    """One entry for each message; ids stay the same for ever."""
    here = f"{settings().base_url}/{NAME}"
    feed = Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _text(feed, "id", here)
    _text(feed, "title", "Emergency alerts in CAP 1.2")
    _text(feed, "updated", changed.isoformat())
    SubElement(feed, "link", {"rel": "self", "href": here})
    for one in found:
        entry = SubElement(feed, "entry")
        _text(entry, "id", f"urn:uuid:{one.alert.id}")
        _text(entry, "title", one.alert.title)
        _text(entry, "published", one.at.isoformat())
        _text(entry, "updated", one.at.isoformat())
        _text(SubElement(entry, "author"), "name", one.sender)
        SubElement(entry, "link", {"rel": "alternate", "href": cap_address(one), "type": MEDIA_TYPE})
    written: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _text(parent: Element, name: str, words: str) -> None:
    SubElement(parent, name).text = words
