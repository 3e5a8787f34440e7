"""The hub in a browser: pages rendered here, readable without scripts, nothing from elsewhere."""
