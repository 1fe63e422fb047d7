"""Hostile text in every field of a run: nothing of it becomes an element, an attribute or a script."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import html5lib
import numpy as np
import plausible_study
import pyarrow as pa
import pytest

from raysearch.report.page import write_report
from raysearch.results.record import RunRecord, TrialRecord

PAYLOADS = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>' onmouseover='x",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "</style></title></textarea><h1>x</h1><!--",
    "]]><![CDATA[<x>",
    "$\\frac{1}{$ ^ _ &amp; &#60;b&#62; %s {0}",
    "\u202e\u2028\x00\x1b[31m\ud800 \U0001f600 数据 _hidden",
    "../../etc/passwd\r\nSet-Cookie: x",
]
LISTS = "tr td th li dd dt div p option"


def poisoned(data: object, text: str) -> object:
    """The same data with every piece of text replaced; keys gain the text."""
    if isinstance(data, dict):
        return {f"{key}" if key in KEYS else f"{key}{text}": poisoned(value, text) for key, value in data.items()}
    if isinstance(data, list):
        return [poisoned(value, text) for value in data]
    return text if isinstance(data, str) else data


KEYS = {
    *("title", "question", "objective", "metric", "mode", "published", "source", "values", "trial", "sampler", "one_of", "kind"),
    *("float", "int", "choice", "budget", "searcher", "scheduler", "confirm", "resources", "seed", "data", "task", "model"),
}


def poisoned_trial(trial: TrialRecord, text: str) -> TrialRecord:
    config = poisoned(trial.config, text)
    facts = poisoned(trial.facts, text)
    assert isinstance(config, dict)
    assert isinstance(facts, dict)
    role = trial.role if trial.phase == "confirm" else text
    values = {f"{key}{text}": text if isinstance(value, str) else value for key, value in trial.values.items()}
    points = tuple(replace(p, metrics=p.metrics | {f"sampler/{text}": 0.5}) for p in trial.reports)
    return replace(trial, role=role, values=values, config=config, facts=facts, reason=text, reports=points)


def poisoned_run(run: RunRecord, text: str) -> RunRecord:
    spec, environment = poisoned(run.spec, text), poisoned(run.environment, text)
    assert isinstance(spec, dict)
    assert isinstance(environment, dict)
    clean = text.encode("utf-8", "replace").decode("utf-8")
    table = run.images
    for name in ("dataset", "image", "level", "protocol"):
        suffix = "" if name != "image" else None
        column = [clean if suffix == "" else f"{value}{clean}" for value in table.column(name).to_pylist()]
        table = table.set_column(table.column_names.index(name), table.schema.field(name), pa.array(column, pa.string()))
    return replace(
        run,
        name=text,
        space_text=f"# {text}\n#\n{text}",
        spec=spec,
        environment=environment,
        trials=tuple(poisoned_trial(trial, text) for trial in run.trials),
        images=table,
        ended={"search": text},
        commands=((text, text),),
        missing=(text,),
    )


def structure(page: Path) -> tuple[Counter[str], set[str], list[str]]:
    """Elements but those whose number depends on the content, attribute names, and the content of scripts."""
    tree = html5lib.HTMLParser(strict=True).parse(page.read_text(encoding="utf-8"))
    tags = Counter(str(element.tag).rpartition("}")[2] for element in tree.iter())
    attributes = {name for element in tree.iter() for name in element.attrib}
    scripts = [element.text or "" for element in tree.iter() if str(element.tag).endswith("}script")]
    return tags, attributes, scripts


@pytest.fixture(scope="module")
def honest(page: Path) -> tuple[Counter[str], set[str], list[str]]:
    return structure(page)


@pytest.mark.parametrize("text", PAYLOADS)
def test_hostile_text_stays_text(
    run: RunRecord, honest: tuple[Counter[str], set[str], list[str]], tmp_path: Path, text: str
) -> None:
    hostile = poisoned_run(run, text)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "importance.json").write_text(json.dumps({"parameters": {text: 0.5, "b": 0.1}, "method": text}))
    for trial in hostile.trials:
        home = folder / "trials" / f"{trial.number:04d}"
        home.mkdir(parents=True)
        name = text.replace("\x00", "").replace("\ud800", "").replace("/", "")
        np.savez(home / "usage.npz", **{name: np.arange(12.0).reshape(3, 4)})
    tags, attributes, scripts = structure(write_report([hostile], [folder], tmp_path / "page.html"))
    known, names, original = honest
    assert set(tags) <= set(known)
    for tag in ("script", "style", "h1", "title", "head", "body", "main", "form", "iframe", "template", "meta"):
        assert tags[tag] - (tags["svg"] if tag == "title" else 0) <= max(known[tag] - (known["svg"] if tag == "title" else 0), 1)
    assert tags["script"] == 2
    assert attributes <= names
    assert scripts[1] == original[1]
    assert "<" not in scripts[0]
    assert json.loads(scripts[0])["runs"][0]["tables"]["trials"]["rows"]


def test_a_link_out_of_the_run_is_not_followed(run: RunRecord, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    plausible_study._save(plausible_study.photograph(9), secret)
    folder = tmp_path / "run"
    plausible_study.write_files(run, folder)
    for image in folder.rglob("restored.png"):
        image.unlink()
        image.symlink_to(secret)
    text = write_report([run], [folder], tmp_path / "page.html").read_text()
    assert "leads out of the run" in text


def test_nothing_pickled_is_loaded(run: RunRecord, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    plausible_study.write_files(run, folder)
    for usage in folder.rglob("usage.npz"):
        np.savez(usage, map=np.array([{"a": 1}], dtype=object))
    text = write_report([run], [folder], tmp_path / "page.html").read_text()
    assert "usage.npz can&#39;t be read" in text
