"""The shipped importers: one file a format."""
