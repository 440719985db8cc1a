package infer_test

import (
	"errors"
	"fmt"
	"log"
	"math"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
)

// file is a small model: a GRU of one unit that follows its input slowly. A real
// one comes from the converter, by go:embed or infer.Open.
func file() []byte {
	b := format.NewBuilder(1)
	b.Output(b.GRU("follow", format.Input, format.Weights{
		W: []float32{0, 0, 1}, R: []float32{0, 0, 0}, B: []float32{0, 1, 0},
	}))
	m, err := b.Model()
	if err != nil {
		log.Fatal(err)
	}
	data, err := format.Marshal(m)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

func Example() {
	m, err := infer.FromBytes(file())
	if err != nil {
		log.Fatal(err)
	}
	s := m.NewSession() // the only allocation
	x, y := make([]float32, m.InputSize()), make([]float32, m.OutputSize())
	for _, x[0] = range []float32{1, 1, 1, 0} {
		if err := s.Step(y, x); err != nil {
			log.Fatal(err)
		}
		fmt.Println(y[0])
	}
	// The same digits on every CPU.

	// Output:
	// 0.20482421
	// 0.3545627
	// 0.46403033
	// 0.33923337
}

// Streams of a batch have states of their own and come and go.
func ExampleModel_NewBatch() {
	m, err := infer.FromBytes(file())
	if err != nil {
		log.Fatal(err)
	}
	b := m.NewBatch(3)
	defer b.Close()
	ys := make([]float32, 3)
	if err := b.Step(ys, []float32{1, 0, 1}); err != nil { // all three
		log.Fatal(err)
	}
	fmt.Println(ys)
	if err := b.Reset(2); err != nil { // another stream takes the last place
		log.Fatal(err)
	}
	if err := b.StepSome(ys[:2], []float32{1, 1}, []int{0, 2}); err != nil { // the second has no data
		log.Fatal(err)
	}
	fmt.Println(ys[:2])

	// Output:
	// [0.20482421 0 0.20482421]
	// [0.3545627 0.20482421]
}

func ExampleSession_Step_errors() {
	m, err := infer.FromBytes(file())
	if err != nil {
		log.Fatal(err)
	}
	s, y := m.NewSession(), make([]float32, 1)
	err = s.Step(y, []float32{float32(math.NaN())})
	fmt.Println(errors.Is(err, infer.ErrValue))
	fmt.Println(s.Step(y, nil)) // and the state is what it was

	// Output:
	// true
	// infer: x has 0 elements, want 1
}

// A cell that runs backward in time knows what follows: here each step gives the sum of
// what came, and of what is to come, itself included.
func ExampleSession_RunLength() {
	b := format.NewBuilder(1)
	one := format.Weights{W: []float32{1}, R: []float32{1}}
	past := b.RNN("past", format.Input, one, format.Linear)
	turned := b.Reverse("turned", format.Input)
	future := b.Reverse("in order", b.RNN("future", turned, one, format.Linear))
	b.Output(b.Concat("both", past, future))
	model, err := b.Model()
	if err != nil {
		log.Fatal(err)
	}
	data, err := format.Marshal(model)
	if err != nil {
		log.Fatal(err)
	}
	m, err := infer.FromBytes(data)
	if err != nil {
		log.Fatal(err)
	}

	s := m.NewSession()
	s.Reserve(4)                // nothing below allocates
	xs := []float32{1, 2, 4, 0} // three steps, padded to four
	ys := make([]float32, len(xs)*m.OutputSize())
	if _, err := s.RunLength(ys, xs, 3); err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Streams(), ys)

	// Output:
	// false [1 7 3 6 7 4 0 0]
}

func ExampleSession_State() {
	m, err := infer.FromBytes(file())
	if err != nil {
		log.Fatal(err)
	}
	s, x, y := m.NewSession(), []float32{1}, make([]float32, 1)
	if err := s.Step(y, x); err != nil {
		log.Fatal(err)
	}
	saved, err := s.State(make([]byte, m.StateSize()))
	if err != nil {
		log.Fatal(err)
	}

	// Later, in another process or on another machine:
	restored := m.NewSession()
	if err := restored.SetState(saved); err != nil {
		log.Fatal(err)
	}
	if err := restored.Step(y, x); err != nil {
		log.Fatal(err)
	}
	fmt.Println(y[0])

	// Output:
	// 0.3545627
}
