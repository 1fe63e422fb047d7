"""Makes what the repository keeps of two studies: the golden run, its report, and the report of the default study.

::

    python -m tests.golden.make                  # runs tests/golden/study.yaml: tests/golden/run, reports/golden.html
    python -m tests.golden.make --again          # only the page, from the run that is kept: after a change of the report
    python -m tests.golden.make --patchnet       # runs search_spaces/patchnet.yaml: reports/patchnet.html and .png
    python -m tests.golden.make --from RUN ...   # either, from a run that is there already

What is kept of a run has no host, commit, folders or kernel in it; `keep` says what is left out. Pictures need a Chromium.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from raysearch.report.anonymous import HIDDEN, anonymous, cleaner
from raysearch.report.groups import groups
from raysearch.report.page import write_report
from raysearch.report.view import View, view
from raysearch.results.events import EVENT, DriverStarted, Event
from raysearch.results.folder import RunFolder
from raysearch.results.journal import new_journal, read_journal
from raysearch.results.run import open_run
from raysearch.train.files import MOMENTS_FILE, SAMPLES
from tests.report import chromium

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "tests" / "golden" / "study.yaml"
PATCHNET = ROOT / "search_spaces" / "patchnet.yaml"
KEPT = ROOT / "tests" / "golden" / "run" / "golden"
REPORTS = ROOT / "reports"

LIMIT = 1_500_000
"""Bytes of the kept run."""
PHOTOGRAPH = "chelsea"
"""The test photograph whose restorations are kept: the smallest one."""
THUMBNAIL = 144
"""Longer side of the training photographs that are kept, for the maps to be drawn over."""
LEFT_OUT = frozenset(
    {"checkpoints", "tensorboard", "tables", "driver.log", "log.txt", "config.json", "LOCK", "STOP", "report.html"}
)
"""Files and folders of a run that no report reads; and the logs, which name the machine."""
MACHINE = HIDDEN | {"platform"}
"""Keys of env.json that name the machine."""
PIECES = ("header", "#r1-pictures", "#r1-training")
"""Where the pieces of the picture of a report begin."""
PIECE = (1120, 1640)
"""Width and height of a piece, in CSS pixels; it is shown at half of that."""


def keep(run: Path, kept: Path) -> None:
    """Copy what a report reads of a run, without what names a machine or a person; what was there is replaced.

    Of the restored photographs only one is kept, of the first winner and the first baseline; training photographs become
    smaller. What trials tell of their samplers is kept for those that the report draws. The two folders may be one.
    """
    record = anonymous(open_run(run))
    made = kept.with_name(f"{kept.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    folder = RunFolder(made)
    folder.write_study(record.space_text, record.spec)
    folder.write_environment({key: value for key, value in record.environment.items() if key not in MACHINE})
    clean = cleaner(open_run(run))
    new_journal(folder.journal, [_nameless(event, clean) for event in read_journal(RunFolder(run).journal)])
    wanted = _Wanted.of(view(record, run, "r1"))
    for source in _files(run):
        path = source.relative_to(run)
        if path.parts[0] == "trials" and not wanted.has(int(path.parts[1]), path.parts[2:]):
            continue
        target = made / path
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(source, target, small=path.parts[0] == "photographs")
    size = sum(path.stat().st_size for path in _files(made))
    if size > LIMIT:
        raise SystemExit(f"the run that is kept has {size} bytes, {LIMIT} are the limit: {made}")
    shutil.rmtree(kept, ignore_errors=True)
    made.rename(kept)


@dataclass(frozen=True)
class _Wanted:
    """What is kept of the trials.

    Attributes:
        winner: whose samples are kept; likewise ``baseline``, of which the restorations alone are.
        drawn: trials whose samplers the report draws; likewise ``first``, those of which it draws moments.
    """

    winner: int
    baseline: int
    drawn: frozenset[int]
    first: frozenset[int]

    @staticmethod
    def of(run: View) -> _Wanted:
        """Choose as the report does."""
        winner, baseline = (next(t.number for t in run.confirmation if t.role == role) for role in ("top1", "baseline"))
        found = [[trial.number for trial in group.trials] for group in groups(run) if group.trials]
        drawn = frozenset(number for numbers in found for number in numbers)
        return _Wanted(winner, baseline, drawn, frozenset(numbers[0] for numbers in found))

    def has(self, trial: int, parts: Sequence[str]) -> bool:
        """Say whether a file of a trial is kept."""
        if parts[0] == SAMPLES:
            return PHOTOGRAPH in parts and (trial == self.winner or (trial == self.baseline and parts[-1] == "restored.png"))
        if parts[-1] == MOMENTS_FILE:
            return trial in self.first
        return not parts[-1].endswith(".npz") or trial in self.drawn


def _files(run: Path) -> Iterator[Path]:
    for path in sorted(run.rglob("*")):
        if path.is_file() and not path.is_symlink() and not LEFT_OUT & set(path.relative_to(run).parts):
            yield path


def _nameless(event: Event, clean: Callable[[object], object]) -> Event:
    """Take host and folders out of an event."""
    if isinstance(event, DriverStarted):
        event = event.model_copy(update={"host": ""})
    return EVENT.validate_json(json.dumps(clean(event.model_dump(mode="json"))))


def _copy(source: Path, target: Path, *, small: bool) -> None:
    """Copy a file; pictures are packed tighter, without loss but for the size of small ones."""
    if source.suffix != ".png":
        target.write_bytes(source.read_bytes())
        return
    with Image.open(source) as opened:
        if small:
            opened.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        opened.save(target, optimize=True)


def report(run: Path, page: Path) -> None:
    """Write the anonymous report of a run."""
    write_report([anonymous(open_run(run))], [run], page)


def picture(page: Path, target: Path) -> None:
    """Take a picture of a page: pieces of it side by side. Says so and does nothing without a Chromium."""
    program = chromium.find()
    if program is None:
        print(f"no Chromium here (apt-get install chromium): {target} stays as it is")
        return
    width, height = PIECE
    with chromium.Browser(program) as browser:
        browser.open(page, width)
        shots = []
        for piece in PIECES:
            top = browser.evaluate(f"(document.querySelector({piece!r}) ?? document.body).getBoundingClientRect().top + scrollY")
            clip = {"x": 0, "y": max(0.0, float(str(top)) - 20), "width": width, "height": height, "scale": 1}
            shot = browser.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
            shots.append(Image.open(io.BytesIO(base64.b64decode(str(shot["data"])))).convert("RGB"))
    whole = Image.new("RGB", (width // 2 * len(shots), height // 2), "white")
    for place, shot in enumerate(shots):
        whole.paste(shot.resize((width // 2, height // 2), Image.Resampling.LANCZOS), (place * width // 2, 0))
    whole.quantize(256, dither=Image.Dither.NONE).save(target, optimize=True)


def run_study(study: Path, name: str, runs: Path) -> Path:
    """Run a study from its file, as a user does."""
    command = [str(Path(sys.executable).with_name("raysearch")), "run", str(study.relative_to(ROOT)), "--name", name]
    subprocess.run([*command, "--runs", str(runs), "--plain"], cwd=ROOT, check=True)
    return runs / name


def main() -> None:
    """Make the golden run and its report, or those of the default study."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--again", action="store_true", help="only the page, from the run that is kept")
    parser.add_argument("--patchnet", action="store_true", help="the default study instead")
    parser.add_argument("--from", dest="run", type=Path, default=None, help="a run that is there already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="golden-") as place:
        if given.patchnet:
            report(given.run or run_study(PATCHNET, "patchnet", Path(place)), REPORTS / "patchnet.html")
            picture(REPORTS / "patchnet.html", REPORTS / "patchnet.png")
        else:
            if not given.again:
                keep(given.run or run_study(STUDY, "golden", Path(place)), KEPT)
            report(KEPT, REPORTS / "golden.html")


if __name__ == "__main__":
    main()
