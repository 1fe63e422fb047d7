"""DND: fifty photographs with real noise whose clean counterparts are not public; only its server scores a method.

Plotz and Roth, Benchmarking Denoising Algorithms with Real Photographs, CVPR 2017. A thousand crops of 512 x 512 pixels (twenty
of each photograph) are restored and sent to the server, which answers with PSNR and SSIM.

So nothing can be trained, selected or tested on it here, and this kind exists to say so. Write the noisy crops as images, restore
them with ``raysearch restore CHECKPOINT FOLDER TARGET``, and submit the results as the owner describes.
"""

from __future__ import annotations

from typing import Literal

from raysearch.data.base import Gathered, Split
from raysearch.data.corpora._published import PublishedConfig, no_such_split


class Config(PublishedConfig):
    """The photographs, of which no split can be used."""

    kind: Literal["dnd"] = "dnd"

    def gather(self, split: Split) -> tuple[Gathered, ...]:
        """Refuse, with the way to a result.

        Raises:
            NoSuchSplit: always.
        """
        remedy = (
            "its clean images are not public: restore the noisy crops with `raysearch restore`, and submit them to the server of "
            "https://noise.visinf.tu-darmstadt.de/"
        )
        raise no_such_split("dnd", split, remedy)
