"""The inputs: lists as CSV or Parquet, exports of a directory as LDIF, and what desks' daemons have seen."""

from sithsd.report.inputs.recognise import Form, Reading, open_input

__all__ = ["Form", "Reading", "open_input"]
