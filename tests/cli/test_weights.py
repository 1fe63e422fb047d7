"""`raysearch weights`: from a published file to a checkpoint, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from raysearch.cli import main
from raysearch.models import dncnn
from raysearch.train.network import load_network

MODEL = "{kind: dncnn, depth: 4, width: 4, norm: none}"
TASK = "{kind: gaussian_denoise, color: gray}"
GRAY = "evaluate.protocol=dn-gray-u8"


def call(arguments: list[object], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["weights", *map(str, arguments)])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        state = dncnn.Config(depth=4, width=4, norm="none").build(1, 1, 1).state_dict()
    names = [f"model.{2 * i}.{role}" for i in range(4) for role in ("weight", "bias")]
    path = tmp_path / "published.pth"
    torch.save({"params": dict(zip(names, state.values(), strict=True)), "iteration": 7}, path)
    return path


def test_inspect(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(["inspect", file], capsys)
    assert code == 0
    assert "params: 8 tensors, 373 numbers" in out
    assert "model.2.weight  4 x 4 x 3 x 3        float32" in out
    plain = json.loads(call(["inspect", file, "--json"], capsys)[1])
    assert plain["sets"]["params"]["model.0.weight"] == {"shape": [4, 1, 3, 3], "type": "float32"}
    torch.save({"a": {"x": torch.ones(2)}, "b": {"y": torch.ones(3)}}, tmp_path / "two.pth")
    assert "list the tensors of one set with --key" in call(["inspect", tmp_path / "two.pth"], capsys)[1]
    assert "  y  3" in call(["inspect", tmp_path / "two.pth", "--key", "b"], capsys)[1]
    (tmp_path / "no.pth").write_text("not found")
    code, _, err = call(["inspect", tmp_path / "no.pth"], capsys)
    assert code == 3
    assert "no.pth" in err


def test_import_prints_the_mapping_and_writes_a_checkpoint(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "there" / "dncnn.pt"
    code, said, err = call(["import", file, "--model", MODEL, "--task", TASK, "--set", GRAY, "--out", out], capsys)
    assert code == 0, err
    assert "noise.2.weight <- model.2.weight  4 x 4 x 3 x 3" in said
    assert f"8 tensors by order; written to {out}" in said
    trial, net = load_network(out)
    assert trial.evaluate.protocol.label.startswith("dn-gray-u8")
    given = torch.load(file, weights_only=True)["params"]
    assert torch.equal(net.state_dict()["noise.2.bias"], given["model.2.bias"])
    again = tmp_path / "again.pt"
    options = ["--model", MODEL, "--task", TASK, "--set", GRAY]
    assert call(["import", out, "--key", "network", *options, "--out", again], capsys)[0] == 0


def test_import_with_a_trials_configuration(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, config, second = tmp_path / "first.pt", tmp_path / "config.json", tmp_path / "second.pt"
    call(["import", file, "--model", MODEL, "--task", TASK, "--set", GRAY, "--out", first], capsys)
    trial, _ = load_network(first)
    config.write_text(trial.model_dump_json())
    code, said, err = call(["import", file, "--config", config, "--set", "batch=3", "--out", second, "--json"], capsys)
    assert code == 0, err
    assert json.loads(said)["pairs"]["noise.0.bias"] == "model.0.bias"
    assert load_network(second)[0] == trial.model_copy(update={"batch": 3})


@pytest.mark.parametrize(
    ("task", "channels", "space"),
    [(TASK, 1, "gray"), ("{kind: jpeg_deblock, color: y}", 1, "y_studio"), ("jpeg_deblock", 3, "rgb")],
)
def test_the_protocol_follows_the_task_unless_it_is_given(
    task: str, channels: int, space: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(dncnn.Config(depth=4, width=4, norm="none").build(channels, channels, 1).state_dict(), tmp_path / "published.pth")
    out = tmp_path / "out.pt"
    code, _, err = call(["import", tmp_path / "published.pth", "--model", MODEL, "--task", task, "--out", out], capsys)
    assert code == 0, err
    assert load_network(out)[0].evaluate.protocol.space == space


def test_of_weights_that_do_not_fit_at_all_only_that_is_said(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", "{kind: ffdnet, width: 7}", "--task", "gaussian_denoise", "--out", tmp_path / "out.pt"]
    code, said, err = call(["import", file, *options], capsys)
    assert (code, said) == (2, "")
    assert "no tensor of the file fits" in err


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"--model": None}, 2, "no model is given"),
        ({"--task": None}, 2, "no task is given"),
        ({"--model": MODEL.replace("depth: 4", "depth: 5")}, 2, "nothing for 2 of the network's tensors"),
        ({"--model": "{kind: dnccn}"}, 2, "write 'dncnn'"),
        ({"--model": MODEL.replace("depth", "dept")}, 2, "write 'depth'"),
        ({"--set": "evaluate.protocol=dn-rgb-u8"}, 2, "protocol"),
        ({"--key": "ema"}, 3, "holds no tensors under 'ema'"),
    ],
)
def test_what_can_not_be_imported_is_refused(
    changes: dict[str, str | None], code: int, message: str, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options: dict[str, object] = {"--model": MODEL, "--task": TASK, "--set": GRAY, "--out": tmp_path / "out.pt", **changes}
    given = [part for option, value in options.items() if value is not None for part in (option, value)]
    found, _, err = call(["import", file, *given], capsys)
    assert found == code, err
    assert message in err
    assert not (tmp_path / "out.pt").exists()


def test_a_partial_match_is_written_when_told(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = MODEL.replace("depth: 4", "depth: 5")
    arguments = ["import", file, "--model", model, "--task", TASK, "--set", GRAY, "--out", tmp_path / "out.pt", "--partial"]
    code, said, _ = call(arguments, capsys)
    assert code == 0
    assert "nothing in the file, keeps its initial value" in said


def test_interpolation_between_two_checkpoints(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, between = (tmp_path / f"{name}.pt" for name in ("first", "second", "between"))
    options = ["--model", MODEL, "--task", TASK, "--set", GRAY]
    call(["import", file, *options, "--out", first], capsys)
    state = {name: 3 * tensor for name, tensor in torch.load(file, weights_only=True)["params"].items()}
    torch.save(state, tmp_path / "other.pth")
    call(["import", tmp_path / "other.pth", *options, "--out", second], capsys)
    code, _, err = call(["interpolate", first, second, "--alpha", 0.25, "--out", between], capsys)
    assert code == 0, err
    one, middle = (load_network(path)[1].state_dict() for path in (first, between))
    for name in one:
        torch.testing.assert_close(middle[name], 2.5 * one[name])
    call(["interpolate", first, second, "--alpha", 1, "--out", between], capsys)
    assert all(torch.equal(tensor, one[name]) for name, tensor in load_network(between)[1].state_dict().items())
    code, _, err = call(["interpolate", first, tmp_path / "none.pt", "--alpha", 1, "--out", between], capsys)
    assert code == 2
    wider = MODEL.replace("width: 4", "width: 5")
    call(["import", file, "--model", wider, "--task", TASK, "--set", GRAY, "--partial", "--out", tmp_path / "wide.pt"], capsys)
    code, _, err = call(["interpolate", first, tmp_path / "wide.pt", "--alpha", 0.5, "--out", between], capsys)
    assert (code, "networks differ" in err) == (2, True)
