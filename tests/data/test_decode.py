"""Every format, depth and colour; orientation; what is refused and how."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from raysearch.data.decode import arrange, decode, inspect
from raysearch.errors import DataError

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (11, 13, 3), dtype=np.uint8)
GREY = RGB[..., 0]
RGB16 = RNG.integers(0, 65536, (11, 13, 3), dtype=np.uint16)
LOSSLESS = ("png", "tif", "bmp", "webp")
EVERY = (*LOSSLESS, "jpg")


def save(path: Path, pixels: NDArray[np.uint8], **options: object) -> Path:
    if path.suffix == ".webp":
        options["lossless"] = True
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_colour_of_8_bits(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a.{suffix}", RGB)
    assert np.array_equal(decode(path), RGB)
    assert inspect(path).bits == 8


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_grey_of_8_bits(tmp_path: Path, suffix: str) -> None:
    assert np.array_equal(decode(save(tmp_path / f"a.{suffix}", GREY)), GREY[:, :, None])


def test_jpeg_is_what_pillow_decodes(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", RGB, quality=90)
    assert np.array_equal(decode(path), np.asarray(Image.open(path)))


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_alpha_is_dropped_and_the_colours_below_it_stay(tmp_path: Path, suffix: str) -> None:
    alpha = np.full((11, 13, 1), 255, np.uint8)
    alpha[:5] = 128
    assert np.array_equal(decode(save(tmp_path / f"a.{suffix}", np.concatenate([RGB, alpha], axis=2))), RGB)


def test_grey_with_alpha_and_palette_and_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(GREY).convert("LA").save(tmp_path / "la.png")
    assert np.array_equal(decode(tmp_path / "la.png")[..., 0], GREY)
    palette = Image.fromarray(RGB).quantize(8)
    palette.save(tmp_path / "p.png")
    assert np.array_equal(decode(tmp_path / "p.png"), np.asarray(palette.convert("RGB")))
    Image.fromarray(GREY).convert("1").save(tmp_path / "bw.png")
    assert set(np.unique(decode(tmp_path / "bw.png"))) <= {0, 255}


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_of_16_bits(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(RGB16[..., 0]).save(path)
    pixels = decode(path)
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels[..., 0], RGB16[..., 0])
    assert inspect(path).bits == 16


@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "zlib"}, {"byteorder": ">"}, {"planarconfig": "separate"}],
    ids=["plain", "deflate", "big-endian", "planes"],
)
def test_colour_tiff_of_16_bits(tmp_path: Path, options: dict[str, str]) -> None:
    planes = "planarconfig" in options
    pixels = np.moveaxis(RGB16, -1, 0).copy() if planes else RGB16
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", **options)
    assert np.array_equal(decode(tmp_path / "a.tif"), RGB16)


def test_big_endian_grey_tiff_of_16_bits(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB16[..., 0], byteorder=">")
    pixels = decode(tmp_path / "a.tif")
    assert pixels.dtype == np.dtype("=u2")
    assert np.array_equal(pixels[..., 0], RGB16[..., 0])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("suffix", "stored"), [("jpg", RGB), ("png", RGB), ("tif", RGB), ("tif", GREY), ("webp", RGB)])
def test_orientation_is_applied_as_pillow_applies_it(
    tmp_path: Path, suffix: str, stored: NDArray[np.uint8], orientation: int
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    path = save(tmp_path / f"a.{suffix}", stored, exif=exif)
    with path.open("rb") as file, Image.open(file) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    if suffix != "jpg":
        turned = ImageOps.exif_transpose(_with_orientation(stored, exif))
        assert np.array_equal(expected, np.asarray(turned))
    assert np.array_equal(decode(path).squeeze(), expected)


def _with_orientation(pixels: NDArray[np.uint8], exif: Image.Exif) -> Image.Image:
    image = Image.fromarray(pixels)
    image.getexif()[274] = exif[274]
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("colour", [True, False])
def test_orientation_of_tiff_with_16_bits(tmp_path: Path, orientation: int, colour: bool) -> None:
    stored = RGB16 if colour else RGB16[..., 0]
    extra = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb" if colour else "minisblack", extratags=extra)
    exif = Image.Exif()
    exif[274] = orientation
    high = (stored >> 8).astype(np.uint8)
    path = save(tmp_path / "b.png", high, exif=exif)
    assert np.array_equal(decode(tmp_path / "a.tif") >> 8, decode(path))


@pytest.mark.parametrize("side", [11, 30])
@pytest.mark.parametrize("suffix", EVERY)
def test_a_bomb_is_an_error_even_where_pillow_only_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, side: int
) -> None:
    path = save(tmp_path / f"a.{suffix}", np.zeros((side, side, 3), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # also where the user ignores warnings
        for read in (inspect, decode):
            with pytest.raises(DataError, match="decompression bomb") as caught:
                read(path)
            assert caught.value.place == str(path)


@pytest.mark.parametrize("suffix", EVERY)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # remarks on the metadata
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a.{suffix}", RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    data = path.read_bytes()
    for kept in (0, 10, len(data) // 2, len(data) * 9 // 10):
        path.write_bytes(data[:kept])
        with pytest.raises(DataError, match=r"can't be read: .+"):
            decode(path)


@pytest.mark.parametrize("suffix", EVERY)
def test_damaged_bytes_give_pixels_or_a_data_error(tmp_path: Path, suffix: str) -> None:
    data = save(tmp_path / f"a.{suffix}", RGB).read_bytes()
    path = tmp_path / f"b.{suffix}"
    for _ in range(60):
        damaged = bytearray(data)
        for place in RNG.integers(0, len(data), 3):
            damaged[place] = RNG.integers(0, 256)
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Pillow's remarks on damaged metadata
            try:
                pixels = decode(path)
            except DataError:
                continue
        assert pixels.ndim == 3
        assert pixels.shape[2] in (1, 3)


def test_what_else_is_refused_says_why(tmp_path: Path) -> None:
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "cmyk.jpg")
    tifffile.imwrite(tmp_path / "float.tif", RGB[..., 0].astype(np.float32))
    Image.fromarray(RGB).save(tmp_path / "pages.tif", save_all=True, append_images=[Image.fromarray(RGB)])
    tifffile.imwrite(tmp_path / "white.tif", RGB16[..., 0], photometric="miniswhite")
    (tmp_path / "text.png").write_text("not an image")
    reasons = {"cmyk.jpg": "CMYK", "float.tif": "grey", "pages.tif": "2 pages", "white.tif": "0 is black", "text.png": "identify"}
    for name, reason in reasons.items():
        with pytest.raises(DataError, match=reason):
            inspect(tmp_path / name)
    with pytest.raises(DataError, match="No such file"):
        inspect(tmp_path / "missing.png")


def test_suffix_does_not_matter(tmp_path: Path) -> None:
    save(tmp_path / "a.png", RGB).rename(tmp_path / "a.jpg")
    assert np.array_equal(decode(tmp_path / "a.jpg"), RGB)


def test_grey_of_colour_is_matlabs() -> None:
    planes = arrange(RGB, 1, 8)
    expected = np.rint(RGB.astype(float) @ [0.2989, 0.5870, 0.1140])
    assert planes.shape == (1, 11, 13)
    assert np.abs(planes[0] - expected).max() <= 1  # MATLAB's printed coefficients have four digits
    primaries = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [77, 77, 77]]], np.uint8)
    assert arrange(primaries, 1, 8).ravel().tolist() == [76, 150, 29, 77]


def test_colour_of_grey_repeats_it_and_8_bits_become_16_by_257() -> None:
    planes = arrange(GREY[:, :, None], 3, 16)
    assert planes.dtype == np.uint16
    assert np.array_equal(planes, np.stack([GREY.astype(int) * 257] * 3))
    assert np.array_equal(arrange(RGB16, 3, 16), np.moveaxis(RGB16, -1, 0))
    assert arrange(RGB, 3, 8).flags["C_CONTIGUOUS"]
