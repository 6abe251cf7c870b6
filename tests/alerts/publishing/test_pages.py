"""Alerts for everybody: what is shown, where, and to programs."""

from collections.abc import Callable
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core import clock
from notify.core.settings import settings
from notify.staff.models import KeyMode, Role
from tests import moments
from tests.alerts.calls import act, created
from tests.subscribers.html import Page
from tests.world import NORTH, SOUTH, World, add_resident, make_key, make_world, signed_in

Client = TestClient[Litestar]
Work = Callable[[], None]
ATOM = "{http://www.w3.org/2005/Atom}"
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[0.31, 52.96], [0.35, 52.96], [0.35, 52.99], [0.31, 52.99], [0.31, 52.96]]],
}


@pytest.fixture
def world(client: Client) -> World:
    client.headers.update({"Accept": "text/html"})
    return make_world()


@pytest.fixture
def sent(client: Client, world: World, work: Work) -> Callable[..., str]:
    """Makes an alert that has gone out; returns its id."""
    add_resident(world, "a@example.org", topics=["road-closures", "bins", "emergencies"])

    def make(**fields: object) -> str:
        alert = created(client, world.headers, **{"topic": "road-closures", "send": True} | fields)
        work()
        return str(alert["id"])

    return make


def titles(client: Client, **query: str) -> list[str]:
    feed = client.get("/alerts.json", params=query).json()
    return [item["title"] for item in feed["items"]]


def test_what_went_out_is_there_for_everybody(client: Client, sent: Callable[..., str]) -> None:
    alert = sent(title="Mill Road closed", body="Closed 8 to 6.\n\nUse the bus.", audience={"wards": [NORTH]})
    listed = Page(client.get("/alerts").text)
    assert f"/alerts/{alert}" in listed.links
    page = client.get(f"/alerts/{alert}")
    text = Page(page.text).text
    for words in ("Mill Road closed", "Closed 8 to 6.", "Use the bus.", "Zed Council", "Road closures", "Northside"):
        assert words in text
    assert "a@example.org" not in page.text
    assert "Southside" not in text
    assert '<meta property="og:title" content="Mill Road closed">' in page.text


def test_nothing_is_shown_before_it_goes_out_and_no_test_ever(client: Client, world: World, work: Work) -> None:
    add_resident(world, "a@example.org", topics=["road-closures"])
    draft = created(client, world.headers, topic="road-closures", title="Draft")
    testing = make_key(world, Role.ADMIN, mode=KeyMode.TEST)
    tried = created(client, testing, topic="road-closures", title="Only a test", send=True)
    work()
    assert titles(client) == []
    assert "There are no alerts here now." in client.get("/alerts").text
    for alert in (draft, tried):
        assert client.get(f"/alerts/{alert['id']}").status_code == 404
    assert client.get("/alerts/0190a000-0000-7000-8000-000000000000").status_code == 404
    assert client.get("/alerts/nonsense").status_code == 404


def test_what_goes_to_single_postcodes_is_nobody_elses_business(
    client: Client, world: World, work: Work, sent: Callable[..., str]
) -> None:
    private = sent(title="Your bin was missed", audience={"postcodes": ["ZZ1 1AA"]})
    update = act(client, world.headers, private, "update", {"title": "Your bin is emptied", "body": "Today."})
    work()
    for alert in (private, update.json()["id"]):
        assert client.get(f"/alerts/{alert}").status_code == 404
    shown = [
        sent(title="Sector", audience={"postcodes": ["ZZ1 1"]}),
        sent(title="Circle", audience={"circle": {"postcode": "ZZ1 1AA", "radius_m": 100}}),
        sent(title="Both", audience={"postcodes": ["ZZ1 1AA"], "wards": [SOUTH]}),
        sent(title="Gas", topic="emergencies", priority="emergency", audience={"postcodes": ["ZZ1 1AA"]}),
    ]
    assert {client.get(f"/alerts/{alert}").status_code for alert in shown} == {200}
    assert set(titles(client)) == {"Sector", "Circle", "Both", "Gas"}


