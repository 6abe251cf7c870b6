"""Left and imported again, ten ways: nobody who left is written to without a newer yes of their own."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

import notify
from notify.core import clock
from notify.core.db import transaction
from notify.deliveries.receipts import take_news
from notify.providers.base import Channel, Inbound
from notify.staff.models import Role
from notify.subscribers.imports.insert_statements import REQUEST_LIFE
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.subscribers.html import Page
from tests.subscribers.journey import BROWSER, sign_in, topic_ids
from tests.tracking.reading import one_click_path, part
from tests.world import World, at_the_desk, make_key, make_other_council, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
EVIDENCE = {"wording_version": "paper-1", "wording": "Yes.", "consent_source": "paper form"}
TOPICS = ("bins", "road-closures")


@dataclass(frozen=True, slots=True)
class Scene:
    """A council, its residents' program and their mailbox."""

    client: Client
    world: World
    far: World
    work: Work
    inbox: Mailbox
    numbers: dict[str, str] = field(default_factory=dict)

    def mails_to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.inbox.messages() if mail["To"] == address]

    def alert(self) -> None:
        """One alert for each topic, sent."""
        for topic in TOPICS:
            created(self.client, self.world.headers, topic=topic, send=True)
        self.work()

    def subscriber_of(self, address: str) -> str | None:
        asked = "SELECT subscriber_id FROM contact WHERE address = :address AND council_id = :council"
        with transaction() as session:
            found = session.execute(text(asked), {"address": stored(address), "council": self.world.council_id})
            one = found.scalar()
        return str(one) if one else None

    def written_to(self, address: str) -> Sequence[str]:
        """What the ledger says of alerts to this address of the council: a state for each delivery."""
        asked = """
            SELECT d.state FROM delivery d JOIN contact c ON c.id = d.contact_id
            WHERE c.address = :address AND c.council_id = :council AND d.state <> 'suppressed'
        """
        with transaction() as session:
            values = {"address": stored(address), "council": self.world.council_id}
            return [str(state) for state in session.execute(text(asked), values).scalars()]


@pytest.fixture
def scene(client: Client, work: Work, inbox: Mailbox) -> Scene:
    client.headers.update(BROWSER)
    client.follow_redirects = False
    return Scene(client, make_world(), make_other_council(topics=["potholes"]), work, inbox)


def stored(address: str) -> str:
    return address if "@" in address else "+44" + address.replace(" ", "")[1:]


def api(council: World) -> dict[str, str]:
    return council.headers | {"Accept": "application/json"}


def post(scene: Scene, address: str, *, council: World | None = None, **fields: object) -> None:
    """A council's program adds somebody, as it did before they left."""
    given_at = fields.pop("given_at", None)
    body = {
        "contacts": [{"channel": "email" if "@" in address else "sms", "address": address}],
        "places": [{"postcode": "ZZ1 1AA"}],
        "topics": ["bins"],
        "consent": {"wording_version": "v1", "wording": "Yes, write to me.", "source": "phone"}
        | ({"given_at": given_at} if given_at else {}),
    }
    answer = scene.client.post("/api/v1/subscribers", json=body | fields, headers=api(council or scene.world))
    assert answer.status_code in (200, 201, 409), answer.text


def send_file(scene: Scene, address: str, *, day: str = "", topic: str = "bins", **query: str) -> dict[str, int]:
    header, row = ("email" if "@" in address else "phone") + ",postcode,topics", f"{address},ZZ1 1AA,{topic}"
    if day:
        header, row = f"{header},given_at", f"{row},{day}"
    answer = scene.client.post(
        "/api/v1/subscribers/import",
        params=EVIDENCE | query,
        content=f"{header}\n{row}\n",
        headers=api(scene.world) | {"Content-Type": "text/csv"},
    )
    assert answer.status_code == 200, answer.text
    report: dict[str, int] = answer.json()
    return report


def patch(scene: Scene, address: str) -> None:
    """An officer's program puts the topics back on the record, where there is one."""
    if subscriber := scene.subscriber_of(address):
        change = {
            "topics": list(TOPICS),
            "consent": {"wording_version": "v1", "wording": "Yes, write to me.", "source": "phone"},
        }
        answer = scene.client.patch(f"/api/v1/subscribers/{subscriber}", json=change, headers=api(scene.world))
        assert answer.status_code == 200, answer.text


