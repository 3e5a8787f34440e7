VALUE = 'late a'
