package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/rnnedge/rnnedge/format"
)

// Quantised models are read as the float model that they stand for: 8-bit weights become
// float32 numbers, each scale·(q − zero point) with one rounding, and of the quantisation of
// activations only the limits stay. So the result is closer to the model before its quantisation than
// what ONNX Runtime computes from the quantised one.

// A quantisation is what an activation stands for after QuantizeLinear. Only what moves
// elements about reads it, until DequantizeLinear takes it back.
type quantisation struct {
	scale float32
	zero  int64
}

// movesQuantised are the ops that may stand between QuantizeLinear and DequantizeLinear.
var movesQuantised = map[string]bool{
	"DequantizeLinear": true, "Identity": true, "Reshape": true, "Transpose": true, "Squeeze": true, "Unsqueeze": true,
	"Flatten": true, "Slice": true, "Split": true, "Gather": true, "Shape": true,
}

// contrib are the ops of ONNX Runtime's own domain that are read.
var contrib = map[string]bool{"DynamicQuantizeLSTM": true, "DynamicQuantizeMatMul": true}

// byteRange is what an 8-bit type holds.
func byteRange(elem int64) (lo, hi float64, ok bool) {
	switch elem {
	case typeUint8:
		return 0, 255, true
	case typeInt8:
		return -128, 127, true
	}
	return 0, 0, false
}

// scales reads a scale and zero point, of a whole tensor or along dimension d of shape.
func (t *translation) scales(n *nodeProto, k, zeroAt int, shape []int, d int) (scale []float32, zero []int64, err error) {
	s, err := t.parameter(n, k, "scale")
	if err != nil {
		return nil, nil, err
	}
	z, err := t.value(n, zeroAt)
	if err != nil {
		return nil, nil, err
	}
	each := 1
	if len(s.f) != 1 && d < len(shape) {
		each = shape[d]
	}
	if len(s.f) == 0 || len(s.f) != each || z != nil && (z.kind != ints || len(z.i) != each && len(z.i) != 1 || union(z.dyn) != 0) {
		return nil, nil, fmt.Errorf("found scale %q of shape %v for a value of shape %v, supported are one number, and one for each along axis %d", n.input(k), s.shape, shape, d)
	}
	zero = make([]int64, each)
	for j := range zero {
		if z != nil {
			zero[j] = z.i[min(j, len(z.i)-1)]
		}
	}
	for _, f := range s.f {
		if !(math.Abs(float64(f)) <= math.MaxFloat32) {
			return nil, nil, fmt.Errorf("found the scale %v in %q", f, n.input(k))
		}
	}
	return s.f, zero, nil
}

// axisScales reads what QuantizeLinear and DequantizeLinear have beside v: the dimension of the
// scales, the scales and the zero points.
func (t *translation) axisScales(n *nodeProto, v *tensor) (d int, scale []float32, zero []int64, err error) {
	if d, err = axis(n.integer("axis", 1), max(len(v.shape), 2)); err != nil {
		return 0, nil, nil, err
	}
	if n.integer("block_size", 0) != 0 {
		return 0, nil, nil, errors.New("found scales of blocks, supported are those of a whole tensor and along one axis")
	}
	scale, zero, err = t.scales(n, 1, 2, v.shape, d)
	return d, scale, zero, err
}

// dequantised is the floats that integers stand for, with a scale for each along
// dimension d.
func (t *translation) dequantised(v *tensor, scale []float32, zero []int64, d int) (*tensor, error) {
	if v.kind != ints || union(v.dyn) != 0 {
		return nil, errors.New("found weights that are not constant integers")
	}
	if err := t.spend(v.size()); err != nil {
		return nil, err
	}
	out := &tensor{shape: v.shape, free: v.free, f: make([]float32, len(v.i))}
	block := 1
	if len(scale) > 1 {
		block = product(v.shape[d+1:])
	}
	for k, q := range v.i {
		j := k / block % len(scale)
		out.f[k] = float32(float64(q-zero[j]) * float64(scale[j]))
	}
	return out, nil
}

