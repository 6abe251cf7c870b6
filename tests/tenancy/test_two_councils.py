"""Two councils and one person whom both write to: neither reads, changes or learns what the other holds."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.core.settings import settings
from notify.exports.dictionary import TABLES
from notify.exports.dictionary_terms import About
from notify.staff.models import Role
from notify.subscribers import links
from notify.subscribers.links import COOKIE
from tests.alerts.calls import created
from tests.staff.test_routes import doors, knock
from tests.subscribers.journey import BROWSER, sign_up, topic_ids
from tests.timing import apart
from tests.world import World, add_resident, add_residents, at_the_desk, make_key, make_other_council, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
Headers = dict[str, str]

SHARED, HOOK = "ann@example.org", "https://crm.example.org/hook"
TIMES = 60
# rows that hang on a delivery's number and name nobody, and what only steers the machinery
NOT_SEEDED = {"hit", "reader", "place_change", "place_review", "collection_status"}

SEEDS = (
    """
    INSERT INTO bounce (council_id, channel, address_hash, state, cause, at)
    SELECT c.council_id, c.channel, c.address_hash, 'soft', '', business_now()
    FROM alert a JOIN contact c ON c.council_id = a.council_id AND c.channel = 'email' WHERE a.id = :alert
    """,
    """
    INSERT INTO reply (alert_id, subscriber_id, month, number, answer, at)
    SELECT alert_id, subscriber_id, month, min(number), 'safe', business_now() FROM delivery
    WHERE alert_id = :alert GROUP BY 1, 2, 3
    """,
    """
    INSERT INTO digest_item (alert_id, contact_id, subscriber_id, language, ward_code, due_at)
    SELECT alert_id, contact_id, subscriber_id, language, ward_code, business_now() + interval '1 day' FROM delivery
    WHERE alert_id = :alert AND channel = 'email'
    """,
    """
    INSERT INTO consent_request (id, council_id, contact_id, is_own, topics, answers, wording_version, language, source,
                                 asked_at, expires_at)
    SELECT uuidv7(), c.council_id, c.id, true, '{}', '{}', 'v1', 'en', 'website', business_now(), business_now()
    FROM contact c JOIN alert a ON a.council_id = c.council_id WHERE a.id = :alert AND c.channel = 'email'
    """,
    """
    INSERT INTO erased_address (address_hash, council_id, erased_at)
    SELECT sha256(council_id::text::bytea), council_id, business_now() FROM alert WHERE id = :alert
    """,
    """
    INSERT INTO incident (id, council_id, ref, name, is_training, state, opened_by, opened_at)
    SELECT uuidv7(), council_id, md5(council_id::text), 'Flood', false, 'open', 'test', business_now()
    FROM alert WHERE id = :alert
    """,
    """
    INSERT INTO incident_note (id, incident_id, kind, words, still_open, actor, at)
    SELECT uuidv7(), i.id, 'handover', 'Sandbags', '', 'test', business_now()
    FROM incident i JOIN alert a ON a.council_id = i.council_id WHERE a.id = :alert
    """,
    """
    INSERT INTO incident_note_read (note_id, actor, at)
    SELECT n.id, 'test', business_now() FROM incident_note n JOIN incident i ON i.id = n.incident_id
    JOIN alert a ON a.council_id = i.council_id WHERE a.id = :alert
    """,
    """
    INSERT INTO inbound_text (id, council_id, contact_id, words, at)
    SELECT uuidv7(), c.council_id, c.id, 'Stop lorries', business_now()
    FROM contact c JOIN alert a ON a.council_id = c.council_id WHERE a.id = :alert AND c.channel = 'email'
    """,
    """
    INSERT INTO release_task (id, council_id, actor, work, state, file_name, is_confirmed, rows, outcome, failure,
                              created_at)
    SELECT uuidv7(), council_id, 'test', 'load', 'done', 'wards.geojson', false, 1, '{}', '', business_now()
    FROM alert WHERE id = :alert
    """,
    """
    INSERT INTO subscriber_import (id, council_id, actor, file_name, fingerprint, fields, options, state, counts,
                                   lines_done, tries, failure, created_at)
    SELECT uuidv7(), council_id, 'test', 'list', '', '{}', '{}', 'done', '{}', 1, 0, '', business_now()
    FROM alert WHERE id = :alert
    """,
    """
    INSERT INTO subscriber_import_row (import_id, row, outcome, subscriber_id, reason, added)
    SELECT i.id, 2, 'created', s.id, '', '{}' FROM subscriber_import i JOIN subscriber s ON s.council_id = i.council_id
    JOIN alert a ON a.council_id = i.council_id WHERE a.id = :alert
    """,
    """
    INSERT INTO collection_release (council_id, name, source, licence, fetched_at, fresh_until, settings, homes, rules,
                                    refused, refusals, loaded_by, loaded_at, told)
    SELECT council_id, 'Rounds', 'Depot', '', business_now(), current_date, '{}', 1, 0, 0, '[]', 'test',
           business_now(), 0
    FROM alert WHERE id = :alert
    """,
    """
    INSERT INTO collection_home (release_id, reference, label, postcode, building, number, rules)
    SELECT r.id, '1', '1 Invented Lane', 'ZZ11AA', '', 1, '{}'
    FROM collection_release r JOIN alert a ON a.council_id = r.council_id WHERE a.id = :alert
    """,
    """
    INSERT INTO collection_service (release_id, reference, stream, starts, ends)
    SELECT r.id, '1', 'garden', current_date, current_date
    FROM collection_release r JOIN alert a ON a.council_id = r.council_id WHERE a.id = :alert
    """,
    """
    INSERT INTO waste_event (id, council_id, kind, day, by_usual, round, stream, home, cause, homes, told, created_by,
                             at)
    SELECT uuidv7(), council_id, 'cancelled', current_date, false, '', '', '1', 'weather', 1, 0, 'test',
           business_now()
    FROM alert WHERE id = :alert
    """,
    """
    INSERT INTO collection_reminder (id, council_id, subscriber_id, home, evening, morning, created_at)
    SELECT uuidv7(), s.council_id, s.id, '1', true, false, business_now()
    FROM subscriber s JOIN alert a ON a.council_id = s.council_id WHERE a.id = :alert
    """,
    """
    INSERT INTO collection_reminder_sent (reminder_id, day, slot, streams, at)
    SELECT r.id, current_date, 'evening', '{refuse}', business_now()
    FROM collection_reminder r JOIN alert a ON a.council_id = r.council_id WHERE a.id = :alert
    """,
    """
    INSERT INTO collection_report (id, council_id, home, words, days, at)
    SELECT uuidv7(), council_id, '1', 'Ours is Friday', '{}', business_now() FROM alert WHERE id = :alert
    """,
    """
    INSERT INTO call_attempt (id, alert_id, subscriber_id, number, outcome, note, actor, at)
    SELECT uuidv7(), a.id, s.id, 1, 'no-answer', '', 'test', business_now()
    FROM subscriber s JOIN alert a ON a.council_id = s.council_id WHERE a.id = :alert
    """,
    """
    INSERT INTO at_risk_list (id, council_id, alert_id, people, uploaded_by, uploaded_at)
    SELECT uuidv7(), council_id, id, 1, 'test', business_now() FROM alert WHERE id = :alert
    """,
    """
    INSERT INTO at_risk_assessment (council_id, is_on, done_on, reference, person, noted_by, noted_at)
    SELECT council_id, true, current_date, title, title, 'test', business_now() FROM alert WHERE id = :alert
    """,
    # a zone and a plan whose names are the alert's title, which only its council knows
    """
    INSERT INTO zone (id, council_id, slug, name, kind, created_by, created_at)
    SELECT id, council_id, 'mill-lane', title, 'other', 'test', business_now() FROM alert WHERE id = :alert
    """,
    """
    INSERT INTO zone_version (zone_id, version, shape, hectares, source, created_by, created_at)
    SELECT id, 1, CAST('{"type": "Polygon", "coordinates":
        [[[0.31, 52.96], [0.35, 52.96], [0.35, 52.99], [0.31, 52.99], [0.31, 52.96]]]}' AS jsonb),
        1, title, 'test', business_now()
    FROM alert WHERE id = :alert
    """,
    """
    INSERT INTO plan (id, council_id, slug, name, topic, priority, fields, exercise_months, created_by, created_at,
                      changed_at)
    SELECT uuidv7(), a.council_id, 'flood', a.title, t.slug, 'routine', '{"title": ["Flood"], "body": ["Go."],
        "reach": ["everyone"]}', 12, 'test', business_now(), business_now()
    FROM alert a JOIN topic t ON t.id = a.topic_id WHERE a.id = :alert
    """,
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """One council and what of Ann's only it holds."""

    council: World
    key: Headers
    subscriber: UUID
    phone: str
    alert: str
    markers: frozenset[str]

    def rows(self, table: str) -> list[str]:
        """Every row of the council's in this table, by the scope that its full extract has."""
        with transaction() as session:
            found = session.execute(
                text(f"SELECT t::text FROM {table} t WHERE {TABLES[table].scope}"),
                {"council": self.council.council_id},
            ).scalars()
            return sorted(found)

    def fingerprint(self) -> dict[str, str]:
        """What all its rows come to, table by table."""
        tables = [table for table, entry in TABLES.items() if entry.scope and table != "consent_wording"]
        return {table: hashlib.sha256("\n".join(self.rows(table)).encode()).hexdigest() for table in tables}