def assist(scene: Scene, address: str, how: str) -> None:
    """An officer fills in the form for somebody who rings, or who sent it on paper."""
    field = "email" if "@" in address else "mobile"
    answers = {"postcode": "ZZ1 1AA", "topic": topic_ids(*TOPICS), field: address, "read_out": "en", "how": how}
    officer = at_the_desk(make_key(scene.world, Role.AUTHOR))
    answer = scene.client.post("/staff/sign-up", data=answers, headers=officer)
    assert answer.status_code == 200, answer.text


def long_ago() -> str:
    return (clock.now() - timedelta(days=400)).isoformat()


def elsewhere(scene: Scene, address: str) -> None:
    """Another council has them: what it does is its own affair, and nothing of it comes back here."""
    post(scene, address, council=scene.far, topics=["potholes"])


def voice_too(scene: Scene, address: str) -> None:
    """A council adds a telephone number to call beside the address that they left by."""
    place = scene.numbers.setdefault(address, f"01632 960{len(scene.numbers):03}")
    both = [
        {"channel": "email" if "@" in address else "sms", "address": address},
        {"channel": "voice", "address": place},
    ]
    post(scene, address, contacts=both, topics=list(TOPICS))


def by_a_stranger(scene: Scene, address: str) -> None:
    """Somebody types the address into the form for residents; nothing but a question may come of it."""
    field = {"email": address} if "@" in address else {"email": "", "mobile": address}
    answers = {"postcode": "ZZ1 1AA", "topic": topic_ids(*TOPICS), "language": "en"} | field
    answer = scene.client.post("/sign-up", data=answers, follow_redirects=True)
    assert "We have sent" in answer.text, answer.text
    scene.client.cookies.clear()


BACK: Mapping[str, Callable[[Scene, str], object]] = {
    "the-same-file": send_file,
    "file-with-the-old-day": lambda scene, who: send_file(scene, who, day="31/03/2019"),
    "file-of-an-old-day": lambda scene, who: send_file(scene, who, given_at=long_ago()),
    "file-to-confirm": lambda scene, who: send_file(scene, who, confirm="true"),
    "file-about-another-topic": lambda scene, who: send_file(scene, who, topic="road-closures"),
    "api": post,
    "api-with-the-old-day": lambda scene, who: post(scene, who, given_at=long_ago()),
    "api-to-confirm": lambda scene, who: post(scene, who, confirm=True),
    "api-change": patch,
    "phone": lambda scene, who: assist(scene, who, "phone"),
    "paper": lambda scene, who: assist(scene, who, "paper"),
    "another-council": elsewhere,
    "a-call-beside-it": lambda scene, who: voice_too(scene, who),
    "a-stranger": lambda scene, who: by_a_stranger(scene, who),
}


def one_click(scene: Scene, address: str) -> None:
    for mail in scene.mails_to(address):
        assert scene.client.post(one_click_path(mail), content=b"List-Unsubscribe=One-Click").status_code == 200


def by_page(scope: str) -> Callable[[Scene, str], None]:
    def leave(scene: Scene, address: str) -> None:
        path = one_click_path(scene.mails_to(address)[0])
        assert scene.client.post(path, data={"scope": scope}).status_code == 200

    return leave


def on_own_page(scene: Scene, address: str) -> None:
    sign_in(scene.client, address)
    version = Page(scene.client.get("/my/stop").text).fields["version"]
    assert scene.client.post("/my/stop", data={"version": version}).status_code == 303
    scene.client.cookies.clear()


def erases_everything(scene: Scene, address: str) -> None:
    sign_in(scene.client, address)
    assert scene.client.post("/my/erase", data={"sure": "yes"}).status_code == 200
    scene.client.cookies.clear()


def erased_by_the_council(scene: Scene, address: str) -> None:
    path = f"/api/v1/subscribers/{scene.subscriber_of(address)}"
    assert scene.client.delete(path, headers=api(scene.world)).status_code == 204


def taken_off_by_the_council(scene: Scene, address: str) -> None:
    path = f"/api/v1/subscribers/{scene.subscriber_of(address)}"
    assert scene.client.patch(path, json={"topics": []}, headers=api(scene.world)).status_code == 200


def texts_stop(scene: Scene, address: str) -> None:
    with transaction() as session:
        assert take_news(session, [Inbound(Channel.SMS, stored(address), "Please stop texting me")], provider="file")


