"""Git as SQL rows: objects, trees, history and the smart HTTP protocol."""
