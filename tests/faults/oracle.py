"""What the relay outside the system took, read from its own file, and the verdict on it."""

import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from tests.faults.stub import Manner

# a worker's answers wait to be read for less than the first, on a disk that stalls too, and what it had sent before it
# died waits for the relay for less than the second
BEFORE_S, AFTER_S = 5.0, 1.0


@dataclass(frozen=True, slots=True)
class Taken:
    """One text the relay took. `at`: seconds of the machine's monotonic clock, the same in every process."""

    alert: str
    address: str
    at: float
    was_answered: bool

    @property
    def name(self) -> tuple[str, str]:
        """The same for every copy of one message."""
        return self.alert, self.address


class Relay:
    """The stub relay in its own process, and its files: one a run."""

    def __init__(self, process: subprocess.Popen[str], folder: Path, first: Path) -> None:
        self._process = process
        self._folder = folder
        self.file = first
        assert process.stdout
        self.port = int(process.stdout.readline())

    def _ask(self, command: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer, "the stub relay died"
        return answer

    def behave(self, manner: Manner) -> None:
        """Treat everybody so from now on."""
        assert self._ask(f"manner {manner}") == "done"

    def turn_over(self, name: str) -> None:
        """Write to a new file."""
        self.file = self._folder / f"{name}.txt"
        assert self._ask(f"file {self.file}") == "done"

    def count(self) -> int:
        """How many texts were taken since the file was begun."""
        return int(self._ask("taken"))

    def taken(self) -> Iterator[Taken]:
        """Every text in the file, in the order of taking."""
        for line in self.file.read_text().splitlines():
            reference, address, at, how = line.split(" ")
            if how != "r":
                yield Taken(reference.rpartition("-")[0], address, float(at), was_answered=how == "a")


@contextmanager
def relay(folder: Path, *, rate: float, seed: int) -> Iterator[Relay]:
    """A running stub relay that keeps its files in `folder`."""
    folder.mkdir()
    first = folder / "before.txt"
    command = [sys.executable, "-m", "tests.faults.stub", str(first), "--rate", str(rate), "--seed", str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        try:
            yield Relay(process, folder, first)
        finally:
            process.stdin.close()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who did not get what they should have, got it again, or got what was not for them.

    A text that comes again is excused when the relay had taken it without an answer, so that nobody could know; it
    was in flight when a worker died moments after it was first taken; any other is unexplained.
    """

    expected: int
    lost: int
    duplicated: int
    excused: int
    unexplained: int
    unexpected: int
    late: int  # texts of an earlier alert that had ended


def judge(
    expected: Mapping[UUID, Collection[str]],
    texts: Sequence[Taken],
    *,
    deaths: Sequence[float] = (),
    earlier: Collection[str] = (),
) -> Verdict:
    """Compare what was taken, in order, with what the model says should have been, alert by alert.

    `deaths`: when workers were killed. `earlier` names alerts of which nothing more should come.
    """
    wanted = {(alert.hex, address) for alert, addresses in expected.items() for address in addresses}
    last: dict[tuple[str, str], Taken] = {}
    repeats: list[Taken] = []  # each as it was taken the time before
    for text in texts:
        if text.alert not in earlier:
            repeats += [last[text.name]] if text.name in last else []
            last[text.name] = text
    answered = [before for before in repeats if before.was_answered]
    return Verdict(
        expected=len(wanted),
        lost=len(wanted - last.keys()),
        duplicated=len(repeats),
        excused=len(repeats) - len(answered),
        unexplained=sum(not any(-AFTER_S <= death - before.at <= BEFORE_S for death in deaths) for before in answered),
        unexpected=len(last.keys() - wanted),
        late=sum(text.alert in earlier for text in texts),
    )
