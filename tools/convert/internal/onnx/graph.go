package onnx

import (
	"errors"
	"fmt"

	"github.com/rnnedge/rnnedge/format"
)

// A translation walks the graph once and puts the program together.
type translation struct {
	graph *graphProto
	cellInputs
	opset   int64
	values  map[string]*tensor      // what has been computed
	stored  map[string]*tensorProto // initializers, decoded when they are used
	uses    map[string]int          // how many readers a value has
	sources []source
	states  []fedState
	parts   map[run]format.Buffer // slice layers
	refused map[string]error      // graph inputs that cannot be read
	steps   []int64               // lengths of dimensions of the input that were taken as 1
	builder *format.Builder
	input   string // the graph input that is the model's, once it is known
	token   bool
	budget  int // elements that may still be computed
	notes   []string
}

// A source is where elements of activations come from.
type source struct {
	kind  sourceKind
	width int
	name  string        // input: the graph input's; final state: the model's; turned: the layer's
	token bool          // input: of integers
	of    int32         // final state: the source with the cell's output; turned: what is turned
	dense *dense        // computed: a dense layer that is not added yet
	buf   format.Buffer // computed, turned: the layer's output; 0 while there is none
}

type sourceKind uint8

const (
	fromInput  sourceKind = iota
	computed              // the output of a layer
	hiddenLast            // h after the step, which is the layer's output too
	cellLast              // c after the step
	turned                // a source with the last time step first, where that is read
)

func newTranslation(p *modelProto, size int) *translation {
	return &translation{
		graph: p.graph, opset: p.opset,
		values:  map[string]*tensor{},
		stored:  map[string]*tensorProto{},
		uses:    map[string]int{},
		parts:   map[run]format.Buffer{},
		refused: map[string]error{},
		budget:  1<<20 + 16*size,
	}
}

func (t *translation) note(format string, a ...any) {
	t.notes = append(t.notes, fmt.Sprintf(format, a...))
}

// model translates the graph.
func (t *translation) model() (*format.Model, error) {
	if t.graph.sparse {
		return nil, errors.New("found sparse initializers, supported are dense ones")
	}
	recognise(t.graph)
	live, err := t.survey()
	if err != nil {
		return nil, err
	}
	if err := t.nodes(t.graph.nodes, live); err != nil {
		return nil, err
	}
	if err := t.output(); err != nil {
		return nil, err
	}
	m, err := t.builder.Model()
	if err != nil {
		return nil, fmt.Errorf("the graph makes a model that is not valid: %w", err)
	}
	return m, nil
}

// survey indexes the graph: initializers, inputs, who reads what, and which nodes
// the outputs need.
func (t *translation) survey() ([]bool, error) {
	for _, p := range t.graph.initializers {
		if t.stored[p.name] == nil { // else it is bound to something else
			t.stored[p.name] = p
		}
	}
	producer := map[string]int{}
	for k, n := range t.graph.nodes {
		for _, out := range n.outputs {
			if _, twice := producer[out]; twice && out != "" {
				return nil, fmt.Errorf("node %q (%s): found output %q of an earlier node again, expected one producer", n.name, n.op, out)
			}
			producer[out] = k
		}
	}
	delete(producer, "")
	live := make([]bool, len(t.graph.nodes))
	var need []string
	for _, o := range t.graph.outputs {
		t.uses[o.name]++
		need = append(need, o.name)
	}
	for len(need) > 0 {
		name := need[len(need)-1]
		need = need[:len(need)-1]
		if k, ok := producer[name]; ok && !live[k] {
			live[k] = true
			for _, in := range t.graph.nodes[k].reads() {
				t.uses[in]++
				need = append(need, in)
			}
		}
	}
	t.findStates(live)
	for _, in := range t.graph.inputs {
		if _, stored := t.stored[in.name]; stored {
			continue
		}
		if t.uses[in.name] == 0 {
			t.note("input %q is not used", in.name)
			continue
		}
		if err := t.addInput(in); err != nil {
			t.refused[in.name] = fmt.Errorf("input %q: %w", in.name, err) // where it is read
		}
	}
	for k, n := range t.graph.nodes {
		if !live[k] {
			t.note("node %q (%s) is not used", n.name, n.op)
		}
	}
	for _, p := range t.graph.initializers {
		if t.uses[p.name] == 0 {
			t.note("initializer %q is not used", p.name)
		}
	}
	return live, nil
}

