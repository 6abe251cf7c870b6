"""From the fields of a draft to an audience and an alert, or to what has to be mended, field by field."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from notify.alerts.models import Escalation, NewAlert, Priority
from notify.core.clock import LONDON
from notify.core.errors import Invalid, NotifyError
from notify.core.form_fields import Form
from notify.core.typed_text import read_moment
from notify.drafting.hazards import HAZARDS
from notify.drafting.models import Draft
from notify.drafting.placeholders import names_in
from notify.places.models import AudiencePart, AudienceSpec, Circle
from notify.places.projection import to_lon_lat
from notify.places.reference_systems import in_degrees
from notify.staff.page_frame import Fault
from notify.subscribers.sign_up.form import tongues

WHERE_FIELDS = (
    "reach",
    "ward",
    "postcodes",
    "centre",
    "radius",
    "shape",
    "buffer",
    "without_ward",
    "without_postcodes",
)
WORD_FIELDS = (
    *("title", "body", "sms", "link", "channel", "send_at", "expires_at", "reference"),
    *("asks_reply", "escalate_after", "escalate_to", "onset"),
)
TRANSLATED = ("title", "body", "sms")
FURTHEST_M = 50_000
LONGEST_WAIT_MINUTES = 120
_NUMBERS = re.compile(r"(-?\d+(?:\.\d+)?)[\s,;]+(-?\d+(?:\.\d+)?)")


class NotReady(NotifyError):
    """The draft cannot be made into an alert as it is."""

    title = "The draft is not ready"
    status = 422

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(fault.message for fault in faults))
        self.faults = faults


def word_fields() -> Sequence[str]:
    """Every field of the page of words, with those of each language."""
    return [*WORD_FIELDS, *(f"{name}-{code}" for code in languages() for name in TRANSLATED)]


def languages() -> Mapping[str, str]:
    """The languages beside English that alerts are translated to, by code."""
    return {code: name for code, name in tongues().items() if code != "en"}


def audience_of(form: Form) -> AudienceSpec | None:
    """Whom the fields mean; None for everybody who follows the topic. Raises: NotReady."""
    faults: list[Fault] = []
    reach = form.one("reach")
    if reach not in ("everyone", "places"):
        raise NotReady([Fault("reach", "Say whether it goes to everybody or to some places.")])
    without = AudiencePart(wards=list(form.all("without_ward")), postcodes=_listed(form.one("without_postcodes")))
    excluded = {"except": without.model_dump(exclude_defaults=True)} if without != AudiencePart() else {}
    if reach == "everyone":
        return AudienceSpec.model_validate(excluded) if excluded else None
    wanted: dict[str, object] = {
        "wards": list(form.all("ward")),
        "postcodes": _listed(form.one("postcodes")),
        "polygon": _shape(form.one("shape"), faults),
        "circle": _circle(form, faults),
        "buffer_m": _number(form, "buffer", 1000, faults),
    }
    named = {key: value for key, value in wanted.items() if value not in ([], None)}
    if not faults and not named.keys() - {"buffer_m"}:
        faults.append(Fault("reach", "Tick a ward, or give postcodes, a distance or a shape."))
    if faults:
        raise NotReady(faults)
    try:
        return AudienceSpec.model_validate(named | excluded)
    except ValidationError as error:
        raise NotReady([_place_fault(detail["loc"], detail["msg"]) for detail in error.errors()]) from None


def _place_fault(where: Sequence[int | str], message: str) -> Fault:
    field = {"polygon": "shape", "circle": "centre", "postcodes": "postcodes"}.get(str(where[0]), "reach")
    return Fault(field, message.removeprefix("Value error, "))


def _listed(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,;\n]+", text) if part.strip()]


def _shape(text: str, faults: list[Fault]) -> dict[str, object] | None:
    if not text:
        return None
    if text.startswith("OS "):
        return _drawn(text, faults)
    try:
        shape = in_degrees(json.loads(text))
    except Invalid as error:
        faults.append(Fault("shape", error.detail))
        return None
    except (ValueError, RecursionError):
        faults.append(Fault("shape", "This is no GeoJSON: it begins with { and ends with }."))
        return None
    if isinstance(shape, dict) and shape.get("type") == "FeatureCollection" and len(shape.get("features", [])) == 1:
        shape = shape["features"][0]
    if not isinstance(shape, dict):
        faults.append(Fault("shape", "Give one Polygon, MultiPolygon or Feature."))
        return None
    return shape


def shape_text(geojson: Mapping[str, object]) -> str:
    """A shape as the field of the page holds it: short, because a form has an end."""
    return json.dumps(geojson, separators=(",", ":"))


def _drawn(text: str, faults: list[Fault]) -> dict[str, object] | None:
    """A ring of eastings and northings, as our own map writes it."""
    try:
        corners = [tuple(map(float, pair.split())) for pair in text.removeprefix("OS ").split(",")]
        ring = [list(to_lon_lat(easting, northing)) for easting, northing in corners]
    except ValueError:
        faults.append(Fault("shape", "Draw the shape again, or give it as GeoJSON."))
        return None
    return {"type": "Polygon", "coordinates": [ring]}


def _number(form: Form, field: str, most: float, faults: list[Fault]) -> float | None:
    text = form.one(field).replace(",", "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        faults.append(Fault(field, f"Enter metres from 0 to {most:,.0f}."))
        return None
    return number


def _circle(form: Form, faults: list[Fault]) -> Circle | None:
    centre, radius_m = form.one("centre"), _number(form, "radius", FURTHEST_M, faults)
    if not centre and radius_m is None:
        return None
    if not centre or not radius_m:
        missing = "radius" if centre else "centre"
        faults.append(Fault(missing, "Give both a middle and a distance in metres."))
        return None
    pair = _NUMBERS.fullmatch(centre)
    if pair is None:
        return Circle(postcode=centre, radius_m=radius_m)
    first, second = float(pair[1]), float(pair[2])
    if abs(first) > 180:  # metres of the National Grid, easting first
        lon, lat = to_lon_lat(first, second)
        return Circle(lon=lon, lat=lat, radius_m=radius_m)
    if first < 20:
        faults.append(Fault("centre", "Latitude comes first, as in 52.97, 0.32."))
        return None
    return Circle(lon=second, lat=first, radius_m=radius_m)


def alert_of(draft: Draft) -> NewAlert:
    """The alert that a draft describes. Raises: NotReady with every fault."""
    form = Form(draft.fields)
    faults: list[Fault] = []
    values = _words(form, draft, faults)
    texts = [form.one(name) for name in word_fields()]
    for name in names_in(texts):
        faults.append(Fault(_holding(form, name), f"Fill in (({name}))."))
    try:
        audience = audience_of(form)
    except NotReady as error:
        faults += error.faults
        audience = None
    if faults:
        raise NotReady(faults)
    try:
        return NewAlert.model_validate(values | {"audience": audience})
    except ValidationError as error:
        raise NotReady([_fault(detail["loc"], detail["msg"]) for detail in error.errors()]) from None


def _words(form: Form, draft: Draft, faults: list[Fault]) -> dict[str, object]:
    for field, message in (("title", "Enter a title."), ("body", "Enter the message.")):
        if not form.one(field):
            faults.append(Fault(field, message))
    if not form.has("channel"):
        faults.append(Fault("channel", "Choose at least one channel."))
    translations = _translations(form, faults)
    optional: dict[str, object] = {field: form.one(field) for field in ("sms", "link", "reference") if form.one(field)}
    if form.one("hazard") in HAZARDS:
        optional["cap"] = _hazard(form, faults)
    if draft.priority == Priority.EMERGENCY:
        optional |= _in_an_emergency(form, faults)
    return {
        "topic": draft.topic,
        "priority": draft.priority,
        "title": form.one("title"),
        "body": form.one("body"),
        "channels": list(form.all("channel")),
        "translations": translations,
        "send_at": _moment(form, "send_at", faults),
        "expires_at": _moment(form, "expires_at", faults),
        **optional,
    }


def _translations(form: Form, faults: list[Fault]) -> dict[str, dict[str, str]]:
    """The words in each other language that has any."""
    translations = {}
    for code, name in languages().items():
        said = {field: form.one(f"{field}-{code}") for field in TRANSLATED}
        if not any(said.values()):
            continue
        for field in ("title", "body"):
            if not said[field]:
                faults.append(Fault(f"{field}-{code}", f"Give both a title and a message in {name}, or neither."))
        translations[code] = {field: words for field, words in said.items() if words}
    return translations


def _in_an_emergency(form: Form, faults: list[Fault]) -> dict[str, object]:
    """What only emergencies do: be an exercise, ask for replies, and go another way where nobody was reached."""
    found: dict[str, object] = {"asks_reply": form.has("asks_reply"), "training": form.has("training")}
    after, ways = form.one("escalate_after"), list(form.all("escalate_to"))
    if not after and not any(ways):
        return found
    if not after.isdecimal() or not 1 <= int(after) <= LONGEST_WAIT_MINUTES:
        faults.append(Fault("escalate_after", f"Enter minutes from 1 to {LONGEST_WAIT_MINUTES}."))
    elif not any(ways):
        faults.append(Fault("escalate_to", "Choose the channels to use later."))
    elif not set(form.all("channel")) - set(ways):
        faults.append(Fault("escalate_to", "Leave at least one channel to use first."))
    else:
        found["escalate"] = {"after_minutes": int(after), "channels": ways}
    return found


def escalation_of(form: Form) -> Escalation | None:
    """The later channels, as far as the fields name them in a way that can be read."""
    found = _in_an_emergency(form, []).get("escalate")
    return Escalation.model_validate(found) if found else None


def _hazard(form: Form, faults: list[Fault]) -> dict[str, object]:
    """What other systems are told of an emergency."""
    kind = HAZARDS[form.one("hazard")]
    degrees = {name: form.one(name) for name in ("severity", "urgency", "certainty") if form.one(name)}
    onset = _moment(form, "onset", faults)
    return {"event": kind.name, "category": kind.category} | degrees | ({"onset": onset} if onset else {})


def send_at_of(form: Form, faults: list[Fault] | None = None) -> datetime | None:
    """When it is to go out, as far as the field says so in a way that can be read; else the reason is in `faults`."""
    return _moment(form, "send_at", [] if faults is None else faults)


def _moment(form: Form, field: str, faults: list[Fault]) -> datetime | None:
    """A moment on the clock of this country. One that the clocks leave out in spring is refused."""
    text = form.one(field)
    if not text:
        return None
    try:
        local = read_moment(text).replace(tzinfo=LONDON)
    except ValueError as error:
        faults.append(Fault(field, str(error)))
        return None
    if local.astimezone(UTC).astimezone(LONDON).replace(tzinfo=None) != local.replace(tzinfo=None):
        faults.append(Fault(field, "The clocks go forward over this hour: choose another."))
        return None
    return local


def _holding(form: Form, name: str) -> str:
    """The first field in which a name is still open."""
    return next((field for field in word_fields() if name in names_in([form.one(field)])), "title")


def _fault(where: Sequence[int | str], message: str) -> Fault:
    """A fault of the alert's own rules, at the field of the page that it came from."""
    words = message.removeprefix("Value error, ")
    if len(where) > 2 and where[0] == "translations":
        return Fault(f"{where[2]}-{where[1]}", words)
    field = {"channels": "channel", "audience": "reach"}.get(str(where[0]), str(where[0])) if where else "title"
    return Fault(field if field in word_fields() or field == "reach" else "title", words)
