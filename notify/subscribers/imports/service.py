"""Adding the residents of a whole file, in chunks of set-based statements and one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from sqlmodel import Session

from notify.core.db import count_what_grew, expect_many_rows
from notify.staff.service import audit
from notify.subscribers import queries
from notify.subscribers.consent.contact_requests import ask_to_add
from notify.subscribers.imports.csv_file import Row
from notify.subscribers.imports.enrolment import Enrolled, EnrolStatus, enrol, foresee
from notify.subscribers.imports.entries import Entry
from notify.subscribers.models import ConfirmedBy, ConsentEvidence, Topic
from notify.subscribers.service import evidence_of, record_wording
from notify.subscribers.service_messages import ask_to_confirm

CHUNK_ROWS = 5_000
MOST_PROBLEMS = 1_000
GROWING = ("subscriber", "contact", "place", "subscription", "consent")


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that added nobody, and why; or one that was taken, and what to look at."""

    row: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What became of a file. `needs_review` counts rows whose postcode is unknown, ended or without a ward, `waiting`
    those with a further address that the resident is asked about first. `had_unsubscribed` are updated rows of people
    who had left: they are asked, and get nothing before their yes. `asked` counts all who are. `erased` are refused
    rows of people that the council had erased. `noted` are rows that were taken, less a ward or with a postcode that
    nobody knows; `notes` say which. At most `most` of each are told.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    refused: int = 0
    needs_review: int = 0
    waiting: int = 0
    asked: int = 0
    had_unsubscribed: int = 0
    erased: int = 0
    noted: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    most: int = MOST_PROBLEMS

    def refuse(self, row: int, reason: str) -> None:
        """Count a row that added nobody; only the first are told."""
        self.refused += 1
        if len(self.problems) < self.most:
            self.problems.append(Problem(row, reason))

    def count(self, outcome: Enrolled) -> None:
        """Count a row that was taken, or refused as a whole."""
        self.had_unsubscribed += outcome.had_unsubscribed
        self.asked += bool(outcome.asked)
        self.erased += outcome.is_erased
        if outcome.subscriber_id is None:
            self.refuse(outcome.row, outcome.reason)
            return
        self.created += outcome.status == EnrolStatus.CREATED
        self.updated += outcome.status == EnrolStatus.UPDATED
        self.needs_review += outcome.needs_review
        self.waiting += bool(outcome.waiting)
        self.noted += bool(outcome.notes)
        if outcome.notes and len(self.notes) < self.most:
            self.notes.append(Problem(outcome.row, " ".join(outcome.notes)))


def import_subscribers(
    session: Session, *, council_id: UUID, actor: str, rows: Iterable[Row], evidence: ConsentEvidence, confirmed: bool
) -> ImportReport:
    """Add every resident of a file to topics of this council, or say row by row why not.

    Not `confirmed`: each is written to first and gets nothing else before they say yes, also who is known already.
    A row's own day of consent goes before that of `evidence`; without any, the consent is older than every no.
    Raises: WordingMissing, WordingDiffers, and what reading the rows raises.
    """
    expect_many_rows(session)
    evidence = evidence_of(session, council_id, evidence)
    record_wording(session, evidence)
    topics = queries.topics_by_slug(session, council_id)
    proof = ConfirmedBy.COUNCIL if confirmed else None
    report = ImportReport()
    list_of_council = ImportedList(council_id, actor, evidence, topics, proof)
    for chunk in chunks(rows):
        import_chunk(session, list_of_council, chunk, report)
    report.problems.sort(key=lambda problem: problem.row)
    counts = {"rows": report.rows, "created": report.created, "updated": report.updated, "refused": report.refused}
    counts |= {"had_unsubscribed": report.had_unsubscribed, "erased": report.erased}
    audit(session, council_id=council_id, actor=actor, action="subscriber.import", subject=evidence.source, **counts)
    return report


@dataclass(frozen=True, slots=True)
class ImportedList:
    """What holds for every row of a list. Without `proof` each is written to first. `is_look`: nobody is added."""

    council_id: UUID
    actor: str
    evidence: ConsentEvidence
    topics: Mapping[str, Topic]
    proof: ConfirmedBy | None
    is_look: bool = False


def import_chunk(
    session: Session, whole: ImportedList, chunk: Sequence[Row], report: ImportReport
) -> Sequence[Enrolled]:
    """Add the residents of these rows, count them in the report, and say what became of each that makes sense."""
    report.rows += len(chunk)
    entries = list(_entries(chunk, whole.topics, report))
    council_id, must_ask = whole.council_id, whole.proof is None
    if not whole.is_look:
        count_what_grew(session, GROWING)
    add = foresee if whole.is_look else enrol
    outcomes = add(
        session, council_id, entries, whole.evidence, proof=whole.proof, asked_by=whole.actor, must_ask=must_ask
    )
    for outcome in outcomes:
        report.count(outcome)
    if whole.is_look:
        return outcomes
    if must_ask:
        ask_to_confirm(session, [one.subscriber_id for one in outcomes if one.subscriber_id], council_id=council_id)
    ask_to_add(session, council_id, [one.subscriber_id for one in outcomes if one.subscriber_id and one.waiting])
    return outcomes


def chunks(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    """The rows, some thousand at a time: as many as one set of statements takes."""
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK_ROWS)):
        yield chunk


def _entries(chunk: Sequence[Row], topics: Mapping[str, Topic], report: ImportReport) -> Iterator[Entry]:
    for row in chunk:
        if row.person is None:
            report.refuse(row.number, row.reason)
            continue
        unknown = [slug for slug in row.person.topics if slug not in topics]
        if unknown:
            report.refuse(row.number, f"Your council has no topic {unknown[0][:60]!r}.")
            continue
        yield Entry(row.number, row.person, [topics[slug] for slug in row.person.topics], row.given_at)
