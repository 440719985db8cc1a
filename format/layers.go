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
	OpDense      Op = 1
	OpRNN        Op = 2
	OpLSTM       Op = 3
	OpGRU        Op = 4
	OpEmbedding  Op = 5
	OpActivate   Op = 6
	OpSoftmax    Op = 7
	OpAdd        Op = 8
	OpConcat     Op = 9
	OpMul        Op = 10
	OpScale      Op = 11
	OpSlice      Op = 12
	OpNormalize  Op = 13
	OpLogSoftmax Op = 14
	OpReverse    Op = 15
	OpDelayLine  Op = 16
	lastOp          = OpDelayLine
)

var ops = [lastOp + 1]struct {
	name string
	make func() Layer
}{
	OpDense:      {"dense", func() Layer { return new(Dense) }},
	OpRNN:        {"rnn", func() Layer { return new(RNN) }},
	OpLSTM:       {"lstm", func() Layer { return new(LSTM) }},
	OpGRU:        {"gru", func() Layer { return new(GRU) }},
	OpEmbedding:  {"embedding", func() Layer { return new(Embedding) }},
	OpActivate:   {"activation", func() Layer { return new(Activate) }},
	OpSoftmax:    {"softmax", func() Layer { return new(Softmax) }},
	OpAdd:        {"add", func() Layer { return new(Add) }},
	OpConcat:     {"concat", func() Layer { return new(Concat) }},
	OpMul:        {"mul", func() Layer { return new(Mul) }},
	OpScale:      {"scale", func() Layer { return new(Scale) }},
	OpSlice:      {"slice", func() Layer { return new(Slice) }},
	OpNormalize:  {"normalize", func() Layer { return new(Normalize) }},
	OpLogSoftmax: {"log softmax", func() Layer { return new(LogSoftmax) }},
	OpReverse:    {"reverse", func() Layer { return new(Reverse) }},
	OpDelayLine:  {"delay line", func() Layer { return new(DelayLine) }},
}

// String returns the name of the layer type.
func (o Op) String() string {
	if o == 0 || o > lastOp {
		return fmt.Sprintf("layer type %d", uint16(o))
	}
	return ops[o].name
}

// Dense is Y = f(W·X + B), f linear, sigmoid, tanh or relu.
type Dense struct {
	Name string
	X, Y Buffer
	W, B TensorID // [Y, X]; [Y] or None
	F    Activation
}

// RNN is a vanilla recurrent layer, H = Y = f(clip(W·X + B + R·H)).
type RNN struct {
	Name    string
	X, Y    Buffer
	H       StateID
	W, R, B TensorID // [H, X], [H, H]; [H] or None
	F       Function
	Clip    float32 // limits the argument of f to ±Clip; 0 for no limit
}

// LSTM is a long short-term memory layer of U units, the size of C. Rows of W, R
// and B are the gates in the order input, forget, candidate, output (PyTorch's
// i, f, g, o). In its plain form
//
//	i, f, o = σ(W·X + B + R·H)   g = tanh(W·X + B + R·H)
//	C = f·C + i·g                H = Y = o·tanh(C)
//
// With peepholes, P·C is added before σ, element by element: the old C for i and f,
// the new one for o. P holds the peepholes of i, f and o.
//
// Coupled, it has no forget gate and f = 1 − i: rows are the gates i, g, o, and P
// holds the peepholes of i and o. A layer whose input gate is 1 − f becomes this by
// negating the weights, bias and peephole of its forget gate: σ(−a) = 1 − σ(a).
//
// With a projection (Sak, Senior and Beaufays, Long short-term memory recurrent
// neural network architectures for large scale acoustic modeling, 2014), H = Y =
// Proj·(o·tanh(C)) + ProjB.
//
// With layer normalisation (Ba, Kiros and Hinton, Layer normalization, 2016, as
// TensorFlow Lite has it), the argument of each gate, peephole included and bias
// not, is brought to mean 0 and variance 1 over the gate's units; then it is
// multiplied by Norm and B is added.
type LSTM struct {
	Name        string
	X, Y        Buffer
	H, C        StateID
	W, R, B     TensorID // [4U, X], [4U, H]; [4U] or None; 3U if coupled
	P           TensorID // [3U], [2U] if coupled, or None
	Norm        TensorID // [4U], [3U] if coupled, or None
	Proj, ProjB TensorID // [H, U], [H]; None: then H has U floats

	Gate, Candidate, Output Function // σ, tanh and tanh of C

	Clip     float32 // limits the arguments of Gate and Candidate; 0 for no limit
	CellClip float32 // limits the new C, before the output gate sees it; 0 for no limit
	ProjClip float32 // limits the projected H; 0 for no limit
	Coupled  bool    // f = 1 − i
}

