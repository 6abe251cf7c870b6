"""Two councils on one installation, each with a face of its own: nothing of the one's is seen at the other's."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core.db import transaction
from notify.core.settings import settings
from notify.staff.council_settings.address import RESERVED, set_address
from notify.staff.models import Council, Role
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.subscribers.journey import BROWSER, topic_ids
from tests.world import World, add_resident, make_other_council, make_world, signed_in

Client = TestClient[Litestar]
Work = Callable[[], None]
MOST_PAGES = 300
OTHERS = ("/static", "/api", "/problems", "/theme.css")


@dataclass(frozen=True, slots=True)
class Face:
    """A council with everything of its own, and the words by which that is recognised."""

    world: World
    slug: str
    topic: str
    resident: str
    phone: str
    headers: dict[str, str]
    start: str
    markers: frozenset[str]


def make_face(client: Client, world: World, slug: str, topic: str, number: int, *, domain: str, path: str) -> Face:
    colour = {"zed": "#5c1d4b", "far": "#1d5c2a"}[slug]
    logo = f'<svg xmlns="http://www.w3.org/2000/svg"><rect width="{number}" height="9" fill="{colour}"/></svg>'
    chosen: dict[str, object] = {
        "name_cy": f"Cyngor {slug}cy",
        "short_name": f"{slug}short",
        "colour": colour,
        "button_colour": colour,
        "contact_page": f"https://www.{slug}.example.org/contact",
        "contact_phone": f"01632 96001{number}",
        "contact_email": f"contact@{slug}.example.org",
        "data_protection_page": f"https://www.{slug}.example.org/privacy",
        "data_protection_email": f"dpo@{slug}.example.org",
        "sender_name": f"{slug}sender",
        "sender_address": f"alerts@{slug}.example.org",
        "reply_to": f"reply@{slug}.example.org",
        "sms_sender": f"{slug}Texts",
        "retention_days": 70 + number,
    }
    headers = world.headers
    assert client.patch("/api/v1/council", json=chosen, headers=headers).is_success
    assert client.put("/api/v1/council/images/logo", content=logo.encode(), headers=headers).is_success
    with transaction() as session:
        set_address(session, session.get_one(Council, world.council_id), domain=domain, path=path, actor="test")
    words = {str(value) for name, value in chosen.items() if name not in ("retention_days", "button_colour")}
    name = {"zed": "Zed Council", "far": "Far Council"}[slug]
    resident, phone = f"ann@{slug}.example.com", f"07700 90000{number}"
    add_resident(world, resident, phone=phone, topics=[topic])
    start = f"https://{domain}/" if domain else f"{settings().base_url}/{path}/"
    return Face(
        world,
        slug,
        topic,
        resident,
        phone,
        headers,
        start,
        frozenset({*words, name, f"/theme/{slug}", start.rstrip("/")}),
    )


@pytest.fixture
def faces(client: Client) -> tuple[Face, Face]:
    client.follow_redirects = False
    zed, far = make_world(), make_other_council()
    return (
        make_face(client, zed, "zed", "bins", 1, domain="", path="zedtown"),
        make_face(client, far, "far", "potholes", 2, domain="alerts.far.example.org", path=""),
    )


def crawl(client: Client, start: str, headers: dict[str, str], is_staff: bool = False) -> dict[str, str]:
    """What every page says that links lead to from here, by path; images and style sheets are pages too. Of addresses
    that differ in the values of their parameters alone, one is read.
    """
    host = urlsplit(start).netloc
    waiting, seen, known = [urljoin(start, urlsplit(start).path or "/")], dict[str, str](), set[object]()
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop()
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        kind = (parts.path, *sorted(dict(parse_qsl(parts.query))))
        is_wanted = parts.path.startswith("/staff") == is_staff and not parts.path.startswith(OTHERS)
        if parts.netloc != host or not is_wanted or kind in known:
            continue
        known.add(kind)
        answer = client.get(path, headers=headers | {"Host": host, "Accept": "text/html"})
        seen[path] = f"{answer.headers.get('location', '')}\n{answer.text}"
        links = [answer.headers["location"]] if "location" in answer.headers else []
        links += re.findall(r'(?:href|src|action)="([^"#]+)', answer.text)
        waiting += [urljoin(address, link.replace("&amp;", "&")) for link in links if not link.startswith("mailto:")]
    assert len(seen) < MOST_PAGES, sorted(seen)
    return seen


def foreign(found: dict[str, str], other: Face) -> list[tuple[str, str]]:
    """Pages with words of the other's."""
    return [(path, word) for path, text in found.items() for word in other.markers if word in text]


