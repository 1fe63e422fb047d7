"""What a study needs of the place where it runs: photographs, disk, CPUs and GPUs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File

import torch

from raysearch.data.base import SPLITS, CorpusConfig, Split
from raysearch.data.planes import header_of
from raysearch.errors import DataError
from raysearch.metrics.base import metric
from raysearch.search.capacity import Capacity, Node
from raysearch.search.probes import Probe, locate
from raysearch.search.study import StudySpec
from raysearch.spec.document import Document
from raysearch.spec.domain_syntax import Fault
from raysearch.spec.findings import Finding
from raysearch.spec.trial import TrialConfig
from raysearch.train.checkpoint import KEEP

_UNKNOWN_TRIALS = 100  # of a search that is bounded by time only


@dataclass(frozen=True)
class SplitSizes:
    """The photographs of one split, from their headers.

    Attributes:
        count: how many there are.
        pixels: of all of them together.
        sample_bytes: 1 or 2, as the store keeps a sample.
        smallest: least side of any of them, in pixels; 0 when there is none.
        smallest_name: the name of that photograph.
    """

    count: int
    pixels: int
    sample_bytes: int
    smallest: int
    smallest_name: str


def measure(corpus: CorpusConfig) -> dict[Split, SplitSizes]:
    """Read the headers of all photographs.

    Raises:
        DataError: photographs are missing or can't be read.
    """
    sizes: dict[Split, SplitSizes] = {}
    for split in SPLITS:
        photographs = [photograph for gathered in corpus.gather(split) for photograph in gathered.photographs]
        headers = [(header_of(photograph), photograph.name) for photograph in photographs]
        least, name = min(((min(h.width, h.height), name) for h, name in headers), default=(0, ""))
        wide = 2 if any(h.bits > 8 for h, _ in headers) else 1
        sizes[split] = SplitSizes(len(headers), sum(h.width * h.height for h, _ in headers), wide, least, name)
    return sizes


def photograph_faults(trial: Probe, sizes: dict[Split, SplitSizes], document: Document) -> Iterator[Finding]:
    """Say which photographs are too small for a configuration."""
    config = trial.trial
    train = sizes["train"]
    if config.patch.size > train.smallest:
        reason = f"larger than the smallest training photograph ({train.smallest_name}, {train.smallest} pixels)"
        remedy = f"write at most {train.smallest}, or leave that photograph out"
        yield locate(Fault(("patch", "size"), config.patch.size, reason, remedy), trial.draft, document)
    for split in ("validation", "test"):
        if sizes[split].count:
            yield from (locate(fault, trial.draft, document) for fault in _too_small(config, split, sizes[split].smallest))


def _too_small(trial: TrialConfig, split: Split, least: int) -> Iterator[Fault]:
    """Say whether the smallest photograph of a split is too small for the metrics.

    Args:
        least: its shorter side, in pixels.
    """
    crop = trial.protocol.crop
    if least <= 2 * crop:
        reason = f"leaves nothing of the smallest {split} photograph ({least} pixels)"
        yield Fault(("evaluate", "protocol", "crop"), crop, reason, f"write less than {least // 2}")
        return
    left = least - 2 * crop - 2 * trial.model.geometry().margin
    name = max(trial.evaluate.metrics, key=lambda name: metric(name).smallest)
    if left < metric(name).smallest:
        reason = f"{name} needs {metric(name).smallest} pixels, and the smallest {split} photograph ({least} pixels) leaves {left}"
        yield Fault(("evaluate", "metrics"), name, reason, "leave out that metric or that photograph, or crop less")


@dataclass(frozen=True)
class Estimate:
    """Disk that a study needs, in bytes.

    Attributes:
        store: decoded photographs; what lies in the cache already is counted again.
        checkpoints: of all trials of both phases at once.
        free: on the disk of the runs.
    """

    store: int
    checkpoints: int
    free: int

    def __str__(self) -> str:
        return f"disk: {_gib(self.store)} of decoded photographs, {_gib(self.checkpoints)} of checkpoints; {_gib(self.free)} free"


def estimate(
    study: StudySpec, sizes: Sequence[dict[Split, SplitSizes]], channels: int, checkpoint_bytes: int, runs: File
) -> Estimate:
    """Estimate the disk that a study needs.

    Args:
        study: the study.
        sizes: of each corpus in it.
        channels: largest number of channels of a task.
        checkpoint_bytes: of the largest checkpoint.
        runs: the folder of runs, which need not exist.
    """
    pixels = sum(split.pixels * split.sample_bytes * channels for corpus in sizes for split in corpus.values())
    confirm = study.confirm
    seeds = confirm.seeds if confirm.race is None else confirm.race.seeds
    confirmed = (confirm.top + 1) * seeds if confirm.top else 0
    trials = (study.budget.trials or _UNKNOWN_TRIALS) + confirmed
    return Estimate(pixels, trials * KEEP * checkpoint_bytes, shutil.disk_usage(_existing(runs)).free)


def disk_findings(needed: Estimate, document: Document) -> Iterator[Finding]:
    """Say whether the disk is too small."""
    if needed.store + needed.checkpoints > needed.free:
        remedy = "free some, or give another folder (--out, RAYSEARCH_CACHE), or ask for fewer trials"
        yield _missing(document.finding(("budget", "trials"), f"the disk is too small: {needed}", remedy))


def local_capacity() -> Capacity:
    """Return what this machine holds: the CPUs that this process may use, and the GPUs that torch sees."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Capacity((Node(float(cpus), float(torch.cuda.device_count())),))


