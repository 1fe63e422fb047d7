"""MIT-Moire: patches of 128 x 128 pixels on which demosaicing fails, mined from the web (subsets ``moire`` and ``hdrvdp``).

Gharbi et al., Deep Joint Demosaicking and Denoising, ACM TOG (SIGGRAPH Asia) 2016. The root holds ``train``, ``val`` and
``test``, each with a list ``filelist.txt`` of files relative to the root, as the owner's archives unpack (he publishes checksums
of the archives and none of the files). From the web under various licences; for research.

The number of training patches is not settled: a paper says 2.6 millions, a user counted 1.94. So nothing is counted but that
every listed file is there. ``patches`` takes fewer of them, spread evenly over the list: two millions need 95 GB of cache. The
test sets are ``moire`` and ``hdrvdp``, one by one. A list without files of a subset is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from raysearch.data.base import Gathered, Photograph, Split
from raysearch.data.corpora._published import PublishedConfig, require_folder
from raysearch.data.listing import gathered
from raysearch.errors import DataError

_WHERE = "https://groups.csail.mit.edu/graphics/demosaicnet/"
_FOLDERS: dict[Split, str] = {"train": "train", "validation": "val", "test": "test"}
_SUBSETS: dict[str, tuple[str, ...]] = {"moire": ("moire",), "hdrvdp": ("hdrvdp", "vdp")}


class Config(PublishedConfig):
    """The patches of the owner's lists."""

    kind: Literal["mit_moire"] = "mit_moire"

    subset: Literal["both", "moire", "hdrvdp"] = "both"
    """Which patches: mined by their moire, by a visual difference predictor, or both."""

    patches: int | None = Field(None, ge=1)
    """Use so many of the training patches, and a tenth as many to validate on, spread evenly; all when it is not given."""

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the patches of a split; the test split has one set per subset.

        Raises:
            DataError: a list or a file is missing, or has no patch of a subset.
        """
        require_folder(self.root, "mit_moire", _WHERE)
        listed = self._listed(_FOLDERS[split])
        subsets = ("hdrvdp", "moire") if self.subset == "both" else (self.subset,)
        chosen = {subset: [p for p in listed if _is_of(p, subset)] for subset in subsets}
        for subset, photographs in chosen.items():
            if not photographs:
                raise DataError(f"the list names no patch of {subset}", place=str(self._list(_FOLDERS[split])))
        if split == "test":
            return tuple(_set(subset, chosen[subset]) for subset in subsets)
        together = sorted((p for photographs in chosen.values() for p in photographs), key=lambda p: p.name)
        wanted = self.patches if split == "train" or self.patches is None else max(1, self.patches // 10)
        return (_set("mit_moire" if self.subset == "both" else self.subset, _spread(together, wanted)),)

    def _list(self, folder: str) -> Path:
        return self.root / folder / "filelist.txt"

    def _listed(self, folder: str) -> list[Photograph]:
        try:
            lines = self._list(folder).read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"the list can't be read: {error}",
                place=str(self._list(folder)),
                remedy=f"the owner's archives hold it ({_WHERE}; raysearch downloads nothing)",
            ) from error
        names = sorted({line.removeprefix("./") for line in lines})
        return [Photograph(str(Path(name).with_suffix("")), self.root / name) for name in names]


def _is_of(photograph: Photograph, subset: str) -> bool:
    return any(part in _SUBSETS[subset] for part in Path(photograph.name).parts)


def _spread(photographs: list[Photograph], count: int | None) -> list[Photograph]:
    if count is None or count >= len(photographs):
        return photographs
    return [photographs[(2 * k + 1) * len(photographs) // (2 * count)] for k in range(count)]


def _set(name: str, photographs: list[Photograph]) -> Gathered:
    missing = [photograph for photograph in photographs if not photograph.path.is_file()]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(photographs)} listed patches are missing, the first is {missing[0].name}",
            place=str(missing[0].path),
            remedy=f"unpack all of the owner's archives ({_WHERE})",
        )
    gathered(name, photographs[::1000], "refuse")
    return Gathered(name, tuple(photographs), ())