def seed(client: Client, council: World, tag: str, *, phone: str, topic: str, work: Work) -> Seeded:
    """Ann, as this council holds her: a name, a label, a phone, words and a staff reason that nobody else was given."""
    ann = add_resident(council, SHARED, webhook=HOOK, topics=[topic], name=f"Ann-{tag}")
    key = make_key(council, Role.ADMIN)
    wording = {"wording_version": "v1", "wording": f"Words-{tag}.", "source": f"desk-{tag}"}
    change = {"places": [{"postcode": "ZZ1 1AA", "label": f"Home-{tag}"}], "consent": wording}
    assert client.patch(f"/api/v1/subscribers/{ann}", json=change, headers=key).is_success
    contacts = [{"channel": "email", "address": SHARED}, {"channel": "sms", "address": phone}]
    asked = client.post(
        "/api/v1/subscribers", json={"contacts": contacts, "topics": [topic], "consent": wording}, headers=key
    )
    assert asked.json()["waiting"] == ["sms"]
    alert = created(client, key, topic=topic, title=f"Alert-{tag}", channels=["email"], send=True)["id"]
    work()
    with transaction() as session:
        for statement in SEEDS:
            session.execute(text(statement), {"alert": alert})
        own = text("SELECT id FROM contact WHERE council_id = :council")
        contact_ids = [str(found) for found in session.execute(own, {"council": council.council_id}).scalars()]
        hook = text("SELECT id FROM contact WHERE council_id = :council AND channel = 'webhook'")
        receiver = session.execute(hook, {"council": council.council_id}).scalar_one()
    secret = client.post(f"/api/v1/webhook-endpoints/{receiver}/secret", headers=key).json()["secret"]
    silenced = {"subscriber": str(ann), "channel": "webhook", "reason": f"Reason-{tag}."}
    assert client.post("/api/v1/suppressions", json=silenced, headers=key).is_success
    words = {f"Ann-{tag}", f"Home-{tag}", f"Words-{tag}", f"desk-{tag}", f"Reason-{tag}", f"Alert-{tag}"}
    number = phone.replace(" ", "")[1:]
    return Seeded(council, key, ann, phone, alert, frozenset({*words, number, secret, str(ann), *contact_ids}))


