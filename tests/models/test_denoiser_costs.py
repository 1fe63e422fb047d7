"""Parameters of the denoisers equal the sources' to the unit; multiply-accumulates are within half a percent."""

from __future__ import annotations

import pytest
import torch

from raysearch.models import (
    bf_dense,
    bf_dncnn,
    bf_recurrent,
    bf_unet,
    cbdnet,
    class_aware,
    dm_net,
    dncnn,
    ffdnet,
    pl4nn,
    red_net,
)
from raysearch.models._count import macs, parameters
from raysearch.models.base import ModelConfig

ONE_STAGE = 5 * 64 * 64 * 9
CHECKS = [
    (dncnn.Config(norm="none"), 1, 555_137, 256, 36.31),
    (dncnn.Config(norm="batch_with_bias"), 1, 557_057, 40, 0.887),
    (dncnn.Config(depth=20, norm="none"), 1, 665_921, 256, 43.56),
    (dncnn.Config(depth=20, norm="none"), 3, 668_227, 63, 2.647),
    (ffdnet.Config(), 1, 485_316, 256, 7.937),
    (ffdnet.Config(packing="rows"), 1, 485_316, 256, 7.937),
    (ffdnet.Config(norm="batch"), 1, 485_316 + 13 * 64, 256, 7.937),
    (ffdnet.Config(), 3, 852_108, 256, 13.943),
    (bf_dncnn.Config(), 1, 664_704 + 1_152, 256, 43.56),
    (bf_unet.Config(), 1, 233_024, 256, None),
    (bf_unet.Config(bias=True), 1, 233_024 + 4 * 32 - 32 + 5 * 64, 256, None),
    (bf_recurrent.Config(), 1, ONE_STAGE + 64 * 9 * (2 + 1), 64, 4 * (ONE_STAGE + 64 * 9 * 3) * 64**2 / 1e9),
    (bf_dense.Config(), 1, 757_440, 64, 757_440 * 64**2 / 1e9),
    (bf_dense.Config(bias=True), 1, 757_440 + 4 * 6 * 64 + 3 * 5, 64, 757_440 * 64**2 / 1e9),
    (class_aware.Config(), 1, 655_544, 256, 42.88),
    (cbdnet.Config(), 3, 4_365_382, 252, (0.117 + 2.128) * 16),
    (cbdnet.Config(downsample="strided"), 3, 4_365_382 + 4 * 64 * 64 + 64 + 4 * 128 * 128 + 128, 252, None),
    (pl4nn.Config(padding="same"), 3, 122_883 + 128, 31, 0.118),
    (pl4nn.Config(), 3, 122_883 + 128, 31, None),
    (red_net.Config(depth=10), 1, 296_641, 256, None),
    (red_net.Config(depth=20), 1, 665_921, 256, None),
    (red_net.Config(), 1, 1_035_201, 256, 67.72),
    (red_net.Config(variant="strided"), 3, 1_037_507, 256, 16.97),
    (dm_net.Config(), 3, 2_479_427, 256, 53.38),
]


@pytest.mark.parametrize(("model", "channels", "count", "size", "gmacs"), CHECKS)
def test_check_values(model: ModelConfig, channels: int, count: int, size: int, gmacs: float | None) -> None:
    with torch.device("meta"):
        net = model.build(channels, channels, 1)
    assert parameters(net) == count
    if gmacs is not None:
        assert macs(net, channels, size, sigma=True) / 1e9 == pytest.approx(gmacs, rel=0.005)


def test_the_parts_of_cbdnet() -> None:
    net = cbdnet.Config().build(3, 3, 1)
    assert (parameters(net.estimator), parameters(net.denoiser)) == (29_507, 4_335_875)
