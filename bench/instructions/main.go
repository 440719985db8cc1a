// Instructions counts what a step executes on arm64, by running it in qemu one instruction
// at a time: those of N more steps, by N. It says nothing of cycles; bench/mca does.
//
//	go run ./bench/instructions -cpu cortex-a53,max
//	go run ./bench/instructions -cell lstm -H 16 -functions
//
// It needs qemu-aarch64-static. Counted are the instructions in packages asm and infer and
// in what of the runtime copies and clears memory; the rest of the runtime (its monitor, a
// collection) runs by the clock, not by steps. Loading takes some hundred instructions
// more or less from run to run, which many steps divide.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "instructions:", err)
		os.Exit(1)
	}
}

func run() error {
	cpus := flag.String("cpu", "cortex-a53,max", "`CPUs` as qemu -cpu names them")
	cells := flag.String("cell", "lstm,gru", "`cells`: lstm, gru")
	sizes := flag.String("H", "16,64,256", "hidden `sizes`")
	steps := flag.Int("steps", 0, "`steps` that are counted (default fewer of larger ones)")
	qemu := flag.String("qemu", "qemu-aarch64-static", "the qemu `command`")
	functions := flag.Bool("functions", false, "beneath each step, its functions")
	guest := flag.String("guest", "", "step this `model`: what runs inside")
	flag.Parse()
	if *guest != "" {
		return step(*guest, *steps)
	}
	if *steps < 0 {
		return errors.New("-steps: want at least 1")
	}
	dir, err := os.MkdirTemp("", "instructions")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, model := filepath.Join(dir, "instructions"), filepath.Join(dir, "layer.rnn")
	build := exec.Command("go", "build", "-o", binary, "github.com/rnnedge/rnnedge/bench/instructions")
	build.Env = append(os.Environ(), "GOARCH=arm64", "GOOS=linux", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	fmt.Println("| cell | type | H | CPU | kernels | instructions a step | in products | in the update | elsewhere | for each weight |")
	fmt.Println("|---|---|--:|---|---|--:|--:|--:|--:|--:|")
	for _, cell := range strings.Split(*cells, ",") {
		if gates[cell] == 0 {
			return fmt.Errorf("-cell: no cell %q; there are lstm and gru", cell)
		}
		for _, int8 := range []bool{false, true} {
			for _, s := range strings.Split(*sizes, ",") {
				H, err := strconv.Atoi(s)
				if err != nil || H < 1 || H > 4096 {
					return fmt.Errorf("-H: %q is no size from 1 to 4096", s)
				}
				if err := write(model, cell, H, int8); err != nil {
					return err
				}
				N := *steps
				if N == 0 {
					N = max(4, 2000/H)
				}
				for _, cpu := range strings.Split(*cpus, ",") {
					c := counter{*qemu, cpu, binary, model}
					once, _, err := c.count(N)
					if err != nil {
						return err
					}
					twice, isa, err := c.count(2 * N)
					if err != nil {
						return err
					}
					per := map[string]float64{}
					var in [parts]float64
					var sum float64
					for function, n := range twice {
						per[function] = float64(n-once[function]) / float64(N)
						in[part(function)] += per[function]
						sum += per[function]
					}
					typ := "float32"
					if int8 {
						typ = "int8"
					}
					fmt.Printf("| %s | %s | %d | %s | %s | %.0f | %.0f | %.0f | %.0f | %.2f |\n",
						cell, typ, H, cpu, isa, sum, in[product], in[update], in[elsewhere], sum/float64(2*gates[cell]*H*H))
					if *functions {
						list(per)
					}
				}
			}
		}
	}
	return nil
}

// list prints the functions of a step, those with most instructions first.
func list(per map[string]float64) {
	names := slices.SortedFunc(maps.Keys(per), func(a, b string) int {
		return cmp.Or(cmp.Compare(per[b], per[a]), strings.Compare(a, b))
	})
	for _, name := range names {
		if per[name] >= 0.5 {
			fmt.Printf("\t%7.1f %s\n", per[name], strings.TrimPrefix(name, "github.com/rnnedge/rnnedge/"))
		}
	}
}

var gates = map[string]int{"lstm": 4, "gru": 3}

// write writes a model of one layer with random weights, H inputs and H units.
func write(path, cell string, H int, int8 bool) error {
	random := rand.New(rand.NewPCG(uint64(H), 1))
	uniform := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = (2*random.Float32() - 1) / 16
		}
		return v
	}
	n := gates[cell] * H
	w := format.Weights{W: uniform(n * H), R: uniform(n * H), B: uniform(n)}
	b := format.NewBuilder(H)
	if cell == "lstm" {
		b.Output(b.LSTM(cell, format.Input, w))
	} else {
		w.BR = uniform(n)
		b.Output(b.GRU(cell, format.Input, w))
	}
	m, err := b.Model()
	if err != nil {
		return err
	}
	if int8 {
		m = format.Quantized(m, func(string, *format.Tensor) bool { return false })
	}
	file, err := format.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(path, file, 0o600)
}

