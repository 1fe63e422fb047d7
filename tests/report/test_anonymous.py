"""An anonymous report holds no folder, host or commit, and everything that a reader needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
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
        ("../../lab/photographs/train", "train"),
        ("s3://lab-bucket/runs/x", "s3://x"),
    ],
)
def test_absolute_paths_lose_their_folders(text: str, kept: str) -> None:
    assert without_folders(text) == kept


def secretive(record: RunRecord) -> RunRecord:
    """The run with host, user, folders, addresses and commit in every text that it has."""
    told = f"on adalovelace-laptop (10.1.2.3, ada@secretlab.org), commit c0ffeec: can't read {SECRETS[0]}/a.png"
    first = record.trials[0]
    column = record.images.column("image").to_pylist()
    images = record.images.set_column(
        record.images.column_names.index("image"),
        "image",
        pa.array([f"{SECRETS[0]}/{name}" for name in column]),
    )
    return replace(
        record,
        environment={
            **record.environment,
            "host": "adalovelace-laptop",
            "working_directory": SECRETS[0],
            "git": {"commit": "c0ffeec0ffee"},
            "data": {"train": {"dataset": SECRETS[0], "digest": "9f2c11d0aa"}},
        },
        commands=((f"{SECRETS[2]}/raysearch", "run", SECRETS[1]),),
        spec={**record.spec, "data": {"train": [SECRETS[0]]}, "question": told},
        space_text=f"# mine\nname: x\ndata: {SECRETS[0]}\n",
        trials=(
            replace(first, status="failed", reason=told, config={"data": SECRETS[0], SECRETS[0]: 1}, facts={"device": told}),
            *record.trials[1:],
        ),
        images=images,
        missing=(f"{SECRETS[0]}/LOCK can't be read",),
        ended={"search": told, "confirm": told},
        changes=(told,),
        incidents=(told,),
    )


def test_no_secret_reaches_the_page(run: RunRecord, folder: Path, tmp_path: Path) -> None:
    told = secretive(run)
    open_page = write_report([told], [folder], tmp_path / "open.html").read_text()
    page = write_report([anonymous(told)], [folder], tmp_path / "page.html").read_text()
    for secret in ("adalovelace", "c0ffeec", "secretlab", "10.1.2.3"):
        assert secret in open_page
        assert secret not in page, secret
    for kept in ("run x.yaml", "9f2c11d0aa", "read a.png", "astronaut"):
        assert kept in page, kept
    assert all(str(version) in page for version in dict(run.environment["versions"]).values())


def test_names_that_anybody_has_stay(run: RunRecord) -> None:
    told = replace(
        run, environment={"host": "root"}, commands=(("/home/ubuntu/raysearch", "run", "/root/x.yaml", "root: default"),)
    )
    assert anonymous(told).commands == (("raysearch", "run", "x.yaml", "root: default"),)
