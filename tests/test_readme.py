"""What the README and the studies promise: commands, YAML, links and pictures."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from leaves import leaves, named
from ruamel.yaml import YAML

from raysearch.component import find, names
from raysearch.search.faults import Faults
from raysearch.search.preflight import examine
from raysearch.search.study import Resources

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
STUDIES = sorted((ROOT / "search_spaces").glob("*.yaml"))


def commands() -> list[list[str]]:
    found = []
    for language, text in BLOCKS:
        if language in ("bash", "console"):
            for line in text.replace("\\\n", " ").splitlines():
                for part in [] if line.startswith("ray ") else line.split("  #")[0].split("&&"):
                    words = shlex.split(part.strip().removeprefix("$ "))
                    if words and Path(words[0]).name == "raysearch":
                        found.append(words[1:])
    return found


def test_the_first_screen_says_what_it_is_and_how_to_start() -> None:
    start = "\n".join(README.splitlines()[:32])
    assert "raysearch run search_spaces/patchnet.yaml" in start
    assert "-m pytest" in start
    assert "![" in start, "a picture of the report"


def test_both_first_commands_install_the_pinned_set() -> None:
    installs = [line for _, text in BLOCKS for line in text.splitlines() if "pip install" in line]
    assert len(installs) >= 2
    assert all("-c constraints.txt" in line for line in installs)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_raysearch_command_is_understood(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    name, arguments = named(words)
    found = leaves()[name]
    for parameter in found.params:  # a file of the example need not exist for its command to be right
        if isinstance(parameter.type, click.Path):
            monkeypatch.setattr(parameter.type, "exists", False)
    found.make_context(name, arguments)


@pytest.mark.parametrize(
    "package",
    [
        *(
            "tasks",
            "models",
            "losses",
            "metrics",
            "discriminators",
            "recipes",
            "optimizers",
            "schedules",
            "samplers",
            "data.corpora",
        ),
        *("search.searchers", "search.schedulers", "search.surrogates"),
    ],
)
def test_every_kind_is_named(package: str) -> None:
    found = re.findall(r"`(?:kind: )?(\w+)`|^ *kind: (\w+)$", README, re.MULTILINE)
    named_kinds = {word for pair in found for word in pair}
    assert [kind for kind in names(f"raysearch.{package}") if kind not in named_kinds] == []


def test_every_command_is_shown() -> None:
    assert {named(words)[0] for words in commands()} >= set(leaves())


@pytest.mark.parametrize("text", [t for language, t in BLOCKS if language == "yaml" and "\ntrial:" in t])
def test_yaml_examples_pass_check(text: str, tmp_path: Path) -> None:
    study = tmp_path / "example.yaml"
    study.write_text(text)
    examination = examine(study, runs=tmp_path)
    assert [str(f) for f in examination.findings if f.severity != "warning"] == []


def test_yaml_fragments_are_valid() -> None:
    fragments = [YAML(typ="safe", pure=True).load(t) for language, t in BLOCKS if language == "yaml" and "\ntrial:" not in t]
    assert [list(f) for f in fragments] == [["data"], ["data"], ["data"], ["resources"], ["max_retries", "faults"]]
    for fragment in fragments[:3]:
        assert find("raysearch.data.corpora", fragment["data"]["kind"]).parse(fragment["data"])
    assert Resources.parse(fragments[3]["resources"]).workers == 2
    assert Faults.parse(fragments[4]["faults"]).quarantine == 3


@pytest.mark.parametrize("study", STUDIES, ids=lambda p: p.stem)
def test_studies_open_with_question_and_budget(study: Path) -> None:
    comment = "\n".join(line for line in study.read_text().splitlines()[:20] if line.startswith("#"))
    assert "Question:" in comment
    assert "Budget:" in comment


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", README))))
def test_links_and_pictures_exist(target: str) -> None:
    if not target.startswith(("http://", "https://")):
        assert (ROOT / target).exists()
