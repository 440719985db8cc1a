// Peers times rnnedge beside ONNX Runtime, PyTorch and ncnn: the same random weights, the
// same inputs, one thread, in one run and by turns, after checking that the outputs agree.
// See README.md.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/klauspost/cpuid/v2"
	ort "github.com/yalue/onnxruntime_go"

	"github.com/rnnedge/rnnedge/internal/terminal"
)

// tolerance is how far any output may be from rnnedge's in float32.
const tolerance = 1e-5

// A mode is a way to call: so many steps of so many streams at once.
type mode struct {
	name           string
	steps, streams int
}

var modes = []mode{
	{"one step", 1, 1},
	{"100 steps", 100, 1},
	{"16 streams", 1, 16},
	{"64 streams", 1, 64},
}

// A row is one comparison: a layer, called in one way, in every engine that has it.
type row struct {
	Mode, Cell, Type string
	H                int
	Results          []*result // in the order of the engines, nil where one lacks the layer
}

// A result is what one engine gave. Times are nanoseconds for one step of one stream.
type result struct {
	Engine      string
	Min, Median float64
	Ratio       float64 // Min by rnnedge's
	Difference  float64 `json:",omitempty"` // float32: the largest from rnnedge, over 100 steps
	SNR         float64 `json:",omitempty"` // int8: dB from rnnedge's float32, over 100 steps
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run() error {
	lib := flag.String("ort", os.Getenv("ONNXRUNTIME_LIB"), "ONNX Runtime's shared `library` (default $ONNXRUNTIME_LIB)")
	var workers []string
	flag.Func("worker", "a `program` built from workers/torch_peer.cpp or workers/ncnn_peer.cpp; may be repeated", func(s string) error {
		workers = append(workers, s)
		return nil
	})
	sizes := flag.String("H", "16,32,64,128,256,512,1024", "hidden `sizes`")
	only := flag.String("modes", "", "`modes` to run, by their names, with commas (default all)")
	budget := flag.Duration("budget", 2*time.Second, "`time` for each row")
	asJSON := flag.Bool("json", false, "print JSON instead of tables")
	flag.Parse()
	if *lib == "" && workers == nil {
		return errors.New("nobody to compare with: -ort libonnxruntime.so of the Python wheel or a release, or -worker")
	}
	engines := []engine{{"rnnedge", openOurs}}
	if *lib != "" {
		ort.SetSharedLibraryPath(*lib)
		if err := ort.InitializeEnvironment(); err != nil {
			return err
		}
		defer ort.DestroyEnvironment()
		engines = append(engines, engine{"ONNX Runtime " + ort.GetVersion(), openORT})
	}
	for _, command := range workers {
		w, err := startWorker(command)
		if err != nil {
			return err
		}
		defer w.stop()
		if !strings.Contains(w.name, " ") {
			return fmt.Errorf("%s calls itself %q; want a name and a version", command, w.name)
		}
		engines = append(engines, engine{w.name, w.open})
	}
	heads := make([]string, len(engines))
	for i, e := range engines {
		heads[i] = e.name
	}
	fmt.Fprintf(os.Stderr, "%s, %s: %s\n", cpuid.CPU.BrandName, runtime.Version(), strings.Join(heads, ", "))

	var rows []row
	progress := terminal.Line(os.Stderr)
	for _, m := range modes {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), m.name) {
			continue
		}
		for _, cell := range []string{"lstm", "gru"} {
			for _, int8 := range []bool{false, true} {
				for _, s := range strings.Split(*sizes, ",") {
					H, err := strconv.Atoi(s)
					if err != nil || H < 1 || H > 4096 {
						return fmt.Errorf("-H: %q is no size from 1 to 4096", s)
					}
					a := layout{m.steps, m.streams, int8}
					r := row{Mode: m.name, Cell: cell, Type: a.typ(), H: H}
					progress(fmt.Sprintf("%s, %s, %s, H = %d", r.Mode, r.Cell, r.Type, H))
					if r.Results, err = compare(engines, newLayer(cell, H), a, *budget); err != nil {
						return fmt.Errorf("%s, %s, %s, H=%d: %w", m.name, cell, r.Type, H, err)
					}
					rows = append(rows, r)
				}
			}
		}
	}
	progress("")
	if *asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "\t")
		return e.Encode(rows)
	}
	return table(heads, rows)
}

