// Streams times Model.NewBatch: what a step costs each stream, by how many streams there
// are and how many workers share them.
//
//	go run ./bench/streams -H 128 -workers 1,2 -svg streams.svg
package main

import (
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
	"github.com/rnnedge/rnnedge/bench/internal/chart"
	"github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
	"github.com/rnnedge/rnnedge/internal/terminal"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "streams:", err)
		os.Exit(1)
	}
}

const usage = `Usage: go run ./bench/streams [flags]

Times one step of an LSTM (I = H, random weights) for a batch of streams, and for as many
sessions stepped one by one. A batch reads the weights once for many streams, so a
stream costs the less the more there are, until its multiplications are what counts.

  alone ns   a step of a session, one after the other
  batch ns   a step of the batch, divided by its streams; fastest of many, by turns

Flags:
`

// A lane is one way to make a step, and what it took.
type lane struct {
	streams int
	step    func() error
	calls   int
	times   []float64 // ns for one stream
}

func run() error {
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage); flag.PrintDefaults() }
	H := flag.Int("H", 128, "hidden `size`")
	typ := flag.String("type", "float32", "`type` of the matrices: float32 or int8")
	streams := flag.String("streams", "1,2,4,8,16,32,64,128,256", "`numbers` of streams")
	workers := flag.String("workers", "1", "`numbers` of workers")
	svg := flag.String("svg", "", "draw a picture into this `file`")
	repeats := flag.Int("repeats", 300, "`batches` of each measurement")
	flag.Parse()
	ns, err := numbers("-streams", *streams)
	if err != nil {
		return err
	}
	if *repeats < 1 {
		return fmt.Errorf("-repeats %d: want at least 1", *repeats)
	}
	ks, err := numbers("-workers", *workers)
	if err != nil {
		return err
	}
	m, err := model(*H, *typ)
	if err != nil {
		return err
	}

	s := m.NewSession()
	x, y := input(*H), make([]float32, *H)
	alone := &lane{streams: 1, step: func() error { return s.Step(y, x) }}
	lanes := []*lane{alone}
	for _, k := range ks {
		for _, n := range ns {
			b := m.NewBatch(n, infer.WithWorkers(k))
			defer b.Close()
			xs, ys := input(n**H), make([]float32, n**H)
			lanes = append(lanes, &lane{streams: n, step: func() error { return b.Step(ys, xs) }})
		}
	}
	if err := measure(lanes, *repeats); err != nil {
		return err
	}

	fmt.Printf("%s, %s/%s, %s\ngo run ./bench/streams %s\n", cpuid.CPU.BrandName, runtime.GOOS, runtime.GOARCH, runtime.Version(), strings.Join(os.Args[1:], " "))
	fmt.Printf("LSTM, I = H = %d, %s, %s; ns for one step of one stream, fastest\n\n", *H, *typ, m.ISA())
	picture := chart.Chart{
		Title: fmt.Sprintf("One step of one stream: LSTM %d, %s, %s", *H, *typ, m.ISA()),
		X:     "streams", Y: "ns for one stream's step",
		Series: []chart.Series{{Name: "sessions one by one", Points: [][2]float64{{float64(ns[0]), alone.min()}, {float64(ns[len(ns)-1]), alone.min()}}, Limit: true}},
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "workers\tstreams\talone ns\tbatch ns\tmedian\talone/batch\tsteps/s, all streams\t")
	for i, k := range ks {
		line := chart.Series{Name: fmt.Sprintf("batch, %d workers", k)}
		if k == 1 {
			line.Name = "batch, 1 worker"
		}
		for j, n := range ns {
			l := lanes[1+i*len(ns)+j]
			line.Points = append(line.Points, [2]float64{float64(n), l.min()})
			fmt.Fprintf(w, "%d\t%d\t%.0f\t%.0f\t%.0f\t%.2f\t%.3g\t\n", k, n, alone.min(), l.min(), l.median(), alone.min()/l.min(), 1e9/l.min())
		}
		picture.Series = append(picture.Series, line)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if *svg == "" {
		return nil
	}
	return picture.WriteFile(*svg)
}

// measure lets the lanes take turns.
func measure(lanes []*lane, repeats int) error {
	for _, l := range lanes {
		start := time.Now()
		n := 0
		for ; time.Since(start) < 5*time.Millisecond || n < 3; n++ {
			if err := l.step(); err != nil {
				return err
			}
		}
		l.calls = max(1, n/25)
	}
	progress := terminal.Line(os.Stderr)
	for i := range repeats {
		if i%10 == 0 {
			progress(fmt.Sprintf("%d of %d", i, repeats))
		}
		for _, l := range lanes {
			start := time.Now()
			for range l.calls {
				if err := l.step(); err != nil {
					return err
				}
			}
			l.times = append(l.times, float64(time.Since(start).Nanoseconds())/float64(l.calls*l.streams))
		}
	}
	progress("")
	for _, l := range lanes {
		slices.Sort(l.times)
	}
	return nil
}

func (l *lane) min() float64    { return l.times[0] }
func (l *lane) median() float64 { return l.times[len(l.times)/2] }

// model is an LSTM with weights uniform in ±1/√H.
func model(H int, typ string) (*infer.Model, error) {
	if H < 1 || H > 4096 {
		return nil, fmt.Errorf("-H: %d is no size from 1 to 4096", H)
	}
	r := rand.New(rand.NewPCG(uint64(H), 1))
	uniform := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = (2*r.Float32() - 1) / float32(math.Sqrt(float64(H)))
		}
		return v
	}
	b := format.NewBuilder(H)
	b.Output(b.LSTM("lstm", format.Input, format.Weights{W: uniform(4 * H * H), R: uniform(4 * H * H), B: uniform(4 * H)}))
	m, err := b.Model()
	if err != nil {
		return nil, err
	}
	switch typ {
	case "float32":
	case "int8":
		m = format.Quantized(m, func(string, *format.Tensor) bool { return false })
	default:
		return nil, fmt.Errorf("-type: no type %q; there are float32 and int8", typ)
	}
	file, err := format.Marshal(m)
	if err != nil {
		return nil, err
	}
	return infer.FromBytes(file)
}

func input(n int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	xs := make([]float32, n)
	for i := range xs {
		xs[i] = float32(r.NormFloat64())
	}
	return xs
}

// numbers reads a list of positive numbers.
func numbers(name, list string) (ns []int, err error) {
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 || n > 1<<16 {
			return nil, fmt.Errorf("%s: %q is no number from 1 to 65536", name, s)
		}
		ns = append(ns, n)
	}
	return ns, nil
}
