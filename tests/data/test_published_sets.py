"""Published sets: what is missing is said, what is too much is left out, and another size is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from published_layouts import SHRUNK, mit_moire, sidd, vimeo90k

from raysearch.component import find
from raysearch.data.base import CorpusConfig
from raysearch.data.corpora._bsd import BSD100, CBSD68
from raysearch.errors import DataError

SET5 = {"baby": (512, 512), "bird": (288, 288), "butterfly": (256, 256), "head": (280, 280), "woman": (228, 344)}


def kind(name: str, **settings: object) -> CorpusConfig:
    config = find("raysearch.data.corpora", name).parse({"kind": name, **settings})
    assert isinstance(config, CorpusConfig)
    return config


def write(root: Path, sizes: dict[str, tuple[int, int]]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for number, (name, size) in enumerate(sizes.items()):
        Image.new("L", size, number).save(root / f"{name}.png")
    return root


def to_test(config: CorpusConfig) -> list[str]:
    return [photograph.name for one in config.gather("test") for photograph in one.photographs]


def test_berkeleys_numbers() -> None:
    assert len(set(BSD100)) == 100
    assert len(set(CBSD68)) == 68
    assert set(CBSD68) < set(BSD100)


def test_a_missing_folder_says_where_the_owner_publishes_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the data set urban100 is not there") as caught:
        kind("urban100", root=str(tmp_path / "nowhere")).gather("test")
    assert "github.com/jbhuang0604/SelfExSR" in caught.value.remedy
    assert "raysearch downloads nothing" in caught.value.remedy
    assert caught.value.place == str(tmp_path / "nowhere")


def test_a_part_of_a_set_names_what_is_missing(tmp_path: Path) -> None:
    write(tmp_path, {f"img_{number:03}": (16, 12) for number in range(1, 41)})
    with pytest.raises(DataError, match="urban100 has 100 photographs, and 40 were found; missing are img_041, img_042") as caught:
        kind("urban100", root=str(tmp_path)).gather("test")
    assert "complete the folder" in caught.value.remedy


def test_what_lies_beside_a_set_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, SET5 | {"lena": (512, 512), "montage": (900, 900)})
    assert to_test(kind("set5", root=str(tmp_path))) == sorted(SET5)


def test_the_same_names_twice_are_not_chosen_between(tmp_path: Path) -> None:
    for folder in ("HR", "LR"):
        write(tmp_path / folder, SET5)
    with pytest.raises(DataError, match="set5 has 5 photographs, and 10 were found") as caught:
        kind("set5", root=str(tmp_path)).gather("test")
    assert "include" in caught.value.remedy
    assert to_test(kind("set5", root=str(tmp_path), include=["HR/*"])) == [f"HR/{name}" for name in sorted(SET5)]


def test_small_versions_are_refused_and_cut_ones_are_not(tmp_path: Path) -> None:
    cut = {name: (width - width % 12, height - height % 12) for name, (width, height) in SET5.items()}
    assert len(to_test(kind("set5", root=str(write(tmp_path / "cut", cut))))) == 5
    halved = {name: (width // 2, height // 2) for name, (width, height) in SET5.items()}
    with pytest.raises(DataError, match="this photograph has 144 x 144 pixels, and those of set5 have 512 x 512"):
        kind("set5", root=str(write(tmp_path / "halved", halved))).gather("test")


def test_cbsd68_and_bsd100_are_found_in_the_whole_of_bsds500(tmp_path: Path) -> None:
    write(tmp_path / "val", dict.fromkeys(BSD100, (481, 321)))
    write(tmp_path / "train", {f"{number}": (481, 321) for number in range(9)})
    assert to_test(kind("bsd100", root=str(tmp_path))) == [f"val/{name}" for name in BSD100]
    assert to_test(kind("cbsd68", root=str(tmp_path))) == to_test(kind("bsd68", root=str(tmp_path))) == [f"val/{n}" for n in CBSD68]


def test_kodaks_two_forms_have_two_names(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole", {f"kodim{number:02}": (768, 512) for number in range(1, 25)})
    (one,) = kind("kodak24", root=str(whole)).gather("test")
    assert one.dataset == "kodak24"
    with pytest.raises(DataError, match="768 x 512 pixels, and those of kodak24-500 have 500 x 500"):
        kind("kodak24", root=str(whole), form="cropped").gather("test")


def test_sidd_holds_whole_scenes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raysearch.data.corpora.sidd._SIDD", SHRUNK["sidd"]["_SIDD"])
    config = kind("sidd", **sidd(tmp_path))
    scenes = {
        split: {p.name.split("_")[1] for p in config.gather(split)[0].photographs} for split in ("train", "validation", "test")
    }
    assert len(set.union(*scenes.values())) == sum(map(len, scenes.values())) == 3
    (tmp_path / "Data" / "0001_001_S6_00100_00060_3200_L" / "0001_NOISY_SRGB_010.PNG").unlink()
    with pytest.raises(DataError, match="has no noisy counterpart"):
        config.gather("train")


@pytest.mark.parametrize("layout", ["suffixes", "folders"])
def test_polyu_in_both_of_its_layouts(layout: str, tmp_path: Path) -> None:
    stems = [f"Canon_{scene}_{number}" for scene in ("chair", "desk", "toy", "fruit") for number in range(25)]
    for stem, kind_of in ((stem, kind_of) for stem in stems for kind_of in ("mean", "real")):
        path = tmp_path / kind_of / f"{stem}.jpg" if layout == "folders" else tmp_path / f"{stem}_{kind_of}.JPG"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    (whole,) = kind("polyu", root=str(tmp_path)).gather("test")
    assert [pair.name for pair in whole.photographs] == sorted(stems)
    assert all("mean" in str(pair.path) and "real" in str(pair.degraded) for pair in whole.photographs)
    held = kind("polyu", root=str(tmp_path), use="split", validation=1).gather("validation")[0].photographs
    assert len({pair.name.split("_")[1] for pair in held}) == 1
    assert len(held) == 25


def test_vimeo_says_which_frame_is_missing_and_refuses_another_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = kind("vimeo90k", **vimeo90k(tmp_path))
    with pytest.raises(DataError, match="names 6 clips, and the published list has 64612"):
        config.gather("train")
    monkeypatch.setattr("raysearch.data.corpora.vimeo90k._LISTS", SHRUNK["vimeo90k"]["_LISTS"])
    assert [p.name for p in config.gather("validation")[0].photographs] == ["00001/0005", "00001/0006"]
    (tmp_path / "sequences" / "00001/0002" / "im4.png").unlink()
    with pytest.raises(DataError, match="1 of 4 clips lack their fourth frame, the first is 00001/0002"):
        config.gather("train")


def test_moire_takes_fewer_patches_spread_over_both_subsets(tmp_path: Path) -> None:
    settings = mit_moire(tmp_path)
    (some,) = kind("mit_moire", **settings, patches=2).gather("train")
    assert [p.name.split("/")[1] for p in some.photographs] == ["hdrvdp", "moire"]
    assert [one.dataset for one in kind("mit_moire", **settings).gather("test")] == ["hdrvdp", "moire"]
    (tmp_path / "val" / "filelist.txt").write_text("val/moire/000/000000.png")
    with pytest.raises(DataError, match="no patch of hdrvdp"):
        kind("mit_moire", **settings).gather("validation")
