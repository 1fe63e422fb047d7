"""What `train_families` trains: the settings (a task, its baseline, its test photographs) and the families of networks.

Networks are thinner and shallower than published, and they train for seconds to 1.5 CPU minutes, so that all can be trained in half
an hour; the numbers say that training works, no more. Networks without a skip from the input image start far from it; most of
them have a higher rate.
"""

from __future__ import annotations

from dataclasses import dataclass

Values = dict[str, object]
"""A part of a trial, as in YAML."""

COARSE: Values = {"kind": "sum", "parts": [{"loss": "l2"}, {"loss": {"kind": "coarse", "loss": "l2"}}]}
"""The loss of networks with two outputs."""

CBDNET: Values = {
    "kind": "sum",
    "parts": [
        {"loss": "l2"},
        {"loss": "asymmetric", "weight": 0.5},
        {"loss": {"kind": "tv", "of": "sigma", "power": 2}, "weight": 0.05},
    ],
}
"""CBDNet's loss."""


@dataclass(frozen=True)
class Setting:
    """A task with what it is compared with.

    Attributes:
        title: as the table says it.
        task: the degradation, evaluated at one level.
        baseline: the kind of a classical method.
        protocol: of the PSNR.
        tests: names of test sets, see `train_families`.
    """

    title: str
    task: Values
    baseline: str
    protocol: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """A network and its training.

    Attributes:
        setting: a key of `SETTINGS`.
        model: the kind and its options.
        steps: optimisation steps; of a network that learns at test time, its steps for each image.
        patch: side of a patch, in pixels of the clean image.
        batch: patches in a step.
        lr: Adam's rate, which falls to zero by a cosine.
        loss: of the recipe.
        clip: norm that gradients are cut at, where needed.
        tests: test sets in the place of the setting's.
        note: what the table says of it.
    """

    setting: str
    model: Values
    steps: int
    patch: int = 48
    batch: int = 8
    lr: float = 1e-3
    loss: object = "l2"
    clip: float | None = None
    tests: tuple[str, ...] | None = None
    note: str = ""


_BLIND = {"low": 0, "high": 55}
_GREY: Values = {"kind": "gaussian_denoise", "color": "gray", "sigma_255": 25}
_BLIND_GREY: Values = {**_GREY, "sigma_255": _BLIND, "evaluate_at_255": [25]}

SETTINGS: dict[str, Setting] = {
    "grey": Setting("denoising, grey, sigma 25", _GREY, "identity", "dn-gray-u8", ("bsd68",)),
    "grey_border": Setting("denoising, grey, sigma 25", _GREY, "identity", "dn-gray-crop20", ("bsd68",)),
    "blind": Setting("blind denoising, grey, sigma 0 to 55, at 25", _BLIND_GREY, "identity", "dn-gray-float", ("bsd68",)),
    "levels": Setting(
        "denoising, grey, sigma 0 to 50, at 25",
        {**_GREY, "sigma_255": {"low": 0, "high": 50}, "evaluate_at_255": [25]},
        "identity",
        "dn-gray-u8",
        ("bsd68",),
    ),
    "colour": Setting(
        "denoising, colour, sigma 0 to 75, at 25",
        {"kind": "gaussian_denoise", "sigma_255": {"low": 0, "high": 75}, "evaluate_at_255": [25]},
        "identity",
        "dn-rgb-u8",
        ("cbsd68",),
    ),
    "colour_50": Setting(
        "denoising, colour, sigma 50", {"kind": "gaussian_denoise", "sigma_255": 50}, "identity", "dn-rgb-u8", ("cbsd68",)
    ),
    "camera": Setting(
        "camera noise, at shot 0.08, read 7.6",
        {"kind": "camera_denoise", "evaluate_at": [{"shot": 0.08, "read_255": 7.6}]},
        "identity",
        "dn-rgb-u8",
        ("cbsd68",),
    ),
    "jpeg": Setting(
        "JPEG, grey, quality 10",
        {"kind": "jpeg_deblock", "color": "gray", "quality": 10, "evaluate_at": [10]},
        "identity",
        "dn-gray-u8",
        ("classic5", "bsd68"),
    ),
    "moire": Setting(
        "moire, screen x1", {"kind": "moire", "screen_scale": 1.0, "evaluate_at": [1.0]}, "identity", "dn-rgb-u8", ("cbsd68",)
    ),
    "demosaic": Setting("demosaicing", {"kind": "demosaic"}, "bilinear", "jdd-rgb", ("cbsd68",)),
    "jdd": Setting(
        "demosaicing with noise, sigma 0 to 16, at 10",
        {"kind": "joint_demosaic_denoise", "evaluate_at_255": [10]},
        "bilinear",
        "jdd-rgb",
        ("cbsd68",),
    ),
    "sr": Setting(
        "super-resolution x2, RGB",
        {"kind": "super_resolution", "factor": 2},
        "bicubic",
        "sr-y-crop2",
        ("set5", "urban100"),
    ),
    "sr_blurred": Setting(
        "super-resolution x3 of blurred images (BD), RGB",
        {"kind": "super_resolution", "factor": 3, "kernel": "blur"},
        "bicubic",
        "sr-y-crop3",
        ("set5", "urban100"),
    ),
    "sr_luma": Setting(
        "super-resolution x2, luma",
        {"kind": "super_resolution", "factor": 2, "color": "y"},
        "bicubic",
        "sr-y-crop2",
        ("set5", "urban100"),
    ),
}

