package onnx

import (
	"errors"
	"fmt"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/tools/convert/internal/cellmatch"
)

// A translation walks the graph once and puts the program together.
type translation struct {
	graph *graphProto
	cellInputs
	opset       int64
	values      map[string]*tensor      // what has been computed
	stored      map[string]*tensorProto // initializers, decoded when they are used
	uses        map[string]int          // how many readers a value has
	asFloats    map[string]bool         // values that are read otherwise than to become integers
	sources     []source
	states      []fedState
	parts       map[run]format.Buffer // slice layers
	refused     map[string]error      // graph inputs that cannot be read
	steps       map[mark]int64        // lengths of dimensions of the input that were taken as 1
	time        mark                  // the dimension that the cells run along, once timed
	timed       bool
	unquantised bool // QuantizeLinear was left away
	conditions  mark // lengths that decided which branch of an If to take
	builder     *format.Builder
	said        []string         // graph inputs that are states of a step, if they have to be told
	step        *cellmatch.Graph // what values become in a step that is looked at as a whole; else nil
	outer       *translation     // of the graph around the body of a loop
	around      *loop            // whose body it is
	inside      bool             // the nodes are those of a loop's body, beside its cells
	input       string           // the graph input that is the model's, once it is known
	token       bool
	budget      int // elements that may still be computed
	notes       []string
}

func newTranslation(p *modelProto, size int) *translation {
	return &translation{
		graph: p.graph, opset: p.opset,
		values:   map[string]*tensor{},
		stored:   map[string]*tensorProto{},
		uses:     map[string]int{},
		asFloats: map[string]bool{},
		parts:    map[run]format.Buffer{},
		refused:  map[string]error{},
		steps:    map[mark]int64{},
		budget:   1<<20 + 8*size,
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
	t.chains()
	for _, p := range t.graph.initializers {
		if t.stored[p.name] == nil { // else it is bound to something else
			t.stored[p.name] = p
		}
	}
	if err := t.writtenOut(); err != nil {
		return nil, err
	}
	why := t.unroll()
	if err := t.layers(); err != nil {
		if why != nil {
			err = fmt.Errorf("%w (%w)", err, why)
		}
		return nil, err
	}
	m, err := t.builder.Model()
	if err != nil {
		return nil, fmt.Errorf("the graph makes a model that is not valid: %w", err)
	}
	return m, nil
}

// layers translates the nodes that the outputs need.
func (t *translation) layers() error {
	live, err := t.survey()
	if err != nil {
		return err
	}
	if err := t.masked(live); err != nil {
		return err
	}
	if err := t.nodes(t.graph.nodes, live); err != nil {
		return err
	}
	return t.output()
}

// survey indexes the graph: inputs, who reads what, and which nodes
// the outputs need.
func (t *translation) survey() ([]bool, error) {
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
		t.asFloats[o.name] = true
		need = append(need, o.name)
	}
	for len(need) > 0 {
		name := need[len(need)-1]
		need = need[:len(need)-1]
		if k, ok := producer[name]; ok && !live[k] {
			live[k] = true
			for _, in := range t.graph.nodes[k].reads() {
				t.uses[in]++
				t.asFloats[in] = t.asFloats[in] || !t.graph.nodes[k].toInteger()
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
	v, err := t.lookup(name)
	if err == nil && !readsPadded[n.op] {
		err = v.unpadded(name)
	}
	if err == nil && v.quantised != nil && !movesQuantised[n.op] {
		err = fmt.Errorf("found the quantised value %q, supported is that DequantizeLinear reads it", name)
	}
	return v, err
}

// named returns a value by its name, which is not padded.
func (t *translation) named(name string) (*tensor, error) {
	v, err := t.lookup(name)
	if err == nil {
		err = v.unpadded(name)
	}
	return v, err
}

func (t *translation) lookup(name string) (*tensor, error) {
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
	if t.around != nil && t.around.counter[name] {
		return nil, fmt.Errorf("found the number of the step, %q, computed with; supported is that a sequence is read at it (Gather), and that one more is compared with the number of steps", name)
	}
	if t.outer != nil {
		v, err := t.outer.named(name)
		if err == nil && !v.constant() {
			err = fmt.Errorf("found %q, a computed value of the graph around the loop, supported are constants and the element of a sequence at each step", name)
		}
		return v, err
	}
	return nil, fmt.Errorf("found input %q, which nothing before it computes", name)
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
