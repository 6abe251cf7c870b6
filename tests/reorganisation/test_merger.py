"""Two councils become one: nobody is lost, nobody gets anything twice, and the newest word on each topic wins."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlmodel import select

from notify.alerts.incidents.models import Incident, IncidentState
from notify.alerts.service import start_due
from notify.core import clock
from notify.core.db import transaction
from notify.drafting.models import Recurrence
from notify.migrations import METADATA
from notify.migrations import tables as migrations_tables
from notify.reorganisation.commands import council
from notify.staff.models import AuditEntry, Officer, Role
from notify.subscribers.models import ApprovalRule, NewTopic
from notify.subscribers.service import create_topic
from tests import moments
from tests.alerts.calls import Client, act, created, post_alert, state
from tests.alerts.test_late import officer
from tests.counting import exactly
from tests.mailbox import Mailbox
from tests.subscribers.journey import BROWSER
from tests.tracking.reading import link, one_click_path
from tests.world import (
    DISTRICT,
    World,
    add_resident,
    administrator,
    at_the_desk,
    council_key,
    make_other_council,
    make_world,
)

Work = Callable[[], None]
FAR = "Z07000002"
ANN, BEN, UNA = "ann@example.org", "ben@example.org", "una@example.org"

# What becomes of the rows of a council that merges, table by table.
MOVED = {
    "subscriber", "contact", "contact_request", "consent_request", "subscription", "consent", "inbound_text",
    "bounce", "erased_address", "suppression", "contact_before", "officer", "api_key", "draft", "message_template",
    "recurrence", "collection_reminder", "zone", "plan",
    "idempotent_reply", "cap_message", "flood_warning", "alert", "incident",
}  # fmt: skip
COPIED = {"topic"}
ENDED = {"export_schedule"}
# of what the old council sent, counted, promised and published
STAYS = {
    "annotation", "asked_count", "audit_entry", "budget", "call_category", "call_volume", "cost_assumption",
    "council_name", "foi_statement", "statutory_notice", "publication", "rollup_alert", "rollup_fatigue",
    "rollup_growth", "council_image", "council_settings",
    "rollup_reach", "service_result", "service_level_objective", "spend", "target", "unit_price",
    "collection_move", "collection_release", "collection_report", "waste_event", "waste_stream",
    "at_risk_assessment", "at_risk_list",
    "topic_group", "collection_contractor", "collection_source", "collection_status", "collection_upload",
    "collection_use",
    "subscriber_import", "release_task",
}  # fmt: skip


def typed(*words: str, said: str = "") -> Result:
    return CliRunner().invoke(council, words, input=said, obj=nullcontext)


def merge(old: str = "far", new: str = "zed") -> str:
    done = typed("merge", old, new, "--yes")
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    return done.output


@pytest.fixture
def zed(client: Client) -> World:
    client.follow_redirects = False
    return make_world()


@pytest.fixture
def far(zed: World) -> World:
    far = make_other_council(districts=[FAR], topics=("bins", "gritting"))
    with transaction() as session:
        for key in ("ZZ71AA", "ZZ71AB"):
            session.execute(
                text(
                    "INSERT INTO postcode (release_id, key, ward_code, district_code) VALUES (1, :key, 'Z05000007', :d)"
                ),
                {"key": key, "d": FAR},
            )
    return far


def later(**by: float) -> str:
    return (moments.present() + timedelta(**by)).isoformat()


def topics_of(record: Mapping[str, Any]) -> list[str]:
    return sorted(one["topic"] for one in record["topics"])


def reached(client: Client, inbox: Mailbox, work: Work, by: World, topic: str) -> dict[str, int]:
    inbox.empty()
    created(client, by.headers, topic=topic, send=True)
    work()
    return dict(inbox.recipients())


def test_residents_and_topics_go_along(client: Client, zed: World, far: World, work: Work, inbox: Mailbox) -> None:
    add_resident(zed, ANN, topics=["bins"])
    ben = add_resident(far, BEN, postcodes=["ZZ7 1AA"], topics=["bins", "gritting"])
    said = merge()
    assert "Far Council is part of Zed Council." in said
    assert "1 residents moved, 0 of them to a membership they had there." in said
    assert "Topics joined: bins. Topics added: gritting." in said
    work()
    told = inbox.messages()[-1]
    assert (told["To"], told["Subject"]) == (BEN, "Your alerts now come from Zed Council")
    assert "Far Council is now part of Zed Council" in str(told.get_body(("plain",)))
    assert reached(client, inbox, work, zed, "bins") == {ANN: 1, BEN: 1}
    assert reached(client, inbox, work, zed, "gritting") == {BEN: 1}
    record = client.get(f"/api/v1/subscribers/{ben}", headers=zed.headers).json()
    assert topics_of(record) == ["bins", "gritting"]
    assert "far" not in client.get("/topics").text


def test_one_address_of_both_becomes_one_membership(
    client: Client, zed: World, far: World, work: Work, inbox: Mailbox
) -> None:
    here = add_resident(zed, ANN, topics=["road-closures"], postcodes=["ZZ1 1AA"])
    add_resident(far, ANN, phone="+447700900123", topics=["bins", "gritting"], postcodes=["ZZ7 1AA", "ZZ1 1AA"])
    assert "1 residents moved, 1 of them" in merge()
    record = client.get(f"/api/v1/subscribers/{here}", headers=zed.headers).json()
    assert topics_of(record) == ["bins", "gritting", "road-closures"]
    assert [place["postcode"] for place in record["places"]] == ["ZZ1 1AA", "ZZ7 1AA"]
    assert len(record["contacts"]) == 2
    work()
    assert reached(client, inbox, work, zed, "bins") == {ANN: 1}
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM subscriber")).scalar_one() == 1
        assert session.execute(text("SELECT count(DISTINCT subscriber_id) FROM consent")).scalar_one() == 1


def test_another_number_that_has_no_room_keeps_a_membership(client: Client, zed: World, far: World) -> None:
    add_resident(zed, ANN, phone="+447700900111", topics=["bins"])
    add_resident(far, ANN, phone="+447700900222", topics=["bins"], postcodes=["ZZ7 1AA"])
    merge()
    assert exactly(zed, topic="bins").by_channel == {"email": 1, "sms": 2, "webhook": 0}


@pytest.mark.parametrize("no_is_newer", [True, False])
@pytest.mark.parametrize("leaves", ["zed", "far"])
def test_the_newest_word_wins(
    client: Client, zed: World, far: World, inbox: Mailbox, work: Work, leaves: str, no_is_newer: bool
) -> None:
    both = {"zed": zed, "far": far}
    ids = {slug: add_resident(one, ANN, topics=["bins"], said_at=moments.present()) for slug, one in both.items()}
    left = client.patch(f"/api/v1/subscribers/{ids[leaves]}", json={"topics": []}, headers=both[leaves].headers)
    assert left.status_code == 200, left.text
    if not no_is_newer:
        with transaction() as session:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            session.execute(text("UPDATE consent SET at = at - interval '1 day' WHERE action = 'withdrawn'"))
            session.execute(
                text("UPDATE consent SET at = at - interval '2 days' WHERE subscriber_id = :id AND action = 'given'"),
                {"id": ids[leaves]},
            )
    merge()
    work()
    assert reached(client, inbox, work, zed, "bins") == ({} if no_is_newer else {ANN: 1})


@pytest.mark.parametrize("says_yes_again", [True, False])
@pytest.mark.parametrize("leaves", ["zed", "far"])
def test_who_had_one_council_erase_them_gets_nothing_that_it_had(
    client: Client, zed: World, far: World, inbox: Mailbox, work: Work, leaves: str, says_yes_again: bool
) -> None:
    both = {"zed": zed, "far": far}
    ids = {slug: add_resident(one, ANN, topics=["bins"], said_at=moments.present()) for slug, one in both.items()}
    assert client.delete(f"/api/v1/subscribers/{ids[leaves]}", headers=both[leaves].headers).is_success
    if says_yes_again:  # to the other one, since
        with transaction() as session:
            session.execute(text("UPDATE erased_address SET erased_at = erased_at - interval '1 day'"))
    merge()
    work()
    assert reached(client, inbox, work, zed, "bins") == ({ANN: 1} if says_yes_again else {})


@pytest.mark.parametrize("how", ["left", "erased", "left-counting"])
@pytest.mark.parametrize("leaves", ["zed", "far"])
def test_a_yes_without_a_date_is_older_than_any_no(
    client: Client, zed: World, far: World, inbox: Mailbox, work: Work, leaves: str, how: str
) -> None:
    """The list of the other council was uploaded after they left, and says nothing of when they agreed."""
    both = {"zed": zed, "far": far}
    here = both.pop(leaves)
    path = f"/api/v1/subscribers/{add_resident(here, ANN, topics=['bins'], tracking_consent=True)}"
    if how == "erased":
        assert client.delete(path, headers=here.headers).is_success
    else:
        change: dict[str, object] = {"topics": []} if how == "left" else {"tracking_consent": False}
        assert client.patch(path, json=change, headers=here.headers).is_success
    [other] = both.values()
    add_resident(other, ANN, topics=["bins"], tracking_consent=True)
    merge()
    work()
    assert reached(client, inbox, work, zed, "bins") == ({ANN: 1} if how == "left-counting" else {})
    with transaction() as session:
        counted = set(session.execute(text("SELECT tracking_consent FROM subscriber")).scalars())
    assert counted == {how != "left-counting"}


def test_a_yes_without_a_date_that_they_confirmed_is_as_old_as_that(
    client: Client, zed: World, far: World, inbox: Mailbox, work: Work
) -> None:
    path = f"/api/v1/subscribers/{add_resident(far, ANN, topics=['bins'], said_at=moments.present())}"
    assert client.patch(path, json={"topics": []}, headers=far.headers).is_success
    add_resident(zed, ANN, topics=["bins"], confirm=True)
    work()
    [asked] = inbox.messages()
    assert client.post(link(asked, "/confirm/"), headers=BROWSER).status_code == 200
    merge()
    work()
    assert reached(client, inbox, work, zed, "bins") == {ANN: 1}


def test_what_nobody_confirmed_joins_nobody(client: Client, zed: World, far: World, work: Work, inbox: Mailbox) -> None:
    ann = add_resident(zed, ANN, topics=["road-closures"])
    add_resident(far, ANN, phone="+447700900999", topics=["bins"], confirm=True, postcodes=["ZZ7 1AA"])
    add_resident(zed, BEN, topics=["bins"], confirm=True)
    add_resident(far, BEN, topics=["gritting"], postcodes=["ZZ7 1AA"])
    merge()
    record = client.get(f"/api/v1/subscribers/{ann}", headers=zed.headers).json()
    assert (topics_of(record), len(record["contacts"]), len(record["places"])) == (["road-closures"], 1, 1)
    work()
    assert reached(client, inbox, work, zed, "bins") == {}
    assert reached(client, inbox, work, zed, "gritting") == {BEN: 1}


def test_a_stop_moves_and_a_yes_that_is_newer_lifts_it(
    client: Client, zed: World, far: World, work: Work, inbox: Mailbox
) -> None:
    said = {ANN: moments.present(), BEN: moments.present(), UNA: None}
    for email, said_at in said.items():
        add_resident(zed, email, topics=["bins"], said_at=said_at)
        add_resident(far, email, topics=["bins"], postcodes=["ZZ7 1AA"], said_at=said_at)
    with transaction() as session:
        session.execute(
            text("""
                INSERT INTO suppression (id, council_id, address_hash, channel, reason, source, at)
                SELECT uuidv7(), council_id, address_hash, channel, 'stop', 'test',
                       business_now() + CASE WHEN address = :ann THEN interval '1 hour' ELSE interval '-1 day' END
                FROM contact WHERE council_id = :far
            """),
            {"far": far.council_id, "ann": ANN},
        )
    cat = add_resident(far, "cat@example.org", topics=["bins"], postcodes=["ZZ7 1AA"])
    with transaction() as session:  # nothing that the same council brings lifts a STOP
        session.execute(
            text("""
                INSERT INTO suppression (id, council_id, address_hash, channel, reason, source, at)
                SELECT uuidv7(), council_id, address_hash, channel, 'stop', 'test', business_now() - interval '1 day'
                FROM contact WHERE subscriber_id = :cat
            """),
            {"cat": cat},
        )
    merge()
    work()
    assert reached(client, inbox, work, zed, "bins") == {BEN: 1}


def test_waiting_alerts_go_on_for_those_they_were_meant_for(
    client: Client, zed: World, far: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(zed, ANN, topics=["bins"])
    add_resident(far, BEN, postcodes=["ZZ7 1AA"], topics=["bins", "gritting"])
    with transaction() as session:
        new = NewTopic(slug="planning", name="Planning", approval=ApprovalRule.ONE)
        create_topic(session, council_id=far.council_id, actor="test", new=new)
    author, approver = officer(far, "lee", Role.AUTHOR), officer(far, "pat", Role.APPROVER)
    everyone = created(client, far.headers, topic="bins", send_at=later(hours=1), send=True)
    approved = created(client, author, topic="planning", send_at=later(hours=1), send=True)
    act(client, approver, approved["id"], "approve")
    waiting = created(client, author, topic="planning", send=True)
    with transaction() as session:
        session.execute(text("UPDATE topic SET approval = 'two' WHERE slug = 'planning'"))
    assert act(client, approver, waiting["id"], "approve").json()["state"] == "submitted"
    merge()
    with transaction() as session:
        session.execute(text("UPDATE topic SET approval = 'one' WHERE slug = 'planning'"))
    work()
    inbox.empty()
    with transaction() as session:
        session.execute(text("UPDATE alert SET send_at = business_now() WHERE state = 'scheduled'"))
        assert start_due(session) == 2
    work()
    assert inbox.recipients() == {BEN: 1}
    assert inbox.messages()[0]["From"].startswith("Zed Council")
    narrowed = client.get(f"/api/v1/alerts/{everyone['id']}", headers=zed.headers).json()
    assert narrowed["audience"] == {"districts": [FAR]}
    assert act(client, approver, waiting["id"], "approve").json()["state"] == "sending"
    with transaction() as session:
        agreed = session.execute(
            text(
                "SELECT count(*) FROM approval p JOIN alert a ON a.id = p.alert_id AND a.content_hash = p.content_hash"
            )
        ).scalar_one()
    assert agreed == 2


def test_recurring_alerts_go_on(client: Client, zed: World, far: World) -> None:
    alert = created(client, far.headers, topic="bins")
    ann = at_the_desk(officer(far, "lee", Role.ADMIN))
    at = moments.present() + timedelta(hours=2)
    plan = {"rule": "daily", "at": f"{at:%H:%M}", "first": str(at.date()), "last": str(at.date() + timedelta(days=9))}
    assert client.post(f"/staff/alerts/{alert['id']}/repeat", data=plan, headers=ann).status_code == 303
    assert "1 recurring alerts go on" in merge()
    with transaction() as session:
        one = session.exec(select(Recurrence)).one()
        assert (one.council_id, one.content["topic"], one.content["audience"]) == (
            zed.council_id, "bins", {"districts": [FAR]}
        )  # fmt: skip


def test_users_sign_in_again_and_keys_go_on(client: Client, zed: World, far: World, work: Work, inbox: Mailbox) -> None:
    lee = officer(far, "lee", Role.AUTHOR)
    desk = at_the_desk(lee)
    own = council_key(far, Role.AUTHOR)
    first = post_alert(client, own, key="once", topic="gritting").json()
    merge()
    assert client.get("/staff", headers=desk).status_code in (302, 303, 401)
    assert created(client, lee, topic="gritting")["topic"] == "gritting"
    assert post_alert(client, own, key="once", topic="gritting").json()["id"] == first["id"]
    work()
    assert inbox.recipients() == {"lee@example.org": 1}
    assert inbox.messages()[0]["Subject"] == "Far Council is now part of Zed Council"


def test_one_council_account_with_two_addresses_becomes_one_user(client: Client, zed: World, far: World) -> None:
    with transaction() as session:
        for world, address in ((zed, "lee@zed.example.org"), (far, "lee@far.example.org")):
            made = Officer(council_id=world.council_id, email=address, name="Lee", role=Role.AUTHOR, oidc_subject="lee")
            session.add(made)
    merge()
    with transaction() as session:
        active = session.exec(select(Officer.email).where(Officer.oidc_subject == "lee", Officer.active)).all()
    assert active == ["lee@zed.example.org"]


def test_what_was_sent_stays_readable_under_the_old_name(
    client: Client, zed: World, far: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(far, BEN, postcodes=["ZZ7 1AA"], topics=["bins"])
    sent = created(client, far.headers, topic="bins", send=True)
    work()
    way_out = one_click_path(inbox.messages()[-1])
    merge()
    assert client.get(f"/api/v1/alerts/{sent['id']}", headers=zed.headers).json()["title"] == "Mill Road closed"
    assert sent["id"] in client.get("/api/v1/alerts", headers=zed.headers).text
    assert f"/staff/alerts/{sent['id']}" in client.get("/staff/archive", headers=administrator(zed)).text
    assert "Far Council" in client.get(f"/alerts/{sent['id']}").text
    after = created(client, zed.headers, topic="gritting", send=True)
    work()
    widget = client.get("/alerts.json?council=far").text  # on the old council's own site
    assert sent["id"] in widget
    assert after["id"] in widget
    refused = act(client, zed.headers, sent["id"], "update", {"title": "More", "body": "More."})
    assert refused.status_code == 404
    assert client.post(way_out, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    work()
    assert reached(client, inbox, work, zed, "bins") == {}


def test_a_council_that_is_sending_waits(client: Client, zed: World, far: World) -> None:
    add_resident(far, BEN, postcodes=["ZZ7 1AA"], topics=["bins"])
    alert = created(client, far.headers, topic="bins", send=True)
    refused = typed("merge", "far", "zed", "--yes")
    assert "is sending, or has an emergency in force: Mill Road closed" in str(refused.exception)
    assert state(client, far.headers, alert["id"]) == "sending"
    assert typed("merge", "far", "far", "--yes").exit_code != 0
    act(client, far.headers, alert["id"], "cancel")
    merge()
    assert typed("merge", "far", "zed", "--yes").exit_code != 0
    with transaction() as session:
        lines = session.exec(select(AuditEntry).where(AuditEntry.action.in_(["council.merge", "council.merged"]))).all()  # type: ignore[attr-defined]
    assert {line.council_id for line in lines} == {zed.council_id, far.council_id}


def test_incidents_go_along_while_they_go_on(client: Client, zed: World, far: World) -> None:
    with transaction() as session:
        for ref, is_open in (("on", True), ("over", False)):
            session.add(
                Incident(
                    council_id=far.council_id,
                    ref=ref,
                    name=ref,
                    opened_by="test",
                    state=IncidentState.OPEN if is_open else IncidentState.ENDED,
                    ended_at=None if is_open else clock.now(),
                )
            )
    merge()
    found = client.get("/api/v1/incidents", headers=zed.headers).json()["incidents"]
    assert {(one["name"], one["state"]) for one in found} == {("on", "open"), ("over", "ended")}  # both are readable
    with transaction() as session:
        whose = dict(session.execute(text("SELECT ref, council_id FROM incident")).all())
    assert whose == {"on": zed.council_id, "over": far.council_id}


def test_every_table_of_a_council_is_decided_about() -> None:
    assert migrations_tables
    own = {name for name, table in METADATA.tables.items() if "council_id" in table.columns}
    assert own == MOVED | COPIED | ENDED | STAYS, "Say here and in docs/places.md what a merger does with it."


def test_a_council_is_renamed_and_its_history_is_not(client: Client, zed: World, work: Work) -> None:
    add_resident(zed, ANN, topics=["bins"])
    before = created(client, zed.headers, topic="bins", send=True)
    work()
    done = typed("rename", "zed", "Zedshire Council", "--slug", "zedshire")
    assert done.output == "Zed Council is now Zedshire Council (zedshire).\n"
    after = created(client, zed.headers, topic="bins", send=True)
    work()
    assert "Zed Council" in client.get(f"/alerts/{before['id']}").text
    assert "Zedshire Council" in client.get(f"/alerts/{after['id']}").text
    for slug in ("zed", "zedshire"):
        assert client.get(f"/api/v1/areas?council={slug}").status_code == 200
        assert before["id"] in client.get(f"/alerts.json?council={slug}").text
    assert before["id"] not in client.get("/alerts.json?council=far").text
    assert typed("rename", "zed", "Other", "--slug", "far").exit_code == 0
    assert make_other_council("zedd").council_id
    assert typed("rename", "far", "Other", "--slug", "zed").exit_code != 0  # a name that was had stays theirs


def test_districts_change_and_nobody_loses_topics_unasked(
    client: Client, zed: World, far: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(far, BEN, postcodes=["ZZ7 1AA"], topics=["bins"])
    assert "Far Council covers Z07000002, Z07000001." in typed("districts", "far", "--add", DISTRICT).output
    refused = typed("districts", "far", "--remove", FAR)
    assert "1 residents live in Z07000002 only" in str(refused.exception)
    done = typed("districts", "far", "--remove", FAR, "--yes")
    assert "1 residents live outside of it now" in done.output
    work()
    [mail] = inbox.messages()
    assert mail["Subject"] == "Your alerts from Far Council have stopped"
    assert typed("districts", "far", "--remove", DISTRICT).exit_code != 0
    assert typed("districts", "far", "--add", "Bedford").exit_code != 0
