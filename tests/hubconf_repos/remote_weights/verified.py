from torch.hub import load_state_dict_from_url


def fetch():
    url = "https://example.org/releases/v2/net-0123456789abcdef.pt"
    return load_state_dict_from_url(url, map_location="cpu", check_hash=True)
