"""An anonymous report holds no folder, host or commit, and everything that a reader needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from raysearch.report.anonymous import anonymous, without_folders
from raysearch.report.page import write_report
from raysearch.results.record import RunRecord

SECRETS = ("/home/adalovelace/secretlab/train", "C:\\Users\\adalovelace\\runs\\x.yaml", "~/secretlab/run")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/home/ada/runs/x.yaml", "x.yaml"),
        ("can't read '/data/b/c.png': torn", "can't read 'c.png': torn"),
        ("--cache=/data/b/c", "--cache=c"),
        ("C:\\Users\\ada\\x.yaml", "x.yaml"),
        ("~/lab/x.yaml", "x.yaml"),
        ("PSNR in dB/step and 3/4 of it", "PSNR in dB/step and 3/4 of it"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("photographs/train", "photographs/train"),
    ],
)
def test_absolute_paths_lose_their_folders(text: str, kept: str) -> None:
    assert without_folders(text) == kept


def test_no_secret_reaches_the_page(run: RunRecord, folder: Path, tmp_path: Path) -> None:
    record = run
    told = replace(
        record,
        environment={
            **record.environment,
            "host": "adalovelace-laptop",
            "working_directory": SECRETS[0],
            "git": {"commit": "c0ffeec0ffee"},
        },
        commands=((f"{SECRETS[2]}/raysearch", "run", SECRETS[1]),),
        spec={**record.spec, "data": {"train": [SECRETS[0]]}},
        space_text=f"# mine\nname: x\ndata: {SECRETS[0]}\n",
        trials=(
            replace(record.trials[0], reason=f"can't read {SECRETS[0]}/a.png", config={"data": SECRETS[0]}),
            *record.trials[1:],
        ),
        missing=(f"{SECRETS[0]}/LOCK can't be read",),
    )
    open_page = write_report([told], [folder], tmp_path / "open.html").read_text()
    page = write_report([anonymous(told)], [folder], tmp_path / "page.html").read_text()
    for secret in ("adalovelace", "c0ffeec0ffee", "secretlab"):
        assert secret in open_page
        assert secret not in page
    assert "run x.yaml" in page
    assert all(str(version) in page for version in dict(record.environment["versions"]).values())
