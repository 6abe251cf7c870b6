"""`notify geodata` as an administrator types it."""

import gzip
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from notify.core.db import transaction
from notify.places.commands import _ProgressLine, geodata, load_release
from notify.places.file_recognition import KindUnclear, SourceKind, kind_of, recognise
from notify.places.models import ReleaseKind
from notify.places.queries import active_release, areas_by_code
from tests.places.invented import (
    DISTRICT,
    EAST,
    POSTCODES,
    WEST,
    district_file,
    found_council,
    postcode_file,
    settle,
    ward_file,
)

ONS = "Source: Office for National Statistics licensed under the Open Government Licence v.3.0"


def typed(*words: str | Path) -> Result:
    return CliRunner().invoke(geodata, [str(word) for word in words])


@pytest.mark.usefixtures("database")
def test_loading_reports_and_says_what_comes_next(tmp_path: Path) -> None:
    result = typed("load", postcode_file(tmp_path / "zz.csv"))
    assert result.exit_code == 0, result.output
    assert "Release 1: 5 postcodes of zz" in result.output
    assert "0 without a location, 0 without a ward, 0 ended." in result.output
    assert "Nobody is credited" in result.output
    assert "notify geodata activate 1" in result.output
    assert "loaded" in typed("status").output


@pytest.mark.usefixtures("database")
def test_one_command_loads_and_activates_everything(tmp_path: Path) -> None:
    found_council(DISTRICT)
    persons = tmp_path / "persons.csv.gz"
    persons.write_bytes(gzip.compress(f"ward,0,1\n{WEST},40,2\n".encode()))
    result = typed(
        "load",
        district_file(tmp_path / "districts_2025.geojson"),
        ward_file(tmp_path / "Wards_December_2025.geojson"),
        postcode_file(tmp_path / "codepo_gb.csv"),
        "--version", "2025.1", "--population", persons, "--activate",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "Population of 1 wards of release 2: 42 people." in result.output
    assert "5 postcodes measured to their ward's edge" in result.output
    with transaction() as session:
        release = active_release(session, ReleaseKind.POSTCODE)
        assert release is not None
        assert (release.product, release.version) == ("Code-Point Open", "2025.1")
        assert "Contains Royal Mail data" in release.attribution
        assert areas_by_code(session, [WEST])[WEST].population == 42
    lines = typed("status").output.splitlines()
    assert lines[0].split() == ["id", "kind", "product", "version", "rows", "loaded", "state"]
    assert [line.split()[-1] for line in lines[1:]] == ["active"] * 3


@pytest.mark.usefixtures("database")
def test_a_refused_activation_says_why_and_how_to_confirm(tmp_path: Path) -> None:
    found_council(DISTRICT)
    typed("load", postcode_file(tmp_path / "a.csv"), "--activate")
    settle("ZZ2 1AA", EAST)
    refused = typed("load", postcode_file(tmp_path / "b.csv", POSTCODES[:3]), "--activate")
    assert refused.exit_code == 1
    assert "2 postcodes of zed are gone (40.0%; 2% is the limit)" in refused.output
    assert "notify geodata activate 2 --yes" in refused.output
    confirmed = typed("activate", "2", "--yes")
    assert confirmed.exit_code == 0, confirmed.output
    assert "Release 2 is in force, instead of release 1." in confirmed.output
    assert "Confirmed: 2 postcodes of zed are gone" in confirmed.output
    assert "1 in all need their resident's answer" in confirmed.output


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["load", "nowhere.csv"], "nowhere.csv does not exist."),
        (["activate", "7"], "There is no release 7."),
        (["load", "--population", "nowhere.csv"], "Load and activate wards first"),
    ],
)
def test_errors_are_one_sentence_and_exit_with_1(words: list[str], sentence: str) -> None:
    result = typed(*words)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert sentence in result.output
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("database")
def test_left_out_rows_and_mended_outlines_are_shown(tmp_path: Path) -> None:
    file = postcode_file(tmp_path / "zz.csv")
    file.write_text(file.read_text() + '"bad",10,1,1,"","","","","",""\n' * 7)
    output = typed("load", file).output
    assert "7 rows left out:" in output
    assert output.count("zz.csv ") == 5
    assert "zz.csv 6: “bad” is not a postcode" in output


@pytest.mark.usefixtures("database")
def test_nothing_loaded_is_said(tmp_path: Path) -> None:
    assert "Nothing is loaded." in typed("status").output


