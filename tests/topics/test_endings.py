"""A topic ends, becomes part of another or is split: people keep what they agreed to, and are told once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from notify.core.db import transaction
from notify.staff.models import ApiKey, Officer, Role
from notify.subscribers.models import Consent, NewTopic, Topic
from notify.topics import closure
from tests import moments
from tests.alerts.calls import Client, act, created, post_alert
from tests.mailbox import Mailbox
from tests.tracking.reading import link, part
from tests.world import World, add_resident, administrator, make_key, make_world, signed_in

Work = Callable[[], None]
ANN, BEN, UNA = "ann@example.org", "ben@example.org", "una@example.org"


@pytest.fixture
def zed(client: Client) -> World:
    client.follow_redirects = False
    return make_world(topics=[NewTopic(slug="roadworks", name="Roadworks")])


def followed(client: Client, zed: World, person: UUID) -> list[str]:
    record = client.get(f"/api/v1/subscribers/{person}", headers=zed.headers).json()
    return sorted(one["topic"] for one in record["topics"])


def lines(person: UUID) -> list[tuple[str, str, str, bool]]:
    """The ledger's lines about one person: topic, what was said, where and whether anyone knows when."""
    with transaction() as session:
        found = select(Topic.slug, Consent.action, Consent.source, Consent.is_dated).join(Topic)
        rows = session.exec(found.where(Consent.subscriber_id == person).order_by(Consent.id)).all()  # type: ignore[arg-type]
    return [(slug, str(action), source, is_dated) for slug, action, source, is_dated in rows]


def merge(client: Client, zed: World, slug: str, into: str) -> Any:  # noqa: ANN401 - JSON
    reply = client.post(f"/api/v1/topics/{slug}/merge", json={"into": into}, headers=zed.headers)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_people_of_a_merged_topic_follow_the_other_and_are_told_once(
    client: Client, zed: World, work: Work, inbox: Mailbox
) -> None:
    ann = add_resident(zed, ANN, topics=["roadworks"])
    both = add_resident(zed, BEN, topics=["roadworks", "road-closures"])
    outcome = merge(client, zed, "roadworks", "road-closures")
    assert (outcome["moved"], outcome["left_out"]) == (2, 0)
    assert followed(client, zed, ann) == followed(client, zed, both) == ["road-closures"]
    assert lines(ann)[-2:] == [
        ("road-closures", "given", "topic-merged", False),
        ("roadworks", "withdrawn", "topic-merged", True),
    ]
    with transaction() as session:
        [carried] = session.exec(select(Consent).where(Consent.source == "topic-merged", Consent.action == "given"))
        assert carried.wording_version.endswith("test-1")  # the words that Ann agreed to
    work()
    assert dict(inbox.recipients()) == {ANN: 1, BEN: 1}
    mail = inbox.messages()[0]
    assert mail["Subject"] == "“Roadworks” alerts are now part of “Road closures”"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = link(mail, "/u/")
    assert mail["List-Unsubscribe"].endswith(f"{path}>")
    assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    left = {one: followed(client, zed, one) for one in (ann, both)}
    assert sorted(left.values()) == [[], ["road-closures"]]


def test_who_had_left_the_other_topic_is_offered_it_and_not_signed_up(
    client: Client, zed: World, work: Work, inbox: Mailbox
) -> None:
    said_at = moments.present() - timedelta(days=30)
    ann = add_resident(zed, ANN, topics=["roadworks", "road-closures"], said_at=said_at)
    change = {"topics": ["roadworks"]}
    assert client.patch(f"/api/v1/subscribers/{ann}", json=change, headers=zed.headers).status_code == 200
    outcome = merge(client, zed, "roadworks", "road-closures")
    assert (outcome["moved"], outcome["left_out"]) == (0, 1)
    assert followed(client, zed, ann) == []
    work()
    [mail] = inbox.messages()
    assert mail["Subject"] == "“Roadworks” alerts are ending"
    assert "You can follow this instead: Road closures." in " ".join(part(mail, "plain").split())


def test_a_merged_topic_leads_officers_links_and_programs_to_what_took_over(
    client: Client, zed: World, work: Work, inbox: Mailbox
) -> None:
    ann = add_resident(zed, ANN, topics=["roadworks"])
    draft = created(client, zed.headers, topic="roadworks")
    created(client, zed.headers, topic="roadworks", send=True)
    work()
    path = link(inbox.messages()[0], "/u/")
    merge(client, zed, "roadworks", "road-closures")
    refused = post_alert(client, zed.headers, topic="roadworks")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/topic-closed")
    assert "use the topic 'road-closures'" in refused.json()["detail"]
    assert act(client, zed.headers, draft["id"], "submit").status_code == 409
    there = client.get("/api/v1/topics/roadworks", headers=zed.headers).json()
    assert (there["merged_into"], there["instead"]) == ("road-closures", ["road-closures"])
    client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert followed(client, zed, ann) == []


