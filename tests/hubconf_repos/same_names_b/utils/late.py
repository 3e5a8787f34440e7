VALUE = "late b"
