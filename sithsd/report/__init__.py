"""The manager's report: whose cards end when, and who has to do what by when. From lists and exports to files."""
