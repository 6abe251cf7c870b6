"""A release is put into force only if nothing speaks against it, and takes residents' places along."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import select

from notify.alerts import service as alerts
from notify.alerts.models import Alert, AlertContent, AlertState
from notify.core.db import transaction
from notify.places import activation
from notify.places.activation import ReleaseDropped, ReleaseNeedsConfirmation, UnknownRelease
from notify.places.models import AudienceSpec, PlaceChange, ReleaseKind
from notify.places.queries import active_release, areas_by_code, releases, resolve_postcodes
from notify.staff.models import AuditEntry, Council
from notify.staff.rights import SystemActor
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewTopic, WardSource
from tests.places.invented import (
    DISTRICT,
    EAST,
    FAR_DISTRICT,
    NEW_EAST,
    POSTCODES,
    WEST,
    Row,
    found_council,
    load,
    place,
    postcode_file,
    put_in_force,
    settle,
    ward_file,
)

pytestmark = pytest.mark.usefixtures("database")

MANY = [(f"ZZ1 {sector}{a}{b}", 555_100, 344_100, WEST) for sector in range(5) for a in "ABDEF" for b in "ABDE"]


def moved(old: str, new: str) -> list[Row]:
    return [(p, e, n, new if ward == old else ward) for p, e, n, ward in POSTCODES]


def refusal(path: Path) -> ReleaseNeedsConfirmation:
    with pytest.raises(ReleaseNeedsConfirmation) as refused:
        put_in_force(path, confirmed=False)
    return refused.value


def changes() -> list[tuple[UUID, str | None, str | None]]:
    with transaction() as session:
        rows = session.exec(select(PlaceChange).order_by(PlaceChange.id)).all()  # type: ignore[arg-type]
        return [(row.place_id, row.old_ward_code, row.new_ward_code) for row in rows]


def test_the_first_release_needs_no_confirmation(tmp_path: Path) -> None:
    found_council(DISTRICT)
    report = put_in_force(postcode_file(tmp_path / "zz.csv"), confirmed=False)
    assert (report.added, report.removed, report.moved_ward, report.previous_id) == (5, 0, 0, None)
    with transaction() as session:
        assert resolve_postcodes(session, ["ZZ11AA"])["ZZ11AA"].ward_code == WEST


@pytest.mark.parametrize("wards_first", [True, False])
def test_edges_are_measured_whichever_comes_last(tmp_path: Path, wards_first: bool) -> None:
    found_council(DISTRICT)
    files = [ward_file(tmp_path / "w.geojson"), postcode_file(tmp_path / "zz.csv")]
    for file in files if wards_first else reversed(files):
        report = put_in_force(file, confirmed=False)
    assert report.edges == 5
    with transaction() as session:
        found = resolve_postcodes(session, ["ZZ11AA", "ZZ11AD", "ZZ21AA"])
    assert {key: (row.edge_m, row.alt_ward_code) for key, row in found.items()} == {
        "ZZ11AA": (500.0, None),
        "ZZ11AD": (10.0, EAST),
        "ZZ21AA": (40.0, WEST),
    }


def test_only_the_councils_own_postcodes_are_measured_until_another_council_comes(tmp_path: Path) -> None:
    found_council(FAR_DISTRICT, slug="far")
    put_in_force(ward_file(tmp_path / "w.geojson"))
    report = put_in_force(postcode_file(tmp_path / "zz.csv"))
    assert report.edges == 0
    found_council(DISTRICT)
    with transaction() as session:
        again = activation.activate(session, report.release_id)
    assert (again.edges, again.previous_id, again.added) == (5, report.release_id, 0)


def test_outlines_of_another_year_give_neither_distance_nor_neighbour(tmp_path: Path) -> None:
    found_council(DISTRICT)
    put_in_force(postcode_file(tmp_path / "zz.csv"))
    old_codes = {"Z05000009": (555_000, 344_000, 557_000, 345_000), WEST: (555_000, 344_000, 556_000, 345_000)}
    report = put_in_force(ward_file(tmp_path / "w.geojson", old_codes))
    with transaction() as session:
        found = resolve_postcodes(session, ["ZZ11AD", "ZZ21AA"])
    assert report.edges == 3
    assert (found["ZZ21AA"].edge_m, found["ZZ21AA"].alt_ward_code) == (None, None)
    assert (found["ZZ11AD"].edge_m, found["ZZ11AD"].alt_ward_code) == (10.0, None)


def test_wards_whose_file_names_no_district_get_it_from_their_postcodes(tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "zz.csv"))
    put_in_force(ward_file(tmp_path / "w.geojson", district=None))
    with transaction() as session:
        assert areas_by_code(session, [EAST])[EAST].district_code == DISTRICT


def test_residents_follow_their_postcode_into_its_new_ward(tmp_path: Path) -> None:
    first = put_in_force(postcode_file(tmp_path / "a.csv"))
    mover = settle("ZZ2 1AA", EAST, release_id=first.release_id)
    stayer = settle("ZZ1 1AA", WEST, release_id=first.release_id)
    report = put_in_force(postcode_file(tmp_path / "b.csv", moved(EAST, NEW_EAST)))
    assert (report.moved_ward, report.places_changed, report.needing_review) == (2, 1, 0)
    assert (place(mover).ward_code, place(mover).release_id) == (NEW_EAST, report.release_id)
    assert (place(stayer).ward_code, place(stayer).release_id) == (WEST, report.release_id)
    assert changes() == [(mover, EAST, NEW_EAST)]


def test_a_residents_answer_stands_while_its_ward_exists(tmp_path: Path) -> None:
    found_council(DISTRICT)
    put_in_force(ward_file(tmp_path / "w.geojson"))
    put_in_force(postcode_file(tmp_path / "a.csv"))
    answered = settle("ZZ1 1AD", EAST, source=WardSource.RESIDENT)
    report = put_in_force(postcode_file(tmp_path / "b.csv"))
    assert (report.places_changed, report.needing_review) == (0, 0)
    kept = place(answered)
    assert (kept.ward_code, kept.ward_source, kept.alt_ward_code) == (EAST, "resident", EAST)


def test_an_answer_far_from_where_the_postcode_now_lies_is_asked_for_again(tmp_path: Path) -> None:
    found_council(DISTRICT)
    put_in_force(ward_file(tmp_path / "w.geojson"))
    put_in_force(postcode_file(tmp_path / "a.csv"))
    answered = settle("ZZ1 1AD", EAST, source=WardSource.RESIDENT)
    further = [(p, 555_300 if p == "ZZ1 1AD" else e, n, ward) for p, e, n, ward in POSTCODES]
    put_in_force(postcode_file(tmp_path / "b.csv", further))
    assert (place(answered).ward_code, place(answered).needs_review) == (EAST, True)


def test_an_answer_whose_ward_is_gone_follows_the_data_and_is_asked_for_again(tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "a.csv"))
    answered = settle("ZZ1 1AD", EAST, source=WardSource.RESIDENT)
    report = put_in_force(postcode_file(tmp_path / "b.csv", moved(EAST, NEW_EAST)))
    lost = place(answered)
    assert (lost.ward_code, lost.ward_source, lost.needs_review) == (WEST, "published", True)
    assert changes() == [(answered, EAST, WEST)]
    with transaction() as session:
        activation.activate(session, report.release_id)
    assert place(answered).needs_review  # looking up the same release again answers nothing


def test_a_place_whose_postcode_is_gone_keeps_its_ward_and_is_reviewed(tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "a.csv"))
    gone = settle("ZZ1 1AB", WEST)
    report = put_in_force(postcode_file(tmp_path / "b.csv", [row for row in POSTCODES if row[0] != "ZZ1 1AB"]))
    assert (report.removed, report.places_changed, report.needing_review) == (1, 0, 1)
    assert (place(gone).ward_code, place(gone).needs_review) == (WEST, True)


def test_a_place_whose_postcode_and_ward_are_gone_follows_the_wards_other_postcodes(tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "a.csv"))
    gone = settle("ZZ2 1AB", EAST)
    rest = [row for row in moved(EAST, NEW_EAST) if row[0] != "ZZ2 1AB"]
    report = put_in_force(postcode_file(tmp_path / "b.csv", rest))
    assert report.places_changed == 1
    assert (place(gone).ward_code, place(gone).needs_review) == (NEW_EAST, True)
    assert changes() == [(gone, EAST, NEW_EAST)]


def test_a_split_ward_has_no_automatic_successor(tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "a.csv", [*POSTCODES, ("ZZ2 1AD", 556_600, 344_400, EAST)]))
    gone = settle("ZZ2 1AD", EAST)
    split = [*POSTCODES[:3], ("ZZ2 1AA", 556_040, 344_500, WEST), ("ZZ2 1AB", 556_500, 344_400, NEW_EAST)]
    put_in_force(postcode_file(tmp_path / "b.csv", split))
    assert (place(gone).ward_code, place(gone).needs_review) == (EAST, True)


def test_a_place_with_an_unknown_postcode_is_tried_again(tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "a.csv", POSTCODES[:4]))
    new = settle("ZZ2 1AB", None)
    with transaction() as session:
        session.merge(place(new)).needs_review = True
    report = put_in_force(postcode_file(tmp_path / "b.csv"))
    assert (place(new).ward_code, place(new).needs_review) == (EAST, False)
    assert report.needing_review == 0
    assert changes() == [(new, None, EAST)]


def test_a_release_with_a_hole_in_its_wards_is_refused_with_the_counts(tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "a.csv", MANY))
    holed = [(p, e, n, "" if number < 2 else ward) for number, (p, e, n, ward) in enumerate(MANY)]
    refused = refusal(postcode_file(tmp_path / "b.csv", holed))
    assert refused.fields["blank_wards"] == 2
    assert "2 live postcodes have no ward (2.0%; 1% is the limit)" in refused.detail
    assert "notify geodata activate 2 --yes" in refused.detail
    with transaction() as session:
        active = active_release(session, ReleaseKind.POSTCODE)
        assert active is not None
        assert active.id == 1
        assert [state.state for state in releases(session)] == ["active", "loaded"]
        assert activation.activate(session, 2, confirmed=True).objections


def test_only_the_councils_own_postcodes_must_not_vanish(tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "a.csv", MANY))
    put_in_force(postcode_file(tmp_path / "b.csv", MANY[5:]), confirmed=False)
    found_council(DISTRICT)
    refused = refusal(postcode_file(tmp_path / "c.csv", MANY[8:]))
    assert (refused.fields["own_vanished"], refused.fields["own_before"]) == (3, 95)
    put_in_force(postcode_file(tmp_path / "d.csv", MANY[6:]), confirmed=False)


def two_districts(path: Path, near: list[Row], far: list[Row]) -> Path:
    """Postcodes of two districts in one file."""
    parts = [postcode_file(path, near).read_text(), postcode_file(path, far, FAR_DISTRICT).read_text() if far else ""]
    path.write_text("".join(parts))
    return path


FAR = [(f"ZZ7 {sector}A{b}", 555_100, 344_100, EAST) for sector in range(5) for b in "AB"]


def test_what_a_small_council_loses_is_not_lost_in_a_large_one(tmp_path: Path) -> None:
    found_council(DISTRICT)
    found_council(FAR_DISTRICT, slug="far")
    put_in_force(two_districts(tmp_path / "a.csv", MANY, FAR))
    refused = refusal(two_districts(tmp_path / "b.csv", MANY, FAR[1:]))
    assert "1 postcodes of far are gone (10.0%; 2% is the limit)" in refused.detail
    assert "zed" not in refused.detail
    blank = [(p, e, n, "") for p, e, n, _ in FAR[:1]]
    assert (
        "1 postcodes of far have no ward (10.0%"
        in refusal(two_districts(tmp_path / "c.csv", MANY, blank + FAR[1:])).detail
    )


def test_a_district_that_ended_is_refused_until_its_council_covers_the_new_one(tmp_path: Path) -> None:
    found_council(DISTRICT)
    council_id = found_council(FAR_DISTRICT, slug="far")
    put_in_force(two_districts(tmp_path / "a.csv", MANY, FAR))
    merged = postcode_file(tmp_path / "b.csv", [*MANY, *FAR])
    said = refusal(merged).detail
    assert f"district {FAR_DISTRICT} of far has ended: its postcodes are now in {DISTRICT}" in said
    assert f"`notify council districts far --add {DISTRICT}`" in said
    with transaction() as session:
        session.get_one(Council, council_id).district_codes = [FAR_DISTRICT, DISTRICT]
    put_in_force(merged, confirmed=False)


def test_a_district_without_any_postcode_is_refused(tmp_path: Path) -> None:
    found_council(DISTRICT, FAR_DISTRICT)
    put_in_force(two_districts(tmp_path / "a.csv", MANY, FAR[:1]))
    assert (
        f"district {FAR_DISTRICT} of zed has no postcodes any more"
        in refusal(postcode_file(tmp_path / "b.csv", MANY)).detail
    )


def test_a_residents_ward_without_successor_is_refused(tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "a.csv"))
    settle("ZZ2 1AA", EAST)
    put_in_force(postcode_file(tmp_path / "b.csv", moved(EAST, NEW_EAST)), confirmed=False)
    refused = refusal(postcode_file(tmp_path / "c.csv", POSTCODES[:3]))
    assert f"with residents have no successor ({NEW_EAST})" in refused.detail


def draft(council_id: UUID, audience: AudienceSpec) -> Alert:
    with transaction() as session:
        subscribers.create_topic(
            session, council_id=council_id, actor="test", new=NewTopic(slug="bins", name="Bin collections")
        )
        new = AlertContent(topic="bins", title="Bins", body="Bins.", audience=audience)
        return alerts.create(session, by=SystemActor("test", council_id), new=new)


@pytest.mark.parametrize("excluded", [False, True])
def test_a_ward_that_a_waiting_alert_needs_must_not_be_missing(tmp_path: Path, excluded: bool) -> None:
    council_id = found_council(DISTRICT)
    put_in_force(ward_file(tmp_path / "w.geojson"))
    put_in_force(postcode_file(tmp_path / "a.csv"))
    wards = {"wards": [EAST]}
    alert = draft(council_id, AudienceSpec.model_validate({"except": wards} if excluded else wards))
    without_east = postcode_file(tmp_path / "b.csv", moved(EAST, NEW_EAST))
    assert f"named by alerts not yet sent are missing ({EAST})" in refusal(without_east).detail
    with transaction() as session:
        session.merge(alert).state = AlertState.SENT
    put_in_force(without_east, confirmed=False)


def test_wards_that_the_councils_postcodes_carry_must_be_among_the_outlines(tmp_path: Path) -> None:
    found_council(DISTRICT)
    put_in_force(postcode_file(tmp_path / "a.csv"))
    refused = refusal(ward_file(tmp_path / "w.geojson", {WEST: (555_000, 344_000, 556_000, 345_000)}))
    assert f"of zed's postcodes are missing ({EAST})" in refused.detail


def test_one_previous_release_is_kept_to_go_back_to(tmp_path: Path) -> None:
    ids = [put_in_force(postcode_file(tmp_path / f"{name}.csv")).release_id for name in "abc"]
    with transaction() as session:
        assert [state.state for state in releases(session)] == ["dropped", "retired", "active"]
        with pytest.raises(ReleaseDropped):
            activation.activate(session, ids[0])
        back = activation.activate(session, ids[1])
        assert back.previous_id == ids[2]
        assert [state.state for state in releases(session)] == ["dropped", "active", "retired"]


def test_retired_areas_stay_resolvable(tmp_path: Path) -> None:
    put_in_force(ward_file(tmp_path / "a.geojson"))
    put_in_force(ward_file(tmp_path / "b.geojson", {NEW_EAST: (556_000, 344_000, 557_000, 345_000)}))
    put_in_force(ward_file(tmp_path / "c.geojson", {NEW_EAST: (556_000, 344_000, 557_000, 345_000)}))
    with transaction() as session:
        assert {code: area.release_id for code, area in areas_by_code(session, [WEST, NEW_EAST]).items()} == {
            WEST: 1,
            NEW_EAST: 3,
        }


def test_a_release_being_read_is_dropped_the_next_time(tmp_path: Path) -> None:
    first, second = (put_in_force(postcode_file(tmp_path / f"{name}.csv")) for name in "ab")
    third = load(postcode_file(tmp_path / "c.csv"))
    with transaction() as reader:
        resolve_postcodes(reader, ["ZZ11AA"])
        with transaction() as session:
            activation.activate(session, third.release_id)
    with transaction() as session:
        states = {state.id: state.state for state in releases(session)}
    assert states == {first.release_id: "retired", second.release_id: "retired", third.release_id: "active"}


def test_an_activation_is_in_the_audit_trail_with_what_was_overruled(tmp_path: Path) -> None:
    put_in_force(postcode_file(tmp_path / "a.csv", MANY))
    put_in_force(postcode_file(tmp_path / "b.csv", [(p, e, n, "") for p, e, n, _ in MANY]))
    with transaction() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.subject == "2")).one()
    assert entry.action == "geodata.activate"
    assert entry.detail["overruled"] == ["100 live postcodes have no ward (100.0%; 1% is the limit)"]


def test_an_unknown_release_is_named() -> None:
    with transaction() as session, pytest.raises(UnknownRelease, match="41"):
        activation.activate(session, 41)
