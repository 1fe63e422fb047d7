"""That training works: every family of networks, trained for seconds to seven CPU minutes, against its classical baseline.

::

    python -m tests.benchmarks.train_families --data FOLDER --out results                 # about half an hour on one core
    python -m tests.benchmarks.train_families --data FOLDER --out results --only EDSR     # one of them, again
    python -m tests.benchmarks.train_families --data FOLDER --out results --write reports/families

FOLDER holds bsds500, set5, urban100 (at least the images 4, 8, ... 40) and classic5, each as its corpus expects it. A family whose
result is in ``--out`` with the same configuration is not trained again. What is trained, and against what, stands in `families`.
Training is on the 388 photographs of BSDS500 that are not held out; a network is evaluated once, at its end. Seconds are the
process's own time on one thread, so that other work on the machine does not enter.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch

from raysearch.data.corpora._bsd import CBSD68
from raysearch.results.statistics import mean_interval
from raysearch.spec.trial import TrialConfig
from raysearch.train.files import IMAGES_FILE
from raysearch.train.loop import fit
from raysearch.train.reporter import Report
from raysearch.train.state import TrialIO
from raysearch.train.world import SingleWorld
from tests.benchmarks.families import FAMILIES, SETTINGS, Family, Setting, Values

BASELINES = {"identity": "the degraded image", "bilinear": "bilinear", "bicubic": "bicubic"}
TEST_SETS = {
    "bsd68": "every fourth of BSD68 (17)",
    "cbsd68": "every fourth of CBSD68 (17)",
    "set5": "Set5 without img_005 (4)",
    "urban100": "every fourth of Urban100's first 40 (10)",
    "classic5": "classic5",
}

INTRODUCTION = """
# Training works: every family of networks against its classical baseline

Each network that raysearch trains was trained once, for seconds to seven CPU minutes, and compared with its classical baseline on
photographs that it never saw. Made, and made again, by

```bash
python -m tests.benchmarks.train_families --data data --out results --write reports/families
```

**These numbers are not to be compared with published ones.** The networks are thinner and shallower than their papers' (the column
*network*; all options are in `tests/benchmarks/families.py`), they saw some hundred to 1,700 batches of small patches
of 388 photographs of BSDS500, and the test sets are parts. What the table shows is that network, task, loss,
training and evaluation work together: a family that gains nothing here would have to be explained.

- *baseline*, *network*: mean PSNR over the tested images under the named protocol. The degraded image as it is, bilinear
  demosaicing, or MATLAB's bicubic enlargement.
- *gain*: the mean over images of the difference, and its 95 % interval (t) over images. Each network was trained with one seed, so
  the spread over seeds is not in it.
- *steps*: optimisation steps, patches in a step, and their size in pixels of the clean image; Adam from the rate *lr*, one cosine
  to zero. *CPU s*: the process's own seconds on one thread, for training; for ZSSR, which learns from the image that it enlarges,
  for each image. Other work on the machine makes these seconds more, and changes nothing else.
- Set5's fifth photograph, `img_005` (woman), is left out: it shows BSDS500's 302003, which is trained on.

The same with more digits: [families.csv](families.csv).
"""


def test_set(name: str, data: Path) -> Values:
    """Return the corpus of a test set; parts of sets are folders with the names of their photographs."""
    if name == "classic5":
        return {"kind": name, "root": str(data / name)}
    folder, stems = data / "bsds500" / "val", CBSD68[::4]
    if name == "urban100":
        folder, stems = data / "urban100", tuple(f"img_{number:03}" for number in range(4, 41, 4))
    if name == "set5":
        folder, stems = data / "set5", tuple(f"img_{number:03}" for number in range(1, 5))
    return {"kind": "folder", "test": {name: {"folders": str(folder), "include": [f"{stem}.*" for stem in stems]}}}


def trial_of(setting: Setting, model: Values, tests: tuple[str, ...], data: Path, training: Values) -> TrialConfig:
    """Return the configuration of a network, or of a baseline."""
    corpus = {"kind": "bsds500", "root": str(data / "bsds500")}
    return TrialConfig.parse(
        {
            "data": {"kind": "mix", "train": [corpus], "test": [test_set(name, data) for name in tests]},
            "task": setting.task,
            "model": model,
            "sampler": "uniform",
            "precision": "float32",
            **training,
            "evaluate": {"every": training["steps"], "protocol": setting.protocol, "samples": 0, "images": 1},
        }
    )


def training_of(family: Family) -> Values:
    """Return how a family is trained, as a part of its trial."""
    optimizer = {"kind": "adam", "lr": family.lr}
    recipe = {"kind": "supervised", "loss": family.loss, "optimizer": optimizer, "schedule": "cosine", "clip_norm": family.clip}
    return {"patch": {"size": family.patch}, "batch": family.batch, "steps": family.steps, "recipe": recipe}


class Stopwatch:
    """Takes the only report of a trial, which comes when the training is done: the process's seconds until then."""

    def __init__(self) -> None:
        self._began = time.process_time()
        self.seconds = 0.0

    def report(self, report: Report) -> None:
        """Take a report."""
        self.seconds = time.process_time() - self._began