@pytest.fixture
def two(client: Client, work: Work) -> dict[str, Seeded]:
    """Both councils, each with its own Ann."""
    client.follow_redirects = False
    zed, far = make_world(), make_other_council()
    return {
        "zed": seed(client, zed, "zedzed", phone="07700 900111", topic="bins", work=work),
        "far": seed(client, far, "farfar", phone="07700 900222", topic="potholes", work=work),
    }


DIRECTIONS = [("zed", "far"), ("far", "zed")]


@pytest.mark.parametrize(("own", "other"), DIRECTIONS)
def test_no_table_of_one_council_holds_a_byte_of_the_others(two: dict[str, Seeded], own: str, other: str) -> None:
    about = (About.RESIDENT, About.PSEUDONYM)
    tables = [table for table, entry in TABLES.items() if entry.scope and entry.about in about]
    assert "subscriber" in tables
    empty = {table for table in tables if not two[own].rows(table)}
    assert empty <= NOT_SEEDED
    for table in tables:
        held = "\n".join(two[own].rows(table))
        assert [marker for marker in two[other].markers if marker in held] == [], table


def names_of(seeded: Seeded) -> Mapping[str, str]:
    return {"subscriber_id": str(seeded.subscriber), "alert_id": seeded.alert}


@pytest.mark.parametrize("way", ["key", "browser"])
@pytest.mark.parametrize(("own", "other"), DIRECTIONS)
def test_no_door_shows_a_byte_of_the_other_council_or_changes_a_row_of_its(
    client: Client, app: Litestar, two: dict[str, Seeded], own: str, other: str, way: str
) -> None:
    asker, owner = two[own], two[other]
    headers = asker.key if way == "key" else at_the_desk(asker.key)
    before = owner.fingerprint()
    shown = []
    walked = 0
    for door, rights in sorted(doors(app), key=lambda found: found[0].startswith("DELETE")):
        public_page = not rights and not door.startswith("GET /api")
        if public_page or door.startswith("POST /staff/sign-out"):
            continue  # alerts are published to everybody, and what is behind a link is another test's
        for names in (names_of(owner), names_of(asker)):
            answer = knock(client, door, headers, names)
            walked += 1
            assert answer.status_code < 500, door
            asked = set(names.values())  # an id that was asked with may stand in the answer
            shown += [(door, marker) for marker in owner.markers - asked if marker in answer.text]
    assert walked > 200
    assert shown == []
    after = owner.fingerprint()
    assert {table for table in before if before[table] != after[table]} == set()


