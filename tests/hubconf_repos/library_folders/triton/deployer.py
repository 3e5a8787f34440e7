raise RuntimeError("a deployment script")
