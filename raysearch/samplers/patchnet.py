"""PatchNet: a second network that learns, during training, which cells of a patch the restoration network should learn from.

From the PatchNet paper (trainable patch selection for demosaicing and joint demosaicing and denoising). A network looks at the
restored image and gives every k×k cell a soft trainability t in (0, 1), which weighs the cell's loss (Eq. 4): an image's loss is
J = sum(t_p L_p) / sum(t_p) over its cells p. Only ratios of t inside one image matter. PatchNet is used in training alone.

What the paper prints can't be built as it stands, or is silent; decided here (the labels are those of the project's fact sheet):

- P1, sign: the paper does not say how PatchNet's gradient is signed. ``adversarial`` (default): PatchNet ascends J, so t grows
  where the loss is above the weighted mean. ``regress``: the logit predicts the cell's log loss, standardised within the image.
  ``literal_min``: PatchNet descends J as Eq. 4 reads when both networks minimise it; that keeps *easy* cells and cost 5 dB in a
  trial on BSD photographs (P1b), and is kept to document the equation. In all three the loss is detached for PatchNet.
- P2, collapse: J does not change when all t of an image are multiplied by one number, so nothing keeps t from 0 or 1. Logits are
  bent into (-`bound`, `bound`), and `budget` * (mean t - `target`)^2 is added. The shares t_p / sum(t) are computed as a softmax of
  log t, so no epsilon is needed. For PatchNet, J of each image is divided by the mean loss of the image's cells (a constant for the
  gradient), which gives `budget` the same meaning for every loss and epoch. Where t hardly varies inside images for an epoch (and
  at least 200 steps) the trial ends as diverged.
- P3: the block is 1×1, 3×3, 1×1 (the text) and not 1×1, 3×3, 3×3 (the table); see `last_kernel`. P4: where channels change the
  shortcut is a 1×1 convolution with batch normalisation. P5: one logit per cell (the text), not three (the table); see
  `head_channels`; of three, the mean t is used.
- P6: PatchNet sees a detached image and its t is detached in the restoration loss, so neither network trains through the other. The
  normaliser sum(t) is part of PatchNet's gradient. P7: t is soft, and `temperature` multiplies the logit. P8: the loss is that of
  the recipe; the paper's is ``l2``.
- P9, padding: the image is padded by reflection and the grid starts at a random place in every step (`grid`), one for the batch.
  Padding has weight 0; the loss of a cell that is partly padding is the mean over its real pixels; a cell without any is left out.
  A partial cell counts by its pixels (`border_cells`), so that equal t give the plain mean. Counted as whole ones, slivers of cells
  weigh the borders of a small patch several times over: for 64-pixel patches and 16-pixel cells with equal t a corner pixel weighs
  11 times as much as a central one, over all phases.
- P10: cells of 32 and 16 pixels drop the last one and two pools and keep all convolutions; 128 adds a stage of 1024 channels.
- P11: batch normalisation uses the batch's statistics. P12 to P15 (clip counts, test sets, colour space, PSNR protocol) concern
  data and evaluation, not this file: images are stored sRGB values in [0, 1], and every number carries its protocol's label.

PatchNet has its own Adam, and its learning rate follows half a cosine over the trial, as the paper's does. The last layer starts at
zero: the first step weighs all cells alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from raysearch.component import STRUCTURAL
from raysearch.errors import StateDamaged
from raysearch.rng import torch_generator
from raysearch.samplers._cells import CellGrid, CellMap, plain_grid, shifted_grid
from raysearch.samplers._epochs import Epochs
from raysearch.samplers._patchnet_net import PatchNet, Size, bounded, built, log_trainability
from raysearch.samplers._trainability import Guard, objective_of, shares_of, statistics_of
from raysearch.samplers.base import Sampler, SamplerConfig, SamplerContext, Score, Signal, Signals
from raysearch.shapes import Image, PixelWeights, Rows


class Config(SamplerConfig):
    """All patches in random order; PatchNet weighs the cells inside each of them."""

    kind: Literal["patchnet"] = "patchnet"

    size: Annotated[Size, STRUCTURAL] = "tiny"
    """How many residual blocks: the paper's small or large network (2,372,353 and 6,080,129 parameters for 64-pixel cells)."""

    width: Annotated[int, STRUCTURAL] = Field(64, ge=4, le=256, multiple_of=4)
    """Channels of the first stage (the paper's: 64); the last stage has sixteen times as many. 8 serves small restorers."""

    cell: Annotated[Literal[16, 32, 64, 128], STRUCTURAL] = 64
    """Side of a cell, in pixels."""

    objective: Literal["adversarial", "regress", "literal_min"] = "adversarial"
    """What PatchNet learns; see the docstring of this file."""

    temperature: float = Field(2.0, gt=0, le=100)
    """Factor of the logit before the sigmoid: larger is nearer to a hard choice."""

    bound: float | None = Field(3.0, gt=0)
    """Logits stay within plus and minus this; null leaves them free."""

    budget: float = Field(4.0, ge=0)
    """Weight of (mean t - target)^2 beside the relative J. Not used by ``regress``, whose target fixes the mean."""

    target: float = Field(0.5, gt=0, lt=1)
    """The mean t that the budget term asks for."""

    lr: float = Field(2.5e-4, gt=0, le=1)
    """Peak learning rate of PatchNet's Adam."""

    grid: Literal["random", "fixed"] = "random"
    """``random``: the grid of cells lies elsewhere in every step. ``fixed``: it starts in the upper left corner."""

    border_cells: Literal["whole", "by_area"] = "by_area"
    """How much a cell counts that lies partly outside of the image: as much as any other, or in proportion to its pixels. Both
    are Eq. 4 where every cell is full."""

    head_channels: Annotated[Literal[1, 3], STRUCTURAL] = 1
    """Logits per cell."""

    last_kernel: Annotated[Literal[1, 3], STRUCTURAL] = 1
    """Side of the last convolution in a block."""

    @property
    def needs(self) -> frozenset[Signal]:
        """What PatchNet sees, and the loss that it weighs."""
        return frozenset({"restored", "loss_map"})

    @property
    def scores(self) -> frozenset[Score]:
        """Nothing."""
        return frozenset()

    @property
    def smallest_patch(self) -> int:
        """Two cells: below that there is nothing to choose from."""
        return 2 * self.cell

    def network(self, channels: int) -> PatchNet:
        """Make the network for images of ``channels`` channels, with torch's default initial weights."""
        return PatchNet(channels, self.size, self.width, self.cell, self.head_channels, self.last_kernel)

    @property
    def follows_progress(self) -> bool:
        """The second network's rate does."""
        return True

    def build(self, context: SamplerContext) -> Sampler:
        """Build the sampler in its initial state."""
        return PatchNetSampler(self, context)


