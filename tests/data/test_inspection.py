"""What `data inspect` tells of a corpus, against plain counts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from raysearch.cli import main
from raysearch.component import find
from raysearch.data.base import CorpusConfig
from raysearch.data.inspection import BINS, alike_across_splits, patch_facts, set_facts
from raysearch.data.scores import SCORES


def quiet(what: str, done: int, total: int) -> None:
    assert done <= total, what


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for split, shapes in {"train": [(40, 56), (32, 32)], "validation": [(24, 30)], "test": [(20, 20), (30, 20)]}.items():
        (tmp_path / split).mkdir()
        for number, (height, width) in enumerate(shapes):
            pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
            pixels[:16, :16] = 7  # a flat patch
            Image.fromarray(pixels).save(tmp_path / split / f"{number}.png")
    return tmp_path


@pytest.fixture
def corpus(root: Path) -> CorpusConfig:
    settings = {"train": str(root / "train"), "validation": str(root / "validation"), "test": {"mine": str(root / "test")}}
    config = find("raysearch.data.corpora", "folder").parse({"kind": "folder", **settings})
    assert isinstance(config, CorpusConfig)
    return config


def call(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


def test_sets_are_counted_and_measured(corpus: CorpusConfig, root: Path, tmp_path: Path) -> None:
    train, validation, mine = set_facts(corpus, tmp_path / "cache")
    assert (train.split, train.dataset, train.photographs) == ("train", "train", 2)
    assert (train.smallest, train.largest) == ((32, 32), (56, 40))
    assert train.megapixels == pytest.approx((40 * 56 + 32 * 32) / 1e6, abs=5e-4)
    assert train.bytes == sum(path.stat().st_size for path in (root / "train").iterdir())
    assert (train.bits, train.formats) == ({8: 2}, {".png": 2})
    lines = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in (root / "test").iterdir())
    assert mine.digest == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert validation.photographs == 1


def test_patches_of_every_score_are_in_the_histogram_and_sorted(corpus: CorpusConfig, tmp_path: Path) -> None:
    facts = patch_facts(corpus, tmp_path / "cache", quiet, size=16, stride=8, channels=3, samples=4)
    assert facts.count == 4 * 6 + 3 * 3
    assert tuple(score.name for score in facts.scores) == SCORES
    for score in facts.scores:
        assert sum(score.counts) + score.zeros == facts.count
        assert len(score.counts) == BINS == len(score.edges) - 1
        assert score.zeros == 2 or score.name == "frequency"
        assert list(score.quantiles) == sorted(score.quantiles)
        assert facts.samples[score.name].shape == (4, 3, 16, 16)
    assert facts.samples["std"][0].std() == 0


def test_a_copy_in_another_split_is_found(corpus: CorpusConfig, root: Path, tmp_path: Path) -> None:
    assert alike_across_splits(corpus, tmp_path / "cache", quiet) == []
    with Image.open(root / "train" / "0.png") as image:
        image.convert("L").rotate(90, expand=True).save(root / "test" / "copy.png")
    ((one, other, pair),) = alike_across_splits(corpus, tmp_path / "cache", quiet)
    assert (one, other, pair.first.name, pair.second.name) == ("train", "test", "0", "copy")


def test_the_command_prints_json_and_writes_a_page(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = f"{{kind: folder, train: {root / 'train'}, hold_out: 1, test: {{'mine': {root / 'test'}}}}}"
    page, cache = tmp_path / "deep" / "page.html", str(tmp_path / "cache")
    code, out, _ = call(["data", "inspect", source, "--cache", cache, "--patch", "16", "--json", "--out", str(page)], capsys)
    assert code == 0
    told = json.loads(out)
    assert [one["split"] for one in told["sets"]] == ["train", "validation", "test"]
    assert told["patches"]["size"] == 16
    assert told["problem"] is None
    text = page.read_text()
    assert "data:image/png;base64," in text
    assert "{kind: folder" in text
    assert "<script" not in text
    assert "http" not in text


def test_a_study_and_a_configuration_name_their_corpus(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = f"data: {{kind: folder, train: {root / 'train'}, hold_out: 1}}"
    study, trial = tmp_path / "study.yaml", tmp_path / "trial.yaml"
    study.write_text(f"trial:\n  {data}\n  patch: {{size: 16}}\n")
    trial.write_text(f"{data}\npatch: {{size: {{choice: [16, 32]}}}}\n")
    for file, size in ((study, 16), (trial, 64)):
        code, out, err = call(["data", "inspect", str(file), "--cache", str(tmp_path / "cache")], capsys)
        if size == 16:
            assert code == 0
            assert "patches of 16 x 16 pixels of train" in out
        else:
            assert code == 3
            assert "less than a patch of 64 x 64" in err
    code, out, _ = call(["data", "inspect", str(trial), "--cache", str(tmp_path / "cache"), "--quick"], capsys)
    assert code == 0
    assert "patches" not in out


def test_a_leak_is_shown_with_the_rest(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Image.open(root / "train" / "0.png") as image:
        image.convert("L").save(root / "test" / "copy.png")
    train = f"{{kind: folder, train: {root / 'train'}, hold_out: 1}}"
    test = f"{{kind: folder, test: {{mine: {root / 'test'}}}}}"
    source = f"{{kind: mix, train: [{train}], test: [{test}]}}"
    code, out, err = call(["data", "inspect", source, "--cache", str(tmp_path / "cache"), "--patch", "16"], capsys)
    assert code == 3, err
    assert "looks like one of test" in out
    assert "pairs of photographs in two splits look alike" in out


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("nothing", 2, "no file raysearch/data/corpora/nothing.py"),
        ("nothing.yaml", 2, "there is no file nothing.yaml"),
        ("[1, 2]", 2, "neither a file nor a corpus"),
        ("{kind: set5}", 2, "root: is missing"),
        ("{kind: photos, root: {choice: [1, 2]}}", 2, "values that are searched"),
        ("{kind: set5, root: /nowhere/at/all}", 3, "the data set set5 is not there"),
        ("{kind: dnd, root: /nowhere/at/all}", 3, "dnd has no test photographs"),
    ],
)
def test_mistakes_are_told(source: str, code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, _, said = call(["data", "inspect", source, "--cache", str(tmp_path)], capsys)
    assert found == code
    assert message in said
    assert "Traceback" not in said
