package tflite

import (
	"math"
)

// A function is one of Keras's that TensorFlow's converter writes out:
//
//	softplus  LOG(EXP(x) + 1)
//	selu      SELECT(x > 0, λ·x, (EXP(x) − 1)·λα)
//	elu with a parameter  SELECT(x > 0, ELU(x), ELU(x)·α)
//	hard sigmoid, of Keras 3: RELU6(x + 3)·⅙
//	a token that may count from the end  SELECT(x < 0, x + n, x), of which there is none here
//
// where λ·x may also be a FULLY_CONNECTED of its own, with weights that are λ times those
// of x's but for rounding. It has the sign of x then: selu is its positive part and the
// negative one of the other.
type function struct {
	op           string // of ONNX
	x            int    // tensor
	alpha, scale float32
	above        int // the tensor whose positive part counts, −1 for none
}

// reads are the tensors that a function needs.
func (f *function) reads() []int {
	if f.above >= 0 {
		return []int{f.x, f.above}
	}
	return []int{f.x}
}

// composed is the function that a node ends, nil for none.
func (l *lowering) composed(n node) *function {
	if len(n.out) != 1 {
		return nil
	}
	switch n.op {
	case opLog:
		return l.softplus(n)
	case opSelect, opSelectV2:
		if f := l.token(n); f != nil {
			return f
		}
		return l.selu(n)
	case opMul:
		return l.hardSigmoid(n)
	}
	return nil
}

func (l *lowering) hardSigmoid(n node) *function {
	const relu6 = 3
	if len(n.in) != 2 || n.settings.byte(0) != 0 {
		return nil
	}
	for i, k := range n.in {
		at, ok := l.made[k]
		if !ok || l.g.nodes[at].op != opAdd || len(l.g.nodes[at].in) != 2 || l.g.nodes[at].settings.byte(0) != relu6 {
			continue
		}
		sixth, ok := l.one(n.in[1-i])
		sum := l.g.nodes[at]
		for j, x := range sum.in {
			if three, ok2 := l.one(sum.in[1-j]); ok && ok2 && three == 3 && float32(sixth) == float32(1.0/6) && x >= 0 {
				return &function{op: "HardSigmoid", x: x, alpha: 1.0 / 6, scale: 1, above: -1}
			}
		}
	}
	return nil
}

func (l *lowering) softplus(n node) *function {
	if len(n.in) != 1 {
		return nil
	}
	sum, ok := l.from(n.in[0], opAdd, 2)
	if !ok {
		return nil
	}
	for i, k := range sum.in {
		exp, ok := l.from(k, opExp, 1)
		if one, known := l.one(sum.in[1-i]); ok && known && one == 1 {
			return &function{op: "Softplus", x: exp.in[0], scale: 1, above: -1}
		}
	}
	return nil
}

func (l *lowering) token(n node) *function {
	if len(n.in) != 3 {
		return nil
	}
	less, ok1 := l.from(n.in[0], opLess, 2)
	sum, ok2 := l.from(n.in[1], opAdd, 2)
	if !ok1 || !ok2 || less.in[0] != n.in[2] || !l.number0(less.in[1]) {
		return nil
	}
	if by, ok := other(sum, n.in[2]); !ok || !l.fixed(by) {
		return nil
	}
	return &function{op: "Identity", x: n.in[2], above: -1}
}

func (l *lowering) selu(n node) *function {
	if len(n.in) != 3 {
		return nil
	}
	positive, ok1 := l.from(n.in[0], opGreater, 2)
	below, ok2 := l.from(n.in[2], opMul, 2)
	if !ok1 || !ok2 {
		return nil
	}
	x := positive.in[0]
	if zero, ok := l.one(positive.in[1]); !ok || zero != 0 {
		return nil
	}
	for i, k := range below.in {
		elu, ok := l.from(k, opElu, 1)
		if alpha, known := l.one(below.in[1-i]); ok && known && elu.in[0] == x && n.in[1] == k {
			return &function{op: "Elu", x: x, alpha: float32(alpha), scale: 1, above: -1}
		}
		less, ok1 := l.from(k, opSub, 2)
		c, ok2 := l.one(below.in[1-i])
		if !ok1 || !ok2 {
			continue
		}
		exp, ok1 := l.from(less.in[0], opExp, 1)
		one, ok2 := l.one(less.in[1])
		if !ok1 || !ok2 || one != 1 || exp.in[0] != x || !(c > 0) {
			continue
		}
		if scale, ok := l.times(n.in[1], x); ok && scale > 0 {
			return &function{op: "Elu", x: x, alpha: float32(c / scale), scale: float32(scale), above: -1}
		}
		if l.proportional(n.in[1], x) {
			return &function{op: "Elu", x: x, alpha: float32(c), scale: 1, above: n.in[1]}
		}
	}
	return nil
}

