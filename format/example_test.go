package format_test

import (
	"fmt"
	"log"

	"github.com/rnnedge/rnnedge/format"
)

// A model is built layer by layer from row-major weights; here an RNN of two units
// and a head that adds them.
func ExampleBuilder() {
	b := format.NewBuilder(1)
	h := b.RNN("rnn", format.Input, format.Weights{
		W: []float32{1, 0.5}, R: []float32{0.5, -0.25, 1, 0.5}, B: []float32{0.5, -0.25},
	}, format.Tanh)
	b.Output(b.Dense("head", h, []float32{1, 1}, nil, format.Linear))
	b.Meta("labels", "sum")
	m, err := b.Model()
	if err != nil {
		log.Fatal(err)
	}
	file, err := format.Marshal(m)
	if err != nil {
		log.Fatal(err)
	}
	read, err := format.FromBytes(file)
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range read.Layers {
		f := format.FieldsOf(l)
		fmt.Println(l.Op(), l.LayerName(), "gives", read.Buffers[f.Writes], "floats")
	}
	fmt.Println(read.Value("labels"))

	// Output:
	// rnn rnn gives 2 floats
	// dense head gives 1 floats
	// sum
}
