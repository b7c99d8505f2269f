"""The core of magdi: knows nothing of plugins, of the command line, of rich or typer."""
