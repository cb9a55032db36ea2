"""Results that leave the program: names of files, whole files or none, and the batch export."""
