"""Pages on which an alert is written: topic, audience, message, check. They keep what was typed and need no scripts."""

from collections.abc import Sequence
from uuid import UUID

from litestar import MediaType, Response
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, RawBody
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.alerts import remit
from notify.alerts.councillors import is_councillor
from notify.alerts.models import NewAlert, Priority
from notify.channels import CHANNELS
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.core.errors import NotifyError
from notify.core.form_fields import FieldError, Form
from notify.core.settings import settings
from notify.drafting import audiences, placeholders, previews, queries, service, wording_advice
from notify.drafting.copy import fields_of
from notify.drafting.draft_reader import WHERE_FIELDS, NotReady, audience_of, languages, shape_text, word_fields
from notify.drafting.models import Draft
from notify.drafting.route_options import AT, WRITES, officer_of, people_only, see_other
from notify.drafting.shape_upload import UploadedForm, shape_field, uploaded_form
from notify.drafting.ward_map import chart_of
from notify.drafting.zone_choices import zone_choices
from notify.places import shape_files
from notify.places.basemap.extent import extent_of_council
from notify.places.geometry import to_geojson
from notify.places.outlines import outline_of
from notify.staff.council_settings.effective import CouncilSettings, council_settings
from notify.staff.guards import Principal
from notify.staff.menu import MenuItem
from notify.staff.page_frame import staff_page
from notify.staff.queries import council
from notify.staff.rights import Right, SecondFactorNeeded
from notify.staff.routes import StaffRequest, staff_get, staff_post
from notify.staff.service import audit
from notify.subscribers.models import ApprovalRule, Topic
from notify.subscribers.queries import topic
from notify.subscribers.topic_queries import topics_open
from notify.web.forms import MOST_BYTES as MOST_FORM_BYTES
from notify.web.forms import read_form
from notify.web.headers import FRAMED_BY_US, FRAMING_US, map_headers
from notify.zones.audience import shaped


@staff_get(AT, WRITES, people_only)
def choose_topic(request: StaffRequest, template: FromQuery[str] = "") -> Response[object]:
    """What is it about? And what was begun before."""
    with transaction() as session:
        return _topic_page(session, request.user, Form({"template": [template]}), [])


def _topic_page(session: Session, user: Principal, form: Form, field_errors: Sequence[FieldError]) -> Response[object]:
    return staff_page(
        user,
        "drafting/topic.html",
        at=AT,
        status=422 if field_errors else 200,
        topics=_own_topics(session, user),
        templates=queries.templates(session, user.council_id),
        drafts=queries.drafts(session, officer_of(user)),
        form=form,
        field_errors=field_errors,
    )


def _own_topics(session: Session, user: Principal) -> Sequence[Topic]:
    mine = user.remit.topics
    return [one for one in topics_open(session, [user.council_id]) if mine is None or one.slug in mine]


@staff_post(AT, WRITES, people_only, status_code=200)
def begin(request: StaffRequest, body: RawBody) -> Response[object]:
    """Begin a draft."""
    form, user = read_form(body), request.user
    with transaction() as session:
        known = {one.slug: one for one in _own_topics(session, user)}
        if form.one("topic") not in known:
            return _topic_page(session, user, form, [FieldError("topic", "Choose a topic.")])
        chosen = known[form.one("topic")]
        fields = {"channel": list(chosen.channels)}
        if form.one("template"):
            fields |= queries.template(session, user.council_id, form.one("template")).fields
        draft = service.begin(
            session,
            council_id=user.council_id,
            officer_id=officer_of(user),
            topic=chosen.slug,
            priority=Priority.ROUTINE,
            fields=fields,
        )
        return see_other(f"{AT}/{draft.id}/where")


@staff_post("/staff/alerts/{alert_id:uuid}/copy", WRITES, people_only, status_code=200)
def write_anew(request: StaffRequest, alert_id: FromPath[UUID]) -> Response[object]:
    """Begin a draft with what an alert says and whom it meant; where it was sent back, to fix it."""
    user = request.user
    with transaction() as session:
        alert = remit.own(session, user, alert_id)
        draft = service.begin(
            session,
            council_id=user.council_id,
            officer_id=officer_of(user),
            topic=session.get_one(Topic, alert.topic_id).slug,
            priority=alert.priority,
            fields=fields_of(alert),
        )
        return see_other(f"{AT}/{draft.id}/words")


