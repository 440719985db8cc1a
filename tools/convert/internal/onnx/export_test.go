package onnx

// DecodeTensor reads a file with one TensorProto, as the official vectors are.
func DecodeTensor(b []byte) (shape []int, f []float32, err error) {
	p, err := parseTensor(b)
	if err != nil {
		return nil, nil, err
	}
	v, err := p.decode()
	if err != nil {
		return nil, nil, err
	}
	return v.shape, v.f, nil
}