LEAVE: Mapping[str, Callable[[Scene, str], None]] = {
    "one-click": one_click,
    "page": by_page("topic"),
    "stop-everything": by_page("all"),
    "own-page": on_own_page,
    "erasure": erases_everything,
    "erasure-by-the-council": erased_by_the_council,
    "taken-off": taken_off_by_the_council,
    "stop-by-text": texts_stop,
}
ERASURES = {"erasure", "erasure-by-the-council"}
NEVER_ASKED = {"another-council"}


def addresses_for(leave: str) -> Mapping[str, str]:
    """By the way back, who comes back that way."""
    if leave == "stop-by-text":
        return {back: f"07700 9002{number:02}" for number, back in enumerate(BACK)}
    return {back: f"{back}@example.org" for back in BACK}


def left(scene: Scene, leave: str) -> Mapping[str, str]:
    """Everybody joined, had an alert, and left."""
    people = addresses_for(leave)
    for address in people.values():
        post(scene, address, given_at=long_ago())
    scene.alert()
    got = Counter(scene.inbox.recipients()) + Counter(scene.inbox.texts())
    assert {stored(address) for address in people.values()} == set(got)
    for address in people.values():
        LEAVE[leave](scene, address)
    with transaction() as session:
        session.execute(text("DELETE FROM delivery"))
    scene.inbox.empty()
    return people


@pytest.mark.parametrize("leave", LEAVE)
def test_nobody_who_left_is_written_to_without_a_newer_yes(scene: Scene, leave: str) -> None:
    people = left(scene, leave)
    for _twice in range(2):
        for back, address in people.items():
            BACK[back](scene, address)
    scene.work()
    asked = Counter(scene.inbox.recipients())
    subjects = {mail["Subject"] for mail in scene.inbox.messages()}
    assert not any("Mill Road" in subject for subject in subjects)
    assert not scene.inbox.texts()
    assert asked["the-same-file@example.org"] == (0 if leave in ERASURES or leave == "stop-by-text" else 1)
    scene.inbox.empty()
    scene.alert()
    assert scene.inbox.recipients() == {}
    assert scene.inbox.texts() == {}
    assert [back for back, address in people.items() if scene.written_to(address)] == []
    with transaction() as session:  # nor called at a number that was added
        sent = session.execute(text("SELECT channel FROM delivery WHERE state <> 'suppressed'")).scalars().all()
    assert sent == []


@pytest.mark.parametrize("leave", [way for way in LEAVE if way not in ERASURES | {"stop-by-text"}])
def test_their_own_yes_to_the_message_brings_them_back(scene: Scene, leave: str) -> None:
    people = left(scene, leave)
    for back, address in people.items():
        BACK[back](scene, address)
    scene.work()
    asking = [address for back, address in people.items() if back not in NEVER_ASKED]
    assert scene.inbox.recipients() == dict.fromkeys(asking, 1)
    for address in asking:
        [mail] = scene.mails_to(address)
        path = re.search(r"/confirm/[\w-]+", part(mail, "plain"))
        assert path
        assert scene.client.get(path[0]).status_code == 200
        assert scene.client.post(path[0]).status_code == 200
    scene.inbox.empty()
    scene.alert()
    assert set(scene.inbox.recipients()) == set(asking)


@pytest.mark.parametrize("leave", [way for way in LEAVE if way != "stop-by-text"])
def test_a_newer_dated_consent_brings_them_back(scene: Scene, leave: str) -> None:
    left(scene, leave)
    later = clock.now() + timedelta(hours=2)
    clock.use(lambda: later)
    said = (later - timedelta(minutes=1)).isoformat()
    report = send_file(scene, "the-same-file@example.org", day=said)
    assert (report["had_unsubscribed"], report["erased"], report["asked"]) == (0, 0, 0)
    post(scene, "api@example.org", given_at=said)
    scene.work()
    scene.alert()
    assert scene.inbox.recipients() == {"the-same-file@example.org": 1, "api@example.org": 1}


def test_a_newer_paper_does_not_undo_a_stop(scene: Scene) -> None:
    people = left(scene, "stop-by-text")
    later = clock.now() + timedelta(hours=2)
    clock.use(lambda: later)
    send_file(scene, people["the-same-file"], day=(later - timedelta(minutes=1)).isoformat())
    scene.work()
    scene.alert()
    assert scene.inbox.texts() == {}


