"""ZSSR: a small network that is trained on the one image that it then enlarges.

Shocher, Cohen, Irani: "Zero-shot super-resolution using deep internal learning", CVPR 2018, arXiv:1712.06087. Input: a
low-resolution image of one or three channels, nominally in [0, 1]; output: scale times larger, clipped to [0, 1]. For every image,
a network of ``depth`` 3x3 convolutions without bias and with ReLU between them (224,640 weights in RGB) learns to add what a
bicubically enlarged image lacks. Its training pairs are a crop of the image (the *father*) and that crop made smaller with
``kernel`` (the *son*). A father is the image as it is (5 % of the steps), turned or mirrored (45 %), or distorted (50 %: any angle,
mirrored or not, scale 0.5 to 1, aspect, shear). L1 loss, Adam at 1e-3; the rate is divided by 10 when the error of restoring the
image from its own son no longer falls, and training ends below 9e-6. The result is the median over eight orientations,
back-projected before and after: what is missing to give the input when made smaller again is enlarged and added.

It is a method that is evaluated, never trained by a recipe: the module has no parameters, only the seed that it was built with, and
everything above happens in each call, also under ``torch.no_grad``, from a generator of its own. So a result depends on the image,
the configuration and the seed, and is the same for an image alone and in a batch. It is computed in float32, whatever the
precision around it. The multiply-accumulates that are stated are those of one pass of its network over the enlarged image; a call
costs eight of them and the training, up to three thousand steps on fathers.

For real photographs the authors use ``noise_255: 3.19`` and ``back_projections: 0`` (and milder fathers and one orientation, which
are not options here).

Differs from the sources: a distorted father is continued by reflection (theirs is black outside the image), and its crop is
drawn uniformly; an image smaller than ``crop`` gives square fathers of its shorter side; fathers are a multiple of the scale. The
rate stays until the error has fallen by a tenth: the small initial weights (normal, variance 0.1 / fan-in) take some hundred steps
to come alive, and the authors' policy, which may act before, then ends the training with nothing learnt. One jump to the scale:
their gradual mode, with intermediate scales, is not here, nor are kernels from files.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from raysearch.bicubic import Kernel, resize
from raysearch.models._fathers import ORIENTATIONS, draw_father, turned, turned_back
from raysearch.models._input import require_size, require_upscaling
from raysearch.models._upscaling import SCALES
from raysearch.models.base import Geometry, ModelConfig
from raysearch.rng import torch_generator
from raysearch.shapes import Image, Restored, Sigma

_GEOMETRY = Geometry(halo=0, smallest=16, whole=True)
_SEEDS = 2**62
_FIRST_VARIANCE = 0.1
_FIRST_RATE, _LAST_RATE, _DECAY = 1e-3, 9e-6, 10
_MEASURE_EVERY, _JUDGE_EVERY, _PATIENCE = 50, 60, 256
_FALLING = 1.5
_BEGUN = 0.9


class Config(ModelConfig):
    """ZSSR; the defaults are the authors' for images that were made smaller bicubically."""

    kind: Literal["zssr"] = "zssr"
    depth: int = Field(8, ge=2, le=64)
    """3x3 convolutions."""

    width: int = Field(64, ge=1, le=1024)
    """Maps between the convolutions."""

    max_steps: int = Field(3000, ge=1, le=1_000_000)
    """Training steps on an image, if the rate's policy does not end it before."""

    crop: int = Field(128, ge=16, le=4096)
    """Side of a father, in pixels of the low-resolution image."""

    kernel: Kernel = "bicubic"
    """How fathers are made smaller: what made the low-resolution image. Antialiased, as in MATLAB."""

    noise_255: float = Field(0.0, ge=0, le=255)
    """Standard deviation of the noise that is added to sons, on the 0..255 scale."""

    back_projections: int = Field(10, ge=0, le=1000)
    """Back-projection steps of each of the eight results, and again of their median."""

    @property
    def trains_in_calls(self) -> bool:
        """Yes: that is the method."""
        return True

    def geometry(self) -> Geometry:
        """A pixel depends on the whole image, of at least 16x16 pixels."""
        return _GEOMETRY

    def build(self, channels_in: int, channels_out: int, scale: int) -> ZSSR:
        """Build the method; the generator's state gives its seed.

        Raises:
            SpecError: the task is no super-resolution of luma or RGB at scale 2, 3, 4 or 8.
        """
        require_upscaling(self.kind, (channels_in, channels_out, scale), (1, 3), SCALES)
        return ZSSR(self, scale)


class ZSSR(nn.Module):
    """See the module's docstring.

    Attributes:
        seed: of everything random in a call; the only thing that is saved.
    """

    def __init__(self, config: Config, scale: int) -> None:
        super().__init__()
        self.config, self.scale = config, scale
        self.register_buffer("seed", torch.randint(_SEEDS, ()))
        self.seed: Tensor

    def forward(self, degraded: Image, sigma_255: Sigma | None) -> Restored:
        """Train on each image and enlarge it; ``sigma_255`` is ignored. Shapes alone (meta tensors) take one untrained pass."""
        require_size(self.config.kind, degraded, _GEOMETRY)
        if degraded.is_meta:
            weights = first_weights(self.config, degraded.shape[1], torch.Generator(), degraded.device)
            return passes(weights, _enlarged(degraded, self.scale))
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(degraded.device.type, enabled=False):
            images = degraded.detach().clone(memory_format=torch.contiguous_format).float()
            restored = [_Learner(self.config, self.scale, image, int(self.seed)).restored() for image in torch.split(images, 1)]
        return torch.cat(restored).to(degraded.dtype)


