"""Libraries that are not installed with sithsd unless they are asked for."""

from types import ModuleType

from sithsd.report.model import InputError


def pyarrow() -> tuple[ModuleType, ModuleType]:
    """Return pyarrow and pyarrow.parquet. Raises InputError where pyarrow is not installed."""
    try:
        import pyarrow as arrow  # noqa: PLC0415, ICN001 - an extra; two letters are no name
        from pyarrow import parquet  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError("report-no-pyarrow", "pyarrow is not installed") from error
    return arrow, parquet
