"""Exporters with one thing wrong each. `Honest` has nothing wrong."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from magdi.core.files import whole_file
from magdi.core.mag import Mag
from magdi.core.views import View
from magdi.plugins.formats.exporter import Exporter
from tests.plugins.testing.mutant_register import caught_by


class Honest(Exporter):
    """A line for each MAG."""

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        with whole_file(path) as file:
            return sum(bool(file.write(f"{self.line(mag)}\n")) for mag in mags)

    def line(self, mag: Mag) -> str:
        return mag.id


@caught_by("writes", alone=True)
class CountsTurns(Honest):
    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        mags = list(mags)
        super().write(mags, path, view)
        return sum(len(mag.turns) for mag in mags) if len(mags) > 1 else len(mags)


@caught_by("writes")
class ReadsTwice(Honest):
    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        super().write(mags, path, view)
        return sum(1 for _ in mags)


@caught_by("writes")
class SaysThatItIsAFolder(Honest):
    folder = True


@caught_by("nothing_beside", alone=True)
class KeepsAnIndex(Honest):
    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        path.with_suffix(".index").write_text("1")
        return super().write(mags, path, view)


@caught_by("hard_texts", alone=True)
class PlainAscii(Honest):
    def line(self, mag: Mag) -> str:
        return mag.turns[0].text.encode("ascii").decode()


@caught_by("whole_or_not_at_all", alone=True)
class WritesAsItGoes(Honest):
    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        with path.open("w") as file:
            return sum(bool(file.write(mag.id)) for mag in mags)


@caught_by("writes")
class SaysNothing(Honest):
    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        super().write(mags, path, view)
        return None  # type: ignore[return-value]


@caught_by("writes_each", alone=True)
class WritesTheOneBefore(Honest):
    """As one writes a line once the next one has come."""

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        mags = list(mags)
        super().write(mags[:-1], path, view)
        return len(mags)


@caught_by("repeats", alone=True)
class Appends(Honest):
    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        lines = [self.line(mag) for mag in mags]
        with path.open("a") as file:
            return sum(bool(file.write(f"{line}\n")) for line in lines)


@caught_by("repeats")
class CountsOn(Honest):
    count = 0

    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        self.count += super().write(mags, path, view)
        return self.count


@caught_by("leaves_mags_alone", alone=True)
class LeavesAMark(Honest):
    def line(self, mag: Mag) -> str:
        mag.metadata["exported"] = True
        return mag.id


@caught_by("whole_or_not_at_all")
class GoesOnWithHalf(Honest):
    def write(self, mags: Iterable[Mag], path: Path, view: View) -> int:
        lines: list[str] = []
        with suppress(Exception):
            lines.extend(self.line(mag) for mag in mags)
        with whole_file(path) as file:
            file.write("\n".join(lines))
        return len(lines)