def first_weights(config: Config, channels: int, generator: torch.Generator, device: torch.device) -> list[Tensor]:
    """Draw the kernels of a network: normal, variance 0.1 / fan-in.

    Args:
        config: depth and width.
        channels: of the image.
        generator: of the CPU, whatever the device.
        device: where the kernels are wanted.
    """
    weights = []
    for before, after in pairwise([channels, *[config.width] * (config.depth - 1), channels]):
        drawn = torch.randn(after, before, 3, 3, generator=generator, device="cpu") * math.sqrt(_FIRST_VARIANCE / (9 * before))
        weights.append(drawn.to(device).requires_grad_())
    return weights


def passes(weights: list[Tensor], enlarged: Image) -> Image:
    """Add to an enlarged image what the network finds lacking; the size stays, nothing is clipped."""
    maps = enlarged
    for weight in weights[:-1]:
        maps = torch.relu(functional.conv2d(maps, weight, padding=1))
    return enlarged + functional.conv2d(maps, weights[-1], padding=1)


def falls(errors: list[float]) -> bool:
    """Say whether errors, measured at even distances, fall: by more than two thirds of the uncertainty of a fitted line's slope."""
    count = len(errors)
    if count < 3:
        return True
    centre, mean = (count - 1) / 2, math.fsum(errors) / count
    spread = math.fsum((place - centre) ** 2 for place in range(count))
    slope = math.fsum((place - centre) * error for place, error in enumerate(errors)) / spread
    rest = math.fsum((error - mean - slope * (place - centre)) ** 2 for place, error in enumerate(errors))
    return -_FALLING * slope >= math.sqrt(rest / (count - 2) / spread)


def _enlarged(image: Image, scale: int) -> Restored:
    return resize(image, image.shape[-2] * scale, image.shape[-1] * scale)


class _Learner:
    """One image, (1, c, h, w), float32 and contiguous, and the network that is trained on it."""

    def __init__(self, config: Config, scale: int, image: Tensor, seed: int) -> None:
        self._config, self._scale, self._image = config, scale, image
        self._generator = torch_generator(seed, "zssr")
        self._weights = first_weights(config, image.shape[1], self._generator, image.device)

    def restored(self) -> Tensor:
        """Train, then return the enlarged image, in [0, 1]."""
        self._train()
        with torch.no_grad():
            found = torch.stack([self._projected(self._oriented(number)) for number in range(ORIENTATIONS)])
            middle = found.sort(dim=0).values[ORIENTATIONS // 2 - 1 : ORIENTATIONS // 2 + 1].mean(dim=0)
            return self._projected(middle)

    def _train(self) -> None:
        optimizer = torch.optim.Adam(self._weights, lr=_FIRST_RATE)
        side = min(self._config.crop, *self._image.shape[-2:]) // self._scale * self._scale
        errors: list[float] = []
        rate, changed = _FIRST_RATE, 0
        for step in range(self._config.max_steps):
            father = draw_father(self._image, side, self._generator)
            loss = (self._from_son(father) - father).abs().mean()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            if step % _MEASURE_EVERY == 0:
                errors.append(self._error())
            due = (step + 1) % _JUDGE_EVERY == 0 and step - changed > _PATIENCE
            begun = min(errors) < _BEGUN * errors[0]
            if due and begun and not falls(errors[-(_PATIENCE // _MEASURE_EVERY) :]):
                rate, changed = rate / _DECAY, step
                optimizer.param_groups[0]["lr"] = rate
                if rate < _LAST_RATE:
                    return

    def _from_son(self, father: Tensor) -> Tensor:
        """Make a father smaller and let the network restore it; not clipped."""
        son = resize(father, father.shape[-2] // self._scale, father.shape[-1] // self._scale, self._config.kernel)
        if self._config.noise_255:
            drawn = torch.randn(son.shape, generator=self._generator, device="cpu")
            son = son + drawn.to(son.device) * (self._config.noise_255 / 255)
        return passes(self._weights, _enlarged(son.clamp(0, 1), self._scale))

    @torch.no_grad()
    def _error(self) -> float:
        """Return the mean squared error of restoring the image from its own son."""
        height, width = (side // self._scale * self._scale for side in self._image.shape[-2:])
        whole = self._image[..., :height, :width]
        return float((self._from_son(whole).clamp(0, 1) - whole).square().mean())

    def _oriented(self, number: int) -> Tensor:
        """Enlarge the image in one of its orientations, and turn the result back."""
        enlarged = _enlarged(turned(self._image, number), self._scale)
        return turned_back(passes(self._weights, enlarged).clamp(0, 1), number)

    def _projected(self, restored: Tensor) -> Tensor:
        """Back-project: make the result agree with the image when it is made smaller again."""
        height, width = self._image.shape[-2:]
        for _ in range(self._config.back_projections):
            missing = self._image - resize(restored, height, width, self._config.kernel)
            restored = (restored + _enlarged(missing, self._scale)).clamp(0, 1)
        return restored
