"""A council's own settings, by API and on pages: what is taken, refused, shown before it is saved and written down."""

import zlib

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import col, select

from notify.core.db import transaction
from notify.staff.council_settings.address import set_address
from notify.staff.models import AuditEntry, Council, Role
from tests.world import World, at_the_desk, make_key, make_other_council, make_world, signed_in

Client = TestClient[Litestar]
Headers = dict[str, str]

LOGO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10" onload="alert(1)"><script>alert(2)</script>'
    b'<style>*{fill:red}</style><image href="https://example.net/x.png"/><a href="javascript:alert(3)"><path d="M0 0"/>'
    b'</a><rect width="10" height="10" style="fill:#123456;behavior:url(x)" fill="url(https://example.net/#a)"/></svg>'
)


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def picture(*more: bytes, width: int = 1) -> bytes:
    header = width.to_bytes(4) + (1).to_bytes(4) + b"\x08\x02\x00\x00\x00"
    pixels = zlib.compress(b"\x00\xff\x00\x00")
    parts = [chunk(b"IHDR", header), *more, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def desk(client: Client, world: World) -> Headers:
    client.follow_redirects = False
    return signed_in(world.council_id, Role.ADMIN) | {"Sec-Fetch-Site": "same-origin"}


def entries() -> list[AuditEntry]:
    with transaction() as session:
        written = select(AuditEntry).where(AuditEntry.action == "council.settings").order_by(col(AuditEntry.id))
        return list(session.exec(written).all())


def test_what_is_left_out_stays_and_null_goes_back_to_the_installations(client: Client, world: World) -> None:
    given = {"colour": "#5C1D4B", "sender_address": "Alerts@zed.example.org", "languages": ["PL", "ur", "pl"]}
    answer = client.patch("/api/v1/council", json=given, headers=world.headers)
    assert answer.status_code == 200
    assert answer.json()["in_force"] | {"colour": "#5c1d4b", "languages": ["pl", "ur"]} == answer.json()["in_force"]
    assert answer.json()["in_force"]["sender_address"] == "alerts@zed.example.org"
    again = client.patch("/api/v1/council", json={"colour": None}, headers=world.headers).json()
    assert again["in_force"]["colour"] == "#1d4b5c"
    assert again["chosen"]["colour"] is None
    assert again["chosen"]["languages"] == ["pl", "ur"]
    assert client.get("/api/v1/council", headers=world.headers).json() == again


def test_each_change_is_written_down_with_what_was_before(client: Client, world: World) -> None:
    client.patch("/api/v1/council", json={"retention_days": 60, "short_name": "Zed"}, headers=world.headers)
    client.patch("/api/v1/council", json={"retention_days": 14, "short_name": "Zed"}, headers=world.headers)
    first, second = entries()
    assert first.detail == {
        "before": {"retention_days": None, "short_name": None},
        "after": {"retention_days": 60, "short_name": "Zed"},
    }
    assert second.detail == {"before": {"retention_days": 60}, "after": {"retention_days": 14}}
    assert first.actor.startswith("key:")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"colour": "#888888"}, "contrast of 3.5 to 1"),
        ({"button_colour": "green"}, "#1d4b5c"),
        ({"contact_page": "http://example.org"}, "https://"),
        ({"sender_address": "alerts"}, "alerts@example.org"),
        ({"sms_sender": "no"}, "3 to 11 letters"),
        ({"languages": ["klingon"]}, "not the code of a language"),
        ({"providers": {"email_providers": "ses"}}, "not set up here"),
        ({"providers": {"email_providers": "smtp:0"}}, "share above 0"),
        ({"pre_election": [{"first_day": "2027-05-06", "last_day": "2027-03-22"}]}, "not before the first"),
        ({"retention_days": 400}, "90"),
        ({"domain": "zed.example.org"}, "domain"),
    ],
)
def test_what_cannot_be_is_refused_and_what_to_do_is_said(
    client: Client, world: World, given: dict[str, object], said: str
) -> None:
    answer = client.patch("/api/v1/council", json=given, headers=world.headers)
    assert answer.status_code == 422
    assert said in answer.text
    assert entries() == []