@pytest.mark.usefixtures("database")
def test_each_command_runs_inside_the_installation_it_is_given(tmp_path: Path) -> None:
    steps: list[str] = []

    @contextmanager
    def installation() -> Iterator[None]:
        steps.append("started")
        yield
        steps.append("stopped")

    CliRunner().invoke(geodata, ["load", "--help"], obj=installation)
    CliRunner().invoke(geodata, ["load", "nowhere.csv"], obj=installation)
    assert steps == []
    CliRunner().invoke(geodata, ["status"], obj=installation)
    assert steps == ["started", "stopped"]


@pytest.mark.usefixtures("database")
def test_the_kind_can_be_given(tmp_path: Path) -> None:
    file = postcode_file(tmp_path / "zz.csv")
    ward_file(tmp_path / "wards.geojson")
    assert "5 postcodes" in typed("load", tmp_path, "--kind", "postcodes").output
    assert "2 wards" in typed("load", tmp_path, "--kind", "areas").output
    assert typed("load", file, "--kind", "parishes").exit_code == 2


def test_two_postcode_files_belong_in_one_folder(tmp_path: Path) -> None:
    result = typed("load", postcode_file(tmp_path / "a.csv"), postcode_file(tmp_path / "b.csv"))
    assert result.exit_code == 2
    assert "into one folder" in result.output


def test_loading_nothing_points_to_the_examples() -> None:
    assert "--help" in typed("load").output
    helped = typed("load", "--help").output
    assert "codepo_gb.zip --activate" in helped
    assert "ONSPD_NOV_2025.zip" in helped


@pytest.mark.usefixtures("database")
def test_a_source_is_loaded_and_put_into_force_in_one_call(tmp_path: Path) -> None:
    report = load_release(postcode_file(tmp_path / "zz.csv"), product="Zed", version="1", attribution="Invented.")
    assert (report.kind, report.added) == (ReleaseKind.POSTCODE, 5)


@pytest.mark.parametrize(
    ("name", "product", "version"),
    [
        ("codepo_gb_2024-11.csv", "Code-Point Open", "2024-11"),
        ("ONSPD_NOV_2025_UK.csv", "ONS Postcode Directory", "November 2025"),
        ("onspd_aug2024.csv", "ONS Postcode Directory", "August 2024"),
        ("Wards_December_2024_Boundaries_UK_BGC.geojson", "Ward boundaries", "December 2024"),
        ("wards21_uk.geojson.gz", "Ward boundaries", "2021"),
        ("Local_Authority_Districts_May_2024_BGC.topojson", "Local authority district boundaries", "May 2024"),
    ],
)
def test_product_and_version_are_guessed_from_the_name(tmp_path: Path, name: str, product: str, version: str) -> None:
    (tmp_path / name).touch()
    guess = recognise(tmp_path / name)
    assert (guess.product, guess.version) == (product, version)
    assert "copyright and database right 202" in guess.attribution
    assert guess.attribution.startswith(ONS) == (product != "Code-Point Open")


def test_code_points_own_metadata_names_it_and_its_version(tmp_path: Path) -> None:
    archive = tmp_path / "download.zip"
    with zipfile.ZipFile(archive, "w") as parts:
        parts.writestr("Data/CSV/zz.csv", postcode_file(tmp_path / "zz.csv").read_text())
        parts.writestr("Doc/metadata.txt", "PRODUCT: OS CODE-POINT\nDATASET VERSION NUMBER: 2024.1.0\n")
    guess = recognise(archive)
    assert (guess.kind, guess.product, guess.version) == (SourceKind.POSTCODES, "Code-Point Open", "2024.1.0")


def test_a_folder_with_both_kinds_needs_to_be_told(tmp_path: Path) -> None:
    postcode_file(tmp_path / "zz.csv")
    assert kind_of(tmp_path) == SourceKind.POSTCODES
    ward_file(tmp_path / "wards.geojson")
    with pytest.raises(KindUnclear, match="--kind"):
        kind_of(tmp_path)
    assert recognise(tmp_path, SourceKind.AREAS).kind == SourceKind.AREAS


def test_progress_grows_on_a_terminal_and_is_sparse_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    for is_terminal, expected in ((True, "\rzz: 20,000 rows\rzz: 400,000 rows\n"), (False, "zz: 400,000 rows\n")):
        line = _ProgressLine("zz", is_terminal)
        line(20_000)
        line(400_000)
        line.close()
        assert capsys.readouterr().err == expected
