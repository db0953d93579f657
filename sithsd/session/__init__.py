"""One inserted card: events, operations, and the picture of all readers that clients see."""
