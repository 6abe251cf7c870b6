"""Postcodes as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.places.postcodes import (
    PostcodeNotServed,
    PostcodeNotValid,
    canonical,
    in_sector,
    is_sector,
    normalise,
    sector_key,
    sector_of,
)

keys = st.from_regex(r"[A-Z]{1,2}[0-9][0-9A-Z]?[0-9][A-Z]{2}", fullmatch=True)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("CB1 2EX", "CB12EX"),
        ("  cb1   2ex\n", "CB12EX"),
        ("c b 1 2 e x", "CB12EX"),
        ("CB1\u00a02EX.", "CB12EX"),
        ("ＣＢ１ ２ＥＸ", "CB12EX"),
        ("M1 1AE", "M11AE"),
        ("B33 8TH", "B338TH"),
        ("CR2 6XH", "CR26XH"),
        ("DN55 1PT", "DN551PT"),
        ("W1A 1HQ", "W1A1HQ"),
        ("EC1A 1BB", "EC1A1BB"),
        ("ZZ1 1AA", "ZZ11AA"),
        ("(ZZ1 1AA)", "ZZ11AA"),
        ("[zz1 1aa]", "ZZ11AA"),
        ("“ZZ1 1AA”", "ZZ11AA"),
        ("'ZZ1 1AA';", "ZZ11AA"),
        ("ZZ1\u00ad 1\u200bA\u2060A\u202c", "ZZ11AA"),
        ("\u2066ZZ1\u202f1AA\u2069\ufeff", "ZZ11AA"),
        ("ZZ1–1AA", "ZZ11AA"),
    ],
)
def test_common_ways_of_typing_give_one_key(typed: str, key: str) -> None:
    assert normalise(typed) == key


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("CB1 OAH", "CB10AH"),
        ("cb1 iah", "CB11AH"),
        ("0X1 1AA", "OX11AA"),
        ("1P1 1AA", "IP11AA"),
        ("ZZI 1AB", "ZZ11AB"),
        ("zzi iab", "ZZ11AB"),
        ("SWIA 1AA", "SW1A1AA"),
        ("WIA OAX", "W1A0AX"),
        ("CBIO 1AA", "CB101AA"),
        ("MI IAE", "M11AE"),
    ],
)
def test_a_slip_between_letter_and_digit_is_mended_where_only_one_reading_is_possible(typed: str, key: str) -> None:
    assert normalise(typed) == key


def test_an_o_that_may_be_meant_is_left_alone() -> None:
    assert normalise("CO1 1AA") == "CO11AA"
    assert normalise("W1O 1AA") == "W1O1AA"


@pytest.mark.parametrize(
    "typed",
    ["", " ", "CB1", "CB1 2", "CB1 2E", "CB1 2EXX", "CCB1 2EX", "12345", "CB1 22X", "Mill Road", "ß1 2AB", "CB1 2É"],
)
def test_anything_else_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(PostcodeNotValid, match="CB1 2EX"):
        normalise(typed)


def test_a_long_text_is_not_repeated_in_full() -> None:
    with pytest.raises(PostcodeNotValid) as refused:
        normalise("x" * 10_000)
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("JE2 4WD", "Jersey"),
        ("gy1 1aa", "Guernsey"),
        ("(IM1 1AA)", "the Isle of Man"),
        ("BFPO 801", "BFPO"),
        ("BFPO c/o 12", "BFPO"),
        ("BF1 2AT", "BFPO"),
    ],
)
def test_places_that_no_council_covers_get_a_sentence_of_their_own(typed: str, why: str) -> None:
    with pytest.raises(PostcodeNotServed, match=why):
        normalise(typed)


@given(keys.filter(lambda key: key[:2] not in ("JE", "GY", "IM", "BF")))
def test_the_printed_form_reads_back(key: str) -> None:
    assert normalise(canonical(key)) == key
    assert normalise(canonical(key).lower()) == key


@given(st.text())
def test_any_text_gives_a_key_or_a_refusal(text: str) -> None:
    try:
        key = normalise(text)
    except PostcodeNotValid:
        return
    assert normalise(key) == key


@given(keys)
def test_a_postcode_lies_in_its_own_sector(key: str) -> None:
    sector = sector_of(key)
    assert is_sector(sector)
    assert in_sector(key, sector_key(sector))


@given(keys, keys)
def test_only_postcodes_of_the_same_sector_match_it(one: str, other: str) -> None:
    assert in_sector(one, sector_key(sector_of(other))) == (sector_of(one) == sector_of(other))


def test_sector_cb1_2_does_not_reach_into_cb12() -> None:
    assert sector_of("CB12EX") == "CB1 2"
    assert sector_of("CB122EX") == "CB12 2"
    assert sector_key(" cb1  2 ") == "CB12"
    assert not in_sector("CB122EX", "CB12")


def test_an_outward_code_is_not_a_sector() -> None:
    assert not is_sector("CB12")
    assert not is_sector("CB1 2EX")
    with pytest.raises(PostcodeNotValid, match="with the space"):
        sector_key("CB12")