def test_lists_are_by_council_topic_and_ward(client: Client, sent: Callable[..., str]) -> None:
    sent(title="North only", audience={"wards": [NORTH]})
    sent(title="Everywhere", topic="bins")
    sent(title="Not the north", audience={"except": {"wards": [NORTH]}})
    sent(title="One street", audience={"circle": {"postcode": "ZZ1 1AA", "radius_m": 50}})
    assert set(titles(client)) == {"North only", "Everywhere", "Not the north", "One street"}
    assert set(titles(client, ward=NORTH)) == {"North only", "Everywhere", "One street"}
    assert set(titles(client, ward=SOUTH)) == {"Everywhere", "Not the north"}
    assert titles(client, topic="bins", council="zed") == ["Everywhere"]
    assert titles(client, council="nobody") == []
    assert titles(client, ward="Z05999999") == []
    assert "Current alerts for Northside" in client.get("/alerts", params={"ward": NORTH}).text


def test_an_emergency_comes_first_and_what_is_over_is_gone(client: Client, sent: Callable[..., str]) -> None:
    soon = (clock.now() + timedelta(hours=1)).isoformat()
    alert = sent(title="Flood", topic="emergencies", priority="emergency", expires_at=soon)
    sent(title="Newer but routine")
    assert titles(client) == ["Flood", "Newer but routine"]
    later = clock.now() + timedelta(hours=2)
    clock.use(lambda: later)
    assert titles(client) == ["Newer but routine"]
    assert "This alert has ended." in client.get(f"/alerts/{alert}").text


def test_an_all_clear_ends_an_alert_and_stands_beneath_it(
    client: Client, world: World, sent: Callable[..., str], work: Work
) -> None:
    alert = sent(title="Burst main", topic="emergencies", priority="emergency")
    words = {"title": "Water is back", "body": "Drink it again."}
    reply = act(client, signed_in(world.council_id), alert, "all-clear", words)
    assert reply.status_code in (200, 201), reply.text
    work()
    text = Page(client.get(f"/alerts/{alert}").text).text
    assert "This alert has ended." in text
    assert "Water is back" in text
    assert titles(client) == ["Water is back"]
    over = reply.json()["id"]
    assert f"/alerts/{over}" in Page(client.get(f"/alerts/{alert}").text).links
    assert f"/alerts/{alert}" in Page(client.get(f"/alerts/{over}").text).links


def test_an_all_clear_is_no_running_emergency_and_ends_the_updates_too(
    client: Client, world: World, sent: Callable[..., str], work: Work
) -> None:
    alert = sent(title="Burst main", topic="emergencies", priority="emergency")
    desk = signed_in(world.council_id)
    words = {"title": "Boil it", "body": "Boil water."}
    update = act(client, desk, alert, "update", words).json()["id"]
    work()
    assert titles(client) == ["Boil it", "Burst main"]
    act(client, desk, alert, "all-clear", {"title": "Water is back", "body": "Drink it again."})
    work()
    sent(title="Mill Road closed")
    assert titles(client) == ["Mill Road closed", "Water is back"]
    listed = client.get("/alerts").text
    assert ("card emergency" in listed, "card ended" in listed, "Ended<" in listed) == (False, True, True)
    assert "Emergency" not in client.get("/widget").text
    assert [item["tags"] for item in client.get("/alerts.json").json()["items"]][1] == ["emergencies"]
    assert "This alert has ended." in client.get(f"/alerts/{update}").text


def test_the_area_is_drawn_and_its_wards_are_named(client: Client, sent: Callable[..., str]) -> None:
    alert = sent(title="Drawn", audience={"polygon": SQUARE})
    page = client.get(f"/alerts/{alert}").text
    assert page.count('class="map"') == 1
    assert "km wide" in page
    assert "style=" not in page
    everywhere = client.get(f"/alerts/{sent(title='All')}").text
    assert 'class="map"' not in everywhere
    assert "Everywhere that Zed Council serves." in everywhere


def test_everyone_but_a_ward_is_not_called_everywhere(client: Client, sent: Callable[..., str]) -> None:
    page = client.get(f"/alerts/{sent(title='Not the north', audience={'except': {'wards': [NORTH]}})}").text
    assert "Everywhere" not in page
    assert "In a part of the area of Zed Council." in page


def test_a_sector_names_its_wards_and_no_longer_postcode_lies_in_it(client: Client, sent: Callable[..., str]) -> None:
    alert = sent(title="One sector", audience={"postcodes": ["ZZ2 1"]})
    assert "Southside" in client.get(f"/alerts/{alert}").text
    assert titles(client, ward=SOUTH) == ["One sector"]
    assert titles(client, ward=NORTH) == []


