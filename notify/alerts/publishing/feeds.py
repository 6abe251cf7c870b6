"""Alerts for programs: Atom (RFC 4287) and JSON Feed 1.1."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, tostring  # we only write; nothing of others is parsed

from notify.alerts.incidents.models import Incident
from notify.alerts.publishing.queries import Published
from notify.core.settings import settings

ATOM = "http://www.w3.org/2005/Atom"


def changed_at(found: Sequence[Published], otherwise: datetime) -> datetime:
    """When the newest of these alerts changed."""
    return max((one.alert.changed_at for one in found), default=otherwise)


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed is: its own address `here`, what addresses of pages begin with, and whose it is; empty where it is of
    all councils.
    """

    title: str
    here: str
    base_url: str
    language: str
    council: str = ""

    @property
    def full_title(self) -> str:
        """The title with the council's name."""
        return f"{self.title} – {self.council}" if self.council else self.title


def address_of(one: Published, base_url: str = "") -> str:
    """The alert's page, at the installation's address unless another is given."""
    return f"{base_url or settings().base_url}/alerts/{one.alert.id}"


def incident_address(incident: Incident, base_url: str = "") -> str:
    """The public page of an incident."""
    return f"{base_url or settings().base_url}/incidents/{incident.ref}"


def _incident(one: Published, base_url: str) -> dict[str, object]:
    """An extension of JSON Feed's own kind: which incident it is part of, and whether that goes on."""
    if one.incident is None:
        return {}
    said = {"name": one.incident.name, "url": incident_address(one.incident, base_url), "state": one.incident.state}
    return {"_incident": said}


def atom(found: Sequence[Published], about: Feed, *, changed: datetime) -> bytes:
    """The alerts as an Atom feed; ids stay the same for ever."""
    feed = Element("feed", {"xmlns": ATOM, "xml:lang": about.language})
    _text(feed, "id", about.here)
    _text(feed, "title", about.full_title)
    _text(feed, "updated", changed.isoformat())
    SubElement(feed, "link", {"rel": "self", "href": about.here})
    SubElement(feed, "link", {"rel": "alternate", "href": f"{about.base_url}/alerts", "type": "text/html"})
    for one in found:
        entry = SubElement(feed, "entry")
        _text(entry, "id", f"urn:uuid:{one.alert.id}")
        _text(entry, "title", one.alert.title)
        _text(entry, "published", one.at.isoformat())
        _text(entry, "updated", one.alert.changed_at.isoformat())
        _text(SubElement(entry, "author"), "name", one.sender)
        SubElement(entry, "link", {"rel": "alternate", "href": address_of(one, about.base_url), "type": "text/html"})
        if one.incident:
            related = {"rel": "related", "href": incident_address(one.incident, about.base_url), "type": "text/html"}
            SubElement(entry, "link", related | {"title": one.incident.name})
        SubElement(entry, "category", {"term": one.topic.slug, "label": one.topic.words.name})
        if one.is_urgent:
            SubElement(entry, "category", {"term": "emergency"})
        _text(entry, "content", one.alert.body)
    written: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _text(parent: Element, name: str, words: str) -> None:
    SubElement(parent, name).text = words


def json_feed(found: Sequence[Published], about: Feed) -> bytes:
    """The same as JSON Feed."""
    items = [
        {
            "id": f"urn:uuid:{one.alert.id}",
            "url": address_of(one, about.base_url),
            "title": one.alert.title,
            "content_text": one.alert.body,
            "date_published": one.at.isoformat(),
            "date_modified": one.alert.changed_at.isoformat(),
            "authors": [{"name": one.sender}],
            "tags": [one.topic.slug, *(["emergency"] if one.is_urgent else [])],
            **_incident(one, about.base_url),
        }
        for one in found
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": about.full_title,
        "home_page_url": f"{about.base_url}/alerts",
        "feed_url": about.here,
        "language": about.language,
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False).encode()
