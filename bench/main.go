// Bench measures how close a step comes to the time that reading its weights
// takes, the floor for every engine at batch 1.
//
//	go run ./bench                            # everything, about a minute
//	go run ./bench -H 64 -cell gru -isa avx2  # one row
//
// For each cell, hidden size H (with as many inputs) and kernel table it times
// infer.Session.Step, one step per call, in turn with a bare SIMD load loop over
// the same matrices in the same memory. See bench -h for what is printed.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rnnedge/rnnedge/asm"
	"github.com/rnnedge/rnnedge/internal/terminal"
)

const usage = `Usage: go run ./bench [flags]

Times one step of an LSTM or GRU (I = H, random weights, float32, int8, or int8 with
vectors of 16 bits: int8x16), and the product of an LSTM's matrices with one vector
alone, with every kernel table of this CPU, beside reading its weights: a step cannot
be faster than that, so step/read says what is left to gain. 1.00 is the memory wall.

  bytes       the matrices W and R: what a step has to read
  read ns     fastest batch of bare SIMD load loops over these bytes: with and
              without prefetches, and four parts side by side
  step ns     fastest batch of Session.Step, per step
  step/read   ratio of the two minima
  medians     ratio of the typical step to the typical reading of the loop that
              is fastest in the median
  × 48 kHz    steps per second over 48,000: how many streams of audio, one step
              per sample, one core can carry

Reading and stepping, with each type, take turns in short batches, so that whatever
else the machine does meets all. If median and minimum are far apart the machine is
busy: compare minima, or raise -repeats. Weights that fit a cache come from there, as
they do in a program that does little else.

Flags:
`

// types are the types of matrices that there are, with the number of digits that the vectors of
// an int8 matrix have.
var types = []struct {
	name   string
	digits int // 0: float32
}{{"float32", 0}, {"int8", 1}, {"int8x16", 2}}

// digitsOf returns that number for the type of this name.
func digitsOf(name string) (int, error) {
	for _, t := range types {
		if t.name == name {
			return t.digits, nil
		}
	}
	return 0, fmt.Errorf("no type %q; there are float32, int8 and int8x16", name)
}

// config is what the command line asks for.
type config struct {
	cells   []cell
	types   []string
	sizes   []int
	kernels []*asm.Kernels
	repeats int
	budget  time.Duration
	json    bool
	svg     string
}

func main() {
	switch err := run(os.Args[1:], os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	c, err := parse(args, stderr)
	if err != nil {
		return err
	}
	r := newReport(args)
	progress := terminal.Line(stderr)
	for _, cell := range c.cells {
		byType := make([][]row, len(c.types))
		for _, H := range c.sizes {
			progress(fmt.Sprintf("%s, H = %d …", cell.name, H))
			rows, err := c.measure(cell, H)
			if err != nil {
				progress("")
				return fmt.Errorf("%s, H = %d: %w", cell.name, H, err)
			}
			for i := range rows {
				byType[i] = append(byType[i], rows[i]...)
			}
		}
		r.Rows = append(r.Rows, slices.Concat(byType...)...)
	}
	progress("")
	if c.svg != "" {
		if err := r.picture().WriteFile(c.svg); err != nil {
			return fmt.Errorf("-svg: %w", err)
		}
	}
	if c.json {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return r.table(stdout)
}

func parse(args []string, stderr io.Writer) (*config, error) {
	var c config
	var cellNames, typeNames, sizes, names string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { fmt.Fprint(stderr, usage); f.PrintDefaults() }
	f.StringVar(&cellNames, "cell", "lstm,gru", "`cells` to measure: lstm, gru, product")
	f.StringVar(&typeNames, "type", "float32,int8", "`types` of the matrices: float32, int8, int8x16")
	f.StringVar(&sizes, "H", "16,32,64,128,256,512,1024", "hidden `sizes`")
	f.StringVar(&names, "isa", "", "kernel `tables` to measure (default all of this CPU)")
	f.IntVar(&c.repeats, "repeats", 2000, "`batches` of each row")
	f.DurationVar(&c.budget, "budget", 3*time.Second, "`time` after which a row gets no more batches")
	f.BoolVar(&c.json, "json", false, "print JSON instead of a table")
	f.StringVar(&c.svg, "svg", "", "draw how fast steps go through their weights into this `file`, too")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("argument %q: bench takes flags only", f.Arg(0))
	}
	if c.repeats < 1 {
		return nil, fmt.Errorf("-repeats %d: want at least 1", c.repeats)
	}
	for _, s := range strings.Split(cellNames, ",") {
		cell, err := cellByName(s)
		if err != nil {
			return nil, fmt.Errorf("-cell: %w", err)
		}
		c.cells = append(c.cells, cell)
	}
	for _, s := range strings.Split(typeNames, ",") {
		if _, err := digitsOf(s); err != nil {
			return nil, fmt.Errorf("-type: %w", err)
		}
		c.types = append(c.types, s)
	}
	for _, s := range strings.Split(sizes, ",") {
		H, err := strconv.Atoi(s)
		if err != nil || H < 1 || H > maxH {
			return nil, fmt.Errorf("-H: %q is no size from 1 to %d", s, maxH)
		}
		c.sizes = append(c.sizes, H)
	}
	if names == "" {
		c.kernels = asm.All()
		return &c, nil
	}
	for _, s := range strings.Split(names, ",") {
		k, err := asm.ByName(s)
		if err != nil {
			return nil, fmt.Errorf("-isa: %w", err)
		}
		c.kernels = append(c.kernels, k)
	}
	return &c, nil
}
