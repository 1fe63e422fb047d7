"""Networks without additive constants scale with their input."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from raysearch.component import find
from raysearch.models import bf_dense, bf_dncnn, bf_recurrent, bf_unet
from raysearch.models._bias_free import ScaleNorm
from raysearch.models.base import ModelConfig

KINDS = ["bf_dncnn", "bf_unet", "bf_recurrent", "bf_dense"]


def thin(kind: str, **options: object) -> ModelConfig:
    return find("raysearch.models", kind).parse({"width": 8, **options})  # type: ignore[return-value]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 18), (15, 13)])
def test_the_output_scales_with_the_input(kind: str, channels: int, size: tuple[int, int], generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = thin(kind).build(channels, channels, 1).double()
    image = torch.rand(4, channels, *size, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, ScaleNorm):
                layer.weight *= 40  # so that more than the image itself is seen
    net.train()(image, None)  # so that running variances are not all 1
    net.eval()
    with torch.no_grad():
        once = net(image, None)
        assert torch.equal(net(2 * image, None), 2 * once), "doubling is exact"
        torch.testing.assert_close(net(0.3 * image, None), 0.3 * once, rtol=1e-9, atol=1e-12)
        assert once.std() > 1e-3
        assert not torch.allclose(net(-image, None), -once), "a linear network would scale as well"


@pytest.mark.parametrize("kind", KINDS[1:])
def test_the_twins_with_biases_do_not_scale(kind: str, generator: torch.Generator) -> None:
    torch.manual_seed(0)
    net = thin(kind, bias=True).build(1, 1, 1).eval()
    biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
    assert biases
    with torch.no_grad():
        for bias in biases:
            bias += 0.1
        image = torch.rand(1, 1, 12, 12, generator=generator)
        assert not torch.allclose(net(2 * image, None), 2 * net(image, None), rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_added(kind: str) -> None:
    net = thin(kind).build(3, 3, 1)
    assert not [name for name, _ in net.named_parameters() if "bias" in name]
    assert not [name for name, _ in net.named_buffers() if "mean" in name]


def test_the_norm_divides_by_the_deviation_about_the_mean_and_keeps_the_mean(generator: torch.Generator) -> None:
    norm = ScaleNorm(3).double().train()
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, -0.5]))
    maps = 3 + 2 * torch.randn(4, 3, 5, 6, generator=generator, dtype=torch.float64)
    flat = maps.transpose(0, 1).flatten(1)
    variance = (flat - flat.mean(1, keepdim=True)).square().sum(1) / (4 * 5 * 6 - 1)
    expected = maps * (norm.weight / (variance.sqrt() + 1e-5)).view(1, 3, 1, 1)
    torch.testing.assert_close(norm(maps), expected)
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * variance)
    norm.eval()
    torch.testing.assert_close(norm(maps), maps * (norm.weight / (norm.running_var.sqrt() + 1e-5)).view(1, 3, 1, 1))


def test_the_norms_gradient_passes_through_the_deviation(generator: torch.Generator) -> None:
    norm = ScaleNorm(2).double().train()
    maps = torch.rand(2, 2, 3, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norm, (maps,))


def test_a_constant_channel_has_a_gradient_and_survives_half_precision() -> None:
    norm = ScaleNorm(2).train()
    maps = torch.stack([torch.zeros(2, 4, 4), torch.ones(2, 4, 4)], dim=1).half().requires_grad_()
    restored = norm(maps)
    assert restored.dtype == torch.float16
    assert restored[:, 0].eq(0).all()
    norm(maps.detach().float().requires_grad_()).square().mean().backward()
    assert norm.weight.grad is not None
    assert norm.weight.grad.isfinite().all()
    seen = torch.zeros(1, 1, 8, 8)
    net = bf_dncnn.Config(width=4).build(1, 1, 1).train()
    net(seen, None).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_bf_dncnn_subtracts_and_starts_with_small_scales() -> None:
    torch.manual_seed(0)
    net = bf_dncnn.Config().build(1, 1, 1).eval()
    scales = torch.cat([layer.weight.detach() for layer in net.noise if isinstance(layer, ScaleNorm)])
    assert len(scales) == 1_152
    assert float(scales.abs().max()) <= 0.0251
    assert 0.3 < float((scales < 0).float().mean()) < 0.7
    image = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(net(image, None), image - net.noise(image))


def test_bf_unet_completes_odd_images_with_zeros(generator: torch.Generator) -> None:
    net = bf_unet.Config(width=4).build(1, 1, 1)
    image = torch.rand(1, 1, 9, 7, generator=generator)
    assert torch.equal(net(image, None), net(nn.functional.pad(image, (0, 1, 0, 1)), None)[..., :9, :7])


def test_bf_recurrent_applies_one_stage_again_and_again(generator: torch.Generator) -> None:
    net = bf_recurrent.Config(width=4, stages=3).build(1, 1, 1).eval()
    image = torch.rand(1, 1, 8, 8, generator=generator)
    result = image
    for _ in range(3):
        result = net.stage(torch.cat([image, result], dim=1))
    assert torch.equal(net(image, None), result)


def test_bf_recurrent_draws_its_stages_in_training_and_goes_on_after_a_checkpoint(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    config = bf_recurrent.Config(width=4)
    net, other = config.build(1, 1, 1).train(), config.build(1, 1, 1).train()
    image = torch.rand(1, 1, 8, 8, generator=generator)
    with torch.no_grad():
        seen = {}
        for stages in (1, 2, 3, 4):
            net.config = config.model_copy(update={"stages": stages})
            seen[stages] = net.eval()(image, None)
        net.config = config
        net.train()
        drawn = [next(n for n, result in seen.items() if torch.equal(result, net(image, None)) or n == 4) for _ in range(3)]
        assert set(drawn) <= {1, 2, 3, 4}
        other.load_state_dict(net.state_dict())
        assert all(torch.equal(net(image, None), other(image, None)) for _ in range(20))
    counts = torch.bincount(torch.tensor([net._draw() for _ in range(4000)]), minlength=5)
    assert counts[0] == 0
    assert (counts[1:] - 1000).abs().max() < 150, "each number is as likely as the others (5.5 standard deviations)"


def test_bf_dense_hands_maps_and_the_image_on(generator: torch.Generator) -> None:
    net = bf_dense.Config(width=4, stages=3, between=2).build(3, 3, 1).eval()
    image = torch.rand(1, 3, 8, 8, generator=generator)
    first = net.stages[0](image)
    second = net.stages[1](torch.cat([image, first], dim=1))
    assert first.shape[1] == second.shape[1] == 2
    assert torch.equal(net(image, None), net.stages[2](torch.cat([image, second], dim=1)))
