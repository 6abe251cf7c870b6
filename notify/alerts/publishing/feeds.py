"""Alerts for programs: Atom (RFC 4287) and JSON Feed 1.1.

What was approved is never changed, so that an entry is as old as its approval, however often it is sent or counted.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid5
from xml.etree.ElementTree import Element, SubElement, tostring  # we only write; nothing of others is parsed

from notify.alerts.incidents.models import Incident
from notify.alerts.publishing.queries import Published, words_of
from notify.core.settings import settings

ATOM = "http://www.w3.org/2005/Atom"


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


def id_of(one: Published, language: str) -> str:
    """The name of an alert's words in this language, the same for ever. A translation is an entry of its own."""
    return (one.alert.id if language == "en" else uuid5(one.alert.id, language)).urn


def _page_of(one: Published, about: "Feed") -> str:
    return address_of(one, about.base_url) + (f"?lang={about.language}" if about.language != "en" else "")


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
    """The alerts as an Atom feed; ids stay the same for ever. `changed` is when the newest was approved."""
    feed = Element("feed", {"xmlns": ATOM, "xml:lang": about.language})
    _text(feed, "id", about.here)
    _text(feed, "title", about.full_title)
    _text(feed, "updated", changed.isoformat())
    SubElement(feed, "link", {"rel": "self", "href": about.here})
    SubElement(feed, "link", {"rel": "alternate", "href": f"{about.base_url}/alerts", "type": "text/html"})
    for one in found:
        title, body, language = words_of(one)
        entry = SubElement(feed, "entry", {"xml:lang": language})
        _text(entry, "id", id_of(one, language))
        _text(entry, "title", title)
        _text(entry, "published", one.at.isoformat())
        _text(entry, "updated", one.at.isoformat())
        _text(SubElement(entry, "author"), "name", one.sender)
        SubElement(entry, "link", {"rel": "alternate", "href": _page_of(one, about), "type": "text/html"})
        if one.incident:
            related = {"rel": "related", "href": incident_address(one.incident, about.base_url), "type": "text/html"}
            SubElement(entry, "link", related | {"title": one.incident.name})
        SubElement(entry, "category", {"term": one.topic.slug, "label": one.topic.words.name})
        if one.is_urgent:
            SubElement(entry, "category", {"term": "emergency"})
        _text(entry, "content", body)
    written: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _text(parent: Element, name: str, words: str) -> None:
    SubElement(parent, name).text = words


def json_feed(found: Sequence[Published], about: Feed) -> bytes:
    """The same as JSON Feed."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": about.full_title,
        "home_page_url": f"{about.base_url}/alerts",
        "feed_url": about.here,
        "language": about.language,
        "items": [_item(one, about) for one in found],
    }
    return json.dumps(feed, ensure_ascii=False).encode()


def _item(one: Published, about: Feed) -> dict[str, object]:
    title, body, language = words_of(one)
    return {
        "id": id_of(one, language),
        "url": _page_of(one, about),
        "language": language,
        "title": title,
        "content_text": body,
        "date_published": one.at.isoformat(),
        "date_modified": one.at.isoformat(),
        "authors": [{"name": one.sender}],
        "tags": [one.topic.slug, *(["emergency"] if one.is_urgent else [])],
        **_incident(one, about.base_url),
    }