// Gates is the number of gates in W, R and B.
func (l *LSTM) Gates() int {
	if l.Coupled {
		return 3
	}
	return 4
}

// GRU is a gated recurrent unit. Rows of W, R, B and BR are the gates in the order
// reset, update, candidate (PyTorch's r, z, n).
//
// Without RN the reset gate acts after the recurrent product (PyTorch, cuDNN):
//
//	r, u = σ(W·X + B + R·H + BR)   n = tanh(W·X + B + r·(R·H + BR))
//	H = Y = u·H + (1−u)·n
//
// With RN it acts on the state before the product (Cho et al., 2014); R has the
// first two gates, RN the candidate. Neither can be made from the other by
// rearranging weights.
//
//	r, u = σ(W·X + B + R·H)        n = tanh(W·X + B + RN·(r·H))
type GRU struct {
	Name        string
	X, Y        Buffer
	H           StateID
	W, R, B, BR TensorID // [3H, X], [3H, H]; [3H] or None, twice; R is [2H, H] with RN
	RN          TensorID // [H, H], or None: reset after

	Gate, Candidate Function // σ, tanh
	Clip            float32  // limits the arguments of both; 0 for no limit
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
	F    Function
}

// Softmax is Y[i] = exp(X[i]) / Σ exp(X[j]).
type Softmax struct {
	Name string
	X, Y Buffer
}

// LogSoftmax is Y[i] = X[i] − log Σ exp(X[j]).
type LogSoftmax struct {
	Name string
	X, Y Buffer
}

// Normalize is Y = (X − mean) / √(variance + Epsilon), mean and variance over the
// elements of X. Gain and shift of a layer normalisation are a Scale after it.
type Normalize struct {
	Name    string
	X, Y    Buffer
	Epsilon float32
}

// Add is Y = A + B.
type Add struct {
	Name    string
	A, B, Y Buffer
}

// Mul is Y = A·B, element by element.
type Mul struct {
	Name    string
	A, B, Y Buffer
}

// Scale is Y = S·X + B, element by element.
type Scale struct {
	Name string
	X, Y Buffer
	S, B TensorID // [X] or None, which is 1 and 0
}

// Slice is Y = X[From], X[From+1], … as many as Y holds.
type Slice struct {
	Name string
	X, Y Buffer
	From int
}

// Concat is Y = Xs[0], Xs[1], … one after the other.
type Concat struct {
	Name string
	Xs   []Buffer
	Y    Buffer
}

// Reverse turns a sequence around: Y at step t of T is X at step T−1−t. A cell
// between two of them runs backward in time. A model that has one needs a whole
// sequence and cannot run step by step.
type Reverse struct {
	Name string
	X, Y Buffer
}

// DelayLine is a tapped delay line: Y is X of the steps t−(n−1)·Dilation, …, t−Dilation, t,
// one after the other, n being Y / X, at least 2. A Dense on it is a causal convolution along
// time with a kernel of n steps (Waibel et al., Phoneme recognition using time-delay neural
// networks, 1989): a row of W has the kernel's weights of the oldest step first, those of
// the newest last.
//
// H is X of the (n−1)·Dilation steps before, the oldest first. From zeros, it starts as a
// sequence does that is padded with zeros in front.
type DelayLine struct {
	Name     string
	X, Y     Buffer
	H        StateID
	Dilation int // steps from one tap to the next, at least 1
}

func (*Dense) Op() Op      { return OpDense }
func (*RNN) Op() Op        { return OpRNN }
func (*LSTM) Op() Op       { return OpLSTM }
func (*GRU) Op() Op        { return OpGRU }
func (*Embedding) Op() Op  { return OpEmbedding }
func (*Activate) Op() Op   { return OpActivate }
func (*Softmax) Op() Op    { return OpSoftmax }
func (*LogSoftmax) Op() Op { return OpLogSoftmax }
func (*Normalize) Op() Op  { return OpNormalize }
func (*Add) Op() Op        { return OpAdd }
func (*Mul) Op() Op        { return OpMul }
func (*Scale) Op() Op      { return OpScale }
func (*Slice) Op() Op      { return OpSlice }
func (*Concat) Op() Op     { return OpConcat }
func (*Reverse) Op() Op    { return OpReverse }
func (*DelayLine) Op() Op  { return OpDelayLine }

