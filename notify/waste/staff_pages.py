"""Officers' pages of collection days: what is in force, a round, a home, releases, and the words of streams."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, QueryParameter, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.errors import Invalid
from notify.core.form_fields import FieldError
from notify.languages import LANGUAGES
from notify.places.postcodes import PostcodeNotValid, normalise
from notify.staff.guards import Principal, Requires, RequiresLive, Right
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.queries import council
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.waste import campaign, events, home_days, queries, releases, service, upload_runs, words
from notify.waste.home_days import AHEAD, HomeDays, collections_by
from notify.waste.models import CollectionRelease, Stream, UploadState
from notify.waste.month_picture import last_of_month, month_after, months_from, weekday_names
from notify.waste.moved_days import Changes, Collection, collections
from notify.waste.queries import Rule
from notify.waste.releases import Comparison
from notify.waste.upload_runs import Upload
from notify.waste.uploads import MOST_BYTES, uploaded
from notify.web.dates import day, moment
from notify.web.forms import read_form

PATH = "/staff/bins"
MAY_SEE, MAY_CHANGE = Requires(Right.SEE_ALERTS), RequiresLive(Right.CHANGE_COLLECTIONS)
Code = Annotated[str, QueryParameter(max_length=60)]
Text = Annotated[str, QueryParameter(max_length=80)]


@dataclass(frozen=True, slots=True)
class RoundLine:
    """A round as the overview lists it."""

    code: str
    rules: Sequence[tuple[str, str]]


@staff_get(PATH, MAY_SEE)
def show_bins(request: StaffRequest) -> Response[object]:
    """What is in force, what happened, and what waits for someone."""
    return _overview(request.user)


def _overview(user: Principal) -> Response[object]:
    may_change = user.may(Right.CHANGE_COLLECTIONS)
    with transaction() as session:
        release = queries.active_release(session, user.council_id)
        streams = queries.streams(session, user.council_id)
        return staff_page(
            user,
            "waste/staff-bins.html",
            at=PATH,
            release=release,
            rounds=_rounds(session, release, streams),
            streams=list(streams.values()),
            events=events.newest(session, user.council_id)[:20],
            misses=events.repeated_misses(session, user.council_id) if may_change else [],
            reports=service.open_reports(session, user.council_id) if may_change else [],
            council=council(session, user.council_id),
            may_change=may_change,
            today=home_days.today(),
            words=words,
            day=day,
            moment=moment,
        )


def _rounds(session: Session, release: CollectionRelease | None, streams: Mapping[str, Stream]) -> Sequence[RoundLine]:
    found: dict[str, list[tuple[str, str]]] = {}
    for rule in queries.rules_of(session, release.id or 0) if release else ():
        if not rule.pattern.dates:
            name = words.said(streams[rule.stream].names) if rule.stream in streams else rule.stream
            found.setdefault(rule.round, []).append((name, service.in_words(rule.pattern)))
    return [RoundLine(code, lines) for code, lines in found.items()]


@staff_get(f"{PATH}/round", MAY_SEE)
def show_round(request: StaffRequest, code: Code = "") -> Response[object]:
    """The calendar of a round: four months with everything that moves."""
    user, today = request.user, home_days.today()
    if not code:
        return _overview(user)
    first, last = today.replace(day=1), last_of_month(month_after(today, 3))
    with transaction() as session:
        release = queries.active_release(session, user.council_id)
        rules = queries.rules_of(session, release.id or 0, round_code=code) if release else []
        if release is None or not rules:
            raise queries.UnknownHome("Your active release has no such round.")
        streams = queries.streams(session, user.council_id)
        said = [one for one in queries.events(session, user.council_id, first, last) if not events.is_local(one)]
        changes = Changes(
            queries.holidays_of(release.settings, first, last),
            queries.moves(session, user.council_id, first, last),
            [queries.as_one_off(one) for one in said],
        )
        every = collections_by(rules, changes, first, last, streams=streams, paid={})
        paid = _of_subscribers(rules, changes, streams)
    shown = _RoundDays(streams, [*every, *paid])
    return staff_page(
        user,
        "waste/staff-round.html",
        at=PATH,
        code=code,
        shown=shown,
        rules=[(streams[rule.stream], service.in_words(rule.pattern)) for rule in rules if rule.stream in streams],
        moved=[one for one in shown.collections if one.day != one.usual],
        months=months_from(today, 4),
        weekdays=weekday_names(),
        words=words,
        today=today,
    )


def _of_subscribers(rules: Sequence[Rule], changes: Changes, streams: Mapping[str, Stream]) -> Sequence[Collection]:
    """What only subscribers have, on the days that everyone of them has it."""
    today = home_days.today()
    first, last = today.replace(day=1), last_of_month(month_after(today, 3))
    return [
        one
        for rule in rules
        if rule.stream in streams and streams[rule.stream].availability == "subscribers"
        for one in collections(
            rule.pattern, stream=rule.stream, round_code=rule.round, changes=changes, first=first, last=last
        )
    ]


@dataclass(frozen=True, slots=True)
class _RoundDays:
    """The same shape that a home's pictures are drawn from."""

    streams: Mapping[str, Stream]
    collections: Sequence[Collection]

    @property
    def by_day(self) -> dict[object, list[Collection]]:
        """What is collected on each day."""
        found: dict[object, list[Collection]] = {}
        for one in self.collections:
            if one.day is not None:
                found.setdefault(one.day, []).append(one)
        return found


