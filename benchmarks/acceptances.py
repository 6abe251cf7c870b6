"""What the relay outside the product wrote down, followed while it grows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Acceptances:
    """The moments at which messages were accepted, by alert and reference; `repeated` counts second ones."""

    file: Path
    repeated: int = 0
    _by_alert: dict[str, dict[str, float]] = field(default_factory=dict)
    _offset: int = 0

    def of(self, alert_id: str) -> Mapping[str, float]:
        """When each message of an alert was accepted, on `time.monotonic`, as far as that has been written down."""
        with self.file.open("rb") as file:
            file.seek(self._offset)
            lines, end, _ = file.read().rpartition(b"\n")
        self._offset += len(lines) + len(end)
        for line in lines.decode().splitlines():
            reference, _, moment, _ = line.split(" ")
            alert = self._by_alert.setdefault(reference.partition("-")[0], {})
            self.repeated += reference in alert
            alert.setdefault(reference, float(moment))
        return self._by_alert.get(alert_id.replace("-", ""), {})
