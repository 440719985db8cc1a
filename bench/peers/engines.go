package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strings"
	"time"
	"unsafe"

	"github.com/rnnedge/rnnedge/infer"
)

// A layout is how a layer is called: T steps of N streams at once.
type layout struct {
	T, N int
	int8 bool
}

func (a layout) typ() string {
	if a.int8 {
		return "int8"
	}
	return "float32"
}

// An engine opens layers; xs are T·N·H inputs, the same in every call.
type engine struct {
	name string
	open func(l *layer, a layout, xs []float32) (contender, error)
}

// errLacks is what an engine says to a layer that it does not have.
var errLacks = errors.New("not there")

// A contender is one layer in one engine. Each call starts from the states that the one
// before left.
type contender interface {
	run(calls int) (nanoseconds float64, err error)
	outputs() ([]float32, error) // of the last call
	close()
}

// inProcess is a contender that is a function.
type inProcess struct {
	call func() error
	ys   []float32
	free func()
}

func (p inProcess) run(calls int) (float64, error) {
	start := time.Now()
	for range calls {
		if err := p.call(); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(start).Nanoseconds()), nil
}

func (p inProcess) outputs() ([]float32, error) { return p.ys, nil }
func (p inProcess) close()                      { p.free() }

// openOurs opens a layer in rnnedge.
func openOurs(l *layer, a layout, xs []float32) (contender, error) {
	m, err := l.open(a.int8)
	if err != nil {
		return nil, err
	}
	ys := make([]float32, len(xs))
	if a.N > 1 {
		b := m.NewBatch(a.N)
		return inProcess{func() error { return b.Step(ys, xs) }, ys, func() { b.Close() }}, nil
	}
	return inProcess{stepper(m.NewSession(), a.T, ys, xs), ys, func() {}}, nil
}

func stepper(s *infer.Session, T int, ys, xs []float32) func() error {
	if T == 1 {
		return func() error { return s.Step(ys, xs) }
	}
	return func() error { _, err := s.Run(ys, xs); return err }
}

// A worker is a process with a library of its own; workers/peer.h says how to talk to it.
type worker struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	w    *bufio.Writer
	r    *bufio.Reader
	size int // numbers that a call gives
}

func startWorker(command string) (*worker, error) {
	cmd := exec.Command(command)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &worker{cmd: cmd, in: in, w: bufio.NewWriter(in), r: bufio.NewReader(out)}
	name, err := w.r.ReadString('\n')
	if err != nil {
		w.stop()
		return nil, fmt.Errorf("%s says no name: %w", command, err)
	}
	w.name = strings.TrimSpace(name)
	return w, nil
}

// stop ends the process: the end of its input ends its loop.
func (w *worker) stop() {
	w.in.Close()
	w.cmd.Wait()
}

// ask sends what is in the buffer and returns what comes after "ok".
func (w *worker) ask() (string, error) {
	if err := w.w.Flush(); err != nil {
		return "", fmt.Errorf("%s: %w", w.name, err)
	}
	line, err := w.r.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s: %w", w.name, err)
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch word {
	case "ok":
		return rest, nil
	case "lacks":
		return "", fmt.Errorf("%w: %s", errLacks, rest)
	}
	return "", fmt.Errorf("%s: %s", w.name, strings.TrimSpace(line))
}

func (w *worker) open(l *layer, a layout, xs []float32) (contender, error) {
	BR := l.BR
	if BR == nil {
		BR = make([]float32, len(l.B))
	}
	fmt.Fprintf(w.w, "layer %s %s %d %d %d\n", l.cell, a.typ(), l.H, a.T, a.N)
	for _, v := range [][]float32{l.W, l.R, l.B, BR, xs} {
		w.w.Write(bytesOf(v)) // Flush says if it failed
	}
	w.size = len(xs)
	if _, err := w.ask(); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *worker) run(calls int) (ns float64, err error) {
	fmt.Fprintf(w.w, "run %d\n", calls)
	answer, err := w.ask()
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(answer, &ns)
	return ns, err
}

func (w *worker) outputs() ([]float32, error) {
	fmt.Fprintln(w.w, "outputs")
	if _, err := w.ask(); err != nil {
		return nil, err
	}
	raw := make([]byte, 4*w.size)
	if _, err := io.ReadFull(w.r, raw); err != nil {
		return nil, fmt.Errorf("%s: %w", w.name, err)
	}
	ys := make([]float32, w.size)
	for i := range ys {
		ys[i] = math.Float32frombits(binary.NativeEndian.Uint32(raw[4*i:]))
	}
	return ys, nil
}

// close keeps the process: the next layer replaces this one.
func (w *worker) close() {}

func bytesOf(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}
