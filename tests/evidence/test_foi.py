"""A pack answers every question under both numberings, and every figure is what the ledger itself says."""

import csv
import html
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.cli import main
from notify.core import clock
from notify.core.db import transaction
from notify.demo import council as demo_council
from notify.demo import history as demo_history
from notify.devserver import embedded
from notify.evidence.answer import Status
from notify.evidence.formats import Form, as_file, as_json
from notify.evidence.pack import Pack, make_pack
from notify.evidence.questions import QUESTIONS, SECTIONS, Numbering, ordered
from notify.exports.file_formats import Format
from notify.exports.models import Rhythm
from notify.exports.schedules import Plan, begin, remove
from notify.staff.models import Officer, Role
from notify.staff.queries import council_by_slug
from tests.conftest import empty_database
from tests.evidence.direct import ELSEWHERE, query_for

Client = TestClient[Litestar]


@pytest.fixture(scope="module")
def packs(servers: embedded.Addresses) -> Iterator[dict[Numbering, Pack]]:
    """A year of the invented council under both numberings; its database stays until the last test of this module."""
    demo_council.set_up(lambda _words: None)
    demo_history.fill(lambda _words: None)
    until = clock.now().date()
    with transaction() as session:
        council = council_by_slug(session, demo_council.COUNCIL)
        assert council is not None
        session.add(Officer(council_id=council.id, email="figures@zedholm.example", name="Sam", role=Role.VIEWER))
    with transaction() as session:
        for what in ("report", "alerts", "topics"):
            plan = Plan(what, Format.CSV, Rhythm.WEEKLY, emails=["figures@zedholm.example"])
            begun = begin(session, council_id=council.id, actor="demo", plan=plan)
        remove(session, begun, actor="demo")
    with transaction() as session:
        yield {
            numbering: make_pack(session, council, numbering=numbering, since=until - timedelta(days=364), until=until)
            for numbering in Numbering
        }
    empty_database()


@pytest.mark.parametrize("numbering", list(Numbering))
def test_all_questions_of_section_one_are_answered(packs: dict[Numbering, Pack], numbering: Numbering) -> None:
    entries = [entry for entry in packs[numbering].entries if entry.question.section == "1"]
    assert {entry.question.number for entry in entries} == {f"1.{n}" for n in range(1, 42)}
    for entry in entries:
        assert entry.answer.words
        if entry.answer.status == Status.NOT_HELD:
            assert entry.answer.words.startswith("Not held. ")
        else:
            assert entry.answer.figures or entry.answer.status == Status.PARTLY
    answered = sum(entry.answer.status != Status.NOT_HELD for entry in entries)
    assert answered >= 34


def test_every_figure_is_what_a_direct_query_says(packs: dict[Numbering, Pack]) -> None:
    pack = packs[Numbering.CA440]
    wrong, asked = [], 0
    with transaction() as session:
        council = session.execute(text("SELECT id FROM council")).scalar_one()
        for entry in pack.entries:
            for figure in entry.answer.figures:
                found: Any
                if figure.key in ELSEWHERE:
                    found = ELSEWHERE[figure.key]()
                else:
                    statement, part = query_for(figure.key)
                    values = {"council": council, "since": pack.since, "until": pack.until, "part": part}
                    found = session.execute(text(statement), values).scalar()
                asked += 1
                if figure.value == "fewer than 5":
                    is_same = found in range(1, 5)
                elif isinstance(figure.value, str) or found is None or figure.value is None:
                    is_same = figure.value == found
                else:
                    is_same = float(figure.value) == pytest.approx(float(found), abs=0.051)
                if not is_same:
                    wrong.append((figure.key, figure.value, found))
    assert (wrong, asked > 100) == ([], True)


def test_both_numberings_hold_the_same_answers(packs: dict[Numbering, Pack]) -> None:
    one, other = ({e.question.number: e.answer for e in packs[numbering].entries} for numbering in Numbering)
    assert one == other
    assert [number for number, _ in ordered(Numbering.DOVER)][:4] == ["1.1", "1.2", "1.3", "1.4"]


@pytest.mark.parametrize("form", list(Form))
def test_every_form_holds_every_question(packs: dict[Numbering, Pack], form: Form) -> None:
    made = as_file(packs[Numbering.DOVER], form)
    if form == Form.PDF:
        assert made.startswith(b"%PDF-1.7")
        assert all(mark in made for mark in (b"/MarkInfo", b"/StructTreeRoot", b"/Lang"))
        return
    said = html.unescape(made.decode())
    assert [question.asked for question in QUESTIONS if question.asked not in said] == []
    if form == Form.CSV:
        rows = list(csv.DictReader(io.StringIO(made.decode())))
        assert {row["ca440"] for row in rows} == {question.number for question in QUESTIONS}


def test_the_command_writes_a_file(packs: dict[Numbering, Pack], tmp_path: Path) -> None:
    file = tmp_path / "foi.json"
    command = [
        "evidence",
        "foi",
        "--council",
        "zedholm",
        "--numbering",
        "dover",
        "--format",
        "json",
        "--output",
        str(file),
    ]
    result = CliRunner().invoke(main, command)
    assert (result.exit_code, f"{len(QUESTIONS)} questions answered" in result.output) == (0, True), result.output
    assert json.loads(file.read_text())["council"] == packs[Numbering.DOVER].council
    later = f"{clock.now() + timedelta(days=400):%Y-%m-%d}"
    for wrong, words in ((["--council", "nowhere"], "notify doctor"), (["--since", later], "Swap them")):
        result = CliRunner().invoke(main, [*command, *wrong])
        assert (result.exit_code, words in result.output) == (1, True), result.output


def test_names_of_nobody_are_in_it(packs: dict[Numbering, Pack]) -> None:
    said = json.dumps(as_json(packs[Numbering.CA440]))
    with transaction() as session:
        people = session.execute(text("SELECT DISTINCT address FROM contact LIMIT 500")).scalars().all()
    assert not any(address in said for address in people)


def test_numbers_are_those_of_the_two_requests() -> None:
    dover = [question.dover for question in QUESTIONS if question.dover]
    assert len(set(dover)) == len(dover)
    assert [f"1.{n}" for n in range(1, 18)] == sorted(
        (one for one in dover if one.startswith("1.")), key=lambda one: int(one[2:])
    )
    assert {question.section for question in QUESTIONS} <= SECTIONS.keys()
