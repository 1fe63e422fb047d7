from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from run_story import SPEC, images, story

from raysearch.results.events import Event
from raysearch.results.folder import RunFolder
from raysearch.results.journal import Journal
from raysearch.train.files import IMAGES_FILE


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[[Sequence[Event]], RunFolder]:
    def make(events: Sequence[Event]) -> RunFolder:
        folder = RunFolder.create(tmp_path / "runs", "tiny")
        folder.write_study("# the user's file: ß\r\nname: tiny\n", SPEC)
        folder.write_environment({"host": "here", "versions": {}})
        with Journal.open(folder.journal) as journal:
            for event in events:
                journal.append(event)
        return folder

    return make


@pytest.fixture
def run(make_run: Callable[[Sequence[Event]], RunFolder]) -> RunFolder:
    folder = make_run(story())
    folder.trial(0).mkdir()
    pq.write_table(images(), folder.trial(0) / IMAGES_FILE)
    return folder