class PatchNetSampler(Sampler):
    """See `Config`."""

    def __init__(self, config: Config, context: SamplerContext) -> None:
        self._config = config
        self._count = context.count
        self._steps = context.steps
        self._epochs = Epochs(torch.arange(context.count), context.seed)
        self._phase = torch_generator(context.seed, "patchnet", "grid")
        with torch.device("meta"):
            net = config.network(context.channels)
        self._net = built(net, torch_generator(context.seed, "patchnet", "weights"), context.device)
        self._optimizer = torch.optim.Adam(self._net.parameters(), lr=config.lr)
        self._step = 0
        self._guard = Guard(context.device)
        self._last: tuple[Tensor, Tensor] | None = None

    def suggest(self, count: int) -> Rows:
        """Return the next rows of the epoch."""
        return self._epochs.take(count)

    @torch.enable_grad()
    def update(self, rows: Rows, signals: Signals) -> PixelWeights | None:
        """Take one step of PatchNet and weigh the pixels with the t that it had before: they sum to 1 in every image."""
        grid = self._draw_grid(*signals.loss_map.shape[2:])
        losses = grid.means(signals.loss_map.detach().float())
        pixels = grid.pixels(losses.device)
        logits, log_t = self._look(signals.restored.float(), grid)
        votes = (pixels > 0).float() if self._config.border_cells == "whole" else pixels
        shares = shares_of(log_t, votes)
        config = self._config
        self._descend(objective_of(config.objective, logits, log_t, shares, losses, pixels > 0, config.budget, config.target))
        log_t = log_t.detach().masked_fill(pixels == 0, -math.inf)
        self._last = (log_t, losses.detach())
        self._guard.watch(log_t, steps_per_epoch=math.ceil(self._count / len(rows)))
        return grid.spread(shares.detach() / pixels.clamp(min=1))

    @torch.no_grad()
    def look(self, rows: Rows, restored: Image, clean: Image) -> PixelWeights:
        """Say how trainable the cells are: t. Only ratios inside a patch matter.

        The grid starts in the upper left corner, and batch normalisation uses running averages, so that what is seen does not
        depend on which patches are looked at together.
        """
        grid = plain_grid(self._config.cell, *restored.shape[2:])
        self._net.eval()
        try:
            _, log_t = self._look(restored.float(), grid)
        finally:
            self._net.train()
        return grid.spread(log_t.exp())

    def _draw_grid(self, height: int, width: int) -> CellGrid:
        if self._config.grid == "fixed":
            return plain_grid(self._config.cell, height, width)
        return shifted_grid(self._config.cell, height, width, self._phase)

    def _look(self, restored: Image, grid: CellGrid) -> tuple[Tensor, CellMap]:
        """Return the bounded logits and log t of all cells."""
        padded = F.pad(restored.detach(), grid.padding, mode="reflect")
        logits = bounded(self._net(padded.contiguous(memory_format=torch.channels_last)), self._config.bound)
        return logits, log_trainability(logits, self._config.temperature)

    def _descend(self, objective: Tensor) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.lr * (1 + math.cos(math.pi * min(1.0, self._step / self._steps))) / 2
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(objective)
        self._optimizer.step()
        self._step += 1

    def statistics(self) -> dict[str, float]:
        """Describe the last step's t: `mean_t`, `std_t` and `spearman` within images, and `kept_fraction`, the share with t > 0.5.

        `spearman` is the rank correlation of a cell's t with its loss, averaged over the images. Empty before the first step.
        """
        return {} if self._last is None else statistics_of(*self._last)

    def state_dict(self) -> dict[str, object]:
        """Return PatchNet, its optimizer, the place in the epoch, the grid's generator and the last step's t."""
        return {
            "epochs": self._epochs.state_dict(),
            "net": dict(self._net.state_dict()),
            "optimizer": self._optimizer.state_dict(),
            "phase": self._phase.get_state(),
            "step": self._step,
            "guard": self._guard.state_dict(),
            "last": self._last,
        }

    def load_state_dict(self, state: Mapping[str, object]) -> None:
        """Continue exactly where `state_dict` was taken."""
        net, optimizer, phase, step, last = (state[name] for name in ("net", "optimizer", "phase", "step", "last"))
        if not (isinstance(net, dict) and isinstance(optimizer, dict) and isinstance(phase, Tensor) and isinstance(step, int)):
            raise StateDamaged("the sampler's state is not one of patchnet")
        self._epochs.load_state_dict(state["epochs"])
        self._net.load_state_dict(net)
        self._optimizer.load_state_dict(optimizer)
        self._phase.set_state(phase.cpu())
        self._step = step
        self._guard.load_state_dict(state["guard"])
        device = next(self._net.parameters()).device
        self._last = (last[0].to(device), last[1].to(device)) if isinstance(last, tuple) else None