// addInput makes a graph input a source. Of the model's input only the last
// dimension, the features, counts; time and batch are 1.
func (t *translation) addInput(in *valueProto) error {
	v := &tensor{kind: activation}
	s := source{kind: fromInput, name: in.name}
	switch in.elem {
	case typeFloat, typeFloat16, typeDouble:
	case typeInt32, typeInt64:
		s.token = true
	default:
		return fmt.Errorf("found element type %d, supported are floats and integers", in.elem)
	}
	if !in.hasShape {
		return errors.New("found no shape, expected one with a fixed number of features")
	}
	state, length := t.stateIn[in.name], t.lengthIn[in.name]
	streams, alone := t.streams[in.name]
	if length {
		t.note("input %q is the length of a padded sequence: it is for Session.RunLength, and counts for the whole model", in.name)
	}
	for k, d := range in.dims {
		features := !state && !s.token && k == in.features()
		if features && d < 1 {
			return fmt.Errorf("found shape %v with -1 for what is dynamic, expected a fixed number of features in the last dimension", in.dims)
		}
		forced := d < 1 || (d > 1 && !features && (!state || alone && k == streams))
		if forced && d > 1 && !length {
			if len(in.dims) > 3 {
				return fmt.Errorf("found the fixed shape %v, supported are time, batch and features, and states of RNN, GRU and LSTM nodes; a cell that is written out as MatMul, Sigmoid and Tanh is not seen as one", in.dims)
			}
			t.note("input %q: dimension %d of %d was taken as 1, a time step of one stream", in.name, k, d)
			t.steps = append(t.steps, d)
		}
		if forced {
			d = 1
		}
		if d > format.MaxWidth {
			return fmt.Errorf("found shape %v, supported are up to %d elements", in.dims, format.MaxWidth)
		}
		v.shape, v.free = append(v.shape, int(d)), append(v.free, forced)
	}
	n, err := checked(v.shape)
	if err != nil {
		return err
	}
	if n > format.MaxWidth {
		return fmt.Errorf("found %d elements, supported are up to %d", n, format.MaxWidth)
	}
	if err := t.spend(n); err != nil {
		return err
	}
	s.width = n
	v.refs = t.addSource(s)
	t.values[in.name] = v
	return nil
}

// features is the dimension of an input that holds the features: the last one, or
// before a dynamic one the only one that is fixed, as in [batch, features, time].
func (in *valueProto) features() int {
	last := len(in.dims) - 1
	if last < 0 || in.dims[last] > 0 {
		return last
	}
	fixed := -1
	for k, d := range in.dims {
		if d > 1 && fixed >= 0 {
			return last
		}
		if d > 1 {
			fixed = k
		}
	}
	if fixed < 0 {
		return last
	}
	return fixed
}

// addSource returns the elements of a new source.
func (t *translation) addSource(s source) []ref {
	t.sources = append(t.sources, s)
	refs := make([]ref, s.width)
	for k := range refs {
		refs[k] = ref{int32(len(t.sources) - 1), int32(k)}
	}
	return refs
}

// spend keeps a small file from asking for much memory.
func (t *translation) spend(elements int) error {
	if t.budget -= elements; t.budget < 0 {
		return errors.New("found more computed elements than a model of this size needs")
	}
	return nil
}

// input returns the name of input k, "" for none.
func (n *nodeProto) input(k int) string {
	if k < len(n.inputs) {
		return n.inputs[k]
	}
	return ""
}

// value returns input k of a node, nil if it is optional and not there.
func (t *translation) value(n *nodeProto, k int) (*tensor, error) {
	if name := n.input(k); name != "" {
		return t.named(name)
	}
	return nil, nil
}

// named returns a value by its name.
func (t *translation) named(name string) (*tensor, error) {
	if v := t.values[name]; v != nil {
		if t.uses[name] > 1 {
			return v, t.settle(v)
		}
		return v, nil
	}
	if p := t.stored[name]; p != nil {
		v, err := p.decode()
		if err != nil {
			return nil, fmt.Errorf("initializer %q: %w", name, err)
		}
		t.values[name] = v
		return v, nil
	}
	if err := t.refused[name]; err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("found input %q, which nothing before it computes", name)
}

// settle adds the pending layers behind a value that several nodes read: none of
// them may change it for the others.
func (t *translation) settle(v *tensor) error {
	if v.settled {
		return nil
	}
	v.settled = true
	for _, r := range v.refs {
		if t.sources[r.source].dense != nil {
			if _, err := t.buffer(r.source); err != nil {
				return err
			}
		}
	}
	return nil
}

// must is value for an input that has to be there.
func (t *translation) must(n *nodeProto, k int) (*tensor, error) {
	v, err := t.value(n, k)
	if err == nil && v == nil {
		err = fmt.Errorf("found no input %d", k)
	}
	return v, err
}

