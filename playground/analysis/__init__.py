"""What pages compute without training: views and their information, reconstructions, layers, maps, and interventions."""
