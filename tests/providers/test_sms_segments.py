"""Parts of a text, counted as 3GPP TS 23.038 and 23.040 say, against a slow model that packs real bits and bytes."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.providers.sms_segments import BASIC, EXTENSION, Segments, advice, count, first_wide

# the tables of TS 23.038, written down once more by their codes
DEFAULT_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
ESCAPED = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|"} | {
    0x65: "€"
}
SEPTETS = {character: bytes([code]) for code, character in enumerate(DEFAULT_ALPHABET) if character != "\x1b"} | {
    character: bytes([0x1B, code]) for code, character in ESCAPED.items()
}
HEADER_BYTES, PAYLOAD_BYTES = 6, 140

GSM_TEXT = st.text(alphabet=sorted(SEPTETS), max_size=700)
WELSH_TEXT = st.text(alphabet=string.ascii_letters + " €^ŵŷâêîôûŴŶ’😀", max_size=300)
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300)


def modelled(text: str) -> tuple[str, int, list[bytes]]:
    """The encoding, its size in units, and each part's user data, packed one character after another."""
    is_gsm = all(character in SEPTETS for character in text)
    coded = [SEPTETS[one] if is_gsm else one.encode("utf-16-be") for one in text]
    unit = 1 if is_gsm else 2
    capacity = PAYLOAD_BYTES * 8 // 7 if is_gsm else PAYLOAD_BYTES
    size = sum(map(len, coded))
    if size > capacity:
        capacity = (PAYLOAD_BYTES - HEADER_BYTES) * 8 // 7 if is_gsm else PAYLOAD_BYTES - HEADER_BYTES
    parts = [b""]
    for one in coded:
        if len(parts[-1]) + len(one) > capacity:
            parts.append(b"")
        parts[-1] += one
    return ("GSM-7" if is_gsm else "UCS-2"), size // unit, parts


def test_the_alphabet_is_the_standards() -> None:
    assert len(DEFAULT_ALPHABET) == 128
    assert frozenset(DEFAULT_ALPHABET) - {"\x1b"} == BASIC
    assert frozenset(ESCAPED.values()) == EXTENSION


@given(text=st.one_of(GSM_TEXT, WELSH_TEXT, ANY_TEXT))
def test_every_text_is_counted_as_it_would_be_packed(text: str) -> None:
    encoding, size, parts = modelled(text)
    counted = count(text)
    assert (counted.encoding, counted.characters, counted.segments) == (encoding, size, len(parts))
    assert counted.forcing == tuple(dict.fromkeys(one for one in text if one not in SEPTETS))
    room = counted.room * (1 if encoding == "GSM-7" else 2)
    full = {("GSM-7", True): 160, ("GSM-7", False): 153, ("UCS-2", True): 140, ("UCS-2", False): 134}
    assert len(parts[-1]) + room == full[encoding, len(parts) == 1]


@given(text=st.one_of(GSM_TEXT, WELSH_TEXT))
def test_what_fits_in_the_room_makes_no_new_part_and_one_more_does(text: str) -> None:
    counted = count(text)
    filler = "a"
    assert count(text + filler * counted.room).segments == counted.segments
    assert count(text + filler * (counted.room + 1)).segments > counted.segments


@given(text=st.one_of(GSM_TEXT, WELSH_TEXT, ANY_TEXT))
def test_the_parts_without_are_those_of_the_text_in_letters_that_gsm_has(text: str) -> None:
    counted = count(text)
    assert counted.segments_without == len(modelled("".join(one if one in SEPTETS else "y" for one in text))[2])


