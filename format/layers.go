package format

import "fmt"

// A Layer is one instruction of a model's program: it reads buffers, states and
// tensors and writes one buffer. The types that implement it are the ones below,
// always as pointers.
type Layer interface {
	// Op is the code of the layer's type in a file.
	Op() Op
	// LayerName is the layer's name, for people.
	LayerName() string

	// visit walks the fields in the order of the file. Reading, writing,
	// checking and printing a layer are visitors: a field is named once, here.
	visit(v visitor)
	// check verifies the shapes, after the references have been found good.
	check(s *shapes)
}

// Op is the code of a layer type in a file.
type Op uint16

// The layer types.
const (
	OpDense     Op = 1
	OpRNN       Op = 2
	OpLSTM      Op = 3
	OpGRU       Op = 4
	OpEmbedding Op = 5
	OpActivate  Op = 6
	OpSoftmax   Op = 7
	OpAdd       Op = 8
	OpConcat    Op = 9
	OpCoupled   Op = 10
	OpGRUBefore Op = 11
	lastOp         = OpGRUBefore
)

var ops = [lastOp + 1]struct {
	name string
	make func() Layer
}{
	OpDense:     {"dense", func() Layer { return new(Dense) }},
	OpRNN:       {"rnn", func() Layer { return new(RNN) }},
	OpLSTM:      {"lstm", func() Layer { return new(LSTM) }},
	OpGRU:       {"gru", func() Layer { return new(GRU) }},
	OpEmbedding: {"embedding", func() Layer { return new(Embedding) }},
	OpActivate:  {"activation", func() Layer { return new(Activate) }},
	OpSoftmax:   {"softmax", func() Layer { return new(Softmax) }},
	OpAdd:       {"add", func() Layer { return new(Add) }},
	OpConcat:    {"concat", func() Layer { return new(Concat) }},
	OpCoupled:   {"coupled lstm", func() Layer { return new(CoupledLSTM) }},
	OpGRUBefore: {"gru, reset before", func() Layer { return new(GRUBefore) }},
}

// String returns the name of the layer type.
func (o Op) String() string {
	if o == 0 || o > lastOp {
		return fmt.Sprintf("layer type %d", uint16(o))
	}
	return ops[o].name
}

// Dense is Y = f(W·X + B).
type Dense struct {
	Name string
	X, Y Buffer
	W, B TensorID // [Y, X]; [Y] or None
	F    Activation
}

// RNN is a vanilla recurrent layer, H = Y = f(W·X + B + R·H), f tanh or relu.
type RNN struct {
	Name    string
	X, Y    Buffer
	H       StateID
	W, R, B TensorID // [H, X], [H, H]; [H] or None
	F       Activation
}

// LSTM is a long short-term memory layer. Rows of W, R and B are the gates in
// the order input, forget, candidate, output (PyTorch's i, f, g, o).
//
//	i, f, o = σ(W·X + B + R·H)   g = tanh(W·X + B + R·H)
//	C = f·C + i·g                H = Y = o·tanh(C)
//
// With peepholes, P·C is added before σ, element by element: the old C for i and f,
// the new one for o. P holds the peepholes of i, f and o.
type LSTM struct {
	Name    string
	X, Y    Buffer
	H, C    StateID
	W, R, B TensorID // [4H, X], [4H, H]; [4H] or None
	P       TensorID // [3H] or None
}

// CoupledLSTM is an LSTM whose forget gate is 1 − i. Rows of W, R and B are the
// gates in the order input, candidate, output; P, if there, holds the peepholes of
// input and output.
//
//	C = (1−i)·C + i·g            H = Y = o·tanh(C)
//
// One whose input gate is 1 − f becomes this by negating the weights, bias and
// peephole of its forget gate: σ(−a) = 1 − σ(a).
type CoupledLSTM struct {
	Name    string
	X, Y    Buffer
	H, C    StateID
	W, R, B TensorID // [3H, X], [3H, H]; [3H] or None
	P       TensorID // [2H] or None
}

// GRU is a gated recurrent unit whose reset gate acts after the recurrent
// product. Rows of W, R, B and BR are the gates in the order reset, update,
// candidate (PyTorch's r, z, n).
//
//	r, u = σ(W·X + B + R·H + BR)   n = tanh(W·X + B + r·(R·H + BR))
//	H = Y = u·H + (1−u)·n
type GRU struct {
	Name        string
	X, Y        Buffer
	H           StateID
	W, R, B, BR TensorID // [3H, X], [3H, H]; [3H] or None, twice
}

