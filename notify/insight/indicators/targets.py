"""A council's targets: what it means to reach, how it stands, and what it does about what is red."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.errors import Invalid, NotFound
from notify.insight.indicators import catalogue as indicators_catalogue
from notify.insight.indicators.catalogue import BY_KEY, INDICATORS
from notify.insight.indicators.rating import Direction, Rag, direction, distance, rag
from notify.insight.models import Target, TargetKind, TargetValue
from notify.insight.period import Period, today
from notify.staff.service import audit

OWN = "own-"
LONGEST_NAME, LONGEST_UNIT, LONGEST_ACTIONS = 100, 30, 2000
MOST_OWN, MOST_ROWS = 50, 600
HIGHEST = Decimal(10) ** 12
_NUMBER = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?$|-?\d+(?:\.\d+)?$")


class TargetNotValid(Invalid):
    """Something of a target makes no sense; `field` says what."""

    title = "The target cannot be kept"

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class UnknownIndicator(NotFound):
    """The council has no such indicator."""

    title = "There is no such indicator"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an officer typed. `name`, `unit` and `lower_is_better` count for the council's own indicators only."""

    kind: str
    target: str = ""
    actions: str = ""
    name: str = ""
    unit: str = ""
    lower_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How one indicator stands in some days. Of the council's own, `month` is which month's value it is."""

    indicator: str
    name: str
    unit: str
    lower_is_better: bool
    source: str
    kind: TargetKind
    target: Decimal | None
    value: Decimal | None
    before: Decimal | None
    actions: str
    month: date | None = None

    @property
    def rag(self) -> Rag:
        """Its colour, by its word."""
        return rag(self.value, self.target, lower_is_better=self.lower_is_better, kind=self.kind)

    @property
    def distance(self) -> Decimal | None:
        """How much better than its target, relative to it."""
        return distance(self.value, self.target, lower_is_better=self.lower_is_better)

    @property
    def direction(self) -> Direction:
        """Where it is going."""
        has_better = self.kind != TargetKind.CONTEXTUAL
        return direction(self.value, self.before, lower_is_better=self.lower_is_better, has_better=has_better)


def standings(session: Session, council_id: UUID, period: Period) -> Sequence[Standing]:
    """Every indicator of the platform and of the council: in these days, and in those before."""
    kept = {one.indicator: one for one in _targets(session, council_id)}
    now, before = (indicators_catalogue.values(session, council_id, days) for days in (period, period.before()))
    measured = [_measured(key, kept.get(key), now[key], before[key]) for key in BY_KEY]
    own = [target for key, target in kept.items() if key.startswith(OWN)]
    entered = _entered(session, own, period.until)
    return [*measured, *(_own(target, entered.get(target.id, [])) for target in own)]


def _measured(key: str, kept: Target | None, value: Decimal | None, before: Decimal | None) -> Standing:
    one = BY_KEY[key]
    return Standing(
        key,
        one.name,
        one.unit,
        one.lower_is_better,
        one.source,
        kept.kind if kept else TargetKind.BASELINE,
        kept.target if kept else None,
        value,
        before,
        kept.actions if kept else "",
    )


def _own(target: Target, entered: Sequence[TargetValue]) -> Standing:
    last = entered[0] if entered else None
    return Standing(
        target.indicator,
        target.name,
        target.unit,
        target.lower_is_better,
        "Entered by the council",
        target.kind,
        target.target,
        last.value if last else None,
        entered[1].value if len(entered) > 1 else None,
        target.actions,
        last.month if last else None,
    )


def _targets(session: Session, council_id: UUID) -> Sequence[Target]:
    statement = select(Target).where(Target.council_id == council_id).order_by(Target.name, col(Target.id))
    return session.exec(statement.limit(MOST_OWN + len(INDICATORS))).all()


def _entered(session: Session, own: Sequence[Target], until: date) -> Mapping[UUID, Sequence[TargetValue]]:
    """The values up to a day, by target, the newest first."""
    statement = select(TargetValue).where(
        col(TargetValue.target_id).in_([one.id for one in own]), TargetValue.month <= until
    )
    found: dict[UUID, list[TargetValue]] = {}
    for value in session.exec(statement.order_by(col(TargetValue.month).desc())):
        found.setdefault(value.target_id, []).append(value)
    return found


def kept_target(session: Session, council_id: UUID, indicator: str) -> Target | None:
    """What the council keeps of an indicator; None of one of the platform's without a target.

    Raises: UnknownIndicator.
    """
    statement = select(Target).where(Target.council_id == council_id, Target.indicator == indicator)
    found = session.exec(statement).first()
    if found is None and indicator not in BY_KEY:
        raise UnknownIndicator("The page of targets lists those there are.")
    return found


def own_target(session: Session, council_id: UUID, indicator: str) -> Target:
    """One that the council measures itself. Raises: UnknownIndicator."""
    kept = kept_target(session, council_id, indicator)
    if kept is None or indicator in BY_KEY:
        raise UnknownIndicator("The platform measures this one by itself.")
    return kept


def entered_values(session: Session, target: Target) -> Sequence[TargetValue]:
    """What the council entered, the newest first."""
    return _entered(session, [target], date.max).get(target.id, [])


def set_target(session: Session, *, council_id: UUID, actor: str, indicator: str | None, wish: Wish) -> Target:
    """Keep what the council means to reach; without `indicator`, of a new one of its own. It stands in the audit trail.

    Raises: TargetNotValid, UnknownIndicator.
    """
    known = kept_target(session, council_id, indicator) if indicator else None
    target = known or Target(council_id=council_id, indicator=indicator or "", name="", kind=TargetKind.TARGET,
                             changed_by=actor)  # fmt: skip
    platform = BY_KEY.get(indicator or "")
    if platform:
        target.name, target.unit, target.lower_is_better = platform.name, platform.unit, platform.lower_is_better
    else:
        target.name, target.unit = _line("name", wish.name, LONGEST_NAME), _line("unit", wish.unit, LONGEST_UNIT)
        target.lower_is_better = wish.lower_is_better
        target.indicator = indicator or _new_key(session, council_id, target.name)
    if wish.kind not in set(TargetKind):
        raise TargetNotValid("kind", "Choose what the figure is measured against.")
    target.kind = TargetKind(wish.kind)
    target.target = number("target", wish.target) if target.kind == TargetKind.TARGET else None
    target.actions = " ".join(wish.actions.replace("\0", "").split())[:LONGEST_ACTIONS]
    target.changed_at, target.changed_by = clock.now(), actor
    session.add(target)
    session.flush()
    said = {"kind": target.kind.value, "target": str(target.target) if target.target is not None else None}
    audit(session, council_id=council_id, actor=actor, action="target.set", subject=target.indicator, **said)
    return target


def _line(field: str, typed: str, longest: int) -> str:
    said = " ".join(typed.replace("\0", "").split())
    if field == "name" and not said:
        raise TargetNotValid(field, "Give the indicator a name.")
    if len(said) > longest:
        raise TargetNotValid(field, f"Keep it under {longest} letters.")
    return said


def _new_key(session: Session, council_id: UUID, name: str) -> str:
    """A short name of its own for a new indicator."""
    key = OWN + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50] or "indicator")
    taken = {one.indicator for one in _targets(session, council_id)}
    if sum(one.startswith(OWN) for one in taken) >= MOST_OWN:
        raise TargetNotValid("name", f"{MOST_OWN} indicators of your own are the most.")
    if key in taken:
        raise TargetNotValid("name", "There is an indicator of this name already.")
    return key


def number(field: str, typed: str) -> Decimal:
    """A number as people type it: `1,234.5`, perhaps with a percent sign. Raises: TargetNotValid."""
    plain = typed.strip().removesuffix("%").strip().removeprefix("£")
    if not _NUMBER.match(plain):
        raise TargetNotValid(field, f"{typed.strip()[:40]!r} is not a number, such as 95 or 1,234.5." if plain
                             else "Enter a number, such as 95.")  # fmt: skip
    try:
        value = Decimal(plain.replace(",", ""))
    except InvalidOperation:
        raise TargetNotValid(field, "Enter a number, such as 95.") from None
    if abs(value) > HIGHEST:
        raise TargetNotValid(field, "That is more than anything that is counted here.")
    return value


def enter_values(session: Session, *, target: Target, actor: str, rows: str) -> int:
    """Keep values, one a line as `2026-10, 71.0`, from a spreadsheet or typed; a month's newer value replaces it.

    All lines or none; how many. Raises: TargetNotValid, which names the line.
    """
    found: dict[date, Decimal] = {}
    lines = [line for line in rows.replace("\0", "").splitlines() if line.strip()]
    if not lines or len(lines) > MOST_ROWS:
        raise TargetNotValid("rows", f"Write from 1 to {MOST_ROWS} lines such as: 2026-10, 71.0")
    for place, line in enumerate(lines, start=1):
        if place == 1 and line.lower().startswith(("month", "period")):
            continue
        month, value = _row(place, line)
        found[month] = value
    if not found:
        raise TargetNotValid("rows", "There is only a line of headings. Add lines such as: 2026-10, 71.0")
    statement = insert(TargetValue).values(
        [
            {"target_id": target.id, "month": month, "value": value, "entered_at": clock.now(), "entered_by": actor}
            for month, value in found.items()
        ]
    )
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["target_id", "month"],
            set_={"value": new.value, "entered_at": new.entered_at, "entered_by": new.entered_by},
        )
    )
    said = {f"{month:%Y-%m}": str(value) for month, value in sorted(found.items())[-12:]}
    audit(session, council_id=target.council_id, actor=actor, action="target.values", subject=target.indicator, **said)
    return len(found)


def _row(place: int, line: str) -> tuple[date, Decimal]:
    cells = next(csv.reader([line.replace("\t", ",", 1)]), [])
    if len(cells) < 2:
        raise TargetNotValid("rows", f"Line {place} has no comma: write a month and a number, as in 2026-10, 71.0")
    written = cells[0].strip()
    try:
        month = date.fromisoformat(written if len(written) > len("2026-10") else f"{written}-01").replace(day=1)
    except ValueError:
        raise TargetNotValid("rows", f"Line {place}: {written[:20]!r} is no month. Write it as 2026-10.") from None
    if month > today() or month.year < 1990:
        raise TargetNotValid("rows", f"Line {place}: {written[:20]} is not in the past.")
    try:
        return month, number("rows", ",".join(cells[1:]).strip())
    except TargetNotValid as refused:
        raise TargetNotValid("rows", f"Line {place}: {refused.detail}") from None