// one is a constant of one number.
func (l *lowering) one(k int) (float64, bool) {
	if k < 0 || l.g.tensors[k].elements != 1 {
		return 0, false
	}
	v, err := l.constant(k, "number", 1)
	if err != nil {
		return 0, false
	}
	return float64(v[0]), true
}

// times is how often a tensor is another one.
func (l *lowering) times(k, x int) (scale float64, ok bool) {
	if k == x {
		return 1, true
	}
	if m, ok := l.from(k, opMul, 2); ok {
		if of, ok := other(m, x); ok {
			return l.one(of)
		}
	}
	return 0, false
}

// proportional reports whether two tensors are FULLY_CONNECTED of one input, with weights
// and bias that are positive multiples of each other but for rounding.
func (l *lowering) proportional(k, x int) bool {
	a, ok1 := l.fullyConnected(k)
	b, ok2 := l.fullyConnected(x)
	if !ok1 || !ok2 || a.in[0] != b.in[0] || len(a.in) != len(b.in) ||
		a.settings.byte(0) != 0 || a.settings.byte(1) != 0 || b.settings.byte(0) != 0 || b.settings.byte(1) != 0 || a.settings.byte(2) != b.settings.byte(2) {
		return false
	}
	rounding := 1e-6
	var many, few []float32
	for i := 1; i < len(a.in); i++ {
		if a.there(i) != b.there(i) {
			return false
		}
		if !a.there(i) {
			continue
		}
		t := l.g.tensors[a.in[i]]
		if t.kind != typeFloat32 {
			rounding = 1e-3
		}
		v, err1 := l.constant(a.in[i], "weights", t.elements)
		w, err2 := l.constant(b.in[i], "weights", t.elements)
		if err1 != nil || err2 != nil {
			return false
		}
		many, few = append(many, v...), append(few, w...)
	}
	var most, least float64
	for i := range few {
		if w := float64(few[i]); math.Abs(w) > math.Abs(least) {
			most, least = float64(many[i]), w
		}
	}
	scale := most / least
	if !(scale > 0) {
		return false
	}
	for i := range few {
		if !(math.Abs(float64(many[i])-scale*float64(few[i])) <= rounding*math.Abs(most)) {
			return false
		}
	}
	return true
}

// fullyConnected is the node that makes a tensor, if it is that.
func (l *lowering) fullyConnected(k int) (node, bool) {
	i, ok := l.made[k]
	if !ok || l.g.nodes[i].op != opDense || len(l.g.nodes[i].in) < 2 || l.g.nodes[i].in[0] < 0 {
		return node{}, false
	}
	return l.g.nodes[i], true
}

// compose adds a function in the place of n, which ends it.
func (l *lowering) compose(n node, f *function) error {
	x, err := l.name(f.x)
	if err != nil {
		return err
	}
	switch f.op {
	case "Softplus", "Identity":
		l.add(f.op, n, nil, x)
		return nil
	case "HardSigmoid":
		l.add(f.op, n, map[string]any{"alpha": f.alpha, "beta": float32(0.5)}, x)
		return nil
	}
	y := l.step(f.op, n, ".elu", map[string]any{"alpha": f.alpha}, x)
	if f.above < 0 {
		l.add("Mul", n, nil, y, l.number(n, ".scale", f.scale))
		return nil
	}
	above, err := l.name(f.above)
	if err != nil {
		return err
	}
	y = l.step("Clip", n, ".below", nil, y, l.number(n, ".from", -math.MaxFloat32), l.number(n, ".to", 0))
	l.add("Add", n, nil, l.step("Relu", n, ".above", nil, above), y)
	return nil
}