def measured(trial: TrialConfig, name: str, out: Path) -> dict[str, Any]:
    """Train and test, or return what an earlier call with the same configuration found."""
    file = out / f"{name}.json"
    if file.exists() and (found := json.loads(file.read_text(encoding="utf-8")))["key"] == trial.key:
        return found  # type: ignore[no-any-return]
    folder, watch, began = out / "trials" / name, Stopwatch(), time.process_time()
    shutil.rmtree(folder, ignore_errors=True)
    result = fit(trial, TrialIO(folder, out / "cache", SingleWorld(), torch.device("cpu"), "test"), watch)
    rows = pq.read_table(folder / IMAGES_FILE).to_pylist()
    measures = {
        "key": trial.key,
        "parameters": result.facts["parameters"],
        "training_seconds": watch.seconds,
        "seconds": time.process_time() - began,
        "psnr": {f"{row['dataset']}/{row['image']}": row["psnr"] for row in rows},
    }
    file.write_text(json.dumps(measures, indent=1), encoding="utf-8")
    return measures


def line_of(name: str, family: Family, data: Path, out: Path) -> dict[str, Any]:
    """Measure a family and its baseline, and return the line of the table."""
    setting = SETTINGS[family.setting]
    tests = family.tests or setting.tests
    training = training_of(family)
    ours = measured(trial_of(setting, family.model, tests, data, training), file_name(name), out)
    plain = training_of(Family(family.setting, {}, 1))
    classical = trial_of(setting, {"kind": setting.baseline}, tests, data, plain)
    theirs = measured(classical, f"{setting.baseline}-{classical.key}", out)
    gain = mean_interval([ours["psnr"][image] - theirs["psnr"][image] for image in theirs["psnr"]])
    learns_at_test = not ours["parameters"]
    return {
        "family": name,
        "model": json.dumps(family.model),
        "parameters": ours["parameters"],
        "task": setting.title,
        "test": " + ".join(TEST_SETS[test] for test in tests),
        "protocol": setting.protocol,
        "steps": family.steps,
        "batch": 1 if learns_at_test else family.batch,
        "patch": family.model["crop"] if learns_at_test else family.patch,
        "lr": family.lr,
        "cpu_seconds": round(ours["seconds"] / (1 + gain.n) if learns_at_test else ours["training_seconds"], 1),
        "baseline": setting.baseline,
        "baseline_db": round(sum(theirs["psnr"].values()) / gain.n, 3),
        "network_db": round(sum(ours["psnr"].values()) / gain.n, 3),
        "gain_db": round(gain.mean, 3),
        "low_db": round(gain.low, 3),
        "high_db": round(gain.high, 3),
        "images_better": sum(ours["psnr"][image] > theirs["psnr"][image] for image in theirs["psnr"]),
        "images": gain.n,
        "note": family.note,
    }


def file_name(name: str) -> str:
    """Return a family's name without what a file's can't have."""
    return "".join(letter if letter.isalnum() or letter == "-" else "_" for letter in name)


def table(lines: list[dict[str, Any]]) -> list[str]:
    """Return a Markdown table."""
    heads = ("family", "network", "parameters", "task", "tested on", "protocol", "steps", "lr", "CPU s")
    rows = [f"| {' | '.join(heads)} | baseline, dB | network, dB | gain, dB | better on |", "|---" * (len(heads) + 4) + "|"]
    for line in lines:
        network = ", ".join(f"{key} {value}" for key, value in _flat(json.loads(line["model"])).items() if key != "kind")
        gain = f"**{line['gain_db']:+.2f}** ({line['low_db']:+.2f} to {line['high_db']:+.2f})"
        cells = (
            f"{line['family']}{line['note'] and ' (*)'}",
            f"`{json.loads(line['model'])['kind']}`{network and ', ' + network}",
            f"{line['parameters']:,}" if line["parameters"] else "at test time",
            line["task"],
            line["test"],
            f"`{line['protocol']}`",
            f"{line['steps']:,} x {line['batch']} of {line['patch']}²",
            f"{line['lr']:g}",
            f"{line['cpu_seconds']:.0f}",
            f"{BASELINES[line['baseline']]} {line['baseline_db']:.2f}",
            f"{line['network_db']:.2f}",
            gain,
            f"{line['images_better']} of {line['images']}",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _flat(model: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a model and of the one inside it in one row."""
    inner = model.get("denoiser", {})
    return {**{key: value for key, value in model.items() if key != "denoiser"}, **inner}


def markdown(lines: list[dict[str, Any]]) -> str:
    """Return the page."""
    beaten = sum(line["low_db"] > 0 for line in lines)
    counted = f"{beaten} of {len(lines)} beat their baseline by more than nothing, that is, with the whole interval above 0."
    notes = [f"(*) {line['family']}: {line['note']}" for line in lines if line["note"]]
    return "\n\n".join([INTRODUCTION.strip(), counted, "\n".join(table(lines)), *notes]) + "\n"


def write(lines: list[dict[str, Any]], place: Path) -> None:
    """Write the table as Markdown and CSV, under ``place`` with these suffixes."""
    place.with_suffix(".md").write_text(markdown(lines), encoding="utf-8")
    with place.with_suffix(".csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def main() -> None:
    """Train what is missing, and write the table if all is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="Folder of the photographs.")
    parser.add_argument("--out", type=Path, required=True, help="Folder of results, checkpoints and decoded photographs.")
    parser.add_argument("--only", action="append", choices=FAMILIES, help="Only this family; may be given several times.")
    parser.add_argument("--write", type=Path, help="Write the table here, as .md and .csv.")
    given = parser.parse_args()
    if given.only and given.write:
        parser.error("--write needs all families; leave out --only")
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in given.only or FAMILIES:
        line = line_of(name, FAMILIES[name], given.data.absolute(), given.out)
        lines.append(line)
        print(f"{name}: {line['gain_db']:+.2f} dB in {line['cpu_seconds']:.0f} s", file=sys.stderr)
    if given.write:
        write(lines, given.write)


if __name__ == "__main__":
    main()
