"""Residents text us: for help, what they get, another postcode, to answer an emergency, and what nobody can read."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text
from sqlmodel import select

from notify.cli import main
from notify.core.db import transaction
from notify.deliveries.receipts import take_news
from notify.providers.base import Channel, Inbound
from notify.subscribers.inbound_texts.keywords import Keyword, SafetyAnswer, asked_for, safety_answer
from notify.subscribers.inbound_texts.stop_words import Wish, wish_of
from notify.subscribers.models import Place
from tests import moments
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.subscribers.places import NEAR, UNKNOWN
from tests.world import World, add_resident, make_other_council, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
PHONE, NUMBER = "07700 900201", "+447700900201"
ASKS = {"topic": "emergencies", "priority": "emergency", "asks_reply": True, "sms": "Leave now.", "channels": ["sms"]}


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def says(words: str, number: str = NUMBER) -> int:
    with transaction() as session:
        return take_news(session, [Inbound(Channel.SMS, number, words)], provider="file")


@pytest.fixture
def hears(work: Work, inbox: Mailbox) -> Callable[[str], list[str]]:
    """What comes back when the resident writes this."""

    def answer(words: str) -> list[str]:
        inbox.empty()
        says(words)
        work()
        return [line["text"] for line in inbox.lines("sms.jsonl")]

    return answer


def postcodes() -> list[str]:
    with transaction() as session:
        return list(session.exec(select(Place.postcode)).all())


BITS = st.sampled_from(
    ["", " ", ".", "!", "!!", "?", "…", "\n", " 🛑", "🙏", " \u200d", "\ufe0f", "'", "“", "”", " - ", "\u200b"]
)
BEFORE = st.sampled_from(["", "please ", "Pls ", "hi ", "Hello, ", "can you ", "I want to ", "os gwelwch yn dda "])
AFTER = st.sampled_from(
    ["", " please", " now", " thanks", " thank you", " all", " texting me", " diolch", " it", " STOP"]
)
STOPS = st.sampled_from(
    ["stop", "STOP", "Stop", "sToP", "ＳＴＯＰ", "S T O P", "S.T.O.P.", "stopp", "Stpo", "s\u200btop"]
)
WORDS = st.lists(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789 .,", max_size=12), max_size=5).map(" ".join)


@given(before=BEFORE, stop=STOPS, after=AFTER, first=BITS, last=BITS)
@settings(max_examples=300, deadline=None)
def test_a_stop_is_never_missed(before: str, stop: str, after: str, first: str, last: str) -> None:
    assert wish_of(first + before + stop + after + last) is Wish.STOP


@given(stop=st.sampled_from(["stop", "Stop.", "STOP!"]), rest=WORDS)
@settings(max_examples=200, deadline=None)
def test_what_begins_with_stop_is_obeyed_or_answered_with_how_to(stop: str, rest: str) -> None:
    assert wish_of(f"{stop} {rest}") in (Wish.STOP, Wish.UNSURE)


@pytest.mark.parametrize(
    ("words", "keyword"),
    [
        *((words, Keyword.HELP) for words in ("HELP", "help!", "Help please", "cymorth", "CYMORTH.")),
        *((words, Keyword.INFO) for words in ("Info", "INFO?", "gwybodaeth")),
        *((words, Keyword.YES) for words in ("yes", "Yes please", "IE", "ie, diolch")),
        *((words, Keyword.NO) for words in ("no", "No thanks", "na")),
        *(
            (words, Keyword.POSTCODE)
            for words in ("zz1 1aa", "ZZ11AA.", "My new postcode is ZZ1 1AA", "Moved to zz1 1aa")
        ),
        *((words, Keyword.POSTCODE) for words in ("fy nghod post newydd yw ZZ1 1AA",)),
        *((words, Keyword.NOTHING) for words in ("", "🙂", "help the bins", "ZZ1 1AA has no bins", "where is ZZ1")),
    ],
)
def test_keywords_are_read_in_english_and_welsh(words: str, keyword: Keyword) -> None:
    assert asked_for(words).keyword is keyword


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        *((words, SafetyAnswer.SAFE) for words in ("1", "Safe", "I'm safe", "we are all safe thanks", "Yes I am safe")),
        *((words, SafetyAnswer.SAFE) for words in ("Diogel", "Rydw i'n ddiogel", "Dwi’n saff", "All ok here")),
        *(
            (words, SafetyAnswer.HELP)
            for words in ("2", "HELP", "I need help", "need help now please", "trapped upstairs")
        ),
        *(
            (words, SafetyAnswer.HELP)
            for words in ("Angen help", "cymorth", "not safe", "We are not safe", "ddim yn saff")
        ),
        *((words, None) for words in ("ok?? what flood", "who is this", "don't need help", "", "is Ann safe?", "12")),
        *((words, None) for words in ("Am I safe?", "Are we safe here", "Is everyone ok?", "No safe", "na diogel")),
        ("dim yn saff", SafetyAnswer.HELP),
    ],
)
def test_answers_to_are_you_safe_are_read(words: str, answer: SafetyAnswer | None) -> None:
    assert safety_answer(words) is answer


def test_help_and_info_say_how_it_works_and_what_they_get(world: World, hears: Callable[[str], list[str]]) -> None:
    add_resident(world, phone=PHONE, topics=["bins", "road-closures"])
    [told] = hears("Help?")
    assert told.startswith("Zed Council: Reply STOP to end texts, INFO to see what you get, or your new postcode")
    [told] = hears("INFO")
    assert told.startswith("Zed Council: You get Bin collections, Road closures (ZZ1 1AA). http")


def test_a_welsh_reader_is_answered_in_welsh(world: World, hears: Callable[[str], list[str]]) -> None:
    add_resident(world, phone=PHONE, language="cy")
    assert hears("CYMORTH")[0].startswith("Zed Council: Atebwch STOP i orffen, INFO i weld beth a gewch")
    assert hears("ZZ2 1AA") == [
        "Zed Council: Symud eich rhybuddion i ZZ2 1AA? Atebwch IE o fewn diwrnod. Os na, peidiwch ag ateb."
    ]
    hears("ie")
    assert postcodes() == ["ZZ21AA"]


def test_a_postcode_moves_house_after_a_yes(world: World, hears: Callable[[str], list[str]]) -> None:
    add_resident(world, phone=PHONE)
    assert hears("We moved to zz2 1aa!") == [
        "Zed Council: Move your alerts to ZZ2 1AA? Reply YES within a day. If not, do nothing."
    ]
    assert postcodes() == ["ZZ11AA"]
    [done] = hears("Yes please")
    assert done.startswith("Zed Council: Your alerts are now for ZZ2 1AA. Not you? Change it: http")
    assert postcodes() == ["ZZ21AA"]
    assert hears("yes") == []  # there is no question any more


def test_no_a_day_and_another_postcode_each_end_the_question(world: World, hears: Callable[[str], list[str]]) -> None:
    add_resident(world, phone=PHONE)
    hears("ZZ2 1AA")
    assert hears("no") == []
    hears("YES")
    assert postcodes() == ["ZZ11AA"]
    hears("ZZ2 1AA")
    moments.ahead(days=1, minutes=1)
    hears("YES")
    assert postcodes() == ["ZZ11AA"]


@pytest.mark.parametrize("postcode", [NEAR, UNKNOWN, "ZZ8 1AA"])
def test_where_a_text_is_not_enough_the_answer_leads_to_the_page(
    world: World, hears: Callable[[str], list[str]], postcode: str
) -> None:
    add_resident(world, phone=PHONE)
    [told] = hears(postcode)
    assert told.startswith("Zed Council: We cannot move your alerts there by text. Change your postcode: http")
    hears("YES")
    assert postcodes() == ["ZZ11AA"]


def test_several_places_are_not_moved_by_text(world: World, hears: Callable[[str], list[str]]) -> None:
    add_resident(world, phone=PHONE, postcodes=["ZZ1 1AA", "ZZ2 1AA"])
    assert "by text" in hears("ZZ1 1AB")[0] or "by text" in hears("ZZ2 1AA")[0]
    assert sorted(postcodes()) == ["ZZ11AA", "ZZ21AA"]


def test_a_text_answers_the_emergency_that_asked(
    client: Client, world: World, work: Work, hears: Callable[[str], list[str]]
) -> None:
    add_resident(world, phone=PHONE, topics=["emergencies"])
    assert hears("HELP")[0].startswith("Zed Council: Reply STOP to end texts")  # nothing is asked yet
    alert = created(client, world.headers, send=True, **ASKS)
    work()
    assert hears("Help!") == [
        "Zed Council: We have noted that you need help. This does not call anyone. In danger? Call 999 now."
    ]
    for thanks in ("Ok thanks", "fine", "iawn"):
        hears(thanks)
        assert answers() == [(alert["id"], "help")]  # nobody who thanks us is safe by that
    assert hears("we're all safe now")[0].startswith("Zed Council: Thank you. We have noted that you are safe.")
    assert answers() == [(alert["id"], "safe")]


def answers() -> list[tuple[str, str]]:
    with transaction() as session:
        return [tuple(one) for one in session.execute(text("SELECT alert_id::text, answer FROM reply"))]


def test_a_number_that_stopped_moves_nothing(world: World, hears: Callable[[str], list[str]]) -> None:
    add_resident(world, phone=PHONE)
    hears("ZZ2 1AA")
    hears("STOP")
    hears("YES")  # which means to get texts again
    assert postcodes() == ["ZZ11AA"]
    hears("STOP")
    assert hears("ZZ2 1AA") == []
    hears("YES")
    assert postcodes() == ["ZZ11AA"]


def test_every_address_is_told_where_a_place_was_moved_to(
    world: World, hears: Callable[[str], list[str]], inbox: Mailbox
) -> None:
    add_resident(world, "ann@example.org", phone=PHONE)
    hears("ZZ2 1AA")
    hears("YES")
    assert "ZZ2 1AA" in inbox.messages()[-1].as_string()


def test_what_cannot_be_read_gets_one_answer_a_day(world: World, hears: Callable[[str], list[str]]) -> None:
    add_resident(world, phone=PHONE)
    assert hears("Who is this?") == [
        "Zed Council: Sorry, we cannot read that. Nobody reads replies. Reply STOP to end texts, HELP for more."
    ]
    assert hears("Hello??") == []
    moments.ahead(days=1, minutes=1)
    assert len(hears("Who is this?")) == 1


def test_two_councils_that_share_a_number_answer_it_once(
    client: Client, world: World, work: Work, hears: Callable[[str], list[str]]
) -> None:
    far = make_other_council()
    add_resident(world, phone=PHONE)
    add_resident(far, phone=PHONE, topics=["potholes"])
    created(client, far.headers, topic="potholes", channels=["sms"], send=True)
    work()
    assert [said.partition(":")[0] for said in hears("What?")] == ["Far Council"]
    assert hears("What then?") == []


@pytest.mark.parametrize("words", ["HELP", "INFO", "ZZ2 1AA", "YES", "safe", "What?"])
def test_numbers_that_nobody_has_or_confirmed_are_told_nothing(
    world: World, hears: Callable[[str], list[str]], words: str
) -> None:
    assert hears(words) == []
    add_resident(world, phone=PHONE, confirm=True)
    hears("")  # the code that confirms the number
    assert hears(words) == []


def test_a_number_that_stopped_is_not_answered(world: World, hears: Callable[[str], list[str]]) -> None:
    add_resident(world, phone=PHONE)
    assert hears("STOP") == []
    assert hears("INFO") == []
    hears("START")
    assert len(hears("INFO")) == 1


def test_the_command_takes_a_text_as_a_provider_would(world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, phone=PHONE)
    told = CliRunner().invoke(main, ["sms", "receive", PHONE, "who", "is", "this"], obj=None)
    assert (told.exit_code, told.output.split(".")[0]) == (0, "Taken"), told.output
    work()
    assert len(inbox.lines("sms.jsonl")) == 1
    again = CliRunner().invoke(main, ["sms", "receive", "07700 900999", "HELP"])
    assert again.output.startswith("Nothing was done")
