"""Files of tensors: every usual form and wrapping, and nothing that a file holds is run."""

from __future__ import annotations

import argparse
import hashlib
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from raysearch import tensor_files
from raysearch.errors import DataError

STATE = {"conv.weight": torch.arange(6.0).reshape(1, 1, 2, 3), "conv.bias": torch.ones(1, dtype=torch.float16)}


def assert_state(file: tensor_files.TensorFile) -> None:
    assert file.tensors.keys() == STATE.keys()
    for name, tensor in STATE.items():
        assert file.tensors[name].dtype == tensor.dtype
        assert torch.equal(file.tensors[name], tensor)


def written(path: Path, content: object) -> Path:
    torch.save(content, path)
    return path


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (STATE, ""),
        (OrderedDict(STATE), ""),
        ({"state_dict": STATE, "epoch": 7, "optimizer": {"param_groups": [{"lr": 0.1}]}}, "state_dict"),
        ({"params": STATE}, "params"),
        ({"model": [STATE], "args": argparse.Namespace(lr=0.1)}, "model.0"),
        ({"a": {"b": {"net": STATE}}}, "a.b.net"),
    ],
    ids=["plain", "ordered", "state_dict", "params", "list and options", "deep"],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_state_dicts_are_found_wherever_they_stand(content: object, key: str, legacy: bool, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    file = tensor_files.read(path)
    assert_state(file)
    assert (file.key, file.ordered) == (key, True)
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_of_several_sets_the_caller_says_which(tmp_path: Path) -> None:
    other = {"conv.weight": torch.zeros(3)}
    path = written(tmp_path / "weights.pth", {"params": other, "params_ema": STATE})
    with pytest.raises(DataError, match="several sets of tensors: params, params_ema") as caught:
        tensor_files.read(path)
    assert "--key" in caught.value.remedy
    assert_state(tensor_files.read(path, "params_ema"))
    with pytest.raises(DataError, match="did you mean 'params_ema'"):
        tensor_files.read(path, "params_em")
    assert [file.key for file in tensor_files.read_all(path)] == ["params", "params_ema"]


def test_npz_and_safetensors(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{name: tensor.numpy() for name, tensor in STATE.items()})
    np.savez_compressed(tmp_path / "b.weights", **{name: tensor.numpy() for name, tensor in STATE.items()})
    safetensors.torch.save_file(STATE, tmp_path / "c.bin")
    for name, ordered in (("a.npz", True), ("b.weights.npz", True), ("c.bin", False)):
        file = tensor_files.read(tmp_path / name)
        assert_state(file)
        assert file.ordered is ordered


CANARY: list[str] = []


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (CANARY.append, ("run",))


@pytest.mark.parametrize("legacy", [False, True])
def test_nothing_pickled_is_run(legacy: bool, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": STATE, "extra": Bomb()}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(DataError, match="holds a Python object") as caught:
        tensor_files.read(path)
    assert "plain state dict" in caught.value.remedy
    path.write_bytes(pickle.dumps({"weights": Bomb()}))
    with pytest.raises(DataError):
        tensor_files.read(path)
    np.savez(tmp_path / "objects.npz", weights=np.array([Bomb()], dtype=object))
    with pytest.raises(DataError, match="no whole file of tensors"):
        tensor_files.read(tmp_path / "objects.npz")
    assert CANARY == []


def test_other_files_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read: No such file"):
        tensor_files.read(tmp_path / "none.pth")
    whole = written(tmp_path / "weights.pth", STATE).read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.pth").write_text("<html>not found</html>")
    (tmp_path / "empty.pth").write_bytes(b"")
    for name in ("cut.pth", "text.pth", "empty.pth"):
        with pytest.raises(DataError, match=name):
            tensor_files.read(tmp_path / name)
    with pytest.raises(DataError, match="holds no named tensors"):
        tensor_files.read(written(tmp_path / "numbers.pth", {"epoch": 3}))
    safetensors.torch.save_file(STATE, tmp_path / "whole.safetensors")
    cut = (tmp_path / "whole.safetensors").read_bytes()[:-4]
    (tmp_path / "cut.safetensors").write_bytes(cut)
    with pytest.raises(DataError, match="no whole file"):
        tensor_files.read(tmp_path / "cut.safetensors")
