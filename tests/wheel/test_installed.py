"""The wheel, installed outside of the checkout, is the whole product: it needs nothing that lies beside it."""

import json
import os
import shutil
import site
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

import notify

ROOT = Path(__file__).parents[2]
LONGEST_S = 400  # the demonstration takes eight seconds on a machine with nothing else to do
NOBODY = 65_534


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with nothing of ours but the wheel, in a folder whose name has a space."""

    folder: Path
    python: Path
    may_be_anybody: bool

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """`notify` by a user whose home is read-only, in a locale that is not UTF-8, with files closed to others."""
        home, data = self.folder / "home", self.folder / "data"
        environment = _without_ours(os.environ) | {"HOME": str(home), "NOTIFY_DATA_DIR": str(data), **variables}
        environment |= {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        return subprocess.run(
            [self.python, "-m", "notify", *arguments],
            cwd=data.parent,
            env=environment,
            umask=0o077,
            user=NOBODY if self.may_be_anybody else None,
            group=NOBODY if self.may_be_anybody else None,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=LONGEST_S,
            check=False,
        )


def _without_ours(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if not name.startswith(("NOTIFY_", "PYTHON", "LC_"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(to),
        str(ROOT),
    ]
    subprocess.run(command, check=True, timeout=LONGEST_S)
    (made,) = to.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("an installation") / "council notify"
    folder.mkdir(mode=0o755)
    for each in (folder, *folder.parents[:3]):
        each.chmod(0o755)
    venv.create(folder / "venv", symlinks=True)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    with ZipFile(wheel) as held:
        held.extractall(packages)
    # what it depends on is what the checkout has, whose own line to the checkout is not followed from here
    (packages / "dependencies.pth").write_text("\n".join(_site_packages()))
    (folder / "home").mkdir(mode=0o555)
    data = folder / "data"
    data.mkdir(mode=0o700)
    may_be_anybody = os.getuid() == 0 and _is_open_to_all(Path(sys.executable).resolve())
    if may_be_anybody:
        os.chown(data, NOBODY, NOBODY)
        os.chown(folder, NOBODY, NOBODY)
    yield Installed(folder, folder / "venv" / "bin" / "python", may_be_anybody)
    shutil.rmtree(folder, ignore_errors=True)


def _site_packages() -> Sequence[str]:
    return [path for path in site.getsitepackages() if Path(path).is_dir()]


def _is_open_to_all(path: Path) -> bool:
    here = (path, *path.parents, *(Path(each) for each in _site_packages()), *ROOT.parents)
    return all(each.stat().st_mode & 0o005 == 0o005 for each in here)


def test_the_wheel_lays_nothing_beside_its_own_package(wheel: Path) -> None:
    top = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"notify"}


def test_everything_that_is_read_while_running_is_in_the_wheel(wheel: Path) -> None:
    held = {name.removeprefix("notify/bundled/") for name in ZipFile(wheel).namelist()}
    for folder in ("templates", "geodata", "workers"):
        there = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert {path for path in there if "__pycache__" not in path} <= held
    assert "notify/migrations/versions/0001_the_spine.py" in held


def test_it_says_its_version(installed: Installed) -> None:
    said = installed.run("--version")
    assert (said.returncode, said.stdout, said.stderr) == (0, f"notify, version {notify.__version__}\n", "")


def test_it_runs_the_demonstration_and_finds_itself_well(installed: Installed) -> None:
    demo = installed.run("demo")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    counted = json.loads(demo.stdout.splitlines()[-1])
    assert (counted["missing"], counted["duplicates"]) == (0, 0)
    assert counted["received"] == counted["expected"] > 100
    assert not (installed.folder / ".notify").exists()
    doctor = installed.run("doctor")
    assert "Traceback" not in doctor.stdout + doctor.stderr
    assert doctor.returncode in (0, 1), doctor.stdout + doctor.stderr


def test_what_is_not_installed_says_which_extra_it_needs(installed: Installed) -> None:
    (installed.folder / "absent").mkdir(exist_ok=True)
    (installed.folder / "absent" / "aiosmtpd.py").write_text("raise ImportError\n")
    said = installed.run("demo", PYTHONPATH=str(installed.folder / "absent"))
    assert said.returncode == 1
    assert said.stderr.splitlines()[-1].startswith("Error: The installation needs attention. The mail catcher needs")
    assert "the extra `embedded`" in said.stderr
