package main

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/klauspost/cpuid/v2"
	"github.com/rnnedge/rnnedge/bench/internal/chart"
	"github.com/rnnedge/rnnedge/bench/internal/roofline"
)

// A report is what a run prints: where it ran, what it measured.
type report struct {
	CPU     string   `json:"cpu"`
	System  string   `json:"system"` // GOOS/GOARCH
	Go      string   `json:"go"`
	Command string   `json:"command"`
	Readers []string `json:"readers"` // the loops of which the fastest is the roofline
	Rows    []row    `json:"rows"`
}

// A row is one kernel table on one cell and size. Times are nanoseconds per
// step; the fastest batch unless the name says otherwise.
type row struct {
	Cell         string  `json:"cell"`
	Type         string  `json:"type"` // of the matrices
	H            int     `json:"h"`
	Kernels      string  `json:"kernels"`
	Bytes        int     `json:"bytes"`
	ReadNS       float64 `json:"read_ns"`
	StepNS       float64 `json:"step_ns"`
	Ratio        float64 `json:"step_over_read"`
	ReadMedianNS float64 `json:"read_median_ns"`
	StepMedianNS float64 `json:"step_median_ns"`
	MedianRatio  float64 `json:"median_step_over_read"`
	Realtime     float64 `json:"times_48khz"`
	Batches      int     `json:"batches"`
}

func newReport(args []string) *report {
	r := &report{
		CPU:     cpuName(),
		System:  runtime.GOOS + "/" + runtime.GOARCH,
		Go:      runtime.Version(),
		Command: strings.Join(append([]string{"go run ./bench"}, args...), " "),
	}
	for _, reader := range roofline.Readers() {
		r.Readers = append(r.Readers, reader.Name)
	}
	return r
}

func (r *report) table(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s, %s\n%s\n", r.CPU, r.System, r.Go, r.Command)
	fmt.Fprintf(w, "I = H, one step per call, fastest batch; read: %s\n\n", strings.Join(r.Readers, " or "))

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "cell\ttype\tH\tkernels\tbytes\tread ns\tstep ns\tstep/read\tmedians\t× 48 kHz\t")
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%d\t%s\t%s\t%.2f\t%.2f\t%s\t\n", row.Cell, row.Type, row.H, row.Kernels, row.Bytes,
			digits(row.ReadNS), digits(row.StepNS), row.Ratio, row.MedianRatio, digits(row.Realtime))
	}
	return t.Flush()
}

// digits prints v with three digits, two below 1, or as a whole number.
func digits(v float64) string {
	switch {
	case v < 1:
		return fmt.Sprintf("%.2g", v)
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// cpuName is the CPU's name and the sizes of its data caches, as far as it tells.
func cpuName() string {
	c := &cpuid.CPU
	name := c.BrandName
	if name == "" {
		name = "unnamed CPU"
	}
	var sizes []string
	for _, b := range []int{c.Cache.L1D, c.Cache.L2, c.Cache.L3} {
		if b > 0 {
			sizes = append(sizes, fmt.Sprint(b>>10))
		}
	}
	if len(sizes) > 0 {
		name += " (caches " + strings.Join(sizes, ", ") + " KB)"
	}
	return name
}

// picture draws how fast steps go through their weights, a line for each cell, type and kernel
// table, below the roof of reading them alone.
func (r *report) picture() *chart.Chart {
	c := &chart.Chart{
		Title: "Weights per time: a step, and reading alone",
		X:     "bytes of weights", Y: "GB/s",
	}
	read := map[float64]float64{}
	lines := map[string]int{}
	for _, row := range r.Rows {
		bytes := float64(row.Bytes)
		read[bytes] = bytes / row.ReadNS
		name := row.Cell + " " + row.Type + ", " + row.Kernels
		if _, ok := lines[name]; !ok {
			lines[name] = len(c.Series)
			c.Series = append(c.Series, chart.Series{Name: name})
		}
		line := &c.Series[lines[name]]
		line.Points = append(line.Points, [2]float64{bytes, bytes / row.StepNS})
	}
	roof := chart.Series{Name: "reading alone", Limit: true}
	for _, bytes := range slices.Sorted(maps.Keys(read)) {
		roof.Points = append(roof.Points, [2]float64{bytes, read[bytes]})
	}
	c.Series = append(c.Series, roof)
	return c
}