// dequantizeLinear translates DequantizeLinear of weights, and of an activation that
// QuantizeLinear of the same scale made.
func (t *translation) dequantizeLinear(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	d, scale, zero, err := t.axisScales(n, v)
	if err != nil {
		return err
	}
	if v.kind == activation {
		if v.quantised == nil || len(scale) != 1 || *v.quantised != (quantisation{scale[0], zero[0]}) {
			return errors.New("found a computed value that QuantizeLinear with this scale and zero point did not make")
		}
		u := *v
		u.quantised = nil
		t.set(n, 0, &u)
		return nil
	}
	if v, err = t.dequantised(v, scale, zero, d); err != nil {
		return err
	}
	t.weightsNote(n, n.input(0))
	t.set(n, 0, v)
	return nil
}

func (t *translation) weightsNote(n *nodeProto, name string) {
	t.note("node %q (%s): the quantised weights %q were taken back to float32", n.name, n.op, name)
}

// quantizeLinear translates QuantizeLinear of constants, and leaves activations as they
// are, but for the limits of their range: exporters leave a relu or clip before it away.
func (t *translation) quantizeLinear(n *nodeProto) error {
	v, err := t.must(n, 0)
	if err != nil {
		return err
	}
	d, scale, zero, err := t.axisScales(n, v)
	if err != nil {
		return err
	}
	elem := n.integer("output_dtype", typeUint8)
	if z, err := t.value(n, 2); err == nil && z != nil {
		elem = z.elem
	}
	lo, hi, ok := byteRange(elem)
	if !ok || slices.ContainsFunc(scale, func(f float32) bool { return !(f > 0) }) {
		return fmt.Errorf("found element type %d and scale %v, supported are int8 and uint8 and a scale above 0", elem, scale[0])
	}
	if v.kind == floats && union(v.dyn) == 0 {
		block := 1
		if len(scale) > 1 {
			block = product(v.shape[d+1:])
		}
		out := &tensor{shape: v.shape, free: v.free, kind: ints, elem: elem, i: make([]int64, len(v.f))}
		for k, f := range v.f {
			j := k / block % len(scale)
			q := math.RoundToEven(float64(f/scale[j])) + float64(zero[j])
			if !(math.Abs(q) <= math.MaxFloat32) {
				return fmt.Errorf("found %v in %q", f, n.input(0))
			}
			out.i[k] = int64(min(max(q, lo), hi))
		}
		t.set(n, 0, out)
		return nil
	}
	if v.kind != activation || len(scale) != 1 {
		return errors.New("found a scale for each feature of a computed value, supported is one")
	}
	u := *v
	limit := func(q float64) float32 {
		return float32(min(max((q-float64(zero[0]))*float64(scale[0]), -math.MaxFloat32), math.MaxFloat32))
	}
	least, most := limit(lo), limit(hi)
	if v.within == nil || v.within[0] < least || v.within[1] > most {
		w, err := t.applied(n.layerName(), v, format.Function{Kind: format.Clip, Alpha: least, Beta: most})
		if err != nil {
			return err
		}
		u = *w
		u.padded = v.padded // with zeros, which are within the limits
	}
	if !t.unquantised {
		t.unquantised = true
		t.note("activations are not quantised: of QuantizeLinear before DequantizeLinear only the limits were kept, the first of them in node %q", n.name)
	}
	u.quantised = &quantisation{scale[0], zero[0]}
	t.set(n, 0, &u)
	return nil
}

// dynamicQuantizeMatMul translates DynamicQuantizeMatMul, and what was recognised as one:
// a value times weights B with their scale and zero point, and a bias.
func (t *translation) dynamicQuantizeMatMul(n *nodeProto) error {
	B, err := t.must(n, 1)
	if err != nil {
		return err
	}
	d := max(0, len(B.shape)-1)
	scale, zero, err := t.scales(n, 2, 3, B.shape, d)
	if err != nil {
		return err
	}
	w, err := t.dequantised(B, scale, zero, d)
	if err != nil {
		return err
	}
	name := n.input(1) + " as floats"
	t.values[name] = w
	t.weightsNote(n, n.input(1))
	out := *n
	out.op, out.inputs = "MatMul", []string{n.input(0), name}
	err = t.matMul(&out)
	delete(t.values, name)
	if err != nil || n.input(4) == "" {
		return err
	}
	bias, err := t.parameter(n, 4, "bias")
	if err != nil {
		return err
	}
	y, err := t.named(n.outputs[0])
	if err != nil {
		return err
	}
	if y, err = t.combine("Add", n.layerName()+".bias", y, bias); err != nil {
		return err
	}
	t.set(n, 0, y)
	return nil
}

