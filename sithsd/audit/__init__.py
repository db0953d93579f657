"""The audit: one chained row for each operation with a code, in an SQLite file that anybody can check.

How the chain is made, how to check it with other programs, and what it can't show: `sithsd.audit.chain`.
"""
