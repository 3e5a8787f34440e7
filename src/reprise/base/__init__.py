"""Floor 0: errors, ids, digests, atomic files, optional imports. Standard library only."""
