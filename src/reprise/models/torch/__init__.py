"""The torch engine: real modules built from a spec, with canonical names in memory."""
