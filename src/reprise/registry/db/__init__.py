"""The hub's database: tables, connections and migrations."""