def test_a_translation_is_shown_to_those_who_read_it(client: Client, sent: Callable[..., str]) -> None:
    welsh = {"cy": {"title": "Heol y Felin ar gau", "body": "Ar gau rhwng 8 a 6."}}
    alert = sent(title="Mill Road closed", body="Closed 8 to 6.", translations=welsh)
    page = client.get(f"/alerts/{alert}?lang=cy").text
    assert "Heol y Felin ar gau" in page
    assert '<article lang="cy"' in page
    untranslated = client.get(f"/alerts/{sent(title='English only')}?lang=cy").text
    assert '<article lang="en"' in untranslated


def test_feeds_are_well_formed_and_answered_shortly_when_nothing_changed(
    client: Client, sent: Callable[..., str]
) -> None:
    alert = sent(title="<b>Mill & Road</b>", body="Closed\n\n]]> now.")
    reply = client.get("/alerts.atom")
    feed = ElementTree.fromstring(reply.content)
    assert reply.headers["content-type"].startswith("application/atom+xml")
    assert [feed.find(f"{ATOM}{name}") is not None for name in ("id", "title", "updated", "link")] == [True] * 4
    [entry] = feed.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "<b>Mill & Road</b>"
    assert entry.findtext(f"{ATOM}id") == f"urn:uuid:{alert}"
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == "Zed Council"
    for path in ("/alerts.atom", "/alerts.json"):
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert first.headers["access-control-allow-origin"] == "*"
    sent(title="Another")
    assert client.get("/alerts.atom", headers={"If-None-Match": reply.headers["etag"]}).status_code == 200


def test_an_entry_is_as_old_as_its_approval_and_each_language_has_an_entry_of_its_own(
    client: Client, world: World, sent: Callable[..., str]
) -> None:
    client.patch("/api/v1/council", json={"name_cy": "Cyngor Zed"}, headers=world.headers)
    welsh = {"cy": {"title": "Heol y Felin ar gau", "body": "Ar gau."}}
    sent(title="Mill Road closed", translations=welsh)
    sent(title="English only")

    def entries(**query: str) -> tuple[ElementTree.Element, list[ElementTree.Element]]:
        feed = ElementTree.fromstring(client.get("/alerts.atom", params={"council": "zed", **query}).content)
        return feed, feed.findall(f"{ATOM}entry")

    (english, ours), (other, theirs) = entries(), entries(lang="cy")
    assert english.findtext(f"{ATOM}id") != other.findtext(f"{ATOM}id")
    assert "Cyngor Zed" in (other.findtext(f"{ATOM}title") or "")
    assert {one.findtext(f"{ATOM}author/{ATOM}name") for one in theirs} == {"Cyngor Zed"}
    by_title = {one.findtext(f"{ATOM}title"): one.findtext(f"{ATOM}id") for one in (*ours, *theirs)}
    assert len(set(by_title.values())) == len(by_title) == 3
    assert [one.findtext(f"{ATOM}updated") for one in ours] == [one.findtext(f"{ATOM}published") for one in ours]
    before = english.findtext(f"{ATOM}updated")
    moments.ahead(days=40)
    try:
        later, none = entries()
    finally:
        moments.restore()
    assert (none, later.findtext(f"{ATOM}updated")) == ([], before)


def test_previews_of_shared_links_have_a_picture_with_a_name(client: Client, sent: Callable[..., str]) -> None:
    alert = sent(title="Flood", topic="emergencies", priority="emergency", audience={"polygon": SQUARE})
    page = client.get(f"/alerts/{alert}").text
    incident = page.partition('href="/incidents/')[2].partition('"')[0]
    base = settings().base_url
    for path, words in (
        (f"/alerts/{alert}", page),
        (f"/incidents/{incident}", client.get(f"/incidents/{incident}").text),
    ):
        assert f'<meta property="og:image" content="{base}{path}/share.png">' in words
        assert '<meta property="og:title" content="Flood">' in words
        picture = client.get(f"{path}/share.png")
        assert (picture.headers["content-type"], picture.content[:4]) == ("image/png", b"\x89PNG")
        assert len(picture.content) < 40_000
        again = client.get(f"{path}/share.png", headers={"If-None-Match": picture.headers["etag"]})
        assert again.status_code == 304
    assert f'content="{base}/share.png"' in client.get("/alerts").text
    assert client.get("/share.png").headers["content-type"] == "image/png"


