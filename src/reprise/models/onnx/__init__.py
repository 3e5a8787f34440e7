"""The ONNX engine: a graph emitted from a spec and a safetensors header, run by ONNX Runtime."""
