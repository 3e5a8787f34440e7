"""The formats of Xet, chunk-level storage of large files (hub docs `xet/*`, version 1.1).

A file is cut into chunks of about 64 KiB, chunks travel together in xorbs of up to 64 MiB, and a
shard says which chunk ranges of which xorbs make up which file. All integers are little-endian.
"""
