"""`notify queue`, `notify hold` and `notify release`."""

from collections.abc import Sequence
from uuid import UUID

import click
from sqlmodel import Session

from notify.alerts.models import Alert
from notify.alerts.queries import UnknownAlert
from notify.core.db import transaction
from notify.core.jobs import Lane
from notify.deliveries import holds, manual_retries, metrics_exposition, queries
from notify.deliveries.holds import Released
from notify.deliveries.models import DeliveryState, Hold
from notify.deliveries.queries import DEAD, DEAD_DAYS, LaneDepth
from notify.deliveries.receipts import REFERENCE
from notify.staff.rights import SystemActor

ACTOR = "command-line"
MOST_SHOWN = 100

_lane = click.option("--lane", type=click.Choice([lane.value for lane in Lane]), help="Only this lane.")
_alert = click.option("--alert", "alert_id", type=click.UUID, metavar="ID", help="Only this alert.")


def _enter_installation() -> None:
    """Enter what the program above put into the context: `notify` starts the embedded servers where needed.

    Done by each command and not by the group, so that `--help` and a mistyped option start nothing.
    """
    context = click.get_current_context()
    if context.obj is not None:
        context.with_resource(context.obj())


@click.command("hold")
@_lane
@_alert
@click.argument("reason", nargs=-1, required=True)
def hold_command(lane: str | None, alert_id: UUID | None, reason: Sequence[str]) -> None:
    """Put sending on hold: an alert, a lane, or everything.

    Workers stop within about a second, at the end of the slice they are at. What waits stays in the ledger and goes
    on after `notify release`. REASON is for the person who finds the hold in force.

    \b
      notify hold --alert 01981b2e-… wrong road in the text
      notify hold --lane routine the relay is being moved
    """
    _require_one_scope(lane, alert_id)
    words = " ".join(reason)
    _enter_installation()
    with transaction() as session:
        held = holds.hold(session, actor=ACTOR, reason=words, lane=Lane(lane) if lane else None, alert_id=alert_id)
        if held.reason != words:
            click.echo(f"It was on hold already. {_described(session, held)}")
        else:
            click.echo(f"On hold: {_scope(session, held)}. To let it go on: notify release{_option(held)}")


@click.command("release")
@_lane
@_alert
@click.option("--all", "everything", is_flag=True, help="Release every hold.")
def release_command(lane: str | None, alert_id: UUID | None, everything: bool) -> None:
    """Release a hold: on an alert, a lane, or everything. `--all` lifts every hold."""
    _require_one_scope(lane, alert_id)
    if everything and (lane or alert_id):
        raise click.UsageError("--all lifts every hold: name no lane and no alert beside it.")
    _enter_installation()
    with transaction() as session:
        if everything:
            lifted = holds.release_all(session, actor=ACTOR)
        else:
            lifted = holds.release(session, actor=ACTOR, lane=Lane(lane) if lane else None, alert_id=alert_id)
        if lifted.holds:
            _say_released(session, lifted)
        else:
            _say_what_is_held(session, f"lane {lane}" if lane else f"alert {alert_id}" if alert_id else "everything")


def _require_one_scope(lane: str | None, alert_id: UUID | None) -> None:
    if lane and alert_id:
        raise click.UsageError("Name a lane or an alert, not both: an alert has one lane.")


def _say_released(session: Session, lifted: Released) -> None:
    for one in lifted.holds:
        click.echo(f"Released: {_scope(session, one)}.")
    click.echo(f"{_counted(lifted.deliveries, 'delivery goes', 'deliveries go')} on now.")
    if still := holds.in_force(session):
        click.echo("Still on hold:")
        for one in still:
            click.echo(f"  {_described(session, one)}")


def _say_what_is_held(session: Session, asked: str) -> None:
    in_force = holds.in_force(session)
    if not in_force:
        click.echo("Nothing is on hold.")
        return
    click.echo(f"There is no hold of {asked}. In force:")
    for one in in_force:
        click.echo(f"  {_described(session, one)}\n    notify release{_option(one)}")


def _scope(session: Session, hold: Hold) -> str:
    alert = session.get(Alert, hold.alert_id) if hold.alert_id else None
    return f"{holds.scope_of(hold)} “{alert.title}”" if alert else holds.scope_of(hold)


def _described(session: Session, hold: Hold) -> str:
    return f"{_scope(session, hold)}, since {hold.at:%-d %b %Y %H:%M} UTC, by {hold.actor}: {hold.reason}"


def _option(hold: Hold) -> str:
    if hold.alert_id:
        return f" --alert {hold.alert_id}"
    return f" --lane {hold.lane}" if hold.lane else ""


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


@click.group(invoke_without_command=True)
@click.pass_context
def queue(context: click.Context) -> None:
    """Show the queue: waiting, on hold and failed deliveries. Without a command: `status`."""
    if context.invoked_subcommand is None:
        context.invoke(status)


