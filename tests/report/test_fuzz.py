"""The golden run with hostile text in every field of its files, through the journal into every form of the report."""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_escaping import PAYLOADS, structure
from test_paper import check_tex

from raysearch.report.document import Table
from raysearch.report.page import part, render
from raysearch.report.paper import write_paper
from raysearch.report.view import view
from raysearch.results.events import EVENT
from raysearch.results.journal import Journal
from raysearch.results.run import open_run
from raysearch.train.files import IMAGES_FILE

GOLDEN = Path(__file__).parents[1] / "golden" / "run" / "golden"
PIECES = [
    *PAYLOADS,
    "=1+1|cmd",
    "@SUM(A1)",
    "\\input{/etc/passwd}",
    "%n$s",
    "\t",
    "-2+3",
    "']];\n--",
    "file:///etc/passwd",
    "\\",
    '"',
]
FREE = ("command", "versions", "host", "values", "config", "facts", "reason")
"""Fields of events that hold what a user or a stranger's machine wrote."""


class Poison:
    """Replaces texts by hostile ones, and gives mappings a hostile key; the same text always by the same one."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._known: dict[str, str] = {}

    def text(self, text: str) -> str:
        if text not in self._known:
            pieces = self._random.choices(PIECES, k=self._random.randint(1, 3))
            self._known[text] = "".join(pieces).encode("utf-8", "ignore").decode() + text[:20]
        return self._known[text]

    def data(self, data: Any) -> Any:
        if isinstance(data, dict):
            return {key: self.data(value) for key, value in data.items()} | ({self.text("key"): self.text("value")} if data else {})
        if isinstance(data, list):
            return [self.data(value) for value in data]
        return self.text(data) if isinstance(data, str) else data


def poisoned_copy(folder: Path, seed: int) -> None:
    poison = Poison(seed)
    shutil.copytree(GOLDEN, folder)
    lines = (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "journal.jsonl").unlink()
    with Journal.open(folder / "journal.jsonl") as journal:
        for line in lines:
            event = {key: value for key, value in json.loads(line).items() if key not in ("seq", "crc")}
            for key in set(FREE) & set(event) if event["event"] != "driver_stopped" else ():
                event[key] = poison.data(event[key])
            journal.append(EVENT.validate_json(json.dumps(event)))
    for name in ("env.json", "importance.json"):
        (folder / name).write_text(
            json.dumps(poison.data(json.loads((folder / name).read_text(encoding="utf-8")))), encoding="utf-8"
        )
    spec = json.dumps(poison.data({"title": "t", "question": "q", "name": "n", "notes": "n", "trial": {"sampler": {"kind": "u"}}}))
    (folder / "resolved.yaml").write_text(spec, encoding="utf-8")
    (folder / "space.yaml").write_text("\n".join(PIECES).encode("utf-8", "ignore").decode(), encoding="utf-8")
    for file in folder.rglob(IMAGES_FILE):
        table = pq.read_table(file)
        for name in ("dataset", "image", "level", "protocol"):
            column = [poison.text(value or "none") for value in table.column(name).to_pylist()]
            table = table.set_column(table.column_names.index(name), table.schema.field(name), pa.array(column, pa.string()))
        pq.write_table(table, file)


@pytest.mark.parametrize("seed", [1])
def test_hostile_files_become_text_in_every_form(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "run"
    poisoned_copy(folder, seed)
    record = open_run(folder)
    assert not record.damaged
    assert len(record.trials) > 5
    made = part(view(record, folder, "r1"))
    page = tmp_path / "page.html"
    page.write_text(render([made]), encoding="utf-8")

    tags, attributes, scripts = structure(page)
    assert not set(tags) & {"iframe", "object", "embed", "form", "input", "template", "foreignObject", "base", "link", "button"}
    assert (tags["script"], tags["style"], tags["h1"], tags["body"]) == (2, 1, 1, 1)
    assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc", "action")]
    assert "<" not in scripts[0]
    assert json.loads(scripts[0])["runs"][0]["tables"]["trials"]["rows"]
    for told in re.findall("<metadata>(.*?)</metadata>", page.read_text(encoding="utf-8"), re.DOTALL):
        assert json.loads(ElementTree.fromstring(f"<m>{told}</m>").text or "")["s"]

    write_paper([made], tmp_path / "paper")
    for file in (tmp_path / "paper" / "figures").glob("*.svg"):
        assert not [e.tag for e in ElementTree.parse(file).iter() if str(e.tag).endswith(("}script", "}foreignObject", "}image}"))]
    for file in (tmp_path / "paper").rglob("*.csv"):
        for row in csv.reader(file.read_text(encoding="utf-8").splitlines(keepends=True)):
            assert not [cell for cell in row if re.match(r"[=@\t\r]|[+-](?![\d.,]+)", cell)], row
    for block in (block for section in made.sections for block in section.blocks if isinstance(block, Table)):
        check_tex((tmp_path / "paper" / "tables" / f"{block.name}.tex").read_text(encoding="utf-8"), len(block.columns))
