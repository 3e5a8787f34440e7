VALUE = 'late b'
