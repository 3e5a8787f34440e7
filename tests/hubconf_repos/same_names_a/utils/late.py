VALUE = "late a"
