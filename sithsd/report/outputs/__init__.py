"""What a report is written as: a page, a table for spreadsheets, JSON, Parquet, and a calendar."""