@pytest.fixture
def sent(client: Client, faces: tuple[Face, Face], inbox: Mailbox, work: Work) -> tuple[Face, Face]:
    """Each has sent an alert by email and text, and has a public notice."""
    for one in faces:
        title = f"{one.topic} news"
        channels = ["email", "sms"]
        created(client, one.headers, topic=one.topic, title=title, sms="News.", channels=channels, send=True)
        notice = {"title": f"{one.topic} order", "kind": "traffic", "legal_basis": "An Act", "body": "Closed."}
        assert client.post("/api/v1/public-notices", json=notice, headers=one.headers).is_success
    work()
    return faces


def test_no_page_of_one_councils_site_shows_anything_of_the_other(client: Client, sent: tuple[Face, Face]) -> None:
    for one, other in (sent, sent[::-1]):
        found = crawl(client, one.start, BROWSER)
        assert foreign(found, other) == []
        prefix = urlsplit(one.start).path.rstrip("/")
        assert {f"{prefix}/sign-up", f"{prefix}/alerts", f"{prefix}/privacy", f"{prefix}/alerts.atom"} <= {
            path.partition("?")[0] for path in found
        }
        home = found[f"{prefix}/" if not prefix else urlsplit(one.start).path]
        assert f"/theme/{one.slug}/style.css" in home
        assert f"/theme/{one.slug}/logo" in home
        assert any(f"{one.topic} news" in text for path, text in found.items() if "/alerts/" in path)


def test_no_page_of_one_councils_staff_shows_anything_of_the_other(client: Client, sent: tuple[Face, Face]) -> None:
    for one, other in (sent, sent[::-1]):
        desk = signed_in(one.world.council_id, Role.ADMIN)
        found = crawl(client, f"{settings().base_url}/staff", desk, is_staff=True)
        staff = dict(found)
        assert len(staff) > 30
        assert foreign(staff, other) == []
        assert f"/theme/{one.slug}/style.css" in staff["/staff"]


def test_emails_texts_and_lists_are_each_councils_own(client: Client, sent: tuple[Face, Face], inbox: Mailbox) -> None:
    texts = {line["to"]: line for line in inbox.lines("sms.jsonl")}
    mails = {str(mail["To"]): mail for mail in inbox.messages()}
    for one, other in (sent, sent[::-1]):
        mail, text = mails[one.resident], texts["+44" + one.phone.replace(" ", "")[1:]]
        assert str(mail["From"]) == f"{one.slug}sender <alerts@{one.slug}.example.org>"
        assert mail["Reply-To"] == f"reply@{one.slug}.example.org"
        assert mail["List-Id"] == f"<{one.topic}.{one.slug}.{one.slug}.example.org>"
        whole = mail.as_string() + "".join(
            part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"
        )
        assert f"{one.start.rstrip('/')}/u/" in whole
        assert f"contact@{one.slug}.example.org" in whole
        assert text["from"] == f"{one.slug}Texts"
        assert text["text"].startswith(f"{one.slug}short: ")
        assert foreign({"mail": whole, "text": json.dumps(text)}, other) == []


def test_the_message_that_confirms_is_the_councils_too(
    client: Client, faces: tuple[Face, Face], inbox: Mailbox, work: Work
) -> None:
    far = faces[1]
    fields = {"postcode": "ZZ1 1AA", "topic": topic_ids("bins"), "email": "new@example.org"}
    assert client.post("/zedtown/sign-up", data=fields, headers=BROWSER, follow_redirects=True).is_success
    work()
    [mail] = inbox.messages()
    said = "".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
    assert str(mail["From"]).endswith("<alerts@zed.example.org>")
    [link] = set(re.findall(r"http\S+/zedtown/confirm/[\w.-]+", said))
    page = client.get(urlsplit(link).path, headers=BROWSER).text
    assert "/theme/zed/style.css" in page
    assert foreign({"mail": said, "page": page}, far) == []


def test_at_a_postcode_of_both_each_is_called_by_its_name(client: Client, faces: tuple[Face, Face]) -> None:
    answers = {"postcode": "ZZ1 1AA"}
    page = client.post("/sign-up/postcode", data=answers, headers=BROWSER, follow_redirects=True).text
    assert "Zed Council" in page
    assert "Far Council" in page
    assert "/theme.css" in page


def test_one_that_has_no_site_keeps_its_look_by_the_address(client: Client, faces: tuple[Face, Face]) -> None:
    page = client.get("/alerts?council=zed", headers=BROWSER).text
    assert "– Zed Council</title>" in page
    widget = client.get("/widget?council=far", headers=BROWSER).text
    assert "/theme/far/style.css" in widget
    assert "Zed Council" in client.get("/staff/sign-in?council=zed", headers=BROWSER).text


def test_no_path_of_a_council_hides_a_page_of_the_service(app: Litestar) -> None:
    first = {route.path.split("/")[1] for route in app.routes}
    assert first - {""} <= RESERVED