func (t *translation) set(n *nodeProto, k int, v *tensor) {
	if k < len(n.outputs) && n.outputs[k] != "" {
		t.values[n.outputs[k]] = v
	}
}

// whole returns the buffer that holds the elements of v in order, adding what is
// pending, slices where v takes parts of sources, and a concatenation where it has
// several.
func (t *translation) whole(name string, v *tensor) (format.Buffer, error) {
	if v.constant() {
		return 0, errors.New("found a constant, supported is a value that depends on the input")
	}
	runs := v.runs()
	if len(runs) == 0 {
		return 0, errors.New("found an empty value")
	}
	if len(runs) > maxParts {
		return 0, fmt.Errorf("found a value that rearranges %s in %d parts, supported are up to %d", t.describe(runs[0].source), len(runs), maxParts)
	}
	parts := make([]format.Buffer, len(runs))
	for k, r := range runs {
		b, err := t.buffer(r.source)
		if err != nil {
			return 0, err
		}
		if width := t.sources[r.source].width; r.n < width {
			if err := t.spend(r.n + len(name)); err != nil {
				return 0, err
			}
			b = t.part(fmt.Sprintf("%s.%d", name, k), r, b)
		}
		parts[k] = b
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return t.builder.Concat(name, parts...), nil
}

// maxParts is how many parts of sources a value may have without it being called a
// rearrangement, which costs a layer for each.
const maxParts = 64

// A run is elements of a source that follow each other.
type run struct {
	source  int32
	from, n int
}

// runs are the parts of sources that v consists of, in order.
func (v *tensor) runs() []run {
	var runs []run
	for _, r := range v.refs {
		if k := len(runs) - 1; k >= 0 && runs[k].source == r.source && runs[k].from+runs[k].n == int(r.index) {
			runs[k].n++
		} else {
			runs = append(runs, run{r.source, int(r.index), 1})
		}
	}
	return runs
}

// part is the output of a slice layer, one for each run however often it is read.
func (t *translation) part(name string, r run, x format.Buffer) format.Buffer {
	b, ok := t.parts[r]
	if !ok {
		b = t.builder.Slice(name, x, r.from, r.n)
		t.parts[r] = b
	}
	return b
}

func (t *translation) describe(id int32) string {
	if s := t.sources[id]; s.kind == fromInput {
		return fmt.Sprintf("input %q", s.name)
	}
	return fmt.Sprintf("a layer's %d outputs", t.sources[id].width)
}

// buffer returns the buffer of a source.
func (t *translation) buffer(id int32) (format.Buffer, error) {
	s := &t.sources[id]
	switch s.kind {
	case fromInput:
		return format.Input, t.bind(s, false)
	case hiddenLast:
		return t.buffer(s.of)
	case cellLast:
		return 0, errors.New("found a cell state as a value, supported is only that it is kept for the next step")
	case turned:
		if s.buf != 0 {
			break
		}
		x, err := t.buffer(s.of)
		if err != nil {
			return 0, err
		}
		s.buf = t.builder.Reverse(s.name, x)
	}
	if d := s.dense; d != nil {
		s.buf, s.dense = d.add(t.builder), nil
	}
	return s.buf, nil
}

// bind makes a graph input the model's input; there is one.
func (t *translation) bind(s *source, token bool) error {
	if t.stateIn[s.name] {
		return fmt.Errorf("found input %q both as a state and as a value", s.name)
	}
	if t.lengthIn[s.name] {
		return fmt.Errorf("found input %q both as a sequence length and as a value", s.name)
	}
	if t.input != "" && (t.input != s.name || t.token != token) {
		return fmt.Errorf("found inputs %q and %q, supported is one that is not a state, used in one way", t.input, s.name)
	}
	if s.token != token {
		return fmt.Errorf("found input %q of integers as features, supported is to look them up in a table (Gather)", s.name)
	}
	if t.input == "" {
		t.input, t.token = s.name, token
		t.builder = format.NewBuilder(s.width)
	}
	return nil
}

// computed makes the output of a layer a value.
func (t *translation) computed(shape []int, free []bool, b format.Buffer) *tensor {
	return &tensor{shape: shape, free: free, kind: activation, refs: t.addSource(source{kind: computed, width: product(shape), buf: b})}
}

// nodes translates the live ones of a graph.
func (t *translation) nodes(nodes []*nodeProto, live []bool) error {
	if err := unsupported(nodes, live); err != nil {
		return err
	}
	for k, n := range nodes {
		if !live[k] {
			continue
		}
		if err := ops[n.op](t, n); err != nil {
			return fmt.Errorf("node %q (%s): %w", n.name, n.op, err)
		}
	}
	return nil
}