@staff_get(f"{PATH}/find", Requires(Right.CHANGE_COLLECTIONS))
def find_home(request: StaffRequest, postcode: Text = "", home: Text = "") -> Response[object]:
    """A home by postcode or reference: its rounds, what it pays for, and its next days."""
    user = request.user
    found, field_errors, shown, served = [], [], None, []
    with transaction() as session:
        try:
            if postcode.strip():
                every = queries.homes_at(session, normalise(postcode))
                found = [one for one in every if one.council.id == user.council_id]
                if not found:
                    field_errors.append(FieldError("postcode", "Your active release has no home with this postcode."))
            chosen = found[0] if len(found) == 1 else queries.home(session, user.council_id, home) if home else None
        except (PostcodeNotValid, queries.UnknownHome) as error:
            field_errors.append(FieldError("postcode", error.detail))
            chosen = None
        if chosen:
            first = home_days.today()
            shown = home_days.days_of_home(session, chosen, first, first + AHEAD, with_paid=True)
            served = [
                (one.round, one.stream, service.in_words(one.pattern))
                for one in queries.rules(session, chosen.home.rules).values()
            ]
    return _found_page(user, postcode, found, field_errors, shown, served)


def _found_page(
    user: Principal,
    postcode: str,
    found: Sequence[queries.FoundHome],
    field_errors: Sequence[FieldError],
    shown: HomeDays | None,
    served: Sequence[tuple[str, str, str]],
) -> Response[object]:
    return staff_page(
        user,
        "waste/staff-find.html",
        at=PATH,
        status=422 if field_errors else 200,
        postcode=postcode,
        found=found,
        field_errors=field_errors,
        shown=shown,
        served=served,
        path=shown.found.path if shown else "",
        words=words,
    )


@staff_get(f"{PATH}/upload", MAY_CHANGE)
def ask_for_files(request: StaffRequest) -> Response[object]:
    """A form for files, and the releases there are."""
    with transaction() as session:
        return _upload_page(session, request.user)


def _upload_page(session: Session, user: Principal, field_errors: Sequence[FieldError] = ()) -> Response[object]:
    return staff_page(
        user,
        "waste/staff-upload.html",
        at=PATH,
        status=422 if field_errors else 200,
        field_errors=field_errors,
        releases=releases.releases(session, user.council_id),
        under_way=upload_runs.under_way(session, user.council_id),
        moment=moment,
    )


@staff_post(
    f"{PATH}/upload",
    MAY_CHANGE,
    status_code=200,
    request_max_body_size=MOST_BYTES,
    dependencies={"upload": Provide(uploaded)},
)
def upload_files(request: StaffRequest, upload: NamedDependency[Upload]) -> Response[object]:
    """Keep the files, have a worker load them, and show how far that is."""
    user = request.user
    try:
        with transaction() as session:
            made = upload_runs.keep(session, user.council_id, upload, actor=user.actor)
    except Invalid as error:
        with transaction() as session:
            return _upload_page(session, user, [FieldError("files", error.detail)])
    return Redirect(f"{PATH}/uploads/{made.id}", status_code=303)


@staff_get(f"{PATH}/uploads/{{upload_id:uuid}}", MAY_CHANGE)
def show_upload(request: StaffRequest, upload_id: FromPath[UUID]) -> Response[object]:
    """How far the loading is; then what it would change, or why it did not work."""
    user = request.user
    with transaction() as session:
        upload = upload_runs.upload_of(session, user.council_id, upload_id)
    if upload.state is UploadState.DONE and upload.release_id:
        return Redirect(f"{PATH}/releases/{upload.release_id}", status_code=303)
    return staff_page(user, "waste/staff-uploaded.html", at=PATH, upload=upload)


