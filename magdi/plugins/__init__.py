"""The plugin system, and the shipped teachers and tasks."""
