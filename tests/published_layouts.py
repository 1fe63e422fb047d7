"""Folders laid out as the owners of published sets lay them out, with flat images of the right number, names and sizes.

Sets of thousands are made small: their kinds are told of a smaller number while the contracts run (`SHRUNK`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image

from raysearch.data.base import Split
from raysearch.data.corpora._bsd import BSD100, CBSD68
from raysearch.data.corpora._published import Published

Layout = Callable[[Path], dict[str, object]]
_colour = itertools.count(1)


def flat(path: Path, width: int = 8, height: int = 8) -> None:
    """Write an image of one colour that no other has."""
    number = next(_colour)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (37 * number % 256, 91 * number % 256, number // 256)).save(path)


def one_folder(names: Iterable[str], *sizes: tuple[int, int]) -> Layout:
    """A folder of files; sizes are taken in turn."""

    def write(root: Path) -> dict[str, object]:
        for name, size in zip(names, itertools.cycle(sizes)):
            flat(root / f"{name}.png", *size)
        return {"root": str(root)}

    return write


def numbered(pattern: str, first: int, last: int) -> list[str]:
    return [pattern.format(number) for number in range(first, last + 1)]


def training_set(names: Iterable[str], folder: str = "") -> Layout:
    def write(root: Path) -> dict[str, object]:
        for name in names:
            flat(root / folder / f"{name}.png")
        return {"root": str(root), "validation": 3}

    return write


def div2k(root: Path) -> dict[str, object]:
    for folder, first, last in (("DIV2K_train_HR", 1, 8), ("DIV2K_valid_HR", 801, 806)):
        for name in numbered("{:04}.png", first, last):
            flat(root / folder / name)
    return {"root": str(root), "validation": 2}


def vimeo90k(root: Path) -> dict[str, object]:
    for name, clips in (("sep_trainlist.txt", numbered("00001/{:04}", 1, 6)), ("sep_testlist.txt", numbered("00001/{:04}", 7, 9))):
        for clip in clips:
            flat(root / "sequences" / clip / "im4.png")
        (root / name).write_text("\n".join(clips) + "\n")
    return {"root": str(root), "validation": 2}


def mit_moire(root: Path) -> dict[str, object]:
    for folder in ("train", "val", "test"):
        files = [f"{folder}/{subset}/000/{number:06}.png" for subset in ("hdrvdp", "moire") for number in range(3)]
        for file in files:
            flat(root / file)
        (root / folder / "filelist.txt").write_text("\n".join(files))
    return {"root": str(root)}


def sidd(root: Path) -> dict[str, object]:
    for instance, scene in enumerate((1, 1, 2, 3), 1):
        for kind, shot in itertools.product(("GT", "NOISY"), ("010", "011")):
            flat(root / "Data" / f"{instance:04}_{scene:03}_S6_00100_00060_3200_L" / f"{instance:04}_{kind}_SRGB_{shot}.PNG")
    return {"root": str(root), "validation": 1, "test": 1}


def polyu(root: Path) -> dict[str, object]:
    for (scene, number), kind in itertools.product([("chair", 1), ("chair", 2), ("desk", 1), ("toy", 3)], ("mean", "real")):
        flat(root / "CroppedImages" / f"Canon5D2_5_160_3200_{scene}_{number}_{kind}.JPG")
    return {"root": str(root), "use": "split", "validation": 1, "test": 1}


def renoir(root: Path) -> dict[str, object]:
    for camera, batch in itertools.product(("Mi3_Aligned", "T3i_Aligned"), ("Batch_001", "Batch_002")):
        for name in ("IMG_1Reference", "IMG_2Noisy", "IMG_3Noisy", "IMG_4full"):
            flat(root / camera / batch / f"{name}.bmp")
    return {"root": str(root), "validation": 1, "test": 1}


def dnd(root: Path) -> dict[str, object]:
    root.mkdir()
    return {"root": str(root)}


def mix(root: Path) -> dict[str, object]:
    wed = {"kind": "folder", "train": str(root / "a"), "hold_out": 2}
    one_folder(numbered("{}", 1, 5), (8, 8))(root / "a")
    one_folder(numbered("{}", 1, 4), (8, 8))(root / "b")
    other = {"kind": "folder", "train": str(root / "b"), "hold_out": 1}
    set5 = {"kind": "set5", **LAYOUTS["set5"](root / "set5")}
    return {"train": [{"corpus": wed, "repeat": 3}, other], "test": [set5]}


LAYOUTS: dict[str, Layout] = {
    "set5": one_folder(["baby", "bird", "butterfly", "head", "woman"], (512, 512), (288, 288), (256, 256), (280, 280), (228, 344)),
    "set14": one_folder(numbered("img_{:03}", 1, 14), (500, 480), (250, 361), (528, 656), (586, 390)),
    "set12": one_folder(numbered("{:02}", 1, 12), (256, 256), (512, 512)),
    "urban100": one_folder(numbered("img_{:03}", 1, 100), (16, 12)),
    "kodak24": one_folder(numbered("kodim{:02}", 1, 24), (768, 512), (512, 768)),
    "mcmaster": one_folder(numbered("{}", 1, 18), (500, 500)),
    "live1": one_folder(numbered("{}", 1, 29), (16, 12)),
    "classic5": one_folder(["baboon", "barbara", "boats", "lena", "peppers"], (512, 512)),
    "bsd100": one_folder(BSD100, (481, 321), (321, 481)),
    "cbsd68": one_folder(CBSD68, (481, 321)),
    "bsd68": one_folder(numbered("test{:03}", 1, 68), (481, 321)),
    "bsd400": training_set(numbered("test_{:03}", 1, 12)),
    "flickr2k": training_set(numbered("{:06}", 1, 12), "Flickr2K_HR"),
    "wed": training_set(numbered("{:05}", 1, 12), "pristine_images"),
    "div2k": div2k,
    "vimeo90k": vimeo90k,
    "mit_moire": mit_moire,
    "sidd": sidd,
    "polyu": polyu,
    "renoir": renoir,
    "dnd": dnd,
    "mix": mix,
}
"""Writes a set's folder and returns the settings of its kind."""

_TEST: tuple[Split, ...] = ("test",)
_TRAINING: tuple[Split, ...] = ("train", "validation")
HAS: dict[str, tuple[Split, ...]] = {
    **dict.fromkeys(("set5", "set14", "set12", "urban100", "kodak24", "mcmaster", "live1", "classic5"), _TEST),
    **dict.fromkeys(("bsd100", "cbsd68", "bsd68"), _TEST),
    **dict.fromkeys(("bsd400", "flickr2k", "wed"), _TRAINING),
    "dnd": (),
}
"""The splits that a kind has, where it has not all three."""


def _small(name: str, count: int) -> Published:
    return Published(name, count, "its owner")


SHRUNK: dict[str, dict[str, object]] = {
    "bsd400": {"Config.published": _small("bsd400", 12)},
    "flickr2k": {"Config.published": _small("flickr2k", 12)},
    "wed": {"Config.published": _small("wed", 12)},
    "div2k": {"_TRAIN": _small("div2k", 8), "_VALID": _small("div2k_valid", 6)},
    "vimeo90k": {"_LISTS": {"train": ("sep_trainlist.txt", 6), "test": ("sep_testlist.txt", 3)}},
    "sidd": {"_SIDD": _small("sidd", 8)},
    "polyu": {"_POLYU": _small("polyu", 4)},
}
"""What is replaced in a kind's module while its small copy is looked at."""