@queue.command()
def status() -> None:
    """Show what waits on each lane, who works on it, what is on hold and what failed."""
    _enter_installation()
    with transaction() as session:
        depths = queries.lane_depths(session)
        workers = metrics_exposition.workers_seen(session)
        for depth in depths:
            click.echo(_lane_line(depth, workers[depth.lane]))
        if not any(depth.batches for depth in depths):
            click.echo("Nothing waits.")
        if not any(workers.values()):
            click.echo("No worker has reported for a minute. `notify workers` starts them.")
        _say_holds(session)
        _say_dead(session)


def _lane_line(depth: LaneDepth, workers: int) -> str:
    overdue = f"  overdue for {_duration(depth.oldest_due_s)}" if depth.oldest_due_s >= 1 else ""
    return (
        f"{depth.lane:14} {depth.batches:6,} batches {depth.deliveries:10,} deliveries {depth.held:4} held "
        f"{workers:3} workers{overdue}"
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _say_holds(session: Session) -> None:
    in_force = holds.in_force(session)
    for one in in_force:
        click.echo(f"On hold: {_described(session, one)}")
    waiting = holds.waiting(session) if in_force else []
    if waiting:
        click.echo("These go on when released:")
    for one_alert in waiting:
        count = _counted(one_alert.deliveries, "delivery", "deliveries")
        click.echo(f"  {one_alert.alert_id}  {one_alert.lane:9}  {count}  {one_alert.title}")


def _say_dead(session: Session) -> None:
    counts = {state: count for state, count in queries.count_dead(session).items() if count}
    if counts:
        figures = ", ".join(f"{count:,} {state}" for state, count in counts.items())
        click.echo(f"Failed within {DEAD_DAYS} days: {figures}. See `notify queue dead`.")


@queue.command()
@_alert
@click.option("--state", type=click.Choice([state.value for state in DEAD]), help="Only those in this state.")
def dead(alert_id: UUID | None, state: str | None) -> None:
    """List deliveries that failed, of one alert or of the last week's. Names nobody."""
    _enter_installation()
    states = [DeliveryState(state)] if state else DEAD
    with transaction() as session:
        if alert_id:
            _known_alert(session, alert_id)
        found = queries.dead_deliveries(session, alert_id=alert_id, states=states, limit=MOST_SHOWN + 1)
    if not found:
        click.echo("No delivery has failed.")
        return
    shown_alert = None
    for one in found[:MOST_SHOWN]:
        if one.alert_id != shown_alert:
            shown_alert = one.alert_id
            click.echo(f"“{one.title}”")
        reference = f"{one.alert_id.hex}-{one.number}"
        click.echo(f"  {reference}  {one.channel:7}  {one.state:17}  {one.reason}".rstrip())
    if len(found) > MOST_SHOWN:
        click.echo(f"These are the first {MOST_SHOWN}. One alert's: notify queue dead --alert ID")
    click.echo("To try again: notify queue retry --help")


@queue.command()
@_alert
@click.option("--delivery", "reference", metavar="REF", help="Only this delivery, by its name in `notify queue dead`.")
@click.option("--unknown", is_flag=True, help="Also those that may have arrived: some people will get it twice.")
def retry(alert_id: UUID | None, reference: str | None, unknown: bool) -> None:
    """Try deliveries again that failed, for another day.

    An alert that was cancelled or has expired stays as it is.

    \b
      notify queue retry --alert 01981b2e-…
      notify queue retry --delivery 01981b2e….-17
    """
    alert_id, number = _named(alert_id, reference)
    _enter_installation()
    states = [state for state in DEAD if unknown or state != DeliveryState.UNKNOWN]
    with transaction() as session:
        alert = _known_alert(session, alert_id)
        found = manual_retries.retry(
            session, by=SystemActor(ACTOR, alert.council_id), alert=alert, states=states, number=number
        )
        unsure = 0 if unknown else queries.count_dead(session, alert_id=alert_id)[DeliveryState.UNKNOWN]
    click.echo(f"{_counted(found.deliveries, 'delivery is', 'deliveries are')} tried again.")
    if found.under_way:
        click.echo(f"{found.under_way:,} more lie in batches that are still under way: try again when those are done.")
    if unsure:
        click.echo(f"{unsure:,} may have arrived and are left alone: add --unknown to send them again all the same.")


def _named(alert_id: UUID | None, reference: str | None) -> tuple[UUID, int | None]:
    """The alert, and the delivery's number where one delivery was named."""
    if alert_id and not reference:
        return alert_id, None
    if alert_id or not reference:
        raise click.UsageError("Name an alert or a delivery: `notify queue dead` lists them.")
    named = REFERENCE.fullmatch(reference)
    if named is None:
        raise click.UsageError(f"{reference} is no delivery. They look like 01981b…-17: see `notify queue dead`.")
    return UUID(named[1]), int(named[2])


def _known_alert(session: Session, alert_id: UUID) -> Alert:
    alert = session.get(Alert, alert_id)
    if alert is None:
        raise UnknownAlert(f"There is no alert {alert_id} here.")
    return alert