@staff_get(f"{AT}/{{draft_id:uuid}}/where", WRITES, people_only)
def ask_where(request: StaffRequest, draft_id: FromPath[UUID]) -> Response[object]:
    """Who should get this?"""
    with transaction() as session:
        draft = queries.draft(session, request.user.officer_id, draft_id)
        return where_page(session, request.user, draft, [])


def where_page(session: Session, user: Principal, draft: Draft, field_errors: Sequence[FieldError]) -> Response[object]:
    """The list of wards, the map that says the same, and every other way to name a place."""
    districts = council(session, user.council_id).district_codes
    form = Form(draft.fields)
    chart = chart_of(session, districts)
    reach, found = _reach(session, user, draft, field_errors)
    shape = None
    if chart and not found and form.one("reach") == "places":
        spec = shaped(session, user.council_id, audience_of(form))
        shape = outline_of(session, spec, is_emergency=draft.priority == Priority.EMERGENCY) if spec else None
    extent = extent_of_council(session, districts)
    return staff_page(
        user,
        "drafting/audience.html",
        at=AT,
        status=422 if field_errors else 200,
        headers=map_headers(locates=True) if extent else {},
        map=extent,
        draft=draft,
        topic=topic(session, user.council_id, draft.topic),
        form=form,
        field_errors=found,
        chart=chart,
        chosen=set(form.all("ward")),
        left_out=set(form.all("without_ward")),
        zones=zone_choices(session, user.council_id, [*form.all("zone"), *form.all("without_zone")]),
        outline=chart.path_of(shape) if chart and shape else None,
        area=shape_text(to_geojson(shape.simplify(1))) if extent and shape else "",
        reach=reach,
    )


def _reach(
    session: Session, user: Principal, draft: Draft, field_errors: Sequence[FieldError]
) -> tuple[audiences.Reach | None, Sequence[FieldError]]:
    """Whom the draft reaches so far; nothing before anyone was named."""
    if field_errors or not draft.fields.get("reach"):
        return None, field_errors
    try:
        return audiences.reach_of(session, user, draft), []
    except NotReady as error:
        return None, error.field_errors
    except NotifyError as error:
        return None, [FieldError("reach", error.detail)]


