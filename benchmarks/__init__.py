"""Scripts that measure; each runs us and the peer in one go and prints the ratio."""
