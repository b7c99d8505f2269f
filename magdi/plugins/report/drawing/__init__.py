"""Pictures of discussions: SVG, and what a terminal draws."""