// dynamicQuantizeLSTM translates ONNX Runtime's LSTM with 8-bit W and R, which are
// transposed there, [directions, inputs, 4·H].
func (t *translation) dynamicQuantizeLSTM(n *nodeProto) error {
	lstm := *n
	lstm.op, lstm.inputs = "LSTM", slices.Clone(n.inputs[:min(8, len(n.inputs))])
	for k, role := range []string{1: "W", 2: "R"} {
		if role == "" {
			continue
		}
		v, err := t.must(n, k)
		if err != nil {
			return err
		}
		if len(v.shape) != 3 || v.kind != ints {
			return fmt.Errorf("found %s of shape %v, expected integers [directions, inputs, 4·H]", role, v.shape)
		}
		D, I, G := v.shape[0], v.shape[1], v.shape[2]
		s, err := t.parameter(n, 6+2*k, role+"_scale")
		if err != nil {
			return err
		}
		z, err := t.value(n, 7+2*k)
		if err != nil {
			return err
		}
		each := max(1, len(s.f)/max(D, 1)) // scales of a direction
		if len(s.f) != D*each || each != 1 && each != G || z != nil && (z.kind != ints || len(z.i) != len(s.f)) {
			return fmt.Errorf("found %s_scale of shape %v for %s of shape %v, supported are one for each direction and one for each of its gates' units", role, s.shape, role, v.shape)
		}
		if err := t.spend(v.size()); err != nil {
			return err
		}
		w := make([]float32, len(v.i))
		for at, q := range v.i {
			dir, i, g := at/(I*G), at/G%I, at%G
			j := dir*each + g%each
			if z != nil {
				q -= z.i[j]
			}
			w[(dir*G+g)*I+i] = float32(float64(q) * float64(s.f[j]))
		}
		name := n.input(k) + " as floats"
		t.values[name] = &tensor{shape: []int{D, G, I}, free: make([]mark, 3), f: w}
		lstm.inputs[k] = name
		t.weightsNote(n, n.input(k))
	}
	err := t.cell(&lstm)
	for _, name := range lstm.inputs[1:3] {
		delete(t.values, name)
	}
	return err
}

// integerProduct matches what quantize_dynamic writes for a MatMul or Conv with weights:
//
//	q, s, z = DynamicQuantizeLinear(x)   y = Mul(Cast(MatMulInteger(q, B, z, B_zero)), Mul(s, B_scale))
//
// x of a MatMul may also be rows of a quantised table, with a scale and a zero point of
// their own.
func (p pattern) integerProduct(n *nodeProto) *nodeProto {
	if n.op != "Mul" || len(n.outputs) != 1 {
		return nil
	}
	for k := range 2 {
		cast, scales := p.made(n.input(k), "Cast"), p.made(n.input(1-k), "Mul")
		if cast == nil || scales == nil || cast.integer("to", 0) != typeFloat {
			continue
		}
		m := p.made(cast.input(0), "MatMulInteger", "ConvInteger")
		if m == nil {
			continue
		}
		a, b := scales.input(0), scales.input(1)
		to := &nodeProto{op: "DynamicQuantizeMatMul", attributes: map[string]*attributeProto{}}
		if q := p.made(m.input(0), "DynamicQuantizeLinear"); q != nil && len(q.outputs) == 3 {
			if a != q.outputs[1] {
				a, b = b, a
			}
			if a != q.outputs[1] || m.input(0) != q.outputs[0] || m.input(2) != q.outputs[2] {
				return nil
			}
			if m.op == "ConvInteger" {
				if scale := p.known(b); scale == nil || len(scale.f) != 1 {
					return nil // one for each channel would stand beside another dimension in the last Mul
				}
				weights := n.outputs[0] + " weights"
				p.ahead[n] = []*nodeProto{{op: "DequantizeLinear", name: m.name, inputs: []string{m.input(1), b, m.input(3)}, outputs: []string{weights}, attributes: map[string]*attributeProto{}}}
				return &nodeProto{op: "Conv", inputs: []string{q.input(0), weights}, attributes: m.attributes}
			}
			to.inputs = []string{q.input(0), m.input(1), b, m.input(3)}
			return to
		}
		if g := p.made(m.input(0), "Gather"); m.op == "MatMulInteger" && g != nil && p.stored[g.input(0)] != nil {
			rows := n.outputs[0] + " rows"
			p.ahead[n] = []*nodeProto{{op: "DequantizeLinear", name: g.name, inputs: []string{m.input(0), a, m.input(2)}, outputs: []string{rows}, attributes: map[string]*attributeProto{}}}
			to.inputs = []string{rows, m.input(1), b, m.input(3)}
			return to
		}
	}
	return nil
}