@staff_get(f"{PATH}/releases/{{release_id:str}}", MAY_CHANGE)
def show_release(request: StaffRequest, release_id: FromPath[str]) -> Response[object]:
    """A release, what was left out of it, and what it changes."""
    user = request.user
    with transaction() as session:
        chosen = releases.release(session, user.council_id, release_id)
        compared: Comparison | None = None if chosen.activated_at else releases.compare(session, chosen)
        told = campaign.plan(session, chosen) if not chosen.ended_at and campaign.before(session, chosen) else None
    return staff_page(
        user,
        "waste/staff-release.html",
        at=PATH,
        release=chosen,
        compared=compared,
        campaign=told,
        weekdays=weekday_names(),
        day=day,
        moment=moment,
    )


@staff_post(f"{PATH}/releases/{{release_id:str}}/activate", MAY_CHANGE)
def activate(request: StaffRequest, release_id: FromPath[str]) -> Response[object]:
    """Put the release into force."""
    user = request.user
    with transaction() as session:
        releases.activate(session, releases.release(session, user.council_id, release_id), actor=user.actor)
    return Redirect(PATH, status_code=303)


@staff_post(f"{PATH}/releases/{{release_id:str}}/tell", MAY_CHANGE)
def tell_of_release(request: StaffRequest, release_id: FromPath[str]) -> Response[object]:
    """Tell subscribers whose days the release changed, each once."""
    user = request.user
    with transaction() as session:
        campaign.send(session, releases.release(session, user.council_id, release_id), actor=user.actor)
    return Redirect(f"{PATH}/releases/{release_id}", status_code=303)


@staff_get(f"{PATH}/releases/{{release_id:str}}/letters.csv", MAY_CHANGE)
def list_letters(request: StaffRequest, release_id: FromPath[str]) -> Response[str]:
    """The homes that change and that no message reaches, for letters. It is audited."""
    user = request.user
    with transaction() as session:
        chosen = releases.release(session, user.council_id, release_id)
        made = campaign.letters(session, chosen, actor=user.actor)
    headers = {"Content-Disposition": 'attachment; filename="letters.csv"', "Cache-Control": "no-store"}
    return Response(made, media_type="text/csv", headers=headers)


@staff_get(f"{PATH}/stream", MAY_CHANGE)
def ask_words(request: StaffRequest, code: Code = "") -> Response[object]:
    """The words of a stream, to change."""
    user = request.user
    if not code:
        return _overview(user)
    with transaction() as session:
        stream = queries.streams(session, user.council_id).get(code)
    if stream is None:
        raise queries.UnknownHome("Your council has no such stream.")
    return staff_page(user, "waste/staff-stream.html", at=PATH, stream=stream, languages=LANGUAGES)


@staff_post(f"{PATH}/stream", MAY_CHANGE)
def save_words(request: StaffRequest, body: RawBody) -> Response[object]:
    """Store the words of a stream."""
    form, user = read_form(body), request.user
    said = {
        name: {code: form.one(f"{name}_{code}")[:200] for code in LANGUAGES}
        for name in ("names", "containers", "contents")
    }
    with transaction() as session:
        if form.one("code") not in queries.streams(session, user.council_id):
            raise queries.UnknownHome("Your council has no such stream.")
        service.set_stream(session, user.council_id, form.one("code"), said, actor=user.actor)
    return Redirect(PATH, status_code=303)


@staff_post(f"{PATH}/reports/{{report_id:uuid}}/done", MAY_CHANGE)
def close_report(request: StaffRequest, report_id: FromPath[UUID]) -> Response[object]:
    """Say that someone's “this is wrong” was dealt with."""
    user = request.user
    with transaction() as session:
        service.close_report(session, user.council_id, report_id, actor=user.actor)
    return Redirect(PATH, status_code=303)


MENU_ITEMS = (MenuItem("Bins", "/staff/bins", Right.SEE_ALERTS, 65),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    show_bins,
    show_round,
    find_home,
    ask_for_files,
    upload_files,
    show_upload,
    show_release,
    activate,
    tell_of_release,
    list_letters,
    ask_words,
    save_words,
    close_report,
)
