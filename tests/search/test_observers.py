"""TensorBoard's files, read back record by record."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboardX.proto.event_pb2 import Event as FileEvent
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

from raysearch.results.events import Event, TrialEnded, TrialReported, TrialStarted
from raysearch.results.replay import Replay
from raysearch.search.observers import TensorBoard
from raysearch.search.progress import Summary
from raysearch.search.strips import SIDE, worst

SUMMARY = Summary("search", None, {}, None, 0.0, 0.0)
VALUES = {"lr": 1e-3, "depth": 5, "sampler": "gradient", "augment": None, "flip": True}


def _records(folder: Path) -> Iterator[Any]:
    """Each record: its length in 8 bytes, a checksum of 4, the event, a checksum of 4."""
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = FileEvent()
            event.ParseFromString(data[12 : 12 + length])
            yield event
            data = data[16 + length :]


def _scalars(folder: Path) -> set[tuple[str, int, float, float]]:
    found = set()
    for event in _records(folder):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found.add((value.tag, event.step, round(value.simple_value, 4), event.wall_time))
    return found


def _hparams(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for event in _records(folder):
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "hparams":
                data = HParamsPluginData.FromString(value.metadata.plugin_data.content)
                for name, held in data.session_start_info.hparams.items():
                    found[name] = getattr(held, held.WhichOneof("kind"))
    return found


def _started() -> TrialStarted:
    rest = {"role": "suggested", "source": None, "config": {}, "seed": 1, "steps": 100}
    return TrialStarted.model_validate({"time": 1.0, "trial": 7, "phase": "search", "values": VALUES, **rest})


def _reported(step: int, psnr: float, time: float) -> TrialReported:
    return TrialReported(time=time, trial=7, step=step, metrics={"psnr": psnr, "loss/l2": psnr / 1000})


def _ended() -> TrialEnded:
    rest = {"status": "finished", "step": 100, "value": 30.5, "seconds": 1.0, "reason": "", "facts": {}}
    return TrialEnded.model_validate({"time": 9.0, "trial": 7, **rest})


def _watch(board: TensorBoard, *events: Event) -> None:
    with board:
        for event in events:
            board.on_event(event, SUMMARY)


def test_a_trial_has_its_scalars_and_its_row_of_hyperparameters(tmp_path: Path) -> None:
    _watch(TensorBoard(tmp_path, "psnr"), _started(), _reported(50, 28.0, 5.0), _reported(100, 30.5, 8.0), _ended())
    scalars = _scalars(tmp_path / "0007")
    told = {("psnr", 50, 28.0, 5.0), ("loss/l2", 50, 0.028, 5.0), ("psnr", 100, 30.5, 8.0), ("loss/l2", 100, 0.0305, 8.0)}
    assert told <= scalars
    assert [(tag, step, value) for tag, step, value, _ in scalars - {*told}] == [("hparam/psnr", 100, 30.5)]
    assert _hparams(tmp_path / "0007") == {"lr": 1e-3, "depth": 5.0, "sampler": "gradient", "augment": "none", "flip": True}


def test_a_trial_that_goes_on_under_another_driver_keeps_its_row(tmp_path: Path) -> None:
    replay = Replay()
    for event in (_started(), _reported(50, 28.0, 5.0)):
        replay.add(event)
    _watch(TensorBoard(tmp_path, "psnr"), _started(), _reported(50, 28.0, 5.0))
    assert not _hparams(tmp_path / "0007"), "the driver died"
    _watch(TensorBoard(tmp_path, "psnr", replay.trials()), _reported(100, 30.5, 8.0), _ended())
    assert {("psnr", 50, 28.0, 5.0), ("psnr", 100, 30.5, 8.0)} <= _scalars(tmp_path / "0007")
    assert _hparams(tmp_path / "0007")["sampler"] == "gradient"


def _save(pixels: np.ndarray, path: Path) -> None:  # type: ignore[type-arg]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_restored_photographs_are_shown_where_they_are_most_wrong(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    clean = noise.integers(0, 200, (200, 300, 3), np.uint8)
    restored = clean.copy()
    restored[150:, 250:] += 50
    home = tmp_path / "trials" / "0007" / "samples"
    for name, pixels in (("input", clean[::2, ::2]), ("restored", restored), ("clean", clean)):
        _save(pixels, home / "set5" / "sigma 15" / "indoor%2F1" / f"{name}.png")
        _save(pixels, home / "set5" / "sigma 15" / "torn" / f"{name}.png")
        _save(pixels[:50, :40] if name != "input" else pixels[:25, :20], home / "set5" / "sigma 15" / "small" / f"{name}.png")
    (home / "set5" / "sigma 15" / "torn" / "clean.png").write_bytes(b"\x89PNG")
    (home / "set5" / "sigma 15" / "empty").mkdir()
    board = TensorBoard(tmp_path / "board", "psnr", home=lambda number: tmp_path / "trials" / f"{number:04d}")
    _watch(board, _started(), _reported(100, 30.5, 8.0), _ended())
    found = {}
    for event in _records(tmp_path / "board" / "0007"):
        for value in event.summary.value:
            if value.HasField("image"):
                found[value.tag, event.step] = np.asarray(Image.open(io.BytesIO(value.image.encoded_image_string)))
    assert set(found) == {("samples/set5/sigma_15/indoor/1", 100), ("samples/set5/sigma_15/small", 100)}
    large = found["samples/set5/sigma_15/indoor/1", 100]
    assert large.shape == (SIDE, 3 * SIDE + 8, 3)
    corner = slice(200 - SIDE, 200), slice(300 - SIDE, 300)
    np.testing.assert_array_equal(large[:, SIDE + 4 : 2 * SIDE + 4], restored[corner])
    np.testing.assert_array_equal(large[:, 2 * SIDE + 8 :], clean[corner])
    np.testing.assert_array_equal(large[:, :SIDE], clean[::2, ::2].repeat(2, 0).repeat(2, 1)[corner])
    assert found["samples/set5/sigma_15/small", 100].shape == (50, 128, 3)


@pytest.mark.parametrize("place", [(0, 0), (70, 110), (172, 60), (40, 260)])
def test_the_worst_window_holds_the_error(place: tuple[int, int]) -> None:
    error = np.zeros((200, 300))
    error[place[0] : place[0] + 20, place[1] : place[1] + 20] = 1
    top, left = worst(error)
    window = error[top : top + SIDE, left : left + SIDE]
    assert window.shape == (SIDE, SIDE)
    assert window.sum() == error.sum()
