"""Where the bytes of large files live: content-addressed, written once, never overwritten."""
