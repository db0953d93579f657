"""The cards as Parquet: the columns of the JSON, for those who go on counting. Needs the extra `report` (pyarrow)."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, BinaryIO, Final

from sithsd.report.extra import pyarrow
from sithsd.report.model import Card

_BATCH: Final = 20_000


def write_parquet(file: BinaryIO, cards: Iterable[Card]) -> None:
    """Write cards. Moments are in UTC. Raises InputError where pyarrow is not installed."""
    arrow, parquet = pyarrow()
    moment, text = arrow.timestamp("ms", tz="UTC"), arrow.string()
    columns = {
        "file": text,
        "line": arrow.int64(),
        "unit": text,
        "who": text,
        "not_before": moment,
        "not_after": moment,
        "kind": text,
        "environment": text,
        "level": arrow.int8(),
        "standing": text,
        "reasons": arrow.list_(text),
        "evidence": text,
        "certificates": arrow.int32(),
        "action": text,
        "by": moment,
        "since": moment,
        "rule": text,
        "freeze": text,
    }
    schema = arrow.schema(list(columns.items()))
    remaining = iter(cards)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while batch := tuple(islice(remaining, _BATCH)):
            rows = zip(*map(_row, batch), strict=True)
            arrays = [arrow.array(column, kind) for column, kind in zip(rows, columns.values(), strict=True)]
            writer.write_batch(arrow.record_batch(arrays, schema=schema))


def _row(card: Card) -> tuple[Any, ...]:
    step = card.steps[0] if card.steps else None
    return (
        card.place.file,
        card.place.line,
        card.unit,
        card.who,
        card.not_before,
        card.not_after,
        card.kind.value,
        card.environment.value,
        card.level,
        card.standing.value,
        card.reasons,
        card.evidence.value,
        card.certificates,
        *((step.action, step.by, step.since, step.rule, step.freeze) if step else (None,) * 5),
    )
