"""The configuration of one trial: frozen, complete, the only thing that everything below the search layer sees.

It round-trips through JSON (`TrialConfig.parse` of ``model_dump(mode="json")`` is equal), and its hash names the configuration.
Importing this module imports no torch; parsing a trial imports the components that it names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator

from raysearch.component import Config, Kind, is_structural
from raysearch.data.base import CorpusConfig
from raysearch.data.paths import AbsolutePath
from raysearch.errors import SpecError
from raysearch.metrics.base import ALWAYS, metric
from raysearch.metrics.protocol import Protocol
from raysearch.models.base import ModelConfig
from raysearch.recipes.base import Precision, RecipeConfig
from raysearch.samplers.base import SamplerConfig
from raysearch.tasks.base import TaskConfig


class PatchConfig(Config):
    """How photographs are cut into training patches."""

    size: int = Field(64, ge=8, le=1024)
    """Side of a square patch, in pixels of the clean image."""

    stride: int | None = Field(None, ge=1)
    """Distance of neighbouring patches, in pixels; the size when it is not given."""

    @property
    def step(self) -> int:
        """Distance of neighbouring patches, in pixels."""
        return self.size if self.stride is None else self.stride


class EvaluateConfig(Config):
    """When and how a trial is evaluated."""

    every: int = Field(500, ge=1)
    """Optimisation steps between two evaluations (and reports, and checkpoints)."""

    protocol: Protocol = Protocol()
    """How metrics are computed: the name of a published protocol (``sr-y-crop2``, see `raysearch.metrics.protocol.named`), or its
    values."""

    metrics: tuple[str, ...] = ALWAYS
    """Metrics of every evaluated image, by the names of the files of `raysearch.metrics`; PSNR and SSIM are always among them."""

    tile: int = Field(512, ge=32)
    """Side of the tiles, in pixels of the degraded image; a halo as wide as the receptive field is read around each."""

    samples: int = Field(8, ge=0)
    """Test photographs of each set whose restorations are kept as PNG for the report, spread evenly over the set."""

    images: int | None = Field(None, ge=1)
    """Use only the first so many validation photographs (by name) during a trial; test sets are always used whole."""

    @field_validator("metrics")
    @classmethod
    def _known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for position, name in enumerate(given):
            if name in given[:position]:
                raise ValueError(f"{name} is listed twice")
            try:
                metric(name)
            except SpecError as error:
                raise ValueError(str(error)) from error
        return (*ALWAYS, *(name for name in given if name not in ALWAYS))


class InitConfig(Config):
    """The weights that a trial starts from."""

    checkpoint: AbsolutePath
    """A checkpoint of raysearch, or a trial's folder (its newest checkpoint is taken): the network's weights, nothing else. For the
    weights of others see ``raysearch weights import``."""

    sha256: str | None = Field(None, pattern="^[0-9a-f]{8,64}$")
    """The file's SHA-256 or the first digits of it; another file is refused."""

    partial: bool = False
    """Accept a checkpoint of which only a part fits, by name and shape; the rest has the initial weights of the seed."""


class TrialConfig(Config):
    """One configuration: data, degradation, network, sampling strategy, recipe, length and seed."""

    data: Annotated[CorpusConfig, Kind("raysearch.data.corpora")]
    patch: PatchConfig = PatchConfig()
    task: Annotated[TaskConfig, Kind("raysearch.tasks")]
    model: Annotated[ModelConfig, Kind("raysearch.models")]
    sampler: Annotated[SamplerConfig, Kind("raysearch.samplers")]
    recipe: Annotated[RecipeConfig, Kind("raysearch.recipes")]
    init: InitConfig | None = None
    """What the network starts from; the initial weights of the seed when it is not given."""

    steps: int = Field(1000, ge=1)
    """Optimisation steps at full length."""

    batch: int = Field(16, ge=1)
    """Patches in a step, over all workers together."""

    augment: Literal["none", "flips", "flips_and_rotations"] = "flips_and_rotations"
    """Geometric augmentation, applied to clean patches before they are degraded."""

    evaluate: EvaluateConfig = EvaluateConfig()
    precision: Precision = "auto"
    seed: int = Field(0, ge=0)
    """Seed of the initial weights, of the noise, of the sampler and of the augmentation."""

    @property
    def lacking(self) -> frozenset[str]:
        """What the recipe's losses read and neither the network nor the task gives; empty where it can be trained."""
        return self.recipe.reads - self.model.extras - ({"sigma_255"} if self.task.gives_loss_sigma else set())

    @property
    def protocol(self) -> Protocol:
        """How metrics are computed, with the whole border for the task's scale."""
        return self.evaluate.protocol.at(self.task.scale)

    def may_change(self, path: Sequence[str | int]) -> bool:
        """Return whether the value at a path may change while the network is trained: settings of the recipe and of the sampler
        that the shape of no state depends on, and the batch."""
        return path[0] in ("recipe", "sampler", "batch") and not is_structural(self, path)

    def differences(self, other: TrialConfig) -> list[tuple[str | int, ...]]:
        """Return the paths of the values in which two configurations differ."""
        return list(_differences(self.model_dump(mode="json"), other.model_dump(mode="json"), ()))

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that name this configuration, seed included."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _differences(one: object, other: object, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            yield from _differences(one.get(key), other.get(key), (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, (*path, i))
    elif one != other:
        yield path
