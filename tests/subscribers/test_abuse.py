"""What strangers can do with a sign-up form: not make us a weapon, not guess, not learn who subscribes."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import col, select

from notify.core.db import transaction
from notify.core.settings import Settings
from notify.providers.base import Channel
from notify.staff.models import AuditEntry
from notify.subscribers import confirmation_codes, message_limits
from notify.subscribers.models import Contact, ServiceMessage, ServiceMessageKind, Subscriber
from notify.subscribers.sign_up import service as sign_up_service
from notify.web import rate_limits
from tests.mailbox import Mailbox
from tests.subscribers.journey import BROWSER, sign_up
from tests.timing import apart
from tests.world import World, add_resident, add_residents, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def notices() -> list[ServiceMessage]:
    with transaction() as session:
        return list(session.exec(select(ServiceMessage).order_by(col(ServiceMessage.id))).all())


@pytest.mark.parametrize("times", [60, pytest.param(1000, marks=pytest.mark.long)])
def test_sign_ups_without_end_of_one_victim_send_three_mails(
    client: Client, world: World, work: Work, inbox: Mailbox, times: int
) -> None:
    for number in range(times):
        # every way of writing one mailbox that a program would try
        address = ("victim@gmail.com", f"victim+{number}@gmail.com", "V.ic.tim@googlemail.com")[number % 3]
        assert sign_up(client, email=address).status_code == 200
    assert len(notices()) == 3
    work()
    assert sum(inbox.recipients().values()) == 3


def test_a_subscriber_is_not_written_to_more_often_than_a_stranger(client: Client, world: World) -> None:
    add_resident(world, "victim@example.org")
    for _ in range(20):
        sign_up(client, email="victim@example.org")
        client.post("/manage", data={"address": "victim@example.org"})
    assert [notice.kind for notice in notices()] == [
        ServiceMessageKind.CONFIRM,
        ServiceMessageKind.SIGN_IN,
        ServiceMessageKind.CONFIRM,
    ]


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("a+b@example.org", "a@example.org"),
        ("a.b@example.org", "a.b@example.org"),
        ("a.b+c@googlemail.com", "ab@gmail.com"),
    ],
)
def test_ways_of_writing_one_mailbox_are_one(address: str, mailbox: str) -> None:
    assert message_limits.mailbox_of(Channel.EMAIL, address) == mailbox


def test_texts_to_neighbouring_numbers_stop(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_limits, "settings", lambda: Settings(adjacent_numbers=4))
    for number in range(20):
        answer = sign_up(client, email="", mobile=f"07700 9001{number:02}")
        assert answer.status_code == 200  # whoever tries learns nothing
    sign_up(client, email="", mobile="07700 900201")
    assert len(notices()) == 5


def test_pressing_for_one_number_uses_up_nothing_of_its_neighbours(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_limits, "settings", lambda: Settings(adjacent_numbers=6, service_texts_per_day=6))
    for _ in range(20):
        sign_up(client, email="", mobile="07700 900101")
        client.post("/manage", data={"address": "07700 900102"})  # nobody's: counted all the same
    assert len(notices()) == 3


def test_that_texts_were_stopped_stands_in_the_audit_trail_once(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_limits, "settings", lambda: Settings(adjacent_numbers=2))
    for number in range(8):
        sign_up(client, email="", mobile=f"07700 9001{number:02}")
    with transaction() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.actor == "allowance")).all()
    assert [entry.action for entry in entries] == ["texts.stop-neighbours"]
    assert "9001" not in entries[0].model_dump_json()


def test_the_days_texts_are_bounded_and_mails_are_not(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_limits, "settings", lambda: Settings(service_texts_per_day=2))
    for number in range(4):
        sign_up(client, email=f"p{number}@example.org", mobile=f"07700 900{number}01")
    with transaction() as session:
        channels = session.exec(
            select(Contact.channel).join(ServiceMessage, col(ServiceMessage.contact_id) == col(Contact.id))
        ).all()
    assert sorted(channels) == [Channel.EMAIL] * 4 + [Channel.SMS] * 2


def test_a_program_that_fills_in_the_hidden_field_gets_our_page_and_nothing_sent(client: Client, world: World) -> None:
    bait = {"homepage": "https://example.com"}
    for fields in ({"email": "new@example.org"}, {"email": "", "mobile": "07700 900123"}):
        caught = sign_up(client, **fields, **bait)
        assert notices() == []
        assert (caught.status_code, caught.text) == (200, sign_up(client, **fields).text)
        with transaction() as session:
            session.execute(text("DELETE FROM service_message; DELETE FROM subscriber"))
    add_resident(world, "sam@example.org")
    caught = client.post("/manage", data={"address": "sam@example.org"} | bait)
    assert notices() == []
    assert (caught.status_code, caught.text) == (200, client.post("/manage", data={"address": "sam@example.org"}).text)
    assert len(notices()) == 1


@pytest.mark.parametrize("path", ["/manage", "/sign-up/check"])
def test_people_neither_see_nor_reach_the_hidden_field(client: Client, world: World, path: str) -> None:
    sign_up(client)
    page = client.get(path)
    [field] = re.findall(r'<div class="trap"[^>]*>.*?</div>', page.text)
    assert 'aria-hidden="true"' in field
    assert 'tabindex="-1"' in field
    assert 'autocomplete="off"' in field
    assert re.search(r"\.trap\s*{", client.get("/static/page.css").text)


def test_nothing_a_stranger_wrote_stands_in_the_message(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    sign_up(client, name="WIN A PRIZE https://example.com", mobile="07700 900123")
    work()
    [mail] = inbox.messages()
    assert b"PRIZE" not in mail.as_bytes()
    assert not any("PRIZE" in line["text"] for line in inbox.lines("sms.jsonl"))


def code_for(number: str) -> str:
    with transaction() as session:
        contact = session.exec(select(Contact).where(Contact.address == number)).one()
        return confirmation_codes.issue_code(session, contact.id)


def confirm(client: Client, code: str, number: str = "07700 900123") -> int:
    return client.post("/confirm-code", data={"mobile": number, "code": code}).status_code


def confirmed() -> bool:
    with transaction() as session:
        return session.exec(select(Contact.confirmed_at)).one() is not None


def test_the_code_of_a_text_confirms_the_number(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    page = sign_up(client, email="", mobile="07700 900123")
    assert 'href="/confirm-code"' in page.text
    work()
    [sent] = inbox.lines("sms.jsonl")
    assert sent["text"].startswith("Zed Council: your code is ")
    code = sent["text"].split("code is ")[1][:6]
    done = client.post("/confirm-code", data={"mobile": "+44 7700 900123", "code": f" {code[:3]} {code[3:]} "})
    assert done.status_code == 200
    assert "Bin collections from Zed Council" in done.text
    assert confirmed()
    assert confirm(client, code) == 422  # used up


@pytest.mark.parametrize("times", [500, pytest.param(10_000, marks=pytest.mark.long)])
def test_guesses_without_end_at_once_find_no_code(client: Client, world: World, times: int) -> None:
    sign_up(client, email="", mobile="07700 900123")
    code = code_for("+447700900123")
    wrong = [f"{number:06}" for number in range(times) if f"{number:06}" != code]

    def guess(tried: str) -> bool:
        with transaction() as session:
            return bool(sign_up_service.confirm_by_code(session, "07700 900123", tried))

    with ThreadPoolExecutor(4) as threads:
        assert not any(threads.map(guess, wrong))
    assert confirm(client, code) == 422  # five tries were all there were
    assert not confirmed()


def test_guesses_that_come_together_are_counted_one_by_one(client: Client, world: World) -> None:
    sign_up(client, email="", mobile="07700 900123")
    code = code_for("+447700900123")

    def guess(tried: str) -> bool:
        with transaction() as session:
            return bool(sign_up_service.confirm_by_code(session, "07700 900123", tried))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(guess, ["000000" if code != "000000" else "000001"] * 8))
    assert confirm(client, code) == 422


def test_a_new_code_leaves_the_old_one_until_one_is_used_and_nobody_elses_number_takes_it(
    client: Client, world: World
) -> None:
    sign_up(client, email="", mobile="07700 900123")
    first = code_for("+447700900123")
    second = code_for("+447700900123")
    assert confirm(client, first, "07700 900124") == 422
    assert confirm(client, first, "nonsense") == 422
    assert confirm(client, first) == 200
    assert confirm(client, second) == 422


def elsewhere(client: Client, monkeypatch: pytest.MonkeyPatch, network: str) -> None:
    """From here on requests come from this network."""
    monkeypatch.setattr(rate_limits, "network_of", lambda *_: network)


STRANGER, OWNER = "203.0.113.66", "198.51.100.7"


def test_a_strangers_three_links_leave_the_owner_theirs(
    client: Client, world: World, work: Work, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_resident(world, "owner@example.org")
    client.follow_redirects = False
    elsewhere(client, monkeypatch, OWNER)
    ask_for_link(client, "owner@example.org")
    work()
    elsewhere(client, monkeypatch, STRANGER)
    for _ in range(5):
        ask_for_link(client, "owner@example.org")
    work()
    elsewhere(client, monkeypatch, OWNER)
    ask_for_link(client, "owner@example.org")
    work()
    sent = [re.findall(r"/manage/([\w-]{43})", str(mail.get_body(("plain",)))) for mail in inbox.messages()]
    assert len(sent) == 1 + 3 + 1
    assert client.post(f"/manage/{sent[0][0]}", headers=BROWSER).status_code == 303
    assert client.post(f"/manage/{sent[-1][0]}", headers=BROWSER).status_code == 404  # using one ends the others


def test_a_strangers_codes_and_tries_leave_the_owner_theirs(
    client: Client, world: World, work: Work, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_limits, "TRIES_PER_DAY", 8)
    elsewhere(client, monkeypatch, OWNER)
    sign_up(client, email="", mobile="07700 900123")
    work()
    elsewhere(client, monkeypatch, STRANGER)
    for _ in range(5):
        sign_up(client, email="", mobile="07700 900123")
    work()
    sent = [line["text"].split("code is ")[1][:6] for line in inbox.lines("sms.jsonl")]
    assert len(sent) == 1 + 3
    wrong = next(code for code in ("000000", "000001", "000002", "000003", "000004") if code not in sent)
    assert {confirm(client, wrong) for _ in range(20)} == {422}
    assert confirm(client, sent[0]) == 422  # what strangers have left is nothing
    elsewhere(client, monkeypatch, OWNER)
    assert confirm(client, wrong) == 422
    assert confirm(client, sent[0]) == 200


def test_new_codes_do_not_bring_tries_without_end(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_limits, "TRIES_PER_DAY", 8)
    sign_up(client, email="", mobile="07700 900123")
    for _ in range(2):
        code = code_for("+447700900123")
        wrong = "000000" if code != "000000" else "000001"
        assert {confirm(client, wrong) for _ in range(4)} == {422}
    assert confirm(client, code) == 422  # it has a try left, and the day has none


def try_code(client: Client, number: str) -> Response:
    return client.post("/confirm-code", data={"mobile": number, "code": "x"}, headers=BROWSER)


def test_a_number_that_waits_for_its_code_is_answered_like_any_other(client: Client, world: World) -> None:
    known, other = (f"07700 900{number:03}" for number in (123, 124))
    sign_up(client, email="", mobile=known)
    code_for("+447700900123")
    client.headers["Accept-Encoding"] = "identity"
    times: dict[str, list[float]] = {known: [], other: []}
    answers = set()
    for number in range(100):
        for mobile in sorted(times, reverse=number % 2 == 0):
            start = time.perf_counter()
            answer = try_code(client, mobile)
            times[mobile].append(time.perf_counter() - start)
            answers.add((answer.status_code, told(answer), answer.text.replace(mobile, "X")))
    assert len(answers) == 1
    assert apart(times[known], times[other]) == ""


def told(answer: Response) -> str:
    """The headers of an answer, but for the request's own id."""
    return str([(name, value) for name, value in answer.headers.items() if name != "x-request-id"])


