"""What the frameworks themselves save, read back and compared bit for bit: the extra ``frameworks``."""
