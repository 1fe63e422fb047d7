"""What a restoration network is to the rest of raysearch.

The module that `ModelConfig.build` returns is called as ``net(degraded, sigma_255)`` with a float32 batch (b, c_in, h, w),
nominally in [0, 1], and the noise level ((b, 1, 1, 1) or (b, 1, h, w), on the 0..255 scale) or None. It returns the restored
image (b, c_out, h*scale - 2*margin, w*scale - 2*margin), not clipped. In training mode it may return a `Restoration` instead, for
losses that compare more than the image; in evaluation mode it returns the image. A module without parameters is a classical
method: it is evaluated and never trained.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from raysearch.component import Config

if TYPE_CHECKING:
    from torch import Tensor, nn

    from raysearch.shapes import Restored


class Restoration(NamedTuple):
    """What a network with more than one output returns in training mode.

    Attributes:
        image: (b, c_out, h*scale - 2*margin, w*scale - 2*margin), not clipped.
        extras: other outputs by name, each (b, ...); the model's docstring says which, and which losses read them.
    """

    image: Restored
    extras: dict[str, Tensor]


@dataclass(frozen=True)
class Geometry:
    """How a network's output relates to its input, in pixels of the input.

    Attributes:
        halo: radius of the receptive field: an output pixel depends on no input pixel farther away. Tiled evaluation reads this
            much around each tile.
        multiple_of: height and width of the input must be divisible by this.
        cell: the network works on squares of so many pixels from the top left on, so tiles start at multiples of this; unlike with
            ``multiple_of``, images of other sizes are welcome (it completes them itself).
        margin: output pixels that a valid (unpadded) network loses on each side.
        smallest: least height and width of an input.
        whole: an output pixel depends on the whole image (statistics over it, or training on it), so it is never cut into tiles;
            ``halo`` then says nothing.
    """

    halo: int
    multiple_of: int = 1
    cell: int = 1
    margin: int = 0
    smallest: int = 1
    whole: bool = False


class ModelConfig(Config, ABC):
    """A restoration network. The docstring of each kind cites the paper and lists what differs from it."""

    @property
    def extras(self) -> frozenset[str]:
        """Names of what the network returns beside the image in training mode, see `Restoration`; losses may read it."""
        return frozenset()

    @property
    def trains_in_calls(self) -> bool:
        """Whether every call trains anew on the image that it is given: slow, and nothing that can be differentiated."""
        return False

    @abstractmethod
    def geometry(self) -> Geometry:
        """Say how the output relates to the input; needs no torch and builds nothing."""

    def adopt(self, published: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
        """Return weights as their authors published them under the names and in the form of this network.

        For layers that are arranged otherwise; where names, or order and shapes, say where a tensor belongs, nothing is needed.

        Args:
            published: tensors by their published names.

        Returns:
            None when these are no weights whose arrangement the kind knows.
        """
        return None

    @abstractmethod
    def build(self, channels_in: int, channels_out: int, scale: int) -> nn.Module:
        """Build the network with the current torch generator state deciding the initial weights (see `raysearch.train.state`).

        Raises:
            SpecError: the network does not exist for these channels or this scale.
        """