def ask_for_link(client: Client, address: str) -> Response:
    return client.post("/manage", data={"address": address}, headers=BROWSER)


def ask_to_sign_up(client: Client, address: str) -> Response:
    return sign_up(client, email=address)


@pytest.mark.parametrize("times", [60, pytest.param(400, marks=pytest.mark.long)])
@pytest.mark.parametrize("ask", [ask_for_link, ask_to_sign_up])
def test_known_and_unknown_addresses_get_the_same_answer_in_the_same_time(
    client: Client, world: World, ask: Callable[[Client, str], Response], times: int
) -> None:
    add_residents(world, [f"known-{number:03}@example.org" for number in range(times)])
    client.headers["Accept-Encoding"] = "identity"  # the address stands in the answer, and packs as it likes
    for number in range(5):
        ask(client, f"first-{number}@example.org")
    taken: dict[str, list[float]] = {"known": [], "other": []}
    answers: set[tuple[object, ...]] = set()
    for number in range(times):
        for kind in sorted(taken, reverse=number % 2 == 0):  # neither always has the other's warmth
            address = f"{kind}-{number:03}@example.org"
            start = time.perf_counter()
            answer = ask(client, address)
            taken[kind].append(time.perf_counter() - start)
            answers.add((answer.status_code, told(answer), answer.text.replace(address, "X")))
    assert len(answers) == 1
    assert apart(taken["known"], taken["other"]) == ""


def test_two_sign_ups_at_once_are_answered_alike_whoever_has_the_address(client: Client, world: World) -> None:
    add_resident(world, "known@example.org")
    for address in ("known@example.org", "other@example.org"):
        with ThreadPoolExecutor(6) as threads:
            answers = [threads.submit(sign_up, client, email=address) for _ in range(6)]
        assert {answer.result().status_code for answer in answers} == {200}, address


def test_nothing_remains_of_what_was_done_for_its_time_alone(client: Client, world: World) -> None:
    add_resident(world, "known@example.org", phone="07700 900123")
    sign_up(client, email="known@example.org", mobile="07700 900123")
    with transaction() as session:
        assert len(session.exec(select(Subscriber)).all()) == 1
        assert len(session.exec(select(Contact)).all()) == 2


def test_the_job_of_a_strangers_request_finds_nothing_to_do(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    client.post("/manage", data={"address": "stranger@example.org"})
    work()
    assert inbox.messages() == []
    assert notices() == []
