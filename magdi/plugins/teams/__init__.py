"""Teams (MALT): one adapter a role, trained one by one, that answer together and may discuss anew."""
