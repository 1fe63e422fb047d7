"""A driver in a process of its own, to be killed: ``python drive.py VERB RUN_FOLDER CACHE FIT ADDRESS``; see `drivers`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from raysearch.results.folder import RunFolder
from raysearch.search.driver import resume_study, run_study
from raysearch.search.options import DriverOptions, Outcome
from raysearch.search.study import StudySpec
from raysearch.spec import yaml


def main(verb: str, run: str, cache: str, fit: str, address: str) -> Outcome:
    folder = RunFolder(Path(run))
    options = DriverOptions(cache=Path(cache), address=address, cpus=2, dashboard=False, tensorboard=False, fit=fit)
    with pytest.MonkeyPatch.context() as patch:
        if verb.startswith("dry-"):
            import dry

            dry.install(patch)
        if verb.endswith("resume"):
            return resume_study(folder, options)
        return run_study(StudySpec.from_data(yaml.read(folder.resolved).data), folder, options)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]).exit_code)
