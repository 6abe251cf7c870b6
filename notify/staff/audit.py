"""The audit trail as a chain: entries are sealed in one order, anchored outside the database, and verified.

Sealing happens beside the work, every few seconds, so that no request waits for another one's entry. Each seal
covers the seal before, the whole entry and the time of sealing, with a key that the database does not hold.
"""

import hmac
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, text
from sqlmodel import Session, col, select

from notify.core import clock, tokens
from notify.core.settings import settings
from notify.staff.models import AuditEntry, AuditSeal, AuditWatch

log = logging.getLogger(__name__)

START = b"\0" * 32
MOST_AT_ONCE = 5000
LOOK_BACK = 100_000  # entries that commit this much later than their neighbours are reported, not sealed
SEALED_WITHIN = timedelta(minutes=2)
FAULTS_SHOWN = 20
LONGEST_ANCHOR = 1000  # bytes of a line, generously

NEWEST = "SELECT position, digest FROM audit_seal ORDER BY position DESC LIMIT 1"


@dataclass(slots=True)
class Verdict:
    """What was found: how many entries are sealed, which of them late, and every fault in words."""

    sealed: int = 0
    unsealed: int = 0
    anchors: int = 0
    late: list[datetime] = field(default_factory=list)  # times of entries that waited while no scheduler ran
    problems: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether the trail is as it was written."""
        return not self.problems


def content_of(entry: AuditEntry) -> bytes:
    """Everything that an entry says, spelled in one way."""
    said = [
        entry.id,
        entry.at.astimezone(UTC).isoformat(),
        str(entry.council_id) if entry.council_id else None,
        entry.actor,
        entry.action,
        entry.subject,
        entry.detail,
    ]
    return json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def link(before: bytes, position: int, entry: AuditEntry, at: datetime | None, since: datetime | None) -> bytes:
    """The seal of this entry at this place and time. Links of before migration 0030 cover no time."""
    times = f"{_spelled(at)} {_spelled(since)} ".encode() if at else b""
    return tokens.link_of_chain(before, position.to_bytes(8) + times + content_of(entry))


def _spelled(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat() if at else "never"


def seal(session: Session) -> int:
    """Seal what was committed since the last time, oldest first; how many. Others who seal meanwhile wait."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('notify.audit'))"))
    newest = session.execute(text(NEWEST)).first()
    position, digest = (newest.position, bytes(newest.digest)) if newest else (0, START)
    since, now = _sealed_since(session), clock.now()
    entries = session.exec(
        select(AuditEntry)
        .where(
            text(
                "id > (SELECT COALESCE(max(entry_id), 0) - :back FROM audit_seal) "
                "AND NOT EXISTS (SELECT 1 FROM audit_seal s WHERE s.entry_id = audit_entry.id)"
            ).bindparams(back=LOOK_BACK)
        )
        .order_by(col(AuditEntry.id))
        .limit(MOST_AT_ONCE)
    ).all()
    rows = []
    for entry in entries:
        position += 1
        digest = link(digest, position, entry, now, since)
        times = {"sealed_at": now, "sealed_since": since}
        rows.append({"position": position, "entry_id": entry.id, "digest": digest, **times})
    if rows:
        session.execute(insert(AuditSeal), rows)
    if len(rows) < MOST_AT_ONCE:  # what is left over waits since before
        session.merge(AuditWatch(ran_at=now, proof=_proof(now)))
    return len(rows)


def _sealed_since(session: Session) -> datetime | None:
    """When everything had last been sealed; None where nobody can say, as before the first time."""
    watch = session.get(AuditWatch, True)
    return watch.ran_at if watch and hmac.compare_digest(watch.proof, _proof(watch.ran_at)) else None


def _proof(at: datetime) -> bytes:
    return tokens.keyed_hash("audit:watch", _spelled(at))


def anchors_file() -> Path:
    """Where anchors are kept: outside the database. Copy it, or the log lines, to where nobody here can write."""
    return settings().data_dir / "audit-anchors.jsonl"


def anchor(session: Session) -> None:
    """Write down outside the database how long the chain is and how it ends, unless it is as it was."""
    newest = session.execute(text(NEWEST)).first()
    if newest is None:
        return
    line = {"at": clock.now().isoformat(), "position": newest.position, "digest": bytes(newest.digest).hex()}
    path = anchors_file()
    if _last_anchor(path) == (line["position"], line["digest"]):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    log.info("audit anchor", extra={"position": line["position"], "digest": line["digest"]})


