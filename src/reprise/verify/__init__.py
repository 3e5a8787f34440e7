"""Floor 7, verify: compute claimed numbers again and say what came out."""
