"""Evaluated images as text and as JSON."""

from __future__ import annotations

import json
import math

from raysearch.cli.scores import lines_of, plain
from raysearch.train.evaluate import ImageScore

PROTOCOL = "sr-y-crop2: Y studio, crop 2, 8 bit"


def row(image: str, dataset: str = "set5", level: str = "x2", **scores: float) -> ImageScore:
    return ImageScore("test", dataset, image, level, PROTOCOL, scores)


def test_a_line_for_each_image_and_the_mean() -> None:
    rows = [row("bird", psnr=30.0, ssim=0.9, gmsd=0.05, l2=0.001), row("baby", psnr=33.0, ssim=0.95, gmsd=0.03, l2=0.0005)]
    assert list(lines_of(rows)) == [
        "set5/bird     x2            30.000 dB  0.9000  GMSD 0.0500  L2 0.001000",
        "set5/baby     x2            33.000 dB  0.9500  GMSD 0.0300  L2 0.000500",
        f"mean of set5  x2            31.500 dB  0.9250  GMSD 0.0400  L2 0.000750   ({PROTOCOL}, 2 images)",
    ]


def test_sets_and_levels_have_means_of_their_own() -> None:
    rows = [row("a", "set5", level, psnr=psnr, ssim=0.5) for level, psnr in (("q10", 20.0), ("q20", 22.0))]
    rows += [row("b", "set14", "q10", psnr=30.0, ssim=0.7)]
    assert [line.split()[:5] for line in list(lines_of(rows))[3:]] == [
        ["mean", "of", "set5", "q10", "20.000"],
        ["mean", "of", "set5", "q20", "22.000"],
        ["mean", "of", "set14", "q10", "30.000"],
        ["mean", "of", "all", "24.000", "dB"],
    ]


def test_what_can_not_be_averaged_has_no_mean_and_is_told() -> None:
    rows = [row("bird", psnr=math.inf, ssim=1.0, fsim=0.9), row("baby", psnr=33.0, ssim=0.95, fsim=math.nan)]
    first, _, last = lines_of(rows)
    assert "inf dB" in first
    assert last.split("(")[0].split() == ["mean", "of", "set5", "x2", "-", "0.9750"]
    assert last.endswith(f"({PROTOCOL}, 2 images; no mean of PSNR: 1 perfect copy; no mean of FSIM: 1 image without a value)")
    written = json.loads(json.dumps(plain(rows), allow_nan=False))
    assert [(entry["psnr"], entry["fsim"]) for entry in written] == [("inf", 0.9), (33.0, "nan")]
    assert list(written[0]) == ["split", "dataset", "image", "level", "protocol", "psnr", "ssim", "fsim"]