def _last_anchor(path: Path) -> tuple[int, str] | None:
    """The position and digest of the newest line; None where there is none that can be read."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LONGEST_ANCHOR))
        words = file.read().splitlines()[-1:]
    try:
        line = json.loads(words[0])
        return int(line["position"]), str(line["digest"])
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def verify(session: Session, anchors: Sequence[Path]) -> Verdict:
    """Whether anything was altered, removed, put elsewhere, slipped in or cut off since it was sealed."""
    verdict = Verdict()
    anchored, unreadable = _read_anchors(anchors)
    verdict.problems += unreadable
    verdict.anchors = len(anchored)
    digest, expected = START, 0
    for seal_row, entry in _chain(session):
        expected += 1
        verdict.sealed += 1
        _error_in_link(verdict, seal_row, entry, digest, expected)
        _error_in_time(verdict, seal_row, entry)
        digest, expected = seal_row.digest, seal_row.position
        for known in anchored.pop(seal_row.position, ()):
            if known != digest.hex():
                verdict.problems.append(f"Link {seal_row.position} differs from what was anchored outside.")
    verdict.problems += [
        f"Link {position} was anchored and is gone: the tail was cut." for position in sorted(anchored)
    ]
    _look_for_unsealed(session, verdict)
    return verdict


def _error_in_link(verdict: Verdict, row: AuditSeal, entry: AuditEntry | None, before: bytes, expected: int) -> None:
    if row.position != expected:
        verdict.problems.append(f"Links {expected} to {row.position - 1} are missing.")
    elif entry is None:
        verdict.problems.append(f"Entry {row.entry_id} (link {row.position}) was removed.")
    elif link(before, row.position, entry, row.sealed_at, row.sealed_since) != row.digest:
        verdict.problems.append(f"Entry {row.entry_id} (link {row.position}) is not as it was written.")


def _error_in_time(verdict: Verdict, row: AuditSeal, entry: AuditEntry | None) -> None:
    """An entry is sealed within seconds of its own time, unless no scheduler ran: then none was sealed meanwhile."""
    if entry is None or row.sealed_at is None:
        return
    if entry.at > row.sealed_at + SEALED_WITHIN:
        verdict.problems.append(f"Entry {row.entry_id} was sealed before its own time, {_spelled(entry.at)}.")
    elif entry.at < row.sealed_at - SEALED_WITHIN:
        if row.sealed_since is None or entry.at >= row.sealed_since - SEALED_WITHIN:
            verdict.late.append(entry.at)
        else:
            verdict.problems.append(
                f"Entry {row.entry_id} says {_spelled(entry.at)} and was sealed at {_spelled(row.sealed_at)}, when "
                f"everything until {_spelled(row.sealed_since)} had been: it was slipped in."
            )


def _chain(session: Session) -> Iterator[tuple[AuditSeal, AuditEntry | None]]:
    statement = (
        select(AuditSeal, AuditEntry)
        .join(AuditEntry, col(AuditEntry.id) == col(AuditSeal.entry_id), isouter=True)
        .order_by(col(AuditSeal.position))
        .execution_options(yield_per=2000)
    )
    yield from session.exec(statement)


def _look_for_unsealed(session: Session, verdict: Verdict) -> None:
    found = session.execute(
        text("""
            SELECT count(*), count(*) FILTER (WHERE at < :late), min(id) FILTER (WHERE at < :late)
            FROM audit_entry e WHERE NOT EXISTS (SELECT 1 FROM audit_seal s WHERE s.entry_id = e.id)
        """),
        {"late": clock.now() - SEALED_WITHIN},
    ).one()
    verdict.unsealed = found[0]
    if found[1]:
        verdict.problems.append(
            f"{found[1]} entries from {found[2]} on are older than two minutes and not sealed: "
            "they were slipped in, lost their seals, or no scheduler runs."
        )


def _read_anchors(paths: Sequence[Path]) -> tuple[dict[int, list[str]], list[str]]:
    known: dict[int, list[str]] = {}
    problems = []
    for path in paths:
        if not path.exists():
            problems.append(f"There are no anchors at {path}: without them a cut tail cannot be seen.")
            continue
        for number, words in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                line = json.loads(words)
                known.setdefault(int(line["position"]), []).append(str(line["digest"]))
                datetime.fromisoformat(line["at"])
            except (ValueError, KeyError, TypeError):
                problems.append(f"{path.name}, line {number} is no anchor.")
    return known, problems
