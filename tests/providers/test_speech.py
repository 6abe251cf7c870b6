"""Plain words become SSML that every parser reads and that says the same, and a recording where espeak-ng is."""

import io
import shutil
import wave
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.providers import speech
from notify.providers.speech import fitting, preview, sentences, to_ssml

MARKUP = st.text(alphabet="<>&\"'/;! sayx-0149.\n[]", max_size=200)
NUMBERS = st.from_regex(r"([Rr]ing |[A-Z]{1,2}[0-9]|\+44 ?|0[1-9]| |\(|\)|-|[0-9]{3,5}|\.){1,12}", fullmatch=True)
ANY_TEXT = st.one_of(MARKUP, NUMBERS, st.text(max_size=300))


def heard(ssml: str) -> str:
    """What a parser makes of the markup: its words alone."""
    root = ElementTree.fromstring(f"<speak>{ssml}</speak>")
    return " ".join("".join(element.itertext()) for element in root)


def written(text: str) -> str:
    """The words of a text that XML can hold, with single spaces."""
    return " ".join(
        "".join(
            one
            for one in text
            if one in "\t\n\r" or " " <= one <= "\ud7ff" or "\ue000" <= one <= "\ufffd" or one > "\uffff"
        ).split()
    )


@given(text=ANY_TEXT)
def test_any_text_becomes_xml_that_says_the_same(text: str) -> None:
    said = sentences(text)
    assert heard("".join(to_ssml(one) for one in said)) == written(text)
    assert all("\n" not in one and one == one.strip() != "" for one in said)


@given(text=ANY_TEXT, limit=st.integers(min_value=0, max_value=400))
def test_what_fits_is_the_beginning_of_the_text_within_the_limit(text: str, limit: int) -> None:
    ssml, is_all = fitting(text, limit)
    assert len(ssml.encode()) <= limit
    assert written(text).startswith(heard(ssml)) if ssml else True
    assert is_all == (heard(ssml) == written(text) if ssml else not sentences(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Road closed. On Sunday! Why? Works.", ["Road closed.", "On Sunday!", "Why?", "Works."]),
        ("St. Mary’s Hall opens at 2.30pm.", ["St. Mary’s Hall opens at 2.30pm."]),
        ("Anytown Council. Flood.\n\nGo to:\n- the school\n- the hall", None),
        ("Ffordd ar gau. Ŵyl y pentref.", ["Ffordd ar gau.", "Ŵyl y pentref."]),
        ("  \n ", []),
    ],
)
def test_sentences_end_where_people_would_pause(text: str, said: list[str] | None) -> None:
    assert sentences(text) == (
        ["Anytown Council.", "Flood.", "Go to:", "- the school", "- the hall"] if said is None else said
    )


def digits(words: str) -> str:
    return f'<say-as interpret-as="digits">{words}</say-as>'


def letters(words: str) -> str:
    return f'<say-as interpret-as="characters">{words}</say-as>'


@pytest.mark.parametrize(
    ("sentence", "ssml"),
    [
        ("Ring 01632 960 001.", f"Ring {digits('01632')} {digits('960')} {digits('001')}."),
        ("Text 07700900001 now", f"Text {digits('07700900001')} now"),
        ("(020) 7946 0018", f"({digits('020')}) {digits('7946')} {digits('0018')}"),
        ("+44 1632 960001", f"+{digits('44')} {digits('1632')} {digits('960001')}"),
        ("+44 (0)1632 960001", f"+{digits('44')} ({digits('0')}){digits('1632')} {digits('960001')}"),
        ("In LD1 5AA and M11AE.", f"In {letters('LD1')} {letters('5AA')} and {letters('M11AE')}."),
        ("In danger ring 999 or 101", f"In danger ring {digits('999')} or {digits('101')}"),
        ("Ffoniwch 105", f"Ffoniwch {digits('105')}"),
        ("Closed at 111 High Street", "Closed at 111 High Street"),
        ("From 01-02-2026 to 10:00, ref 0123", "From 01-02-2026 to 10:00, ref 0123"),
        ("a1 2bc is no postcode", "a1 2bc is no postcode"),
        ("Fish & <chips>", "Fish &amp; &lt;chips&gt;"),
    ],
)
def test_numbers_and_postcodes_are_read_one_by_one(sentence: str, ssml: str) -> None:
    assert to_ssml(sentence) == f"<s>{ssml}</s>"


def test_a_long_text_ends_with_a_whole_sentence_and_a_long_sentence_with_a_whole_word() -> None:
    assert fitting("One. Two. Three.", 25) == ("<s>One.</s><s>Two.</s>", False)
    assert fitting("One two three four", 19) == ("<s>One two</s>", False)
    assert fitting("Llanfairpwllgwyngyll", 12) == ("<s>Llanf</s>", False)
    assert fitting("&&&&", 12) == ("<s>&amp;</s>", False)
    assert fitting("One.", 3) == ("", False)


def test_a_recording_is_made_where_espeak_ng_is_installed() -> None:
    recording = preview("Mae’r ffordd ar gau. Tŷ.", "cy")
    if shutil.which("espeak-ng") is None:
        assert recording is None
        return
    assert recording is not None
    with wave.open(io.BytesIO(recording)) as sound:
        assert sound.getnframes() > sound.getframerate()


def a_program(folder: Path, lines: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something by the name of espeak-ng, the first on the path."""
    (folder / "espeak-ng").write_text(f"#!/bin/sh\n{lines}\n")
    (folder / "espeak-ng").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_words_go_by_stdin_and_a_recording_from_a_pipe_learns_its_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = io.BytesIO()
    with wave.open(pipe, "wb") as sound:
        sound.setparams((1, 2, 22050, 0, "NONE", ""))
        sound.writeframes(b"\0" * 2000)
    head = bytearray(pipe.getvalue())
    head[4:8] = head[40:44] = b"\xff\xff\xff\x7f"  # as espeak-ng writes when it does not know
    (tmp_path / "sound").write_bytes(bytes(head))
    a_program(tmp_path, f'echo "$@" > {tmp_path}/told; cat > {tmp_path}/heard; cat {tmp_path}/sound', monkeypatch)
    recording = preview("--help; $(id)\nTŷ.", "cy")
    assert recording == pipe.getvalue()
    assert (tmp_path / "heard").read_text() == "--help; $(id)\nTŷ."
    assert (tmp_path / "told").read_text() == "-v cy -s 150 --stdin --stdout\n"
    preview("x", "pl")
    assert (tmp_path / "told").read_text().startswith("-v en-gb ")


@pytest.mark.parametrize("lines", ["exit 1", "echo no sound", "sleep 5", "printf RIFF; exit 2"])
def test_a_program_that_fails_makes_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    monkeypatch.setattr(speech, "PREVIEW_S", 0.3)
    a_program(tmp_path, lines, monkeypatch)
    assert preview("Road closed.", "en") is None


def test_without_the_program_there_is_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert preview("Road closed.", "en") is None
