"""WED: the 4744 pristine photographs of the Waterloo Exploration Database, a training set of FFDNet, CBDNet and CDM-CNN.

Ma et al., Waterloo Exploration Database: New Challenges for Image Quality Assessment Models, IEEE TIP 2017. Files ``00001`` to
``04744`` in the folder ``pristine_images``. From the web under various licences; for research.

Its photographs were collected from the web and are known by numbers only; whether some are also in another set can't be told from
names. A ``mix`` compares the pictures themselves before a study.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from raysearch.data.corpora._published import Published, TrainingSetConfig


class Config(TrainingSetConfig):
    """The 4744 photographs, some of them held out for validation."""

    kind: Literal["wed"] = "wed"

    folder: ClassVar[str] = "pristine_images"

    published: ClassVar[Published] = Published(
        name="wed",
        count=4744,
        where="https://ece.uwaterloo.ca/~k29ma/exploration/",
        stems=(tuple(f"{k:05}" for k in range(1, 4745)),),
    )
