"""Broken, lying and mad cards: reading them ends, within its bounds, by a named error or a card; no code is sent."""

import importlib.util
import sys
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sithsd.card import code_operations, operations
from sithsd.card.backends.pkcs15 import objects
from sithsd.card.code_operations import Turn
from sithsd.card.transport import MAX_COMMANDS
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from sithsd.session.describe import is_ours
from sithsd.simulator.image import Image
from sithsd.values import Role

if "card_bench" not in sys.modules:
    _spec = importlib.util.spec_from_file_location(
        "card_bench", Path(__file__).parents[1] / "contract" / "card_bench.py"
    )
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules["card_bench"] = _module = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_module)

from card_bench import PINS, Bench, card, image_of, registry, with_content, without_file

FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMED = {ErrorCode.CARD_UNREADABLE, ErrorCode.CARD_UNSUPPORTED}
NAMES = ("ordinary", "ordinary-t0", "second", "inactive")


def attempt(image: Image, answer: object = lambda _: None) -> operations.ReadCard | None:
    """Read a card as the daemon does; check what holds for every card."""
    bench = Bench(card(image.name, image=image))
    before = bench.tries()
    read, error = None, None
    with bench.transaction(answer=answer) as begun:
        try:
            read = operations.read(begun, registry(), is_ours)
        except SithsdError as refused:
            error = refused
    assert len(begun.sent) <= MAX_COMMANDS
    assert begun.codes_sent == []
    assert bench.tries() == before
    assert (read is None) != (error is None)
    assert error is None or error.code in NAMED
    return read


@st.composite
def broken_images(draw: st.DrawFn) -> Image:
    """Change a few bytes of a few files: other values, insertions, deletions, or whole files."""
    image = image_of(draw(st.sampled_from(NAMES)))
    for _ in range(draw(st.integers(1, 3))):
        file = draw(st.sampled_from(image.files))
        content = bytearray(file.content)
        kind = draw(st.sampled_from(["byte", "byte", "byte", "insert", "delete", "cut", "noise", "absent"]))
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        if kind == "absent":
            image = without_file(image, file.path)
            continue
        if kind == "byte" and content:
            content[at] = draw(st.integers(0, 255))
        elif kind == "insert":
            content[at:at] = draw(st.binary(min_size=1, max_size=8))
        elif kind == "delete":
            del content[at : at + draw(st.integers(1, 8))]
        elif kind == "cut":
            del content[at:]
        elif kind == "noise":
            content = bytearray(draw(st.binary(max_size=400)))
        image = with_content(image, file.path, bytes(content))
    return image


@FUZZ
@given(image=broken_images())
def test_changed_files(image: Image) -> None:
    """Whatever stands in the files, reading ends by card.unreadable or card.unsupported, or as a card."""
    attempt(image)


def test_every_byte_of_the_directory_files() -> None:
    """Each byte of the small files turned into the worst it can be: nothing but named errors comes out."""
    image = image_of("ordinary")
    outcomes = set()
    for file in image.files:
        if len(file.content) > 800:
            continue
        for at in range(0, len(file.content), 3):
            for value in (0x00, 0x7F, 0x80, 0xFF, file.content[at] ^ 0x20):
                content = file.content[:at] + bytes([value]) + file.content[at + 1 :]
                outcomes.add(attempt(with_content(image, file.path, content)) is None)
    assert outcomes == {True, False}


LIKELY = "9000 6100 6101 61FF 6282 6283 6300 63C0 6581 6700 6982 6A82 6A86 6B00 6C00 6C01 6CFF 6D00 6E00 6F00 0000 FFFF"
STATUS = st.sampled_from([int(word, 16) for word in LIKELY.split()]) | st.integers(0, 0xFFFF)


@FUZZ
@given(
    name=st.sampled_from(NAMES),
    lies=st.dictionaries(st.integers(0, 40), st.tuples(st.binary(max_size=300), STATUS), max_size=6),
)
def test_lies_among_the_truth(name: str, lies: dict[int, tuple[bytes, int]]) -> None:
    """A card that answers some commands with anything at all does no harm."""
    count = iter(range(10**9))
    attempt(image_of(name), lambda _: lies.get(next(count)))


@FUZZ
@given(name=st.sampled_from(NAMES), answers=st.lists(st.tuples(st.binary(max_size=64), STATUS), min_size=1, max_size=8))
@example(name="ordinary", answers=[(b"x", 0x61FF)])
@example(name="ordinary-t0", answers=[(b"", 0x6C01)])
@example(name="ordinary-t0", answers=[(b"\x30", 0x9000)])
@example(name="ordinary", answers=[(b"\x30\x00", 0x9000)])
@example(name="ordinary", answers=[(b"", 0x9000), (b"\x30\x82\x10\x00", 0x6101)])
def test_cards_that_say_anything(name: str, answers: list[tuple[bytes, int]]) -> None:
    """A card that says the same few things for ever ends as card.unreadable or card.unsupported."""
    count = iter(range(10**9))
    attempt(image_of(name), lambda _: answers[next(count) % len(answers)])


@FUZZ
@given(
    content=st.binary(max_size=200),
    reader=st.sampled_from(
        [objects.pins, objects.keys, objects.certificates, objects.directory, objects.token, "application_path"]
    ),
)
def test_objects_of_any_bytes(content: bytes, reader: object) -> None:
    """Bytes that are no PKCS#15 object raise card.unreadable and nothing else."""
    try:
        if reader == "application_path":
            objects.application_path([content or b"a"], b"\xa0")
        elif reader is objects.token:
            objects.token(content)
        else:
            reader([content or b"0"])
    except SithsdError as error:
        code = error.code
    else:
        code = ErrorCode.CARD_UNREADABLE
    assert code is ErrorCode.CARD_UNREADABLE


@FUZZ
@given(image=broken_images(), role=st.sampled_from(PINS))
def test_codes_on_broken_cards(image: Image, role: Role) -> None:
    """On a card whose files lie, a code goes at most once, and never at the last try unasked."""
    tries = dict.fromkeys(Role, 1)
    bench = Bench(card(image.name, image=image, tries=tries))
    with bench.transaction() as begun:
        try:
            read = operations.read(begun, registry(), lambda _: True)
        except SithsdError:
            return
    with bench.transaction() as begun:
        with suppress(SithsdError):
            code_operations.verify(Turn(begun, read), role, Secret(b"111111"))
        with suppress(SithsdError):
            code_operations.unblock(Turn(begun, read), role, Secret(b"87654321"), Secret(b"135790"))
    assert begun.codes_sent == []
    assert set(bench.tries().values()) <= {1, 3}
