package main

import (
	"fmt"

	ort "github.com/yalue/onnxruntime_go"
)

// A session is a layer in ONNX Runtime, with its tensors: the states that a run gives are
// what the next one starts from.
type session struct {
	session *ort.DynamicAdvancedSession
	xs, ys  *ort.Tensor[float32]
	states  [2][]ort.Value // two sets, by turns: what a run reads and what it writes
	turn    int
}

// openORT opens a layer on one thread.
func openORT(l *layer, a layout, xs []float32) (_ contender, err error) {
	if a.int8 && l.cell == "gru" {
		return nil, fmt.Errorf("%w: ONNX Runtime has no quantised GRU", errLacks)
	}
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer o.Destroy()
	if err := o.SetIntraOpNumThreads(1); err != nil {
		return nil, err
	}
	if err := o.SetInterOpNumThreads(1); err != nil {
		return nil, err
	}
	inputs, outputs := []string{"X", "h"}, []string{"Y", "h1"}
	if l.cell == "lstm" {
		inputs, outputs = append(inputs, "c"), append(outputs, "c1")
	}
	p := &session{}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.session, err = ort.NewDynamicAdvancedSessionWithONNXData(l.onnx(a.T, a.N, a.int8), inputs, outputs, o); err != nil {
		return nil, err
	}
	T, N, H := int64(a.T), int64(a.N), int64(l.H)
	if p.xs, err = ort.NewTensor(ort.NewShape(T, N, H), xs); err != nil {
		return nil, err
	}
	if p.ys, err = ort.NewEmptyTensor[float32](ort.NewShape(T, 1, N, H)); err != nil {
		return nil, err
	}
	for i := range p.states {
		for range len(inputs) - 1 {
			s, err := ort.NewEmptyTensor[float32](ort.NewShape(1, N, H))
			if err != nil {
				return nil, err
			}
			p.states[i] = append(p.states[i], s)
		}
	}
	return inProcess{p.run, p.ys.GetData(), p.close}, nil
}

func (p *session) run() error {
	from, to := p.states[p.turn], p.states[1-p.turn]
	p.turn = 1 - p.turn
	return p.session.Run(append([]ort.Value{p.xs}, from...), append([]ort.Value{p.ys}, to...))
}

// close frees what there is.
func (p *session) close() {
	if p.session != nil {
		p.session.Destroy()
	}
	for _, t := range []*ort.Tensor[float32]{p.xs, p.ys} {
		if t != nil {
			t.Destroy()
		}
	}
	for _, set := range p.states {
		for _, s := range set {
			s.Destroy()
		}
	}
}
