"""Ways to search, raced on every surrogate: the table of ``reports/search_bench.md``.

::

    python -m tests.benchmarks.search_bench --runs runs.csv --processes 2                 # searches what is missing, for hours
    python -m tests.benchmarks.search_bench --runs runs.csv --only crossing:random --seeds 12  # a part of that
    python -m tests.benchmarks.search_bench --runs runs.csv --write reports/search_bench  # writes what is there

Syne Tune's methods need ``pip install -c constraints.txt -e '.[peers]'``; its CQR takes eight to ten minutes a search, the
others seconds. A search is made once: a race that is stopped goes on where it was. Delete the lines of ours from the file when the
searcher has changed.
"""

from __future__ import annotations

import argparse
import math
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from raysearch.search.contest import OURS, Run, Setting, Standing, methods, race, standings, surrogate_of
from raysearch.search.peers import PEERS
from raysearch.search.race_file import Key, RaceFile

SEEDS, SECONDS, WORKERS = 40, 60_000.0, 4
MAIN = ("restoration", "crossing")
"""Surrogates with bars; Syne Tune's slow methods run on these only."""
OTHERS = ("trap", "cliffs", "two_objectives", "tabulated", "tabulated:Denoise", "tabulated:Jpeg", "tabulated:SuperResolution")
ENOUGH = 10
"""Seeds that two methods must share before one is said to be ahead."""
SLOW = ("syne-tune-bohb", "syne-tune-cqr")

Races = Mapping[str, dict[str, dict[int, Run]]]
"""Searches by surrogate, method and seed."""

INTRODUCTION = """
# Ways to search, raced on surrogates

Nothing is trained here: a *surrogate* (`raysearch/search/surrogates/`) answers what a trial would have measured after each rung, a
simulated cluster of 4 workers runs trials for 60,000 simulated seconds, and every method gets the same seeds. The final value is
the noise-free one of the trial that a user would pick (full length, best measured value). Made, and made again, by

```bash
python -m venv .venv && .venv/bin/pip install -c constraints.txt -e '.[test,peers]'
.venv/bin/python -m tests.benchmarks.search_bench --runs runs.csv --processes 2
.venv/bin/python -m tests.benchmarks.search_bench --runs runs.csv --write reports/search_bench
```

Every search that is in a table is a line of [search_bench.csv](search_bench.csv). What each method is: `raysearch bench search
--list`. One table by itself: `raysearch bench search --surrogate crossing --seeds 40`.

- *final*: mean over seeds, with its standard deviation; in dB, of `two_objectives` the hypervolume. *s to*: simulated seconds
  until the incumbent's noise-free value reached a target, median over seeds; a dash where half of the searches or more never did.
- *ours better by*: mean over the seeds that both have, with the two-sided p of the paired Wilcoxon signed-rank test.
- `raysearch` is what a study does by default. It was developed on seeds from 1000 on. One thing was decided after a first race on
  the seeds here, from 0 on: trials 1 and 3 no longer run their full length whatever happens. With them ours was better than `ray`
  by 0.249 dB on `restoration` and reached 31.5 dB after 14,908 s; on `crossing` it was better than `optuna` by 0.290 dB.
- `raysearch-full`, whose model learns from trials of full length only, and `raysearch-unchecked`, which believes every rung, are
  what a study's default could be instead.
- `raysearch-transfer` and `raysearch-misled` are `raysearch run --transfer`: the five best configurations of an earlier search of
  20,000 simulated seconds (not counted) are tried first. Its problem was this one with the best learning rate halved and the best
  patch 0.7 doublings larger, or with the best learning rate at a hundredth (`raysearch/search/elsewhere.py`). The first halves the
  time to 32 dB, the second lengthens it by a third; neither changes the end.
- The default was kept after these races: no alternative is better on both surfaces, and no difference between them is significant.
- Numbers of seeds differ where the two cores that were there did not suffice; a bar is judged on the seeds that both methods have.
- `ray` repeats Ray Tune's ASHA (tested against Ray's own) and what `OptunaSearch` tells Optuna; `optuna` is Optuna's default
  sampler without early stopping. Syne Tune's methods run in Syne Tune's own simulator, whose clock and noise are its own.
- Surrogates are formulas, or trainings of tiny networks. They show how methods treat rungs, noise and cost; they are no evidence
  about a network that matters.
"""


