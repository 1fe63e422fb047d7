"""What a trial leaves in its folder, by name. No torch in here: results and reports read these files.

::

    trials/0007/
      config.json        the TrialConfig; `raysearch train` accepts it
      checkpoints/       step_00000500.pt, ...: see `raysearch.train.checkpoint`
      images.parquet     one row per evaluated image, level and metric protocol: `IMAGES`
      usage.npz          how much each place of each training photograph was trained on: name -> (rows, columns) float32 means
      moments.npz        what the sampler kept of a few training photographs, at up to five moments: see `MOMENTS_FILE`
      patches.npz        scores of a sample of the training patches after training: see `PATCHES_FILE`
      samples/           PNGs of test images: <dataset>/<level>/<image>/{input,clean,restored}.png, see `folder_name`
      log.txt            the trial's own log
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

import pyarrow as pa

CONFIG = "config.json"
CHECKPOINTS = "checkpoints"
IMAGES_FILE = "images.parquet"
USAGE_FILE = "usage.npz"
MOMENTS_FILE = "moments.npz"
"""Arrays: ``steps`` (m,), int64, the optimisation steps after which the sampler was looked at, and for each photograph
``maps/<name>`` (m, rows, columns), float32: how much it kept of each cell of `USAGE_CELL` pixels, from 0 to 1 (PatchNet's t; 0 or 1
for a rule that keeps or drops; see `raysearch.samplers.base.Sampler.look`), NaN where no patch was looked at."""

PATCHES_FILE = "patches.npz"
"""Arrays of equal length, one entry a patch, spread evenly over the patch index: ``rows`` (numbers in the index, int64), and as
float32 ``gradient``, ``std`` and ``frequency`` (`raysearch.data.scores`), ``kept`` (the mean over the patch of what `MOMENTS_FILE`
shows, at the end) and ``loss`` (mean squared error of the trained network over the patch, on the [0, 1] scale; absent where the
clean image is none of the same scene). Trials with one cut of the photographs and as many patches have the same sample."""

SAMPLES = "samples"
LOG = "log.txt"

USAGE_CELL = 8
"""Side of a cell of the usage maps, in pixels of the photograph."""

IMAGES = pa.schema(
    [
        pa.field("split", pa.string(), nullable=False),  # validation or test
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("image", pa.string(), nullable=False),
        pa.field("level", pa.string(), nullable=False),  # label of the degradation, e.g. "sigma 15"
        pa.field("protocol", pa.string(), nullable=False),  # Protocol.label
        pa.field("psnr", pa.float64(), nullable=False),  # dB; inf for a perfect copy
        pa.field("ssim", pa.float64(), nullable=False),
    ]
)
"""Columns of every ``images.parquet`` (the last evaluation of the trial); the trial's other metrics follow, see `images_schema`."""

MAX_METRICS = 64
"""Other metrics that a table may have."""


def images_schema(metrics: Sequence[str]) -> pa.Schema:
    """Return the columns of ``images.parquet`` for a trial with these metrics beside PSNR and SSIM: one more for each, float64."""
    return pa.schema([*IMAGES, *(pa.field(name, pa.float64()) for name in metrics if name not in IMAGES.names)])


def is_images_schema(schema: pa.Schema) -> bool:
    """Tell whether a file has the columns of an ``images.parquet``, with whatever metrics."""
    names = schema.names[len(IMAGES) :]
    sound = len(set(schema.names)) == len(schema.names) and "trial" not in names and len(names) <= MAX_METRICS
    return sound and schema.equals(images_schema(names))


def folder_name(name: str) -> str:
    """Return a dataset's, level's or image's name as one folder name below `SAMPLES`; `name_of` is the inverse.

    Letters, digits, spaces and ``_.-~`` stay, the rest is percent-encoded: ``sigma 15`` stays, ``indoor/0012`` becomes
    ``indoor%2F0012``. A leading dot is encoded too.
    """
    quoted = quote(name, safe=" ")
    return "%2E" + quoted[1:] if quoted.startswith(".") else quoted


def name_of(folder: str) -> str:
    """Return the name that `folder_name` turned into ``folder``."""
    return unquote(folder)


@dataclass(frozen=True)
class TrialResult:
    """How a trial went, as `fit` returns it.

    Attributes:
        status: ``finished`` at full length, ``stopped`` when the reporter ended it.
        step: optimisation steps done.
        metrics: the last evaluation: means over images and levels of the split that was evaluated last (``psnr``, ``ssim`` and the
            trial's others), every value finite.
        seconds: training and evaluation time of this process, in seconds.
        facts: parameters, macs_g (multiply-adds in 1e9), macs_size (side of the square input they are stated for), device, workers;
            latency_ms, see `raysearch.train.latency`, None for a network that trains on each image; peak_memory_mib, see
            `raysearch.train.memory`. Of what is trained also patches, the rows of its index, and init_sha256 of the checkpoint
            that the network started from, where there is one.
    """

    status: Literal["finished", "stopped"]
    step: int
    metrics: dict[str, float]
    seconds: float
    facts: dict[str, bool | int | float | str | None]
