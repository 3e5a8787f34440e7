def widen(width):
    return width + 1
