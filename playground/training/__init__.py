"""One run as events. run: the loop; trainer: one step of it; probe_set: the images it is watched by; the rest is what these need."""