func (l *Dense) LayerName() string      { return l.Name }
func (l *RNN) LayerName() string        { return l.Name }
func (l *LSTM) LayerName() string       { return l.Name }
func (l *GRU) LayerName() string        { return l.Name }
func (l *Embedding) LayerName() string  { return l.Name }
func (l *Activate) LayerName() string   { return l.Name }
func (l *Softmax) LayerName() string    { return l.Name }
func (l *LogSoftmax) LayerName() string { return l.Name }
func (l *Normalize) LayerName() string  { return l.Name }
func (l *Add) LayerName() string        { return l.Name }
func (l *Mul) LayerName() string        { return l.Name }
func (l *Scale) LayerName() string      { return l.Name }
func (l *Slice) LayerName() string      { return l.Name }
func (l *Concat) LayerName() string     { return l.Name }
func (l *Reverse) LayerName() string    { return l.Name }
func (l *DelayLine) LayerName() string  { return l.Name }

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
	function(role string, f *Function)
	number(role string, n *int)
	float(role string, x *float32)
	flag(role string, b *bool)
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
	v.function("F", &l.F)
	v.float("Clip", &l.Clip)
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
	v.optional("Norm", &l.Norm)
	v.optional("Proj", &l.Proj)
	v.optional("ProjB", &l.ProjB)
	v.function("Gate", &l.Gate)
	v.function("Candidate", &l.Candidate)
	v.function("Output", &l.Output)
	v.float("Clip", &l.Clip)
	v.float("CellClip", &l.CellClip)
	v.float("ProjClip", &l.ProjClip)
	v.flag("Coupled", &l.Coupled)
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
	v.optional("RN", &l.RN)
	v.function("Gate", &l.Gate)
	v.function("Candidate", &l.Candidate)
	v.float("Clip", &l.Clip)
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
	v.function("F", &l.F)
}

func (l *Softmax) visit(v visitor)    { visitUnary(v, &l.Name, &l.X, &l.Y) }
func (l *LogSoftmax) visit(v visitor) { visitUnary(v, &l.Name, &l.X, &l.Y) }
func (l *Reverse) visit(v visitor)    { visitUnary(v, &l.Name, &l.X, &l.Y) }
func (l *Add) visit(v visitor)        { visitBinary(v, &l.Name, &l.A, &l.B, &l.Y) }
func (l *Mul) visit(v visitor)        { visitBinary(v, &l.Name, &l.A, &l.B, &l.Y) }

func visitUnary(v visitor, name *string, x, y *Buffer) {
	v.name(name)
	v.reads("X", x)
	v.writes("Y", y)
}

func visitBinary(v visitor, name *string, a, b, y *Buffer) {
	v.name(name)
	v.reads("A", a)
	v.reads("B", b)
	v.writes("Y", y)
}

func (l *Normalize) visit(v visitor) {
	visitUnary(v, &l.Name, &l.X, &l.Y)
	v.float("Epsilon", &l.Epsilon)
}

func (l *Scale) visit(v visitor) {
	visitUnary(v, &l.Name, &l.X, &l.Y)
	v.optional("S", &l.S)
	v.optional("B", &l.B)
}

func (l *Slice) visit(v visitor) {
	visitUnary(v, &l.Name, &l.X, &l.Y)
	v.number("From", &l.From)
}

func (l *Concat) visit(v visitor) {
	v.name(&l.Name)
	v.readsAll("Xs", &l.Xs)
	v.writes("Y", &l.Y)
}

func (l *DelayLine) visit(v visitor) {
	v.name(&l.Name)
	v.reads("X", &l.X)
	v.writes("Y", &l.Y)
	v.state("H", &l.H)
	v.number("Dilation", &l.Dilation)
}

func (l *Dense) check(s *shapes) {
	x, y := s.width(l.X), s.width(l.Y)
	if l.F > Relu {
		s.fail("F is %v, want linear, sigmoid, tanh or relu", l.F)
	}
	s.matrix("W", l.W, y, x)
	s.vector("B", l.B, y)
}

