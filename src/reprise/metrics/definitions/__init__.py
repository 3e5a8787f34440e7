"""Definitions of metrics, one family per module. Values never change; versions do."""
