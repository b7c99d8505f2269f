"""MAGs from other systems' files and for other tools: importers and exporters."""
