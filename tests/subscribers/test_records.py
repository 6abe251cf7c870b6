"""Staff find one resident, read their record and change it; each look is noted, and nobody else hears of it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.core import clock
from notify.core.db import transaction
from notify.staff.models import AuditEntry, Role
from notify.subscribers.models import Consent, ConsentAction, Subscriber
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.subscribers.journey import topic_ids
from tests.world import World, add_resident, at_the_desk, make_key, make_other_council, make_world

Client = TestClient[Litestar]
Headers = dict[str, str]
Work = Callable[[], None]
ANN = "ann@example.org"


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    return make_world()


def agent(world: World) -> Headers:
    """A browser of the contact centre."""
    return at_the_desk(make_key(world, Role.CONTACT_CENTRE))


def found(client: Client, headers: Headers, **fields: str) -> str:
    """The record that a search led to."""
    reply = client.post("/staff/residents", data={"reason": "They called.", **fields}, headers=headers)
    assert reply.status_code == 303, reply.text
    return str(reply.headers["location"])


def audited(action: str) -> list[tuple[str, dict[str, object]]]:
    with transaction() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)).all()  # type: ignore[arg-type]
        return [(entry.subject, dict(entry.detail)) for entry in entries]


def test_an_agent_finds_one_person_by_address_and_each_look_leaves_its_reason(client: Client, world: World) -> None:
    ann = add_resident(world, ANN, name="Ann Other", topics=["bins"])
    headers = agent(world)
    refused = client.post("/staff/residents", data={"who": ANN}, headers=headers)
    assert (refused.status_code, "Enter why you are looking" in refused.text) == (422, True)
    assert found(client, headers, who=" Ann@Example.org ") == f"/staff/residents/{ann}"
    page = client.get(f"/staff/residents/{ann}", headers=headers).text
    assert "Ann Other" in page
    assert "Yes, write to me." in page
    assert audited("subscriber.see") == [(str(ann), {"reason": "They called."})]
    assert audited("subscriber.search") == [("address", {"found": 1, "reason": "They called."})]


def test_without_a_search_of_the_last_hour_a_record_asks_for_its_reason(client: Client, world: World) -> None:
    path = f"/staff/residents/{add_resident(world, ANN, name='Ann Other')}"
    headers = agent(world)
    assert "Ann Other" not in client.get(path, headers=headers).text
    assert client.get(f"{path}/data.json", headers=headers).status_code == 403
    assert client.post(f"{path}/reason", data={"reason": "-"}, headers=headers).status_code == 422
    assert client.post(f"{path}/reason", data={"reason": "Call back."}, headers=headers).status_code == 303
    assert "Ann Other" in client.get(path, headers=headers).text


def test_postcode_and_name_find_only_together_and_a_message_by_its_reference(
    client: Client, world: World, work: Work
) -> None:
    ann = add_resident(world, ANN, name="Ann Other", topics=["bins"])
    add_resident(world, "bob@example.org", name="Bob Other", topics=["bins"])
    headers = at_the_desk(make_key(world, Role.AUTHOR))
    assert client.post("/staff/residents", data={"postcode": "ZZ1 1AA"}, headers=headers).status_code == 422
    both = client.post("/staff/residents", data={"postcode": "zz11aa", "name": "other"}, headers=headers).text
    assert "2 residents found" in both
    assert ANN not in both
    assert found(client, headers, postcode="ZZ1 1AA", name="ann") == f"/staff/residents/{ann}"
    assert found(client, headers, who=str(ann)) == f"/staff/residents/{ann}"
    alert = created(client, world.headers, topic="bins", channels=["email"], send=True)["id"]
    work()
    with transaction() as session:
        number = session.execute(text("SELECT number FROM delivery WHERE subscriber_id = :id"), {"id": ann}).scalar()
    reference = f"<{UUID(alert).hex}-{number}@mail.example.org>"
    assert found(client, headers, who=reference) == f"/staff/residents/{ann}"
    assert "No resident found" in client.post("/staff/residents", data={"who": "x@example.org"}, headers=headers).text


def test_another_councils_resident_is_found_by_nothing(client: Client, world: World) -> None:
    far = make_other_council()
    theirs = add_resident(far, ANN, name="Ann Other", topics=["potholes"])
    for search in ({"address": ANN}, {"reference": str(theirs)}, {"postcode": "ZZ1 1AA", "name": "Ann"}):
        reply = client.post("/api/v1/subscribers/search", json=search, headers=world.headers)
        assert reply.json() == {"subscribers": []}, search


def test_the_api_searches_with_a_reason_that_counts_for_an_hour(client: Client, world: World) -> None:
    ann = add_resident(world, ANN, name="Ann Other")
    key = make_key(world, Role.CONTACT_CENTRE)
    one = f"/api/v1/subscribers/{ann}"
    assert client.get(one, headers=key).json()["type"] == "/problems/reason-needed"
    search = {"address": ANN}
    refused = client.post("/api/v1/subscribers/search", json=search, headers=key)
    assert refused.json()["type"] == "/problems/reason-needed"
    reply = client.post("/api/v1/subscribers/search", json=search | {"reason": "They called."}, headers=key)
    assert [one["id"] for one in reply.json()["subscribers"]] == [str(ann)]
    assert client.get(one, headers=key).json()["name"] == "Ann Other"
    assert client.patch(one, json={"mail_format": "large"}, headers=key).status_code == 200
    assert client.post("/api/v1/subscribers/search", json={"postcode": "ZZ1 1AA"}, headers=key).status_code == 422


def test_details_places_and_a_pause_are_changed_on_pages(client: Client, world: World) -> None:
    path = f"/staff/residents/{add_resident(world, ANN, topics=['bins'])}"
    headers = at_the_desk(make_key(world, Role.AUTHOR))
    details = {"name": "Ann Jones", "language": "cy", "mail_format": "large"}
    assert client.post(f"{path}/details", data=details, headers=headers).status_code == 303
    wrong = client.post(f"{path}/places", data={"new_postcode": "nowhere"}, headers=headers)
    assert wrong.status_code == 422
    moved = client.post(f"{path}/places", data={"new_postcode": "zz21aa", "new_label": "Work"}, headers=headers)
    assert moved.status_code == 303
    past = {"day": "1", "month": "1", "year": "2020"}
    assert client.post(f"{path}/pause", data=past, headers=headers).status_code == 422
    assert client.post(f"{path}/pause", data={"go_on": "yes"}, headers=headers).status_code == 303
    page = client.get(path, headers=headers).text
    assert "Work: ZZ2 1AA, Southside" in page
    assert "Ann Jones" in page
    assert [detail["fields"] for _, detail in audited("subscriber.change")] == [
        ["language", "mail_format", "name"],
        ["places"],
    ]


def test_a_topic_is_added_with_the_words_that_were_read_out_and_removed_without(client: Client, world: World) -> None:
    path = f"/staff/residents/{add_resident(world, ANN, topics=['bins'])}"
    headers = at_the_desk(make_key(world, Role.AUTHOR))
    both = {"topic": topic_ids("bins", "road-closures")}
    refused = client.post(f"{path}/topics", data=both, headers=headers)
    assert refused.status_code == 422
    paper = both | {"read_out": "en", "how": "paper"}
    assert "Enter the day on the paper form" in client.post(f"{path}/topics", data=paper, headers=headers).text
    signed = paper | {"signed_on": "3 March 2024"}
    assert client.post(f"{path}/topics", data=signed, headers=headers).status_code == 303
    with transaction() as session:
        line = session.exec(
            select(Consent).where(Consent.action == ConsentAction.GIVEN).order_by(Consent.id.desc())  # type: ignore[union-attr]
        ).first()
        assert line is not None
        assert (line.source.partition(":")[0], line.at.year, line.is_dated) == ("paper", 2024, True)
    assert "paper: Sam" in client.get(path, headers=headers).text
    assert client.post(f"{path}/topics", data={"topic": topic_ids("bins")}, headers=headers).status_code == 303
    assert "Road closures, by" not in client.get(path, headers=headers).text


def test_a_topic_with_a_last_day_ahead_stays_when_staff_save_the_topics(client: Client, world: World) -> None:
    path = f"/staff/residents/{add_resident(world, ANN, topics=['bins', 'road-closures'])}"
    closing = {"last_day": f"{clock.now().date() + timedelta(days=30)}"}
    assert client.delete("/api/v1/topics/bins", params=closing, headers=world.headers).is_success
    headers = at_the_desk(make_key(world, Role.AUTHOR))
    form = client.get(f"{path}/topics", headers=headers).text
    assert topic_ids("bins")[0] in form
    kept = {"topic": topic_ids("bins")}
    assert client.post(f"{path}/topics", data=kept, headers=headers, follow_redirects=False).status_code == 303
    assert "Bin collections, by" in client.get(path, headers=headers).text


def test_a_further_address_waits_for_a_yes_by_the_one_they_confirmed(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    path = f"/staff/residents/{add_resident(world, ANN, name='Ann Other', topics=['bins'])}"
    headers = agent(world)
    found(client, headers, who=ANN)
    asked = {"mobile": "07700 900123", "read_out": "en", "how": "phone"}
    for missing in asked:
        fields = {name: value for name, value in asked.items() if name != missing}
        assert client.post(f"{path}/contacts", data=fields, headers=headers).status_code == 422, missing
    reply = client.post(f"{path}/contacts", data=asked, headers=headers)
    assert (reply.status_code, reply.headers["location"]) == (303, f"{path}?done=contact-waits")
    page = client.get(path, headers=headers).text
    assert '<span class="address">+447700900123</span> is used once they say yes to it.' in page
    work()
    assert [str(mail["To"]) for mail in inbox.messages()] == [ANN]
    assert inbox.texts() == {}


def test_where_nobody_confirmed_anything_no_address_can_be_added(client: Client, world: World) -> None:
    path = f"/staff/residents/{add_resident(world, ANN, confirm=True)}"
    headers = agent(world)
    found(client, headers, who=ANN)
    page = client.get(f"{path}/contacts", headers=headers).text
    assert "nobody can say yes for them" in page
    asked = {"mobile": "07700 900123", "read_out": "en", "how": "phone"}
    assert client.post(f"{path}/contacts", data=asked, headers=headers).status_code == 422


def test_a_link_goes_to_the_owner_of_the_contact_at_most_three_times_a_day(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    ann = add_resident(world, ANN, topics=["bins"])
    link = f"/api/v1/subscribers/{ann}/link"
    for _ in range(3):
        assert client.post(link, json={"channel": "email"}, headers=world.headers).json() == {"kind": "sign-in"}
    assert client.post(link, json={"channel": "email"}, headers=world.headers).status_code == 409
    assert client.post(link, json={"channel": "sms"}, headers=world.headers).status_code == 404
    work()
    assert inbox.recipients() == {ANN: 3}
    bob = add_resident(world, "bob@example.org", topics=["bins"], confirm=True)
    sent = client.post(f"/api/v1/subscribers/{bob}/link", json={"channel": "email"}, headers=world.headers)
    assert sent.json() == {"kind": "confirm"}


def test_erasing_needs_the_box_and_leaves_nothing_of_the_person(client: Client, world: World) -> None:
    ann = add_resident(world, ANN, topics=["bins"])
    headers = agent(world)
    path = found(client, headers, who=ANN)
    assert client.post(f"{path}/erase", headers=headers).status_code == 422
    done = client.post(f"{path}/erase", data={"sure": "yes"}, headers=headers)
    assert done.headers["location"] == "/staff/residents?erased=true"
    with transaction() as session:
        assert session.get(Subscriber, ann) is None


def test_a_suppression_is_lifted_on_the_record_with_a_reason(client: Client, world: World) -> None:
    ann = add_resident(world, ANN, topics=["bins"])
    silenced = {"subscriber": str(ann), "channel": "email", "reason": "They asked."}
    added = client.post("/api/v1/suppressions", json=silenced, headers=world.headers).json()
    headers = agent(world)
    path = found(client, headers, who=ANN)
    assert "We do not send there." in client.get(path, headers=headers).text
    lift = f"{path}/suppressions/{added['id']}"
    assert client.get(lift, headers=headers).status_code == 200
    assert client.post(lift, headers=headers).status_code == 422
    assert client.post(lift, data={"why": "They asked us to."}, headers=headers).status_code == 303
    assert "We do not send there." not in client.get(path, headers=headers).text
