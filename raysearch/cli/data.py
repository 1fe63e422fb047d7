"""`data`: what is in a corpus."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress

from raysearch.cli.options import cache_option, json_option
from raysearch.component import find
from raysearch.errors import DataError, SpecError

if TYPE_CHECKING:
    from raysearch.data.base import CorpusConfig, Split
    from raysearch.data.base import Progress as Reporting
    from raysearch.data.inspection import PatchFacts, SetFacts
    from raysearch.data.lookalikes import Lookalike
    from raysearch.spec.document import Document

    Alike = list[tuple[Split, Split, Lookalike]]

_PACKAGE = "raysearch.data.corpora"
_SHOWN = 5


@click.group("data")
def data_command() -> None:
    """Look at photographs before a study does."""


@data_command.command("inspect")
@click.argument("source")
@click.option("--patch", type=click.IntRange(8, 1024), default=None, help="Side of the patches (default: the file's, else 64).")
@click.option("--stride", type=click.IntRange(1), default=None, help="Distance of the patches (default: their side).")
@click.option("--grey", is_flag=True, help="Score grey patches instead of RGB.")
@click.option("--quick", is_flag=True, help="Counts and sizes only: no patches, and no search for photographs that look alike.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write a picture (.png) or a page (.html)."
)
@cache_option
@json_option
def inspect_command(
    source: str, patch: int | None, stride: int | None, grey: bool, quick: bool, out: Path | None, cache: Path, as_json: bool
) -> int:
    """Show counts, sizes, digests, patch scores and leaks of a corpus.

    SOURCE is a study, a trial's configuration or a corpus as a YAML file, or a corpus as text: '{kind: set5, root: sets/Set5}'.

    The exit code is 3 when photographs are missing, have changed since they were first seen, or leak.
    """
    from raysearch.data.inspection import alike_across_splits, patch_facts, set_facts

    if out is not None and (quick or out.suffix.lower() not in (".png", ".html")):
        raise SpecError(f"--out {out} can't be written", place="--out", remedy="name a .png or .html file, and leave out --quick")
    corpus, size = _corpus(source)
    side = patch or size or 64
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        sets = set_facts(corpus, cache)
        if not sets:
            raise _nothing(corpus)
        problem = _problem_of(corpus, cache, progress)
        alike = [] if quick else alike_across_splits(corpus, cache, progress)
        patches = None
        if not quick:
            channels = 1 if grey else 3
            patches = patch_facts(corpus, cache, progress, size=side, stride=stride or side, channels=channels, samples=8)
    if as_json:
        click.echo(json.dumps(_plain(sets, problem, alike, patches)))
    else:
        _print(sets, problem, alike, patches)
    if out is not None and patches is not None:
        _write(out, source, sets, problem, alike, patches)
    return 0 if problem is None else problem.exit_code


def _corpus(source: str) -> tuple[CorpusConfig, int | None]:
    """Read a corpus, and the side of patches where the file says one."""
    from raysearch.data.base import CorpusConfig
    from raysearch.spec.parsing import parsed
    from raysearch.spec.space import Space
    from raysearch.spec.yaml import parse, read

    if Path(source).suffix in (".yaml", ".yml", ".json") and not Path(source).is_file():
        raise SpecError(f"there is no file {source}", place="SOURCE", remedy="correct the path, or write the corpus as text")
    document = read(Path(source)) if Path(source).is_file() else parse(source, "SOURCE")
    path, size = _inside(document)
    node = document.value(path)
    kind = node.get("kind") if isinstance(node, dict) else node
    if not isinstance(kind, str):
        remedy = "name a YAML file, or write '{kind: set5, root: sets/Set5}'"
        raise SpecError(f"{source!r} is neither a file nor a corpus", place="SOURCE", remedy=remedy)
    if Space.read(node)[0].entries:
        raise SpecError(
            "the corpus has values that are searched", place=document.file, remedy="give it as text, with one value each"
        )
    corpus = parsed(find(_PACKAGE, kind), document, path)
    if not isinstance(corpus, CorpusConfig):
        raise SpecError(f"{kind} is no corpus", place=document.file)
    return corpus, size


def _inside(document: Document) -> tuple[tuple[str, ...], int | None]:
    """Return where in a document its corpus stands, and the side of patches that it says."""
    data = document.data
    whole = ("trial",) if isinstance(data, dict) and isinstance(data.get("trial"), dict) else ()
    node = document.value(whole)
    if not isinstance(node, dict) or "data" not in node:
        return whole, None
    size = document.value((*whole, "patch", "size"))
    return (*whole, "data"), size if isinstance(size, int) else None


def _nothing(corpus: CorpusConfig) -> DataError:
    try:
        corpus.gather("test")
    except DataError as error:
        return error
    raise AssertionError("a corpus without sets refuses to test")


def _problem_of(corpus: CorpusConfig, cache: Path, progress: Reporting) -> DataError | None:
    """Verify the corpus as a study would, and return what is wrong, so that the rest can be shown too."""
    try:
        corpus.verify(cache, progress)
    except DataError as error:
        return error
    return None


def _plain(sets: list[SetFacts], problem: DataError | None, alike: Alike, patches: PatchFacts | None) -> dict[str, object]:
    scores = None if patches is None else [asdict(score) for score in patches.scores]
    return {
        "sets": [asdict(one) for one in sets],
        "problem": None if problem is None else {"cause": problem.cause, "place": problem.place, "remedy": problem.remedy},
        "alike": [
            {"first": f"{one}/{pair.first.name}", "second": f"{other}/{pair.second.name}", "likeness": round(pair.likeness, 4)}
            for one, other, pair in alike
        ],
        "patches": None
        if patches is None
        else {"dataset": patches.dataset, "size": patches.size, "count": patches.count, "scores": scores},
    }


def _set_rows(sets: Sequence[SetFacts]) -> list[list[str]]:
    rows = [["split", "set", "photographs", "megapixels", "MiB", "smallest", "largest", "bits", "files", "content (sha256)"]]
    for one in sets:
        rows.append(
            [
                one.split,
                one.dataset,
                str(one.photographs) + (f" (and {len(one.refused)} left out)" if one.refused else ""),
                f"{one.megapixels:.2f}",
                f"{one.bytes / 2**20:.1f}",
                "{} x {}".format(*one.smallest),
                "{} x {}".format(*one.largest),
                ", ".join(map(str, one.bits)),
                ", ".join(f"{count} {suffix}" for suffix, count in one.formats.items()),
                one.digest,
            ]
        )
    return rows


def _score_rows(patches: PatchFacts) -> list[list[str]]:
    from raysearch.data.inspection import QUANTILES

    heads = ["lowest", *(f"{100 * share:g} %" for share in QUANTILES[1:-1]), "highest"]
    rows = [["score", "mean", *heads, "histogram (log scale)", "zeros"]]
    for score in patches.scores:
        bars = _bars(score.counts)
        rows.append([score.name, *(f"{value:.3g}" for value in (score.mean, *score.quantiles)), bars, str(score.zeros)])
    return rows


def _bars(counts: Sequence[int]) -> str:
    top = max(*counts, 1) if len(counts) > 1 else max(counts[0], 1)
    return "".join(" ▁▂▃▄▅▆▇█"[-(-8 * count // top)] for count in counts)


def _notes(problem: DataError | None, alike: Alike) -> list[str]:
    notes = [] if problem is None else [f"Problem: {problem}"]
    if alike:
        notes.append(f"{len(alike)} pairs of photographs in two splits look alike:")
        for one, other, pair in alike[:_SHOWN]:
            notes.append(f"  {one}/{pair.first.name} and {other}/{pair.second.name}, likeness {pair.likeness:.2f}")
    return notes


def _print(sets: list[SetFacts], problem: DataError | None, alike: Alike, patches: PatchFacts | None) -> None:
    for one in sets:
        click.echo(f"{one.split}: {one.dataset}")
        for head, cell in list(zip(*_set_rows([one]), strict=True))[2:]:
            click.echo(f"  {head:<18} {cell}")
    if patches is not None:
        click.echo(f"{patches.count} patches of {patches.size} x {patches.size} pixels of {patches.dataset}")
        rows = _score_rows(patches)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            click.echo("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    for note in _notes(problem, alike):
        click.echo(note)


def _write(out: Path, source: str, sets: list[SetFacts], problem: DataError | None, alike: Alike, patches: PatchFacts) -> None:
    from raysearch.report.corpus import draw_patches, page
    from raysearch.train.atomic import write_atomically

    what = f"{patches.count} patches of {patches.size} x {patches.size} pixels of {patches.dataset}"
    histograms = {str(score.name): (score.edges, score.counts) for score in patches.scores}
    samples = {str(name): shown for name, shown in patches.samples.items()}
    picture = draw_patches(f"{what}: histograms, and patches from the lowest to the highest score", histograms, samples)
    if out.suffix.lower() == ".html":
        tables = [("Sets", _set_rows(sets)), (what, _score_rows(patches))]
        content = page(f"What is in {source}", tables, _notes(problem, alike), picture).encode()
    else:
        content = picture
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, content)
    click.echo(f"wrote {out}", err=True)
