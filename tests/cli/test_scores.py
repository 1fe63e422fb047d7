"""Evaluated images as text and as JSON."""

from __future__ import annotations

import json
import math

from raysearch.cli.scores import lines_of, plain
from raysearch.train.evaluate import ImageScore


def row(image: str, **scores: float) -> ImageScore:
    return ImageScore("test", "set5", image, "x2", "sr-y-crop2: Y studio, crop 2, 8 bit", scores)


def test_a_line_for_each_image_and_the_mean() -> None:
    rows = [row("bird", psnr=30.0, ssim=0.9, gmsd=0.05, l2=0.001), row("baby", psnr=33.0, ssim=0.95, gmsd=0.03, l2=0.0005)]
    assert list(lines_of(rows)) == [
        "set5/bird  x2            30.000 dB  0.9000  GMSD 0.0500  L2 0.001000",
        "set5/baby  x2            33.000 dB  0.9500  GMSD 0.0300  L2 0.000500",
        "mean                     31.500 dB  0.9250  GMSD 0.0400  L2 0.000750   (sr-y-crop2: Y studio, crop 2, 8 bit, 2 images)",
    ]


def test_a_perfect_copy_has_no_mean() -> None:
    rows = [row("bird", psnr=math.inf, ssim=1.0), row("baby", psnr=33.0, ssim=0.95)]
    first, *_, last = lines_of(rows)
    assert "inf dB" in first
    assert last == "1 perfect copies (infinite PSNR); no mean is shown"
    written = json.loads(json.dumps(plain(rows), allow_nan=False))
    assert [entry["psnr"] for entry in written] == ["inf", 33.0]
    assert list(written[0]) == ["split", "dataset", "image", "level", "protocol", "psnr", "ssim"]
