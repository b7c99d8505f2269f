"""Files of MAGs: made from other systems' files, checked, counted, drawn, and written for other tools."""
