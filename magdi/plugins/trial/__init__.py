"""Components are tried before the first teacher is asked, on something small: what is wrong shows before it costs."""
