"""What `train_families` trains: the settings (a task, its baseline, its test photographs) and the families of networks.

Networks are thinner and shallower than published, and they train for one or two CPU minutes, so that every family can be trained in
about an hour; the numbers say that training works, no more.
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
    "sr_luma": Setting(
        "super-resolution x2, luma",
        {"kind": "super_resolution", "factor": 2, "color": "y"},
        "bicubic",
        "sr-y-crop2",
        ("set5", "urban100"),
    ),
}

FAMILIES: dict[str, Family] = {
    "DnCNN-S": Family("grey", {"kind": "dncnn", "depth": 8, "width": 24}, 1800),
    "FFDNet, colour": Family("colour", {"kind": "ffdnet", "depth": 8, "width": 48}, 2000, patch=64),
    "DeepJDD, released": Family(
        "jdd", {"kind": "deepjdd", "depth": 8, "width": 32, "padding": "same", "skip": "bilinear"}, 2000, patch=64
    ),
    "EDSR": Family("sr", {"kind": "edsr", "blocks": 4, "width": 24}, 2500, patch=64, loss="l1"),
    "CDM-CNN": Family("demosaic", {"kind": "cdm_cnn", "width": 16}, 1600, loss=COARSE),
    "Kokkinos cascade": Family("demosaic", {"kind": "kokkinos", "iterations": 4, "width": 16}, 700, loss="l1"),
    "DnCNN, JPEG": Family("jpeg", {"kind": "dncnn", "depth": 8, "width": 24}, 2000),
    "BF-CNN (DnCNN)": Family("blind", {"kind": "bf_dncnn", "depth": 8, "width": 24}, 1000),
    "DnCNN-B, colour": Family("colour", {"kind": "dncnn", "depth": 8, "width": 24}, 1500),
    "FFDNet, grey": Family("grey", {"kind": "ffdnet", "depth": 8, "width": 32}, 2500, patch=64),
    "BF-RCNN": Family("blind", {"kind": "bf_recurrent", "stages": 3, "depth": 4, "width": 24}, 900),
    "BF-DenseNet": Family("blind", {"kind": "bf_dense", "stages": 3, "depth": 4, "width": 24}, 700),
    "BF-UNet": Family("blind", {"kind": "bf_unet", "width": 16}, 1200),
    "class-aware network": Family("grey_border", {"kind": "class_aware", "depth": 10, "width": 24}, 700),
    "RED-Net": Family("jpeg", {"kind": "red_net", "depth": 10, "width": 24}, 1500),
    "CBDNet": Family("camera", {"kind": "cbdnet", "width": 16, "estimator_width": 16}, 800, loss=CBDNET),
    "DM-Net": Family("moire", {"kind": "dm_net", "blocks": 4, "depth": 6, "width": 24}, 1500, loss=COARSE),
    "9-5-5 network, JPEG": Family("jpeg", {"kind": "pl4nn", "width": 24, "padding": "same"}, 2000, loss="l1"),
    "9-5-5 network, mosaic": Family(
        "jdd", {"kind": "pl4nn", "width": 24, "padding": "same", "input": "mosaic"}, 500, patch=64, loss="mix"
    ),
    "CycleGAN's generator": Family("colour_50", {"kind": "cyclegan", "blocks": 3, "width": 16}, 800, patch=64, loss="l1"),
    "DeepJDD, published": Family(
        "demosaic",
        {"kind": "deepjdd", "variant": "published", "depth": 8, "width": 32, "padding": "same", "skip": "bilinear"},
        1200,
        patch=64,
    ),
    "RestoreNet": Family("jdd", {"kind": "restorenet", "width": 48, "depth": 4, "tail_width": 16}, 3500),
    "OISR-RK2-s": Family("sr", {"kind": "oisr", "blocks": 2, "width": 24}, 1000, patch=64, loss="l1"),
    "SRResNet": Family("sr", {"kind": "srresnet", "blocks": 4, "width": 24}, 900, patch=64, loss="l1"),
    "MSRResNet": Family("sr", {"kind": "srresnet", "variant": "msrresnet", "blocks": 4, "width": 24}, 1100, patch=64, loss="l1"),
    "CARN": Family("sr", {"kind": "carn", "width": 16}, 2500, patch=64, loss="l1"),
    "CARN-M": Family("sr", {"kind": "carn", "width": 24, "mobile_groups": 4}, 2500, loss="l1"),
    "VDSR": Family("sr_luma", {"kind": "vdsr", "depth": 8, "width": 24}, 1500, clip=0.1),
    "FALSR-A": Family("sr_luma", {"kind": "falsr"}, 600, batch=4, lr=5e-4, loss="l1"),
    "SFT-Net": Family("sr", {"kind": "sft", "blocks": 2, "width": 24}, 2500, loss="l1"),
    "ZSSR": Family("sr", {"kind": "zssr", "depth": 6, "width": 32, "max_steps": 800, "crop": 64}, 800, tests=("set5",)),
    "NN3D on FFDNet": Family("levels", {"kind": "nn3d", "denoiser": {"kind": "ffdnet", "depth": 8, "width": 32}}, 2500, patch=64),
}
"""In the order of training: what is sure comes first."""