func (l *RNN) check(s *shapes) {
	H := s.state(l.H)
	s.equal("Y", s.width(l.Y), "H", H)
	s.cell(l.X, l.W, l.R, l.B, H, H)
	s.function("F", l.F)
	s.limit("Clip", l.Clip)
}

func (l *LSTM) check(s *shapes) {
	H, U := s.state(l.H), s.state(l.C)
	s.equal("Y", s.width(l.Y), "H", H)
	switch {
	case l.Proj != None:
		s.matrix("Proj", l.Proj, H, U)
		s.vector("ProjB", l.ProjB, H)
	case l.ProjB != None || !isZero(l.ProjClip):
		s.fail("ProjB or ProjClip without Proj")
	default:
		s.equal("C", U, "H", H)
	}
	s.cell(l.X, l.W, l.R, l.B, l.Gates()*U, H)
	s.vector("P", l.P, (l.Gates()-1)*U)
	s.vector("Norm", l.Norm, l.Gates()*U)
	s.function("Gate", l.Gate)
	s.function("Candidate", l.Candidate)
	s.function("Output", l.Output)
	s.limit("Clip", l.Clip)
	s.limit("CellClip", l.CellClip)
	s.limit("ProjClip", l.ProjClip)
}

func (l *GRU) check(s *shapes) {
	H := s.state(l.H)
	s.equal("Y", s.width(l.Y), "H", H)
	s.matrix("W", l.W, 3*H, s.width(l.X))
	s.vector("B", l.B, 3*H)
	if l.RN == None {
		s.matrix("R", l.R, 3*H, H)
		s.vector("BR", l.BR, 3*H)
	} else {
		s.matrix("R", l.R, 2*H, H)
		s.matrix("RN", l.RN, H, H)
		if l.BR != None {
			s.fail("BR with RN: a second bias is for the reset gate after the product")
		}
	}
	s.function("Gate", l.Gate)
	s.function("Candidate", l.Candidate)
	s.limit("Clip", l.Clip)
}

func (l *Embedding) check(s *shapes) {
	if l.X != Input || s.width(l.X) != 1 {
		s.fail("X is buffer %d with %d floats, want the model's input, one token", l.X, s.width(l.X))
	}
	s.table("Table", l.Table, s.width(l.Y))
}

func (l *Activate) check(s *shapes) {
	s.equal("Y", s.width(l.Y), "X", s.width(l.X))
	s.function("F", l.F)
}

func (l *Softmax) check(s *shapes)    { s.equal("Y", s.width(l.Y), "X", s.width(l.X)) }
func (l *LogSoftmax) check(s *shapes) { s.equal("Y", s.width(l.Y), "X", s.width(l.X)) }
func (l *Reverse) check(s *shapes)    { s.equal("Y", s.width(l.Y), "X", s.width(l.X)) }

func (l *Normalize) check(s *shapes) {
	s.equal("Y", s.width(l.Y), "X", s.width(l.X))
	if !(l.Epsilon >= minEpsilon && l.Epsilon <= 1) {
		s.fail("Epsilon is %v, want %g to 1", l.Epsilon, float64(minEpsilon))
	}
}

func (l *Add) check(s *shapes) { s.binary(l.A, l.B, l.Y) }
func (l *Mul) check(s *shapes) { s.binary(l.A, l.B, l.Y) }

func (l *Scale) check(s *shapes) {
	s.equal("Y", s.width(l.Y), "X", s.width(l.X))
	s.vector("S", l.S, s.width(l.X))
	s.vector("B", l.B, s.width(l.X))
}

func (l *Slice) check(s *shapes) {
	if x, y := s.width(l.X), s.width(l.Y); l.From+y > x {
		s.fail("From is %d with %d floats in Y, want at most %d together", l.From, y, x)
	}
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

func (l *DelayLine) check(s *shapes) {
	x, y, h := s.width(l.X), s.width(l.Y), s.state(l.H)
	if y%x != 0 || y < 2*x {
		s.fail("Y has %d floats, want X's %d times 2 or more", y, x)
		return
	}
	// In 64 bits, since an int of 32 would not hold every product.
	if want := int64(y-x) * int64(l.Dilation); l.Dilation < 1 || want != int64(h) {
		s.fail("Dilation is %d with %d floats in X, %d in Y and %d in H, want at least 1, and (Y − X)·Dilation in H", l.Dilation, x, y, h)
	}
}
