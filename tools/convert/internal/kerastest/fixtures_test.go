package kerastest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/format"
)

// The fixtures of keras-js: layers with random weights and the output of Keras. The
// files have no configuration. Those here are from a search over five activations, two
// recurrent ones, go_backwards, stateful and the merges: for each case exactly one
// combination gives the file's output within 1e-5.

type array struct {
	Data  []float32
	Shape []int
}

// A fixture is one case of a file.
type fixture struct {
	Input, Expected array
	Weights         []array
}

func (f fixture) weights() (list [][]float32) {
	for _, w := range f.Weights {
		list = append(list, w.Data)
	}
	return list
}

// sequences is return_sequences, which the shape of the output tells.
func (f fixture) sequences() bool { return len(f.Expected.Shape) == 2 }

// fixtures reads a file and makes sure that it has the cases NAME.0, NAME.1 and so on.
func fixtures(t *testing.T, path, name string, cases int) (list []fixture) {
	text, err := os.ReadFile(filepath.Join(models(t, "kerasjs-fixtures"), filepath.FromSlash(path)))
	require.NoError(t, err)
	var file map[string]fixture
	require.NoError(t, json.Unmarshal(text, &file))
	require.Len(t, file, cases, "a case without a configuration")
	for i := range cases {
		f, ok := file[fmt.Sprintf("%s.%d", name, i)]
		require.True(t, ok, "no case %d", i)
		require.NotEmpty(t, f.Expected.Data)
		list = append(list, f)
	}
	return list
}

// check compares the outputs of all steps, or of the last one.
func (f fixture) check(t *testing.T, ys []float32) {
	if !f.sequences() {
		ys = ys[len(ys)-len(f.Expected.Data):]
	}
	compare(t, f.Expected.Data, ys)
}

func TestFixtures(t *testing.T) {
	for _, class := range []string{"LSTM", "GRU", "SimpleRNN"} {
		plain := layer{class, tanh, hardSigmoid}
		for i, c := range []struct {
			layer               layer
			backwards, stateful bool
		}{
			{layer: plain},
			{layer: layer{class, sigmoid, sigmoid}},
			{layer: plain},
			{layer: plain, backwards: true},
			{layer: plain, backwards: true},
			{layer: plain, stateful: true},
			{layer: plain, stateful: true},
			{layer: plain, backwards: true, stateful: true},
			{layer: plain, backwards: true, stateful: true}, // no bias in GRU and SimpleRNN
		} {
			t.Run(fmt.Sprintf("%s.%d", class, i), func(t *testing.T) {
				f := fixtures(t, class+".json", "recurrent."+class, 9)[i]
				b := format.NewBuilder(f.Input.Shape[1])
				x := format.Input
				if c.backwards {
					x = b.Reverse("turn", x)
				}
				s := session(t, b, c.layer.add(b, class, x, f.weights()))
				ys := run(t, s, f.Input.Data)
				if c.stateful { // the file has the second call
					ys = run(t, s, f.Input.Data)
				}
				f.check(t, ys)
			})
		}
	}
}

func TestBidirectionalFixtures(t *testing.T) {
	for i, c := range []struct{ class, merge string }{
		{"SimpleRNN", "sum"}, {"SimpleRNN", "mul"}, {"SimpleRNN", "concat"}, {"SimpleRNN", "ave"},
		{"SimpleRNN", "concat"}, {"GRU", "concat"}, {"LSTM", "concat"}, {"SimpleRNN", "sum"},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			f := fixtures(t, "wrappers/Bidirectional.json", "wrappers.Bidirectional", 8)[i]
			b := format.NewBuilder(f.Input.Shape[1])
			l := layer{c.class, tanh, hardSigmoid}
			f.check(t, run(t, session(t, b, l.bidirectional(b, format.Input, f.weights(), c.merge, f.sequences())), f.Input.Data))
		})
	}
}

// TimeDistributed is a layer at every step, as every layer here is: a dense one in
// case 0. Case 1 has a Conv2D inside, and is not recurrent.
func TestTimeDistributedFixture(t *testing.T) {
	f := fixtures(t, "wrappers/TimeDistributed.json", "wrappers.TimeDistributed", 2)[0]
	in := f.Input.Shape[1]
	b := format.NewBuilder(in)
	y := b.Dense("dense", format.Input, gates(f.Weights[0].Data, in, []int{0}), f.Weights[1].Data, format.Linear)
	f.check(t, run(t, session(t, b, y), f.Input.Data))
}
