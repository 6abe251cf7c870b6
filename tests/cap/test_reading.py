"""CAP messages of others become drafts, or are refused in words."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import col, select, update

from notify.alerts.models import Alert, AlertState
from notify.cap.message import NAMESPACE
from notify.core import clock
from notify.core.db import transaction
from notify.staff.models import KeyMode, Role
from tests.alerts.calls import approved
from tests.cap.messages import INFO, SENT, SQUARE, hold_clock, message, post, reference
from tests.world import NORTH, World, make_key, make_world

NOW = SENT + timedelta(minutes=1)
WELSH = """<info><language>cy-GB</language><category>Met</category><event>Llifogydd</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Likely</certainty><headline>Llifogydd: ewch i fyny'r grisiau</headline>
<description>Mae'r afon dros ei glannau.</description></info>"""


@pytest.fixture
def world(client: TestClient[Litestar]) -> World:
    hold_clock(NOW)
    return make_world()


def alert_of(client: TestClient[Litestar], world: World, receipt: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/alerts/{receipt['alert']}", headers=world.headers).json()
    return found


def goes_out(alert_id: str) -> None:
    now = clock.now()
    went = {"state": AlertState.SENT, "approved_at": now, "expanded_at": now, "ledger_month": clock.first_of_month(now)}
    with transaction() as session:
        session.execute(update(Alert).where(col(Alert.id) == UUID(alert_id)).values(**went))


def area(inside: str) -> str:
    return f"<area><areaDesc>By the river</areaDesc>{inside}</area>"


def test_a_message_makes_a_draft_with_its_words_and_area(client: TestClient[Litestar], world: World) -> None:
    reply = post(client, world.headers, message(info=INFO.format(area=area(f"<polygon>{SQUARE}</polygon>")) + WELSH))
    assert reply.status_code == 201, reply.text
    alert = alert_of(client, world, reply.json())
    assert reply.headers["location"] == f"/api/v1/alerts/{alert['id']}"
    assert (alert["state"], alert["priority"]) == ("draft", "emergency")
    assert alert["body"] == "The river is over its banks.\n\nMove upstairs now."
    assert alert["link"] == "https://example.org/floods"
    assert alert["reference"] == "one"
    assert alert["translations"] == {
        "cy": {"title": "Llifogydd: ewch i fyny'r grisiau", "body": "Mae'r afon dros ei glannau."}
    }
    with transaction() as session:
        targets = session.exec(select(Alert.targets)).one()
    assert targets is not None
    assert len(targets["included"]["postcodes"]) == 5


def test_circles_and_codes_are_understood(client: TestClient[Litestar], world: World) -> None:
    one = post(client, world.headers, message(area=area("<circle>52.97,0.32 1.5</circle>"))).json()
    assert alert_of(client, world, one)["audience"]["circle"] == {"lat": 52.97, "lon": 0.32, "radius_m": 1500.0}
    circles = "<circle>52.97,0.32 1.5</circle><circle>52.97,0.33 1</circle>"
    two = post(client, world.headers, message(identifier="two", area=area(circles)))
    assert two.status_code == 201, two.text
    code = f"<geocode><valueName>WD25CD</valueName><value>{NORTH}</value></geocode>"
    three = post(client, world.headers, message(identifier="three", area=area(code))).json()
    assert alert_of(client, world, three)["audience"]["wards"] == [NORTH]


def test_the_same_message_again_gets_the_same_reply(client: TestClient[Litestar], world: World) -> None:
    first, again = post(client, world.headers, message()), post(client, world.headers, message())
    assert first.json() == again.json()
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    other = post(client, world.headers, message().replace("Flood:", "Fire:"))
    assert (other.status_code, other.json()["type"]) == (409, "/problems/cap-differs")


def test_twenty_at_the_same_moment_make_one_draft(client: TestClient[Litestar], world: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: post(client, world.headers, message()), range(20)))
    assert {reply.status_code for reply in replies} == {201}
    assert len({reply.json()["alert"] for reply in replies}) == 1
    with transaction() as session:
        assert len(session.exec(select(Alert.id)).all()) == 1


def test_who_may(client: TestClient[Litestar], world: World) -> None:
    assert post(client, {}, message()).status_code == 401
    assert post(client, make_key(world, Role.VIEWER), message()).status_code == 403
    for number, role in enumerate((Role.AUTHOR, Role.PLANNER)):
        assert post(client, make_key(world, role), message(identifier=str(number))).status_code == 201
    author = make_key(world, Role.AUTHOR)
    draft = post(client, author, message()).json()["alert"]
    assert client.post(f"/api/v1/alerts/{draft}/submit", headers=author).status_code == 403


