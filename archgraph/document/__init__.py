"""Text and `Graph`, both ways: reading with positions, the canonical form, the schema, migrations."""