@pytest.mark.parametrize(
    "given",
    [
        {"sender_address": "alerts@zed.example.org"},
        {"sender_address": "mayor@zed.example.org"},
        {"sender_address": "alerts@mail.zed.example.org"},
        {"sender_address": "alerts@alerts.zed.example.com"},
        {"sms_sender": "ZEDCOUNCIL"},
    ],
)
def test_no_council_writes_in_anothers_name(client: Client, world: World, given: dict[str, str]) -> None:
    far = make_other_council()
    own = {"sender_address": "alerts@zed.example.org", "sms_sender": "ZedCouncil"}
    assert client.patch("/api/v1/council", json=own, headers=world.headers).is_success
    with transaction() as session:
        council = session.get_one(Council, world.council_id)
        set_address(session, council, domain="alerts.zed.example.com", path="", actor="test")
    answer = client.patch("/api/v1/council", json=given, headers=far.headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/sender-taken")
    assert client.patch("/api/v1/council", json=own, headers=world.headers).is_success
    assert client.patch(
        "/api/v1/council", json={"sender_address": "alerts@notzed.example.org"}, headers=far.headers
    ).is_success


def test_a_logo_is_cleaned_and_can_be_removed(client: Client, world: World) -> None:
    svg = {"Content-Type": "image/svg+xml"}
    put = client.put("/api/v1/council/images/logo", content=LOGO, headers=world.headers | svg)
    assert put.json()["logo"] == "/theme/zed/logo"
    shown = client.get("/theme/zed/logo")
    assert shown.headers["content-type"] == "image/svg+xml"
    for word in ("script", "alert", "style", "image", "example.net", "onload", "behavior"):
        assert word not in shown.text
    assert '<rect width="10" height="10" fill="#123456"' in shown.text
    assert client.delete("/api/v1/council/images/logo", headers=world.headers).json()["logo"] is None
    assert client.get("/theme/zed/logo").status_code == 404
    assert [sorted(one.detail["after"]) for one in entries()] == [["logo"], ["logo"]]  # type: ignore[call-overload]


def test_a_picture_keeps_its_pixels_and_nothing_else(client: Client, world: World) -> None:
    png = {"Content-Type": "image/png"}
    told = picture(chunk(b"tEXt", b"Author\x00Sam")) + b"<script>"
    assert client.put("/api/v1/council/images/icon", content=told, headers=world.headers | png).is_success
    assert client.get("/theme/zed/icon").content == picture()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Choose a file"),
        (b"GIF89a", "neither an SVG drawing nor a PNG"),
        (b"<svg/>", "not an SVG"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"><path d="&a;"/></svg>', "neither"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><image/></svg>', "Save the logo as PNG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">' + b"<g>" * 900 + b"</g>" * 900 + b"</svg>", "groups"),
        (picture()[:-6], "damaged"),
        (picture(width=9999), "9,999"),
        (b"x" * 20_001, "at most 20 kB"),
    ],
)
def test_an_image_that_pages_cannot_carry_is_refused(client: Client, world: World, content: bytes, said: str) -> None:
    answer = client.put("/api/v1/council/images/logo", content=content, headers=world.headers)
    assert (answer.status_code, said in answer.text) == (422, True), answer.text


def test_an_administrator_sets_everything_on_pages(client: Client, world: World, desk: Headers) -> None:
    pages: dict[str, dict[str, str]] = {
        "look": {"name_cy": "Cyngor Zed", "colour": "#5c1d4b", "short_name": "Zed"},
        "contact": {"contact_page": "www.example.org/contact", "contact_phone": "01632 960001"},
        "sender": {"sender_name": "Zed alerts", "sms_sender": "ZedCouncil"},
        "languages": {"languages": "pl, ur"},
        "times": {"digest_time": "7am", "digest_day": "1"},
        "retention": {"retention_days": "60"},
        "elections": {"pre_election": "22 March 2027 to 6 May 2027"},
        "providers": {"sms_providers": "file"},
        "budget": {"monthly_pounds": "£1,250.50"},
    }
    for subject, fields in pages.items():
        assert client.get(f"/staff/settings/{subject}", headers=desk).is_success
        # a form with a file, as browsers send it
        files = {"icon": ("", b"", "application/octet-stream")}
        saved = client.post(f"/staff/settings/{subject}", data=fields, files=files, headers=desk)
        assert (saved.status_code, saved.headers.get("location")) == (303, f"/staff/settings?saved={subject}")
    page = client.get("/staff/settings?saved=budget", headers=desk).text
    for words in (
        *("Cyngor Zed", "#5c1d4b, contrast 12.1 to 1", "https://www.example.org/contact", "ZedCouncil", "Polish, Urdu"),
        *("07:00", "Monday", "60 days", "22 March 2027 to 6 May 2027", "£1,250.50 a month", "Budget: saved"),
    ):
        assert words in page, words


def test_a_form_that_is_wrong_comes_back_as_it_was_filled_in(client: Client, world: World, desk: Headers) -> None:
    wrong = {"name_cy": "x" * 101, "colour": "#fff000", "button_colour": "#0b6b3f"}
    answer = client.post("/staff/settings/look", data=wrong, headers=desk)
    assert answer.status_code == 422
    assert "Enter at most 100 characters." in answer.text
    assert "White words on #fff000 have a contrast of" in answer.text
    assert 'value="#fff000"' in answer.text
    assert client.post("/staff/settings/elections", data={"pre_election": "soon"}, headers=desk).status_code == 422
    assert entries() == []


def test_the_preview_shows_what_is_not_saved_yet(client: Client, world: World, desk: Headers) -> None:
    fields = {"colour": "#5c1d4b", "name_cy": "Cyngor Zed"}
    files = {"logo": ("logo.png", picture(), "image/png")}
    shown = client.post("/staff/settings/look/preview", data=fields, files=files, headers=desk)
    assert shown.status_code == 200
    assert "/theme/preview.css?band=5c1d4b&amp;buttons=0b6b3f" in shown.text
    assert "--band: #5c1d4b" in client.get("/theme/preview.css?band=5c1d4b").text
    assert "data:image/png;base64," in shown.text
    assert "12.1 to 1" in shown.text
    assert "frame-ancestors 'self'" in shown.headers["content-security-policy"]
    assert entries() == []
    assert "#5c1d4b" not in client.get("/staff/settings", headers=desk).text


def test_only_administrators_change_settings(client: Client, world: World) -> None:
    for role in (Role.PLANNER, Role.MONITORING):
        headers = at_the_desk(make_key(world, role))
        assert client.get("/staff/settings", headers=headers).status_code == 403
        assert client.patch("/api/v1/council", json={}, headers=headers).status_code == 403
