"""Finding, naming, choosing, holding out, and the guard against leaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raysearch.data.base import Photograph
from raysearch.data.listing import choose_listed, find_images, gathered, hold_out, refuse_shared
from raysearch.errors import DataError


def make(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([seed, *path.name.encode()]).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    for name in ("b.png", "a.JPG", "in/c.webp", "in/deep/d.tif", "out/e.bmp", ".hidden.png", ".cache/f.png"):
        make(root / name)
    (root / "notes.txt").write_text("no image")
    return root


def names(root: Path, **patterns: list[str]) -> list[str]:
    return [photograph.name for photograph in find_images([root], **patterns)]


def test_nested_sorted_named_by_path_without_suffix(root: Path) -> None:
    assert names(root) == ["a", "b", "in/c", "in/deep/d", "out/e"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ({"include": ["*.png"]}, ["b"]),
        ({"include": ["*.jpg"]}, ["a"]),
        ({"include": ["in/*"]}, ["in/c"]),
        ({"include": ["in/**"]}, ["in/c", "in/deep/d"]),
        ({"include": ["**/d.tif"]}, ["in/deep/d"]),
        ({"include": ["**/*.png", "*.bmp"]}, ["b", "out/e"]),
        ({"include": ["/b.png"]}, ["b"]),
        ({"include": ["?.*"], "exclude": ["in/**"]}, ["a", "b", "out/e"]),
        ({"exclude": ["*.tif", "out/*"]}, ["a", "b", "in/c"]),
        ({"include": ["[ab].png"]}, []),
    ],
    ids=str,
)
def test_patterns(root: Path, patterns: dict[str, list[str]], expected: list[str]) -> None:
    assert names(root, **patterns) == expected


def test_same_stem_keeps_the_suffix_and_several_folders_their_names(tmp_path: Path) -> None:
    for name in ("one/a.png", "one/a.bmp", "two/a.png"):
        make(tmp_path / name)
    assert names(tmp_path / "one") == ["a.bmp", "a.png"]
    found = find_images([tmp_path / "one", tmp_path / "two"])
    assert [photograph.name for photograph in found] == ["one/a.bmp", "one/a.png", "two/a"]
    assert len(find_images([tmp_path / "one", tmp_path / "one"])) == 2


def test_two_folders_of_one_name_that_hold_one_name(tmp_path: Path) -> None:
    make(tmp_path / "x" / "same" / "a.png")
    make(tmp_path / "y" / "same" / "a.png")
    with pytest.raises(DataError, match="two photographs would be named"):
        find_images([tmp_path / "x" / "same", tmp_path / "y" / "same"])


def test_links_are_followed_once(root: Path, tmp_path: Path) -> None:
    make(tmp_path / "elsewhere" / "z.png")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "loop").symlink_to(root)
    assert names(root) == ["a", "b", "in/c", "in/deep/d", "linked/z", "out/e"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder") as caught:
        find_images([tmp_path / "nowhere"])
    assert str(tmp_path / "nowhere") in str(caught.value)


def test_split_files(root: Path, tmp_path: Path) -> None:
    found, listed = find_images([root]), tmp_path / "split.txt"
    listed.write_text("# the easy ones\nout/e\n\nb.png\n ./in/deep/d.tif \n")
    assert [photograph.name for photograph in choose_listed(found, listed)] == ["b", "in/deep/d", "out/e"]
    listed.write_text("b\nin/deep/dd\n")
    with pytest.raises(DataError, match="1 of 2 listed photographs are missing, the first is 'in/deep/dd'") as caught:
        choose_listed(found, listed)
    assert "did you mean 'in/deep/d'?" in str(caught.value)
    listed.write_text("# nothing\n")
    with pytest.raises(DataError, match="names no photograph"):
        choose_listed(found, listed)
    with pytest.raises(DataError, match="can't be read"):
        choose_listed(found, tmp_path / "missing.txt")
    listed.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="can't be read"):
        choose_listed(found, listed)


def test_a_listed_name_of_two_files_means_neither(tmp_path: Path) -> None:
    make(tmp_path / "a.png")
    make(tmp_path / "a.bmp")
    listed = tmp_path / "split.txt"
    listed.write_text("a\n")
    with pytest.raises(DataError, match=r"did you mean 'a\.(png|bmp)'"):
        choose_listed(find_images([tmp_path]), listed)


@pytest.mark.parametrize(("total", "count"), [(10, 1), (10, 3), (10, 9), (400, 12), (7, 2)])
def test_held_out_photographs_are_spread_and_disjoint(total: int, count: int) -> None:
    photographs = [Photograph(f"{k:03}", Path(f"{k}")) for k in range(total)]
    held, rest = hold_out(photographs, count)
    assert len(held) == count
    assert sorted([*held, *rest], key=lambda photograph: photograph.name) == photographs
    places = [photographs.index(photograph) for photograph in held]
    gaps = np.diff([-places[0] - 1, *places, 2 * total - 1 - places[-1]])
    assert gaps.max() - gaps.min() <= 3
    assert hold_out(photographs, count) == (held, rest)


def test_holding_out_everything_is_refused() -> None:
    with pytest.raises(DataError, match="3 of 3"):
        hold_out([Photograph(str(k), Path(str(k))) for k in range(3)], 3)


def test_a_photograph_in_two_splits_names_both(tmp_path: Path) -> None:
    first, other = make(tmp_path / "train" / "a.png"), make(tmp_path / "train" / "b.png")
    copy = tmp_path / "test" / "renamed.png"
    copy.parent.mkdir()
    copy.write_bytes(first.read_bytes())
    train = [Photograph("a", first), Photograph("b", other)]
    refuse_shared({"train": train, "test": [Photograph("b", make(tmp_path / "test" / "b.png", seed=1))]})
    with pytest.raises(DataError, match="the same photograph is in train") as caught:
        refuse_shared({"train": train, "test": [Photograph("renamed", copy)]})
    assert str(first) in str(caught.value)
    assert str(copy) in str(caught.value)
    refuse_shared({"train": [*train, Photograph("again", first)], "test": []})  # twice in one split is no leak


def test_same_size_and_start_is_not_yet_the_same_photograph(tmp_path: Path) -> None:
    start = bytes(1 << 17)
    for name, end in (("a", b"1"), ("b", b"2")):
        (tmp_path / name).write_bytes(start + end)
    refuse_shared({"train": [Photograph("a", tmp_path / "a")], "test": [Photograph("b", tmp_path / "b")]})


def test_unreadable_files_are_refused_or_skipped_with_the_reason(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        make(tmp_path / name)
    (tmp_path / "c.png").write_text("no image")
    (tmp_path / "d.png").write_text("neither")
    photographs = find_images([tmp_path])
    with pytest.raises(DataError, match="2 files can't be used") as caught:
        gathered("toy", photographs, "refuse")
    assert str(tmp_path / "c.png") in str(caught.value)
    assert str(tmp_path / "d.png") in str(caught.value)
    result = gathered("toy", photographs, "skip")
    assert [photograph.name for photograph in result.photographs] == ["a", "b"]
    assert [path.name for path, _ in result.refused] == ["c.png", "d.png"]
    assert all("cannot identify" in reason for _, reason in result.refused)


def test_a_broken_link_is_an_unreadable_file(tmp_path: Path) -> None:
    make(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "nowhere.png")
    photographs = find_images([tmp_path])
    refuse_shared({"train": photographs, "test": photographs[1:]})
    with pytest.raises(DataError, match="No such file"):
        gathered("toy", photographs, "refuse")
    assert [path.name for path, _ in gathered("toy", photographs, "skip").refused] == ["b.png"]


def test_skipping_finds_damage_behind_the_header_and_notices_repair(tmp_path: Path) -> None:
    good, bad = make(tmp_path / "a.png"), make(tmp_path / "b.png")
    data = bad.read_bytes()
    bad.write_bytes(data[: len(data) // 2])
    photographs = find_images([tmp_path])
    assert len(gathered("toy", photographs, "refuse").photographs) == 2  # found when the store is built
    assert gathered("toy", photographs, "skip").refused[0][0] == bad
    bad.write_bytes(data)
    assert gathered("toy", photographs, "skip").refused == ()
    good.unlink()
    bad.unlink()
    with pytest.raises(DataError, match="no readable photograph"):
        gathered("toy", photographs, "skip")