@pytest.mark.parametrize("status", ["Exercise", "Test"])
def test_an_exercise_is_a_rehearsal(client: TestClient[Litestar], world: World, status: str) -> None:
    receipt = post(client, world.headers, message(status=status)).json()
    assert receipt["is_test"]
    assert alert_of(client, world, receipt)["is_test"]


def test_a_rehearsed_message_is_not_the_real_one(client: TestClient[Litestar], world: World) -> None:
    trial = make_key(world, Role.PLANNER, mode=KeyMode.TEST)
    rehearsed, real = post(client, trial, message()).json(), post(client, world.headers, message()).json()
    assert (rehearsed["is_test"], real["is_test"]) == (True, False)
    over = message(identifier="two", kind="Cancel", references=reference())
    assert post(client, trial, over).json()["alert"] == rehearsed["alert"]
    assert alert_of(client, world, real)["state"] == "draft"


def test_what_follows_a_sent_alert_is_a_draft_for_those_who_got_it(client: TestClient[Litestar], world: World) -> None:
    first = post(client, world.headers, message()).json()["alert"]
    goes_out(first)
    news = post(client, world.headers, message(identifier="two", kind="Update", references=reference())).json()
    shown = alert_of(client, world, news)
    assert (news["kind"], shown["follows"], shown["state"]) == ("update", first, "draft")
    references = f"{reference()} {reference('two')}"
    over = post(client, world.headers, message(identifier="three", kind="Cancel", references=references)).json()
    shown = alert_of(client, world, over)
    assert (over["kind"], shown["follows"], shown["follow_up"], shown["state"]) == (
        *("all-clear", first, "all-clear", "draft"),
    )
    assert over["replaces"] == news["alert"]


def test_what_follows_a_draft_takes_its_place_or_withdraws_it(client: TestClient[Litestar], world: World) -> None:
    first = post(client, world.headers, message()).json()
    news = post(client, world.headers, message(identifier="two", kind="Update", references=reference())).json()
    assert (news["kind"], news["replaces"]) == ("alert", first["alert"])
    assert alert_of(client, world, first)["state"] == "cancelled"
    over = message(identifier="three", kind="Cancel", references=reference("two"), info="")
    receipt = post(client, world.headers, over).json()
    assert (receipt["kind"], receipt["alert"]) == ("withdrawn", news["alert"])
    assert alert_of(client, world, news)["state"] == "cancelled"


def test_nothing_follows_a_draft_that_somebody_decides_about(client: TestClient[Litestar], world: World) -> None:
    post(client, world.headers, message())
    with transaction() as session:
        session.execute(update(Alert).values(state=AlertState.SUBMITTED))
    reply = post(client, world.headers, message(identifier="two", kind="Update", references=reference()))
    assert (reply.status_code, reply.json()["type"]) == (409, "/problems/wrong-state")


def test_a_cancellation_needs_no_words(client: TestClient[Litestar], world: World) -> None:
    goes_out(post(client, world.headers, message()).json()["alert"])
    over = message(identifier="two", kind="Cancel", references=reference(), info="")
    receipt = post(client, world.headers, over).json()
    assert (receipt["kind"], receipt["title"]) == ("all-clear", "Cancelled: Flood: move upstairs")


def test_the_all_clear_stops_the_warning_once_a_person_lets_it_go_and_not_before(
    client: TestClient[Litestar], world: World
) -> None:
    first = post(client, world.headers, message()).json()["alert"]
    goes_out(first)
    with transaction() as session:
        session.execute(update(Alert).values(state=AlertState.SENDING))
    over = message(identifier="two", kind="Cancel", references=reference())
    draft = post(client, world.headers, over).json()["alert"]
    assert client.get(f"/api/v1/alerts/{first}", headers=world.headers).json()["state"] == "sending"
    submitted = client.post(f"/api/v1/alerts/{draft}/submit", headers=world.headers).json()
    assert submitted["state"] == "submitted"
    assert client.get(f"/api/v1/alerts/{first}", headers=world.headers).json()["state"] == "sending"
    approved(client, submitted)
    assert client.get(f"/api/v1/alerts/{first}", headers=world.headers).json()["state"] == "cancelled"