def test_the_report_counts_who_had_unsubscribed_and_who_was_erased(scene: Scene) -> None:
    for name in ("left", "erased", "stays"):
        post(scene, f"{name}@example.org")
    scene.alert()
    one_click(scene, "left@example.org")
    erases_everything(scene, "erased@example.org")
    rows = "".join(f"{name}@example.org,bins\n" for name in ("left", "erased", "stays", "new"))
    answer = scene.client.post(
        "/api/v1/subscribers/import",
        params=EVIDENCE,
        content=f"email,topics\n{rows}",
        headers=api(scene.world) | {"Content-Type": "text/csv"},
    ).json()
    counts = ("rows", "created", "updated", "refused", "had_unsubscribed", "asked", "erased")
    assert [answer[name] for name in counts] == [4, 1, 2, 1, 1, 1, 1]
    [problem] = answer["problems"]
    assert (problem["row"], "was erased on" in problem["reason"]) == (3, True)
    assert "erased@example.org" not in str(answer)


def test_the_api_says_that_they_are_asked_and_that_they_were_erased(scene: Scene) -> None:
    body = {
        "contacts": [{"channel": "email", "address": "ann@example.org"}],
        "topics": ["bins"],
        "consent": {"wording_version": "v1", "wording": "Yes.", "source": "phone"},
    }

    def add() -> Response:
        return scene.client.post("/api/v1/subscribers", json=body, headers=api(scene.world))

    assert add().status_code == 201
    scene.alert()
    one_click(scene, "ann@example.org")
    answer = add()
    assert (answer.status_code, answer.json()["had_unsubscribed"], answer.json()["asked"]) == (200, True, ["email"])
    erased_by_the_council(scene, "ann@example.org")
    gone = add()
    assert (gone.status_code, gone.json()["type"]) == (409, "/problems/address-erased")
    assert scene.subscriber_of("ann@example.org") is None


@pytest.mark.parametrize("day", ["tomorrow", "31/02/2020", "2999-01-01"])
def test_a_day_that_is_none_refuses_its_row_alone(scene: Scene, day: str) -> None:
    report = send_file(scene, "ann@example.org", day=day)
    assert (report["refused"], report["created"]) == (1, 0)


def a_moment(moment: datetime) -> None:
    clock.use(lambda: moment)


def test_a_list_that_comes_every_night_asks_once(scene: Scene) -> None:
    post(scene, "ann@example.org")
    scene.alert()
    one_click(scene, "ann@example.org")
    scene.inbox.empty()
    begun = clock.now()
    for night in range(4):
        a_moment(begun + timedelta(minutes=1) + night * REQUEST_LIFE)
        send_file(scene, "ann@example.org")
        scene.work()
    assert scene.inbox.recipients() == {"ann@example.org": 1}


def test_a_file_to_confirm_asks_known_people_about_what_is_new_only(scene: Scene) -> None:
    post(scene, "ann@example.org")
    assert send_file(scene, "ann@example.org", confirm="true")["asked"] == 0
    assert send_file(scene, "ann@example.org", topic="road-closures", confirm="true")["asked"] == 1
    scene.work()
    [mail] = scene.mails_to("ann@example.org")
    assert "Road closures" in part(mail, "plain")
    scene.inbox.empty()
    scene.alert()
    assert scene.inbox.recipients() == {"ann@example.org": 1}  # of the topic that they had


def test_being_counted_has_an_order_too(scene: Scene) -> None:
    post(scene, "ann@example.org", tracking_consent=True)
    path = f"/api/v1/subscribers/{scene.subscriber_of('ann@example.org')}"
    change = {"tracking_consent": False}
    assert scene.client.patch(path, json=change, headers=api(scene.world)).status_code == 200
    again = {
        "tracking_consent": True,
        "consent": {"wording_version": "v1", "wording": "Yes, write to me.", "source": "phone"},
    }
    refused = scene.client.patch(path, json=again, headers=api(scene.world))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/consent-is-older")
    again["consent"]["given_at"] = clock.now().isoformat()  # type: ignore[index]
    assert scene.client.patch(path, json=again, headers=api(scene.world)).status_code == 200


# --- every path passes the one rule -----------------------------------------------------------------------------------

SOURCES = sorted(Path(notify.__file__).parent.rglob("*.py"))
# who speaks for the person in these: they themselves, signed in or by a link or form that they answer
OWN_WORD = {
    ("equal_timing.py", "enrol_nobody"),
    ("choices.py", "_join"),
    ("answers.py", "accept"),
    ("contact_requests.py", "_follow"),
    ("service.py", "sign_up"),
    ("service.py", "resume"),
}