// convolutionBias matches the bias that quantize_dynamic adds behind a Conv, b of shape
// [1, outputs, 1, …]:
//
//	y = Add(Conv(x, W), Reshape(b, [1, −1, 1]))
func (p pattern) convolutionBias(n *nodeProto) *nodeProto {
	if n.op != "Add" {
		return nil
	}
	for k := range n.inputs {
		conv, bias := p.made(n.input(k), "Conv"), p.made(n.input(1-min(k, 1)), "Reshape")
		if conv == nil || bias == nil || len(conv.inputs) != 2 || p.readers[n.input(k)] != 1 {
			continue
		}
		b, shape := p.stored[bias.input(0)], p.known(bias.input(1))
		if b == nil || len(b.dims) != 1 || shape == nil || len(shape.i) < 3 || shape.i[1] != -1 && shape.i[1] != b.dims[0] {
			continue
		}
		if slices.ContainsFunc(slices.Delete(slices.Clone(shape.i), 1, 2), func(d int64) bool { return d != 1 }) {
			continue
		}
		return &nodeProto{op: "Conv", inputs: append(slices.Clone(conv.inputs), bias.input(0)), attributes: conv.attributes}
	}
	return nil
}

// quantisedTable returns the floats that a table of 8-bit integers stands for, with the
// scale and zero point by which the DequantizeLinear that reads its rows takes them back:
// exporters move the rows about in between. Another table is what it was.
func (t *translation) quantisedTable(n *nodeProto, table *tensor) (*tensor, *quantisation, error) {
	if table.kind != ints || table.elem == 0 {
		return table, nil, nil
	}
	if err := t.spend(len(t.graph.nodes)); err != nil {
		return nil, nil, err
	}
	reader := t.takenBack(n.outputs[0])
	if reader == nil {
		return nil, nil, errors.New("found a look-up in a table of 8-bit integers, supported is that DequantizeLinear reads its rows")
	}
	scale, zero, err := t.scales(reader, 1, 2, nil, 0)
	if err != nil {
		return nil, nil, err
	}
	floats, err := t.dequantised(table, scale, zero, 0)
	if err != nil {
		return nil, nil, err
	}
	t.weightsNote(n, n.input(0))
	return floats, &quantisation{scale[0], zero[0]}, nil
}

// takenBack is the DequantizeLinear that a quantised value is moved to, nil for none.
func (t *translation) takenBack(name string) *nodeProto {
	moved := map[string]bool{name: true}
	for _, n := range t.graph.nodes {
		if len(n.inputs) == 0 || !moved[n.inputs[0]] {
			continue
		}
		if n.op == "DequantizeLinear" {
			return n
		}
		if n.op != "Shape" && movesQuantised[n.op] {
			for _, out := range n.outputs {
				moved[out] = true
			}
		}
	}
	return nil
}