OVERLAPPING = area(f"<polygon>{SQUARE}</polygon>") + area(f"<polygon>{SQUARE.replace('0.310', '0.315')}</polygon>")
ENCLOSED = area(f"<polygon>{SQUARE}</polygon><polygon>52.97,0.32 52.97,0.33 52.98,0.33 52.97,0.32</polygon>")
MANY = "".join(f"<polygon>{SQUARE}</polygon>" for _ in range(1001))
LONG = " ".join(f"{52.9 + number * 1e-6:.6f},0.3" for number in range(50_001))

REFUSED = {
    "open": (message(polygon=SQUARE.rpartition(" ")[0]), "ring-not-closed", "ends elsewhere than it starts"),
    "two pairs": (message(polygon="52.96,0.31 52.97,0.32"), "ring-too-short", "has 2 pairs"),
    "three pairs": (message(polygon="52.96,0.31 52.97,0.32 52.96,0.31"), "ring-too-short", "at least four"),
    "crossing": (message(polygon="52.96,0.31 52.98,0.33 52.98,0.31 52.96,0.33 52.96,0.31"), "shape-crosses-itself",
                 "crosses or touches itself near"),
    "repeated": (message(polygon=SQUARE.replace("52.960,0.350", "52.960,0.350 52.960,0.350")), "cap-positions-repeat",
                 "comes to 52.96,0.35 twice"),
    "swapped": (message(polygon="0.31,52.96 0.35,52.96 0.36,52.99 0.31,52.96"), "axes-swapped",
                "looks like longitude first (0.31,52.96). CAP puts latitude first: send 52.96,0.31"),
    "abroad": (message(polygon=SQUARE.replace("0.350", "9.350")), "outside-the-uk", "holds 52.96,9.35"),
    "not a number": (message(polygon=SQUARE.replace("0.350", "nan")), "coordinates-not-finite", "finite number"),
    "not a pair": (message(polygon=SQUARE.replace("0.350", "0.35,7")), "cap-position-not-readable", "“52.960,0.35,7”"),
    "overlapping": (message(area=OVERLAPPING), "cap-areas-overlap", "cover the same ground"),
    "enclosed": (message(area=ENCLOSED), "cap-areas-overlap", "Polygon 1 of the area “By the river” and Polygon 2"),
    "many": (message(area=area(MANY)), "shape-too-complex", "1,001 polygons"),
    "long": (message(polygon=LONG), "shape-too-complex", "50,001 positions"),
    "round nothing": (message(area=area("<circle>52.97,0.32 0</circle>")), "radius-out-of-range", "radius of 0 km"),
    "bad circle": (message(area=area("<circle>52.97 0.32 1</circle>")), "cap-position-not-readable", "“52.97 0.32 1”"),
    "no area": (message(area=""), "cap-area-missing", "no area never means everybody"),
    "area in words": (message(area=area("")), "cap-area-missing", "words alone"),
    "elsewhere": (message(polygon="50.1,-5.1 50.1,-5.0 50.2,-5.0 50.1,-5.1"), "outside-council", "touches none"),
    "no reference": (message(kind="Update"), "cap-references-missing", "must name the message before it"),
    "wrong reference": (message(kind="Cancel", references=reference("else")), "cap-references-do-not-match",
                        "never received"),
    "odd reference": (message(kind="Cancel", references="else"), "cap-structure-wrong", "sender,identifier,sent"),
    "expired": (message().replace("2026-03-02T10", "2026-03-01T09"), "cap-expired", "It expired at 2026-03-01 09:00"),
    "future": (message(sent="2026-03-01T10:30:00-00:00"), "cap-from-the-future", "sent at 2026-03-01 10:30 UTC"),
    "version": (message().replace("cap:1.2", "cap:1.1"), "cap-wrong-version", "cap:1.1 alert"),
    "namespace": (message().replace(f' xmlns="{NAMESPACE}"', ""), "cap-wrong-version", "“alert”"),
    "feed": ("<rss><channel/></rss>", "cap-wrong-version", "begins with “rss”"),
    "doctype": ("<!DOCTYPE alert>" + message(), "cap-has-entities", "Remove the DOCTYPE"),
    "entities": ('<!DOCTYPE a [<!ENTITY b "boom">]>' + message().replace("Flood:", "&b;"), "cap-has-entities",
                 "all entities"),
    "words": ("Flood!", "cap-not-xml", "cannot be read as XML"),
    "nothing": ("", "cap-not-xml", "cannot be read as XML"),
    "cut": (message()[:-20], "cap-not-xml", "cannot be read as XML"),
    "ack": (message(kind="Ack"), "cap-not-for-residents", "an answer between computers"),
    "private": (message(scope="Private"), "cap-not-for-residents", "scope is Private"),
    "system": (message(status="System"), "cap-not-for-residents", "status is System"),
    "sender": (message(sender="a,b"), "cap-structure-wrong", "sender must not be empty and has no spaces, commas"),
    "moment": (message(sent="2026-03-01T10:00:00Z"), "cap-structure-wrong", "CAP writes moments as"),
    "no such day": (message(sent="2026-02-31T10:00:00-00:00"), "cap-structure-wrong", "sent is “2026-02-31"),
    "order": (message().replace("<scope>Public</scope>", "").replace("<sent>", "<scope>Public</scope><sent>"),
              "cap-structure-wrong", "alert has no <sent>, or not in its place"),
    "severity": (message().replace(">Severe<", ">Bad<"), "cap-structure-wrong", "must be one of Extreme, Severe"),
    "unknown": (message().replace("<event>", "<colour>red</colour><event>"), "cap-structure-wrong",
                "alert/info has no <event>"),
    "French": (message().replace("en-GB", "fr-FR"), "cap-language-missing", "an <info> in English"),
    "link": (message().replace("https://example.org/floods", "javascript:alert(1)"), "cap-text-not-accepted", "link"),
    "long word": (message().replace("The river", "x" * 401), "cap-text-not-accepted", "longer than 400"),
    "long text": (message().replace("The river", "The river " * 1100), "cap-text-not-accepted", "body"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_refused_in_words(client: TestClient[Litestar], world: World, case: str) -> None:
    xml, slug, words = REFUSED[case]
    reply = post(client, world.headers, xml)
    problem = reply.json()
    assert problem["type"] == f"/problems/{slug}", problem
    assert reply.status_code in (409, 422)
    assert words in problem["detail"]
    with transaction() as session:
        assert session.exec(select(Alert.id)).all() == []


def test_too_much_is_refused_before_it_is_read(client: TestClient[Litestar], world: World) -> None:
    reply = post(client, world.headers, message() + " " * 2_000_000)
    assert (reply.status_code, reply.json()["type"]) == (413, "/problems/cap-too-large")
    assert post(client, world.headers, b" " * 6_000_000).status_code == 413


def test_a_deep_tree_and_a_tangle_are_refused_quickly(client: TestClient[Litestar], world: World) -> None:
    assert (
        post(client, world.headers, "<a>" * 200_000 + "</a>" * 200_000).json()["type"] == "/problems/cap-wrong-version"
    )
    # two combs whose teeth cross a million times
    upright = [f"{52.96 + (number % 2) * 0.03:.6f},{0.31 + number * 1e-5:.6f}" for number in range(2000)]
    lying = [f"{52.96 + number * 1e-5:.6f},{0.31 + (number % 2) * 0.03:.6f}" for number in range(2000)]
    rings = (" ".join([*upright, "52.95,0.34", "52.95,0.31", upright[0]]),
             " ".join([*lying, "52.99,0.30", "52.96,0.30", lying[0]]))  # fmt: skip
    started = time.monotonic()
    combs = area("".join(f"<polygon>{ring}</polygon>" for ring in rings))
    reply = post(client, world.headers, message(area=combs))
    assert reply.status_code == 422, reply.text
    assert time.monotonic() - started < 10


def test_a_council_without_emergencies_must_name_the_topic(client: TestClient[Litestar], world: World) -> None:
    with transaction() as session:
        session.connection().exec_driver_sql("UPDATE topic SET purpose = 'service'")
    assert post(client, world.headers, message()).json()["type"] == "/problems/cap-topic-missing"
    assert post(client, world.headers, message(), topic="road-closures").status_code == 201
    assert (
        post(client, world.headers, message(identifier="two"), topic="none").json()["type"] == "/problems/unknown-topic"
    )


def test_text_without_what_cannot_be_printed(client: TestClient[Litestar], world: World) -> None:
    odd = (
        message()
        .replace("Flood: move", "Flood:&#xA0;\u200bmove")
        .replace("The river", "\r\n&#xD;\n\n\n\nThe\u00adriver")
    )
    alert = alert_of(client, world, post(client, world.headers, odd).json())
    assert (alert["title"], alert["body"]) == (
        *("Flood: move upstairs", "Theriver is over its banks.\n\nMove upstairs now."),
    )
