def activate(x):
    return x.relu()
