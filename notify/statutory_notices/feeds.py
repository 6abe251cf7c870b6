"""Statutory notices as JSON, CSV and Atom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring  # we only write; nothing of others is parsed

from sqlmodel import SQLModel

from notify.core import csv_cells
from notify.core.settings import settings
from notify.staff.models import Council
from notify.statutory_notices.models import Matter, NoticeVersion, StatutoryNotice
from notify.statutory_notices.queries import Listed

ATOM = "http://www.w3.org/2005/Atom"
LICENCE = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
HEADS = (
    *("council", "reference", "url", "published_at", "version", "version_published_at", "kind", "title", "legal_basis"),
    *("body", "wards", "comments_by", "in_force_until", "elsewhere", "cost_pence", "reason", "is_withdrawn", "sha256"),
)


class VersionView(SQLModel):
    """What a notice said from a moment on. `sha256` covers every word of it and stands in the audit trail too."""

    version: int
    published_at: datetime
    kind: Matter
    title: str
    legal_basis: str
    body: str
    wards: Sequence[str]
    comments_by: date | None
    in_force_until: date | None
    elsewhere: str
    cost_pence: int | None
    reason: str
    is_withdrawn: bool
    sha256: str

    @classmethod
    def of(cls, one: NoticeVersion) -> "VersionView":
        """The view of a version."""
        return cls(**one.model_dump(exclude={"notice_id", "published_by", "digest"}), sha256=one.digest.hex())


class NoticeView(SQLModel):
    """A notice at its permanent address, with the version that holds."""

    id: UUID
    council: str
    reference: str
    url: str
    published_at: datetime
    latest: VersionView

    @classmethod
    def of(cls, notice: StatutoryNotice, latest: NoticeVersion, council: Council) -> "NoticeView":
        """The view of a notice."""
        return cls(
            id=notice.id,
            council=council.slug,
            reference=notice.reference,
            url=address_of(notice, council),
            published_at=notice.published_at,
            latest=VersionView.of(latest),
        )


class NoticeWithVersions(NoticeView):
    """The same with everything it ever said, the newest first."""

    versions: Sequence[VersionView]


class NoticesView(SQLModel):
    """A page of notices, the newest first."""

    licence: str = LICENCE
    notices: Sequence[NoticeView]
    has_more: bool


def path_of(notice: StatutoryNotice, council: Council) -> str:
    """The permanent address on this site."""
    return f"/notices/{council.slug}/{notice.reference}"


def address_of(notice: StatutoryNotice, council: Council) -> str:
    """The permanent address."""
    return settings().base_url + path_of(notice, council)


def as_csv(found: Sequence[Listed]) -> str:
    """A line for each notice, with the version that holds."""
    return csv_cells.csv_of(HEADS, [_row(one) for one in found])


def _row(one: Listed) -> Sequence[object]:
    view = NoticeView.of(one.notice, one.latest, one.council)
    said = view.latest
    when = (view.published_at.isoformat(), said.version, said.published_at.isoformat())
    return (
        *(view.council, view.reference, view.url, *when, said.kind.value, said.title, said.legal_basis, said.body),
        *(" ".join(said.wards), said.comments_by, said.in_force_until, said.elsewhere, said.cost_pence, said.reason),
        *("yes" if said.is_withdrawn else "no", said.sha256),
    )


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed: its own address `here`, that of its `page`, and whose it is; empty where it is of all councils."""

    title: str
    here: str
    page: str
    language: str
    council: str = ""


def as_atom(found: Sequence[Listed], about: Feed, *, changed: datetime, names: Mapping[UUID, str]) -> bytes:
    """A feed (RFC 4287). A corrected notice keeps its id and comes again. `names`: of councils."""
    feed = Element("feed", {"xmlns": ATOM, "xml:lang": about.language})
    _text(feed, "id", about.here)
    _text(feed, "title", f"{about.title} – {about.council}" if about.council else about.title)
    _text(feed, "updated", changed.isoformat())
    SubElement(feed, "link", {"rel": "self", "href": about.here})
    SubElement(feed, "link", {"rel": "alternate", "href": about.page, "type": "text/html"})
    for one in found:
        entry = SubElement(feed, "entry")
        _text(entry, "id", f"urn:uuid:{one.notice.id}")
        _text(entry, "title", one.latest.title)
        _text(entry, "published", one.notice.published_at.isoformat())
        _text(entry, "updated", one.latest.published_at.isoformat())
        _text(SubElement(entry, "author"), "name", names[one.council.id])
        SubElement(
            entry, "link", {"rel": "alternate", "href": address_of(one.notice, one.council), "type": "text/html"}
        )
        SubElement(entry, "category", {"term": one.latest.kind.value})
        _text(entry, "content", one.latest.body)
    written: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _text(parent: Element, name: str, words: str) -> None:
    SubElement(parent, name).text = words
