"""Alerts for programs: Atom (RFC 4287) and JSON Feed 1.1."""

import json
from collections.abc import Sequence
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, tostring  # we only write; nothing of others is parsed

from notify.alerts.publishing.queries import Published
from notify.core.settings import settings

ATOM = "http://www.w3.org/2005/Atom"


def changed_at(found: Sequence[Published], otherwise: datetime) -> datetime:
    """When the newest of these alerts changed."""
    return max((one.alert.changed_at for one in found), default=otherwise)


def address_of(one: Published) -> str:
    """The alert's page."""
    return f"{settings().base_url}/alerts/{one.alert.id}"


def atom(found: Sequence[Published], *, title: str, here: str, changed: datetime, language: str) -> bytes:
    """The alerts as an Atom feed; ids stay the same for ever."""
    feed = Element("feed", {"xmlns": ATOM, "xml:lang": language})
    _text(feed, "id", here)
    _text(feed, "title", title)
    _text(feed, "updated", changed.isoformat())
    SubElement(feed, "link", {"rel": "self", "href": here})
    SubElement(feed, "link", {"rel": "alternate", "href": f"{settings().base_url}/alerts", "type": "text/html"})
    for one in found:
        entry = SubElement(feed, "entry")
        _text(entry, "id", f"urn:uuid:{one.alert.id}")
        _text(entry, "title", one.alert.title)
        _text(entry, "published", one.at.isoformat())
        _text(entry, "updated", one.alert.changed_at.isoformat())
        _text(SubElement(entry, "author"), "name", one.sender)
        SubElement(entry, "link", {"rel": "alternate", "href": address_of(one), "type": "text/html"})
        SubElement(entry, "category", {"term": one.topic.slug, "label": one.topic.words.name})
        if one.is_urgent:
            SubElement(entry, "category", {"term": "emergency"})
        _text(entry, "content", one.alert.body)
    written: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _text(parent: Element, name: str, words: str) -> None:
    SubElement(parent, name).text = words


def json_feed(found: Sequence[Published], *, title: str, here: str, language: str) -> bytes:
    """The same as JSON Feed."""
    items = [
        {
            "id": f"urn:uuid:{one.alert.id}",
            "url": address_of(one),
            "title": one.alert.title,
            "content_text": one.alert.body,
            "date_published": one.at.isoformat(),
            "date_modified": one.alert.changed_at.isoformat(),
            "authors": [{"name": one.sender}],
            "tags": [one.topic.slug, *(["emergency"] if one.is_urgent else [])],
        }
        for one in found
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "home_page_url": f"{settings().base_url}/alerts",
        "feed_url": here,
        "language": language,
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False).encode()
