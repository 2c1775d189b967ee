"""Who calls. ``header`` reads what a request says of itself; nothing verifies signatures yet."""
