"""Published weights become checkpoints that are evaluated and started from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from raysearch.errors import SpecError
from raysearch.models import deepjdd
from raysearch.spec.trial import TrialConfig
from raysearch.tasks._bayer import mosaic
from raysearch.train.network import build_net, load_network
from raysearch.train.published import read_published


def grey(make_trial, **model: object) -> TrialConfig:  # type: ignore[no-untyped-def]
    trial = make_trial(
        task={"kind": "gaussian_denoise", "color": "gray"},
        model={"kind": "dncnn", "depth": 4, "width": 4, "norm": "none"} | model,
        evaluate={"every": 4, "protocol": "dn-gray-u8"},
        seed=3,
    )
    assert isinstance(trial, TrialConfig)
    return trial


def published(path: Path, trial: TrialConfig) -> dict[str, torch.Tensor]:
    """Write weights of another seed as an npz under names of their own, weights first."""
    own = build_net(trial.model_copy(update={"seed": 99})).state_dict()
    names = {name: f"conv{i // 2}.{name.rpartition('.')[2]}" for i, name in enumerate(own)}
    arrays = {theirs: own[name].numpy() for name, theirs in sorted(names.items(), key=lambda pair: pair[1][-4:])}
    np.savez(path, **arrays)
    return own


def test_a_checkpoint_of_published_weights_is_loaded_like_a_trained_one(make_trial, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    trial = grey(make_trial)
    expected = published(tmp_path / "weights.npz", trial)
    found = read_published(tmp_path / "weights.npz", trial)
    assert found.matching.certain
    assert found.matching.by == "order"
    found.write(tmp_path / "deep" / "weights.pt")
    back, net = load_network(tmp_path / "deep" / "weights.pt")
    assert back == trial
    assert not net.training
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, expected[name])


def test_a_part_is_written_only_when_that_is_accepted(make_trial, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    trial, deeper = grey(make_trial), grey(make_trial, depth=5)
    published(tmp_path / "weights.npz", trial)
    found = read_published(tmp_path / "weights.npz", deeper)
    with pytest.raises(SpecError, match="nothing for 2 of the network's tensors") as caught:
        found.write(tmp_path / "weights.pt")
    assert "--partial" in caught.value.remedy
    assert not (tmp_path / "weights.pt").exists()
    found.write(tmp_path / "weights.pt", partial=True)
    _, net = load_network(tmp_path / "weights.pt")
    untouched = build_net(deeper).state_dict()
    for name in found.matching.missing:
        assert torch.equal(net.state_dict()[name], untouched[name])
    other = read_published(tmp_path / "weights.npz", grey(make_trial, width=7))
    with pytest.raises(SpecError, match=r"fits the network|don't fit"):
        other.write(tmp_path / "other.pt")


def test_half_precision_weights_become_single(make_trial, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    trial = grey(make_trial)
    state = {f"module.{name}": tensor.half() for name, tensor in build_net(trial).state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "half.pth")
    found = read_published(tmp_path / "half.pth", trial)
    assert found.matching.by == "name"
    assert {tensor.dtype for tensor in found.network.values()} == {torch.float32}


class Released(nn.Module):
    """DemosaicNet as it was released, after its layer table: packing and unpacking are convolutions with fixed weights."""

    def __init__(self, width: int = 5, depth: int = 3) -> None:
        super().__init__()
        main = nn.Module()
        main.pack_mosaic = nn.Conv2d(3, 4, 2, stride=2)
        inputs = [4] + [width] * (depth - 1)
        for i in range(depth):
            main.add_module(f"conv{i + 1}", nn.Conv2d(inputs[i], width * (2 if i == depth - 1 else 1), 3))
        self.main_processor = main
        self.residual_predictor = nn.Conv2d(width, 12, 1)
        self.upsampler = nn.ConvTranspose2d(12, 3, 2, stride=2, groups=3)
        self.fullres_processor = nn.Module()
        self.fullres_processor.post_conv = nn.Conv2d(6, width, 3)
        self.fullres_processor.output = nn.Conv2d(width, 3, 1)
        self.depth = depth
        with torch.no_grad():
            main.pack_mosaic.weight.zero_()
            for plane, (channel, row, column) in enumerate([(0, 0, 1), (1, 0, 0), (2, 1, 0), (1, 1, 1)]):
                main.pack_mosaic.weight[plane, channel, row, column] = 1
            self.upsampler.weight.zero_()
            for i in range(12):
                self.upsampler.weight[i, 0, i % 4 // 2, i % 2] = 1

    def forward(self, grbg: torch.Tensor) -> torch.Tensor:
        maps = self.main_processor.pack_mosaic(grbg)
        for i in range(self.depth):
            maps = functional.relu(self.main_processor.get_submodule(f"conv{i + 1}")(maps))
        filters, masks = maps.chunk(2, dim=1)
        colours = self.upsampler(self.residual_predictor(filters * masks))
        edge = (grbg.shape[-1] - colours.shape[-1]) // 2
        joined = torch.cat([grbg[..., edge:-edge, edge:-edge], colours], dim=1)
        out: torch.Tensor = self.fullres_processor.output(functional.relu(self.fullres_processor.post_conv(joined)))
        return out


def test_the_released_demosaicnet_gives_the_same_image_in_deepjdd(make_trial, tmp_path: Path, generator: torch.Generator) -> None:  # type: ignore[no-untyped-def]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        theirs = Released().eval()
    torch.save(theirs.state_dict(), tmp_path / "bayer.pth")
    trial = make_trial(task="demosaic", model={"kind": "deepjdd", "width": 5, "depth": 3})
    found = read_published(tmp_path / "bayer.pth", trial)
    assert found.matching.certain
    assert found.rearranged
    found.write(tmp_path / "bayer.pt")
    _, ours = load_network(tmp_path / "bayer.pt")
    degraded = mosaic(torch.rand(2, 3, 24, 30, generator=generator), "grbg")
    with torch.no_grad():
        torch.testing.assert_close(ours(degraded, None), theirs(degraded), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("settings", [{"sigma_channel": True}, {"variant": "published"}])
def test_other_variants_of_deepjdd_know_no_released_weights(settings: dict[str, object]) -> None:
    assert deepjdd.Config.parse(settings).adopt(Released().state_dict()) is None