_SLOW = (
    "It has no skip from the input image, so it first learns to enlarge at all, and to beat bicubic enlargement of images that "
    "were made smaller bicubically it needs longer training than here"
)
_BLURRED = "So it is trained on blurred images, which bicubic enlargement leaves blurred."
_SLOW_CARN = f"{_SLOW} (CARN at x4: 0.9 dB below it after 900 steps). {_BLURRED}"
_SLOW_BN = f"{_SLOW}, the more so with batch norm. {_BLURRED}"

FAMILIES: dict[str, Family] = {
    "DnCNN-S": Family("grey", {"kind": "dncnn", "depth": 8, "width": 24}, 400),
    "FFDNet, colour": Family("colour", {"kind": "ffdnet", "depth": 8, "width": 48}, 250, patch=64),
    "DeepJDD, released": Family(
        "jdd", {"kind": "deepjdd", "depth": 8, "width": 32, "padding": "same", "skip": "bilinear"}, 250, patch=64
    ),
    "EDSR": Family("sr", {"kind": "edsr", "blocks": 4, "width": 24}, 600, lr=3e-3, loss="l1"),
    "CDM-CNN": Family("demosaic", {"kind": "cdm_cnn", "width": 16}, 250, loss=COARSE),
    "Kokkinos cascade": Family("demosaic", {"kind": "kokkinos", "iterations": 4, "width": 16}, 200, loss="l1"),
    "DnCNN, JPEG": Family("jpeg", {"kind": "dncnn", "depth": 8, "width": 24}, 400),
    "BF-CNN (DnCNN)": Family("blind", {"kind": "bf_dncnn", "depth": 8, "width": 24}, 250),
    "DnCNN-B, colour": Family("colour", {"kind": "dncnn", "depth": 8, "width": 24}, 250),
    "FFDNet, grey": Family("grey", {"kind": "ffdnet", "depth": 8, "width": 32}, 400, patch=64),
    "BF-RCNN": Family("blind", {"kind": "bf_recurrent", "stages": 3, "depth": 4, "width": 24}, 250),
    "BF-DenseNet": Family("blind", {"kind": "bf_dense", "stages": 3, "depth": 4, "width": 24}, 250),
    "BF-UNet": Family("blind", {"kind": "bf_unet", "width": 16}, 300),
    "class-aware network": Family("grey_border", {"kind": "class_aware", "depth": 10, "width": 24}, 250),
    "RED-Net": Family("jpeg", {"kind": "red_net", "depth": 10, "width": 24}, 300),
    "CBDNet": Family("camera", {"kind": "cbdnet", "width": 16, "estimator_width": 16}, 250, loss=CBDNET),
    "DM-Net": Family("moire", {"kind": "dm_net", "blocks": 4, "depth": 6, "width": 24}, 300, loss=COARSE),
    "9-5-5 network, JPEG": Family("jpeg", {"kind": "pl4nn", "width": 24, "padding": "same"}, 1200, lr=2e-3, loss="l1"),
    "9-5-5 network, mosaic": Family(
        "jdd", {"kind": "pl4nn", "width": 24, "padding": "same", "input": "mosaic"}, 400, lr=2e-3, loss="mix"
    ),
    "CycleGAN's generator": Family("colour_50", {"kind": "cyclegan", "blocks": 3, "width": 16}, 300, patch=64, loss="l1"),
    "DeepJDD, published": Family(
        "demosaic",
        {"kind": "deepjdd", "variant": "published", "depth": 8, "width": 32, "padding": "same", "skip": "bilinear"},
        250,
        patch=64,
    ),
    "RestoreNet": Family("jdd", {"kind": "restorenet", "width": 48, "depth": 4, "tail_width": 16}, 800, lr=3e-3),
    "OISR-RK2-s": Family("sr", {"kind": "oisr", "blocks": 2, "width": 24}, 500, lr=3e-3, loss="l1"),
    "SRResNet": Family("sr_blurred", {"kind": "srresnet", "blocks": 4, "width": 24}, 1700, lr=3e-3, loss="l1", note=_SLOW_BN),
    "MSRResNet": Family("sr", {"kind": "srresnet", "variant": "msrresnet", "blocks": 4, "width": 24}, 300, patch=64, loss="l1"),
    "CARN": Family("sr_blurred", {"kind": "carn", "width": 16}, 600, lr=3e-3, loss="l1", note=_SLOW_CARN),
    "CARN-M": Family("sr_blurred", {"kind": "carn", "width": 24, "mobile_groups": 4}, 600, lr=3e-3, loss="l1", note=_SLOW_CARN),
    "VDSR": Family("sr_luma", {"kind": "vdsr", "depth": 8, "width": 24}, 300, clip=0.1),
    "FALSR-A": Family("sr_luma", {"kind": "falsr"}, 1500, batch=4, loss="l1"),
    "SFT-Net": Family("colour", {"kind": "sft", "condition": "sigma", "blocks": 2, "width": 24}, 250, lr=2e-3),
    "ZSSR": Family(
        "sr",
        {"kind": "zssr", "depth": 6, "width": 32, "max_steps": 800, "crop": 64},
        800,
    ),
    "NN3D on FFDNet": Family("levels", {"kind": "nn3d", "denoiser": {"kind": "ffdnet", "depth": 8, "width": 32}}, 400, patch=64),
}
"""In the order of training."""

NOT_TRAINED: dict[str, str] = {}
"""Kinds of networks with parameters that are in no family, with the reason."""
