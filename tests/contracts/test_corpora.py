"""What every corpus keeps: three disjoint splits, stable names, readable photographs, configs that survive JSON."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from generated_corpora import SETTINGS, bsds500, folder, pairs
from published_layouts import HAS, SHRUNK
from pydantic import ValidationError

from raysearch.component import find, names
from raysearch.data.base import SPLITS, CorpusConfig, Gathered, Split
from raysearch.data.decode import decode, inspect
from raysearch.errors import DataError, NoSuchSplit

PACKAGE = "raysearch.data.corpora"


@pytest.fixture(scope="module", params=names(PACKAGE))
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CorpusConfig]:
    kind = request.param
    assert kind in SETTINGS, f"add settings with generated images for the corpus {kind!r}"
    parsed = find(PACKAGE, kind).parse({"kind": kind, **SETTINGS[kind](tmp_path_factory.mktemp(kind) / "root")})
    assert isinstance(parsed, CorpusConfig)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SHRUNK.get(kind, {}).items():
            patch.setattr(f"{PACKAGE}.{kind}.{name}", value)
        yield parsed


def splits_of(corpus: CorpusConfig) -> tuple[Split, ...]:
    return HAS.get(type(corpus).__module__.rsplit(".", 1)[-1], SPLITS)


def everything(corpus: CorpusConfig) -> dict[Split, tuple[Gathered, ...]]:
    return {split: corpus.gather(split) for split in splits_of(corpus)}


def test_one_set_to_train_and_to_validate_on_and_some_to_test_on(corpus: CorpusConfig) -> None:
    sets = everything(corpus)
    for split, found in sets.items():
        assert len(found) == 1 or (split == "test" and found)
        assert all(one.photographs for one in found)
        assert len({one.dataset for one in found}) == len(found)


def test_what_a_set_has_not_is_refused_with_a_way_out(corpus: CorpusConfig) -> None:
    for split in set(SPLITS) - set(splits_of(corpus)):
        with pytest.raises(NoSuchSplit, match=f"has no {split} photographs") as caught:
            corpus.gather(split)
        assert "mix" in caught.value.remedy or "server" in caught.value.remedy


def test_no_photograph_is_in_two_splits(corpus: CorpusConfig) -> None:
    sets = everything(corpus)
    content = {split: {f.read_bytes() for one in sets[split] for p in one.photographs for f in p.files} for split in sets}
    for first, second in itertools.combinations(sets, 2):
        assert not content[first] & content[second]


def test_names_are_unique_and_sorted_and_files_are_absolute_and_readable(corpus: CorpusConfig) -> None:
    for one in itertools.chain.from_iterable(everything(corpus).values()):
        found = [photograph.name for photograph in one.photographs]
        assert found == sorted(set(found))
        assert one.refused == ()
        for path in (path for photograph in one.photographs for path in photograph.files):
            assert path.is_absolute()
            assert inspect(path).bits in (8, 16)


def test_pairs_are_told(corpus: CorpusConfig) -> None:
    sets = everything(corpus)
    for split in sets:
        for photograph in (photograph for one in sets[split] for photograph in one.photographs):
            assert corpus.paired == (photograph.degraded is not None)
            assert photograph.related or (split == "train" and not corpus.related)


def test_gathering_twice_gives_the_same(corpus: CorpusConfig) -> None:
    assert everything(corpus) == everything(corpus)


def test_config_survives_json_and_another_working_directory(
    corpus: CorpusConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = corpus.model_dump(mode="json")
    monkeypatch.chdir(tmp_path)
    assert type(corpus).parse(data) == corpus


def test_docstring_says_where_it_comes_from(corpus: CorpusConfig) -> None:
    module = __import__(type(corpus).__module__, fromlist=["__doc__"])
    assert len(module.__doc__) > 200


# photos


def test_photos_is_split_by_photograph_with_the_stereo_pair_on_one_side() -> None:
    sets = everything(find(PACKAGE, "photos").parse({}))
    assert [p.name for p in sets["train"][0].photographs] == [
        "hubble_deep_field", "ihc", "motorcycle_left", "motorcycle_right", "retina"
    ]  # fmt: skip
    assert [p.name for p in sets["validation"][0].photographs] == ["rocket"]
    assert [p.name for p in sets["test"][0].photographs] == ["astronaut", "chelsea", "coffee"]
    assert all(decode(p.path).shape[2] == 3 for split in SPLITS for p in sets[split][0].photographs)


def test_photos_says_when_scikit_image_lacks_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raysearch.data.corpora.photos._folder", lambda: tmp_path)
    with pytest.raises(DataError, match=r"lacks the photograph 'rocket\.jpg'"):
        find(PACKAGE, "photos").parse({}).gather("validation")


# folder


def folder_config(root: Path, **changed: object) -> CorpusConfig:
    return find(PACKAGE, "folder").parse({**folder(root), **changed})


def test_folder_test_sets_have_their_names_and_sizes(tmp_path: Path) -> None:
    sets = folder_config(tmp_path).gather("test")
    assert [(one.dataset, len(one.photographs)) for one in sets] == [("one", 2), ("two", 3)]


def test_folder_long_form_with_patterns_and_a_split_file(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("001\n003\n")
    train = {"folders": str(tmp_path / "train"), "exclude": ["000.*"], "split_file": str(tmp_path / "names.txt")}
    (one,) = folder_config(tmp_path, train=train).gather("train")
    assert [photograph.name for photograph in one.photographs] == ["001", "003"]


def test_folder_with_a_number_of_held_out_photographs(tmp_path: Path) -> None:
    config = folder_config(tmp_path, validation=None, hold_out=2)
    held, rest = config.gather("validation")[0].photographs, config.gather("train")[0].photographs
    assert (len(held), len(rest)) == (2, 3)
    assert not set(held) & set(rest)


def test_folder_refuses_a_photograph_in_two_splits(tmp_path: Path) -> None:
    config = folder_config(tmp_path)
    copy = tmp_path / "test two" / "copy.png"
    copy.write_bytes((tmp_path / "train" / "001.png").read_bytes())
    for split in SPLITS:
        with pytest.raises(DataError, match="same photograph") as caught:
            config.gather(split)
        assert str(copy) in str(caught.value)


def test_folder_skips_an_unreadable_file_only_when_told(tmp_path: Path) -> None:
    broken = {}
    for policy in ("refuse", "skip"):
        broken[policy] = folder_config(tmp_path / policy, unreadable=policy)
        (tmp_path / policy / "train" / "bad.png").write_text("no image")
    with pytest.raises(DataError, match="can't be read"):
        broken["refuse"].gather("train")
    (one,) = broken["skip"].gather("train")
    assert [(path.name, "identify" in reason) for path, reason in one.refused] == [("bad.png", True)]


def test_folder_without_a_test_set_trains_and_says_what_is_missing(tmp_path: Path) -> None:
    config = folder_config(tmp_path, test={})
    assert config.gather("train")
    with pytest.raises(NoSuchSplit, match="no test set is named"):
        config.gather("test")


@pytest.mark.parametrize(("kind", "settings"), [("folder", folder), ("pairs", pairs)])
def test_a_part_of_a_mix_may_have_test_sets_only(kind: str, settings: Callable[[Path], dict[str, object]], tmp_path: Path) -> None:
    config = find(PACKAGE, kind).parse({"kind": kind, "test": settings(tmp_path)["test"]})
    assert isinstance(config, CorpusConfig)
    assert all(one.photographs for one in config.gather("test"))
    for split in SPLITS[:2]:
        with pytest.raises(NoSuchSplit, match=f"of {split} p") as caught:
            config.gather(split)
        assert caught.value.place == f"data.{split}"
    for mistake in ({}, {"hold_out": 1}, {"hold_out": 1, "test": settings(tmp_path / "again")["test"]}):
        with pytest.raises(ValidationError):
            find(PACKAGE, kind).parse({"kind": kind, **mistake})


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no image file"):
        folder_config(tmp_path / "a", train=str(tmp_path / "empty")).gather("train")
    nothing = {"folders": [str(tmp_path / "a" / "train")], "include": ["*.bmp"]}
    with pytest.raises(DataError, match="patterns let through"):
        folder_config(tmp_path / "b", train=nothing).gather("train")


@pytest.mark.parametrize(
    "changed",
    [
        {"train": []},
        {"train": {"folder": "x"}},
        {"validation": 5},
        {"hold_out": 2},
        {"validation": None, "hold_out": 0},
        {"test": {"a/b": "x"}},
        {"unreadable": "x"},
    ],
    ids=str,
)
def test_folder_mistakes_are_refused_when_parsed(tmp_path: Path, changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        folder_config(tmp_path, **changed)


# bsds500


def bsds_config(root: Path, **changed: object) -> CorpusConfig:
    return find(PACKAGE, "bsds500").parse({**bsds500(root), **changed})


def test_bsds500_trains_on_train_and_test_and_never_on_val(tmp_path: Path) -> None:
    config = bsds_config(tmp_path / "root")
    held, rest = config.gather("validation")[0].photographs, config.gather("train")[0].photographs
    assert (len(held), len(rest)) == (3, 17)
    assert {photograph.path.parent.name for photograph in (*held, *rest)} == {"train", "test"}
    for split in ("train", "val"):
        with pytest.raises(ValidationError):
            bsds_config(tmp_path / split, **{split: "val"})


@pytest.mark.parametrize(("test", "count"), [("cbsd68", 68), ("bsd100", 100)])
def test_bsds500_test_sets(tmp_path: Path, test: str, count: int) -> None:
    (one,) = bsds_config(tmp_path / "root", test=test).gather("test")
    assert (one.dataset, len(one.photographs)) == (test, count)
    assert {photograph.path.parent.name for photograph in one.photographs} == {"val"}


def test_bsds500_refuses_val_photographs_in_train(tmp_path: Path) -> None:
    config = bsds_config(tmp_path / "root")
    (tmp_path / "root" / "train" / "leak.png").write_bytes((tmp_path / "root" / "val" / "099.png").read_bytes())
    for split in SPLITS:
        with pytest.raises(DataError, match="same photograph"):
            config.gather(split)


def test_bsds500_says_what_is_missing(tmp_path: Path) -> None:
    config = bsds_config(tmp_path / "root")
    (tmp_path / "root" / "cbsd68.txt").write_text("001\n")
    with pytest.raises(DataError, match="cbsd68 has 68 photographs, and 1 were found"):
        config.gather("test")
    (tmp_path / "root" / "cbsd68.txt").unlink()
    with pytest.raises(DataError, match="cbsd68 has 68 photographs, and 0 were found"):
        config.gather("test")
    with pytest.raises(DataError, match="no such folder"):
        find(PACKAGE, "bsds500").parse({"root": str(tmp_path / "nowhere")}).gather("train")
