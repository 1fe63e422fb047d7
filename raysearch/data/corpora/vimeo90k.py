"""Vimeo-90k: the fourth frame of each clip of seven, the training and test set of the PatchNet paper.

Xue et al., Video Enhancement with Task-Oriented Flow, IJCV 2019. The root holds ``sequences/00001/0001/im1.png`` and so on, with
the lists ``sep_trainlist.txt`` (64,612 clips) and ``sep_testlist.txt`` (7,824), as the archive of septuplets unpacks. Frames have
448 x 256 pixels. From Vimeo; for research.

Clips that stand near each other come from one video. So validation is one run of clips at the end of the training list, and not
clips from all over it; the lists themselves mix training and test clips of a video, as published. One file of one clip in a
thousand is looked at when the frames are listed; all of them when they are decoded. Decoded the training frames need 22 GB of
cache.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from raysearch.data.base import Gathered, Photograph, Split
from raysearch.data.corpora._published import PublishedConfig, no_such_split, require_folder
from raysearch.data.listing import gathered
from raysearch.errors import DataError

_WHERE = "http://toflow.csail.mit.edu/"
_LISTS: dict[str, tuple[str, int]] = {"train": ("sep_trainlist.txt", 64612), "test": ("sep_testlist.txt", 7824)}


class Config(PublishedConfig):
    """The fourth frames of the training clips, of some of them at the end for validation, and of the test clips."""

    kind: Literal["vimeo90k"] = "vimeo90k"

    validation: int = Field(200, ge=0, le=10_000)
    """How many clips at the end of the training list are held out; 0 for none."""

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """List the frames of a split; names are ``00001/0001``.

        Raises:
            NoSuchSplit: for validation where none is held out.
            DataError: a list, a clip or a frame is missing or unreadable.
        """
        require_folder(self.root, "vimeo90k", _WHERE)
        if split == "test":
            return (self._gathered(self._clips("test")),)
        clips = self._clips("train")
        if split == "train":
            return (self._gathered(clips[: len(clips) - self.validation]),)
        if self.validation == 0:
            raise no_such_split("vimeo90k", split, "hold some clips out (`validation: 200`)")
        return (self._gathered(clips[len(clips) - self.validation :]),)

    def _clips(self, part: str) -> list[str]:
        name, count = _LISTS[part]
        try:
            lines = (self.root / name).read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            remedy = f"the archive of septuplets holds it (the owner's place: {_WHERE})"
            raise DataError(f"the list {name} can't be read: {error}", place=str(self.root), remedy=remedy) from error
        clips = sorted(set(lines))
        if len(clips) != count:
            raise DataError(
                f"{name} names {len(clips)} clips, and the published list has {count}",
                place=str(self.root / name),
                remedy="take the list of the owner's archive; the corpus 'folder' takes any photographs",
            )
        return clips

    def _gathered(self, clips: list[str]) -> Gathered:
        photographs = [Photograph(clip, self.root / "sequences" / clip / "im4.png") for clip in clips]
        missing = [photograph for photograph in photographs if not photograph.path.is_file()]
        if missing:
            raise DataError(
                f"{len(missing)} of {len(photographs)} clips lack their fourth frame, the first is {missing[0].name}",
                place=str(self.root / "sequences"),
                remedy=f"unpack the whole archive of septuplets (the owner's place: {_WHERE})",
            )
        gathered("vimeo90k", photographs[::1000], "refuse")
        return Gathered("vimeo90k", tuple(photographs), ())