// table prints the rows; what follows the last space of a head is a version.
func table(heads []string, rows []row) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "mode\tcell\ttype\tH\t%s\tmedian\t", heads[0])
	for _, name := range heads[1:] {
		fmt.Fprintf(w, "%s\tmedian\tratio\t", name[:strings.LastIndexByte(name, ' ')])
	}
	fmt.Fprintln(w, "agreement\t")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t", r.Mode, r.Cell, r.Type, r.H)
		var agreement []string
		for i, e := range r.Results {
			if e == nil {
				fmt.Fprint(w, "–\t\t\t")
				agreement = append(agreement, "–")
				continue
			}
			fmt.Fprintf(w, "%.0f\t%.0f\t", e.Min, e.Median)
			if i > 0 {
				fmt.Fprintf(w, "%.2f\t", e.Ratio)
			}
			switch {
			case r.Type == "int8":
				agreement = append(agreement, fmt.Sprintf("%.0f", e.SNR))
			case i > 0:
				agreement = append(agreement, fmt.Sprintf("%.0e", e.Difference))
			}
		}
		unit := ""
		if r.Type == "int8" {
			unit = " dB"
		}
		fmt.Fprintf(w, "%s%s\t\n", strings.Join(agreement, " / "), unit)
	}
	return w.Flush()
}

// compare checks that all give the same outputs and times them by turns.
func compare(engines []engine, l *layer, a layout, budget time.Duration) ([]*result, error) {
	results, err := agree(engines, l, a.int8)
	if err != nil {
		return nil, err
	}
	xs := inputs(a.T * a.N * l.H)
	contenders := make([]contender, len(engines))
	for i, e := range engines {
		if results[i] == nil {
			continue
		}
		switch contenders[i], err = e.open(l, a, xs); {
		case errors.Is(err, errLacks):
			results[i], contenders[i] = nil, nil
			continue
		case err != nil:
			return nil, err
		}
		defer contenders[i].close()
	}
	// The very calls that are timed agree, too: states go from call to call.
	if !a.int8 {
		for range 3 {
			var want []float32
			for i, c := range contenders {
				if c == nil {
					continue
				}
				if _, err := c.run(1); err != nil {
					return nil, err
				}
				ys, err := c.outputs()
				if err != nil {
					return nil, err
				}
				if i == 0 {
					want = ys
				}
				if d := difference(ys, want); !(d <= tolerance) {
					return nil, fmt.Errorf("outputs of the calls of %s differ by %g", engines[i].name, d)
				}
			}
		}
	}
	times := make([][]float64, len(contenders))
	calls := make([]int, len(contenders))
	for i, c := range contenders { // as many calls as take half a millisecond
		for calls[i] = 1; c != nil; calls[i] *= 2 {
			ns, err := c.run(calls[i])
			if err != nil {
				return nil, err
			}
			if ns >= 5e5 {
				break
			}
		}
	}
	for end := time.Now().Add(budget); time.Now().Before(end) || len(times[0]) < 5; {
		for i, c := range contenders {
			if c == nil {
				continue
			}
			if _, err := c.run(1); err != nil { // caches are what the others left
				return nil, err
			}
			ns, err := c.run(calls[i])
			if err != nil {
				return nil, err
			}
			times[i] = append(times[i], ns/float64(calls[i]*a.T*a.N))
		}
	}
	for i, r := range results {
		if r != nil {
			slices.Sort(times[i])
			r.Min, r.Median = times[i][0], times[i][len(times[i])/2]
			r.Ratio = r.Min / results[0].Min
		}
	}
	return results, nil
}

// agree runs 100 steps in each engine. In float32 no output may differ by more than the
// tolerance; in int8 each is compared with rnnedge's float32.
func agree(engines []engine, l *layer, int8 bool) ([]*result, error) {
	a := layout{T: 100, N: 1}
	xs := inputs(a.T * l.H)
	exact, err := once(engines[0], l, a, xs)
	if err != nil {
		return nil, err
	}
	a.int8 = int8
	results := make([]*result, len(engines))
	for i, e := range engines {
		ys, err := once(e, l, a, xs)
		if errors.Is(err, errLacks) {
			continue
		}
		if err != nil {
			return nil, err
		}
		r := &result{Engine: e.name}
		results[i] = r
		if int8 {
			if r.SNR = snr(exact, ys); !(r.SNR >= 5) {
				return nil, fmt.Errorf("int8 of %s is %g dB from float32, want 5", e.name, r.SNR)
			}
			continue
		}
		if r.Difference = difference(ys, exact); !(r.Difference <= tolerance) {
			return nil, fmt.Errorf("outputs of %s differ by %g", e.name, r.Difference)
		}
	}
	return results, nil
}

// once returns the outputs of one call.
func once(e engine, l *layer, a layout, xs []float32) ([]float32, error) {
	c, err := e.open(l, a, xs)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if _, err := c.run(1); err != nil {
		return nil, err
	}
	ys, err := c.outputs()
	return slices.Clone(ys), err
}

// difference is the largest of any two outputs.
func difference(a, b []float32) (d float64) {
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

// inputs makes what all get.
func inputs(n int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	xs := make([]float32, n)
	for i := range xs {
		xs[i] = float32(r.NormFloat64())
	}
	return xs
}

// snr is the signal-to-noise ratio of have in decibels.
func snr(want, have []float32) float64 {
	var signal, noise float64
	for i, w := range want {
		d := float64(have[i]) - float64(w)
		signal += float64(w) * float64(w)
		noise += d * d
	}
	return 10 * math.Log10(signal/noise)
}