// GRUBefore is a GRU whose reset gate acts on the state before the recurrent
// product. Rows of W and B are the gates reset, update, candidate; R has the first
// two, RN the candidate. It cannot be made from a GRU by rearranging weights.
//
//	r, u = σ(W·X + B + R·H)      n = tanh(W·X + B + RN·(r·H))
//	H = Y = u·H + (1−u)·n
type GRUBefore struct {
	Name        string
	X, Y        Buffer
	H           StateID
	W, R, RN, B TensorID // [3H, X], [2H, H], [H, H]; [3H] or None
}

// Embedding is Y = Table[X], X being the model's input, one whole number.
type Embedding struct {
	Name  string
	X, Y  Buffer
	Table TensorID // Table [vocabulary, Y]
}

// Activate is Y = f(X), element by element.
type Activate struct {
	Name string
	X, Y Buffer
	F    Activation
}

// Softmax is Y[i] = exp(X[i]) / Σ exp(X[j]).
type Softmax struct {
	Name string
	X, Y Buffer
}

// Add is Y = A + B.
type Add struct {
	Name    string
	A, B, Y Buffer
}

// Concat is Y = Xs[0], Xs[1], … one after the other.
type Concat struct {
	Name string
	Xs   []Buffer
	Y    Buffer
}

func (*Dense) Op() Op       { return OpDense }
func (*RNN) Op() Op         { return OpRNN }
func (*LSTM) Op() Op        { return OpLSTM }
func (*GRU) Op() Op         { return OpGRU }
func (*Embedding) Op() Op   { return OpEmbedding }
func (*Activate) Op() Op    { return OpActivate }
func (*Softmax) Op() Op     { return OpSoftmax }
func (*Add) Op() Op         { return OpAdd }
func (*Concat) Op() Op      { return OpConcat }
func (*CoupledLSTM) Op() Op { return OpCoupled }
func (*GRUBefore) Op() Op   { return OpGRUBefore }

func (l *Dense) LayerName() string       { return l.Name }
func (l *RNN) LayerName() string         { return l.Name }
func (l *LSTM) LayerName() string        { return l.Name }
func (l *GRU) LayerName() string         { return l.Name }
func (l *Embedding) LayerName() string   { return l.Name }
func (l *Activate) LayerName() string    { return l.Name }
func (l *Softmax) LayerName() string     { return l.Name }
func (l *Add) LayerName() string         { return l.Name }
func (l *Concat) LayerName() string      { return l.Name }
func (l *CoupledLSTM) LayerName() string { return l.Name }
func (l *GRUBefore) LayerName() string   { return l.Name }

// A visitor is shown the fields of a layer, one after the other, by the role
// they have in it.
type visitor interface {
	name(n *string)
	reads(role string, b *Buffer)
	readsAll(role string, b *[]Buffer)
	writes(role string, b *Buffer)
	state(role string, s *StateID)
	tensor(role string, t *TensorID)
	optional(role string, t *TensorID)
	activation(role string, f *Activation)
}

func (l *Dense) visit(v visitor) {
	v.name(&l.Name)
	v.reads("X", &l.X)
	v.writes("Y", &l.Y)
	v.tensor("W", &l.W)
	v.optional("B", &l.B)
	v.activation("F", &l.F)
}

func (l *RNN) visit(v visitor) {
	v.name(&l.Name)
	v.reads("X", &l.X)
	v.writes("Y", &l.Y)
	v.state("H", &l.H)
	v.tensor("W", &l.W)
	v.tensor("R", &l.R)
	v.optional("B", &l.B)
	v.activation("F", &l.F)
}

func (l *LSTM) visit(v visitor) {
	v.name(&l.Name)
	v.reads("X", &l.X)
	v.writes("Y", &l.Y)
	v.state("H", &l.H)
	v.state("C", &l.C)
	v.tensor("W", &l.W)
	v.tensor("R", &l.R)
	v.optional("B", &l.B)
	v.optional("P", &l.P)
}

func (l *CoupledLSTM) visit(v visitor) {
	v.name(&l.Name)
	v.reads("X", &l.X)
	v.writes("Y", &l.Y)
	v.state("H", &l.H)
	v.state("C", &l.C)
	v.tensor("W", &l.W)
	v.tensor("R", &l.R)
	v.optional("B", &l.B)
	v.optional("P", &l.P)
}

