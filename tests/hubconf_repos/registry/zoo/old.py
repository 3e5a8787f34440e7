if __name__ == "__main__":
    from .registry import register

    @register
    def script_only():
        pass