@pytest.mark.parametrize(
    ("text", "encoding", "characters", "segments", "room"),
    [
        ("", "GSM-7", 0, 1, 160),
        ("a" * 160, "GSM-7", 160, 1, 0),
        ("a" * 161, "GSM-7", 161, 2, 145),
        ("a" * 306, "GSM-7", 306, 2, 0),
        ("a" * 307, "GSM-7", 307, 3, 152),
        ("€" * 80, "GSM-7", 160, 1, 0),
        ("a" * 152 + "€" + "a" * 10, "GSM-7", 164, 2, 141),  # the pair does not fit in the last place of part one
        ("ŷ" * 70, "UCS-2", 70, 1, 0),
        ("ŷ" * 71, "UCS-2", 71, 2, 63),
        ("ŷ" * 66 + "😀" + "ŷ" * 3, "UCS-2", 71, 2, 62),  # nor do two halves of an emoji
        ("\x1b", "UCS-2", 1, 1, 69),  # the escape by itself is no character of the alphabet
    ],
)
def test_a_text_at_the_edge_of_a_part(text: str, encoding: str, characters: int, segments: int, room: int) -> None:
    counted = count(text)
    assert (counted.encoding, counted.characters, counted.segments, counted.room) == (
        encoding,
        characters,
        segments,
        room,
    )


@pytest.mark.parametrize("letter", "ŵŷŴŶâêîôûÂÊÎÔÛáíóúïÁÍÓÚÏÀÈÌÒÙ’–ç")
def test_letters_that_welsh_needs_and_gsm_lacks(letter: str) -> None:
    assert count(f"T{letter}").forcing == (letter,)


@pytest.mark.parametrize("letter", "àèìòùéöäüÉÖÄÜÇ£'-")
def test_letters_that_cost_nothing_extra(letter: str) -> None:
    assert count(f"T{letter}").encoding == "GSM-7"


def test_the_advice_names_the_letter_and_what_it_costs() -> None:
    text = "Mae'r ffordd i'r tŷ ar gau rhwng naw a phump. Dilynwch yr arwyddion, os gwelwch yn dda."
    assert advice(count(text)) == "The “ŷ” makes this text cost 2 parts instead of 1."


@pytest.mark.parametrize(
    ("characters", "named"),
    [
        ("ŵŷ", "“ŵ” and “ŷ” make"),
        ("ŵŷâ", "“ŵ”, “ŷ” and “â” make"),
        ("ŵŷâêîô", "“ŵ”, “ŷ”, “â”, “ê”, “î” and “ô” make"),
        ("ŵŷâêîôû", "“ŵ”, “ŷ”, “â”, “ê”, “î” and 2 other characters make"),
        ("\u200b", "zero width space (U+200B) makes"),
        ("\u00a0", "no-break space (U+00A0) makes"),
        ("\u0302", "combining circumflex accent (U+0302) makes"),
        ("\x00", "character (U+0000) makes"),
        ("\ud800", "character (U+D800) makes"),
    ],
)
def test_the_advice_names_what_cannot_be_seen_and_not_more_than_can_be_read(characters: str, named: str) -> None:
    assert advice(count(characters + "a" * 150)) == f"The {named} this text cost 3 parts instead of 1."


@pytest.mark.parametrize("text", ["", "a" * 500, "Tŷ", "ŷ" * 70])
def test_there_is_no_advice_where_nothing_would_be_saved(text: str) -> None:
    assert advice(count(text)) == ""


def test_what_is_counted_is_plain_to_compare() -> None:
    assert count("tŷ") == Segments("UCS-2", 2, 1, ("ŷ",), 68, 1)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (
            "Use Coldham’s Lane",
            "The “’” after “Use Coldham” makes a part hold 70 characters instead of 160 (UCS-2). Write '",
        ),
        ("One\nŴyl y Bont", "The “Ŵ” at the beginning of a line makes a part hold 70 characters"),
        ("a\u00a0b", "The no-break space (U+00A0) after “a” makes a part hold 70 characters"),
        ("flood 🌊 now", "Leave it out to keep the text short."),
        ("Bridge – closed", "Write - instead."),
        ("Привет", "(UCS-2)."),
    ],
)
def test_the_first_character_that_makes_a_text_ucs_2_is_found_and_replaced(words: str, hint: str) -> None:
    assert hint in first_wide(words)


def test_a_text_of_plain_letters_gets_no_hint() -> None:
    assert first_wide("Mill Road is closed. £5 [A] {B} €") == ""