@pytest.mark.parametrize(("own", "other"), DIRECTIONS)
def test_whoever_has_a_way_of_one_council_only_sees_nothing_of_the_other(
    client: Client, two: dict[str, Seeded], own: str, other: str
) -> None:
    add_resident(two[own].council, "only@example.org", topics=["bins" if own == "zed" else "potholes"])
    with transaction() as session:
        hashed = session.execute(text("SELECT address_hash FROM contact WHERE address = 'only@example.org'"))
        cookie = links.start_session(session, bytes(hashed.scalar_one()))
    headers = BROWSER | {"Cookie": f"{settings().cookie_name(COOKIE)}={cookie}"}
    slug = "zed" if other == "zed" else "far"
    for path in ("/my", "/my/data", "/my/data.json", "/my/sent", "/my/emails", f"/my?council={slug}"):
        answer = client.get(path, headers=headers)
        assert [marker for marker in two[other].markers if marker in answer.text] == [], path
    assert client.post(f"/my/erase?council={slug}", data={"sure": "yes"}, headers=headers).status_code == 404


def test_she_sees_both_in_one_place_and_each_on_its_own_page(client: Client, two: dict[str, Seeded]) -> None:
    with transaction() as session:
        hashed = session.execute(text("SELECT address_hash FROM contact WHERE channel = 'email' LIMIT 1"))
        cookie = links.start_session(session, bytes(hashed.scalar_one()))
    headers = BROWSER | {"Cookie": f"{settings().cookie_name(COOKIE)}={cookie}"}
    overview = client.get("/my", headers=headers).text
    assert "Zed Council" in overview
    assert "Far Council" in overview
    page = client.get("/my?council=far", headers=headers).text
    assert "Ann-farfar" in page
    assert "Ann-zedzed" not in page
    assert client.get("/my/quiet", headers=headers).status_code == 404
    quiet = {"quiet_from": "22:00", "quiet_to": "07:00"}
    saved = client.post("/my/quiet?council=far", data=quiet, headers=headers)
    assert saved.headers["location"] == "/my?saved=true&council=far"
    with transaction() as session:
        hours = session.execute(text("SELECT name, quiet_from IS NOT NULL FROM subscriber ORDER BY name")).all()
    assert [tuple(row) for row in hours] == [("Ann-farfar", True), ("Ann-zedzed", False)]
    held = client.get("/my/data.json", headers=headers).json()["councils"]
    assert [one["council"] for one in held] == ["Far Council", "Zed Council"]
    assert "+447700900222" in [contact["address"] for contact in held[0]["contacts"]]  # it waits for her yes
    sent = client.get("/my/sent", headers=headers).text
    assert "Alert-zedzed" in sent
    assert "Alert-farfar" in sent
    gone = client.post("/my/erase?council=far", data={"sure": "yes"}, headers=headers)
    assert (gone.status_code, gone.headers["location"]) == (303, "/my?saved=true")
    assert "Ann-zedzed" in client.get("/my", headers=headers).text
    assert client.post("/my/erase", data={"sure": "yes", "everything": "yes"}, headers=headers).status_code == 200
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM subscriber")).scalar_one() == 0


