"""Import names and the distributions that provide them."""

import re
import sys
from collections.abc import Mapping

# Import name -> distribution, where the two differ. Checked against the package index.
_DIFFERENT = {
    "Bio": "biopython",
    "Crypto": "pycryptodome",
    "Cryptodome": "pycryptodomex",
    "Cython": "cython",
    "IPython": "ipython",
    "MinkowskiEngine": "MinkowskiEngine",
    "OpenEXR": "OpenEXR",
    "OpenGL": "PyOpenGL",
    "PIL": "pillow",
    "PyQt5": "PyQt5",
    "Xlib": "python-xlib",
    "absl": "absl-py",
    "apex": "apex",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cairosvg": "CairoSVG",
    "clip": "clip-anytorch",
    "community": "python-louvain",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "detectron2": "detectron2",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "dp": "deep-phonemizer",
    "edit_distance": "edit-distance",
    "efficientnet_pytorch": "efficientnet-pytorch",
    "faiss": "faiss-cpu",
    "fitz": "PyMuPDF",
    "flash_attn": "flash-attn",
    "fvcore": "fvcore",
    "git": "GitPython",
    "google.protobuf": "protobuf",
    "huggingface_hub": "huggingface-hub",
    "hydra": "hydra-core",
    "imblearn": "imbalanced-learn",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "kornia": "kornia",
    "lightning": "lightning",
    "lightning_fabric": "lightning-fabric",
    "lpips": "lpips",
    "magic": "python-magic",
    "matplotlib": "matplotlib",
    "mmcv": "mmcv",
    "mpl_toolkits": "matplotlib",
    "msgpack": "msgpack",
    "MySQLdb": "mysqlclient",
    "nvidia_smi": "nvidia-ml-py",
    "osgeo": "GDAL",
    "panopticapi": "panopticapi",
    "past": "future",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "pycocotools": "pycocotools",
    "pydensecrf": "pydensecrf",
    "pyximport": "cython",
    "pynvml": "nvidia-ml-py",
    "pytorch_lightning": "pytorch-lightning",
    "pytorch_msssim": "pytorch-msssim",
    "pywt": "PyWavelets",
    "ruamel": "ruamel.yaml",
    "sacrebleu": "sacrebleu",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
    "sentence_transformers": "sentence-transformers",
    "serial": "pyserial",
    "setuptools": "setuptools",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "skvideo": "sk-video",
    "soundfile": "soundfile",
    "speech_recognition": "SpeechRecognition",
    "subword_nmt": "subword-nmt",
    "tensorboardX": "tensorboardX",
    "tensorflow_hub": "tensorflow-hub",
    "torch_geometric": "torch-geometric",
    "torch_scatter": "torch-scatter",
    "torch_sparse": "torch-sparse",
    "typing_extensions": "typing-extensions",
    "umap": "umap-learn",
    "usb": "pyusb",
    "websocket": "websocket-client",
    "win32api": "pywin32",
    "wx": "wxPython",
    "xlrd": "xlrd",
    "yacs": "yacs",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
# Their distribution is named as they are; asking the environment would take longer.
_EQUAL = frozenset(
    "accelerate albumentations av click datasets decord diffusers einops fairscale filelock "
    "fire ftfy future gdown gradio h5py imageio jax joblib keras librosa lxml networkx nltk "
    "numba numpy omegaconf onnx onnxruntime open3d pandas peft phonemizer prettytable psutil "
    "regex requests resampy rich sacremoses safetensors scipy seaborn sentencepiece seqeval "
    "simplejson six spacy submitit sympy tabulate tensorboard tensorflow termcolor thop tiktoken "
    "timm tokenizers torch torchaudio torchmetrics torchtext torchvision tqdm transformers triton "
    "trimesh ultralytics unidecode wandb webdataset wget xformers".split()
)
# Part of the standard library in some version that repos are written for.
_STANDARD = sys.stdlib_module_names | frozenset(
    "asynchat asyncore cgi cgitb chunk crypt distutils imghdr imp mailcap nntplib ossaudiodev "
    "pipes smtpd sndhdr sunau telnetlib tomllib uu xdrlib zoneinfo __future__ __main__".split()
)
_SEPARATORS = re.compile(r"[-_.]+")


def normal(name: str) -> str:
    """Return a distribution's name in the form that is compared."""
    return _SEPARATORS.sub("-", name).lower()


# The first of several import names is the usual one.
_BY_DISTRIBUTION = {normal(known): name for name, known in reversed(_DIFFERENT.items())}


def is_standard(name: str) -> bool:
    """Tell whether a top-level module belongs to Python itself."""
    return name in _STANDARD


def distribution_of(name: str, installed: Mapping[str, list[str]]) -> str:
    """Return the distribution to install for an import name.

    Args:
        name: Top-level module.
        installed: Import name -> distributions in this environment.
    """
    if name in _DIFFERENT:
        return _DIFFERENT[name]
    if name in _EQUAL:
        return name
    known = installed.get(name)
    return min(known) if known else name


def import_name_of(name: str) -> str:
    """Return the import name for what an author wrote, be it that or the distribution's name.

    Example:
        >>> import_name_of("opencv-python"), import_name_of("hydra-core"), import_name_of("timm")
        ('cv2', 'hydra', 'timm')
    """
    if name in _DIFFERENT:
        return name
    known = _BY_DISTRIBUTION.get(normal(name))
    return known if known is not None else name.replace("-", "_").partition(".")[0]


def is_library(name: str) -> bool:
    """Tell whether a top-level module is that of a well-known distribution."""
    return name in _DIFFERENT or name in _EQUAL


def needs_environment(name: str) -> bool:
    """Tell whether only the environment knows the distribution of an import name."""
    return not is_library(name)