def races_of(file: RaceFile) -> Races:
    """Return the searches of a file that belong to this report."""
    found: dict[str, dict[str, dict[int, Run]]] = {}
    for key, run in file:
        if (key.setting.seconds, key.setting.workers) == (SECONDS, WORKERS) and key.seed < SEEDS:
            found.setdefault(key.setting.surrogate, {}).setdefault(key.method, {})[key.seed] = run
    return found


def plan() -> list[tuple[str, str]]:
    """Return what to race, surrogate and method, the quick ones first."""
    quick = [(place, name) for place in (*MAIN, *OTHERS) for name in methods(surrogate_of(place)) if name not in SLOW]
    return quick + [(place, name) for place in MAIN for name in SLOW if name in methods()]


def search(file: RaceFile, processes: int, seeds: int, only: Sequence[str]) -> None:
    """Make the searches that the file lacks, of the ``only`` ones (``surrogate:method``), or of all."""
    unknown = set(only) - {f"{surrogate}:{method}" for surrogate, method in plan()}
    if unknown:
        raise SystemExit(f"no such race: {', '.join(sorted(unknown))} (have: {', '.join(':'.join(race) for race in plan())})")
    for surrogate, method in plan():
        if only and f"{surrogate}:{method}" not in only:
            continue
        setting = Setting(surrogate, SECONDS, WORKERS)

        def known(name: str, seed: int, setting: Setting = setting) -> Run | None:
            return file.get(Key(setting, name, seed))

        def told(name: str, seed: int, run: Run, setting: Setting = setting) -> None:
            file.add(Key(setting, name, seed), run)

        race(setting, [method], range(seeds), processes, imports=False, told=told, known=known)
        print(f"{surrogate}: {method}", file=sys.stderr)


def against(runs: dict[str, dict[int, Run]], name: str, mode: str) -> Standing | None:
    """Return a method's standing against ours, over the seeds that both have; None without any."""
    both = shared(runs, name)
    pair = {one: [runs[one][seed] for seed in both] for one in (OURS, name) if both}
    return next((one for one in standings(pair, mode) if one.method == name), None)


def shared(runs: dict[str, dict[int, Run]], name: str) -> list[int]:
    """Return the seeds that a method and ours have."""
    return sorted(set(runs.get(name, {})) & set(runs.get(OURS, {})))


def alone(runs: dict[str, dict[int, Run]], name: str, mode: str) -> Standing:
    """Return a method's standing over all its seeds."""
    return next(standings({name: list(runs[name].values())}, mode))


def table(runs: dict[str, dict[int, Run]], surrogate: str) -> str:
    """Return a Markdown table of a surrogate's races, the best first."""
    problem = surrogate_of(surrogate)
    title = "final" if problem.reference is None else "hypervolume"
    heads = ["method", "seeds", title, *(f"s to {target:g}" for target in problem.targets), "trials", "ours better by", "p"]
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)]]
    sign = 1 if problem.mode == "max" else -1
    for one in sorted((alone(runs, name, problem.mode) for name in runs), key=lambda one: -sign * one.mean):
        times = ["-" if math.isinf(time) else f"{time:,.0f}" for time in one.times]
        versus = ["", ""]
        if one.method != OURS and (paired := against(runs, one.method, problem.mode)) is not None:
            versus = [f"{paired.gain:+.3f}", "-" if math.isnan(paired.p) else f"{paired.p:.1g}"]
        name = f"**{one.method}**" if one.method == OURS else one.method
        final = f"{one.mean:.3f}" + ("" if math.isnan(one.deviation) else f" ± {one.deviation:.3f}")
        rows.append([name, str(len(runs[one.method])), final, *times, f"{one.trials:.0f}", *versus])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def bars(races: Races) -> Iterable[tuple[str, str, bool | None]]:
    """Yield what was asked for, what was found, and whether it holds; None where searches are missing."""
    wanted = [("restoration", "random", 0.7, 0.01), ("restoration", "ray", 0.25, 0.01), ("crossing", "optuna", -0.05, 1.0)]
    for surrogate, name, least, p in wanted:
        asked = f"`{surrogate}`: ours better than `{name}` by at least {least:+.2f}{f', p < {p:g}' if p < 1 else ''}"
        one = against(races.get(surrogate, {}), name, "max")
        yield (
            asked,
            _gain(races, surrogate, one),
            one and judged(races, surrogate, one, one.gain >= least and (p == 1 or one.p < p)),
        )
    yield _half_the_time(races)
    for surrogate in MAIN:
        for name in PEERS:
            one = against(races.get(surrogate, {}), name, "max")
            asked = f"`{surrogate}`: ours ahead of `{name}`"
            yield asked, _gain(races, surrogate, one), one and judged(races, surrogate, one, one.gain > 0)


