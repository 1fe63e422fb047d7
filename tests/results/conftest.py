from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from run_story import SPEC, images, story
from s3 import CREDENTIALS, s3_server

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


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """A local S3 server: the end of a URI (see `s3_server`); its credentials are in the environment."""
    with pytest.MonkeyPatch.context() as patch, s3_server() as options:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield options


@pytest.fixture
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make hundreds of openings quick on a busy disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