@staff_post(f"{AT}/{{draft_id:uuid}}/where", WRITES, people_only, status_code=200)
def take_where(request: StaffRequest, draft_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Keep the places; count, or go on to the words."""
    form, user = read_form(body), request.user
    with transaction() as session:
        draft = queries.draft(session, user.officer_id, draft_id)
        service.keep(session, draft, WHERE_FIELDS, form.fields)
    with transaction() as session:
        draft = queries.draft(session, user.officer_id, draft_id)
        _reached, field_errors = _reach(session, user, draft, [])
        if field_errors or form.one("do") == "count":
            return where_page(session, user, draft, field_errors)
        if first := next(iter(draft.fields.get("follows", ())), ""):  # the new area of an update
            return see_other(f"/staff/alerts/{first}/follow-up?kind=update&area={draft_id}")
    return see_other(f"{AT}/{draft_id}/words")


@staff_post(
    f"{AT}/{{draft_id:uuid}}/shape",
    WRITES,
    people_only,
    request_max_body_size=shape_files.MOST_BYTES + MOST_FORM_BYTES,
    dependencies={"sent": Provide(uploaded_form)},
    status_code=200,
)
def take_shape(
    request: StaffRequest, draft_id: FromPath[UUID], sent: NamedDependency[UploadedForm]
) -> Response[object]:
    """Keep the places and put the shape of a file among them, or say why the file cannot be read."""
    user = request.user
    found, field_errors = shape_field(sent.file)
    with transaction() as session:
        draft = queries.draft(session, user.officer_id, draft_id)
        fields = dict(sent.form.fields) | ({"reach": ["places"], "shape": [found]} if found else {})
        service.keep(session, draft, WHERE_FIELDS, fields)
        if field_errors:
            return where_page(session, user, draft, field_errors)
    return see_other(f"{AT}/{draft_id}/where")


@staff_get(f"{AT}/{{draft_id:uuid}}/words", WRITES, people_only)
def ask_words(request: StaffRequest, draft_id: FromPath[UUID]) -> Response[object]:
    """What does it say?"""
    with transaction() as session:
        draft = queries.draft(session, request.user.officer_id, draft_id)
        return words_page(session, request.user, draft, [])


def words_page(
    session: Session, user: Principal, draft: Draft, field_errors: Sequence[FieldError], *, saved: str = ""
) -> Response[object]:
    """The words for every channel and language, with what to fill in and what to look at again."""
    form = Form(draft.fields)
    texts = [form.one(name) for name in word_fields()]
    about, own = topic(session, user.council_id, draft.topic), council_settings(session, user.council_id)
    return staff_page(
        user,
        "drafting/message.html",
        at=AT,
        status=422 if field_errors else 200,
        draft=draft,
        topic=about,
        form=form,
        field_errors=field_errors,
        open_names=placeholders.names_in(texts),
        languages=languages(),
        channels=[one for one in CHANNELS if one in about.channels and settings().providers_for(one)],
        text=previews.text_of(previews.content_of(session, draft), "en"),
        advice=_advice(form, own) if form.one("body") else [],
        saved=saved,
    )


def _advice(form: Form, own: CouncilSettings) -> Sequence[wording_advice.Advice]:
    today = clock.now().astimezone(LONDON).date()
    return wording_advice.advise(form.one("title"), form.one("body"), on=today, election=own.election_on(today))


@staff_post(f"{AT}/{{draft_id:uuid}}/words", WRITES, people_only, status_code=200)
def take_words(request: StaffRequest, draft_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Keep the words; fill in what is open, keep them as a template or a plan, or go on to the check."""
    form, user = read_form(body), request.user
    with transaction() as session:
        draft = queries.draft(session, user.officer_id, draft_id)
        service.keep(session, draft, word_fields(), form.fields)
        values = {name.removeprefix("fill-"): form.one(name) for name in form.fields if name.startswith("fill-")}
        service.fill_in(session, draft, {name: value for name, value in values.items() if value})
        if form.one("do") == "look":
            return words_page(session, user, draft, [])
        if form.one("do") == "plan":
            return see_other(f"{AT}/{draft_id}/plan")
        if form.one("do") == "template":
            return _kept_as_template(session, user, draft, form.one("template_name"))
        try:
            service.ready(draft)
        except NotReady as error:
            return words_page(session, user, draft, error.field_errors)
    return see_other(f"{AT}/{draft_id}/check")


def _kept_as_template(session: Session, user: Principal, draft: Draft, name: str) -> Response[object]:
    try:
        kept = service.save_template(session, by=user, name=name, fields=draft.fields)
    except (service.TemplateNotValid, service.NotYourTemplate) as error:
        return words_page(session, user, draft, [FieldError("template_name", error.detail)])
    return words_page(session, user, draft, [], saved=f"Kept as version {kept.version} of {kept.name}.")


@staff_get(f"{AT}/{{draft_id:uuid}}/check", WRITES, people_only)
def check(request: StaffRequest, draft_id: FromPath[UUID], said: FromQuery[str] = "") -> Response[object]:
    """Everything once more: whom it reaches, what it costs, what it looks like, and what pressing the button does."""
    user = request.user
    with transaction() as session:
        draft = queries.draft(session, user.officer_id, draft_id)
        try:
            new = service.ready(draft)
        except NotReady as error:
            return _page_with_error(session, user, draft, error.field_errors)
        return check_page(session, user, draft, new, said="A test is on its way to you." if said == "proof" else "")


def _page_with_error(
    session: Session, user: Principal, draft: Draft, field_errors: Sequence[FieldError]
) -> Response[object]:
    """The page that the first fault is on."""
    shown = where_page if field_errors[0].field in WHERE_FIELDS else words_page
    return shown(session, user, draft, field_errors)


def check_page(
    session: Session, user: Principal, draft: Draft, new: NewAlert, *, said: str = "", field_error: str = ""
) -> Response[object]:
    """The last page before it goes."""
    reach, field_errors = _reach(session, user, draft, [])
    if reach is None:
        return _page_with_error(session, user, draft, field_errors)
    about = topic(session, user.council_id, draft.topic)
    content = previews.content_of(session, draft)
    return staff_page(
        user,
        "drafting/check.html",
        at=AT,
        status=422 if field_error else 200,
        headers=FRAMING_US,
        draft=draft,
        topic=about,
        new=new,
        reach=reach,
        deed=audiences.deed(reach, new.send_at, new.escalate.after_minutes if new.escalate else 0, asks=new.asks_reply),
        needs="one" if is_councillor(user) and about.approval == ApprovalRule.NONE else about.approval.value,
        arriving=previews.arriving(content, {*reach.count.by_channel, *reach.count.later_by_channel}, new.translations),
        advice=_advice(Form(draft.fields), council_settings(session, user.council_id)),
        said=said,
        field_errors=[FieldError("send", field_error)] if field_error else [],
        is_emergency=draft.priority == Priority.EMERGENCY,
    )


@staff_get(f"{AT}/{{draft_id:uuid}}/preview/{{language:str}}", WRITES, people_only)
def preview(request: StaffRequest, draft_id: FromPath[UUID], language: FromPath[str]) -> Response[str]:
    """The e-mail as it arrives, for the frames of the check."""
    with transaction() as session:
        draft = queries.draft(session, request.user.officer_id, draft_id)
        html = previews.email_html(previews.content_of(session, draft), language)
    return Response(html, media_type=MediaType.HTML, headers=FRAMED_BY_US)


@staff_post(f"{AT}/{{draft_id:uuid}}/proof", WRITES, people_only, status_code=200)
def prove(request: StaffRequest, draft_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Send the e-mail to the officer alone."""
    language, user = read_form(body).one("language") or "en", request.user
    with transaction() as session:
        draft = queries.draft(session, user.officer_id, draft_id)
        new = service.ready(draft)
        content = previews.content_of(session, draft, is_proof=True)
        address = queries.address_of(session, officer_of(user))
        audit(session, council_id=user.council_id, actor=user.actor, action="draft.prove", subject=str(draft.id))
    said = previews.send_proof(content, address, language)
    with transaction() as session:
        draft = queries.draft(session, user.officer_id, draft_id)
        return check_page(session, user, draft, new, said=said)


@staff_post(
    f"{AT}/{{draft_id:uuid}}/send", WRITES, people_only, opt={"back": f"{AT}/{{draft_id}}/check"}, status_code=200
)
def send(request: StaffRequest, draft_id: FromPath[UUID]) -> Response[object]:
    """Send it, or submit it for approval."""
    user = request.user
    try:
        with transaction() as session:
            draft = queries.draft(session, user.officer_id, draft_id)
            new = service.ready(draft)
            path = f"/staff/alerts/{service.send(session, draft, new, by=user).id}"
    except (queries.UnknownDraft, SecondFactorNeeded):
        raise
    except NotifyError as error:
        with transaction() as session:
            draft = queries.draft(session, user.officer_id, draft_id)
            if isinstance(error, NotReady):
                return _page_with_error(session, user, draft, error.field_errors)
            return check_page(session, user, draft, service.ready(draft), field_error=error.detail)
    return see_other(path)


MENU_ITEMS = (MenuItem("New alert", "/staff/compose", Right.WRITE_ALERTS, 20),)
HANDLERS: Sequence[ControllerRouterHandler] = (
    choose_topic,
    begin,
    write_anew,
    ask_where,
    take_where,
    take_shape,
    ask_words,
    take_words,
    check,
    preview,
    prove,
    send,
)
