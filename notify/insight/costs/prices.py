"""What messages cost, over time: a ledger of prices that nothing is ever taken out of.

What was booked when a message was sent stays as it was. A price from here values only what was sent while
nobody had set one, and such figures are called estimates.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.core.errors import Conflict
from notify.core.settings import settings
from notify.insight.performance_models import NewPrice, UnitPrice
from notify.insight.period import today
from notify.providers.base import Channel
from notify.staff.budgets import PENNY
from notify.staff.service import audit

FROM_SETTINGS = "NOTIFY_PROVIDER_PRICES"
ENGINE = "engine:prices"


class PriceKnown(Conflict):
    """A price of this day is written down already; a later day may have another."""

    title = "There is a price from this day on"


def prices(session: Session, council_id: UUID) -> Sequence[UnitPrice]:
    """Every price there ever was, by channel and provider, the newest first."""
    return session.exec(
        select(UnitPrice)
        .where(UnitPrice.council_id == council_id)
        .order_by(UnitPrice.channel, UnitPrice.provider, col(UnitPrice.valid_from).desc())
        .limit(500)
    ).all()


def add_price(session: Session, *, council_id: UUID, actor: str, new: NewPrice) -> UnitPrice:
    """Write down a price. Raises: PriceKnown."""
    same = select(UnitPrice).where(
        UnitPrice.council_id == council_id,
        UnitPrice.channel == new.channel,
        UnitPrice.provider == new.provider,
        UnitPrice.valid_from == new.valid_from,
    )
    if session.exec(same).first():
        raise PriceKnown("Choose another day: a price that was used is never changed.")
    price = UnitPrice(
        council_id=council_id,
        price=round(new.pence * PENNY),
        added_by=actor,
        **new.model_dump(exclude={"pence"}),
    )
    session.add(price)
    session.flush()
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="price.add",
        subject=f"{new.channel} {new.provider}",
        pence=new.pence,
        valid_from=str(new.valid_from),
        source=new.source,
    )
    return price


def note_settings(session: Session) -> int:
    """Write down the settings' prices for every council, wherever they are news; how many.

    The first ones hold for all that was sent before: nobody wrote down another.
    """
    rows = [
        (channel.value, choice.name, settings().prices[choice.name])
        for channel in Channel
        for choice in settings().providers_for(channel)
        if choice.name in settings().prices
    ]
    if not rows:
        return 0
    channels, providers, figures = zip(*rows, strict=True)
    about = {"channels": list(channels), "providers": list(providers), "prices": list(figures)}
    noted = session.execute(text(NOTE), about | {"today": today(), "source": FROM_SETTINGS, "actor": ENGINE})
    return len(noted.all())


NOTE = """
    INSERT INTO unit_price (id, council_id, channel, provider, valid_from, price, source, added_by, added_at)
    SELECT uuidv7(), k.id, s.channel, s.provider,
           CASE WHEN known.price IS NULL THEN CAST(least(k.created_at, (
               SELECT min(r.started_at) FROM rollup_alert r WHERE r.council_id = k.id
           )) AS date) ELSE :today END, s.price, :source, :actor, business_now()
    FROM council k
    CROSS JOIN unnest(CAST(:channels AS text[]), CAST(:providers AS text[]), CAST(:prices AS bigint[]))
               AS s (channel, provider, price)
    LEFT JOIN LATERAL (
        SELECT u.price FROM unit_price u
        WHERE u.council_id = k.id AND u.channel = s.channel AND u.provider = s.provider AND u.valid_from <= :today
        ORDER BY u.valid_from DESC LIMIT 1
    ) known ON true
    WHERE known.price IS DISTINCT FROM s.price
    ON CONFLICT (council_id, channel, provider, valid_from) DO NOTHING
    RETURNING id
"""
