package main

import (
	ort "github.com/yalue/onnxruntime_go"
)

// A peer is a layer in ONNX Runtime, with its tensors: the states that a run gives are
// what the next one starts from.
type peer struct {
	session *ort.DynamicAdvancedSession
	xs, ys  *ort.Tensor[float32]
	states  [2][]ort.Value // two sets, by turns: what a run reads and what it writes
	turn    int
}

// newPeer opens a layer for T steps of N streams a call, on one thread.
func newPeer(l *layer, T, N int, int8 bool) (*peer, error) {
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
	p := &peer{}
	if p.session, err = ort.NewDynamicAdvancedSessionWithONNXData(l.onnx(T, N, int8), inputs, outputs, o); err != nil {
		return nil, err
	}
	H := int64(l.H)
	if p.xs, err = ort.NewEmptyTensor[float32](ort.NewShape(int64(T), int64(N), H)); err != nil {
		return nil, err
	}
	if p.ys, err = ort.NewEmptyTensor[float32](ort.NewShape(int64(T), 1, int64(N), H)); err != nil {
		return nil, err
	}
	for i := range p.states {
		for range len(inputs) - 1 {
			s, err := ort.NewEmptyTensor[float32](ort.NewShape(1, int64(N), H))
			if err != nil {
				return nil, err
			}
			p.states[i] = append(p.states[i], s)
		}
	}
	return p, nil
}

func (p *peer) run() error {
	from, to := p.states[p.turn], p.states[1-p.turn]
	p.turn = 1 - p.turn
	return p.session.Run(append([]ort.Value{p.xs}, from...), append([]ort.Value{p.ys}, to...))
}

func (p *peer) close() {
	p.session.Destroy()
	p.xs.Destroy()
	p.ys.Destroy()
	for _, set := range p.states {
		for _, s := range set {
			s.Destroy()
		}
	}
}
