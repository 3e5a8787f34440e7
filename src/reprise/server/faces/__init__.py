"""One module per HTTP surface. A face translates between the wire and the registry, no more."""