CONSENT = {"wording_version": "v9", "wording": "Yes.", "source": "phone"}


def by_api(client: Client, council: World, address: str) -> Response:
    contacts = [{"channel": "email", "address": address}]
    body = {"contacts": contacts, "topics": ["potholes"], "consent": CONSENT}
    return client.post("/api/v1/subscribers", json=body, headers=council.headers)


def by_import(client: Client, council: World, address: str) -> Response:
    asked = "wording_version=v9&wording=Yes.&consent_source=phone&topics=potholes&confirm=true"
    headers = council.headers | {"Content-Type": "text/csv"}
    return client.post(f"/api/v1/subscribers/import?{asked}", content=f"email\n{address}\n", headers=headers)


def by_sign_up(client: Client, _: World, address: str) -> Response:
    client.headers.update(BROWSER)
    return sign_up(client, email=address, topic=topic_ids("potholes"))


@pytest.mark.parametrize("ask", [by_api, by_import, by_sign_up])
def test_known_to_another_council_is_like_unknown(
    client: Client, ask: Callable[[Client, World, str], Response]
) -> None:
    zed, far = make_world(), make_other_council()
    add_residents(zed, [f"known-{number:03}@example.org" for number in range(TIMES)], topics=["bins"], name="Ann")
    client.headers["Accept-Encoding"] = "identity"
    for number in range(5):
        ask(client, far, f"first-{number}@example.org")
    taken: dict[str, list[float]] = {"known": [], "other": []}
    answers: set[tuple[object, ...]] = set()
    for number in range(TIMES):
        for kind in sorted(taken, reverse=number % 2 == 0):
            address = f"{kind}-{number:03}@example.org"
            start = time.perf_counter()
            answer = ask(client, far, address)
            taken[kind].append(time.perf_counter() - start)
            assert answer.is_success, answer.text
            body = answer.text.replace(address, "X")
            if "id" in (found := answer.json() if ask is by_api else {}):
                body = body.replace(found["id"], "I")
            answers.add((answer.status_code, body))
    assert len(answers) == 1
    assert apart(taken["known"], taken["other"]) == ""