def test_only_enrolment_starts_a_subscription_and_only_after_the_rule() -> None:
    starts = re.compile(
        r"INSERT INTO subscription\b|insert\(Subscription\)|[^\w.]Subscription\(\s*\w+="
        r"|ended_at\s*=\s*None|ended_at = NULL"
    )
    found = {
        path.name
        for path in SOURCES
        if "migrations" not in path.parts and "subscri" in path.read_text() and starts.search(path.read_text())
    }
    # mergers of councils and of topics carry over what was agreed to, by the newest word of the ledger
    assert found == {"insert_statements.py", "membership_union.py", "topic_moves.py"}
    uses = {path.name for path in SOURCES if "INSERT_SUBSCRIPTIONS" in path.read_text()}
    assert uses == {"insert_statements.py"}
    writes = {
        path.name
        for path in SOURCES
        if re.search(
            r"imports\.insert_statements import .*\bwrite\b|imports import .*\binsert_statements\b", path.read_text()
        )
    }
    assert writes == {"enrolment.py"}


def test_each_enrolment_says_on_whose_word() -> None:
    own: set[tuple[str, str]] = set()
    for path in SOURCES:
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "enrol":
                        [by] = [word.value for word in call.keywords if word.arg == "asked_by"]
                        if isinstance(by, ast.Constant) and by.value is None:
                            own.add((path.name, function.name))
    assert own == OWN_WORD


def test_the_second_of_two_lists_joins_what_the_person_is_asked(scene: Scene) -> None:
    post(scene, "ann@example.org", topics=list(TOPICS))
    scene.alert()
    one_click(scene, "ann@example.org")
    scene.inbox.empty()
    for topic in (*TOPICS, *TOPICS):
        send_file(scene, "ann@example.org", topic=topic)
        scene.work()
    [mail] = scene.mails_to("ann@example.org")
    found = re.search(r"/confirm/[\w-]+", part(mail, "plain"))
    assert found
    page = scene.client.get(found[0]).text
    assert "Bin collections" in page
    assert "Road closures" in page
    assert scene.client.post(found[0]).status_code == 200
    sql = "SELECT t.slug FROM subscription u JOIN topic t ON t.id = u.topic_id WHERE u.ended_at IS NULL"
    with transaction() as session:
        assert set(session.execute(text(sql)).scalars()) == set(TOPICS)


def in_force(scene: Scene) -> set[tuple[str, str]]:
    sql = """
        SELECT t.slug, unnest(u.channels) FROM subscription u JOIN topic t ON t.id = u.topic_id WHERE u.ended_at IS NULL
    """
    with transaction() as session:
        return {(slug, channel) for slug, channel in session.execute(text(sql))}


def test_an_undated_list_reaches_who_left_by_no_other_channel(scene: Scene) -> None:
    both = [{"channel": "email", "address": "ann@example.org"}, {"channel": "sms", "address": "07700 900201"}]
    post(scene, "ann@example.org", contacts=both, topics=list(TOPICS))
    sign_in(scene.client, "ann@example.org")
    with transaction() as session:  # they chose e-mail alone
        session.execute(text("UPDATE subscription SET channels = ARRAY['email']"))
    scene.alert()
    one_click(scene, "ann@example.org")
    assert in_force(scene) == set()
    post(scene, "ann@example.org", contacts=both, topics=["road-closures"])
    assert in_force(scene) == set()


def test_a_place_does_not_wait_where_a_topic_of_it_is_sent(scene: Scene) -> None:
    post(scene, "ann@example.org", topics=list(TOPICS))
    scene.alert()
    [path, *_rest] = [one_click_path(mail) for mail in scene.mails_to("ann@example.org")]
    scene.client.post(path, content=b"List-Unsubscribe=One-Click")
    assert len(in_force(scene)) == 1
    post(scene, "ann@example.org", topics=list(TOPICS), places=[{"postcode": "ZZ2 1AA"}])
    with transaction() as session:
        assert set(session.execute(text("SELECT postcode FROM place")).scalars()) == {"ZZ11AA", "ZZ21AA"}
    assert len(in_force(scene)) == 1


def test_nobody_is_reported_as_asked_when_the_question_is_over(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    post(scene, "ann@example.org", topics=list(TOPICS))
    scene.alert()
    one_click(scene, "ann@example.org")
    assert send_file(scene, "ann@example.org")["asked"] == 1
    later = clock.now() + REQUEST_LIFE + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    report = send_file(scene, "ann@example.org")
    assert (report["had_unsubscribed"], report["asked"]) == (1, 0)
