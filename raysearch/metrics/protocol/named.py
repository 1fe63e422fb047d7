"""Protocols of the papers by name.

======================  ====================================  ==========================================================
name                    what is compared                      used by
======================  ====================================  ==========================================================
``sr-y-crop<n>``        Y studio of RGB rounded to 8 bit      EDSR, OISR and CARN (the paper) on benchmarks, n the scale
``sr-y-float-crop<n>``  Y studio, clipped, not rounded        VDSR; DnCNN-3 on super-resolution
``sr-y-trunc-crop<n>``  Y studio, rounded down to 8 bit       FALSR-A, n = 2
``sr-rgb-trunc-crop<n>``  RGB, rounded down to 8 bit          CARN's published code, n the scale
``ntire17``             RGB rounded to 8 bit, border scale+6  EDSR on the validation photographs of DIV2K
``dn-rgb-u8``           RGB rounded to 8 bit, no border       CDnCNN, FFDNet in colour
``dn-gray-u8``          grey rounded to 8 bit, no border      DnCNN, FFDNet
``dn-gray-float``       grey, clipped, not rounded            BF-CNN
``dn-gray-crop20``      grey, not clipped, border 20          the class-aware network
``jpeg-y-u8``           Y studio rounded to 8 bit             DnCNN-3 on JPEG
``jdd-rgb``             RGB, clipped, not rounded             DeepJDD (its own border is the margin of the network)
``jdd-rgb-crop<n>``     the same without a border             CDM-CNN, n = 48; the PatchNet paper does not say, n = 0 or 16
``loss-study-rgb``      RGB each, clipped, not rounded        the study of losses (Zhao et al.)
``rgb-raw``             RGB, neither clipped nor rounded      Path-Restore, RL-Restore
======================  ====================================  ==========================================================

The papers' other choices (how noise is drawn, how an image is cut into tiles) belong to tasks and networks. Where a paper does not
say what it does there is no name for it, but for ``loss-study-rgb``: the study averages IW-SSIM, GMSD and FSIM over the channels,
and neither border nor clipping is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from raysearch.errors import did_you_mean

_EXACT: Mapping[str, Mapping[str, object]] = {
    "ntire17": {"space": "rgb", "crop": 6, "crop_scale": True, "quantize": True},
    "dn-rgb-u8": {"space": "rgb", "quantize": True},
    "dn-gray-u8": {"space": "gray", "quantize": True},
    "dn-gray-float": {"space": "gray"},
    "dn-gray-crop20": {"space": "gray", "crop": 20, "clip": False},
    "jpeg-y-u8": {"space": "y_studio", "quantize": True},
    "jdd-rgb": {"space": "rgb"},
    "loss-study-rgb": {"space": "rgb_each"},
    "rgb-raw": {"space": "rgb", "clip": False},
}
_CROPPED: Mapping[str, Mapping[str, object]] = {
    "sr-y-crop": {"space": "y_studio", "quantize": True},
    "sr-y-float-crop": {"space": "y_studio"},
    "sr-y-trunc-crop": {"space": "y_studio", "quantize": "truncate"},
    "sr-rgb-trunc-crop": {"space": "rgb", "quantize": "truncate"},
    "jdd-rgb-crop": {"space": "rgb"},
}
NAMES = (*(f"{name}<n>" for name in _CROPPED), *_EXACT)
"""All names; ``<n>`` stands for the border in pixels."""


def values_of(name: str) -> Mapping[str, object]:
    """Return what a name stands for, as values of `raysearch.metrics.protocol.Protocol`; what is not there has its default.

    Raises:
        ValueError: there is no such name.
    """
    if name in _EXACT:
        return _EXACT[name]
    found = re.fullmatch(r"(.+-crop)(\d{1,4})", name)
    if found is None or found[1] not in _CROPPED:
        raise ValueError(f"there is no protocol {name!r}{did_you_mean(name, NAMES)}")
    return {**_CROPPED[found[1]], "crop": int(found[2])}