def test_a_posters_code_leads_to_sign_up_and_nowhere_else(client: Client, world: World) -> None:
    client.follow_redirects = False
    assert client.get("/s/library").headers["location"] == "/sign-up?source=library"
    assert client.get("/s/%3Cscript%3E").headers["location"] == "/sign-up"
    poster = client.get("/poster", params={"source": "library"})
    assert f"{settings().base_url}/s/library" in poster.text
    code = client.get("/qr.svg", params={"source": "library"})
    assert code.headers["content-type"] == "image/svg+xml"
    assert b"<script" not in client.get("/qr.svg", params={"source": "<script>"}).content
    assert code.content != client.get("/qr.svg").content


def test_only_the_widget_may_be_framed(client: Client, sent: Callable[..., str]) -> None:
    sent(title="Mill Road closed")
    framed = client.get("/widget", params={"council": "zed"})
    assert "Mill Road closed" in framed.text
    assert "frame-ancestors *" in framed.headers["content-security-policy"]
    assert "<form" not in framed.text
    for path in ("/alerts", "/sign-up", "/topics", "/nowhere"):
        assert "frame-ancestors 'none'" in client.get(path).headers["content-security-policy"]


def test_topics_say_what_they_are_for(client: Client, world: World) -> None:
    text = Page(client.get("/topics").text).text
    assert "Bin collections" in text
    assert "duty to warn the public" in text


@pytest.mark.parametrize("path", ["/privacy", "/accessibility", "/alerts", "/topics", "/poster"])
def test_every_public_page_is_there_in_both_languages(client: Client, world: World, path: str) -> None:
    english, welsh = client.get(path), client.get(f"{path}?lang=cy")
    assert (english.status_code, welsh.status_code) == (200, 200)
    assert Page(english.text).title != Page(welsh.text).title or path == "/poster"
    assert not client.cookies


def test_search_engines_find_what_is_public_and_nothing_secret(client: Client, sent: Callable[..., str]) -> None:
    alert = sent(title="Mill Road closed")
    locations = [node.text for node in ElementTree.fromstring(client.get("/sitemap.xml").content).iter() if node.text]
    assert f"{settings().base_url}/alerts/{alert}" in locations
    assert "Disallow: /manage/" in client.get("/robots.txt").text


def test_the_privacy_notice_names_controller_data_protection_officer_and_lawful_bases(
    client: Client, world: World
) -> None:
    own = {"data_protection_email": "dpo@example.org", "contact_phone": "01632 960001", "name_cy": "Cyngor Zed"}
    assert client.patch("/api/v1/council", json=own, headers=world.headers).status_code == 200
    text = Page(client.get("/privacy", params={"council": "zed"}).text).text
    for words in (
        "Zed Council is the controller",
        "dpo@example.org",
        "01632 960001",
        "Article 6(1)(a)",
        "Road closures",
    ):
        assert words in text
    everybody = Page(client.get("/privacy").text).text
    assert "The council whose topics you chose is the controller" in everybody
    assert "dpo@example.org" in everybody
    assert "Cyngor Zed" in client.get("/privacy", params={"lang": "cy"}).text


def test_the_manifest_has_the_councils_name_colour_and_icons(client: Client, world: World) -> None:
    given = {"colour": "#4c2c92", "short_name": "Zed"}
    client.patch("/api/v1/council", json=given, headers=world.headers)
    page = client.get("/topics", params={"council": "zed"}).text
    assert 'rel="manifest" href="/manifest.webmanifest?council=zed"' in page
    assert '<meta name="theme-color" content="#4c2c92">' in page
    manifest = client.get("/manifest.webmanifest", params={"council": "zed"})
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    said = manifest.json()
    assert (said["name"], said["short_name"], said["theme_color"]) == ("Zed Council", "Zed", "#4c2c92")
    assert said["start_url"] == "/?council=zed"
    for icon in said["icons"]:
        picture = client.get(icon["src"])
        assert picture.content[:4] == b"\x89PNG"
        width = int.from_bytes(picture.content[16:20])
        assert icon["sizes"] == f"{width}x{width}"
    assert client.get("/favicon.ico").content[:4] == b"\x89PNG"
    assert client.get("/icon.png").content != client.get("/icon.png", params={"council": "zed"}).content