def judged(races: Races, surrogate: str, one: Standing, holds: bool) -> bool | None:
    """Return a verdict if there are enough seeds for one."""
    return holds if len(shared(races[surrogate], one.method)) >= ENOUGH else None


def _gain(races: Races, surrogate: str, one: Standing | None) -> str:
    if one is None:
        return "not raced"
    return f"{one.gain:+.3f}, p = {one.p:.1g}, {len(shared(races[surrogate], one.method))} seeds"


def _half_the_time(races: Races) -> tuple[str, str, bool | None]:
    asked = "`restoration`: median time to 31.5 dB at most half of that of `optuna`"
    runs = races.get("restoration", {})
    if not {OURS, "optuna"} <= set(runs):
        return asked, "not raced", None
    ours, theirs = (alone(runs, name, "max").times[1] for name in (OURS, "optuna"))
    return asked, f"{ours:,.0f} s against {theirs:,.0f} s ({ours / theirs:.2f})", ours <= theirs / 2


def page(races: Races) -> str:
    """Return the report."""
    parts = [INTRODUCTION.strip(), "## What was asked for"]
    words = {True: "yes", False: "**no**", None: "not known"}
    rows = [f"| {asked} | {found} | {words[holds]} |" for asked, found, holds in bars(races)]
    parts.append("\n".join(["| asked | found | holds |", "|---|---|---|", *rows]))
    for surrogate in (*MAIN, *OTHERS):
        if surrogate in races:
            parts += [f"## `{surrogate}`", table(races[surrogate], surrogate)]
    parts += ["## Made with", _made_with()]
    return "\n\n".join(parts) + "\n"


def _made_with() -> str:
    found = [f"Python {platform.python_version()}"]
    for name in ("raysearch", "optuna", "ray", "numpy", "syne-tune"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"{', '.join(found)}, on a CPU ({platform.machine()}). The clock is simulated, so the machine's speed changes no number."


def write(races: Races, place: Path) -> None:
    """Write the report, and the searches that it is about, in order."""
    place.with_suffix(".md").write_text(page(races), encoding="utf-8")
    place.with_suffix(".csv").unlink(missing_ok=True)
    file = RaceFile(place.with_suffix(".csv"))
    for surrogate in (*MAIN, *OTHERS):
        for method, runs in sorted(races.get(surrogate, {}).items()):
            for seed in sorted(runs):
                file.add(Key(Setting(surrogate, SECONDS, WORKERS), method, seed), runs[seed])


def main(arguments: Sequence[str] | None = None) -> None:
    """Search what is missing, or write what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="CSV file of searches.")
    parser.add_argument("--processes", type=int, default=1, help="Searches at a time.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="Searches of each method.")
    parser.add_argument("--only", action="append", default=[], metavar="SURROGATE:METHOD", help="Search these only (repeat).")
    parser.add_argument("--write", type=Path, help="Search nothing; write the report here, as .md and .csv.")
    given = parser.parse_args(arguments)
    file = RaceFile(given.runs)
    if given.write:
        write(races_of(file), given.write)
    else:
        search(file, given.processes, given.seeds, given.only)


if __name__ == "__main__":
    main()
