"""A resident changes one thing at a time. What another tab changed meanwhile is shown, and not overwritten."""

from collections.abc import Sequence

from litestar import Response
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.channels import CHANNELS
from notify.core.db import transaction
from notify.core.errors import NotFound
from notify.core.form_fields import EMPTY, FieldError, Form
from notify.languages import _, later
from notify.places.postcodes import canonical
from notify.subscribers.my import choices, questions
from notify.subscribers.my.guards import Mine, choices_here
from notify.subscribers.my.questions import Question
from notify.subscribers.sign_up.form import WORDING, FormNotValid, tongues
from notify.web.forms import read_form
from notify.web.routes import PublicRequest, page_get, page_post
from notify.web.templates import page
from notify.web.visitor_language import link

CHANGED = 409


class UnknownMyQuestion(NotFound):
    """There is nothing of this name to change."""

    title = later("There is nothing like this to change")


def _question(name: str) -> Question:
    if name not in set(Question):
        raise UnknownMyQuestion(_("Go back to your alerts and choose what to change."))
    return Question(name)


@page_get("/my/change/{question:str}")
def ask(request: PublicRequest, question: FromPath[str], place: FromQuery[str] = "") -> Response[object]:
    """One question with the answer that is stored; `place`: the one to remove."""
    asked = _question(question)
    with transaction() as session:
        mine = choices_here(session, request)
    form = Form({**questions.stored(mine.choices).fields, "remove_place": [place]})
    return _page(asked, mine, form, [])


def _page(
    question: Question, shown: Mine, form: Form, field_errors: Sequence[FieldError], *, is_changed: bool = False
) -> Response[object]:
    mine = shown.choices
    person = mine.record.subscriber
    languages = dict(tongues())
    languages.setdefault(person.language, person.language)
    return page(
        f"my/change-{question}.html",
        status=CHANGED if is_changed else 422 if field_errors else 200,
        question=question,
        version=questions.version(mine, question),
        field_errors=field_errors,
        is_changed=is_changed,
        form=form,
        groups=mine.groups,
        topics_now=[topic.words.name for _subscription, topic in mine.record.subscriptions],
        contacts=[(contact, CHANNELS[contact.channel].in_sentence, used) for contact, used in mine.contacts],
        places=[(place, canonical(place.postcode)) for place in mine.record.places],
        only_there=lambda place: [
            topic.words.name for one, topic in mine.record.subscriptions if one.only_at == [place.postcode]
        ],
        person=person,
        languages=languages,
        wording=_(WORDING),
    )


@page_post("/my/change/{question:str}")
def change(request: PublicRequest, question: FromPath[str], body: RawBody) -> Response[object]:
    """Store the answer, or show what to fix, or what was changed meanwhile; no topics at all needs a yes first."""
    asked = _question(question)
    form = read_form(body)
    try:
        with transaction() as session:
            mine = choices_here(session, request)
            questions.hold(session, mine.choices.record)
            mine = choices_here(session, request)
            if form.one("version") != questions.version(mine.choices, asked):
                return _page(asked, mine, form, [], is_changed=True)
            questions.check(asked, form)
            whole = questions.answered(mine.choices, asked, form)
            if asked is Question.TOPICS and mine.choices.following and not whole.has("topic"):
                return Redirect(link("/my/stop"), status_code=303)
            choices.save(session, mine.choices, whole)
    except FormNotValid as error:
        with transaction() as session:  # what the failed one had read went with it
            return _page(asked, choices_here(session, request), form, error.field_errors)
    return Redirect(link("/my", saved="true"), status_code=303)


@page_get("/my/stop")
def ask_to_stop(request: PublicRequest) -> Response[object]:
    """What it means to follow no topic, before it is done."""
    with transaction() as session:
        mine = choices_here(session, request)
    return _stop_page(mine)


def _stop_page(shown: Mine, *, is_changed: bool = False) -> Response[object]:
    mine = shown.choices
    return page(
        "my/stop.html",
        status=CHANGED if is_changed else 200,
        is_changed=is_changed,
        version=questions.version(mine, Question.TOPICS),
        council_name=shown.council_name,
        topics_now=[topic.words.name for _subscription, topic in mine.record.subscriptions],
    )


@page_post("/my/stop")
def stop(request: PublicRequest, body: RawBody) -> Response[object]:
    """End every topic, and keep the rest."""
    form = read_form(body)
    with transaction() as session:
        mine = choices_here(session, request)
        questions.hold(session, mine.choices.record)
        mine = choices_here(session, request)
        if form.one("version") != questions.version(mine.choices, Question.TOPICS):
            return _stop_page(mine, is_changed=True)
        choices.save(session, mine.choices, questions.answered(mine.choices, Question.TOPICS, EMPTY))
    return Redirect(link("/my", saved="true"), status_code=303)


HANDLERS: Sequence[ControllerRouterHandler] = (ask, change, ask_to_stop, stop)
