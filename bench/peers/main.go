// Peers times rnnedge beside ONNX Runtime: the same random weights, the same inputs, one
// thread, in one run and by turns, after checking that the outputs agree. See README.md.
package main

import (
	"encoding/json"
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
)

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

// A row is one comparison. Times are nanoseconds for one step of one stream.
type row struct {
	Mode, Cell, Type string
	H                int
	Ours, OursMedian float64
	Peer, PeerMedian float64
	Ratio            float64 // Peer / Ours
	Difference       float64 `json:",omitempty"` // largest, float32
	OursSNR, PeerSNR float64 `json:",omitempty"` // dB from float32, int8
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run() error {
	lib := flag.String("ort", os.Getenv("ONNXRUNTIME_LIB"), "ONNX Runtime's shared `library` (default $ONNXRUNTIME_LIB)")
	sizes := flag.String("H", "16,32,64,128,256,512,1024", "hidden `sizes`")
	budget := flag.Duration("budget", 2*time.Second, "`time` for each row")
	asJSON := flag.Bool("json", false, "print JSON instead of a table")
	flag.Parse()
	if *lib == "" {
		return fmt.Errorf("say where ONNX Runtime is: -ort libonnxruntime.so, of the Python wheel or a release")
	}
	ort.SetSharedLibraryPath(*lib)
	if err := ort.InitializeEnvironment(); err != nil {
		return err
	}
	defer ort.DestroyEnvironment()
	fmt.Fprintf(os.Stderr, "%s, %s, ONNX Runtime %s\n", cpuid.CPU.BrandName, runtime.Version(), ort.GetVersion())

	var rows []row
	for _, m := range modes {
		for _, cell := range []string{"lstm", "gru"} {
			for _, int8 := range []bool{false, true} {
				if int8 && cell == "gru" {
					continue // ONNX Runtime has no quantised GRU
				}
				for _, s := range strings.Split(*sizes, ",") {
					H, err := strconv.Atoi(s)
					if err != nil || H < 1 || H > 4096 {
						return fmt.Errorf("-H: %q is no size from 1 to 4096", s)
					}
					r, err := compare(m, cell, H, int8, *budget)
					if err != nil {
						return fmt.Errorf("%s, %s, H=%d: %w", m.name, cell, H, err)
					}
					fmt.Fprintf(os.Stderr, "\r%-10s %-4s %-7s %5d", r.Mode, r.Cell, r.Type, H)
					rows = append(rows, r)
				}
			}
		}
	}
	fmt.Fprint(os.Stderr, "\r\x1b[K")
	if *asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "\t")
		return e.Encode(rows)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "mode\tcell\ttype\tH\trnnedge ns\tmedian\tONNX Runtime ns\tmedian\tratio\tagreement\t")
	for _, r := range rows {
		agreement := fmt.Sprintf("%.1e", r.Difference)
		if r.Type == "int8" {
			agreement = fmt.Sprintf("%.1f / %.1f dB", r.OursSNR, r.PeerSNR)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.2f\t%s\t\n",
			r.Mode, r.Cell, r.Type, r.H, r.Ours, r.OursMedian, r.Peer, r.PeerMedian, r.Ratio, agreement)
	}
	return w.Flush()
}

// compare checks that both give the same outputs and times them by turns.
func compare(m mode, cell string, H int, int8 bool, budget time.Duration) (r row, err error) {
	r = row{Mode: m.name, Cell: cell, Type: "float32", H: H}
	if int8 {
		r.Type = "int8"
	}
	l := newLayer(cell, H)
	if err := agree(l, int8, &r); err != nil {
		return r, err
	}
	model, err := l.open(int8)
	if err != nil {
		return r, err
	}
	p, err := newPeer(l, m.steps, m.streams, int8)
	if err != nil {
		return r, err
	}
	defer p.close()
	xs := p.xs.GetData()
	fill(xs)
	ys := make([]float32, len(xs))
	ours := func() error { return nil }
	switch {
	case m.streams > 1:
		b := model.NewBatch(m.streams)
		defer b.Close()
		ours = func() error { return b.Step(ys, xs) }
	case m.steps > 1:
		s := model.NewSession()
		ours = func() error { _, err := s.Run(ys, xs); return err }
	default:
		s := model.NewSession()
		ours = func() error { return s.Step(ys, xs) }
	}
	// The very calls that are timed agree, too: states go from call to call.
	for range 3 {
		if err := ours(); err != nil {
			return r, err
		}
		if err := p.run(); err != nil {
			return r, err
		}
		if d := difference(ys, p.ys.GetData()); !int8 && !(d <= 1e-5) {
			return r, fmt.Errorf("outputs of the calls differ by %g", d)
		}
	}
	contenders := []func() error{ours, p.run}
	times := make([][]float64, 2)
	calls := make([]int, 2)
	for i, call := range contenders { // as many calls as take about 200 µs
		start := time.Now()
		n := 0
		for ; time.Since(start) < 20*time.Millisecond; n++ {
			if err := call(); err != nil {
				return r, err
			}
		}
		calls[i] = max(1, n/100)
	}
	for end := time.Now().Add(budget); time.Now().Before(end) || len(times[0]) < 5; {
		for i, call := range contenders {
			start := time.Now()
			for range calls[i] {
				if err := call(); err != nil {
					return r, err
				}
			}
			times[i] = append(times[i], float64(time.Since(start).Nanoseconds())/float64(calls[i]*m.steps*m.streams))
		}
	}
	for i := range times {
		slices.Sort(times[i])
	}
	r.Ours, r.OursMedian = times[0][0], times[0][len(times[0])/2]
	r.Peer, r.PeerMedian = times[1][0], times[1][len(times[1])/2]
	r.Ratio = r.Peer / r.Ours
	return r, nil
}

// agree runs 100 steps on both sides. In float32 no output may differ by 1e-5; in int8
// both are compared with float32.
func agree(l *layer, int8 bool, r *row) error {
	const T = 100
	exact, err := l.outputs(T, false)
	if err != nil {
		return err
	}
	p, err := newPeer(l, T, 1, int8)
	if err != nil {
		return err
	}
	defer p.close()
	fill(p.xs.GetData())
	if err := p.run(); err != nil {
		return err
	}
	ys := p.ys.GetData()
	if !int8 {
		r.Difference = difference(ys, exact)
		if !(r.Difference <= 1e-5) {
			return fmt.Errorf("outputs differ by %g", r.Difference)
		}
		return nil
	}
	quantised, err := l.outputs(T, true)
	if err != nil {
		return err
	}
	r.OursSNR, r.PeerSNR = snr(exact, quantised), snr(exact, ys)
	if !(r.OursSNR >= 30) {
		return fmt.Errorf("int8 is %g dB from float32, want 30", r.OursSNR)
	}
	return nil
}

// difference is the largest of any two outputs.
func difference(a, b []float32) (d float64) {
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

// outputs are those of rnnedge.
func (l *layer) outputs(T int, int8 bool) ([]float32, error) {
	m, err := l.open(int8)
	if err != nil {
		return nil, err
	}
	xs, ys := make([]float32, T*l.H), make([]float32, T*l.H)
	fill(xs)
	_, err = m.NewSession().Run(ys, xs)
	return ys, err
}

// fill makes the inputs that all get.
func fill(xs []float32) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range xs {
		xs[i] = float32(r.NormFloat64())
	}
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
