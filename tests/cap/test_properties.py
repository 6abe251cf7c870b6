"""Whatever an alert says and wherever it holds, its CAP message keeps the schema and our own rules."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from notify.alerts.hazard import Category, Certainty, Severity, Urgency
from notify.alerts.models import Alert, AlertState, FollowUp, Priority
from notify.alerts.publishing.queries import Published
from notify.cap import message_builder, queries, reader, validation
from notify.cap.areas import rings
from notify.cap.message import Area, Info, Message, MessageType, Reference, ResponseType, Status
from notify.cap.validation import turned
from notify.cap.writer import write
from notify.core.errors import NotifyError
from notify.places.projection import project
from notify.staff.models import Council
from notify.subscribers.models import ApprovalRule, Topic, TopicPurpose
from tests.cap.messages import Validate, message, validator

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXT = st.text(st.characters(), max_size=60)  # control characters, surrogates, everything
WORDS = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=60).filter(str.strip)
START = datetime(2000, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 2_800_000_000).map(lambda seconds: START + timedelta(seconds=seconds))


@st.composite
def shapes(draw: st.DrawFn) -> BaseGeometry:
    """One or more circles and boxes, less others: holes, islands in holes, slivers; metres, EPSG:27700."""
    around = shapely.Point(305_000, 305_000)
    ring = around.buffer(9000, quad_segs=9).difference(around.buffer(draw(st.floats(0.1, 8000))))
    ground: BaseGeometry = ring if draw(st.booleans()) else MultiPolygon()
    for number in range(draw(st.integers(1, 6))):
        x, y = draw(st.integers(300_000, 310_000)), draw(st.integers(300_000, 310_000))
        size = draw(st.floats(1, 4000))
        piece: BaseGeometry = shapely.Point(x, y).buffer(size, quad_segs=draw(st.integers(1, 12)))
        if draw(st.booleans()):
            piece = piece.envelope
        ground = ground.difference(piece) if number and draw(st.booleans()) else ground.union(piece)
    return ground


@pytest.fixture(scope="module")
def validate(real_data: Path) -> Validate:
    return validator(real_data)


@QUICK
@given(shapes())
def test_an_area_of_any_form_is_written_as_rings_that_keep_every_rule(shape: BaseGeometry) -> None:
    written = tuple(rings(shape))
    validation.check_areas([Area("Here", polygons=written)])
    polygons = [Polygon(turned(ring)) for ring in written]
    assert all(polygon.exterior.is_ccw for polygon in polygons)
    if shape.area > 10_000:
        in_metres = shapely.transform(shapely.union_all(polygons), project)
        # simplified by two metres, and straight in degrees is not quite straight in metres
        allowed = 4 * shape.length + 100
        assert in_metres.symmetric_difference(shape).area <= allowed


@st.composite
def published(draw: st.DrawFn) -> tuple[Published, Alert, str]:
    """An alert with any words, the first one it follows, and what its area is called."""
    council = Council(slug="zed", name=draw(TEXT) or "Zed")
    topic = Topic(council_id=council.id, slug="floods", name=draw(WORDS), purpose=TopicPurpose.EMERGENCY, channels=[],
                  approval=ApprovalRule.NONE)  # fmt: skip

    def alert(**more: Any) -> Alert:  # noqa: ANN401 - any column
        at = draw(MOMENTS)
        return Alert(
            council_id=council.id,
            topic_id=topic.id,
            priority=draw(st.sampled_from(Priority)),
            title=draw(TEXT),
            body=draw(TEXT),
            translations=draw(st.sampled_from([{}, {"cy": {"title": draw(TEXT), "body": draw(TEXT)}}])),
            channels=[],
            state=draw(st.sampled_from([AlertState.SENT, AlertState.CANCELLED, AlertState.DRAFT])),
            is_test=draw(st.booleans()),
            content_hash=b"",
            created_by=draw(st.sampled_from(["officer:1", "key:2"])),
            approved_at=at,
            changed_at=at + timedelta(seconds=draw(st.integers(0, 9999))),
            expanded_at=at,
            expires_at=draw(st.none() | st.just(at + timedelta(hours=draw(st.integers(1, 9999))))),
            event=draw(st.none() | WORDS),
            category=draw(st.none() | st.sampled_from(Category)),
            severity=draw(st.none() | st.sampled_from(Severity)),
            urgency=draw(st.none() | st.sampled_from(Urgency)),
            certainty=draw(st.none() | st.sampled_from(Certainty)),
            instruction=draw(st.none() | TEXT),
            **more,
        )

    first = alert()
    follows = draw(st.none() | st.sampled_from(FollowUp))
    own = alert(follows_id=first.id, follow_up=follows) if follows else first
    return Published(own, topic, council, council.name), first, draw(TEXT) or "Here"


class Session:
    """Answers the two questions that composing asks of a database."""

    def __init__(self, first: Alert) -> None:
        self.first = first

    def get_one(self, *_: object) -> Alert:
        """The alert that is followed."""
        return self.first


@QUICK
@given(published(), shapes(), st.lists(st.tuples(st.just("WD25CD"), WORDS), max_size=400))
def test_every_message_that_is_written_is_valid(
    monkeypatch_module: pytest.MonkeyPatch,
    validate: Validate,
    found: tuple[Published, Alert, str],
    shape: BaseGeometry,
    codes: list[tuple[str, str]],
) -> None:
    one, first, name = found
    area = Area(name, polygons=tuple(rings(shape)), geocodes=tuple(codes))
    monkeypatch_module.setattr(message_builder, "areas_of", lambda *_, **__: (area,))
    monkeypatch_module.setattr(message_builder, "alert_of_area", lambda *_: first)
    monkeypatch_module.setattr(queries, "following", lambda *_, **__: [])
    message = message_builder.message_of(Session(first), one)  # type: ignore[arg-type]
    document = write(message)
    validate(document)
    read = reader.read(document)
    assert read.name == message.name
    assert all(len(info.headline) <= 160 for info in read.infos)
    if read.status in (Status.ACTUAL, Status.TEST, Status.EXERCISE):
        expires = read.infos[0].expires
        is_over = expires is not None and expires <= read.sent  # an alert may be withdrawn after its time
        with pytest.raises(validation.CapExpired) if is_over else nullcontext():
            validation.check(read, now=read.sent)


@pytest.fixture(scope="module")
def monkeypatch_module() -> Any:  # noqa: ANN401 - a generator of the patcher
    with pytest.MonkeyPatch.context() as patch:
        yield patch


INFOS = st.builds(
    Info,
    language=st.sampled_from(["en-GB", "cy-GB", "en-US"]),
    categories=st.lists(st.sampled_from(Category), min_size=1, max_size=3).map(tuple),
    event=WORDS.map(str.strip),
    urgency=st.sampled_from(Urgency),
    severity=st.sampled_from(Severity),
    certainty=st.sampled_from(Certainty),
    response_types=st.lists(st.sampled_from(ResponseType), max_size=2).map(tuple),
    expires=st.none() | MOMENTS,
    headline=st.just("") | WORDS.map(str.strip),
    description=st.just("") | WORDS.map(str.strip),
    areas=st.lists(
        st.builds(
            Area,
            description=WORDS.map(str.strip),
            polygons=st.just((((52.96, 0.31), (52.96, 0.35), (52.99, 0.35), (52.96, 0.31)),)),
            circles=st.lists(st.just((52.97, 0.32, 1.5)), max_size=2).map(tuple),
            geocodes=st.lists(st.tuples(st.just("WD25CD"), st.just("E05000001")), max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
)
MESSAGES = st.builds(
    Message,
    identifier=st.uuids().map(str),
    sender=st.just("alerts@example.org"),
    sent=MOMENTS,
    status=st.sampled_from(Status),
    kind=st.sampled_from(MessageType),
    references=st.lists(
        st.builds(Reference, st.just("a@example.org"), st.just("one"), MOMENTS),
        max_size=3,
    ).map(tuple),
    infos=st.lists(INFOS, max_size=3).map(tuple),
)


@QUICK
@given(MESSAGES)
def test_what_is_written_is_read_again_as_it_was(message: Message) -> None:
    assert reader.read(write(message)) == message


def remove(parent: Element, child: Element, _: int) -> None:
    parent.remove(child)


def double(parent: Element, child: Element, at: int) -> None:
    parent.insert(at % (len(parent) + 1), child)


def move(parent: Element, child: Element, at: int) -> None:
    parent.remove(child)
    double(parent, child, at)


def rename(_: Element, child: Element, at: int) -> None:
    names = ("event", "note", "headline", "odd")
    child.tag = child.tag.rpartition("}")[0] + "}" + names[at % len(names)]


def rewrite(_: Element, child: Element, at: int) -> None:
    words = ("", "Severe", " Actual", "en_GB", "2026-13-01T10:00:00-00:00", "Alert")
    child.text = words[at % len(words)]


def add_attribute(_: Element, child: Element, at: int) -> None:
    child.set("id", str(at))


def add_child(_: Element, child: Element, at: int) -> None:
    SubElement(child, child.tag)


def add_words(_: Element, child: Element, at: int) -> None:
    child.tail = "words"


DAMAGES = (remove, double, move, rename, rewrite, add_attribute, add_child, add_words)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A right message of which up to three things were removed, doubled, moved, renamed or rewritten."""
    root = fromstring(message())
    for _ in range(draw(st.integers(0, 3))):
        parents = [element for element in root.iter() if len(element)]
        if parents:
            parent = draw(st.sampled_from(parents))
            child = draw(st.sampled_from(list(parent)))
            draw(st.sampled_from(DAMAGES))(parent, child, draw(st.integers(0, 20)))
    return tostring(root)


@settings(QUICK, max_examples=400)
@given(damaged())
def test_what_the_schema_refuses_is_refused(real_data: Path, document: bytes) -> None:
    """The schema is not shipped; the reader's own table of elements stands for it."""
    schema = _schema(str(real_data / "cap" / "CAP-v1.2.xsd"))
    is_valid = schema.validate(etree.fromstring(document))
    try:
        reader.read(document)
    except NotifyError:
        return  # our rules ask more than the schema's
    assert is_valid, (document, str(schema.error_log))


_schemas: dict[str, etree.XMLSchema] = {}


def _schema(path: str) -> etree.XMLSchema:
    return _schemas.setdefault(path, etree.XMLSchema(etree.parse(path)))
