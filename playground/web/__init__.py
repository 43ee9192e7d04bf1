"""What the server answers beside its pages: JSON, live streams, pictures, files."""
