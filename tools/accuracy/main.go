// Accuracy measures what int8 costs trained models, by how weights are rounded and vectors
// quantised.
//
//	go run ./tools/accuracy
//	go run ./tools/accuracy -dump DIR && python tools/accuracy/onnxruntime_int8.py DIR
//	go run ./tools/accuracy -dump DIR && python tools/accuracy/ncnn_int8.py DIR
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"text/tabwriter"

	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/internal/reference"
)

const usage = `Usage: go run ./tools/accuracy [flags]

Runs trained models in float32 and in int8 over their own data and compares with the
float32 weights computed in float64.

  SNR      signal over noise in dB, over all outputs and steps
  worst    largest error of an output at any step
  late     rms error in the last quarter of the steps over that in the first: a number
           that grows with the length of the data means drift

  float32          the engine in float32
  nearest          int8 with each weight rounded to its nearest
  int8             weights rounded for random input, as convert -q int8
    16 bits        the same, vectors in 16 bits, as -vectors 16
    float vectors  the same, vectors in float32: what no vectors can better
  calibrated       weights rounded for the first half of the data, as -calibrate
    16 bits        the same, vectors in 16 bits
    float vectors  the same, vectors in float32

Flags:
`

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "accuracy:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("accuracy", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage); flags.PrintDefaults() }
	models := flags.String("models", "../shared/models", "`folder` of trained models; those that are not there are left out")
	charnn := flags.String("charnn", "examples/charnn", "`folder` of the character model")
	smallest := flags.Int("smallest", 2048, "`elements` of the smallest matrix to store as int8, as convert has it")
	asTable := flags.Bool("table", false, "print a table of all models instead: error against their source, sizes, what int8 costs; and what is refused")
	folder := flags.String("dump", "", "write the models and their data as JSON into this `folder`, for onnxruntime_int8.py and ncnn_int8.py")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if *asTable {
		if err := table(stdout, stderr, subjects(*models, *charnn), *smallest); err != nil {
			return err
		}
		return refusals(stdout, stderr, *models)
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "model\tweights\tsteps\t\tSNR dB\tworst\tlate\t")
	for _, s := range subjects(*models, *charnn) {
		if !s.shown {
			continue
		}
		m, x, err := s.load()
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(stderr, "left out:", err)
			continue
		}
		if err != nil {
			return err
		}
		rows, want, err := measure(m, x, *smallest)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if *folder != "" {
			if err := dump(*folder, s.name, m, x, want); err != nil {
				return err
			}
		}
		name, weights, steps := s.name, fmt.Sprint(matrices(m)), fmt.Sprint(len(x)/m.InputSize())
		for _, r := range rows {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.1f\t%.2g\t%.2f\t\n", name, weights, steps, r.variant, r.snr, r.worst, r.late)
			name, weights, steps = "", "", ""
		}
	}
	return w.Flush()
}

// A row is how one variant of a model fared.
type row struct {
	variant          string
	snr, worst, late float64
}

// measure runs every variant over x. It returns the reference outputs, too.
func measure(m *format.Model, x []float32, smallest int) (rows []row, want []float64, err error) {
	for _, y := range reference.New(m).Run(x, len(x)/m.InputSize()) {
		want = append(want, y...)
	}
	all, err := variants(m, x, smallest)
	if err != nil {
		return nil, nil, err
	}
	for _, v := range all {
		file, err := format.Marshal(v.model)
		if err != nil {
			return nil, nil, err
		}
		engine, err := infer.FromBytes(file)
		if err != nil {
			return nil, nil, err
		}
		have := make([]float32, len(want))
		if _, err := engine.NewSession().Run(have, x); err != nil {
			return nil, nil, err
		}
		rows = append(rows, compare(v.name, want, have))
	}
	return rows, want, nil
}

func compare(variant string, want []float64, have []float32) row {
	var signal, noise, worst float64
	quarter := make([]float64, 4)
	for i, w := range want {
		e := math.Abs(float64(have[i]) - w)
		signal, noise, worst = signal+w*w, noise+e*e, max(worst, e)
		quarter[i*4/len(want)] += e * e
	}
	return row{variant, 10 * math.Log10(signal/noise), worst, math.Sqrt(quarter[3] / quarter[0])}
}

// matrices counts the elements of a model's matrices.
func matrices(m *format.Model) (n int) {
	for i := range m.Tensors {
		if t := &m.Tensors[i]; t.Layout == format.Panels || t.Layout == format.Narrow {
			n += t.Rows * t.Cols
		}
	}
	return n
}
