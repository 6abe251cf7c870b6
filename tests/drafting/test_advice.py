"""Advice on words: what is hard, missing, or not a council's to say."""

from datetime import date

import pytest

from notify.drafting.placeholders import filled, names_in
from notify.drafting.wording_advice import advise, reading_age

ELECTION = (date(2027, 3, 22), date(2027, 5, 6))
GOOD = (
    "Mill Road closed on Sunday",
    "Mill Road is closed from 8am to 6pm on Sunday. Use Coldham’s Lane. Buses do too.",
)
EASY = "The road is shut on Sunday. Go by the park. The bus goes that way too."
HARD = (
    "Subsequent to the commencement of infrastructural remediation, vehicular accessibility will be considerably "
    "restricted notwithstanding the availability of alternative transportation arrangements throughout the locality."
)


def about(title: str, body: str, day: date = date(2027, 1, 10)) -> set[str]:
    return {one.about for one in advise(title, body, on=day, election=ELECTION)}


def test_a_good_alert_has_nothing_to_mend() -> None:
    assert about(*GOOD) == set()


def test_easy_words_are_for_the_young_and_hard_ones_for_nobody() -> None:
    easy, hard = reading_age(EASY), reading_age(HARD)
    assert easy is not None
    assert hard is not None
    assert easy <= 9 < 20 < hard
    assert reading_age("Too short to say.") is None


@pytest.mark.parametrize(
    ("title", "body", "missing"),
    [
        ("News", "Mill Road is closed on Sunday. Use the bus.", "What"),
        ("The bridge is closed", "it is closed on sunday. use the bus.", "Where"),
        ("Mill Road closed to all", "Mill Road is closed. Use the bus.", "When"),
        ("Mill Road closed on Sunday", "Mill Road is closed on Sunday.", "What to do"),
        (GOOD[0], GOOD[1] + " We are proud of it.", "Neutral"),
        (GOOD[0], GOOD[1] + " Labour did it.", "Neutral"),
        (GOOD[0], GOOD[1] + " Please be advised.", "Plain words"),
    ],
)
def test_what_is_missing_or_wrong_is_named(title: str, body: str, missing: str) -> None:
    assert about(title, body) == {missing}


def test_before_an_election_everything_is_looked_at_twice() -> None:
    assert about(*GOOD, date(2027, 4, 1)) == {"Election"}
    assert about(*GOOD, date(2027, 5, 7)) == set()


def test_names_in_double_brackets_are_found_once_and_filled() -> None:
    texts = ["((road)) closed", "((road)) is closed from (( time )). ((Road))", "(not this)"]
    assert names_in(texts) == ["road", "time", "Road"]
    assert filled(texts[1], {"road": "Mill Road", "time": "8am"}) == "Mill Road is closed from 8am. ((Road))"
    assert filled("((a))", {"a": "((b))"}) == "((b))"  # once, not again and again
