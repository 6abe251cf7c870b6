"""From the fields of a draft to an audience and an alert, or to what has to be fixed, field by field."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from notify.alerts.models import Escalation, NewAlert, Priority
from notify.core import clock
from notify.core.clock import LONDON
from notify.core.errors import Invalid, NotifyError
from notify.core.form_fields import FieldError, Form
from notify.core.typed_text import read_moment
from notify.drafting.hazards import HAZARDS
from notify.drafting.models import Draft, Fields
from notify.drafting.placeholders import names_in
from notify.places.models import AudiencePart, AudienceSpec, Circle
from notify.places.projection import to_lon_lat
from notify.places.reference_systems import in_degrees
from notify.subscribers.sign_up.form import tongues

WHERE_FIELDS = (
    "reach",
    "ward",
    "zone",
    "without_zone",
    "postcodes",
    "centre",
    "radius",
    "shape",
    "buffer",
    "without_ward",
    "without_postcodes",
    "without_shape",
)
WORD_FIELDS = (
    *("title", "body", "sms", "link", "channel", "send_at", "expires_at", "reference"),
    *("asks_reply", "escalate_after", "escalate_to", "onset"),
)
TRANSLATED = ("title", "body", "sms")
HAZARD_FIELDS = (
    "event",
    "category",
    "severity",
    "urgency",
    "certainty",
    "instruction",
)  # of an alert that is copied, whatever wrote it
FURTHEST_M = 50_000
LONGEST_WAIT_MINUTES = 120
_NUMBERS = re.compile(r"(-?\d+(?:\.\d+)?)[\s,;]+(-?\d+(?:\.\d+)?)")


class NotReady(NotifyError):
    """The draft cannot be made into an alert as it is."""

    title = "The draft is not ready"
    status = 422

    def __init__(self, field_errors: Sequence[FieldError]) -> None:
        super().__init__(" ".join(field_error.message for field_error in field_errors))
        self.field_errors = field_errors


def word_fields() -> Sequence[str]:
    """Every field of the page of words, with those of each language."""
    return [*WORD_FIELDS, *(f"{name}-{code}" for code in languages() for name in TRANSLATED)]


def languages() -> Mapping[str, str]:
    """The languages beside English that alerts are translated to, by code."""
    return {code: name for code, name in tongues().items() if code != "en"}


def audience_of(form: Form) -> AudienceSpec | None:
    """Whom the fields mean; None for everyone who follows the topic. Raises: NotReady."""
    field_errors: list[FieldError] = []
    reach = form.one("reach")
    if reach not in ("everyone", "places"):
        raise NotReady([FieldError("reach", "Say whether it goes to everybody or to some places.")])
    without = AudiencePart(
        wards=list(form.all("without_ward")),
        postcodes=_listed(form.one("without_postcodes")),
        polygon=_shape(form, "without_shape", field_errors),
        zones=list(form.all("without_zone")),
    )
    excluded = {"except": without.model_dump(exclude_defaults=True)} if without != AudiencePart() else {}
    if reach == "everyone":
        return AudienceSpec.model_validate(excluded) if excluded else None
    wanted: dict[str, object] = {
        "wards": list(form.all("ward")),
        "zones": list(form.all("zone")),
        "postcodes": _listed(form.one("postcodes")),
        "polygon": _shape(form, "shape", field_errors),
        "circle": _circle(form, field_errors),
        "buffer_m": _number(form, "buffer", 1000, field_errors),
    }
    named = {key: value for key, value in wanted.items() if value not in ([], None)}
    if not field_errors and not named.keys() - {"buffer_m"}:
        field_errors.append(FieldError("reach", "Tick a ward, or give postcodes, a zone, a distance or a shape."))
    if field_errors:
        raise NotReady(field_errors)
    try:
        return AudienceSpec.model_validate(named | excluded)
    except ValidationError as error:
        raise NotReady([_place_fault(detail["loc"], detail["msg"]) for detail in error.errors()]) from None


def _place_fault(where: Sequence[int | str], message: str) -> FieldError:
    field = {"polygon": "shape", "circle": "centre", "postcodes": "postcodes"}.get(str(where[0]), "reach")
    return FieldError(field, message.removeprefix("Value error, "))


def _listed(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,;\n]+", text) if part.strip()]


def _shape(form: Form, field: str, field_errors: list[FieldError]) -> dict[str, object] | None:
    text = form.one(field)
    if not text:
        return None
    if text.startswith("OS "):
        return _drawn(text, field, field_errors)
    try:
        shape = in_degrees(json.loads(text))
    except Invalid as error:
        field_errors.append(FieldError(field, error.detail))
        return None
    except (ValueError, RecursionError):
        field_errors.append(FieldError(field, "This is no GeoJSON: it begins with { and ends with }."))
        return None
    if isinstance(shape, dict) and shape.get("type") == "FeatureCollection" and len(shape.get("features", [])) == 1:
        shape = shape["features"][0]
    if not isinstance(shape, dict):
        field_errors.append(FieldError(field, "Give one Polygon, MultiPolygon or Feature."))
        return None
    return shape


def shape_text(geojson: Mapping[str, object]) -> str:
    """A shape as the field of the page holds it: short, because a form has an end."""
    return json.dumps(geojson, separators=(",", ":"))


def _drawn(text: str, field: str, field_errors: list[FieldError]) -> dict[str, object] | None:
    """A ring of eastings and northings, as our own map writes it."""
    try:
        corners = [tuple(map(float, pair.split())) for pair in text.removeprefix("OS ").split(",")]
        ring = [list(to_lon_lat(easting, northing)) for easting, northing in corners]
    except ValueError:
        field_errors.append(FieldError(field, "Draw the shape again, or give it as GeoJSON."))
        return None
    return {"type": "Polygon", "coordinates": [ring]}


def _number(form: Form, field: str, most: float, field_errors: list[FieldError]) -> float | None:
    text = form.one(field).replace(",", "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        field_errors.append(FieldError(field, f"Enter metres from 0 to {most:,.0f}."))
        return None
    return number


def _circle(form: Form, field_errors: list[FieldError]) -> Circle | None:
    centre, radius_m = form.one("centre"), _number(form, "radius", FURTHEST_M, field_errors)
    if not centre and radius_m is None:
        return None
    if not centre or not radius_m:
        missing = "radius" if centre else "centre"
        field_errors.append(FieldError(missing, "Give both a middle and a distance in metres."))
        return None
    pair = _NUMBERS.fullmatch(centre)
    if pair is None:
        return Circle(postcode=centre, radius_m=radius_m)
    first, second = float(pair[1]), float(pair[2])
    if abs(first) > 180:  # metres of the National Grid, easting first
        lon, lat = to_lon_lat(first, second)
        return Circle(lon=lon, lat=lat, radius_m=radius_m)
    if first < 20:
        field_errors.append(FieldError("centre", "Latitude comes first, as in 52.97, 0.32."))
        return None
    return Circle(lon=second, lat=first, radius_m=radius_m)


def alert_of(draft: Draft) -> NewAlert:
    """The alert that a draft describes. Raises: NotReady with every fault."""
    return alert_from(draft.fields, topic=draft.topic, priority=draft.priority)


def alert_from(fields: Fields, *, topic: str, priority: Priority) -> NewAlert:
    """The same of the fields of a draft. Raises: NotReady with every fault."""
    form = Form(fields)
    field_errors: list[FieldError] = []
    values = _words(form, topic, priority, field_errors)
    texts = [form.one(name) for name in word_fields()]
    for name in names_in(texts):
        field_errors.append(FieldError(_holding(form, name), f"Fill in (({name}))."))
    try:
        audience = audience_of(form)
    except NotReady as error:
        field_errors += error.field_errors
        audience = None
    if field_errors:
        raise NotReady(field_errors)
    try:
        return NewAlert.model_validate(values | {"audience": audience})
    except ValidationError as error:
        raise NotReady([_field_error(detail["loc"], detail["msg"]) for detail in error.errors()]) from None


def _words(form: Form, topic: str, priority: Priority, field_errors: list[FieldError]) -> dict[str, object]:
    for field, message in (("title", "Enter a title."), ("body", "Enter the message.")):
        if not form.one(field):
            field_errors.append(FieldError(field, message))
    if not form.has("channel"):
        field_errors.append(FieldError("channel", "Choose at least one channel."))
    translations = _translations(form, field_errors)
    optional: dict[str, object] = {field: form.one(field) for field in ("sms", "link", "reference") if form.one(field)}
    if form.one("hazard") in HAZARDS or any(form.one(name) for name in HAZARD_FIELDS):
        optional["cap"] = _hazard(form, field_errors)
    if priority == Priority.EMERGENCY:
        optional |= _in_an_emergency(form, field_errors)
    return {
        "topic": topic,
        "priority": priority,
        "title": form.one("title"),
        "body": form.one("body"),
        "channels": list(form.all("channel")),
        "translations": translations,
        "send_at": _moment(form, "send_at", field_errors),
        "expires_at": _moment(form, "expires_at", field_errors),
        **optional,
    }


def _translations(form: Form, field_errors: list[FieldError]) -> dict[str, dict[str, str]]:
    """The words in each other language that has any."""
    translations = {}
    for code, name in languages().items():
        said = {field: form.one(f"{field}-{code}") for field in TRANSLATED}
        if not any(said.values()):
            continue
        for field in ("title", "body"):
            if not said[field]:
                field_errors.append(
                    FieldError(f"{field}-{code}", f"Give both a title and a message in {name}, or neither.")
                )
        translations[code] = {field: words for field, words in said.items() if words}
    return translations


def _in_an_emergency(form: Form, field_errors: list[FieldError]) -> dict[str, object]:
    """What only emergencies do: be an exercise, ask for replies, and go another way where nobody was reached."""
    found: dict[str, object] = {"asks_reply": form.has("asks_reply"), "training": form.has("training")}
    found |= {"incident": form.one("incident")} if form.one("incident") else {}
    after, ways = form.one("escalate_after"), list(form.all("escalate_to"))
    if not after and not any(ways):
        return found
    if not after.isdecimal() or not 1 <= int(after) <= LONGEST_WAIT_MINUTES:
        field_errors.append(FieldError("escalate_after", f"Enter minutes from 1 to {LONGEST_WAIT_MINUTES}."))
    elif not any(ways):
        field_errors.append(FieldError("escalate_to", "Choose the channels to use later."))
    elif not set(form.all("channel")) - set(ways):
        field_errors.append(FieldError("escalate_to", "Leave at least one channel to use first."))
    else:
        found["escalate"] = {"after_minutes": int(after), "channels": ways}
    return found


def escalation_of(form: Form) -> Escalation | None:
    """The later channels, as far as the fields name them in a way that can be read."""
    found = _in_an_emergency(form, []).get("escalate")
    return Escalation.model_validate(found) if found else None


def _hazard(form: Form, field_errors: list[FieldError]) -> dict[str, object]:
    """What other systems are told of an emergency."""
    said: dict[str, object] = {name: form.one(name) for name in HAZARD_FIELDS if form.one(name)}
    if form.one("hazard") in HAZARDS:
        kind = HAZARDS[form.one("hazard")]
        said |= {"event": kind.name, "category": kind.category}
    onset = _moment(form, "onset", field_errors)
    return said | ({"onset": onset} if onset else {})


def send_at_of(form: Form, field_errors: list[FieldError] | None = None) -> datetime | None:
    """When it is to go out, as far as the field says so readably; else the reason is in `field_errors`."""
    return _moment(form, "send_at", [] if field_errors is None else field_errors)


def expires_at_of(form: Form) -> datetime | None:
    """Until when it is in force, as far as the field says so readably and that is still to come."""
    until = _moment(form, "expires_at", [])
    return until if until and until > clock.now() else None


def _moment(form: Form, field: str, field_errors: list[FieldError]) -> datetime | None:
    """A moment on the UK clock. One that the clocks leave out in spring is refused."""
    text = form.one(field)
    if not text:
        return None
    try:
        local = read_moment(text).replace(tzinfo=LONDON)
    except ValueError as error:
        field_errors.append(FieldError(field, str(error)))
        return None
    if local.astimezone(UTC).astimezone(LONDON).replace(tzinfo=None) != local.replace(tzinfo=None):
        field_errors.append(FieldError(field, "The clocks go forward over this hour: choose another."))
        return None
    return local


def _holding(form: Form, name: str) -> str:
    """The first field in which a name is still open."""
    return next((field for field in word_fields() if name in names_in([form.one(field)])), "title")


def _field_error(where: Sequence[int | str], message: str) -> FieldError:
    """A fault of the alert's own rules, at the field of the page that it came from."""
    words = message.removeprefix("Value error, ")
    if len(where) > 2 and where[0] == "translations":
        return FieldError(f"{where[2]}-{where[1]}", words)
    field = {"channels": "channel", "audience": "reach"}.get(str(where[0]), str(where[0])) if where else "title"
    return FieldError(field if field in word_fields() or field == "reach" else "title", words)