func (l *GRU) visit(v visitor) {
	v.name(&l.Name)
	v.reads("X", &l.X)
	v.writes("Y", &l.Y)
	v.state("H", &l.H)
	v.tensor("W", &l.W)
	v.tensor("R", &l.R)
	v.optional("B", &l.B)
	v.optional("BR", &l.BR)
}

func (l *GRUBefore) visit(v visitor) {
	v.name(&l.Name)
	v.reads("X", &l.X)
	v.writes("Y", &l.Y)
	v.state("H", &l.H)
	v.tensor("W", &l.W)
	v.tensor("R", &l.R)
	v.tensor("RN", &l.RN)
	v.optional("B", &l.B)
}

func (l *Embedding) visit(v visitor) {
	v.name(&l.Name)
	v.reads("X", &l.X)
	v.writes("Y", &l.Y)
	v.tensor("Table", &l.Table)
}

func (l *Activate) visit(v visitor) {
	v.name(&l.Name)
	v.reads("X", &l.X)
	v.writes("Y", &l.Y)
	v.activation("F", &l.F)
}

func (l *Softmax) visit(v visitor) {
	v.name(&l.Name)
	v.reads("X", &l.X)
	v.writes("Y", &l.Y)
}

func (l *Add) visit(v visitor) {
	v.name(&l.Name)
	v.reads("A", &l.A)
	v.reads("B", &l.B)
	v.writes("Y", &l.Y)
}

func (l *Concat) visit(v visitor) {
	v.name(&l.Name)
	v.readsAll("Xs", &l.Xs)
	v.writes("Y", &l.Y)
}

func (l *Dense) check(s *shapes) {
	x, y := s.width(l.X), s.width(l.Y)
	s.matrix("W", l.W, y, x)
	s.vector("B", l.B, y)
}

func (l *RNN) check(s *shapes) {
	if l.F != Tanh && l.F != Relu {
		s.fail("F is %v, want tanh or relu", l.F)
	}
	s.cell(l.X, l.Y, l.H, l.W, l.R, l.B, 1)
}

func (l *LSTM) check(s *shapes) {
	s.cell(l.X, l.Y, l.H, l.W, l.R, l.B, 4)
	s.equal("C", s.state(l.C), "H", s.state(l.H))
	s.vector("P", l.P, 3*s.state(l.H))
}

func (l *CoupledLSTM) check(s *shapes) {
	s.cell(l.X, l.Y, l.H, l.W, l.R, l.B, 3)
	s.equal("C", s.state(l.C), "H", s.state(l.H))
	s.vector("P", l.P, 2*s.state(l.H))
}

func (l *GRU) check(s *shapes) {
	s.cell(l.X, l.Y, l.H, l.W, l.R, l.B, 3)
	s.vector("BR", l.BR, 3*s.state(l.H))
}

func (l *GRUBefore) check(s *shapes) {
	H := s.state(l.H)
	s.equal("Y", s.width(l.Y), "H", H)
	s.matrix("W", l.W, 3*H, s.width(l.X))
	s.matrix("R", l.R, 2*H, H)
	s.matrix("RN", l.RN, H, H)
	s.vector("B", l.B, 3*H)
}

func (l *Embedding) check(s *shapes) {
	if l.X != Input || s.width(l.X) != 1 {
		s.fail("X is buffer %d with %d floats, want the model's input, one token", l.X, s.width(l.X))
	}
	s.table("Table", l.Table, s.width(l.Y))
}

func (l *Activate) check(s *shapes) { s.equal("Y", s.width(l.Y), "X", s.width(l.X)) }
func (l *Softmax) check(s *shapes)  { s.equal("Y", s.width(l.Y), "X", s.width(l.X)) }

func (l *Add) check(s *shapes) {
	s.equal("B", s.width(l.B), "A", s.width(l.A))
	s.equal("Y", s.width(l.Y), "A", s.width(l.A))
}

func (l *Concat) check(s *shapes) {
	sum := 0
	for _, x := range l.Xs {
		if sum += s.width(x); sum > MaxWidth {
			s.fail("Xs together exceed %d floats", MaxWidth)
			return
		}
	}
	s.equal("Y", s.width(l.Y), "Xs together", sum)
}