@pytest.mark.parametrize(
    ("into", "status", "kind"),
    [
        ("roadworks", 422, "merge-not-possible"),
        ("emergencies", 422, "merge-not-possible"),
        ("nowhere", 404, "unknown-topic"),
    ],
)
def test_topics_of_another_kind_are_not_merged(client: Client, zed: World, into: str, status: int, kind: str) -> None:
    reply = client.post("/api/v1/topics/roadworks/merge", json={"into": into}, headers=zed.headers)
    assert (reply.status_code, reply.json()["type"]) == (status, f"/problems/{kind}")


def test_a_topic_with_something_to_send_does_not_end(client: Client, zed: World) -> None:
    later = (moments.present() + timedelta(days=2)).isoformat()
    created(client, zed.headers, topic="roadworks", send_at=later, send=True)
    day = (moments.present() + timedelta(days=1)).date().isoformat()
    for reply in (
        client.post("/api/v1/topics/roadworks/merge", json={"into": "bins"}, headers=zed.headers),
        client.delete("/api/v1/topics/roadworks", headers=zed.headers),
        client.delete(f"/api/v1/topics/roadworks?last_day={day}", headers=zed.headers),
    ):
        assert (reply.status_code, reply.json()["type"]) == (409, "/problems/topic-in-use")
    after = (moments.present() + timedelta(days=9)).date().isoformat()
    assert client.delete(f"/api/v1/topics/roadworks?last_day={after}", headers=zed.headers).status_code == 200


def test_a_closing_topic_takes_nobody_new_and_ends_after_its_last_day(
    client: Client, zed: World, work: Work, inbox: Mailbox
) -> None:
    ann = add_resident(zed, ANN, topics=["roadworks"])
    day = (moments.present() + timedelta(days=2)).date()
    closed = client.delete(f"/api/v1/topics/roadworks?last_day={day}&instead=bins", headers=zed.headers)
    assert closed.json()["instead"] == ["bins"]
    work()
    [mail] = inbox.messages()
    assert "You can follow this instead: Bin collections." in " ".join(part(mail, "plain").split())
    new = {"contacts": [{"channel": "email", "address": UNA}], "topics": ["roadworks"]}
    said = {"consent": {"wording_version": "test-1", "wording": "Yes, write to me.", "source": "test"}}
    refused = client.post("/api/v1/subscribers", json=new | said, headers=zed.headers)
    assert (refused.status_code, "has ended or is about to" in refused.json()["detail"]) == (422, True)
    assert "Roadworks" not in client.get("/topics").text
    assert post_alert(client, zed.headers, topic="roadworks").status_code == 201
    moments.ahead(days=4)
    try:
        with transaction() as session:
            assert closure.end_due(session) == 1
            assert closure.end_due(session) == 0
        assert followed(client, zed, ann) == []
        assert lines(ann)[-1] == ("roadworks", "withdrawn", "topic-closed", True)
        assert post_alert(client, zed.headers, topic="roadworks").status_code == 409
    finally:
        moments.restore()


def test_people_of_a_split_topic_get_its_parts_and_can_stop_them_together(
    client: Client, zed: World, work: Work, inbox: Mailbox
) -> None:
    ann = add_resident(zed, ANN, topics=["roadworks"])
    parts = [{"slug": "resurfacing", "name": "Resurfacing"}, {"slug": "gas-works", "name": "Gas works"}]
    body = {"into": parts, "keeps": False}
    outcome = client.post("/api/v1/topics/roadworks/split", json=body, headers=zed.headers).json()
    assert [one["slug"] for one in outcome["topics"]] == ["resurfacing", "gas-works"]
    assert followed(client, zed, ann) == ["gas-works", "resurfacing"]
    work()
    [mail] = inbox.messages()
    client.post(link(mail, "/u/"), data={"scope": "topic"})
    assert followed(client, zed, ann) == []


def test_a_limited_officer_works_with_what_took_over(client: Client, zed: World) -> None:
    key = make_key(zed, Role.AUTHOR)
    with transaction() as session:
        prefix = key["Authorization"].split("_")[2]
        officer = session.exec(select(Officer).join(ApiKey).where(ApiKey.prefix == prefix)).one()
        officer.topics = ["roadworks"]
        session.add(officer)
    assert post_alert(client, key, topic="road-closures").status_code == 403
    merge(client, zed, "roadworks", "road-closures")
    assert post_alert(client, key, topic="road-closures").status_code == 201


def test_a_key_ends_no_emergency_topic(client: Client, zed: World) -> None:
    assert client.delete("/api/v1/topics/emergencies", headers=zed.headers).status_code == 403
    here = administrator(zed)
    done = client.post("/staff/topics/emergencies/close", data={}, headers=here)
    assert (done.status_code, done.headers["location"]) == (303, "/staff/topics?saved=emergencies")
    assert client.get("/staff/topics", headers=signed_in(zed.council_id, Role.APPROVER)).status_code == 403
