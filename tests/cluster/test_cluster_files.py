"""The files in cluster/ are valid for the systems that read them, and their commands are raysearch's own."""

from __future__ import annotations

import copy
import json
import re
import shlex
import subprocess
from pathlib import Path

import jsonschema
import pytest
from ray.autoscaler._private.util import prepare_config, validate_config
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "cluster"
AUTOSCALER = ["aws.yaml", "gcp.yaml"]
MANIFESTS = ["kuberay/raycluster.yaml", "kuberay/rayjob.yaml"]
SCHEMA = json.loads((Path(__file__).parent / "ray_io_v1.schema.json").read_text())


def read(name: str) -> dict:
    return YAML(typ="safe", pure=True).load((CLUSTER / name).read_text())


@pytest.mark.parametrize("name", AUTOSCALER)
def test_ray_accepts_its_cluster_files(name: str) -> None:
    config = read(name)
    validate_config(prepare_config(copy.deepcopy(config)))
    types = config["available_node_types"]
    assert config["head_node_type"] in types
    assert types[config["head_node_type"]]["resources"] == {"CPU": 0}, "trials must not run on the head"
    assert all(t.get("max_workers", 0) <= config["max_workers"] for t in types.values())
    assert all("RAY_AUTH_MODE=token" in config[f"{role}_start_ray_commands"][-1] for role in ("head", "worker"))


def test_ray_refuses_a_misspelt_key() -> None:
    config = read("aws.yaml") | {"idle_timeout_minute": 5}
    with pytest.raises(jsonschema.ValidationError, match="idle_timeout_minute"):
        validate_config(prepare_config(config))


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests_are_valid(name: str) -> None:
    jsonschema.validate(read(name), SCHEMA)


def test_the_schema_refuses_a_misspelt_field() -> None:
    job = read("kuberay/rayjob.yaml")
    job["spec"]["rayClusterSpec"]["autoscalerOptions"]["idleTimeoutSecs"] = 60
    with pytest.raises(jsonschema.ValidationError, match="idleTimeoutSecs"):
        jsonschema.validate(job, SCHEMA)


def test_the_manifests_describe_the_same_cluster() -> None:
    assert read("kuberay/raycluster.yaml")["spec"] == read("kuberay/rayjob.yaml")["spec"]["rayClusterSpec"]


def test_the_images_hold_the_pinned_ray() -> None:
    pinned = re.search(r"^ray==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    for path in [CLUSTER / n for n in (*AUTOSCALER, *MANIFESTS, "Dockerfile")]:
        versions = re.findall(r"rayproject/ray:([\d.]+)-|rayVersion: \"([\d.]+)\"", path.read_text())
        assert {a or b for a, b in versions} == {pinned[1]}, path.name


def test_the_slurm_script_parses() -> None:
    done = subprocess.run(["bash", "-n", str(CLUSTER / "slurm.sh")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", sorted(p for p in CLUSTER.rglob("*") if p.is_file()), ids=lambda p: p.name)
def test_every_raysearch_command_in_them_is_understood(path: Path) -> None:
    from raysearch.cli import group

    text = (
        re.sub(r"\n\s+(?=--)", " ", path.read_text()).replace('"$@"', "search_spaces/patchnet.yaml").replace('"$address"', "auto")
    )
    for line in re.findall(r"raysearch (run [^'&\n]+)", text):
        command, *arguments = shlex.split(line)
        found = group.get_command(None, command)  # type: ignore[arg-type]
        assert found is not None
        found.make_context(command, arguments)
