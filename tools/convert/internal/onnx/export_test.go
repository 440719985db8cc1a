package onnx

// A Tensor is what a file with one TensorProto holds.
type Tensor struct {
	Name   string
	Shape  []int
	Floats []float32
	Ints   []int64
}

// DecodeTensor reads a file with one TensorProto, as the official vectors are.
func DecodeTensor(b []byte) (*Tensor, error) {
	p, err := parseTensor(b)
	if err != nil {
		return nil, err
	}
	v, err := p.decode()
	if err != nil {
		return nil, err
	}
	return &Tensor{p.name, v.shape, v.f, v.i}, nil
}

// A Node is what the tests need of a node.
type Node struct {
	Op              string
	Inputs, Outputs []string
	Directions      int
	BatchFirst      bool
}

// Nodes are the nodes of a model.
func Nodes(b []byte) (nodes []Node, err error) {
	p, err := parseModel(b)
	if err != nil {
		return nil, err
	}
	for _, n := range p.graph.nodes {
		k := Node{n.op, n.inputs, n.outputs, 1, n.integer("layout", 0) == 1}
		if n.text("direction", "") == "bidirectional" {
			k.Directions = 2
		}
		nodes = append(nodes, k)
	}
	return nodes, nil
}

// Initializers are the constants of a model.
func Initializers(b []byte) (map[string][]float32, error) {
	p, err := parseModel(b)
	if err != nil {
		return nil, err
	}
	all := map[string][]float32{}
	for _, t := range p.graph.initializers {
		v, err := t.decode()
		if err != nil {
			return nil, err
		}
		all[t.name] = v.f
	}
	return all, nil
}