def capacity_findings(study: StudySpec, capacity: Capacity, document: Document) -> Iterator[Finding]:
    """Say what a trial asks for that the machines don't have."""
    wanted = study.resources
    fit = capacity.concurrent(wanted.workers, wanted.cpus_per_worker, wanted.gpus_per_worker)
    if fit == 0:
        yield _missing(_too_much(study, capacity, document))
    elif wanted.concurrent is not None and wanted.concurrent > fit:
        reason = f"only {fit} trial{'s' if fit > 1 else ''} of this size fit at a time"
        finding = document.finding(("resources", "concurrent"), reason, f"write {fit}, or leave it out", value=wanted.concurrent)
        yield replace(finding, severity="warning")


def _too_much(study: StudySpec, capacity: Capacity, document: Document) -> Finding:
    wanted = study.resources
    cpus, gpus = max((n.cpus for n in capacity.nodes), default=0), max((n.gpus for n in capacity.nodes), default=0)
    if wanted.cpus_per_worker > cpus:
        reason = f"the largest machine has {cpus:g} CPUs"
        return document.finding(("resources", "cpus_per_worker"), reason, f"write at most {cpus:g}", value=wanted.cpus_per_worker)
    if wanted.gpus_per_worker > gpus:
        reason = f"the largest machine has {gpus:g} GPUs"
        remedy = f"write at most {gpus:g}, or give the address of a cluster with GPUs"
        return document.finding(("resources", "gpus_per_worker"), reason, remedy, value=wanted.gpus_per_worker)
    fit = capacity.workers(wanted.cpus_per_worker, wanted.gpus_per_worker)
    reason = f"only {fit} worker{'s' if fit != 1 else ''} of this size fit ({capacity.cpus:g} CPUs, {capacity.gpus:g} GPUs)"
    remedy = f"write at most {fit}, or give the address of a larger cluster" if fit else "ask for less"
    return document.finding(("resources", "workers"), reason, remedy, value=wanted.workers)


def data_finding(error: DataError, probe: Probe, document: Document) -> Finding:
    """Tell that photographs are missing, at the line that names the folder or file where one does."""
    remedy = error.remedy or "provide the photographs"
    named = next(_naming(document.value(("trial", "data")), error.place, ("trial", "data")), None)
    if named is not None:
        return _missing(document.finding(named, error.cause, remedy, value=document.value(named)))
    fault = Fault(("data",), probe.trial.data.model_dump(mode="json").get("kind"), error.cause, remedy)
    found = locate(fault, probe.draft, document)
    reason = f"{error.cause} ({error.place})" if error.place else error.cause
    return _missing(replace(found, reason=reason))


def _naming(node: object, place: str, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Find the paths of the texts that name ``place``, a file or folder."""
    if isinstance(node, str) and place and File(node).absolute() == File(place):
        yield path
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _naming(value, place, (*path, key))
    elif isinstance(node, list):
        for position, value in enumerate(node):
            yield from _naming(value, place, (*path, position))


def _missing(finding: Finding) -> Finding:
    return replace(finding, severity="preflight")


def _existing(folder: File) -> File:
    folder = folder.absolute()
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def distinct_corpora(probes: Iterable[Probe]) -> dict[str, Probe]:
    """Return one probe for each different corpus, by its JSON text."""
    found: dict[str, Probe] = {}
    for probe in probes:
        found.setdefault(corpus_key(probe), probe)
    return found


def corpus_key(probe: Probe) -> str:
    """Return the corpus of a probe as text."""
    return f"{type(probe.trial.data).__module__} {probe.trial.data.model_dump_json()}"
