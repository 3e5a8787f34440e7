"""The three protocols in which clients ask for text, and are answered."""