// Where an instruction stands.
const (
	product   = iota // a matrix-vector product and quantising its vector
	update           // the activations and the new state
	elsewhere        // Go: checks, copies, calls
	parts
)

var (
	products = regexp.MustCompile(`^github\.com/rnnedge/rnnedge/asm\.(matVec|matMul|narrow|quantize|digits|maxAbs)`)
	updates  = regexp.MustCompile(`^github\.com/rnnedge/rnnedge/asm\.(lstm|gru|rnn)`)
	counted  = regexp.MustCompile(`^(github\.com/rnnedge/rnnedge/(asm|infer)\.|runtime\.(memmove|memclr|memequal|duff))`)
)

// part is where a function's instructions stand.
func part(function string) int {
	switch {
	case products.MatchString(function):
		return product
	case updates.MatchString(function):
		return update
	}
	return elsewhere
}

type counter struct{ qemu, cpu, binary, model string }

// count returns the instructions of a process that steps so many times, by function, and
// its kernels.
func (c counter) count(steps int) (n map[string]int, isa string, err error) {
	cmd := exec.Command(c.qemu, "-cpu", c.cpu, "-singlestep", "-d", "nochain,exec", c.binary, "-guest", c.model, "-steps", strconv.Itoa(steps))
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=off", "GODEBUG=asyncpreemptoff=1")
	var out bytes.Buffer
	cmd.Stdout = &out
	log, err := cmd.StderrPipe()
	if err != nil {
		return n, "", err
	}
	if err := cmd.Start(); err != nil {
		return n, "", err
	}
	all := map[string]*int{}
	var last string
	lines := bufio.NewScanner(log)
	for lines.Scan() { // Trace 0: 0x7fbc70021100 [… /pc/ …] symbol
		last = lines.Text()
		if !strings.HasPrefix(last, "Trace ") {
			continue
		}
		symbol := last[strings.LastIndexByte(last, ' ')+1:]
		count := all[symbol]
		if count == nil {
			count = new(int)
			all[strings.Clone(symbol)] = count
		}
		*count++
	}
	if err := errors.Join(lines.Err(), cmd.Wait()); err != nil {
		return n, "", fmt.Errorf("%s: %w: %s", c.qemu, err, last)
	}
	n = map[string]int{}
	for symbol, count := range all {
		if counted.MatchString(symbol) {
			n[symbol] = *count
		}
	}
	return n, out.String(), nil
}

// step is what is counted: it prints the name of the kernels and steps.
func step(path string, steps int) error {
	m, err := infer.Open(path)
	if err != nil {
		return err
	}
	defer m.Close()
	fmt.Print(m.ISA())
	random := rand.New(rand.NewPCG(1, 2))
	xs := make([]float32, m.InputSize())
	for i := range xs {
		xs[i] = float32(random.NormFloat64())
	}
	ys := make([]float32, m.OutputSize())
	s := m.NewSession()
	for range steps {
		if err := s.Step(ys, xs); err != nil {
			return err
		}
	}
	return nil
}
