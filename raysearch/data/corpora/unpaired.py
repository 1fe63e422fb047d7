"""Real degraded images without clean counterparts, beside clean photographs that have nothing to do with them.

::

    data:
      kind: unpaired
      degraded: phone/nights
      clean: photos/good
      validation: {degraded: pairs/noisy, clean: pairs/clean}
      test: {nights: {degraded: test/noisy, clean: test/clean}}

For recipes that compare distributions and not pixels: what stands where the clean image of a training pair belongs is an unrelated
photograph (an adversarial second stage, as in Zhu et al., "Unpaired image-to-image translation", ICCV 2017, arXiv:1703.10593, or a
discriminator that is shown clean images). A recipe that compares pixels with it is refused.

PSNR and SSIM are not defined on such images. So validation and test are true pairs, always: a small set with known counterparts,
real or made from clean photographs by any means; what a trial reports is its value there, and nothing is reported about the
unpaired images themselves.

Every image is used at least once: the shorter of the two lists is repeated, in the order of names. Both images of such a couple are
cut to the size that they have in common, around the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from raysearch.data.base import CorpusConfig, Gathered, Photograph, Split
from raysearch.data.corpora.folder import FolderSet, SetName
from raysearch.data.listing import Policy, gathered, refuse_shared
from raysearch.data.pair_set import PairSet, ScenePattern, refuse_shared_scenes
from raysearch.errors import NoSuchSplit


class Config(CorpusConfig):
    """Degraded images and clean photographs to train on, pairs to evaluate on."""

    kind: Literal["unpaired"] = "unpaired"

    degraded: FolderSet
    """The degraded images to train on."""

    clean: FolderSet
    """The clean photographs to train on, of anything else."""

    validation: PairSet
    """The pairs that a search selects by."""

    test: dict[SetName, PairSet] = Field(default_factory=dict)
    """The pairs that only the confirmation sees, by the name of each set."""

    scene: ScenePattern | None = None
    """A regular expression whose first group is the scene in a degraded image's name; one in two splits is refused."""

    unreadable: Policy = "refuse"
    """What a file that can't be read does: ``refuse`` the whole set, or ``skip`` its couple and have it listed."""

    @property
    def paired(self) -> bool:
        """Yes."""
        return True

    @property
    def related(self) -> bool:
        """No: the images of a training pair show different things."""
        return False

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the couples to train on, or the pairs to evaluate on; test has one set per name, sorted by name.

        Raises:
            DataError: a folder or the counterpart of an image is missing, a file is unreadable, or a photograph or a scene is in
                two splits.
        """
        degraded, clean = self.degraded.photographs(), self.clean.photographs()
        validation = self.validation.photographs()
        tests = {name: self.test[name].photographs() for name in sorted(self.test)}
        tested = [photograph for photographs in tests.values() for photograph in photographs]
        refuse_shared({"train": [*degraded, *clean], "validation": validation, "test": tested})
        names = {"train": degraded, "validation": validation, "test": tested}
        refuse_shared_scenes({key: [p.name for p in photographs] for key, photographs in names.items()}, self.scene)
        if split == "test" and not tests:
            remedy = "name one: `test: {my_set: {degraded: ..., clean: ...}}`; a test needs true pairs"
            raise NoSuchSplit("no test set is named", place="data.test", remedy=remedy)
        sets: dict[Split, dict[str, Sequence[Photograph]]] = {
            "train": {self.degraded.name: _coupled(degraded, clean)},
            "validation": {self.validation.name: validation},
            "test": {**tests},
        }
        return tuple(gathered(name, photographs, self.unreadable) for name, photographs in sets[split].items())


def _coupled(degraded: Sequence[Photograph], clean: Sequence[Photograph]) -> list[Photograph]:
    """Put each degraded image beside a clean one, in turn, until all of both are used."""
    couples = [(degraded[number % len(degraded)], clean[number % len(clean)]) for number in range(max(len(degraded), len(clean)))]
    found = [Photograph(f"{one.name}+{other.name}", other.path, one.path, related=False) for one, other in couples]
    return sorted(found, key=lambda photograph: photograph.name)
