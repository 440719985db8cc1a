package onnx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rnnedge/rnnedge/format"
)

// A translation walks the graph once and puts the program together.
type translation struct {
	graph   *graphProto
	opset   int64
	values  map[string]*tensor      // what has been computed
	stored  map[string]*tensorProto // initializers, decoded when they are used
	uses    map[string]int          // how many readers a value has
	stateIn map[string]bool         // graph inputs that feed initial states
	sources []source
	states  []fedState
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
	name  string        // input: the graph input's
	token bool          // input: of integers
	of    int32         // final state h: the source with the cell's output
	dense *dense        // computed: a dense layer that is not added yet
	buf   format.Buffer // computed: the layer's output, once dense is nil
}

type sourceKind uint8

const (
	fromInput  sourceKind = iota
	computed              // the output of a layer
	hiddenLast            // h after the step, which is the layer's output too
	cellLast              // c after the step
)

// A fedState is an initial state that comes from a graph input.
type fedState struct {
	node  *nodeProto
	slot  string // initial_h or initial_c
	from  []ref  // into the graph input
	final int32  // the source that holds the state after the step
}

func newTranslation(p *modelProto, size int) *translation {
	return &translation{
		graph: p.graph, opset: p.opset,
		values:  map[string]*tensor{},
		stored:  map[string]*tensorProto{},
		uses:    map[string]int{},
		stateIn: map[string]bool{},
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
	live, err := t.survey()
	if err != nil {
		return nil, err
	}
	for k, n := range t.graph.nodes {
		if !live[k] {
			continue
		}
		if err := t.node(n); err != nil {
			return nil, fmt.Errorf("node %q (%s): %w", n.name, n.op, err)
		}
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
		t.stored[p.name] = p
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
			for _, in := range t.graph.nodes[k].inputs {
				t.uses[in]++
				need = append(need, in)
			}
		}
	}
	t.findStates(producer, live)
	for _, in := range t.graph.inputs {
		if _, stored := t.stored[in.name]; stored {
			continue
		}
		if t.uses[in.name] == 0 {
			t.note("input %q is not used", in.name)
			continue
		}
		if err := t.addInput(in); err != nil {
			return nil, fmt.Errorf("input %q: %w", in.name, err)
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

// findStates follows the initial states of cells back to graph inputs.
func (t *translation) findStates(producer map[string]int, live []bool) {
	var back []string
	for k, n := range t.graph.nodes {
		if live[k] && cells[n.op] {
			back = append(back, n.input(5), n.input(6))
		}
	}
	seen := map[string]bool{"": true}
	for len(back) > 0 {
		name := back[len(back)-1]
		back = back[:len(back)-1]
		if seen[name] {
			continue
		}
		seen[name] = true
		k, computed := producer[name]
		if !computed {
			t.stateIn[name] = true
			continue
		}
		switch n := t.graph.nodes[k]; n.op {
		case "Concat":
			back = append(back, n.inputs...)
		case "Identity", "Slice", "Squeeze", "Unsqueeze", "Transpose", "Reshape", "Flatten", "Gather", "Split", "Cast":
			back = append(back, n.input(0))
		}
	}
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
	for k, d := range in.dims {
		features := !t.stateIn[in.name] && !s.token && k == len(in.dims)-1
		if features && d < 1 {
			return fmt.Errorf("found shape %v with -1 for what is dynamic, expected a fixed number of features in the last dimension", in.dims)
		}
		forced := d < 1 || (d > 1 && !features && !t.stateIn[in.name])
		if forced && d > 1 {
			if len(in.dims) > 3 {
				return fmt.Errorf("found the fixed shape %v, supported are time, batch and features", in.dims)
			}
			t.note("input %q: dimension %d of %d was taken as 1, a time step of one stream", in.name, k, d)
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
	name := n.input(k)
	if name == "" {
		return nil, nil
	}
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
	return nil, fmt.Errorf("found input %q, which nothing before it computes", name)
}

// settle adds the pending layers behind a value that several nodes read: none of
// them may change it for the others.
func (t *translation) settle(v *tensor) error {
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
// pending, and a concatenation where v has several sources.
func (t *translation) whole(name string, v *tensor) (format.Buffer, error) {
	if v.constant() {
		return 0, errors.New("found a constant, supported is a value that depends on the input")
	}
	var parts []format.Buffer
	for k := 0; k < len(v.refs); {
		id := v.refs[k].source
		s := &t.sources[id]
		for j := range s.width {
			if k+j >= len(v.refs) || v.refs[k+j] != (ref{id, int32(j)}) {
				return 0, fmt.Errorf("found a value that rearranges or takes part of %s, supported are whole vectors in order", t.describe(id))
			}
		}
		b, err := t.buffer(id)
		if err != nil {
			return 0, err
		}
		parts, k = append(parts, b), k+s.width
	}
	switch len(parts) {
	case 0:
		return 0, errors.New("found an empty value")
	case 1:
		return parts[0], nil
	}
	return t.builder.Concat(name, parts...), nil
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
	}
	if d := s.dense; d != nil {
		s.buf, s.dense = t.builder.Dense(d.name, d.x, d.w, d.bias, d.f), nil
	}
	return s.buf, nil
}

// bind makes a graph input the model's input; there is one.
func (t *translation) bind(s *source, token bool) error {
	if t.stateIn[s.name] {
		return fmt.Errorf("found input %q both as a state and as a value", s.name)
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

// output finds which graph output is the model's and pairs the others with states.
func (t *translation) output() error {
	fed := map[string]bool{}
	for _, s := range t.states {
		name, err := t.returned(s)
		if err != nil {
			return fmt.Errorf("node %q (%s): %w", s.node.name, s.node.op, err)
		}
		fed[name] = true
		t.note("input %q and output %q are the state of %q, which starts from zeros", t.sources[s.from[0].source].name, name, s.node.layerName())
	}
	var values, finals []string
	for _, o := range t.graph.outputs {
		v := t.values[o.name]
		if v == nil {
			return fmt.Errorf("output %q: found nothing that computes it", o.name)
		}
		if fed[o.name] {
			continue
		}
		final := v.kind == activation && !slices.ContainsFunc(v.refs, func(r ref) bool {
			k := t.sources[r.source].kind
			return k != hiddenLast && k != cellLast
		})
		if final {
			finals = append(finals, o.name)
		} else {
			values = append(values, o.name)
		}
	}
	if len(values) == 0 {
		values, finals = finals, nil
	}
	if len(values) == 0 && len(t.graph.outputs) == 1 {
		values = []string{t.graph.outputs[0].name} // the state itself
	}
	if len(values) != 1 {
		return fmt.Errorf("found the outputs %q, supported is one that is not a state", values)
	}
	for _, name := range finals {
		t.note("output %q is the state after the last step and was left aside", name)
	}
	v := t.values[values[0]]
	b, err := t.whole(values[0], v)
	if err != nil {
		return fmt.Errorf("output %q: %w", values[0], err)
	}
	t.builder.Output(b)
	return nil
}

// returned finds the graph output that carries a state to the next call: Y_h or
// Y_c, or Y in the shape of the state, which is Y_h at one step.
func (t *translation) returned(s fedState) (string, error) {
	in := t.sources[s.from[0].source].name
	for _, final := range []int32{s.final, t.sources[s.final].of} {
		if final != s.final && t.sources[s.final].kind != hiddenLast {
			continue
		}
		for _, o := range t.graph.outputs {
			v := t.values[o.name]
			if v == nil || v.constant() || (final != s.final && !slices.Equal(v.shape, t.values[in].shape)) {
				continue
			}
			back := true
			for j, r := range s.from {
				back = back && int(r.index) < len(v.refs) && v.refs[r.index] == ref{final, int32(j)}
			}
			if back {
				return o.name, nil
			}
		}
	}
	return "", fmt.Errorf("found %s from graph input %q and no graph output that returns it in the same place, supported is a state that comes back", s.slot, in)
}

// node translates one node.
func (t *translation) node(n *nodeProto) error {
	for name, a := range n.attributes {
		if a.subgraph {
			return fmt.Errorf("found a graph inside the node (%s), supported are graphs without control flow", name)
		}
	}
	op := ops[n.op]
	if op == nil || (n.domain != "" && n.domain != "ai.onnx") {
		name := n.op
		if n.domain != "" {
			name = n.domain + "." + name
		}
		return fmt.Errorf("found op %s, supported are %s", name, strings.Join(opNames, ", "))
	}
	return op(t, n)
}
