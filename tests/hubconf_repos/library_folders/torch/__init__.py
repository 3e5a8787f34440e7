raise RuntimeError("this is not the torch you are looking for")
