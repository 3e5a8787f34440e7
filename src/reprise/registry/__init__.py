"""Floor 7: the hub's domain. One module per noun; plain functions that take a connection."""
