"""API routes of a council's budget."""

from collections.abc import Sequence
from datetime import date

from litestar import get, put
from litestar.params import FromQuery, JSONBody
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.core.db import Input, transaction
from notify.staff.budgets import PENNY, Money, money, set_budget
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.routes import StaffRequest


class SpendView(SQLModel):
    """What one provider's messages cost in the month."""

    channel: str
    provider: str
    messages: int
    pence: float


class MoneyView(SQLModel):
    """A month's money, in pence. A budget stops routine alerts when it is spent, and never an emergency."""

    month: date
    spent_pence: float
    budget_pence: int | None = Field(description="What may be spent in a month; null: no limit.")
    left_pence: float | None
    by_provider: list[SpendView]

    @classmethod
    def of(cls, found: Money) -> "MoneyView":
        """The figures of this month."""
        return cls(
            month=found.month,
            spent_pence=round(found.spent_pence, 3),
            budget_pence=found.budget_pence,
            left_pence=None if found.left_pence is None else round(found.left_pence, 3),
            by_provider=[
                SpendView(channel=line.channel, provider=line.provider, messages=line.messages, pence=line.cost / PENNY)
                for line in found.lines
            ],
        )


class NewBudget(Input):
    """What may be spent in a month."""

    monthly_pence: int | None = Field(ge=0, le=1_000_000_000, description="In pence; null: no limit.")


@get("/budget", guards=[Requires(Right.SEE_WORK)], sync_to_thread=True, tags=["money"])
def read_budget(request: StaffRequest, month: FromQuery[date | None] = None) -> MoneyView:
    """What the council's messages cost this month, or in the month of a day, and what it means to spend."""
    with transaction() as session:
        return MoneyView.of(money(session, request.user.council_id, month.replace(day=1) if month else None))


@put("/budget", guards=[RequiresLive(Right.CHANGE_BUDGET)], sync_to_thread=True, tags=["money"])
def change_budget(request: StaffRequest, data: JSONBody[NewBudget]) -> MoneyView:
    """Say what may be spent in a month. At 80% staff are told; once it is spent, routine alerts wait on hold."""
    user = request.user
    with transaction() as session:
        set_budget(session, council_id=user.council_id, actor=user.actor, monthly_pence=data.monthly_pence)
        return MoneyView.of(money(session, user.council_id))


HANDLERS: Sequence[ControllerRouterHandler] = (read_budget, change_budget)
