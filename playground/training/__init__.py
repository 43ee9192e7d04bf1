"""One run as a sequence of events. run: the loop; trainer: one step; probe_set: the images for measurements; the rest supports these."""
