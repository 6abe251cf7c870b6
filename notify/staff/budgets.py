"""What a council's messages cost and what it means to spend: pence outside, thousandths of a penny inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from notify.core import clock
from notify.staff.models import Budget, Spend
from notify.staff.service import audit

PENNY = 1000


def in_pounds(cost: int) -> float:
    """A cost, which is kept in thousandths of a penny, in pounds and whole pence."""
    return round(cost / PENNY / 100, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """A council's month. `budget_pence` and `left_pence` are None where no budget is set; both may be overdrawn."""

    month: date
    spent_pence: float
    budget_pence: int | None
    lines: Sequence[Spend]

    @property
    def left_pence(self) -> float | None:
        """What may still be spent on routine messages; never below 0."""
        return None if self.budget_pence is None else max(0.0, self.budget_pence - self.spent_pence)

    @property
    def share(self) -> float | None:
        """The part of the budget that is spent: 0.8 is 80%. A budget of nothing is spent."""
        if self.budget_pence is None:
            return None
        return self.spent_pence / self.budget_pence if self.budget_pence else 1.0


def money(session: Session, council_id: UUID, month: date | None = None) -> Money:
    """What this council spent in a month, this one unless another is named, and what it meant to."""
    month = month or clock.first_of_month(clock.now())
    lines = session.exec(
        select(Spend)
        .where(Spend.council_id == council_id, Spend.month == month)
        .order_by(col(Spend.cost).desc(), Spend.provider)
        .limit(100)
    ).all()
    budget = session.get(Budget, council_id)
    spent = sum(line.cost for line in lines) / PENNY
    return Money(month, spent, budget.monthly_pence if budget else None, lines)


def set_budget(session: Session, *, council_id: UUID, actor: str, monthly_pence: int | None) -> None:
    """Say what may be spent each month from now on; None: anything. Warnings of this month are given again."""
    if monthly_pence is None:
        session.execute(delete(Budget).where(col(Budget.council_id) == council_id))
    else:
        values = {"monthly_pence": monthly_pence, "warned_month": None, "stopped_month": None}
        statement = insert(Budget).values(council_id=council_id, **values)
        session.execute(statement.on_conflict_do_update(index_elements=["council_id"], set_=values))
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="budget.change",
        subject=str(council_id),
        monthly_pence=monthly_pence,
    )
