"""What pages compute without training: views and what they keep, reconstructions, layers, maps, and ways to break a method."""
