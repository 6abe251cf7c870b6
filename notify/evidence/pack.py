"""The answers to a request, in its own numbering, with what the council itself states beside them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.errors import Invalid
from notify.evidence import emergency_answers, insight_answers, other_answers, resident_answers, waste_answers
from notify.evidence.answer import Answer
from notify.evidence.facts import Facts
from notify.evidence.models import FoiStatement
from notify.evidence.questions import QUESTIONS, Numbering, Question, ordered
from notify.staff.models import Council
from notify.staff.service import audit

ANSWERS: Mapping[str, Callable[[Facts], Answer]] = {
    **resident_answers.ANSWERS,
    **emergency_answers.ANSWERS,
    **insight_answers.ANSWERS,
    **other_answers.ANSWERS,
    **waste_answers.ANSWERS,
}
LONGEST_STATEMENT = 4_000


class NotAPeriod(Invalid):
    """The last day comes before the first."""

    title = "These days are no period"


class UnknownQuestion(Invalid):
    """There is no question of this number."""

    title = "There is no such question"


@dataclass(frozen=True, slots=True)
class Entry:
    """One question with its answer. `number` is that of the pack's numbering, empty where it has none."""

    number: str
    question: Question
    answer: Answer
    stated: str = ""


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything that a request is answered with."""

    council: str
    numbering: Numbering
    since: date
    until: date
    made_at: datetime
    entries: Sequence[Entry]


def make_pack(session: Session, council: Council, *, numbering: Numbering, since: date, until: date) -> Pack:
    """The pack of this council for days from `since` to `until`, both included. Raises: NotAPeriod."""
    if until < since:
        raise NotAPeriod("The last day comes before the first. Swap them.")
    known = Facts(session, council, since, until)
    stated = statements(session, council.id)
    entries = [
        Entry(number, question, ANSWERS[question.number](known), stated.get(question.number, ""))
        for number, question in ordered(numbering)
    ]
    return Pack(council.name, numbering, since, until, clock.now(), entries)


def statements(session: Session, council_id: UUID) -> Mapping[str, str]:
    """What the council itself says to questions, by CA440's numbers."""
    found = session.exec(select(FoiStatement).where(col(FoiStatement.council_id) == council_id))
    return {one.number: one.words for one in found}


def state(session: Session, *, council_id: UUID, actor: str, number: str, words: str) -> None:
    """Put down what the council says to a question; no words take it away. Raises: UnknownQuestion."""
    if number not in {question.number for question in QUESTIONS}:
        raise UnknownQuestion(f"There is no question {number[:20]!r}.")
    words = words.replace("\r\n", "\n").strip()[:LONGEST_STATEMENT]
    kept = session.get(FoiStatement, (council_id, number))
    if kept is None and words:
        session.add(FoiStatement(council_id=council_id, number=number, words=words, actor=actor))
    elif kept is not None and words:
        kept.words, kept.actor, kept.changed_at = words, actor, clock.now()
        session.add(kept)
    elif kept is not None:
        session.delete(kept)
    audit(session, council_id=council_id, actor=actor, action="foi.state", subject=number, characters=len(words))
