"""Certificates at random: mostly ordinary ones, and every way that came to mind in which one may not be."""

import random
from collections.abc import Iterator

import bulk_names
import bulk_parts
from bulk_draft import ordinary
from bulk_world import World

CHANGES = (*bulk_parts.CHANGES, *bulk_names.CHANGES)


def draw_cases(world: World, seed: int) -> Iterator[tuple[bytes, str]]:
    """Yield certificates, or what is left of them, without an end; each with the tale of how it was made.

    They come in families of the same changes to the same form, so that what was learnt of one meets its siblings.
    """
    draw = random.Random(seed)  # noqa: S311 - it draws tests
    while True:
        form, changes = draw.getrandbits(64), draw.getrandbits(64)
        count = draw.choice((0, 0, 0, 0, 1, 1, 1, 1, 2, 3))
        for _ in range(draw.choice((2, 3, 5, 8))):
            draft = ordinary(world, random.Random(form), draw)  # noqa: S311 - as above
            changing = random.Random(changes)  # noqa: S311 - as above
            for change in changing.choices(CHANGES, k=count):
                draft.tale.append(change.__name__.strip("_"))
                change(draft, changing if draw.random() < 0.9 else draw)
            yield draft.der(), f"{draft.issuer.what}: {', '.join(draft.tale) or 'ordinary'}"
